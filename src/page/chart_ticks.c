#include "page/chart.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* 1, 2 or 5 times a power of ten, at least `step`. */
static double nice_step(double step)
{
    double power = pow(10, floor(log10(step))), digit = step / power;
    return power * (digit <= 1.0001 ? 1 : digit <= 2.0001 ? 2 : digit <= 5.0001 ? 5 : 10);
}

void chart_ticks_linear(double low, double high, size_t n_wanted, struct chart_ticks *out)
{
    *out = (struct chart_ticks){.low = low, .high = high};
    /* A range that its own numbers can't tell apart is widened. */
    double least = fmax(fabs(low), fabs(high)) * 1e-9;
    if (high - low <= least) {
        out->low -= fmax(least, 0.5);
        out->high += fmax(least, 0.5);
    }
    double step = nice_step((out->high / 2 - out->low / 2) / (double)(n_wanted ? n_wanted : 1) * 2);
    if (!isfinite(step) || step <= 0)
        return;
    double first = floor(out->low / step + 1e-9), last = ceil(out->high / step - 1e-9);
    for (double k = first; k <= last && out->n < CHART_TICKS_MAX; k++)
        out->at[out->n++] = k * step;
    if (out->n > 0) {
        out->low = fmin(out->low, out->at[0]);
        out->high = fmax(out->high, out->at[out->n - 1]);
    }
}

void chart_ticks_log(double low, double high, struct chart_ticks *out)
{
    static const double digits[] = {1, 2, 5};
    int first = (int)floor(log10(low) + 1e-9), last = (int)ceil(log10(high) - 1e-9);
    *out = (struct chart_ticks){0};
    if (first == last)
        last++;
    int n_decades = last - first, stride = n_decades / 12 + 1;
    for (int k = first; k <= last; k += stride)
        for (size_t i = 0; i < (n_decades <= 4 && k < last ? 3 : 1) && out->n < CHART_TICKS_MAX;
             i++)
            out->at[out->n++] = digits[i] * pow(10, k);
    /* Of the ends only what the data reaches. */
    size_t i_first = 0;
    while (out->n - i_first > 2 && out->at[i_first + 1] <= low * (1 + 1e-9))
        i_first++;
    while (out->n - i_first > 2 && out->at[out->n - 2] >= high * (1 - 1e-9))
        out->n--;
    out->n -= i_first;
    memmove(out->at, out->at + i_first, out->n * sizeof out->at[0]);
    out->low = fmin(out->at[0], low);
    out->high = fmax(out->at[out->n - 1], high);
}

void chart_number(double value, char out[32])
{
    static const struct {
        double from, unit;
        const char *letter;
    } units[] = {{1e15, 0, ""},   {1e12, 1e12, "T"}, {1e9, 1e9, "G"},
                 {1e6, 1e6, "M"}, {1e4, 1e3, "k"},   {0, 1, ""}};
    size_t i = 0;
    while (fabs(value) < units[i].from)
        i++;
    if (!isfinite(value) || i == 0)
        snprintf(out, 32, isfinite(value) ? "%.3g" : "-", value);
    else
        snprintf(out, 32, "%.4g%s", value / units[i].unit, units[i].letter);
}
