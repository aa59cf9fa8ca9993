/* Sections of a vector segment with every byte wrong in turn, behind the back of the checksums: the
 * file is changed under the open segment. Sizes that are wrong, and whole files cut short. */
#include "vector_fixture.h"

#include <fcntl.h>
#include <unistd.h>

#include "vector/codes.h"

#define N ((size_t)130)
#define DIM ((size_t)16)
#define K ((size_t)20)

static const uint32_t sections[] = {CODES_SECTION_HEAD, CODES_SECTION_MEAN, CODES_SECTION_SLOTS,
                                    CODES_SECTION_BLOCKS};
#define N_SECTIONS (sizeof sections / sizeof sections[0])

static void put_byte(int fd, size_t at, unsigned char byte)
{
    assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
}

static void expect_answer_or_format(enum status status)
{
    if (status != STATUS_OK)
        assert_status(status, STATUS_DAMAGED);
}

/* Whatever there is to find in the segment; false when it does not open. */
static bool use(struct fixture *f, bool *out_is_right)
{
    struct error err;
    struct vector_index *index = NULL;
    enum status status = vector_index_open(f->segment, &index, &err);
    expect_answer_or_format(status);
    if (status != STATUS_OK)
        return false;
    float query[DIM];
    random_query(f, query);
    static const size_t n_rescored[] = {K, N};
    for (size_t i = 0; i < 2; i++) {
        struct vector_hit hits[K];
        size_t n_hits;
        struct vector_search search = {
            .query = query, .rows = &f->rows, .k = K, .n_rescored = n_rescored[i], .floor = -1};
        assert_ok(vector_index_search(index, &search, hits, &n_hits, &err));
        assert_true(n_hits <= K);
        for (size_t j = 0; j < n_hits; j++)
            assert_true(hits[j].row < N && hits[j].cosine >= -1.01f && hits[j].cosine <= 1.01f);
    }
    status = vector_index_check(index, &f->rows, &err);
    expect_answer_or_format(status);
    *out_is_right = status == STATUS_OK;
    vector_index_close(index);
    return true;
}

static size_t offset_of(struct span file, struct span section)
{
    const char *at = memmem(file.bytes, file.len, section.bytes, section.len);
    assert_non_null(at);
    return (size_t)(at - (const char *)file.bytes);
}

static void test_vector_damage__any_byte(void **state)
{
    (void)state;
    struct error err;
    struct fixture f;
    struct span file;
    size_t n_opened = 0;
    bool is_right = false;
    fixture_init(&f, N, DIM);
    fixture_open(&f);
    assert_ok(file_map(f.path, &file, &err));
    int fd = open(f.path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_true(use(&f, &is_right) && is_right);
    for (size_t i = 0; i < N_SECTIONS; i++) {
        struct span section = segment_section(f.segment, sections[i]);
        size_t offset = offset_of(file, section);
        for (size_t at = 0; at < section.len; at++) {
            unsigned char old = ((const unsigned char *)section.bytes)[at];
            static const unsigned char changes[] = {0x01, 0x80, 0xFF};
            for (size_t j = 0; j < sizeof changes; j++) {
                put_byte(fd, offset + at, old ^ changes[j]);
                is_right = false;
                n_opened += use(&f, &is_right);
                if (is_right)
                    fail_msg("byte %zu of section %u may be wrong", at, (unsigned)sections[i]);
            }
            put_byte(fd, offset + at, old);
        }
    }
    assert_true(n_opened > 1000);
    assert_true(use(&f, &is_right) && is_right);
    close(fd);
    file_unmap(&file);
    fixture_clear(&f);
}

#define LEFT_OUT SIZE_MAX

/* The container is whole, one section has another size. */
static void write_resized(struct fixture *f, const char *path, uint32_t resized, size_t len)
{
    static const char zeros[64];
    struct error err;
    struct segment_writer *writer;
    struct segment_stamp stamp;
    int64_t ids[N];
    for (size_t i = 0; i < N; i++)
        ids[i] = (int64_t)i + 1;
    assert_ok(segment_writer_new(path, SEGMENT_VECTOR, "made up", &writer, &err));
    assert_ok(segment_writer_put_rows(writer, ids, ids, N, &err));
    for (size_t i = 0; i < N_SECTIONS; i++) {
        struct span section = segment_section(f->segment, sections[i]);
        if (sections[i] == resized && len == LEFT_OUT)
            continue;
        size_t n = sections[i] != resized || len > section.len ? section.len : len;
        segment_writer_begin(writer, sections[i]);
        segment_writer_append(writer, section.bytes, n);
        if (sections[i] == resized && len > section.len)
            segment_writer_append(writer, zeros, len - section.len);
    }
    assert_ok(segment_writer_finish(writer, &stamp, &err));
    segment_writer_free(writer);
}

static void test_vector_damage__sections_of_other_sizes(void **state)
{
    (void)state;
    struct error err;
    struct fixture f;
    fixture_init(&f, N, DIM);
    fixture_open(&f);
    char *path = path_join(f.folder, "resized.seg");
    for (size_t i = 0; i < N_SECTIONS; i++) {
        size_t len = segment_section(f.segment, sections[i]).len;
        size_t lens[] = {0, 1, len / 2, len - 1, len + 1, len + 64, LEFT_OUT};
        for (size_t j = 0; j < sizeof lens / sizeof lens[0]; j++) {
            struct segment *segment;
            struct vector_index *index;
            write_resized(&f, path, sections[i], lens[j]);
            assert_ok(segment_open(path, SEGMENT_VECTOR, NULL, &segment, &err));
            assert_status(vector_index_open(segment, &index, &err), STATUS_DAMAGED);
            segment_close(segment);
        }
    }
    mem_free(path);
    fixture_clear(&f);
}

static void test_vector_damage__any_truncation(void **state)
{
    (void)state;
    struct error err;
    struct fixture f;
    struct file_info info;
    fixture_init(&f, N, DIM);
    fixture_open(&f);
    vector_index_close(f.index);
    segment_close(f.segment);
    f.index = NULL;
    f.segment = NULL;
    assert_ok(file_stat(f.path, FILE_FOLLOW, &info, &err));
    for (size_t len = info.size_bytes; len-- > 0;) {
        struct segment *segment;
        assert_int_equal(truncate(f.path, (off_t)len), 0);
        assert_status(segment_open(f.path, SEGMENT_VECTOR, NULL, &segment, &err), STATUS_DAMAGED);
    }
    fixture_clear(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vector_damage__any_byte),
        cmocka_unit_test(test_vector_damage__sections_of_other_sizes),
        cmocka_unit_test(test_vector_damage__any_truncation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
