#include "../testing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "nn/kernel.h"
#include "nn/nn.h"

#define N_SHAPES 120
#define ROWS_MAX ((size_t)200)
#define COLUMNS_MAX ((size_t)96)

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
    assert_ok(kernel_find(name, NULL, &row, &err));
    return row;
}

static const struct kernel *oracle_of(const struct kernel *kernel)
{
    char name[32];
    snprintf(name, sizeof name, "scalar-%s", precision_name(kernel->precision));
    return row_named(name);
}

/* Calls `check` for every row this CPU runs, the scalar ones among them. */
static void for_each_row(void (*check)(const struct kernel *kernel))
{
    for (size_t i = 0; nn_kernel_name(i); i++) {
        const char *name = nn_kernel_name(i);
        assert_string_equal(nn_kernels[i]->name, name);
        if (nn_kernel_runs(name))
            check(row_named(name));
        else
            printf("kernel %s does not run here\n", name);
    }
}

static void check_near(const struct kernel *kernel, double got, double expected, double tolerance)
{
    if (!(fabs(got - expected) <= tolerance))
        fail_msg("%s: %.9g, expected %.9g", kernel->name, got, expected);
}

/* A product of random matrices, with what the kernel made of its sides. */
struct fixture {
    float *x, *w; /* [n_rows][n_in], [n_out][n_in] */
    size_t n_rows, n_in, n_out;
    void *a, *b;
    float *a_scales, *b_scales, *bias, *out;
    struct product product;
};

static size_t element_bytes(const struct kernel *kernel)
{
    return precision_element_bytes(kernel->precision);
}

static void prepare(const struct kernel *kernel, struct fixture *f)
{
    struct product *p = &f->product;
    kernel->convert(&(struct rows){f->x, f->n_in, f->n_rows, f->n_in}, p->n_inner, f->a,
                    f->a_scales);
    kernel->pack(&(struct rows){f->w, f->n_in, f->n_out, f->n_in}, p->n_inner, f->b, f->b_scales);
}

static void fixture_init(struct fixture *f, const struct kernel *kernel, struct random *r,
                         size_t n_rows, size_t n_in, size_t n_out)
{
    size_t n_inner = kernel_round_up(n_in), n_columns = kernel_round_up(n_out);
    *f = (struct fixture){.n_rows = n_rows, .n_in = n_in, .n_out = n_out};
    f->x = random_floats(r, n_rows * n_in);
    f->w = random_floats(r, n_out * n_in);
    f->a = mem_aligned(n_rows * n_inner, element_bytes(kernel));
    f->b = mem_aligned(n_columns * n_inner, element_bytes(kernel));
    f->a_scales = random_floats(r, n_rows);
    f->b_scales = random_floats(r, n_columns);
    f->bias = random_floats(r, n_columns);
    f->out = random_floats(r, n_rows * (n_columns + 3));
    assert_true(f->a && f->b);
    f->product = (struct product){
        .a = f->a,
        .a_scales = f->a_scales,
        .b = f->b,
        .b_scales = f->b_scales,
        .bias = f->bias,
        .out = f->out,
        .out_stride = n_columns + 3,
        .a_stride = n_inner,
        .n_rows = n_rows,
        .n_columns = n_columns,
        .n_inner = n_inner,
        .is_added = random_below(r, 2) == 1,
    };
    prepare(kernel, f);
}

static void fixture_clear(struct fixture *f)
{
    void *all[] = {f->x, f->w, f->a, f->b, f->a_scales, f->b_scales, f->bias, f->out};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        mem_free(all[i]);
}

static double expected_element(const struct fixture *f, size_t i, size_t j, float before)
{
    double sum = (double)f->product.bias[j];
    for (size_t k = 0; j < f->n_out && k < f->n_in; k++)
        sum += (double)f->x[i * f->n_in + k] * (double)f->w[j * f->n_in + k];
    return sum + (f->product.is_added ? (double)before : 0);
}

/* Of fp32 what sums lose; of the others half a step a value, in random directions. */
static double tolerance_of(const struct kernel *kernel, size_t n_inner)
{
    static const double steps[PRECISION_COUNT] = {
        [PRECISION_INT16] = 1e-3, [PRECISION_BF16] = 8e-3};
    double n = (double)n_inner;
    return 1e-6 * (n + 4) + steps[kernel->precision] * sqrt(n);
}

static void check_product(const struct kernel *kernel, struct random *r, size_t n_rows, size_t n_in,
                          size_t n_out)
{
    struct fixture f;
    fixture_init(&f, kernel, r, n_rows, n_in, n_out);
    size_t stride = f.product.out_stride, n = n_rows * stride;
    float *before = mem_array(n, sizeof *before);
    assert_non_null(before);
    memcpy(before, f.out, n * sizeof *before);
    kernel->multiply(&f.product);
    for (size_t i = 0; i < n; i++) {
        size_t row = i / stride, column = i % stride;
        if (column >= f.product.n_columns)
            assert_true(f.out[i] == before[i]);
        else
            check_near(kernel, (double)f.out[i], expected_element(&f, row, column, before[i]),
                       tolerance_of(kernel, n_in));
    }
    mem_free(before);
    fixture_clear(&f);
}

