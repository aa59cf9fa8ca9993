#include "lexical/term_key.h"

#include <stdlib.h>

static int compare(const void *a, const void *b)
{
    const struct term_key *x = a, *y = b;
    if (x->prefix != y->prefix)
        return x->prefix < y->prefix ? -1 : 1;
    bool is_short = x->len <= sizeof x->prefix && y->len <= sizeof y->prefix;
    int order = is_short ? (x->len > y->len) - (x->len < y->len)
                         : term_compare(x->bytes, x->len, y->bytes, y->len);
    return order ? order : (x->i > y->i) - (x->i < y->i);
}

void term_keys_sort(struct term_key *keys, size_t n)
{
    if (n > 1)
        qsort(keys, n, sizeof *keys, compare);
}
