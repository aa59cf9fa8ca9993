#include "generate/answer_stream.h"

#include <string.h>

/* Some servers ignore "stream" and send one object with "message" where a chunk has "delta". */
static enum status take_choice(struct answer_stream *answer, const json_t *choice,
                               struct error *err)
{
    const json_t *delta = json_object_get(choice, "delta");
    const json_t *text =
        json_object_get(delta ? delta : json_object_get(choice, "message"), "content");
    enum status status = STATUS_OK;
    if (json_is_string(text))
        status = answer_stream_text(answer, json_string_value(text), json_string_length(text), err);
    const char *reason = json_get_text(choice, "finish_reason", NULL);
    if (status || !reason)
        return status;
    if (strcmp(reason, "content_filter") == 0)
        return error_set(err, STATUS_REFUSED, "the server's content filter stopped the answer");
    if (!answer->is_done)
        answer->finish = answer_finish_name(reason);
    return STATUS_OK;
}

static enum status take_chunk(struct answer_stream *answer, const char *text, size_t len,
                              struct error *err)
{
    json_t *chunk = NULL;
    enum status status = answer_line_parse(text, len, &chunk, err);
    if (status)
        return status;
    answer->n_chunks++;
    const json_t *error = json_object_get(chunk, "error");
    const json_t *usage = json_object_get(chunk, "usage");
    const json_t *choices = json_object_get(chunk, "choices");
    if (error && !json_is_null(error))
        status = answer_error_set(err, 200, error);
    else if (json_array_size(choices) > 0)
        status = take_choice(answer, json_array_get(choices, 0), err);
    if (json_is_object(usage)) {
        answer->n_tokens_prompt = answer_count(usage, "prompt_tokens");
        answer->n_tokens_answer = answer_count(usage, "completion_tokens");
    }
    json_decref(chunk);
    return status;
}

static bool begins_with(const char *line, size_t len, const char *word)
{
    size_t n = strlen(word);
    return len >= n && memcmp(line, word, n) == 0;
}

/* Fields of an event that say nothing about the answer. */
static bool is_other_field(const char *line, size_t len)
{
    return line[0] == ':' || begins_with(line, len, "event:") || begins_with(line, len, "id:") ||
           begins_with(line, len, "retry:");
}

enum status sse_stream_line(struct answer_stream *answer, const char *line, size_t len,
                            struct error *err)
{
    while (len > 0 && (line[len - 1] == '\r' || line[len - 1] == ' '))
        len--;
    if (len == 0 || answer->is_done || is_other_field(line, len))
        return STATUS_OK;
    if (begins_with(line, len, "data:")) {
        line += 5;
        len -= 5;
    } else if (line[0] != '{') {
        return error_set(err, STATUS_MALFORMED,
                         "the server sent something else than an event stream");
    }
    while (len > 0 && *line == ' ') {
        line++;
        len--;
    }
    if (len == 0)
        return STATUS_OK;
    if (len == 6 && memcmp(line, "[DONE]", 6) == 0) {
        answer->is_done = true;
        if (!answer->finish)
            answer->finish = "stop";
        return STATUS_OK;
    }
    return take_chunk(answer, line, len, err);
}
