/* nn/trie.h - byte strings to ids, found one byte at a time: a double array, in which the child of
 * unit u for byte c is unit base[u] ^ c, if its parent is u. Immutable once built: any thread. A
 * zeroed trie is valid, empty and finds nothing. */
#ifndef RAGGED_NN_TRIE_H
#define RAGGED_NN_TRIE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#define TRIE_KEY_BYTES_MAX ((size_t)1024)

struct trie_key {
    const char *bytes; /* borrowed while the trie is built */
    size_t len;        /* 1 .. TRIE_KEY_BYTES_MAX */
    int32_t id;        /* >= 0 */
    uint64_t head;     /* set by trie_build(): the first bytes, for sorting */
};

struct trie_unit {
    uint32_t base;
    uint32_t parent; /* index + 1; 0: free */
    int32_t id;      /* -1: no key ends here */
};

struct trie {
    struct trie_unit *units; /* [n_units], owned; 0 is the root */
    size_t n_units;
};

/* Sorts `keys`. Of equal keys the one with the largest id counts. NOMEM only. */
enum status trie_build(struct trie_key *keys, size_t n_keys, struct trie *out,
                       struct error *err) MUST_USE;
void trie_clear(struct trie *trie);

/* The child of `unit` (the root is 0) for `byte`; 0: none. The trie is not empty. */
static inline uint32_t trie_step(const struct trie *trie, uint32_t unit, unsigned char byte)
{
    uint32_t next = trie->units[unit].base ^ byte;
    return trie->units[next].parent == unit + 1 ? next : 0;
}

#endif