static void check_products(const struct kernel *kernel)
{
    struct random r = {1};
    for (size_t n_rows = 1; n_rows <= 26; n_rows++)
        check_product(kernel, &r, n_rows, 32, 48);
    for (size_t i = 0; i < N_SHAPES; i++)
        check_product(kernel, &r, 1 + random_below(&r, 30), 1 + random_below(&r, KERNEL_INNER_MAX),
                      1 + random_below(&r, COLUMNS_MAX));
    check_product(kernel, &r, ROWS_MAX, KERNEL_INNER_MAX, 40);
}

static void test_kernel__products_are_right_for_all_shapes(void **state)
{
    (void)state;
    for_each_row(check_products);
}

/* Both sides are the bytes that the scalar row makes: caches and tests of one row serve another. */
static void check_formats(const struct kernel *kernel)
{
    struct random r = {5};
    const struct kernel *oracle = oracle_of(kernel);
    for (size_t i = 0; i < 40; i++) {
        struct fixture f, g;
        size_t n_rows = 1 + random_below(&r, 20), n_in = 1 + random_below(&r, KERNEL_INNER_MAX),
               n_out = 1 + random_below(&r, COLUMNS_MAX);
        struct random again = r;
        fixture_init(&f, kernel, &r, n_rows, n_in, n_out);
        fixture_init(&g, oracle, &again, n_rows, n_in, n_out);
        struct product *p = &f.product;
        assert_memory_equal(f.a, g.a, n_rows * p->n_inner * element_bytes(kernel));
        assert_memory_equal(f.b, g.b, p->n_columns * p->n_inner * element_bytes(kernel));
        assert_memory_equal(f.a_scales, g.a_scales, n_rows * sizeof(float));
        assert_memory_equal(f.b_scales, g.b_scales, p->n_columns * sizeof(float));
        fixture_clear(&f);
        fixture_clear(&g);
    }
}

static void test_kernel__formats_are_the_same_in_all_rows(void **state)
{
    (void)state;
    for_each_row(check_formats);
}

/* The product of row i and column j as it was converted, in 64 bits. */
static int64_t sum_of(const struct fixture *f, size_t i, size_t j)
{
    size_t n_inner = f->product.n_inner;
    const int16_t *row = (const int16_t *)f->a + i * n_inner;
    const int16_t *panel =
        (const int16_t *)f->b + j / KERNEL_PANEL * n_inner * KERNEL_PANEL + j % KERNEL_PANEL * 2;
    int64_t sum = 0;
    for (size_t k = 0; k < n_inner; k++)
        sum += row[k] * panel[k / 2 * 2 * KERNEL_PANEL + k % 2];
    return sum;
}

/* `steepness` 0: all weights of a column alike, which is where int32 is nearest. */
static void check_sums(const struct kernel *kernel, struct random *r, float steepness)
{
    struct fixture f;
    fixture_init(&f, kernel, r, 13, 1 + random_below(r, KERNEL_INNER_MAX), 33);
    for (size_t k = 0; k < f.n_out * f.n_in; k++)
        f.w[k] = 1 + f.w[k] * steepness;
    for (size_t k = 0; steepness == 0 && k < f.n_rows * f.n_in; k++)
        f.x[k] = 2;
    prepare(kernel, &f);
    memset(f.bias, 0, f.product.n_columns * sizeof *f.bias);
    f.product.is_added = false;
    kernel->multiply(&f.product);
    for (size_t i = 0; i < f.n_rows; i++) {
        for (size_t j = 0; j < f.product.n_columns; j++) {
            int64_t sum = sum_of(&f, i, j);
            assert_true(sum == (int32_t)sum);
            assert_true(f.out[i * f.product.out_stride + j] ==
                        (float)sum * f.a_scales[i] * f.b_scales[j]);
        }
    }
    fixture_clear(&f);
}

static void check_exact(const struct kernel *kernel)
{
    struct random r = {6};
    for (size_t i = 0; i < 40 && kernel->precision == PRECISION_INT16; i++)
        check_sums(kernel, &r, (float)(i % 5));
}

static void test_kernel__sums_of_int16_are_exact_and_fit(void **state)
{
    (void)state;
    for_each_row(check_exact);
}

