/* printf() spends longer on a row than the encoder does on a short text; values of a unit vector
 * are small enough for whole numbers. */
#include "app/vector_text.h"

#include <math.h>
#include <stdint.h>

#define SMALLEST 1e-4 /* below it printf() is good enough */

/* The decimals that make nine significant digits, and ten to their power. */
static double scale_of(double magnitude, int *out_decimals)
{
    static const struct {
        double at_least, scale;
        int decimals;
    } rows[] = {
        {1e-1, 1e9, 9},
        {1e-2, 1e10, 10},
        {1e-3, 1e11, 11},
        {1e-4, 1e12, 12},
    };
    size_t i = 0;
    while (magnitude < rows[i].at_least)
        i++;
    *out_decimals = rows[i].decimals;
    return rows[i].scale;
}

static void append_value(struct buf *out, double value)
{
    double magnitude = fabs(value);
    if (magnitude < SMALLEST || magnitude >= 1) {
        buf_printf(out, "%.9g", value);
        return;
    }
    int n_decimals;
    uint64_t digits = (uint64_t)(magnitude * scale_of(magnitude, &n_decimals) + 0.5);
    while (digits % 10 == 0) {
        digits /= 10;
        n_decimals--;
    }
    char text[24];
    char *at = text + sizeof text, *end = at;
    for (; n_decimals > 0; n_decimals--, digits /= 10)
        *--at = (char)('0' + digits % 10);
    *--at = '.';
    *--at = (char)('0' + digits);
    if (value < 0)
        *--at = '-';
    buf_append(out, at, (size_t)(end - at));
}

void vector_text_append(struct buf *out, const float *values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_append_char(out, ',');
        append_value(out, (double)values[i]);
    }
}
