#include "embed/embed_server.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "embed/embed_prefix.h"

#define TOTAL_MS 120000

/* A batch has no beginning that comes before its end: there is one limit. */
static struct net_timeouts choose_timeouts(const struct net_timeouts *wanted)
{
    struct net_timeouts chosen = *wanted;
    if (chosen.total_ms <= 0)
        chosen.total_ms = TOTAL_MS;
    if (chosen.first_byte_ms <= 0)
        chosen.first_byte_ms = chosen.total_ms;
    return chosen;
}

static enum status set_probe(struct embed_server *server, struct error *err)
{
    struct buf url = {0};
    buf_printf(&url, "%s%s", server->url, server->row->probe_path);
    server->probe_url = buf_take(&url, NULL);
    return server->probe_url ? STATUS_OK : error_nomem(err);
}

enum status embed_server_open(const struct embedder_options *options,
                              const struct embed_server_row *row, struct embedder *embedder,
                              struct error *err)
{
    if (!options->model || !*options->model)
        return error_set(err, STATUS_INVALID, "no embedding model is named");
    const char *url = options->url && *options->url ? options->url : row->default_url;
    struct embed_server *server = mem_zalloc(1, sizeof *server);
    if (!server)
        return error_nomem(err);
    embedder->state = server;
    embedder->counter = (struct text_counter){.count = embed_server_count_tokens};
    server->row = row;
    /* One text is found by its words when nobody answers; for many it is worth asking twice. */
    server->open_patience = options->is_lasting ? NET_INTERACTIVE : NET_PROBE;
    server->timeouts = choose_timeouts(&options->timeouts);
    server->peers = options->peers;
    server->cancel = options->cancel;
    enum status status = net_base_url(url, &server->url, err);
    if (!status)
        status = net_origin(server->url, server->origin, err);
    if (!status)
        status = set_probe(server, err);
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
    mem_free(server->probe_url);
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

static enum status status_of_code(const struct embed_server *server, int code,
                                  const char *complaint)
{
    const char *failure_words = server->row->failure_words;
    if (is_too_long(complaint))
        return STATUS_LIMIT;
    if (code == 404 && *complaint)
        return STATUS_NOT_FOUND;
    if (code == 400 && failure_words && strstr(complaint, failure_words))
        return STATUS_REMOTE;
    return code < 300 ? STATUS_REFUSED : net_status_of_code(code);
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
        {404, "check the address of the server"},
        {413, "the server takes only smaller requests"},
        {501, "start the server with embeddings switched on"},
    };
    json_t *json = NULL;
    if (json_parse(buf_text(body), body->len, &json, NULL))
        json = NULL;
    const char *found = find_complaint(json), *complaint = found ? found : "";
    enum status status = status_of_code(server, code, complaint);
    error_set(err, status, "%s answered HTTP %d%s%.200s", server->origin, code,
              *complaint ? ": " : "", complaint);
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
        return error_context(err, status == STATUS_NOMEM ? status : STATUS_MALFORMED,
                             "%s did not answer with JSON", server->origin);
    const char *complaint = find_complaint(json);
    if (complaint)
        status = error_set(err, STATUS_REMOTE, "%s: %.200s", server->origin, complaint);
    else if (!json_is_object(json))
        status = error_set(err, STATUS_MALFORMED, "%s did not answer with a JSON object",
                           server->origin);
    if (status)
        json_decref(json);
    else
        *out = json;
    return status;
}

struct asking {
    const struct embed_server *server;
    const struct embed_question *question;
    json_t *answer; /* owned */
};

static enum status take_answer(void *ctx, const struct net_response *response,
                               const struct buf *body, struct error *err)
{
    struct asking *asking = ctx;
    if (response->code != 200)
        return say_refusal(asking->server, response->code, body, err);
    json_t *answer = NULL;
    enum status status = read_answer(asking->server, body, &answer, err);
    if (!status && asking->question->check)
        status = asking->question->check(asking->question->ctx, answer, err);
    if (status)
        json_decref(answer);
    else
        asking->answer = answer;
    return status;
}

