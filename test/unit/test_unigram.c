#include "../testing.h"

#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fault.h"
#include "base/file.h"
#include "nn/charsmap.h"
#include "nn/tokenizer.h"

/* A model folder with a small tokenizer.json. Its map turns "X" into "xy". */

#define N_UNITS 0x159u
#define ROOT_UNIT (0x100u << 10)                     /* children from 0x100 on */
#define X_UNIT ('X' | 1u << 8 | (uint32_t)'X' << 10) /* ends here; its offset is unit 0x100 */

static const struct model_config config = {.n_vocabulary = 16};

static void append_u32(struct buf *out, uint32_t value)
{
    for (unsigned shift = 0; shift < 32; shift += 8)
        buf_append_char(out, (char)(value >> shift));
}

static void append_base64(struct buf *out, const struct buf *bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < bytes->len; i += 3) {
        uint32_t group = 0;
        size_t n = bytes->len - i < 3 ? bytes->len - i : 3;
        for (size_t k = 0; k < 3; k++)
            group = group << 8 | (k < n ? (unsigned char)bytes->data[i + k] : 0);
        for (size_t k = 0; k < 4; k++)
            buf_append_char(out, k <= n ? digits[group >> (18 - 6 * k) & 63] : '=');
    }
}

static void append_charsmap(struct buf *out)
{
    struct buf bytes = {0};
    append_u32(&bytes, N_UNITS * 4);
    for (uint32_t i = 0; i < N_UNITS; i++)
        append_u32(&bytes, i == 0 ? ROOT_UNIT : i == (0x100 ^ 'X') ? X_UNIT : 0x80000000u);
    buf_append(&bytes, "xy", 3);
    append_base64(out, &bytes);
    buf_clear(&bytes);
}

static const char *folder(void)
{
    static char path[64];
    snprintf(path, sizeof path, "/tmp/ragged-unigram-%ld", (long)getpid());
    return path;
}

