#include "../testing.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/mem.h"
#include "load/load.h"

#define FIXTURES "test/fixtures/load/"

static struct error err;

static const char *tool(const char *name)
{
    static char path[512];
    const char *build = getenv("RAGGED_BUILD");
    snprintf(path, sizeof path, "%s/%s", build ? build : "build/release", name);
    return path;
}

static struct load_worker *start(const char *pdfium_path)
{
    struct load_worker *worker = NULL;
    struct load_options options = {.worker_path = tool("ragged-parse"), .pdfium_path = pdfium_path};
    assert_ok(load_worker_new(&options, &worker, &err));
    return worker;
}

static enum status parse_path(struct load_worker *worker, const char *path, struct arena *arena,
                              struct load_document *out)
{
    int fd;
    assert_ok(file_open(path, FILE_FOLLOW, &fd, &err));
    enum status status = load_parse(worker, fd, path, NULL, arena, out, &err);
    close(fd);
    return status;
}

/* The bytes as an open file of that name. */
static enum status parse_bytes(struct load_worker *worker, const char *name, const void *bytes,
                               size_t len, struct arena *arena, struct load_document *out)
{
    int fd = memfd_create("document", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), (ssize_t)len);
    enum status status = load_parse(worker, fd, name, NULL, arena, out, &err);
    close(fd);
    return status;
}

static void check_block(const struct load_document *document, size_t i, enum text_block_kind kind,
                        unsigned level, uint32_t line, const char *text)
{
    assert_true(i < document->n_blocks);
    const struct text_block *block = &document->blocks[i];
    assert_int_equal(block->len, strlen(text));
    assert_memory_equal(block->text, text, block->len);
    assert_int_equal(block->kind, kind);
    assert_int_equal(block->level, level);
    assert_int_equal(block->line, line);
}

static void test_load__reads_markdown(void **state)
{
    struct arena arena = {0};
    struct load_document doc;
    assert_ok(parse_path(*state, FIXTURES "notes.md", &arena, &doc));
    assert_string_equal(doc.kind, "markdown");
    assert_string_equal(doc.title, "Kettle notes");
    check_block(&doc, 0, TEXT_BLOCK_HEADING, 1, 6, "Kettle");
    check_block(&doc, 1, TEXT_BLOCK_PARAGRAPH, 0, 8,
                "The kettle boils at 95 degrees \xE2\x80\x94 not more. Second line of the "
                "paragraph.");
    check_block(&doc, 2, TEXT_BLOCK_HEADING, 2, 11, "Care");
    check_block(&doc, 4, TEXT_BLOCK_LIST_ITEM, 1, 14, "with vinegar");
    check_block(&doc, 8, TEXT_BLOCK_CODE, 0, 21, "kettle --boil\n  --gently\n");
    check_block(&doc, 9, TEXT_BLOCK_TABLE_HEADER, 0, 25, "Part | Price");
    check_block(&doc, 11, TEXT_BLOCK_TABLE_ROW, 0, 28, "Body | 20 EUR");
    check_block(&doc, 12, TEXT_BLOCK_PARAGRAPH, 0, 30, "Raw HTML block");
    assert_int_equal(doc.n_blocks, 13);
    arena_clear(&arena);
}

static void test_load__reads_html(void **state)
{
    struct arena arena = {0};
    struct load_document doc;
    assert_ok(parse_path(*state, FIXTURES "page.html", &arena, &doc));
    assert_string_equal(doc.kind, "html");
    assert_string_equal(doc.title, "Garden & Tools");
    check_block(&doc, 0, TEXT_BLOCK_HEADING, 1, 9, "Garden");
    check_block(&doc, 1, TEXT_BLOCK_PARAGRAPH, 0, 10,
                "Water the roses in the early morning\xE2\x80\xA6");
    check_block(&doc, 3, TEXT_BLOCK_LIST_ITEM, 1, 14, "small rake");
    check_block(&doc, 5, TEXT_BLOCK_TABLE_HEADER, 0, 19, "Tool | Shelf");
    check_block(&doc, 7, TEXT_BLOCK_TABLE_ROW, 0, 21, "Spade | B2");
    check_block(&doc, 8, TEXT_BLOCK_CODE, 0, 23, "line one\n    indented\n");
    for (size_t i = 0; i < doc.n_blocks; i++) {
        assert_null(strstr(doc.blocks[i].text, "never shown"));
        assert_null(strstr(doc.blocks[i].text, "secret"));
        assert_null(strstr(doc.blocks[i].text, "Home menu"));
    }
    arena_clear(&arena);
}

