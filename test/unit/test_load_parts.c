/* Where a file is cut: whatever is in it, each byte of it is in one part, and a border lies behind
 * a line, a word, or at least a character. */
#include "../testing.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "load/load.h"
#include "load/worker_internal.h"

#define PART LOAD_PART_BYTES_MIN

static struct error err;

static int file_of(const void *bytes, size_t len)
{
    int fd = memfd_create("document", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), (ssize_t)len);
    return fd;
}

/* The borders of the file, [n + 1]; each part lies near its place. */
static size_t cut(int fd, size_t len, uint64_t *borders)
{
    size_t n = (size_t)load_n_parts(len, PART);
    borders[0] = 0;
    for (size_t i = 0; i < n; i++) {
        struct load_part part = {.i = i, .part_bytes = PART, .file_bytes = len};
        uint64_t offset = UINT64_MAX, end = UINT64_MAX;
        assert_ok(part_range(fd, "f", &part, &offset, &end, &err));
        assert_true(offset == borders[i] && end >= offset && end <= len);
        assert_true(end >= (i + 1) * PART || end == len);
        assert_true(end <= (i + 1) * PART + PART / 2);
        borders[i + 1] = end;
    }
    assert_int_equal(borders[n], len);
    return n;
}

enum { N_BYTES = 60000 };

/* Lines of up to `n_max` bytes of UTF-8, some blank. */
static void fill_lines(char *bytes, size_t len, size_t n_max, uint32_t seed)
{
    for (size_t i = 0; i < len;) {
        seed = seed * 1664525u + 1013904223u;
        size_t n_line = n_max ? (seed >> 8) % n_max : len;
        for (size_t k = 0; k < n_line && i + 2 < len; k += 2, i += 2)
            memcpy(bytes + i, "\xC3\xA9", 2);
        if (i + 2 >= len)
            n_line = 0;
        while (n_line == 0 && i + 2 >= len && i < len)
            bytes[i++] = '\n';
        if (i < len)
            bytes[i++] = '\n';
    }
}

static void test_parts__border_is_behind_a_line_when_there_is_one(void **state)
{
    (void)state;
    static const size_t lengths[] = {1, 2, 80, 500, 1500, 2000, 5000, 20000};
    char *bytes = mem_alloc(N_BYTES);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        uint64_t borders[N_BYTES / PART + 2];
        fill_lines(bytes, N_BYTES, lengths[i], (uint32_t)i);
        int fd = file_of(bytes, N_BYTES);
        size_t n = cut(fd, N_BYTES, borders);
        for (size_t k = 1; k < n; k++) {
            bool is_line = bytes[borders[k] - 1] == '\n';
            assert_true(is_line || lengths[i] > PART / 2);
            assert_true(is_line || ((unsigned char)bytes[borders[k]] & 0xC0) != 0x80);
        }
        close(fd);
    }
    mem_free(bytes);
}

static void test_parts__border_is_behind_a_blank_line_when_there_is_one(void **state)
{
    (void)state;
    char bytes[3 * PART];
    for (size_t i = 0; i < sizeof bytes; i += 16)
        memcpy(bytes + i, "line of fifteen\n", 16);
    memcpy(bytes + PART + 160, "\r\n", 2);
    memcpy(bytes + 2 * PART - 1, "\n\n", 2);
    uint64_t borders[5];
    int fd = file_of(bytes, sizeof bytes);
    assert_int_equal(cut(fd, sizeof bytes, borders), 3);
    assert_int_equal(borders[1], PART + 162);
    assert_int_equal(borders[2], 2 * PART + 1);
    close(fd);
}

