#include "../testing.h"

#include <string.h>
#include <unistd.h>

#include "../golden.h"
#include "base/fault.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "nn/vocabulary.h"
#include "nn/wordpiece.h"

static void write_file(const char *path, const void *bytes, size_t len)
{
    struct error err;
    assert_ok(file_replace(path, bytes, len, 0600, &err));
}

static const char *temp_path(void)
{
    static char path[64];
    snprintf(path, sizeof path, "/tmp/ragged-vocab-%ld.txt", (long)getpid());
    return path;
}

static void open_text(const char *text, struct vocabulary *out)
{
    struct error err;
    write_file(temp_path(), text, strlen(text));
    assert_ok(vocabulary_open(temp_path(), out, &err));
    unlink(temp_path());
}

static bool open_model(struct vocabulary *out)
{
    struct error err;
    char *folder = golden_model_folder();
    if (!folder)
        return false;
    char *path = path_join(folder, "vocab.txt");
    assert_ok(vocabulary_open(path, out, &err));
    mem_free(path);
    mem_free(folder);
    return true;
}

/* Ids of one row without [CLS] and [SEP], cut as the reference cuts them. */
static void check_row(const struct vocabulary *vocabulary, const struct golden_row *row)
{
    int32_t ids[GOLDEN_IDS_MAX];
    size_t n =
        wordpiece_encode(vocabulary, CASING_UNCASED, row->text, row->len, ids, GOLDEN_IDS_MAX - 2);
    if (n != row->n_ids - 2 || memcmp(ids, row->ids + 1, n * sizeof *ids) != 0)
        fail_msg("%s: %zu ids, expected %zu, or other ids", row->id, n, row->n_ids - 2);
    size_t n_all =
        wordpiece_encode(vocabulary, CASING_UNCASED, row->text, row->len, NULL, SIZE_MAX);
    assert_true(n_all == n || (n_all > n && n == GOLDEN_IDS_MAX - 2));
}

static void check_golden(struct golden *golden)
{
    struct vocabulary vocabulary = {0};
    if (!open_model(&vocabulary)) {
        golden_free(golden);
        skip_because("the model folder is absent");
    }
    for (size_t i = 0; i < golden->n_rows; i++)
        check_row(&vocabulary, &golden->rows[i]);
    vocabulary_close(&vocabulary);
    golden_free(golden);
}

static void test_wordpiece__edge_rows_match_the_reference(void **state)
{
    (void)state;
    check_golden(golden_read_edge());
}

static void test_wordpiece__all_rows_match_the_reference(void **state)
{
    (void)state;
    struct golden *golden = golden_read_shared();
    if (!golden)
        skip_because("the shared golden data is absent");
    check_golden(golden);
}

/* A vocabulary in which every code point c is a piece, as "c" and as "##c": ids spell the
 * normalised text. Ids 5.. are pairs in order of code point; line breaks and surrogates have none.
 */
#define N_CODEPOINTS 0x110000u

static bool has_piece(uint32_t c)
{
    return c != '\n' && c != '\r' && (c < 0xD800 || c > 0xDFFF);
}

static void open_every_codepoint(struct vocabulary *out)
{
    struct error err;
    struct buf text = {0};
    buf_append_text(&text, "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n");
    for (uint32_t c = 0; c < N_CODEPOINTS; c++) {
        if (!has_piece(c))
            continue;
        char bytes[4];
        size_t n = utf8_encode(c, bytes);
        buf_append(&text, bytes, n);
        buf_append_text(&text, "\n##");
        buf_append(&text, bytes, n);
        buf_append_char(&text, '\n');
    }
    assert_ok(buf_status(&text, &err));
    write_file(temp_path(), text.data, text.len);
    buf_clear(&text);
    assert_ok(vocabulary_open(temp_path(), out, &err));
    unlink(temp_path());
}

/* The id of "c" or "##c": two code points have no pair before '\r', then 2048 surrogates. */
static int32_t id_of(uint32_t c, bool is_continuation)
{
    uint32_t n_without = (c > 10u ? 1u : 0u) + (c > 13u ? 1u : 0u) + (c > 0xDFFF ? 0x800u : 0u);
    return (int32_t)(5 + 2 * (c - n_without) + is_continuation);
}

struct spelling {
    int32_t ids[16];
    size_t n;
    bool is_inside; /* the next character continues a word */
};

static void spell(struct spelling *s, uint32_t c)
{
    s->ids[s->n++] = id_of(c, s->is_inside);
    s->is_inside = true;
}

