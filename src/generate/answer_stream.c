#include "generate/answer_stream.h"

#include <string.h>

#include "base/limits.h"
#include "base/utf8.h"

#define QUOTE_MAX 200 /* bytes of a server's own words that we repeat */

enum status answer_stream_text(struct answer_stream *answer, const char *text, size_t len,
                               struct error *err)
{
    if (len > RAGGED_LIMIT_HTTP_BODY - answer->n_bytes)
        return error_set(err, STATUS_LIMIT, "the answer is longer than %zu MiB",
                         RAGGED_LIMIT_HTTP_BODY / RAGGED_MIB);
    if (len == 0 || answer->is_done)
        return STATUS_OK;
    answer->n_bytes += len;
    answer->n_pieces++;
    answer->on_text(answer->ctx, text, len);
    if (answer->n_pieces_max > 0 && answer->n_pieces >= answer->n_pieces_max) {
        answer->is_done = true;
        answer->finish = "length";
    }
    return STATUS_OK;
}

void answer_stream_restart(struct answer_stream *answer)
{
    *answer = (struct answer_stream){
        .on_text = answer->on_text, .ctx = answer->ctx, .n_pieces_max = answer->n_pieces_max};
}

size_t answer_count(const json_t *object, const char *key)
{
    double n = json_get_number(object, key, 0);
    return n > 0 && n < 1e9 ? (size_t)n : 0;
}

const char *answer_finish_name(const char *reason)
{
    return reason && strcmp(reason, "length") == 0 ? "length" : "stop";
}

enum status answer_stream_end(const struct answer_stream *answer, struct error *err)
{
    if (answer->is_done || answer->finish)
        return STATUS_OK;
    error_set(err, STATUS_REMOTE,
              "the answer is incomplete: the stream ended without its end mark");
    error_hint(err, "the server may have run out of memory; ask again or choose a smaller model");
    return STATUS_REMOTE;
}

/* A sloppy server may cut a character in two; the rest of its answer is still worth having. */
static enum status parse_cleaned(const char *line, size_t len, json_t **out, struct error *err)
{
    struct buf clean = {.limit_bytes = 3 * RAGGED_LIMIT_HTTP_LINE};
    for (size_t i = 0; i < len;) {
        uint32_t codepoint;
        i += utf8_decode(line + i, len - i, &codepoint);
        buf_append_codepoint(&clean, codepoint);
    }
    enum status status = buf_status(&clean, err);
    if (!status)
        status = json_parse(buf_text(&clean), clean.len, out, err);
    buf_clear(&clean);
    return status;
}

enum status answer_line_parse(const char *line, size_t len, json_t **out, struct error *err)
{
    json_t *value = NULL;
    enum status status = utf8_is_valid(line, len) ? json_parse(line, len, &value, err)
                                                  : parse_cleaned(line, len, &value, err);
    if (status == STATUS_NOMEM || status == STATUS_LIMIT)
        return status;
    if (status || !json_is_object(value)) {
        json_decref(value);
        return error_set(err, STATUS_MALFORMED,
                         "the server sent something else than JSON: \"%.*s\"",
                         (int)utf8_floor(line, len, len < QUOTE_MAX ? len : QUOTE_MAX), line);
    }
    *out = value;
    return STATUS_OK;
}

static bool is_too_long(const char *type, const char *message)
{
    if (strstr(type, "exceed_context_size") || strstr(type, "context_length_exceeded"))
        return true;
    return strstr(message, "context") && (strstr(message, "exceed") || strstr(message, "maximum"));
}

static enum status status_of(int code, const char *type, const char *message)
{
    if (code == 413 || is_too_long(type, message))
        return STATUS_LIMIT;
    return code == 404 ? STATUS_NOT_FOUND : net_status_of_code(code);
}

enum status answer_error_set(struct error *err, int code, const json_t *value)
{
    const char *message = json_string_value(value);
    if (!message)
        message = json_get_text(value, "message", "no reason given");
    enum status status = status_of(code, json_get_text(value, "type", ""), message);
    size_t len = strlen(message);
    int n = (int)utf8_floor(message, len, len < QUOTE_MAX ? len : QUOTE_MAX);
    if (code >= 200 && code < 300)
        error_set(err, status, "the server gave up: %.*s", n, message);
    else
        error_set(err, status, "the server answered %d: %.*s", code, n, message);
    if (status == STATUS_LIMIT)
        error_hint(err, "the prompt is too long for this model: use fewer passages");
    else if (status == STATUS_THROTTLED || code == 503)
        error_hint(err, "the server is busy: ask again in a moment");
    else if (code >= 300 && code < 400)
        error_hint(err, "redirects are not followed: check the address of the server");
    else if (code == 401 || code == 403)
        error_hint(err, "check the API key and that the server accepts this address");
    return status;
}

enum status answer_error_set_body(struct error *err, int code, const struct buf *body)
{
    json_t *value = NULL;
    if (body->len > 0 && json_parse(body->data, body->len, &value, NULL) == STATUS_OK &&
        json_object_get(value, "error")) {
        enum status status = answer_error_set(err, code, json_object_get(value, "error"));
        json_decref(value);
        return status;
    }
    json_decref(value);
    json_t *words =
        json_text(body->len > 0 && body->data[0] != '<' ? body->data : "no reason given");
    enum status status = answer_error_set(err, code, words);
    json_decref(words);
    return status;
}
