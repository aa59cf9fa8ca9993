#include "cache/lru.h"

#include <string.h>

#include "base/mem.h"

#define SLOTS_FIRST 64

struct lru_entry {
    struct hash128 key;
    struct lru_entry *next; /* in its chain */
    struct lru_entry *newer, *older;
    size_t len;
    unsigned char bytes[];
};

/* The key is a hash already. */
static size_t slot_of(const struct lru *lru, const struct hash128 *key)
{
    size_t number;
    memcpy(&number, key->bytes, sizeof number);
    return number & (lru->n_slots - 1);
}

static struct lru_entry **find_link(const struct lru *lru, const struct hash128 *key)
{
    struct lru_entry **link = &lru->slots[slot_of(lru, key)];
    while (*link && memcmp(&(*link)->key, key, sizeof *key) != 0)
        link = &(*link)->next;
    return link;
}

static void unlist(struct lru *lru, struct lru_entry *entry)
{
    *(entry->newer ? &entry->newer->older : &lru->newest) = entry->older;
    *(entry->older ? &entry->older->newer : &lru->oldest) = entry->newer;
}

static void list_newest(struct lru *lru, struct lru_entry *entry)
{
    entry->newer = NULL;
    entry->older = lru->newest;
    *(lru->newest ? &lru->newest->newer : &lru->oldest) = entry;
    lru->newest = entry;
}

size_t lru_entry_bytes(size_t len)
{
    return sizeof(struct lru_entry) + sizeof(struct lru_entry *) + len;
}

static void drop(struct lru *lru, struct lru_entry **link)
{
    struct lru_entry *entry = *link;
    *link = entry->next;
    unlist(lru, entry);
    lru->n--;
    lru->n_bytes -= lru_entry_bytes(entry->len);
    mem_free(entry);
}

static enum status grow(struct lru *lru, struct error *err)
{
    if (lru->n < lru->n_slots)
        return STATUS_OK;
    struct lru larger = *lru;
    larger.n_slots = lru->n_slots ? 2 * lru->n_slots : SLOTS_FIRST;
    larger.slots = mem_zalloc(larger.n_slots, sizeof(struct lru_entry *));
    if (!larger.slots)
        return error_nomem(err);
    for (struct lru_entry *entry = lru->newest; entry; entry = entry->older) {
        struct lru_entry **head = &larger.slots[slot_of(&larger, &entry->key)];
        entry->next = *head;
        *head = entry;
    }
    mem_free(lru->slots);
    *lru = larger;
    return STATUS_OK;
}

bool lru_find(struct lru *lru, const struct hash128 *key, struct span *out)
{
    struct lru_entry *entry = lru->n ? *find_link(lru, key) : NULL;
    if (!entry)
        return false;
    unlist(lru, entry);
    list_newest(lru, entry);
    *out = (struct span){entry->bytes, entry->len};
    return true;
}

enum status lru_put(struct lru *lru, const struct hash128 *key, const void *bytes, size_t len,
                    struct error *err)
{
    enum status status = grow(lru, err);
    if (status)
        return status;
    struct lru_entry *entry = mem_alloc(sizeof *entry + len);
    if (!entry)
        return error_nomem(err);
    *entry = (struct lru_entry){.key = *key, .len = len};
    if (len)
        memcpy(entry->bytes, bytes, len);
    struct lru_entry **link = find_link(lru, key);
    if (*link)
        drop(lru, link);
    struct lru_entry **head = &lru->slots[slot_of(lru, key)];
    entry->next = *head;
    *head = entry;
    list_newest(lru, entry);
    lru->n++;
    lru->n_bytes += lru_entry_bytes(len);
    return STATUS_OK;
}

bool lru_drop_oldest(struct lru *lru)
{
    if (!lru->oldest)
        return false;
    drop(lru, find_link(lru, &lru->oldest->key));
    return true;
}

void lru_clear(struct lru *lru)
{
    while (lru_drop_oldest(lru))
        ;
    mem_free(lru->slots);
    *lru = (struct lru){0};
}
