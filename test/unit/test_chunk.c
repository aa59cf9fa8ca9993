#include "../testing.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/fault.h"
#include "base/utf8.h"
#include "text/text.h"

static struct error err;

/* A counter like a word piece model's: one token per started four bytes of each word. */
static size_t count_fours(const void *model, const char *text, size_t len)
{
    (void)model;
    size_t n = 0, n_word = 0;
    for (size_t i = 0; i < len; i++) {
        n_word = text[i] == ' ' || text[i] == '\n' || text[i] == '\t' ? 0 : n_word + 1;
        n += n_word % 4 == 1;
    }
    return n;
}

/* As models do that know no long words: one token per word, whatever its length. */
static size_t count_words(const void *model, const char *text, size_t len)
{
    (void)model;
    size_t n = 0;
    for (size_t i = 0; i < len; i++)
        n += text[i] > ' ' && (i == 0 || text[i - 1] <= ' ');
    return n;
}

static const struct text_chunk_options default_options = {
    .counter = {.count = count_fours}, .n_tokens_max = 16, .n_heading_max = 6};

static struct text_block block_of(enum text_block_kind kind, unsigned level, const char *text)
{
    return (struct text_block){.kind = kind, .level = level, .text = text, .len = strlen(text)};
}

#define PARAGRAPH(text) block_of(TEXT_BLOCK_PARAGRAPH, 0, text)
#define HEADING(level, text) block_of(TEXT_BLOCK_HEADING, level, text)

/* What a model drops, as a tokenizer drops U+FFFD. */
static size_t count_nothing(const void *model, const char *text, size_t len)
{
    (void)model;
    (void)text;
    return 0 * len;
}

/* The chunks as "heading: text" lines with '/' for line breaks. */
static char *chunks_text(const struct text_block *blocks, size_t n_blocks,
                         const struct text_chunk_options *options)
{
    struct arena arena = {0};
    struct text_chunk *chunks;
    size_t n;
    struct buf out = {0};
    assert_ok(text_chunk_document(blocks, n_blocks, options, &arena, &chunks, &n, &err));
    for (size_t i = 0; i < n; i++) {
        buf_printf(&out, "%s[%s] ", i ? "|" : "", chunks[i].heading);
        for (size_t k = 0; k < chunks[i].len; k++)
            buf_append_char(&out, chunks[i].text[k] == '\n' ? '/' : chunks[i].text[k]);
    }
    arena_clear(&arena);
    return buf_take(&out, NULL);
}

static void check_chunks(const struct text_block *blocks, size_t n_blocks,
                         const struct text_chunk_options *options, const char *expected)
{
    char *got = chunks_text(blocks, n_blocks, options);
    assert_string_equal(got, expected);
    free(got);
}

#define CHECK(blocks, options, expected) \
    check_chunks(blocks, sizeof(blocks) / sizeof((blocks)[0]), options, expected)

static void test_chunk__of_nothing_is_nothing(void **state)
{
    (void)state;
    struct text_block blank[] = {PARAGRAPH(""), PARAGRAPH(" \n "), HEADING(1, "")};
    check_chunks(NULL, 0, &default_options, "");
    CHECK(blank, &default_options, "");
}

static void test_chunk__joins_what_belongs_together(void **state)
{
    (void)state;
    struct text_block blocks[] = {PARAGRAPH("One two. Three."), PARAGRAPH("Four."),
                                  block_of(TEXT_BLOCK_LIST_ITEM, 0, "a"),
                                  block_of(TEXT_BLOCK_LIST_ITEM, 0, "b"),
                                  block_of(TEXT_BLOCK_CODE, 0, "if x:\n    y\n\n\nz")};
    CHECK(blocks, &default_options, "[] One two. Three.//Four.//a/b//if x:/    y//z");
}

static void test_chunk__never_crosses_a_heading(void **state)
{
    (void)state;
    struct text_block blocks[] = {PARAGRAPH("Before."), HEADING(1, "A"),    PARAGRAPH("In a."),
                                  HEADING(2, "B"),      PARAGRAPH("In b."), HEADING(2, "C"),
                                  PARAGRAPH("In c."),   HEADING(1, "D"),    PARAGRAPH("In d.")};
    struct text_chunk_options options = default_options;
    CHECK(blocks, &options, "[] Before.|[A] In a.|[A > B] In b.|[A > C] In c.|[D] In d.");
    options.title = "T";
    CHECK(blocks, &options,
          "[T] Before.|[T > A] In a.|[T > A > B] In b.|[T > A > C] In c.|[T > D] In d.");
    options.title = "A";
    CHECK(blocks, &options, "[A] Before.|[A] In a.|[A > B] In b.|[A > C] In c.|[A > D] In d.");
}

