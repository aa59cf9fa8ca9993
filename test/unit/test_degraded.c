#include "../testing.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/metric.h"
#include "engine/degraded.h"
#include "engine/engine.h"

static struct error err;

static struct engine *open_engine(char **folder, enum feature off)
{
    struct engine_options options = engine_options_default();
    struct engine *engine;
    assert_ok(folder_make_temporary("/tmp", "ragged-degraded-", folder, &err));
    options.data_folder = *folder;
    if (off < FEATURE_COUNT)
        options.features.is_off[off] = true;
    assert_ok(engine_open(&options, &engine, &err));
    return engine;
}

static void close_engine(struct engine *engine, char *folder)
{
    engine_close(engine);
    assert_ok(folder_remove(folder, &err));
    mem_free(folder);
}

static void test_degraded__every_bit_has_a_name_and_is_counted(void **state)
{
    (void)state;
    char *folder;
    struct engine *engine = open_engine(&folder, FEATURE_COUNT);
    for (int i = 0; i < ENGINE_DEGRADED_COUNT; i++) {
        enum metric metric = (enum metric)(METRIC_DEGRADED_EMBEDDER + i);
        const char *name = engine_degraded_name((enum engine_degraded)(1 << i));
        char label[64];
        uint64_t before = metric_get(metric);
        degraded_count(engine, 1u << i);
        assert_true(metric_get(metric) == before + 1);
        snprintf(label, sizeof label, "reason=\"%s\"", name);
        assert_string_equal(metric_row(metric)->label, label);
        assert_string_equal(metric_row(metric)->name, "ragged_degraded_total");
    }
    assert_string_equal(engine_degraded_name((enum engine_degraded)(1 << ENGINE_DEGRADED_COUNT)),
                        "unknown");
    close_engine(engine, folder);
}

static void test_degraded__nothing_is_counted_when_that_is_off(void **state)
{
    (void)state;
    char *folder;
    struct engine *engine = open_engine(&folder, FEATURE_OBSERVABILITY_DASHBOARD);
    uint64_t before = metric_get(METRIC_DEGRADED_WORDS);
    degraded_count(engine, ENGINE_DEGRADED_WORDS);
    assert_true(metric_get(METRIC_DEGRADED_WORDS) == before);
    assert_true(degraded_is_allowed(engine));
    close_engine(engine, folder);
    engine = open_engine(&folder, FEATURE_GRACEFUL_DEGRADATION);
    assert_false(degraded_is_allowed(engine));
    close_engine(engine, folder);
}

static void test_degraded__names_of_features_are_found_as_people_write_them(void **state)
{
    (void)state;
    for (int i = 0; i < FEATURE_COUNT; i++) {
        char name[64];
        const char *plain = feature_name((enum feature)i);
        assert_int_equal(feature_find(plain), i);
        snprintf(name, sizeof name, "enable_%s", plain);
        assert_int_equal(feature_find(name), i);
        for (char *c = name; *c; c++)
            *c = *c == '_' ? '-' : *c;
        assert_int_equal(feature_find(name), i);
        assert_true(*feature_help((enum feature)i) != '\0');
        name[strlen(name) - 1] = '\0';
        assert_int_equal(feature_find(name), FEATURE_COUNT);
    }
    assert_int_equal(feature_find("enable"), FEATURE_COUNT);
    assert_int_equal(feature_find("enable_"), FEATURE_COUNT);
    assert_int_equal(feature_find(""), FEATURE_COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_degraded__every_bit_has_a_name_and_is_counted),
        cmocka_unit_test(test_degraded__nothing_is_counted_when_that_is_off),
        cmocka_unit_test(test_degraded__names_of_features_are_found_as_people_write_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
