#include "../testing.h"

#include <math.h>
#include <string.h>

#include "../golden.h"
#include "base/fault.h"
#include "nn/nn.h"

#define TOLERANCE 1e-5f
#define COSINE_MIN 0.9999 /* of int16, on the worst text: one word */
#define COSINE_MEAN_MIN 0.99999
#define COSINE_MEAN_MIN_BF16 0.99997 /* which is why it is nobody's default */
/* The scalar row and instrumented builds are slow: they check some of the short texts only. */
#define SHORT_TOKENS_MAX ((size_t)24)
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(RAGGED_FAULT)
#define IS_SLOW_BUILD true
#define N_SHORT_ROWS ((size_t)12)
#else
#define IS_SLOW_BUILD false
#define N_SHORT_ROWS ((size_t)60)
#endif

static struct encoder *open_model(const char *kernel)
{
    struct error err;
    char *folder = golden_model_folder();
    if (!folder)
        return NULL;
    struct encoder *encoder = NULL;
    assert_ok(encoder_open(&(struct encoder_options){.folder = folder, .kernel = kernel}, &encoder,
                           &err));
    mem_free(folder);
    return encoder;
}

static float largest_difference(const float *a, const float *b, size_t n)
{
    float largest = 0;
    for (size_t i = 0; i < n; i++) {
        assert_true(isfinite(a[i]));
        largest = fmaxf(largest, fabsf(a[i] - b[i]));
    }
    return largest;
}

/* The short rows are spread over the file. */
static size_t take_texts(const struct golden *golden, bool only_short, struct encoder_text *texts,
                         size_t *rows)
{
    size_t n = 0;
    for (size_t i = 0; i < golden->n_rows && (!only_short || n < N_SHORT_ROWS); i++) {
        if (only_short && (golden->rows[i].n_ids > SHORT_TOKENS_MAX || (IS_SLOW_BUILD && i % 9)))
            continue;
        texts[n] = (struct encoder_text){golden->rows[i].text, golden->rows[i].len};
        rows[n++] = i;
    }
    return n;
}

static double cosine(const float *a, const float *b, size_t n)
{
    double product = 0, a_squares = 0, b_squares = 0;
    for (size_t i = 0; i < n; i++) {
        product += (double)a[i] * (double)b[i];
        a_squares += (double)a[i] * (double)a[i];
        b_squares += (double)b[i] * (double)b[i];
    }
    return product / sqrt(a_squares * b_squares);
}

/* fp32 by the largest difference of a component, int16 by the cosine. */
static void compare(const struct golden *golden, const char *kernel, const float *out,
                    const size_t *rows, size_t n)
{
    bool is_fp32 = strstr(kernel, "fp32") != NULL;
    float worst_difference = 0;
    double worst = 1, sum = 0;
    for (size_t i = 0; i < n; i++) {
        const float *got = out + i * GOLDEN_DIM;
        const float *expected = (const float *)golden->vectors.bytes + rows[i] * GOLDEN_DIM;
        float difference = largest_difference(got, expected, GOLDEN_DIM);
        double similarity = cosine(got, expected, GOLDEN_DIM);
        if (is_fp32 ? !(difference < TOLERANCE) : !(similarity >= COSINE_MIN))
            fail_msg("%s, %s: a component is off by %g, the cosine is %.7f", kernel,
                     golden->rows[rows[i]].id, (double)difference, similarity);
        worst_difference = fmaxf(worst_difference, difference);
        worst = fmin(worst, similarity);
        sum += similarity;
    }
    printf("kernel %s: %zu texts, worst component off by %g, cosine %.7f, mean %.7f\n", kernel, n,
           (double)worst_difference, worst, sum / (double)n);
    assert_true(sum / (double)n >=
                (strstr(kernel, "bf16") ? COSINE_MEAN_MIN_BF16 : COSINE_MEAN_MIN));
}

/* All texts in one call, so in mixed micro-batches. */
static void check_vectors(const struct golden *golden, const char *kernel)
{
    struct error err;
    struct encoder *encoder = open_model(kernel);
    struct encoder_scratch *scratch = NULL;
    assert_ok(encoder_scratch_new(encoder, &scratch, &err));
    assert_string_equal(encoder_kernel(encoder), kernel);
    struct encoder_text texts[GOLDEN_ROWS_MAX];
    size_t rows[GOLDEN_ROWS_MAX];
    size_t n = take_texts(golden, IS_SLOW_BUILD || strstr(kernel, "scalar"), texts, rows);
    float *out = mem_array(n * GOLDEN_DIM, sizeof *out);
    assert_non_null(out);
    assert_ok(encoder_encode(encoder, scratch, texts, n, out, &err));
    compare(golden, kernel, out, rows, n);
    mem_free(out);
    encoder_scratch_free(scratch);
    encoder_close(encoder);
}

static void check_all_kernels(struct golden *golden)
{
    for (size_t i = 0; nn_kernel_name(i); i++) {
        if (nn_kernel_runs(nn_kernel_name(i)))
            check_vectors(golden, nn_kernel_name(i));
    }
    golden_free(golden);
}

