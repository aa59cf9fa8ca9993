#include "vector/candidates.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/mem.h"

#define ROOM_FACTOR ((size_t)4) /* a cut is dearer than the memory, which stays in the cache */
#define N_MAX_LEAST ((size_t)256)

enum status candidates_init(struct candidates *candidates, size_t n_best, struct error *err)
{
    size_t n_max;
    if (!size_mul(n_best, ROOM_FACTOR, &n_max))
        return error_nomem(err);
    n_max = size_max(n_max, N_MAX_LEAST);
    uint64_t *keys = mem_array(n_max, sizeof *keys);
    if (!keys)
        return error_nomem(err);
    *candidates =
        (struct candidates){.keys = keys, .n_max = n_max, .n_best = n_best, .threshold = -INFINITY};
    return STATUS_OK;
}

void candidates_clear(struct candidates *candidates)
{
    mem_free(candidates->keys);
    *candidates = (struct candidates){0};
}

/* Floats as integers of the same order. */
static uint64_t key_of(float score, uint32_t row)
{
    uint32_t bits;
    score += 0.0f; /* -0 is 0 */
    memcpy(&bits, &score, sizeof bits);
    bits = bits & 0x80000000 ? ~bits : bits | 0x80000000;
    return (uint64_t)bits << 32 | (uint32_t)~row;
}

float candidates_score(uint64_t key)
{
    uint32_t bits = (uint32_t)(key >> 32);
    float score;
    bits = bits & 0x80000000 ? bits & 0x7FFFFFFF : ~bits;
    memcpy(&score, &bits, sizeof score);
    return score;
}

uint32_t candidates_row(uint64_t key)
{
    return ~(uint32_t)key;
}

static void swap(uint64_t *a, uint64_t *b)
{
    uint64_t old = *a;
    *a = *b;
    *b = old;
}

static uint64_t middle_of(uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t low = a < b ? a : b, high = a < b ? b : a;
    return c < low ? low : c > high ? high : c;
}

/* Larger keys to the front; how many are larger than the pivot. Without branches: where a key
 * belongs can't be foreseen. */
static size_t partition(uint64_t *keys, size_t n, uint64_t pivot)
{
    size_t n_larger = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t key = keys[i];
        keys[i] = keys[n_larger];
        keys[n_larger] = key;
        n_larger += key > pivot;
    }
    return n_larger;
}

/* The n_best largest to the front. Equal keys come only from a caller who adds a row twice. */
static void select_best(uint64_t *keys, size_t n, size_t n_best)
{
    while (n > 1 && n_best > 0 && n_best < n) {
        uint64_t pivot = middle_of(keys[0], keys[n / 2], keys[n - 1]);
        size_t n_larger = partition(keys, n, pivot);
        if (n_larger >= n_best) {
            n = n_larger;
            continue;
        }
        size_t i_pivot = n_larger;
        while (keys[i_pivot] != pivot)
            i_pivot++;
        swap(&keys[n_larger], &keys[i_pivot]);
        n_larger++;
        keys += n_larger;
        n -= n_larger;
        n_best -= n_larger;
    }
}

void candidates_cut(struct candidates *candidates)
{
    if (candidates->n <= candidates->n_best)
        return;
    select_best(candidates->keys, candidates->n, candidates->n_best);
    candidates->n = candidates->n_best;
    uint64_t worst = UINT64_MAX;
    for (size_t i = 0; i < candidates->n; i++)
        worst = candidates->keys[i] < worst ? candidates->keys[i] : worst;
    if (candidates->n > 0)
        candidates->threshold = candidates_score(worst);
}

void candidates_add_key(struct candidates *candidates, uint64_t key)
{
    candidates->keys[candidates->n++] = key;
    if (candidates->n == candidates->n_max)
        candidates_cut(candidates);
}

void candidates_add(struct candidates *candidates, float score, uint32_t row)
{
    candidates_add_key(candidates, key_of(score, row));
}

static int compare_keys(const void *a, const void *b)
{
    const uint64_t *left = a, *right = b;
    return (*left < *right) - (*left > *right);
}

void candidates_sort(struct candidates *candidates)
{
    candidates_cut(candidates);
    qsort(candidates->keys, candidates->n, sizeof *candidates->keys, compare_keys);
}
