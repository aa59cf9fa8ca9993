/* embed/tuner.h - which size of micro-batches is the fastest on this machine, found out from the
 * work itself: every candidate is used in turn, the best median wins. A pure state machine: it
 * reads no clock, starts nothing, allocates nothing. Threads: one at a time. */
#ifndef RAGGED_EMBED_TUNER_H
#define RAGGED_EMBED_TUNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TUNER_CANDIDATES_MAX = 8, TUNER_SAMPLES = 7 };

struct tuner_candidate {
    size_t n_tokens;
    double rates[TUNER_SAMPLES]; /* tokens a second */
    unsigned n_rates;
};

struct tuner {
    struct tuner_candidate candidates[TUNER_CANDIDATES_MAX];
    size_t n;
    size_t n_tokens; /* to be used now, always a candidate's */
    double rate;     /* of it, tokens a second; 0: not known */
    bool is_settled;
};

/* `sizes` ascending, 1 .. TUNER_CANDIDATES_MAX of them; begins with the largest that is not above
 * n_first, else with the smallest. A single one is settled at once. */
void tuner_init(struct tuner *tuner, const size_t *sizes, size_t n, size_t n_first);

/* Work of n_tokens that was done in micro-batches of n_batch_tokens and took took_ns. Work that
 * does not fill the largest candidate tells nothing. Returns true once: when this settled it. */
struct tuner_event {
    size_t n_batch_tokens, n_tokens;
    int64_t took_ns;
};
bool tuner_step(struct tuner *tuner, struct tuner_event event);

/* Settles on what was found before. False, and nothing changes: it is not a candidate, or the rate
 * is none. */
bool tuner_settle(struct tuner *tuner, size_t n_tokens, double rate);

#endif
