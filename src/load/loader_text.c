/* load/loader_text.c - plain text, source code, logs.
 *
 * Prose is cut at blank lines and its hard-wrapped lines are joined; list items, underlined
 * headings and fields ("Name: value") are recognised, and paragraphs that look drawn (tables,
 * diagrams) keep their lines. */
#include <ctype.h>
#include <string.h>

#include "base/buf.h"
#include "load/kinds.h"
#include "load/loader.h"

struct line {
    const char *text; /* without its line end */
    size_t len;
    size_t indent; /* blanks in front, a tab counts 4 */
    uint32_t number;
};

struct walker {
    struct sink *sink;
    enum text_style style;
    const char *at, *end;
    uint32_t number;         /* of the line at `at` */
    struct buf text;         /* the block being gathered */
    struct text_block block; /* its kind, level and line */
    size_t n_lines, n_drawn; /* of that block */
    bool is_field;           /* that block begins with one */
};

static bool line_next(struct walker *walker, struct line *out)
{
    if (walker->at == walker->end)
        return false;
    size_t n_left = (size_t)(walker->end - walker->at);
    const char *end = memchr(walker->at, '\n', n_left);
    size_t len = end ? (size_t)(end - walker->at) : n_left;
    *out = (struct line){.text = walker->at, .len = len, .number = walker->number};
    walker->at += len + (end ? 1 : 0);
    walker->number++;
    while (out->len && isspace((unsigned char)out->text[out->len - 1]))
        out->len--;
    size_t i = 0;
    while (i < out->len && (out->text[i] == ' ' || out->text[i] == '\t'))
        out->indent += out->text[i++] == '\t' ? 4 : 1;
    return true;
}

static void flush(struct walker *walker)
{
    if (walker->n_lines > 1 && walker->n_drawn * 2 > walker->n_lines &&
        walker->block.kind == TEXT_BLOCK_PARAGRAPH)
        walker->block.kind = TEXT_BLOCK_CODE;
    walker->block.text = buf_text(&walker->text);
    walker->block.len = walker->text.len;
    if (walker->text.len)
        sink_block(walker->sink, &walker->block);
    buf_reset(&walker->text);
    walker->n_lines = walker->n_drawn = 0;
}

/* Columns, boxes and ASCII art have gaps and bars inside the line. */
static bool is_drawn(const struct line *line)
{
    for (size_t i = line->indent; i + 3 < line->len; i++)
        if (memcmp(line->text + i, "    ", 4) == 0 || memcmp(line->text + i, "----", 4) == 0)
            return true;
    const char *bar = memchr(line->text, '|', line->len);
    return bar && memchr(bar + 1, '|', line->len - (size_t)(bar + 1 - line->text));
}

/* Length of "- ", "* ", "12. ", "3) " in front of the text; 0 when it is no list item. */
static size_t item_mark(const struct line *line)
{
    size_t i = 0, n_digits = 0;
    while (i < line->len && isblank((unsigned char)line->text[i]))
        i++;
    if (line->len - i > 2 && strchr("-*+", line->text[i]) && line->text[i + 1] == ' ')
        return i + 2;
    if (line->len - i > 4 && memcmp(line->text + i, "\xE2\x80\xA2 ", 4) == 0)
        return i + 4;
    while (i + n_digits < line->len && isdigit((unsigned char)line->text[i + n_digits]))
        n_digits++;
    i += n_digits;
    bool is_numbered = n_digits > 0 && n_digits < 4 && line->len - i > 2 &&
                       strchr(".)", line->text[i]) && line->text[i + 1] == ' ';
    return is_numbered ? i + 2 : 0;
}

/* "Licence: MIT": a name of one word in front of the line. */
static bool is_field(const struct line *line)
{
    enum { NAME_MAX_LEN = 30 };
    size_t i = 0;
    while (i < line->len && (isalnum((unsigned char)line->text[i]) || line->text[i] == '-'))
        i++;
    return i > 1 && i <= NAME_MAX_LEN && isupper((unsigned char)line->text[0]) &&
           i + 2 < line->len && line->text[i] == ':' && line->text[i + 1] == ' ';
}

/* In files of fields each is a paragraph of its own, and so is what is set in below it, unless the
 * value goes on there. */
static bool ends_paragraph(const struct walker *walker, const struct line *line)
{
    if (is_field(line))
        return true;
    return walker->is_field && walker->n_lines == 1 && line->indent > 0 &&
           isupper((unsigned char)line->text[line->indent]) &&
           walker->text.data[walker->text.len - 1] != ',';
}

static void begin(struct walker *walker, enum text_block_kind kind, unsigned level,
                  const struct line *line)
{
    flush(walker);
    walker->block = (struct text_block){.kind = kind, .level = level, .line = line->number};
}

