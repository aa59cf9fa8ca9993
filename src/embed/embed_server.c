#include "embed/embed_server.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "embed/embed_prefix.h"

#define DEFAULT_TIMEOUT_MS 120000
#define N_ATTEMPTS 3
#define RETRY_BASE_MS 200

enum status embed_server_open(const struct embedder_options *options, const char *default_url,
                              struct embedder *embedder, struct error *err)
{
    if (!options->model || !*options->model)
        return error_set(err, STATUS_INVALID, "no embedding model is named");
    const char *url = options->url && *options->url ? options->url : default_url;
    if (!url)
        return error_set(err, STATUS_INVALID, "no URL of an embedding server is configured");
    struct embed_server *server = mem_zalloc(1, sizeof *server);
    if (!server)
        return error_nomem(err);
    embedder->state = server;
    embedder->counter = (struct text_counter){.count = embed_server_count_tokens};
    server->cancel = options->cancel;
    server->timeout_ms = options->timeout_ms > 0 ? options->timeout_ms : DEFAULT_TIMEOUT_MS;
    enum status status = net_base_url(url, &server->url, err);
    if (!status)
        status = net_origin(server->url, server->origin, err);
    if (status)
        return status;
    bool has_key = options->api_key && *options->api_key;
    server->model = mem_text(options->model);
    server->api_key = has_key ? mem_text(options->api_key) : NULL;
    if (!server->model || (has_key && !server->api_key))
        return error_nomem(err);
    return STATUS_OK;
}

void embed_server_close(struct embedder *embedder)
{
    struct embed_server *server = embedder->state;
    if (!server)
        return;
    mem_free(server->url);
    mem_free(server->model);
    mem_free(server->api_key);
    mem_free(server);
}

/* Ollama says {"error": "..."}, the OpenAI shape is {"error": {"message": "..."}}. Borrowed. */
static const char *find_complaint(const json_t *body)
{
    const json_t *error = json_object_get(body, "error");
    const char *text = json_string_value(error);
    return text ? text : json_get_text(error, "message", NULL);
}

/* How the servers we know word it: Ollama, llama-server, OpenAI. */
static bool is_too_long(const char *complaint)
{
    static const char *const words[] = {"exceeds the context length", "context size",
                                        "maximum context length", "too large to process"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strstr(complaint, words[i]))
            return true;
    return false;
}

static enum status say_refusal(const struct embed_server *server, int code, const struct buf *body,
                               struct error *err)
{
    static const struct {
        int code;
        const char *hint;
    } hints[] = {
        {401, "check the API key"},
        {403, "check the API key"},
        {413, "the server takes only smaller requests"},
        {501, "start the server with embeddings switched on"},
    };
    json_t *json = NULL;
    if (json_parse(buf_text(body), body->len, &json, NULL))
        json = NULL;
    const char *complaint = find_complaint(json);
    enum status status = STATUS_REMOTE;
    if (code == 404 && complaint)
        status = STATUS_NOT_FOUND;
    else if (complaint && is_too_long(complaint))
        status = STATUS_LIMIT;
    error_set(err, status, "%s answered HTTP %d%s%.200s", server->origin, code,
              complaint ? ": " : "", complaint ? complaint : "");
    for (size_t i = 0; i < sizeof hints / sizeof hints[0]; i++)
        if (hints[i].code == code)
            error_hint(err, "%s", hints[i].hint);
    json_decref(json);
    return status;
}

/* A 200 may carry an error all the same (Ollama, when its runner dies), or a proxy's HTML page. */
static enum status read_answer(const struct embed_server *server, const struct buf *body,
                               json_t **out, struct error *err)
{
    json_t *json = NULL;
    enum status status = json_parse(buf_text(body), body->len, &json, err);
    if (status)
        return error_context(err, status == STATUS_NOMEM ? status : STATUS_REMOTE,
                             "%s did not answer with JSON", server->origin);
    const char *complaint = find_complaint(json);
    if (complaint)
        status = error_set(err, STATUS_REMOTE, "%s: %.200s", server->origin, complaint);
    else if (!json_is_object(json))
        status =
            error_set(err, STATUS_REMOTE, "%s did not answer with a JSON object", server->origin);
    if (status)
        json_decref(json);
    else
        *out = json;
    return status;
}

