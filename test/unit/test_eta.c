#include "../testing.h"

#include <stdlib.h>

#include "ingest/eta.h"

enum { STEP_MS = 250 };

/* One thread that has a processor for itself. */
static int64_t step(struct eta *eta, int64_t ms, uint64_t n_worked, uint64_t n_left)
{
    const struct eta_seen seen = {.elapsed_ms = ms, .computed_ms = ms, .n_worked = n_worked};
    return eta_step(eta, &seen, n_left);
}

static void test_eta__says_nothing_at_first(void **state)
{
    (void)state;
    struct eta eta = {0};
    assert_int_equal(step(&eta, 0, 0, 1000), -1);
    assert_int_equal(step(&eta, STEP_MS, 900, 100), -1);
    assert_int_equal(step(&eta, 60000, 900, 0), 0);
}

static void test_eta__is_exact_at_a_steady_rate(void **state)
{
    (void)state;
    struct eta eta = {0};
    uint64_t n_total = 1000000;
    for (int64_t ms = STEP_MS; ms < 90000; ms += STEP_MS) {
        int64_t left_ms = step(&eta, ms, (uint64_t)ms * 10, n_total - (uint64_t)ms * 10);
        if (left_ms >= 0)
            assert_in_range(left_ms, 99500 - ms, 100500 - ms);
    }
}

/* Groups of files come in bursts; the figures must not jump with them. */
static void test_eta__does_not_swing_with_bursts(void **state)
{
    (void)state;
    struct eta eta = {0};
    unsigned seed = 7;
    uint64_t n_worked = 0, n_total = 2000000;
    int64_t before_ms = -1;
    for (int64_t ms = STEP_MS; n_worked < n_total * 9 / 10; ms += STEP_MS) {
        seed = seed * 1103515245 + 12345;
        n_worked += seed >> 16 & 1 ? (seed >> 8) % 10000 : 0; /* 2,500 on average, half nothing */
        int64_t left_ms = step(&eta, ms, n_worked, n_total - n_worked);
        if (before_ms >= 0)
            assert_true(llabs(left_ms - before_ms) < before_ms / 20 + 1000);
        before_ms = left_ms;
    }
    assert_true(before_ms >= 0);
}

static void test_eta__follows_a_change_of_rate(void **state)
{
    (void)state;
    struct eta eta = {0};
    uint64_t n_worked = 0;
    int64_t ms = 0, left_ms = 0;
    for (; ms < 60000; ms += STEP_MS)
        step(&eta, ms, n_worked += 1000, 1000000);
    for (; ms < 180000; ms += STEP_MS)
        left_ms = step(&eta, ms, n_worked += 100, 1000000);
    assert_in_range(left_ms, 2000000, 2500000);
}

/* A second run begins with thousands of unchanged files: no work, and no rate. */
static void test_eta__ignores_what_was_passed_over(void **state)
{
    (void)state;
    struct eta eta = {0};
    assert_int_equal(step(&eta, 100, 0, 500000), -1);
    int64_t left_ms = -1;
    for (int64_t ms = STEP_MS; ms <= 10000; ms += STEP_MS)
        left_ms = step(&eta, ms, (uint64_t)ms * 10, 200000 - (uint64_t)ms * 10);
    assert_in_range(left_ms, 9500, 10500);
}

/* Vectors of real runs, as they went: elapsed and computing time in ms, passages done. */
static const struct eta_seen starved[] = {
    {308, 20, 0},       {2469, 170, 0},     {4638, 290, 0},     {6832, 410, 0},
    {9135, 550, 16},    {11276, 680, 32},   {13504, 810, 32},   {15744, 940, 32},
    {17998, 1080, 32},  {20256, 1220, 48},  {22532, 1360, 64},  {24778, 1490, 64},
    {26998, 1630, 64},  {29190, 1770, 80},  {31302, 1900, 96},  {33576, 2030, 96},
    {35797, 2160, 96},  {38013, 2290, 96},  {40179, 2410, 96},  {42355, 2530, 96},
    {44452, 2650, 112}, {46500, 2770, 128}, {48682, 2900, 128}, {50850, 3020, 128},
    {53060, 3170, 128}, {55060, 3290, 128}, {57164, 3400, 160}, {59412, 3540, 160},
    {61592, 3670, 160}, {63724, 3850, 160}, {65872, 4000, 176}, {68096, 4130, 192},
    {70328, 4260, 192}, {72593, 4410, 192}, {74852, 4540, 192}, {77104, 4680, 192},
    {79338, 4820, 208}, {81516, 4960, 208}, {83768, 5100, 224}, {86001, 5230, 224},
    {88016, 5340, 224}, {90248, 5480, 240}, {92464, 5620, 256}, {94692, 5760, 256},
    {96926, 5890, 256}, {98629, 5960, 285}};