static void skip_without_model(void)
{
    char *folder = golden_model_folder();
    bool is_absent = !folder;
    mem_free(folder);
    if (is_absent)
        skip_because("the model folder is absent");
}

static void test_encoder__edge_vectors_match_the_reference(void **state)
{
    (void)state;
    skip_without_model();
    check_all_kernels(golden_read_edge());
}

static void test_encoder__all_vectors_match_the_reference(void **state)
{
    (void)state;
    skip_without_model();
    struct golden *golden = golden_read_shared();
    if (!golden)
        skip_because("the shared golden data is absent");
    check_all_kernels(golden);
}

static void test_encoder__a_text_has_the_same_bits_alone_and_in_a_batch(void **state)
{
    (void)state;
    skip_without_model();
    struct error err;
    struct golden *golden = golden_read_edge();
    struct encoder *encoder = open_model(NULL);
    struct encoder_scratch *scratch = NULL, *other = NULL;
    assert_ok(encoder_scratch_new(encoder, &scratch, &err));
    assert_ok(encoder_scratch_new(encoder, &other, &err));
    struct encoder_text texts[GOLDEN_ROWS_MAX];
    size_t rows[GOLDEN_ROWS_MAX];
    size_t n = take_texts(golden, IS_SLOW_BUILD, texts, rows);
    float *out = mem_array(n * GOLDEN_DIM, sizeof *out), alone[GOLDEN_DIM];
    assert_non_null(out);
    assert_ok(encoder_encode(encoder, scratch, texts, n, out, &err));
    for (size_t i = n; i-- > 0;) {
        assert_ok(encoder_encode(encoder, other, &texts[i], 1, alone, &err));
        assert_memory_equal(alone, out + i * GOLDEN_DIM, sizeof alone);
    }
    mem_free(out);
    encoder_scratch_free(other);
    encoder_scratch_free(scratch);
    encoder_close(encoder);
    golden_free(golden);
}

/* Also sizes that the longest text does not fit, and the memory that was promised. */
static void test_encoder__the_size_of_micro_batches_changes_no_bit(void **state)
{
    (void)state;
    skip_without_model();
    static const size_t sizes[] = {1, 128, 256, 300, 1024, 512};
    struct error err;
    struct golden *golden = golden_read_edge();
    struct encoder *encoder = open_model(NULL);
    struct encoder_scratch *scratch = NULL;
    assert_ok(encoder_scratch_new(encoder, &scratch, &err));
    struct encoder_text texts[GOLDEN_ROWS_MAX];
    size_t rows[GOLDEN_ROWS_MAX];
    size_t n = take_texts(golden, IS_SLOW_BUILD, texts, rows);
    float *expected = mem_array(n * GOLDEN_DIM, sizeof *expected);
    float *out = mem_array(n * GOLDEN_DIM, sizeof *out);
    assert_true(expected && out);
    assert_ok(encoder_encode(encoder, scratch, texts, n, expected, &err));
    size_t n_tokens = encoder_scratch_n_tokens(scratch);
    assert_true(n_tokens > 2 * n);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        assert_ok(encoder_scratch_resize(scratch, sizes[i], &err));
        assert_ok(encoder_encode(encoder, scratch, texts, n, out, &err));
        assert_memory_equal(out, expected, n * GOLDEN_DIM * sizeof *out);
        assert_int_equal(encoder_scratch_n_tokens(scratch), n_tokens);
    }
    mem_free(expected);
    mem_free(out);
    encoder_scratch_free(scratch);
    encoder_close(encoder);
    golden_free(golden);
}

/* 12 MB a thread is what bulk work may take; what is counted grows with the size. */
static void test_encoder__the_memory_of_a_scratch_is_known(void **state)
{
    (void)state;
    skip_without_model();
    for (size_t i = 0; nn_kernel_name(i); i++) {
        if (!nn_kernel_runs(nn_kernel_name(i)))
            continue;
        struct encoder *encoder = open_model(nn_kernel_name(i));
        assert_int_equal(encoder_scratch_bytes(encoder, 1) / 65536,
                         encoder_scratch_bytes(encoder, 256) / 65536);
        assert_true(encoder_scratch_bytes(encoder, 256) < encoder_scratch_bytes(encoder, 512));
        assert_true(encoder_scratch_bytes(encoder, 1024) <= 12 << 20);
        printf("%s: %zu KiB of scratch for 512 tokens, %zu for 1024\n", nn_kernel_name(i),
               encoder_scratch_bytes(encoder, 512) / 1024,
               encoder_scratch_bytes(encoder, 1024) / 1024);
        encoder_close(encoder);
    }
}