static void test_chunk__keeps_words_of_headings_without_text(void **state)
{
    (void)state;
    struct text_block blocks[] = {HEADING(1, "A"), HEADING(1, "B"), HEADING(2, "C")};
    CHECK(blocks, &default_options, "[A] A|[B > C] C");
    struct text_block long_heading[] = {HEADING(1, "aaaa bbbb cccc dddd eeee ffff gggg hhhh"),
                                        PARAGRAPH("Text.")};
    CHECK(long_heading, &default_options,
          "[aaaa bbbb cccc dddd eeee ffff] aaaa bbbb cccc dddd eeee ffff gggg hhhh//Text.");
}

static void test_chunk__cuts_heading_paths(void **state)
{
    (void)state;
    struct text_chunk_options options = default_options;
    struct text_block blocks[] = {HEADING(1, "one"), HEADING(2, "two"), HEADING(3, "deep end"),
                                  PARAGRAPH("Text.")};
    options.title = "title all";
    CHECK(blocks, &options, "[title all > deep end] Text.");
    options.n_heading_max = 5;
    CHECK(blocks, &options, "[title > deep end] Text.");
    options.n_heading_max = 4;
    CHECK(blocks, &options, "[deep end] Text.");
    options.n_heading_max = 2;
    CHECK(blocks, &options, "[deep end] Text.");
    options.n_heading_max = 1;
    CHECK(blocks, &options, "[deep] deep end//Text.");
    options.n_heading_max = 4;
    options.title = "0123456789012345678901234567890123456789";
    struct text_block untitled[] = {PARAGRAPH("Text.")};
    CHECK(untitled, &options, "[0123456789012345] Text.");
    options.n_heading_max = 0;
    CHECK(blocks, &options, "[] one|[] two|[] deep end//Text.");
}

static void test_chunk__balances_a_split_section(void **state)
{
    (void)state;
    struct text_block blocks[] = {
        PARAGRAPH("Aaa bbb ccc. Aaa bbb ddd. Aaa bbb eee. Aaa bbb fff. Aaa bbb ggg. Aaa bbb hhh.")};
    CHECK(blocks, &default_options,
          "[] Aaa bbb ccc. Aaa bbb ddd. Aaa bbb eee.|[] Aaa bbb fff. Aaa bbb ggg. Aaa bbb hhh.");
}

static void test_chunk__prefers_paragraph_borders(void **state)
{
    (void)state;
    struct text_block blocks[] = {PARAGRAPH("a b c d e. F g h i j."), PARAGRAPH("k l m n o. P q."),
                                  PARAGRAPH("r s t.")};
    CHECK(blocks, &default_options, "[] a b c d e. F g h i j.|[] k l m n o. P q.//r s t.");
}

static void test_chunk__overlaps_by_sentences(void **state)
{
    (void)state;
    struct text_chunk_options options = default_options;
    options.n_tokens_overlap = 4;
    struct text_block blocks[] = {
        PARAGRAPH("Aa b c d. Ee f g h. Ii j k l. Mm n o p. Qq r s t. Uu v w x.")};
    CHECK(blocks, &options,
          "[] Aa b c d. Ee f g h. Ii j k l.|[] Ii j k l. Mm n o p. Qq r s t. Uu v w x.");
    struct text_block sections[] = {PARAGRAPH("A b c."), HEADING(1, "H"), PARAGRAPH("D e f.")};
    CHECK(sections, &options, "[] A b c.|[H] D e f.");
}

static void test_chunk__repeats_table_headers(void **state)
{
    (void)state;
    struct text_block blocks[] = {
        PARAGRAPH("A b c d e f g h i j k l."),
        block_of(TEXT_BLOCK_TABLE_HEADER, 0, "x | y"),
        block_of(TEXT_BLOCK_TABLE_ROW, 0, "1 | 2 | a b c"),
        block_of(TEXT_BLOCK_TABLE_ROW, 0, "3 | 4 | a b c"),
        block_of(TEXT_BLOCK_TABLE_ROW, 0, "5 | 6 | a b c"),
        PARAGRAPH("Behind it."),
    };
    CHECK(blocks, &default_options,
          "[] A b c d e f g h i j k l.|[] x | y/1 | 2 | a b c|[] x | y/3 | 4 | a b c|"
          "[] x | y/5 | 6 | a b c//Behind it.");
}

