/* library/library.h - looking after what was added: list, remove, status, compact, check, what is
 * cached, what was chosen and who changed it. */
#ifndef RAGGED_LIBRARY_LIBRARY_H
#define RAGGED_LIBRARY_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/audit_row.h"
#include "base/cancel.h"
#include "base/status.h"
#include "query/query.h"

struct engine;

struct engine_document {
    int64_t id;
    const char *path, *title, *kind, *collection, *error, *warning, *hash;
    const char *meta; /* a flat JSON object of what is known besides; "": nothing */
    bool is_failed;
    bool is_partial; /* parts of it are still to be read */
    uint64_t size_bytes;
    int64_t mtime_ms, added_ms;
    size_t n_chunks;
    uint32_t n_pages;
};
/* Ordered by path. `glob`, `collection`: NULL for all. Texts borrowed during the call. INVALID: a
 * condition of the filter, with the place. */
struct engine_list_options {
    const char *glob, *collection;
    struct engine_filter filter;
    bool is_failed_only;
};
enum status engine_list(struct engine *engine, const struct engine_list_options *options,
                        void (*each)(void *ctx, const struct engine_document *document), void *ctx,
                        struct error *err) MUST_USE;
/* `path`: a document, a folder (all below it), or a glob. Dry run only counts. NOT_FOUND: none. */
enum status engine_remove(struct engine *engine, const char *path, bool is_dry_run,
                          void (*each)(void *ctx, const char *path), void *ctx, size_t *out_n,
                          struct error *err) MUST_USE;
enum status engine_clear(struct engine *engine, size_t *out_n, struct error *err) MUST_USE;

struct engine_status {
    const char *data_folder, *embedding_model, *fingerprint, *language; /* borrowed from engine */
    bool has_library;
    size_t n_documents, n_failed, n_partial, n_chunks, n_vectors, n_missing_vectors, dim;
    size_t n_segments, n_tail; /* n_tail: passages whose words are in no segment yet */
    uint64_t text_bytes, database_bytes, vector_bytes, index_bytes;
    int64_t generation;
    size_t memory_budget_bytes;
    const char *memory_state; /* "green", "yellow", "red", "black" */
};
enum status engine_status(struct engine *engine, struct engine_status *out,
                          struct error *err) MUST_USE;
/* Brings the index into its shortest form and gives space back. BUSY: another process is at it. */
enum status engine_compact(struct engine *engine, struct error *err) MUST_USE;
/* Makes the index anew from the stored texts and vectors: all of it, or only what can't be read.
 * The language of the engine becomes the library's. *out_n: passages that were indexed. */
enum engine_reindex { ENGINE_REINDEX_ALL, ENGINE_REINDEX_DAMAGED };
enum status engine_reindex(struct engine *engine, enum engine_reindex what,
                           const struct cancel *cancel, size_t *out_n, struct error *err) MUST_USE;
/* Verifies everything; say() gets one line per problem. CONTENT: all but the audit trail, which
 * nothing can mend. */
enum engine_check_extent { ENGINE_CHECK_ALL, ENGINE_CHECK_CONTENT };
enum status engine_check(struct engine *engine, enum engine_check_extent extent,
                         void (*say)(void *ctx, const char *line), void *ctx,
                         size_t *out_n_problems, struct error *err) MUST_USE;

/* ---- what searches keep ----
 * Results, vectors of queries and answers are kept in memory and in <data>/cache/queries.db. They
 * are found again only in the very state of the library that they were made from; the file may be
 * deleted at any time. docs/design/caches.md. */
#define ENGINE_CACHE_KINDS 3
struct engine_cache_status {
    const char *path; /* of the file; borrowed from engine */
    uint64_t file_bytes, max_bytes;
    bool is_damaged; /* the next write makes the file anew */
    struct {
        const char *name; /* "vectors", "results", "answers" */
        size_t n;
        uint64_t bytes;
    } kinds[ENGINE_CACHE_KINDS]; /* in the file */
};
/* Without a file, or with one of no use, there is nothing in it. BUSY: somebody writes just now. */
enum status engine_cache_status(struct engine *engine, struct engine_cache_status *out,
                                struct error *err) MUST_USE;
/* In memory and in the file. */
enum status engine_cache_clear(struct engine *engine, struct error *err) MUST_USE;

/* ---- what was chosen ---- */
/* What the engine chose or was told. Texts are borrowed during the call. */
struct engine_choice {
    const char *name, *unit;
    uint64_t value;
    const char *reason; /* from what it follows */
    const char *since;  /* when that was measured, UTC; "": it was not */
    const char *reset;  /* what the user can do about it */
};
/* Opens the embedder. NOT_FOUND: its model is not there. */
enum status engine_each_choice(struct engine *engine,
                               void (*each)(void *ctx, const struct engine_choice *choice),
                               void *ctx, struct error *err) MUST_USE;

/* ---- who changed it ---- */
/* Who changed the library; newest first, `n` of them. `since`: a date, NULL: the beginning. A
 * library that is not there has no trail. */
struct engine_audit_options {
    const char *since, *collection; /* NULL: all */
    size_t n;
    bool is_every_row; /* else what one run did is one */
};
enum status engine_audit_list(struct engine *engine, const struct engine_audit_options *options,
                              void (*each)(void *ctx, const struct audit_run *run), void *ctx,
                              struct error *err) MUST_USE;
/* Every row, oldest first. DAMAGED: one that can't be read. */
enum status engine_audit_each(struct engine *engine,
                              enum status (*each)(void *ctx, const struct audit_row *row,
                                                  struct error *err),
                              void *ctx, struct error *err) MUST_USE;
/* The chain, its end and, of the whole, the documents; `link`, in hex, is looked for, NULL: none.
 * NOT_FOUND: no library. */
enum status engine_audit_verify(struct engine *engine, enum audit_extent extent, const char *link,
                                struct audit_verdict *out, struct error *err) MUST_USE;
/* A row about settings that were changed: their names, SHA-256 of their file in hex, or "" where
 * there was none. NOT_FOUND: no library. */
struct engine_audit_settings {
    const char *keys, *collection, *file_before, *file_after; /* collection "": all */
};
enum status engine_audit_settings(struct engine *engine,
                                  const struct engine_audit_settings *settings,
                                  struct error *err) MUST_USE;

#endif
