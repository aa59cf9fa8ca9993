/* A row of the audit trail by itself: how it is packed, hashed and summed. */
#include "../testing.h"

#include <string.h>

#include "base/audit_row.h"

static struct audit_row example(void)
{
    struct audit_row row = {.sequence = 9, .run = 7, .time_ms = INT64_MIN, .uid = INT64_MAX};
    memset(row.collection, 'c', sizeof row.collection - 1);
    memset(row.keys, 'k', sizeof row.keys - 1);
    snprintf(row.user, sizeof row.user, "J\u00fcrgen");
    memset(row.state_after, 0xAB, sizeof row.state_after);
    row.passages_removed = -1;
    return row;
}

static void test_audit_row__a_packed_row_comes_back(void **state)
{
    (void)state;
    struct audit_row row = example(), back = {.sequence = 9, .run = 7};
    unsigned char packed[AUDIT_PACKED_BYTES + 1];
    size_t len = audit_row_pack(&row, packed);
    assert_true(audit_row_unpack(packed, len, &back));
    assert_memory_equal(&row, &back, sizeof row);
    packed[len] = 0;
    assert_false(audit_row_unpack(packed, len + 1, &back));
    for (size_t n = 0; n < len; n++)
        assert_false(audit_row_unpack(packed, n, &back));
    assert_false(audit_row_unpack(NULL, 0, &back));
    assert_memory_equal(&row, &back, sizeof row);
}

/* Whatever is read is what would be written. */
static void test_audit_row__there_is_one_way_to_write_a_row(void **state)
{
    (void)state;
    struct audit_row row = {.sequence = 1}, back = {.sequence = 1};
    unsigned char packed[AUDIT_PACKED_BYTES], other[AUDIT_PACKED_BYTES + 1];
    size_t len = audit_row_pack(&row, packed);
    assert_true(audit_row_unpack(packed, len, &back));
    /* Zero in two bytes instead of one. */
    other[0] = 0x80;
    other[1] = 0;
    memcpy(other + 2, packed + 1, len - 1);
    assert_false(audit_row_unpack(other, len + 1, &back));
    /* Bits behind the last one of a number. */
    struct audit_row least = {.time_ms = INT64_MIN};
    size_t least_len = audit_row_pack(&least, other);
    assert_true(audit_row_unpack(other, least_len, &back));
    other[9] ^= 2;
    assert_false(audit_row_unpack(other, least_len, &back));
    /* Texts that are none, or longer than there is room: the command is behind the time. */
    static const char *const texts[] = {"\x01\xff", "\x02\x61", "\x18"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        memcpy(other, packed, len);
        memcpy(other + 1, texts[i], 2);
        memset(other + 3, i == 1 ? 0 : 'x', 30);
        assert_false(audit_row_unpack(other, len, &back));
    }
}

static void test_audit_row__a_number_has_any_value(void **state)
{
    (void)state;
    static const int64_t values[] = {0, 1, -1, 63, 64, -64, -65, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct audit_row row = {.generation_after = values[i]}, back = {0};
        unsigned char packed[AUDIT_PACKED_BYTES];
        assert_true(audit_row_unpack(packed, audit_row_pack(&row, packed), &back));
        assert_int_equal(back.generation_after, values[i]);
    }
}

static void test_audit_row__names_are_bounded_and_utf8(void **state)
{
    (void)state;
    char name[AUDIT_NAME_BYTES], longer[200];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    audit_name("papers", name);
    assert_string_equal(name, "papers");
    audit_name(longer, name);
    assert_memory_equal(name, "sha256:", 7);
    assert_int_equal(strlen(name), 7 + 64);
    audit_name("\xff\xfe", name);
    assert_memory_equal(name, "sha256:", 7);
    longer[128] = '\0';
    audit_name(longer, name);
    assert_string_equal(name, longer);
}

/* Counted in Python, from what docs/design/audit.md says. */
static void test_audit_row__link_is_what_is_documented(void **state)
{
    (void)state;
    struct audit_row row = {.sequence = 2, .time_ms = 1764444000000, .run = 5, .uid = 1000};
    unsigned char link[HASH_SHA256_BYTES];
    char hex[HASH_SHA256_HEX];
    snprintf(row.command, sizeof row.command, "add");
    snprintf(row.user, sizeof row.user, "J\u00fcrgen");
    row.documents_added = 3;
    row.generation_after = 1;
    memset(row.state_after, 0xAB, sizeof row.state_after);
    audit_row_link(&row, link);
    hash_hex(link, sizeof link, hex);
    assert_string_equal(hex, "466fce172ae12276c23fd477d5e838b727dc7b8ee59056f2c03c43ac3b1f8859");
}

static void test_audit_row__sums_wrap_and_come_back(void **state)
{
    (void)state;
    unsigned char sum[HASH_SHA256_BYTES] = {0}, ones[HASH_SHA256_BYTES],
                  one[HASH_SHA256_BYTES] = {0};
    static const unsigned char zeros[HASH_SHA256_BYTES] = {0};
    memset(ones, 0xFF, sizeof ones);
    one[HASH_SHA256_BYTES - 1] = 1;
    audit_state_subtract(sum, one);
    assert_memory_equal(sum, ones, sizeof sum);
    audit_state_add(sum, one);
    assert_memory_equal(sum, zeros, sizeof sum);
    for (unsigned i = 0; i < 256; i++) {
        hash_sha256(&i, sizeof i, one);
        audit_state_add(sum, one);
    }
    for (unsigned i = 256; i-- > 0;) {
        hash_sha256(&i, sizeof i, one);
        audit_state_subtract(sum, one);
    }
    assert_memory_equal(sum, zeros, sizeof sum);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_audit_row__a_packed_row_comes_back),
        cmocka_unit_test(test_audit_row__there_is_one_way_to_write_a_row),
        cmocka_unit_test(test_audit_row__a_number_has_any_value),
        cmocka_unit_test(test_audit_row__names_are_bounded_and_utf8),
        cmocka_unit_test(test_audit_row__link_is_what_is_documented),
        cmocka_unit_test(test_audit_row__sums_wrap_and_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
