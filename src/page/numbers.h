/* page/numbers.h - what charts and tables make of lists of numbers. Pure functions. */
#ifndef RAGGED_PAGE_NUMBERS_H
#define RAGGED_PAGE_NUMBERS_H

#include <stddef.h>

/* Ascending; no NaN among them. */
void numbers_sort(double *values, size_t n);
/* The value below which `share` (0..1) of them lie, between two of them in proportion; ascending
 * before; NAN of none. */
double numbers_quantile(const double *sorted, size_t n, double share);

#endif
