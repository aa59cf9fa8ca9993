/* What every row of generators.c promises, asked of real peers. A row whose peer is not named in
 * the environment is skipped: RAGGED_TEST_OLLAMA_URL, RAGGED_TEST_OPENAI_URL, RAGGED_TEST_GGUF
 * (test/peers/ starts them). The tests ask for the protocol, never for the words of an answer. */
#include "../testing.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/utf8.h"
#include "generate/generate.h"

struct peer {
    const char *name; /* of the contract, for messages */
    const char *row;
    const char *url_variable; /* NULL: needs none */
    const char *model;        /* NULL: the row's default */
    int tells_window;         /* refuses a prompt that we under-estimated */
};

static const struct peer peers[] = {
    {"ollama", "ollama", "RAGGED_TEST_OLLAMA_URL", "smollm2", 1},
    {"llama-server", "openai", "RAGGED_TEST_OPENAI_URL", NULL, 1},
    {"ollama's /v1", "openai", "RAGGED_TEST_OLLAMA_URL", "smollm2:latest", 0},
    {"ragged-llm", "llama", "RAGGED_TEST_GGUF", NULL, 1},
    {"extractive", "extractive", NULL, NULL, 0},
};
enum { N_PEERS = sizeof peers / sizeof peers[0] };

static char helper_path[512];

/* False: its peer is not there. */
static int options_init(const struct peer *peer, struct generator_options *out)
{
    const char *value = peer->url_variable ? getenv(peer->url_variable) : "";
    *out = (struct generator_options){
        .name = peer->row, .model = peer->model, .helper_path = helper_path, .n_threads = 1};
    if (!value || (strcmp(peer->row, "llama") == 0 &&
                   file_stat(helper_path, FILE_FOLLOW, &(struct file_info){0}, NULL)))
        return 0;
    if (strcmp(peer->row, "ollama") == 0)
        out->ollama_url = value;
    else if (strcmp(peer->row, "openai") == 0)
        out->openai_url = value;
    else if (strcmp(peer->row, "llama") == 0)
        out->gguf_path = value;
    return 1;
}

static struct generator *open_peer(const struct peer *peer)
{
    struct error err = {0};
    struct generator *generator = NULL;
    struct generator_options options;
    if (!options_init(peer, &options)) {
        printf("SKIPPED: %s: %s is not set or its helper is not built\n", peer->name,
               peer->url_variable);
        return NULL;
    }
    enum status status = generator_open(&options, &generator, &err);
    if (status)
        fail_msg("%s: %s", peer->name, err.message);
    return generator;
}

struct collected {
    struct buf text;
    int n_pieces;
    struct cancel *cancel; /* asked for at the first piece */
    int64_t cancelled_ms;
};

static void collect(void *ctx, const char *text, size_t len)
{
    struct collected *collected = ctx;
    assert_true(len > 0 && utf8_is_valid(text, len));
    buf_append(&collected->text, text, len);
    collected->n_pieces++;
    if (collected->cancel && collected->n_pieces == 1) {
        collected->cancelled_ms = clock_monotonic_ms();
        atomic_store(&collected->cancel->requested, 2);
    }
}

static const struct generate_sentence bees = {
    .text = "A bee colony has one queen and up to 60,000 workers.",
    .len = 52,
    .coverage = 0.9,
    .is_first_in_passage = 1};

static struct generate_request short_request(void)
{
    return (struct generate_request){
        .system = "Answer in one sentence.",
        .user =
            "Text: A bee colony has one queen and up to 60,000 workers.\n\nHow many workers has "
            "a bee colony? Explain at length.",
        .n_tokens_prompt = 60,
        .n_tokens_max = 24,
        .seed = 7,
        .question = "How many workers has a bee colony?",
        .sentences = &bees,
        .n_sentences = 1,
        .n_passages = 1,
    };
}

static int is_finish(const char *finish)
{
    return strcmp(finish, "stop") == 0 || strcmp(finish, "length") == 0;
}

static void test_generate_contract__streams_an_answer(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_PEERS; i++) {
        struct generator *generator = open_peer(&peers[i]);
        if (!generator)
            continue;
        for (int round = 0; round < 2; round++) { /* a generator can be used again */
            struct error err = {0};
            struct collected collected = {0};
            struct generate_result result = {0};
            struct generate_request request = short_request();
            enum status status =
                generator_run(generator, &request, collect, &collected, &result, &err);
            if (status || !is_finish(result.finish) || collected.text.len == 0)
                fail_msg("%s: %s %s", peers[i].name, err.message, result.finish);
            if (!generator_is_extractive(generator)) {
                assert_true(collected.n_pieces > 1);
                assert_in_range(result.n_tokens_answer, 1, 24);
                assert_true(result.n_tokens_prompt > 20);
            }
            buf_clear(&collected.text);
        }
        generator_close(generator);
    }
}

