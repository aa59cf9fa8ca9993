#include "../testing.h"

#include <string.h>

#include "governor/governor_machine.h"

#define MIB ((size_t)1 << 20)
enum { N_SLOTS = 32 };

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static enum governor_reply ask(struct governor_machine *m, enum governor_class class, size_t n,
                               int64_t now_ms)
{
    size_t taken;
    return governor_step(
        m, &(struct governor_event){.kind = GOVERNOR_ASK, .class = class, .n_bytes = n}, now_ms,
        &taken);
}

static void give(struct governor_machine *m, enum governor_class class, size_t n, int64_t now_ms)
{
    (void)governor_step(
        m, &(struct governor_event){.kind = GOVERNOR_GIVE, .class = class, .n_bytes = n}, now_ms,
        NULL);
}

static void see(struct governor_machine *m, struct governor_sight sight, int64_t now_ms)
{
    (void)governor_step(m, &(struct governor_event){.kind = GOVERNOR_SEE, .sight = sight}, now_ms,
                        NULL);
}

static struct governor_machine machine_of(size_t budget_bytes)
{
    return (struct governor_machine){.budget_bytes = budget_bytes, .given_ms = -GOVERNOR_PAUSE_MS};
}

/* Some holders of each class that ask, grow, shrink and give back, while the machine changes. */
struct world {
    struct governor_machine machine;
    struct {
        enum governor_class class;
        size_t n_bytes;
    } slots[N_SLOTS];
    uint64_t seed;
    int64_t now_ms;
};

static size_t sum_of(const struct world *w, int class)
{
    size_t sum = 0;
    for (size_t i = 0; i < N_SLOTS; i++)
        if (w->slots[i].n_bytes && (class < 0 || (int)w->slots[i].class == class))
            sum += w->slots[i].n_bytes;
    return sum;
}

static void change_slot(struct world *w, size_t i)
{
    struct governor_machine *m = &w->machine;
    size_t n = (size_t)(next_random(&w->seed) % (m->budget_bytes + m->budget_bytes / 8)) >>
               next_random(&w->seed) % 12;
    if (w->slots[i].n_bytes == 0) {
        enum governor_class class = (enum governor_class)(next_random(&w->seed) % 3);
        if (ask(m, class, n, w->now_ms) == GOVERNOR_DONE) {
            w->slots[i].class = class;
            w->slots[i].n_bytes = n;
        }
    } else if (next_random(&w->seed) % 3 == 0) {
        size_t held = w->slots[i].n_bytes, now = held;
        (void)governor_step(
            m,
            &(struct governor_event){
                .kind = GOVERNOR_RESIZE, .class = w->slots[i].class, .n_held = held, .n_bytes = n},
            w->now_ms, &now);
        assert_true(now <= n || now == held);
        w->slots[i].n_bytes = now;
    } else {
        give(m, w->slots[i].class, w->slots[i].n_bytes, w->now_ms);
        w->slots[i].n_bytes = 0;
    }
}

static void change_machine(struct world *w)
{
    see(&w->machine,
        (struct governor_sight){
            .own_bytes = (size_t)(next_random(&w->seed) % (2 * w->machine.budget_bytes)),
            .group_permille = (unsigned)(next_random(&w->seed) % 1001),
            .some_permille = (unsigned)(next_random(&w->seed) % 200),
            .full_permille = (unsigned)(next_random(&w->seed) % 100),
        },
        w->now_ms);
}

static void check_world(const struct world *w)
{
    const struct governor_machine *m = &w->machine;
    size_t query_share = governor_machine_share(m, GOVERNOR_QUERY);
    for (int class = 0; class < GOVERNOR_CLASS_COUNT; class ++)
        assert_int_equal(m->taken[class], sum_of(w, class));
    assert_true(sum_of(w, -1) <= m->budget_bytes);
    assert_true(m->taken[GOVERNOR_CACHE] <= governor_machine_share(m, GOVERNOR_CACHE));
    /* Whatever ingest and caches hold: what is kept for queries is theirs at once. */
    if (m->taken[GOVERNOR_QUERY] < query_share) {
        struct governor_machine copy = *m;
        assert_int_equal(
            ask(&copy, GOVERNOR_QUERY, query_share - m->taken[GOVERNOR_QUERY], w->now_ms),
            GOVERNOR_DONE);
    }
}

/* When everybody has given back and others leave memory alone, the largest job there can be passes:
 * nothing waits for ever, also when we are above the budget with what nobody took bytes for. */
