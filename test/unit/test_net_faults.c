/* Every way in which a server is known to misbehave (N1 to N24), played to every row that asks one,
 * with the account of the servers that an engine keeps. The end that each must have is in the
 * table; all have it within their deadline and a second. */
#include "../canceller.h"
#include "../fault_peer.h"

#include <pthread.h>

#include "base/clock.h"
#include "embed/embed.h"
#include "generate/generate.h"

#define QUICK_MS 1000 /* first byte, idle */
#define CONNECT_MS 500
#define TOTAL_MS 6000
#define GRACE_MS 1000
#define N_THREADS 8

#define EMBED_OK "[[1,0],[0,1]]"
#define HEAD(type) "HTTP/1.1 200 OK\\r\\nContent-Type: " type "\\r\\nConnection: close\\r\\n\\r\\n"

/* What takes part. In the steps of a fault, @name stands for the provider's own words. */
struct provider {
    const char *name, *row;
    bool is_chat;
    const char *preface; /* the questions that come before the one under test */
    const char *target;  /* what the request under test contains */
    const char *head, *piece, *end, *good, *error;
};

enum { N_PROVIDERS = 4 };
static const struct provider providers[N_PROVIDERS] = {
    {.name = "embed ollama",
     .row = "ollama",
     .preface = "if /api/show\nanswer 200 application/json {\"model_info\":{}}\n"
                "if /api/tags\nanswer 200 application/json {\"models\":[]}\n"
                "if /api/version\nanswer 200 application/json {}\n"
                "if dimension\nanswer 200 application/json {\"embeddings\":[[1,0]]}\n",
     .target = "POST /api/embed",
     .head = HEAD("application/json"),
     .piece = "{\"embeddings\":",
     .end = EMBED_OK "}",
     .good = "answer 200 application/json {\"embeddings\":" EMBED_OK "}",
     .error = "{\"error\":\"boom\"}"},
    {.name = "embed openai",
     .row = "openai",
     .preface = "if GET /models\nanswer 200 application/json {}\n"
                "if dimension\nanswer 200 application/json "
                "{\"data\":[{\"index\":0,\"embedding\":[1,0]}]}\n",
     .target = "POST /embeddings",
     .head = HEAD("application/json"),
     .piece = "{\"data\":",
     .end = "[{\"index\":0,\"embedding\":[1,0]},{\"index\":1,\"embedding\":[0,1]}]}",
     .good = "answer 200 application/json {\"data\":[{\"index\":1,\"embedding\":[0,1]},"
             "{\"index\":0,\"embedding\":[1,0]}]}",
     .error = "{\"error\":{\"message\":\"boom\"}}"},
    {.name = "chat ollama",
     .row = "ollama",
     .is_chat = true,
     .preface = "if GET /api/tags\nanswer 200 application/json {\"models\":[{\"name\":\"m\"}]}\n"
                "if /api/show\nanswer 200 application/json {\"model_info\":{}}\n"
                "if /api/ps\nanswer 200 application/json {\"models\":[{\"name\":\"m\"}]}\n"
                "if /api/version\nanswer 200 application/json {}\n",
     .target = "POST /api/chat",
     .head = HEAD("application/x-ndjson"),
     .piece = "{\"message\":{\"content\":\"caf\\xC3\\xA9 \"},\"done\":false}\\n",
     .end = "{\"message\":{\"content\":\"\"},\"done\":true,\"done_reason\":\"stop\"}\\n",
     .good = "answer 200 application/x-ndjson "
             "{\"message\":{\"content\":\"caf\\xC3\\xA9 \"},\"done\":false}\\n"
             "{\"message\":{\"content\":\"\"},\"done\":true,\"done_reason\":\"stop\"}\\n",
     .error = "{\"error\":\"boom\"}"},
    {.name = "chat openai",
     .row = "openai",
     .is_chat = true,
     .preface = "if GET /v1/models\nanswer 200 application/json {\"data\":[{\"id\":\"m\"}]}\n",
     .target = "POST /v1/chat/completions",
     .head = HEAD("text/event-stream"),
     .piece = "data: {\"choices\":[{\"delta\":{\"content\":\"caf\\xC3\\xA9 \"}}]}\\n\\n",
     .end = "data: [DONE]\\n\\n",
     .good = "answer 200 text/event-stream "
             "data: {\"choices\":[{\"delta\":{\"content\":\"caf\\xC3\\xA9 \"}}]}\\n\\n"
             "data: [DONE]\\n\\n",
     .error = "{\"error\":{\"message\":\"boom\"}}"},
};
#define TOKEN "caf\xC3\xA9 "

