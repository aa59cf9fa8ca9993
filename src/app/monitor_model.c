#include "app/monitor_model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MINUTE_STEP_MS 5000
#define SPREAD_FIRST_US 64
#define SPREAD_POWERS 20

const char *monitor_sort_name(enum monitor_sort sort)
{
    static const char *const names[MONITOR_SORT_COUNT] = {"rate", "age", "command"};
    return names[sort];
}

/* ---- times of other processes may be anything ---- */

static int64_t since(int64_t then_ms, int64_t now_ms)
{
    if (then_ms < 0 || then_ms > now_ms)
        return 0;
    return now_ms - then_ms;
}

static double per_second(uint64_t from, uint64_t to, int64_t ms)
{
    return to > from && ms > 0 ? (double)(to - from) * 1000 / (double)ms : 0;
}

/* ---- what each operation did lately ---- */

static bool is_of(const struct monitor_track *track, const struct board_operation *seen)
{
    return track->process_id == seen->process_id &&
           track->started_ms == seen->operation.started_ms &&
           strcmp(track->stage, seen->operation.stage) == 0;
}

static void put_mark(struct monitor_track *track, const struct operation *now)
{
    struct monitor_mark mark = {.at_ms = now->updated_ms,
                                .n_done = now->n_done,
                                .n_bytes = now->n_bytes_done,
                                .n_passages = now->n_passages};
    struct monitor_mark *last = track->n_marks ? &track->marks[track->n_marks - 1] : NULL;
    if (last && (mark.at_ms < last->at_ms || mark.n_done < last->n_done))
        track->n_marks = 0; /* it began anew, or a clock was set */
    else if (last && mark.at_ms == last->at_ms)
        return;
    size_t n_old = 0; /* one mark at or before the window stays, to measure from */
    while (n_old + 1 < track->n_marks &&
           since(track->marks[n_old + 1].at_ms, mark.at_ms) >= MONITOR_WINDOW_MS)
        n_old++;
    if (n_old == 0 && track->n_marks == MONITOR_MARKS_MAX)
        n_old = 1;
    track->n_marks -= n_old;
    memmove(track->marks, track->marks + n_old, track->n_marks * sizeof track->marks[0]);
    track->marks[track->n_marks++] = mark;
}

static struct monitor_track *find_track(struct monitor_model *model,
                                        const struct board_operation *seen)
{
    for (size_t i = 0; i < model->n_tracks; i++)
        if (is_of(&model->tracks[i], seen))
            return &model->tracks[i];
    return NULL;
}

/* Those that are seen no more are forgotten. */
static void follow(struct monitor_model *model)
{
    const struct board_view *view = &model->sample.view;
    struct monitor_track tracks[OPERATION_SLOTS];
    for (size_t i = 0; i < view->n_operations; i++) {
        const struct board_operation *seen = &view->operations[i];
        const struct monitor_track *known = find_track(model, seen);
        tracks[i] = known ? *known
                          : (struct monitor_track){.process_id = seen->process_id,
                                                   .started_ms = seen->operation.started_ms};
        snprintf(tracks[i].stage, sizeof tracks[i].stage, "%s", seen->operation.stage);
        put_mark(&tracks[i], &seen->operation);
    }
    model->n_tracks = view->n_operations;
    memcpy(model->tracks, tracks, model->n_tracks * sizeof tracks[0]);
}

/* While it tells nothing for longer than the window, its rate falls: that is what happens. */
static int64_t span_of(const struct monitor_track *track, int64_t wall_ms)
{
    const struct monitor_mark *last = &track->marks[track->n_marks - 1];
    int64_t ms = since(track->marks[0].at_ms, last->at_ms), silent_ms = since(last->at_ms, wall_ms);
    return silent_ms > MONITOR_WINDOW_MS ? ms + silent_ms : ms;
}

