/* app/bench_place.h - a folder of made documents, and of a library beside them, for one run of a
 * benchmark. */
#ifndef RAGGED_APP_BENCH_PLACE_H
#define RAGGED_APP_BENCH_PLACE_H

#include <stddef.h>

#include "base/status.h"

struct bench_place {
    char *folder;           /* owned: documents and library are in it */
    char *documents, *data; /* owned; no library is in data yet */
};

/* Clear it also after a failure. */
enum status bench_place_make(struct bench_place *place, size_t n_files, struct error *err) MUST_USE;
/* Document i: the same words for the same seed; bench_place_make() writes those of seed 1. */
enum status bench_place_write(const struct bench_place *place, size_t i_file, unsigned seed,
                              struct error *err) MUST_USE;
/* With everything in it; zeroed is fine. */
enum status bench_place_clear(struct bench_place *place, struct error *err) MUST_USE;

#endif
