#include <pthread.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/trace_data.h"

/* The trace of a process. */
struct trace {
    unsigned run; /* counts trace_open(): what a thread has of an earlier one is not its own */
    enum trace_detail detail;
    int64_t begun_ns;
    _Atomic(struct trace_thread *) first;
    atomic_uint n_threads;
    atomic_ullong n_lost_spans; /* of threads beyond the bound or without memory */
};

/* What the calling thread has; thread NULL: it can't have any in this run. */
struct own {
    unsigned run;
    struct trace_thread *thread;
};

atomic_bool trace_switch;
static struct trace current;
static _Thread_local struct own own;

/* ---- open and close ---- */

enum status trace_open(enum trace_detail detail, struct error *err)
{
    if (trace_is_on())
        return error_set(err, STATUS_BUSY, "this process is traced already");
    current.run++;
    current.detail = detail;
    current.begun_ns = clock_monotonic_ns();
    atomic_store(&trace_switch, true);
    return STATUS_OK;
}

void trace_close(void)
{
    if (!atomic_exchange(&trace_switch, false))
        return;
    struct trace_thread *thread = atomic_exchange(&current.first, NULL);
    while (thread) {
        struct trace_thread *next = thread->next;
        mem_free(thread->events);
        mem_free(thread);
        thread = next;
    }
    atomic_store(&current.n_threads, 0);
    atomic_store(&current.n_lost_spans, 0);
}

/* ---- spans ---- */

/* NULL: this thread's spans are lost. */
static struct trace_thread *thread_new(void)
{
    unsigned number = atomic_fetch_add(&current.n_threads, 1);
    if (number >= TRACE_THREADS_MAX)
        return NULL;
    struct trace_thread *thread = mem_zalloc(1, sizeof *thread);
    if (!thread)
        return NULL;
    thread->number = number;
    thread->n_nodes = 1;
    /* Without memory for them there are sums, and every event is lost. */
    if (current.detail == TRACE_EVENTS)
        thread->events = mem_zalloc(TRACE_EVENTS_MAX, sizeof *thread->events);
    thread->next = atomic_load(&current.first);
    while (!atomic_compare_exchange_weak(&current.first, &thread->next, thread)) {
    }
    return thread;
}

static struct trace_thread *own_thread(void)
{
    if (own.run != current.run)
        own = (struct own){.run = current.run, .thread = thread_new()};
    return own.thread;
}

/* The child of `i_parent` that is `stage`, made when it is not there; 0: there is no room. */
static unsigned find_child(struct trace_node *nodes, unsigned *n_nodes, unsigned i_parent,
                           enum trace_stage stage)
{
    for (unsigned i = nodes[i_parent].i_first_child; i; i = nodes[i].i_next)
        if (nodes[i].stage == stage)
            return i;
    if (*n_nodes == TRACE_NODES_MAX)
        return 0;
    unsigned i = (*n_nodes)++;
    nodes[i] = (struct trace_node){
        .stage = stage, .i_parent = i_parent, .i_next = nodes[i_parent].i_first_child};
    nodes[i_parent].i_first_child = i;
    return i;
}

struct trace_thread *trace_enter(enum trace_stage stage)
{
    struct trace_thread *thread = own_thread();
    unsigned i = thread ? find_child(thread->nodes, &thread->n_nodes, thread->i_current, stage) : 0;
    if (!i) {
        if (thread)
            thread->n_lost_spans++;
        else
            atomic_fetch_add(&current.n_lost_spans, 1);
        return NULL;
    }
    thread->i_current = i;
    thread->nodes[i].begun_cpu_ns = clock_thread_ns();
    thread->nodes[i].begun_ns = clock_monotonic_ns();
    return thread;
}

static int64_t at_least_0(int64_t ns)
{
    return ns > 0 ? ns : 0;
}