/* What it expects itself, all stages included; but no less than this stage takes at its rate. */
static int64_t left_of(const struct operation *o, double rate, int64_t silent_ms)
{
    int64_t told_ms = o->eta_ms < 0 ? -1 : o->eta_ms > silent_ms ? o->eta_ms - silent_ms : 0;
    double left_ms =
        o->n_total > o->n_done && rate > 0 ? (double)(o->n_total - o->n_done) * 1000 / rate : -1;
    return left_ms < 1e15 && left_ms > (double)told_ms ? (int64_t)left_ms : told_ms;
}

static void fill_row(const struct monitor_model *model, size_t i, struct monitor_row *out)
{
    const struct monitor_sample *sample = &model->sample;
    const struct monitor_track *track = &model->tracks[i];
    const struct operation *o = &sample->view.operations[i].operation;
    const struct monitor_mark *first = track->marks, *last = &track->marks[track->n_marks - 1];
    int64_t ms = span_of(track, sample->wall_ms);
    *out = (struct monitor_row){
        .process_id = track->process_id,
        .operation = *o,
        .rate = ms > 0 ? per_second(first->n_done, last->n_done, ms) : -1,
        .byte_rate = per_second(first->n_bytes, last->n_bytes, ms),
        .passage_rate = per_second(first->n_passages, last->n_passages, ms),
        .age_ms = since(o->started_ms, sample->wall_ms),
        .silent_ms = since(o->updated_ms, sample->wall_ms),
        .resident_bytes = sample->resident_bytes[i],
    };
    out->left_ms = left_of(o, out->rate, out->silent_ms);
}

/* ---- rows in order ---- */

static int by_process(const struct monitor_row *a, const struct monitor_row *b)
{
    return (a->process_id > b->process_id) - (a->process_id < b->process_id);
}

static int by_rate(const void *a, const void *b)
{
    const struct monitor_row *x = a, *y = b;
    return x->rate != y->rate ? (x->rate < y->rate ? 1 : -1) : by_process(x, y);
}

static int by_age(const void *a, const void *b)
{
    const struct monitor_row *x = a, *y = b;
    return x->age_ms != y->age_ms ? (x->age_ms < y->age_ms ? 1 : -1) : by_process(x, y);
}

static int by_command(const void *a, const void *b)
{
    const struct monitor_row *x = a, *y = b;
    int order = strcmp(x->operation.name, y->operation.name);
    return order ? order : by_process(x, y);
}

static bool is_let_through(const struct monitor_model *model, const struct monitor_row *row)
{
    char text[96];
    snprintf(text, sizeof text, "%lld %s %s", (long long)row->process_id, row->operation.name,
             row->operation.stage);
    return strstr(text, model->filter) != NULL;
}

void monitor_model_arrange(struct monitor_model *model)
{
    static int (*const orders[MONITOR_SORT_COUNT])(const void *, const void *) = {by_rate, by_age,
                                                                                  by_command};
    model->n_rows = 0;
    for (size_t i = 0; i < model->n_tracks; i++) {
        struct monitor_row *row = &model->rows[model->n_rows];
        fill_row(model, i, row);
        model->n_rows += is_let_through(model, row);
    }
    model->n_hidden = model->n_tracks - model->n_rows;
    qsort(model->rows, model->n_rows, sizeof model->rows[0], orders[model->sort]);
}

/* ---- how much goes through ---- */

/* What running operations tell of. */
static void add_operations(const struct monitor_model *model, double rates[MONITOR_FLOW_COUNT])
{
    for (size_t i = 0; i < model->n_tracks; i++) {
        struct monitor_row row;
        fill_row(model, i, &row);
        if (row.rate < 0)
            continue;
        if (strcmp(row.operation.stage, "words") == 0) {
            rates[MONITOR_FLOW_FILES] += row.rate;
            rates[MONITOR_FLOW_BYTES] += row.byte_rate;
            rates[MONITOR_FLOW_PASSAGES] += row.passage_rate;
        } else if (strcmp(row.operation.stage, "vectors") == 0) {
            rates[MONITOR_FLOW_VECTORS] += row.rate;
        }
    }
}

