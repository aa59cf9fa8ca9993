#include "../testing.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fault.h"
#include "base/file.h"
#include "nn/half.h"
#include "nn/safetensors.h"

static const char *temp_path(void)
{
    static char path[64];
    snprintf(path, sizeof path, "/tmp/ragged-safetensors-%ld", (long)getpid());
    return path;
}

static enum status open_bytes(const void *bytes, size_t len, struct safetensors *out,
                              struct error *err)
{
    struct error write_err;
    if (file_replace(temp_path(), bytes, len, 0600, &write_err))
        fail_msg("%s", write_err.message);
    enum status status = safetensors_open(temp_path(), out, err);
    unlink(temp_path());
    return status;
}

/* Header length, header, n_data zero bytes. */
static void build(struct buf *out, const char *header, size_t n_data)
{
    uint64_t len = strlen(header);
    for (unsigned shift = 0; shift < 64; shift += 8)
        buf_append_char(out, (char)(len >> shift));
    buf_append(out, header, (size_t)len);
    for (size_t i = 0; i < n_data; i++)
        buf_append_char(out, 0);
    assert_int_equal(out->failed, STATUS_OK);
}

static enum status open_header(const char *header, size_t n_data, struct safetensors *out,
                               struct error *err)
{
    struct buf bytes = {0};
    build(&bytes, header, n_data);
    enum status status = open_bytes(bytes.data, bytes.len, out, err);
    buf_clear(&bytes);
    return status;
}

#define T(fields) "{\"x\":{" fields "}}"
#define SHAPE "\"dtype\":\"F32\",\"shape\":"
#define OFFSETS "\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":"

static const struct bad_header {
    const char *header;
    size_t n_data;
    const char *words; /* what the sentence must hold */
} bad_headers[] = {
    {"", 0, "JSON"},
    {"{", 0, "JSON"},
    {"[]", 0, "not a JSON object"},
    {"7", 0, "not a JSON object"},
    {"null", 0, "not a JSON object"},
    {"{} x", 0, "JSON"},
    {"{\"x\":1,\"x\":2}", 0, "JSON"},
    {"{\"\xFF\":1}", 0, "JSON"},
    {"{\"x\":7}", 0, "tensor \"x\": is not an object"},
    {"{\"x\":[]}", 0, "tensor \"x\": is not an object"},
    {"{\"x\":null}", 0, "tensor \"x\": is not an object"},
    {T(""), 0, "field \"dtype\""},
    {T("\"dtype\":7"), 0, "field \"dtype\""},
    {T("\"dtype\":\"F31\""), 0, "unknown type \"F31\""},
    {T("\"dtype\":\"f32\""), 0, "unknown type \"f32\""},
    {T("\"dtype\":\"\""), 0, "unknown type \"\""},
    {T("\"dtype\":\"F32\""), 0, "field \"shape\""},
    {T(SHAPE "2"), 0, "field \"shape\" is not an array"},
    {T(SHAPE "{}"), 0, "field \"shape\" is not an array"},
    {T(SHAPE "[-1]"), 0, "field \"shape\"[0] is not a size"},
    {T(SHAPE "[2,-9223372036854775808]"), 0, "field \"shape\"[1] is not a size"},
    {T(SHAPE "[1.5]"), 0, "field \"shape\"[0]"},
    {T(SHAPE "[\"2\"]"), 0, "field \"shape\"[0]"},
    {T(SHAPE "[2,null]"), 0, "field \"shape\"[1]"},
    {T(SHAPE "[true]"), 0, "field \"shape\"[0]"},
    {T(SHAPE "[9223372036854775808]"), 0, "JSON"},
    {T(SHAPE "[1,1,1,1,1,1,1,1,1]"), 0, "9 dimensions"},
    {T(SHAPE "[4294967296,4294967296]"), 0, "the product is too large"},
    {T(SHAPE "[9223372036854775807,3]"), 0, "the product is too large"},
    {T(SHAPE "[2]"), 8, "field \"data_offsets\" is not a pair"},
    {T(OFFSETS "8"), 8, "field \"data_offsets\" is not a pair"},
    {T(OFFSETS "[0]"), 8, "field \"data_offsets\" is not a pair"},
    {T(OFFSETS "[0,8,8]"), 8, "field \"data_offsets\" is not a pair"},
    {T(OFFSETS "[-8,0]"), 8, "field \"data_offsets\"[0]"},
    {T(OFFSETS "[0,-1]"), 8, "field \"data_offsets\"[1]"},
    {T(OFFSETS "[0,8.0]"), 8, "field \"data_offsets\"[1]"},
    {T(OFFSETS "[8,0]"), 8, "ends (0) before it begins (8)"},
    {T(OFFSETS "[0,9]"), 8, "ends at 9, but only 8 bytes"},
    {T(OFFSETS "[0,9223372036854775807]"), 8, "ends at 9223372036854775807"},
    {T(OFFSETS "[9223372036854775800,9223372036854775807]"), 8, "but only 8 bytes"},
    {T(OFFSETS "[0,4]"), 4, "2 elements of F32 do not fill the 4 bytes"},
    {T(OFFSETS "[0,12]"), 12, "2 elements of F32 do not fill the 12 bytes"},
    {T("\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[0,8]"), 8, "2 elements of F16"},
    {T("\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,4]"), 4, "0 elements of F32"},
    {T("\"dtype\":\"F64\",\"shape\":[4611686018427387904],\"data_offsets\":[0,0]"), 0,
     "elements of F64"},
    {T(OFFSETS "[0,8]"), 9, "1 bytes at offset"},
    {T(OFFSETS "[4,12]"), 12, "a hole of 4 bytes at offset"},
    {"{}", 1, "1 bytes at offset 10 belong to no tensor"},
    {"{\"x\":{" OFFSETS "[0,8]},\"y\":{" OFFSETS "[4,12]}}", 12, "\"y\" at offset"},
    {"{\"x\":{" OFFSETS "[0,8]},\"y\":{" OFFSETS "[0,8]}}", 8, "overlaps"},
    {"{\"x\":{" OFFSETS "[0,8]},\"y\":{" OFFSETS "[12,20]}}", 20, "a hole of 4 bytes"},
    {"{\"y\":{" OFFSETS "[8,16]},\"x\":{" OFFSETS "[0,9]}}", 16, "\"x\""},
};

