/* The checksums of pages, below SQLite: what is written, what is refused, what is no page. */
#include "../testing.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/store_internal.h"

#define PAGE 4096
#define N_PAGES 3
#define RESERVED_AT 20

struct database {
    char folder[64], path[96];
    sqlite3_filename name;
    sqlite3_file *file;
    int fd; /* past the checksums */
};

static void open_as(struct database *db, int kind)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(page_vfs_name());
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | kind;
    assert_non_null(vfs);
    db->file = calloc(1, (size_t)vfs->szOsFile);
    assert_non_null(db->file);
    assert_int_equal(vfs->xOpen(vfs, db->name, db->file, flags, &flags), SQLITE_OK);
}

static void open_file(struct database *db)
{
    open_as(db, SQLITE_OPEN_MAIN_DB);
}

static void close_file(struct database *db)
{
    assert_int_equal(db->file->pMethods->xClose(db->file), SQLITE_OK);
    free(db->file);
}

/* As another process sees it: nothing is known of the file. */
static void reopen(struct database *db)
{
    close_file(db);
    open_file(db);
}

static int read_at(struct database *db, void *out, int n, int64_t offset)
{
    return db->file->pMethods->xRead(db->file, out, n, offset);
}

/* From a copy: a sum is set where SQLite has the page. */
static void write_at(struct database *db, const void *bytes, int n, int64_t offset)
{
    unsigned char copy[2 * PAGE];
    assert_true((size_t)n <= sizeof copy);
    memcpy(copy, bytes, (size_t)n);
    assert_int_equal(db->file->pMethods->xWrite(db->file, copy, n, offset), SQLITE_OK);
}

/* Page i of a database whose pages leave `n_reserved` bytes. */
static void fill_page(unsigned char page[PAGE], int i, int n_reserved)
{
    memset(page, 'a' + i, PAGE);
    if (i == 0) {
        memcpy(page, "SQLite format 3", 16);
        page[RESERVED_AT] = (unsigned char)n_reserved;
    }
}

static void write_pages(struct database *db, int n_reserved)
{
    for (int i = 0; i < N_PAGES; i++) {
        unsigned char page[PAGE];
        fill_page(page, i, n_reserved);
        write_at(db, page, PAGE, (int64_t)i * PAGE);
    }
}

static void flip(struct database *db, int64_t at)
{
    unsigned char byte;
    assert_int_equal(pread(db->fd, &byte, 1, at), 1);
    byte ^= 0x10;
    assert_int_equal(pwrite(db->fd, &byte, 1, at), 1);
}

static int set_up(void **state)
{
    struct database *db = calloc(1, sizeof *db);
    assert_non_null(db);
    strcpy(db->folder, "/tmp/ragged-page-XXXXXX");
    assert_non_null(mkdtemp(db->folder));
    snprintf(db->path, sizeof db->path, "%s/a.db", db->folder);
    db->name = sqlite3_create_filename(db->path, "", "", 0, NULL);
    open_file(db);
    db->fd = open(db->path, O_RDWR | O_CLOEXEC);
    assert_true(db->fd >= 0);
    *state = db;
    return 0;
}

static int tear_down(void **state)
{
    struct database *db = *state;
    close_file(db);
    close(db->fd);
    sqlite3_free_filename(db->name);
    unlink(db->path);
    rmdir(db->folder);
    free(db);
    return 0;
}

static void test_page_vfs__every_page_has_a_sum_of_its_own(void **state)
{
    struct database *db = *state;
    unsigned char page[PAGE], expected[PAGE], sums[N_PAGES][PAGE_VFS_RESERVED_BYTES];
    write_pages(db, PAGE_VFS_RESERVED_BYTES);
    for (int i = 0; i < N_PAGES; i++) {
        fill_page(expected, i, PAGE_VFS_RESERVED_BYTES);
        assert_int_equal(read_at(db, page, PAGE, (int64_t)i * PAGE), SQLITE_OK);
        assert_memory_equal(page, expected, PAGE - PAGE_VFS_RESERVED_BYTES);
        memcpy(sums[i], page + PAGE - PAGE_VFS_RESERVED_BYTES, PAGE_VFS_RESERVED_BYTES);
        assert_memory_not_equal(sums[i], expected + PAGE - PAGE_VFS_RESERVED_BYTES,
                                PAGE_VFS_RESERVED_BYTES);
    }
    /* The same bytes at another place are not the same page. */
    fill_page(page, 1, 0);
    write_at(db, page, PAGE, 2 * PAGE);
    assert_int_equal(read_at(db, page, PAGE, 2 * PAGE), SQLITE_OK);
    assert_memory_not_equal(page + PAGE - PAGE_VFS_RESERVED_BYTES, sums[1],
                            PAGE_VFS_RESERVED_BYTES);
    assert_int_equal(pread(db->fd, page, PAGE, PAGE), PAGE);
    assert_int_equal(pwrite(db->fd, page, PAGE, 2 * PAGE), PAGE);
    assert_int_equal(read_at(db, page, PAGE, 2 * PAGE), SQLITE_CORRUPT);
}