/* And what short commands counted between two looks. */
static void add_counters(const struct board_view *from, const struct board_view *to, int64_t ms,
                         double rates[MONITOR_FLOW_COUNT])
{
    static const struct {
        enum monitor_flow flow;
        enum metric metric;
    } sources[] = {
        {MONITOR_FLOW_SEARCHES, METRIC_QUERIES_ANSWERED},
        {MONITOR_FLOW_SEARCHES, METRIC_QUERIES_ABSTAINED},
        {MONITOR_FLOW_SEARCHES, METRIC_QUERIES_EMPTY},
        {MONITOR_FLOW_SEARCHES, METRIC_QUERIES_FAILED},
        {MONITOR_FLOW_TOKENS, METRIC_LLM_TOKENS_OUT},
        {MONITOR_FLOW_REQUESTS, METRIC_REQUESTS_OK},
        {MONITOR_FLOW_REQUESTS, METRIC_REQUESTS_FAILED},
        {MONITOR_FLOW_REQUESTS, METRIC_REQUESTS_THROTTLED},
        {MONITOR_FLOW_REQUESTS, METRIC_REQUESTS_REFUSED},
        {MONITOR_FLOW_REQUESTS, METRIC_REQUESTS_CANCELLED},
    };
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++)
        rates[sources[i].flow] +=
            per_second(from->values[sources[i].metric], to->values[sources[i].metric], ms);
}

static bool is_counter(enum monitor_flow flow)
{
    return flow >= MONITOR_FLOW_SEARCHES;
}

/* An operation's rate is a mean over the window already. */
static double mean_of(const struct monitor_history *history, enum monitor_flow flow, int64_t ms)
{
    size_t n = is_counter(flow) && ms > 0 ? (size_t)(MONITOR_WINDOW_MS / ms) : 1;
    n = n < 1 ? 1 : n > history->n ? history->n : n;
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += history->rates[history->n - 1 - i];
    return n ? sum / (double)n : 0;
}

static void put_rates(struct monitor_model *model, const double rates[MONITOR_FLOW_COUNT])
{
    for (int i = 0; i < MONITOR_FLOW_COUNT; i++) {
        struct monitor_history *history = &model->flows[i];
        if (history->n == MONITOR_HISTORY_MAX)
            memmove(history->rates, history->rates + 1, --history->n * sizeof history->rates[0]);
        history->rates[history->n++] = rates[i];
        history->rate = mean_of(history, (enum monitor_flow)i, model->interval_ms);
    }
}

double monitor_model_course(const struct monitor_model *model, enum monitor_flow flow, double *bins,
                            size_t n)
{
    const struct monitor_history *history = &model->flows[flow];
    double largest = 0;
    for (size_t i = 0; i < n; i++) {
        size_t ago = n - i;
        bins[i] = ago <= history->n ? history->rates[history->n - ago] : 0;
        largest = bins[i] > largest ? bins[i] : largest;
    }
    for (size_t i = 0; i < n && largest > 0; i++)
        bins[i] /= largest;
    return largest;
}

/* ---- latencies ---- */

static void put_minute(struct monitor_model *model)
{
    const struct monitor_sample *sample = &model->sample;
    size_t n = model->n_minutes;
    if (n && sample->now_ms - model->minutes[n - 1].at_ms < MINUTE_STEP_MS)
        return;
    if (n == MONITOR_MINUTE_MARKS)
        memmove(model->minutes, model->minutes + 1, --n * sizeof model->minutes[0]);
    model->minutes[n] = (struct monitor_minute){.at_ms = sample->now_ms};
    memcpy(model->minutes[n].counts, sample->view.histograms, sizeof sample->view.histograms);
    model->n_minutes = n + 1;
}

/* The oldest mark within the last minute; marks are there as soon as a sample is. */
static const struct monitor_minute *minute_of(const struct monitor_model *model)
{
    size_t i = 0;
    while (i + 1 < model->n_minutes &&
           model->sample.now_ms - model->minutes[i].at_ms > MONITOR_RECENT_MS)
        i++;
    return &model->minutes[i];
}

