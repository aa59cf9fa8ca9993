/* engine/engine_state.h - the part of the engine's door that says how it works just now: what it
 * does without, and what it chose. Include engine.h. */
#ifndef RAGGED_ENGINE_ENGINE_STATE_H
#define RAGGED_ENGINE_ENGINE_STATE_H

#include <stdint.h>

#include "base/status.h"

struct engine;

/* What was worked without; bits, all at once possible. Never what the user switched off. */
enum engine_degraded {
    ENGINE_DEGRADED_EMBEDDER = 1 << 0,   /* no vector of the query: by words only */
    ENGINE_DEGRADED_VECTORS = 1 << 1,    /* vectors of another model, or segments of them lost */
    ENGINE_DEGRADED_WORDS = 1 << 2,      /* words of another analyzer, or segments of them lost */
    ENGINE_DEGRADED_RERANKER = 1 << 3,   /* in the fused order */
    ENGINE_DEGRADED_GENERATOR = 1 << 4,  /* quotations instead of a model's answer */
    ENGINE_DEGRADED_UNFINISHED = 1 << 5, /* an answer that ends before its end */
    ENGINE_DEGRADED_WRITES = 1 << 6      /* nothing can be stored: read-only, or the disk is full */
};
enum { ENGINE_DEGRADED_COUNT = 7 };
/* The name of one bit: "embedder", ... */
const char *engine_degraded_name(enum engine_degraded bit);

/* Bits of what a search would be worked without now. Opens the embedder and the segments, and asks
 * no server; 0 without a library. */
enum status engine_look_degraded(struct engine *engine, unsigned *out, struct error *err) MUST_USE;

/* What the engine chose or was told. Texts are borrowed during the call. */
struct engine_choice {
    const char *name, *unit;
    uint64_t value;
    const char *reason; /* from what it follows */
    const char *since;  /* when that was measured, UTC; "": it was not */
    const char *reset;  /* what the user can do about it */
};
/* Opens the embedder. NOT_FOUND: its model is not there. */
enum status engine_each_choice(struct engine *engine,
                               void (*each)(void *ctx, const struct engine_choice *choice),
                               void *ctx, struct error *err) MUST_USE;

#endif
