#include "load/document.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/span.h"
#include "base/utf8.h"

void document_init(struct document_builder *builder, struct arena *arena)
{
    *builder = (struct document_builder){
        .arena = arena, .document = {.kind = "", .title = "", .warning = "", .meta = ""}};
}

void document_clear(struct document_builder *builder)
{
    mem_free(builder->blocks);
    metadata_clear(&builder->metadata);
    *builder = (struct document_builder){0};
}

static enum status malformed(struct error *err, const char *what)
{
    return error_set(err, STATUS_CRASHED, "the parser sent a malformed record (%s)", what);
}

/* One line of readable text, as a sentence or a title must be. */
static bool is_printable(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7F)
            return false;
    return utf8_is_valid(text, len);
}

static enum status add_begin(struct document_builder *builder, const struct record *record,
                             struct error *err)
{
    for (const char *const *kind = load_kinds(); *kind; kind++)
        if (strlen(*kind) == record->len && memcmp(*kind, record->payload, record->len) == 0) {
            builder->document.kind = *kind;
            builder->has_begun = true;
            return STATUS_OK;
        }
    return malformed(err, "kind");
}

static enum status add_text(struct document_builder *builder, const struct record *record,
                            const char **slot, size_t n_max, struct error *err)
{
    if (**slot || record->len > n_max || !is_printable(record->payload, record->len))
        return malformed(err, record->type == RECORD_TITLE ? "title" : "warning");
    const char *copy = arena_text(builder->arena, record->payload, record->len);
    if (!copy)
        return error_nomem(err);
    *slot = copy;
    return STATUS_OK;
}

/* Text the worker normalised: UTF-8 without control characters. */
static bool is_block_text(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < 0x20 && text[i] != '\n' && text[i] != '\t')
            return false;
    return len > 0 && utf8_is_valid(text, len);
}

static enum status add_block(struct document_builder *builder, const struct record *record,
                             struct error *err)
{
    struct span_reader reader = span_reader_init(record->payload, record->len);
    unsigned kind = span_take_u8(&reader);
    struct text_block block = {.level = span_take_u8(&reader)};
    block.page = span_take_u32(&reader);
    block.line = span_take_u32(&reader);
    block.len = reader.n_left;
    if (reader.is_short || kind >= TEXT_BLOCK_COUNT ||
        (kind == TEXT_BLOCK_HEADING && (block.level < 1 || block.level > 6)) ||
        !is_block_text((const char *)reader.at, block.len))
        return malformed(err, "block");
    block.kind = (enum text_block_kind)kind;
    builder->n_text += block.len;
    if (builder->n_text > RAGGED_LIMIT_TEXT || builder->n_blocks >= RAGGED_LIMIT_BLOCKS)
        return error_set(err, STATUS_LIMIT, "the parser sent more than %zu MiB or %zu paragraphs",
                         RAGGED_LIMIT_TEXT / RAGGED_MIB, RAGGED_LIMIT_BLOCKS);
    block.text = arena_text(builder->arena, (const char *)reader.at, block.len);
    if (!block.text)
        return error_nomem(err);
    void *blocks = builder->blocks;
    enum status status = mem_reserve(&blocks, &builder->n_blocks_max, builder->n_blocks + 1,
                                     sizeof *builder->blocks, err);
    builder->blocks = blocks;
    if (!status)
        builder->blocks[builder->n_blocks++] = block;
    return status;
}

static enum status add_pages(struct document_builder *builder, const struct record *record,
                             struct error *err)
{
    struct span_reader reader = span_reader_init(record->payload, record->len);
    uint32_t n_pages = span_take_u32(&reader), n_without_text = span_take_u32(&reader);
    if (reader.is_short || reader.n_left > 0 || n_without_text > n_pages)
        return malformed(err, "pages");
    builder->document.n_pages = n_pages;
    builder->document.n_pages_without_text = n_without_text;
    return STATUS_OK;
}

static enum status add_lines(struct document_builder *builder, const struct record *record,
                             struct error *err)
{
    struct span_reader reader = span_reader_init(record->payload, record->len);
    uint64_t n_lines = span_take_u64(&reader);
    if (reader.is_short || reader.n_left > 0 || !builder->is_part || builder->has_lines)
        return malformed(err, "lines");
    builder->document.n_lines = n_lines;
    builder->has_lines = true;
    return STATUS_OK;
}

