/* What every embedder promises, over the real peers that are here:
 *   native: the default model, when it is installed
 *   ollama, openai: RAGGED_TEST_OLLAMA_URL (e.g. http://127.0.0.1:11434) with the model
 *                   RAGGED_TEST_OLLAMA_MODEL (smollm2 when not set) */
#include "../testing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "embed/embed.h"

#define N_TEXTS 5

/* Two runs of a server differ in the last bits, and more when it batches differently. */
#define SAME_COSINE 0.999

static struct error err;

static const struct embed_text texts[N_TEXTS] = {
    {"The committee approved the budget for next year.", 48},
    {"Funding for the coming year was agreed.", 39},
    {"Penguins can't fly.", 19},
    {"Gr\xC3\xBC\xC3\x9F Gott, \xE4\xBD\xA0\xE5\xA5\xBD \xF0\x9F\x98\x80", 24},
    {"x", 1},
};

struct row {
    struct embedder_options options;
    char url[200];
};

/* Fills the options of a row, or skips. */
static void row_init(struct row *row, const char *backend)
{
    *row = (struct row){.options = {.backend = backend}};
    if (strcmp(backend, "native") == 0) {
        char *folder = embed_model_folder(embed_models(NULL)->name), *path;
        assert_non_null(folder);
        path = path_join(folder, "model.safetensors");
        struct file_info info;
        enum status status = file_stat(path, FILE_FOLLOW, &info, &err);
        mem_free(path);
        mem_free(folder);
        if (status)
            skip_because("%s is not installed", embed_models(NULL)->name);
        return;
    }
    const char *url = getenv("RAGGED_TEST_OLLAMA_URL"), *model = getenv("RAGGED_TEST_OLLAMA_MODEL");
    if (!url)
        skip_because("RAGGED_TEST_OLLAMA_URL is not set");
    snprintf(row->url, sizeof row->url, "%s%s", url, strcmp(backend, "openai") == 0 ? "/v1" : "");
    row->options.url = row->url;
    row->options.timeouts.total_ms = 300000; /* a model on a busy test machine */
    row->options.model = model ? model : "smollm2";
}

struct peer {
    struct row row;
    struct embedder *embedder;
    struct embedder_work *work;
    size_t dim;
};

static void peer_init(struct peer *peer, void **state)
{
    *peer = (struct peer){0};
    row_init(&peer->row, *state);
    assert_ok(embedder_open(&peer->row.options, &peer->embedder, &err));
    assert_ok(embedder_work_new(peer->embedder, &peer->work, &err));
    peer->dim = embedder_dim(peer->embedder);
    assert_in_range(peer->dim, 16, 8192);
}

static void peer_clear(struct peer *peer)
{
    embedder_work_free(peer->work);
    embedder_close(peer->embedder);
}

static float *embed(struct peer *peer, const struct embed_text *some, size_t n)
{
    float *out = mem_array(n * peer->dim, sizeof *out);
    assert_non_null(out);
    assert_ok(embedder_embed(peer->work, EMBED_PASSAGE, some, n, NULL, out, &err));
    return out;
}

