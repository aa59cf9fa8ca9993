#include "generate/answer_stream.h"

#include <string.h>

static enum status take_end(struct answer_stream *answer, const json_t *object, struct error *err)
{
    const char *reason = json_get_text(object, "done_reason", "stop");
    if (strcmp(reason, "load") == 0 || strcmp(reason, "unload") == 0)
        return error_set(err, STATUS_REMOTE, "the server only did \"%s\" and wrote no answer",
                         reason);
    answer->is_done = true;
    answer->finish = answer_finish_name(reason);
    answer->n_tokens_prompt = answer_count(object, "prompt_eval_count");
    answer->n_tokens_answer = answer_count(object, "eval_count");
    return STATUS_OK;
}

enum status chat_stream_line(struct answer_stream *answer, const char *line, size_t len,
                             struct error *err)
{
    while (len > 0 && (line[len - 1] == '\r' || line[len - 1] == ' '))
        len--;
    if (len == 0 || answer->is_done)
        return STATUS_OK;
    json_t *object = NULL;
    enum status status = answer_line_parse(line, len, &object, err);
    if (status)
        return status;
    answer->n_chunks++;
    const json_t *error = json_object_get(object, "error");
    const json_t *text = json_object_get(json_object_get(object, "message"), "content");
    if (error && !json_is_null(error))
        status = answer_error_set(err, 200, error);
    else if (json_is_string(text))
        status = answer_stream_text(answer, json_string_value(text), json_string_length(text), err);
    if (!status && !answer->is_done && json_is_true(json_object_get(object, "done")))
        status = take_end(answer, object, err);
    json_decref(object);
    return status;
}