static void spell_alone(struct spelling *s, uint32_t c)
{
    s->is_inside = false;
    spell(s, c);
    s->is_inside = false;
}

static bool is_ascii_punct(uint32_t c)
{
    return c < 0x80 && strchr("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", (int)c) != NULL && c != 0;
}

/* What a row of the tsv says about c, spelled out; `action` NULL: c is kept. */
static void spell_row(struct spelling *s, uint32_t c, const char *action, const char *result)
{
    if (!action || strcmp(action, "mark") == 0) {
        spell(s, c);
    } else if (strcmp(action, "space") == 0) {
        s->is_inside = false;
    } else if (strcmp(action, "cjk") == 0 || strcmp(action, "punct") == 0) {
        spell_alone(s, c);
    } else if (strcmp(action, "hangul") == 0) {
        uint32_t i = c - 0xAC00;
        spell(s, 0x1100 + i / (21 * 28));
        spell(s, 0x1161 + i / 28 % 21);
        if (i % 28)
            spell(s, 0x11A7 + i % 28);
    } else if (strncmp(action, "map", 3) == 0) {
        for (char *end; *result; result = *end ? end + 1 : end) {
            uint32_t r = (uint32_t)strtoul(result, &end, 16);
            if (r == ' ')
                s->is_inside = false;
            else if (is_ascii_punct(r) || r == 0xB7 || r == 0x3008 || r == 0x3009)
                spell_alone(s, r);
            else
                spell(s, r);
        }
    }
}

static void check_codepoint(const struct vocabulary *vocabulary, uint32_t c, const char *action,
                            const char *result)
{
    char text[6] = "a";
    size_t len = 1 + utf8_encode(c, text + 1);
    text[len++] = 'b';
    struct spelling s = {0};
    spell(&s, 'a');
    spell_row(&s, c, action, result);
    spell(&s, 'b');
    int32_t ids[16];
    size_t n = wordpiece_encode(vocabulary, CASING_UNCASED, text, len, ids, 16);
    if (n != s.n || memcmp(ids, s.ids, n * sizeof *ids) != 0)
        fail_msg("U+%04X (%s) is not normalised as measured", c, action ? action : "keep");
}

static void test_wordpiece__every_codepoint_is_normalised_as_measured(void **state)
{
    (void)state;
    struct vocabulary vocabulary = {0};
    open_every_codepoint(&vocabulary);
    FILE *tsv = fopen("test/golden/minilm_codepoints.tsv", "r");
    assert_non_null(tsv);
    char line[256], action[32] = "", result[128] = "";
    uint32_t first = N_CODEPOINTS, last = 0;
    uint32_t n_rows = 0;
    for (uint32_t c = 0; c < N_CODEPOINTS; c++) {
        while ((n_rows == 0 || c > last) && fgets(line, sizeof line, tsv)) {
            result[0] = '\0';
            assert_true(sscanf(line, "%x\t%x\t%31s\t%127[^\n]", &first, &last, action, result) >=
                        3);
            n_rows++;
        }
        bool is_listed = c >= first && c <= last;
        if (c < 0xD800 || c > 0xDFFF)
            check_codepoint(&vocabulary, c, is_listed ? action : NULL, result);
    }
    assert_true(n_rows > 3000);
    fclose(tsv);
    vocabulary_close(&vocabulary);
}

static const char small_vocabulary[] =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nun\n##aff\n##able\nunaff\na\n##a\n.\n#\n";

static void check_ids(const struct vocabulary *vocabulary, const char *text, const int32_t *ids,
                      size_t n_ids)
{
    int32_t got[512];
    assert_int_equal(wordpiece_encode(vocabulary, CASING_UNCASED, text, strlen(text), got, 512),
                     n_ids);
    assert_memory_equal(got, ids, n_ids * sizeof *ids);
}

static void test_wordpiece__takes_the_longest_piece_or_unk(void **state)
{
    (void)state;
    struct vocabulary vocabulary = {0};
    open_text(small_vocabulary, &vocabulary);
    check_ids(&vocabulary, "unaffable", (int32_t[]){8, 7}, 2);
    check_ids(&vocabulary, "unable", (int32_t[]){5, 7}, 2);
    check_ids(&vocabulary, "unaffablex a", (int32_t[]){1, 9}, 2);
    check_ids(&vocabulary, "##aff", (int32_t[]){12, 12, 1}, 3);
    check_ids(&vocabulary, "[MASK]a[PAD]", (int32_t[]){4, 9, 0}, 3);
    check_ids(&vocabulary, "", NULL, 0);
    vocabulary_close(&vocabulary);
}