static void test_parts__any_bytes_of_any_length(void **state)
{
    (void)state;
    static const char alphabet[] = "\n\r \0\xFF\xFE\xEF\xBB\xBF\x80\xC3"
                                   "ab";
    static const char *const marks[] = {"", "\xFF\xFE", "\xFE\xFF", "\xEF\xBB\xBF", "\xFF\xFE\0"};
    uint32_t seed = 7;
    char *bytes = mem_alloc(N_BYTES);
    for (size_t round = 0; round < 200; round++) {
        uint64_t borders[N_BYTES / PART + 2];
        size_t len = 1 + (seed >> 4) % (N_BYTES - 1);
        size_t n_used = 1 + round % (sizeof alphabet - 1);
        for (size_t i = 0; i < len; i++) {
            seed = seed * 1664525u + 1013904223u;
            bytes[i] = alphabet[sizeof alphabet - 2 - (seed >> 8) % n_used];
        }
        const char *mark = marks[round % 5];
        if (len > 4)
            memcpy(bytes, mark, strlen(mark));
        int fd = file_of(bytes, len);
        cut(fd, len, borders);
        close(fd);
    }
    mem_free(bytes);
}

/* 64 bits all the way: a part behind the first 4 GiB of a file with a hole. */
static void test_parts__file_of_many_gigabytes(void **state)
{
    (void)state;
    const uint64_t place = (uint64_t)5 << 30, len = place + 3 * PART;
    int fd = memfd_create("document", MFD_CLOEXEC);
    assert_int_equal(ftruncate(fd, (off_t)len), 0);
    assert_int_equal(pwrite(fd, "one\ntwo\nlast\n", 13, (off_t)(place + PART + 100)), 13);
    struct load_part part = {.i = place / PART + 1, .part_bytes = PART, .file_bytes = len};
    uint64_t offset = 0, end = 0;
    assert_ok(part_range(fd, "f", &part, &offset, &end, &err));
    assert_true(offset == place + PART + 104);
    assert_true(end > place + 2 * PART - 1 && end <= place + 2 * PART + 4);
    assert_int_equal(load_n_parts(len, PART), len / PART);
    assert_int_equal(load_n_parts(len + 1, PART), len / PART + 1);
    close(fd);
}

static void test_parts__shrinks_meanwhile(void **state)
{
    (void)state;
    int fd = file_of("words\n", 6);
    struct load_part part = {.i = 3, .part_bytes = PART, .file_bytes = 10 * PART};
    uint64_t offset = 0, end = 0;
    assert_ok(part_range(fd, "f", &part, &offset, &end, &err));
    assert_true(offset <= end && end <= 10 * PART);
    close(fd);
}

static void test_parts__by_name_and_first_bytes(void **state)
{
    (void)state;
    static const struct {
        const char *name, *bytes;
        enum status status;
        bool has_parts;
    } cases[] = {
        {"a.txt", "words", STATUS_OK, true},     {"a.csv", "1,2\n", STATUS_OK, true},
        {"README", "words", STATUS_OK, true},    {"a.txt", "<!DOCTYPE html><p>", STATUS_OK, false},
        {"a.log", "%PDF-1.7", STATUS_OK, false}, {"a.txt", "\1\2\3\4\5", STATUS_INVALID, false},
        {"a.md", "# words", STATUS_OK, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool has_parts = false;
        int fd = file_of(cases[i].bytes, strlen(cases[i].bytes));
        assert_status(load_has_parts(fd, cases[i].name, &has_parts, &err), cases[i].status);
        assert_int_equal(has_parts, cases[i].has_parts);
        close(fd);
    }
    assert_true(load_may_have_parts("/x/a.log") && load_may_have_parts("/x/dump"));
    assert_false(load_may_have_parts("/x/a.md") || load_may_have_parts("/x/a.pdf"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts__border_is_behind_a_line_when_there_is_one),
        cmocka_unit_test(test_parts__border_is_behind_a_blank_line_when_there_is_one),
        cmocka_unit_test(test_parts__any_bytes_of_any_length),
        cmocka_unit_test(test_parts__file_of_many_gigabytes),
        cmocka_unit_test(test_parts__shrinks_meanwhile),
        cmocka_unit_test(test_parts__by_name_and_first_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
