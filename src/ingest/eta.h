/* ingest/eta.h - how long a run will still take, steady from the first figure on. Private to
 * ingest/. A pure state machine, any thread.
 *
 * The rate is that of the last half minute, not of the whole run: a folder's files differ. The
 * figure counts down by itself and is drawn to what the rate says within seconds, so that bursts
 * of work don't show. Work that was passed over (unchanged files) leaves less to do and says
 * nothing about the rate.
 *
 * Where it is known beforehand how much a second of computing does, only how many of those this
 * machine gives in a second has to be seen, which takes no finished work: on a busy one that is
 * what makes the difference. */
#ifndef RAGGED_INGEST_ETA_H
#define RAGGED_INGEST_ETA_H

#include <stdint.h>

/* Since the start. */
struct eta_seen {
    int64_t elapsed_ms, computed_ms; /* computed: by all threads together */
    uint64_t n_worked;
};

struct eta {
    struct eta_seen seen;                           /* at the last step */
    double recent_n, recent_ms, recent_computed_ms; /* what is old counts less */
    double expected_n, expected_computed_ms;        /* less of it the more was seen */
    double shown_ms;                                /* the last figure; 0: none yet */
};

/* Before the first step: the work that a millisecond of computing is expected to do, by what was
 * measured elsewhere. 0: nothing is known. */
void eta_expect(struct eta *eta, double n_per_computed_ms);

/* `n_left` to do. Returns milliseconds, -1 while nothing can be said. */
int64_t eta_step(struct eta *eta, const struct eta_seen *seen, uint64_t n_left);

#endif
