#include "index/ids.h"

#include <stdlib.h>

static int compare_ids(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

/* Most lists come in order. */
void ids_sort(int64_t *ids, size_t n)
{
    size_t i = 1;
    while (i < n && ids[i - 1] <= ids[i])
        i++;
    if (i < n)
        qsort(ids, n, sizeof *ids, compare_ids);
}

size_t ids_find(const int64_t *ids, size_t n, int64_t id)
{
    size_t first = 0, n_left = n;
    while (n_left > 0) {
        size_t half = n_left / 2;
        if (ids[first + half] < id) {
            first += half + 1;
            n_left -= half + 1;
        } else {
            n_left = half;
        }
    }
    return first < n && ids[first] == id ? first : n;
}
