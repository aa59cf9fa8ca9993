#include "load/pdf_lines.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define N_EDGE_LINES 2        /* at the top and at the bottom */
#define N_FURNITURE_BYTES 120 /* longer lines are text */
#define N_FURNITURE_PAGES 3   /* comes back at least so often */

static size_t width_of(const char *text, size_t len)
{
    const char *hyphen = NULL, *at = text;
    size_t n_hyphen = strlen(PDF_TEXT_HYPHEN), n = 0;
    while ((at = memmem(at, len - (size_t)(at - text), PDF_TEXT_HYPHEN, n_hyphen)))
        hyphen = at += n_hyphen;
    for (size_t i = hyphen ? (size_t)(hyphen - text) : 0; i < len; i++)
        n += ((unsigned char)text[i] & 0xC0) != 0x80;
    return n;
}

static int compare_width(const void *a, const void *b)
{
    const size_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

/* Nine of ten lines are not wider: one long line must not make all others look short. */
static enum status find_width(struct pdf_lines *lines, struct error *err)
{
    size_t *widths = mem_array(lines->n_lines, sizeof *widths);
    if (!widths)
        return error_nomem(err);
    for (size_t i = 0; i < lines->n_lines; i++)
        widths[i] = lines->lines[i].width;
    qsort(widths, lines->n_lines, sizeof *widths, compare_width);
    lines->width = widths[(lines->n_lines - 1) * 9 / 10];
    mem_free(widths);
    return STATUS_OK;
}

enum status pdf_lines_read(struct pdf_lines *lines, const struct pdf_text *pdf, size_t i_page,
                           struct error *err)
{
    const char *at = buf_text(&pdf->text) + pdf->page_starts[i_page];
    const char *end = buf_text(&pdf->text) +
                      (i_page + 1 < pdf->n_pages ? pdf->page_starts[i_page + 1] : pdf->text.len);
    lines->n_lines = 0;
    while (at < end) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        const char *next = line_end ? line_end + 1 : end;
        line_end = line_end ? line_end : end;
        while (at < line_end && isspace((unsigned char)*at))
            at++;
        while (line_end > at && isspace((unsigned char)line_end[-1]))
            line_end--;
        if (line_end > at) {
            void *all = lines->lines;
            enum status status = mem_reserve(&all, &lines->n_lines_max, lines->n_lines + 1,
                                             sizeof *lines->lines, err);
            lines->lines = all;
            if (status)
                return status;
            size_t len = (size_t)(line_end - at);
            lines->lines[lines->n_lines++] =
                (struct pdf_line){.text = at, .len = len, .width = width_of(at, len)};
        }
        at = next;
    }
    return lines->n_lines ? find_width(lines, err) : STATUS_OK;
}

void pdf_lines_clear(struct pdf_lines *lines)
{
    mem_free(lines->lines);
    *lines = (struct pdf_lines){0};
}

static bool is_edge(const struct pdf_lines *lines, size_t i_line)
{
    return (i_line < N_EDGE_LINES || i_line + N_EDGE_LINES >= lines->n_lines) &&
           lines->lines[i_line].len <= N_FURNITURE_BYTES;
}

struct mask {
    uint64_t hash;    /* of the line, each number one '#', blanks left out */
    long first, last; /* its numbers; -1: none */
};

static struct mask mask_line(const struct pdf_line *line)
{
    char masked[N_FURNITURE_BYTES];
    struct mask mask = {.first = -1, .last = -1};
    size_t n = 0;
    for (size_t i = 0; i < line->len;) {
        unsigned char c = (unsigned char)line->text[i];
        if (isdigit(c)) {
            long number = 0;
            for (; i < line->len && isdigit((unsigned char)line->text[i]); i++)
                number = number < 1000000 ? number * 10 + (line->text[i] - '0') : number;
            mask.last = number;
            if (mask.first < 0)
                mask.first = number;
            masked[n++] = '#';
            continue;
        }
        if (!isspace(c))
            masked[n++] = (char)c;
        i++;
    }
    mask.hash = tally_hash(masked, n);
    return mask;
}

/* The line with a number that is i_page plus something: equal on each page the head runs over. */
static uint64_t counting_hash(const struct mask *mask, long number, size_t i_page)
{
    const int64_t key[2] = {(int64_t)mask->hash, number - (int64_t)i_page};
    return tally_hash(key, sizeof key);
}

void pdf_furniture_count(struct tally *edges, const struct pdf_lines *lines, size_t i_page)
{
    for (size_t i = 0; i < lines->n_lines; i++) {
        if (!is_edge(lines, i))
            continue;
        struct mask mask = mask_line(&lines->lines[i]);
        tally_add(edges, mask.hash);
        if (mask.first >= 0)
            tally_add(edges, counting_hash(&mask, mask.first, i_page));
        if (mask.last != mask.first)
            tally_add(edges, counting_hash(&mask, mask.last, i_page));
    }
}

/* "12", "- 12 -", "xiv" */
static bool is_page_number(const struct pdf_line *line)
{
    bool has_number = false;
    for (size_t i = 0; i < line->len; i++) {
        if (!strchr("0123456789ivxlc -[]", line->text[i]))
            return false;
        has_number = has_number || isalnum((unsigned char)line->text[i]);
    }
    return has_number && line->len <= 8;
}

bool pdf_furniture_has(const struct tally *edges, const struct pdf_lines *lines, size_t i_line,
                       size_t i_page, size_t n_pages)
{
    const struct pdf_line *line = &lines->lines[i_line];
    if (n_pages < 2 || !is_edge(lines, i_line))
        return false;
    if ((i_line == 0 || i_line + 1 == lines->n_lines) && is_page_number(line))
        return true;
    struct mask mask = mask_line(line);
    uint32_t n = tally_get(edges, mask.hash);
    if (n >= N_FURNITURE_PAGES && n * 5 >= n_pages * 2)
        return true;
    return (mask.first >= 0 &&
            tally_get(edges, counting_hash(&mask, mask.first, i_page)) >= N_FURNITURE_PAGES) ||
           (mask.last != mask.first &&
            tally_get(edges, counting_hash(&mask, mask.last, i_page)) >= N_FURNITURE_PAGES);
}
