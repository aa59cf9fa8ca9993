#include "answer/quotation.h"

#include <assert.h>
#include <string.h>

static const struct generate_sentence *sentence_of(const struct quotation *quotation, size_t k)
{
    return &quotation->sentences[quotation->quotes[k]];
}

/* Quotes [first, end) are one run of sentences in their passage. */
static size_t run_end(const struct quotation *quotation, size_t first)
{
    size_t end = first + 1;
    while (end < quotation->n_quotes && quotation->quotes[end] == quotation->quotes[end - 1] + 1 &&
           sentence_of(quotation, end)->i_passage == sentence_of(quotation, first)->i_passage)
        end++;
    return end;
}

static struct engine_citation cite(const struct quotation *quotation, size_t first, size_t number)
{
    const struct generate_sentence *from = sentence_of(quotation, first);
    const struct generate_sentence *to = sentence_of(quotation, run_end(quotation, first) - 1);
    const char *passage = quotation->hits[from->i_passage].text;
    size_t start = (size_t)(from->text - passage), end = (size_t)(to->text - passage) + to->len;
    assert(start < end && end <= strlen(passage));
    return (struct engine_citation){
        .number = number,
        .i_hit = from->i_passage,
        .quote_start = start,
        .quote_len = end - start,
        .support = 1,
    };
}

enum status quotation_cite(const struct quotation *quotation, struct arena *arena,
                           struct engine_citation **out, size_t *out_n, struct error *err)
{
    struct engine_citation *citations =
        arena_zalloc(arena, quotation->n_quotes + 1, sizeof *citations);
    if (!citations)
        return error_nomem(err);
    size_t n = 0;
    for (size_t k = 0; k < quotation->n_quotes; k++)
        if (n == 0 || citations[n - 1].i_hit != sentence_of(quotation, k)->i_passage) {
            citations[n] = cite(quotation, k, n + 1);
            n++;
        }
    *out = citations;
    *out_n = n;
    return STATUS_OK;
}
