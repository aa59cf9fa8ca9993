#include "config_fixture.h"

#include "app/config.h"
#include "app/option.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/mem.h"
#include "engine/engine.h"

static struct error err;

/* Whether query_caching is on in `collection`, and who says so. */
static void assert_query_caching(const char *flag, const char *collection, bool is_on,
                                 enum config_source source)
{
    char words[4][80] = {"ragged", "list", "--feature", ""};
    char *argv[] = {words[0], words[1], words[2], words[3], NULL};
    struct arguments arguments;
    struct config config;
    snprintf(words[3], sizeof words[3], "%s", flag ? flag : "");
    assert_ok(arguments_parse(flag ? 4 : 2, argv, &arguments, &err));
    assert_ok(config_load(&arguments, &config, &err));
    struct config_feature found = config_feature_get(&config, FEATURE_QUERY_CACHING, collection);
    struct features features = config_features(&config, collection);
    assert_int_equal(found.is_on, is_on);
    assert_int_equal(found.source, source);
    assert_int_equal(feature_is_on(&features, FEATURE_QUERY_CACHING), is_on);
    config_clear(&config);
    arguments_clear(&arguments);
}

static void
test_features__the_strongest_source_wins_and_its_word_on_a_collection_first(void **state)
{
    (void)state;
    assert_query_caching(NULL, NULL, true, CONFIG_SOURCE_DEFAULT);
    assert_query_caching(NULL, "papers", true, CONFIG_SOURCE_DEFAULT);

    write_config("feature_flags:\n  enable_query-caching: off\n  collections:\n    papers:\n"
                 "      query_caching: yes\nthreads: 2\n");
    assert_query_caching(NULL, NULL, false, CONFIG_SOURCE_FILE);
    assert_query_caching(NULL, "other", false, CONFIG_SOURCE_FILE);
    assert_query_caching(NULL, "papers", true, CONFIG_SOURCE_FILE);

    setenv("RAGGED_FEATURE_FLAGS", "{\"enable_query_caching\": false}", 1);
    assert_query_caching(NULL, "papers", false, CONFIG_SOURCE_ENVIRONMENT);
    setenv("RAGGED_FEATURE_FLAGS",
           "{\"query_caching\": true, \"collections\": {\"papers\": {\"query_caching\": false}}}",
           1);
    assert_query_caching(NULL, NULL, true, CONFIG_SOURCE_ENVIRONMENT);
    assert_query_caching(NULL, "papers", false, CONFIG_SOURCE_ENVIRONMENT);

    assert_query_caching("query_caching=on", "papers", true, CONFIG_SOURCE_FLAG);
    assert_query_caching("enable-query-caching=off", NULL, false, CONFIG_SOURCE_FLAG);
}

static void test_features__what_is_set_is_the_value_of_its_key(void **state)
{
    (void)state;
    struct config config;
    write_config("feature_flags: {adaptive_tuning: no, collections: {b: {query_caching: 0}}}\n");
    assert_ok(config_load(NULL, &config, &err));
    assert_string_equal(
        config_text(&config, "feature_flags"),
        "{\"adaptive_tuning\":false,\"collections\":{\"b\":{\"query_caching\":false}}}");
    assert_int_equal(config_get(&config, "feature_flags")->source, CONFIG_SOURCE_FILE);
    config_clear(&config);
}

static void test_features__a_wrong_file_says_where(void **state)
{
    (void)state;
    static const struct {
        const char *text, *said, *named;
    } cases[] = {
        {"feature_flags: no\n", "line 1", NULL},
        {"feature_flags: [query_caching]\n", "line 1", NULL},
        {"feature_flags:\n  query_cashing: no\n", "line 2", "did you mean \"query_caching\"?"},
        {"feature_flags:\n  query_caching: perhaps\n", "line 2", NULL},
        {"feature_flags:\n  query_caching:\n    a: b\n", "line 3", NULL},
        {"feature_flags:\n  query_caching: no\n  enable_query_caching: yes\n", "line 3", NULL},
        {"feature_flags:\n  collections: yes\n", "line 2", NULL},
        {"feature_flags:\n  collections:\n    a: yes\n", "line 3", NULL},
        {"feature_flags:\n  collections:\n    a:\n      b: yes\n", "line 4", "query_caching"},
        {"feature_flags:\n  collections:\n    a:\n      query_caching: {}\n", "line 4", NULL},
        {"feature_flags: {}\nfeature_flags: {}\n", "line 2", NULL},
        {"feature_flags: &a {}\nthreads: *a\n", "line 2", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct config config;
        write_config(cases[i].text);
        if (config_load(NULL, &config, &err) != STATUS_INVALID)
            fail_msg("taken: %s", cases[i].text);
        if (!strstr(err.message, cases[i].said) || !strstr(err.message, "config.yaml"))
            fail_msg("\"%s\" is not in: %s", cases[i].said, err.message);
        if (cases[i].named)
            assert_non_null(strstr(err.hint, cases[i].named));
        config_clear(&config);
    }
}

static void test_features__a_wrong_variable_or_option_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"no",
                                        "[]",
                                        "{\"query_caching\": 1}",
                                        "{\"query_caching\": \"perhaps\"}",
                                        "{\"query_cashing\": true}",
                                        "{\"collections\": true}",
                                        "{\"collections\": {\"a\": true}}",
                                        "{\"collections\": {\"a\": {\"collections\": {}}}}"};
    struct config config;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        setenv("RAGGED_FEATURE_FLAGS", texts[i], 1);
        assert_status(config_load(NULL, &config, &err), STATUS_INVALID);
        assert_non_null(strstr(err.message, "RAGGED_FEATURE_FLAGS"));
        config_clear(&config);
    }
    static const char *const flags[] = {"query_caching", "query_caching=", "=off", "x=on"};
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        config_features_init(&config);
        assert_status(config_features_read_flag(&config, flags[i], &err), STATUS_INVALID);
        config_clear(&config);
    }
}

