/* The two line protocols, fed with what real servers sent (and what broken ones send). */
#include "../testing.h"

#include <string.h>

#include "base/fault.h"
#include "base/limits.h"
#include "base/mem.h"
#include "generate/answer_stream.h"

typedef enum status (*line_fn)(struct answer_stream *answer, const char *line, size_t len,
                               struct error *err);

static void collect(void *ctx, const char *text, size_t len)
{
    buf_append(ctx, text, len);
}

/* Feeds `lines` (separated by \n) and checks the end mark. */
static enum status feed(line_fn on_line, const char *lines, struct buf *text,
                        struct answer_stream *answer, struct error *err)
{
    *answer = (struct answer_stream){.on_text = collect, .ctx = text};
    enum status status = STATUS_OK;
    while (!status && *lines) {
        size_t len = strcspn(lines, "\n");
        status = on_line(answer, lines, len, err);
        lines += len + (lines[len] == '\n');
    }
    return status ? status : answer_stream_end(answer, err);
}

struct stream_case {
    const char *name;
    line_fn on_line;
    const char *lines;
    enum status status;
    const char *text;   /* also what came before a failure */
    const char *finish; /* NULL: not asked */
    size_t n_prompt, n_answer;
};

#define CHAT(text)                                                             \
    "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"" text \
    "\"},\"done\":false}\n"
#define CHAT_END                                                                            \
    "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done\":true," \
    "\"done_reason\":\"stop\",\"prompt_eval_count\":12,\"eval_count\":6}\n"
#define SSE(delta) \
    "data: {\"choices\":[{\"finish_reason\":null,\"index\":0,\"delta\":" delta "}]}\n\n"
#define SSE_END "data: {\"choices\":[{\"finish_reason\":\"stop\",\"index\":0,\"delta\":{}}]}\n\n"
#define SSE_DONE "data: [DONE]\n\n"

static const struct stream_case cases[] = {
    {"chat: an answer", chat_stream_line, CHAT("Hel") CHAT("lo") CHAT_END, STATUS_OK, "Hello",
     "stop", 12, 6},
    {"chat: no end mark", chat_stream_line, CHAT("Hel"), STATUS_REMOTE, "Hel", NULL, 0, 0},
    {"chat: nothing at all", chat_stream_line, "", STATUS_REMOTE, "", NULL, 0, 0},
    {"chat: error in the middle, under 200", chat_stream_line,
     CHAT("Hel") "{\"error\":\"an error was encountered while running the model: unexpected "
                 "EOF\"}\n",
     STATUS_REMOTE, "Hel", NULL, 0, 0},
    {"chat: error object", chat_stream_line, "{\"error\":{\"message\":\"boom\",\"code\":500}}\n",
     STATUS_REMOTE, "", NULL, 0, 0},
    {"chat: prompt too long", chat_stream_line,
     "{\"error\":\"the input length exceeds the context length\"}\n", STATUS_LIMIT, "", NULL, 0, 0},
    {"chat: length", chat_stream_line,
     CHAT("a") "{\"message\":{\"content\":\"\"},\"done\":true,\"done_reason\":\"length\"}\n",
     STATUS_OK, "a", "length", 0, 0},
    {"chat: only loaded", chat_stream_line,
     "{\"message\":{\"content\":\"\"},\"done\":true,\"done_reason\":\"load\"}\n", STATUS_REMOTE, "",
     NULL, 0, 0},
    {"chat: thinking is not the answer", chat_stream_line,
     "{\"message\":{\"content\":\"\",\"thinking\":\"hmm\"},\"done\":false}\n" CHAT("yes") CHAT_END,
     STATUS_OK, "yes", "stop", 12, 6},
    {"chat: content null", chat_stream_line,
     "{\"message\":{\"content\":null},\"done\":false}\n" CHAT_END, STATUS_OK, "", "stop", 12, 6},
    {"chat: CRLF and blank lines", chat_stream_line,
     "\r\n{\"message\":{\"content\":\"a\"},\"done\":false}\r\n\n" CHAT_END, STATUS_OK, "a", "stop",
     12, 6},
    {"chat: half a line", chat_stream_line, CHAT("a") "{\"message\":{\"cont", STATUS_MALFORMED, "a",
     NULL, 0, 0},
    {"chat: HTML", chat_stream_line, "<html><body>502</body></html>\n", STATUS_MALFORMED, "", NULL,
     0, 0},
    {"chat: not an object", chat_stream_line, "[1]\n", STATUS_MALFORMED, "", NULL, 0, 0},
    {"chat: a character cut in two", chat_stream_line, CHAT("a\xE2\x82") CHAT("\xAC") CHAT_END,
     STATUS_OK, "a\xEF\xBF\xBD\xEF\xBF\xBD", "stop", 12, 6},
    {"chat: lines after the end", chat_stream_line, CHAT("a") CHAT_END CHAT("b"), STATUS_OK, "a",
     "stop", 12, 6},
    {"chat: absurd counts", chat_stream_line,
     "{\"done\":true,\"prompt_eval_count\":-5,\"eval_count\":1e300}\n", STATUS_OK, "", "stop", 0,
     0},
    {"sse: an answer as llama-server sends it", sse_stream_line,
     SSE("{\"role\":\"assistant\",\"content\":null}") SSE("{\"content\":\"Hel\"}")
         SSE("{\"content\":\"lo\"}") SSE_END
     "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2}}\n\n" SSE_DONE,
     STATUS_OK, "Hello", "stop", 9, 2},
    {"sse: comments, other fields, CRLF, no blank", sse_stream_line,
     ": keep-alive\r\nevent: message\r\nid: 1\r\nretry: 5\r\n"
     "data:{\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":null}]}\r\n\r\n" SSE_END
         SSE_DONE,
     STATUS_OK, "a", "stop", 0, 0},
    {"sse: finish reason without [DONE]", sse_stream_line, SSE("{\"content\":\"a\"}") SSE_END,
     STATUS_OK, "a", "stop", 0, 0},
    {"sse: cut short", sse_stream_line, SSE("{\"content\":\"a\"}"), STATUS_REMOTE, "a", NULL, 0, 0},
    {"sse: empty", sse_stream_line, "", STATUS_REMOTE, "", NULL, 0, 0},
    {"sse: error, code is a number", sse_stream_line,
     "data: {\"error\":{\"code\":500,\"message\":\"boom\",\"type\":\"server_error\"}}\n",
     STATUS_REMOTE, "", NULL, 0, 0},
    {"sse: error, code is null", sse_stream_line,
     "data: "
     "{\"error\":{\"message\":\"boom\",\"type\":\"api_error\",\"param\":null,\"code\":null}}\n",
     STATUS_REMOTE, "", NULL, 0, 0},
    {"sse: plain JSON error", sse_stream_line,
     "{\"error\":{\"code\":400,\"message\":\"request (4031 tokens) exceeds the available context "
     "size\",\"type\":\"exceed_context_size_error\"}}\n",
     STATUS_LIMIT, "", NULL, 0, 0},
    {"sse: the server does not stream", sse_stream_line,
     "{\"choices\":[{\"message\":{\"content\":\"all\"},\"finish_reason\":\"stop\"}],"
     "\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":1}}\n",
     STATUS_OK, "all", "stop", 3, 1},
    {"sse: HTML", sse_stream_line, "<!doctype html>\n", STATUS_MALFORMED, "", NULL, 0, 0},
    {"sse: half an event", sse_stream_line, "data: {\"choices\":[{\"del\n", STATUS_MALFORMED, "",
     NULL, 0, 0},
    {"sse: filtered", sse_stream_line,
     "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"content_filter\"}]}\n", STATUS_REFUSED,
     "", NULL, 0, 0},
    {"sse: wrong types", sse_stream_line,
     "data: {\"choices\":{\"a\":1}}\ndata: {\"choices\":[7]}\ndata: "
     "{\"choices\":[{\"delta\":\"x\"}]}\n" SSE_DONE,
     STATUS_OK, "", "stop", 0, 0},
};