static void test_generate_contract__describes_itself(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_PEERS; i++) {
        struct generator *generator = open_peer(&peers[i]);
        if (!generator)
            continue;
        assert_string_equal(generator_name(generator), peers[i].row);
        assert_string_equal(generator_reasons(generator), "");
        if (generator_is_extractive(generator)) {
            assert_int_equal(generator_window(generator), SIZE_MAX);
            assert_string_equal(generator_model(generator), "");
        } else {
            assert_in_range(generator_window(generator), 512, 1 << 20);
            assert_true(generator_model(generator)[0]);
        }
        generator_close(generator);
    }
}

static void test_generate_contract__stops_at_the_length_asked_for(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_PEERS; i++) {
        struct generator *generator = open_peer(&peers[i]);
        if (generator && !generator_is_extractive(generator)) {
            struct error err = {0};
            struct collected collected = {0};
            struct generate_result result = {0};
            struct generate_request request = short_request();
            request.user = "Write a very long story about a bee.";
            request.n_tokens_max = 5;
            assert_ok(generator_run(generator, &request, collect, &collected, &result, &err));
            assert_string_equal(result.finish, "length");
            buf_clear(&collected.text);
        }
        generator_close(generator);
    }
}

static void test_generate_contract__cancels_within_a_second(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_PEERS; i++) {
        struct generator *generator = open_peer(&peers[i]);
        if (generator && !generator_is_extractive(generator)) {
            struct error err = {0};
            struct cancel cancel = {0};
            struct collected collected = {.cancel = &cancel};
            struct generate_result result = {0};
            struct generate_request request = short_request();
            request.user = "Write a very long story about a bee.";
            request.n_tokens_max = 600;
            request.cancel = &cancel;
            assert_status(generator_run(generator, &request, collect, &collected, &result, &err),
                          STATUS_CANCELLED);
            assert_string_equal(result.finish, "cancelled");
            int64_t took_ms = clock_monotonic_ms() - collected.cancelled_ms;
            if (took_ms > 1000)
                fail_msg("%s: cancelling took %d ms", peers[i].name, (int)took_ms);
            buf_clear(&collected.text);

            /* The server's slot is free again. */
            atomic_store(&cancel.requested, 0);
            collected = (struct collected){0};
            request.n_tokens_max = 5;
            assert_ok(generator_run(generator, &request, collect, &collected, &result, &err));
            buf_clear(&collected.text);
        }
        generator_close(generator);
    }
}

static void test_generate_contract__refuses_a_prompt_that_is_too_long(void **state)
{
    (void)state;
    struct buf text = {0};
    while (text.len < 120000)
        buf_append_text(&text, "bees and flowers in the garden ");
    for (size_t i = 0; i < N_PEERS; i++) {
        struct generator *generator = open_peer(&peers[i]);
        if (generator && !generator_is_extractive(generator)) {
            struct error err = {0};
            struct collected collected = {0};
            struct generate_result result = {.finish = "untouched"};
            struct generate_request request = short_request();
            request.user = buf_text(&text);
            request.n_tokens_prompt = 24000; /* an honest estimate: refused before it is sent */
            assert_status(generator_run(generator, &request, collect, &collected, &result, &err),
                          STATUS_LIMIT);
            request.n_tokens_prompt = 10; /* a wrong one: the server refuses */
            if (peers[i].tells_window) {
                enum status status =
                    generator_run(generator, &request, collect, &collected, &result, &err);
                if (status != STATUS_LIMIT)
                    fail_msg("%s: %s (%s)", peers[i].name, err.message, status_name(status));
                assert_true(err.hint[0]);
            }
            assert_string_equal(result.finish, "untouched");
            assert_int_equal(collected.text.len, 0);
        }
        generator_close(generator);
    }
    buf_clear(&text);
}

static void test_generate_contract__an_unknown_model_is_not_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_PEERS; i++) {
        struct generator_options options;
        if (!options_init(&peers[i], &options) || strcmp(peers[i].row, "extractive") == 0)
            continue;
        options.model = "no-such-model";
        if (options.gguf_path)
            options.gguf_path = "/nonexistent/no-such-model.gguf";
        struct generator *generator = NULL;
        struct error err = {0};
        assert_status(generator_open(&options, &generator, &err), STATUS_NOT_FOUND);
        assert_null(generator);
        assert_non_null(strstr(err.message, "no-such-model"));
    }
}

