/* index/ids.h - ascending lists of chunk or document ids. Pure. */
#ifndef RAGGED_INDEX_IDS_H
#define RAGGED_INDEX_IDS_H

#include <stddef.h>
#include <stdint.h>

void ids_sort(int64_t *ids, size_t n);

/* Where `id` is in ascending ids [n]; n: it is not. */
size_t ids_find(const int64_t *ids, size_t n, int64_t id);

#endif
