#include "lexical/index_writer.h"

#include <math.h>
#include <string.h>

#include "base/limits.h"
#include "lexical/kernel.h"
#include "lexical/varint.h"

/* A dictionary of this size belongs to tens of millions of passages. */
#define HELD_BACK_MAX ((size_t)16 * 1024 * RAGGED_MIB)

static uint64_t sum_of(const uint16_t *lengths, size_t n)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += lengths[i];
    return sum;
}

void index_writer_init(struct index_writer *writer, struct segment_writer *out,
                       const uint16_t *lengths, size_t n_rows, struct lexical_params params)
{
    static const uint16_t none = 0;
    struct buf held = {.limit_bytes = HELD_BACK_MAX};
    *writer = (struct index_writer){
        .out = out,
        .lengths = lengths,
        .n_rows = n_rows,
        .n_terms = sum_of(lengths, n_rows),
        .params = params,
        .terms = held,
        .groups = held,
        .block_rows = held,
        .block_places = held,
        .block_widths = held,
        .block_impacts = held,
        .postings = held,
    };
    double mean = writer->n_terms ? (double)writer->n_terms / (double)n_rows : 1;
    writer->length_base = (float)(params.k1 * (1 - params.b));
    writer->length_slope = (float)(params.k1 * params.b / mean);
    segment_writer_begin(out, INDEX_LENGTHS);
    segment_writer_append(out, lengths, n_rows * sizeof *lengths);
    segment_writer_append(out, &none, sizeof none);
    segment_writer_begin(out, INDEX_POSTINGS);
}

static void append_u64(struct buf *out, uint64_t value)
{
    buf_append(out, &value, sizeof value);
}

static void begin_group(struct index_writer *writer, const void *term, size_t len)
{
    unsigned char bytes[8] = {0};
    uint64_t prefix = 0;
    memcpy(bytes, term, len < sizeof bytes ? len : sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++)
        prefix = prefix << 8 | bytes[i];
    append_u64(&writer->groups, prefix);
    append_u64(&writer->groups, writer->terms.len);
    append_u64(&writer->groups, writer->postings_offset);
    append_u64(&writer->groups, writer->n_blocks);
    writer->last_len = 0;
}

static void append_term(struct index_writer *writer, const void *term, size_t len, size_t df)
{
    unsigned char entry[2 + TERM_BYTES_MAX + VARINT_BYTES_MAX];
    size_t n_shared = 0;
    if (writer->n_lists % GROUP_TERMS == 0)
        begin_group(writer, term, len);
    while (n_shared < writer->last_len && n_shared < len &&
           writer->last_term[n_shared] == ((const char *)term)[n_shared])
        n_shared++;
    entry[0] = (unsigned char)n_shared;
    entry[1] = (unsigned char)(len - n_shared);
    memcpy(entry + 2, (const char *)term + n_shared, len - n_shared);
    buf_append(&writer->terms, entry,
               2 + len - n_shared + varint_write(df, entry + 2 + len - n_shared));
    memcpy(writer->last_term, term, len);
    writer->last_len = len;
    writer->n_lists++;
}

/* At most BLOCK_POSTINGS. */
static void append_varints(struct buf *out, uint32_t before, const uint32_t *rows,
                           const uint32_t *tfs, size_t n)
{
    unsigned char bytes[2 * VARINT_BYTES_MAX * BLOCK_POSTINGS];
    size_t len = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t gap = rows[i] - before - 1;
        before = rows[i];
        len += varint_write(gap << 1 | (tfs[i] > 1), bytes + len);
        if (tfs[i] > 1)
            len += varint_write(tfs[i] - 2, bytes + len);
    }
    buf_append(out, bytes, len);
}

static void append_packed(struct index_writer *writer, uint32_t before, const uint32_t *rows,
                          const uint32_t *tfs)
{
    uint32_t gaps[BLOCK_POSTINGS], more[BLOCK_POSTINGS];
    unsigned char packed[16 * BLOCK_WIDTH_MAX];
    for (size_t i = 0; i < BLOCK_POSTINGS; i++) {
        gaps[i] = rows[i] - before - 1;
        more[i] = tfs[i] - 1;
        before = rows[i];
    }
    unsigned gap_width = block_width(gaps), tf_width = block_width(more);
    block_pack(gaps, gap_width, packed);
    buf_append(&writer->postings, packed, (size_t)16 * gap_width);
    block_pack(more, tf_width, packed);
    buf_append(&writer->postings, packed, (size_t)16 * tf_width);
    buf_append_char(&writer->block_widths, (char)gap_width);
    buf_append_char(&writer->block_widths, (char)tf_width);
}

static float best_impact(const struct index_writer *writer, const uint32_t *rows,
                         const uint32_t *tfs, size_t n)
{
    float best = 0;
    for (size_t i = 0; i < n; i++) {
        float tf = (float)tfs[i], length = (float)writer->lengths[rows[i]];
        float impact = tf / (tf + (writer->length_base + writer->length_slope * length));
        best = impact > best ? impact : best;
    }
    return best;
}