static enum status add_end(struct document_builder *builder, const struct record *record,
                           struct error *err)
{
    bool is_whole = builder->is_part ? builder->has_lines : builder->n_blocks > 0;
    builder->has_ended = record->len == 0 && is_whole;
    return builder->has_ended ? STATUS_OK : malformed(err, "end");
}

static enum status add_meta(struct document_builder *builder, const struct record *record,
                            struct error *err)
{
    struct span_reader reader = span_reader_init(record->payload, record->len);
    unsigned form = span_take_u8(&reader);
    size_t n_name = span_take_u8(&reader);
    const char *name = span_take(&reader, n_name), *value = (const char *)reader.at;
    char clean_name[METADATA_NAME_BYTES_MAX + 1];
    if (!name || form >= METADATA_FORM_COUNT || !is_printable(name, n_name) || reader.n_left == 0 ||
        reader.n_left > METADATA_VALUE_BYTES_MAX || !is_printable(value, reader.n_left))
        return malformed(err, "metadata");
    enum status status = metadata_name(name, n_name, clean_name, err);
    if (status)
        return status == STATUS_INVALID ? malformed(err, "metadata") : status;
    return metadata_add(&builder->metadata, clean_name, (enum metadata_form)form, value,
                        reader.n_left, err);
}

static enum status add_fail(struct document_builder *builder, const struct record *record,
                            struct error *err)
{
    struct span_reader reader = span_reader_init(record->payload, record->len);
    unsigned status = span_take_u8(&reader);
    size_t n_message = span_take_u16(&reader);
    const char *message = span_take(&reader, n_message);
    const char *hint = (const char *)reader.at;
    struct error sized;
    if (!message || status == STATUS_OK || status >= STATUS_COUNT || status == STATUS_CANCELLED ||
        n_message == 0 || n_message >= sizeof sized.message || reader.n_left >= sizeof sized.hint ||
        !is_printable(message, n_message) || !is_printable(hint, reader.n_left))
        return malformed(err, "failure");
    builder->has_failed = true;
    builder->was_refused = !builder->has_begun && status == STATUS_INVALID;
    error_set(err, (enum status)status, "%.*s", (int)n_message, message);
    if (reader.n_left)
        error_hint(err, "%.*s", (int)reader.n_left, hint);
    return (enum status)status;
}

enum status document_add(struct document_builder *builder, const struct record *record,
                         struct error *err)
{
    if (record->type == RECORD_FAIL)
        return add_fail(builder, record, err);
    if (builder->has_ended || (record->type == RECORD_BEGIN) == builder->has_begun)
        return malformed(err, "order");
    switch (record->type) {
    case RECORD_BEGIN:
        return add_begin(builder, record, err);
    case RECORD_TITLE:
        return add_text(builder, record, &builder->document.title, 4096, err);
    case RECORD_WARNING:
        return add_text(builder, record, &builder->document.warning, 512, err);
    case RECORD_BLOCK:
        return add_block(builder, record, err);
    case RECORD_PAGES:
        return add_pages(builder, record, err);
    case RECORD_META:
        return add_meta(builder, record, err);
    case RECORD_LINES:
        return add_lines(builder, record, err);
    case RECORD_END:
        return add_end(builder, record, err);
    default:
        return malformed(err, "type");
    }
}

enum status document_take(struct document_builder *builder, struct load_document *out,
                          struct error *err)
{
    struct text_block *blocks =
        arena_alloc(builder->arena, (builder->n_blocks + 1) * sizeof *builder->blocks);
    if (!blocks)
        return error_nomem(err);
    if (builder->n_blocks > 0)
        memcpy(blocks, builder->blocks, builder->n_blocks * sizeof *blocks);
    const char *meta = "";
    enum status status = metadata_write(&builder->metadata, builder->arena, &meta, err);
    if (status)
        return status;
    *out = builder->document;
    out->meta = meta;
    out->blocks = blocks;
    out->n_blocks = builder->n_blocks;
    return STATUS_OK;
}
