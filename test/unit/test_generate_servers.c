/* The HTTP rows against a server that misbehaves as scripted; the shapes are those of real servers.
 */
#include "../fault_peer.h"

#include "base/fault.h"
#include "generate/generate.h"

#define TAGS                                                                   \
    "if GET /api/tags\nanswer 200 application/json "                           \
    "{\"models\":[{\"name\":\"big:latest\",\"details\":{\"family\":\"llama\"," \
    "\"parameter_size\":\"1.5B\"}}]}\n"
#define SHOW                                                                                   \
    "if POST /api/show\nanswer 200 application/json "                                          \
    "{\"model_info\":{\"llama.context_length\":32768,\"general.parameter_count\":1540000000}," \
    "\"capabilities\":[\"completion\",\"thinking\"]}\n"
#define NDJSON \
    "HTTP/1.1 200 OK\\r\\nContent-Type: application/x-ndjson\\r\\nConnection: close\\r\\n\\r\\n"
#define WARM \
    "if GET /api/ps\nanswer 200 application/json {\"models\":[{\"name\":\"big:latest\"}]}\n"
#define CHAT "recv\n" TAGS SHOW WARM "if POST /api/chat\n"
#define LINE(text) "{\"message\":{\"content\":\"" text "\"},\"done\":false}\\n"
#define END "{\"message\":{\"content\":\"\"},\"done\":true,\"done_reason\":\"stop\"}\\n"

#define MODELS                                                                                     \
    "recv\nif GET /v1/models\nanswer 200 application/json "                                        \
    "{\"data\":[{\"id\":\"text-embed\"},{\"id\":\"m\",\"meta\":{\"n_ctx\":2048,\"n_params\":3e9}}" \
    "]}\n"                                                                                         \
    "if POST /v1/chat/completions\n"
#define SSE \
    "HTTP/1.1 200 OK\\r\\nContent-Type: text/event-stream\\r\\nConnection: close\\r\\n\\r\\n"
#define DELTA(text) "data: {\"choices\":[{\"delta\":{\"content\":\"" text "\"}}]}\\n\\n"

struct server_case {
    const char *name, *row, *script;
    enum status status;
    const char *text, *says; /* says: part of the sentence or hint */
};

static const struct server_case cases[] = {
    {"an answer", "ollama", CHAT "send " NDJSON LINE("a") LINE("b") END, STATUS_OK, "ab", ""},
    {"lines in pieces", "ollama",
     CHAT "send " NDJSON "{\"message\":{\"cont\nsleep 30\nsend ent\":\"caf\\xC3\nsleep 30\n"
          "send \\xA9\"},\"done\":false}\\n" END,
     STATUS_OK, "caf\xC3\xA9", ""},
    {"no end mark", "ollama", CHAT "send " NDJSON LINE("a"), STATUS_REMOTE, "a", "incomplete"},
    {"connection reset", "ollama", CHAT "send " NDJSON LINE("a") "\nsleep 50\nreset", STATUS_REMOTE,
     "a", "127.0.0.1"},
    {"runner died", "ollama",
     CHAT "send " NDJSON LINE("a") "{\"error\":\"an error was encountered while running the model: "
                                   "unexpected EOF\"}\\n",
     STATUS_REMOTE, "a", "unexpected EOF"},
    {"model removed meanwhile", "ollama",
     CHAT "answer 404 application/json {\"error\":\"model 'big' not found\"}", STATUS_NOT_FOUND, "",
     "ollama pull big:latest"},
    {"busy", "ollama",
     CHAT "answer 503 application/json {\"error\":\"server busy, please try again\"}",
     STATUS_REMOTE, "", "server busy"},
    {"too long", "ollama",
     CHAT "answer 400 application/json {\"error\":\"the input length exceeds the context length\"}",
     STATUS_LIMIT, "", "fewer passages"},
    {"foreign host", "ollama", CHAT "answer 403 text/plain ", STATUS_REFUSED, "", "403"},
    {"HTML under 200", "ollama", CHAT "answer 200 text/html <html>hello</html>", STATUS_MALFORMED,
     "", "something else"},
    {"empty body", "ollama", CHAT "answer 200 application/x-ndjson ", STATUS_REMOTE, "",
     "incomplete"},
    {"an answer", "openai", MODELS "send " SSE DELTA("a") DELTA("b") "data: [DONE]\\n\\n",
     STATUS_OK, "ab", ""},
    {"no end mark", "openai", MODELS "send " SSE DELTA("a"), STATUS_REMOTE, "a", "incomplete"},
    {"too long", "openai",
     MODELS
     "answer 400 application/json {\"error\":{\"code\":400,\"message\":\"request (4031 tokens) "
     "exceeds the available context size\",\"type\":\"exceed_context_size_error\"}}",
     STATUS_LIMIT, "", "4031"},
    {"body too large", "openai", MODELS "answer 413 text/plain ", STATUS_LIMIT, "", "413"},
    {"loading", "openai",
     MODELS "answer 503 application/json {\"error\":{\"message\":\"Loading model\",\"code\":503}}",
     STATUS_REMOTE, "", "Loading model"},
    {"bad key", "openai", MODELS "answer 401 application/json {\"error\":{\"message\":\"no\"}}",
     STATUS_REFUSED, "", "API key"},
    {"error in the stream", "openai",
     MODELS "send " SSE DELTA("a") "data: {\"error\":{\"message\":\"boom\",\"code\":null}}\\n\\n",
     STATUS_REMOTE, "a", "boom"},
};

