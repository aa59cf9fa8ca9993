/* Measures the index of words:
 *   lexical_bench build CORPUS.txt OUT.seg [--rows-per-flush N]
 *   lexical_bench query OUT.seg QUERIES.txt --k 50 --runs N [--results FILE] [--exhaustive]
 * One document a line, words in lower case between blanks; row i is line i. JSON on stdout. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "lexical/lexical.h"

#define FAN_IN 8
#define N_PARTS_MAX 64
#define K_MAX 1000

static struct error err;

static void check(enum status status)
{
    if (!status)
        return;
    fprintf(stderr, "lexical_bench: %s\n", err.message);
    exit(1);
}

/* ---- building: flushes, and merges of eight of a size, as the product does ---- */

struct part {
    char path[4096];
    struct segment *segment;
    struct lexical_index *index;
    size_t level;
};

struct build {
    const char *out;
    struct part parts[N_PARTS_MAX];
    size_t n_parts, n_made;
    int64_t first_row, n_rows;
    struct lexical_builder *builder;
};

static void put_rows(struct segment_writer *writer, int64_t first, int64_t n)
{
    int64_t *ids = mem_array((size_t)n, sizeof *ids);
    for (int64_t i = 0; i < n; i++)
        ids[i] = first + i;
    check(segment_writer_put_rows(writer, ids, ids, (size_t)n, &err));
    mem_free(ids);
}

static void open_part(struct part *part)
{
    check(segment_open(part->path, SEGMENT_LEXICAL, NULL, &part->segment, &err));
    check(lexical_index_open(part->segment, &part->index, &err));
}

static void close_part(struct part *part)
{
    lexical_index_close(part->index);
    segment_close(part->segment);
}

static void finish(struct segment_writer *writer)
{
    struct segment_stamp stamp;
    check(segment_writer_finish(writer, &stamp, &err));
    segment_writer_free(writer);
}

static void merge(struct build *build, size_t n)
{
    struct part *first = &build->parts[build->n_parts - n], merged = {.level = first->level + 1};
    const struct lexical_index *indexes[N_PARTS_MAX];
    struct segment_merge_input inputs[N_PARTS_MAX] = {0};
    struct segment_merge plan = {0};
    struct segment_writer *writer;
    for (size_t i = 0; i < n; i++) {
        inputs[i].segment = first[i].segment;
        indexes[i] = first[i].index;
    }
    snprintf(merged.path, sizeof merged.path, "%s.%zu", build->out, build->n_made++);
    check(segment_merge_init(&plan, inputs, n, &err));
    check(segment_writer_new(merged.path, SEGMENT_LEXICAL, "none-2", &writer, &err));
    check(segment_writer_put_rows(writer, plan.chunk_ids, plan.document_ids, plan.n_rows, &err));
    check(lexical_merge(indexes, &plan, LEXICAL_PARAMS_DEFAULT, writer, &err));
    finish(writer);
    segment_merge_clear(&plan);
    for (size_t i = 0; i < n; i++) {
        close_part(&first[i]);
        check(file_remove(first[i].path, &err));
    }
    open_part(&merged);
    *first = merged;
    build->n_parts -= n - 1;
}

static void flush(struct build *build)
{
    struct segment_writer *writer;
    struct part *part = &build->parts[build->n_parts++];
    *part = (struct part){0};
    snprintf(part->path, sizeof part->path, "%s.%zu", build->out, build->n_made++);
    check(segment_writer_new(part->path, SEGMENT_LEXICAL, "none-2", &writer, &err));
    put_rows(writer, build->first_row, build->n_rows - build->first_row);
    check(lexical_builder_write(build->builder, writer, &err));
    finish(writer);
    lexical_builder_free(build->builder);
    build->builder = NULL;
    build->first_row = build->n_rows;
    open_part(part);
    for (size_t n = 0; build->n_parts >= FAN_IN; n = 0) {
        size_t level = build->parts[build->n_parts - 1].level;
        while (n < build->n_parts && build->parts[build->n_parts - 1 - n].level == level)
            n++;
        if (n < FAN_IN)
            break;
        merge(build, n);
    }
}

static void add_line(struct build *build, struct analyzer *analyzer, const char *line, size_t len)
{
    struct buf blob = {0};
    uint32_t n_terms;
    if (!build->builder)
        check(lexical_builder_new(LEXICAL_PARAMS_DEFAULT, &build->builder, &err));
    check(lexical_terms_encode(analyzer, &line, &len, 1, &blob, &n_terms, &err));
    check(lexical_builder_add(build->builder, buf_text(&blob), blob.len, n_terms, &err));
    buf_clear(&blob);
    build->n_rows++;
}

static int run_build(const char *corpus, const char *out, int64_t rows_per_flush)
{
    struct build build = {.out = out};
    struct analyzer *analyzer;
    struct file_info info;
    char *line = NULL;
    size_t n_max = 0;
    ssize_t len;
    FILE *file = fopen(corpus, "r");
    if (!file) {
        perror(corpus);
        return 1;
    }
    int64_t start_us = clock_monotonic_us();
    check(analyzer_new("none", &analyzer, &err));
    while ((len = getline(&line, &n_max, file)) > 0) {
        add_line(&build, analyzer, line, (size_t)len - (line[len - 1] == '\n'));
        if (build.n_rows - build.first_row >= rows_per_flush)
            flush(&build);
    }
    if (build.builder || build.n_parts == 0)
        flush(&build);
    if (build.n_parts > 1)
        merge(&build, build.n_parts);
    close_part(&build.parts[0]);
    check(file_rename(build.parts[0].path, out, &err));
    check(file_stat(out, FILE_FOLLOW, &info, &err));
    printf("{\"rows\": %lld, \"seconds\": %.2f, \"bytes\": %llu}\n", (long long)build.n_rows,
           (double)(clock_monotonic_us() - start_us) / 1e6, (unsigned long long)info.size_bytes);
    analyzer_free(analyzer);
    fclose(file);
    free(line);
    return 0;
}

