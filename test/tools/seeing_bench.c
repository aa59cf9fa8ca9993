/* What looking on costs those who work: nanoseconds of a log line and of a counter, lines a second
 * that four threads can offer, and whether every one of them is in the file or in a count of what
 * was left out. usage: seeing_bench FOLDER (which must be there) */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/board.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/log.h"
#include "base/log_ring.h"
#include "base/mem.h"
#include "base/metric.h"

#define N_THREADS 4
#define N_LINES 1000000
#define N_SAMPLES (N_LINES / 16)
#define N_ADDS 1000000
#define N_RUNS 40

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t n)
{
    qsort(values, n, sizeof *values, by_size);
    return values[n / 2];
}

/* What the two looks at the clock take themselves. */
static double clock_ns(void)
{
    double took[1001];
    for (size_t i = 0; i < 1001; i++) {
        double start = now_ns();
        took[i] = now_ns() - start;
    }
    return median(took, 1001);
}

struct offer {
    struct log_ring *ring; /* NULL: the whole log */
    double took_ns[N_SAMPLES];
    size_t n_refused;
    pthread_t thread;
};

/* Without a limit of lines a second: the ring by itself. */
static void put(struct offer *offer, size_t i)
{
    if (!offer->ring)
        LOG((enum log_event)(LOG_EVENT_FILE_FAILED + i % 6), {LOG_KEY_TOOK_US, (int64_t)i});
    else if (!log_ring_push(offer->ring, &(struct log_line){.facts = {{LOG_KEY_ADDED, 1}}}))
        offer->n_refused++;
}

static void *run_offer(void *arg)
{
    struct offer *offer = arg;
    for (size_t i = 0; i < N_LINES; i++) {
        double start = i % 16 == 0 ? now_ns() : 0;
        put(offer, i);
        if (i % 16 == 0)
            offer->took_ns[i / 16] = now_ns() - start;
    }
    return NULL;
}

static void offer_all(const char *what, struct offer *offers, double overhead_ns)
{
    double start = now_ns();
    for (size_t i = 0; i < N_THREADS; i++)
        pthread_create(&offers[i].thread, NULL, run_offer, &offers[i]);
    for (size_t i = 0; i < N_THREADS; i++)
        pthread_join(offers[i].thread, NULL);
    double seconds = (now_ns() - start) / 1e9;
    printf("%-28s %6.2f M lines/s offered, median %4.0f ns a call\n", what,
           N_THREADS * (double)N_LINES / seconds / 1e6,
           median(offers[0].took_ns, N_SAMPLES) - overhead_ns);
}

static uint64_t count_lines(const char *path)
{
    struct buf text = {0};
    uint64_t n = 0;
    if (file_read(path, (size_t)64 << 20, &text, NULL))
        exit(1);
    for (const char *at = buf_text(&text); (at = strchr(at, '\n')); at++)
        n++;
    for (const char *at = buf_text(&text); (at = strstr(at, " count=")); at++)
        n += strtoull(at + strlen(" count="), NULL, 10) - 1; /* less the line that tells it */
    buf_clear(&text);
    return n;
}

static void bench_log(const char *folder, struct offer *offers, double overhead_ns)
{
    struct error err;
    char path[4096];
    snprintf(path, sizeof path, "%s/bench.log", folder);
    remove(path);
    struct log_options options = {.path = path, .level = LOG_LEVEL_DEBUG};
    if (log_open(&options, &err)) {
        fprintf(stderr, "%s\n", err.message);
        exit(1);
    }
    offer_all("log", offers, overhead_ns);
    log_close();
    uint64_t n = count_lines(path), n_offered = (uint64_t)N_THREADS * N_LINES;
    printf("%-28s %llu of %llu written or counted\n", "", (unsigned long long)n,
           (unsigned long long)n_offered);
    remove(path);
    if (n != n_offered)
        exit(1);
}

static void bench_ring(struct offer *offers, double overhead_ns)
{
    struct log_ring *ring = mem_zalloc(1, sizeof *ring);
    if (!ring)
        exit(1);
    for (size_t i = 0; i < N_THREADS; i++)
        offers[i].ring = ring;
    offer_all("ring that nobody empties", offers, overhead_ns);
    size_t n = 0;
    struct log_line line;
    while (log_ring_pop(ring, &line))
        n++;
    for (size_t i = 0; i < N_THREADS; i++)
        n += offers[i].n_refused;
    printf("%-28s %zu of %zu kept or refused\n", "", n, (size_t)N_THREADS * N_LINES);
    mem_free(ring);
}

/* A call in the ring is kept, not refused: what the lines cost that are written. */
static double keep_ns(struct log_ring *ring)
{
    struct log_line line = {.facts = {{LOG_KEY_ADDED, 1}}};
    double start = cpu_ns();
    for (size_t i = 0; i < LOG_RING_CELLS; i++)
        if (!log_ring_push(ring, &line))
            exit(1);
    double took = (cpu_ns() - start) / LOG_RING_CELLS;
    while (log_ring_pop(ring, &line)) {
    }
    return took;
}

static double add_ns(bool is_histogram)
{
    double start = cpu_ns();
    for (size_t i = 0; i < N_ADDS; i++) {
        if (is_histogram)
            histogram_add(HISTOGRAM_QUERY_SCAN, i);
        else
            metric_add(METRIC_INGEST_CHUNKS, 1);
    }
    return (cpu_ns() - start) / N_ADDS;
}

/* Processor time of one thread, the least of some runs. */
static void bench_calls(const char *what, struct log_ring *ring)
{
    double counter = 1e9, histogram = 1e9, kept = 1e9;
    for (int run = 0; run < N_RUNS; run++) {
        double took[] = {add_ns(false), add_ns(true), ring ? keep_ns(ring) : 1e9};
        counter = took[0] < counter ? took[0] : counter;
        histogram = took[1] < histogram ? took[1] : histogram;
        kept = took[2] < kept ? took[2] : kept;
    }
    printf("%-28s %.1f ns a counter, %.1f ns a histogram\n", what, counter, histogram);
    if (ring)
        printf("%-28s %.1f ns a line\n", "kept in the ring", kept);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fputs("usage: seeing_bench FOLDER\n", stderr);
        return 2;
    }
    char path[4096];
    double overhead_ns = clock_ns();
    struct offer *offers = mem_zalloc(N_THREADS, sizeof *offers);
    if (!offers)
        return 1;
    bench_log(argv[1], offers, overhead_ns);
    bench_ring(offers, overhead_ns);
    mem_free(offers);
    struct log_ring *ring = mem_zalloc(1, sizeof *ring);
    if (!ring)
        return 1;
    bench_calls("counted for itself", ring);
    mem_free(ring);
    snprintf(path, sizeof path, "%s/bench.metrics", argv[1]);
    if (board_share(path, NULL))
        return 1;
    bench_calls("counted for the library", NULL);
    remove(path);
    return 0;
}
