#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/checked.h"
#include "load/kinds.h"
#include "load/loader.h"

extern const struct loader loader_text, loader_markdown, loader_html, loader_pdf, loader_pdf_text;

const struct loader *const loaders[LOAD_KIND_COUNT] = {
    [LOAD_KIND_TEXT] = &loader_text,         [LOAD_KIND_MARKDOWN] = &loader_markdown,
    [LOAD_KIND_HTML] = &loader_html,         [LOAD_KIND_PDF] = &loader_pdf,
    [LOAD_KIND_PDF_TEXT] = &loader_pdf_text,
};

#define N_SNIFF_BYTES ((size_t)64 * 1024)
#define N_PDF_MAGIC_BYTES ((size_t)1024) /* the mark may stand behind some junk */

static bool has_pdf_mark(const struct loader_input *input)
{
    return input->len && memmem(input->bytes, size_min(input->len, N_PDF_MAGIC_BYTES), "%PDF-", 5);
}

static bool has_wide_mark(const struct loader_input *input)
{
    return input->len >= 2 &&
           (memcmp(input->bytes, "\xFF\xFE", 2) == 0 || memcmp(input->bytes, "\xFE\xFF", 2) == 0 ||
            (input->len >= 4 && memcmp(input->bytes, "\0\0\xFE\xFF", 4) == 0));
}

/* Text has no NUL and next to no other control characters. */
static bool is_binary(const struct loader_input *input)
{
    size_t n_control = 0, len = size_min(input->len, N_SNIFF_BYTES);
    if (has_wide_mark(input))
        return false;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)input->bytes[i];
        if (c == 0)
            return true;
        n_control += c < 0x20 && !strchr("\t\n\r\f\b\033\016\017", c);
    }
    return n_control > 2 + len / 200;
}

static bool is_blank(const struct loader_input *input)
{
    size_t i = input->len >= 3 && memcmp(input->bytes, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    while (i < input->len && isspace((unsigned char)input->bytes[i]))
        i++;
    return i == input->len || (has_wide_mark(input) && input->len <= 4);
}

/* Does the document open with a tag that only a whole HTML page has? */
static bool opens_as_html(const struct loader_input *input)
{
    static const char *const tags[] = {"<!doctype html", "<html", "<head", "<body"};
    size_t i = input->len >= 3 && memcmp(input->bytes, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    for (;;) {
        while (i < input->len && isspace((unsigned char)input->bytes[i]))
            i++;
        const char *at = input->bytes + i;
        size_t n_left = input->len - i;
        bool is_prologue = n_left >= 4 && (!memcmp(at, "<!--", 4) || !memcmp(at, "<?xm", 4));
        const char *end = is_prologue ? memmem(at, size_min(n_left, N_SNIFF_BYTES),
                                               at[1] == '!' ? "-->" : "?>", at[1] == '!' ? 3 : 2)
                                      : NULL;
        if (!end)
            break;
        i = (size_t)(end - input->bytes) + (at[1] == '!' ? 3 : 2);
    }
    for (size_t k = 0; k < sizeof tags / sizeof tags[0]; k++) {
        size_t n = strlen(tags[k]);
        if (input->len - i > n && strncasecmp(input->bytes + i, tags[k], n) == 0)
            return true;
    }
    return false;
}

enum status loader_choose(const struct loader_input *input, const struct loader **out,
                          struct error *err)
{
    const struct extension *extension = extension_find(input->extension);
    enum load_kind kind = extension ? extension->kind : LOAD_KIND_TEXT;
    if (kind != LOAD_KIND_PDF_TEXT && is_blank(input))
        return error_set(err, STATUS_INVALID, "empty: there is no text in it");
    if (kind != LOAD_KIND_PDF_TEXT) {
        if (has_pdf_mark(input))
            kind = LOAD_KIND_PDF;
        else if (kind == LOAD_KIND_PDF)
            return error_set(err, STATUS_FORMAT, "not a PDF, though it is named like one");
        else if (is_binary(input))
            return error_set(err, STATUS_INVALID, "not a text format (binary data)");
        else if (opens_as_html(input))
            kind = LOAD_KIND_HTML;
    }
    *out = loaders[kind];
    return STATUS_OK;
}

enum status loader_run(const struct loader_input *input, struct sink *sink, struct error *err)
{
    const struct loader *loader;
    enum status status = loader_choose(input, &loader, err);
    if (status)
        return status;
    sink_begin(sink, loader->kind);
    status = loader->parse(input, sink, err);
    if (!status)
        status = sink_status(sink, err);
    if (!status && sink->n_blocks == 0)
        status = error_set(err, STATUS_INVALID, "empty: there is no text in it");
    if (!status)
        sink_end(sink);
    return status ? status : sink_status(sink, err);
}
