#include "../testing.h"

#include <math.h>
#include <string.h>

#include "../golden.h"
#include "base/fault.h"
#include "nn/nn.h"

#define TOLERANCE 1e-5f
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
    size_t n = take_texts(golden, IS_SLOW_BUILD || strcmp(kernel, "scalar") == 0, texts, rows);
    float *out = mem_array(n * GOLDEN_DIM, sizeof *out);
    assert_non_null(out);
    assert_ok(encoder_encode(encoder, scratch, texts, n, out, &err));
    const float *expected = golden->vectors.bytes;
    float worst = 0;
    for (size_t i = 0; i < n; i++) {
        float difference =
            largest_difference(out + i * GOLDEN_DIM, expected + rows[i] * GOLDEN_DIM, GOLDEN_DIM);
        if (!(difference < TOLERANCE))
            fail_msg("%s, %s: a component is off by %g", kernel, golden->rows[rows[i]].id,
                     (double)difference);
        worst = fmaxf(worst, difference);
    }
    printf("kernel %s: %zu texts, worst component off by %g\n", kernel, n, (double)worst);
    mem_free(out);
    encoder_scratch_free(scratch);
    encoder_close(encoder);
}

static void check_all_kernels(struct golden *golden)
{
    for (const char *const *name = nn_kernel_names(); *name; name++) {
        if (nn_kernel_runs(*name))
            check_vectors(golden, *name);
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

static void test_encoder__tokenizes_with_cls_and_sep(void **state)
{
    (void)state;
    skip_without_model();
    struct golden *golden = golden_read_edge();
    struct encoder *encoder = open_model("scalar");
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

static void test_encoder__fingerprint_is_the_same_for_all_kernels(void **state)
{
    (void)state;
    skip_without_model();
    char first[128] = "";
    for (const char *const *name = nn_kernel_names(); *name; name++) {
        if (!nn_kernel_runs(*name))
            continue;
        struct encoder *encoder = open_model(*name);
        if (first[0])
            assert_string_equal(encoder_fingerprint(encoder), first);
        snprintf(first, sizeof first, "%s", encoder_fingerprint(encoder));
        encoder_close(encoder);
    }
    assert_non_null(strstr(first, "minilm-l6-h384-uncased:"));
    assert_non_null(strstr(first, ":fp32"));
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
        cmocka_unit_test(test_encoder__tokenizes_with_cls_and_sep),
        cmocka_unit_test(test_encoder__fingerprint_is_the_same_for_all_kernels),
        cmocka_unit_test(test_encoder__unknown_kernels_and_folders_are_refused),
        cmocka_unit_test(test_encoder__every_failed_step_is_a_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
