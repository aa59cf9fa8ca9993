/* engine/engine_state.h - the part of the engine's door that says what it does without just now.
 * Include engine.h. */
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

#endif
