/* Writing a segment: sections one after the other, the header last. */
#include <assert.h>
#include <string.h>

#include "base/buf.h"
#include "base/draft.h"
#include "base/hash.h"
#include "base/mem.h"
#include "segment/segment_format.h"

#define PENDING_BYTES ((size_t)256 * 1024)

struct segment_writer {
    struct draft draft;
    enum segment_kind kind;
    struct hash64_stream *sum;
    struct buf pending; /* appended and not yet written */
    uint64_t n_bytes;   /* of the file, the pending ones included */
    struct segment_entry entries[SEGMENT_N_SECTIONS_MAX];
    size_t n_entries;
    bool is_section_open;
    struct error error; /* the first one, which sticks */
    const struct cancel *cancel;
};

static void fail(struct segment_writer *w, const struct error *error)
{
    if (!w->error.status)
        w->error = *error;
}

static void flush(struct segment_writer *w)
{
    struct error error;
    enum status status = buf_status(&w->pending, &error);
    if (!status && !w->error.status)
        status = draft_append(&w->draft, buf_text(&w->pending), w->pending.len, &error);
    if (status)
        fail(w, &error);
    buf_reset(&w->pending);
}

static void put(struct segment_writer *w, const void *bytes, size_t len)
{
    buf_append(&w->pending, bytes, len);
    w->n_bytes += len;
    if (w->pending.len >= PENDING_BYTES || w->pending.failed)
        flush(w);
}

static void put_padding(struct segment_writer *w)
{
    static const char zeros[SEGMENT_ALIGNMENT];
    put(w, zeros, (size_t)(-w->n_bytes % SEGMENT_ALIGNMENT));
}

enum status segment_writer_new(const char *path, enum segment_kind kind, const char *maker,
                               struct segment_writer **out, struct error *err)
{
    static const char no_header[SEGMENT_HEADER_BYTES];
    assert(strlen(maker) <= SEGMENT_MAKER_BYTES_MAX);
    struct segment_writer *w = mem_zalloc(1, sizeof *w);
    if (!w)
        return error_nomem(err);
    w->kind = kind;
    w->sum = hash64_stream_new();
    enum status status = w->sum ? STATUS_OK : error_nomem(err);
    if (!status)
        status = draft_open(&w->draft, path, 0600, err);
    if (status) {
        segment_writer_free(w);
        return status;
    }
    put(w, no_header, sizeof no_header);
    segment_writer_begin(w, SEGMENT_SECTION_MAKER);
    segment_writer_append(w, maker, strlen(maker));
    *out = w;
    return STATUS_OK;
}

static void end_section(struct segment_writer *w)
{
    if (!w->is_section_open)
        return;
    struct segment_entry *entry = &w->entries[w->n_entries++];
    entry->len = w->n_bytes - entry->offset;
    entry->checksum = hash64_stream_value(w->sum);
    w->is_section_open = false;
}

void segment_writer_begin(struct segment_writer *writer, uint32_t section)
{
    end_section(writer);
    assert(writer->n_entries < SEGMENT_N_SECTIONS_MAX);
    put_padding(writer);
    writer->entries[writer->n_entries] =
        (struct segment_entry){.section = section, .offset = writer->n_bytes};
    writer->is_section_open = true;
    hash64_stream_reset(writer->sum);
}

void segment_writer_append(struct segment_writer *writer, const void *bytes, size_t len)
{
    assert(writer->is_section_open);
    hash64_stream_append(writer->sum, bytes, len);
    put(writer, bytes, len);
}

static void append_uint(struct segment_writer *w, uint64_t value, size_t n_bytes)
{
    unsigned char bytes[8];
    for (size_t i = 0; i < n_bytes; i++)
        bytes[i] = (unsigned char)(value >> (8 * i));
    segment_writer_append(w, bytes, n_bytes);
}

static size_t count_documents(const int64_t *document_ids, size_t n)
{
    size_t n_documents = 0;
    for (size_t i = 0; i < n; i++)
        n_documents += i == 0 || document_ids[i] != document_ids[i - 1];
    return n_documents;
}

static enum status check_span(const int64_t *chunk_ids, size_t n, struct error *err)
{
    if (n > SEGMENT_N_ROWS_MAX || (n > 0 && chunk_ids[n - 1] - chunk_ids[0] > UINT32_MAX))
        return error_set(err, STATUS_LIMIT, "%zu rows do not fit in one segment", n);
    return STATUS_OK;
}