/* Ollama says 400 when its runner died under the request; the next one starts a new runner. */
static bool is_worth_retrying(int code, const struct buf *answer)
{
    if (code == 400)
        return strstr(buf_text(answer), "do embedding request") != NULL;
    static const int codes[] = {429, 500, 502, 503, 504};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (codes[i] == code)
            return true;
    return false;
}

/* Full jitter, so that several clients of a busy server do not come back together. */
static void wait_before_retry(int i_attempt, const struct cancel *cancel)
{
    unsigned random = 0;
    int64_t wait_ms = RETRY_BASE_MS << i_attempt;
    if (random_bytes(&random, sizeof random, NULL) == STATUS_OK)
        wait_ms = (int64_t)random % wait_ms;
    for (int64_t end_ms = clock_monotonic_ms() + wait_ms;
         clock_monotonic_ms() < end_ms && !is_cancelled(cancel);)
        clock_sleep_ms(20);
}

enum status embed_server_ask(const struct embed_server *server, const char *path,
                             const json_t *body, const struct cancel *cancel, json_t **out,
                             struct error *err)
{
    struct buf url = {0}, text = {0}, answer = {0};
    struct net_response response = {0};
    buf_printf(&url, "%s%s", server->url, path);
    if (body)
        json_write(body, JSON_STYLE_COMPACT, &text);
    enum status status = buf_status(&url, err);
    if (!status)
        status = buf_status(&text, err);
    const struct net_request request = {
        .method = body ? "POST" : "GET",
        .url = buf_text(&url),
        .body = body ? buf_text(&text) : NULL,
        .body_len = text.len,
        .bearer = server->api_key,
        .first_byte_timeout_ms = server->timeout_ms,
        .total_timeout_ms = server->timeout_ms,
        .cancel = cancel ? cancel : server->cancel,
    };
    for (int i = 0; !status; i++) {
        buf_reset(&answer);
        status = net_fetch(&request, &answer, &response, err);
        if (status || i + 1 == N_ATTEMPTS || !is_worth_retrying(response.code, &answer))
            break;
        wait_before_retry(i, request.cancel);
    }
    if (!status && response.code != 200)
        status = say_refusal(server, response.code, &answer, err);
    else if (!status)
        status = read_answer(server, &answer, out, err);
    buf_clear(&url);
    buf_clear(&text);
    buf_clear(&answer);
    return status;
}

/* json_text() for a text with a length; a NUL inside stays. */
static json_t *input_of(const char *prefix, const struct embed_text *text)
{
    struct buf whole = {0};
    buf_append_text(&whole, prefix);
    buf_append(&whole, text->text, text->len);
    json_t *value = whole.failed ? NULL : json_stringn(buf_text(&whole), whole.len);
    if (!value && !whole.failed)
        value = json_text(buf_text(&whole));
    buf_clear(&whole);
    return value;
}

json_t *embed_server_request(const struct embed_server *server, enum embed_kind kind,
                             const struct embed_text *texts, size_t n_texts)
{
    const char *prefix = embed_prefix_find(server->model, kind);
    json_t *request = json_object(), *input = json_array();
    bool is_ok = request && input && json_put(request, "model", json_text(server->model));
    for (size_t i = 0; i < n_texts && is_ok; i++)
        is_ok = json_array_append_new(input, input_of(prefix, &texts[i])) == 0;
    if (is_ok)
        is_ok = json_object_set(request, "input", input) == 0;
    json_decref(input);
    if (is_ok)
        return request;
    json_decref(request);
    return NULL;
}

enum status embed_server_read_vector(const struct embed_server *server, const json_t *array,
                                     size_t dim, float *out, struct error *err)
{
    if (json_array_size(array) != dim || dim == 0)
        return error_set(err, STATUS_REMOTE, "%s gave a vector of %zu numbers, expected %zu",
                         server->origin, json_array_size(array), dim);
    double sum = 0;
    for (size_t i = 0; i < dim; i++) {
        double value = json_number_value(json_array_get(array, i));
        sum += value * value;
    }
    if (!isfinite(sum) || sum <= 0)
        return error_set(err, STATUS_REMOTE, "%s gave a vector without a direction",
                         server->origin);
    double scale = 1 / sqrt(sum);
    for (size_t i = 0; i < dim; i++)
        out[i] = (float)(json_number_value(json_array_get(array, i)) * scale);
    return STATUS_OK;
}
