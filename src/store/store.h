/* store/store.h - one data directory: the SQLite database that is truth, manifest and memtable, and
 * the file of the vectors. More of this door: store/store_index.h (segments, tails, the vector
 * file), store/store_audit.h, store/store_cache.h.
 *
 * A document exists when, and only when, one transaction says so. Every writing transaction and
 * every checkpoint happens under <data>/write.lock (WAL-reset race of older SQLite libraries).
 * Threads: one thread at a time per struct store; open one per thread. Any number of processes. */
#ifndef RAGGED_STORE_STORE_H
#define RAGGED_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/hash.h"
#include "base/status.h"

/* Once per process, by main, before anything else of this door: SQLite allocates through
 * base/mem.h from then on. */
void store_use_mem(void);

/* INVALID: the SQLite library in this process can't hold a library; nothing is opened then. The
 * version is static. */
enum status store_check_sqlite(const char **out_version, struct error *err) MUST_USE;

struct store;

enum store_open_mode {
    STORE_OPEN_READ,  /* NOT_FOUND when there is no library yet; nothing is created */
    STORE_OPEN_WRITE, /* creates folder and database, migrates an older one */
};
/* INVALID: made by a newer ragged, or not a ragged database. DAMAGED: bad bytes. BUSY: locked past
 * the time-out. */
enum status store_open(const char *folder, enum store_open_mode mode, struct store **out,
                       struct error *err) MUST_USE;
void store_close(struct store *store); /* NULL is fine */

/* --- what a document is --- */
enum store_document_state {
    STORE_DOCUMENT_READY,
    STORE_DOCUMENT_FAILED,
    STORE_DOCUMENT_PARTIAL, /* parts of the file are there, more are to come */
    STORE_DOCUMENT_STATE_COUNT
};
struct store_document {
    int64_t id;       /* out */
    const char *path; /* absolute, raw bytes; the key */
    const char *title, *kind, *collection;
    uint64_t size_bytes, inode;
    int64_t mtime_ns, added_ms; /* added_ms: wall clock */
    const char *hash;           /* SHA-256 hex of the file; "": it could not be read, or not yet */
    enum store_document_state state;
    const char *error, *warning; /* FAILED: why; else "" */
    const char *meta;            /* a JSON object of what it says about itself; "", NULL: nothing */
    uint32_t n_pages;
    size_t n_chunks;  /* out */
    uint64_t n_parts; /* out; 0: it was read as one */
};

struct store_chunk {
    uint32_t page, page_end, line, line_end;
    uint64_t byte_start, byte_end;
    const char *heading, *text; /* terminated */
    struct hash128 hash;        /* of heading and text: key of the vector */
    const uint16_t *vector;     /* fp16 [dim]; NULL: none yet, or already stored under this hash */
    size_t vector_bytes;        /* 2 * dim */
    const void *terms;          /* lexical_terms_encode() blob, of the tail */
    size_t terms_len;
    uint32_t n_terms;
};

/* --- writing: begin, any number of changes, commit ---
 * After a change failed with anything but NOT_FOUND the commit fails too: roll back. */
/* Takes write.lock and BEGIN IMMEDIATE; keep it short, nothing slow inside. BUSY after 10 s. */
enum status store_write_begin(struct store *store, struct error *err) MUST_USE;
struct store_place {
    int64_t document_id, first_chunk_id; /* chunk i has the id first_chunk_id + i */
};
/* Inserts, or replaces the document of that path (which keeps its id) with all its chunks, which
 * get ids that were never given out before and follow each other. A chunk has the vector of its
 * hash if there is one; a vector stays when its last chunk goes, until store_compact(). FAILED:
 * n_chunks must be 0. out NULL: its words go into the tail; else the segment that has them is
 * listed in the same write. */
enum status store_put_document(struct store *store, const struct store_document *document,
                               const struct store_chunk *chunks, size_t n_chunks,
                               struct store_place *out, struct error *err) MUST_USE;
/* A part of a file that is too large to be read as one. */
struct store_part {
    uint64_t i;          /* which, from 0 on */
    uint64_t part_bytes; /* what the file is cut into */
    uint64_t n_lines;    /* line ends in this part */
    uint64_t n_bytes;    /* of its extracted text: the next part's byte_start counts from there */
    bool is_last;
};
/* The next part of a document, with lines and bytes of the chunks as within the part: they are
 * stored as within the file. Part 0 replaces what there was; the document is PARTIAL until the last
 * part, which gives it the hash. Its state is not looked at. *out_is_next false: the document there
 * is of another size, inode, time or part_bytes, or waits for another part; nothing is done. `out`
 * as of store_put_document(). */
