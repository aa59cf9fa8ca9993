/* What the monitor shows, from made-up looks. */
#include "../testing.h"

#include <stdlib.h>
#include <string.h>

#include "app/monitor_model.h"
#include "base/mem.h"

#define START_MS 1000000
#define WALL_MS 1700000000000

struct scene {
    struct monitor_model model;
    struct monitor_sample sample;
};

static int set_up(void **state)
{
    struct scene *scene = mem_zalloc(1, sizeof *scene);
    scene->sample.now_ms = START_MS;
    scene->sample.wall_ms = WALL_MS;
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    mem_free(*state);
    return 0;
}

static struct operation *run(struct scene *scene, int64_t process_id, const char *name,
                             const char *stage)
{
    struct board_view *view = &scene->sample.view;
    struct board_operation *one = &view->operations[view->n_operations++];
    *one = (struct board_operation){.process_id = process_id};
    snprintf(one->operation.name, sizeof one->operation.name, "%s", name);
    snprintf(one->operation.stage, sizeof one->operation.stage, "%s", stage);
    one->operation.started_ms = one->operation.updated_ms = WALL_MS;
    one->operation.eta_ms = -1;
    return &one->operation;
}

static void look_after(struct scene *scene, int64_t ms)
{
    scene->sample.now_ms += ms;
    scene->sample.wall_ms += ms;
    monitor_model_take(&scene->model, &scene->sample);
}

static void tell(struct scene *scene, struct operation *operation, uint64_t n_done)
{
    operation->n_done = n_done;
    operation->updated_ms = scene->sample.wall_ms;
}

static void test_monitor_model__one_look_knows_no_rate(void **state)
{
    struct scene *scene = *state;
    run(scene, 7, "add", "vectors")->n_done = 50;
    look_after(scene, 0);
    assert_int_equal(scene->model.n_rows, 1);
    assert_true(scene->model.rows[0].rate < 0);
    assert_int_equal(scene->model.rows[0].left_ms, -1);
    assert_int_equal(scene->model.flows[MONITOR_FLOW_VECTORS].n, 0);
}

static void test_monitor_model__a_steady_rate_is_exact_and_tells_what_is_left(void **state)
{
    struct scene *scene = *state;
    struct operation *add = run(scene, 7, "add", "vectors");
    add->n_total = 10000;
    look_after(scene, 0);
    for (int i = 1; i <= 40; i++) {
        look_after(scene, 1000);
        tell(scene, add, (uint64_t)i * 25);
    }
    look_after(scene, 0);
    const struct monitor_row *row = &scene->model.rows[0];
    assert_true(row->rate > 24.99 && row->rate < 25.01);
    assert_int_equal(row->left_ms, (10000 - 40 * 25) / 25 * 1000);
    assert_int_equal(row->age_ms, 40000);
    assert_true(scene->model.flows[MONITOR_FLOW_VECTORS].rate == row->rate);
    assert_true(scene->model.flows[MONITOR_FLOW_FILES].rate == 0);
}

/* It tells every three seconds and is looked at every second: the figure must not jump to 0. */
static void test_monitor_model__bursts_do_not_make_the_rate_jump(void **state)
{
    struct scene *scene = *state;
    struct operation *add = run(scene, 7, "add", "vectors");
    look_after(scene, 0);
    for (int i = 1; i <= 60; i++) {
        look_after(scene, 1000);
        if (i % 3 == 0)
            tell(scene, add, (uint64_t)i * 10);
        if (i > 15)
            assert_in_range((int)(scene->model.rows[0].rate * 10), 95, 105);
    }
}

static void test_monitor_model__who_falls_silent_slows_down(void **state)
{
    struct scene *scene = *state;
    struct operation *add = run(scene, 7, "add", "vectors");
    look_after(scene, 0);
    for (int i = 1; i <= 10; i++) {
        look_after(scene, 1000);
        tell(scene, add, (uint64_t)i * 100);
    }
    look_after(scene, 90000);
    const struct monitor_row *row = &scene->model.rows[0];
    assert_true(row->rate > 9 && row->rate < 11);
    assert_int_equal(row->silent_ms, 90000);
}

