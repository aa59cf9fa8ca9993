#include "lexical/term_key.h"

#include <stdlib.h>

#define FEW_KEYS 24 /* sorted by insertion */
#define N_BYTES 256

/* Of keys with equal prefixes. */
static int compare_rest(const struct term_key *x, const struct term_key *y)
{
    bool is_short = x->len <= sizeof x->prefix && y->len <= sizeof y->prefix;
    int order = is_short ? (x->len > y->len) - (x->len < y->len)
                         : term_compare(x->bytes, x->len, y->bytes, y->len);
    return order ? order : (x->i > y->i) - (x->i < y->i);
}

static int compare_equal_prefixes(const void *a, const void *b)
{
    return compare_rest(a, b);
}

static inline bool is_below(const struct term_key *x, const struct term_key *y)
{
    return x->prefix != y->prefix ? x->prefix < y->prefix : compare_rest(x, y) < 0;
}

static void sort_few(struct term_key *keys, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct term_key key = keys[i];
        size_t k = i;
        for (; k > 0 && is_below(&key, &keys[k - 1]); k--)
            keys[k] = keys[k - 1];
        keys[k] = key;
    }
}

/* In place: each key goes to the next free place of its byte. `ends`: where each byte's keys end
 * then. */
static void part_by_byte(struct term_key *keys, size_t n, unsigned shift, size_t ends[N_BYTES])
{
    size_t free[N_BYTES], at = 0;
    memset(ends, 0, N_BYTES * sizeof *ends);
    for (size_t i = 0; i < n; i++)
        ends[keys[i].prefix >> shift & 0xFF]++;
    for (size_t byte = 0; byte < N_BYTES; byte++) {
        free[byte] = at;
        at = ends[byte] += at;
    }
    for (size_t byte = 0; byte < N_BYTES; byte++)
        while (free[byte] < ends[byte]) {
            struct term_key *key = &keys[free[byte]], moved = *key;
            size_t to = moved.prefix >> shift & 0xFF;
            *key = keys[free[to]];
            keys[free[to]++] = moved;
        }
}

/* From the highest byte down; `shift` is of the first that may differ. */
static void sort_by_prefix(struct term_key *keys, size_t n, unsigned shift)
{
    size_t ends[N_BYTES];
    if (n <= FEW_KEYS) {
        sort_few(keys, n);
        return;
    }
    part_by_byte(keys, n, shift, ends);
    for (size_t byte = 0, first = 0; byte < N_BYTES; first = ends[byte++]) {
        size_t n_equal = ends[byte] - first;
        if (n_equal > 1 && shift > 0)
            sort_by_prefix(keys + first, n_equal, shift - 8);
        else if (n_equal > 1)
            qsort(keys + first, n_equal, sizeof *keys, compare_equal_prefixes);
    }
}

void term_keys_sort(struct term_key *keys, size_t n)
{
    sort_by_prefix(keys, n, 8 * (sizeof keys->prefix - 1));
}
