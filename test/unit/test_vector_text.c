/* Numbers of vectors as text: what is written reads back as the same float. */
#include "../testing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/vector_text.h"
#include "base/buf.h"

static void assert_reads_back(float value)
{
    struct buf text = {0};
    vector_text_append(&text, &value, 1);
    assert_status(buf_status(&text, NULL), STATUS_OK);
    char *end;
    float again = strtof(buf_text(&text), &end);
    if (*end || memcmp(&again, &value, sizeof value) != 0)
        fail_msg("%a was written as \"%s\"", (double)value, buf_text(&text));
    buf_clear(&text);
}

static void test_vector_text__reads_back(void **state)
{
    (void)state;
    static const float special[] = {0.0f,  -0.0f, 1.0f,   -1.0f,  0.1f,     0.5f,   1e-4f,
                                    1e-3f, 1e-2f, 1e-30f, 1e-45f, 1.00001f, 123.5f, -0.01f};
    for (size_t i = 0; i < sizeof special / sizeof special[0]; i++)
        assert_reads_back(special[i]);
    assert_reads_back(nextafterf(1.0f, 0.0f));
    assert_reads_back(nextafterf(0.1f, 0.0f));
    unsigned seed = 20261124;
    printf("seed %u\n", seed);
    for (int i = 0; i < 200000; i++) {
        seed = seed * 1664525u + 1013904223u;
        float fraction = (float)(seed >> 8) / (float)(1 << 24);
        assert_reads_back(ldexpf(fraction * 2 - 1, -(i % 20)));
    }
}

static void test_vector_text__is_short_and_json(void **state)
{
    (void)state;
    static const float values[] = {0.5f, -0.25f, 0.0625f, 0.0f, 1.0f};
    struct buf text = {0};
    vector_text_append(&text, values, sizeof values / sizeof values[0]);
    assert_string_equal(buf_text(&text), "0.5,-0.25,0.0625,0,1");
    buf_clear(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vector_text__reads_back),
        cmocka_unit_test(test_vector_text__is_short_and_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