enum status store_put_part(struct store *store, const struct store_document *document,
                           const struct store_part *part, const struct store_chunk *chunks,
                           size_t n_chunks, struct store_place *out, bool *out_is_next,
                           struct error *err) MUST_USE;
/* A vector for every chunk of that hash: those put from now on have it, those that are there
 * already need store_link_vector(). A hash that is stored already keeps its vector. INVALID:
 * another size than the library's. LIMIT: 2^32 vectors. */
enum status store_put_vector(struct store *store, struct hash128 hash, const uint16_t *vector,
                             size_t vector_bytes, struct error *err) MUST_USE;
/* A chunk of store_each_missing_vector() gets the vector of its hash. OK too when there is none, or
 * no such chunk misses one any more. */
enum status store_link_vector(struct store *store, int64_t chunk_id, struct error *err) MUST_USE;
/* Drops every vector, and the vector segments with their dead ranges: the library changes its
 * model. Every chunk is a missing one then. */
enum status store_remove_vectors(struct store *store, struct error *err) MUST_USE;
/* Only size, inode, mtime of an unchanged document. NOT_FOUND. */
enum status store_touch_document(struct store *store, int64_t document_id, uint64_t size_bytes,
                                 uint64_t inode, int64_t mtime_ns, struct error *err) MUST_USE;
/* With its chunks. NOT_FOUND. */
enum status store_remove_document(struct store *store, int64_t document_id,
                                  struct error *err) MUST_USE;
/* Takes at most n_max passages away, the last ones; *out_n is how many there are then. The document
 * is PARTIAL from then on, and waits for no part. NOT_FOUND. */
enum status store_shrink_document(struct store *store, int64_t document_id, size_t n_max,
                                  size_t *out_n, struct error *err) MUST_USE;
/* Every document; segments and dead ranges too. */
enum status store_remove_all(struct store *store, size_t *out_n, struct error *err) MUST_USE;
enum status store_set_meta(struct store *store, const char *key, const char *value,
                           struct error *err) MUST_USE;
/* Commits: the generation grows by one (not when nothing changed), everything becomes visible at
 * once. On failure everything is rolled back and the transaction is over too. */
enum status store_write_commit(struct store *store, struct error *err) MUST_USE;
void store_write_rollback(struct store *store); /* none open is fine */
/* Moves the log into the database when it is longer than that (0: always); readers go on, and what
 * they still need stays. Call it in a bulk load and after it: the first process that opens a
 * library reads its whole log (0.6 ms per MiB), and every other looks for each page in it first. */
enum status store_checkpoint(struct store *store, uint64_t longer_than_bytes,
                             struct error *err) MUST_USE;
/* Gives the space of removed rows, of unused vectors and of files of stopped processes back. The
 * vector file gets holes where the compact before this one had already found no vector: a snapshot
 * older than that compact reads zeros there, any other never looks. */
enum status store_compact(struct store *store, struct error *err) MUST_USE;

/* --- reading: a snapshot sees one generation until it is released ---
 * Without store_read_begin() each call is a snapshot of its own. each() may call any read function
 * but the one that called it. */
enum status store_read_begin(struct store *store, struct error *err) MUST_USE;
void store_read_end(struct store *store); /* none open is fine */
enum status store_generation(struct store *store, int64_t *out, struct error *err) MUST_USE;
/* Two libraries, or two moments of one, have the same state only when their content is the same:
 * every commit draws a random stamp, so that a library that was restored, or made anew in the same
 * folder, does not meet its old generations again. NOT_FOUND: last written by a version without
 * stamps. */
enum status store_state(struct store *store, struct hash128 *out, struct error *err) MUST_USE;
/* Keys of meta: what the stored terms and vectors were made with; and see index/recall.h. */
#define STORE_META_FINGERPRINT "embedding_fingerprint"
#define STORE_META_DIM "embedding_dim"
#define STORE_META_ANALYZER "analyzer"
#define STORE_META_RESCORE "rescore_factor"
/* Value from `arena`; NULL when never set. */
enum status store_get_meta(struct store *store, const char *key, struct arena *arena,
                           const char **out, struct error *err) MUST_USE;

