#include "nn/vocabulary.h"

#include <string.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/utf8.h"

#define N_PIECES_MAX ((size_t)0xFFFFFE) /* an id and 8 bits of hash share 32 bits */

static const char *const special_texts[VOCABULARY_N_SPECIAL] = {"[UNK]", "[CLS]", "[SEP]", "[PAD]",
                                                                "[MASK]"};

const char *vocabulary_special_text(enum vocabulary_special special)
{
    return special_texts[special];
}

/* The FNV state is weak in its low bits and the tag must not repeat the slot: spread it once. */
static uint32_t spread(uint32_t hash)
{
    hash ^= hash >> 15;
    return hash * 0x2C1B3C6Du;
}

static bool is_continuation_piece(const char *bytes, size_t len)
{
    return len > 2 && bytes[0] == '#' && bytes[1] == '#';
}

/* Line i without its end, "##" included. */
static const char *piece_bytes(const struct vocabulary *v, size_t i, size_t *out_len)
{
    const char *begin = (const char *)v->file.bytes + v->offsets[i];
    size_t len = v->offsets[i + 1] - v->offsets[i];
    if (len > 0 && begin[len - 1] == '\n')
        len--;
    if (len > 0 && begin[len - 1] == '\r')
        len--;
    *out_len = len;
    return begin;
}

static bool piece_is(const struct vocabulary *v, size_t id, bool is_continuation, const char *bytes,
                     size_t len)
{
    size_t piece_len;
    const char *piece = piece_bytes(v, id, &piece_len);
    if (is_continuation_piece(piece, piece_len) != is_continuation)
        return false;
    size_t n_skip = is_continuation ? 2 : 0;
    return piece_len - n_skip == len && memcmp(piece + n_skip, bytes, len) == 0;
}

/* The slot of the piece, or the empty slot where it belongs. */
static size_t find_slot(const struct vocabulary *v, bool is_continuation, const char *bytes,
                        size_t len, uint32_t hash)
{
    uint32_t mixed = spread(hash), tag = mixed << 24;
    size_t mask = v->n_slots - 1, i = mixed >> v->hash_shift;
    for (; v->slots[i] != 0; i = (i + 1) & mask) {
        uint32_t slot = v->slots[i];
        if ((slot & 0xFF000000u) == tag &&
            piece_is(v, (slot & 0xFFFFFFu) - 1, is_continuation, bytes, len))
            break;
    }
    return i;
}

int32_t vocabulary_find(const struct vocabulary *v, bool is_continuation, const char *bytes,
                        size_t len, uint32_t hash)
{
    uint32_t slot = v->slots[find_slot(v, is_continuation, bytes, len, hash)];
    return (int32_t)(slot & 0xFFFFFFu) - 1;
}

static uint32_t hash_of(bool is_continuation, const char *bytes, size_t len)
{
    uint32_t hash = vocabulary_hash_begin(is_continuation);
    for (size_t i = 0; i < len; i++)
        hash = vocabulary_hash_step(hash, bytes[i]);
    return hash;
}

static enum status read_lines(struct vocabulary *v, const char *path, struct error *err)
{
    const char *bytes = v->file.bytes;
    size_t n_max = 0;
    for (size_t at = 0; at < v->file.len;) {
        if (v->n_pieces >= N_PIECES_MAX)
            return error_set(err, STATUS_FORMAT, "\"%s\" line %zu: more than %zu pieces", path,
                             v->n_pieces + 1, N_PIECES_MAX);
        if (v->n_pieces + 1 >= n_max) {
            n_max = n_max ? n_max * 2 : 32768;
            uint32_t *larger = mem_resize(v->offsets, n_max, sizeof *larger);
            if (!larger)
                return error_nomem(err);
            v->offsets = larger;
        }
        const char *end = memchr(bytes + at, '\n', v->file.len - at);
        v->offsets[v->n_pieces++] = (uint32_t)at;
        at = end ? (size_t)(end - bytes) + 1 : v->file.len;
        v->offsets[v->n_pieces] = (uint32_t)at;
    }
    if (v->n_pieces == 0)
        return error_set(err, STATUS_FORMAT, "\"%s\" is empty", path);
    return STATUS_OK;
}

