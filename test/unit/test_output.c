#include "../testing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/format.h"
#include "app/output.h"
#include "app/records.h"
#include "app/safe_text.h"
#include "base/mem.h"
#include "base/utf8.h"

/* xorshift: the same bytes in every run. */
static uint64_t seed = 0x9E3779B97F4A7C15u;
static uint64_t next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

/* Bytes that are likely to hurt, between others. */
static size_t random_text(char *out, size_t n_max)
{
    static const char *const nasty[] = {"\x1b[31m",
                                        "\x1b]0;t\x07",
                                        "\xC2\x9B",
                                        "\x9B",
                                        "\xE2\x80\xAE",
                                        "\xE2\x81\xA6",
                                        "\xF3\xA0\x81\x81",
                                        "\x7F",
                                        "\r",
                                        "\xE2\x80",
                                        "\xF0\x9F\x98",
                                        "\xC3\xA9",
                                        "\xF0\x9F\x98\x80",
                                        "a\tb\n",
                                        "\xED\xA0\x80"};
    size_t len = 0;
    size_t n_pieces = next_random() % 12;
    for (size_t i = 0; i < n_pieces; i++) {
        const char *piece = nasty[next_random() % (sizeof nasty / sizeof nasty[0])];
        char byte[2] = {(char)next_random(), '\0'};
        if (next_random() % 2)
            piece = byte;
        size_t n = strlen(piece);
        if (len + n < n_max) {
            memcpy(out + len, piece, n);
            len += n;
        }
    }
    out[len] = '\0';
    return len;
}

static void assert_harmless(const char *text, size_t len, bool is_line)
{
    for (size_t i = 0; i < len;) {
        uint32_t c;
        size_t n = utf8_decode(text + i, len - i, &c);
        if (c == UTF8_REPLACEMENT)
            assert_int_equal(n, 3);
        assert_false(c < 0x20 && (is_line || (c != '\n' && c != '\t')));
        assert_false(c >= 0x7F && c <= 0x9F);
        assert_false(c >= 0x202A && c <= 0x202E);
        assert_false(c >= 0x2066 && c <= 0x2069);
        assert_false(c >= 0xE0000 && c <= 0xE007F);
        i += n;
    }
}

static void test_output__nothing_reaches_a_terminal_that_it_would_obey(void **state)
{
    (void)state;
    char *bytes = NULL;
    size_t len = 0;
    FILE *file = open_memstream(&bytes, &len);
    assert_non_null(file);
    for (int i = 0; i < 200000; i++) {
        char text[128];
        struct output out = {.file = file};
        size_t n = random_text(text, sizeof text);
        bool is_line = i % 3 == 0;
        rewind(file);
        if (is_line)
            output_name(&out, text);
        else if (i % 3 == 1)
            output_text(&out, text, n);
        else
            output_printf(&out, "<%s>", text);
        fflush(file);
        assert_int_equal(out.failed, 0);
        assert_harmless(bytes, len, is_line);
    }
    fclose(file);
    free(bytes);
}

static void test_output__json_stays_the_same_json(void **state)
{
    (void)state;
    for (int i = 0; i < 50000; i++) {
        char text[128];
        struct buf plain = {0}, safe = {0};
        struct error err = {0};
        random_text(text, sizeof text);
        json_t *value = json_text(text), *back = NULL;
        json_write(value, JSON_STYLE_COMPACT, &plain);
        safe_text_append(&safe, buf_text(&plain), plain.len, SAFE_FORM_JSON);
        assert_harmless(buf_text(&safe), safe.len, false);
        assert_ok(json_parse(buf_text(&safe), safe.len, &back, &err));
        assert_true(json_equal(value, back));
        json_decref(value);
        json_decref(back);
        buf_clear(&plain);
        buf_clear(&safe);
    }
}

static void test_output__shows_what_it_hides(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum safe_form form;
        const char *expected;
    } cases[] = {
        {"a\x1b[0m", SAFE_FORM_TEXT, "a\\x1B[0m"},
        {"a\nb", SAFE_FORM_TEXT, "a\nb"},
        {"a\nb", SAFE_FORM_LINE, "a\\x0Ab"},
        {"\xE2\x80\xAE", SAFE_FORM_TEXT, "\\u{202E}"},
        {"caf\xE9", SAFE_FORM_TEXT, "caf\\xE9"},
        {"\xC2\x9B", SAFE_FORM_TEXT, "\\x9B"},
        {"\xF3\xA0\x81\x81", SAFE_FORM_JSON, "\\uDB40\\uDC41"},
        {"\xF3\xA0\x81\x81", SAFE_FORM_YAML, "\\U000E0041"},
        {"\xEF\xBF\xBD", SAFE_FORM_TEXT, "\xEF\xBF\xBD"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf out = {0};
        safe_text_append(&out, cases[i].text, strlen(cases[i].text), cases[i].form);
        assert_string_equal(buf_text(&out), cases[i].expected);
        buf_clear(&out);
    }
}

