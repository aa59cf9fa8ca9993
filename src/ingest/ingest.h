/* ingest/ingest.h - files and folders into the library. */
#ifndef RAGGED_INGEST_INGEST_H
#define RAGGED_INGEST_INGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cancel.h"
#include "base/status.h"

struct engine;

enum engine_file_result {
    ENGINE_FILE_ADDED,
    ENGINE_FILE_UPDATED,
    ENGINE_FILE_UNCHANGED,
    ENGINE_FILE_FAILED,
    ENGINE_FILE_SKIPPED, /* not a document: no loader for it, ignored by rule */
    ENGINE_FILE_RESULT_COUNT
};
const char *engine_file_result_name(enum engine_file_result result);

struct engine_file_report {
    const char *path;
    enum engine_file_result result;
    const char *reason; /* FAILED, SKIPPED: why; else a warning or "" */
    const char *hint;
    size_t n_chunks;
    uint64_t size_bytes;
};
struct engine_progress {
    size_t n_files_done, n_files_total;
    uint64_t n_bytes_done, n_bytes_total; /* done: read and cut, perhaps not yet written */
    size_t n_chunks;
    size_t n_vectors_done, n_vectors_total; /* after the files; total 0: not yet */
    int64_t elapsed_ms, phase_ms;           /* phase_ms: since the files or the vectors began */
    int64_t eta_ms;                         /* to the end of both; -1: unknown */
    const char *pause;                      /* why nothing goes on just now; "" while it does */
};
struct engine_add_options {
    const char *const *paths; /* files and folders */
    size_t n_paths;
    const char *collection; /* NULL: "default" */
    /* "name=value", over what documents say of themselves; a name again makes a list. They stay
     * with a document when its file changes; an empty value takes one back. */
    const char *const *metas;
    size_t n_metas;
    bool is_flat;  /* --no-recursive */
    int max_depth; /* -1: none; 0: only the folder's own files */
    bool is_fail_fast;
    bool is_hidden_included;
    bool is_deferred; /* no vector is made; else, after the words, all that the library misses */
    const char *const *excludes; /* globs on the path below the folder, or on the name */
    size_t n_excludes;
    const struct cancel *cancel;
    /* From the calling thread, in the order of the scan, but what is skipped before the others;
     * both may be NULL. */
    void (*on_file)(void *ctx, const struct engine_file_report *report);
    void (*on_progress)(void *ctx, const struct engine_progress *progress);
    void *ctx;
};
struct engine_add_result {
    size_t n[ENGINE_FILE_RESULT_COUNT]; /* by result */
    size_t n_chunks;                    /* written */
    size_t n_vectors_computed, n_vectors_reused;
    size_t n_vectors_filled;   /* computed for passages that were in the library without one */
    size_t n_vectors_deferred; /* passages left without one: of these documents with is_deferred,
                                  else of the whole library */
    size_t n_tail;             /* passages of the library whose words are in no segment */
    int64_t elapsed_ms;
    struct error index_error;  /* OK, or why new segments could not be built: searches are slower */
    struct error vector_error; /* OK, or why passages were left without a vector */
};
/* Adds or updates, words first, vectors afterwards; what was committed stays when it is cancelled
 * or fails. An embedder that can't be asked costs the vectors only (vector_error). NOT_FOUND: a
 * path that is not there (checked before anything is done). *out is set also on CANCELLED. */
enum status engine_add(struct engine *engine, const struct engine_add_options *options,
                       struct engine_add_result *out, struct error *err) MUST_USE;

#endif