/* The file is valid as a whole nearly always: look for the line only when it is not. */
static enum status check_utf8(const struct vocabulary *v, const char *path, struct error *err)
{
    if (utf8_is_valid(v->file.bytes, v->file.len))
        return STATUS_OK;
    for (size_t i = 0; i < v->n_pieces; i++) {
        size_t len;
        const char *piece = piece_bytes(v, i, &len);
        if (!utf8_is_valid(piece, len))
            return error_set(err, STATUS_FORMAT, "\"%s\" line %zu: not UTF-8", path, i + 1);
    }
    return error_set(err, STATUS_FORMAT, "\"%s\" is not UTF-8", path);
}

static void note_length(struct vocabulary *v, bool is_continuation, const char *bytes, size_t len)
{
    if (len < VOCABULARY_HEAD_BYTES || len > VOCABULARY_LENGTH_MAX)
        return;
    uint32_t hash = hash_of(is_continuation, bytes, VOCABULARY_HEAD_BYTES);
    v->lengths[vocabulary_head_slot(hash)] |= 1u << len;
}

static enum status fill_table(struct vocabulary *v, const char *path, struct error *err)
{
    v->n_slots = 64;
    v->hash_shift = 32 - 6;
    while (v->n_slots < 2 * v->n_pieces) {
        v->n_slots *= 2;
        v->hash_shift--;
    }
    v->slots = mem_zalloc(v->n_slots, sizeof *v->slots);
    v->lengths = mem_zalloc(VOCABULARY_N_LENGTHS, sizeof *v->lengths);
    if (!v->slots || !v->lengths)
        return error_nomem(err);
    for (size_t id = 0; id < v->n_pieces; id++) {
        size_t len;
        const char *piece = piece_bytes(v, id, &len);
        if (len == 0)
            return error_set(err, STATUS_FORMAT, "\"%s\" line %zu: empty", path, id + 1);
        bool is_continuation = is_continuation_piece(piece, len);
        size_t n_skip = is_continuation ? 2 : 0;
        uint32_t hash = hash_of(is_continuation, piece + n_skip, len - n_skip);
        size_t i = find_slot(v, is_continuation, piece + n_skip, len - n_skip, hash);
        if (v->slots[i])
            return error_set(err, STATUS_FORMAT, "\"%s\" line %zu: the same as line %u", path,
                             id + 1, (unsigned)(v->slots[i] & 0xFFFFFFu));
        v->slots[i] = spread(hash) << 24 | (uint32_t)(id + 1);
        note_length(v, is_continuation, piece + n_skip, len - n_skip);
        if (len - n_skip > v->n_bytes_max)
            v->n_bytes_max = len - n_skip;
    }
    return STATUS_OK;
}

static enum status find_special(struct vocabulary *v, const char *path, struct error *err)
{
    for (size_t i = 0; i < VOCABULARY_N_SPECIAL; i++) {
        const char *text = special_texts[i];
        size_t len = strlen(text);
        v->special[i] = vocabulary_find(v, false, text, len, hash_of(false, text, len));
        if (v->special[i] < 0 && i <= VOCABULARY_SEP)
            return error_set(err, STATUS_FORMAT, "\"%s\" has no line \"%s\"", path, text);
    }
    return STATUS_OK;
}

enum status vocabulary_open(const char *path, struct vocabulary *out, struct error *err)
{
    struct vocabulary v = {0};
    enum status status = file_map(path, &v.file, err);
    if (!status && v.file.len > RAGGED_LIMIT_VOCAB)
        status = error_set(err, STATUS_LIMIT, "\"%s\" is larger than %zu bytes", path,
                           RAGGED_LIMIT_VOCAB);
    if (!status)
        status = read_lines(&v, path, err);
    if (!status)
        status = check_utf8(&v, path, err);
    if (!status)
        status = fill_table(&v, path, err);
    if (!status)
        status = find_special(&v, path, err);
    if (status) {
        vocabulary_close(&v);
        return status;
    }
    *out = v;
    return STATUS_OK;
}

void vocabulary_close(struct vocabulary *v)
{
    mem_free(v->offsets);
    mem_free(v->slots);
    mem_free(v->lengths);
    file_unmap(&v->file);
    *v = (struct vocabulary){0};
}