enum asked { EMBED = 1, CHAT = 2, BOTH = 3 };
enum ask_way { WAY_USUAL, WAY_NOBODY, WAY_LOCALHOST, WAY_TLS, WAY_NO_NAME };

struct fault {
    const char *name;
    enum asked asked;
    const char *steps; /* of the request under test */
    enum status embed, chat;
    const char *text; /* that a chat has shown at its end */
    const char *says; /* in the sentence or the hint */
    enum ask_way way;
};

/* Once or twice only; then the server is well again. */
#define ONCE(steps) "first 1 @target\n" steps "\nif @target\n@good"
#define TWICE(steps) "first 2 @target\n" steps "\nif @target\n@good"
#define ALWAYS(steps) "if @target\n" steps
#define STATUS_LINE(code) "answer " code " application/json @error"
#define WITH_HEADER(code, header)                                                              \
    "send HTTP/1.1 " code " Scripted\\r\\n" header "\\r\\nContent-Length: 0\\r\\nConnection: " \
    "close\\r\\n\\r\\n"

static const struct fault faults[] = {
    {"N1 nobody listens", BOTH, "", STATUS_REMOTE, STATUS_REMOTE, "", "Connection refused",
     WAY_NOBODY},
    {"N2 dropped SYN", BOTH, "!deaf", STATUS_REMOTE, STATUS_REMOTE, "", "timed out", 0},
    {"N3 localhost, only IPv4 listens", BOTH, ALWAYS("@good"), STATUS_OK, STATUS_OK, TOKEN, "",
     WAY_LOCALHOST},
    {"N4 accepts, then silence", BOTH, ALWAYS("stall"), STATUS_REMOTE, STATUS_REMOTE, "",
     "did not begin to answer", 0},
    {"N4 silence, once", BOTH, ONCE("stall"), STATUS_OK, STATUS_OK, TOKEN, "", 0},
    {"N5 stalls in the middle", BOTH, ALWAYS("send @head@piece\nstall"), STATUS_REMOTE,
     STATUS_REMOTE, TOKEN, "sent nothing more", 0},
    {"N5 keeps the connection alive and says nothing", CHAT,
     ALWAYS(
         "send @head@piece\ntrickle 100 \\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n"
         "\\n\\n\\n\\n"),
     STATUS_OK, STATUS_REMOTE, TOKEN, "sent nothing more", 0},
    {"N6 byte by byte", BOTH, ALWAYS("send @head\ntrickle 1 @piece@end"), STATUS_OK, STATUS_OK,
     TOKEN, "", 0},
    {"N7 reset before the headers, once", BOTH, ONCE("reset"), STATUS_OK, STATUS_OK, TOKEN, "", 0},
    {"N7 reset before the headers", BOTH, ALWAYS("reset"), STATUS_REMOTE, STATUS_REMOTE, "",
     "lost the connection", 0},
    {"N7 reset after the headers, once", BOTH, ONCE("send @head\nsleep 30\nreset"), STATUS_OK,
     STATUS_OK, TOKEN, "", 0},
    {"N7 reset in the middle, once", CHAT, ONCE("send @head@piece\nsleep 30\nreset"), STATUS_OK,
     STATUS_REMOTE, TOKEN, "lost the connection", 0},
    {"N8 half-close", BOTH, ALWAYS("send @head@piece\nshut"), STATUS_MALFORMED, STATUS_REMOTE,
     TOKEN, "", 0},
    {"N8 no last chunk", BOTH,
     ALWAYS("send HTTP/1.1 200 OK\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n\nsend "
            "1\\r\\n\\n\\r\\n"),
     STATUS_REMOTE, STATUS_REMOTE, "", "ended its answer early", 0},
    {"N8 no end mark", CHAT, ALWAYS("send @head@piece"), STATUS_OK, STATUS_REMOTE, TOKEN,
     "incomplete", 0},
    {"N9 error under 200", BOTH, ALWAYS("answer 200 application/json @error"), STATUS_REMOTE,
     STATUS_REMOTE, "", "boom", 0},
    {"N9 error under 200, once", BOTH, ONCE("answer 200 application/json @error"), STATUS_OK,
     STATUS_OK, TOKEN, "", 0},
    {"N9 error in the middle", CHAT, ALWAYS("send @head@piece@error\\n"), STATUS_OK, STATUS_REMOTE,
     TOKEN, "boom", 0},
    {"N10 a page", BOTH, TWICE("answer 200 text/html <html>log in</html>"), STATUS_MALFORMED,
     STATUS_MALFORMED, "", "", 0},
    {"N10 a page, once", BOTH, ONCE("answer 200 text/html <html>log in</html>"), STATUS_OK,
     STATUS_OK, TOKEN, "", 0},
    {"N10 empty", BOTH, ALWAYS("answer 200 application/json"), STATUS_MALFORMED, STATUS_REMOTE, "",
     "", 0},
    {"N10 broken JSON", BOTH, TWICE("answer 200 application/json {\"a\":"), STATUS_MALFORMED,
     STATUS_MALFORMED, "", "JSON", 0},
    {"N10 another schema", BOTH, ALWAYS("answer 200 application/json {\"hello\":[1,{}]}"),
     STATUS_MALFORMED, STATUS_REMOTE, "", "", 0},
    {"N10 deep nesting", BOTH, ALWAYS("send @head\nrepeat 5000 [\nsend \\n"), STATUS_MALFORMED,
     STATUS_MALFORMED, "", "", 0},
    {"N10 a key twice", EMBED,
     ALWAYS("answer 200 application/json {\"embeddings\":[],\"data\":[],\"embeddings\":" EMBED_OK
            ",\"data\":[{\"index\":0,\"embedding\":[1,0]},{\"index\":1,\"embedding\":[0,1]}]}"),
     STATUS_MALFORMED, STATUS_OK, "", "duplicate", 0},
    {"N11 400", BOTH, ONCE(STATUS_LINE("400")), STATUS_REFUSED, STATUS_REFUSED, "", "boom", 0},
    {"N11 401", BOTH, ONCE(STATUS_LINE("401")), STATUS_REFUSED, STATUS_REFUSED, "", "API key", 0},
    {"N11 403", BOTH, ONCE(STATUS_LINE("403")), STATUS_REFUSED, STATUS_REFUSED, "", "API key", 0},
    {"N11 404", BOTH, ONCE(STATUS_LINE("404")), STATUS_NOT_FOUND, STATUS_NOT_FOUND, "", "boom", 0},
    {"N11 413", BOTH, ALWAYS(STATUS_LINE("413")), STATUS_REFUSED, STATUS_LIMIT, "", "413", 0},
    {"N11 422", BOTH, ONCE(STATUS_LINE("422")), STATUS_REFUSED, STATUS_REFUSED, "", "422", 0},
    {"N12 429, once", BOTH, ONCE(STATUS_LINE("429")), STATUS_OK, STATUS_OK, TOKEN, "", 0},
    {"N12 429 for a second", BOTH, ONCE(WITH_HEADER("429", "Retry-After: 1")), STATUS_OK, STATUS_OK,
     TOKEN, "", 0},
    {"N12 429 for an hour", BOTH, ONCE(WITH_HEADER("429", "Retry-After: 3600")), STATUS_THROTTLED,
     STATUS_THROTTLED, "", "3600 s", 0},
    {"N12 429 for longer than we have", BOTH, ONCE(WITH_HEADER("429", "Retry-After: 20")),
     STATUS_THROTTLED, STATUS_THROTTLED, "", "20 s", 0},
    {"N13 500, once", BOTH, ONCE(STATUS_LINE("500")), STATUS_OK, STATUS_OK, TOKEN, "", 0},
    {"N13 503, twice", BOTH, TWICE(STATUS_LINE("503")), STATUS_OK, STATUS_OK, TOKEN, "", 0},
    {"N13 502 and no end", BOTH, ALWAYS("answer 502 text/html <p>"), STATUS_REMOTE, STATUS_REMOTE,
     "", "502", 0},
    {"N13 504 and no end", BOTH, ALWAYS(STATUS_LINE("504")), STATUS_REMOTE, STATUS_REMOTE, "",
     "504", 0},
    {"N14 slow", CHAT,
     ALWAYS("send @head@piece\nsleep 300\nsend @piece\nsleep 300\nsend @piece\nsleep 300\n"
            "send @end"),
     STATUS_OK, STATUS_OK, TOKEN TOKEN TOKEN, "", 0},
    {"N15 no end of tokens", CHAT, ALWAYS("send @head\nrepeat 1000000 @piece"), STATUS_OK,
     STATUS_OK, NULL, "", 0},
    {"N16 no end of a line", BOTH,
     ALWAYS("send @head\nrepeat 400000 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
     STATUS_LIMIT, STATUS_MALFORMED, "", "er than", 0},
    {"N16 flood of headers", BOTH,
     ALWAYS("send HTTP/1.1 200 OK\\r\\n\nrepeat 100000 X: aaaaaaaaaaaaaaaaaaaaaaaa\\r\\n"),
     STATUS_MALFORMED, STATUS_MALFORMED, "", "bytes of headers", 0},
    {"N16 chunk of 2^63 bytes", BOTH,
     ALWAYS(
         "send HTTP/1.1 200 OK\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n8000000000000000\\r\\n"),
     STATUS_REMOTE, STATUS_REMOTE, "", "", 0},
    {"N16 compressed, though nobody asked", BOTH,
     TWICE("answer 200 application/json \\x1F\\x8B\\x08 bytes"), STATUS_MALFORMED, STATUS_MALFORMED,
     "", "", 0},
    {"N17 shorter than it says", BOTH,
     ALWAYS("send HTTP/1.1 200 OK\\r\\nContent-Length: 5000\\r\\n\\r\\n"), STATUS_REMOTE,
     STATUS_REMOTE, "", "ended its answer early", 0},
    {"N17 two lengths", BOTH,
     ALWAYS(
         "send HTTP/1.1 200 OK\\r\\nContent-Length: 3\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n"
         "\nsend 0\\r\\n\\r\\n"),
     STATUS_MALFORMED, STATUS_REMOTE, "", "", 0},
    {"N17 flood of 100s", BOTH, ALWAYS("repeat 100000 HTTP/1.1 100 Continue\\r\\n\\r\\n"),
     STATUS_MALFORMED, STATUS_MALFORMED, "", "bytes of headers", 0},
    {"N17 redirect", BOTH, ONCE(WITH_HEADER("302", "Location: http://127.0.0.1:1/")),
     STATUS_REFUSED, STATUS_REFUSED, "", "302", 0},
    {"N18 fewer vectors", EMBED,
     TWICE("answer 200 application/json {\"embeddings\":[[1,0]],\"data\":[{\"index\":0,"
           "\"embedding\":[1,0]}]}"),
     STATUS_MALFORMED, STATUS_OK, "", "1 vectors for 2 texts", 0},
    {"N18 fewer vectors, once", EMBED,
     ONCE("answer 200 application/json {\"embeddings\":[[1,0]],\"data\":[]}"), STATUS_OK, STATUS_OK,
     "", "", 0},
    {"N18 zero vector", EMBED,
     TWICE("answer 200 application/json {\"embeddings\":[[1,0],[0,0]],\"data\":[{\"index\":0,"
           "\"embedding\":[1,0]},{\"index\":1,\"embedding\":[0,0]}]}"),
     STATUS_MALFORMED, STATUS_OK, "", "without a direction", 0},
    {"N18 not a number", EMBED,
     TWICE("answer 200 application/json {\"embeddings\":[[1,0],[1,NaN]],\"data\":[{\"index\":0,"
           "\"embedding\":[1,NaN]}]}"),
     STATUS_MALFORMED, STATUS_OK, "", "JSON", 0},
    {"N19 too long", BOTH,
     ALWAYS("answer 400 application/json {\"error\":{\"message\":\"the input length exceeds the "
            "context length\"}}"),
     STATUS_LIMIT, STATUS_LIMIT, "", "exceeds", 0},
    {"N20 no TLS where TLS is asked for", BOTH, "!send HTTP/1.1 400 Bad Request\\r\\n\\r\\n\nstall",
     STATUS_REFUSED, STATUS_REFUSED, "", "TLS", WAY_TLS},
    {"N24 no such name", BOTH, "", STATUS_REMOTE, STATUS_REMOTE, "", "could not find the host",
     WAY_NO_NAME},
};
enum { N_FAULTS = sizeof faults / sizeof faults[0] };

/* ---- a script from the steps ---- */

static void expand(const struct provider *provider, const char *steps, struct buf *out)
{
    const struct {
        const char *name, *value;
    } words[] = {{"@target", provider->target}, {"@head", provider->head},
                 {"@piece", provider->piece},   {"@end", provider->end},
                 {"@good", provider->good},     {"@error", provider->error}};
    while (*steps) {
        size_t i = 0;
        while (i < 6 && strncmp(steps, words[i].name, strlen(words[i].name)) != 0)
            i++;
        if (i < 6)
            expand(provider, words[i].value, out);
        else
            buf_append_char(out, *steps);
        steps += i < 6 ? strlen(words[i].name) : 1;
    }
}

static void make_script(const struct provider *provider, const struct fault *fault, struct buf *out)
{
    bool is_whole = fault->steps[0] == '!'; /* the whole script, for every connection */
    if (!is_whole)
        buf_printf(out, "recv\n%s", provider->preface);
    expand(provider, fault->steps + is_whole, out);
}

static void make_url(const struct fault *fault, const struct fault_peer *peer, char *out,
                     size_t size)
{
    static const char *const formats[] = {[WAY_USUAL] = "http://127.0.0.1:%s",
                                          [WAY_NOBODY] = "http://127.0.0.1:%s",
                                          [WAY_LOCALHOST] = "http://localhost:%s",
                                          [WAY_TLS] = "https://127.0.0.1:%s",
                                          [WAY_NO_NAME] = "http://nobody.invalid:%s"};
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(out, size, formats[fault->way], strrchr(peer->url, ':') + 1);
#pragma GCC diagnostic pop
}

/* ---- one of them played ---- */

struct outcome {
    enum status status;
    struct buf text;
    struct error err;
    int64_t took_ms;
};

/* The first use of TLS loads and checks a good deal. */
static struct net_timeouts timeouts_of(const struct fault *fault)
{
    bool is_tls = fault->way == WAY_TLS;
    return (struct net_timeouts){.connect_ms = is_tls ? TOTAL_MS : CONNECT_MS,
                                 .first_byte_ms = is_tls ? TOTAL_MS : QUICK_MS,
                                 .idle_ms = QUICK_MS,
                                 .total_ms = TOTAL_MS};
}

static void run_embed(const struct provider *provider, const struct fault *fault, const char *url,
                      struct net_peers *peers, struct outcome *out)
{
    static const struct embed_text two[] = {{"one", 3}, {"two", 3}};
    const struct embedder_options options = {.backend = provider->row,
                                             .model = "m",
                                             .url = url,
                                             .timeouts = timeouts_of(fault),
                                             .peers = peers};
    struct embedder *embedder = NULL;
    struct embedder_work *work = NULL;
    float vectors[4];
    out->status = embedder_open(&options, &embedder, &out->err);
    if (!out->status)
        out->status = embedder_work_new(embedder, &work, &out->err);
    int64_t start_ms = clock_monotonic_ms();
    if (!out->status)
        out->status = embedder_embed(work, EMBED_QUERY, two, 2, NULL, vectors, &out->err);
    out->took_ms = clock_monotonic_ms() - start_ms;
    embedder_work_free(work);
    embedder_close(embedder);
}

static void collect(void *ctx, const char *text, size_t len)
{
    buf_append(ctx, text, len);
}

static void run_chat(const struct provider *provider, const struct fault *fault, const char *url,
                     struct net_peers *peers, struct outcome *out)
{
    const struct generator_options options = {.name = provider->row,
                                              .ollama_url = url,
                                              .openai_url = url,
                                              .timeouts = timeouts_of(fault),
                                              .peers = peers};
    const struct generate_request request = {
        .system = "s", .user = "u", .n_tokens_prompt = 10, .n_tokens_max = 10};
    struct generator *generator = NULL;
    struct generate_result result;
    out->status = generator_open(&options, &generator, &out->err);
    int64_t start_ms = clock_monotonic_ms();
    if (!out->status)
        out->status = generator_run(generator, &request, collect, &out->text, &result, &out->err);
    out->took_ms = clock_monotonic_ms() - start_ms;
    generator_close(generator);
}

/* "" when it ended as it must. */
static void judge(const struct provider *provider, const struct fault *fault,
                  const struct outcome *outcome, struct buf *complaints)
{
    enum status expected = provider->is_chat ? fault->chat : fault->embed;
    bool is_text_right =
        !provider->is_chat || !fault->text || strcmp(buf_text(&outcome->text), fault->text) == 0;
    bool is_sentence_right = !outcome->status || strstr(outcome->err.message, fault->says) ||
                             strstr(outcome->err.hint, fault->says);
    bool is_short = outcome->text.len < 4096;
    if (outcome->status == expected && is_text_right && is_sentence_right && is_short &&
        outcome->took_ms <= TOTAL_MS + GRACE_MS)
        return;
    buf_printf(complaints, "%s, %s: %s, %lld ms, text \"%.60s\", \"%s\" (%s)\n", fault->name,
               provider->name, status_name(outcome->status), (long long)outcome->took_ms,
               buf_text(&outcome->text), outcome->err.message, outcome->err.hint);
}

struct campaign {
    pthread_mutex_t mutex; /* all below */
    int next, n_played;
    struct buf complaints;
};

static void play(const struct provider *provider, const struct fault *fault,
                 struct campaign *campaign)
{
    struct buf script = {0}, complaints = {0};
    struct outcome outcome = {0};
    struct fault_peer peer;
    struct net_peers *peers = NULL;
    char url[80];
    make_script(provider, fault, &script);
    fault_peer_start(&peer, buf_text(&script));
    make_url(fault, &peer, url, sizeof url);
    if (fault->way == WAY_NOBODY)
        fault_peer_stop(&peer);
    if (net_peers_new(&(struct net_peers_options){0}, &peers, NULL) == STATUS_OK)
        (provider->is_chat ? run_chat : run_embed)(provider, fault, url, peers, &outcome);
    judge(provider, fault, &outcome, &complaints);
    pthread_mutex_lock(&campaign->mutex);
    campaign->n_played++;
    buf_append_text(&campaign->complaints, buf_text(&complaints));
    pthread_mutex_unlock(&campaign->mutex);
    if (fault->way != WAY_NOBODY)
        fault_peer_stop(&peer);
    net_peers_free(peers);
    buf_clear(&outcome.text);
    buf_clear(&complaints);
    buf_clear(&script);
}

static void *play_all(void *ctx)
{
    struct campaign *campaign = ctx;
    for (;;) {
        pthread_mutex_lock(&campaign->mutex);
        int i = campaign->next++;
        pthread_mutex_unlock(&campaign->mutex);
        if (i >= N_FAULTS * N_PROVIDERS)
            return NULL;
        const struct provider *provider = &providers[i % N_PROVIDERS];
        const struct fault *fault = &faults[i / N_PROVIDERS];
        if (fault->asked & (provider->is_chat ? CHAT : EMBED))
            play(provider, fault, campaign);
    }
}

static void test_net_faults__all_end_as_they_must(void **state)
{
    (void)state;
    struct campaign campaign = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    pthread_t threads[N_THREADS];
    for (int i = 0; i < N_THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, play_all, &campaign), 0);
    for (int i = 0; i < N_THREADS; i++)
        pthread_join(threads[i], NULL);
    printf("%d scripts played\n%s", campaign.n_played, buf_text(&campaign.complaints));
    assert_int_equal(campaign.complaints.len, 0);
    buf_clear(&campaign.complaints);
    assert_true(campaign.n_played > 150);
}

