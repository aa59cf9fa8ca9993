#include "generate/server.h"

#include <stdbool.h>
#include <string.h>

#include "base/mem.h"

#define ASK_MS 5000
#define WARM_MS 60000
#define PROMPT_TOKEN_MS 50 /* a processor that reads a prompt more slowly is of no use */
#define LOADING_MS 300000
#define PIECES_SLACK 64 /* some servers send a token in two pieces */

enum status server_open(struct server *server, const struct server_row *row, const char *url,
                        const char *bearer, const struct generator_options *options,
                        struct error *err)
{
    bool has_bearer = bearer && *bearer;
    bool is_auto = !options->name || !*options->name || strcmp(options->name, "auto") == 0;
    server->row = row;
    server->timeouts = options->timeouts;
    server->peers = options->peers;
    server->patience = is_auto ? NET_PROBE : NET_INTERACTIVE;
    struct buf probe_url = {0};
    enum status status = net_base_url(url, &server->url, err);
    if (!status)
        status = net_origin(server->url, server->origin, err);
    if (status)
        return status;
    buf_printf(&probe_url, "%s%s", server->url, row->probe_path);
    server->probe_url = buf_take(&probe_url, NULL);
    server->bearer = has_bearer ? mem_text(bearer) : NULL;
    if (!server->probe_url || (has_bearer && !server->bearer))
        return error_nomem(err);
    return STATUS_OK;
}

void server_close(struct server *server)
{
    mem_free(server->url);
    mem_free(server->probe_url);
    mem_free(server->bearer);
    *server = (struct server){0};
}

/* net.h: url and body are borrowed by the call. */
static enum status call_prepare(const struct server *server, const char *path, const json_t *body,
                                struct buf *url, struct buf *text, struct net_call *out,
                                struct error *err)
{
    buf_printf(url, "%s%s", server->url, path);
    if (body)
        json_write(body, JSON_STYLE_COMPACT, text);
    enum status status = buf_status(url, err);
    if (!status)
        status = buf_status(text, err);
    *out = (struct net_call){
        .request = {.method = body ? "POST" : "GET",
                    .url = buf_text(url),
                    .body = body ? buf_text(text) : NULL,
                    .body_len = text->len,
                    .bearer = server->bearer},
        .peers = server->peers,
        .probe_url = server->probe_url,
    };
    return status;
}

static bool is_success(const struct net_response *response)
{
    return response->code >= 200 && response->code <= 299;
}

static enum status take_object(void *ctx, const struct net_response *response,
                               const struct buf *body, struct error *err)
{
    json_t **out = ctx;
    if (!is_success(response))
        return answer_error_set_body(err, response->code, body);
    return answer_line_parse(buf_text(body), body->len, out, err);
}

static enum status ask(const struct server *server, enum net_patience patience, const char *path,
                       const json_t *body, const struct cancel *cancel, json_t **out,
                       struct error *err)
{
    struct buf url = {0}, text = {0};
    struct net_call call;
    json_t *object = NULL;
    enum status status = call_prepare(server, path, body, &url, &text, &call, err);
    call.request.timeouts = (struct net_timeouts){.connect_ms = server->timeouts.connect_ms,
                                                  .first_byte_ms = ASK_MS,
                                                  .idle_ms = ASK_MS,
                                                  .total_ms = 2 * ASK_MS};
    call.request.cancel = cancel;
    call.operation = server->row->about_operation;
    call.patience = patience;
    call.take = take_object;
    call.ctx = &object;
    if (!status)
        status = net_call(&call, err);
    if (status)
        error_context(err, status, "\"%s\"", server->origin);
    else
        *out = object;
    buf_clear(&url);
    buf_clear(&text);
    return status;
}

enum status server_ask(const struct server *server, const char *path, const json_t *body,
                       json_t **out, struct error *err)
{
    return ask(server, server->patience, path, body, NULL, out, err);
}

enum status server_ask_once(const struct server *server, const char *path,
                            const struct cancel *cancel, json_t **out, struct error *err)
{
    return ask(server, NET_ONCE, path, NULL, cancel, out, err);
}

/* ---- a streamed answer ---- */

struct streaming {
    const struct server_row *row;
    struct answer_stream *answer;
};

static enum status pass_line(void *ctx, const char *line, size_t len, struct error *err)
{
    const struct streaming *streaming = ctx;
    return streaming->row->on_line(streaming->answer, line, len, err);
}

static size_t count_chunks(const void *ctx)
{
    return ((const struct streaming *)ctx)->answer->n_chunks;
}

static bool is_complete(const void *ctx)
{
    return ((const struct streaming *)ctx)->answer->is_done;
}

static bool is_committed(const void *ctx)
{
    return ((const struct streaming *)ctx)->answer->n_bytes > 0;
}

static void restart(void *ctx)
{
    answer_stream_restart(((const struct streaming *)ctx)->answer);
}

static enum status take_end(void *ctx, const struct net_response *response, const struct buf *body,
                            struct error *err)
{
    const struct streaming *streaming = ctx;
    return is_success(response) ? answer_stream_end(streaming->answer, err)
                                : answer_error_set_body(err, response->code, body);
}

static const struct net_lines lines = {
    .on_line = pass_line,
    .n_progress = count_chunks,
    .is_complete = is_complete,
    .is_committed = is_committed,
    .restart = restart,
};

static struct net_timeouts choose_timeouts(const struct server *server,
                                           const struct generate_request *request,
                                           enum server_state state)
{
    struct net_timeouts chosen = server->timeouts;
    if (request->total_timeout_ms > 0)
        chosen.total_ms = request->total_timeout_ms;
    size_t prompt_ms = PROMPT_TOKEN_MS * request->n_tokens_prompt;
    bool is_long = state == SERVER_STATE_LOADING || prompt_ms > LOADING_MS - WARM_MS;
    if (chosen.first_byte_ms <= 0)
        chosen.first_byte_ms = is_long ? LOADING_MS : WARM_MS + (int)prompt_ms;
    return chosen;
}

enum status server_stream(const struct server *server, const char *path, const json_t *body,
                          const struct generate_request *request, enum server_state state,
                          struct answer_stream *answer, struct error *err)
{
    struct buf url = {0}, text = {0};
    struct net_call call;
    struct streaming streaming = {.row = server->row, .answer = answer};
    if (request->n_tokens_max > 0)
        answer->n_pieces_max = 2 * request->n_tokens_max + PIECES_SLACK;
    enum status status = call_prepare(server, path, body, &url, &text, &call, err);
    call.request.timeouts = choose_timeouts(server, request, state);
    call.request.cancel = request->cancel;
    call.operation = server->row->chat_operation;
    call.patience = NET_INTERACTIVE;
    call.lines = &lines;
    call.take = take_end;
    call.ctx = &streaming;
    if (!status)
        status = net_call(&call, err);
    if (status)
        error_context(err, status, "\"%s\"", server->origin);
    buf_clear(&url);
    buf_clear(&text);
    return status;
}

static json_t *message_of(const char *role, const char *content)
{
    json_t *message = json_object();
    if (!message || !json_put(message, "role", json_text(role)) ||
        !json_put(message, "content", json_text(content))) {
        json_decref(message);
        return NULL;
    }
    return message;
}

json_t *server_messages(const struct generate_request *request)
{
    json_t *messages = json_array();
    int is_failed = !messages;
    if (!is_failed && request->system && *request->system)
        is_failed = json_array_append_new(messages, message_of("system", request->system));
    if (!is_failed)
        is_failed = json_array_append_new(messages, message_of("user", request->user));
    if (!is_failed)
        return messages;
    json_decref(messages);
    return NULL;
}