static void test_features__the_file_is_changed_in_place(void **state)
{
    (void)state;
    static const struct {
        const char *before, *collection, *after;
    } cases[] = {
        {"", NULL, "feature_flags:\n  query_caching: false\n"},
        {"threads: 1", NULL, "threads: 1\nfeature_flags:\n  query_caching: false\n"},
        {"", "my papers",
         "feature_flags:\n  collections:\n    \"my papers\":\n      query_caching: false\n"},
        {"feature_flags: # mine\n    enable_query_caching: on # slow\n", NULL,
         "feature_flags: # mine\n    enable_query_caching: false # slow\n"},
        {"feature_flags:\n    # first\n    adaptive_tuning: no\nthreads: 1\n", NULL,
         "feature_flags:\n    # first\n    query_caching: false\n    adaptive_tuning: no\n"
         "threads: 1\n"},
        {"feature_flags: {}\n", NULL, "feature_flags: {query_caching: false}\n"},
        {"feature_flags: { adaptive_tuning: no }\n", "p",
         "feature_flags: {collections: {p: {query_caching: false}},  adaptive_tuning: no }\n"},
        {"feature_flags:\nthreads: 1\n", NULL,
         "feature_flags: {query_caching: false}\nthreads: 1\n"},
        {"feature_flags:\n  collections:\n    a:\n      adaptive_tuning: no\n", "a",
         "feature_flags:\n  collections:\n    a:\n      query_caching: false\n"
         "      adaptive_tuning: no\n"},
        {"feature_flags:\n  collections:\n    a:\n      adaptive_tuning: no\n", "b",
         "feature_flags:\n  collections:\n    b:\n      query_caching: false\n    a:\n"
         "      adaptive_tuning: no\n"},
        {"feature_flags:\n  collections:\n  query_caching: yes\n", "b",
         "feature_flags:\n  collections: {b: {query_caching: false}}\n  query_caching: yes\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        write_config(cases[i].before);
        assert_ok(config_file_set_feature(config_path, FEATURE_QUERY_CACHING, cases[i].collection,
                                          false, NULL, &err));
        assert_config(cases[i].after);
        assert_query_caching(NULL, cases[i].collection, false, CONFIG_SOURCE_FILE);
    }
}

/* Whatever was set before, the last word on a feature and a collection is what is read. */
static void test_features__many_changes_are_read_as_they_were_made(void **state)
{
    (void)state;
    static const char *const collections[] = {NULL, "a", "b: c", "\xC3\xA4\"{}"};
    signed char said[FEATURE_COUNT][4] = {{0}}; /* 0: nothing */
    unsigned seed = 20261129;
    for (int n = 0; n < 300; n++) {
        struct config config;
        seed = seed * 1664525u + 1013904223u;
        enum feature feature = (enum feature)((seed >> 8) % FEATURE_COUNT);
        size_t k = (seed >> 16) % 4;
        bool is_on = (seed >> 24) & 1;
        assert_ok(config_file_set_feature(config_path, feature, collections[k], is_on, NULL, &err));
        said[feature][k] = is_on ? 1 : -1;
        assert_ok(config_load(NULL, &config, &err));
        for (int i = 0; i < FEATURE_COUNT; i++)
            for (size_t j = 0; j < 4; j++) {
                int wanted = said[i][j] ? said[i][j] : said[i][0];
                assert_int_equal(config_feature_get(&config, (enum feature)i, collections[j]).is_on,
                                 wanted >= 0);
            }
        config_clear(&config);
    }
}

#ifdef RAGGED_FAULT
static void test_features__every_failed_allocation_is_survived(void **state)
{
    (void)state;
    write_config("feature_flags:\n  collections:\n    a:\n      query_caching: no\n");
    enum status status = STATUS_NOMEM;
    for (int n = 1; status != STATUS_OK && n < 5000; n++) {
        char plan[32];
        struct config config;
        snprintf(plan, sizeof plan, "mem:%d", n);
        fault_plan(plan);
        status = config_load(NULL, &config, &err);
        if (!status)
            status = config_file_set_feature(config_path, FEATURE_ADAPTIVE_TUNING, "b", false, NULL,
                                             &err);
        fault_plan(NULL);
        if (status)
            assert_status(status, STATUS_NOMEM);
        config_clear(&config);
    }
    assert_ok(status);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_HOME(test_features__the_strongest_source_wins_and_its_word_on_a_collection_first),
        IN_HOME(test_features__what_is_set_is_the_value_of_its_key),
        IN_HOME(test_features__a_wrong_file_says_where),
        IN_HOME(test_features__a_wrong_variable_or_option_is_refused),
        IN_HOME(test_features__the_file_is_changed_in_place),
        IN_HOME(test_features__many_changes_are_read_as_they_were_made),
#ifdef RAGGED_FAULT
        IN_HOME(test_features__every_failed_allocation_is_survived),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
