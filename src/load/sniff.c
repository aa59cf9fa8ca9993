#include "load/sniff.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/checked.h"

#define PDF_MARK "%PDF-"
#define N_PDF_MARK (sizeof PDF_MARK - 1)
#define N_PDF_MAGIC_BYTES ((size_t)1024) /* the mark may stand behind some junk */

static const struct sniff_mark marks[] = {
    {"\xFF\xFE\0\0", 4, 4, false}, {"\0\0\xFE\xFF", 4, 4, true}, {"\xEF\xBB\xBF", 3, 1, false},
    {"\xFF\xFE", 2, 2, false},     {"\xFE\xFF", 2, 2, true},
};

const struct sniff_mark *sniff_mark(struct span head)
{
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
        if (head.len >= marks[i].len && memcmp(head.bytes, marks[i].bytes, marks[i].len) == 0)
            return &marks[i];
    return NULL;
}

bool sniff_is_pdf(struct span head, const char *extension)
{
    size_t n_looked_at = strcasecmp(extension, ".pdf") == 0 ? N_PDF_MAGIC_BYTES : N_PDF_MARK;
    return head.len && memmem(head.bytes, size_min(head.len, n_looked_at), PDF_MARK, N_PDF_MARK);
}

static bool has_wide_mark(struct span head)
{
    const struct sniff_mark *mark = sniff_mark(head);
    return mark && mark->unit > 1;
}

/* Text has no NUL and next to no other control characters. */
static bool is_binary(struct span head)
{
    const unsigned char *bytes = head.bytes;
    size_t n_control = 0, len = size_min(head.len, SNIFF_BYTES);
    if (has_wide_mark(head))
        return false;
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] == 0)
            return true;
        n_control += bytes[i] < 0x20 && !strchr("\t\n\r\f\b\033\016\017", bytes[i]);
    }
    return n_control > 2 + len / 200;
}

static size_t skip_blanks(struct span text, size_t i)
{
    const char *bytes = text.bytes;
    while (i < text.len && isspace((unsigned char)bytes[i]))
        i++;
    return i;
}

/* Where the text begins: behind the mark of UTF-8. */
static size_t text_start(struct span text)
{
    const struct sniff_mark *mark = sniff_mark(text);
    return mark && mark->unit == 1 ? mark->len : 0;
}

bool sniff_is_blank(struct span text)
{
    return skip_blanks(text, text_start(text)) == text.len ||
           (has_wide_mark(text) && text.len <= 4);
}

/* Does the document open with a tag that only a whole HTML page has? */
static bool opens_as_html(struct span head)
{
    static const char *const tags[] = {"<!doctype html", "<html", "<head", "<body"};
    const char *bytes = head.bytes;
    size_t i = text_start(head);
    for (;;) {
        i = skip_blanks(head, i);
        const char *at = bytes + i;
        size_t n_left = head.len - i;
        bool is_prologue = n_left >= 4 && (!memcmp(at, "<!--", 4) || !memcmp(at, "<?xm", 4));
        const char *end = is_prologue ? memmem(at, size_min(n_left, SNIFF_BYTES),
                                               at[1] == '!' ? "-->" : "?>", at[1] == '!' ? 3 : 2)
                                      : NULL;
        if (!end)
            break;
        i = (size_t)(end - bytes) + (at[1] == '!' ? 3 : 2);
    }
    for (size_t k = 0; k < sizeof tags / sizeof tags[0]; k++) {
        size_t n = strlen(tags[k]);
        if (head.len - i > n && strncasecmp(bytes + i, tags[k], n) == 0)
            return true;
    }
    return false;
}

enum status sniff_kind(struct span head, const char *extension, enum load_kind *out,
                       struct error *err)
{
    const struct extension *known = extension_find(extension);
    enum load_kind kind = known ? known->kind : LOAD_KIND_TEXT;
    if (kind != LOAD_KIND_PDF_TEXT) {
        if (sniff_is_pdf(head, extension))
            kind = LOAD_KIND_PDF;
        else if (kind == LOAD_KIND_PDF)
            return error_set(err, STATUS_FORMAT, "not a PDF, though it is named like one");
        else if (is_binary(head))
            return error_set(err, STATUS_INVALID, "not a text format (binary data)");
        else if (opens_as_html(head))
            kind = LOAD_KIND_HTML;
    }
    *out = kind;
    return STATUS_OK;
}
