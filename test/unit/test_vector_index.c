#include "vector_fixture.h"

#include "base/bitmap.h"
#include "base/hash.h"
#include "vector/vector_index.h"

#define K 10

static int compare_hits(const void *a, const void *b)
{
    const struct vector_hit *left = a, *right = b;
    if (left->cosine != right->cosine)
        return left->cosine < right->cosine ? 1 : -1;
    return (left->row > right->row) - (left->row < right->row);
}

/* All rows that are allowed, best first; returns how many. out: [n]. */
static size_t search_slowly(struct fixture *f, const float *query, const uint64_t *allowed,
                            struct vector_hit *out)
{
    size_t n = 0;
    for (size_t row = 0; row < f->n; row++) {
        if (allowed && !(allowed[row / 64] >> (row % 64) & 1))
            continue;
        out[n].row = (uint32_t)row;
        vector_cosines(&f->rows, query, &f->slots[row], 1, &out[n].cosine);
        n += out[n].cosine > -INFINITY;
    }
    qsort(out, n, sizeof *out, compare_hits);
    return n;
}

static size_t count_common(const struct vector_hit *a, size_t n_a, const struct vector_hit *b,
                           size_t n_b)
{
    size_t n = 0;
    for (size_t i = 0; i < n_a; i++)
        for (size_t j = 0; j < n_b; j++)
            n += a[i].row == b[j].row;
    return n;
}

/* Recall over some queries, with order and cosines checked on the way. */
static double recall_of(struct fixture *f, const struct vector_index *index,
                        const uint64_t *allowed, size_t n_rescored)
{
    struct error err;
    float query[VECTOR_DIM_MAX];
    struct vector_hit hits[K], *truth = mem_array(f->n, sizeof *truth);
    size_t n_found = 0, n_wanted = 0, n_hits;
    for (int i = 0; i < 20; i++) {
        random_query(f, query);
        struct vector_search search = {.query = query,
                                       .rows = &f->rows,
                                       .allowed = allowed,
                                       .k = K,
                                       .n_rescored = n_rescored,
                                       .floor = -1};
        assert_ok(vector_index_search(index, &search, hits, &n_hits, &err));
        size_t n_true = search_slowly(f, query, allowed, truth);
        n_true = n_true < K ? n_true : K;
        assert_int_equal(n_hits, n_true);
        for (size_t j = 0; j < n_hits; j++) {
            float cosine;
            vector_cosines(&f->rows, query, &f->slots[hits[j].row], 1, &cosine);
            assert_true(cosine == hits[j].cosine);
            assert_true(!allowed || bitmap_has(allowed, hits[j].row));
            assert_true(j == 0 || compare_hits(&hits[j - 1], &hits[j]) < 0);
        }
        n_found += count_common(hits, n_hits, truth, n_true);
        n_wanted += n_true;
    }
    mem_free(truth);
    return n_wanted ? (double)n_found / (double)n_wanted : 1;
}

static void test_vector_index__finds_the_nearest(void **state)
{
    (void)state;
    static const struct {
        size_t n, dim, n_rescored;
        double recall;
    } cases[] = {{1, 384, 1, 1},        {63, 384, 60, .99},    {64, 16, 64, 1},
                 {65, 20, 65, 1},       {3000, 16, 800, .95},  {3000, 20, 800, .97},
                 {3000, 100, 300, .94}, {5000, 384, 128, .97}, {2000, 7, 1999, .99},
                 {700, 1023, 64, .97},  {300, 4096, 64, .99}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct error err;
        struct fixture f;
        fixture_init(&f, cases[i].n, cases[i].dim);
        fixture_open(&f);
        assert_int_equal(vector_index_dim(f.index), cases[i].dim);
        assert_int_equal(vector_index_n_rows(f.index), cases[i].n);
        for (size_t row = 0; row < f.n; row++)
            assert_int_equal(vector_index_slot(f.index, row), f.slots[row]);
        assert_ok(vector_index_check(f.index, &f.rows, &err));
        double recall = recall_of(&f, f.index, NULL, cases[i].n_rescored);
        printf("%zu rows of %zu dimensions, %zu scored: recall %.3f\n", cases[i].n, cases[i].dim,
               cases[i].n_rescored, recall);
        assert_true(recall >= cases[i].recall);

        assert_true(recall_of(&f, f.index, NULL, f.n) == 1);
        fixture_clear(&f);
    }
}

