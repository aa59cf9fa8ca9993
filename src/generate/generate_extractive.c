/* Nobody writes: the documents answer in their own words. */
#include <stdint.h>
#include <string.h>

#include "generate/extractive.h"
#include "generate/generator_internal.h"

static int extractive_is_configured(const struct generator_options *options)
{
    (void)options;
    return 0;
}

static enum status extractive_open(struct generator *generator,
                                   const struct generator_options *options, struct error *err)
{
    (void)options;
    (void)err;
    generator->window = SIZE_MAX;
    return STATUS_OK;
}

static void extractive_close(struct generator *generator)
{
    (void)generator;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static void quote(const struct generate_sentence *sentence, int is_first, struct buf *out)
{
    const char *text = sentence->text;
    size_t len = sentence->len;
    while (len > 0 && is_space(*text)) {
        text++;
        len--;
    }
    while (len > 0 && is_space(text[len - 1]))
        len--;
    if (!is_first)
        buf_append_char(out, ' ');
    buf_append(out, text, len);
    buf_printf(out, " [%zu]", sentence->i_passage + 1);
}

static enum status extractive_run(struct generator *generator,
                                  const struct generate_request *request,
                                  struct answer_stream *answer, struct error *err)
{
    (void)generator;
    size_t chosen[EXTRACTIVE_MAX];
    size_t n = extractive_choose(request->question ? request->question : "", request->sentences,
                                 request->n_sentences, chosen);
    enum status status = STATUS_OK;
    struct buf text = {0};
    for (size_t k = 0; k < n && !status; k++) {
        buf_reset(&text);
        quote(&request->sentences[chosen[k]], k == 0, &text);
        status = buf_status(&text, err);
        if (!status)
            status = answer_stream_text(answer, buf_text(&text), text.len, err);
    }
    buf_clear(&text);
    answer->is_abstention = n == 0;
    answer->is_done = true;
    answer->finish = "stop";
    return status;
}

const struct generator_row generator_row_extractive = {
    .name = "extractive",
    .is_extractive = 1,
    .has_default = 1,
    .is_configured = extractive_is_configured,
    .open = extractive_open,
    .run = extractive_run,
    .close = extractive_close,
};