/* `path` is raw bytes. Texts from `arena`. NOT_FOUND. */
enum status store_find_document(struct store *store, const char *path, struct arena *arena,
                                struct store_document *out, struct error *err) MUST_USE;
enum status store_get_document(struct store *store, int64_t id, struct arena *arena,
                               struct store_document *out, struct error *err) MUST_USE;
/* Ordered by path; texts are borrowed during the call. A status other than OK from each() ends it.
 */
enum status store_each_document(struct store *store,
                                enum status (*each)(void *ctx, const struct store_document *doc,
                                                    struct error *err),
                                void *ctx, struct error *err) MUST_USE;

/* part_bytes of a PARTIAL document; 0: it was shrunk, no part can follow. NOT_FOUND: there is none.
 */
enum status store_get_part_bytes(struct store *store, int64_t document_id, uint64_t *out,
                                 struct error *err) MUST_USE;

/* The path of every document, in no order; borrowed during the call. */
enum status store_each_path(struct store *store,
                            enum status (*each)(void *ctx, const char *path, struct error *err),
                            void *ctx, struct error *err) MUST_USE;

/* Every collection with its number of documents, ordered by name; borrowed during the call. */
enum status store_each_collection(struct store *store,
                                  enum status (*each)(void *ctx, const char *collection,
                                                      size_t n_documents, struct error *err),
                                  void *ctx, struct error *err) MUST_USE;

/* Is a vector stored for this chunk and the library's model? */
enum status store_has_vector(struct store *store, struct hash128 hash, bool *out,
                             struct error *err) MUST_USE;

/* Chunks without a vector, ordered by chunk id, from `after_chunk_id` (0: the first) on; texts are
 * borrowed during the call. */
enum status store_each_missing_vector(struct store *store, int64_t after_chunk_id, size_t n_max,
                                      enum status (*each)(void *ctx, int64_t chunk_id,
                                                          const struct store_chunk *chunk,
                                                          struct error *err),
                                      void *ctx, struct error *err) MUST_USE;

/* Their ids only, ascending. */
enum status store_each_missing_id(struct store *store,
                                  enum status (*each)(void *ctx, int64_t chunk_id,
                                                      struct error *err),
                                  void *ctx, struct error *err) MUST_USE;

/* A chunk with its document's path and title; texts from `arena`. */
struct store_passage {
    int64_t chunk_id, document_id;
    uint32_t ord;             /* position in its document, 0-based */
    struct store_chunk chunk; /* vector, terms: NULL */
    const char *path, *title, *kind, *collection, *meta;
    int64_t mtime_ns;
};
enum status store_get_passage(struct store *store, int64_t chunk_id, struct arena *arena,
                              struct store_passage *out, struct error *err) MUST_USE;
/* By document and position; NOT_FOUND past the ends. */
enum status store_get_neighbour(struct store *store, int64_t document_id, uint32_t ord,
                                struct arena *arena, struct store_passage *out,
                                struct error *err) MUST_USE;

struct store_counts {
    size_t n_documents, n_failed, n_partial, n_chunks, n_vectors, n_missing_vectors;
    size_t n_tail, n_vector_tail, n_segments;
    uint64_t text_bytes, database_bytes, vector_file_bytes; /* holes count too */
};
enum status store_count(struct store *store, struct store_counts *out, struct error *err) MUST_USE;

/* Files in the data folder that a stopped process left there, too old to be in use: temporary ones,
 * and vector files that were replaced. store_compact() removes them. Inside a snapshot or a write.
 */
enum status store_each_leftover(struct store *store,
                                enum status (*each)(void *ctx, const char *path, struct error *err),
                                void *ctx, struct error *err) MUST_USE;

/* The oracle: integrity_check, counts agree, nothing dangling, blobs parse, vectors are what was
 * written, finite and of the library's dimension. What is in the segments it does not know: the
 * engine asks them. say() gets one line per problem. *out_n_problems counts them. Not inside a
 * write. */
enum status store_check(struct store *store, size_t dim, void (*say)(void *ctx, const char *line),
                        void *ctx, size_t *out_n_problems, struct error *err) MUST_USE;

#include "store/store_audit.h"
#include "store/store_cache.h"
#include "store/store_index.h"

#endif
