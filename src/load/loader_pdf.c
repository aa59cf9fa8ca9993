/* load/loader_pdf.c - PDF by pdfium, page by page. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "load/loader.h"
#include "load/pdf_page.h"
#include "load/pdf_text.h"

#define N_INFO_UNITS 512 /* UTF-16 units of a title, an author, ... */

enum pdfium_error { PDFIUM_ERROR_FORMAT = 3, PDFIUM_ERROR_PASSWORD = 4, PDFIUM_ERROR_SECURITY = 5 };

/* Appends the entry of the document's information dictionary; nothing when it is longer than the
 * limit. */
static void append_info(const struct pdfium *pdfium, void *document, const char *tag,
                        struct buf *out)
{
    uint16_t units[N_INFO_UNITS];
    unsigned long n_bytes = pdfium->get_meta_text(document, tag, units, sizeof units);
    if (n_bytes >= 2 && n_bytes <= sizeof units)
        pdf_append_utf16(out, units, n_bytes / 2 - 1);
}

static void send_title(const struct pdfium *pdfium, void *document, struct sink *sink)
{
    static const char *const prefixes[] = {"Microsoft Word - ", "Microsoft PowerPoint - "};
    struct buf title = {0};
    append_info(pdfium, document, "Title", &title);
    const char *text = buf_text(&title);
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
        if (strncmp(text, prefixes[i], strlen(prefixes[i])) == 0)
            text += strlen(prefixes[i]);
    if (strcasecmp(text, "untitled") != 0)
        sink_title(sink, text, strlen(text));
    buf_clear(&title);
}

/* "D:20240517103000+02'00'" (ISO 32000-1, 7.9.4) as "2024-05-17T10:30:00+02:00"; what is missing at
 * its end is missing there too. */
static void append_iso_date(const char *pdf_date, struct buf *out)
{
    const char *at = pdf_date + (strncmp(pdf_date, "D:", 2) == 0 ? 2 : 0);
    size_t n_digits = strspn(at, "0123456789");
    int hours, minutes = 0;
    if (n_digits < 4)
        return;
    buf_append(out, at, 4);
    if (n_digits >= 6)
        buf_printf(out, "-%.2s", at + 4);
    if (n_digits >= 8)
        buf_printf(out, "-%.2s", at + 6);
    if (n_digits < 12)
        return;
    buf_printf(out, "T%.2s:%.2s", at + 8, at + 10);
    if (n_digits >= 14)
        buf_printf(out, ":%.2s", at + 12);
    at += n_digits;
    if (*at == 'Z')
        buf_append_char(out, 'Z');
    else if ((*at == '+' || *at == '-') && sscanf(at + 1, "%2d'%2d", &hours, &minutes) >= 1 &&
             hours >= 0 && minutes >= 0)
        buf_printf(out, "%c%02d:%02d", *at, hours, minutes);
}

static void send_info(const struct pdfium *pdfium, void *document, struct sink *sink)
{
    struct buf author = {0}, subject = {0}, keywords = {0}, created = {0}, date = {0};
    append_info(pdfium, document, "Author", &author);
    append_info(pdfium, document, "Subject", &subject);
    append_info(pdfium, document, "Keywords", &keywords);
    append_info(pdfium, document, "CreationDate", &created);
    append_iso_date(buf_text(&created), &date);
    sink_meta(sink, "author", METADATA_TEXT, buf_text(&author), author.len);
    sink_meta(sink, "subject", METADATA_TEXT, buf_text(&subject), subject.len);
    sink_meta_list(sink, "keywords", buf_text(&keywords), keywords.len);
    sink_meta(sink, "date", METADATA_TEXT, buf_text(&date), date.len);
    buf_clear(&author);
    buf_clear(&subject);
    buf_clear(&keywords);
    buf_clear(&created);
    buf_clear(&date);
}

static enum status read_page(const struct pdfium *pdfium, void *document, int i_page,
                             struct pdf_text *pdf, struct error *err)
{
    enum status status = pdf_text_begin_page(pdf, err);
    void *page = status ? NULL : pdfium->load_page(document, i_page);
    void *text = page ? pdfium->load_text(page) : NULL;
    if (text)
        status = pdf_page_read(pdfium, text, &pdf->text, err);
    if (text)
        pdfium->close_text(text);
    if (page)
        pdfium->close_page(page);
    return status ? error_context(err, status, "page %d", i_page + 1) : STATUS_OK;
}

static enum status explain_open(unsigned long code, struct error *err)
{
    if (code != PDFIUM_ERROR_PASSWORD && code != PDFIUM_ERROR_SECURITY)
        return error_set(err, STATUS_FORMAT, "damaged: not a readable PDF");
    error_set(err, STATUS_INVALID, "encrypted: needs a password");
    error_hint(err, "save a copy without the password and add that");
    return STATUS_INVALID;
}

static enum status no_reader(struct error *err)
{
    error_set(err, STATUS_INVALID, "a PDF, and no PDF reader is installed");
    error_hint(err, "install libpdfium.so, or pdftotext (package poppler-utils)");
    return STATUS_INVALID;
}

static enum status parse(const struct loader_input *input, struct sink *sink, struct error *err)
{
    const struct pdfium *pdfium = input->pdfium;
    if (!pdfium)
        return no_reader(err);
    void *document = pdfium->load_document(input->bytes, input->len, NULL);
    if (!document)
        return explain_open(pdfium->get_last_error(), err);
    struct pdf_text pdf = {0};
    enum status status = STATUS_OK;
    int n_pages = pdfium->get_page_count(document);
    send_title(pdfium, document, sink);
    send_info(pdfium, document, sink);
    if (n_pages <= 0)
        status = error_set(err, STATUS_FORMAT, "damaged: a PDF without pages");
    for (int i = 0; !status && i < n_pages; i++)
        status = read_page(pdfium, document, i, &pdf, err);
    pdfium->close_document(document);
    if (!status)
        status = pdf_text_send(&pdf, sink, err);
    pdf_text_clear(&pdf);
    return status;
}

const struct loader loader_pdf = {.kind = "pdf", .parse = parse};
