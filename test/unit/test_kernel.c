#include "../testing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "nn/kernel.h"
#include "nn/nn.h"

#define N_SHAPES 300

struct random {
    uint64_t state;
};

static uint64_t random_next(struct random *r)
{
    r->state = r->state * 6364136223846793005u + 1442695040888963407u;
    return r->state >> 33;
}

static size_t random_below(struct random *r, size_t n)
{
    return (size_t)random_next(r) % n;
}

static float random_float(struct random *r)
{
    return (float)random_below(r, 2000001) / 1e6f - 1;
}

static float *random_floats(struct random *r, size_t n)
{
    float *x = mem_array(n, sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < n; i++)
        x[i] = random_float(r);
    return x;
}

static const struct kernel *row_named(const char *name)
{
    struct error err;
    const struct kernel *row = NULL;
    assert_ok(kernel_find(name, &row, &err));
    return row;
}

/* Calls `check` for every row this CPU runs, the scalar one among them. */
static void for_each_row(void (*check)(const struct kernel *kernel))
{
    size_t n = 0;
    for (const char *const *name = nn_kernel_names(); *name; name++) {
        assert_string_equal(nn_kernels[n++]->name, *name);
        if (nn_kernel_runs(*name))
            check(row_named(*name));
        else
            printf("kernel %s does not run here\n", *name);
    }
    assert_null(nn_kernels[n]);
}

static void check_near(const struct kernel *kernel, double got, double expected, double tolerance)
{
    if (!(fabs(got - expected) <= tolerance))
        fail_msg("%s: %.9g, expected %.9g", kernel->name, got, expected);
}

enum operand { OPERAND_MULTIPLY, OPERAND_MIX };

struct shape {
    size_t n_rows, n_columns, n_inner, slack; /* slack: floats between rows */
};

static struct product product_of(struct random *r, const struct shape *s, enum operand operand)
{
    size_t b_rows = operand == OPERAND_MIX ? s->n_inner : s->n_columns;
    size_t b_columns = operand == OPERAND_MIX ? s->n_columns : s->n_inner;
    struct product p = {
        .a_stride = s->n_inner + s->slack,
        .b_stride = b_columns + s->slack,
        .out_stride = s->n_columns + s->slack,
        .n_rows = s->n_rows,
        .n_columns = s->n_columns,
        .n_inner = s->n_inner,
    };
    p.a = random_floats(r, s->n_rows * p.a_stride);
    p.b = random_floats(r, b_rows * p.b_stride);
    p.bias = operand == OPERAND_MULTIPLY && s->slack != 1 ? random_floats(r, s->n_columns) : NULL;
    p.out = random_floats(r, s->n_rows * p.out_stride);
    return p;
}

static void product_clear(struct product *p)
{
    mem_free((void *)(uintptr_t)p->a);
    mem_free((void *)(uintptr_t)p->b);
    mem_free((void *)(uintptr_t)p->bias);
    mem_free(p->out);
}

static double expected_element(const struct product *p, enum operand operand, size_t i, size_t j)
{
    double sum = p->bias ? (double)p->bias[j] : 0;
    for (size_t k = 0; k < p->n_inner; k++) {
        size_t b = operand == OPERAND_MIX ? k * p->b_stride + j : j * p->b_stride + k;
        sum += (double)p->a[i * p->a_stride + k] * (double)p->b[b];
    }
    return sum;
}

static void check_product(const struct kernel *kernel, struct random *r, const struct shape *s,
                          enum operand operand)
{
    struct product p = product_of(r, s, operand);
    size_t n_out = s->n_rows * p.out_stride;
    float *before = mem_array(n_out, sizeof *before);
    assert_non_null(before);
    memcpy(before, p.out, n_out * sizeof *before);
    (operand == OPERAND_MIX ? kernel->mix : kernel->multiply)(&p);
    for (size_t i = 0; i < n_out; i++) {
        size_t row = i / p.out_stride, column = i % p.out_stride;
        if (column >= s->n_columns)
            assert_true(p.out[i] == before[i]);
        else
            check_near(kernel, (double)p.out[i], expected_element(&p, operand, row, column),
                       1e-6 * (double)(s->n_inner + 4));
    }
    mem_free(before);
    product_clear(&p);
}

static void check_products(const struct kernel *kernel)
{
    struct random r = {1};
    for (size_t i = 0; i < N_SHAPES; i++) {
        struct shape s = {1 + random_below(&r, 14), 1 + random_below(&r, 45),
                          1 + random_below(&r, 70), random_below(&r, 4)};
        check_product(kernel, &r, &s, OPERAND_MULTIPLY);
        check_product(kernel, &r, &s, OPERAND_MIX);
    }
    check_product(kernel, &r, &(struct shape){200, 9, 1536, 0}, OPERAND_MULTIPLY);
    check_product(kernel, &r, &(struct shape){67, 33, 384, 0}, OPERAND_MULTIPLY);
}

