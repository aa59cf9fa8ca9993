/* Broder 1997, "On the resemblance and containment of documents", without the sampling: the few
 * passages of one answer are compared whole. */
#include "search/near_duplicate.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

#define ALIKE 0.9
#define SHORT 8 /* pairs */

static int compare_hashes(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* Bytes of other scripts are letters here: only equality matters. */
static bool is_word_byte(char c)
{
    return (unsigned char)c >= 0x80 || isalnum((unsigned char)c);
}

/* The hash of the word at or behind *at, past which *at moves; false at the end. */
static bool next_word(const char *text, size_t *at, uint64_t *out)
{
    char lower[64];
    size_t n = 0;
    while (text[*at] && !is_word_byte(text[*at]))
        (*at)++;
    if (!text[*at])
        return false;
    for (; is_word_byte(text[*at]); (*at)++)
        if (n < sizeof lower)
            lower[n++] = (char)tolower((unsigned char)text[*at]);
    *out = hash64_of(lower, n);
    return true;
}

enum status shingles_init(struct shingles *out, const char *text, struct arena *arena,
                          struct error *err)
{
    size_t n_max = strlen(text) / 2 + 1, n = 0, at = 0;
    uint64_t *hashes = arena_alloc(arena, n_max * sizeof *hashes);
    uint64_t pair[2];
    if (!hashes)
        return error_nomem(err);
    bool has_word = next_word(text, &at, &pair[0]);
    for (; has_word && next_word(text, &at, &pair[1]); pair[0] = pair[1])
        hashes[n++] = hash64_of(pair, sizeof pair);
    if (n > 1)
        qsort(hashes, n, sizeof *hashes, compare_hashes);
    size_t n_distinct = 0;
    for (size_t i = 0; i < n; i++)
        if (i == 0 || hashes[i] != hashes[i - 1])
            hashes[n_distinct++] = hashes[i];
    *out = (struct shingles){.hashes = hashes, .n = n_distinct};
    return STATUS_OK;
}

bool shingles_are_alike(const struct shingles *a, const struct shingles *b)
{
    size_t n_shared = 0;
    for (size_t i = 0, k = 0; i < a->n && k < b->n;) {
        uint64_t x = a->hashes[i], y = b->hashes[k];
        n_shared += x == y;
        i += x <= y;
        k += y <= x;
    }
    size_t n_all = a->n + b->n - n_shared;
    return n_shared >= SHORT && (double)n_shared >= ALIKE * (double)n_all;
}
