/* Spans: how they nest and add up, what is lost, and that nothing is kept while they are off. */
#include <string.h>

#include "../testing.h"
#include "base/clock.h"
#include "base/thread.h"
#include "base/trace_data.h"

enum { N_THREADS = 4, N_ROUNDS = 1000 };

static struct trace_tree tree;
static struct trace_sum sums[TRACE_STAGE_COUNT];

static int close_it(void **state)
{
    (void)state;
    trace_close();
    return 0;
}

static void open_it(enum trace_detail detail)
{
    struct error err = {0};
    assert_ok(trace_open(detail, &err));
}

static void sum_up(void)
{
    trace_tree_read(&tree);
    trace_sums_read(&tree, sums);
}

static void spin(int64_t ns)
{
    for (int64_t end_ns = clock_monotonic_ns() + ns; clock_monotonic_ns() < end_ns;) {
    }
}

static void search_once(void)
{
    TRACE(TRACE_STAGE_SEARCH);
    for (int i = 0; i < 3; i++) {
        TRACE(TRACE_STAGE_WORDS_LEG);
        spin(20000);
    }
    spin(20000);
}

static void off_is_nothing(void **state)
{
    (void)state;
    search_once();
    assert_false(trace_is_on());
    assert_null(trace_first_thread());
    struct trace_span span = trace_begin(TRACE_STAGE_SEARCH);
    assert_null(span.thread);
    open_it(TRACE_EVENTS);
    trace_end(&span); /* it began before: it is none of this run */
    assert_null(trace_first_thread());
}

static void spans_nest_and_add_up(void **state)
{
    (void)state;
    open_it(TRACE_EVENTS);
    search_once();
    search_once();
    sum_up();
    assert_int_equal(tree.n_nodes, 3);
    assert_int_equal(tree.nodes[2].i_parent, 1);
    const struct trace_sum *search = &sums[TRACE_STAGE_SEARCH];
    const struct trace_sum *leg = &sums[TRACE_STAGE_WORDS_LEG];
    assert_int_equal(search->n_calls, 2);
    assert_int_equal(leg->n_calls, 6);
    assert_true(leg->wall_ns >= 6 * 20000 && leg->self_ns == leg->wall_ns);
    assert_true(leg->longest_ns >= 20000 && leg->longest_ns < leg->wall_ns);
    assert_true(search->wall_ns == search->self_ns + leg->wall_ns);
    assert_true(search->self_ns >= 2 * 20000);
    assert_true(search->cpu_ns > 0 && search->cpu_ns >= search->self_cpu_ns);
    const struct trace_thread *thread = trace_first_thread();
    assert_int_equal(thread->n_events, 8);
    const struct trace_event *inner = &thread->events[0], *outer = &thread->events[3];
    assert_int_equal(inner->stage, TRACE_STAGE_WORDS_LEG);
    assert_int_equal(outer->stage, TRACE_STAGE_SEARCH);
    assert_true(outer->begun_ns >= 0 && inner->begun_ns >= outer->begun_ns);
    assert_true(inner->begun_ns + inner->wall_ns <= outer->begun_ns + outer->wall_ns);
}

static void recurse(int depth)
{
    TRACE(TRACE_STAGE_MERGE);
    spin(10000);
    if (depth > 1)
        recurse(depth - 1);
}

static void a_stage_within_itself_counts_once(void **state)
{
    (void)state;
    open_it(TRACE_SUMS);
    recurse(3);
    sum_up();
    const struct trace_sum *merge = &sums[TRACE_STAGE_MERGE];
    assert_int_equal(merge->n_calls, 3);
    assert_true(merge->wall_ns == merge->longest_ns && merge->self_ns == merge->wall_ns);
    assert_null(trace_first_thread()->events);
    assert_int_equal(trace_losses().n_events, 0);
}