static void test_output__squeezes_to_one_short_line(void **state)
{
    (void)state;
    struct buf out = {0};
    safe_text_squeeze(&out, "  a \n\n b\tc  ", 12, 100);
    assert_string_equal(buf_text(&out), "a b c");
    buf_reset(&out);
    safe_text_squeeze(&out, "\xC3\xA9\xC3\xA9\xC3\xA9", 6, 3);
    assert_string_equal(buf_text(&out), "\xC3\xA9...");
    buf_clear(&out);
    assert_int_equal(safe_text_width("\xE6\xBC\xA2 e\xCC\x81", 7), 4);
}

static void test_output__reports_a_full_disk_but_not_a_gone_reader(void **state)
{
    (void)state;
    struct error err = {0};
    FILE *full = fopen("/dev/full", "w");
    if (!full)
        skip_because("/dev/full is not there");
    struct output out = {.file = full};
    output_puts(&out, "text");
    assert_status(output_finish(&out, "the results", &err), STATUS_IO);
    assert_non_null(strstr(err.message, "could not write the results"));
    fclose(full);
    out = (struct output){.file = stdout, .failed = EPIPE};
    assert_ok(output_finish(&out, "the results", &err));
}

struct row {
    const char *path, *text;
};

static json_t *get_file(const void *record)
{
    return json_text(((const struct row *)record)->path);
}

static json_t *get_text(const void *record)
{
    return json_text(((const struct row *)record)->text);
}

static const char *path_of(const void *record)
{
    return ((const struct row *)record)->path;
}

static void test_output__one_description_gives_every_format(void **state)
{
    (void)state;
    static const struct column columns[] = {
        {.name = "file", .get = get_file}, {.name = "text", .get = get_text}, {.name = NULL}};
    static const struct {
        enum format format;
        const char *expected;
    } cases[] = {
        {FORMAT_TABLE, "file  text\na,b   say \"x\" | y\n"},
        {FORMAT_JSONL, "{\"file\":\"a,b\",\"text\":\"say \\\"x\\\" | y\"}\n"},
        {FORMAT_CSV, "file,text\n\"a,b\",\"say \"\"x\"\" | y\"\n"},
        {FORMAT_MARKDOWN, "| file | text |\n| --- | --- |\n| a,b | say \"x\" \\| y |\n"},
        {FORMAT_YAML, "rows:\n- file: \"a,b\"\n  text: \"say \\\"x\\\" | y\"\n"},
        {FORMAT_FILES, "a,b\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct error err = {0};
        char *bytes = NULL;
        size_t len = 0;
        FILE *file = open_memstream(&bytes, &len);
        struct output out = {.file = file};
        struct records records = {
            .out = &out, .format = cases[i].format, .columns = columns, .path = path_of};
        records_add(&records, &(struct row){"a,b", "say \"x\" | y"});
        assert_ok(records_write(&records, json_object(), "rows", &err));
        records_clear(&records);
        fclose(file);
        assert_string_equal(bytes, cases[i].expected);
        free(bytes);
    }
}

static void test_output__a_path_that_is_not_utf8_is_whole_in_base64(void **state)
{
    (void)state;
    json_t *object = json_object();
    assert_true(records_put_path(object, "file", "caf\xE9.txt"));
    assert_string_equal(json_get_text(object, "path_base64", ""), "Y2Fm6S50eHQ=");
    json_decref(object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_output__nothing_reaches_a_terminal_that_it_would_obey),
        cmocka_unit_test(test_output__json_stays_the_same_json),
        cmocka_unit_test(test_output__shows_what_it_hides),
        cmocka_unit_test(test_output__squeezes_to_one_short_line),
        cmocka_unit_test(test_output__reports_a_full_disk_but_not_a_gone_reader),
        cmocka_unit_test(test_output__one_description_gives_every_format),
        cmocka_unit_test(test_output__a_path_that_is_not_utf8_is_whole_in_base64),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
