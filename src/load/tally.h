/* load/tally.h - how often each hash was seen. Two texts with one hash count as one: good enough
 * for guesses about words and page headers. One thread at a time; zeroed is valid. */
#ifndef RAGGED_LOAD_TALLY_H
#define RAGGED_LOAD_TALLY_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct tally_slot;

struct tally {
    struct tally_slot *slots; /* [n_slots], a power of two, owned */
    size_t n_slots, n_used;
    enum status failed; /* sticky: STATUS_NOMEM */
};

/* A key for any bytes. */
uint64_t tally_hash(const void *bytes, size_t len);

void tally_add(struct tally *tally, uint64_t hash);
uint32_t tally_get(const struct tally *tally, uint64_t hash);
void tally_clear(struct tally *tally);

#endif
