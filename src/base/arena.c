#include "base/arena.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "base/mem.h"

#define ARENA_BLOCK_BYTES ((size_t)32 * 1024)

struct arena_block {
    struct arena_block *next;
    size_t n_used, n_max;
    max_align_t bytes[];
};

static struct arena_block *add_block(struct arena *arena, size_t size_bytes)
{
    size_t n_max = size_max(size_bytes, ARENA_BLOCK_BYTES), total;
    if (!size_add(n_max, sizeof(struct arena_block), &total))
        return NULL;
    struct arena_block *block = mem_alloc(total);
    if (block) {
        *block = (struct arena_block){.next = arena->head, .n_max = n_max};
        arena->head = block;
    }
    return block;
}

void *arena_alloc(struct arena *arena, size_t size_bytes)
{
    size_t rounded, total;
    if (!size_add(size_bytes, 15, &rounded))
        return NULL;
    rounded = size_max(rounded & ~(size_t)15, 16);
    if (!size_add(arena->n_bytes, rounded, &total) ||
        (arena->limit_bytes && total > arena->limit_bytes))
        return NULL;
    struct arena_block *block = arena->head;
    if (!block || block->n_max - block->n_used < rounded)
        block = add_block(arena, rounded);
    if (!block)
        return NULL;
    void *p = (char *)block->bytes + block->n_used;
    block->n_used += rounded;
    arena->n_bytes = total;
    return p;
}

void *arena_zalloc(struct arena *arena, size_t n, size_t size_bytes)
{
    size_t total;
    void *p = size_mul(n, size_bytes, &total) ? arena_alloc(arena, total) : NULL;
    return p ? memset(p, 0, total) : NULL;
}

char *arena_text(struct arena *arena, const char *text, size_t len)
{
    size_t total;
    char *copy = size_add(len, 1, &total) ? arena_alloc(arena, total) : NULL;
    if (copy) {
        if (len)
            memcpy(copy, text, len);
        copy[len] = '\0';
    }
    return copy;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = len < 0 ? NULL : arena_alloc(arena, (size_t)len + 1);
    if (text)
        vsnprintf(text, (size_t)len + 1, format, again);
    va_end(again);
    return text;
}

void arena_clear(struct arena *arena)
{
    while (arena->head) {
        struct arena_block *next = arena->head->next;
        mem_free(arena->head);
        arena->head = next;
    }
    arena->n_bytes = 0;
}