static void test_monitor_model__the_time_left_is_what_was_told_less_what_passed(void **state)
{
    struct scene *scene = *state;
    struct operation *add = run(scene, 7, "add", "words");
    add->eta_ms = 5000;
    look_after(scene, 2000);
    assert_int_equal(scene->model.rows[0].left_ms, 3000);
    look_after(scene, 8000);
    assert_int_equal(scene->model.rows[0].left_ms, 0);
    add->n_total = 300;
    tell(scene, add, 100);
    add->eta_ms = 1000;
    look_after(scene, 0); /* 100 in 10 s: it hopes for too much */
    assert_int_equal(scene->model.rows[0].left_ms, 20000);
    add->eta_ms = 50000;
    look_after(scene, 0);
    assert_int_equal(scene->model.rows[0].left_ms, 50000);
}

static void test_monitor_model__a_new_stage_is_measured_anew(void **state)
{
    struct scene *scene = *state;
    struct operation *add = run(scene, 7, "add", "words");
    look_after(scene, 0);
    look_after(scene, 1000);
    tell(scene, add, 1000);
    look_after(scene, 1000);
    assert_true(scene->model.rows[0].rate > 0);
    snprintf(add->stage, sizeof add->stage, "vectors");
    tell(scene, add, 3);
    look_after(scene, 0);
    assert_true(scene->model.rows[0].rate < 0);
}

static void test_monitor_model__numbers_of_others_may_be_anything(void **state)
{
    static const uint64_t numbers[] = {0, 1, UINT64_MAX, INT64_MAX, (uint64_t)INT64_MAX + 1};
    enum { N = sizeof numbers / sizeof numbers[0] };
    struct scene *scene = *state;
    struct operation *one = run(scene, INT64_MAX, "", "vectors");
    for (int i = 0; i < N * N; i++) {
        *one = (struct operation){.name = "x",
                                  .stage = "vectors",
                                  .started_ms = (int64_t)numbers[i % N],
                                  .updated_ms = (int64_t)numbers[i / N],
                                  .n_done = numbers[i / N],
                                  .n_total = numbers[i % N],
                                  .eta_ms = (int64_t)numbers[i % N],
                                  .memory_bytes = numbers[i / N],
                                  .memory_bytes_max = numbers[i % N]};
        look_after(scene, 1000);
        const struct monitor_row *row = &scene->model.rows[0];
        assert_true(row->age_ms >= 0 && row->silent_ms >= 0 && row->left_ms >= -1);
        (void)monitor_model_fullest(&scene->model);
    }
}

static void test_monitor_model__rows_stand_in_the_order_asked_for(void **state)
{
    struct scene *scene = *state;
    struct operation *slow = run(scene, 1, "reindex", "vectors"),
                     *fast = run(scene, 2, "add", "vectors"), *quiet = run(scene, 3, "check", "");
    slow->started_ms -= 5000;
    quiet->started_ms -= 1000;
    look_after(scene, 0);
    look_after(scene, 1000);
    tell(scene, slow, 10);
    tell(scene, fast, 100);
    look_after(scene, 0);
    static const int64_t expected[MONITOR_SORT_COUNT][3] = {{2, 1, 3}, {1, 3, 2}, {2, 3, 1}};
    for (int sort = 0; sort < MONITOR_SORT_COUNT; sort++) {
        scene->model.sort = (enum monitor_sort)sort;
        monitor_model_arrange(&scene->model);
        for (int i = 0; i < 3; i++)
            assert_int_equal(scene->model.rows[i].process_id, expected[sort][i]);
    }
}

static void test_monitor_model__a_filter_hides_and_says_how_many(void **state)
{
    struct scene *scene = *state;
    run(scene, 123, "add", "vectors");
    run(scene, 456, "query", "");
    snprintf(scene->model.filter, sizeof scene->model.filter, "que");
    look_after(scene, 0);
    assert_int_equal(scene->model.n_rows, 1);
    assert_int_equal(scene->model.rows[0].process_id, 456);
    assert_int_equal(scene->model.n_hidden, 1);
    snprintf(scene->model.filter, sizeof scene->model.filter, "123");
    monitor_model_arrange(&scene->model);
    assert_int_equal(scene->model.rows[0].process_id, 123);
}

static void test_monitor_model__counters_become_a_mean_over_the_window(void **state)
{
    struct scene *scene = *state;
    look_after(scene, 0);
    for (int i = 0; i < 20; i++) {
        scene->sample.view.values[METRIC_QUERIES_ANSWERED] += i < 10 ? 5 : 2;
        look_after(scene, 1000);
    }
    double bins[4];
    assert_true(scene->model.flows[MONITOR_FLOW_SEARCHES].rate == 2);
    assert_true(monitor_model_course(&scene->model, MONITOR_FLOW_SEARCHES, bins, 4) == 2);
    assert_true(bins[3] == 1);
}

