/* Build and search times of vector segments, with recall, for files of rows.
 *   vector_bench build BASE.f16 DIM OUT.seg [--threads N]
 *   vector_bench exact BASE.f16 DIM QUERIES.f32 K OUT.i32
 *   vector_bench query OUT.seg BASE.f16 DIM QUERIES.f32 [--k 10] [--rescored R] [--runs N]
 *                      [--threads N] [--truth OUT.i32] [--kernel NAME] [--allowed SHARE]
 *   vector_bench check OUT.seg BASE.f16 DIM
 * Rows are raw fp16 [n][DIM], queries raw floats [n][DIM], truth int32 [n_queries][K]. JSON on
 * stdout. A query's time is the least of its runs. --allowed: one row in SHARE may be found; recall
 * is then against the exact cosines of those. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bitmap.h"
#include "base/file.h"
#include "base/mem.h"
#include "vector/vector_index.h"

static struct error err;

static void require(enum status status)
{
    if (status == STATUS_OK)
        return;
    fprintf(stderr, "vector_bench: %s\n", err.message);
    exit(1);
}

static void *need(void *memory)
{
    if (memory)
        return memory;
    fprintf(stderr, "vector_bench: out of memory\n");
    exit(1);
}

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static struct span map_file(const char *path)
{
    struct span map;
    require(file_map(path, &map, &err));
    return map;
}

static struct vector_rows map_rows(const char *path, size_t dim)
{
    struct span map = map_file(path);
    return (struct vector_rows){.bytes = map.bytes, .n_slots = map.len / (2 * dim), .dim = dim};
}

static const char *option(char **arguments, const char *name, const char *otherwise)
{
    for (; *arguments; arguments++)
        if (strcmp(*arguments, name) == 0 && arguments[1])
            return arguments[1];
    return otherwise;
}

static size_t option_number(char **arguments, const char *name, size_t otherwise)
{
    const char *text = option(arguments, name, NULL);
    return text ? strtoul(text, NULL, 10) : otherwise;
}

static int compare_doubles(const void *a, const void *b)
{
    const double *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

static double percentile(double *values, size_t n, size_t percent)
{
    qsort(values, n, sizeof *values, compare_doubles);
    return n ? values[(n - 1) * percent / 100] : 0;
}

static int run_build(char **arguments)
{
    struct vector_rows rows = map_rows(arguments[0], strtoul(arguments[1], NULL, 10));
    size_t n = rows.n_slots;
    uint32_t *slots = need(mem_array(n, sizeof *slots));
    int64_t *ids = need(mem_array(n, sizeof *ids));
    for (size_t i = 0; i < n; i++) {
        slots[i] = (uint32_t)i;
        ids[i] = (int64_t)i + 1;
    }
    struct segment_writer *writer;
    struct segment_stamp stamp;
    double start = now_ms();
    require(segment_writer_new(arguments[2], SEGMENT_VECTOR, "bench", &writer, &err));
    require(segment_writer_put_rows(writer, ids, ids, n, &err));
    require(vector_codes_write(writer, slots, n, &rows,
                               (unsigned)option_number(arguments, "--threads", 1), &err));
    require(segment_writer_finish(writer, &stamp, &err));
    double took = now_ms() - start;
    segment_writer_free(writer);
    printf("{\"rows\": %zu, \"seconds\": %.3f, \"bytes\": %llu}\n", n, took / 1e3,
           (unsigned long long)stamp.size_bytes);
    mem_free(ids);
    mem_free(slots);
    return 0;
}

static void exact_best(const struct vector_rows *rows, const float *query, const uint32_t *slots,
                       const uint64_t *allowed, float *cosines, struct candidates *best)
{
    best->n = 0;
    best->threshold = -INFINITY;
    vector_cosines(rows, query, slots, rows->n_slots, cosines);
    for (size_t i = 0; i < rows->n_slots; i++)
        if (cosines[i] > best->threshold && (!allowed || bitmap_has(allowed, i)))
            candidates_add(best, cosines[i], (uint32_t)i);
    candidates_sort(best);
}

/* int32 [n_queries][k], -1 behind the last. */
static int32_t *exact_rows(const struct vector_rows *rows, const float *queries, size_t n_queries,
                           const uint64_t *allowed, size_t k)
{
    int32_t *out = need(mem_array(n_queries * k, sizeof *out));
    uint32_t *slots = need(mem_array(rows->n_slots, sizeof *slots));
    float *cosines = need(mem_array(rows->n_slots, sizeof *cosines));
    struct candidates best = {0};
    require(candidates_init(&best, k, &err));
    for (size_t i = 0; i < rows->n_slots; i++)
        slots[i] = (uint32_t)i;
    for (size_t q = 0; q < n_queries; q++) {
        exact_best(rows, queries + q * rows->dim, slots, allowed, cosines, &best);
        for (size_t i = 0; i < k; i++)
            out[q * k + i] = i < best.n ? (int32_t)candidates_row(best.keys[i]) : -1;
    }
    candidates_clear(&best);
    mem_free(cosines);
    mem_free(slots);
    return out;
}

static int run_exact(char **arguments)
{
    size_t dim = strtoul(arguments[1], NULL, 10), k = strtoul(arguments[3], NULL, 10);
    struct vector_rows rows = map_rows(arguments[0], dim);
    struct span queries = map_file(arguments[2]);
    size_t n_queries = queries.len / (dim * sizeof(float));
    double start = now_ms();
    int32_t *truth = exact_rows(&rows, queries.bytes, n_queries, NULL, k);
    double took = now_ms() - start;
    require(file_replace(arguments[4], truth, n_queries * k * sizeof *truth, 0644, &err));
    printf("{\"queries\": %zu, \"mean_ms\": %.3f}\n", n_queries, took / (double)n_queries);
    mem_free(truth);
    return 0;
}

