#include "base/operation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/board.h"
#include "base/clock.h"
#include "base/file.h"

#define READ_ATTEMPTS 100
#define STAT_BYTES_MAX 4096

/* A process id comes again; with the time the process started it does not. 0: no such process. */
static unsigned long long identify(pid_t pid)
{
    char path[64];
    struct buf text = {0};
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    if (file_read(path, STAT_BYTES_MAX, &text, NULL)) {
        buf_clear(&text);
        return 0;
    }
    const char *at = strrchr(buf_text(&text), ')'); /* the program's name may hold blanks */
    for (int field = 2; at && field < 22; field++)
        at = strchr(at + 1, ' ');
    unsigned long long start = at ? strtoull(at, NULL, 10) : 0;
    buf_clear(&text);
    return (unsigned long long)pid << 40 | (start & 0xFFFFFFFFFFull);
}

bool operation_owner_is_alive(unsigned long long owner)
{
    return identify((pid_t)(owner >> 40)) == owner;
}

static void clean_text(char *text, size_t n_max)
{
    text[n_max - 1] = '\0';
    for (; *text; text++)
        if (*text < ' ' || *text > '~')
            *text = '?';
}

void operation_clean(struct operation *operation)
{
    clean_text(operation->name, sizeof operation->name);
    clean_text(operation->stage, sizeof operation->stage);
    clean_text(operation->memory_state, sizeof operation->memory_state);
}

static struct board_slot *slot_of(int slot)
{
    return slot >= 0 && slot < OPERATION_SLOTS ? &board_get()->slots[slot] : NULL;
}

_Static_assert(sizeof(struct operation) % sizeof(uint64_t) == 0, "it is kept in whole words");

static void put(struct board_slot *slot, const struct operation *operation)
{
    uint64_t words[BOARD_OPERATION_WORDS];
    memcpy(words, operation, sizeof words);
    atomic_fetch_add(&slot->version, 1);
    for (int i = 0; i < BOARD_OPERATION_WORDS; i++)
        atomic_store(&slot->words[i], words[i]);
    atomic_fetch_add(&slot->version, 1);
}

/* A writer that died in the middle leaves an odd version for ever. */
static bool get(struct board_slot *slot, struct operation *out)
{
    uint64_t words[BOARD_OPERATION_WORDS];
    for (int attempt = 0; attempt < READ_ATTEMPTS; attempt++) {
        unsigned long long before = atomic_load(&slot->version);
        for (int i = 0; i < BOARD_OPERATION_WORDS; i++)
            words[i] = atomic_load(&slot->words[i]);
        if (before % 2 || atomic_load(&slot->version) != before)
            continue;
        memcpy(out, words, sizeof words);
        operation_clean(out);
        return true;
    }
    return false;
}

int operation_begin(const char *name)
{
    unsigned long long own = identify(getpid());
    struct board *board = board_get();
    for (int i = 0; i < OPERATION_SLOTS && own; i++) {
        struct board_slot *slot = &board->slots[i];
        unsigned long long owner = atomic_load(&slot->owner);
        if (owner && operation_owner_is_alive(owner))
            continue;
        if (!atomic_compare_exchange_strong(&slot->owner, &owner, own))
            continue;
        struct operation operation = {.started_ms = clock_wall_ms(), .eta_ms = -1};
        operation.updated_ms = operation.started_ms;
        snprintf(operation.name, sizeof operation.name, "%s", name);
        atomic_store(&slot->version, (atomic_load(&slot->version) + 1) & ~1ull);
        put(slot, &operation);
        return i;
    }
    return -1;
}

void operation_update(int slot, const struct operation *now)
{
    struct board_slot *at = slot_of(slot);
    struct operation shown;
    if (!at || !get(at, &shown))
        return;
    struct operation operation = *now;
    memcpy(operation.name, shown.name, sizeof operation.name);
    operation.started_ms = shown.started_ms;
    operation.updated_ms = clock_wall_ms();
    put(at, &operation);
}

void operation_end(int slot)
{
    struct board_slot *at = slot_of(slot);
    if (at)
        atomic_store(&at->owner, 0);
}

void operation_each(void (*each)(void *ctx, int64_t process_id, const struct operation *operation),
                    void *ctx)
{
    struct board *board = board_get();
    for (int i = 0; i < OPERATION_SLOTS; i++) {
        struct board_slot *slot = &board->slots[i];
        unsigned long long owner = atomic_load(&slot->owner);
        if (!owner)
            continue;
        struct operation operation;
        if (!operation_owner_is_alive(owner))
            atomic_compare_exchange_strong(&slot->owner, &owner, 0);
        else if (get(slot, &operation))
            each(ctx, (int64_t)(owner >> 40), &operation);
    }
}
