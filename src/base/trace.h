/* base/trace.h - where the time of a run goes: spans of a fixed set of stages, nested on each
 * thread. A span is a stage and two clocks; no call takes a text, so that nothing of a document, a
 * question, a path or a key can get into what is kept of it.
 *
 * Before trace_open() a span costs one branch: no clock is read, nothing is allocated. After it a
 * thread writes only what is its own: no lock, no waiting. What does not fit is counted. Any
 * thread.
 *
 *     TRACE(TRACE_STAGE_PARSE);    from here to the end of the block
 *
 * Reading what was kept: base/trace_data.h. */
#ifndef RAGGED_BASE_TRACE_H
#define RAGGED_BASE_TRACE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

/* Names: trace_table.c. */
enum trace_stage {
    TRACE_STAGE_COMMAND,
    TRACE_STAGE_CONFIG,
    TRACE_STAGE_OUTPUT,
    TRACE_STAGE_OPEN_LIBRARY,
    TRACE_STAGE_OPEN_MODEL,
    TRACE_STAGE_CLOSE,
    TRACE_STAGE_SCAN_FILES,
    TRACE_STAGE_FILE,
    TRACE_STAGE_HASH,
    TRACE_STAGE_PARSE,
    TRACE_STAGE_CHUNK,
    TRACE_STAGE_TERMS,
    TRACE_STAGE_TOKENIZE,
    TRACE_STAGE_EMBED,
    TRACE_STAGE_WRITE,
    TRACE_STAGE_SEGMENT,
    TRACE_STAGE_COMMIT,
    TRACE_STAGE_CHECKPOINT,
    TRACE_STAGE_FLUSH,
    TRACE_STAGE_MERGE,
    TRACE_STAGE_WAIT,
    TRACE_STAGE_SEARCH,
    TRACE_STAGE_CACHE_LOOKUP,
    TRACE_STAGE_READ_QUERY,
    TRACE_STAGE_EMBED_QUERY,
    TRACE_STAGE_SNAPSHOT,
    TRACE_STAGE_WORDS_LEG,
    TRACE_STAGE_MEANING_LEG,
    TRACE_STAGE_FUSE,
    TRACE_STAGE_FETCH,
    TRACE_STAGE_RERANK,
    TRACE_STAGE_ANSWER,
    TRACE_STAGE_PROMPT,
    TRACE_STAGE_GENERATE,
    TRACE_STAGE_CITE_CHECK,
    TRACE_STAGE_REQUEST,
    TRACE_STAGE_COUNT
};
const char *trace_stage_name(enum trace_stage stage); /* static, lower case, one word or two */

enum trace_detail {
    TRACE_SUMS,  /* how often and how long, by stage and by what it is part of */
    TRACE_EVENTS /* every span too, up to a bound for each thread */
};
/* Once at a time in a process: BUSY. */
enum status trace_open(enum trace_detail detail, struct error *err) MUST_USE;
/* Forgets everything. No span may be open, as after all threads were joined. Not open is fine. */
void trace_close(void);

/* ---- a span ---- */

struct trace_thread;
struct trace_span {
    struct trace_thread *thread; /* NULL: it is not kept */
};

/* For the functions below only. */
extern atomic_bool trace_switch;
struct trace_thread *trace_enter(enum trace_stage stage);
void trace_leave(struct trace_thread *thread);

static inline bool trace_is_on(void)
{
    return atomic_load_explicit(&trace_switch, memory_order_relaxed);
}

/* Spans of a thread end in the opposite order: TRACE() sees to that. */
static inline struct trace_span trace_begin(enum trace_stage stage)
{
    return (struct trace_span){__builtin_expect(trace_is_on(), 0) ? trace_enter(stage) : NULL};
}

static inline void trace_end(struct trace_span *span)
{
    if (__builtin_expect(span->thread != NULL, 0))
        trace_leave(span->thread);
}

/* To the end of the block it stands in. */
#define TRACE_NAMED(stage, name) \
    __attribute__((cleanup(trace_end), unused)) struct trace_span name = trace_begin(stage)
#define TRACE_NUMBERED(stage, number) TRACE_NAMED(stage, trace_span_##number)
#define TRACE_EXPANDED(stage, number) TRACE_NUMBERED(stage, number)
#define TRACE(stage) TRACE_EXPANDED(stage, __LINE__)

#endif
