/* engine/ingest.h - the pipeline from files to committed documents. Private to engine/.
 *
 *   workers: prepare(job): look, hash, parse in the jail, chunk, terms   then   embed slices of
 * jobs writer (the calling thread): takes finished jobs in their order and commits them in groups
 *
 * The order of documents, and so everything stored, does not depend on the number of threads. A
 * slice of a big document is embedded by whichever worker is free. Bounded: at most INGEST_WINDOW
 * jobs and INGEST_BYTES_MAX of their memory are between the first worker and the writer. */
#ifndef RAGGED_ENGINE_INGEST_H
#define RAGGED_ENGINE_INGEST_H

#include "base/arena.h"
#include "engine/engine_internal.h"
#include "load/load.h"

#define INGEST_WINDOW 128
#define INGEST_BYTES_MAX ((size_t)96 * 1024 * 1024)
#define INGEST_SLICE 16 /* chunks embedded in one go */

/* What the library already has under a path. */
struct ingest_known {
    int64_t id;
    uint64_t size_bytes, inode;
    int64_t mtime_ns;
    bool is_ready;
    uint64_t part_bytes, n_parts; /* of one that was begun in parts; 0, 0: it was not */
    size_t n_chunks;
    char hash[HASH_SHA256_HEX];
    const char *given; /* metadata of the user, as of engine/metadata.h */
};

/* Passages of the library that have no vector: those of them with after < id <= until. */
struct ingest_missing {
    int64_t after, until;
};

/* What the writer does with a finished job. */
enum ingest_change {
    INGEST_CHANGE_NONE,
    INGEST_CHANGE_DOCUMENT, /* puts `document`, also a recorded failure */
    INGEST_CHANGE_PART,     /* puts `part` of `document` */
    INGEST_CHANGE_STAT,     /* only size, inode, mtime */
    INGEST_CHANGE_VECTORS,  /* puts the vectors of `needed` */
};

/* One document on its way. Owned by one worker while it is prepared, by any number of them (each
 * its slice) while it is embedded, then by the writer. */
struct ingest_job {
    /* in */
    const char *path;
    const char *problem; /* not NULL: it fails with this */
    const struct text_block
        *record; /* a document given as blocks instead of a file; NULL: a file */
    size_t n_record;
    const char *record_title;
    struct parts *parts; /* not NULL: part i_part of the file, see engine/parts.h */
    size_t i_part;
    const struct ingest_missing *missing; /* not NULL: no document, these passages */
    const struct ingest_known *known;     /* NULL: new */
    /* out */
    enum engine_file_result result;
    struct error error; /* FAILED */
    bool is_silent;     /* another job of the same file is told of */
    bool is_changed;    /* the failure: the file is another one than when its first part was read */
    bool is_fatal;      /* the failure is not this document's: stop everything */
    enum ingest_change change;
    struct store_document document;
    struct store_part part; /* PART */
    const char *given;      /* metadata of the user: what was there before, and now */
    bool is_given_changed;
    char hash[HASH_SHA256_HEX];
    struct store_chunk *chunks;
    size_t n_chunks;
    uint16_t *vectors; /* fp16 [n_needed][dim] */
    size_t *needed;    /* chunks whose vector must be computed */
    size_t n_needed;
    size_t n_deferred; /* vectors left for later */
    struct arena arena;
    /* pipeline, by its mutex */
    size_t next_slice, n_slices_left;
    bool is_prepared, is_done;
};

/* What each worker thread owns. */
struct ingest_worker {
    struct load_worker *loader;
    struct analyzer *analyzer;
    struct embedder_work *embed_work; /* NULL: vectors are deferred */
    struct store *reader;             /* to see which vectors are stored already */
    float *floats;                    /* [INGEST_SLICE][dim] */
};

struct ingest_context {
    struct engine *engine;
    struct embedder *embedder;
    const char *collection;
    const char *given; /* metadata of the user for every document; "": none */
    const struct cancel *cancel;
    size_t dim;
    bool is_deferred; /* nothing is embedded */
};

enum status ingest_worker_init(struct ingest_worker *worker, const struct ingest_context *context,
                               struct error *err) MUST_USE;
void ingest_worker_clear(struct ingest_worker *worker); /* half-built is fine */

/* --- for jobs of parts --- */
enum status ingest_set_document(struct ingest_job *job, const struct load_document *loaded,
                                struct error *err) MUST_USE;
/* Chunks of the document's title and these blocks; none is fine. */
enum status ingest_index_blocks(struct ingest_worker *worker, const struct ingest_context *context,
                                const struct text_block *blocks, size_t n_blocks,
                                struct ingest_job *job, struct error *err) MUST_USE;
void ingest_fail(struct ingest_job *job, enum status status);

/* Fills the job's outputs; a failure of the document is an outcome of the job, not an error here.
 */
void ingest_prepare(struct ingest_worker *worker, const struct ingest_context *context,
                    struct ingest_job *job);

/* Embeds slice i_slice of job->needed into job->vectors. */
enum status ingest_embed_slice(struct ingest_worker *worker, const struct ingest_context *context,
                               struct ingest_job *job, size_t i_slice, struct error *err) MUST_USE;

/* Where the jobs come from: fills *job's inputs for index i < n; they stay valid until the end. */
struct ingest_source {
    size_t n;
    size_t n_silent; /* of them: jobs that are not a file of their own */
    uint64_t n_bytes;
    void (*get)(void *ctx, size_t i, struct ingest_job *job, uint64_t *out_bytes);
    void *ctx;
};

/* Runs everything to the end; results as engine_add(). */
enum status ingest_run(struct engine *engine, const struct ingest_source *source,
                       const struct engine_add_options *options, struct engine_add_result *out,
                       struct error *err) MUST_USE;

/* Makes every vector that the library misses, with what is computed committed on the way; adds to
 * *io_result. What can't be embedded keeps missing while the rest goes on, and is the error then.
 */
enum status ingest_fill(struct engine *engine, const struct engine_add_options *options,
                        struct engine_add_result *io_result, struct error *err) MUST_USE;

#endif
