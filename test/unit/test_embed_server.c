#include "../fault_peer.h"

#include <math.h>

#include "base/fault.h"
#include "embed/embed.h"

/* A server that has the model "m" with 2 dimensions; what it answers to the texts under test is put
 * between. The probe of embedder_open() is recognised by its text. */
#define OLLAMA                                                                 \
    "recv\nif /api/show\nanswer 200 application/json "                         \
    "{\"model_info\":{\"x.context_length\":100}}\n"                            \
    "if /api/tags\nanswer 200 application/json "                               \
    "{\"models\":[{\"name\":\"m:latest\",\"digest\":\"0123456789abcdef\"}]}\n" \
    "if dimension\nanswer 200 application/json {\"embeddings\":[[1,0]]}\nelse\n"
#define OPENAI             \
    "recv\nif dimension\n" \
    "answer 200 application/json {\"data\":[{\"index\":0,\"embedding\":[1,0]}]}\nelse\n"

static struct error err;

struct session {
    struct fault_peer peer;
    struct net_peers *peers;
    struct embedder *embedder;
    struct embedder_work *work;
};

static struct embedder_options options_for(const struct session *session, const char *backend)
{
    return (struct embedder_options){
        .backend = backend, .model = "m", .url = session->peer.url, .timeouts = {.total_ms = 500}};
}

static void session_open(struct session *session, const char *backend, const char *script)
{
    *session = (struct session){0};
    fault_peer_start(&session->peer, script);
    assert_ok(net_peers_new(&(struct net_peers_options){0}, &session->peers, &err));
    struct embedder_options options = options_for(session, backend);
    options.timeouts.total_ms = 8000;
    options.timeouts.first_byte_ms = 1000;
    options.peers = session->peers;
    assert_ok(embedder_open(&options, &session->embedder, &err));
    assert_ok(embedder_work_new(session->embedder, &session->work, &err));
}

static void session_close(struct session *session)
{
    embedder_work_free(session->work);
    embedder_close(session->embedder);
    net_peers_free(session->peers);
    fault_peer_stop(&session->peer);
}

static const struct embed_text two[] = {{"one", 3}, {"two", 3}};

static enum status embed_two(const char *backend, const char *script, float out[4])
{
    struct session session;
    session_open(&session, backend, script);
    enum status status = embedder_embed(session.work, EMBED_PASSAGE, two, 2, NULL, out, &err);
    session_close(&session);
    return status;
}

static void test_embed_server__normalises_and_keeps_the_order(void **state)
{
    (void)state;
    float out[4];
    assert_ok(embed_two("ollama",
                        OLLAMA "answer 200 application/json "
                               "{\"embeddings\":[[3,4],[0,-2]]}",
                        out));
    assert_float_equal(out[0], 0.6f, 1e-6f);
    assert_float_equal(out[1], 0.8f, 1e-6f);
    assert_float_equal(out[3], -1.0f, 1e-6f);
    assert_ok(embed_two("openai",
                        OPENAI "answer 200 application/json {\"data\":["
                               "{\"index\":1,\"embedding\":[0,-2]},"
                               "{\"index\":0,\"embedding\":[3,4]}]}",
                        out));
    assert_float_equal(out[0], 0.6f, 1e-6f);
    assert_float_equal(out[3], -1.0f, 1e-6f);
}

