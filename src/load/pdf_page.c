#include "load/pdf_page.h"

#include <stdbool.h>

#include "base/mem.h"
#include "load/pdf_text.h"
#include "load/power.h"

#define N_PAGE_UNITS (16 * 1024 * 1024) /* UTF-16 units of one page */
/* Characters that pdfium counts and does not give as text, in a row. */
#define N_UNSAID_MAX 8
/* Of the size of what stands before it: smaller than this, and so far above its line. */
#define RAISED_SIZE_MAX 0.85
#define RAISED_HEIGHT_MIN 0.15
#define RAISED_HEIGHT_MAX 1.0

void pdf_append_utf16(struct buf *out, const uint16_t *units, size_t n_units)
{
    for (size_t i = 0; i < n_units; i++) {
        unsigned c = units[i];
        if (c >= 0xD800 && c < 0xDC00 && i + 1 < n_units && (units[i + 1] & 0xFC00) == 0xDC00)
            c = 0x10000 + ((c - 0xD800) << 10) + (units[++i] - 0xDC00u);
        if (c == 0xFFFE || c == 0x0002)
            buf_append_text(out, PDF_TEXT_HYPHEN);
        else if (c != 0 && c != '\r')
            buf_append_codepoint(out, c);
    }
}

struct page {
    const struct pdfium *pdfium;
    void *text;
    int n_characters;
    int i_character;          /* the next one to be looked at */
    double base_size, base_y; /* of the last character on the line; size 0: none yet */
    struct buf *out;
    size_t raised_start; /* in out; meaningful while is_raised */
    bool is_raised;
};

/* The character that has this unit; false: it is not among the next ones. */
static bool find_character(struct page *page, uint16_t unit, int *out)
{
    for (int i = page->i_character; i < page->n_characters && i < page->i_character + N_UNSAID_MAX;
         i++)
        if (page->pdfium->get_unicode(page->text, i) == unit) {
            page->i_character = i + 1;
            *out = i;
            return true;
        }
    return false;
}

/* Blanks, line ends and what has no place of its own end what was raised. */
static bool is_raised(struct page *page, uint16_t unit)
{
    int i;
    double x, y;
    if (!find_character(page, unit, &i) || unit <= ' ' || unit == 0xA0)
        return false;
    double size = page->pdfium->get_font_size(page->text, i);
    if (size <= 0 || !page->pdfium->get_origin(page->text, i, &x, &y))
        return false;
    double base = page->base_size, height = y - page->base_y;
    if (size < base * RAISED_SIZE_MAX && height > base * RAISED_HEIGHT_MIN &&
        height < base * RAISED_HEIGHT_MAX)
        return true;
    page->base_size = size;
    page->base_y = y;
    return false;
}

static void end_raised(struct page *page)
{
    if (page->is_raised)
        power_mark(page->out, page->raised_start);
    page->is_raised = false;
}

static void append_units(struct page *page, const uint16_t *units, size_t n_units)
{
    size_t n_done = 0;
    for (size_t i = 0; i < n_units; i++) {
        bool is_here = is_raised(page, units[i]);
        if (is_here == page->is_raised)
            continue;
        pdf_append_utf16(page->out, units + n_done, i - n_done);
        n_done = i;
        end_raised(page);
        page->is_raised = is_here;
        page->raised_start = page->out->len;
    }
    pdf_append_utf16(page->out, units + n_done, n_units - n_done);
    end_raised(page);
}

enum status pdf_page_read(const struct pdfium *pdfium, void *text, struct buf *out,
                          struct error *err)
{
    int n_units = pdfium->count_chars(text);
    if (n_units <= 0)
        return STATUS_OK;
    if (n_units > N_PAGE_UNITS)
        return error_set(err, STATUS_LIMIT, "a page with more than %d characters", N_PAGE_UNITS);
    /* A character beyond the BMP takes two units and counts as one. */
    uint16_t *units = mem_array((size_t)n_units * 2 + 2, sizeof *units);
    if (!units)
        return error_nomem(err);
    int n_got = pdfium->get_text(text, 0, n_units, units);
    struct page page = {.pdfium = pdfium, .text = text, .n_characters = n_units, .out = out};
    if (n_got > 0 && n_got <= n_units * 2 + 1)
        append_units(&page, units, (size_t)n_got);
    mem_free(units);
    return buf_status(out, err);
}
