#include "app/prometheus.h"

#include <inttypes.h>
#include <string.h>

#include "base/metric.h"

/* Powers of two from 64 us to 67 s: bounds of buckets too. */
#define BOUND_FIRST 6
#define BOUND_LAST 26

static void append_head(struct buf *out, const char *name, const char *help, const char *type)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void append_number(struct buf *out, const char *name, const char *label, uint64_t value)
{
    bool has_label = *label;
    buf_printf(out, "%s%s%s%s %" PRIu64 "\n", name, has_label ? "{" : "", label,
               has_label ? "}" : "", value);
}

static bool is_first_metric(int i)
{
    for (int j = 0; j < i; j++)
        if (strcmp(metric_row((enum metric)j)->name, metric_row((enum metric)i)->name) == 0)
            return false;
    return true;
}

/* Rows of one name stand together, wherever their numbers are. */
static void append_metrics(struct buf *out)
{
    for (int i = 0; i < METRIC_COUNT; i++) {
        const struct metric_row *row = metric_row((enum metric)i);
        if (!is_first_metric(i))
            continue;
        append_head(out, row->name, row->help, "counter");
        for (int j = i; j < METRIC_COUNT; j++) {
            const struct metric_row *same = metric_row((enum metric)j);
            if (strcmp(same->name, row->name) == 0)
                append_number(out, same->name, same->label, metric_get((enum metric)j));
        }
    }
}

static void append_histogram(struct buf *out, const struct metric_row *row, enum histogram id)
{
    struct histogram_counts counts;
    histogram_get(id, &counts);
    const char *label = row->label, *comma = *label ? "," : "";
    uint64_t n = 0;
    size_t i = 0;
    for (int power = BOUND_FIRST; power <= BOUND_LAST; power++) {
        uint64_t bound_us = (uint64_t)1 << power;
        for (; i < HISTOGRAM_BUCKETS && histogram_bound(i) <= bound_us; i++)
            n += counts.buckets[i];
        buf_printf(out, "%s_bucket{%s%sle=\"%g\"} %" PRIu64 "\n", row->name, label, comma,
                   (double)bound_us / 1e6, n);
    }
    buf_printf(out, "%s_bucket{%s%sle=\"+Inf\"} %" PRIu64 "\n", row->name, label, comma, counts.n);
    buf_printf(out, *label ? "%s_sum{%s} %.6f\n" : "%s_sum%s %.6f\n", row->name, label,
               (double)counts.sum_us / 1e6);
    buf_printf(out, *label ? "%s_count{%s} %" PRIu64 "\n" : "%s_count%s %" PRIu64 "\n", row->name,
               label, counts.n);
}

static void append_histograms(struct buf *out)
{
    const char *name = "";
    for (int i = 0; i < HISTOGRAM_COUNT; i++) {
        const struct metric_row *row = histogram_row((enum histogram)i);
        if (strcmp(row->name, name) != 0)
            append_head(out, row->name, row->help, "histogram");
        name = row->name;
        append_histogram(out, row, (enum histogram)i);
    }
}

static void append_library(struct buf *out, const struct engine_status *s)
{
    const struct {
        const char *name, *label, *help;
        uint64_t value;
    } rows[] = {
        {"ragged_documents", "", "documents in the library", s->n_documents},
        {"ragged_documents_failed", "", "documents that could not be read", s->n_failed},
        {"ragged_chunks", "", "passages in the library", s->n_chunks},
        {"ragged_chunks_without_vector", "", "passages found by words only", s->n_missing_vectors},
        {"ragged_segments", "", "segments of the index", s->n_segments},
        {"ragged_tail_chunks", "", "passages whose words are in no segment yet", s->n_tail},
        {"ragged_store_bytes", "kind=\"text\"", "size of the library", s->text_bytes},
        {"ragged_store_bytes", "kind=\"database\"", "", s->database_bytes},
        {"ragged_store_bytes", "kind=\"vectors\"", "", s->vector_bytes},
        {"ragged_store_bytes", "kind=\"index\"", "", s->index_bytes},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (*rows[i].help)
            append_head(out, rows[i].name, rows[i].help, "gauge");
        append_number(out, rows[i].name, rows[i].label, rows[i].value);
    }
}

void prometheus_append(struct buf *out, const struct engine_status *library)
{
    append_head(out, "ragged_build_info", "version of the program", "gauge");
    append_number(out, "ragged_build_info", "version=\"" RAGGED_VERSION "\"", 1);
    append_library(out, library);
    append_metrics(out);
    append_histograms(out);
}
