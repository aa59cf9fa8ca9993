/* load/loader_markdown.c - Markdown (CommonMark with tables) by md4c.
 *
 * md4c gives no positions, but most text it hands out lies inside the input: the line of a block is
 * that of its first such text. */
#include <md4c.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/mem.h"
#include "load/entity.h"
#include "load/front_matter.h"
#include "load/loader.h"
#include "load/power.h"

#define N_FRONT_MATTER_BYTES ((size_t)64 * 1024)

struct markdown {
    struct sink *sink;
    const char *bytes; /* the whole input, for offsets */
    size_t len;
    size_t *line_starts; /* [n_lines] offsets, owned */
    size_t n_lines;
    struct buf text;         /* of the block being gathered */
    struct text_block block; /* its kind, level and line (0: no text with a place yet) */
    uint32_t last_line;      /* of any text so far */
    unsigned n_lists;        /* lists around the place at hand */
    unsigned n_cells;        /* of the table row at hand */
    size_t raised_start;     /* in the text, where <sup> stands; SIZE_MAX: none is open */
    bool is_table_head;
    bool is_html;
};

static enum status find_lines(struct markdown *md, struct error *err)
{
    size_t n_max = 0;
    void *starts = NULL;
    for (const char *at = md->bytes, *end = md->bytes + md->len; at;) {
        enum status status =
            mem_reserve(&starts, &n_max, md->n_lines + 1, sizeof *md->line_starts, err);
        md->line_starts = starts;
        if (status)
            return status;
        md->line_starts[md->n_lines++] = (size_t)(at - md->bytes);
        at = memchr(at, '\n', (size_t)(end - at));
        at = at ? at + 1 : NULL;
    }
    return STATUS_OK;
}

static uint32_t line_of(const struct markdown *md, size_t offset)
{
    size_t low = 0, high = md->n_lines;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (md->line_starts[middle] <= offset)
            low = middle;
        else
            high = middle;
    }
    return (uint32_t)(low + 1);
}

static void flush(struct markdown *md)
{
    struct text_block block = md->block;
    if (block.line == 0)
        block.line = md->last_line;
    if (md->is_html) {
        struct buf plain = {0};
        entity_strip_tags(buf_text(&md->text), md->text.len, &plain);
        buf_clear(&md->text);
        md->text = plain;
        md->is_html = false;
    }
    block.text = buf_text(&md->text);
    block.len = md->text.len;
    if (block.kind == TEXT_BLOCK_HEADING && block.level == 1)
        sink_title(md->sink, block.text, block.len);
    if (block.len)
        sink_block(md->sink, &block);
    buf_reset(&md->text);
    md->raised_start = SIZE_MAX;
    md->block = (struct text_block){.kind = TEXT_BLOCK_PARAGRAPH};
}

static void begin(struct markdown *md, enum text_block_kind kind, unsigned level)
{
    flush(md);
    md->block = (struct text_block){.kind = kind, .level = level};
}

static void begin_paragraph(struct markdown *md)
{
    if (md->n_lists)
        begin(md, TEXT_BLOCK_LIST_ITEM, md->n_lists - 1 < 200 ? md->n_lists - 1 : 200);
    else
        begin(md, TEXT_BLOCK_PARAGRAPH, 0);
}

static int enter_block(MD_BLOCKTYPE type, void *detail, void *userdata)
{
    struct markdown *md = userdata;
    switch (type) {
    case MD_BLOCK_H:
        begin(md, TEXT_BLOCK_HEADING, ((const MD_BLOCK_H_DETAIL *)detail)->level);
        break;
    case MD_BLOCK_UL:
    case MD_BLOCK_OL:
        flush(md);
        md->n_lists++;
        break;
    case MD_BLOCK_LI:
    case MD_BLOCK_P:
        begin_paragraph(md);
        break;
    case MD_BLOCK_CODE:
        begin(md, TEXT_BLOCK_CODE, 0);
        break;
    case MD_BLOCK_HTML:
        begin(md, TEXT_BLOCK_PARAGRAPH, 0);
        md->is_html = true;
        break;
    case MD_BLOCK_THEAD:
    case MD_BLOCK_TBODY:
        md->is_table_head = type == MD_BLOCK_THEAD;
        break;
    case MD_BLOCK_TR:
        begin(md, md->is_table_head ? TEXT_BLOCK_TABLE_HEADER : TEXT_BLOCK_TABLE_ROW, 0);
        md->n_cells = 0;
        break;
    case MD_BLOCK_TH:
    case MD_BLOCK_TD:
        if (md->n_cells++)
            buf_append_text(&md->text, " | ");
        break;
    default:
        break;
    }
    return md->sink->failed || md->text.failed;
}

static int leave_block(MD_BLOCKTYPE type, void *detail, void *userdata)
{
    struct markdown *md = userdata;
    (void)detail;
    if (type == MD_BLOCK_TH || type == MD_BLOCK_TD)
        return 0;
    flush(md);
    if (type == MD_BLOCK_UL || type == MD_BLOCK_OL)
        md->n_lists--;
    return md->sink->failed || md->text.failed;
}