static void append(struct walker *walker, const char *text, size_t len)
{
    if (walker->n_lines++)
        buf_append_char(&walker->text, '\n');
    buf_append(&walker->text, text, len);
}

static void heading(struct walker *walker, unsigned level, const struct line *line, size_t n_skip)
{
    begin(walker, TEXT_BLOCK_HEADING, level < 6 ? level : 6, line);
    append(walker, line->text + n_skip, line->len - n_skip);
    flush(walker);
}

/* Level of "** Heading" (Org) or "== Heading" (AsciiDoc); 0: none. */
static unsigned marked_level(const struct walker *walker, const struct line *line)
{
    char mark = walker->style == TEXT_STYLE_STARS ? '*' : '=';
    unsigned n = 0;
    if (walker->style != TEXT_STYLE_STARS && walker->style != TEXT_STYLE_EQUALS)
        return 0;
    while (n < line->len && line->text[n] == mark)
        n++;
    return n > 0 && n < line->len && line->text[n] == ' ' ? n : 0;
}

/* Level of a heading whose underline is the line after it (setext, reStructuredText); 0: none. */
static unsigned underlined_level(struct walker *walker, const struct line *line)
{
    static const char marks[] = "=-~^";
    struct walker ahead = *walker;
    struct line under;
    if (line->indent > 0 || walker->n_lines > 0 || !line_next(&ahead, &under) || under.len < 3 ||
        under.len + 2 < line->len || under.indent > 0)
        return 0;
    const char *mark = strchr(marks, under.text[0]);
    for (size_t i = 1; mark && i < under.len; i++)
        if (under.text[i] != *mark)
            return 0;
    if (!mark || line->text[0] == *mark)
        return 0;
    *walker = ahead;
    return (unsigned)(mark - marks) + 1;
}

static void prose_line(struct walker *walker, const struct line *line)
{
    unsigned level = marked_level(walker, line);
    size_t n_mark = level || is_drawn(line) ? 0 : item_mark(line);
    if (level) {
        heading(walker, level, line, level + 1);
        return;
    }
    if ((level = underlined_level(walker, line)) > 0) {
        heading(walker, level, line, 0);
        return;
    }
    if (n_mark)
        begin(walker, TEXT_BLOCK_LIST_ITEM, (unsigned)(line->indent < 16 ? line->indent / 4 : 4),
              line);
    else if (walker->n_lines == 0 || ends_paragraph(walker, line))
        begin(walker, TEXT_BLOCK_PARAGRAPH, 0, line);
    walker->is_field = walker->n_lines == 0 ? is_field(line) : walker->is_field;
    walker->n_drawn += is_drawn(line);
    append(walker, line->text + n_mark, line->len - n_mark);
}

/* " ." stands for a blank line inside a field (RFC 822 as Debian writes it). */
static bool is_lone_stop(const struct walker *walker, const struct line *line)
{
    return walker->style != TEXT_STYLE_LINES && line->indent + 1 == line->len &&
           line->text[line->indent] == '.';
}

static void walk(struct walker *walker)
{
    struct line line;
    while (line_next(walker, &line) && !walker->sink->failed) {
        if (line.len == 0 || line.text[0] == '\f' || is_lone_stop(walker, &line)) {
            flush(walker);
        } else if (walker->style == TEXT_STYLE_LINES) {
            if (walker->n_lines == 0)
                begin(walker, TEXT_BLOCK_CODE, 0, &line);
            append(walker, line.text, line.len);
        } else {
            prose_line(walker, &line);
        }
    }
    flush(walker);
}

static uint64_t count_lines(struct span text)
{
    uint64_t n = 0;
    const char *end = (const char *)text.bytes + text.len;
    for (const char *at = text.bytes; (at = memchr(at, '\n', (size_t)(end - at))); at++)
        n++;
    return n;
}

static enum status parse(const struct loader_input *input, struct sink *sink, struct error *err)
{
    const struct extension *extension = extension_find(input->extension);
    struct buf storage = {0};
    struct span text;
    const struct span bytes = {input->bytes, input->len};
    enum status status =
        input->is_part
            ? encoding_decode_part(input->encodings, bytes, input->head, &storage, &text, err)
            : encoding_decode(input->encodings, bytes, "", &storage, &text, err);
    if (!status) {
        struct walker walker = {
            .sink = sink,
            .style = extension ? extension->style : TEXT_STYLE_PROSE,
            .at = text.bytes,
            .end = (const char *)text.bytes + text.len,
            .number = 1,
        };
        walk(&walker);
        status = buf_status(&walker.text, err);
        buf_clear(&walker.text);
        if (input->is_part)
            sink_lines(sink, count_lines(text));
    }
    buf_clear(&storage);
    return status;
}

const struct loader loader_text = {.kind = "text", .parse = parse};