static void what_does_not_fit_is_counted(void **state)
{
    (void)state;
    open_it(TRACE_EVENTS);
    for (int i = 0; i < TRACE_EVENTS_MAX + 7; i++) {
        TRACE(TRACE_STAGE_HASH);
    }
    assert_int_equal(trace_losses().n_events, 7);
    assert_int_equal(trace_losses().n_spans, 0);
    recurse(TRACE_NODES_MAX + 3);
    assert_int_equal(trace_losses().n_spans, 5); /* the root and the hash have a node too */
    sum_up();
    assert_int_equal(sums[TRACE_STAGE_HASH].n_calls, TRACE_EVENTS_MAX + 7);
    assert_int_equal(sums[TRACE_STAGE_MERGE].n_calls, TRACE_NODES_MAX - 2);
    trace_close();
    open_it(TRACE_EVENTS);
    assert_int_equal(trace_losses().n_events + trace_losses().n_spans, 0);
    recurse(1); /* the thread stands where it should, also after a loss */
    sum_up();
    assert_int_equal(tree.nodes[1].i_parent, 0);
}

static void *work(void *arg)
{
    (void)arg;
    for (int i = 0; i < N_ROUNDS; i++) {
        TRACE(TRACE_STAGE_FILE);
        for (int j = 0; j < 2; j++) {
            TRACE(TRACE_STAGE_CHUNK);
        }
    }
    return NULL;
}

static void run_threads(size_t n)
{
    struct thread threads[N_THREADS] = {{0}};
    struct error err = {0};
    for (size_t i = 0; i < n; i++)
        assert_ok(thread_start(&threads[i], work, NULL, &err));
    for (size_t i = 0; i < n; i++)
        thread_join(&threads[i]);
}

static void threads_are_summed(void **state)
{
    (void)state;
    open_it(TRACE_EVENTS);
    run_threads(N_THREADS);
    sum_up();
    assert_int_equal(tree.n_nodes, 3);
    assert_int_equal(sums[TRACE_STAGE_FILE].n_calls, N_THREADS * N_ROUNDS);
    assert_int_equal(sums[TRACE_STAGE_CHUNK].n_calls, 2 * N_THREADS * N_ROUNDS);
    unsigned numbers = 0;
    for (const struct trace_thread *t = trace_first_thread(); t; t = t->next) {
        numbers |= 1u << t->number;
        assert_int_equal(t->n_events, 3 * N_ROUNDS);
    }
    assert_int_equal(numbers, (1u << N_THREADS) - 1);
}

static void threads_are_bounded(void **state)
{
    (void)state;
    open_it(TRACE_SUMS);
    for (int i = 0; i < TRACE_THREADS_MAX + 2; i++)
        run_threads(1);
    assert_int_equal(trace_losses().n_spans, 2 * 3 * N_ROUNDS);
    sum_up();
    assert_int_equal(sums[TRACE_STAGE_FILE].n_calls, TRACE_THREADS_MAX * N_ROUNDS);
}

static void every_stage_has_a_name(void **state)
{
    (void)state;
    for (int i = 0; i < TRACE_STAGE_COUNT; i++)
        assert_true(trace_stage_name((enum trace_stage)i) &&
                    strspn(trace_stage_name((enum trace_stage)i), "abcdefghijklmnopqrstuvwxyz ") ==
                        strlen(trace_stage_name((enum trace_stage)i)));
    open_it(TRACE_SUMS);
    struct error err = {0};
    assert_int_equal(trace_open(TRACE_SUMS, &err), STATUS_BUSY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(off_is_nothing, close_it),
        cmocka_unit_test_teardown(spans_nest_and_add_up, close_it),
        cmocka_unit_test_teardown(a_stage_within_itself_counts_once, close_it),
        cmocka_unit_test_teardown(what_does_not_fit_is_counted, close_it),
        cmocka_unit_test_teardown(threads_are_summed, close_it),
        cmocka_unit_test_teardown(threads_are_bounded, close_it),
        cmocka_unit_test_teardown(every_stage_has_a_name, close_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
