/* base/audit_row.h - a row of the audit trail of a library: what it says, and how it is chained.
 *
 * A row is a list of named fields in the order of audit_fields[], the last of which is its link:
 * SHA-256 over "ragged audit 1\n" and of each field before it "<name>:<length>:<value>\n", where
 * value is a decimal number, a text in UTF-8 or lower-case hex, and length its bytes in decimal.
 * One of these fields is the link of the row before, zeros in the first row.
 *
 * The state of a library is the sum modulo 2^256 (big-endian) of one SHA-256 for each document:
 * what is added and taken away again leaves no trace in it, the same documents have the same state
 * in any order, and a change costs the same in a library of any size.
 * Nothing in a row is of a document's text, name or path. Pure functions, any thread. */
#ifndef RAGGED_BASE_AUDIT_ROW_H
#define RAGGED_BASE_AUDIT_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"

enum { AUDIT_COMMAND_BYTES = 24, AUDIT_NAME_BYTES = 136, AUDIT_KEYS_BYTES = 1024 };

struct audit_row {
    int64_t sequence, time_ms; /* from 1 on; wall clock */
    int64_t run;               /* the same in all rows of one run of the program; 48 bits */
    char command[AUDIT_COMMAND_BYTES];
    int64_t uid;
    char user[AUDIT_NAME_BYTES];       /* "": the system has no name for it */
    char collection[AUDIT_NAME_BYTES]; /* of the documents; "": none, "*": several */
    char keys[AUDIT_KEYS_BYTES];       /* settings that were changed, separated by commas */
    int64_t documents_added, documents_updated, documents_removed, documents_failed;
    int64_t passages_added, passages_removed, vectors_added;
    int64_t generation_before, generation_after; /* of the library */
    unsigned char state_before[HASH_SHA256_BYTES], state_after[HASH_SHA256_BYTES];
    char file_before[HASH_SHA256_HEX], file_after[HASH_SHA256_HEX]; /* of the settings; "": none */
    unsigned char previous[HASH_SHA256_BYTES], link[HASH_SHA256_BYTES];
};

enum audit_kind { AUDIT_KIND_NUMBER, AUDIT_KIND_TEXT, AUDIT_KIND_HASH };
struct audit_field {
    const char *name;
    enum audit_kind kind;
    size_t offset, size; /* in struct audit_row; size counts the NUL of a text */
};
enum { AUDIT_FIELD_COUNT = 23 };
extern const struct audit_field audit_fields[AUDIT_FIELD_COUNT];

/* The link that belongs to the other fields. */
void audit_row_link(const struct audit_row *row, unsigned char out[HASH_SHA256_BYTES]);

/* A row as it is stored: every field but sequence and run, one after the other, a number as a
 * varint, its sign in the lowest bit, a text as its length and its bytes. */
enum { AUDIT_PACKED_BYTES = sizeof(struct audit_row) + 8 * AUDIT_FIELD_COUNT };
size_t audit_row_pack(const struct audit_row *row, unsigned char out[AUDIT_PACKED_BYTES]);
/* Sets every field but sequence and run. False: audit_row_pack() never made these bytes. */
bool audit_row_unpack(const void *bytes, size_t len, struct audit_row *io_row);

/* A name of the user's as a row has it: itself, or "sha256:" and its hash where it is longer than
 * 128 bytes or no UTF-8. */
void audit_name(const char *name, char out[AUDIT_NAME_BYTES]);

/* A document in the state: SHA-256 over "ragged document 1\n" and, written as in a row, id, path
 * (its SHA-256 in hex), collection (audit_name()), hash, state and passages. */
struct audit_document {
    int64_t id, state, n_passages;
    const void *path; /* raw bytes */
    size_t path_len;
    const char *collection, *hash;
};
void audit_document_hash(const struct audit_document *document,
                         unsigned char out[HASH_SHA256_BYTES]);
void audit_state_add(unsigned char state[HASH_SHA256_BYTES],
                     const unsigned char term[HASH_SHA256_BYTES]);
void audit_state_subtract(unsigned char state[HASH_SHA256_BYTES],
                          const unsigned char term[HASH_SHA256_BYTES]);

/* --- what is asked of a trail, and what it answers --- */

struct audit_filter {
    int64_t since_ms;
    const char *collection; /* NULL: all; rows of several collections are in each */
    size_t n_max;           /* the newest */
    bool is_every_row;      /* else the rows of a run are one */
};
/* The rows of one run, or one of them: of the last, but for sums, and for "before" of the first. */
struct audit_run {
    struct audit_row row;
    int64_t first_sequence, first_ms, n_rows;
};

/* How much is verified: every row and every document, or the newest rows only. */
enum audit_extent { AUDIT_EXTENT_WHOLE, AUDIT_EXTENT_END };
enum { AUDIT_END_ROWS = 256 };

struct audit_verdict {
    int64_t n_rows;          /* that were looked at */
    struct audit_row last;   /* zeroed: there is none, or it can't be read */
    bool is_broken;          /* then: */
    int64_t broken_sequence; /* of the first row that is not right; 0: the trail as a whole */
    char why[160];           /* a clause without a full stop */
    bool has_link;           /* the link that was asked for is in it */
};

#endif
