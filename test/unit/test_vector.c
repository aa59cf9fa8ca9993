#include "../testing.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "vector/candidates.h"
#include "vector/rotation.h"
#include "vector/vector.h"
#include "vector/vector_kernel.h"

/* The definition, independent of the bit tricks: decode by exponent and fraction. */
static double fp16_value(uint16_t half)
{
    int exponent = half >> 10 & 31, fraction = half & 1023;
    double magnitude = exponent == 0 ? ldexp(fraction, -24) : ldexp(1024 + fraction, exponent - 25);
    return half & 0x8000 ? -magnitude : magnitude;
}

static void test_vector__decodes_every_finite_fp16(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < 0x10000; h++) {
        uint16_t half = (uint16_t)h;
        if ((half & 0x7C00) == 0x7C00)
            continue;
        float value;
        vector_from_fp16(&half, 1, &value);
        assert_true((double)value == fp16_value(half));
        uint16_t back;
        vector_to_fp16(&value, 1, &back);
        assert_int_equal(back, half);
    }
}

static void test_vector__rounds_to_nearest_even(void **state)
{
    (void)state;
    srand(7);
    for (int i = 0; i < 200000; i++) {
        float value = (float)(ldexp((double)rand() / RAND_MAX - 0.5, rand() % 40 - 26));
        uint16_t half;
        vector_to_fp16(&value, 1, &half);
        double got = fp16_value(half), error = fabs(got - (double)value);
        if ((half & 0x7FFF) >= 0x7C00)
            continue;
        for (int step = -1; step <= 1; step += 2) {
            uint16_t next = (uint16_t)(half + step);
            if ((half & 0x7FFF) == 0 && step < 0)
                continue;
            double other = fabs(fp16_value(next) - (double)value);
            assert_true(error < other || (error == other && (half & 1) == 0));
        }
    }
    float special[3] = {INFINITY, NAN, 70000.0f};
    uint16_t half[3];
    vector_to_fp16(special, 3, half);
    assert_int_equal(half[0], 0x7C00);
    assert_true((half[1] & 0x7FFF) > 0x7C00);
    assert_int_equal(half[2], 0x7C00);
}

static bool runs(const struct vector_kernel *kernel)
{
    if (kernel->runs_here())
        return true;
    printf("SKIPPED: vector kernel %s does not run on this CPU\n", kernel->name);
    return false;
}

static void test_vector__every_kernel_gives_the_dots_of_scalar(void **state)
{
    (void)state;
    srand(11);
    float query[800], other[800], values[800], expected[800];
    unsigned char row[2 * 800 + 1];
    for (size_t k = 0; k < vector_n_kernels; k++) {
        const struct vector_kernel *kernel = vector_kernels[k];
        if (!runs(kernel))
            continue;
        for (size_t dim = 1; dim <= 800; dim += dim < 70 ? 1 : 61) {
            uint16_t half[800];
            for (size_t i = 0; i < dim; i++) {
                query[i] = (float)rand() / (float)RAND_MAX - 0.5f;
                other[i] = (float)rand() / (float)RAND_MAX - 0.5f;
            }
            vector_to_fp16(other, dim, half);
            memcpy(row + 1, half, 2 * dim); /* odd address: rows come unaligned out of SQLite */
            assert_float_equal(kernel->dot(query, other, dim),
                               vector_kernel_scalar.dot(query, other, dim), 2e-5f);
            float dot = kernel->dot_fp16(query, row + 1, dim);
            float expected_dot = vector_kernel_scalar.dot_fp16(query, half, dim);
            assert_memory_equal(&dot, &expected_dot, sizeof dot);
            kernel->from_fp16(row + 1, dim, values);
            vector_from_fp16(half, dim, expected);
            assert_memory_equal(values, expected, dim * sizeof *values);
        }
    }
}

/* Sums and estimates of random tables and codes; tables full of the largest entry show whether a
 * sum leaves its bits. */