/* Returns the list's best impact. */
static float append_blocks(struct index_writer *writer, const uint32_t *rows, const uint32_t *tfs,
                           size_t n)
{
    float best = best_impact(writer, rows, tfs, n);
    for (size_t at = 0; at < n; at += BLOCK_POSTINGS) {
        size_t n_block = n - at < BLOCK_POSTINGS ? n - at : BLOCK_POSTINGS;
        uint32_t before = at > 0 ? rows[at - 1] : UINT32_MAX;
        uint32_t place = (uint32_t)((writer->postings.len - writer->list_start) / PLACE_BYTES);
        float share = best_impact(writer, rows + at, tfs + at, n_block) / best;
        float step = ceilf(share * IMPACT_STEPS);
        buf_append(&writer->block_rows, &rows[at + n_block - 1], sizeof *rows);
        buf_append(&writer->block_places, &place, sizeof place);
        buf_append_char(&writer->block_impacts,
                        (char)(unsigned char)(step < IMPACT_STEPS ? step : IMPACT_STEPS));
        if (n_block == BLOCK_POSTINGS) {
            append_packed(writer, before, rows + at, tfs + at);
        } else {
            append_varints(&writer->postings, before, rows + at, tfs + at, n_block);
            buf_append(&writer->block_widths, "\0", 2);
        }
        writer->n_blocks++;
    }
    return best;
}

static void write_waiting(struct index_writer *writer)
{
    if (!writer->failed)
        writer->failed = buf_status(&writer->postings, NULL);
    segment_writer_append(writer->out, buf_text(&writer->postings), writer->postings.len);
    buf_reset(&writer->postings);
}

void index_writer_add(struct index_writer *writer, const void *term, size_t len,
                      const uint32_t *rows, const uint32_t *tfs, size_t n)
{
    append_term(writer, term, len, n);
    if (n <= INLINE_POSTINGS_MAX) {
        append_varints(&writer->terms, UINT32_MAX, rows, tfs, n);
        return;
    }
    float impact = 0;
    writer->list_start = writer->postings.len;
    if (n < BLOCK_POSTINGS)
        append_varints(&writer->postings, UINT32_MAX, rows, tfs, n);
    else
        impact = append_blocks(writer, rows, tfs, n);
    size_t n_bytes = writer->postings.len - writer->list_start;
    writer->postings_offset += n_bytes;
    buf_append_varint(&writer->terms, n_bytes);
    if (n >= BLOCK_POSTINGS)
        buf_append(&writer->terms, &impact, sizeof impact);
    if (writer->postings.len >= WAITING_BYTES)
        write_waiting(writer);
}

static void write_info(struct index_writer *writer)
{
    double mean = writer->n_terms ? (double)writer->n_terms / (double)writer->n_rows : 1;
    struct buf info = {0};
    uint32_t version = INDEX_VERSION, n_rows = (uint32_t)writer->n_rows;
    buf_append(&info, &version, sizeof version);
    buf_append(&info, &n_rows, sizeof n_rows);
    append_u64(&info, writer->n_terms);
    append_u64(&info, writer->n_lists);
    append_u64(&info, writer->n_blocks);
    buf_append(&info, &writer->params.k1, sizeof writer->params.k1);
    buf_append(&info, &writer->params.b, sizeof writer->params.b);
    buf_append(&info, &mean, sizeof mean);
    append_u64(&info, 0);
    if (!writer->failed)
        writer->failed = buf_status(&info, NULL);
    segment_writer_begin(writer->out, INDEX_INFO);
    segment_writer_append(writer->out, buf_text(&info), info.len);
    buf_clear(&info);
}

enum status index_writer_finish(struct index_writer *writer, struct error *err)
{
    const struct {
        enum index_section section;
        const struct buf *held;
    } parts[] = {
        {INDEX_TERMS, &writer->terms},
        {INDEX_GROUPS, &writer->groups},
        {INDEX_BLOCK_ROWS, &writer->block_rows},
        {INDEX_BLOCK_PLACES, &writer->block_places},
        {INDEX_BLOCK_WIDTHS, &writer->block_widths},
        {INDEX_BLOCK_IMPACTS, &writer->block_impacts},
    };
    write_waiting(writer);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (!writer->failed)
            writer->failed = buf_status(parts[i].held, NULL);
        segment_writer_begin(writer->out, parts[i].section);
        segment_writer_append(writer->out, buf_text(parts[i].held), parts[i].held->len);
    }
    write_info(writer);
    return writer->failed ? error_nomem(err) : STATUS_OK;
}

void index_writer_clear(struct index_writer *writer)
{
    buf_clear(&writer->terms);
    buf_clear(&writer->groups);
    buf_clear(&writer->block_rows);
    buf_clear(&writer->block_places);
    buf_clear(&writer->block_widths);
    buf_clear(&writer->block_impacts);
    buf_clear(&writer->postings);
}