static void test_kernel__products_are_right_for_all_shapes(void **state)
{
    (void)state;
    for_each_row(check_products);
}

/* An element computed alone has the bits it has inside a large product. */
static void check_order(const struct kernel *kernel)
{
    struct random r = {2};
    const struct shape s = {23, 41, 101, 3};
    for (int operand = OPERAND_MULTIPLY; operand <= OPERAND_MIX; operand++) {
        struct product p = product_of(&r, &s, (enum operand)operand);
        void (*run)(const struct product *) =
            operand == OPERAND_MIX ? kernel->mix : kernel->multiply;
        run(&p);
        for (size_t i = 0; i < s.n_rows * s.n_columns; i++) {
            size_t row = i / s.n_columns, column = i % s.n_columns;
            float alone;
            struct product one = p;
            one.a += row * p.a_stride;
            one.b += operand == OPERAND_MIX ? column : column * p.b_stride;
            one.bias = p.bias ? p.bias + column : NULL;
            one.out = &alone;
            one.n_rows = one.n_columns = 1;
            run(&one);
            assert_memory_equal(&alone, &p.out[row * p.out_stride + column], sizeof alone);
        }
        product_clear(&p);
    }
}

static void test_kernel__an_element_does_not_depend_on_its_neighbours(void **state)
{
    (void)state;
    for_each_row(check_order);
}

static void check_softmax(const struct kernel *kernel)
{
    struct random r = {3};
    for (size_t n = 1; n < 70; n++) {
        float *x = random_floats(&r, n + 1);
        double expected[70], sum = 0, spread = n % 3 == 0 ? 400 : 10;
        float guard = x[n];
        for (size_t i = 0; i < n; i++) {
            x[i] *= (float)spread;
            expected[i] = exp(0.25 * (double)x[i]);
            sum += expected[i];
        }
        kernel->softmax(x, n, 0.25f);
        for (size_t i = 0; i < n; i++)
            check_near(kernel, (double)x[i], expected[i] / sum, 1e-6);
        assert_true(x[n] == guard);
        mem_free(x);
    }
}

static void test_kernel__softmax_is_right(void **state)
{
    (void)state;
    for_each_row(check_softmax);
}

static void check_gelu(const struct kernel *kernel)
{
    float x[37], before[37];
    for (float from = -12; from < 12; from += 0.0037f * 36) {
        for (size_t i = 0; i < 37; i++)
            before[i] = x[i] = from + 0.0037f * (float)i;
        kernel->gelu(x, 36);
        assert_true(x[36] == before[36]);
        for (size_t i = 0; i < 36; i++) {
            double v = (double)before[i];
            check_near(kernel, (double)x[i], 0.5 * v * erfc(-v / sqrt(2)), 1e-6);
        }
    }
}

static void test_kernel__gelu_is_the_exact_form(void **state)
{
    (void)state;
    for_each_row(check_gelu);
}

static void check_normalise(const struct kernel *kernel)
{
    struct random r = {4};
    for (size_t n = 1; n < 90; n++) {
        float *x = random_floats(&r, n + 1), *gamma = random_floats(&r, n),
              *beta = random_floats(&r, n);
        double expected[90], mean = 0, variance = 0;
        float guard = x[n];
        for (size_t i = 0; i < n; i++)
            mean += (double)x[i] / (double)n;
        for (size_t i = 0; i < n; i++)
            variance += ((double)x[i] - mean) * ((double)x[i] - mean) / (double)n;
        for (size_t i = 0; i < n; i++)
            expected[i] =
                (double)gamma[i] * ((double)x[i] - mean) / sqrt(variance + 1e-3) + (double)beta[i];
        kernel->normalise(x, n, &(struct norm){gamma, beta}, 1e-3f);
        for (size_t i = 0; i < n; i++)
            check_near(kernel, (double)x[i], expected[i], 2e-6);
        assert_true(x[n] == guard);
        mem_free(x);
        mem_free(gamma);
        mem_free(beta);
    }
}

static void test_kernel__normalise_is_right(void **state)
{
    (void)state;
    for_each_row(check_normalise);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kernel__products_are_right_for_all_shapes),
        cmocka_unit_test(test_kernel__an_element_does_not_depend_on_its_neighbours),
        cmocka_unit_test(test_kernel__softmax_is_right),
        cmocka_unit_test(test_kernel__gelu_is_the_exact_form),
        cmocka_unit_test(test_kernel__normalise_is_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