static double dot(const float *a, const float *b, size_t dim)
{
    double sum = 0;
    for (size_t i = 0; i < dim; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

static void test_embed__vectors_have_norm_one(void **state)
{
    struct peer peer;
    peer_init(&peer, state);
    float *vectors = embed(&peer, texts, N_TEXTS);
    for (size_t i = 0; i < N_TEXTS; i++) {
        const float *v = vectors + i * peer.dim;
        assert_true(fabs(dot(v, v, peer.dim) - 1) < 1e-3);
    }
    mem_free(vectors);
    peer_clear(&peer);
}

static void test_embed__a_batch_is_its_texts_in_order(void **state)
{
    struct peer peer;
    peer_init(&peer, state);
    float *batch = embed(&peer, texts, N_TEXTS);
    for (size_t i = 0; i < N_TEXTS; i++) {
        float *single = embed(&peer, &texts[i], 1);
        assert_true(dot(single, batch + i * peer.dim, peer.dim) > SAME_COSINE);
        for (size_t j = 0; j < N_TEXTS; j++)
            if (j != i)
                assert_true(dot(single, batch + j * peer.dim, peer.dim) <
                            dot(single, batch + i * peer.dim, peer.dim));
        mem_free(single);
    }
    mem_free(batch);
    peer_clear(&peer);
}

static void test_embed__more_texts_than_one_request(void **state)
{
    enum { N = 34 };
    struct embed_text many[N];
    struct peer peer;
    peer_init(&peer, state);
    for (size_t i = 0; i < N; i++)
        many[i] = (struct embed_text){i % 2 ? "yes" : "no", i % 2 ? 3 : 2};
    float *vectors = embed(&peer, many, N);
    for (size_t i = 2; i < N; i++)
        assert_true(dot(vectors + i * peer.dim, vectors + i % 2 * peer.dim, peer.dim) >
                    SAME_COSINE);
    assert_true(dot(vectors, vectors + peer.dim, peer.dim) < SAME_COSINE);
    mem_free(vectors);
    peer_clear(&peer);
}

static void test_embed__is_the_same_after_opening_again(void **state)
{
    struct peer a, b;
    peer_init(&a, state);
    peer_init(&b, state);
    assert_string_equal(embedder_fingerprint(a.embedder), embedder_fingerprint(b.embedder));
    assert_int_equal(a.dim, b.dim);
    float *of_a = embed(&a, texts, 1), *of_b = embed(&b, texts, 1);
    assert_true(dot(of_a, of_b, a.dim) > SAME_COSINE);
    mem_free(of_a);
    mem_free(of_b);
    peer_clear(&a);
    peer_clear(&b);
}

static void test_embed__counts_tokens_and_knows_its_window(void **state)
{
    struct peer peer;
    peer_init(&peer, state);
    struct text_counter counter = embedder_counter(peer.embedder);
    size_t n_max = embedder_n_tokens_max(peer.embedder);
    assert_in_range(n_max, 16, 8192);
    size_t n_hello = counter.count(counter.model, "hello", 5);
    size_t n_world = counter.count(counter.model, "world,", 6);
    assert_true(n_hello >= 1 && n_world >= 2);
    assert_int_equal(counter.count(counter.model, "hello world,", 12), n_hello + n_world);
    assert_int_equal(counter.count(counter.model, "", 0), 0);
    peer_clear(&peer);
}

/* What the counter allows, the model must take whole. */
static void test_embed__takes_a_text_that_fills_the_window(void **state)
{
    static const char *const words[] = {"0x3f9a7c ", "kayak ", "Donaudampfschiff ", "\xE4\xBD\xA0",
                                        "a1b2c3 "};
    struct peer peer;
    peer_init(&peer, state);
    struct text_counter counter = embedder_counter(peer.embedder);
    size_t n_max = embedder_n_tokens_max(peer.embedder);
    size_t n_words = sizeof words / sizeof words[0];
    if (strcmp(*state, "native") != 0) { /* thousands of tokens through a server cost minutes */
        n_words = 1;
        n_max = size_min(n_max, 256);
    }
    for (size_t i = 0; i < n_words; i++) {
        struct buf text = {0};
        size_t n_word = counter.count(counter.model, words[i], strlen(words[i]));
        for (size_t n = 0; n + n_word <= n_max; n += n_word)
            buf_append_text(&text, words[i]);
        const struct embed_text whole = {buf_text(&text), text.len};
        float *vector = embed(&peer, &whole, 1);
        mem_free(vector);
        buf_clear(&text);
    }
    peer_clear(&peer);
}

static void test_embed__unknown_model_is_not_found(void **state)
{
    struct row row;
    struct embedder *embedder = NULL;
    row_init(&row, *state);
    row.options.model = "no-such-model";
    assert_status(embedder_open(&row.options, &embedder, &err), STATUS_NOT_FOUND);
    assert_null(embedder);
    assert_non_null(strstr(err.message, "no-such-model"));
    assert_true(err.hint[0] != '\0');
}

static void test_embed__stops_when_cancelled(void **state)
{
    struct peer peer;
    struct cancel cancel = {.requested = 1};
    peer_init(&peer, state);
    float *out = mem_array(N_TEXTS * peer.dim, sizeof *out);
    int64_t start_ms = clock_monotonic_ms();
    assert_status(embedder_embed(peer.work, EMBED_QUERY, texts, N_TEXTS, &cancel, out, &err),
                  STATUS_CANCELLED);
    assert_true(clock_monotonic_ms() - start_ms < 500);
    mem_free(out);
    peer_clear(&peer);
}

static void test_embed__unknown_backend_names_the_rows(void **state)
{
    (void)state;
    struct embedder *embedder = NULL;
    const struct embedder_options options = {.backend = "abacus"};
    assert_status(embedder_open(&options, &embedder, &err), STATUS_INVALID);
    assert_string_equal(err.hint, "known are: native, ollama, openai");
}

#define EACH_ROW(test)                                                       \
    {#test " (native)", test, NULL, NULL, (void *)(uintptr_t) "native"},     \
        {#test " (ollama)", test, NULL, NULL, (void *)(uintptr_t) "ollama"}, \
    {                                                                        \
#test " (openai)", test, NULL, NULL, (void *)(uintptr_t) "openai"    \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH_ROW(test_embed__vectors_have_norm_one),
        EACH_ROW(test_embed__a_batch_is_its_texts_in_order),
        EACH_ROW(test_embed__more_texts_than_one_request),
        EACH_ROW(test_embed__is_the_same_after_opening_again),
        EACH_ROW(test_embed__counts_tokens_and_knows_its_window),
        EACH_ROW(test_embed__takes_a_text_that_fills_the_window),
        EACH_ROW(test_embed__unknown_model_is_not_found),
        EACH_ROW(test_embed__stops_when_cancelled),
        cmocka_unit_test(test_embed__unknown_backend_names_the_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
