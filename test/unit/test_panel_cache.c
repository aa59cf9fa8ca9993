#include "../reference_model.h"
#include "base/file.h"
#include "nn/nn.h"

/* Packed weights come out of their file only as they went in: whatever happened to it, vectors are
 * those of an encoder without one, and the file is whole again. */

static const struct shape shape = {"mean_tokens", "", 1, 24, 3, 40, SHAPE_PLAIN};
static const struct shape other = {"mean_tokens", "", 1, 24, 2, 40, SHAPE_PLAIN};

static void encode(const struct model *m, const char *cache_folder, bool is_lasting, float *out)
{
    struct error err;
    struct encoder *encoder = NULL;
    struct encoder_scratch *scratch = NULL;
    const struct encoder_text text = {"q w e r t y", 11};
    const struct encoder_options options = {
        .folder = m->folder, .cache_folder = cache_folder, .is_lasting = is_lasting};
    assert_ok(encoder_open(&options, &encoder, &err));
    assert_ok(encoder_scratch_new(encoder, &scratch, &err));
    assert_ok(encoder_encode(encoder, scratch, &text, 1, out, &err));
    encoder_scratch_free(scratch);
    encoder_close(encoder);
}

/* Of the precision that this machine takes. */
static void find_file(const struct model *m, char *path, size_t size)
{
    static const char *const names[] = {"int16", "fp32"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, size, "%s/panels-%s.cache", m->folder, names[i]);
        if (access(path, F_OK) == 0)
            return;
    }
    fail_msg("no cache of panels in %s", m->folder);
}

static void read_cache(const char *path, struct buf *out)
{
    struct error err;
    buf_reset(out);
    assert_ok(file_read(path, 1 << 20, out, &err));
}

static void expect_repair(const struct model *m, const char *path, const struct buf *whole,
                          const float *expected)
{
    float out[WIDTH_MAX];
    struct buf after = {0};
    encode(m, m->folder, false, out);
    assert_memory_equal(out, expected, shape.dim * sizeof *out);
    read_cache(path, &after);
    assert_int_equal(after.len, whole->len);
    assert_memory_equal(after.data, whole->data, whole->len);
    buf_clear(&after);
}

static void test_panel_cache__damage_is_packed_again(void **state)
{
    (void)state;
    struct error err;
    struct model m;
    struct buf whole = {0};
    float expected[WIDTH_MAX];
    char path[128];
    model_init(&m, &shape, 1);
    encode(&m, NULL, false, expected);
    encode(&m, m.folder, false, (float[WIDTH_MAX]){0});
    find_file(&m, path, sizeof path);
    read_cache(path, &whole);
    for (size_t at = 0; at < whole.len; at += at < 64 ? 1 : 97) {
        whole.data[at] = (char)(whole.data[at] ^ 0x10);
        assert_ok(file_replace(path, whole.data, whole.len, 0600, &err));
        whole.data[at] = (char)(whole.data[at] ^ 0x10);
        expect_repair(&m, path, &whole, expected);
    }
    for (size_t len = 0; len < whole.len; len += len < 64 ? 1 : 977) {
        assert_ok(file_replace(path, whole.data, len, 0600, &err));
        expect_repair(&m, path, &whole, expected);
    }
    unlink(path);
    buf_clear(&whole);
    model_clear(&m);
}

static void test_panel_cache__a_lasting_encoder_copies_it(void **state)
{
    (void)state;
    struct model m;
    float expected[WIDTH_MAX], out[WIDTH_MAX];
    char path[128];
    model_init(&m, &shape, 2);
    encode(&m, m.folder, false, expected);
    encode(&m, m.folder, true, out);
    assert_memory_equal(out, expected, shape.dim * sizeof *out);
    find_file(&m, path, sizeof path);
    unlink(path);
    model_clear(&m);
}

/* The same sizes, other weights or other heads: another identity. */
static void test_panel_cache__other_weights_are_not_taken(void **state)
{
    (void)state;
    struct error err;
    struct model m;
    struct buf stale = {0};
    float expected[WIDTH_MAX], out[WIDTH_MAX];
    char path[128];
    model_init(&m, &other, 3);
    encode(&m, m.folder, false, out);
    find_file(&m, path, sizeof path);
    read_cache(path, &stale);
    unlink(path);
    model_clear(&m);
    model_init(&m, &shape, 4);
    encode(&m, NULL, false, expected);
    assert_ok(file_replace(path, stale.data, stale.len, 0600, &err));
    encode(&m, m.folder, false, out);
    assert_memory_equal(out, expected, shape.dim * sizeof *out);
    unlink(path);
    buf_clear(&stale);
    model_clear(&m);
}

static void test_panel_cache__without_a_place_for_it_everything_works(void **state)
{
    (void)state;
    struct model m;
    float expected[WIDTH_MAX], out[WIDTH_MAX];
    model_init(&m, &shape, 5);
    encode(&m, NULL, false, expected);
    encode(&m, "/nowhere/at/all", true, out);
    assert_memory_equal(out, expected, shape.dim * sizeof *out);
    model_clear(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_panel_cache__damage_is_packed_again),
        cmocka_unit_test(test_panel_cache__a_lasting_encoder_copies_it),
        cmocka_unit_test(test_panel_cache__other_weights_are_not_taken),
        cmocka_unit_test(test_panel_cache__without_a_place_for_it_everything_works),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
