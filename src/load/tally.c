#include "load/tally.h"

#include <string.h>

#include "base/hash.h"
#include "base/mem.h"

struct tally_slot {
    uint64_t hash;
    uint32_t n; /* 0: free */
};

uint64_t tally_hash(const void *bytes, size_t len)
{
    struct hash128 hash = hash128_of(bytes, len);
    uint64_t key;
    memcpy(&key, hash.bytes, sizeof key);
    return key;
}

static struct tally_slot *find(struct tally_slot *slots, size_t n_slots, uint64_t hash)
{
    size_t i = (size_t)hash & (n_slots - 1);
    while (slots[i].n && slots[i].hash != hash)
        i = (i + 1) & (n_slots - 1);
    return &slots[i];
}

static void grow(struct tally *tally)
{
    size_t n_slots = tally->n_slots ? tally->n_slots * 2 : 1024;
    struct tally_slot *slots = mem_zalloc(n_slots, sizeof *slots);
    if (!slots) {
        tally->failed = STATUS_NOMEM;
        return;
    }
    for (size_t i = 0; i < tally->n_slots; i++)
        if (tally->slots[i].n)
            *find(slots, n_slots, tally->slots[i].hash) = tally->slots[i];
    mem_free(tally->slots);
    tally->slots = slots;
    tally->n_slots = n_slots;
}

void tally_add(struct tally *tally, uint64_t hash)
{
    if (tally->n_used * 2 >= tally->n_slots)
        grow(tally);
    if (tally->failed)
        return;
    struct tally_slot *slot = find(tally->slots, tally->n_slots, hash);
    tally->n_used += slot->n == 0;
    slot->hash = hash;
    slot->n += slot->n < UINT32_MAX;
}

uint32_t tally_get(const struct tally *tally, uint64_t hash)
{
    return tally->n_slots ? find(tally->slots, tally->n_slots, hash)->n : 0;
}

void tally_clear(struct tally *tally)
{
    mem_free(tally->slots);
    *tally = (struct tally){0};
}
