/* Searching the index against the exhaustive scorer, and the kernels against the scalar one. */
#include "lexical_fixture.h"

#include "lexical/lookup.h"

#define N_SEGMENTS_MAX 3
#define K_MAX 200

/* Some rows, part of them in a tail and the rest in segments, one behind the other. */
struct library {
    struct made_rows made;
    size_t n_tail; /* the last rows */
    size_t n_segments, first[N_SEGMENTS_MAX + 1];
    struct made_segment segments[N_SEGMENTS_MAX];
};

static struct library library_new(size_t n_rows, uint32_t n_words, uint32_t seed)
{
    struct library library = {.made = made_rows_new(n_rows, 40, n_words, seed)};
    library.n_tail = next_random(&seed) % (n_rows / 4 + 1);
    library.n_segments = 1 + next_random(&seed) % N_SEGMENTS_MAX;
    size_t n_left = n_rows - library.n_tail;
    for (size_t i = 0; i < library.n_segments; i++) {
        bool is_last = i + 1 == library.n_segments;
        size_t n = is_last ? n_left : next_random(&seed) % (n_left + 1);
        library.segments[i] = made_segment_of(&library.made, library.first[i], n);
        library.first[i + 1] = library.first[i] + n;
        n_left -= n;
    }
    return library;
}

static void library_clear(struct library *library)
{
    for (size_t i = 0; i < library->n_segments; i++)
        made_segment_clear(&library->segments[i]);
    made_rows_clear(&library->made);
}

struct asked {
    struct arena arena;
    struct lexical_query query;
    struct lexical_params params;
    uint64_t *allowed; /* of all rows; NULL: all */
    size_t k;
};

static void ask(struct asked *out, const struct library *library, uint32_t *seed)
{
    static const struct lexical_params params[] = {
        {1.5, .75}, {1.5, .75}, {.9, .4}, {2, 0}, {3, 1}};
    struct buf text = {0}, prefix = {0};
    size_t n = 1 + next_random(seed) % 10, n_rows = library->made.n;
    for (size_t i = 0; i < n; i++) {
        uint32_t n_words = library->made.n_words;
        append_word(&text, next_random(seed) % 2 ? next_word(seed, n_words)
                                                 : next_random(seed) % (n_words + 1));
    }
    append_word(&prefix, next_random(seed) % 30);
    const struct lexical_clause clauses[] = {
        {text.data, text.len, LEXICAL_WORDS, false},
        {prefix.data, 1 + next_random(seed) % prefix.len, LEXICAL_PREFIX, false}};
    *out =
        (struct asked){.params = params[next_random(seed) % 5], .k = 1 + next_random(seed) % K_MAX};
    assert_ok(lexical_query_build(library->made.analyzer, clauses, 1 + (next_random(seed) % 8 == 0),
                                  &out->arena, &out->query, &err));
    if (next_random(seed) % 2) {
        uint32_t one_in = 1 + next_random(seed) % 20;
        out->allowed = arena_zalloc(&out->arena, bitmap_n_words(n_rows), sizeof(uint64_t));
        for (size_t i = 0; i < n_rows; i++)
            if (next_random(seed) % one_in == 0)
                bitmap_add(out->allowed, i);
        size_t first = next_random(seed) % n_rows, n_more = next_random(seed) % (n_rows - first);
        if (next_random(seed) % 3 == 0) { /* a range, as one folder is */
            bitmap_set_range(out->allowed, 0, n_rows, false);
            bitmap_set_range(out->allowed, first, first + n_more + 1, true);
        }
    }
    buf_clear(&text);
    buf_clear(&prefix);
}

