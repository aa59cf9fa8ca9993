#include "../testing.h"

#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "embed/tuning.h"

static const struct tuning found = {512, 7123.25, "2026-11-24T09:30:00Z"};

static char *make_folder(void)
{
    struct error err;
    char *folder = NULL;
    assert_ok(folder_make_temporary("/tmp", "ragged-tuning-", &folder, &err));
    return folder;
}

static void drop_folder(char *folder)
{
    struct error err;
    assert_ok(folder_remove(folder, &err));
    mem_free(folder);
}

static void put_file(const char *folder, const char *text, size_t len)
{
    struct error err;
    char *path = path_join(folder, "tuning.json");
    assert_non_null(path);
    assert_ok(file_replace(path, text, len, 0600, &err));
    mem_free(path);
}

static void assert_found(const char *folder, const char *key, size_t n_tokens)
{
    struct tuning read;
    assert_true(tuning_read(folder, key, &read));
    assert_int_equal(read.n_tokens, n_tokens);
    assert_true(read.rate == found.rate);
    assert_string_equal(read.since, found.since);
}

static void test_tuning__entries_are_kept_apart(void **state)
{
    (void)state;
    char *folder = make_folder();
    struct tuning other = found;
    other.n_tokens = 128;
    tuning_write(folder, "a 2 model", &found);
    tuning_write(folder, "a 4 model", &other);
    assert_found(folder, "a 2 model", 512);
    assert_found(folder, "a 4 model", 128);
    tuning_write(folder, "a 2 model", &other);
    assert_found(folder, "a 2 model", 128);
    struct tuning untouched = found;
    assert_false(tuning_read(folder, "b 2 model", &untouched));
    assert_memory_equal(&untouched, &found, sizeof found);
    drop_folder(folder);
}

/* Cut at every byte and with every byte changed: read or not, never trusted beyond its bounds, and
 * always written anew. */
static void test_tuning__damage_is_as_if_nothing_was_there(void **state)
{
    (void)state;
    static const char text[] = "{\"k\":{\"micro_batch_tokens\":512,\"tokens_per_second\":7123.25,"
                               "\"since\":\"2026-11-24T09:30:00Z\"}}";
    char *folder = make_folder(), changed[sizeof text];
    struct tuning read;
    put_file(folder, text, sizeof text - 1);
    assert_found(folder, "k", 512);
    for (size_t i = 0; i < sizeof text - 1; i++) {
        put_file(folder, text, i);
        assert_false(tuning_read(folder, "k", &read));
        memcpy(changed, text, sizeof text);
        changed[i] = (char)(changed[i] ^ 0x15);
        put_file(folder, changed, sizeof text - 1);
        if (tuning_read(folder, "k", &read))
            assert_true(read.n_tokens > 0 && read.rate > 0 && strlen(read.since) > 0);
        tuning_write(folder, "k", &found);
        assert_found(folder, "k", 512);
    }
    drop_folder(folder);
}

static void test_tuning__nonsense_is_no_entry(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "[]",
        "7",
        "{\"k\":7}",
        "{\"k\":{\"micro_batch_tokens\":512}}",
        "{\"k\":{\"micro_batch_tokens\":-1,\"tokens_per_second\":1,\"since\":\"x\"}}",
        "{\"k\":{\"micro_batch_tokens\":1e300,\"tokens_per_second\":1,\"since\":\"x\"}}",
        "{\"k\":{\"micro_batch_tokens\":512,\"tokens_per_second\":-1,\"since\":\"x\"}}",
        "{\"k\":{\"micro_batch_tokens\":512,\"tokens_per_second\":1,\"since\":\"\"}}",
        ("{\"k\":{\"micro_batch_tokens\":512,\"tokens_per_second\":1,"
         "\"since\":\"2026-11-24T09:30:00Z 2026-11-24T09:30:00Z\"}}"),
    };
    char *folder = make_folder();
    struct tuning read;
    assert_false(tuning_read(folder, "k", &read));
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        put_file(folder, texts[i], strlen(texts[i]));
        assert_false(tuning_read(folder, "k", &read));
    }
    tuning_write("/nowhere/at/all", "k", &found);
    assert_false(tuning_read("/nowhere/at/all", "k", &read));
    drop_folder(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tuning__entries_are_kept_apart),
        cmocka_unit_test(test_tuning__damage_is_as_if_nothing_was_there),
        cmocka_unit_test(test_tuning__nonsense_is_no_entry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
