#include "nn/trie.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/mem.h"

#define BLOCK_UNITS ((size_t)256)  /* the children of a unit are all in one block */
#define N_BLOCKS_OPEN ((size_t)16) /* how many of the last blocks are searched for room */

struct builder {
    const struct trie_key *keys; /* sorted */
    struct trie trie;
    size_t n_units_max;
    size_t first_free; /* every unit before it is taken */
    struct error *err;
};

/* Keys [first, last) begin with the same `depth` bytes, which lead to `unit`. */
struct branch {
    size_t first, last, depth;
    uint32_t unit;
};

/* Orders like the first bytes; a shorter key is filled up with zeros, which decide nothing. */
static uint64_t head_of(const struct trie_key *key)
{
    uint64_t head = 0;
    for (size_t i = 0; i < sizeof head; i++)
        head = head << 8 | (i < key->len ? (unsigned char)key->bytes[i] : 0u);
    return head;
}

static int compare_keys(const void *left, const void *right)
{
    const struct trie_key *a = left, *b = right;
    if (a->head != b->head)
        return a->head < b->head ? -1 : 1;
    int order = memcmp(a->bytes, b->bytes, size_min(a->len, b->len));
    if (order != 0)
        return order;
    if (a->len != b->len)
        return a->len < b->len ? -1 : 1;
    return (a->id > b->id) - (a->id < b->id);
}

static enum status add_block(struct builder *b)
{
    struct trie *t = &b->trie;
    void *units = t->units;
    enum status status =
        mem_reserve(&units, &b->n_units_max, t->n_units + BLOCK_UNITS, sizeof *t->units, b->err);
    t->units = units;
    if (status)
        return status;
    for (size_t i = 0; i < BLOCK_UNITS; i++)
        t->units[t->n_units + i] = (struct trie_unit){.id = -1};
    t->n_units += BLOCK_UNITS;
    return STATUS_OK;
}

static bool has_room(const struct trie *t, uint32_t base, const unsigned char *labels, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (t->units[base ^ labels[i]].parent)
            return false;
    }
    return true;
}

/* A base in the block from unit `first`. */
static bool find_base_in(const struct trie *t, size_t first, const unsigned char *labels, size_t n,
                         uint32_t *out)
{
    for (size_t i = first; i < first + BLOCK_UNITS; i++) {
        uint32_t base = (uint32_t)i ^ labels[0];
        if (!t->units[i].parent && has_room(t, base, labels, n)) {
            *out = base;
            return true;
        }
    }
    return false;
}

/* Only children, the most by far, fill what the others left free; those look in the last blocks,
 * where there is room. */
static enum status find_base(struct builder *b, const unsigned char *labels, size_t n,
                             uint32_t *out)
{
    struct trie *t = &b->trie;
    size_t n_open = n > 1 ? size_min(t->n_units / BLOCK_UNITS, N_BLOCKS_OPEN) : 0;
    for (size_t i = 1; i <= n_open; i++) {
        if (find_base_in(t, t->n_units - i * BLOCK_UNITS, labels, n, out))
            return STATUS_OK;
    }
    while (b->first_free < t->n_units && t->units[b->first_free].parent)
        b->first_free++;
    size_t at = n > 1 ? t->n_units : b->first_free;
    *out = (uint32_t)at ^ labels[0];
    return at < t->n_units ? STATUS_OK : add_block(b);
}

static unsigned char label_of(const struct builder *b, size_t key, size_t depth)
{
    return (unsigned char)b->keys[key].bytes[depth];
}

/* Where the keys with the same next byte as keys[first] end. */
static size_t end_of_label(const struct builder *b, const struct branch *branch, size_t first)
{
    size_t last = first + 1;
    while (last < branch->last &&
           label_of(b, last, branch->depth) == label_of(b, first, branch->depth))
        last++;
    return last;
}

static enum status place_children(struct builder *b, const struct branch *branch)
{
    unsigned char labels[BLOCK_UNITS];
    size_t n = 0;
    for (size_t i = branch->first; i < branch->last; i = end_of_label(b, branch, i))
        labels[n++] = label_of(b, i, branch->depth);
    uint32_t base = 0;
    enum status status = n ? find_base(b, labels, n, &base) : STATUS_OK;
    if (status)
        return status;
    b->trie.units[branch->unit].base = base;
    for (size_t i = 0; i < n; i++)
        b->trie.units[base ^ labels[i]].parent = branch->unit + 1;
    return STATUS_OK;
}

/* No deeper than TRIE_KEY_BYTES_MAX. */
static enum status build_branch(struct builder *b, struct branch branch)
{
    for (; branch.first < branch.last && b->keys[branch.first].len == branch.depth; branch.first++)
        b->trie.units[branch.unit].id = b->keys[branch.first].id;
    enum status status = place_children(b, &branch);
    for (size_t i = branch.first, last; i < branch.last && !status; i = last) {
        last = end_of_label(b, &branch, i);
        status = build_branch(b, (struct branch){.first = i,
                                                 .last = last,
                                                 .depth = branch.depth + 1,
                                                 .unit = b->trie.units[branch.unit].base ^
                                                         label_of(b, i, branch.depth)});
    }
    return status;
}

enum status trie_build(struct trie_key *keys, size_t n_keys, struct trie *out, struct error *err)
{
    struct builder b = {.keys = keys, .err = err};
    for (size_t i = 0; i < n_keys; i++)
        keys[i].head = head_of(&keys[i]);
    if (n_keys > 1)
        qsort(keys, n_keys, sizeof *keys, compare_keys);
    enum status status = add_block(&b);
    if (!status) {
        b.trie.units[0].parent = UINT32_MAX; /* taken; nobody's child */
        status = build_branch(&b, (struct branch){.last = n_keys});
    }
    if (status) {
        trie_clear(&b.trie);
        return status;
    }
    *out = b.trie;
    return STATUS_OK;
}

void trie_clear(struct trie *trie)
{
    mem_free(trie->units);
    *trie = (struct trie){0};
}
