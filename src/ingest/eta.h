/* ingest/eta.h - how long a run will still take, steady from the first figure on. Private to
 * ingest/. A pure state machine, any thread.
 *
 * The rate is that of the last half minute, not of the whole run: a folder's files differ. The
 * figure counts down by itself and is drawn to what the rate says within seconds, so that bursts
 * of work don't show. Work that was passed over (unchanged files) leaves less to do and says
 * nothing about the rate. */
#ifndef RAGGED_INGEST_ETA_H
#define RAGGED_INGEST_ETA_H

#include <stdint.h>

struct eta {
    int64_t seen_ms;            /* of the last step; 0: the start */
    uint64_t n_worked;          /* then */
    double recent_n, recent_ms; /* work and time; what is old counts less */
    double shown_ms;            /* the last figure; 0: none yet */
};

/* Before the first step: the rate that is to be expected, by what was measured elsewhere. It counts
 * as if it had been seen for some seconds. 0: nothing is known. */
void eta_expect(struct eta *eta, double n_per_ms);

/* `elapsed_ms` since the start, `n_worked` of the work done since then, `n_left` to do. Returns
 * milliseconds, -1 while nothing can be said. */
int64_t eta_step(struct eta *eta, int64_t elapsed_ms, uint64_t n_worked, uint64_t n_left);

#endif
