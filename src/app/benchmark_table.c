#include <math.h>
#include <string.h>

#include "app/benchmark.h"
#include "base/mem.h"
#include "base/numbers.h"

static const struct figure *figure_of(const void *record)
{
    return record;
}

/* NAN also without memory. */
static double quantile_of(const struct samples *samples, double share)
{
    double *sorted = samples->n > 0 ? mem_array(samples->n, sizeof *sorted) : NULL;
    if (!sorted)
        return NAN;
    memcpy(sorted, samples->values, samples->n * sizeof *sorted);
    numbers_sort(sorted, samples->n);
    double value = numbers_quantile(sorted, samples->n, share);
    mem_free(sorted);
    return value;
}

static double quantile(const struct figure *figure, double share)
{
    return quantile_of(&figure->samples[BENCHMARK_ON], share);
}

static double mean_of(const struct samples *samples)
{
    double sum = 0;
    for (size_t i = 0; i < samples->n; i++)
        sum += samples->values[i];
    return sum / (double)samples->n;
}

/* A number that is not there is null: JSON has no NaN. */
static json_t *number(double value)
{
    return isfinite(value) ? json_score(value) : json_null();
}

static json_t *get_name(const void *record)
{
    return json_text(figure_of(record)->name);
}

static json_t *get_unit(const void *record)
{
    return json_text(figure_of(record)->unit);
}

static json_t *get_median(const void *record)
{
    return number(quantile(figure_of(record), 0.5));
}

static json_t *get_min(const void *record)
{
    return number(quantile(figure_of(record), 0));
}

static json_t *get_max(const void *record)
{
    return number(quantile(figure_of(record), 1));
}

/* The middle half of the samples, in percent of the median. */
static double spread_of(const struct samples *samples)
{
    double half = quantile_of(samples, 0.75) - quantile_of(samples, 0.25);
    return 100 * half / quantile_of(samples, 0.5);
}

static json_t *get_spread(const void *record)
{
    return number(spread_of(&figure_of(record)->samples[BENCHMARK_ON]));
}

static json_t *get_mean(const void *record)
{
    return number(mean_of(&figure_of(record)->samples[BENCHMARK_ON]));
}

static json_t *get_deviation(const void *record)
{
    const struct samples *samples = &figure_of(record)->samples[BENCHMARK_ON];
    double mean = mean_of(samples), sum = 0;
    for (size_t i = 0; i < samples->n; i++)
        sum += (samples->values[i] - mean) * (samples->values[i] - mean);
    return number(samples->n > 1 ? sqrt(sum / (double)(samples->n - 1)) : NAN);
}

static json_t *get_p95(const void *record)
{
    return number(quantile(figure_of(record), 0.95));
}

static json_t *get_p99(const void *record)
{
    return number(quantile(figure_of(record), 0.99));
}

static json_t *get_n(const void *record)
{
    return json_integer((json_int_t)figure_of(record)->samples[BENCHMARK_ON].n);
}

static json_t *get_better(const void *record)
{
    return json_text(figure_of(record)->better == BETTER_LOWER ? "lower" : "higher");
}

static json_t *get_baseline(const void *record)
{
    return number(figure_of(record)->baseline);
}

/* How many times better the median is than `other`; 1: the same. */
static json_t *times_better(const struct figure *figure, double other)
{
    double median = quantile(figure, 0.5);
    return number(figure->better == BETTER_LOWER ? other / median : median / other);
}

static json_t *get_gain(const void *record)
{
    return times_better(figure_of(record), figure_of(record)->baseline);
}

static double off_median(const struct figure *figure)
{
    return quantile_of(&figure->samples[BENCHMARK_OFF], 0.5);
}

static json_t *get_off(const void *record)
{
    return number(off_median(figure_of(record)));
}

static json_t *get_off_spread(const void *record)
{
    return number(spread_of(&figure_of(record)->samples[BENCHMARK_OFF]));
}

static json_t *get_ratio(const void *record)
{
    return times_better(figure_of(record), off_median(figure_of(record)));
}

const struct column benchmark_columns[] = {
    {.name = "name", .get = get_name},
    {.name = "unit", .get = get_unit},
    {.name = "median", .get = get_median},
    {.name = "min", .get = get_min},
    {.name = "max", .get = get_max},
    {.name = "spread_percent", .get = get_spread},
    {.name = "mean", .get = get_mean, .is_detail = true},
    {.name = "std_dev", .get = get_deviation, .is_detail = true},
    {.name = "samples", .get = get_n, .is_detail = true},
    {.name = "better", .get = get_better, .is_detail = true},
    {.name = "baseline", .get = get_baseline},
    {.name = "gain", .get = get_gain},
    {.name = "off", .get = get_off},
    {.name = "off_spread_percent", .get = get_off_spread, .is_detail = true},
    {.name = "ratio", .get = get_ratio},
    {.name = "p95", .get = get_p95},
    {.name = "p99", .get = get_p99},
    {.name = NULL},
};

static json_t *row_json(const struct figure *figure)
{
    json_t *row = json_object();
    bool is_whole = row != NULL;
    for (const struct column *column = benchmark_columns; column->name && is_whole; column++)
        is_whole = json_put(row, column->name, column->get(figure));
    if (is_whole)
        return row;
    json_decref(row);
    return NULL;
}

json_t *benchmark_rows_json(const struct benchmark *benchmark)
{
    json_t *rows = json_array();
    bool is_whole = rows != NULL;
    for (size_t i = 0; i < benchmark->n_figures && is_whole; i++)
        is_whole = json_array_append_new(rows, row_json(&benchmark->figures[i])) == 0;
    if (is_whole)
        return rows;
    json_decref(rows);
    return NULL;
}
