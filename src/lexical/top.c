#include "lexical/top.h"

#include <stdlib.h>

static bool is_worse(struct lexical_hit a, struct lexical_hit b)
{
    return a.score < b.score || (a.score == b.score && a.row > b.row);
}

static void sift_up(struct lexical_hit *hits, size_t i, struct lexical_hit hit)
{
    for (; i > 0 && is_worse(hit, hits[(i - 1) / 2]); i = (i - 1) / 2)
        hits[i] = hits[(i - 1) / 2];
    hits[i] = hit;
}

static void sift_down(struct lexical_hit *hits, size_t n, struct lexical_hit hit)
{
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && is_worse(hits[child + 1], hits[child]))
            child++;
        if (!is_worse(hits[child], hit))
            break;
        hits[i] = hits[child];
    }
    hits[i] = hit;
}

void top_add(struct top *top, uint32_t row, int32_t score)
{
    struct lexical_hit hit = {.row = row, .score = score};
    if (score <= top->floor || top->k == 0)
        return;
    if (top->n < top->k)
        sift_up(top->hits, top->n++, hit);
    else
        sift_down(top->hits, top->n, hit);
    if (top->n == top->k && top->hits[0].score > top->floor)
        top->floor = top->hits[0].score;
}

static int compare_hits(const void *a, const void *b)
{
    const struct lexical_hit *x = a, *y = b;
    return is_worse(*y, *x) ? -1 : is_worse(*x, *y);
}

void top_sort(struct top *top)
{
    if (top->n > 1)
        qsort(top->hits, top->n, sizeof *top->hits, compare_hits);
}