/* The same by hand: the share of the true best among the hits, asked with rows of the index. */
static double own_recall_slowly(struct fixture *f, size_t n_rescored, size_t n_queries)
{
    struct error err;
    struct vector_hit hits[K], *truth = mem_array(f->n, sizeof *truth);
    float query[VECTOR_DIM_MAX];
    size_t n_found = 0, n_hits;
    for (size_t i = 0; i < n_queries; i++) {
        size_t row = f->n * i / n_queries;
        vector_from_fp16(f->halves + f->slots[row] * f->rows.dim, f->rows.dim, query);
        struct vector_search search = {
            .query = query, .rows = &f->rows, .k = K, .n_rescored = n_rescored, .floor = -1};
        assert_ok(vector_index_search(f->index, &search, hits, &n_hits, &err));
        assert_true(search_slowly(f, query, NULL, truth) >= K);
        n_found += count_common(hits, n_hits, truth, K);
    }
    mem_free(truth);
    return (double)n_found / (double)(n_queries * K);
}

static void test_vector_index__measures_its_own_recall(void **state)
{
    (void)state;
    struct error err;
    struct fixture f;
    double recall = 0, more = 0;
    fixture_init(&f, 3000, 16);
    fixture_open(&f);
    assert_ok(vector_index_recall(f.index, &f.rows, K, 30, 50, NULL, &recall, &err));
    assert_float_equal((float)recall, (float)own_recall_slowly(&f, 30, 50), 1e-6f);
    assert_in_range((long)(100 * recall), 10, 95);
    assert_ok(vector_index_recall(f.index, &f.rows, K, 300, 50, NULL, &more, &err));
    assert_true(more > recall);
    assert_ok(vector_index_recall(f.index, &f.rows, K, f.n, 50, NULL, &more, &err));
    assert_true(more == 1);
    struct vector_rows other = f.rows;
    other.dim = 8;
    assert_status(vector_index_recall(f.index, &other, K, 30, 50, NULL, &more, &err),
                  STATUS_INVALID);
    fixture_clear(&f);
}

static void test_vector_index__every_kernel_gives_the_same_hits(void **state)
{
    (void)state;
    struct error err;
    struct fixture f;
    float query[384];
    struct vector_hit expected[100], hits[100];
    size_t n_expected, n_hits;
    fixture_init(&f, 5000, 384);
    fixture_open(&f);
    for (int i = 0; i < 10; i++) {
        random_query(&f, query);
        struct vector_search search = {
            .query = query, .rows = &f.rows, .k = 100, .n_rescored = 100, .floor = -1};
        assert_ok(vector_index_search(f.index, &search, expected, &n_expected, &err));
        for (size_t k = 0; k < vector_n_kernels; k++) {
            struct vector_index *index;
            if (!vector_kernels[k]->runs_here())
                continue;
            assert_ok(vector_index_open_with(f.segment, vector_kernels[k], &index, &err));
            assert_ok(vector_index_search(index, &search, hits, &n_hits, &err));
            assert_int_equal(n_hits, n_expected);
            for (size_t j = 0; j < n_hits; j++) {
                assert_int_equal(hits[j].row, expected[j].row);
                assert_true(hits[j].cosine == expected[j].cosine);
            }
            vector_index_close(index);
        }
    }
    fixture_clear(&f);
}

/* The error of a code is as large as theory says, sqrt((pi / 2 - 1) / dim) of both lengths, and the
 * estimates are right on the average. */
