#include "../testing.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bitmap.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "segment/segment_format.h"

#define SECTION_A SEGMENT_SECTION_FIRST
#define SECTION_B (SEGMENT_SECTION_FIRST + 1)
#define N_ROWS 5

static const int64_t chunk_ids[N_ROWS] = {10, 11, 12, 40, 41};
static const int64_t document_ids[N_ROWS] = {3, 3, 3, 9, 9};

struct fixture {
    char *folder, *path;
};

static int set_up(void **state)
{
    struct error err;
    struct fixture *f = calloc(1, sizeof *f);
    assert_ok(folder_make_temporary("/tmp", "segment", &f->folder, &err));
    f->path = path_join(f->folder, "a.seg");
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct error err;
    struct fixture *f = *state;
    assert_ok(folder_remove(f->folder, &err));
    mem_free(f->folder);
    mem_free(f->path);
    free(f);
    return 0;
}

static enum status write_rows(const char *path, const int64_t *ids, const int64_t *documents,
                              size_t n, size_t n_filler, struct segment_stamp *out,
                              struct error *err)
{
    struct segment_writer *writer = NULL;
    enum status status = segment_writer_new(path, SEGMENT_LEXICAL, "english-2", &writer, err);
    if (status)
        return status;
    segment_writer_begin(writer, SECTION_A);
    segment_writer_append(writer, "hello", 5);
    segment_writer_append(writer, " world", 6);
    segment_writer_begin(writer, SECTION_B);
    for (size_t i = 0; i < n_filler; i++)
        segment_writer_append(writer, &i, sizeof i);
    status = segment_writer_put_rows(writer, ids, documents, n, err);
    if (!status)
        status = segment_writer_finish(writer, out, err);
    segment_writer_free(writer);
    return status;
}

static void write_small(const struct fixture *f, struct segment_stamp *out)
{
    struct error err;
    assert_ok(write_rows(f->path, chunk_ids, document_ids, N_ROWS, 0, out, &err));
}

static void test_segment__gives_back_what_was_written(void **state)
{
    struct fixture *f = *state;
    struct error err;
    struct segment_stamp stamp;
    struct segment *segment = NULL;
    write_small(f, &stamp);
    assert_ok(segment_open(f->path, SEGMENT_LEXICAL, &stamp, &segment, &err));
    assert_string_equal(segment_maker(segment), "english-2");
    assert_memory_equal(segment_stamp_of(segment), &stamp, sizeof stamp);
    struct span a = segment_section(segment, SECTION_A);
    assert_int_equal(a.len, 11);
    assert_memory_equal(a.bytes, "hello world", 11);
    assert_int_equal((uintptr_t)a.bytes % SEGMENT_ALIGNMENT, 0);
    assert_int_equal(segment_section(segment, SECTION_B).len, 0);
    assert_null(segment_section(segment, SECTION_B + 1).bytes);
    assert_int_equal(segment_section(segment, SECTION_B + 1).len, 0);
    assert_int_equal(segment_n_rows(segment), N_ROWS);
    assert_int_equal(segment_n_documents(segment), 2);
    assert_int_equal(segment_document_id(segment, 0), 3);
    assert_int_equal(segment_document_id(segment, 1), 9);
    for (size_t i = 0; i < N_ROWS; i++) {
        size_t row = 99;
        assert_int_equal(segment_chunk_id(segment, i), chunk_ids[i]);
        assert_int_equal(segment_document_of_row(segment, i), document_ids[i]);
        assert_true(segment_find_row(segment, chunk_ids[i], &row));
        assert_int_equal(row, i);
    }
    size_t row = 0, first = 0, end = 0;
    assert_false(segment_find_row(segment, 13, &row));
    assert_false(segment_find_row(segment, 42, &row));
    assert_false(segment_find_row(segment, -1, &row));
    assert_int_equal(segment_lower_row(segment, 13), 3);
    assert_int_equal(segment_lower_row(segment, 42), N_ROWS);
    assert_int_equal(segment_lower_row(segment, INT64_MAX), N_ROWS);
    segment_document_rows(segment, 1, &first, &end);
    assert_int_equal(first, 3);
    assert_int_equal(end, 5);
    segment_close(segment);
}

