/* What the kernel says of a thread's turns: base/thread.h. */
#include "../testing.h"

#include <sched.h>

#include "base/clock.h"
#include "base/thread.h"

enum { N = 3, SPIN_MS = 400 };

struct spinner {
    struct thread thread;
    struct thread_turns turns;
    int64_t computed_ns;
    bool is_told;
};

static void *spin(void *arg)
{
    struct spinner *spinner = arg;
    for (int64_t end_ms = clock_monotonic_ms() + SPIN_MS; clock_monotonic_ms() < end_ms;)
        ;
    spinner->is_told = thread_look_turns(&spinner->turns);
    spinner->computed_ns = clock_thread_ns();
    return NULL;
}

/* All of them on one processor: each has a part of it, and waits for the rest. */
static void test_thread__turns_are_what_was_run_and_waited_for(void **state)
{
    (void)state;
    struct error err;
    struct spinner spinners[N] = {0};
    cpu_set_t usual, one;
    assert_int_equal(sched_getaffinity(0, sizeof usual, &usual), 0);
    CPU_ZERO(&one);
    for (size_t i = CPU_SETSIZE; i-- > 0 && !CPU_COUNT(&one);)
        if (CPU_ISSET(i, &usual))
            CPU_SET(i, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    for (int i = 0; i < N; i++)
        assert_ok(thread_start(&spinners[i].thread, spin, &spinners[i], &err));
    for (int i = 0; i < N; i++)
        thread_join(&spinners[i].thread);
    assert_int_equal(sched_setaffinity(0, sizeof usual, &usual), 0);
    int64_t ran_ns = 0, waited_ns = 0;
    for (int i = 0; i < N; i++) {
        if (!spinners[i].is_told)
            skip(); /* a kernel without schedstat */
        ran_ns += spinners[i].turns.ran_ns;
        waited_ns += spinners[i].turns.waited_ns;
        int64_t off_ns = spinners[i].computed_ns - spinners[i].turns.ran_ns;
        assert_in_range(off_ns + 20000000, 0, 40000000);
    }
    assert_true(waited_ns > ran_ns); /* twice as long, and more beside other programs */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_thread__turns_are_what_was_run_and_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