enum status segment_writer_put_rows(struct segment_writer *writer, const int64_t *chunk_ids,
                                    const int64_t *document_ids, size_t n, struct error *err)
{
    enum status status = check_span(chunk_ids, n, err);
    if (status)
        return status;
    int64_t first = n > 0 ? chunk_ids[0] : 0;
    segment_writer_begin(writer, SEGMENT_SECTION_ROWS);
    append_uint(writer, n, 8);
    append_uint(writer, count_documents(document_ids, n), 8);
    append_uint(writer, (uint64_t)first, 8);
    append_uint(writer, 0, 8);
    for (size_t i = 0; i < n; i++)
        append_uint(writer, (uint64_t)(chunk_ids[i] - first), 4);
    append_uint(writer, 0, n % 2 ? 4 : 0);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || document_ids[i] != document_ids[i - 1])
            append_uint(writer, (uint64_t)document_ids[i], 8);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || document_ids[i] != document_ids[i - 1])
            append_uint(writer, i, 4);
    append_uint(writer, n, 4);
    return STATUS_OK;
}

static enum status put_contents(struct segment_writer *w, uint64_t *out_offset,
                                uint64_t *out_checksum, struct error *err)
{
    struct buf contents = {0};
    for (size_t i = 0; i < w->n_entries; i++) {
        const struct segment_entry *entry = &w->entries[i];
        buf_append_uint(&contents, entry->section, 8);
        buf_append_uint(&contents, entry->offset, 8);
        buf_append_uint(&contents, entry->len, 8);
        buf_append_uint(&contents, entry->checksum, 8);
    }
    enum status status = buf_status(&contents, err);
    if (!status) {
        put_padding(w);
        *out_offset = w->n_bytes;
        *out_checksum = hash64_of(contents.data, contents.len);
        put(w, contents.data, contents.len);
        flush(w);
    }
    buf_clear(&contents);
    return status;
}

static enum status put_header(struct segment_writer *w, uint64_t contents_offset,
                              uint64_t contents_checksum, struct error *err)
{
    struct buf header = {0};
    buf_append(&header, SEGMENT_MAGIC, SEGMENT_MAGIC_BYTES);
    buf_append_uint(&header, SEGMENT_VERSION, 4);
    buf_append_uint(&header, w->kind, 4);
    buf_append_uint(&header, contents_offset, 8);
    buf_append_uint(&header, w->n_bytes, 8);
    buf_append_uint(&header, contents_checksum, 8);
    buf_append_uint(&header, w->n_entries, 8);
    buf_append_uint(&header, 0, 8);
    enum status status = buf_status(&header, err);
    if (!status) {
        buf_append_uint(&header, hash64_of(header.data, SEGMENT_HEADER_SUMMED_BYTES), 8);
        status = buf_status(&header, err);
    }
    if (!status)
        status = draft_write_at(&w->draft, 0, header.data, header.len, err);
    buf_clear(&header);
    return status;
}

void segment_writer_watch(struct segment_writer *writer, const struct cancel *cancel)
{
    writer->cancel = cancel;
}

enum status segment_writer_status(const struct segment_writer *writer, struct error *err)
{
    if (writer->error.status && err)
        *err = writer->error;
    if (writer->error.status)
        return writer->error.status;
    return is_cancelled(writer->cancel) ? error_set(err, STATUS_CANCELLED, "stopped") : STATUS_OK;
}

enum status segment_writer_finish(struct segment_writer *writer, struct segment_stamp *out,
                                  struct error *err)
{
    uint64_t offset = 0, checksum = 0;
    struct file_info info = {0};
    end_section(writer);
    enum status status = put_contents(writer, &offset, &checksum, err);
    if (!status)
        status = segment_writer_status(writer, err);
    if (!status)
        status = put_header(writer, offset, checksum, err);
    if (!status)
        status = draft_publish(&writer->draft, &info, err);
    if (!status)
        *out = (struct segment_stamp){
            .size_bytes = info.size_bytes,
            .inode = info.inode,
            .mtime_ns = info.mtime_ns,
            .checksum = checksum,
        };
    return status;
}

void segment_writer_free(struct segment_writer *writer)
{
    if (!writer)
        return;
    draft_discard(&writer->draft);
    hash64_stream_free(writer->sum);
    buf_clear(&writer->pending);
    mem_free(writer);
}