static void check_estimates(struct fixture *f)
{
    struct error err;
    struct candidates all = {0};
    float query[384], row[384];
    double sum = 0, square = 0, expected = 0;
    fixture_open(f);
    random_row(384, 7, query);
    assert_ok(candidates_init(&all, f->n, &err));
    assert_ok(vector_index_scan(f->index, query, NULL, 1, &all, &err));
    assert_int_equal(all.n, f->n);
    for (size_t i = 0; i < all.n; i++) {
        double truth = 0, length = 0;
        vector_from_fp16(fixture_row(f, candidates_row(all.keys[i])), 384, row);
        for (size_t j = 0; j < 384; j++) {
            double r = (double)row[j] - (double)f->index->mean[j];
            truth += (double)query[j] * r;
            length += r * r;
        }
        double error = (double)candidates_score(all.keys[i]) - truth;
        sum += error;
        square += error * error;
        expected += length * (3.14159 / 2 - 1) / 384;
    }
    double n = (double)all.n, mean = sum / n, deviation = sqrt(square / n);
    printf("error of an estimate: mean %.5f, deviation %.5f, expected %.5f\n", mean, deviation,
           sqrt(expected / n));
    assert_true(fabs(mean) < 0.1 * deviation);
    assert_true(deviation < 1.15 * sqrt(expected / n));
    candidates_clear(&all);
}

static void test_vector_index__estimates_are_those_of_the_paper(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, 3000, 384);
    check_estimates(&f);
    fixture_clear(&f);
}

/* Rows that hardly differ from their mean: what is left of them is far below a unit. */
static void test_vector_index__estimates_tell_close_rows_apart(void **state)
{
    (void)state;
    struct fixture f;
    float first[384], row[384];
    fixture_init(&f, 3000, 384);
    vector_from_fp16(f.halves, 384, first);
    for (size_t i = 0; i < f.n; i++) {
        vector_from_fp16(f.halves + 384 * i, 384, row);
        for (size_t k = 0; k < 384; k++)
            row[k] = first[k] + 0.02f * row[k];
        make_unit(row, 384);
        vector_to_fp16(row, 384, f.halves + 384 * i);
    }
    check_estimates(&f);
    fixture_clear(&f);
}

static void test_vector_index__a_filter_costs_no_recall(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, 6000, 64);
    fixture_open(&f);
    uint64_t *allowed = mem_zalloc(bitmap_n_words(f.n), sizeof *allowed);
    double least = recall_of(&f, f.index, NULL, 512) - 0.01;
    assert_true(least > .9 && least < .99);               /* or the comparison would say nothing */
    assert_true(recall_of(&f, f.index, allowed, 0) == 1); /* nothing is allowed, nothing is found */
    for (size_t share = 2; share <= 500; share = share * 3 + 1) {
        for (size_t row = 0; row < f.n; row++)
            if (random_u64() % share == 0)
                bitmap_add(allowed, row);
        assert_true(recall_of(&f, f.index, allowed, 512) >= least);
        memset(allowed, 0, bitmap_n_words(f.n) * sizeof *allowed);
    }
    bitmap_set_range(allowed, 1000, 3500, true); /* as a folder is */
    assert_true(recall_of(&f, f.index, allowed, 512) >= least);
    memset(allowed, 0xFF, bitmap_n_words(f.n) * sizeof *allowed); /* also what is not there */
    assert_true(recall_of(&f, f.index, allowed, 512) >= least);
    mem_free(allowed);
    fixture_clear(&f);
}

