/* app/bench_place.h - a folder of made documents, and of a library beside them, for one run of a
 * benchmark. */
#ifndef RAGGED_APP_BENCH_PLACE_H
#define RAGGED_APP_BENCH_PLACE_H

#include "app/benchmark.h"
#include "base/scratch.h"

struct bench_place {
    struct scratch *scratch; /* owned: documents and library are in it */
    char *documents, *data;  /* owned; no library is in data yet */
};

/* Document i: the same words for the same seed; at first all are of seed 1. */
enum status bench_place_write(const struct bench_place *place, size_t i_file, unsigned seed,
                              struct error *err) MUST_USE;
/* Makes a place of so many documents as --size says, measures, and removes the place with
 * everything in it. */
enum status bench_place_run(struct benchmark *benchmark,
                            enum status (*measure)(struct benchmark *benchmark,
                                                   const struct bench_place *place, size_t n_files,
                                                   struct error *err),
                            struct error *err) MUST_USE;

#endif
