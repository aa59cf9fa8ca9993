/* Merging gives what building gives; a deep check agrees with both. */
#include "lexical_fixture.h"

#include "base/fault.h"
#include "lexical/index_format.h"

static void assert_same_sections(const struct segment *a, const struct segment *b)
{
    for (uint32_t i = INDEX_INFO; i < INDEX_SECTION_END; i++) {
        struct span x = segment_section(a, i), y = segment_section(b, i);
        assert_int_equal(x.len, y.len);
        if (x.len > 0)
            assert_memory_equal(x.bytes, y.bytes, x.len);
    }
}

#define N_INPUTS 3

struct round {
    struct made_rows made;
    struct made_segment segments[N_INPUTS], merged, built;
    struct segment_merge_input inputs[N_INPUTS];
    int64_t *live; /* the rows that stay */
    size_t n_live;
};

/* Rows go to the inputs at random (or one after the other), some of them dead. */
static void split(struct round *round, bool is_mixed, uint32_t one_dead_in, uint32_t *seed)
{
    size_t n = round->made.n;
    int64_t *ids[N_INPUTS];
    size_t n_ids[N_INPUTS] = {0};
    for (size_t i = 0; i < N_INPUTS; i++)
        ids[i] = calloc(n + 1, sizeof **ids);
    for (size_t row = 0; row < n; row++) {
        size_t to = is_mixed ? next_random(seed) % N_INPUTS : row * N_INPUTS / n;
        ids[to][n_ids[to]++] = (int64_t)row;
    }
    for (size_t i = 0; i < N_INPUTS; i++) {
        uint64_t *dead = calloc(bitmap_n_words(n_ids[i]) + 1, sizeof *dead);
        round->segments[i] = made_segment_new(&round->made, ids[i], n_ids[i]);
        round->inputs[i] =
            (struct segment_merge_input){.segment = round->segments[i].segment, .dead = dead};
        for (size_t row = 0; row < n_ids[i]; row++)
            if (one_dead_in && next_random(seed) % one_dead_in == 0)
                bitmap_add(dead, row);
        free(ids[i]);
    }
}

static void merge(struct round *round)
{
    const struct lexical_index *indexes[N_INPUTS];
    struct segment_merge plan = {0};
    for (size_t i = 0; i < N_INPUTS; i++)
        indexes[i] = round->segments[i].index;
    assert_ok(segment_merge_init(&plan, round->inputs, N_INPUTS, &err));
    struct segment_writer *writer = made_segment_begin(&round->merged, plan.chunk_ids, plan.n_rows);
    assert_ok(lexical_merge(indexes, &plan, LEXICAL_PARAMS_DEFAULT, writer, &err));
    made_segment_open(&round->merged, writer);
    round->n_live = plan.n_rows;
    round->live = calloc(plan.n_rows + 1, sizeof *round->live);
    memcpy(round->live, plan.chunk_ids, plan.n_rows * sizeof *round->live);
    segment_merge_clear(&plan);
}

static void check_round(size_t n_rows, uint32_t n_words, bool is_mixed, uint32_t one_dead_in,
                        uint32_t seed)
{
    struct round round = {.made = made_rows_new(n_rows, 50, n_words, seed)};
    split(&round, is_mixed, one_dead_in, &seed);
    merge(&round);
    round.built = made_segment_new(&round.made, round.live, round.n_live);
    assert_same_sections(round.merged.segment, round.built.segment);
    assert_ok(lexical_index_check(round.merged.index, &err));
    for (size_t i = 0; i < N_INPUTS; i++) {
        free((uint64_t *)(uintptr_t)round.inputs[i].dead);
        made_segment_clear(&round.segments[i]);
    }
    free(round.live);
    made_segment_clear(&round.merged);
    made_segment_clear(&round.built);
    made_rows_clear(&round.made);
}

static void test_lexical_merge__equals_building(void **state)
{
    (void)state;
    uint32_t seed = 31;
    printf("seed %u\n", seed);
    for (size_t i = 0; i < 24; i++)
        check_round(3 + next_random(&seed) % (i % 6 ? 200 : 6000), 2 + next_random(&seed) % 3000,
                    i % 2, (uint32_t)(i % 3 * 4), next_random(&seed));
    check_round(500, 50, true, 1, next_random(&seed));
}

