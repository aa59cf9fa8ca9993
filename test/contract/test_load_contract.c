/* Every loader row, in this process (so that a sanitizer sees it): a fixture of each kind gives a
 * valid document; cut short or damaged it gives a document or a sentence. */
#include "../testing.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "load/document.h"
#include "load/kinds.h"
#include "load/loader.h"

#define N_CUTS 50
#define N_FLIPS 60

struct world {
    struct encodings encodings;
    struct pdfium pdfium;
    bool has_pdfium;
};

static struct error err;

static const struct fixture {
    enum load_kind kind;
    const char *path, *extension;
    bool has_pages, has_table, has_title;
} fixtures[] = {
    {LOAD_KIND_TEXT, "test/fixtures/load/letter.txt", ".txt", false, false, false},
    {LOAD_KIND_MARKDOWN, "test/fixtures/load/notes.md", ".md", false, true, true},
    {LOAD_KIND_HTML, "test/fixtures/load/page.html", ".html", false, true, true},
    {LOAD_KIND_PDF, "test/fixtures/load/manual.pdf", ".pdf", true, false, true},
    {LOAD_KIND_PDF_TEXT, "test/fixtures/load/manual.txt", ".pdftotext", true, false, false},
};
#define N_FIXTURES (sizeof fixtures / sizeof fixtures[0])

/* As the worker and its parent would do together. */
static enum status parse(const struct world *world, const char *bytes, size_t len,
                         const char *extension, struct arena *arena, struct load_document *out)
{
    struct sink sink;
    struct loader_input input = {.bytes = bytes,
                                 .len = len,
                                 .extension = extension,
                                 .encodings = &world->encodings,
                                 .pdfium = world->has_pdfium ? &world->pdfium : NULL};
    sink_init(&sink, -1);
    enum status status = loader_run(&input, &sink, &err);
    struct document_builder builder;
    document_init(&builder, arena);
    size_t at = 0;
    while (!status && at < sink.records.len) {
        struct record record;
        ptrdiff_t n = record_take(sink.records.data + at, sink.records.len - at, &record);
        assert_true(n > 0); /* our own records are always whole and well-formed */
        assert_ok(document_add(&builder, &record, &err));
        at += (size_t)n;
    }
    if (!status) {
        assert_true(builder.has_ended);
        assert_ok(document_take(&builder, out, &err));
    } else {
        assert_true(strlen(err.message) > 0);
    }
    document_clear(&builder);
    sink_clear(&sink);
    return status;
}

static bool is_skipped(const struct world *world, const struct fixture *fixture)
{
    return fixture->kind == LOAD_KIND_PDF && !world->has_pdfium;
}

static void read_fixture(const struct fixture *fixture, struct buf *out)
{
    assert_ok(file_read(fixture->path, 1 << 20, out, &err));
}

static void test_load_contract__every_row_has_a_fixture_and_a_kind(void **state)
{
    (void)state;
    for (size_t i = 0; i < LOAD_KIND_COUNT; i++) {
        bool has_fixture = false, has_kind = false;
        for (size_t k = 0; k < N_FIXTURES; k++)
            has_fixture = has_fixture || fixtures[k].kind == i;
        for (const char *const *kind = load_kinds(); *kind; kind++)
            has_kind = has_kind || strcmp(*kind, loaders[i]->kind) == 0;
        assert_true(has_fixture);
        assert_true(has_kind);
    }
}