static void test_encoder__tokenizes_with_cls_and_sep(void **state)
{
    (void)state;
    skip_without_model();
    struct golden *golden = golden_read_edge();
    struct encoder *encoder = open_model("scalar-fp32");
    assert_int_equal(encoder_n_tokens_max(encoder), 256);
    assert_int_equal(encoder_dim(encoder), GOLDEN_DIM);
    for (size_t i = 0; i < golden->n_rows; i++) {
        const struct golden_row *row = &golden->rows[i];
        int32_t ids[GOLDEN_IDS_MAX];
        size_t n = encoder_tokenize(encoder, row->text, row->len, ids, GOLDEN_IDS_MAX);
        assert_int_equal(n, row->n_ids);
        assert_memory_equal(ids, row->ids, n * sizeof *ids);
        assert_int_equal(encoder_tokenize(encoder, row->text, row->len, ids, 2), 2);
        size_t n_counted = encoder_count_tokens(encoder, row->text, row->len);
        assert_true(n < GOLDEN_IDS_MAX ? n_counted == n - 2 : n_counted >= n - 2);
    }
    encoder_close(encoder);
    golden_free(golden);
}

static void test_encoder__fingerprint_names_the_precision_not_the_kernel(void **state)
{
    (void)state;
    skip_without_model();
    char first[3][128] = {"", "", ""};
    static const char *const precisions[3] = {":int16", ":fp32", ":bf16"};
    for (size_t i = 0; nn_kernel_name(i); i++) {
        const char *name = nn_kernel_name(i);
        if (!nn_kernel_runs(name))
            continue;
        struct encoder *encoder = open_model(name);
        const char *fingerprint = encoder_fingerprint(encoder);
        size_t k = 0;
        while (!strstr(fingerprint, precisions[k]))
            k++;
        assert_non_null(strstr(name, precisions[k] + 1));
        if (first[k][0])
            assert_string_equal(fingerprint, first[k]);
        snprintf(first[k], sizeof first[k], "%s", fingerprint);
        encoder_close(encoder);
    }
    assert_non_null(strstr(first[0], "minilm-l6-h384-uncased:"));
    for (size_t k = 1; k < 3; k++)
        assert_memory_equal(first[0], first[k], strlen("minilm-l6-h384-uncased:00000000:"));
}

static void test_encoder__unknown_kernels_and_folders_are_refused(void **state)
{
    (void)state;
    struct error err;
    struct encoder *encoder = NULL;
    assert_status(
        encoder_open(&(struct encoder_options){.folder = "/", .kernel = "sse9"}, &encoder, &err),
        STATUS_INVALID);
    assert_non_null(strstr(err.message, "sse9"));
    assert_non_null(strstr(err.hint, "scalar"));
    assert_status(encoder_open(&(struct encoder_options){.folder = "/nowhere"}, &encoder, &err),
                  STATUS_NOT_FOUND);
    assert_null(encoder);
    encoder_close(NULL);
    encoder_scratch_free(NULL);
}

#ifdef RAGGED_FAULT
static enum status open_and_encode(const char *folder, float *out, struct error *err)
{
    struct encoder *encoder = NULL;
    struct encoder_scratch *scratch = NULL;
    const struct encoder_text text = {"a question", 10};
    enum status status = encoder_open(&(struct encoder_options){.folder = folder}, &encoder, err);
    if (!status)
        status = encoder_scratch_new(encoder, &scratch, err);
    if (!status)
        status = encoder_scratch_resize(scratch, 256, err);
    if (!status)
        status = encoder_encode(encoder, scratch, &text, 1, out, err);
    encoder_scratch_free(scratch);
    encoder_close(encoder);
    return status;
}

static void run_fault_loop(const char *site, const char *folder)
{
    float out[GOLDEN_DIM];
    enum status status = STATUS_NOMEM;
    for (int n = 1; status != STATUS_OK; n++) {
        char plan[32];
        struct error err = {0};
        snprintf(plan, sizeof plan, "%s:%d", site, n);
        fault_plan(plan);
        status = open_and_encode(folder, out, &err);
        fault_plan(NULL);
        assert_true(status == STATUS_OK || err.message[0]);
    }
}
#endif

static void test_encoder__every_failed_step_is_a_status(void **state)
{
    (void)state;
#ifdef RAGGED_FAULT
    skip_without_model();
    char *folder = golden_model_folder();
    run_fault_loop("file", folder);
    run_fault_loop("mem", folder);
    mem_free(folder);
#else
    skip_because("built without FAULT=1");
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_encoder__edge_vectors_match_the_reference),
        cmocka_unit_test(test_encoder__all_vectors_match_the_reference),
        cmocka_unit_test(test_encoder__a_text_has_the_same_bits_alone_and_in_a_batch),
        cmocka_unit_test(test_encoder__the_size_of_micro_batches_changes_no_bit),
        cmocka_unit_test(test_encoder__the_memory_of_a_scratch_is_known),
        cmocka_unit_test(test_encoder__tokenizes_with_cls_and_sep),
        cmocka_unit_test(test_encoder__fingerprint_names_the_precision_not_the_kernel),
        cmocka_unit_test(test_encoder__unknown_kernels_and_folders_are_refused),
        cmocka_unit_test(test_encoder__every_failed_step_is_a_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