/* N23: who is not wanted any more is told so at once, or its slot would stay taken. */
static void test_net_faults__a_cancelled_answer_frees_the_server(void **state)
{
    (void)state;
    for (int i = 2; i < N_PROVIDERS; i++) {
        struct fault_peer peer;
        struct net_peers *peers = NULL;
        struct error err;
        struct buf script = {0}, text = {0};
        static const struct fault fault = {
            .steps = "first 1 @target\nsend @head@piece\nstall\nif @target\n@good"};
        make_script(&providers[i], &fault, &script);
        fault_peer_start(&peer, buf_text(&script));
        assert_ok(net_peers_new(&(struct net_peers_options){0}, &peers, &err));
        const struct generator_options options = {.name = providers[i].row,
                                                  .ollama_url = peer.url,
                                                  .openai_url = peer.url,
                                                  .peers = peers};
        struct canceller canceller = {.after_ms = 150};
        struct generate_request request = {
            .user = "u", .n_tokens_prompt = 10, .n_tokens_max = 10, .cancel = &canceller.cancel};
        struct generator *generator = NULL;
        struct generate_result result;
        assert_ok(generator_open(&options, &generator, &err));
        canceller_start(&canceller);
        int64_t start_ms = clock_monotonic_ms();
        assert_status(generator_run(generator, &request, collect, &text, &result, &err),
                      STATUS_CANCELLED);
        assert_true(clock_monotonic_ms() - start_ms < 1000);
        assert_string_equal(result.finish, "cancelled");
        assert_string_equal(buf_text(&text), TOKEN);
        canceller_join(&canceller);
        /* It serves one at a time: this would wait for ever if the first were still there. */
        request.cancel = NULL;
        request.total_timeout_ms = 2000;
        assert_ok(generator_run(generator, &request, collect, &text, &result, &err));
        generator_close(generator);
        net_peers_free(peers);
        fault_peer_stop(&peer);
        buf_clear(&script);
        buf_clear(&text);
    }
}

int main(void)
{
    setenv("XDG_CACHE_HOME", "/nonexistent", 1); /* no model of this computer's user */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_net_faults__all_end_as_they_must),
        cmocka_unit_test(test_net_faults__a_cancelled_answer_frees_the_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