/* Rows of libraries made before there were positions. */
static void test_lexical_merge__keeps_rows_without_positions(void **state)
{
    (void)state;
    struct made_rows made = made_rows_new(600, 20, 30, 77);
    for (size_t i = 0; i < made.n; i += 3) {
        struct buf *blob = &made.rows[i].blob;
        const char *end = blob->len ? memchr(blob->data, 0, blob->len) : NULL;
        if (end)
            buf_truncate(blob, (size_t)(end - blob->data));
    }
    struct round round = {.made = made};
    uint32_t seed = 3;
    split(&round, false, 0, &seed);
    merge(&round);
    round.built = made_segment_new(&round.made, round.live, round.n_live);
    assert_same_sections(round.merged.segment, round.built.segment);
    assert_ok(lexical_index_check(round.merged.index, &err));
    for (size_t i = 0; i < N_INPUTS; i++) {
        free((uint64_t *)(uintptr_t)round.inputs[i].dead);
        made_segment_clear(&round.segments[i]);
    }
    free(round.live);
    made_segment_clear(&round.merged);
    made_segment_clear(&round.built);
    made_rows_clear(&round.made);
}

/* Terms of many lengths that begin alike: every one is found, every other one is not. */
static void test_lexical_merge__finds_every_term(void **state)
{
    (void)state;
    struct lexical_builder *builder;
    struct made_segment segment = {0};
    const int64_t ids[] = {1, 2};
    struct segment_writer *writer = made_segment_begin(&segment, ids, 2);
    struct buf blob = {0};
    assert_ok(lexical_builder_new(LEXICAL_PARAMS_DEFAULT, &builder, &err));
    for (int i = 0; i < 250; i += 2) {
        char term[256];
        size_t len = (size_t)i % 50 + 6;
        memset(term, 'a', sizeof term);
        term[3] = (char)('a' + i / 50);
        buf_append_char(&blob, (char)len);
        buf_append(&blob, term, len);
        buf_append_char(&blob, 1);
    }
    assert_ok(lexical_builder_add(builder, blob.data, blob.len, 125, &err));
    assert_ok(lexical_builder_add(builder, "", 0, 0, &err));
    assert_ok(lexical_builder_write(builder, writer, &err));
    lexical_builder_free(builder);
    made_segment_open(&segment, writer);
    for (int i = 0; i < 250; i++) {
        char term[256];
        struct lexical_query_term one = {.term = term, .len = (size_t)i % 50 + 6, .weight = 1};
        struct lexical_query query = {.terms = &one, .n_terms = 1};
        struct lexical_stats stats = {0};
        struct lexical_lookup *lookup;
        memset(term, 'a', sizeof term);
        term[3] = (char)('a' + i / 50);
        assert_ok(lexical_lookup_new(segment.index, &query, &lookup, &err));
        lexical_lookup_count(lookup, &stats, &query);
        assert_int_equal(one.df, i % 2 == 0);
        lexical_lookup_free(lookup);
    }
    buf_clear(&blob);
    made_segment_clear(&segment);
}

static void test_lexical_merge__refuses_damaged_rows(void **state)
{
    (void)state;
    static const struct {
        const char *blob;
        size_t len;
    } cases[] = {
        {"\2a", 2},              /* shorter than it says */
        {"\1a\0", 3},            /* no count */
        {"\1a\2\0\0", 5},        /* a position is missing */
        {"\1a\1\1a\1\0\0\0", 9}, /* a term twice */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct lexical_builder *builder;
        assert_ok(lexical_builder_new(LEXICAL_PARAMS_DEFAULT, &builder, &err));
        assert_status(lexical_builder_add(builder, cases[i].blob, cases[i].len, 2, &err),
                      STATUS_DAMAGED);
        lexical_builder_free(builder);
    }
    lexical_builder_free(NULL);
}

#ifdef RAGGED_FAULT
struct faulty {
    struct made_rows made;
    struct lexical_query query;
    char folder[64];
};

static enum status build_part(const struct faulty *f, const char *path, size_t first, size_t n)
{
    struct segment_writer *writer = NULL;
    struct lexical_builder *builder = NULL;
    struct segment_stamp stamp;
    int64_t ids[300];
    for (size_t i = 0; i < n; i++)
        ids[i] = (int64_t)(first + i);
    enum status status = segment_writer_new(path, SEGMENT_LEXICAL, "none-2", &writer, &err);
    if (!status)
        status = segment_writer_put_rows(writer, ids, ids, n, &err);
    if (!status)
        status = lexical_builder_new(LEXICAL_PARAMS_DEFAULT, &builder, &err);
    for (size_t i = first; i < first + n && !status; i++)
        status = lexical_builder_add(builder, f->made.rows[i].blob.data, f->made.rows[i].blob.len,
                                     f->made.rows[i].n_terms, &err);
    if (!status)
        status = lexical_builder_write(builder, writer, &err);
    if (!status)
        status = segment_writer_finish(writer, &stamp, &err);
    lexical_builder_free(builder);
    segment_writer_free(writer);
    return status;
}