static void test_generate_streams__table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct stream_case *c = &cases[i];
        struct buf text = {0};
        struct answer_stream answer;
        struct error err = {0};
        enum status status = feed(c->on_line, c->lines, &text, &answer, &err);
        if (status != c->status || strcmp(buf_text(&text), c->text) != 0)
            fail_msg("%s: %s (%s), text \"%s\"", c->name, status_name(status), err.message,
                     buf_text(&text));
        if (c->finish && (!answer.finish || strcmp(answer.finish, c->finish) != 0))
            fail_msg("%s: finish %s", c->name, answer.finish ? answer.finish : "(none)");
        if (answer.n_tokens_prompt != c->n_prompt || answer.n_tokens_answer != c->n_answer)
            fail_msg("%s: counts %zu %zu", c->name, answer.n_tokens_prompt, answer.n_tokens_answer);
        if (status && !err.message[0])
            fail_msg("%s: failed without a sentence", c->name);
        buf_clear(&text);
    }
}

/* However the bytes are damaged, the parsers answer with a status and pass on valid UTF-8 only. */
static void test_generate_streams__damaged_bytes(void **state)
{
    (void)state;
    uint64_t seed = 20261124;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int round = 0; round < 200; round++) {
            char lines[1024];
            size_t len = strlen(cases[i].lines);
            assert_true(len < sizeof lines);
            memcpy(lines, cases[i].lines, len + 1);
            for (int k = 0; k < 3 && len > 0; k++) {
                seed = seed * 6364136223846793005u + 1442695040888963407u;
                lines[(seed >> 33) % len] = (char)(seed >> 56);
            }
            struct buf text = {0};
            struct answer_stream answer;
            struct error err = {0};
            enum status status = feed(cases[i].on_line, lines, &text, &answer, &err);
            assert_true(status == STATUS_OK || err.message[0]);
            json_t *value = json_stringn(buf_text(&text), text.len);
            assert_non_null(value);
            json_decref(value);
            buf_clear(&text);
        }
    }
}

