/* net/breaker.h - leaves a dependency alone for a while once it fails. Pure, as net/retry.h:
 * everything follows from the calls made on it, monotonic time and the dice that come in.
 *
 *     closed ---------- too much of the window failed ----------> open
 *       ^                                                        |    ^
 *       | two successes in a row                  its time is up |    | one failure,
 *       +---------------------- half-open <----------------------+    | or the probe hangs
 *                                    |                                |
 *                                    +--------------------------------+
 *
 * Half-open, one call at a time is let through. Each way into open or half-open begins a new epoch;
 * what a call of an older one has to tell comes too late to matter. */
#ifndef RAGGED_NET_BREAKER_H
#define RAGGED_NET_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF_OPEN, BREAKER_STATE_COUNT };
enum breaker_force { BREAKER_FORCE_NONE, BREAKER_FORCE_OPEN, BREAKER_FORCE_CLOSED };

enum breaker_outcome {
    BREAKER_OUTCOME_OK,
    BREAKER_OUTCOME_SLOW,    /* good, but its beginning was long in coming: half a failure */
    BREAKER_OUTCOME_FAILURE, /* time-out, connection lost, 5xx, nonsense, stall */
    BREAKER_OUTCOME_REFUSED, /* nobody listens on this machine */
    BREAKER_OUTCOME_NEUTRAL, /* says nothing about its health: 4xx, cancelled, throttled, ours */
    BREAKER_OUTCOME_COUNT
};

enum { BREAKER_WINDOW = 20 };
#define BREAKER_WINDOW_MS 60000

struct breaker_call {
    int64_t at_ms;
    enum breaker_outcome outcome;
};

/* Zeroed: closed, nothing known. */
struct breaker {
    enum breaker_state state;
    enum breaker_force force;
    unsigned epoch;
    struct breaker_call window[BREAKER_WINDOW]; /* ring; the oldest at i_oldest */
    int n_window, i_oldest;
    int n_failures_in_row, n_refused_in_row;
    int n_good_in_row; /* half-open */
    bool is_probing;   /* half-open: one call is under way, at most until probe_end_ms */
    int64_t probe_end_ms;
    int64_t open_ms;      /* how long it was last opened for, before jitter; 0: never */
    int64_t open_end_ms;  /* open: when it becomes half-open */
    int64_t closed_ms;    /* when it was closed last */
    int64_t pause_end_ms; /* the server asked for patience until then; 0: it did not */
    int64_t last_ok_ms;   /* 0: never */
    uint64_t n_opened;
};

struct breaker_ticket {
    bool is_allowed, is_probe;
    bool is_first_probe; /* no success yet: something cheap will do */
    bool is_pause;       /* not allowed because the server asked for patience, not for failures */
    int64_t wait_ms;     /* not allowed: ask again after that; 0: forced open, never */
    unsigned epoch;
};

/* May a call begin that ends within `timeout_ms`? */
struct breaker_ticket breaker_ask(struct breaker *breaker, int64_t timeout_ms, int64_t now_ms,
                                  uint64_t random);

/* The call of `ticket` (allowed) has ended. */
void breaker_tell(struct breaker *breaker, const struct breaker_ticket *ticket,
                  enum breaker_outcome outcome, int64_t now_ms, uint64_t random);

/* The server wants no calls for so long. */
void breaker_pause(struct breaker *breaker, int64_t pause_ms, int64_t now_ms);

/* Failures in the window at that moment. */
int breaker_n_failures(const struct breaker *breaker, int64_t now_ms);

const char *breaker_state_name(enum breaker_state state); /* "closed", "open", "half_open" */

#endif