/* 2^64 is not 264. */
static void test_load__keeps_powers_apart(void **state)
{
    static const struct {
        const char *markup, *text;
    } rows[] = {
        {"2<sup>64</sup> rows", "2^64 rows"},
        {"10<sup>-3</sup> m", "10^-3 m"},
        {"10<SUP>\xE2\x88\x92"
         "3</SUP>",
         "10^\xE2\x88\x92"
         "3"},
        {"e<sup>x</sup>", "e^x"},
        {"(a+b)<sup>2</sup>", "(a+b)^2"},
        {"\xC2\xB5m<sup>2</sup>", "\xC2\xB5m^2"},
        {"2<sup>n+1</sup>", "2^(n+1)"},
        {"Ca<sup>2+</sup>", "Ca^(2+)"},
        {"x<sup>2\xE2\x88\x92n</sup>", "x^(2\xE2\x88\x92n)"},
        {"the 4<sup>th</sup> try", "the 4th try"},
        {"Best<sup>TM</sup>", "BestTM"},
        {"as said<sup>[1]</sup>", "as said[1]"},
        {"as said<sup>*</sup>", "as said*"},
        {"as said.<sup>2</sup>", "as said.2"},
        {"up <sup>2</sup>", "up 2"},
        {"1<sup>and so on, which is much too long for that</sup>",
         "1and so on, which is much too long for that"},
        {"H<sub>2</sub>O", "H2O"},
        {"none</sup> here", "none here"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (int is_html = 0; is_html < 2; is_html++) {
            struct arena arena = {0};
            struct load_document doc;
            char bytes[256];
            snprintf(bytes, sizeof bytes, is_html ? "<html><p>%s</p></html>" : "%s\n",
                     rows[i].markup);
            assert_ok(parse_bytes(*state, is_html ? "a.html" : "a.md", bytes, strlen(bytes), &arena,
                                  &doc));
            assert_int_equal(doc.n_blocks, 1);
            assert_int_equal(doc.blocks[0].len, strlen(rows[i].text));
            assert_memory_equal(doc.blocks[0].text, rows[i].text, doc.blocks[0].len);
            arena_clear(&arena);
        }
    }
}

static const char power_pdf[] =
    "junk.\n%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n"
    "2 0 obj\n<< /Type /Pages /Count 1 /Kids [4 0 R] >>\nendobj\n"
    "3 0 obj\n<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>\nendobj\n"
    "4 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 5 0 R "
    "/Resources << /Font << /F 3 0 R >> >> >>\nendobj\n"
    "5 0 obj\n<< /Length 262 >>\nstream\n"
    "BT /F 12 Tf 14 TL 60 780 Td (There are 2) Tj /F 8 Tf 5 Ts (64) Tj /F 12 Tf 0 Ts "
    "( rows, and the 4) Tj /F 8 Tf 5 Ts (th) Tj /F 12 Tf 0 Ts ( is H) Tj "
    "/F 8 Tf -2 Ts (2) Tj /F 12 Tf 0 Ts (O; the next line) Tj T* (is 10) Tj 5 Ts "
    "(3) Tj 0 Ts ( of the same size.) Tj ET\nendstream\nendobj\n"
    "trailer << /Size 6 /Root 1 0 R >>\n%%EOF\n";

static void test_load__keeps_powers_apart_in_pdf(void **state)
{
    struct arena arena = {0};
    struct load_document doc;
    assert_ok(parse_bytes(*state, "a.pdf", power_pdf, sizeof power_pdf - 1, &arena, &doc));
    check_block(&doc, 0, TEXT_BLOCK_PARAGRAPH, 0, 0,
                "There are 2^64 rows, and the 4th is H2O; the next line is 103 of the same size.");
    arena_clear(&arena);
}

static void test_load__reads_text_and_code(void **state)
{
    struct arena arena = {0};
    struct load_document doc;
    assert_ok(parse_path(*state, FIXTURES "letter.txt", &arena, &doc));
    assert_string_equal(doc.kind, "text");
    assert_string_equal(doc.title, "");
    check_block(&doc, 0, TEXT_BLOCK_HEADING, 1, 1, "Heading");
    check_block(&doc, 1, TEXT_BLOCK_PARAGRAPH, 0, 4,
                "Dear Anna, this line is hard-wrapped and belongs together.");
    check_block(&doc, 2, TEXT_BLOCK_LIST_ITEM, 0, 8, "one thing goes on");
    check_block(&doc, 4, TEXT_BLOCK_CODE, 0, 12, "name      price\nlid       3\nbody      20");
    assert_ok(parse_path(*state, FIXTURES "tool.py", &arena, &doc));
    check_block(&doc, 0, TEXT_BLOCK_CODE, 0, 1, "def boil(kettle):\n    kettle.on()");
    check_block(&doc, 1, TEXT_BLOCK_CODE, 0, 4, "    return kettle.temperature");
    arena_clear(&arena);
}

static void check_manual(const struct load_document *doc)
{
    assert_string_equal(doc->kind, "pdf");
    assert_int_equal(doc->n_pages, 4);
    assert_int_equal(doc->n_pages_without_text, 0);
    assert_int_equal(doc->n_blocks, 4); /* running heads and page numbers are gone */
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(doc->blocks[i].page, i + 1);
    assert_non_null(strstr(doc->blocks[0].text, "to the boiling point"));
    assert_non_null(strstr(doc->blocks[1].text, "the well-known reason"));
    check_block(doc, 2, TEXT_BLOCK_PARAGRAPH, 0, 0, "Third page words.");
}

static void read_pdfs(struct load_worker *worker)
{
    struct arena arena = {0};
    struct load_document doc;
    assert_ok(parse_path(worker, FIXTURES "manual.pdf", &arena, &doc));
    check_manual(&doc);
    assert_status(parse_path(worker, FIXTURES "scan.pdf", &arena, &doc), STATUS_INVALID);
    assert_non_null(strstr(err.message, "2 pages without a text layer"));
    assert_true(strlen(err.hint) > 0);
    assert_true(parse_path(worker, FIXTURES "encrypted.pdf", &arena, &doc) != STATUS_OK);
    assert_non_null(strstr(err.message, "encrypted"));
    assert_ok(parse_path(worker, FIXTURES "half-scan.pdf", &arena, &doc));
    assert_int_equal(doc.n_pages_without_text, 1);
    assert_string_equal(doc.warning, "1 of 2 pages without a text layer");
    assert_true(parse_bytes(worker, "x.pdf", "%PDF-1.4\nnothing", 16, &arena, &doc) != STATUS_OK);
    assert_status(parse_bytes(worker, "x.pdf", "hello", 5, &arena, &doc), STATUS_FORMAT);
    arena_clear(&arena);
}

static void test_load__reads_pdf_by_pdfium(void **state)
{
    char *path;
    struct load_document doc;
    struct arena arena = {0};
    if (load_pdfium_path(&path, &err))
        skip_because("libpdfium.so is not installed");
    mem_free(path);
    read_pdfs(*state);
    assert_ok(parse_path(*state, FIXTURES "manual.pdf", &arena, &doc));
    assert_string_equal(doc.title, "Kettle Manual");
    arena_clear(&arena);
}

static void test_load__reads_pdf_by_pdftotext(void **state)
{
    (void)state;
    if (access("/usr/bin/pdftotext", X_OK) != 0)
        skip_because("pdftotext is not installed");
    struct load_worker *worker = start("");
    read_pdfs(worker);
    load_worker_free(worker);
}

static void test_load__keeps_fields_apart(void **state)
{
    struct arena arena = {0};
    struct load_document doc;
    static const char text[] = "Files: src/*\n"
                               "Copyright: 2001 A. Writer,\n"
                               "           B. Reader\n"
                               "License: Zlib\n"
                               " This software is provided as it is,\n"
                               " without any warranty.\n"
                               " .\n"
                               " Permission is granted to all: to use it,\n"
                               " to sell it.\n"
                               "Comment: see\n"
                               " the home page\n";
    static const char *const expected[] = {
        "Files: src/*",
        "Copyright: 2001 A. Writer, B. Reader",
        "License: Zlib",
        "This software is provided as it is, without any warranty.",
        "Permission is granted to all: to use it, to sell it.",
        "Comment: see the home page",
    };
    assert_ok(parse_bytes(*state, "copyright", text, sizeof text - 1, &arena, &doc));
    assert_int_equal(doc.n_blocks, sizeof expected / sizeof expected[0]);
    for (size_t i = 0; i < doc.n_blocks; i++)
        assert_string_equal(doc.blocks[i].text, expected[i]);
    arena_clear(&arena);
}

static void test_load__knows_character_sets(void **state)
{
    static const struct {
        const char *name, *bytes;
        size_t len;
        const char *text;
    } cases[] = {
        {"bom.txt",
         "\xEF\xBB\xBF"
         "caf\xC3\xA9",
         8, "caf\xC3\xA9"},
        {"utf16le.txt",
         "\xFF\xFE"
         "c\0a\0f\0\xE9\0",
         10, "caf\xC3\xA9"},
        {"utf16be.txt", "\xFE\xFF\0c\0a\0f\0\xE9", 10, "caf\xC3\xA9"},
        {"surrogate.txt", "\xFF\xFE\x3D\xD8\x00\xDE", 6, "\xF0\x9F\x98\x80"},
        {"utf32.txt", "\xFF\xFE\0\0h\0\0\0i\0\0\0", 12, "hi"},
        {"latin.html",
         "<html><meta charset=iso-8859-1><p>Stra\xDF"
         "e \x80"
         "5</p></html>",
         52,
         "Stra\xC3\x9F"
         "e \xE2\x82\xAC"
         "5"},
        {"sjis.html",
         "<html><head><meta charset=\"Shift_JIS\"></head><p>\x93\xFA\x96\x7B\x8C\xEA</p>", 58,
         "\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E"},
        {"cyrillic.html", "<html><meta charset=windows-1251><p>\xEF\xF0\xE8\xE2\xE5\xF2</p>", 46,
         "\xD0\xBF\xD1\x80\xD0\xB8\xD0\xB2\xD0\xB5\xD1\x82"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct arena arena = {0};
        struct load_document doc;
        assert_ok(parse_bytes(*state, cases[i].name, cases[i].bytes, cases[i].len, &arena, &doc));
        assert_string_equal(doc.blocks[0].text, cases[i].text);
        arena_clear(&arena);
    }
}

static void test_load__refuses_what_has_no_text(void **state)
{
    static const struct {
        const char *name, *bytes;
        size_t len;
        enum status status;
        const char *word;
    } cases[] = {
        {"empty.txt", "", 0, STATUS_INVALID, "empty"},
        {"blank.md", " \n\t\r\n ", 6, STATUS_INVALID, "empty"},
        {"mark.txt", "\xFF\xFE", 2, STATUS_INVALID, "empty"},
        {"tags.html", "<html><body><script>x</script></body>", 37, STATUS_INVALID, "empty"},
        {"picture.txt", "\x89PNG\r\n\x1A\n\0\0\0\rIHDR", 16, STATUS_INVALID, "not a text"},
        {"junk.txt", "\1\2\3\4\5\6\7\1\2\3\4\5\6\7", 14, STATUS_INVALID, "not a text"},
        {"zero.md", "a\0b", 3, STATUS_INVALID, "not a text"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct arena arena = {0};
        struct load_document doc;
        assert_status(
            parse_bytes(*state, cases[i].name, cases[i].bytes, cases[i].len, &arena, &doc),
            cases[i].status);
        assert_non_null(strstr(err.message, cases[i].word));
        assert_non_null(strstr(err.message, cases[i].name));
        arena_clear(&arena);
    }
}

static void test_load__sniffs_content_first(void **state)
{
    struct arena arena = {0};
    struct load_document doc;
    const char *html = "<!-- x --><!DOCTYPE html><p>Words</p>";
    assert_ok(parse_bytes(*state, "page.txt", html, strlen(html), &arena, &doc));
    assert_string_equal(doc.kind, "html");
    assert_ok(parse_bytes(*state, "README", "plain words", 11, &arena, &doc));
    assert_string_equal(doc.kind, "text");
    const char *code = "/* reads a PDF */\n#define MARK \"%PDF-1.4\"\n";
    assert_ok(parse_bytes(*state, "mark.c", code, strlen(code), &arena, &doc));
    assert_string_equal(doc.kind, "text");
    assert_ok(parse_bytes(*state, "about", code, strlen(code), &arena, &doc));
    assert_string_equal(doc.kind, "text");
    assert_ok(
        parse_bytes(*state, "behind-junk.PDF", power_pdf, sizeof power_pdf - 1, &arena, &doc));
    assert_string_equal(doc.kind, "pdf");
    assert_ok(
        parse_bytes(*state, "other-name.txt", power_pdf + 6, sizeof power_pdf - 7, &arena, &doc));
    assert_string_equal(doc.kind, "pdf");
    arena_clear(&arena);
}

static void test_load__keeps_limit_of_bytes(void **state)
{
    (void)state;
    struct load_worker *worker;
    struct load_options options = {
        .worker_path = tool("ragged-parse"), .pdfium_path = "", .limit_bytes = 10};
    assert_ok(load_worker_new(&options, &worker, &err));
    struct arena arena = {0};
    struct load_document doc;
    assert_status(parse_bytes(worker, "a.txt", "12345678901", 11, &arena, &doc), STATUS_LIMIT);
    assert_ok(parse_bytes(worker, "a.txt", "1234567890", 10, &arena, &doc));
    load_worker_free(worker);
    arena_clear(&arena);
}

static void test_load__survives_deep_nesting(void **state)
{
    static const struct {
        const char *name, *unit;
        size_t n;
    } cases[] = {
        {"a.html", "<div>", 50000}, {"b.html", "<b><table><tr><td>", 2000},
        {"c.md", "> ", 20000},      {"d.md", "[", 50000},
        {"e.md", "**a ", 50000},    {"f.md", "- ", 5000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf bytes = {0};
        struct arena arena = {0};
        struct load_document doc;
        for (size_t k = 0; k < cases[i].n; k++)
            buf_append_text(&bytes, cases[i].unit);
        buf_append_text(&bytes, "words");
        int64_t start_ms = clock_monotonic_ms();
        enum status status =
            parse_bytes(*state, cases[i].name, bytes.data, bytes.len, &arena, &doc);
        assert_true(status == STATUS_OK || status == STATUS_LIMIT || status == STATUS_CRASHED);
        assert_true(clock_monotonic_ms() - start_ms < 100000);
        assert_ok(parse_bytes(*state, "next.txt", "fine", 4, &arena, &doc));
        arena_clear(&arena);
        buf_clear(&bytes);
    }
}

/* Each costs gumbo a look at all that came before: the time grows with the square of the size. */
static void test_load__tangled_html_is_given_up(void **state)
{
    static const struct {
        const char *start, *before, *behind; /* what repeats: before, its number, behind */
        unsigned n;
    } cases[] = {
        {"", "<div id=", ">", 60000},
        {"<p", " a", "=1", 200000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf bytes = {0};
        struct arena arena = {0};
        struct load_document doc;
        buf_append_text(&bytes, cases[i].start);
        for (unsigned k = 0; k < cases[i].n; k++)
            buf_printf(&bytes, "%s%u%s", cases[i].before, k, cases[i].behind);
        assert_status(parse_bytes(*state, "a.html", bytes.data, bytes.len, &arena, &doc),
                      STATUS_LIMIT);
        assert_non_null(strstr(err.message, "HTML"));
        assert_ok(parse_bytes(*state, "next.txt", "fine", 4, &arena, &doc));
        arena_clear(&arena);
        buf_clear(&bytes);
    }
}

static void test_load__parses_many_with_one_worker(void **state)
{
    struct arena arena = {0};
    struct load_document doc;
    for (int i = 0; i < 1200; i++) { /* over the number after which the child is replaced */
        assert_ok(parse_bytes(*state, "a.md", "# Words\n", 8, &arena, &doc));
        check_block(&doc, 0, TEXT_BLOCK_HEADING, 1, 1, "Words");
        arena_clear(&arena);
    }
}

static void test_load__stops_on_cancel(void **state)
{
    struct cancel cancel = {.requested = 1};
    struct arena arena = {0};
    struct load_document doc = {.kind = "untouched"};
    int fd;
    assert_ok(file_open(FIXTURES "notes.md", FILE_FOLLOW, &fd, &err));
    assert_status(load_parse(*state, fd, "notes.md", &cancel, &arena, &doc, &err),
                  STATUS_CANCELLED);
    assert_string_equal(doc.kind, "untouched");
    assert_ok(load_parse(*state, fd, "notes.md", NULL, &arena, &doc, &err));
    close(fd);
    arena_clear(&arena);
}

static void test_load__knows_names(void **state)
{
    (void)state;
    assert_true(load_knows_name("/a/b.PDF"));
    assert_true(load_knows_name("x.md"));
    assert_true(load_knows_name("x.py"));
    assert_false(load_knows_name("x.png"));
    assert_true(load_knows_name("/a/README"));
    assert_true(load_knows_name("Copying"));
    assert_false(load_knows_name("README.gz"));
    assert_false(load_knows_name("READMES"));
    assert_false(load_knows_name("Makefile"));
    assert_false(load_knows_name("x.pdftotext"));
}

static void test_load__names_a_missing_helper(void **state)
{
    (void)state;
    struct load_worker *worker;
    struct arena arena = {0};
    struct load_document doc;
    struct load_options options = {.worker_path = "/nowhere/ragged-parse", .pdfium_path = ""};
    assert_ok(load_worker_new(&options, &worker, &err));
    assert_true(parse_bytes(worker, "a.txt", "words", 5, &arena, &doc) != STATUS_OK);
    assert_non_null(strstr(err.message, "/nowhere/ragged-parse"));
    load_worker_free(worker);
    arena_clear(&arena);
}

#ifdef RAGGED_FAULT
static void test_load__survives_every_fault(void **state)
{
    (void)state;
    static const char *const sites[] = {"mem", "process.start", "file"};
    for (size_t i = 0; i < sizeof sites / sizeof sites[0]; i++) {
        enum status status = STATUS_NOMEM;
        int fd;
        assert_ok(file_open(FIXTURES "notes.md", FILE_FOLLOW, &fd, &err));
        for (int n = 1; status && n < 1000; n++) {
            char plan[64];
            struct load_worker *worker = NULL;
            struct arena arena = {0};
            struct load_document doc = {.kind = "untouched"};
            struct load_options options = {.worker_path = tool("ragged-parse"), .pdfium_path = ""};
            snprintf(plan, sizeof plan, "%s:%d", sites[i], n);
            fault_plan(plan);
            status = load_worker_new(&options, &worker, &err);
            if (!status)
                status = load_parse(worker, fd, "notes.md", NULL, &arena, &doc, &err);
            fault_plan(NULL);
            assert_true(status == STATUS_OK || strcmp(doc.kind, "untouched") == 0);
            load_worker_free(worker);
            arena_clear(&arena);
        }
        assert_ok(status);
        close(fd);
    }
}
#endif

static int setup(void **state)
{
    *state = start(NULL);
    return 0;
}

static int teardown(void **state)
{
    load_worker_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_load__reads_markdown),
        cmocka_unit_test(test_load__reads_html),
        cmocka_unit_test(test_load__keeps_powers_apart),
        cmocka_unit_test(test_load__keeps_powers_apart_in_pdf),
        cmocka_unit_test(test_load__reads_text_and_code),
        cmocka_unit_test(test_load__reads_pdf_by_pdfium),
        cmocka_unit_test(test_load__reads_pdf_by_pdftotext),
        cmocka_unit_test(test_load__keeps_fields_apart),
        cmocka_unit_test(test_load__knows_character_sets),
        cmocka_unit_test(test_load__refuses_what_has_no_text),
        cmocka_unit_test(test_load__sniffs_content_first),
        cmocka_unit_test(test_load__keeps_limit_of_bytes),
        cmocka_unit_test(test_load__survives_deep_nesting),
        cmocka_unit_test(test_load__tangled_html_is_given_up),
        cmocka_unit_test(test_load__parses_many_with_one_worker),
        cmocka_unit_test(test_load__stops_on_cancel),
        cmocka_unit_test(test_load__knows_names),
        cmocka_unit_test(test_load__names_a_missing_helper),
#ifdef RAGGED_FAULT
        cmocka_unit_test(test_load__survives_every_fault),
#endif
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
