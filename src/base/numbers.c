#include "base/numbers.h"

#include <math.h>
#include <stdlib.h>

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

void numbers_sort(double *values, size_t n)
{
    if (n > 0)
        qsort(values, n, sizeof *values, compare_doubles);
}

double numbers_quantile(const double *sorted, size_t n, double share)
{
    if (n == 0)
        return NAN;
    double at = share * (double)(n - 1), low = floor(at);
    size_t i = (size_t)low, next = i + 1 < n ? i + 1 : i;
    return sorted[i] + (sorted[next] - sorted[i]) * (at - low);
}