static void test_vector_index__rows_that_are_data_errors_never_come_up(void **state)
{
    (void)state;
    struct error err;
    struct fixture f;
    fixture_init(&f, 2000, 48);
    static const uint16_t inf = 0x7C00, nan = 0x7E01, negative_zero = 0x8000;
    for (size_t row = 0; row < f.n; row += 7)
        memset(fixture_row(&f, row), 0, 48 * sizeof inf);
    for (size_t row = 1; row < f.n; row += 7)
        fixture_row(&f, row)[row % 48] = inf;
    for (size_t row = 2; row < f.n; row += 7)
        fixture_row(&f, row)[row % 48] = nan;
    for (size_t row = 3; row < f.n; row += 7)
        for (size_t i = 0; i < 48; i++)
            fixture_row(&f, row)[i] = negative_zero;
    fixture_open(&f);
    assert_ok(vector_index_check(f.index, &f.rows, &err));
    struct vector_hit hits[2000];
    float query[48];
    size_t n_hits;
    random_row(48, 3, query);
    struct vector_search search = {.query = query, .rows = &f.rows, .k = 2000, .floor = -2};
    assert_ok(vector_index_search(f.index, &search, hits, &n_hits, &err));
    assert_int_equal(n_hits, 2000 - 4 * 286);
    for (size_t i = 0; i < n_hits; i++)
        assert_true(hits[i].row % 7 > 3);
    search.k = search.n_rescored = 800; /* now by their codes */
    assert_ok(vector_index_search(f.index, &search, hits, &n_hits, &err));
    assert_int_equal(n_hits, 800);
    for (size_t i = 0; i < n_hits; i++)
        assert_true(hits[i].row % 7 > 3);
    fixture_clear(&f);
}

/* Also where the vectors of a CPU end before the dimensions do. */
static void test_vector_index__one_value_is_a_direction(void **state)
{
    (void)state;
    enum { DIM = 19, N = 300 };
    struct error err;
    struct fixture f;
    fixture_init(&f, N, DIM);
    for (size_t row = 0; row < N; row++) {
        memset(fixture_row(&f, row), 0, DIM * sizeof *f.halves);
        fixture_row(&f, row)[row % DIM] = 0x3C00;
    }
    fixture_open(&f);
    for (size_t i = 0; i < DIM; i++) {
        struct vector_hit hits[8];
        float query[DIM] = {0};
        size_t n_hits;
        query[i] = 1;
        struct vector_search search = {
            .query = query, .rows = &f.rows, .k = 8, .n_rescored = 64, .floor = 0.5f};
        assert_ok(vector_index_search(f.index, &search, hits, &n_hits, &err));
        assert_int_equal(n_hits, 8);
        for (size_t k = 0; k < n_hits; k++)
            assert_int_equal(hits[k].row % DIM, i);
    }
    fixture_clear(&f);
}

/* Rows too long for a mean have none taken off, and are found. */
static void test_vector_index__long_rows_are_found(void **state)
{
    (void)state;
    enum { DIM = 48, N = 300 };
    struct error err;
    struct fixture f;
    fixture_init(&f, N, DIM);
    for (size_t i = 0; i < N * DIM; i++)
        f.halves[i] = (uint16_t)((f.halves[i] & 0x8000) | 0x7BFF); /* 65504 or less that */
    fixture_open(&f);
    assert_ok(vector_index_check(f.index, &f.rows, &err));
    for (size_t row = 0; row < N; row += 37) {
        struct vector_hit hit;
        float query[DIM];
        size_t n_hits;
        for (size_t i = 0; i < DIM; i++)
            query[i] = fixture_row(&f, row)[i] & 0x8000 ? -1 : 1;
        struct vector_search search = {
            .query = query, .rows = &f.rows, .k = 1, .n_rescored = 64, .floor = 0};
        assert_ok(vector_index_search(f.index, &search, &hit, &n_hits, &err));
        assert_int_equal(n_hits, 1);
        assert_true(hit.cosine > 0.999f);
    }
    fixture_clear(&f);
}

static void test_vector_index__equal_rows_come_in_order(void **state)
{
    (void)state;
    struct error err;
    struct fixture f;
    struct vector_hit hits[K];
    float query[32];
    size_t n_hits;
    fixture_init(&f, 3000, 32);
    for (size_t i = 1; i < f.n; i++)
        memcpy(f.halves + i * 32, f.halves, 32 * sizeof *f.halves);
    fixture_open(&f);
    random_row(32, 1, query);
    struct vector_search search = {
        .query = query, .rows = &f.rows, .k = K, .n_rescored = 100, .floor = -1};
    assert_ok(vector_index_search(f.index, &search, hits, &n_hits, &err));
    assert_int_equal(n_hits, K);
    for (uint32_t i = 0; i < K; i++)
        assert_int_equal(hits[i].row, i);
    fixture_clear(&f);
}

