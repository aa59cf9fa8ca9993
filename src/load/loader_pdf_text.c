/* load/loader_pdf_text.c - what `pdftotext -raw` printed: a form feed ends each page, and a word
 * broken at a line end keeps its hyphen. */
#include <ctype.h>
#include <string.h>

#include "load/loader.h"
#include "load/pdf_text.h"

/* Is the hyphen at text[at] the last of its line, in the middle of a word? */
static bool breaks_word(const char *text, size_t len, size_t at)
{
    return at > 0 && at + 2 < len && text[at] == '-' && text[at + 1] == '\n' &&
           isalpha((unsigned char)text[at - 1]) && islower((unsigned char)text[at + 2]);
}

static void append_page(struct buf *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (breaks_word(text, len, i)) {
            buf_append_text(out, PDF_TEXT_HYPHEN);
            i++;
        } else if (text[i] != '\r') {
            buf_append_char(out, text[i]);
        }
    }
}

static enum status parse(const struct loader_input *input, struct sink *sink, struct error *err)
{
    struct pdf_text pdf = {0};
    enum status status = STATUS_OK;
    for (size_t at = 0; !status && at < input->len;) {
        const char *page = input->bytes + at, *end = memchr(page, '\f', input->len - at);
        size_t n = end ? (size_t)(end - page) : input->len - at;
        status = pdf_text_begin_page(&pdf, err);
        if (!status)
            append_page(&pdf.text, page, n);
        at += n + 1;
    }
    if (!status)
        status = pdf_text_send(&pdf, sink, err);
    pdf_text_clear(&pdf);
    return status;
}

const struct loader loader_pdf_text = {.kind = "pdf", .parse = parse};
