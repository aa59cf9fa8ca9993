/* A small index with each byte changed and each section cut at each length, checksums not looked
 * at: FORMAT or an answer. */
#include "lexical_fixture.h"

#include "base/fault.h"
#include "lexical/index_format.h"
#include "lexical/lookup.h"
#include "lexical/positions.h"

#define N_ROWS 300

struct copy {
    void *bytes[INDEX_N_SECTIONS]; /* each exactly as long as its section */
    struct span sections[INDEX_N_SECTIONS];
};

/* Aligned as in a file, and with nothing behind: a read past the end is seen. */
static void *exact_copy(const void *bytes, size_t len)
{
    void *copy = NULL;
    assert_int_equal(posix_memalign(&copy, SEGMENT_ALIGNMENT, len + !len), 0);
    if (len > 0)
        memcpy(copy, bytes, len);
    return copy;
}

static void copy_sections(struct copy *out, const struct segment *segment)
{
    for (uint32_t i = 0; i < INDEX_N_SECTIONS; i++) {
        struct span from = segment_section(segment, INDEX_INFO + i);
        out->bytes[i] = exact_copy(from.bytes, from.len);
        out->sections[i] = (struct span){out->bytes[i], from.len};
    }
}

struct asker {
    struct made_rows made;
    struct arena arena;
    struct lexical_query query;
    const struct lexical_kernel *kernel;
};

static void assert_answer(enum status status)
{
    if (status != STATUS_OK)
        assert_status(status, STATUS_DAMAGED);
}

/* Everything that reads. */
static void use(const struct asker *asker, const struct lexical_index *index)
{
    struct lexical_query query = asker->query;
    struct lexical_query_term terms[16];
    struct lexical_stats stats = {0};
    struct lexical_lookup *lookup = NULL;
    struct lexical_hit hits[20];
    uint64_t allowed[N_ROWS / 64 + 1];
    uint32_t rows[] = {0, 7, 150, N_ROWS - 1};
    int32_t scores[4];
    size_t n;
    assert_true(query.n_terms <= 16);
    memcpy(terms, query.terms, query.n_terms * sizeof *terms);
    query.terms = terms;
    assert_answer(lexical_index_check(index, &err));
    enum status status = lexical_lookup_new(index, &query, &lookup, &err);
    assert_answer(status);
    if (status)
        return;
    lookup->kernel = asker->kernel;
    lexical_lookup_count(lookup, &stats, &query);
    lexical_query_weigh(&query, &stats, LEXICAL_PARAMS_DEFAULT);
    assert_answer(lexical_lookup_search(lookup, NULL, 20, 0, hits, &n, &err));
    for (size_t i = 0; i < n; i++)
        assert_true(hits[i].row < N_ROWS);
    assert_answer(lexical_lookup_search_all(lookup, NULL, 20, 0, hits, &n, &err));
    lexical_lookup_score(lookup, rows, 4, scores);
    memset(allowed, 0xFF, sizeof allowed);
    assert_answer(lexical_lookup_restrict(lookup, allowed, &err));
    lexical_lookup_free(lookup);
}

static void try_sections(const struct asker *asker, const struct copy *copy, size_t *io_refused)
{
    struct lexical_index index;
    enum status status = index_init(&index, copy->sections, N_ROWS, &err);
    assert_answer(status);
    if (status)
        ++*io_refused;
    else
        use(asker, &index);
}

/* Some terms in every row (several blocks), some in few, prefixes, phrases. */
static struct asker asker_new(void)
{
    struct asker asker = {.made = made_rows_new(N_ROWS, 12, 40, 8),
                          .kernel = lexical_kernel_best()};
    struct buf text = {0}, phrase = {0};
    for (uint32_t word = 0; word < 8; word++)
        append_word(&text, word * word);
    append_word(&phrase, 0);
    append_word(&phrase, 1);
    const struct lexical_clause clauses[] = {{text.data, text.len, LEXICAL_WORDS, false},
                                             {"long", 4, LEXICAL_PREFIX, false},
                                             {phrase.data, phrase.len, LEXICAL_PHRASE, true},
                                             {"c", 1, LEXICAL_PREFIX, true}};
    assert_ok(
        lexical_query_build(asker.made.analyzer, clauses, 4, &asker.arena, &asker.query, &err));
    buf_clear(&text);
    buf_clear(&phrase);
    return asker;
}