/* ---- asking ---- */

struct measure {
    struct segment *segment;
    struct lexical_index *index;
    struct analyzer *analyzer;
    size_t k, n_runs, n_queries, n_max;
    int is_exhaustive;
    double *best_ms;
    FILE *results;
};

static double ask_once(struct measure *m, const char *line, struct lexical_hit *hits, size_t *out_n)
{
    struct arena arena = {0};
    struct lexical_query query;
    struct lexical_lookup *lookup;
    struct lexical_stats stats = {0};
    int64_t start_us = clock_monotonic_us();
    check(lexical_query_parse(m->analyzer, line, strlen(line), &arena, &query, &err));
    check(lexical_lookup_new(m->index, &query, &lookup, &err));
    lexical_lookup_count(lookup, &stats, &query);
    lexical_query_weigh(&query, &stats, LEXICAL_PARAMS_DEFAULT);
    check((m->is_exhaustive ? lexical_lookup_search_all
                            : lexical_lookup_search)(lookup, NULL, m->k, 0, hits, out_n, &err));
    lexical_lookup_free(lookup);
    double ms = (double)(clock_monotonic_us() - start_us) / 1e3;
    arena_clear(&arena);
    return ms;
}

static void ask(struct measure *m, const char *line)
{
    static struct lexical_hit hits[K_MAX];
    size_t n = 0;
    double best = 1e9;
    for (size_t run = 0; run < m->n_runs; run++) {
        double ms = ask_once(m, line, hits, &n);
        best = ms < best ? ms : best;
    }
    void *all = m->best_ms;
    check(mem_reserve(&all, &m->n_max, m->n_queries + 1, sizeof *m->best_ms, &err));
    m->best_ms = all;
    m->best_ms[m->n_queries++] = best;
    for (size_t i = 0; m->results && i < n; i++)
        fprintf(m->results, "%s%u:%d", i ? " " : "", hits[i].row, hits[i].score);
    if (m->results)
        fputc('\n', m->results);
}

static int compare_ms(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static int run_query(struct measure *m, const char *path, const char *queries)
{
    char *line = NULL;
    size_t n_max = 0;
    ssize_t len;
    double sum = 0;
    FILE *file = fopen(queries, "r");
    if (!file) {
        perror(queries);
        return 1;
    }
    check(analyzer_new("none", &m->analyzer, &err));
    check(segment_open(path, SEGMENT_LEXICAL, NULL, &m->segment, &err));
    check(lexical_index_open(m->segment, &m->index, &err));
    while ((len = getline(&line, &n_max, file)) > 0) {
        line[len - (line[len - 1] == '\n')] = '\0';
        ask(m, line);
    }
    size_t n = m->n_queries;
    for (size_t i = 0; i < n; i++)
        sum += m->best_ms[i];
    if (n > 0) {
        qsort(m->best_ms, n, sizeof *m->best_ms, compare_ms);
        printf("{\"queries\": %zu, \"p50_ms\": %.4f, \"p99_ms\": %.4f, \"mean_ms\": %.4f}\n", n,
               m->best_ms[n / 2], m->best_ms[n * 99 / 100], sum / (double)n);
    }
    lexical_index_close(m->index);
    segment_close(m->segment);
    analyzer_free(m->analyzer);
    mem_free(m->best_ms);
    free(line);
    fclose(file);
    return m->results ? fclose(m->results) : 0;
}

static const char *option(int argc, char **argv, const char *name, const char *otherwise)
{
    for (int i = 4; i < argc; i++)
        if (strcmp(argv[i], name) == 0)
            return i + 1 < argc ? argv[i + 1] : "";
    return otherwise;
}

int main(int argc, char **argv)
{
    if (argc >= 4 && strcmp(argv[1], "build") == 0)
        return run_build(argv[2], argv[3], atoll(option(argc, argv, "--rows-per-flush", "16384")));
    if (argc < 4 || strcmp(argv[1], "query") != 0) {
        fprintf(stderr, "usage: lexical_bench build CORPUS OUT | query INDEX QUERIES\n");
        return 2;
    }
    struct measure m = {
        .k = (size_t)atoll(option(argc, argv, "--k", "50")),
        .n_runs = (size_t)atoll(option(argc, argv, "--runs", "1")),
        .is_exhaustive = option(argc, argv, "--exhaustive", NULL) != NULL,
    };
    const char *results = option(argc, argv, "--results", NULL);
    if (m.k > K_MAX || m.n_runs == 0) {
        fprintf(stderr, "lexical_bench: --k is at most %d, --runs at least 1\n", K_MAX);
        return 2;
    }
    if (results && !(m.results = fopen(results, "w"))) {
        perror(results);
        return 1;
    }
    return run_query(&m, argv[2], argv[3]);
}
