/* ingest/scan.h - which files an `add` means. Private to ingest/. */
#ifndef RAGGED_INGEST_SCAN_H
#define RAGGED_INGEST_SCAN_H

#include "base/arena.h"
#include "ingest/ingest.h"

struct scan_file {
    const char *path;    /* absolute */
    const char *problem; /* NULL, or why this folder or file could not be looked at */
    uint64_t size_bytes;
    struct parts *parts; /* NULL: it is read as one */
};

/* What is done with one file, or with a part of one. */
struct scan_job {
    const struct scan_file *file;
    size_t i_part;
};

struct scan {
    struct scan_file *files; /* each path once; folders in byte order of names */
    size_t n_files, n_max;
    size_t n_skipped; /* files without a loader, links, devices, ignored names */
    uint64_t n_bytes;
    struct scan_job *jobs; /* in the order of the files and of their parts */
    size_t n_jobs;
    struct arena arena;
};

/* Files of lines above `large_bytes` are read in parts of `part_bytes`. */
struct scan_sizes {
    uint64_t large_bytes, part_bytes;
};

/* Walks options->paths. Named files are always taken, files inside folders only when a loader knows
 * their name. Links inside folders are not followed. NOT_FOUND: a named path is not there. */
enum status scan_paths(const struct engine_add_options *options, const struct scan_sizes *sizes,
                       struct scan *out, struct error *err) MUST_USE;
void scan_clear(struct scan *scan); /* zeroed is fine */

#endif
