/* Opening a segment file; its format is in segment_format.h. */
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "segment/segment_format.h"

/* Up to here everything is checked at every open: it takes less time than opening. */
#define SMALL_BYTES ((size_t)256 * 1024)

struct segment {
    struct span map;
    struct segment_stamp stamp;
    struct segment_entry entries[SEGMENT_N_SECTIONS_MAX];
    size_t n_entries;
    struct segment_rows rows;
    char maker[SEGMENT_MAKER_BYTES_MAX + 1];
};

const struct segment_rows *segment_rows_of(const struct segment *segment)
{
    return &segment->rows;
}

static struct span part_of(const struct segment *segment, uint64_t offset, uint64_t len)
{
    return (struct span){(const char *)segment->map.bytes + offset, (size_t)len};
}

static enum status damaged(struct error *err, const char *what)
{
    return error_set(err, STATUS_DAMAGED, "its %s is damaged", what);
}

struct header {
    uint64_t contents_offset, file_bytes, contents_checksum, n_sections;
};

static enum status read_header(const struct segment *segment, enum segment_kind kind,
                               struct header *out, struct error *err)
{
    struct span_reader reader = span_reader_init(segment->map.bytes, segment->map.len);
    const void *magic = span_take(&reader, SEGMENT_MAGIC_BYTES);
    uint32_t version = span_take_u32(&reader), found_kind = span_take_u32(&reader);
    struct header header = {
        .contents_offset = span_take_u64(&reader),
        .file_bytes = span_take_u64(&reader),
        .contents_checksum = span_take_u64(&reader),
        .n_sections = span_take_u64(&reader),
    };
    uint64_t reserved = span_take_u64(&reader), checksum = span_take_u64(&reader);
    if (reader.is_short || memcmp(magic, SEGMENT_MAGIC, SEGMENT_MAGIC_BYTES) != 0)
        return error_set(err, STATUS_DAMAGED, "it is not a segment");
    if (checksum != hash64_of(segment->map.bytes, SEGMENT_HEADER_SUMMED_BYTES) || reserved != 0)
        return damaged(err, "header");
    if (version != SEGMENT_VERSION)
        return error_set(err, STATUS_DAMAGED, "it has format %u; this ragged reads %d", version,
                         SEGMENT_VERSION);
    if (found_kind != (uint32_t)kind)
        return error_set(err, STATUS_DAMAGED, "it holds another kind of index (%u)", found_kind);
    if (header.file_bytes != segment->map.len)
        return error_set(err, STATUS_DAMAGED, "it has %zu bytes instead of %llu", segment->map.len,
                         (unsigned long long)header.file_bytes);
    *out = header;
    return STATUS_OK;
}

/* Sections follow each other without overlap, aligned, between header and contents. */
static enum status read_contents(struct segment *segment, const struct header *header,
                                 struct error *err)
{
    uint64_t end = SEGMENT_HEADER_BYTES;
    if (header->n_sections > SEGMENT_N_SECTIONS_MAX || header->contents_offset > segment->map.len ||
        segment->map.len - header->contents_offset != header->n_sections * SEGMENT_ENTRY_BYTES)
        return damaged(err, "header");
    struct span contents =
        part_of(segment, header->contents_offset, segment->map.len - header->contents_offset);
    if (hash64_of(contents.bytes, contents.len) != header->contents_checksum)
        return damaged(err, "table of contents");
    struct span_reader reader = span_reader_init(contents.bytes, contents.len);
    for (size_t i = 0; i < header->n_sections; i++) {
        uint64_t section = span_take_u64(&reader);
        struct segment_entry entry = {
            .section = (uint32_t)section,
            .offset = span_take_u64(&reader),
            .len = span_take_u64(&reader),
            .checksum = span_take_u64(&reader),
        };
        if (section > UINT32_MAX || entry.offset % SEGMENT_ALIGNMENT != 0 || entry.offset < end ||
            entry.offset > header->contents_offset ||
            entry.len > header->contents_offset - entry.offset)
            return damaged(err, "table of contents");
        end = entry.offset + entry.len;
        segment->entries[i] = entry;
    }
    segment->n_entries = (size_t)header->n_sections;
    return STATUS_OK;
}

static enum status read_maker(struct segment *segment, struct error *err)
{
    struct span maker = segment_section(segment, SEGMENT_SECTION_MAKER);
    if (!maker.bytes || maker.len > SEGMENT_MAKER_BYTES_MAX)
        return damaged(err, "name of the maker");
    memcpy(segment->maker, maker.bytes, maker.len);
    segment->maker[maker.len] = '\0';
    return STATUS_OK;
}

static bool is_as_published(const struct segment_stamp *found, const struct segment_stamp *expected)
{
    return found->size_bytes == expected->size_bytes && found->inode == expected->inode &&
           found->mtime_ns == expected->mtime_ns;
}

static enum status open_map(struct segment *segment, enum segment_kind kind,
                            const struct segment_stamp *expected, struct error *err)
{
    struct header header = {0};
    enum status status = read_header(segment, kind, &header, err);
    if (!status)
        status = read_contents(segment, &header, err);
    if (status)
        return status;
    segment->stamp.checksum = header.contents_checksum;
    if (expected && expected->checksum != header.contents_checksum)
        return error_set(err, STATUS_DAMAGED, "it is not the segment that was published");
    status = read_maker(segment, err);
    if (!status)
        status =
            segment_rows_read(segment_section(segment, SEGMENT_SECTION_ROWS), &segment->rows, err);
    bool is_trusted =
        expected && is_as_published(&segment->stamp, expected) && segment->map.len > SMALL_BYTES;
    return status || is_trusted ? status : segment_check(segment, err);
}

enum status segment_open(const char *path, enum segment_kind kind,
                         const struct segment_stamp *expected, struct segment **out,
                         struct error *err)
{
    struct file_info info;
    struct segment *segment = mem_zalloc(1, sizeof *segment);
    if (!segment)
        return error_nomem(err);
    enum status status = file_map_info(path, &segment->map, &info, err);
    if (status) {
        mem_free(segment);
        return status;
    }
    segment->stamp = (struct segment_stamp){
        .size_bytes = info.size_bytes, .inode = info.inode, .mtime_ns = info.mtime_ns};
    status = open_map(segment, kind, expected, err);
    if (status) {
        error_context(err, status, "segment \"%s\"", path);
        segment_close(segment);
        return status;
    }
    *out = segment;
    return STATUS_OK;
}

void segment_close(struct segment *segment)
{
    if (!segment)
        return;
    file_unmap(&segment->map);
    mem_free(segment);
}

enum status segment_check(const struct segment *segment, struct error *err)
{
    for (size_t i = 0; i < segment->n_entries; i++) {
        const struct segment_entry *entry = &segment->entries[i];
        struct span section = part_of(segment, entry->offset, entry->len);
        if (hash64_of(section.bytes, section.len) != entry->checksum)
            return error_set(err, STATUS_DAMAGED, "its section %u is damaged", entry->section);
    }
    return segment_rows_check(&segment->rows, err);
}

const char *segment_maker(const struct segment *segment)
{
    return segment->maker;
}

const struct segment_stamp *segment_stamp_of(const struct segment *segment)
{
    return &segment->stamp;
}

struct span segment_section(const struct segment *segment, uint32_t section)
{
    for (size_t i = 0; i < segment->n_entries; i++)
        if (segment->entries[i].section == section)
            return part_of(segment, segment->entries[i].offset, segment->entries[i].len);
    return (struct span){NULL, 0};
}
