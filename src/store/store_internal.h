/* store/store_internal.h - what the files of this room share: the connection and its state. */
#ifndef RAGGED_STORE_STORE_INTERNAL_H
#define RAGGED_STORE_STORE_INTERNAL_H

#include <sqlite3.h>

#include "base/buf.h"
#include "base/file.h"
#include "store/audit.h"
#include "store/sql.h"
#include "store/store.h"

/* The one row of `library`. Inside a transaction struct store keeps it: as of the snapshot, and
 * with the changes of the open transaction, which commit writes back. */
struct library {
    int64_t generation;
    int64_t next_chunk_id; /* ids below were given out, each once */
    int64_t next_slot;     /* rows below are in the vector file, or were */
    int64_t vector_file;   /* its number */
    int64_t vector_bytes;  /* of a row; 0: no vector yet */
    int64_t n_tail, n_vector_tail;
};

/* What the open transaction writes into the vector file (vector_file.c). */
struct vector_writer {
    int fd;             /* -1: it wrote nothing yet */
    char *path;         /* of fd; owned */
    struct buf pending; /* rows from `first_slot` on that are not in the file yet */
    int64_t first_slot;
};

/* The vector file as a reader sees it; kept between snapshots. */
struct vector_map {
    struct span span; /* may reach beyond the end of the file; {NULL, 0}: none */
    int64_t number;   /* of the file */
    uint64_t inode, device;
    int64_t lost_number; /* of the file that was not there; 0: none */
    uint64_t lost_snapshot;
};

/* One thread at a time. `db` is NULL after a failed disk operation until the next use reopens it:
 * what a failed fsync left in the page cache is not known, so the connection that saw it is not
 * asked again. */
struct store {
    sqlite3 *db;
    char *folder, *path, *wal_path, *lock_path; /* owned */
    enum store_open_mode mode;
    struct sqlite3_stmt *statements[SQL_COUNT]; /* prepared at first use */
    struct file_lock lock;                      /* write.lock, held while is_writing */
    bool is_writing, is_reading;
    bool is_failed;       /* a change of the open transaction failed: it can't be committed */
    bool is_broken;       /* the connection must not be used again */
    uint64_t n_snapshots; /* taken so far */
    int64_t n_changes_at_begin;
    struct library library;       /* while a transaction is open */
    int64_t vector_file_at_begin; /* its number */
    struct vector_writer writer;
    struct vector_map map;
    struct audit_note note;     /* of the open transaction */
    struct audit_author author; /* of its row in the trail */
};

/* --- connection.c --- */
enum status connection_open(struct store *store, struct error *err) MUST_USE;
void connection_close(struct store *store);
/* Reopens a broken connection; to be called where no transaction is open. */
enum status connection_ready(struct store *store, struct error *err) MUST_USE;
/* Runs constant SQL that gives no rows. */
enum status connection_run(struct store *store, const char *sql, struct error *err) MUST_USE;
/* The integer of the first row of constant SQL. */
enum status connection_get_int(struct store *store, const char *sql, int64_t *out,
                               struct error *err) MUST_USE;

#define STORE_VECTOR_BYTES_MAX (1024 * 1024)

/* --- library.c --- */
/* Inside a transaction its copy, outside of one what is committed. DAMAGED: the row is. */
enum status library_get(struct store *store, struct library *out, struct error *err) MUST_USE;
/* Reads the row into store->library, at the begin of a transaction. */
enum status library_load(struct store *store, struct error *err) MUST_USE;
/* Writes store->library back. */
enum status library_save(struct store *store, struct error *err) MUST_USE;
/* Draws the stamp of the commit that follows. */
#define META_STAMP "stamp"
enum status library_stamp(struct store *store, struct error *err) MUST_USE;

/* --- vector_file.c --- */
/* Notes a row for slot library.next_slot, which it raises; it is in the file after
 * vector_file_sync(). vector_bytes is the length. */
enum status vector_file_append(struct store *store, const void *row, struct error *err) MUST_USE;
/* Makes every appended row durable. After a failure the transaction must not commit. */
enum status vector_file_sync(struct store *store, struct error *err) MUST_USE;
/* The transaction is over: what is pending is forgotten, the file closed. */
void vector_file_forget(struct store *store);
/* Goes on with an empty file of the next number. */
void vector_file_replace(struct store *store);
/* Owned; NULL: out of memory. */
char *vector_file_path(const struct store *store, int64_t number) MUST_USE;
/* For reading; close() it. BUSY: not there; DAMAGED: not there in a second snapshot either, or
 * shorter than next_slot says. */
enum status vector_file_open(struct store *store, int *out_fd, struct error *err) MUST_USE;
enum status vector_file_read(struct store *store, int fd, int64_t slot, void *out,
                             struct error *err) MUST_USE;
/* The same for punching; DAMAGED already when it is not there. */
enum status vector_file_open_writable(struct store *store, int *out_fd, struct error *err) MUST_USE;
/* Gives the whole pages inside rows [first, until) back; a file system that can't is fine. */
enum status vector_file_punch(struct store *store, int fd, int64_t first, int64_t until,
                              struct error *err) MUST_USE;
