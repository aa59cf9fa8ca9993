#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "lexical/index_writer.h"
#include "lexical/kernel.h"
#include "lexical/lexical_index.h"
#include "lexical/score.h"
#include "lexical/term_key.h"
#include "lexical/varint.h"

#define SLOTS_MIN 1024
#define STREAM_BYTES_MIN 16
#define TERMS_AHEAD 48 /* that are asked for while others are written */
#define STREAMS_AHEAD 24

/* Grows in the arena; what it leaves behind is at most as much as it has. */
struct stream {
    unsigned char *bytes;
    uint32_t len, n_max;
};

/* As large as a line of the cache. */
struct built_term {
    uint64_t prefix;
    const char *bytes;
    uint32_t df, last_row;
    uint8_t len;
    struct stream postings; /* varints, as in a list of the format */
    struct stream positions;
};

/* The low bits of the hash lead to it, so that growing needs nothing else. */
struct slot {
    uint32_t hash, number; /* 1 + which term; 0: free */
};

/* Of the row being added. */
struct row_entry {
    struct term_entry entry;
    uint32_t hash, i_term;
};

struct lexical_builder {
    struct lexical_params params;
    struct arena arena; /* of bytes and streams */
    struct built_term *terms;
    size_t n_terms, n_terms_max;
    struct slot *slots; /* [n_slots], a power of two */
    size_t n_slots;
    struct row_entry *entries;
    size_t n_entries, n_entries_max;
    uint16_t *lengths;
    size_t n_rows, n_rows_max;
};

enum status lexical_builder_new(struct lexical_params params, struct lexical_builder **out,
                                struct error *err)
{
    struct lexical_builder *builder = mem_zalloc(1, sizeof *builder);
    if (!builder)
        return error_nomem(err);
    builder->params = params;
    builder->n_slots = SLOTS_MIN;
    builder->slots = mem_zalloc(builder->n_slots, sizeof *builder->slots);
    if (!builder->slots) {
        mem_free(builder);
        return error_nomem(err);
    }
    *out = builder;
    return STATUS_OK;
}

void lexical_builder_free(struct lexical_builder *builder)
{
    if (!builder)
        return;
    arena_clear(&builder->arena);
    mem_free(builder->terms);
    mem_free(builder->slots);
    mem_free(builder->entries);
    mem_free(builder->lengths);
    mem_free(builder);
}

static bool stream_grow(struct stream *stream, struct arena *arena, size_t n_needed)
{
    if (n_needed > UINT32_MAX / 2)
        return false;
    size_t n_max = stream->n_max ? 2 * (size_t)stream->n_max : STREAM_BYTES_MIN;
    while (n_max < n_needed)
        n_max *= 2;
    unsigned char *grown = arena_alloc(arena, n_max);
    if (!grown)
        return false;
    if (stream->len > 0)
        memcpy(grown, stream->bytes, stream->len);
    stream->bytes = grown;
    stream->n_max = (uint32_t)n_max;
    return true;
}

static inline bool stream_append(struct stream *stream, struct arena *arena,
                                 const unsigned char *bytes, size_t len)
{
    if (stream->len + len > stream->n_max && !stream_grow(stream, arena, stream->len + len))
        return false;
    unsigned char *to = stream->bytes + stream->len;
    if (len == 1)
        *to = *bytes;
    else
        memcpy(to, bytes, len);
    stream->len += (uint32_t)len;
    return true;
}

static void insert(struct slot *slots, size_t n_slots, struct slot slot)
{
    size_t i = slot.hash & (n_slots - 1);
    while (slots[i].number)
        i = (i + 1) & (n_slots - 1);
    slots[i] = slot;
}

static enum status grow_slots(struct lexical_builder *builder, struct error *err)
{
    struct slot *slots = mem_zalloc(2 * builder->n_slots, sizeof *slots);
    if (!slots)
        return error_nomem(err);
    for (size_t i = 0; i < builder->n_slots; i++)
        if (builder->slots[i].number)
            insert(slots, 2 * builder->n_slots, builder->slots[i]);
    mem_free(builder->slots);
    builder->slots = slots;
    builder->n_slots *= 2;
    return STATUS_OK;
}

static enum status add_term(struct lexical_builder *builder, struct row_entry *from,
                            struct error *err)
{
    const struct term_entry *entry = &from->entry;
    enum status status = STATUS_OK;
    if (builder->n_terms >= UINT32_MAX - 1)
        return error_set(err, STATUS_LIMIT, "more than %zu different words", builder->n_terms);
    if (2 * builder->n_terms >= builder->n_slots)
        status = grow_slots(builder, err);
    void *terms = builder->terms;
    if (!status)
        status = mem_reserve(&terms, &builder->n_terms_max, builder->n_terms + 1,
                             sizeof *builder->terms, err);
    builder->terms = terms;
    const char *bytes =
        status ? NULL : arena_text(&builder->arena, (const char *)entry->term, entry->len);
    if (!bytes)
        return status ? status : error_nomem(err);
    from->i_term = (uint32_t)builder->n_terms++;
    builder->terms[from->i_term] = (struct built_term){.prefix = entry->prefix,
                                                       .bytes = bytes,
                                                       .len = (uint8_t)entry->len,
                                                       .last_row = UINT32_MAX};
    insert(builder->slots, builder->n_slots, (struct slot){from->hash, from->i_term + 1});
    return STATUS_OK;
}

