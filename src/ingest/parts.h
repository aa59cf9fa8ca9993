/* ingest/parts.h - a file of lines that is too large to be read as one. Private to ingest/.
 *
 * Each part of it is a job: read, cut and embedded by itself, by whichever worker is free, and
 * committed in its turn, so that memory does not grow with the file. A passage lies in one part.
 * The document is PARTIAL until its last part; a stop loses the parts that were not committed, and
 * the next add of the same file goes on behind the others. */
#ifndef RAGGED_INGEST_PARTS_H
#define RAGGED_INGEST_PARTS_H

#include <pthread.h>

#include "base/file.h"
#include "ingest/ingest_job.h"

enum parts_plan {
    PARTS_READ,
    PARTS_UNCHANGED,
    PARTS_TOUCH, /* only its time or place is another */
    PARTS_WHOLE, /* it is not of lines: the job of its first part reads it as any other file */
    PARTS_FAIL,
};

/* What the jobs of one file share. */
struct parts {
    uint64_t part_bytes;
    size_t n;
    pthread_mutex_t mutex;
    /* by mutex; decided by the first worker that comes to the file */
    bool is_decided;
    enum parts_plan plan;
    struct error error;         /* FAIL */
    struct file_info seen;      /* the version that is read */
    size_t first;               /* READ: parts before it are in the library */
    char hash[HASH_SHA256_HEX]; /* "": not known yet */
    bool is_over;               /* a part failed, those behind it are not wanted */
    /* writer only */
    bool has_written;
    size_t n_chunks;
};

/* One job, with its document's fields set; *out_is_whole: it is to be read as one. */
enum status parts_prepare(struct ingest_worker *worker, const struct ingest_context *context,
                          struct ingest_job *job, bool *out_is_whole, struct error *err) MUST_USE;

/* The writer, in the order of the jobs: what came of the parts before decides what is done with
 * this one. */
void parts_settle(struct ingest_job *job);
/* Inside the write: INGEST_CHANGE_PART. Its words go into the tail, or, unless `out` is NULL, they
 * are in a segment, which needs the place. *out_is_put: false when it is not the next part, or one
 * before it was not. */
enum status parts_put(struct store *store, struct ingest_job *job, struct store_place *out,
                      bool *out_is_put, struct error *err) MUST_USE;

#endif
