/* ingest/ingest_job.h - the pipeline from files to committed documents.
 *
 * It is run twice. The words: every document is read, cut and committed without the vectors that
 * are not there yet, and is found by its words from then on. The vectors: whatever the library
 * misses is embedded, a slice of passages as one job, in the order of their ids.
 *
 *   workers: prepare(job): look, hash, parse in the jail, chunk, terms   or   read and embed a
 * slice writer (the calling thread): takes finished jobs in their order and commits them in groups
 *
 * The order of documents, and so everything stored, does not depend on the number of threads.
 * Bounded: at most INGEST_WINDOW jobs are between the first worker and the writer, and as many
 * bytes as the governor gives. */
#ifndef RAGGED_INGEST_INGEST_JOB_H
#define RAGGED_INGEST_INGEST_JOB_H

#include "base/arena.h"
#include "base/file.h"
#include "base/thread.h"
#include "engine/engine_parts.h"
#include "ingest/ingest.h"
#include "load/load.h"

#define INGEST_WINDOW 512
#define INGEST_SLICE 16                               /* chunks embedded in one go */
#define INGEST_PARSER_BYTES ((size_t)8 * 1024 * 1024) /* a parser between two documents */

/* What the library already has under a path. */
struct ingest_known {
    int64_t id;
    uint64_t size_bytes, inode;
    int64_t mtime_ns;
    bool is_ready;
    uint64_t part_bytes, n_parts; /* of one that was begun in parts; 0, 0: it was not */
    size_t n_chunks;
    char hash[HASH_SHA256_HEX];
    const char *given; /* metadata of the user, as of query/metadata.h */
};

/* Passages of the library that have no vector: those of them with after < id <= until. */
struct ingest_missing {
    int64_t after, until;
};

enum ingest_pass { INGEST_PASS_WORDS, INGEST_PASS_VECTORS };

/* What the writer does with a finished job. */
enum ingest_change {
    INGEST_CHANGE_NONE,
    INGEST_CHANGE_DOCUMENT, /* puts `document`, also a recorded failure */
    INGEST_CHANGE_PART,     /* puts `part` of `document` */
    INGEST_CHANGE_STAT,     /* only size, inode, mtime */
    INGEST_CHANGE_VECTORS,  /* puts the vectors of a slice, and links its passages to them */
};

/* One document, or one slice of passages, on its way. Owned by one worker, then by the writer. */
struct ingest_job {
    /* in */
    const char *path;
    const char *problem; /* not NULL: it fails with this */
    const struct text_block
        *record; /* a document given as blocks instead of a file; NULL: a file */
    size_t n_record;
    const char *record_title;
    struct parts *parts; /* not NULL: part i_part of the file, see ingest/parts.h */
    size_t i_part;
    const struct ingest_missing *missing; /* not NULL: no document, these passages */
    const struct ingest_known *known;     /* NULL: new */
    /* out */
    enum engine_file_result result;
    struct error error; /* FAILED */
    bool is_silent;     /* another job of the same file is told of */
    bool is_changed;    /* the failure: the file is another one than when its first part was read */
    bool is_fatal;      /* the failure is not this job's: stop everything */
    enum ingest_change change;
    struct store_document document;
    struct store_part part; /* PART */
    const char *given;      /* metadata of the user: what was there before, and now */
    bool is_given_changed;
    char hash[HASH_SHA256_HEX];
    struct store_chunk *chunks;
    size_t n_chunks;
    size_t n_missing;  /* of a document's chunks: without a vector */
    uint64_t n_tokens; /* of them all */
    uint16_t *vectors; /* of a slice, fp16 [n_chunks][dim] */
    size_t n_earlier;  /* of a slice: chunks that were in the library before this ingest */
    int64_t linked[INGEST_SLICE]; /* of a slice: ids of all its passages that miss a vector, also
                                     where a twin has it or is among `chunks` */
    size_t n_linked;
    struct arena arena;
    /* pipeline, by its mutex */
    size_t n_taken; /* bytes of the governor */
    bool is_done;
};

/* What each worker thread owns. */
struct ingest_worker {
    struct load_worker *loader;
    struct analyzer *analyzer;
    struct embedder_work *embed_work; /* NULL in the pass of the words, as is `floats` */
    struct store *reader;             /* to see which vectors are stored already */
    float *floats;                    /* [INGEST_SLICE][dim] */
    struct thread_turns turns;        /* as the pipeline counted them last */
};

struct ingest_context {
    struct engine *engine;
    struct embedder *embedder; /* one that only counts when the real one can't be asked */
    const char *collection;
    const char *given; /* metadata of the user for every document; "": none */
    const struct cancel *cancel;
    enum ingest_pass pass;
    unsigned n_threads;
    int64_t last_earlier_id; /* the last passage without a vector before this ingest; 0: none */
};

enum status ingest_worker_init(struct ingest_worker *worker, const struct ingest_context *context,
                               struct error *err) MUST_USE;
void ingest_worker_clear(struct ingest_worker *worker); /* half-built is fine */

/* --- for jobs of parts --- */
/* A file that is as it was need not be read again. */
bool ingest_may_skip(const struct ingest_context *context, const struct ingest_job *job);
void ingest_set_stat(struct store_document *document, const struct file_info *info);
enum status ingest_set_document(struct ingest_job *job, const struct load_document *loaded,
                                struct error *err) MUST_USE;
/* Chunks of the document's title and these blocks; none is fine. */
enum status ingest_index_blocks(struct ingest_worker *worker, const struct ingest_context *context,
                                const struct text_block *blocks, size_t n_blocks,
                                struct ingest_job *job, struct error *err) MUST_USE;
void ingest_fail(struct ingest_job *job, enum status status);

/* Bytes that the job will take, its parser included, of a source of n_bytes; and the parser alone.
 */
size_t ingest_estimate(const struct ingest_job *job, uint64_t n_bytes);
size_t ingest_estimate_parser(const char *path, uint64_t n_bytes);
/* The largest file of lines whose job needs no more than n_bytes. */
uint64_t ingest_largest_text(size_t n_bytes);
/* What its parser may allocate: what every parser may, and its part of what the job has taken. */
size_t ingest_allow_parser(const struct ingest_context *context, const struct ingest_job *job);

/* Fills the job's outputs; a failure is an outcome of the job, not an error here. */
void ingest_prepare(struct ingest_worker *worker, const struct ingest_context *context,
                    struct ingest_job *job);

/* The parts of the above that are of the vectors. */
enum status ingest_slice_init(struct ingest_worker *worker, const struct ingest_context *context,
                              struct error *err) MUST_USE;
void ingest_slice_prepare(struct ingest_worker *worker, const struct ingest_context *context,
                          struct ingest_job *job);

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

/* The jobs of the second pass: every passage that the library misses a vector of. */
struct ingest_fill {
    struct ingest_missing *jobs; /* owned */
    size_t n_jobs, n_jobs_max;
    size_t n_passages;
    int64_t last_id; /* 0: none is missing */
    const struct cancel *cancel;
};
enum status ingest_fill_init(struct ingest_fill *fill, struct store *store,
                             const struct cancel *cancel, struct error *err) MUST_USE;
void ingest_fill_clear(struct ingest_fill *fill); /* zeroed is fine */
/* Borrows `fill`. What the pipeline counts as bytes are passages here. */
struct ingest_source ingest_fill_source(struct ingest_fill *fill);

#endif