static enum status find_term(struct lexical_builder *builder, struct row_entry *from,
                             struct error *err)
{
    const struct term_entry *entry = &from->entry;
    size_t i = from->hash & (builder->n_slots - 1);
    for (; builder->slots[i].number; i = (i + 1) & (builder->n_slots - 1)) {
        if (builder->slots[i].hash != from->hash)
            continue;
        const struct built_term *term = &builder->terms[builder->slots[i].number - 1];
        if (terms_are_equal(term->bytes, term->prefix, term->len, entry->term, entry->prefix,
                            entry->len)) {
            from->i_term = builder->slots[i].number - 1;
            return STATUS_OK;
        }
    }
    return add_term(builder, from, err);
}

/* The terms of a row lie anywhere in memory. Each step asks for what the next one reads, for all
 * entries, before any of them waits. */
static enum status find_terms(struct lexical_builder *builder, struct error *err)
{
    struct row_entry *entries = builder->entries, *end = entries + builder->n_entries;
    enum status status = STATUS_OK;
    for (struct row_entry *e = entries; e < end; e++) {
        const struct slot *slot = &builder->slots[e->hash & (builder->n_slots - 1)];
        if (slot->number)
            __builtin_prefetch(&builder->terms[slot->number - 1], 1);
    }
    for (struct row_entry *e = entries; e < end && !status; e++) {
        status = find_term(builder, e, err);
        if (status)
            break;
        const struct built_term *term = &builder->terms[e->i_term];
        if (term->df > 0) {
            __builtin_prefetch(term->postings.bytes + term->postings.len, 1);
            __builtin_prefetch(term->positions.bytes + term->positions.len, 1);
        }
    }
    return status;
}

static enum status damaged(const struct lexical_builder *builder, struct error *err)
{
    return error_set(err, STATUS_DAMAGED, "the words of passage row %zu are damaged",
                     builder->n_rows);
}

static enum status read_entries(struct lexical_builder *builder, struct span_reader *reader,
                                struct error *err)
{
    struct term_entry entry;
    builder->n_entries = 0;
    while (term_entry_read(reader, &entry)) {
        void *entries = builder->entries;
        enum status status = mem_reserve(&entries, &builder->n_entries_max, builder->n_entries + 1,
                                         sizeof *builder->entries, err);
        builder->entries = entries;
        if (status)
            return status;
        uint32_t hash = term_hash(entry.term, entry.prefix, entry.len);
        __builtin_prefetch(&builder->slots[hash & (builder->n_slots - 1)]);
        builder->entries[builder->n_entries++] = (struct row_entry){.entry = entry, .hash = hash};
    }
    return reader->is_short ? damaged(builder, err) : STATUS_OK;
}

/* The next tf positions, of which the first tf_clamp(tf) are kept; zeros when there are none. */
static bool append_positions(struct lexical_builder *builder, struct built_term *term, uint64_t tf,
                             struct span_reader *positions)
{
    static const unsigned char zeros[256];
    uint32_t n_kept = tf_clamp(tf);
    if (!positions->at) {
        bool is_done = true;
        for (uint32_t n; n_kept > 0 && is_done; n_kept -= n) {
            n = n_kept < sizeof zeros ? n_kept : (uint32_t)sizeof zeros;
            is_done = stream_append(&term->positions, &builder->arena, zeros, n);
        }
        return is_done;
    }
    const unsigned char *start = positions->at, *end;
    varints_skip(positions, n_kept);
    end = positions->at;
    varints_skip(positions, tf - n_kept);
    return positions->is_short ||
           stream_append(&term->positions, &builder->arena, start, (size_t)(end - start));
}

static enum status add_posting(struct lexical_builder *builder, const struct row_entry *from,
                               struct span_reader *positions, struct error *err)
{
    struct built_term *term = &builder->terms[from->i_term];
    uint32_t row = (uint32_t)builder->n_rows, tf = tf_clamp(from->entry.tf);
    if (term->df > 0 && term->last_row == row)
        return damaged(builder, err);
    unsigned char bytes[2 * VARINT_BYTES_MAX];
    uint64_t gap = row - term->last_row - 1;
    size_t n = varint_write((uint64_t)(uint32_t)gap << 1 | (tf > 1), bytes);
    if (tf > 1)
        n += varint_write(tf - 2, bytes + n);
    term->last_row = row;
    term->df++;
    if (!stream_append(&term->postings, &builder->arena, bytes, n) ||
        !append_positions(builder, term, from->entry.tf, positions))
        return error_nomem(err);
    return positions->is_short ? damaged(builder, err) : STATUS_OK;
}