static void test_generate_contract__a_small_model_is_passed_over_by_auto(void **state)
{
    (void)state;
    const char *url = getenv("RAGGED_TEST_OLLAMA_URL");
    if (!url)
        skip_because("RAGGED_TEST_OLLAMA_URL is not set");
    struct generator_options options = {.name = "auto", .ollama_url = url, .is_configured_only = 1};
    struct generator *generator = NULL;
    struct error err = {0};
    assert_ok(generator_open(&options, &generator, &err));
    assert_string_equal(generator_name(generator), "extractive");
    assert_non_null(strstr(generator_reasons(generator), "too small"));
    assert_non_null(strstr(generator_reasons(generator), "openai: not configured"));
    generator_close(generator);

    options.model = "smollm2"; /* asked for by name */
    generator = NULL;
    assert_ok(generator_open(&options, &generator, &err));
    assert_string_equal(generator_name(generator), "ollama");
    assert_true(generator_is_small(generator));
    generator_close(generator);
}

static void test_generate_contract__a_damaged_model_file_says_so(void **state)
{
    (void)state;
    const char *gguf = getenv("RAGGED_TEST_GGUF");
    struct generator_options options = {.name = "llama", .helper_path = helper_path};
    struct error err = {0};
    if (!gguf || file_stat(helper_path, FILE_FOLLOW, &(struct file_info){0}, NULL))
        skip_because("RAGGED_TEST_GGUF is not set or ragged-llm is not built (make llama)");
    char path[] = "/tmp/ragged-bad-XXXXXX.gguf";
    int fd = mkstemps(path, 5);
    assert_true(fd >= 0);
    static const char *const contents[] = {
        "", "GGUF", "GGUF\x03\0\0\0\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F", "<html>not found</html>"};
    static const size_t lens[] = {0, 4, 16, 22};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(ftruncate(fd, 0), 0);
        assert_int_equal(pwrite(fd, contents[i], lens[i], 0), (ssize_t)lens[i]);
        struct generator *generator = NULL;
        options.gguf_path = path;
        assert_status(generator_open(&options, &generator, &err), STATUS_FORMAT);
        assert_null(generator);
        assert_non_null(strstr(err.message, path));
    }
    close(fd);
    unlink(path);
}

static void test_generate_contract__nobody_listens(void **state)
{
    (void)state;
    static const struct generator_options rows[] = {
        {.name = "ollama", .ollama_url = "http://127.0.0.1:9"},
        {.name = "openai", .openai_url = "http://127.0.0.1:9/v1"},
    };
    for (size_t i = 0; i < 2; i++) {
        struct generator *generator = NULL;
        struct error err = {0};
        int64_t began_ms = clock_monotonic_ms();
        assert_status(generator_open(&rows[i], &generator, &err), STATUS_REMOTE);
        assert_true(clock_monotonic_ms() - began_ms < 2000);
        assert_non_null(strstr(err.message, "127.0.0.1:9"));
        assert_null(generator);
    }
}

static void test_generate_contract__every_name_is_a_row(void **state)
{
    (void)state;
    size_t n = 0;
    for (const char *const *name = generator_names(); *name; name++, n++) {
        struct generator_options options = {
            .name = *name, .ollama_url = "http://127.0.0.1:9", .gguf_path = "/nonexistent.gguf"};
        struct generator *generator = NULL;
        struct error err = {0};
        enum status status = generator_open(&options, &generator, &err);
        assert_true(status != STATUS_INVALID);
        generator_close(generator);
    }
    assert_int_equal(n, 4);
    struct generator *generator = NULL;
    struct error err = {0};
    assert_status(generator_open(&(struct generator_options){.name = "nobody"}, &generator, &err),
                  STATUS_INVALID);
}

int main(void)
{
    const char *build = getenv("RAGGED_BUILD");
    snprintf(helper_path, sizeof helper_path, "%s/ragged-llm", build ? build : "build/release");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_generate_contract__streams_an_answer),
        cmocka_unit_test(test_generate_contract__describes_itself),
        cmocka_unit_test(test_generate_contract__stops_at_the_length_asked_for),
        cmocka_unit_test(test_generate_contract__cancels_within_a_second),
        cmocka_unit_test(test_generate_contract__refuses_a_prompt_that_is_too_long),
        cmocka_unit_test(test_generate_contract__an_unknown_model_is_not_found),
        cmocka_unit_test(test_generate_contract__a_small_model_is_passed_over_by_auto),
        cmocka_unit_test(test_generate_contract__a_damaged_model_file_says_so),
        cmocka_unit_test(test_generate_contract__nobody_listens),
        cmocka_unit_test(test_generate_contract__every_name_is_a_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