static void test_wordpiece__malformed_bytes_are_dropped(void **state)
{
    (void)state;
    struct vocabulary vocabulary = {0};
    open_text(small_vocabulary, &vocabulary);
    check_ids(&vocabulary,
              "un\xFF"
              "able\xE2\x82",
              (int32_t[]){5, 7}, 2);
    check_ids(&vocabulary, "\x80\xF0\x9F", NULL, 0);
    vocabulary_close(&vocabulary);
}

static void test_wordpiece__writes_no_more_than_asked(void **state)
{
    (void)state;
    struct vocabulary vocabulary = {0};
    open_text(small_vocabulary, &vocabulary);
    static const char text[] = "aaaaaaaa [MASK] a.a unable";
    int32_t whole[32], part[32];
    size_t n_whole = wordpiece_encode(&vocabulary, CASING_UNCASED, text, strlen(text), whole, 32);
    assert_int_equal(n_whole, 14);
    for (size_t n_max = 0; n_max <= n_whole + 1; n_max++) {
        memset(part, 0x55, sizeof part);
        size_t n = wordpiece_encode(&vocabulary, CASING_UNCASED, text, strlen(text), part, n_max);
        assert_int_equal(n, n_max < n_whole ? n_max : n_whole);
        assert_memory_equal(part, whole, n * sizeof *part);
        assert_int_equal(part[n], 0x55555555);
        assert_int_equal(
            wordpiece_encode(&vocabulary, CASING_UNCASED, text, strlen(text), NULL, n_max), n);
    }
    vocabulary_close(&vocabulary);
}

static void test_wordpiece__counts_add_up_over_white_space(void **state)
{
    (void)state;
    struct vocabulary vocabulary = {0};
    if (!open_model(&vocabulary))
        skip_because("the model folder is absent");
    struct golden *golden = golden_read_edge();
    for (size_t i = 0; i < golden->n_rows; i++) {
        const struct golden_row *row = &golden->rows[i];
        size_t n_sum = 0;
        for (size_t at = 0, end; at < row->len; at = end + 1) {
            end = at;
            while (end < row->len && row->text[end] != ' ' && row->text[end] != '\n')
                end++;
            n_sum += wordpiece_encode(&vocabulary, CASING_UNCASED, row->text + at, end - at, NULL,
                                      SIZE_MAX);
        }
        size_t n_whole =
            wordpiece_encode(&vocabulary, CASING_UNCASED, row->text, row->len, NULL, SIZE_MAX);
        assert_int_equal(n_sum, n_whole);
    }
    golden_free(golden);
    vocabulary_close(&vocabulary);
}

static void test_vocabulary__refuses_bad_files_with_the_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"", "is empty"},
        {"[UNK]\n[CLS]\n", "has no line \"[SEP]\""},
        {"[UNK]\n[SEP]\nx\n", "has no line \"[CLS]\""},
        {"a\n[CLS]\n[SEP]\n", "has no line \"[UNK]\""},
        {"[UNK]\n\n[CLS]\n[SEP]\n", "line 2: empty"},
        {"[UNK]\n[CLS]\n[SEP]\n\r\n", "line 4: empty"},
        {"[UNK]\n[CLS]\n[SEP]\na\nb\na\n", "line 6: the same as line 4"},
        {"[UNK]\n[CLS]\n[SEP]\n##a\n##a", "line 5: the same as line 4"},
        {"[UNK]\n[CLS]\n[SEP]\na\n\xC3\n", "line 5: not UTF-8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct error err;
        struct vocabulary vocabulary = {0};
        write_file(temp_path(), cases[i].text, strlen(cases[i].text));
        assert_status(vocabulary_open(temp_path(), &vocabulary, &err), STATUS_FORMAT);
        if (!strstr(err.message, cases[i].words))
            fail_msg("case %zu: \"%s\" does not say \"%s\"", i, err.message, cases[i].words);
        assert_null(vocabulary.slots);
    }
    unlink(temp_path());
}

