/* base/numbers.h - lists of numbers: in order, and what lies where. Pure functions. */
#ifndef RAGGED_BASE_NUMBERS_H
#define RAGGED_BASE_NUMBERS_H

#include <stddef.h>

/* Ascending; no NaN among them. */
void numbers_sort(double *values, size_t n);
/* The value below which `share` (0..1) of them lie, between two of them in proportion; ascending
 * before; NAN of none. */
double numbers_quantile(const double *sorted, size_t n, double share);

#endif
