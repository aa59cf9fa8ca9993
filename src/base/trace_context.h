/* base/trace_context.h - which trace a run belongs to: the ids of W3C Trace Context. They are
 * random numbers, said in the log, in a trace and to servers so that the three can be laid side by
 * side. Pure functions, any thread. */
#ifndef RAGGED_BASE_TRACE_CONTEXT_H
#define RAGGED_BASE_TRACE_CONTEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

enum { TRACE_PARENT_SIZE = 56, TRACE_ID_SIZE = 33, SPAN_ID_SIZE = 17 }; /* with the NUL */

struct trace_context {
    uint8_t trace_id[16]; /* of the whole, whoever began it */
    uint8_t span_id[8];   /* of this run */
    uint8_t flags;
    bool is_inherited; /* somebody else began it: servers are told */
};

/* A span of the trace that `traceparent` names ("00-<32 hex>-<16 hex>-<2 hex>"), else of a trace of
 * its own when that is NULL. INVALID: it is not a traceparent; *out then is a trace of its own. The
 * ids are zero where the kernel has no random bytes to give. */
enum status trace_context_begin(const char *traceparent, struct trace_context *out) MUST_USE;

/* What a server is told: this run is the parent. */
void trace_context_write(const struct trace_context *context, char out[TRACE_PARENT_SIZE]);
void trace_context_ids(const struct trace_context *context, char trace_id[TRACE_ID_SIZE],
                       char span_id[SPAN_ID_SIZE]);

#endif