static void test_vector_index__floor_and_k_are_kept(void **state)
{
    (void)state;
    struct error err;
    struct fixture f;
    float query[64];
    struct vector_hit all[900], hits[900];
    size_t n_all, n_hits;
    fixture_init(&f, 900, 64);
    fixture_open(&f);
    random_query(&f, query);
    struct vector_search search = {.query = query, .rows = &f.rows, .k = 900, .floor = -1};
    assert_ok(vector_index_search(f.index, &search, all, &n_all, &err));
    assert_int_equal(n_all, 900);
    search.floor = all[17].cosine;
    assert_ok(vector_index_search(f.index, &search, hits, &n_hits, &err));
    assert_int_equal(n_hits, 18);
    search.k = 5;
    assert_ok(vector_index_search(f.index, &search, hits, &n_hits, &err));
    assert_int_equal(n_hits, 5);
    search.k = 0;
    assert_ok(vector_index_search(f.index, &search, hits, &n_hits, &err));
    assert_int_equal(n_hits, 0);
    fixture_clear(&f);
}

static void test_vector_index__a_query_without_direction_is_refused(void **state)
{
    (void)state;
    struct error err;
    struct fixture f;
    float query[64] = {0}, cosine;
    struct vector_hit hits[K];
    size_t n_hits = 77;
    fixture_init(&f, 100, 64);
    fixture_open(&f);
    struct vector_search search = {.query = query, .rows = &f.rows, .k = K, .floor = -1};
    static const float bad[] = {0, INFINITY, NAN};
    for (size_t i = 0; i < 3; i++) {
        query[5] = bad[i];
        assert_status(vector_index_search(f.index, &search, hits, &n_hits, &err), STATUS_INVALID);
        vector_cosines(&f.rows, query, f.slots, 1, &cosine);
        assert_true(cosine == -INFINITY);
    }
    static const float odd[] = {1e38f, 1e-40f, -3e-45f};
    for (size_t i = 0; i < 3; i++) {
        query[5] = odd[i];
        assert_ok(vector_index_search(f.index, &search, hits, &n_hits, &err));
        assert_int_equal(n_hits, K);
        assert_true(hits[0].cosine > 0 && hits[0].cosine < 1);
    }
    struct vector_rows other = {.bytes = f.halves, .n_slots = 50, .dim = 128};
    search.rows = &other;
    assert_status(vector_index_search(f.index, &search, hits, &n_hits, &err), STATUS_INVALID);
    assert_status(vector_index_check(f.index, &other, &err), STATUS_INVALID);
    fixture_clear(&f);
}

static void test_vector_index__an_empty_segment_has_no_hits(void **state)
{
    (void)state;
    struct error err;
    struct fixture f;
    float query[64];
    struct vector_hit hits[K];
    size_t n_hits;
    fixture_init(&f, 0, 64);
    fixture_open(&f);
    random_row(64, 1, query);
    struct vector_search search = {.query = query, .rows = &f.rows, .k = K, .floor = -1};
    assert_ok(vector_index_search(f.index, &search, hits, &n_hits, &err));
    assert_int_equal(n_hits, 0);
    assert_ok(vector_index_check(f.index, &f.rows, &err));
    fixture_clear(&f);
}

/* A segment may come from another machine: this is the hash of what x86 writes. */
static void test_vector_index__codes_are_the_same_on_every_cpu(void **state)
{
    (void)state;
    static const struct {
        size_t dim;
        uint64_t hash;
    } cases[] = {{384, 0xB5FEFA0F79C34D0B}, {100, 0xDFED2A20A382FFF0}, {1024, 0x96361EA87D535E59}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture f;
        fixture_init(&f, 500, cases[i].dim);
        fixture_open(&f);
        struct span blocks = segment_section(f.segment, CODES_SECTION_BLOCKS);
        uint64_t hash = hash64_of(f.halves, f.n * cases[i].dim * sizeof *f.halves) ^
                        hash64_of(blocks.bytes, blocks.len);
        printf("hash of %zu dimensions: 0x%016llX\n", cases[i].dim, (unsigned long long)hash);
        assert_true(hash == cases[i].hash);
        fixture_clear(&f);
    }
}

