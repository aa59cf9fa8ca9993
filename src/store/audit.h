/* store/audit.h - how the files of this room note what the open transaction changes. */
#ifndef RAGGED_STORE_AUDIT_H
#define RAGGED_STORE_AUDIT_H

#include <stdbool.h>

#include "base/audit_row.h"
#include "store/store.h"

/* Of the open transaction; zeroed at its begin. */
struct audit_note {
    struct audit_row row;                   /* its counts, collection, keys and hashes of files */
    unsigned char delta[HASH_SHA256_BYTES]; /* to the state before */
    bool is_all_gone;                       /* to zero instead: every document has gone */
    bool is_wanted;                         /* a row also when nothing of the library changes */
};

/* Who works with the store. */
struct audit_author {
    char command[AUDIT_COMMAND_BYTES]; /* "": not told */
    int64_t run;                       /* 0: not told */
    char user[AUDIT_NAME_BYTES];
    bool has_user; /* it was looked up */
};

/* To be called around each change of a row of `documents`: what it was leaves the state, what it
 * is enters it. *out_n_passages: of what was; -1: there was none, which is no failure of leaving.
 */
enum status audit_leave(struct store *store, int64_t document_id, int64_t *out_n_passages,
                        struct error *err) MUST_USE;
enum status audit_leave_path(struct store *store, const char *path, int64_t *out_n_passages,
                             struct error *err) MUST_USE;
enum status audit_enter(struct store *store, int64_t document_id, struct error *err) MUST_USE;
/* The same, of a row that document_put_row() was given just now. */
void audit_enter_put(struct store *store, int64_t id, const struct store_document *document,
                     size_t n_passages);
/* Counts a document that was put: what was there had n_before passages, -1: there was none. */
void audit_count_put(struct store *store, enum store_document_state state, int64_t n_before,
                     size_t n_passages);
/* Instead of leaving one after the other; before they go. */
enum status audit_leave_all(struct store *store, struct error *err) MUST_USE;

/* Writes the row of the open transaction; library.generation is what it will be. */
enum status audit_write(struct store *store, bool has_changed, struct error *err) MUST_USE;
/* The first row of a library that has none: a step of a migration. */
enum status audit_begin_trail(struct store *store, struct error *err) MUST_USE;

#endif
