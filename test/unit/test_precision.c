#include "../testing.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../golden.h"
#include "base/checked.h"
#include "base/thread.h"
#include "nn/nn.h"

/* The gate of a working precision: over a thousand real texts, the project's own documents by line,
 * by paragraph and by single word, which are the hardest. */

#define TEXTS_MAX ((size_t)4096)
#define WORST_MIN 0.9999
#define MEAN_MIN 0.99999

static const char *const files[] = {
    "README.md",           "CONTRIBUTING.md",       "docs/config.md",
    "docs/man/ragged.1",   "docs/design/commit.md", "docs/design/faults.md",
    "docs/design/jail.md", "docs/design/threads.md"};

struct corpus {
    struct buf files[sizeof files / sizeof files[0]];
    struct encoder_text texts[TEXTS_MAX];
    size_t n;
};

static bool has_text(const struct corpus *corpus, const char *text, size_t len)
{
    for (size_t i = 0; i < corpus->n; i++) {
        const struct encoder_text *t = &corpus->texts[i];
        if (t->len == len && memcmp(t->text, text, len) == 0)
            return true;
    }
    return false;
}

static void add_text(struct corpus *corpus, const char *text, size_t len)
{
    if (len > 0 && corpus->n < TEXTS_MAX && !has_text(corpus, text, len))
        corpus->texts[corpus->n++] = (struct encoder_text){text, len};
}

/* Pieces between `separator`; words when it is NULL. */
static void add_pieces(struct corpus *corpus, const struct buf *file, const char *separator)
{
    const char *at = buf_text(file), *end = at + file->len;
    while (at < end) {
        const char *next = separator ? strstr(at, separator) : at;
        while (!separator && next < end && isalnum((unsigned char)*next))
            next++;
        next = next ? next : end;
        add_text(corpus, at, (size_t)(next - at));
        at = next + (separator ? strlen(separator) : 1);
    }
}

static void corpus_init(struct corpus *corpus)
{
    static const char *const separators[] = {"\n\n", "\n", NULL};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct error err;
        assert_ok(file_read(files[i], 1 << 20, &corpus->files[i], &err));
        for (size_t k = 0; k < 3; k++)
            add_pieces(corpus, &corpus->files[i], separators[k]);
    }
}

static void corpus_clear(struct corpus *corpus)
{
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        buf_clear(&corpus->files[i]);
}

static struct encoder *open_row(const char *kernel)
{
    struct error err;
    struct encoder *encoder = NULL;
    char *folder = golden_model_folder();
    if (!folder)
        skip_because("the model folder is absent");
    assert_ok(encoder_open(&(struct encoder_options){.folder = folder, .kernel = kernel}, &encoder,
                           &err));
    mem_free(folder);
    return encoder;
}

static float *encode(const struct encoder *encoder, const struct encoder_text *texts, size_t n,
                     size_t n_batch_tokens)
{
    struct error err;
    struct encoder_scratch *scratch = NULL;
    float *out = mem_array(n * GOLDEN_DIM, sizeof *out);
    assert_non_null(out);
    assert_ok(encoder_scratch_new(encoder, &scratch, &err));
    assert_ok(encoder_scratch_resize(scratch, n_batch_tokens, &err));
    assert_ok(encoder_encode(encoder, scratch, texts, n, out, &err));
    encoder_scratch_free(scratch);
    return out;
}

static bool is_fast(const char *name, const char *precision)
{
    return nn_kernel_runs(name) && strstr(name, precision) && !strstr(name, "scalar");
}

static const char *find_row(const char *precision)
{
    for (size_t i = 0; nn_kernel_name(i); i++) {
        if (is_fast(nn_kernel_name(i), precision))
            return nn_kernel_name(i);
    }
    skip_because("only the scalar rows run here: hours");
    return NULL;
}

static void check_gate(const char *kernel, const struct corpus *corpus, const float *expected)
{
    struct encoder *encoder = open_row(kernel);
    float *out = encode(encoder, corpus->texts, corpus->n, ENCODER_BATCH_TOKENS);
    double worst = 1, sum = 0;
    size_t i_worst = 0;
    for (size_t i = 0; i < corpus->n; i++) {
        double cosine = 0;
        for (size_t k = i * GOLDEN_DIM; k < (i + 1) * GOLDEN_DIM; k++)
            cosine += (double)out[k] * (double)expected[k];
        sum += cosine;
        i_worst = cosine < worst ? i : i_worst;
        worst = fmin(worst, cosine);
    }
    printf("%s: %zu texts, cosine to fp32 %.7f at worst (\"%.*s\"), %.7f on average\n", kernel,
           corpus->n, worst, (int)size_min(corpus->texts[i_worst].len, 40),
           corpus->texts[i_worst].text, sum / (double)corpus->n);
    assert_true(worst >= WORST_MIN);
    assert_true(sum / (double)corpus->n >= MEAN_MIN);
    mem_free(out);
    encoder_close(encoder);
}

static void test_precision__int16_is_as_good_as_fp32(void **state)
{
    (void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(RAGGED_FAULT)
    skip_because("an instrumented build would take minutes");
#endif
    static struct corpus corpus;
    struct encoder *encoder = open_row(find_row("fp32"));
    corpus_init(&corpus);
    assert_true(corpus.n >= 1000);
    float *expected = encode(encoder, corpus.texts, corpus.n, ENCODER_BATCH_TOKENS);
    for (size_t i = 0; nn_kernel_name(i); i++) {
        if (is_fast(nn_kernel_name(i), "int16"))
            check_gate(nn_kernel_name(i), &corpus, expected);
    }
    mem_free(expected);
    encoder_close(encoder);
    corpus_clear(&corpus);
}

struct task {
    const struct encoder *encoder;
    struct encoder_text texts[200];
    size_t n, n_batch_tokens;
    float *out;
};

static void *run_task(void *arg)
{
    struct task *task = arg;
    task->out = encode(task->encoder, task->texts, task->n, task->n_batch_tokens);
    return NULL;
}

/* Two threads over one encoder, one of them backwards and in other micro-batches: other neighbours,
 * the same bits. */
static void test_precision__bits_do_not_depend_on_threads_or_order(void **state)
{
    (void)state;
    static struct corpus corpus;
    static struct task tasks[2];
    struct thread threads[2] = {0};
    struct error err;
    struct encoder *encoder = open_row(NULL);
    corpus_init(&corpus);
    for (size_t t = 0; t < 2; t++) {
        struct task *task = &tasks[t];
        task->encoder = encoder;
        task->n_batch_tokens = t ? 128 : 1024;
        task->n = sizeof task->texts / sizeof task->texts[0];
        for (size_t i = 0; i < task->n; i++)
            task->texts[t ? task->n - 1 - i : i] = corpus.texts[i * 5];
        assert_ok(thread_start(&threads[t], run_task, task, &err));
    }
    for (size_t t = 0; t < 2; t++)
        thread_join(&threads[t]);
    for (size_t i = 0; i < tasks[0].n; i++)
        assert_memory_equal(tasks[0].out + i * GOLDEN_DIM,
                            tasks[1].out + (tasks[0].n - 1 - i) * GOLDEN_DIM,
                            GOLDEN_DIM * sizeof(float));
    mem_free(tasks[0].out);
    mem_free(tasks[1].out);
    encoder_close(encoder);
    corpus_clear(&corpus);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_precision__int16_is_as_good_as_fp32),
        cmocka_unit_test(test_precision__bits_do_not_depend_on_threads_or_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