void monitor_model_latencies(const struct monitor_model *model, enum histogram histogram,
                             struct histogram_counts *out)
{
    const struct histogram_counts *all = &model->sample.view.histograms[histogram];
    *out = *all;
    if (!model->is_recent || model->n_minutes == 0)
        return;
    const struct histogram_counts *before = &minute_of(model)->counts[histogram];
    *out = (struct histogram_counts){.sum_us = all->sum_us - before->sum_us};
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        out->buckets[i] =
            all->buckets[i] > before->buckets[i] ? all->buckets[i] - before->buckets[i] : 0;
        out->n += out->buckets[i];
    }
}

void monitor_spread(const struct histogram_counts *counts, double *bins, size_t n)
{
    double largest = 0;
    for (size_t i = 0; i < n; i++)
        bins[i] = 0;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS && n; i++) {
        double from_us = i ? (double)histogram_bound(i - 1) : 0;
        double at = from_us > SPREAD_FIRST_US ? log2(from_us / SPREAD_FIRST_US) : 0;
        size_t bin = (size_t)(at * (double)n / SPREAD_POWERS);
        bins[bin < n ? bin : n - 1] += (double)counts->buckets[i];
    }
    for (size_t i = 0; i < n; i++)
        largest = bins[i] > largest ? bins[i] : largest;
    for (size_t i = 0; i < n && largest > 0; i++)
        bins[i] /= largest;
}

/* ---- one look ---- */

/* Counters that fall belong to another file: what was learnt of the old one is of no use. */
static bool is_same_board(const struct board_view *from, const struct board_view *to)
{
    for (int i = 0; i < METRIC_COUNT; i++)
        if (to->values[i] < from->values[i])
            return false;
    for (int i = 0; i < HISTOGRAM_COUNT; i++)
        if (to->histograms[i].n < from->histograms[i].n)
            return false;
    return true;
}

static double cpu_share_of(const struct monitor_machine *from, const struct monitor_machine *to)
{
    if (!from->cpu_all || to->cpu_all <= from->cpu_all || to->cpu_busy < from->cpu_busy)
        return -1;
    double share = (double)(to->cpu_busy - from->cpu_busy) / (double)(to->cpu_all - from->cpu_all);
    return share > 1 ? 1 : share;
}

void monitor_model_take(struct monitor_model *model, const struct monitor_sample *sample)
{
    const struct monitor_sample *old = &model->sample;
    double rates[MONITOR_FLOW_COUNT] = {0};
    bool is_next = model->has_sample && !old->counters.status && !sample->counters.status &&
                   is_same_board(&old->view, &sample->view);
    model->interval_ms = model->has_sample ? sample->now_ms - old->now_ms : 0;
    model->cpu_share = model->has_sample ? cpu_share_of(&old->machine, &sample->machine) : -1;
    if (is_next)
        add_counters(&old->view, &sample->view, model->interval_ms, rates);
    else
        model->n_minutes = 0;
    model->sample = *sample;
    if (sample->counters.status)
        model->sample.view = (struct board_view){0};
    follow(model);
    put_minute(model);
    add_operations(model, rates);
    if (model->has_sample) /* of a single look nothing is known yet */
        put_rates(model, rates);
    model->has_sample = true;
    monitor_model_arrange(model);
}

const struct operation *monitor_model_fullest(const struct monitor_model *model)
{
    const struct operation *fullest = NULL;
    double largest = -1;
    for (size_t i = 0; i < model->sample.view.n_operations; i++) {
        const struct operation *o = &model->sample.view.operations[i].operation;
        double share =
            o->memory_bytes_max ? (double)o->memory_bytes / (double)o->memory_bytes_max : -1;
        if (share > largest) {
            largest = share;
            fullest = o;
        }
    }
    return fullest;
}

uint64_t monitor_model_queued(const struct monitor_model *model)
{
    uint64_t n = 0;
    for (size_t i = 0; i < model->sample.view.n_operations; i++)
        n += model->sample.view.operations[i].operation.n_queued;
    return n;
}
