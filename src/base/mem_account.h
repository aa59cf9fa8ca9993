/* base/mem_account.h - who holds the heap: every block from base/mem.h is booked to the room and
 * the function that wanted it.
 *
 * That is the innermost caller outside of base/ (arenas, buffers and lists are somebody's); when a
 * library called our allocator, as SQLite does, the library is the subsystem and whoever of ours
 * called it the place. Walking the stack for every block costs microseconds: for a profile, not for
 * every day. The books are kept outside of the heap they are about. Any thread may allocate. */
#ifndef RAGGED_BASE_MEM_ACCOUNT_H
#define RAGGED_BASE_MEM_ACCOUNT_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum { MEM_SUBSYSTEMS_MAX = 32, MEM_SIZE_CLASSES = 48 };

struct mem_account;

struct mem_count {
    uint64_t current_bytes, peak_bytes; /* peak: of this row alone */
    uint64_t n_current;                 /* blocks */
    uint64_t n_blocks, n_bytes;         /* all that ever were */
};
struct mem_subsystem {
    char name[32]; /* a room, or a library as "libsqlite3" */
    struct mem_count count;
};
struct mem_site {
    const void *address; /* in the function that wanted the blocks; NULL: none of ours did */
    size_t i_subsystem;
    struct mem_count count;
};

/* NOMEM: nothing is kept. */
enum status mem_account_new(struct mem_account **out, struct error *err) MUST_USE;
/* From now on every block of the process is booked, until the end. One account at a time. */
void mem_account_begin(struct mem_account *account);
void mem_account_end(struct mem_account *account);
/* After mem_account_end(), when no other thread allocates. NULL is fine. */
void mem_account_free(struct mem_account *account);

/* Numbers of now; they may be a block apart while threads allocate. */
void mem_account_total(const struct mem_account *account, struct mem_count *out);
size_t mem_account_subsystems(const struct mem_account *account);
void mem_account_subsystem(const struct mem_account *account, size_t i, struct mem_subsystem *out);
/* Sites, in no order: *out is owned. */
enum status mem_account_sites(const struct mem_account *account, struct mem_site **out,
                              size_t *out_n, struct error *err) MUST_USE;
/* How many blocks of 2^(i-1)+1 .. 2^i bytes there ever were. */
uint64_t mem_account_size_class(const struct mem_account *account, size_t i);
/* The highest total since the last call, and that begins anew. */
uint64_t mem_account_take_high(struct mem_account *account);
/* What the books themselves take. */
uint64_t mem_account_own_bytes(const struct mem_account *account);
/* Blocks that no row or no memory was left for; they are missing everywhere. */
uint64_t mem_account_missed(const struct mem_account *account);

#endif