static void test_chunk__splits_long_sentences_and_words(void **state)
{
    (void)state;
    struct text_block blocks[] = {
        PARAGRAPH("a b c d e f g h i j k l m n o p q r s t"),
        HEADING(1, "H"),
        PARAGRAPH("0123456789012345678901234567890123456789012345678901234567890123456789"),
    };
    CHECK(blocks, &default_options,
          "[] a b c d e f g h i j k l m n o p|[] q r s t|"
          "[H] 012345678901234567890123456789012345678901234567890123456789|[H] 0123456789");
    struct text_chunk_options words = default_options;
    words.counter.count = count_words;
    struct buf text = {0};
    for (int i = 0; i < 5000; i++)
        buf_append_char(&text, 'x');
    struct text_block blob[] = {block_of(TEXT_BLOCK_PARAGRAPH, 0, text.data)};
    struct arena arena = {0};
    struct text_chunk *chunks;
    size_t n;
    assert_ok(text_chunk_document(blob, 1, &words, &arena, &chunks, &n, &err));
    assert_int_equal(n, 5);
    assert_int_equal(chunks[0].n_tokens, 1);
    assert_int_equal(chunks[0].len, 1024);
    assert_int_equal(chunks[4].len, 5000 - 4 * 1024);
    arena_clear(&arena);
    buf_clear(&text);
}

static void test_chunk__is_bounded_without_tokens(void **state)
{
    (void)state;
    struct text_chunk_options options = default_options;
    options.counter.count = count_nothing;
    struct buf text = {0};
    while (text.len < 100000)
        buf_append_text(&text, text.len % 9 ? "\xEF\xBF\xBD" : ". ");
    struct text_block block = {.text = text.data, .len = text.len};
    struct arena arena = {0};
    struct text_chunk *chunks;
    size_t n;
    assert_ok(text_chunk_document(&block, 1, &options, &arena, &chunks, &n, &err));
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(chunks[i].n_tokens, 0);
        assert_true(chunks[i].len < 3000);
    }
    arena_clear(&arena);
    buf_clear(&text);
}

static void test_chunk__says_where_it_is(void **state)
{
    (void)state;
    struct text_block blocks[] = {
        {.kind = TEXT_BLOCK_PARAGRAPH,
         .page = 1,
         .line = 3,
         .text = "a b c d e f g. Hh i.",
         .len = 20},
        {.kind = TEXT_BLOCK_CODE, .page = 2, .line = 7, .text = "jj\nkk l\n\nmm n", .len = 13},
        {.kind = TEXT_BLOCK_HEADING, .level = 1, .page = 3, .line = 20, .text = "T", .len = 1},
        {.kind = TEXT_BLOCK_PARAGRAPH, .page = 3, .line = 22, .text = "Oo.", .len = 3},
    };
    struct text_chunk_options options = default_options;
    options.n_tokens_max = 64;
    struct arena arena = {0};
    struct text_chunk *chunks;
    size_t n;
    assert_ok(text_chunk_document(blocks, 4, &options, &arena, &chunks, &n, &err));
    assert_int_equal(n, 3);
    assert_int_equal(chunks[0].page, 1);
    assert_int_equal(chunks[0].line, 3);
    assert_int_equal(chunks[0].page_end, 1);
    assert_int_equal(chunks[0].byte_start, 0);
    assert_int_equal(chunks[0].byte_end, 20);
    assert_int_equal(chunks[1].page, 2);
    assert_int_equal(chunks[1].line, 7);
    assert_int_equal(chunks[1].line_end, 10);
    assert_int_equal(chunks[1].byte_start, 20 + 2);
    assert_int_equal(chunks[1].byte_end, 20 + 2 + 13);
    assert_int_equal(chunks[2].page, 3);
    assert_int_equal(chunks[2].line, 22);
    assert_int_equal(chunks[2].byte_start, 20 + 2 + 13 + 2 + 1 + 2);
    assert_int_equal(chunks[2].byte_end, chunks[2].byte_start + 3);
    arena_clear(&arena);
}