/* By whoever wrote it and by whoever opens it, whichever page comes first. */
static void test_page_vfs__a_changed_page_is_corrupt(void **state)
{
    struct database *db = *state;
    static const int at_in_page[] = {40, PAGE / 2, PAGE - PAGE_VFS_RESERVED_BYTES, PAGE - 1};
    unsigned char page[PAGE];
    write_pages(db, PAGE_VFS_RESERVED_BYTES);
    for (int i = 0; i < N_PAGES; i++)
        for (size_t k = 0; k < sizeof at_in_page / sizeof at_in_page[0]; k++) {
            int64_t offset = (int64_t)i * PAGE;
            flip(db, offset + at_in_page[k]);
            assert_int_equal(read_at(db, page, PAGE, offset), SQLITE_CORRUPT);
            reopen(db);
            assert_int_equal(read_at(db, page, PAGE, offset), SQLITE_CORRUPT);
            flip(db, offset + at_in_page[k]);
            assert_int_equal(read_at(db, page, PAGE, offset), SQLITE_OK);
        }
}

/* The byte that says that there are sums is under one. */
static void test_page_vfs__a_lost_byte_20_is_corrupt(void **state)
{
    struct database *db = *state;
    unsigned char page[PAGE];
    write_pages(db, PAGE_VFS_RESERVED_BYTES);
    flip(db, RESERVED_AT);
    reopen(db);
    assert_int_equal(read_at(db, page, PAGE, 0), SQLITE_CORRUPT);
    assert_int_equal(page[RESERVED_AT], PAGE_VFS_RESERVED_BYTES ^ 0x10); /* as it was found */
}

static void test_page_vfs__a_database_without_sums_is_left_as_it_is(void **state)
{
    struct database *db = *state;
    for (int is_opened = 0; is_opened < 2; is_opened++) {
        unsigned char page[PAGE], expected[PAGE];
        write_pages(db, 0);
        if (is_opened)
            reopen(db);
        for (int i = N_PAGES - 1; i >= 0; i--) {
            fill_page(expected, i, 0);
            assert_int_equal(read_at(db, page, PAGE, (int64_t)i * PAGE), SQLITE_OK);
            assert_memory_equal(page, expected, PAGE);
        }
        flip(db, PAGE + 7);
        assert_int_equal(read_at(db, page, PAGE, PAGE), SQLITE_OK);
    }
}

/* What SQLite reads that is no page is not looked at, and nothing is written into it. */
static void test_page_vfs__what_is_no_page_has_no_sum(void **state)
{
    struct database *db = *state;
    static const struct {
        int n;
        int64_t offset;
    } parts[] = {{100, 0}, {16, 24}, {256, 0}, {1000, 2000}, {PAGE + 512, 0}, {PAGE, 512}};
    write_pages(db, PAGE_VFS_RESERVED_BYTES);
    flip(db, 30);
    flip(db, PAGE + 30);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        unsigned char part[2 * PAGE], found[2 * PAGE];
        assert_int_equal(read_at(db, part, parts[i].n, parts[i].offset), SQLITE_OK);
        write_at(db, part, parts[i].n, parts[i].offset);
        assert_int_equal(pread(db->fd, found, (size_t)parts[i].n, parts[i].offset), parts[i].n);
        assert_memory_equal(found, part, (size_t)parts[i].n);
    }
    unsigned char page[PAGE];
    assert_int_equal(read_at(db, page, PAGE, 0), SQLITE_CORRUPT);
    assert_int_equal(read_at(db, page, PAGE, PAGE), SQLITE_CORRUPT);
}

