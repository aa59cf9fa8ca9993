#include "nn/lattice.h"

#include <string.h>

#include "base/utf8.h"

static void begin_word(struct lattice *l)
{
    l->n_bytes = l->n_done = 0;
    l->scores[0] = 0;
    l->is_after_unknown = false;
}

void lattice_init(struct lattice *lattice, const struct unigram *unigram, int32_t *out_ids,
                  size_t n_max)
{
    lattice->unigram = unigram;
    lattice->out_ids = out_ids;
    lattice->n_ids = 0;
    lattice->n_max = n_max;
    begin_word(lattice);
}

void lattice_emit(struct lattice *lattice, int32_t id)
{
    if (lattice_is_full(lattice))
        return;
    if (lattice->out_ids)
        lattice->out_ids[lattice->n_ids] = id;
    lattice->n_ids++;
}

static void offer(struct lattice *l, size_t from, size_t end, int32_t id, double score)
{
    double sum = score + l->scores[from];
    if (l->lengths[end] && sum <= l->scores[end])
        return;
    l->scores[end] = sum;
    l->ids[end] = id;
    l->lengths[end] = (uint16_t)(end - from);
}

static size_t char_length(char first)
{
    unsigned char c = (unsigned char)first;
    return c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
}

/* All pieces that begin at `from`; a character that is no piece is an unknown one. */
static void extend(struct lattice *l, size_t from)
{
    const struct unigram *u = l->unigram;
    size_t n_char = char_length(l->bytes[from]);
    bool has_char = false;
    uint32_t unit = 0;
    for (size_t at = from; at < l->n_bytes; at++) {
        unit = trie_step(&u->pieces, unit, (unsigned char)l->bytes[at]);
        if (unit == 0)
            break;
        int32_t id = u->pieces.units[unit].id;
        if (id < 0)
            continue;
        offer(l, from, at + 1, id, u->scores[id]);
        has_char = has_char || at + 1 == from + n_char;
    }
    if (!has_char)
        offer(l, from, from + n_char, u->unknown, u->unknown_score);
}

/* Until fewer than n_ahead bytes are left; whole characters are in the window. */
static void advance(struct lattice *l, size_t n_ahead)
{
    while (l->n_done < l->n_bytes && l->n_bytes - l->n_done >= n_ahead) {
        extend(l, l->n_done);
        l->n_done += char_length(l->bytes[l->n_done]);
    }
}

/* The way that ends at `end`, first piece first: the lengths are turned round on the way back, so
 * that a piece's is found where it begins. */
static void emit_way(struct lattice *l, size_t end)
{
    uint16_t next = 0;
    for (size_t at = end; at > 0;) {
        uint16_t len = l->lengths[at];
        l->lengths[at] = next;
        next = len;
        at -= len;
    }
    for (size_t at = next; next; next = l->lengths[at], at += next) {
        bool is_unknown = l->ids[at] == l->unigram->unknown;
        if (!is_unknown || !l->is_after_unknown)
            lattice_emit(l, l->ids[at]);
        l->is_after_unknown = is_unknown;
    }
}

/* Where the ways to every byte from n_done on meet. */
static size_t common_beginning(const struct lattice *l)
{
    bool is_live[LATTICE_BYTES + 1] = {false};
    size_t n_live = 0;
    for (size_t at = l->n_done; at <= l->n_bytes; at++) {
        is_live[at] = l->lengths[at] != 0;
        n_live += is_live[at];
    }
    size_t at = l->n_bytes;
    for (; n_live > 1; at--) {
        if (!is_live[at])
            continue;
        size_t from = at - l->lengths[at];
        n_live -= is_live[from];
        is_live[from] = true;
    }
    while (!is_live[at])
        at--;
    return at;
}

/* Makes room: what is decided goes out. */
static void shift(struct lattice *l)
{
    advance(l, l->unigram->n_bytes_max + 4);
    size_t n = common_beginning(l);
    if (n == 0)
        n = l->n_done;
    size_t n_left = l->n_bytes - n;
    for (size_t at = n + 1; at <= l->n_bytes; at++) {
        if (l->lengths[at] > at - n)
            l->lengths[at] = 0;
    }
    emit_way(l, n);
    memmove(l->bytes, l->bytes + n, n_left);
    memmove(l->scores, l->scores + n, (n_left + 1) * sizeof *l->scores);
    memmove(l->ids, l->ids + n, (n_left + 1) * sizeof *l->ids);
    memmove(l->lengths, l->lengths + n, (n_left + 1) * sizeof *l->lengths);
    l->n_bytes = n_left;
    l->n_done -= n;
}

void lattice_add(struct lattice *lattice, uint32_t codepoint)
{
    if (lattice->n_bytes + 4 > LATTICE_BYTES)
        shift(lattice);
    size_t n = utf8_encode(codepoint, lattice->bytes + lattice->n_bytes);
    for (size_t i = 1; i <= n; i++)
        lattice->lengths[lattice->n_bytes + i] = 0;
    lattice->n_bytes += n;
}

void lattice_end(struct lattice *lattice)
{
    if (lattice->n_bytes == 0)
        return;
    advance(lattice, 0);
    emit_way(lattice, lattice->n_bytes);
    begin_word(lattice);
}