static void test_segment__may_be_empty(void **state)
{
    struct fixture *f = *state;
    struct error err;
    struct segment_stamp stamp;
    struct segment *segment = NULL;
    assert_ok(write_rows(f->path, NULL, NULL, 0, 0, &stamp, &err));
    assert_ok(segment_open(f->path, SEGMENT_LEXICAL, &stamp, &segment, &err));
    assert_int_equal(segment_n_rows(segment), 0);
    assert_int_equal(segment_lower_row(segment, 5), 0);
    segment_close(segment);
}

static void test_segment__refuses_what_it_is_not(void **state)
{
    struct fixture *f = *state;
    struct error err;
    struct segment_stamp stamp;
    struct segment *segment = NULL;
    assert_status(segment_open(f->path, SEGMENT_LEXICAL, NULL, &segment, &err), STATUS_NOT_FOUND);
    write_small(f, &stamp);
    assert_status(segment_open(f->path, SEGMENT_VECTOR, &stamp, &segment, &err), STATUS_DAMAGED);
    stamp.checksum ^= 1;
    assert_status(segment_open(f->path, SEGMENT_LEXICAL, &stamp, &segment, &err), STATUS_DAMAGED);
    assert_non_null(strstr(err.message, f->path));
    assert_null(segment);
    const int64_t far[] = {1, (int64_t)1 << 33};
    assert_status(write_rows(f->path, far, far, 2, 0, &stamp, &err), STATUS_LIMIT);
}

static void overwrite(const char *path, const char *bytes, size_t len)
{
    int fd = open(path, O_WRONLY | O_TRUNC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), (ssize_t)len);
    close(fd);
}

static bool is_padding(const struct buf *whole, size_t i)
{
    return whole->data[i] == 0;
}

/* Every flipped byte is found, or was one of the zeros between sections. */
static void test_segment__finds_every_flip_and_cut(void **state)
{
    struct fixture *f = *state;
    struct error err;
    struct segment_stamp stamp;
    struct buf whole = {0};
    size_t n_unseen = 0;
    write_small(f, &stamp);
    assert_ok(file_read(f->path, 1 << 20, &whole, &err));
    for (size_t i = 0; i < whole.len; i++) {
        struct segment *segment = NULL;
        whole.data[i] ^= 0x40;
        overwrite(f->path, whole.data, whole.len);
        whole.data[i] ^= 0x40;
        enum status status = segment_open(f->path, SEGMENT_LEXICAL, NULL, &segment, &err);
        if (status) {
            assert_status(status, STATUS_DAMAGED);
        } else {
            assert_true(is_padding(&whole, i));
            n_unseen++;
        }
        segment_close(segment);
    }
    assert_true(n_unseen < whole.len / 2);
    for (size_t len = 0; len < whole.len; len++) {
        struct segment *segment = NULL;
        overwrite(f->path, whole.data, len);
        assert_status(segment_open(f->path, SEGMENT_LEXICAL, NULL, &segment, &err), STATUS_DAMAGED);
        assert_int_equal(strstr(err.message, "not a segment") != NULL, len < SEGMENT_HEADER_BYTES);
    }
    buf_clear(&whole);
}

static uint64_t number_at(const struct buf *whole, size_t at)
{
    uint64_t number;
    memcpy(&number, whole->data + at, sizeof number);
    return number;
}

static void put_number(struct buf *whole, size_t at, uint64_t number)
{
    memcpy(whole->data + at, &number, sizeof number);
}

enum {
    AT_VERSION = 8,
    AT_CONTENTS = 16,
    AT_FILE = 24,
    AT_CONTENTS_SUM = 32,
    AT_N = 40,
    AT_RESERVED = 48,
    AT_SUM = 56
};
enum { IN_SECTION = 0, IN_OFFSET = 8, IN_LEN = 16, IN_SUM = 24 };

/* Where the entry of a section is in the table of contents. */
static size_t entry_of(const struct buf *whole, uint32_t section)
{
    size_t at = number_at(whole, AT_CONTENTS);
    while (number_at(whole, at) != section)
        at += SEGMENT_ENTRY_BYTES;
    return at;
}