/* The smallest page there is, and the first size that is none. */
static void test_page_vfs__pages_begin_at_512_bytes(void **state)
{
    struct database *db = *state;
    for (int n = 256; n <= 512; n *= 2) {
        unsigned char page[PAGE], found[PAGE];
        fill_page(page, 0, PAGE_VFS_RESERVED_BYTES);
        assert_int_equal(ftruncate(db->fd, 0), 0);
        reopen(db);
        write_at(db, page, n, 0);
        assert_int_equal(pread(db->fd, found, (size_t)n, 0), n);
        assert_int_equal(found[n - 1] == 'a', n == 256);
    }
}

/* A page that grew with the file, and was never written, is all zeros: also beside other bytes. */
static void test_page_vfs__zeros_are_no_damage(void **state)
{
    struct database *db = *state;
    unsigned char wide[PAGE + 2], *page = wide + 1;
    write_pages(db, PAGE_VFS_RESERVED_BYTES);
    assert_int_equal(ftruncate(db->fd, (N_PAGES + 1) * PAGE), 0);
    memset(wide, 0xFF, sizeof wide);
    assert_int_equal(read_at(db, page, PAGE, N_PAGES * PAGE), SQLITE_OK);
    for (int at = 0; at < PAGE; at += PAGE - 1) {
        flip(db, N_PAGES * PAGE + at);
        assert_int_equal(read_at(db, page, PAGE, N_PAGES * PAGE), SQLITE_CORRUPT);
        flip(db, N_PAGES * PAGE + at);
    }
    /* Behind the end SQLite takes zeros for an answer. */
    assert_int_equal(read_at(db, page, PAGE, (N_PAGES + 1) * PAGE), SQLITE_IOERR_SHORT_READ);
}

/* A header that can't be read, or is none, says nothing of sums; a later one does. */
static void test_page_vfs__a_torn_header_is_not_remembered(void **state)
{
    struct database *db = *state;
    unsigned char page[PAGE], found[PAGE];
    fill_page(page, 1, 0);
    write_at(db, page, PAGE, PAGE); /* into an empty file: its first page is a hole */
    assert_int_equal(pread(db->fd, found, PAGE, PAGE), PAGE);
    assert_memory_equal(found, page, PAGE);
    write_at(db, page, PAGE, 0);
    assert_int_equal(pread(db->fd, found, PAGE, 0), PAGE);
    assert_memory_equal(found, page, PAGE);
    write_pages(db, PAGE_VFS_RESERVED_BYTES);
    flip(db, 3);
    flip(db, PAGE + 30);
    reopen(db);
    assert_int_equal(read_at(db, page, PAGE, 0), SQLITE_OK); /* SQLite says that it is none */
    assert_int_equal(read_at(db, page, PAGE, PAGE), SQLITE_OK);
    flip(db, 3);
    assert_int_equal(read_at(db, page, PAGE, PAGE), SQLITE_CORRUPT);
}

/* Nor has any other file of a database pages: a log has sums of SQLite's own. */
static void test_page_vfs__only_databases_have_sums(void **state)
{
    struct database *db = *state;
    unsigned char page[PAGE], found[PAGE];
    close_file(db);
    open_as(db, SQLITE_OPEN_WAL);
    fill_page(page, 0, PAGE_VFS_RESERVED_BYTES);
    write_at(db, page, PAGE, 0);
    assert_int_equal(read_at(db, found, PAGE, 0), SQLITE_OK);
    assert_memory_equal(found, page, PAGE);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_page_vfs__every_page_has_a_sum_of_its_own),
        TEST(test_page_vfs__a_changed_page_is_corrupt),
        TEST(test_page_vfs__a_lost_byte_20_is_corrupt),
        TEST(test_page_vfs__a_database_without_sums_is_left_as_it_is),
        TEST(test_page_vfs__what_is_no_page_has_no_sum),
        TEST(test_page_vfs__pages_begin_at_512_bytes),
        TEST(test_page_vfs__zeros_are_no_damage),
        TEST(test_page_vfs__a_torn_header_is_not_remembered),
        TEST(test_page_vfs__only_databases_have_sums),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
