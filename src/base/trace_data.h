/* base/trace_data.h - what base/trace.h has kept, for whoever shows it. One thread, while no other
 * one has a span open. Times are nanoseconds; those of events count from trace_open(). */
#ifndef RAGGED_BASE_TRACE_DATA_H
#define RAGGED_BASE_TRACE_DATA_H

#include <stdint.h>

#include "base/trace.h"

/* The bounds of one thread, and of threads. What is beyond is counted as lost. */
enum { TRACE_NODES_MAX = 512, TRACE_EVENTS_MAX = 1 << 16, TRACE_THREADS_MAX = 256 };

/* A stage as part of what it is part of. Node 0 is the thread itself, and no stage. */
struct trace_node {
    enum trace_stage stage;
    unsigned i_parent, i_first_child, i_next; /* 0: none */
    uint64_t n_calls;
    int64_t wall_ns, cpu_ns;        /* of all calls, with what is part of them */
    int64_t longest_ns;             /* wall clock of one call */
    int64_t begun_ns, begun_cpu_ns; /* of the open span */
};

struct trace_event {
    int64_t begun_ns, wall_ns;
    enum trace_stage stage;
};

struct trace_thread {
    struct trace_thread *next;
    unsigned number; /* in the order of their first spans, from 0 */
    unsigned n_nodes, i_current;
    struct trace_node nodes[TRACE_NODES_MAX];
    struct trace_event *events; /* in the order of their ends; NULL: TRACE_SUMS */
    size_t n_events;
    uint64_t n_lost_spans, n_lost_events;
};

/* The last one that began a span; NULL: none did. Valid until trace_close(). */
const struct trace_thread *trace_first_thread(void);

struct trace_losses {
    uint64_t n_spans;  /* in no sum */
    uint64_t n_events; /* in the sums, but not among the events */
};
struct trace_losses trace_losses(void);

/* All threads as one: equal paths are one node. Node 0 is the root. */
struct trace_tree {
    struct trace_node nodes[TRACE_NODES_MAX];
    unsigned n_nodes;
};
void trace_tree_read(struct trace_tree *out);
/* Of a node without what is part of it; never below 0. */
int64_t trace_self_wall_ns(const struct trace_tree *tree, unsigned i_node);
int64_t trace_self_cpu_ns(const struct trace_tree *tree, unsigned i_node);

/* One stage wherever it stands. Within itself it counts once. */
struct trace_sum {
    uint64_t n_calls;
    int64_t wall_ns, cpu_ns, self_ns, self_cpu_ns, longest_ns;
};
void trace_sums_read(const struct trace_tree *tree, struct trace_sum out[TRACE_STAGE_COUNT]);

#endif