/* Whoever forges a file forges its checksums too. */
static void sum_up(struct buf *whole)
{
    size_t contents = number_at(whole, AT_CONTENTS);
    if (contents <= whole->len) {
        size_t rows = entry_of(whole, SEGMENT_SECTION_ROWS);
        size_t offset = number_at(whole, rows + IN_OFFSET), len = number_at(whole, rows + IN_LEN);
        put_number(whole, rows + IN_SUM, hash64_of(whole->data + offset, len));
        put_number(whole, AT_CONTENTS_SUM,
                   hash64_of(whole->data + contents, whole->len - contents));
    }
    put_number(whole, AT_SUM, hash64_of(whole->data, SEGMENT_HEADER_SUMMED_BYTES));
}

struct forgery {
    size_t at;
    uint64_t number;
    const char *said;
};

static void check_forgery(const struct fixture *f, const struct buf *whole,
                          const struct forgery *forgery)
{
    struct error err;
    struct buf forged = {0};
    struct segment *segment = NULL;
    buf_append(&forged, whole->data, whole->len);
    put_number(&forged, forgery->at, forgery->number);
    sum_up(&forged);
    overwrite(f->path, forged.data, forged.len);
    assert_status(segment_open(f->path, SEGMENT_LEXICAL, NULL, &segment, &err), STATUS_DAMAGED);
    if (!strstr(err.message, forgery->said))
        fail_msg("%zu at %zu: %s", (size_t)forgery->number, forgery->at, err.message);
    assert_null(segment);
    buf_clear(&forged);
}

/* Numbers that are wrong in a file whose checksums are right. */
static void test_segment__believes_no_number_for_its_sum(void **state)
{
    struct fixture *f = *state;
    struct error err;
    struct segment_stamp stamp;
    struct buf whole = {0};
    write_small(f, &stamp);
    assert_ok(file_read(f->path, 1 << 20, &whole, &err));
    size_t a = entry_of(&whole, SECTION_A), maker = entry_of(&whole, SEGMENT_SECTION_MAKER);
    size_t rows = number_at(&whole, entry_of(&whole, SEGMENT_SECTION_ROWS) + IN_OFFSET);
    size_t n = number_at(&whole, AT_N), contents = number_at(&whole, AT_CONTENTS);
    size_t last = contents + (n - 1) * SEGMENT_ENTRY_BYTES;
    const struct forgery forgeries[] = {
        {0, number_at(&whole, 0) ^ 1, "not a segment"},
        {AT_VERSION, SEGMENT_VERSION + 1 + ((uint64_t)SEGMENT_LEXICAL << 32), "format 2"},
        {AT_CONTENTS, whole.len + 1, "header"},
        {AT_CONTENTS, whole.len + SEGMENT_ENTRY_BYTES, "header"},
        {AT_CONTENTS, UINT64_MAX, "header"},
        {AT_FILE, whole.len + 1, "bytes instead of"},
        {AT_RESERVED, 1, "header"},
        {AT_N, n + 1, "header"},
        {AT_N, n - 1, "header"},
        {AT_N, SEGMENT_N_SECTIONS_MAX + 1, "header"},
        {AT_N, UINT64_MAX / SEGMENT_ENTRY_BYTES + 1 + n, "header"},
        {a + IN_OFFSET, number_at(&whole, a + IN_OFFSET) + 1, "contents"},
        {a + IN_OFFSET, 0, "contents"},
        {a + IN_OFFSET, UINT64_MAX - UINT64_MAX % SEGMENT_ALIGNMENT, "contents"},
        {a + IN_LEN, contents, "contents"},
        {a + IN_LEN, UINT64_MAX, "contents"},
        {last + IN_LEN, contents - number_at(&whole, last + IN_OFFSET) + 1, "contents"},
        {a + IN_SECTION, SECTION_A + ((uint64_t)1 << 32), "contents"},
        {maker + IN_SECTION, SECTION_B + 7, "maker"},
        {entry_of(&whole, SEGMENT_SECTION_ROWS) + IN_LEN, 24, "rows"},
        {rows, N_ROWS + 2, "rows"},
        {rows, SEGMENT_N_ROWS_MAX + (uint64_t)1, "rows"},
        {rows, UINT64_MAX, "rows"},
        {rows, N_ROWS + 1, "rows"}, /* its zero at the end as a row */
        {rows + 8, 1, "rows"},
        {rows + 8, 3, "rows"},
        {rows + 8, N_ROWS + 1, "rows"},
        {rows + 8, UINT64_MAX, "rows"},
        {rows + 16, UINT64_MAX, "rows"},
        {rows + 16, INT64_MAX, "rows"},
        {rows + 24, 1, "rows"},
    };
    for (size_t i = 0; i < sizeof forgeries / sizeof forgeries[0]; i++)
        check_forgery(f, &whole, &forgeries[i]);
    struct segment *segment = NULL;
    put_number(&whole, a + IN_SECTION, UINT32_MAX); /* nobody's, and a number all the same */
    sum_up(&whole);
    overwrite(f->path, whole.data, whole.len);
    assert_ok(segment_open(f->path, SEGMENT_LEXICAL, NULL, &segment, &err));
    assert_memory_equal(segment_section(segment, UINT32_MAX).bytes, "hello world", 11);
    segment_close(segment);
    buf_clear(&whole);
}

