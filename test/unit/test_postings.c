/* One list of postings made by hand: what decodes, and what no list can be. */
#include "../testing.h"

#include <string.h>

#include "lexical/postings.h"
#include "lexical/varint.h"

#define N_ROWS ((size_t)1 << 31) /* as many as a segment may have */

/* An index of one list of two blocks; the second is the one that is looked at. */
struct made {
    uint32_t block_rows[2], block_places[2];
    uint8_t block_widths[4];
    unsigned char bytes[16 * 2 * BLOCK_WIDTH_MAX];
    struct lexical_index index;
    struct list list;
};

static void made_init(struct made *made, uint32_t before, uint32_t last, size_t n)
{
    *made = (struct made){.block_rows = {before, last}};
    made->index = (struct lexical_index){
        .n_rows = N_ROWS,
        .n_blocks = 2,
        .block_rows = made->block_rows,
        .block_places = made->block_places,
        .block_widths = made->block_widths,
    };
    made->list = (struct list){.df = BLOCK_POSTINGS + (uint32_t)n, .n_blocks = 2};
}

/* Gaps as they are stored: one less than from row to row. */
static void put_packed(struct made *made, const uint32_t *gaps)
{
    unsigned width = block_width(gaps);
    block_pack(gaps, width, made->bytes);
    made->block_widths[2] = (uint8_t)width;
    made->list.postings = (struct span){made->bytes, (size_t)16 * width};
}

/* By each kernel that runs here: all say the same. */
static bool read_block(const struct made *made, size_t i, struct block *out)
{
    bool is_read = postings_read(&made->index, lexical_kernel_best(), &made->list, i, out);
    for (size_t k = 0; lexical_kernels[k]; k++) {
        struct block other;
        if (!lexical_kernels[k]->runs_here())
            continue;
        assert_int_equal(postings_read(&made->index, lexical_kernels[k], &made->list, i, &other),
                         is_read);
        assert_int_equal(other.n, out->n);
        assert_memory_equal(other.rows, out->rows, out->n * sizeof *out->rows);
        assert_memory_equal(other.tfs, out->tfs, out->n * sizeof *out->tfs);
    }
    if (!is_read)
        assert_int_equal(out->n, 0);
    return is_read;
}

static void test_postings__a_wide_gap_is_a_gap(void **state)
{
    (void)state;
    static const unsigned i_wide[] = {0, 1, 77, BLOCK_POSTINGS - 1};
    for (size_t i = 0; i < sizeof i_wide / sizeof i_wide[0]; i++) {
        struct made made;
        struct block block;
        uint32_t gaps[BLOCK_POSTINGS] = {0}, wide = (uint32_t)1 << 30;
        gaps[i_wide[i]] = wide;
        made_init(&made, 1000, 1000 + BLOCK_POSTINGS + wide, BLOCK_POSTINGS);
        put_packed(&made, gaps);
        assert_true(read_block(&made, 1, &block));
        assert_int_equal(block.n, BLOCK_POSTINGS);
        assert_int_equal(block.rows[0], 1001 + (i_wide[i] == 0 ? wide : 0));
        for (size_t k = 1; k < BLOCK_POSTINGS; k++)
            assert_int_equal(block.rows[k] - block.rows[k - 1], 1 + (k == i_wide[i] ? wide : 0));
        for (size_t k = 0; k < BLOCK_POSTINGS; k++)
            assert_int_equal(block.tfs[k], 1);
    }
}

/* The first block begins where no row was before, with whatever gap. */
static void test_postings__the_first_row_may_be_any(void **state)
{
    (void)state;
    struct made made;
    struct block block;
    uint32_t gaps[BLOCK_POSTINGS] = {(uint32_t)1 << 29};
    made_init(&made, gaps[0] + BLOCK_POSTINGS - 1, 0, BLOCK_POSTINGS);
    put_packed(&made, gaps);
    made.block_widths[0] = made.block_widths[2];
    assert_true(read_block(&made, 0, &block));
    assert_int_equal(block.rows[0], gaps[0]);
    assert_int_equal(block.rows[BLOCK_POSTINGS - 1], gaps[0] + BLOCK_POSTINGS - 1);
}