static void collect(void *ctx, const char *text, size_t len)
{
    buf_append(ctx, text, len);
}

static struct generator_options options_for(const char *row, const char *url)
{
    return (struct generator_options){
        .name = row, .ollama_url = url, .openai_url = url, .openai_key = "secret-key"};
}

static const struct generate_request request = {
    .system = "s", .user = "u", .n_tokens_prompt = 10, .n_tokens_max = 10};

static void test_generate_servers__table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct server_case *c = &cases[i];
        struct fault_peer peer;
        fault_peer_start(&peer, c->script);
        struct generator_options options = options_for(c->row, peer.url);
        struct generator *generator = NULL;
        struct error err = {0};
        struct buf text = {0};
        struct generate_result result = {.finish = "untouched"};
        assert_ok(generator_open(&options, &generator, &err));
        enum status status = generator_run(generator, &request, collect, &text, &result, &err);
        if (status != c->status || strcmp(buf_text(&text), c->text) != 0 ||
            (!strstr(err.message, c->says) && !strstr(err.hint, c->says)))
            fail_msg("%s, %s: %s, text \"%s\", \"%s\" (%s)", c->row, c->name, status_name(status),
                     buf_text(&text), err.message, err.hint);
        assert_null(strstr(err.message, "secret-key"));
        assert_string_equal(result.finish, status ? "untouched" : "stop");
        buf_clear(&text);
        generator_close(generator);
        fault_peer_stop(&peer);
    }
}