void trace_leave(struct trace_thread *thread)
{
    struct trace_node *node = &thread->nodes[thread->i_current];
    int64_t wall_ns = at_least_0(clock_monotonic_ns() - node->begun_ns);
    node->n_calls++;
    node->wall_ns += wall_ns;
    node->cpu_ns += at_least_0(clock_thread_ns() - node->begun_cpu_ns);
    node->longest_ns = wall_ns > node->longest_ns ? wall_ns : node->longest_ns;
    thread->i_current = node->i_parent;
    if (thread->events && thread->n_events < TRACE_EVENTS_MAX)
        thread->events[thread->n_events++] =
            (struct trace_event){node->begun_ns - current.begun_ns, wall_ns, node->stage};
    else if (current.detail == TRACE_EVENTS)
        thread->n_lost_events++;
}

/* ---- reading ---- */

const struct trace_thread *trace_first_thread(void)
{
    return atomic_load(&current.first);
}

struct trace_losses trace_losses(void)
{
    struct trace_losses losses = {.n_spans = atomic_load(&current.n_lost_spans)};
    for (const struct trace_thread *t = trace_first_thread(); t; t = t->next) {
        losses.n_spans += t->n_lost_spans;
        losses.n_events += t->n_lost_events;
    }
    return losses;
}

/* A parent stands before its children: the node it became is known when they come. */
static void add_thread(struct trace_tree *tree, const struct trace_thread *thread)
{
    unsigned became[TRACE_NODES_MAX] = {0};
    for (unsigned i = 1; i < thread->n_nodes; i++) {
        const struct trace_node *from = &thread->nodes[i];
        bool has_parent = !from->i_parent || became[from->i_parent];
        if (has_parent)
            became[i] =
                find_child(tree->nodes, &tree->n_nodes, became[from->i_parent], from->stage);
        struct trace_node *to = &tree->nodes[became[i]];
        if (!became[i])
            continue;
        to->n_calls += from->n_calls;
        to->wall_ns += from->wall_ns;
        to->cpu_ns += from->cpu_ns;
        to->longest_ns = from->longest_ns > to->longest_ns ? from->longest_ns : to->longest_ns;
    }
}

void trace_tree_read(struct trace_tree *out)
{
    out->nodes[0] = (struct trace_node){0};
    out->n_nodes = 1;
    for (const struct trace_thread *t = trace_first_thread(); t; t = t->next)
        add_thread(out, t);
}

int64_t trace_self_wall_ns(const struct trace_tree *tree, unsigned i_node)
{
    int64_t ns = tree->nodes[i_node].wall_ns;
    for (unsigned i = tree->nodes[i_node].i_first_child; i; i = tree->nodes[i].i_next)
        ns -= tree->nodes[i].wall_ns;
    return at_least_0(ns);
}

int64_t trace_self_cpu_ns(const struct trace_tree *tree, unsigned i_node)
{
    int64_t ns = tree->nodes[i_node].cpu_ns;
    for (unsigned i = tree->nodes[i_node].i_first_child; i; i = tree->nodes[i].i_next)
        ns -= tree->nodes[i].cpu_ns;
    return at_least_0(ns);
}

static bool is_within_itself(const struct trace_tree *tree, unsigned i_node)
{
    for (unsigned i = tree->nodes[i_node].i_parent; i; i = tree->nodes[i].i_parent)
        if (tree->nodes[i].stage == tree->nodes[i_node].stage)
            return true;
    return false;
}

void trace_sums_read(const struct trace_tree *tree, struct trace_sum out[TRACE_STAGE_COUNT])
{
    for (int i = 0; i < TRACE_STAGE_COUNT; i++)
        out[i] = (struct trace_sum){0};
    for (unsigned i = 1; i < tree->n_nodes; i++) {
        const struct trace_node *node = &tree->nodes[i];
        struct trace_sum *sum = &out[node->stage];
        bool is_counted = !is_within_itself(tree, i);
        sum->n_calls += node->n_calls;
        sum->wall_ns += is_counted ? node->wall_ns : 0;
        sum->cpu_ns += is_counted ? node->cpu_ns : 0;
        sum->self_ns += trace_self_wall_ns(tree, i);
        sum->self_cpu_ns += trace_self_cpu_ns(tree, i);
        sum->longest_ns = node->longest_ns > sum->longest_ns ? node->longest_ns : sum->longest_ns;
    }
}