static void test_monitor_model__another_file_is_not_a_burst(void **state)
{
    struct scene *scene = *state;
    struct board_view *view = &scene->sample.view;
    view->values[METRIC_QUERIES_ANSWERED] = 1000;
    view->histograms[HISTOGRAM_QUERY_TOTAL].n = 9;
    look_after(scene, 0);
    memset(view, 0, sizeof *view);
    view->values[METRIC_REQUESTS_OK] = 500; /* of before, in the new file */
    look_after(scene, 1000);
    for (int i = 0; i < MONITOR_FLOW_COUNT; i++)
        assert_true(scene->model.flows[i].rate == 0);
}

static void test_monitor_model__without_counters_nothing_old_is_shown(void **state)
{
    struct scene *scene = *state;
    run(scene, 7, "add", "vectors");
    look_after(scene, 0);
    scene->sample.counters.status = STATUS_FORMAT;
    look_after(scene, 1000);
    assert_int_equal(scene->model.n_rows, 0);
    assert_null(monitor_model_fullest(&scene->model));
}

static void count(struct board_view *view, uint64_t us, uint64_t n)
{
    size_t bucket = 0;
    while (histogram_bound(bucket) <= us)
        bucket++;
    view->histograms[HISTOGRAM_QUERY_TOTAL].buckets[bucket] += n;
    view->histograms[HISTOGRAM_QUERY_TOTAL].n += n;
}

static void test_monitor_model__the_last_minute_forgets_what_was_before(void **state)
{
    struct scene *scene = *state;
    struct histogram_counts counts;
    count(&scene->sample.view, 100, 1000);
    look_after(scene, 0);
    count(&scene->sample.view, 50000, 4);
    look_after(scene, 5000);
    monitor_model_latencies(&scene->model, HISTOGRAM_QUERY_TOTAL, &counts);
    assert_int_equal(counts.n, 1004);
    scene->model.is_recent = true;
    monitor_model_latencies(&scene->model, HISTOGRAM_QUERY_TOTAL, &counts);
    assert_int_equal(counts.n, 4);
    assert_in_range(histogram_quantile(&counts, .5), 50000, 57000);
    for (int i = 0; i < 15; i++)
        look_after(scene, 5000);
    monitor_model_latencies(&scene->model, HISTOGRAM_QUERY_TOTAL, &counts);
    assert_int_equal(counts.n, 0);
}

static void test_monitor_model__latencies_spread_where_they_are(void **state)
{
    struct scene *scene = *state;
    double bins[20];
    count(&scene->sample.view, 1, 1);         /* below the first */
    count(&scene->sample.view, 64 * 1024, 4); /* ten doublings above it */
    count(&scene->sample.view, 1ull << 35, 2);
    monitor_spread(&scene->sample.view.histograms[HISTOGRAM_QUERY_TOTAL], bins, 20);
    for (int i = 0; i < 20; i++)
        assert_true(bins[i] == (i == 0 ? .25 : i == 10 ? 1 : i == 19 ? .5 : 0));
}

static void test_monitor_model__the_fullest_process_is_told_of(void **state)
{
    struct scene *scene = *state;
    struct operation *one = run(scene, 1, "add", "words"), *two = run(scene, 2, "add", "words");
    run(scene, 3, "check", "");
    one->memory_bytes = 100, one->memory_bytes_max = 1000, one->n_queued = 3;
    two->memory_bytes = 90, two->memory_bytes_max = 100, two->n_queued = 4;
    look_after(scene, 0);
    assert_int_equal(monitor_model_fullest(&scene->model)->memory_bytes, 90);
    assert_int_equal(monitor_model_queued(&scene->model), 7);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_monitor_model__##name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_look_knows_no_rate),
        TEST(a_steady_rate_is_exact_and_tells_what_is_left),
        TEST(bursts_do_not_make_the_rate_jump),
        TEST(who_falls_silent_slows_down),
        TEST(the_time_left_is_what_was_told_less_what_passed),
        TEST(a_new_stage_is_measured_anew),
        TEST(numbers_of_others_may_be_anything),
        TEST(rows_stand_in_the_order_asked_for),
        TEST(a_filter_hides_and_says_how_many),
        TEST(counters_become_a_mean_over_the_window),
        TEST(another_file_is_not_a_burst),
        TEST(without_counters_nothing_old_is_shown),
        TEST(the_last_minute_forgets_what_was_before),
        TEST(latencies_spread_where_they_are),
        TEST(the_fullest_process_is_told_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