/* What we send is as much a promise as what we understand. */
static void test_generate_servers__ollama_request(void **state)
{
    (void)state;
    struct fault_peer peer;
    fault_peer_start(&peer, "recv\n" TAGS SHOW WARM "if POST /api/chat\nshow\nsend " NDJSON END);
    struct generator_options options = options_for("ollama", peer.url);
    struct generator *generator = NULL;
    struct error err = {0};
    struct buf text = {0};
    struct generate_result result;
    static char sent[64 * 1024];
    assert_ok(generator_open(&options, &generator, &err));
    assert_string_equal(generator_model(generator), "big:latest");
    assert_int_equal(generator_window(generator), 8192);
    assert_false(generator_is_small(generator));
    assert_ok(generator_run(generator, &request, collect, &text, &result, &err));
    fault_peer_read_request(&peer, sent, sizeof sent);
    static const char *const parts[] = {
        "Host: 127.0.0.1:",   "\"truncate\":false", "\"keep_alive\":\"5m\"", "\"num_ctx\":2048",
        "\"num_predict\":10", "\"think\":false",    "\"stream\":true",       "\"seed\":0"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (!strstr(sent, parts[i]))
            fail_msg("no %s in %s", parts[i], sent);
    assert_null(strstr(sent, "secret-key"));
    generator_close(generator);
    fault_peer_stop(&peer);
}

static void test_generate_servers__openai_request(void **state)
{
    (void)state;
    struct fault_peer peer;
    fault_peer_start(&peer, MODELS "show\nsend " SSE "data: [DONE]\\n\\n");
    struct generator_options options = options_for("openai", peer.url);
    struct generator *generator = NULL;
    struct error err = {0};
    struct buf text = {0};
    struct generate_result result;
    static char sent[64 * 1024];
    assert_ok(generator_open(&options, &generator, &err));
    assert_string_equal(generator_model(generator), "m");
    assert_int_equal(generator_window(generator), 2048);
    assert_ok(generator_run(generator, &request, collect, &text, &result, &err));
    fault_peer_read_request(&peer, sent, sizeof sent);
    assert_non_null(strstr(sent, "Authorization: Bearer secret-key"));
    assert_non_null(strstr(sent, "\"include_usage\":true"));
    assert_non_null(strstr(sent, "\"max_tokens\":10"));
    generator_close(generator);
    fault_peer_stop(&peer);
}

/* A prompt that our estimate made too short for its window gets the whole one before we give up. */
static void test_generate_servers__ollama_asks_again_with_the_whole_window(void **state)
{
    (void)state;
    struct fault_peer peer;
    fault_peer_start(&peer,
                     "recv\n" TAGS SHOW WARM "if \"num_ctx\":8192\nsend " NDJSON LINE("a") END
                     "\nelse\nanswer 400 application/json {\"error\":\"the input length exceeds "
                     "the context length\"}");
    struct generator_options options = options_for("ollama", peer.url);
    struct generator *generator = NULL;
    struct error err = {0};
    struct buf text = {0};
    struct generate_result result;
    assert_ok(generator_open(&options, &generator, &err));
    assert_ok(generator_run(generator, &request, collect, &text, &result, &err));
    assert_string_equal(buf_text(&text), "a");
    buf_clear(&text);
    generator_close(generator);
    fault_peer_stop(&peer);
}

struct model_case {
    const char *name, *models, *wanted;
    const char *chosen; /* NULL: NOT_FOUND */
};

static const struct model_case model_cases[] = {
    {"the largest that is quick enough",
     "{\"name\":\"s:1b\",\"details\":{\"parameter_size\":\"1.2B\"}},"
     "{\"name\":\"m:7b\",\"details\":{\"parameter_size\":\"7.6B\"}},"
     "{\"name\":\"l:70b\",\"details\":{\"parameter_size\":\"70B\"}}",
     "", "m:7b"},
    {"only large ones",
     "{\"name\":\"l:70b\",\"details\":{\"parameter_size\":\"70B\"}},"
     "{\"name\":\"l:14b\",\"details\":{\"parameter_size\":\"14.8B\"}}",
     "", "l:14b"},
    {"embedding and cloud models don't write here",
     "{\"name\":\"nomic-embed-text\",\"details\":{\"parameter_size\":\"2B\"}},"
     "{\"name\":\"bge\",\"details\":{\"family\":\"bert\",\"parameter_size\":\"2B\"}},"
     "{\"name\":\"glm:cloud\",\"remote_host\":\"https://example.com\",\"details\":{}},"
     "{\"name\":\"s\",\"details\":{\"parameter_size\":\"135M\"}}",
     "", "s"},
    {"by its short name", "{\"name\":\"q:latest\"},{\"name\":\"q2:latest\"}", "q", "q:latest"},
    {"not by half a name", "{\"name\":\"qwen:latest\"}", "q", NULL},
    {"not by another tag", "{\"name\":\"q:latest\"}", "q:3b", NULL},
    {"none at all", "", "", NULL},
    {"nonsense", "7,\"x\",{\"name\":3,\"details\":[]}", "q", NULL},
};

static void test_generate_servers__ollama_chooses_a_model(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof model_cases / sizeof model_cases[0]; i++) {
        const struct model_case *c = &model_cases[i];
        char script[2048];
        snprintf(script, sizeof script,
                 "recv\nif GET /api/tags\nanswer 200 application/json {\"models\":[%s]}\n" SHOW,
                 c->models);
        struct fault_peer peer;
        fault_peer_start(&peer, script);
        struct generator_options options = options_for("ollama", peer.url);
        options.model = c->wanted;
        struct generator *generator = NULL;
        struct error err = {0};
        enum status status = generator_open(&options, &generator, &err);
        if (status != (c->chosen ? STATUS_OK : STATUS_NOT_FOUND))
            fail_msg("%s: %s %s", c->name, status_name(status), err.message);
        if (c->chosen)
            assert_string_equal(generator_model(generator), c->chosen);
        else
            assert_non_null(strstr(err.hint, "ollama pull"));
        generator_close(generator);
        fault_peer_stop(&peer);
    }
}