/* A maker that is longer than any stands where another section was. */
static void test_segment__names_of_makers_are_short(void **state)
{
    struct fixture *f = *state;
    struct error err;
    struct segment_stamp stamp;
    struct segment *segment = NULL;
    struct buf whole = {0};
    assert_ok(write_rows(f->path, chunk_ids, document_ids, N_ROWS, 100, &stamp, &err));
    assert_ok(file_read(f->path, 1 << 20, &whole, &err));
    size_t long_one = entry_of(&whole, SECTION_B);
    put_number(&whole, entry_of(&whole, SEGMENT_SECTION_MAKER), SECTION_B);
    put_number(&whole, long_one, SEGMENT_SECTION_MAKER);
    for (uint64_t len = SEGMENT_MAKER_BYTES_MAX; len < SEGMENT_MAKER_BYTES_MAX + 2; len++) {
        size_t offset = number_at(&whole, long_one + IN_OFFSET);
        put_number(&whole, long_one + IN_LEN, len);
        put_number(&whole, long_one + IN_SUM, hash64_of(whole.data + offset, len));
        sum_up(&whole);
        overwrite(f->path, whole.data, whole.len);
        enum status status = segment_open(f->path, SEGMENT_LEXICAL, NULL, &segment, &err);
        assert_status(status, len > SEGMENT_MAKER_BYTES_MAX ? STATUS_DAMAGED : STATUS_OK);
        if (!status)
            segment_close(segment);
        else
            assert_non_null(strstr(err.message, "name of the maker"));
    }
    buf_clear(&whole);
}

/* What only reading all of it shows. */
static void test_segment__check_wants_rows_in_order(void **state)
{
    struct fixture *f = *state;
    struct error err;
    struct segment_stamp stamp;
    struct buf whole = {0}, forged = {0};
    write_small(f, &stamp);
    assert_ok(file_read(f->path, 1 << 20, &whole, &err));
    size_t rows = number_at(&whole, entry_of(&whole, SEGMENT_SECTION_ROWS) + IN_OFFSET);
    size_t first_rows = rows + SEGMENT_ROWS_HEADER_BYTES + (N_ROWS + 1) * 4 + 2 * 8;
    const struct {
        size_t at;
        uint32_t number;
    } forgeries[] = {
        {rows + SEGMENT_ROWS_HEADER_BYTES + 4, 0}, /* a chunk twice */
        {first_rows, 1},                           /* the first row is of no document */
        {first_rows + 4, 0},                       /* a document without rows */
        {first_rows + 8, N_ROWS - 1},              /* nor is the last one */
    };
    for (size_t i = 0; i < sizeof forgeries / sizeof forgeries[0]; i++) {
        struct segment *segment = NULL;
        buf_reset(&forged);
        buf_append(&forged, whole.data, whole.len);
        memcpy(forged.data + forgeries[i].at, &forgeries[i].number, sizeof forgeries[i].number);
        sum_up(&forged);
        overwrite(f->path, forged.data, forged.len);
        enum status status = segment_open(f->path, SEGMENT_LEXICAL, NULL, &segment, &err);
        if (!status)
            status = segment_check(segment, &err);
        assert_status(status, STATUS_DAMAGED);
        segment_close(segment);
    }
    buf_clear(&forged);
    buf_clear(&whole);
}

