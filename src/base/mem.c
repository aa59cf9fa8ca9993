#include "base/mem.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/checked.h"
#include "base/fault.h"

#define LINE_BYTES ((size_t)64)
#define HUGE_BYTES ((size_t)2 << 20)

static _Atomic(const struct mem_observer *) observer;

void mem_observe(const struct mem_observer *next)
{
    atomic_store(&observer, next);
}

static inline const struct mem_observer *observing(void)
{
    const struct mem_observer *o = atomic_load_explicit(&observer, memory_order_acquire);
    return __builtin_expect(o != NULL, 0) ? o : NULL;
}

static inline void *added(void *block, size_t size_bytes)
{
    const struct mem_observer *o = observing();
    if (o && block)
        o->added(o->ctx, (uintptr_t)block, size_bytes);
    return block;
}

void *mem_alloc(size_t size_bytes)
{
    if (fault_hit("mem"))
        return NULL;
    return added(malloc(size_bytes ? size_bytes : 1), size_bytes);
}

void *mem_zalloc(size_t n, size_t size_bytes)
{
    if (fault_hit("mem"))
        return NULL;
    return added(calloc(n ? n : 1, size_bytes ? size_bytes : 1), n * size_bytes);
}

void *mem_array(size_t n, size_t size_bytes)
{
    size_t total;
    return size_mul(n, size_bytes, &total) ? mem_alloc(total) : NULL;
}

void *mem_resize(void *old, size_t n, size_t size_bytes)
{
    size_t total;
    if (!size_mul(n, size_bytes, &total) || fault_hit("mem"))
        return NULL;
    /* Before it: the moment it is free, another thread may be given the same place. */
    const struct mem_observer *o = old ? observing() : NULL;
    uintptr_t was = (uintptr_t)old;
    size_t n_old = o ? o->removed(o->ctx, was) : 0;
    void *block = realloc(old, total ? total : 1);
    if (!block && n_old)
        o->added(o->ctx, was, n_old);
    return added(block, total);
}

char *mem_text_n(const char *text, size_t len)
{
    size_t total;
    char *copy = size_add(len, 1, &total) ? mem_alloc(total) : NULL;
    if (copy) {
        if (len)
            memcpy(copy, text, len);
        copy[len] = '\0';
    }
    return copy;
}

char *mem_text(const char *text)
{
    return text ? mem_text_n(text, strlen(text)) : NULL;
}

void mem_free(void *p)
{
    const struct mem_observer *o = observing();
    if (o && p)
        o->removed(o->ctx, (uintptr_t)p);
    free(p);
}

static size_t round_up(size_t n, size_t step)
{
    return (n + step - 1) / step * step;
}

void *mem_aligned(size_t n, size_t size_bytes)
{
    size_t total;
    if (!size_mul(n, size_bytes, &total) || !size_add(total, HUGE_BYTES, &total) ||
        fault_hit("mem"))
        return NULL;
    total -= HUGE_BYTES;
    if (total < HUGE_BYTES)
        return added(aligned_alloc(LINE_BYTES, size_max(round_up(total, LINE_BYTES), LINE_BYTES)),
                     total);
    void *p = aligned_alloc(HUGE_BYTES, round_up(total, HUGE_BYTES));
    if (p)
        (void)madvise(p, round_up(total, HUGE_BYTES), MADV_HUGEPAGE);
    return added(p, total);
}

enum status mem_reserve(void **array, size_t *n_max, size_t n_needed, size_t size_bytes,
                        struct error *err)
{
    if (n_needed <= *n_max)
        return STATUS_OK;
    size_t n_new = size_max(n_needed, *n_max < 8 ? 16 : *n_max + *n_max / 2 + 8);
    void *grown = mem_resize(*array, n_new, size_bytes);
    if (!grown)
        return error_nomem(err);
    *array = grown;
    *n_max = n_new;
    return STATUS_OK;
}
