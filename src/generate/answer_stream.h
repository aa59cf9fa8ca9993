/* generate/answer_stream.h - an answer as it comes in, and the two line protocols it comes by.
 * A zeroed answer_stream with on_text set is ready. One thread at a time. */
#ifndef RAGGED_GENERATE_ANSWER_STREAM_H
#define RAGGED_GENERATE_ANSWER_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/status.h"
#include "generate/generate.h"

struct answer_stream {
    void (*on_text)(void *ctx, const char *text, size_t len);
    void *ctx;
    size_t n_bytes;      /* of text so far */
    size_t n_pieces;     /* of text so far: about as many as tokens */
    size_t n_pieces_max; /* past it the answer is over ("length"); 0: no limit */
    size_t n_chunks;     /* lines that were part of an answer: comments are not */
    bool is_done;        /* the end mark was seen; later lines are ignored */
    const char *finish;  /* static; NULL: not told yet */
    size_t n_tokens_prompt, n_tokens_answer;
    size_t quotes[GENERATE_QUOTES_MAX]; /* extractive */
    size_t n_quotes;
};

/* Passes text on; LIMIT past RAGGED_LIMIT_HTTP_BODY in all. */
enum status answer_stream_text(struct answer_stream *answer, const char *text, size_t len,
                               struct error *err) MUST_USE;

/* A count a server sent: the member `key`, 0 when absent or absurd. */
size_t answer_count(const json_t *object, const char *key);

/* "stop" and "length" as they are; anything else that ends an answer in good order is "stop". */
const char *answer_finish_name(const char *reason);

/* Forgets what came, for another attempt. */
void answer_stream_restart(struct answer_stream *answer);

/* REMOTE "the answer is incomplete" when neither the end mark nor a finish reason came. */
enum status answer_stream_end(const struct answer_stream *answer, struct error *err) MUST_USE;

/* One line of Ollama's chat protocol (NDJSON): text in message.content, the end in "done": true,
 * failures in "error" (also under HTTP 200). Blank lines are skipped, thinking is ignored. */
enum status chat_stream_line(struct answer_stream *answer, const char *line, size_t len,
                             struct error *err) MUST_USE;

/* One line of OpenAI's chat protocol (server-sent events): text in choices[0].delta.content, the
 * end in finish_reason or [DONE], failures in "error". Comments and other fields are skipped. */
enum status sse_stream_line(struct answer_stream *answer, const char *line, size_t len,
                            struct error *err) MUST_USE;

/* Parses a line into an object; bytes that are not UTF-8 become U+FFFD. MALFORMED: not JSON. */
enum status answer_line_parse(const char *line, size_t len, json_t **out,
                              struct error *err) MUST_USE;

/* A failure as servers word it: `value` is the "error" member (a sentence, or an object with
 * message, type and code), `code` the HTTP status (200: in the middle of a stream). NOT_FOUND for
 * 404, LIMIT for a prompt that is too long, THROTTLED for 429, REFUSED for any other 3xx and 4xx
 * that will not change, else REMOTE. */
enum status answer_error_set(struct error *err, int code, const json_t *value);

/* The same from the body of an HTTP answer, JSON or not. */
enum status answer_error_set_body(struct error *err, int code, const struct buf *body);

#endif
