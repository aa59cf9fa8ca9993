#include "lexical/phrase.h"

static bool has_position(const struct positions *term, uint64_t position)
{
    size_t low = 0, high = term->n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (term->at[middle] < position)
            low = middle + 1;
        else
            high = middle;
    }
    return low < term->n && term->at[low] == position;
}

bool phrase_occurs(const struct positions *terms, size_t n)
{
    for (size_t i = 0; i < terms[0].n; i++) {
        size_t k = 1;
        while (k < n && has_position(&terms[k], (uint64_t)terms[0].at[i] + k))
            k++;
        if (k == n)
            return true;
    }
    return false;
}