/* A large file that is as it was published is believed, one that was touched is read. */
static void test_segment__believes_its_stamp(void **state)
{
    struct fixture *f = *state;
    struct error err;
    struct segment_stamp stamp;
    struct segment *segment = NULL;
    assert_ok(write_rows(f->path, chunk_ids, document_ids, N_ROWS, 100000, &stamp, &err));
    assert_ok(segment_open(f->path, SEGMENT_LEXICAL, &stamp, &segment, &err));
    segment_close(segment);
    int fd = open(f->path, O_RDWR);
    assert_int_equal(pwrite(fd, "x", 1, 400000), 1);
    const struct timespec times[2] = {
        {.tv_nsec = UTIME_OMIT},
        {.tv_sec = stamp.mtime_ns / 1000000000, .tv_nsec = stamp.mtime_ns % 1000000000}};
    assert_int_equal(futimens(fd, times), 0);
    assert_ok(segment_open(f->path, SEGMENT_LEXICAL, &stamp, &segment, &err));
    assert_status(segment_check(segment, &err), STATUS_DAMAGED);
    segment_close(segment);
    struct segment_stamp longer = stamp, other = stamp;
    longer.size_bytes++;
    other.inode++;
    assert_status(segment_open(f->path, SEGMENT_LEXICAL, &longer, &segment, &err), STATUS_DAMAGED);
    assert_status(segment_open(f->path, SEGMENT_LEXICAL, &other, &segment, &err), STATUS_DAMAGED);
    assert_int_equal(futimens(fd, NULL), 0);
    close(fd);
    assert_status(segment_open(f->path, SEGMENT_LEXICAL, &stamp, &segment, &err), STATUS_DAMAGED);
}

static void test_segment__unfinished_leaves_no_file(void **state)
{
    struct fixture *f = *state;
    struct error err;
    struct segment_writer *writer = NULL;
    assert_ok(segment_writer_new(f->path, SEGMENT_LEXICAL, "", &writer, &err));
    segment_writer_free(writer);
    assert_int_equal(access(f->path, F_OK), -1);
    assert_int_equal(rmdir(f->folder), 0);
    assert_int_equal(mkdir(f->folder, 0700), 0);
}

/* Long work that is stopped, and more rows than fit: no file, and no row was looked at. */
static void test_segment__writing_can_be_stopped(void **state)
{
    struct fixture *f = *state;
    struct error err;
    struct cancel cancel = {0};
    struct segment_stamp stamp;
    struct segment_writer *writer = NULL;
    assert_ok(segment_writer_new(f->path, SEGMENT_LEXICAL, "", &writer, &err));
    segment_writer_watch(writer, &cancel);
    assert_ok(segment_writer_status(writer, &err));
    assert_status(segment_writer_put_rows(writer, NULL, NULL, SEGMENT_N_ROWS_MAX + 1, &err),
                  STATUS_LIMIT);
    assert_ok(segment_writer_put_rows(writer, chunk_ids, document_ids, N_ROWS, &err));
    cancel.requested = 2;
    assert_status(segment_writer_status(writer, &err), STATUS_CANCELLED);
    assert_status(segment_writer_finish(writer, &stamp, &err), STATUS_CANCELLED);
    segment_writer_free(writer);
    assert_int_equal(access(f->path, F_OK), -1);
}