/* Only two signs make a piece one that goes on, and not alone. */
static void test_vocabulary__one_sign_does_not_continue_a_word(void **state)
{
    (void)state;
    static const struct {
        bool is_continuation;
        const char *piece;
        int32_t id;
    } rows[] = {{false, "#ab", 3}, {true, "b", 4}, {true, "ab", -1}, {false, "##", 5},
                {false, "#", 6},   {true, "", -1}, {false, "b", -1}, {false, "##b", -1}};
    struct vocabulary vocabulary = {0};
    open_text("[UNK]\n[CLS]\n[SEP]\n#ab\n##b\n##\n#\n", &vocabulary);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t len = strlen(rows[i].piece);
        uint32_t hash = vocabulary_hash_begin(rows[i].is_continuation);
        for (size_t k = 0; k < len; k++)
            hash = vocabulary_hash_step(hash, rows[i].piece[k]);
        int32_t id =
            vocabulary_find(&vocabulary, rows[i].is_continuation, rows[i].piece, len, hash);
        if (id != rows[i].id)
            fail_msg("row %zu: %d", i, id);
    }
    vocabulary_close(&vocabulary);
}

/* Ids have 24 bits, and no vocabulary has 64 MiB. */
static void test_vocabulary__knows_its_limits(void **state)
{
    (void)state;
    enum { N_LINES = 0xFFFFFF };
    struct error err = {0};
    struct vocabulary vocabulary = {0};
    char *many = malloc(N_LINES);
    assert_non_null(many);
    memset(many, '\n', N_LINES);
    write_file(temp_path(), many, N_LINES);
    assert_status(vocabulary_open(temp_path(), &vocabulary, &err), STATUS_FORMAT);
    assert_non_null(strstr(err.message, "line 16777215: more than 16777214 pieces"));
    write_file(temp_path(), many, N_LINES - 1);
    assert_status(vocabulary_open(temp_path(), &vocabulary, &err), STATUS_FORMAT);
    assert_non_null(strstr(err.message, "line 1: empty"));
    assert_int_equal(truncate(temp_path(), (off_t)RAGGED_LIMIT_VOCAB + 1), 0); /* a hole */
    assert_status(vocabulary_open(temp_path(), &vocabulary, &err), STATUS_LIMIT);
    assert_non_null(strstr(err.message, "is larger than 67108864 bytes"));
    unlink(temp_path());
    free(many);
}

static void test_vocabulary__windows_line_ends_are_not_part_of_pieces(void **state)
{
    (void)state;
    struct vocabulary vocabulary = {0};
    open_text("[UNK]\r\n[CLS]\r\n[SEP]\r\nword\r\n##s\r\n", &vocabulary);
    check_ids(&vocabulary, "words", (int32_t[]){3, 4}, 2);
    vocabulary_close(&vocabulary);
}

static void test_vocabulary__every_failed_step_is_a_status(void **state)
{
    (void)state;
#ifdef RAGGED_FAULT
    static const char *const sites[] = {"mem", "file"};
    struct error err;
    write_file(temp_path(), small_vocabulary, strlen(small_vocabulary));
    for (size_t i = 0; i < 2; i++) {
        enum status status = STATUS_NOMEM;
        for (int n = 1; status != STATUS_OK; n++) {
            char plan[32];
            snprintf(plan, sizeof plan, "%s:%d", sites[i], n);
            struct vocabulary vocabulary = {0};
            fault_plan(plan);
            status = vocabulary_open(temp_path(), &vocabulary, &err);
            fault_plan(NULL);
            assert_true(status == STATUS_OK || vocabulary.offsets == NULL);
            vocabulary_close(&vocabulary);
        }
    }
    unlink(temp_path());
#else
    skip_because("built without FAULT=1");
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wordpiece__edge_rows_match_the_reference),
        cmocka_unit_test(test_wordpiece__all_rows_match_the_reference),
        cmocka_unit_test(test_wordpiece__every_codepoint_is_normalised_as_measured),
        cmocka_unit_test(test_wordpiece__takes_the_longest_piece_or_unk),
        cmocka_unit_test(test_wordpiece__malformed_bytes_are_dropped),
        cmocka_unit_test(test_wordpiece__writes_no_more_than_asked),
        cmocka_unit_test(test_wordpiece__counts_add_up_over_white_space),
        cmocka_unit_test(test_vocabulary__refuses_bad_files_with_the_line),
        cmocka_unit_test(test_vocabulary__one_sign_does_not_continue_a_word),
        cmocka_unit_test(test_vocabulary__knows_its_limits),
        cmocka_unit_test(test_vocabulary__windows_line_ends_are_not_part_of_pieces),
        cmocka_unit_test(test_vocabulary__every_failed_step_is_a_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