/* auto: every way a server can be unfit ends at the extractive row, with the reasons told. */
static void test_generate_servers__auto_tells_why(void **state)
{
    (void)state;
    static const struct {
        const char *script, *reason;
    } servers[] = {
        {"recv\nanswer 404 text/plain 404 page not found", "404"},
        {"recv\nanswer 200 text/html <html></html>", "something else than JSON"},
        {"recv\nreset", "127.0.0.1"},
        {"recv\nanswer 200 application/json {}", "no model that writes"},
        {"recv\nanswer 200 application/json {\"models\":[{\"name\":\"s\",\"details\":"
         "{\"parameter_size\":\"134.52M\"}}]}",
         "too small"},
    };
    for (size_t i = 0; i < sizeof servers / sizeof servers[0]; i++) {
        struct fault_peer peer;
        fault_peer_start(&peer, servers[i].script);
        struct generator_options options = {
            .name = "auto", .ollama_url = peer.url, .is_configured_only = 1};
        struct generator *generator = NULL;
        struct error err = {0};
        assert_ok(generator_open(&options, &generator, &err));
        assert_string_equal(generator_name(generator), "extractive");
        if (!strstr(generator_reasons(generator), servers[i].reason))
            fail_msg("%s: %s", servers[i].reason, generator_reasons(generator));
        generator_close(generator);
        fault_peer_stop(&peer);
    }
}

/* What is no address is refused before anything is asked, and no sentence shows a password. */
static void test_generate_servers__address(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        enum status status;
    } addresses[] = {
        {"http://", STATUS_INVALID},
        {"ftp://127.0.0.1", STATUS_INVALID},
        {"http://127.0.0.1:1 /", STATUS_INVALID},
        {"http://me:hunter2@127.0.0.1:1/", STATUS_REMOTE},
        {"me:hunter2@127.0.0.1:1", STATUS_REMOTE},
        {"0.0.0.0:1", STATUS_REMOTE},
    };
    static const char *const rows[] = {"ollama", "openai", "auto"};
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
            struct generator_options options = options_for(rows[k], addresses[i].url);
            struct generator *generator = NULL;
            struct error err = {0};
            bool is_auto = strcmp(rows[k], "auto") == 0;
            enum status status = generator_open(&options, &generator, &err);
            if (status != (is_auto ? STATUS_OK : addresses[i].status))
                fail_msg("%s, \"%s\": %s, \"%s\"", rows[k], addresses[i].url, status_name(status),
                         err.message);
            assert_null(strstr(err.message, "hunter2"));
            if (is_auto)
                assert_null(strstr(generator_reasons(generator), "hunter2"));
            generator_close(generator);
        }
    }
}

#ifdef RAGGED_FAULT

static void test_generate_servers__out_of_memory(void **state)
{
    (void)state;
    static const char *const scripts[] = {CHAT "send " NDJSON LINE("a") END,
                                          MODELS "send " SSE DELTA("a") "data: [DONE]\\n\\n"};
    static const char *const rows[] = {"ollama", "openai"};
    for (size_t i = 0; i < 2; i++) {
        struct fault_peer peer;
        fault_peer_start(&peer, scripts[i]);
        for (int n = 1;; n++) {
            char plan[32];
            snprintf(plan, sizeof plan, "mem:%d", n);
            struct generator_options options = options_for(rows[i], peer.url);
            struct generator *generator = NULL;
            struct error err = {0};
            struct buf text = {0};
            struct generate_result result = {.finish = "untouched"};
            fault_plan(plan);
            enum status status = generator_open(&options, &generator, &err);
            assert_true((status == STATUS_OK) == (generator != NULL));
            if (!status)
                status = generator_run(generator, &request, collect, &text, &result, &err);
            long n_reached = fault_count("mem");
            fault_plan(NULL);
            buf_clear(&text);
            generator_close(generator);
            if (n_reached < n) {
                assert_ok(status);
                break;
            }
            if (status) {
                assert_string_equal(result.finish, "untouched");
                assert_true(err.message[0]);
            }
        }
        fault_peer_stop(&peer);
    }
}
#endif

int main(void)
{
    setenv("XDG_CACHE_HOME", "/nonexistent", 1); /* no model of this computer's user */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_generate_servers__table),
        cmocka_unit_test(test_generate_servers__ollama_request),
        cmocka_unit_test(test_generate_servers__openai_request),
        cmocka_unit_test(test_generate_servers__ollama_asks_again_with_the_whole_window),
        cmocka_unit_test(test_generate_servers__ollama_chooses_a_model),
        cmocka_unit_test(test_generate_servers__auto_tells_why),
        cmocka_unit_test(test_generate_servers__address),
#ifdef RAGGED_FAULT
        cmocka_unit_test(test_generate_servers__out_of_memory),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
