#include "generate/server.h"

#include <stdbool.h>

#include "base/mem.h"

#define CONNECT_TIMEOUT_MS 300 /* a server that is there answers at once */
#define ASK_TIMEOUT_MS 5000
#define FIRST_BYTE_TIMEOUT_MS 300000 /* the model may have to be loaded first */
#define IDLE_TIMEOUT_MS 60000

enum status server_open(struct server *server, const char *url, const char *bearer,
                        struct error *err)
{
    bool has_bearer = bearer && *bearer;
    enum status status = net_base_url(url, &server->url, err);
    if (!status)
        status = net_origin(server->url, server->origin, err);
    if (!status && has_bearer && !(server->bearer = mem_text(bearer)))
        status = error_nomem(err);
    return status;
}

void server_close(struct server *server)
{
    mem_free(server->url);
    mem_free(server->bearer);
    *server = (struct server){0};
}

/* net.h: url and body are borrowed by the request. */
static enum status request_prepare(const struct server *server, const char *path,
                                   const json_t *body, struct buf *url, struct buf *text,
                                   struct net_request *out, struct error *err)
{
    buf_printf(url, "%s%s", server->url, path);
    if (body)
        json_write(body, JSON_STYLE_COMPACT, text);
    enum status status = buf_status(url, err);
    if (!status)
        status = buf_status(text, err);
    *out = (struct net_request){
        .method = body ? "POST" : "GET",
        .url = buf_text(url),
        .body = body ? buf_text(text) : NULL,
        .body_len = text->len,
        .bearer = server->bearer,
    };
    return status;
}

enum status server_ask(const struct server *server, const char *path, const json_t *body,
                       json_t **out, struct error *err)
{
    struct buf url = {0}, text = {0}, answer = {0};
    struct net_request request;
    struct net_response response = {0};
    enum status status = request_prepare(server, path, body, &url, &text, &request, err);
    if (status)
        goto done;
    request.connect_timeout_ms = net_is_loopback(server->url) ? CONNECT_TIMEOUT_MS : 0;
    request.first_byte_timeout_ms = ASK_TIMEOUT_MS;
    request.idle_timeout_ms = ASK_TIMEOUT_MS;
    request.total_timeout_ms = 2 * ASK_TIMEOUT_MS;
    status = net_fetch(&request, &answer, &response, err);
    if (status)
        goto done;
    if (response.code < 200 || response.code > 299)
        status = answer_error_set_body(err, response.code, &answer);
    else
        status = answer_line_parse(buf_text(&answer), answer.len, out, err);
    if (status)
        error_context(err, status, "\"%s\"", server->origin);
done:
    buf_clear(&url);
    buf_clear(&text);
    buf_clear(&answer);
    return status;
}

struct line_ctx {
    server_line_fn on_line;
    struct answer_stream *answer;
};

static enum status pass_line(void *ctx, const char *line, size_t len, struct error *err)
{
    const struct line_ctx *line_ctx = ctx;
    return line_ctx->on_line(line_ctx->answer, line, len, err);
}

enum status server_stream(const struct server *server, const char *path, const json_t *body,
                          const struct generate_request *request, server_line_fn on_line,
                          struct answer_stream *answer, struct error *err)
{
    struct buf url = {0}, text = {0}, error_body = {0};
    struct net_request net;
    struct net_response response = {0};
    struct line_ctx ctx = {.on_line = on_line, .answer = answer};
    enum status status = request_prepare(server, path, body, &url, &text, &net, err);
    if (status)
        goto done;
    net.first_byte_timeout_ms = FIRST_BYTE_TIMEOUT_MS;
    net.idle_timeout_ms = IDLE_TIMEOUT_MS;
    net.total_timeout_ms = request->total_timeout_ms;
    net.cancel = request->cancel;
    status = net_stream(&net, pass_line, &ctx, &error_body, &response, err);
    if (!status && (response.code < 200 || response.code > 299))
        status = answer_error_set_body(err, response.code, &error_body);
    if (status)
        error_context(err, status, "\"%s\"", server->origin);
done:
    buf_clear(&url);
    buf_clear(&text);
    buf_clear(&error_body);
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