/* An element computed alone has the bits it has inside a large product. */
static void check_order(const struct kernel *kernel)
{
    struct random r = {2};
    struct fixture f;
    fixture_init(&f, kernel, &r, 41, 101, 70);
    f.product.is_added = false;
    kernel->multiply(&f.product);
    size_t n_inner = f.product.n_inner;
    for (size_t row = 0; row < f.n_rows; row++) {
        for (size_t column = 0; column < f.product.n_columns; column += KERNEL_PANEL) {
            float alone[KERNEL_PANEL];
            struct product one = f.product;
            one.a = (const char *)f.a + row * n_inner * element_bytes(kernel);
            one.a_scales += row;
            one.b = (const char *)f.b + column * n_inner * element_bytes(kernel);
            one.b_scales += column;
            one.bias += column;
            one.out = alone;
            one.n_rows = 1;
            one.n_columns = KERNEL_PANEL;
            kernel->multiply(&one);
            assert_memory_equal(alone, f.out + row * f.product.out_stride + column, sizeof alone);
        }
    }
    fixture_clear(&f);
}

static void test_kernel__an_element_does_not_depend_on_its_neighbours(void **state)
{
    (void)state;
    for_each_row(check_order);
}

/* out = softmax(scale * q k^T) v, in double. */
static void expect_attention(const struct attention *a, size_t i, double *out)
{
    double *row = mem_array(a->n, sizeof *row), max = -INFINITY, sum = 0;
    assert_non_null(row);
    for (size_t j = 0; j < a->n; j++) {
        row[j] = 0;
        for (size_t k = 0; k < a->n_out; k++)
            row[j] += (double)a->query[i * a->stride + k] * (double)a->key[j * a->stride + k];
        row[j] *= (double)a->scale;
        max = fmax(max, row[j]);
    }
    for (size_t j = 0; j < a->n; j++)
        sum += row[j] = exp(row[j] - max);
    for (size_t k = 0; k < a->n_out; k++) {
        out[k] = 0;
        for (size_t j = 0; j < a->n; j++)
            out[k] += row[j] / sum * (double)a->value[j * a->stride + k];
    }
    mem_free(row);
}

static void check_head(const struct kernel *kernel, struct random *r, size_t n, size_t n_out,
                       float spread)
{
    size_t n_inner = kernel_round_up(n_out), stride = 3 * n_inner + 5;
    float *head = random_floats(r, n * stride), *out = random_floats(r, n * (n_out + 1));
    void *scratch = mem_aligned(kernel_scratch_bytes(n, n_inner), 1);
    assert_non_null(scratch);
    for (size_t i = 0; i < n * stride; i++)
        head[i] = i % stride % n_inner < n_out ? head[i] * spread : 0;
    struct attention a = {.query = head,
                          .key = head + n_inner,
                          .value = head + 2 * n_inner,
                          .stride = stride,
                          .n = n,
                          .n_inner = n_inner,
                          .scale = 1 / sqrtf((float)n_out),
                          .out = out,
                          .out_stride = n_out + 1,
                          .n_out = n_out,
                          .scratch = scratch};
    kernel->attend(&a);
    static const double tolerances[PRECISION_COUNT] = {
        [PRECISION_FP32] = 2e-6, [PRECISION_INT16] = 5e-4, [PRECISION_BF16] = 1.5e-2};
    double tolerance = tolerances[kernel->precision];
    for (size_t i = 0; i < n; i++) {
        double expected[KERNEL_INNER_MAX];
        expect_attention(&a, i, expected);
        for (size_t k = 0; k < n_out; k++)
            check_near(kernel, (double)out[i * (n_out + 1) + k], expected[k],
                       tolerance * (double)(spread * spread));
    }
    mem_free(scratch);
    mem_free(out);
    mem_free(head);
}

/* All queries are the first key and far from the others: its value is the result, however large the
 * scores are, and however they are rounded. */
static void check_steep(const struct kernel *kernel, struct random *r, float size)
{
    enum { N = 40, WIDTH = 32, STRIDE = 3 * WIDTH };
    float *head = random_floats(r, N * STRIDE), out[N * WIDTH];
    void *scratch = mem_aligned(kernel_scratch_bytes(N, WIDTH), 1);
    assert_non_null(scratch);
    for (size_t i = 0; i < N * STRIDE; i++) {
        if (i % STRIDE < 2 * WIDTH)
            head[i] = i % STRIDE < WIDTH || i < STRIDE ? size : -size;
    }
    kernel->attend(&(struct attention){.query = head,
                                       .key = head + WIDTH,
                                       .value = head + 2 * WIDTH,
                                       .stride = STRIDE,
                                       .n = N,
                                       .n_inner = WIDTH,
                                       .scale = 1 / sqrtf(WIDTH),
                                       .out = out,
                                       .out_stride = WIDTH,
                                       .n_out = WIDTH,
                                       .scratch = scratch});
    double tolerance = kernel->precision == PRECISION_BF16 ? 4e-3 : 2e-4;
    for (size_t i = 0; i < N * WIDTH; i++)
        check_near(kernel, (double)out[i], (double)head[2 * WIDTH + i % WIDTH], tolerance);
    mem_free(scratch);
    mem_free(head);
}