static int ignore_span(MD_SPANTYPE type, void *detail, void *userdata)
{
    (void)type, (void)detail, (void)userdata;
    return 0;
}

static bool is_tag(const char *tag, const char *text, size_t len)
{
    return strlen(tag) == len && strncasecmp(tag, text, len) == 0;
}

/* Other tags than these are gaps. */
static void add_tag(struct markdown *md, const char *text, size_t len)
{
    if (is_tag("<sup>", text, len)) {
        md->raised_start = md->text.len;
    } else if (is_tag("</sup>", text, len)) {
        power_mark(&md->text, md->raised_start);
        md->raised_start = SIZE_MAX;
    } else if (!is_tag("<sub>", text, len) && !is_tag("</sub>", text, len)) {
        entity_strip_tags(text, len, &md->text);
    }
}

static int add_text(MD_TEXTTYPE type, const MD_CHAR *text, MD_SIZE size, void *userdata)
{
    struct markdown *md = userdata;
    uintptr_t at = (uintptr_t)text, from = (uintptr_t)md->bytes;
    if (md->block.line == 0 && at >= from && at < from + md->len)
        md->last_line = md->block.line = line_of(md, (size_t)(at - from));
    switch (type) {
    case MD_TEXT_BR:
    case MD_TEXT_SOFTBR:
        buf_append_char(&md->text, '\n');
        break;
    case MD_TEXT_NULLCHAR:
        break;
    case MD_TEXT_ENTITY:
        entity_decode(text, size, &md->text);
        break;
    case MD_TEXT_HTML:
        if (md->is_html)
            buf_append(&md->text, text, size);
        else
            add_tag(md, text, size);
        break;
    default:
        buf_append(&md->text, text, size);
    }
    return md->sink->failed || md->text.failed;
}

/* Blanks and one pair of quotes around a YAML value. */
static struct span trim_value(struct span value)
{
    const char *at = value.bytes;
    while (value.len && strchr(" \t\r", at[value.len - 1]))
        value.len--;
    while (value.len && strchr(" \t", *at))
        at++, value.len--;
    if (value.len >= 2 && (*at == '"' || *at == '\'') && at[value.len - 1] == *at)
        at++, value.len -= 2;
    return (struct span){at, value.len};
}

/* The offset behind a "---" block at the top (0: none); its "title:" becomes the title. */
static size_t skip_front_matter(struct markdown *md, struct span text)
{
    const char *all = text.bytes, *end = all + text.len;
    if (text.len < 8 || memcmp(all, "---", 3) != 0 || (all[3] != '\n' && all[3] != '\r'))
        return 0;
    struct span title = {0};
    for (const char *line = memchr(all, '\n', text.len); line;) {
        line++;
        if ((size_t)(line - all) > N_FRONT_MATTER_BYTES)
            return 0;
        const char *next = memchr(line, '\n', (size_t)(end - line));
        size_t n = (size_t)((next ? next : end) - line);
        if (n >= 3 && (memcmp(line, "---", 3) == 0 || memcmp(line, "...", 3) == 0)) {
            if (title.len)
                sink_title(md->sink, title.bytes, title.len);
            const char *first = (const char *)memchr(all, '\n', text.len) + 1;
            front_matter_send((struct span){first, (size_t)(line - first)}, md->sink);
            return (size_t)(line - all) + n;
        }
        if (n > 6 && memcmp(line, "title:", 6) == 0)
            title = trim_value((struct span){line + 6, n - 6});
        line = next;
    }
    return 0;
}

static enum status parse(const struct loader_input *input, struct sink *sink, struct error *err)
{
    static const MD_PARSER parser = {
        .flags = MD_FLAG_TABLES | MD_FLAG_STRIKETHROUGH | MD_FLAG_TASKLISTS,
        .enter_block = enter_block,
        .leave_block = leave_block,
        .enter_span = ignore_span,
        .leave_span = ignore_span,
        .text = add_text,
    };
    struct markdown md = {
        .sink = sink, .block = {.kind = TEXT_BLOCK_PARAGRAPH}, .raised_start = SIZE_MAX};
    struct buf storage = {0};
    struct span text;
    enum status status = encoding_decode(input->encodings, (struct span){input->bytes, input->len},
                                         "", &storage, &text, err);
    if (!status) {
        md.bytes = text.bytes;
        md.len = text.len;
        status = find_lines(&md, err);
    }
    if (!status) {
        size_t n_skip = skip_front_matter(&md, text);
        int rc = md_parse(md.bytes + n_skip, (MD_SIZE)(md.len - n_skip), &parser, &md);
        status = sink_status(sink, err);
        if (!status)
            status = buf_status(&md.text, err);
        if (!status && rc != 0)
            status = error_nomem(err);
    }
    buf_clear(&md.text);
    buf_clear(&storage);
    mem_free(md.line_starts);
    return status;
}

const struct loader loader_markdown = {.kind = "markdown", .parse = parse};