static struct vector_index *open_index(const char *path, const char *kernel,
                                       struct segment **segment)
{
    struct vector_index *index;
    require(segment_open(path, SEGMENT_VECTOR, NULL, segment, &err));
    for (size_t i = 0; i < vector_n_kernels; i++) {
        if (!vector_kernels[i]->runs_here() ||
            (kernel && strcmp(vector_kernels[i]->name, kernel) != 0))
            continue;
        require(vector_index_open_with(*segment, vector_kernels[i], &index, &err));
        return index;
    }
    fprintf(stderr, "vector_bench: no kernel \"%s\" here\n", kernel);
    exit(1);
}

static double scan_ms(const struct vector_index *index, const struct vector_search *search)
{
    struct candidates best = {0};
    size_t n = search->n_rescored ? search->n_rescored
                                  : vector_n_rescored(vector_index_n_rows(index), search->k);
    double start = now_ms();
    require(candidates_init(&best, n, &err));
    require(
        vector_index_scan(index, search->query, search->allowed, search->n_threads, &best, &err));
    candidates_clear(&best);
    return now_ms() - start;
}

/* Rows of the truth that were found. */
static size_t count_found(const struct vector_hit *hits, size_t n_hits, const int32_t *truth,
                          size_t k)
{
    size_t n = 0;
    for (size_t i = 0; i < k; i++)
        for (size_t j = 0; j < n_hits; j++)
            n += truth[i] >= 0 && hits[j].row == (uint32_t)truth[i];
    return n;
}

static size_t count_rows(const int32_t *truth, size_t n)
{
    size_t n_rows = 0;
    for (size_t i = 0; i < n; i++)
        n_rows += truth[i] >= 0;
    return n_rows;
}

static uint64_t *allow_share(size_t n_rows, size_t share)
{
    uint64_t *allowed = share ? need(mem_zalloc(bitmap_n_words(n_rows), sizeof *allowed)) : NULL;
    for (size_t row = 0; share && row < n_rows; row++)
        if ((row * 2654435761u >> 7) % share == 0)
            bitmap_add(allowed, row);
    return allowed;
}

static int run_query(char **arguments)
{
    size_t dim = strtoul(arguments[2], NULL, 10), k = option_number(arguments, "--k", 10);
    size_t n_runs = option_number(arguments, "--runs", 3), n_hits = 0, n_found = 0;
    struct segment *segment;
    struct vector_index *index =
        open_index(arguments[0], option(arguments, "--kernel", NULL), &segment);
    struct vector_rows rows = map_rows(arguments[1], dim);
    struct span queries = map_file(arguments[3]);
    size_t n_queries = queries.len / (dim * sizeof(float));
    uint64_t *allowed = allow_share(rows.n_slots, option_number(arguments, "--allowed", 0));
    const char *truth_path = option(arguments, "--truth", NULL);
    const int32_t *truth = truth_path ? map_file(truth_path).bytes : NULL;
    if (allowed)
        truth = exact_rows(&rows, queries.bytes, n_queries, allowed, k);
    double *times = need(mem_array(n_queries, sizeof *times));
    double *scans = need(mem_array(n_queries, sizeof *scans));
    struct vector_hit *hits = need(mem_array(k, sizeof *hits));
    struct vector_search search = {
        .rows = &rows,
        .allowed = allowed,
        .k = k,
        .n_rescored = option_number(arguments, "--rescored", 0),
        .floor = -1,
        .n_threads = (unsigned)option_number(arguments, "--threads", 1),
    };
    for (size_t q = 0; q < n_queries; q++) {
        search.query = (const float *)queries.bytes + q * dim;
        times[q] = scans[q] = INFINITY;
        for (size_t run = 0; run < n_runs; run++) {
            double start = now_ms();
            require(vector_index_search(index, &search, hits, &n_hits, &err));
            times[q] = fmin(times[q], now_ms() - start);
            scans[q] = fmin(scans[q], scan_ms(index, &search));
        }
        n_found += truth ? count_found(hits, n_hits, truth + q * k, k) : 0;
    }
    double p50 = percentile(times, n_queries, 50), p99 = percentile(times, n_queries, 99);
    printf("{\"queries\": %zu, \"p50_ms\": %.4f, \"p99_ms\": %.4f, \"scan_p50_ms\": %.4f, ",
           n_queries, p50, p99, percentile(scans, n_queries, 50));
    if (truth)
        printf("\"recall\": %.5f, ", (double)n_found / (double)count_rows(truth, n_queries * k));
    else
        printf("\"recall\": null, ");
    printf("\"kernel\": \"%s\"}\n", index->kernel->name);
    vector_index_close(index);
    segment_close(segment);
    return 0;
}

static int run_check(char **arguments)
{
    struct segment *segment;
    struct vector_index *index = open_index(arguments[0], NULL, &segment);
    struct vector_rows rows = map_rows(arguments[1], strtoul(arguments[2], NULL, 10));
    require(vector_index_check(index, &rows, &err));
    vector_index_close(index);
    segment_close(segment);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc >= 5 && strcmp(argv[1], "build") == 0)
        return run_build(argv + 2);
    if (argc >= 7 && strcmp(argv[1], "exact") == 0)
        return run_exact(argv + 2);
    if (argc >= 6 && strcmp(argv[1], "query") == 0)
        return run_query(argv + 2);
    if (argc >= 5 && strcmp(argv[1], "check") == 0)
        return run_check(argv + 2);
    fprintf(stderr, "usage: vector_bench build|exact|query|check ...\n");
    return 2;
}
