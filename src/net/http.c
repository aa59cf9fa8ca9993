#include <string.h>

#include "base/limits.h"
#include "net/http.h"

struct fetch {
    struct buf *body;
    struct transfer_sink *sink;
    size_t len_before, limit_bytes;
};

static enum status append_body(void *ctx, const struct transfer_head *head, const char *bytes,
                               size_t len, struct error *err)
{
    struct fetch *fetch = ctx;
    (void)head;
    if (fetch->body->len > fetch->limit_bytes || len > fetch->limit_bytes - fetch->body->len)
        return error_set(err, STATUS_LIMIT, "the answer is larger than %zu bytes",
                         fetch->limit_bytes);
    buf_append(fetch->body, bytes, len);
    fetch->sink->n_progress++;
    return buf_status(fetch->body, err);
}

static struct fetch fetch_begin(struct buf *body, struct transfer_sink *sink)
{
    return (struct fetch){
        .body = body,
        .sink = sink,
        .len_before = body->len,
        .limit_bytes = body->limit_bytes ? body->limit_bytes : RAGGED_LIMIT_HTTP_BODY,
    };
}

static void fetch_undo(struct fetch *fetch)
{
    buf_truncate(fetch->body, fetch->len_before);
    fetch->body->failed = STATUS_OK;
}

enum status http_fetch(const struct net_request *request, struct buf *body,
                       struct net_response *out, struct transfer_facts *facts, struct error *err)
{
    enum status status = buf_status(body, err);
    if (status)
        return status;
    struct transfer_sink sink = {.on_body = append_body};
    struct fetch fetch = fetch_begin(body, &sink);
    sink.ctx = &fetch;
    status = transfer_run(request, &sink, out, facts, err);
    if (status)
        fetch_undo(&fetch);
    return status;
}

struct stream {
    const struct net_lines *lines;
    void *ctx;
    struct transfer_sink *sink;
    struct buf line; /* the beginning of a line whose end has not come yet */
    struct fetch error;
};

static enum status give_line(struct stream *stream, struct error *err)
{
    enum status status = buf_status(&stream->line, err);
    if (status == STATUS_LIMIT)
        return error_set(err, STATUS_MALFORMED, "a line of the answer is longer than %zu bytes",
                         stream->line.limit_bytes);
    if (status)
        return status;
    size_t len = stream->line.len;
    if (len > 0 && stream->line.data[len - 1] == '\r')
        buf_truncate(&stream->line, len - 1);
    status = stream->lines->on_line(stream->ctx, buf_text(&stream->line), stream->line.len, err);
    buf_reset(&stream->line);
    stream->sink->n_progress = stream->lines->n_progress(stream->ctx);
    stream->sink->is_enough = stream->lines->is_complete(stream->ctx);
    return status;
}

static enum status split_lines(void *ctx, const struct transfer_head *head, const char *bytes,
                               size_t len, struct error *err)
{
    struct stream *stream = ctx;
    if (head->code < 200 || head->code > 299)
        return append_body(&stream->error, head, bytes, len, err);
    while (len > 0 && !stream->sink->is_enough) {
        const char *end = memchr(bytes, '\n', len);
        size_t n_used = end ? (size_t)(end - bytes) : len;
        buf_append(&stream->line, bytes, n_used);
        if (end || stream->line.failed) {
            enum status status = give_line(stream, err);
            if (status)
                return status;
            n_used++;
        }
        bytes += n_used;
        len -= n_used;
    }
    return STATUS_OK;
}

enum status http_stream(const struct net_request *request, const struct net_lines *lines, void *ctx,
                        struct buf *error_body, struct net_response *out,
                        struct transfer_facts *facts, struct error *err)
{
    enum status status = buf_status(error_body, err);
    if (status)
        return status;
    struct transfer_sink sink = {.on_body = split_lines};
    struct stream stream = {
        .lines = lines,
        .ctx = ctx,
        .sink = &sink,
        .line = {.limit_bytes = RAGGED_LIMIT_HTTP_LINE},
        .error = fetch_begin(error_body, &sink),
    };
    sink.ctx = &stream;
    struct net_response response;
    status = transfer_run(request, &sink, &response, facts, err);
    if (!status && stream.line.len > 0)
        status = give_line(&stream, err);
    if (status)
        fetch_undo(&stream.error);
    else
        *out = response;
    buf_clear(&stream.line);
    return status;
}

enum status net_status_of_code(int code)
{
    static const struct {
        int code;
        enum status status;
    } rows[] = {
        {408, STATUS_REMOTE},    {409, STATUS_REMOTE},  {425, STATUS_REMOTE},
        {429, STATUS_THROTTLED}, {501, STATUS_REFUSED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].code == code)
            return rows[i].status;
    return code >= 300 && code < 500 ? STATUS_REFUSED : STATUS_REMOTE;
}