static void test_chunk__refuses_tiny_passages(void **state)
{
    (void)state;
    struct text_chunk_options options = default_options;
    struct text_block blocks[] = {PARAGRAPH("Text.")};
    struct arena arena = {0};
    struct text_chunk *chunks = NULL;
    size_t n = 77;
    options.n_tokens_max = 15;
    assert_status(text_chunk_document(blocks, 1, &options, &arena, &chunks, &n, &err),
                  STATUS_INVALID);
    assert_null(chunks);
    assert_int_equal(n, 77);
    options.n_tokens_max = 16;
    options.n_heading_max = 1000;
    options.title = "a b c d e f g h i j k l m n o p q r s t u";
    CHECK(blocks, &options, "[a b c d e f g h] Text.");
}

static uint32_t next_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

#define BLOCKS_MAX 40

static void append_random_text(struct buf *out, uint32_t *seed, enum text_block_kind kind)
{
    static const char *const words[] = {"a",
                                        "bee",
                                        "Cat",
                                        "dolphin",
                                        "e.g.",
                                        "3.14",
                                        "\xE6\x9D\xB1\xE4\xBA\xAC\xE3\x80\x82",
                                        "x\xC3\xA9",
                                        "Dr.",
                                        "extraordinarily"};
    size_t n_words = next_random(seed) % 30;
    for (size_t i = 0; i < n_words; i++) {
        if (i > 0)
            buf_append_char(out,
                            kind == TEXT_BLOCK_CODE && next_random(seed) % 4 == 0 ? '\n' : ' ');
        if (next_random(seed) % 60 == 0)
            for (size_t k = next_random(seed) % 3000; k > 0; k--)
                buf_append_text(out, "\xC3\xA9");
        buf_append_text(out, words[next_random(seed) % (sizeof words / sizeof words[0])]);
        if (next_random(seed) % 5 == 0)
            buf_append_char(out, '.');
    }
}

static void append_without_blanks(struct buf *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (text[i] != ' ' && text[i] != '\n')
            buf_append_char(out, text[i]);
}

/* The chunks hold every character of the document in order, each within its count, and their byte
 * ranges say where. */
static void check_invariant(const struct text_block *blocks, size_t n_blocks,
                            const struct text_chunk_options *options, const struct buf *document)
{
    struct arena arena = {0};
    struct text_chunk *chunks;
    size_t n;
    struct buf expected = {0}, got = {0};
    uint64_t end_before = 0;
    assert_ok(text_chunk_document(blocks, n_blocks, options, &arena, &chunks, &n, &err));
    for (size_t i = 0; i < n; i++) {
        const struct text_chunk *chunk = &chunks[i];
        struct buf both = {0};
        buf_printf(&both, "%s\n%s", chunk->heading, chunk->text);
        assert_int_equal(both.len, chunk->heading_len + 1 + chunk->len);
        assert_int_equal(count_fours(NULL, both.data, both.len), chunk->n_tokens);
        assert_true(chunk->n_tokens <= options->n_tokens_max);
        assert_true(count_fours(NULL, chunk->heading, chunk->heading_len) <=
                    options->n_heading_max);
        assert_true(chunk->len > 0 && utf8_is_valid(chunk->text, chunk->len));
        assert_true(chunk->byte_start >= end_before && chunk->byte_end > chunk->byte_start &&
                    chunk->byte_end <= document->len);
        append_without_blanks(&got, document->data + chunk->byte_start,
                              chunk->byte_end - chunk->byte_start);
        struct buf own = {0}, part = {0};
        append_without_blanks(&own, document->data + chunk->byte_start,
                              chunk->byte_end - chunk->byte_start);
        append_without_blanks(&part, chunk->text, chunk->len);
        assert_true(part.len >= own.len);
        assert_memory_equal(part.data + part.len - own.len, own.data, own.len);
        if (options->n_tokens_overlap == 0 && own.len < part.len)
            assert_true(part.data[0] == 'H'); /* only a table's header is repeated */
        end_before = chunk->byte_end;
        buf_clear(&both);
        buf_clear(&own);
        buf_clear(&part);
    }
    append_without_blanks(&expected, buf_text(document), document->len);
    assert_string_equal(buf_text(&got), buf_text(&expected));
    buf_clear(&expected);
    buf_clear(&got);
    arena_clear(&arena);
}