static const struct {
    const char *name, *backend, *script;
    enum status status;
    const char *sentence;
} nonsense[] = {
    {"fewer vectors", "ollama", OLLAMA "answer 200 application/json {\"embeddings\":[[1,0]]}",
     STATUS_MALFORMED, "gave 1 vectors for 2 texts"},
    {"other dimension", "ollama",
     OLLAMA "answer 200 application/json {\"embeddings\":[[1,0],[1,0,0]]}", STATUS_MALFORMED,
     "vector of 3 numbers, expected 2"},
    {"zero vector", "ollama", OLLAMA "answer 200 application/json {\"embeddings\":[[1,0],[0,0]]}",
     STATUS_MALFORMED, "without a direction"},
    {"NaN", "ollama", OLLAMA "answer 200 application/json {\"embeddings\":[[1,0],[NaN,0]]}",
     STATUS_MALFORMED, "did not answer with JSON"},
    {"overflow", "ollama",
     OLLAMA "answer 200 application/json {\"embeddings\":[[1,0],[1e300,1e300]]}", STATUS_MALFORMED,
     "without a direction"},
    {"strings", "ollama",
     OLLAMA "answer 200 application/json {\"embeddings\":[[1,0],[\"a\",\"b\"]]}", STATUS_MALFORMED,
     "without a direction"},
    {"not an object", "ollama", OLLAMA "answer 200 application/json [1]", STATUS_MALFORMED,
     "did not answer with a JSON object"},
    {"HTML", "ollama", OLLAMA "answer 200 text/html <html>login</html>", STATUS_MALFORMED,
     "did not answer with JSON"},
    {"empty body", "ollama", OLLAMA "answer 200 application/json", STATUS_MALFORMED,
     "did not answer with JSON"},
    {"200 with an error", "ollama",
     OLLAMA "answer 200 application/json {\"error\":\"runner died\"}", STATUS_REMOTE,
     "runner died"},
    {"too long", "ollama",
     OLLAMA "answer 400 application/json "
            "{\"error\":\"the input length exceeds the context length\"}",
     STATUS_LIMIT, "exceeds the context length"},
    {"model went away", "ollama", OLLAMA "answer 404 application/json {\"error\":\"not found\"}",
     STATUS_NOT_FOUND, "not found"},
    {"no such route", "ollama", OLLAMA "answer 404 text/plain 404 page not found", STATUS_REFUSED,
     "answered HTTP 404"},
    {"stall", "ollama", OLLAMA "stall", STATUS_REMOTE, "did not begin to answer within 1000 ms"},
    {"busy for ever", "ollama", OLLAMA "answer 503 application/json {\"error\":\"server busy\"}",
     STATUS_REMOTE, "HTTP 503: server busy"},
    {"index twice", "openai",
     OPENAI "answer 200 application/json {\"data\":[{\"index\":0,\"embedding\":[1,0]},"
            "{\"index\":0,\"embedding\":[1,0]}]}",
     STATUS_MALFORMED, "wrong index"},
    {"index outside", "openai",
     OPENAI "answer 200 application/json {\"data\":[{\"index\":0,\"embedding\":[1,0]},"
            "{\"index\":9,\"embedding\":[1,0]}]}",
     STATUS_MALFORMED, "wrong index"},
    {"no embeddings", "openai",
     OPENAI "answer 501 application/json {\"error\":{\"code\":501,\"message\":\"not supported\"}}",
     STATUS_REFUSED, "HTTP 501: not supported"},
    {"wrong key", "openai",
     OPENAI "answer 401 application/json {\"error\":{\"message\":\"bad key\"}}", STATUS_REFUSED,
     "bad key"},
};

static void test_embed_server__refuses_nonsense(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof nonsense / sizeof nonsense[0]; i++) {
        float out[4] = {0};
        enum status status = embed_two(nonsense[i].backend, nonsense[i].script, out);
        if (status != nonsense[i].status || !strstr(err.message, nonsense[i].sentence))
            fail_msg("%s: %s, \"%s\"", nonsense[i].name, status_name(status), err.message);
        if (!strstr(err.message, "http://127.0.0.1:"))
            fail_msg("%s: no server in \"%s\"", nonsense[i].name, err.message);
    }
}

static void test_embed_server__asks_a_busy_server_again(void **state)
{
    (void)state;
    float out[4];
    static const char script[] = OPENAI "\n---\nrecv\nanswer 503 text/plain later\n---\n"
                                        "recv\nanswer 200 application/json {\"data\":["
                                        "{\"index\":0,\"embedding\":[1,0]},"
                                        "{\"index\":1,\"embedding\":[0,1]}]}";
    assert_ok(embed_two("openai", script, out));
    static const char dead_runner[] =
        OLLAMA "\n---\n" OLLAMA "\n---\n" OLLAMA "\n---\n"
               "recv\nanswer 400 application/json {\"error\":\"do embedding request: EOF\"}\n---\n"
               "recv\nanswer 200 application/json {\"embeddings\":[[1,0],[0,1]]}";
    assert_ok(embed_two("ollama", dead_runner, out));
}

static void test_embed_server__says_how_to_get_a_model(void **state)
{
    (void)state;
    struct session session = {0};
    fault_peer_start(&session.peer,
                     "recv\nanswer 404 application/json {\"error\":\"model 'm' not found\"}");
    const struct embedder_options options = options_for(&session, "ollama");
    assert_status(embedder_open(&options, &session.embedder, &err), STATUS_NOT_FOUND);
    assert_string_equal(err.hint, "ollama pull m");
    assert_null(session.embedder);
    fault_peer_stop(&session.peer);
}

