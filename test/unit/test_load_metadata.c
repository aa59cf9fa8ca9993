/* What documents say of themselves, through the jailed worker. */
#include "../testing.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "load/load.h"

static struct error err;

static struct load_worker *start(void)
{
    char path[512];
    const char *build = getenv("RAGGED_BUILD");
    struct load_worker *worker = NULL;
    snprintf(path, sizeof path, "%s/ragged-parse", build ? build : "build/release");
    struct load_options options = {.worker_path = path};
    assert_ok(load_worker_new(&options, &worker, &err));
    return worker;
}

static void parse(struct load_worker *worker, const char *name, const char *text,
                  struct arena *arena, struct load_document *out)
{
    int fd = memfd_create("document", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_ok(load_parse(worker, fd, name, NULL, arena, out, &err));
    close(fd);
}

static void check(struct load_worker *worker, const char *name, const char *text, const char *title,
                  const char *meta)
{
    struct arena arena = {0};
    struct load_document doc;
    parse(worker, name, text, &arena, &doc);
    assert_string_equal(doc.title, title);
    assert_string_equal(doc.meta, meta);
    assert_int_equal(doc.blocks[0].len, strlen("Words."));
    arena_clear(&arena);
}

static void test_load_metadata__front_matter_of_real_shapes(void **state)
{
    static const struct {
        const char *block, *title, *meta;
    } cases[] = {
        /* Jekyll, Hugo */
        {"layout: post\ntitle:  \"Welcome\"\ndate:   2015-11-17 16:16:01 -0600\ndraft: true\n"
         "categories: jekyll update\nweight: 10\n",
         "Welcome",
         "{\"layout\":\"post\",\"date\":\"2015-11-17 16:16:01 -0600\",\"draft\":true,"
         "\"categories\":\"jekyll update\",\"weight\":10}"},
        /* Obsidian */
        {"tags:\n  - reading\n  - \"to do\"\naliases: [A, 'B c']\ncreated: 2024-05-17\nstatus:\n",
         "",
         "{\"tags\":[\"reading\",\"to do\"],\"aliases\":[\"A\",\"B "
         "c\"],\"created\":\"2024-05-17\"}"},
        /* Pandoc */
        {"title: A study\nauthor:\n- name: Ada\n  affiliation: One\n- name: Bob\n  affiliation: "
         "Two\n"
         "abstract: |\n  First line.\n  Second line.\n...\n",
         "A study",
         "{\"author.name\":[\"Ada\",\"Bob\"],\"author.affiliation\":[\"One\",\"Two\"],"
         "\"abstract\":\"First line. Second line.\"}"},
        /* nested, folded names, comments, quotes keep a text a text */
        {"# a comment\nAuthor Name: Zo\xC3\xAB\nseo:\n  Description: x\n  og: {image: y}\n"
         "version: \"1.10\"\nzip: 01234\n",
         "",
         "{\"author_name\":\"Zo\xC3\xAB\",\"seo.description\":\"x\",\"seo.og.image\":\"y\","
         "\"version\":\"1.10\",\"zip\":\"01234\"}"},
        /* tags as one text, a single one as one */
        {"tags: tea, green tea ,, x\nkeywords: a; b, c\n", "",
         "{\"tags\":[\"tea\",\"green tea\",\"x\"],\"keywords\":[\"a\",\"b, c\"]}"},
        {"rating: 4.5\nbig: 20240517103000123\nnone: ~\nnull_too: null\nneg: -3\nexp: 1e3\nyes: "
         "Yes\n",
         "",
         "{\"rating\":4.5,\"big\":\"20240517103000123\",\"neg\":-3,\"exp\":1000.0,\"yes\":"
         "\"Yes\"}"},
        /* no YAML as a whole: entry by entry */
        {"title: Part 1: More\nsummary: this: is not\ntags:\n- a\n- b\n\tx: [\n", "Part 1: More",
         "{\"summary\":\"this: is not\",\"tags\":\"- a - b x: [\"}"},
        {"author: @ada\nyear: 1843\n", "", "{\"author\":\"@ada\",\"year\":1843}"},
        {"a: &x 1\nb: *x\nc: 2\n", "", "{\"a\":1,\"c\":2}"},
        {"? [complex, key]\n: 1\nc: 2\n", "", "{\"c\":2}"},
        {"? {k: v}\n: {c: 1}\nd: {e: {f: {g: {h: {i: {j: 1}}}}}}\nk: 3\n", "", "{\"k\":3}"},
        {"- just\n- a list\n", "", ""},
        {"plain words\n", "", ""},
        {"", "", ""},
        {"_given: [x]\n_x: 1\n\"\": 3\n", "", ""},
        {"same: a\nsame: b\nsame: a\n", "", "{\"same\":[\"a\",\"b\"]}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf text = {0};
        buf_printf(&text, "---\n%s---\n\nWords.\n", cases[i].block);
        check(*state, "a.md", buf_text(&text), cases[i].title, cases[i].meta);
        buf_clear(&text);
    }
    check(*state, "a.md", "---\r\nauthor: x\r\ntags:\r\n- a\r\n---\r\nWords.\r\n", "",
          "{\"author\":\"x\",\"tags\":[\"a\"]}");
    check(*state, "a.md", "Words.\n\n---\nauthor: x\n---\n", "", "");
}

static void test_load_metadata__html_meta_tags(void **state)
{
    check(*state, "a.html",
          "<html><head><title>T</title><META NAME=Author CONTENT='Zo&euml; &quot;Q&quot;'>"
          "<meta name=description content=' two\nlines '><meta name=keywords content='a, b,a'>"
          "<meta name=viewport content=x><meta name=generator content=y><meta charset=utf-8>"
          "<meta name=date content=2024-05-17><meta name=author><meta content=z>"
          "</head><body><p>Words.</p></body></html>",
          "T",
          "{\"author\":\"Zo\xC3\xAB \\\"Q\\\"\",\"description\":\"two lines\","
          "\"keywords\":[\"a\",\"b\"],\"date\":\"2024-05-17\"}");
    check(*state, "b.html",
          "<html><meta property=article:published_time content=2023-01-02T03:04:05Z>"
          "<meta name=DC.creator content=A><meta name=author content=B><p>Words.</p>",
          "", "{\"date\":\"2023-01-02T03:04:05Z\",\"author\":[\"A\",\"B\"]}");
}

static void test_load_metadata__pdf_information(void **state)
{
    static const char pdf[] =
        "%PDF-1.4\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n"
        "2 0 obj\n<</Type/Pages/Count 1/Kids[3 0 R]>>\nendobj\n"
        "3 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 300]/Contents 5 0 R"
        "/Resources<</Font<</F 4 0 R>>>>>>\nendobj\n"
        "4 0 obj\n<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>\nendobj\n"
        "5 0 obj\n<</Length 38>>\nstream\nBT /F 11 Tf 60 200 Td (Words.) Tj ET  "
        "\nendstream\nendobj\n"
        "6 0 obj\n<</Title(Kettles)/Author(Ada Lovelace)/Subject(Tea)/Keywords(tea; kettles)"
        "/CreationDate(%s)>>\nendobj\ntrailer\n<</Root 1 0 R/Info 6 0 R/Size 7>>\n%%%%EOF\n";
    static const char *const dates[][2] = {
        {"D:20240517103000+02'00'", "2024-05-17T10:30:00+02:00"},
        {"D:20240517103000Z", "2024-05-17T10:30:00Z"},
        {"D:20240517103000-05", "2024-05-17T10:30:00-05:00"},
        {"D:202405171030", "2024-05-17T10:30"},
        {"D:2024051710", "2024-05-17"},
        {"20240517", "2024-05-17"},
        {"D:202405", "2024-05"},
        {"D:2024", "2024"},
    };
    char *pdfium;
    if (load_pdfium_path(&pdfium, &err))
        skip_because("libpdfium.so is not installed");
    mem_free(pdfium);
    for (size_t i = 0; i < sizeof dates / sizeof dates[0]; i++) {
        struct buf text = {0}, meta = {0};
        const char *at = strstr(pdf, "%s");
        buf_append(&text, pdf, (size_t)(at - pdf));
        buf_append_text(&text, dates[i][0]);
        buf_append_text(&text, at + 2);
        buf_printf(&meta,
                   "{\"author\":\"Ada Lovelace\",\"subject\":\"Tea\",\"keywords\":[\"tea\","
                   "\"kettles\"],\"date\":\"%s\"}",
                   dates[i][1]);
        check(*state, "a.pdf", buf_text(&text), "Kettles", buf_text(&meta));
        buf_clear(&text);
        buf_clear(&meta);
    }
}

static void test_load_metadata__is_bounded(void **state)
{
    struct buf text = {0};
    struct arena arena = {0};
    struct load_document doc;
    buf_append_text(&text, "---\nlong: ");
    for (size_t i = 0; i < 3000; i++)
        buf_append_text(&text, "x\xC3\xA9");
    buf_append_text(&text, "\nlist:\n");
    for (unsigned i = 0; i < 200; i++)
        buf_printf(&text, "- item%u\n", i);
    for (unsigned i = 0; i < 200; i++)
        buf_printf(&text, "key%u: \"\\\"%0100u\"\n", i, i);
    for (unsigned i = 0; i < 80; i++)
        buf_append_text(&text, i ? "n" : "n");
    buf_append_text(&text, ": 1\n---\nWords.\n");
    parse(*state, "a.md", buf_text(&text), &arena, &doc);
    json_t *meta = NULL;
    assert_true(strlen(doc.meta) <= METADATA_BYTES_MAX);
    assert_ok(json_parse(doc.meta, strlen(doc.meta), &meta, &err));
    assert_int_equal(json_object_size(meta), METADATA_KEYS_MAX);
    assert_int_equal(json_array_size(json_object_get(meta, "list")), METADATA_ITEMS_MAX);
    assert_in_range(strlen(json_get_text(meta, "long", "")), METADATA_VALUE_BYTES_MAX - 3,
                    METADATA_VALUE_BYTES_MAX);
    assert_null(json_object_get(meta, "key150"));
    json_decref(meta);
    arena_clear(&arena);
    buf_clear(&text);
}

/* What takes a parser of YAML longest, in the 64 KiB that front matter may have. */
static void test_load_metadata__hostile_yaml_costs_little(void **state)
{
    static const char *const units[] = {
        "[",  "{",     "? ",      "- ",     "a: {", "a: &a [*a]\n", "'",
        "!!", "\"\\x", "a: |\n ", "%YAML ", "a:\n", "- - a: b\n",   "{a,"};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        struct buf text = {0};
        struct arena arena = {0};
        struct load_document doc;
        buf_append_text(&text, "---\n");
        while (text.len < (size_t)60 * 1024)
            buf_append_text(&text, units[i]);
        buf_append_text(&text, "\n---\n\nWords.\n");
        int64_t start_ms = clock_monotonic_ms();
        parse(*state, "a.md", buf_text(&text), &arena, &doc);
        int64_t took_ms = clock_monotonic_ms() - start_ms;
        if (took_ms > 3000)
            fail_msg("%s: %lld ms", units[i], (long long)took_ms);
        arena_clear(&arena);
        buf_clear(&text);
    }
}

static void test_load_metadata__names(void **state)
{
    (void)state;
    static const char *const good[][2] = {{"Author", "author"},
                                          {" Document   Type ", "document_type"},
                                          {"\xC3\x89TAT", "\xC3\xA9tat"},
                                          {"og:title", "og:title"}};
    static const char *const bad[] = {"", " ", "_x", "\x01"};
    char name[METADATA_NAME_BYTES_MAX + 1];
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_ok(metadata_name(good[i][0], strlen(good[i][0]), name, &err));
        assert_string_equal(name, good[i][1]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_status(metadata_name(bad[i], strlen(bad[i]), name, &err), STATUS_INVALID);
    char longest[METADATA_NAME_BYTES_MAX + 1];
    memset(longest, 'a', sizeof longest);
    assert_ok(metadata_name(longest, METADATA_NAME_BYTES_MAX, name, &err));
    assert_status(metadata_name(longest, METADATA_NAME_BYTES_MAX + 1, name, &err), STATUS_INVALID);
}

static int setup(void **state)
{
    *state = start();
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
        cmocka_unit_test(test_load_metadata__front_matter_of_real_shapes),
        cmocka_unit_test(test_load_metadata__html_meta_tags),
        cmocka_unit_test(test_load_metadata__pdf_information),
        cmocka_unit_test(test_load_metadata__is_bounded),
        cmocka_unit_test(test_load_metadata__hostile_yaml_costs_little),
        cmocka_unit_test(test_load_metadata__names),
    };
    return cmocka_run_group_tests_name("load_metadata", tests, setup, teardown);
}
