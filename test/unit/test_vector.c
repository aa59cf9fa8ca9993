#include "../testing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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

static void test_vector__every_kernel_agrees_with_scalar(void **state)
{
    (void)state;
    srand(11);
    float query[800], other[800];
    unsigned char row[2 * 800 + 1];
    for (size_t k = 0; k < vector_n_kernels; k++) {
        const struct vector_kernel *kernel = vector_kernels[k];
        if (!kernel->runs_here()) {
            printf("SKIPPED: vector kernel %s does not run on this CPU\n", kernel->name);
            continue;
        }
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
            assert_float_equal(kernel->dot_fp16(query, row + 1, dim),
                               vector_kernel_scalar.dot_fp16(query, half, dim), 2e-5f);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vector__decodes_every_finite_fp16),
        cmocka_unit_test(test_vector__rounds_to_nearest_even),
        cmocka_unit_test(test_vector__every_kernel_agrees_with_scalar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
