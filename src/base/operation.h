/* base/operation.h - what the processes of a data directory are doing now, for whoever wants to
 * see it: a few slots of the board, one for each running operation. Any thread. */
#ifndef RAGGED_BASE_OPERATION_H
#define RAGGED_BASE_OPERATION_H

#include <stdbool.h>
#include <stdint.h>

enum { OPERATION_SLOTS = 64 };

struct operation {
    char name[24], stage[24];       /* "add", "vectors"; fixed words, nothing of the user's */
    int64_t started_ms, updated_ms; /* wall clock */
    uint64_t n_done, n_total, n_bytes_done, n_bytes_total;
    int64_t eta_ms;                          /* -1: not known */
    uint64_t n_passages;                     /* that it wrote */
    uint64_t n_queued;                       /* pieces of work begun, and not yet written */
    uint64_t memory_bytes, memory_bytes_max; /* taken of the budget of its process; 0: has none */
    char memory_state[8];                    /* "green", "yellow", "red", "black" */
};

/* A slot of the board, or -1 when all are taken: the operation runs unseen, and every call takes
 * that number too. `name` is at most 23 bytes. */
int operation_begin(const char *name);
/* Replaces what is shown, but for name and started_ms. */
void operation_update(int slot, const struct operation *now);
void operation_end(int slot);

/* `owner` as the board keeps it: a process that still runs, not another one with its number. */
bool operation_owner_is_alive(unsigned long long owner);
/* Texts end, and are letters of ASCII: the file may have been written by anybody. */
void operation_clean(struct operation *operation);

/* Each operation of a living process; those of dead ones are cleared. */
void operation_each(void (*each)(void *ctx, int64_t process_id, const struct operation *operation),
                    void *ctx);

#endif