enum status embed_server_ask(const struct embed_server *server,
                             const struct embed_question *question, json_t **out, struct error *err)
{
    struct buf url = {0}, text = {0};
    struct asking asking = {.server = server, .question = question};
    const json_t *body = question->body;
    buf_printf(&url, "%s%s", server->url, question->path);
    if (body)
        json_write(body, JSON_STYLE_COMPACT, &text);
    enum status status = buf_status(&url, err);
    if (!status)
        status = buf_status(&text, err);
    const struct net_call call = {
        .request = {.method = body ? "POST" : "GET",
                    .url = buf_text(&url),
                    .body = body ? buf_text(&text) : NULL,
                    .body_len = text.len,
                    .bearer = server->api_key,
                    .timeouts = server->timeouts,
                    .cancel = question->cancel ? question->cancel : server->cancel},
        .peers = server->peers,
        .operation = question->operation,
        .patience = question->patience,
        .probe_url = server->probe_url,
        .take = take_answer,
        .ctx = &asking,
    };
    if (!status)
        status = net_call(&call, err);
    if (!status)
        *out = asking.answer;
    buf_clear(&url);
    buf_clear(&text);
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

json_t *embed_server_request(const struct embed_vectors *vectors)
{
    const char *prefix = embed_prefix_find(vectors->server->model, vectors->kind);
    json_t *request = json_object(), *input = json_array();
    bool is_ok = request && input && json_put(request, "model", json_text(vectors->server->model));
    for (size_t i = 0; i < vectors->n_texts && is_ok; i++)
        is_ok = json_array_append_new(input, input_of(prefix, &vectors->texts[i])) == 0;
    if (is_ok)
        is_ok = json_object_set(request, "input", input) == 0;
    json_decref(input);
    if (is_ok)
        return request;
    json_decref(request);
    return NULL;
}

enum status embed_server_ask_vectors(struct embed_vectors *vectors, const char *path,
                                     const json_t *body,
                                     enum status (*read)(void *vectors, const json_t *answer,
                                                         struct error *err),
                                     const struct cancel *cancel, struct error *err)
{
    const struct embed_question question = {
        .path = path,
        .operation = vectors->server->row->embed_operation,
        .body = body,
        .patience = vectors->patience,
        .cancel = cancel,
        .check = read,
        .ctx = vectors,
    };
    json_t *answer = NULL;
    enum status status = embed_server_ask(vectors->server, &question, &answer, err);
    if (!status)
        json_decref(answer);
    return status;
}

enum status embed_server_check_count(const struct embed_vectors *vectors, size_t n,
                                     struct error *err)
{
    if (n == vectors->n_texts)
        return STATUS_OK;
    return error_set(err, STATUS_MALFORMED, "%s gave %zu vectors for %zu texts",
                     vectors->server->origin, n, vectors->n_texts);
}

enum status embed_server_read_vector(struct embed_vectors *vectors, size_t i, const json_t *array,
                                     struct error *err)
{
    const char *origin = vectors->server->origin;
    size_t n = json_array_size(array), dim = vectors->dim ? vectors->dim : n;
    if (n == 0)
        return error_set(err, STATUS_MALFORMED, "%s gave an empty vector", origin);
    if (n != dim)
        return error_set(err, STATUS_MALFORMED, "%s gave a vector of %zu numbers, expected %zu",
                         origin, n, dim);
    double sum = 0;
    for (size_t k = 0; k < dim; k++) {
        double value = json_number_value(json_array_get(array, k));
        sum += value * value;
    }
    if (!isfinite(sum) || sum <= 0)
        return error_set(err, STATUS_MALFORMED, "%s gave a vector without a direction", origin);
    vectors->dim = dim;
    double scale = 1 / sqrt(sum);
    for (size_t k = 0; k < dim && vectors->out; k++)
        vectors->out[i * dim + k] = (float)(json_number_value(json_array_get(array, k)) * scale);
    return STATUS_OK;
}

enum status embed_server_find_dim(struct embedder *embedder, struct error *err)
{
    static const struct embed_text probe = {.text = "dimension", .len = 9};
    const struct embed_server *server = embedder->state;
    struct embed_vectors vectors = {.server = server,
                                    .kind = EMBED_QUERY,
                                    .texts = &probe,
                                    .n_texts = 1,
                                    .patience = server->open_patience};
    enum status status = server->row->ask_vectors(&vectors, NULL, err);
    if (!status)
        embedder->dim = vectors.dim;
    return status;
}

enum status embed_server_embed(const struct embedder *embedder, void *scratch, enum embed_kind kind,
                               const struct embed_text *texts, size_t n_texts,
                               const struct cancel *cancel, float *out, struct error *err)
{
    (void)scratch;
    const struct embed_server *server = embedder->state;
    struct embed_vectors vectors = {
        .server = server,
        .kind = kind,
        .texts = texts,
        .n_texts = n_texts,
        /* Nobody waits for a passage. */
        .patience = kind == EMBED_PASSAGE ? NET_BACKGROUND : NET_INTERACTIVE,
        .dim = embedder->dim,
        .out = out,
    };
    return server->row->ask_vectors(&vectors, cancel, err);
}