static void test_safetensors__bad_headers_are_refused_with_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_headers / sizeof bad_headers[0]; i++) {
        const struct bad_header *bad = &bad_headers[i];
        struct error err = {0};
        struct safetensors file = {0};
        assert_status(open_header(bad->header, bad->n_data, &file, &err), STATUS_FORMAT);
        if (!strstr(err.message, bad->words) || !strstr(err.message, temp_path()))
            fail_msg("%s: \"%s\" does not say \"%s\"", bad->header, err.message, bad->words);
        assert_null(file.tensors);
    }
}

static void test_safetensors__bad_header_lengths_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
        const char *words;
    } cases[] = {
        {"", 0, "offset 0 is cut short"},
        {"\2\0\0\0\0\0\0", 7, "offset 0 is cut short"},
        {"\2\0\0\0\0\0\0\0", 8, "the file ends at 8"},
        {"\2\0\0\0\0\0\0\0{", 9, "the file ends at 9"},
        {"\377\377\377\377\377\377\377\377{}", 10, "18446744073709551615, is more than"},
        {"\0\0\0\0\0\0\0\200{}", 10, "9223372036854775808, is more than"},
        {"\370\377\377\377\377\377\377\377{}", 10, "is more than"},
        {"\1\0\100\6\0\0\0\0{}", 10, "is more than"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct error err = {0};
        struct safetensors file = {0};
        assert_status(open_bytes(cases[i].bytes, cases[i].len, &file, &err), STATUS_FORMAT);
        if (!strstr(err.message, cases[i].words))
            fail_msg("case %zu: \"%s\" does not say \"%s\"", i, err.message, cases[i].words);
    }
}