static void test_vector_index__writing_refuses_what_can_not_be(void **state)
{
    (void)state;
    struct error err;
    struct fixture f;
    struct segment_writer *writer;
    fixture_init(&f, 10, 64);
    f.slots[4] = 10;
    assert_ok(segment_writer_new(f.path, SEGMENT_VECTOR, "made up", &writer, &err));
    assert_status(vector_codes_write(writer, f.slots, f.n, &f.rows, 1, &err), STATUS_INVALID);
    f.rows.dim = VECTOR_DIM_MAX + 1;
    assert_status(vector_codes_write(writer, f.slots, 0, &f.rows, 1, &err), STATUS_LIMIT);
    f.rows.dim = 0;
    assert_status(vector_codes_write(writer, f.slots, 0, &f.rows, 1, &err), STATUS_LIMIT);
    segment_writer_free(writer);
    fixture_clear(&f);
}

static void test_vector_index__check_sees_rows_that_are_not_those_of_the_codes(void **state)
{
    (void)state;
    struct error err;
    struct fixture f;
    fixture_init(&f, 200, 64);
    fixture_open(&f);
    uint16_t *value = fixture_row(&f, 150) + 3, old = *value;
    assert_ok(vector_index_check(f.index, &f.rows, &err));
    *value ^= 0x8000;
    assert_status(vector_index_check(f.index, &f.rows, &err), STATUS_DAMAGED);
    *value = old;
    f.rows.n_slots = 199;
    assert_status(vector_index_check(f.index, &f.rows, &err), STATUS_DAMAGED);
    fixture_clear(&f);
}

static void test_vector_index__rescored_by_size(void **state)
{
    (void)state;
    assert_int_equal(vector_n_rescored(0, 10), 256);
    assert_int_equal(vector_n_rescored(30000, 10), 256);
    assert_int_equal(vector_n_rescored(30001, 1), 512);
    assert_int_equal(vector_n_rescored(300001, 10), 1024);
    assert_int_equal(vector_n_rescored(3000001, 10), 2048);
    assert_int_equal(vector_n_rescored(100000, 100), 1024);
    assert_int_equal(vector_n_rescored(100000, 200), 2048);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vector_index__finds_the_nearest),
        cmocka_unit_test(test_vector_index__measures_its_own_recall),
        cmocka_unit_test(test_vector_index__every_kernel_gives_the_same_hits),
        cmocka_unit_test(test_vector_index__estimates_are_those_of_the_paper),
        cmocka_unit_test(test_vector_index__estimates_tell_close_rows_apart),
        cmocka_unit_test(test_vector_index__a_filter_costs_no_recall),
        cmocka_unit_test(test_vector_index__rows_that_are_data_errors_never_come_up),
        cmocka_unit_test(test_vector_index__one_value_is_a_direction),
        cmocka_unit_test(test_vector_index__long_rows_are_found),
        cmocka_unit_test(test_vector_index__equal_rows_come_in_order),
        cmocka_unit_test(test_vector_index__floor_and_k_are_kept),
        cmocka_unit_test(test_vector_index__a_query_without_direction_is_refused),
        cmocka_unit_test(test_vector_index__an_empty_segment_has_no_hits),
        cmocka_unit_test(test_vector_index__codes_are_the_same_on_every_cpu),
        cmocka_unit_test(test_vector_index__writing_refuses_what_can_not_be),
        cmocka_unit_test(test_vector_index__check_sees_rows_that_are_not_those_of_the_codes),
        cmocka_unit_test(test_vector_index__rescored_by_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