static void test_vector__every_kernel_gives_the_estimates_of_scalar(void **state)
{
    (void)state;
    srand(13);
    size_t n_bytes = VECTOR_GROUP_BYTES * 1024;
    unsigned char *tables = mem_aligned(n_bytes, 1);
    unsigned char *block = mem_alloc(n_bytes + 256 + 1), *codes = block + 1;
    for (size_t n_groups = 4; n_groups <= 1024; n_groups += n_groups < 32 ? 4 : 124) {
        struct vector_scan scan = {.tables = tables, .n_groups = n_groups, .step = 1};
        for (int is_full = 0; is_full < 2; is_full++) {
            float factors[64], expected[64], threshold;
            for (size_t i = 0; i < VECTOR_GROUP_BYTES * n_groups; i++) {
                codes[i] = (unsigned char)(rand() >> 7);
                tables[i] =
                    i % 32 < 16 ? (unsigned char)(is_full ? 63 : rand() >> 7 & 63) : tables[i - 16];
            }
            for (size_t i = 0; i < 64; i++)
                factors[i] = is_full ? 1 : i % 5 == 0 ? NAN : (float)rand() / (float)RAND_MAX - .3f;
            memcpy(codes + VECTOR_GROUP_BYTES * n_groups, factors, sizeof factors);
            scan.offset = is_full ? 0 : -17.25f * (float)n_groups;
            scan.step = is_full ? 1 : 0.7f;
            vector_kernel_scalar.scan_block(&scan, codes, 0, expected);
            for (size_t i = 0; is_full && i < 64; i++)
                assert_true(expected[i] == 63.0f * (float)n_groups);
            threshold = expected[33];
            uint64_t above = vector_kernel_scalar.scan_block(&scan, codes, threshold, expected);
            for (size_t i = 0; i < 64; i++)
                assert_int_equal(above >> i & 1, expected[i] > threshold);
            for (size_t k = 0; k < vector_n_kernels; k++) {
                _Alignas(64) float out[64];
                if (!vector_kernels[k]->runs_here())
                    continue;
                assert_true(vector_kernels[k]->scan_block(&scan, codes, threshold, out) == above);
                for (size_t i = 0; i < 64; i++)
                    assert_true(isnan(expected[i]) ? isnan(out[i]) : out[i] == expected[i]);
            }
        }
    }
    mem_free(tables);
    mem_free(block);
}

static int compare_keys(const void *a, const void *b)
{
    const uint64_t *left = a, *right = b;
    return (*left < *right) - (*left > *right);
}

static void test_vector__candidates_are_the_best_of_all(void **state)
{
    (void)state;
    struct error err;
    srand(17);
    for (size_t n = 1; n <= 20000; n = n * 3 + 1) {
        for (size_t n_best = 1; n_best <= 1000; n_best = n_best * 5 + 1) {
            struct candidates best = {0}, all = {0};
            assert_ok(candidates_init(&best, n_best, &err));
            assert_ok(candidates_init(&all, n, &err));
            for (uint32_t row = 0; row < n; row++) {
                float score = (float)(rand() % 1000 - 500); /* many are equal */
                if (score > best.threshold)
                    candidates_add(&best, score, row);
                candidates_add(&all, score, row);
            }
            qsort(all.keys, all.n, sizeof *all.keys, compare_keys);
            candidates_sort(&best);
            assert_int_equal(best.n, n < n_best ? n : n_best);
            assert_memory_equal(best.keys, all.keys, best.n * sizeof *best.keys);
            for (size_t i = 0; i < best.n; i++)
                assert_true(i == 0 ||
                            candidates_score(best.keys[i - 1]) >= candidates_score(best.keys[i]));
            candidates_clear(&best);
            candidates_clear(&all);
        }
    }
}

/* Lengths and angles stay, and a single value is spread over all. */
static void test_vector__rotation_rotates(void **state)
{
    (void)state;
    struct error err;
    srand(19);
    for (size_t n = 16; n <= 4096; n += n < 400 ? 16 : 528) {
        struct rotation rotation;
        float a[4096], b[4096], largest = 0;
        double dot_before = 0, dot_after = 0, square = 0;
        assert_ok(rotation_init(&rotation, n, 42, &err));
        for (size_t i = 0; i < n; i++) {
            a[i] = i == n / 3 ? 1 : 0;
            b[i] = (float)rand() / (float)RAND_MAX - 0.5f;
            dot_before += (double)(a[i] * b[i]);
        }
        rotation_apply(&rotation, a);
        rotation_apply(&rotation, b);
        for (size_t i = 0; i < n; i++) {
            dot_after += (double)a[i] * (double)b[i];
            square += (double)a[i] * (double)a[i];
            largest = fabsf(a[i]) > largest ? fabsf(a[i]) : largest;
        }
        assert_float_equal(dot_after, dot_before, 1e-4);
        assert_float_equal(square, 1, 1e-5);
        assert_true(largest < 8 / sqrtf((float)n));
        rotation_clear(&rotation);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vector__decodes_every_finite_fp16),
        cmocka_unit_test(test_vector__rounds_to_nearest_even),
        cmocka_unit_test(test_vector__every_kernel_gives_the_dots_of_scalar),
        cmocka_unit_test(test_vector__every_kernel_gives_the_estimates_of_scalar),
        cmocka_unit_test(test_vector__candidates_are_the_best_of_all),
        cmocka_unit_test(test_vector__rotation_rotates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