static void test_chunk__keeps_every_word_within_its_count(void **state)
{
    (void)state;
    uint32_t seed = 41;
    for (int round = 0; round < 400; round++) {
        struct text_block blocks[BLOCKS_MAX] = {0};
        struct buf texts[BLOCKS_MAX] = {0}, document = {0};
        size_t n_blocks = 1 + next_random(&seed) % (BLOCKS_MAX - 1);
        for (size_t i = 0; i < n_blocks; i++) {
            enum text_block_kind kind = next_random(&seed) % TEXT_BLOCK_COUNT;
            /* Headings move to the path; their place is tested above. */
            if (kind == TEXT_BLOCK_HEADING)
                kind = TEXT_BLOCK_PARAGRAPH;
            if (kind == TEXT_BLOCK_TABLE_HEADER)
                buf_append_char(&texts[i], 'H');
            append_random_text(&texts[i], &seed, kind);
            blocks[i] = (struct text_block){
                .kind = kind, .line = 1, .text = buf_text(&texts[i]), .len = texts[i].len};
            buf_append_text(&document, i ? "\n\n" : "");
            buf_append(&document, texts[i].data, texts[i].len);
        }
        struct text_chunk_options options = {
            .counter = {.count = count_fours},
            .n_tokens_max = 16 + next_random(&seed) % 100,
            .n_tokens_overlap = round % 2 ? next_random(&seed) % 20 : 0,
            .n_heading_max = next_random(&seed) % 8,
            .title = round % 3 ? "Some title of \xE6\x9D\xB1\xE4\xBA\xAC" : NULL,
        };
        check_invariant(blocks, n_blocks, &options, &document);
        for (size_t i = 0; i < n_blocks; i++)
            buf_clear(&texts[i]);
        buf_clear(&document);
    }
}

static void test_chunk__is_linear_in_hostile_text(void **state)
{
    (void)state;
    static const char *const units[] = {"x", "x ", "x. ", "\xE6\x9D\xB1", ".", "x\n"};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        for (int kind = TEXT_BLOCK_PARAGRAPH; kind <= TEXT_BLOCK_TABLE_ROW; kind++) {
            struct buf text = {0};
            while (text.len < 300000)
                buf_append_text(&text, units[i]);
            struct text_block block = {
                .kind = (enum text_block_kind)kind, .text = text.data, .len = text.len};
            struct arena arena = {0};
            struct text_chunk *chunks;
            size_t n;
            assert_ok(text_chunk_document(&block, 1, &default_options, &arena, &chunks, &n, &err));
            assert_true(n > 0);
            arena_clear(&arena);
            buf_clear(&text);
        }
}

static void test_chunk__reports_each_lack_of_memory(void **state)
{
    (void)state;
#ifndef RAGGED_FAULT
    skip_because("needs FAULT=1");
#else
    struct text_block blocks[] = {HEADING(1, "One"), PARAGRAPH("Text of a. Text of b."),
                                  HEADING(2, "Two"), PARAGRAPH("c d e f g h i j k l m n o p q r")};
    struct text_chunk_options options = default_options;
    options.title = "Title";
    int n_fault = 1;
    for (;; n_fault++) {
        char plan[32];
        struct arena arena = {0};
        struct text_chunk *chunks = NULL;
        size_t n = 77;
        snprintf(plan, sizeof plan, "mem:%d", n_fault);
        fault_plan(plan);
        enum status status = text_chunk_document(blocks, 4, &options, &arena, &chunks, &n, &err);
        fault_plan(NULL);
        arena_clear(&arena);
        if (status == STATUS_OK)
            break;
        assert_status(status, STATUS_NOMEM);
        assert_null(chunks);
        assert_int_equal(n, 77);
    }
    assert_true(n_fault > 5);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chunk__of_nothing_is_nothing),
        cmocka_unit_test(test_chunk__joins_what_belongs_together),
        cmocka_unit_test(test_chunk__never_crosses_a_heading),
        cmocka_unit_test(test_chunk__keeps_words_of_headings_without_text),
        cmocka_unit_test(test_chunk__cuts_heading_paths),
        cmocka_unit_test(test_chunk__balances_a_split_section),
        cmocka_unit_test(test_chunk__prefers_paragraph_borders),
        cmocka_unit_test(test_chunk__overlaps_by_sentences),
        cmocka_unit_test(test_chunk__repeats_table_headers),
        cmocka_unit_test(test_chunk__splits_long_sentences_and_words),
        cmocka_unit_test(test_chunk__is_bounded_without_tokens),
        cmocka_unit_test(test_chunk__says_where_it_is),
        cmocka_unit_test(test_chunk__refuses_tiny_passages),
        cmocka_unit_test(test_chunk__keeps_every_word_within_its_count),
        cmocka_unit_test(test_chunk__is_linear_in_hostile_text),
        cmocka_unit_test(test_chunk__reports_each_lack_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