static void test_embed_server__knows_itself(void **state)
{
    (void)state;
    struct session session;
    session_open(&session, "ollama", OLLAMA);
    assert_string_equal(embedder_fingerprint(session.embedder), "ollama:m:2:0123456789ab");
    assert_int_equal(embedder_n_tokens_max(session.embedder), 98);
    session_close(&session);
    session_open(&session, "openai", OPENAI);
    assert_string_equal(embedder_fingerprint(session.embedder), "openai:m:2");
    assert_int_equal(embedder_n_tokens_max(session.embedder), 510);
    session_close(&session);
}

static void test_embed_server__asks_not_to_truncate_and_prefixes_by_model(void **state)
{
    (void)state;
    struct session session = {0};
    char seen[4096];
    float out[4];
    fault_peer_start(&session.peer,
                     OLLAMA "show\nanswer 200 application/json {\"embeddings\":[[1,0],[1,0]]}");
    struct embedder_options options = options_for(&session, "ollama");
    options.model = "nomic-embed-text";
    assert_ok(embedder_open(&options, &session.embedder, &err));
    assert_ok(embedder_work_new(session.embedder, &session.work, &err));
    const struct embed_text odd[] = {{"a\xFF\"b", 4}, {"two", 3}};
    assert_ok(embedder_embed(session.work, EMBED_QUERY, odd, 2, NULL, out, &err));
    fault_peer_read_request(&session.peer, seen, sizeof seen);
    assert_non_null(strstr(seen, "\"truncate\":false"));
    assert_non_null(strstr(seen, "[\"search_query: a\xEF\xBF\xBD\\\"b\",\"search_query: two\"]"));
    session_close(&session);
}

/* Token counts of the GPT-2, BERT and Llama tokenizers for these are at most what stands here. */
static void test_embed_server__counts_safely(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t n_true_at_most;
    } cases[] = {
        {"The quick brown fox jumps over the lazy dog.", 10},
        {"3.14159", 7},
        {"d41d8cd98f00b204e9800998ecf8427e", 24},
        {"\xE4\xBD\xA0\xE5\xA5\xBD", 6},
        {"!!!???", 6},
        {"antidisestablishmentarianism", 8},
        {"\n\n", 2},
    };
    struct session session;
    session_open(&session, "openai", OPENAI);
    struct text_counter counter = embedder_counter(session.embedder);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_true(counter.count(counter.model, cases[i].text, strlen(cases[i].text)) >=
                    cases[i].n_true_at_most);
    session_close(&session);
}

#ifdef RAGGED_FAULT
static void test_embed_server__survives_injected_failures(void **state)
{
    (void)state;
    static const char *const backends[] = {"ollama", "openai"};
    static const char *const scripts[] = {
        OLLAMA "answer 200 application/json {\"embeddings\":[[1,0],[0,1]]}",
        OPENAI "answer 200 application/json {\"data\":[{\"index\":0,\"embedding\":[1,0]},"
               "{\"index\":1,\"embedding\":[0,1]}]}"};
    for (size_t i = 0; i < 2; i++) {
        struct session session = {0};
        enum status status = STATUS_IO;
        fault_peer_start(&session.peer, scripts[i]);
        struct embedder_options options = options_for(&session, backends[i]);
        options.api_key = "k";
        for (int nth = 1; status; nth++) {
            struct embedder *embedder = NULL;
            struct embedder_work *work = NULL;
            float out[4];
            char plan[32];
            snprintf(plan, sizeof plan, "mem:%d", nth);
            fault_plan(plan);
            status = embedder_open(&options, &embedder, &err);
            if (!status)
                status = embedder_work_new(embedder, &work, &err);
            if (!status)
                status = embedder_embed(work, EMBED_QUERY, two, 2, NULL, out, &err);
            fault_plan(NULL);
            embedder_work_free(work);
            embedder_close(embedder);
            assert_true(nth < 500);
        }
        fault_peer_stop(&session.peer);
    }
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_embed_server__normalises_and_keeps_the_order),
        cmocka_unit_test(test_embed_server__refuses_nonsense),
        cmocka_unit_test(test_embed_server__asks_a_busy_server_again),
        cmocka_unit_test(test_embed_server__says_how_to_get_a_model),
        cmocka_unit_test(test_embed_server__knows_itself),
        cmocka_unit_test(test_embed_server__asks_not_to_truncate_and_prefixes_by_model),
        cmocka_unit_test(test_embed_server__counts_safely),
#ifdef RAGGED_FAULT
        cmocka_unit_test(test_embed_server__survives_injected_failures),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