static enum status merge_parts(const char *path, const struct lexical_index *const *indexes,
                               struct segment *const *segments)
{
    struct segment_writer *writer = NULL;
    struct segment_merge plan = {0};
    struct segment_merge_input inputs[2] = {{.segment = segments[0]}, {.segment = segments[1]}};
    struct segment_stamp stamp;
    enum status status = segment_merge_init(&plan, inputs, 2, &err);
    if (!status)
        status = segment_writer_new(path, SEGMENT_LEXICAL, "none-2", &writer, &err);
    if (!status)
        status =
            segment_writer_put_rows(writer, plan.chunk_ids, plan.document_ids, plan.n_rows, &err);
    if (!status)
        status = lexical_merge(indexes, &plan, LEXICAL_PARAMS_DEFAULT, writer, &err);
    if (!status)
        status = segment_writer_finish(writer, &stamp, &err);
    segment_merge_clear(&plan);
    segment_writer_free(writer);
    return status;
}

static enum status ask_part(struct faulty *f, const struct lexical_index *index, size_t *out_n)
{
    struct lexical_lookup *lookup = NULL;
    struct lexical_stats stats = {0};
    struct lexical_hit hits[10];
    uint64_t allowed[8];
    size_t n = 0;
    memset(allowed, 0xFF, sizeof allowed);
    enum status status = lexical_lookup_new(index, &f->query, &lookup, &err);
    if (!status) {
        lexical_lookup_count(lookup, &stats, &f->query);
        lexical_query_weigh(&f->query, &stats, LEXICAL_PARAMS_DEFAULT);
        status = lexical_lookup_restrict(lookup, allowed, &err);
    }
    if (!status)
        status = lexical_lookup_search(lookup, allowed, 10, 0, hits, &n, &err);
    lexical_lookup_free(lookup);
    if (!status)
        status = lexical_index_check(index, &err);
    if (!status)
        *out_n = n;
    return status;
}

static enum status run_all(struct faulty *f, size_t *out_n)
{
    char path[3][96];
    struct segment *segments[3] = {0};
    struct lexical_index *indexes[3] = {0};
    enum status status = STATUS_OK;
    for (size_t i = 0; i < 3; i++)
        snprintf(path[i], sizeof path[i], "%s/%zu.seg", f->folder, i);
    for (size_t i = 0; i < 3 && !status; i++) {
        const struct lexical_index *inputs[] = {indexes[0], indexes[1]};
        status =
            i < 2 ? build_part(f, path[i], 150 * i, 150) : merge_parts(path[2], inputs, segments);
        if (!status)
            status = segment_open(path[i], SEGMENT_LEXICAL, NULL, &segments[i], &err);
        if (!status)
            status = lexical_index_open(segments[i], &indexes[i], &err);
    }
    if (!status)
        status = ask_part(f, indexes[2], out_n);
    for (size_t i = 0; i < 3; i++) {
        lexical_index_close(indexes[i]);
        segment_close(segments[i]);
    }
    return status;
}
#endif

/* Every allocation and every write fails once; then nothing leaks and nothing is said to be done.
 */
static void test_lexical_merge__reports_each_failure(void **state)
{
    (void)state;
#ifndef RAGGED_FAULT
    skip_because("needs FAULT=1");
#else
    static const char *const sites[] = {"mem", "file.write", "file.fsync"};
    struct faulty f = {.made = made_rows_new(300, 6, 12, 5)};
    struct arena arena = {0};
    const struct lexical_clause clauses[] = {{"a b longbeginningb", 18, LEXICAL_WORDS, false},
                                             {"c", 1, LEXICAL_PREFIX, false},
                                             {"b a", 3, LEXICAL_PHRASE, true}};
    strcpy(f.folder, "/tmp/ragged-lexical-XXXXXX");
    assert_non_null(mkdtemp(f.folder));
    assert_ok(lexical_query_build(f.made.analyzer, clauses, 3, &arena, &f.query, &err));
    for (size_t i = 0; i < sizeof sites / sizeof sites[0]; i++) {
        size_t n_hits = 99;
        int n = 1;
        for (;; n++) {
            char plan[32];
            for (size_t t = 0; t < f.query.n_terms; t++)
                f.query.terms[t].df = 0;
            snprintf(plan, sizeof plan, "%s:%d", sites[i], n);
            fault_plan(plan);
            enum status status = run_all(&f, &n_hits);
            fault_plan(NULL);
            if (status == STATUS_OK)
                break;
            assert_status(status, i == 0 ? STATUS_NOMEM : STATUS_IO);
            assert_int_equal(n_hits, 99);
        }
        assert_true(n > 3 && n_hits == 10);
    }
    arena_clear(&arena);
    made_rows_clear(&f.made);
    assert_ok(folder_remove(f.folder, &err));
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lexical_merge__equals_building),
        cmocka_unit_test(test_lexical_merge__keeps_rows_without_positions),
        cmocka_unit_test(test_lexical_merge__finds_every_term),
        cmocka_unit_test(test_lexical_merge__refuses_damaged_rows),
        cmocka_unit_test(test_lexical_merge__reports_each_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