static const char good_header[] =
    "{\"__metadata__\":{\"format\":\"pt\"},"
    "\"b\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[8,32]},"
    "\"a\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[0,8]},"
    "\"none\":{\"dtype\":\"F16\",\"shape\":[0,7],\"data_offsets\":[32,32]},"
    "\"one\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[32,33]}}";

static void test_safetensors__tensors_are_found_in_place(void **state)
{
    (void)state;
    struct error err;
    struct safetensors file = {0};
    assert_ok(open_header(good_header, 33, &file, &err));
    assert_int_equal(file.n_tensors, 4);
    const struct tensor *b = safetensors_find(&file, "b");
    assert_non_null(b);
    assert_string_equal(b->dtype, "F32");
    assert_int_equal(b->n_dims, 2);
    assert_int_equal(b->shape[1], 3);
    assert_int_equal(b->offset, 8 + strlen(good_header) + 8);
    assert_ptr_equal(b->data.bytes, (const char *)file.file.bytes + b->offset);
    assert_int_equal(safetensors_find(&file, "one")->n_dims, 0);
    assert_null(safetensors_find(&file, "__metadata__"));
    safetensors_close(&file);
    safetensors_close(&file);
}

/* Whatever is cut or changed: a status, and no byte outside the file is read. */
static void test_safetensors__damage_never_crashes(void **state)
{
    (void)state;
    struct error err;
    struct buf bytes = {0};
    build(&bytes, good_header, 33);
    for (size_t len = 0; len < bytes.len; len++) {
        struct safetensors file = {0};
        assert_status(open_bytes(bytes.data, len, &file, &err), STATUS_FORMAT);
    }
    size_t n_accepted = 0;
    for (size_t i = 0; i < 8 * (8 + strlen(good_header)); i++) {
        struct safetensors file = {0};
        bytes.data[i / 8] ^= (char)(1 << i % 8);
        enum status status = open_bytes(bytes.data, bytes.len, &file, &err);
        assert_true(status == STATUS_OK || status == STATUS_FORMAT);
        n_accepted += status == STATUS_OK;
        safetensors_close(&file);
        bytes.data[i / 8] ^= (char)(1 << i % 8);
    }
    assert_true(n_accepted > 0 && n_accepted < 8 * strlen(good_header) / 2);
    buf_clear(&bytes);
}

static void test_half__every_f16_is_exact(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < 0x10000; bits++) {
        double sign = bits & 0x8000 ? -1 : 1;
        int exponent = (int)(bits >> 10 & 0x1F), fraction = (int)(bits & 0x3FF);
        double value = exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24);
        float found = half_from_f16((uint16_t)bits);
        if (exponent == 0x1F)
            assert_true(fraction ? isnan(found) : isinf(found));
        else
            assert_true((double)found == sign * value);
        assert_true(isnan(found) || !signbit(found) == (sign > 0));
    }
    assert_true(half_from_bf16(0x3F80) == 1.0f && half_from_bf16(0xC040) == -3.0f);
}

static void test_safetensors__halves_are_widened(void **state)
{
    (void)state;
    struct error err;
    struct buf bytes = {0};
    struct safetensors file = {0};
    build(&bytes,
          "{\"a\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[0,4]},"
          "\"b\":{\"dtype\":\"BF16\",\"shape\":[1],\"data_offsets\":[4,6]},"
          "\"c\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[6,6]}}",
          0);
    buf_append(&bytes, "\x00\x3C\x00\xC0\x40\x40", 6);
    assert_ok(open_bytes(bytes.data, bytes.len, &file, &err));
    assert_string_equal(safetensors_find(&file, "a")->dtype, "F16");
    assert_ok(safetensors_widen(&file, &err));
    static const float a[] = {1, -2}, b[] = {3};
    const struct tensor *t = safetensors_find(&file, "a");
    assert_string_equal(t->dtype, "F32");
    assert_int_equal(t->data.len, sizeof a);
    assert_memory_equal(t->data.bytes, a, sizeof a);
    t = safetensors_find(&file, "b");
    assert_string_equal(t->dtype, "F32");
    assert_memory_equal(t->data.bytes, b, sizeof b);
    assert_int_equal(safetensors_find(&file, "c")->data.len, 0);
    safetensors_close(&file);
    buf_clear(&bytes);
}