static void check_end(struct world *w)
{
    for (size_t i = 0; i < N_SLOTS; i++)
        if (w->slots[i].n_bytes) {
            give(&w->machine, w->slots[i].class, w->slots[i].n_bytes, w->now_ms);
            w->slots[i].n_bytes = 0;
        }
    assert_int_equal(sum_of(w, -1), 0);
    for (int class = 0; class < GOVERNOR_CLASS_COUNT; class ++)
        assert_int_equal(w->machine.taken[class], 0);
    see(&w->machine, (struct governor_sight){.own_bytes = 2 * w->machine.budget_bytes}, w->now_ms);
    size_t most = governor_machine_room(&w->machine, GOVERNOR_INGEST);
    assert_true(most >= w->machine.budget_bytes / 10 * 7);
    see(&w->machine, (struct governor_sight){.own_bytes = 2 * w->machine.budget_bytes}, w->now_ms);
    assert_int_equal(ask(&w->machine, GOVERNOR_INGEST, most + 1, w->now_ms), GOVERNOR_NEVER);
    assert_int_equal(ask(&w->machine, GOVERNOR_INGEST, most, w->now_ms), GOVERNOR_DONE);
    give(&w->machine, GOVERNOR_INGEST, most, w->now_ms);
}

static void test_governor__keeps_its_invariants_whatever_happens(void **state)
{
    (void)state;
    enum { N_EVENTS = 1000000, N_A_WORLD = 500 };
    uint64_t seed = 0x9e3779b97f4a7c15u;
    printf("seed %llx\n", (unsigned long long)seed);
    for (size_t n = 0; n < N_EVENTS; n += N_A_WORLD) {
        struct world w = {.machine = machine_of(64 + next_random(&seed) % (4096 * MIB)),
                          .seed = next_random(&seed)};
        for (size_t i = 0; i < N_A_WORLD; i++) {
            w.now_ms += (int64_t)(next_random(&w.seed) % 700);
            if (next_random(&w.seed) % 4 == 0)
                change_machine(&w);
            else
                change_slot(&w, next_random(&w.seed) % N_SLOTS);
            check_world(&w);
        }
        check_end(&w);
    }
}

static void test_governor__leaves_a_state_five_points_lower(void **state)
{
    (void)state;
    static const struct {
        unsigned permille;
        enum governor_state expected;
    } steps[] = {
        {0, GOVERNOR_GREEN},    {699, GOVERNOR_GREEN},  {700, GOVERNOR_YELLOW},
        {650, GOVERNOR_YELLOW}, {649, GOVERNOR_GREEN},  {850, GOVERNOR_RED},
        {800, GOVERNOR_RED},    {951, GOVERNOR_BLACK},  {900, GOVERNOR_BLACK},
        {899, GOVERNOR_RED},    {799, GOVERNOR_YELLOW}, {0, GOVERNOR_GREEN},
    };
    struct governor_machine inside = machine_of(1000), outside = machine_of(1000);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        see(&inside, (struct governor_sight){.own_bytes = steps[i].permille}, 0);
        see(&outside, (struct governor_sight){.group_permille = steps[i].permille}, 0);
        assert_int_equal(governor_machine_state(&inside), steps[i].expected);
        assert_int_equal(governor_machine_state(&outside), steps[i].expected);
    }
}

static void test_governor__stalls_count(void **state)
{
    (void)state;
    static const struct {
        unsigned some_permille, full_permille;
        enum governor_state expected;
    } steps[] = {
        {99, 0, GOVERNOR_GREEN}, {100, 0, GOVERNOR_YELLOW}, {50, 0, GOVERNOR_YELLOW},
        {49, 0, GOVERNOR_GREEN}, {0, 49, GOVERNOR_GREEN},   {0, 50, GOVERNOR_RED},
        {0, 25, GOVERNOR_RED},   {50, 24, GOVERNOR_YELLOW}, {49, 24, GOVERNOR_GREEN},
    };
    struct governor_machine m = machine_of(1000);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        see(&m,
            (struct governor_sight){.some_permille = steps[i].some_permille,
                                    .full_permille = steps[i].full_permille},
            0);
        assert_int_equal(governor_machine_state(&m), steps[i].expected);
    }
}

/* The most that a class can have at all, and a byte more: to wait for that would be for ever. */
static void test_governor__knows_what_never_fits(void **state)
{
    (void)state;
    static const struct {
        enum governor_class class;
        size_t most;
    } rows[] = {{GOVERNOR_QUERY, 1000}, {GOVERNOR_INGEST, 700}, {GOVERNOR_CACHE, 200}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct governor_machine m = machine_of(1000);
        assert_int_equal(ask(&m, rows[i].class, rows[i].most + 1, 0), GOVERNOR_NEVER);
        assert_int_equal(ask(&m, rows[i].class, rows[i].most, 0), GOVERNOR_DONE);
        assert_int_equal(ask(&m, rows[i].class, 1, 0), GOVERNOR_LATER);
    }
}