void vector_map_clear(struct vector_map *map);

/* --- document.c --- */
/* Bytes of their texts. */
size_t document_text_bytes(const struct store_chunk *chunks, size_t n_chunks);
/* The row of a document; *out_id is what it has had, or a new one. */
enum status document_put_row(struct store *store, const struct store_document *document,
                             size_t n_chunks, size_t text_bytes, int64_t *out_id,
                             struct error *err) MUST_USE;
/* Chunks from ord n_left on go; the rows of the document are the caller's to set right. */
enum status document_cut(struct store *store, int64_t document_id, size_t n_left,
                         struct error *err) MUST_USE;
/* Without chunks, and without parts to come. */
enum status document_empty(struct store *store, int64_t document_id, struct error *err) MUST_USE;
enum status document_add_chunk(struct store *store, int64_t document_id, size_t ord,
                               const struct store_chunk *chunk, bool into_tail,
                               struct error *err) MUST_USE;

/* --- tail.c --- */
/* A new chunk in both tails, or in `missing` when its hash has no vector; into_tail false: a
 * segment has its words. */
enum status tail_add_chunk(struct store *store, int64_t chunk_id, int64_t document_id,
                           const struct store_chunk *chunk, bool into_tail,
                           struct error *err) MUST_USE;
/* The chunks [first, until) of one document go: from the tails, or they become dead. */
enum status tail_remove_range(struct store *store, int64_t first, int64_t until,
                              struct error *err) MUST_USE;

/* --- manifest.c --- */
enum status dead_add(struct store *store, enum store_kind kind, int64_t first, int64_t until,
                     struct error *err) MUST_USE;

/* --- migrate.c --- */
/* Fills `vectors` and the vector file from `old_vectors`, the table of version 2. */
enum status migrate_vectors(struct store *store, struct error *err) MUST_USE;

/* --- audit_read.c --- */
struct statement;
/* The columns id, path, collection, hash, state, n_chunks; texts borrowed from the row. */
enum status audit_take_document(struct statement *st, struct audit_document *out,
                                struct error *err) MUST_USE;
/* The columns sequence, run, row; false: sequence and run are set, and the rest can't be read. */
bool audit_take_row(struct statement *st, struct audit_row *out);
/* The state of all documents, computed from them. */
enum status audit_sum_documents(struct store *store, unsigned char out[HASH_SHA256_BYTES],
                                struct error *err) MUST_USE;

/* --- schema.c --- */
enum schema_state { SCHEMA_EMPTY, SCHEMA_OLDER, SCHEMA_CURRENT };
/* INVALID: another program's database, or a newer version's. */
enum status schema_get_state(struct store *store, enum schema_state *out,
                             struct error *err) MUST_USE;
/* Brings the database to the newest version in one transaction; write.lock is held. */
enum status schema_migrate(struct store *store, struct error *err) MUST_USE;

/* --- result.c --- */
enum status result_status(int rc);
/* Turns an SQLite result into a status and a sentence, and notes what it means for the connection
 * and the open transaction. */
enum status store_fail(struct store *store, int rc, struct error *err);
/* A change that failed for another reason than SQLite: the open transaction can't be committed.
 * Returns `status`. */
enum status store_fail_change(struct store *store, enum status status);

/* --- leftover.c --- */
/* Calls each() for every file that is too old to be in use: temporary ones, and vector files with a
 * number outside of [first_kept, last_kept]. */
enum status leftover_each(const char *folder, int64_t first_kept, int64_t last_kept,
                          enum status (*each)(void *ctx, const char *path, struct error *err),
                          void *ctx, struct error *err) MUST_USE;

/* --- check_blobs.c --- */
/* Where store_check() reports to. */
struct check {
    struct store *store;
    void (*say)(void *ctx, const char *line);
    void *ctx;
    size_t n_problems;
    size_t vector_bytes; /* 0: any */
    int vector_fd;       /* -1: there is no file, or it could not be opened */
};
void check_say(struct check *check, const char *format, ...) PRINTF_LIKE(2, 3);
enum status check_terms(struct check *check, struct error *err) MUST_USE;
/* Before anything is said: see vector_file_open(). */
enum status check_open_vectors(struct check *check, struct error *err) MUST_USE;
void check_close_vectors(struct check *check);
enum status check_vectors(struct check *check, struct error *err) MUST_USE;

/* --- page_vfs.c --- */
#define PAGE_VFS_RESERVED_BYTES 8 /* of each page, for its checksum */
/* Name of the VFS of a library's database; NULL: it could not be registered. */
const char *page_vfs_name(void);

#ifdef RAGGED_FAULT
/* --- fault_vfs.c --- */
/* Name of a VFS that asks base/fault.h before each step; NULL: it could not be registered. */
const char *fault_vfs_name(void);
#endif

#endif