static void ignore_text(void *ctx, const char *text, size_t len)
{
    (void)ctx;
    (void)text;
    (void)len;
}

static void test_generate_streams__an_answer_has_a_largest_size(void **state)
{
    (void)state;
    struct answer_stream answer = {.on_text = ignore_text, .n_bytes = RAGGED_LIMIT_HTTP_BODY - 1};
    struct error err = {0};
    assert_ok(answer_stream_text(&answer, "a", 1, &err));
    assert_status(answer_stream_text(&answer, "a", 1, &err), STATUS_LIMIT);
}

/* A server that takes no notice of how long an answer may be, or repeats itself for ever. */
static void test_generate_streams__an_answer_has_a_most_of_pieces(void **state)
{
    (void)state;
    static const struct {
        line_fn on_line;
        const char *line;
    } rows[] = {{chat_stream_line, CHAT("again ")},
                {sse_stream_line, SSE("{\"content\":\"again \"}")}};
    for (size_t i = 0; i < 2; i++) {
        struct buf text = {0};
        struct error err = {0};
        struct answer_stream answer = {.on_text = collect, .ctx = &text, .n_pieces_max = 3};
        for (int k = 0; k < 10; k++)
            assert_ok(rows[i].on_line(&answer, rows[i].line, strlen(rows[i].line) - 1, &err));
        assert_true(answer.is_done);
        assert_string_equal(answer.finish, "length");
        assert_string_equal(buf_text(&text), "again again again ");
        answer_stream_restart(&answer);
        assert_false(answer.is_done);
        assert_int_equal(answer.n_bytes + answer.n_pieces + answer.n_chunks, 0);
        assert_int_equal(answer.n_pieces_max, 3);
        buf_clear(&text);
    }
}

static void test_generate_streams__http_errors(void **state)
{
    (void)state;
    static const struct {
        int code;
        const char *body;
        enum status status;
        const char *says;
    } errors[] = {
        {404, "{\"error\":\"model 'nosuch' not found\"}", STATUS_NOT_FOUND, "nosuch"},
        {404, "404 page not found", STATUS_NOT_FOUND, "404 page not found"},
        {405, "405 method not allowed", STATUS_REFUSED, "405"},
        {403, "", STATUS_REFUSED, "403"},
        {413, "", STATUS_LIMIT, "413"},
        {429, "{\"error\":{\"message\":\"slow down\"}}", STATUS_THROTTLED, "slow down"},
        {503, "{\"error\":\"server busy, please try again.  maximum pending requests exceeded\"}",
         STATUS_REMOTE, "server busy"},
        {503,
         "{\"error\":{\"message\":\"Loading model\",\"type\":\"unavailable_error\",\"code\":503}}",
         STATUS_REMOTE, "Loading model"},
        {400, "{\"error\":\"the input length exceeds the context length\"}", STATUS_LIMIT,
         "exceeds"},
        {400,
         "{\"error\":{\"code\":400,\"message\":\"request (4031 tokens) exceeds the available "
         "context "
         "size (2048 tokens)\",\"type\":\"exceed_context_size_error\",\"n_ctx\":2048}}",
         STATUS_LIMIT, "4031"},
        {500, "{\"error\":7}", STATUS_REMOTE, "no reason"},
        {502, "<html><title>Bad Gateway</title>", STATUS_REMOTE, "502"},
        {500, "\xFF\xFE garbage", STATUS_REMOTE, "garbage"},
    };
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        struct buf body = {0};
        struct error err = {0};
        buf_append_text(&body, errors[i].body);
        assert_status(answer_error_set_body(&err, errors[i].code, &body), errors[i].status);
        if (!strstr(err.message, errors[i].says) || strchr(err.message, '<'))
            fail_msg("%s: %s", errors[i].body, err.message);
        buf_clear(&body);
    }
}

#ifdef RAGGED_FAULT

static void test_generate_streams__out_of_memory(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int n = 1;; n++) {
            char plan[32], text[256];
            snprintf(plan, sizeof plan, "mem:%d", n);
            struct answer_stream answer = {.on_text = ignore_text, .ctx = text};
            struct error err = {0};
            struct buf unused = {0};
            fault_plan(plan);
            enum status status = feed(cases[i].on_line, cases[i].lines, &unused, &answer, &err);
            long n_reached = fault_count("mem");
            fault_plan(NULL);
            buf_clear(&unused);
            if (n_reached < n) {
                assert_status(status, cases[i].status);
                break;
            }
            assert_true(status == STATUS_OK || err.message[0]);
        }
    }
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_generate_streams__table),
        cmocka_unit_test(test_generate_streams__damaged_bytes),
        cmocka_unit_test(test_generate_streams__an_answer_has_a_largest_size),
        cmocka_unit_test(test_generate_streams__an_answer_has_a_most_of_pieces),
        cmocka_unit_test(test_generate_streams__http_errors),
#ifdef RAGGED_FAULT
        cmocka_unit_test(test_generate_streams__out_of_memory),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