static void test_load_contract__keeps_places_and_tables(void **state)
{
    const struct world *world = *state;
    for (size_t i = 0; i < N_FIXTURES; i++) {
        const struct fixture *fixture = &fixtures[i];
        struct buf bytes = {0};
        struct arena arena = {0};
        struct load_document doc;
        size_t n_headers = 0, n_rows = 0;
        if (is_skipped(world, fixture))
            continue;
        read_fixture(fixture, &bytes);
        assert_ok(parse(world, bytes.data, bytes.len, fixture->extension, &arena, &doc));
        assert_string_equal(doc.kind, loaders[fixture->kind]->kind);
        assert_int_equal(doc.n_pages > 0, fixture->has_pages);
        assert_int_equal(strlen(doc.title) > 0, fixture->has_title);
        for (size_t k = 0; k < doc.n_blocks; k++) {
            const struct text_block *block = &doc.blocks[k];
            assert_int_equal(block->page > 0, fixture->has_pages);
            assert_int_equal(block->line > 0, !fixture->has_pages);
            assert_true(k == 0 || block->page >= doc.blocks[k - 1].page);
            assert_true(k == 0 || block->line >= doc.blocks[k - 1].line);
            n_headers += block->kind == TEXT_BLOCK_TABLE_HEADER;
            n_rows += block->kind == TEXT_BLOCK_TABLE_ROW;
        }
        assert_int_equal(n_headers, fixture->has_table ? 1 : 0);
        assert_int_equal(n_rows, fixture->has_table ? 2 : 0);
        arena_clear(&arena);
        buf_clear(&bytes);
    }
}

/* The bytes go into a block of exactly their size: a sanitizer sees a read past the end. */
static void parse_damaged(const struct world *world, const struct fixture *fixture,
                          const char *bytes, size_t len)
{
    struct arena arena = {0};
    struct load_document doc;
    char *copy = mem_alloc(len + 1);
    assert_non_null(copy);
    memcpy(copy, bytes, len);
    copy[len] = '\0';
    (void)!parse(world, copy, len, fixture->extension, &arena, &doc);
    mem_free(copy);
    arena_clear(&arena);
}

static void test_load_contract__survives_every_cut(void **state)
{
    for (size_t i = 0; i < N_FIXTURES; i++) {
        struct buf bytes = {0};
        if (is_skipped(*state, &fixtures[i]))
            continue;
        read_fixture(&fixtures[i], &bytes);
        for (size_t k = 0; k < N_CUTS; k++)
            parse_damaged(*state, &fixtures[i], bytes.data, bytes.len * k / N_CUTS);
        buf_clear(&bytes);
    }
}

static void test_load_contract__survives_flipped_bytes(void **state)
{
    uint64_t seed = 20261124;
    for (size_t i = 0; i < N_FIXTURES; i++) {
        struct buf bytes = {0};
        if (is_skipped(*state, &fixtures[i]))
            continue;
        read_fixture(&fixtures[i], &bytes);
        for (size_t k = 0; k < N_FLIPS; k++) {
            for (int flip = 0; flip < 3; flip++) { /* the damage adds up */
                seed = seed * 6364136223846793005u + 1442695040888963407u;
                bytes.data[(seed >> 33) % bytes.len] ^= (char)(1u << ((seed >> 20) % 8));
            }
            parse_damaged(*state, &fixtures[i], bytes.data, bytes.len);
        }
        buf_clear(&bytes);
    }
}

int main(void)
{
    static struct world world;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(test_load_contract__every_row_has_a_fixture_and_a_kind, &world),
        cmocka_unit_test_prestate(test_load_contract__keeps_places_and_tables, &world),
        cmocka_unit_test_prestate(test_load_contract__survives_every_cut, &world),
        cmocka_unit_test_prestate(test_load_contract__survives_flipped_bytes, &world),
    };
    char *path;
    encodings_open(&world.encodings);
    if (load_pdfium_path(&path, NULL) == STATUS_OK) {
        world.has_pdfium = pdfium_load(path, &world.pdfium, NULL) == STATUS_OK;
        mem_free(path);
    }
    if (!world.has_pdfium)
        printf("SKIPPED: the PDF row: libpdfium.so is not installed\n");
    int n_failed = cmocka_run_group_tests(tests, NULL, NULL);
    encodings_close(&world.encodings);
    return n_failed;
}