#ifdef RAGGED_FAULT
static enum status write_and_merge(const struct fixture *f, struct error *err)
{
    struct segment_stamp stamp;
    struct segment *segment = NULL;
    struct segment_merge merge = {0};
    enum status status = write_rows(f->path, chunk_ids, document_ids, N_ROWS, 20000, &stamp, err);
    if (!status)
        status = segment_open(f->path, SEGMENT_LEXICAL, &stamp, &segment, err);
    struct segment_merge_input input = {.segment = segment};
    if (!status)
        status = segment_merge_init(&merge, &input, 1, err);
    assert_true(status || merge.n_rows == N_ROWS);
    segment_merge_clear(&merge);
    segment_close(segment);
    return status;
}

/* What can't be written is not there, and what failed says so. */
static void test_segment__every_failed_step_is_a_status(void **state)
{
    struct fixture *f = *state;
    static const char *const sites[] = {"mem", "file"};
    for (size_t i = 0; i < sizeof sites / sizeof sites[0]; i++) {
        enum status status = STATUS_IO;
        for (int n = 1; status; n++) {
            struct error err = {0};
            char plan[32];
            unlink(f->path);
            snprintf(plan, sizeof plan, "%s:%d", sites[i], n);
            fault_plan(plan);
            status = write_and_merge(f, &err);
            bool is_reached = fault_count(sites[i]) >= n;
            fault_plan(NULL);
            assert_true(n < 200 && (status != 0) == is_reached && (!status || *err.message));
        }
    }
}
#endif

static struct segment *open_rows(const struct fixture *f, const char *name, const int64_t *ids,
                                 const int64_t *documents, size_t n)
{
    struct error err;
    struct segment_stamp stamp;
    struct segment *segment = NULL;
    char *path = path_join(f->folder, name);
    assert_ok(write_rows(path, ids, documents, n, 0, &stamp, &err));
    assert_ok(segment_open(path, SEGMENT_LEXICAL, &stamp, &segment, &err));
    mem_free(path);
    return segment;
}

static void test_segment__merges_rows_by_chunk(void **state)
{
    struct fixture *f = *state;
    struct error err;
    static const int64_t other_ids[] = {5, 20, 42}, other_documents[] = {1, 4, 9};
    uint64_t dead[1] = {0};
    struct segment *a = open_rows(f, "a", chunk_ids, document_ids, N_ROWS);
    struct segment *b = open_rows(f, "b", other_ids, other_documents, 3);
    bitmap_set_range(dead, 1, 3, true); /* 11 and 12 */
    struct segment_merge_input inputs[] = {{.segment = a, .dead = dead}, {.segment = b}};
    struct segment_merge merge = {0};
    assert_ok(segment_merge_init(&merge, inputs, 2, &err));
    static const int64_t ids[] = {5, 10, 20, 40, 41, 42}, documents[] = {1, 3, 4, 9, 9, 9};
    assert_int_equal(merge.n_rows, 6);
    assert_memory_equal(merge.chunk_ids, ids, sizeof ids);
    assert_memory_equal(merge.document_ids, documents, sizeof documents);
    static const uint32_t a_rows[] = {1, SEGMENT_ROW_NONE, SEGMENT_ROW_NONE, 3, 4};
    static const uint32_t b_rows[] = {0, 2, 5};
    assert_memory_equal(inputs[0].new_rows, a_rows, sizeof a_rows);
    assert_memory_equal(inputs[1].new_rows, b_rows, sizeof b_rows);
    segment_merge_clear(&merge);

    struct segment_merge_input twice[] = {{.segment = a}, {.segment = a}};
    assert_status(segment_merge_init(&merge, twice, 2, &err), STATUS_INVALID);
    segment_close(a);
    segment_close(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_segment__gives_back_what_was_written, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_segment__may_be_empty, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_segment__refuses_what_it_is_not, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_segment__finds_every_flip_and_cut, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_segment__believes_no_number_for_its_sum, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_segment__check_wants_rows_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_segment__believes_its_stamp, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_segment__unfinished_leaves_no_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_segment__names_of_makers_are_short, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_segment__writing_can_be_stopped, set_up, tear_down),
#ifdef RAGGED_FAULT
        cmocka_unit_test_setup_teardown(test_segment__every_failed_step_is_a_status, set_up,
                                        tear_down),
#endif
        cmocka_unit_test_setup_teardown(test_segment__merges_rows_by_chunk, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
