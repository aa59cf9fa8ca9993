#include "lexical/terms.h"

#include "lexical/collector.h"
#include "lexical/varint.h"

#define TEXT_GAP 16 /* positions: no phrase reaches from a heading into its text */

static size_t end_of_equal(const struct collector *c, size_t first)
{
    size_t end = first + 1;
    while (end < c->n && term_compare(c->terms[end].bytes, c->terms[end].len, c->terms[first].bytes,
                                      c->terms[first].len) == 0)
        end++;
    return end;
}

/* `c` is sorted. */
static void encode(const struct collector *c, struct buf *out)
{
    for (size_t i = 0, end; i < c->n; i = end) {
        end = end_of_equal(c, i);
        buf_append_char(out, (char)c->terms[i].len);
        buf_append(out, c->terms[i].bytes, c->terms[i].len);
        buf_append_varint(out, end - i);
    }
    if (c->n > 0)
        buf_append_char(out, '\0');
    for (size_t i = 0, end; i < c->n; i = end) {
        uint32_t previous = 0;
        for (end = end_of_equal(c, i); i < end; i++) {
            buf_append_varint(out, c->terms[i].position - previous);
            previous = c->terms[i].position;
        }
    }
}

enum status lexical_terms_encode(struct analyzer *analyzer, const char *const *texts,
                                 const size_t *lens, size_t n_texts, struct buf *out_blob,
                                 uint32_t *out_n_terms, struct error *err)
{
    struct collector c = {0};
    enum status status = STATUS_OK;
    size_t n_terms = 0, len_before = out_blob->len;
    for (size_t i = 0; i < n_texts && !status; i++) {
        status = collector_add(&c, analyzer, ANALYZER_INDEX, texts[i], lens[i], err);
        if (c.n > n_terms)
            c.first_position = c.terms[c.n - 1].position + 1 + TEXT_GAP;
        n_terms = c.n;
    }
    if (!status) {
        collector_sort(&c);
        encode(&c, out_blob);
        status = buf_status(out_blob, err);
    }
    if (!status)
        *out_n_terms = (uint32_t)n_terms;
    else if (out_blob->len > len_before)
        buf_truncate(out_blob, len_before);
    collector_clear(&c);
    return status;
}