/* Sums that pass 2^32 and end where they should all the same. */
static void test_postings__rows_that_turn_back_are_damage(void **state)
{
    (void)state;
    static const struct {
        unsigned i; /* this gap takes back what was gone */
        uint32_t gap, last;
    } rows[] = {
        {0, UINT32_MAX, 1000 + BLOCK_POSTINGS - 1},      /* the same row again */
        {0, UINT32_MAX - 500, 500 + BLOCK_POSTINGS - 1}, /* one before the block */
        {77, UINT32_MAX, 1000 + BLOCK_POSTINGS - 1},
        {BLOCK_POSTINGS - 1, UINT32_MAX - 100, 1000 + BLOCK_POSTINGS - 101},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct made made;
        struct block block;
        uint32_t gaps[BLOCK_POSTINGS] = {0};
        gaps[rows[i].i] = rows[i].gap;
        made_init(&made, 1000, rows[i].last, BLOCK_POSTINGS);
        put_packed(&made, gaps);
        uint32_t sums[BLOCK_POSTINGS];
        lexical_kernel_best()->unpack(made.bytes, made.block_widths[2], sums);
        lexical_kernel_best()->sum_up(sums, 1000);
        assert_int_equal(sums[BLOCK_POSTINGS - 1], rows[i].last);
        assert_false(read_block(&made, 1, &block));
    }
}

/* Wider than any tf, or any gap. */
static void test_postings__widths_have_a_limit(void **state)
{
    (void)state;
    static const struct {
        uint8_t gap_width, tf_width;
        bool is_read;
    } rows[] = {{0, 0, true}, {0, 16, true}, {0, 17, false}, {33, 0, false}, {32, 16, true}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct made made;
        struct block block;
        made_init(&made, 1000, 1000 + BLOCK_POSTINGS, BLOCK_POSTINGS);
        made.block_widths[2] = rows[i].gap_width;
        made.block_widths[3] = rows[i].tf_width;
        made.list.postings = (struct span){made.bytes, sizeof made.bytes};
        assert_int_equal(read_block(&made, 1, &block), rows[i].is_read);
        made.list.postings.len = (size_t)16 * (rows[i].gap_width + rows[i].tf_width);
        assert_int_equal(read_block(&made, 1, &block), rows[i].is_read);
        if (made.list.postings.len-- > 0)
            assert_false(read_block(&made, 1, &block));
    }
}

static void test_postings__a_tf_has_a_limit(void **state)
{
    (void)state;
    static const struct {
        uint64_t gap, more; /* as stored: tf - 2 */
        bool is_read;
    } rows[] = {
        {0, 0, true},
        {7, TF_MAX - 2, true},
        {7, TF_MAX - 1, false},
        {7, UINT64_MAX - 2, false},
        {7, UINT64_MAX - 1, false}, /* its tf would be 0 */
        {N_ROWS - 1002, 0, true},
        {N_ROWS - 1001, 0, false},
        {N_ROWS, 0, false},
        {UINT64_MAX >> 1, 0, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct made made;
        struct block block;
        memset(&block, 0xFF, sizeof block);
        made_init(&made, 1000, (uint32_t)(1001 + rows[i].gap), 1);
        size_t len = varint_write(rows[i].gap << 1 | 1, made.bytes);
        len += varint_write(rows[i].more, made.bytes + len);
        made.list.postings = (struct span){made.bytes, len};
        assert_int_equal(read_block(&made, 1, &block), rows[i].is_read);
        if (!rows[i].is_read)
            continue;
        assert_int_equal(block.n, 1);
        assert_int_equal(block.rows[0], 1001 + rows[i].gap);
        assert_int_equal(block.tfs[0], rows[i].more + 2);
        assert_int_equal(block.rows[1], 0); /* as kernels that read on need it */
        assert_int_equal(block.tfs[1], 0);
        made.list.postings.len--;
        assert_false(read_block(&made, 1, &block));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_postings__a_wide_gap_is_a_gap),
        cmocka_unit_test(test_postings__the_first_row_may_be_any),
        cmocka_unit_test(test_postings__rows_that_turn_back_are_damage),
        cmocka_unit_test(test_postings__widths_have_a_limit),
        cmocka_unit_test(test_postings__a_tf_has_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
