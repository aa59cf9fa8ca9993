#include "load/pdf_text.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "base/mem.h"
#include "load/pdf_lines.h"
#include "load/pdf_words.h"

struct sender {
    const struct pdf_text *pdf;
    struct sink *sink;
    struct tally words, edges;
    struct pdf_lines lines;
    struct buf paragraph;
    struct text_block block;
};

enum status pdf_text_begin_page(struct pdf_text *pdf, struct error *err)
{
    void *starts = pdf->page_starts;
    enum status status =
        mem_reserve(&starts, &pdf->n_pages_max, pdf->n_pages + 1, sizeof *pdf->page_starts, err);
    pdf->page_starts = starts;
    if (!status)
        pdf->page_starts[pdf->n_pages++] = pdf->text.len;
    return status;
}

void pdf_text_clear(struct pdf_text *pdf)
{
    buf_clear(&pdf->text);
    mem_free(pdf->page_starts);
    *pdf = (struct pdf_text){0};
}

static bool has_prefix(const struct pdf_line *line, const char *prefix)
{
    size_t n = strlen(prefix);
    return line->len > n && memcmp(line->text, prefix, n) == 0;
}

/* Length of a bullet or "12. " in front; 0: none. */
static size_t item_mark(const struct pdf_line *line)
{
    static const char *const bullets[] = {"\xE2\x80\xA2",  "\xE2\x96\xAA", "\xE2\x97\xA6",
                                          "\xE2\x80\x93 ", "- ",           "* "};
    for (size_t i = 0; i < sizeof bullets / sizeof bullets[0]; i++)
        if (has_prefix(line, bullets[i]))
            return strlen(bullets[i]);
    size_t n = 0;
    while (n < line->len && isdigit((unsigned char)line->text[n]))
        n++;
    bool is_numbered = n > 0 && n < 3 && line->len > n + 2 && strchr(".)", line->text[n]) &&
                       line->text[n + 1] == ' ';
    return is_numbered ? n + 2 : 0;
}

static bool ends_sentence(const struct pdf_line *line)
{
    return strchr(".!?:;", line->text[line->len - 1]) != NULL;
}

/* A line far from full ends its paragraph; one nearly full only when it also ends a sentence. */
static bool ends_paragraph(const struct sender *sender, size_t i_line)
{
    const struct pdf_line *line = &sender->lines.lines[i_line];
    size_t full = sender->lines.width;
    return line->width * 10 < full * 6 || (line->width * 10 < full * 9 && ends_sentence(line));
}

static void flush(struct sender *sender)
{
    sender->block.text = buf_text(&sender->paragraph);
    sender->block.len = sender->paragraph.len;
    if (sender->paragraph.len)
        sink_block(sender->sink, &sender->block);
    buf_reset(&sender->paragraph);
}

static void send_page(struct sender *sender, size_t i_page)
{
    bool is_open = false;
    for (size_t i = 0; i < sender->lines.n_lines; i++) {
        const struct pdf_line *line = &sender->lines.lines[i];
        if (pdf_furniture_has(&sender->edges, &sender->lines, i, i_page, sender->pdf->n_pages))
            continue;
        size_t n_mark = item_mark(line);
        if (!is_open || n_mark) {
            flush(sender);
            sender->block = (struct text_block){
                .kind = n_mark ? TEXT_BLOCK_LIST_ITEM : TEXT_BLOCK_PARAGRAPH,
                .page = (uint32_t)i_page + 1,
            };
        }
        buf_append_char(&sender->paragraph, '\n');
        pdf_words_join(&sender->words, line->text + n_mark, line->len - n_mark, &sender->paragraph);
        is_open = !ends_paragraph(sender, i);
    }
    flush(sender);
}

static enum status count_page(struct sender *sender, size_t i_page, uint32_t *n_without_text,
                              struct error *err)
{
    enum status status = pdf_lines_read(&sender->lines, sender->pdf, i_page, err);
    if (status)
        return status;
    *n_without_text += sender->lines.n_lines == 0;
    for (size_t i = 0; i < sender->lines.n_lines; i++)
        pdf_words_count(&sender->words, sender->lines.lines[i].text, sender->lines.lines[i].len);
    pdf_furniture_count(&sender->edges, &sender->lines, i_page);
    return sender->words.failed || sender->edges.failed ? error_nomem(err) : STATUS_OK;
}

static enum status refuse_scan(size_t n_pages, struct error *err)
{
    error_set(err, STATUS_INVALID, "%zu page%s without a text layer (scanned images?)", n_pages,
              n_pages == 1 ? "" : "s");
    error_hint(err, "run a text recognition program such as ocrmypdf on it first");
    return STATUS_INVALID;
}

enum status pdf_text_send(const struct pdf_text *pdf, struct sink *sink, struct error *err)
{
    struct sender sender = {.pdf = pdf, .sink = sink};
    uint32_t n_without_text = 0;
    enum status status = buf_status(&pdf->text, err);
    for (size_t i = 0; !status && i < pdf->n_pages; i++)
        status = count_page(&sender, i, &n_without_text, err);
    if (!status && n_without_text == pdf->n_pages)
        status = refuse_scan(pdf->n_pages, err);
    if (!status)
        sink_pages(sink, (uint32_t)pdf->n_pages, n_without_text);
    for (size_t i = 0; !status && i < pdf->n_pages && !sink->failed; i++) {
        status = pdf_lines_read(&sender.lines, pdf, i, err);
        if (!status)
            send_page(&sender, i);
        if (!status)
            status = buf_status(&sender.paragraph, err);
    }
    if (!status && n_without_text)
        sink_warning(sink, "%u of %zu pages without a text layer", n_without_text, pdf->n_pages);
    buf_clear(&sender.paragraph);
    pdf_lines_clear(&sender.lines);
    tally_clear(&sender.words);
    tally_clear(&sender.edges);
    return status;
}
