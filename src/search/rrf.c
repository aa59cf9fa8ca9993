#include "search/rrf.h"

#define RRF_K 60.0

double rrf_part(size_t rank, size_t n_legs)
{
    return rank ? (RRF_K + 1) / ((RRF_K + (double)rank) * (double)n_legs) : 0;
}