static int compare_hits(const void *a, const void *b)
{
    const struct lexical_hit *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

/* Everything scored, sorted, cut. */
static size_t expect(const struct asked *asked, const int32_t *scores, size_t n_rows,
                     struct lexical_hit *out)
{
    size_t n = 0;
    for (size_t i = 0; i < n_rows; i++)
        if (scores[i] > 0 && (!asked->allowed || bitmap_has(asked->allowed, i)))
            out[n++] = (struct lexical_hit){(uint32_t)i, scores[i]};
    if (n > 1)
        qsort(out, n, sizeof *out, compare_hits);
    return n < asked->k ? n : asked->k;
}

/* The allowed rows of one source as a bitmap of its own; NULL: all. */
static uint64_t *part_of(const struct asked *asked, size_t first, size_t n)
{
    if (!asked->allowed)
        return NULL;
    uint64_t *part = calloc(bitmap_n_words(n) + 1, sizeof *part);
    assert_non_null(part);
    for (size_t i = 0; i < n; i++)
        if (bitmap_has(asked->allowed, first + i))
            bitmap_add(part, i);
    return part;
}

static size_t best_of_tail(const struct asked *asked, struct lexical_tail *tail, size_t first,
                           struct lexical_hit *out)
{
    const int32_t *scores;
    size_t n, n_hits = 0;
    assert_ok(lexical_tail_scores(tail, &scores, &n, &err));
    for (size_t i = 0; i < n; i++)
        if (scores[i] > 0 && (!asked->allowed || bitmap_has(asked->allowed, first + i)))
            out[n_hits++] = (struct lexical_hit){(uint32_t)(first + i), scores[i]};
    return n_hits;
}

/* Sorts what was found so far, cuts it, and says from which score on more is wanted. */
static int32_t cut(const struct asked *asked, struct lexical_hit *hits, size_t *io_n)
{
    if (*io_n > 1)
        qsort(hits, *io_n, sizeof *hits, compare_hits);
    if (*io_n < asked->k)
        return 0;
    *io_n = asked->k;
    return hits[asked->k - 1].score - 1;
}

struct sources {
    struct lexical_tail *tail;
    struct lexical_lookup *lookups[N_SEGMENTS_MAX];
};

static void check_scores(struct lexical_lookup *lookup, const int32_t *scores, size_t n,
                         uint32_t *seed)
{
    uint32_t rows[32];
    int32_t got[32];
    size_t n_rows = 0;
    for (size_t row = next_random(seed) % 50; row < n && n_rows < 32;
         row += 1 + next_random(seed) % (n / 16 + 1))
        rows[n_rows++] = (uint32_t)row;
    lexical_lookup_score(lookup, rows, n_rows, got);
    for (size_t i = 0; i < n_rows; i++)
        assert_int_equal(got[i], scores[rows[i]]);
}

static size_t search_all(const struct library *library, const struct asked *asked,
                         const struct sources *sources, struct lexical_hit *out)
{
    size_t first_of_tail = library->made.n - library->n_tail;
    size_t n = best_of_tail(asked, sources->tail, first_of_tail, out);
    int32_t floor = cut(asked, out, &n);
    for (size_t i = 0; i < library->n_segments; i++) {
        size_t n_new = 0, first = library->first[i];
        uint64_t *allowed = part_of(asked, first, library->first[i + 1] - first);
        assert_ok(lexical_lookup_search(sources->lookups[i], allowed, asked->k, floor, out + n,
                                        &n_new, &err));
        assert_true(n_new <= asked->k);
        for (size_t h = n; h < n + n_new; h++) {
            assert_true(out[h].score > floor);
            assert_true(h == n || compare_hits(&out[h - 1], &out[h]) < 0);
        }
        for (size_t h = n; h < n + n_new; h++)
            out[h].row += (uint32_t)first;
        n += n_new;
        floor = cut(asked, out, &n);
        free(allowed);
    }
    return n;
}

static void check_query(const struct library *library, struct asked *asked,
                        const struct lexical_kernel *kernel, uint32_t *seed)
{
    size_t n_rows = library->made.n;
    struct lexical_query all = asked->query;
    all.terms = malloc((all.n_terms + 1) * sizeof *all.terms);
    memcpy(all.terms, asked->query.terms, all.n_terms * sizeof *all.terms);
    struct lexical_stats stats = {0}, all_stats = {0};
    struct lexical_tail *oracle;
    struct sources sources = {0};
    assert_ok(lexical_tail_new(&all, &oracle, &err));
    tail_add_rows(oracle, &library->made, 0, n_rows);
    lexical_tail_count(oracle, &all_stats, &all);
    assert_ok(lexical_tail_new(&asked->query, &sources.tail, &err));
    tail_add_rows(sources.tail, &library->made, n_rows - library->n_tail, library->n_tail);
    lexical_tail_count(sources.tail, &stats, &asked->query);
    for (size_t i = 0; i < library->n_segments; i++) {
        assert_ok(lexical_lookup_new(library->segments[i].index, &asked->query, &sources.lookups[i],
                                     &err));
        sources.lookups[i]->kernel = kernel;
        lexical_lookup_count(sources.lookups[i], &stats, &asked->query);
    }
    assert_int_equal(stats.n_rows, all_stats.n_rows);
    assert_int_equal(stats.n_terms, all_stats.n_terms);
    lexical_query_weigh(&all, &all_stats, asked->params);
    lexical_query_weigh(&asked->query, &stats, asked->params);
    const int32_t *scores;
    size_t n;
    assert_ok(lexical_tail_scores(oracle, &scores, &n, &err));
    struct lexical_hit *expected = malloc((n_rows + 1) * sizeof *expected);
    struct lexical_hit *got = malloc((n_rows + 2 * K_MAX) * sizeof *got);
    size_t n_expected = expect(asked, scores, n_rows, expected);
    assert_int_equal(search_all(library, asked, &sources, got), n_expected);
    for (size_t i = 0; i < n_expected; i++) {
        assert_int_equal(got[i].row, expected[i].row);
        assert_int_equal(got[i].score, expected[i].score);
    }
    for (size_t i = 0; i < library->n_segments; i++) {
        check_scores(sources.lookups[i], scores + library->first[i],
                     library->first[i + 1] - library->first[i], seed);
        lexical_lookup_free(sources.lookups[i]);
    }
    lexical_tail_free(sources.tail);
    lexical_tail_free(oracle);
    free(expected);
    free(got);
    free(all.terms);
}

static void check_library(size_t n_rows, uint32_t n_words, size_t n_queries, uint32_t seed)
{
    struct library library = library_new(n_rows, n_words, seed);
    for (size_t i = 0; i < n_queries; i++) {
        size_t n_kernels = 0;
        for (size_t k = 0; lexical_kernels[k]; k++)
            n_kernels += lexical_kernels[k]->runs_here();
        size_t pick = next_random(&seed) % n_kernels, k = 0;
        while (!lexical_kernels[k]->runs_here() || pick-- > 0)
            k++;
        struct asked asked;
        ask(&asked, &library, &seed);
        check_query(&library, &asked, lexical_kernels[k], &seed);
        arena_clear(&asked.arena);
    }
    library_clear(&library);
}

static void test_lexical_search__equals_the_exhaustive_scorer(void **state)
{
    (void)state;
    uint32_t seed = 20260401;
    printf("seed %u\n", seed);
    for (size_t round = 0; round < 96; round++) {
        size_t n_rows = 1 + next_random(&seed) % (round % 4 ? 300 : 3000);
        check_library(n_rows, 3 + next_random(&seed) % 2000, 100, next_random(&seed));
    }
    for (size_t round = 0; round < 4; round++)
        check_library(60000, round % 2 ? 40 : 20000, 100, next_random(&seed));
}

static void test_lexical_search__breaks_ties_by_row(void **state)
{
    (void)state;
    struct made_rows made = made_rows_new(1, 3, 2, 5);
    made.rows = realloc(made.rows, 401 * sizeof *made.rows);
    for (made.n = 1; made.n < 400; made.n++) {
        made.rows[made.n] = made.rows[0];
        made.rows[made.n].blob = (struct buf){0};
        buf_append(&made.rows[made.n].blob, "\1a\1\0\0", 5);
        made.rows[made.n].n_terms = 1;
    }
    struct made_segment segment = made_segment_of(&made, 1, 399);
    struct arena arena = {0};
    struct lexical_query query;
    struct lexical_stats stats = {0};
    struct lexical_lookup *lookup;
    struct lexical_hit hits[10];
    size_t n;
    assert_ok(lexical_query_parse(made.analyzer, "a", 1, &arena, &query, &err));
    assert_ok(lexical_lookup_new(segment.index, &query, &lookup, &err));
    lexical_lookup_count(lookup, &stats, &query);
    lexical_query_weigh(&query, &stats, LEXICAL_PARAMS_DEFAULT);
    assert_ok(lexical_lookup_search(lookup, NULL, 10, 0, hits, &n, &err));
    assert_int_equal(n, 10);
    for (uint32_t i = 0; i < 10; i++)
        assert_int_equal(hits[i].row, i);
    assert_ok(lexical_lookup_search(lookup, NULL, 10, hits[0].score, hits, &n, &err));
    assert_int_equal(n, 0);
    lexical_lookup_free(lookup);
    arena_clear(&arena);
    made_segment_clear(&segment);
    made_rows_clear(&made);
}

static void fill(uint32_t *numbers, unsigned width, uint32_t *seed)
{
    for (size_t i = 0; i < BLOCK_POSTINGS; i++)
        numbers[i] = width ? next_random(seed) >> (32 - width) : 0;
}

static void check_unpack(const struct lexical_kernel *kernel, uint32_t *seed)
{
    for (unsigned width = 0; width <= BLOCK_WIDTH_MAX; width++) {
        uint32_t numbers[BLOCK_POSTINGS], got[BLOCK_POSTINGS];
        fill(numbers, width, seed);
        unsigned needed = block_width(numbers);
        assert_true(needed <= width);
        /* Exactly as many bytes as there are, from an odd place. */
        unsigned char *bytes = malloc((size_t)16 * width + 1);
        block_pack(numbers, width, bytes + 1);
        kernel->unpack(bytes + 1, width, got);
        for (size_t i = 0; i < BLOCK_POSTINGS; i++)
            assert_int_equal(got[i], (uint32_t)(numbers[i] + 1));
        uint32_t sum = UINT32_MAX - 5;
        kernel->sum_up(got, sum);
        for (size_t i = 0; i < BLOCK_POSTINGS; i++)
            assert_int_equal(got[i], sum += numbers[i] + 1);
        free(bytes);
    }
}

static void check_score(const struct lexical_kernel *kernel, uint32_t *seed)
{
    uint16_t lengths[1001];
    for (size_t i = 0; i < 1001; i++)
        lengths[i] = (uint16_t)(next_random(seed) >> (16 + next_random(seed) % 16));
    for (size_t round = 0; round < 2000; round++) {
        uint32_t rows[BLOCK_POSTINGS] = {0}, tfs[BLOCK_POSTINGS] = {0};
        int32_t got[BLOCK_POSTINGS];
        size_t n = next_random(seed) % (BLOCK_POSTINGS + 1);
        struct score_weights weights = {
            .factor = ldexpf((float)(next_random(seed) >> 8), (int)(next_random(seed) % 36) - 30),
            .base = (float)(next_random(seed) % 100) / 37,
            .slope = (float)(next_random(seed) % 1000) / 7777};
        for (size_t i = 0; i < n; i++) {
            rows[i] = next_random(seed) % 1000;
            tfs[i] = 1 + (next_random(seed) % 65535 >> next_random(seed) % 16);
        }
        kernel->score(rows, tfs, n, lengths, weights, got);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(got[i], score_of(weights, tfs[i], lengths[rows[i]]));
    }
}

static void check_sweep(const struct lexical_kernel *kernel, uint32_t *seed)
{
    static _Alignas(64) int32_t sums[512], copy[512];
    uint32_t rows[512];
    int32_t scores[512];
    for (size_t round = 0; round < 200; round++) {
        size_t n = 64 * (1 + next_random(seed) % 8), n_found = 0;
        int32_t limit = (int32_t)(next_random(seed) % 1000);
        for (size_t i = 0; i < n; i++)
            copy[i] = sums[i] = (int32_t)(next_random(seed) % 1010);
        size_t n_got = kernel->sweep(sums, n, limit, 7000, rows, scores);
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(sums[i], 0);
            if (copy[i] <= limit)
                continue;
            assert_true(n_found < n_got);
            assert_int_equal(rows[n_found], 7000 + i);
            assert_int_equal(scores[n_found++], copy[i]);
        }
        assert_int_equal(n_found, n_got);
    }
}

static void test_lexical_search__kernels_agree(void **state)
{
    (void)state;
    uint32_t seed = 99;
    printf("seed %u\n", seed);
    for (size_t i = 0; lexical_kernels[i]; i++) {
        if (!lexical_kernels[i]->runs_here()) {
            printf("SKIPPED: kernel %s does not run here\n", lexical_kernels[i]->name);
            continue;
        }
        check_unpack(lexical_kernels[i], &seed);
        check_score(lexical_kernels[i], &seed);
        check_sweep(lexical_kernels[i], &seed);
    }
    assert_true(lexical_kernel_best()->runs_here());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lexical_search__equals_the_exhaustive_scorer),
        cmocka_unit_test(test_lexical_search__breaks_ties_by_row),
        cmocka_unit_test(test_lexical_search__kernels_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