static void asker_clear(struct asker *asker)
{
    arena_clear(&asker->arena);
    made_rows_clear(&asker->made);
}

static void test_lexical_corrupt__survives_every_byte(void **state)
{
    (void)state;
    struct asker asker = asker_new();
    struct made_segment segment = made_segment_of(&asker.made, 0, N_ROWS);
    struct copy copy;
    size_t n_refused = 0, n_blocks = segment.index->n_blocks;
    assert_true(n_blocks >= 3);
    copy_sections(&copy, segment.segment);
    for (size_t s = 0; s < INDEX_N_SECTIONS; s++) {
        unsigned char *bytes = copy.bytes[s];
        for (size_t at = 0; at < copy.sections[s].len; at++) {
            unsigned char was = bytes[at];
            const unsigned char values[] = {0, 0x7F, 0xFF, was ^ 1, (unsigned char)(was + 0x20)};
            for (size_t v = 0; v < sizeof values; v++) {
                bytes[at] = values[v];
                try_sections(&asker, &copy, &n_refused);
            }
            bytes[at] = was;
        }
    }
    assert_true(n_refused > 0);
    for (size_t s = 0; s < INDEX_N_SECTIONS; s++)
        free(copy.bytes[s]);
    made_segment_clear(&segment);
    asker_clear(&asker);
}

static void test_lexical_corrupt__survives_every_cut(void **state)
{
    (void)state;
    struct asker asker = asker_new();
    struct made_segment segment = made_segment_of(&asker.made, 0, N_ROWS);
    struct copy copy;
    size_t n_refused = 0;
    copy_sections(&copy, segment.segment);
    for (size_t s = 0; s < INDEX_N_SECTIONS; s++) {
        struct span whole = copy.sections[s];
        for (size_t len = 0; len < whole.len; len++) {
            copy.sections[s] = (struct span){exact_copy(whole.bytes, len), len};
            try_sections(&asker, &copy, &n_refused);
            free((void *)(uintptr_t)copy.sections[s].bytes);
        }
        copy.sections[s] = whole;
    }
    assert_true(n_refused > 0);
    for (size_t s = 0; s < INDEX_N_SECTIONS; s++)
        free(copy.bytes[s]);
    made_segment_clear(&segment);
    asker_clear(&asker);
}

/* Random damage in several places at once, with every kernel. */
static void test_lexical_corrupt__survives_heaps_of_damage(void **state)
{
    (void)state;
    uint32_t seed = 12345;
    printf("seed %u\n", seed);
    struct asker asker = asker_new();
    struct made_segment segment = made_segment_of(&asker.made, 0, N_ROWS);
    size_t n_refused = 0;
    for (size_t round = 0; round < 3000; round++) {
        struct copy copy;
        copy_sections(&copy, segment.segment);
        for (size_t i = 0; i < 1 + round % 20; i++) {
            size_t s = 1 + next_random(&seed) % (INDEX_N_SECTIONS - 1);
            if (copy.sections[s].len > 0)
                ((unsigned char *)copy.bytes[s])[next_random(&seed) % copy.sections[s].len] =
                    (unsigned char)next_random(&seed);
        }
        asker.kernel = lexical_kernels[round % 2];
        if (!asker.kernel->runs_here())
            asker.kernel = lexical_kernel_best();
        try_sections(&asker, &copy, &n_refused);
        for (size_t s = 0; s < INDEX_N_SECTIONS; s++)
            free(copy.bytes[s]);
    }
    made_segment_clear(&segment);
    asker_clear(&asker);
}

/* What the check may say of one changed byte. */
static const char *const sentences[] = {
    "the order of term",
    "a list of positions is not where it should be",
    "postings are damaged",
    "a block does not end where it should",
    "an impact is above the bound",
    "positions are missing",
    "there are too many positions",
    "the dictionary is damaged",
};
#define N_SENTENCES (sizeof sentences / sizeof sentences[0])

