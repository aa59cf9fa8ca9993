#include "lexical/index_writer.h"
#include "lexical/varint.h"

void position_writer_init(struct position_writer *writer)
{
    struct buf held = {.limit_bytes = UINT32_MAX};
    *writer = (struct position_writer){
        .list = held,
        .places = held,
        .groups = {.limit_bytes = SIZE_MAX},
        .waiting = {.limit_bytes = SIZE_MAX},
    };
}

void position_writer_begin(struct position_writer *writer, struct segment_writer *out)
{
    writer->out = out;
    segment_writer_begin(out, INDEX_POSITIONS);
}

void position_writer_add(struct position_writer *writer, const void *varints, size_t len)
{
    buf_append(&writer->list, varints, len);
}

void position_writer_end_block(struct position_writer *writer)
{
    uint32_t place = (uint32_t)writer->list.len;
    buf_append(&writer->places, &place, sizeof place);
}

static void write_waiting(struct position_writer *writer)
{
    if (!writer->failed)
        writer->failed = buf_status(&writer->waiting, NULL);
    segment_writer_append(writer->out, buf_text(&writer->waiting), writer->waiting.len);
    buf_reset(&writer->waiting);
}

void position_writer_end_list(struct position_writer *writer)
{
    unsigned char size[VARINT_BYTES_MAX];
    size_t n_bytes = writer->places.len + writer->list.len, n_size = varint_write(n_bytes, size);
    if (writer->n_lists % GROUP_TERMS == 0)
        buf_append(&writer->groups, &writer->offset, sizeof writer->offset);
    if (!writer->failed)
        writer->failed = buf_status(&writer->list, NULL);
    if (!writer->failed)
        writer->failed = buf_status(&writer->places, NULL);
    buf_append(&writer->waiting, size, n_size);
    buf_append(&writer->waiting, buf_text(&writer->places), writer->places.len);
    buf_append(&writer->waiting, buf_text(&writer->list), writer->list.len);
    if (writer->out && writer->waiting.len >= WAITING_BYTES)
        write_waiting(writer);
    writer->offset += n_size + n_bytes;
    writer->n_lists++;
    buf_reset(&writer->list);
    buf_reset(&writer->places);
}

enum status position_writer_finish(struct position_writer *writer, struct error *err)
{
    if (!writer->failed)
        writer->failed = buf_status(&writer->groups, NULL);
    write_waiting(writer);
    segment_writer_begin(writer->out, INDEX_POSITION_GROUPS);
    segment_writer_append(writer->out, buf_text(&writer->groups), writer->groups.len);
    if (writer->failed == STATUS_LIMIT)
        return error_set(err, STATUS_LIMIT, "the positions of one word pass 4 GiB");
    return writer->failed ? error_nomem(err) : STATUS_OK;
}

void position_writer_clear(struct position_writer *writer)
{
    buf_clear(&writer->list);
    buf_clear(&writer->places);
    buf_clear(&writer->groups);
    buf_clear(&writer->waiting);
}