static void check_attention(const struct kernel *kernel)
{
    struct random r = {3};
    for (float size = 2; size < 1000; size *= 1.37f)
        check_steep(kernel, &r, size);
    static const size_t widths[] = {1, 7, 16, 32, 50, 64};
    for (size_t n = 1; n < 52; n++)
        check_head(kernel, &r, n, widths[n % 6], n % 3 ? 1 : 4);
    check_head(kernel, &r, 131, 32, 2);
    check_head(kernel, &r, 256, 32, 1);
}

static void test_kernel__attention_is_right(void **state)
{
    (void)state;
    for_each_row(check_attention);
}

/* Through a product whose first column copies x. */
static void check_gelu(const struct kernel *kernel)
{
    struct random r = {8};
    struct fixture f;
    fixture_init(&f, kernel, &r, 12, 16, 16);
    memset(f.bias, 0, f.product.n_columns * sizeof *f.bias);
    f.product.is_added = false;
    f.product.has_gelu = true;
    for (float from = -12; from < 12; from += 0.12f) {
        for (size_t i = 0; i < 12 * 16; i++)
            f.x[i] = i % 16 ? 0 : from + 0.01f * (float)(i / 16);
        for (size_t i = 0; i < 16 * 16; i++)
            f.w[i] = i == 0;
        prepare(kernel, &f);
        kernel->multiply(&f.product);
        for (size_t i = 0; i < 12; i++) {
            double v = (double)f.x[i * 16];
            double tolerance =
                kernel->precision == PRECISION_FP32 ? 1e-6 : 1.2e-5 * fmax(fabs(v), 4);
            if (kernel->precision == PRECISION_BF16)
                tolerance += fabs(v) / 128;
            check_near(kernel, (double)f.out[i * f.product.out_stride],
                       0.5 * v * erfc(-v / sqrt(2)), tolerance);
        }
    }
    fixture_clear(&f);
}

static void test_kernel__gelu_is_near_the_exact_form(void **state)
{
    (void)state;
    for_each_row(check_gelu);
}

static void check_normalise(const struct kernel *kernel)
{
    struct random r = {4};
    for (size_t n = 1; n < 90; n++) {
        float *x = random_floats(&r, 2 * n + 2), *gamma = random_floats(&r, n),
              *beta = random_floats(&r, n);
        double expected[90], mean = 0, variance = 0;
        float guard = x[2 * n + 1];
        for (size_t i = 0; i < n; i++)
            mean += (double)x[n + 1 + i] / (double)n;
        for (size_t i = 0; i < n; i++)
            variance += ((double)x[n + 1 + i] - mean) * ((double)x[n + 1 + i] - mean) / (double)n;
        for (size_t i = 0; i < n; i++)
            expected[i] = (double)gamma[i] * ((double)x[n + 1 + i] - mean) / sqrt(variance + 1e-3) +
                          (double)beta[i];
        kernel->normalise(x, n + 1, 2, n, gamma, beta, 1e-3f);
        for (size_t i = 0; i < n; i++)
            check_near(kernel, (double)x[n + 1 + i], expected[i], 2e-6);
        assert_true(x[2 * n + 1] == guard);
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

static void test_kernel__rows_are_found_by_name_and_precision(void **state)
{
    (void)state;
    struct error err;
    const struct kernel *row = NULL;
    assert_ok(kernel_find("auto", "fp32", &row, &err));
    assert_int_equal(row->precision, PRECISION_FP32);
    assert_ok(kernel_find(NULL, "int16", &row, &err));
    assert_int_equal(row->precision, PRECISION_INT16);
    assert_status(kernel_find("auto", "int4", &row, &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, "int4"));
    assert_non_null(strstr(err.hint, "int16"));
    assert_status(kernel_find("mmx", NULL, &row, &err), STATUS_INVALID);
    assert_non_null(strstr(err.hint, "scalar-fp32"));
    assert_null(nn_kernel_name(99));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kernel__products_are_right_for_all_shapes),
        cmocka_unit_test(test_kernel__formats_are_the_same_in_all_rows),
        cmocka_unit_test(test_kernel__sums_of_int16_are_exact_and_fit),
        cmocka_unit_test(test_kernel__an_element_does_not_depend_on_its_neighbours),
        cmocka_unit_test(test_kernel__attention_is_right),
        cmocka_unit_test(test_kernel__gelu_is_near_the_exact_form),
        cmocka_unit_test(test_kernel__normalise_is_right),
        cmocka_unit_test(test_kernel__rows_are_found_by_name_and_precision),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