static void test_governor__ingest_pauses_while_others_are_short(void **state)
{
    (void)state;
    struct governor_machine m = machine_of(1000);
    see(&m, (struct governor_sight){.group_permille = 900}, 0);
    assert_int_equal(ask(&m, GOVERNOR_INGEST, 10, 0), GOVERNOR_DONE);
    assert_int_equal(ask(&m, GOVERNOR_INGEST, 10, 5000), GOVERNOR_LATER);
    give(&m, GOVERNOR_INGEST, 10, 5000);
    assert_int_equal(ask(&m, GOVERNOR_INGEST, 10, 5000), GOVERNOR_DONE);
    give(&m, GOVERNOR_INGEST, 10, 5001);
    assert_int_equal(ask(&m, GOVERNOR_INGEST, 10, 5001), GOVERNOR_LATER);
    see(&m, (struct governor_sight){.group_permille = 980}, 9000);
    assert_int_equal(ask(&m, GOVERNOR_INGEST, 10, 90000), GOVERNOR_LATER);
    assert_int_equal(ask(&m, GOVERNOR_CACHE, 10, 90000), GOVERNOR_LATER);
    assert_int_equal(ask(&m, GOVERNOR_QUERY, 300, 90000), GOVERNOR_DONE);
}

/* Whoever stalls may be ourselves: one job after the other, without a pause. */
static void test_governor__stalls_let_one_job_pass_at_a_time(void **state)
{
    (void)state;
    struct governor_machine m = machine_of(1000);
    see(&m, (struct governor_sight){.full_permille = 300}, 0);
    for (int64_t now_ms = 0; now_ms < 5; now_ms++) {
        assert_int_equal(ask(&m, GOVERNOR_INGEST, 10, now_ms), GOVERNOR_DONE);
        assert_int_equal(ask(&m, GOVERNOR_INGEST, 10, now_ms), GOVERNOR_LATER);
        give(&m, GOVERNOR_INGEST, 10, now_ms);
    }
}

/* Our own memory does not go away by waiting: one job after the other. */
static void test_governor__a_full_group_of_our_own_is_worked_through(void **state)
{
    (void)state;
    struct governor_machine m = machine_of(1000);
    see(&m, (struct governor_sight){.own_bytes = 1900, .group_permille = 950}, 0);
    assert_int_equal(governor_machine_state(&m), GOVERNOR_BLACK);
    for (int64_t now_ms = 0; now_ms < 5; now_ms++) {
        assert_int_equal(ask(&m, GOVERNOR_INGEST, 400, now_ms), GOVERNOR_DONE);
        assert_int_equal(ask(&m, GOVERNOR_INGEST, 1, now_ms), GOVERNOR_LATER);
        give(&m, GOVERNOR_INGEST, 400, now_ms);
    }
}

static void test_governor__off_counts_and_refuses_nothing(void **state)
{
    (void)state;
    struct governor_machine m = machine_of(1000);
    m.is_off = true;
    assert_int_equal(ask(&m, GOVERNOR_INGEST, 5000, 0), GOVERNOR_DONE);
    assert_int_equal(ask(&m, GOVERNOR_CACHE, 5000, 0), GOVERNOR_DONE);
    assert_int_equal(m.taken[GOVERNOR_INGEST], 5000);
    size_t n_bytes = 0;
    (void)governor_step(
        &m,
        &(struct governor_event){
            .kind = GOVERNOR_RESIZE, .class = GOVERNOR_INGEST, .n_held = 5000, .n_bytes = 9000},
        0, &n_bytes);
    assert_int_equal(n_bytes, 9000);
    assert_int_equal(m.taken[GOVERNOR_INGEST], 9000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_governor__keeps_its_invariants_whatever_happens),
        cmocka_unit_test(test_governor__leaves_a_state_five_points_lower),
        cmocka_unit_test(test_governor__stalls_count),
        cmocka_unit_test(test_governor__knows_what_never_fits),
        cmocka_unit_test(test_governor__ingest_pauses_while_others_are_short),
        cmocka_unit_test(test_governor__stalls_let_one_job_pass_at_a_time),
        cmocka_unit_test(test_governor__a_full_group_of_our_own_is_worked_through),
        cmocka_unit_test(test_governor__off_counts_and_refuses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
