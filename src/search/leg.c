#include "search/leg.h"

#include <stdlib.h>

static int compare_hits(const void *a, const void *b)
{
    const struct leg_hit *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return x->chunk_id < y->chunk_id ? -1 : x->chunk_id > y->chunk_id;
}

size_t leg_rank(struct leg_hit *hits, size_t n, size_t n_best)
{
    if (n > 1)
        qsort(hits, n, sizeof *hits, compare_hits);
    return n < n_best ? n : n_best;
}