/* The check finds damage of postings, bounds, order and positions. */
static void test_lexical_corrupt__is_found_by_the_check(void **state)
{
    (void)state;
    struct asker asker = asker_new();
    struct made_segment segment = made_segment_of(&asker.made, 0, N_ROWS);
    struct copy copy;
    size_t n_found = 0, n_tried = 0, n_said[N_SENTENCES] = {0};
    static const enum index_section sections[] = {
        INDEX_POSTINGS, INDEX_BLOCK_ROWS, INDEX_BLOCK_WIDTHS, INDEX_TERMS, INDEX_POSITION_GROUPS};
    assert_ok(lexical_index_check(segment.index, &err));
    copy_sections(&copy, segment.segment);
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++) {
        size_t s = sections[i] - INDEX_INFO;
        for (size_t at = 0; at < copy.sections[s].len; at++, n_tried++) {
            struct lexical_index index;
            ((unsigned char *)copy.bytes[s])[at] ^= 0x10;
            assert_ok(index_init(&index, copy.sections, N_ROWS, &err));
            err = (struct error){0};
            n_found += lexical_index_check(&index, &err) == STATUS_DAMAGED;
            for (size_t k = 0; k < N_SENTENCES; k++)
                n_said[k] += strstr(err.message, sentences[k]) != NULL;
            ((unsigned char *)copy.bytes[s])[at] ^= 0x10;
        }
    }
    /* A term may become another one in the same order, a tf another tf. */
    assert_true(n_found > n_tried * 6 / 10);
    for (size_t k = 0; k < N_SENTENCES; k++)
        if (n_said[k] == 0)
            fail_msg("nothing made it say \"%s\"", sentences[k]);
    struct lexical_index index;
#ifdef RAGGED_FAULT
    fault_plan("mem:1");
    assert_status(lexical_index_check(segment.index, &err), STATUS_NOMEM);
    fault_plan(NULL);
#endif
    memset(copy.bytes[INDEX_BLOCK_IMPACTS - INDEX_INFO], 1,
           copy.sections[INDEX_BLOCK_IMPACTS - INDEX_INFO].len);
    assert_ok(index_init(&index, copy.sections, N_ROWS, &err));
    assert_status(lexical_index_check(&index, &err), STATUS_DAMAGED);
    for (size_t s = 0; s < INDEX_N_SECTIONS; s++)
        free(copy.bytes[s]);
    copy_sections(&copy, segment.segment); /* positions behind those of the last term */
    struct span *positions = &copy.sections[INDEX_POSITIONS - INDEX_INFO];
    char *longer = calloc(1, positions->len + 1);
    memcpy(longer, positions->bytes, positions->len);
    *positions = (struct span){longer, positions->len + 1};
    assert_ok(index_init(&index, copy.sections, N_ROWS, &err));
    assert_status(lexical_index_check(&index, &err), STATUS_DAMAGED);
    free(longer);
    for (size_t s = 0; s < INDEX_N_SECTIONS; s++)
        free(copy.bytes[s]);
    made_segment_clear(&segment);
    asker_clear(&asker);
}

static void assert_check_says(const struct copy *copy, const char *said)
{
    struct lexical_index index;
    assert_ok(index_init(&index, copy->sections, N_ROWS, &err));
    assert_status(lexical_index_check(&index, &err), STATUS_DAMAGED);
    assert_non_null(strstr(err.message, said));
}

static void test_lexical_corrupt__a_segment_without_words_is_no_index(void **state)
{
    (void)state;
    static const int64_t id = 1;
    struct made_segment made = {0};
    struct segment_writer *writer = made_segment_begin(&made, &id, 1);
    struct segment_stamp stamp;
    char path[96];
    snprintf(path, sizeof path, "%s/a.seg", made.folder);
    assert_ok(segment_writer_finish(writer, &stamp, &err));
    segment_writer_free(writer);
    assert_ok(segment_open(path, SEGMENT_LEXICAL, &stamp, &made.segment, &err));
    assert_status(lexical_index_open(made.segment, &made.index, &err), STATUS_DAMAGED);
    assert_null(made.index);
    made_segment_clear(&made);
}

