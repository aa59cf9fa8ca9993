/* Nobody writes: the documents answer in their own words. */
#include <stdbool.h>
#include <stdint.h>

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

static void quote(const struct generate_sentence *sentence, struct buf *out)
{
    const char *text = sentence->text;
    size_t len = sentence->len;
    while (len > 0 && is_space(*text)) {
        text++;
        len--;
    }
    while (len > 0 && is_space(text[len - 1]))
        len--;
    buf_append(out, text, len);
}

/* Quote k is the sentence behind quote k - 1. */
static bool continues(const struct generate_sentence *sentences, const size_t *quotes, size_t k)
{
    return quotes[k] == quotes[k - 1] + 1 && !sentences[quotes[k]].is_first_in_passage;
}

static enum status extractive_run(struct generator *generator,
                                  const struct generate_request *request,
                                  struct answer_stream *answer, struct error *err)
{
    (void)generator;
    const struct generate_sentence *sentences = request->sentences;
    size_t *quotes = answer->quotes;
    size_t n = extractive_choose(request->question ? request->question : "", sentences,
                                 request->n_sentences, quotes);
    enum status status = STATUS_OK;
    struct buf text = {0};
    for (size_t k = 0, number = 0; k < n && !status; k++) {
        const struct generate_sentence *sentence = &sentences[quotes[k]];
        bool is_other_passage = k == 0 || sentence->i_passage != sentences[quotes[k - 1]].i_passage;
        bool is_new_line =
            is_other_passage || (continues(sentences, quotes, k) && sentence->is_first_in_line);
        number += is_other_passage;
        buf_reset(&text);
        if (k > 0)
            buf_append_char(&text, is_new_line ? '\n' : ' ');
        quote(sentence, &text);
        if (k + 1 == n || !continues(sentences, quotes, k + 1))
            buf_printf(&text, " [%zu]", number);
        status = buf_status(&text, err);
        if (!status)
            status = answer_stream_text(answer, buf_text(&text), text.len, err);
    }
    buf_clear(&text);
    answer->n_quotes = n;
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