static void write_tokenizer(void)
{
    struct error err;
    struct buf json = {0};
    char path[96];
    buf_append_text(
        &json, "{\"added_tokens\":[{\"id\":0,\"content\":\"<s>\"},{\"id\":2,\"content\":\"</s>\"},"
               "{\"id\":3,\"content\":\"<m>\",\"lstrip\":true},{\"id\":12,\"content\":\"<mm>\"}],"
               "\"normalizer\":{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"");
    append_charsmap(&json);
    buf_append_text(
        &json, "\"},\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":\"\xE2\x96\x81\"},"
               "\"post_processor\":{\"type\":\"RobertaProcessing\",\"cls\":[\"<s>\",0],\"sep\":[\"<"
               "/s>\",2]},"
               "\"model\":{\"type\":\"Unigram\",\"unk_id\":1,\"vocab\":[[\"<s>\",0],[\"<unk>\",0],"
               "[\"</s>\",0],[\"<m>\",0],[\"\xE2\x96\x81\",-2],[\"a\",-3],[\"b\",-3],[\"ab\",-3.5],"
               "[\"\xE2\x96\x81"
               "a\",-3.5],[\"x\",-4],[\"y\",-4],[\"xy\",-9]]}}");
    assert_ok(folder_make(folder(), &err));
    snprintf(path, sizeof path, "%s/tokenizer.json", folder());
    assert_ok(file_replace(path, json.data, json.len, 0600, &err));
    buf_clear(&json);
}

static void remove_folder(void)
{
    char path[96];
    snprintf(path, sizeof path, "%s/tokenizer.json", folder());
    unlink(path);
    rmdir(folder());
}

static void check_ids(const struct tokenizer *tokenizer, const char *text, const int32_t *ids,
                      size_t n_ids)
{
    int32_t got[64];
    size_t n = tokenizer_encode(tokenizer, text, strlen(text), got, 64);
    if (n != n_ids || memcmp(got, ids, n * sizeof *ids) != 0)
        fail_msg("\"%s\" has %zu ids, first %d, expected %zu", text, n, n ? got[0] : -1, n_ids);
    for (size_t n_max = 0; n_max <= n; n_max++) {
        memset(got, 0x55, sizeof got);
        assert_int_equal(tokenizer_encode(tokenizer, text, strlen(text), got, n_max), n_max);
        assert_memory_equal(got, ids, n_max * sizeof *ids);
        assert_int_equal(got[n_max], 0x55555555);
        assert_int_equal(tokenizer_encode(tokenizer, text, strlen(text), NULL, n_max), n_max);
    }
}

#define IDS(...) \
    (const int32_t[]){__VA_ARGS__}, sizeof((const int32_t[]){__VA_ARGS__}) / sizeof(int32_t)

static void test_unigram__takes_the_best_pieces(void **state)
{
    (void)state;
    struct error err;
    struct tokenizer tokenizer = {0};
    write_tokenizer();
    assert_ok(tokenizer_open(folder(), &config, &tokenizer, &err));
    remove_folder();
    assert_string_equal(tokenizer.row->name, "unigram");
    assert_int_equal(tokenizer.n_ids, 13);
    check_ids(&tokenizer, "a", IDS(8));
    check_ids(&tokenizer, "ab", IDS(4, 7)); /* -5.5 is better than -6.5 */
    check_ids(&tokenizer, "ab a", IDS(4, 7, 8));
    check_ids(&tokenizer, "X", IDS(4, 9, 10));
    check_ids(&tokenizer, "aqqb", IDS(8, 1, 6)); /* unknowns beside each other are one */
    check_ids(&tokenizer, "a  <m>b<mm>", IDS(8, 3, 4, 6, 12));
    check_ids(&tokenizer, "a\xFF", IDS(8, 1));
    int32_t ids[8];
    assert_int_equal(tokenizer_encode_whole(&tokenizer, "ab ab", 5, ids, 4), 4);
    assert_memory_equal(ids, ((const int32_t[]){0, 4, 7, 2}), 4 * sizeof *ids);
    tokenizer_close(&tokenizer);
}

static void test_unigram__a_folder_without_tokenizer_names_the_files(void **state)
{
    (void)state;
    struct error err;
    struct tokenizer tokenizer = {0};
    assert_ok(folder_make(folder(), &err));
    assert_status(tokenizer_open(folder(), &config, &tokenizer, &err), STATUS_NOT_FOUND);
    assert_non_null(strstr(err.message, "\"vocab.txt\" or \"tokenizer.json\""));
    remove_folder();
}

static void test_charsmap__bad_bytes_lead_nowhere(void **state)
{
    (void)state;
    struct error err;
    struct buf text = {0};
    struct charsmap map = {0};
    append_charsmap(&text);
    assert_ok(charsmap_open(text.data, text.len, &map, &err));
    assert_string_equal(charsmap_find(&map, "Xq", 2), "xy");
    assert_null(charsmap_find(&map, "q", 1));
    assert_null(charsmap_find(&map, "", 0));
    map.units[0x100] = 0x7FFFFFFF; /* beyond the replacements */
    assert_null(charsmap_find(&map, "X", 1));
    map.units[0x100 ^ 'X'] |= 0x7FFFFC00; /* beyond the units */
    assert_null(charsmap_find(&map, "X", 1));
    map.units[0] = 0xFFFFFE00;
    assert_null(charsmap_find(&map, "X", 1));
    charsmap_clear(&map);
    for (size_t len = 0; len < text.len; len += 97)
        assert_status(charsmap_open(text.data, len, &map, &err), STATUS_FORMAT);
    buf_clear(&text);
}

static void test_unigram__every_failed_step_is_a_status(void **state)
{
    (void)state;
#ifdef RAGGED_FAULT
    static const char *const sites[] = {"mem", "file"};
    struct error err;
    write_tokenizer();
    for (size_t i = 0; i < 2; i++) {
        enum status status = STATUS_NOMEM;
        for (int n = 1; status != STATUS_OK; n++) {
            char plan[32];
            snprintf(plan, sizeof plan, "%s:%d", sites[i], n);
            struct tokenizer tokenizer = {0};
            fault_plan(plan);
            status = tokenizer_open(folder(), &config, &tokenizer, &err);
            fault_plan(NULL);
            assert_true(status == STATUS_OK || tokenizer.state == NULL);
            tokenizer_close(&tokenizer);
        }
    }
    remove_folder();
#else
    skip_because("built without FAULT=1");
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unigram__takes_the_best_pieces),
        cmocka_unit_test(test_unigram__a_folder_without_tokenizer_names_the_files),
        cmocka_unit_test(test_charsmap__bad_bytes_lead_nowhere),
        cmocka_unit_test(test_unigram__every_failed_step_is_a_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