/* Where the positions of a later block begin stands in bytes that nothing else looks at. */
static void test_lexical_corrupt__the_check_finds_misplaced_positions(void **state)
{
    (void)state;
    struct asker asker = asker_new();
    struct made_segment segment = made_segment_of(&asker.made, 0, N_ROWS);
    struct copy copy;
    struct lexical_index index;
    struct dictionary_cursor terms;
    size_t n_bytes = 0;
    copy_sections(&copy, segment.segment);
    assert_ok(index_init(&index, copy.sections, N_ROWS, &err));
    for (dictionary_begin(&terms, &index); dictionary_next(&terms);) {
        size_t n_places = (terms.list.df - 1) / BLOCK_POSTINGS;
        unsigned char *places =
            (unsigned char *)(uintptr_t)positions_of_list(&index, &terms.list).bytes;
        for (size_t at = 0; at < n_places * sizeof(uint32_t); at++, n_bytes++) {
            places[at] ^= 1;
            assert_check_says(&copy, "positions are not where they should be");
            places[at] ^= 1;
        }
    }
    assert_true(n_bytes >= 2 * sizeof(uint32_t));
    assert_ok(lexical_index_check(&index, &err));
    for (size_t s = 0; s < INDEX_N_SECTIONS; s++)
        free(copy.bytes[s]);
    made_segment_clear(&segment);
    asker_clear(&asker);
}

/* Row 0 is the first posting of whatever list it is in: shorter than it was, it has an impact that
 * no bound knows. */
static void test_lexical_corrupt__the_check_looks_at_the_first_posting(void **state)
{
    (void)state;
    struct asker asker = asker_new();
    struct made_segment segment = made_segment_of(&asker.made, 0, N_ROWS);
    struct copy copy;
    copy_sections(&copy, segment.segment);
    uint16_t *lengths = copy.bytes[INDEX_LENGTHS - INDEX_INFO];
    assert_true(lengths[0] > 0);
    lengths[N_ROWS - 1] = (uint16_t)(lengths[N_ROWS - 1] + lengths[0]);
    lengths[0] = 0;
    assert_check_says(&copy, "an impact is above the bound");
    for (size_t s = 0; s < INDEX_N_SECTIONS; s++)
        free(copy.bytes[s]);
    made_segment_clear(&segment);
    asker_clear(&asker);
}

/* The file itself, every byte, with the segment's own checksums. */
static void test_lexical_corrupt__refuses_a_damaged_file(void **state)
{
    (void)state;
    struct made_rows made = made_rows_new(20, 8, 30, 9);
    struct made_segment segment = made_segment_of(&made, 0, 20);
    char path[96], other[96];
    struct buf file = {0};
    size_t n_refused = 0;
    snprintf(path, sizeof path, "%s/a.seg", segment.folder);
    snprintf(other, sizeof other, "%s/b.seg", segment.folder);
    assert_ok(file_read(path, RAGGED_LIMIT_FILE, &file, &err));
    for (size_t at = 0; at < file.len; at += 3) {
        struct segment *damaged = NULL;
        struct lexical_index *index = NULL;
        file.data[at] ^= 0x55;
        FILE *out = fopen(other, "w");
        assert_non_null(out);
        assert_int_equal(fwrite(file.data, 1, file.len, out), file.len);
        fclose(out);
        enum status status = segment_open(other, SEGMENT_LEXICAL, NULL, &damaged, &err);
        if (!status)
            status = lexical_index_open(damaged, &index, &err);
        assert_answer(status);
        n_refused += status != STATUS_OK;
        lexical_index_close(index);
        segment_close(damaged);
        file.data[at] ^= 0x55;
    }
    assert_true(n_refused > file.len / 3 * 7 / 10); /* the rest is padding */
    buf_clear(&file);
    made_segment_clear(&segment);
    made_rows_clear(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lexical_corrupt__survives_every_byte),
        cmocka_unit_test(test_lexical_corrupt__survives_every_cut),
        cmocka_unit_test(test_lexical_corrupt__survives_heaps_of_damage),
        cmocka_unit_test(test_lexical_corrupt__is_found_by_the_check),
        cmocka_unit_test(test_lexical_corrupt__a_segment_without_words_is_no_index),
        cmocka_unit_test(test_lexical_corrupt__the_check_finds_misplaced_positions),
        cmocka_unit_test(test_lexical_corrupt__the_check_looks_at_the_first_posting),
        cmocka_unit_test(test_lexical_corrupt__refuses_a_damaged_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