enum status lexical_builder_add(struct lexical_builder *builder, const void *blob, size_t len,
                                uint32_t n_terms, struct error *err)
{
    if (builder->n_rows >= SEGMENT_N_ROWS_MAX)
        return error_set(err, STATUS_LIMIT, "more than %zu passage rows", builder->n_rows);
    void *lengths = builder->lengths;
    enum status status = mem_reserve(&lengths, &builder->n_rows_max, builder->n_rows + 1,
                                     sizeof *builder->lengths, err);
    builder->lengths = lengths;
    struct span_reader reader = span_reader_init(blob, len);
    if (!status)
        status = read_entries(builder, &reader, err);
    if (reader.n_left > 0)
        span_take_u8(&reader);
    else
        reader.at = NULL;
    if (!status)
        status = find_terms(builder, err);
    for (size_t i = 0; i < builder->n_entries && !status; i++)
        status = add_posting(builder, &builder->entries[i], &reader, err);
    if (!status)
        builder->lengths[builder->n_rows++] = (uint16_t)length_clamp(n_terms);
    return status;
}

static void read_postings(const struct built_term *term, uint32_t *rows, uint32_t *tfs)
{
    struct span_reader reader = span_reader_init(term->postings.bytes, term->postings.len);
    uint32_t row = UINT32_MAX;
    for (size_t i = 0; i < term->df; i++) {
        uint64_t code = varint_take(&reader);
        row += (uint32_t)(code >> 1) + 1;
        rows[i] = row;
        tfs[i] = code & 1 ? (uint32_t)varint_take(&reader) + 2 : 1;
    }
}

static uint64_t sum_of_block(const uint32_t *tfs)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < BLOCK_POSTINGS; i++)
        sum += tfs[i];
    return sum;
}

/* Where each posting's positions end matters from one block to the next only. */
static void write_positions_of(const struct built_term *term, const uint32_t *tfs,
                               struct position_writer *writer)
{
    struct span_reader reader = span_reader_init(term->positions.bytes, term->positions.len);
    for (size_t i = 0; i + BLOCK_POSTINGS < term->df; i += BLOCK_POSTINGS) {
        const unsigned char *start = reader.at;
        varints_skip(&reader, sum_of_block(tfs + i));
        position_writer_add(writer, start, (size_t)(reader.at - start));
        position_writer_end_block(writer);
    }
    position_writer_add(writer, reader.at, reader.n_left);
    position_writer_end_list(writer);
}

/* Streams lie anywhere in memory. */
static void prefetch_term(const struct lexical_builder *builder, const struct term_key *keys,
                          size_t i)
{
    if (i + TERMS_AHEAD < builder->n_terms)
        __builtin_prefetch(&builder->terms[keys[i + TERMS_AHEAD].i]);
    if (i + STREAMS_AHEAD < builder->n_terms) {
        const struct built_term *term = &builder->terms[keys[i + STREAMS_AHEAD].i];
        __builtin_prefetch(term->bytes);
        __builtin_prefetch(term->postings.bytes);
        __builtin_prefetch(term->positions.bytes);
    }
}

enum status lexical_builder_write(struct lexical_builder *builder, struct segment_writer *writer,
                                  struct error *err)
{
    struct index_writer index = {0};
    struct position_writer positions = {0};
    uint32_t *rows = mem_array(builder->n_rows, sizeof *rows);
    uint32_t *tfs = mem_array(builder->n_rows, sizeof *tfs);
    struct term_key *keys = mem_array(builder->n_terms, sizeof *keys);
    enum status status = rows && tfs && keys ? STATUS_OK : error_nomem(err);
    if (status)
        goto done;
    for (size_t i = 0; i < builder->n_terms; i++)
        keys[i] = term_key_of(builder->terms[i].bytes, builder->terms[i].len, i);
    term_keys_sort(keys, builder->n_terms);
    index_writer_init(&index, writer, builder->lengths, builder->n_rows, builder->params);
    position_writer_init(&positions);
    for (size_t i = 0; i < builder->n_terms; i++) {
        const struct built_term *term = &builder->terms[keys[i].i];
        prefetch_term(builder, keys, i);
        read_postings(term, rows, tfs);
        index_writer_add(&index, term->bytes, term->len, rows, tfs, term->df);
        write_positions_of(term, tfs, &positions);
    }
    status = index_writer_finish(&index, err);
    if (status)
        goto done;
    position_writer_begin(&positions, writer);
    status = position_writer_finish(&positions, err);
done:
    index_writer_clear(&index);
    position_writer_clear(&positions);
    mem_free(rows);
    mem_free(tfs);
    mem_free(keys);
    return status;
}