static const struct eta_seen shared[] = {
    {283, 100, 0},        {1989, 670, 32},      {3520, 1170, 64},     {5168, 1710, 96},
    {6703, 2210, 112},    {8267, 2710, 144},    {9776, 3230, 160},    {11391, 3840, 208},
    {13087, 4230, 224},   {14729, 4860, 272},   {16556, 5560, 304},   {18098, 6280, 336},
    {19707, 6710, 368},   {21379, 7020, 384},   {23043, 7320, 400},   {24771, 7620, 400},
    {26331, 8230, 432},   {27915, 8980, 464},   {29597, 9780, 496},   {31331, 10610, 544},
    {32895, 11350, 576},  {34441, 12120, 608},  {36047, 12900, 640},  {37551, 13590, 672},
    {39215, 14360, 704},  {40907, 15190, 752},  {42487, 15980, 784},  {44239, 16820, 832},
    {45875, 17630, 864},  {47459, 18400, 912},  {49127, 19200, 944},  {50863, 20060, 976},
    {52477, 20860, 1008}, {54195, 21710, 1056}, {55925, 22560, 1088}, {57535, 23360, 1120},
    {59287, 24230, 1168}, {60787, 24730, 1200}, {62347, 25250, 1216}, {63867, 25750, 1248},
    {65575, 26320, 1280}, {67347, 26900, 1312}, {69023, 27450, 1344}, {70795, 28000, 1376},
    {72447, 28560, 1392}, {74051, 29290, 1424}, {75748, 30060, 1456}, {77415, 30820, 1504},
    {78971, 31500, 1536}, {79970, 31950, 1571}};
static const struct eta_seen brief[] = {{264, 70, 0},       {1575, 590, 32},    {2583, 1000, 48},
                                        {3751, 1470, 80},   {4883, 1940, 112},  {5929, 2350, 128},
                                        {7052, 2820, 160},  {8181, 3190, 176},  {9300, 3540, 192},
                                        {10530, 3900, 208}, {11613, 4250, 240}, {12851, 4640, 256},
                                        {13775, 4940, 285}};

/* What a second of computing does was known from a calm machine; these ran beside programs that
 * left them a part of one. */
static void test_eta__is_right_from_the_first_seconds_on_a_busy_machine(void **state)
{
    (void)state;
    const struct {
        const struct eta_seen *seen;
        size_t n;
        double n_per_computed_ms;
        int least_percent, most_percent; /* of what was left */
    } runs[] = {
        {starved, sizeof starved / sizeof *starved, 0.0606, 65, 130}, /* a sixteenth of one */
        {shared, sizeof shared / sizeof *shared, 0.0522, 90, 130},    /* two fifths */
        {brief, sizeof brief / sizeof *brief, 0.0606, 80, 110},
    };
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
        const struct eta_seen *end = &runs[i].seen[runs[i].n - 1];
        struct eta eta;
        int n_told = 0;
        eta_expect(&eta, runs[i].n_per_computed_ms);
        for (const struct eta_seen *seen = runs[i].seen; seen <= end; seen++) {
            int64_t left_ms = end->elapsed_ms - seen->elapsed_ms;
            int64_t told_ms = eta_step(&eta, seen, end->n_worked - seen->n_worked);
            assert_true(seen->elapsed_ms < 1000 ? told_ms == -1 : told_ms >= 0);
            if (told_ms < 0 || left_ms < end->elapsed_ms / 5) /* the last fifth is a few slices */
                continue;
            n_told++;
            assert_in_range(told_ms * 100 / left_ms, runs[i].least_percent, runs[i].most_percent);
        }
        assert_true(n_told > 5);
    }
}

/* A measurement of another machine is corrected by what is seen. */
static void test_eta__does_not_stay_with_a_wrong_expectation(void **state)
{
    (void)state;
    struct eta eta;
    int64_t left_ms = 0;
    eta_expect(&eta, 100); /* ten times too many */
    for (int64_t ms = STEP_MS; ms <= 30000; ms += STEP_MS)
        left_ms = step(&eta, ms, (uint64_t)ms * 10, 1000000 - (uint64_t)ms * 10);
    assert_in_range(left_ms, 60000, 70500);
}

/* Nothing was computed at all: that is no reason to be hopeful. */
static void test_eta__says_nothing_without_computing_time(void **state)
{
    (void)state;
    struct eta eta;
    eta_expect(&eta, 1);
    for (int64_t ms = STEP_MS; ms <= 5000; ms += STEP_MS)
        assert_int_equal(eta_step(&eta, &(struct eta_seen){.elapsed_ms = ms}, 1000), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_eta__says_nothing_at_first),
        cmocka_unit_test(test_eta__is_exact_at_a_steady_rate),
        cmocka_unit_test(test_eta__does_not_swing_with_bursts),
        cmocka_unit_test(test_eta__follows_a_change_of_rate),
        cmocka_unit_test(test_eta__ignores_what_was_passed_over),
        cmocka_unit_test(test_eta__is_right_from_the_first_seconds_on_a_busy_machine),
        cmocka_unit_test(test_eta__does_not_stay_with_a_wrong_expectation),
        cmocka_unit_test(test_eta__says_nothing_without_computing_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