static void test_safetensors__names_are_counted(void **state)
{
    (void)state;
    struct error err = {0};
    struct safetensors file = {0};
    struct buf header = {0};
    for (size_t i = 0; i <= 65536; i++)
        buf_printf(&header, "%c\"t%zu\":0", i ? ',' : '{', i);
    buf_append_char(&header, '}');
    assert_status(open_header(buf_text(&header), 0, &file, &err), STATUS_FORMAT);
    assert_non_null(strstr(err.message, "names 65537 tensors, more than 65536"));
    buf_clear(&header);
}

/* A name that does not fit into the first block of memory, and halves that become floats. */
static void test_safetensors__names_and_floats_need_memory(void **state)
{
    (void)state;
#ifdef RAGGED_FAULT
    struct error err;
    struct buf header = {0}, bytes = {0};
    buf_append_text(&header, "{\"none\":{\"dtype\":\"F16\",\"shape\":[0],\"data_offsets\":[0,0]},"
                             "\"half\":{\"dtype\":\"F16\",\"shape\":[20000],\"data_offsets\":[0,"
                             "40000]},\"");
    for (size_t i = 0; i < 40000; i++)
        buf_append_char(&header, 'x');
    buf_append_text(&header,
                    "\":{\"dtype\":\"BF16\",\"shape\":[1],\"data_offsets\":[40000,40002]}}");
    build(&bytes, buf_text(&header), 40002);
    enum status status = STATUS_NOMEM;
    int n = 0, n_unwidened = 0;
    while (status == STATUS_NOMEM) {
        struct safetensors file = {0};
        char plan[32];
        snprintf(plan, sizeof plan, "mem:%d", ++n);
        assert_ok(file_replace(temp_path(), bytes.data, bytes.len, 0600, &err));
        fault_plan(plan);
        status = safetensors_open(temp_path(), &file, &err);
        bool is_open = status == STATUS_OK;
        if (is_open)
            status = safetensors_widen(&file, &err);
        fault_plan(NULL);
        n_unwidened += is_open && status == STATUS_NOMEM;
        assert_int_equal(is_open, file.tensors != NULL);
        safetensors_close(&file);
    }
    assert_status(status, STATUS_OK);
    assert_true(n_unwidened > 0 && n_unwidened < n - 2);
    unlink(temp_path());
    buf_clear(&header);
    buf_clear(&bytes);
#else
    skip_because("built without FAULT=1");
#endif
}

static void test_safetensors__every_failed_step_is_a_status(void **state)
{
    (void)state;
#ifdef RAGGED_FAULT
    static const char *const sites[] = {"mem", "file"};
    struct error err;
    struct buf bytes = {0};
    build(&bytes, good_header, 33);
    assert_ok(file_replace(temp_path(), bytes.data, bytes.len, 0600, &err));
    for (size_t i = 0; i < 2; i++) {
        enum status status = STATUS_NOMEM;
        for (int n = 1; status != STATUS_OK; n++) {
            char plan[32];
            snprintf(plan, sizeof plan, "%s:%d", sites[i], n);
            struct safetensors file = {0};
            fault_plan(plan);
            status = safetensors_open(temp_path(), &file, &err);
            fault_plan(NULL);
            assert_true(status == STATUS_OK || file.tensors == NULL);
            safetensors_close(&file);
        }
    }
    buf_clear(&bytes);
    unlink(temp_path());
#else
    skip_because("built without FAULT=1");
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_safetensors__bad_headers_are_refused_with_place),
        cmocka_unit_test(test_safetensors__bad_header_lengths_are_refused),
        cmocka_unit_test(test_safetensors__tensors_are_found_in_place),
        cmocka_unit_test(test_safetensors__damage_never_crashes),
        cmocka_unit_test(test_half__every_f16_is_exact),
        cmocka_unit_test(test_safetensors__halves_are_widened),
        cmocka_unit_test(test_safetensors__names_are_counted),
        cmocka_unit_test(test_safetensors__names_and_floats_need_memory),
        cmocka_unit_test(test_safetensors__every_failed_step_is_a_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
