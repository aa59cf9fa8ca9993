#include "config_fixture.h"

#include <sys/stat.h>
#include <unistd.h>

#include "app/config.h"
#include "app/option.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/mem.h"
#include "engine/engine.h"

static struct error err;

static enum status set(const char *name, const char *value)
{
    char *path;
    enum status status = config_file_path(&path, &err);
    if (!status)
        status = config_file_set(path, config_key_find(name), value, NULL, &err);
    mem_free(path);
    return status;
}

static void test_config__option_beats_environment_beats_file_beats_default(void **state)
{
    (void)state;
    char words[][8] = {"ragged", "query", "--model", "flag", "why"};
    char *argv[] = {words[0], words[1], words[2], words[3], words[4], NULL};
    struct arguments arguments;
    struct config config;
    assert_ok(config_load(NULL, &config, &err));
    assert_string_equal(config_text(&config, "llm_model"), "");
    assert_true(config_number(&config, "retrieval_k") == 5);
    config_clear(&config);

    write_config("llm_model: file\nretrieval_k: 9\n");
    assert_ok(config_load(NULL, &config, &err));
    assert_string_equal(config_text(&config, "llm_model"), "file");
    assert_true(config_number(&config, "retrieval_k") == 9);
    assert_int_equal(config_get(&config, "llm_model")->source, CONFIG_SOURCE_FILE);
    config_clear(&config);

    setenv("RAGGED_LLM_MODEL", "environment", 1);
    assert_ok(config_load(NULL, &config, &err));
    assert_string_equal(config_text(&config, "llm_model"), "environment");
    config_clear(&config);

    assert_ok(arguments_parse(5, argv, &arguments, &err));
    assert_ok(config_load(&arguments, &config, &err));
    assert_string_equal(config_text(&config, "llm_model"), "flag");
    assert_int_equal(config_get(&config, "llm_model")->source, CONFIG_SOURCE_FLAG);
    config_clear(&config);
    arguments_clear(&arguments);
}

static void test_config__understands_what_people_have_set_already(void **state)
{
    (void)state;
    static const struct {
        const char *variable, *text, *key, *expected;
    } cases[] = {
        {"OLLAMA_HOST", "0.0.0.0", "ollama_url", "http://127.0.0.1:11434"},
        {"OLLAMA_HOST", "box:8000", "ollama_url", "http://box:8000"},
        {"OLLAMA_HOST", "https://box/o", "ollama_url", "https://box/o"},
        {"RAGGED_OLLAMA_BASE_URL", "http://a:1", "ollama_url", "http://a:1"},
        {"RAGGED_EMBEDDING_MODEL", "sentence-transformers", "embedding_backend", "native"},
        {"RAGGED_EMBEDDING_MODEL", "ollama", "embedding_backend", "ollama"},
        {"RAGGED_CHUNK_SIZE", "300", "chunk_tokens", "300"},
        {"RAGGED_STORE", "/data/x", "data_dir", "/data/x"},
        {"HF_HUB_OFFLINE", "1", "offline", "true"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct config config;
        setenv(cases[i].variable, cases[i].text, 1);
        assert_ok(config_load(NULL, &config, &err));
        assert_string_equal(config_text(&config, cases[i].key), cases[i].expected);
        config_clear(&config);
        unsetenv(cases[i].variable);
    }
}

static void test_config__expands_the_home_folder(void **state)
{
    (void)state;
    struct config config;
    char expected[128];
    snprintf(expected, sizeof expected, "%s/library", home);
    setenv("RAGGED_DATA_DIR", "~/library", 1);
    assert_ok(config_load(NULL, &config, &err));
    assert_string_equal(config_text(&config, "data_dir"), expected);
    config_clear(&config);
}

static void test_config__without_a_home_says_so(void **state)
{
    (void)state;
    struct config config;
    struct engine_options options;
    unsetenv("HOME");
    unsetenv("XDG_CONFIG_HOME");
    assert_ok(config_load(NULL, &config, &err));
    assert_status(config_engine_options(&config, &options, &err), STATUS_NOT_FOUND);
    assert_non_null(strstr(err.message, "HOME"));
    config_clear(&config);
}

static void test_config__refuses_a_wrong_file_and_says_where(void **state)
{
    (void)state;
    static const struct {
        const char *text, *line, *named;
    } cases[] = {
        {"llm_model: a\nllm_modle: b\n", "line 2", "llm_model"},
        {"threads: 2\nthreads: 3\n", "line 2", NULL},
        {"# one\nthreads: many\n", "line 2", NULL},
        {"threads:\n  a: 1\n", "line 2", NULL},
        {"generator: [auto]\n", "line 1", NULL},
        {"- a\n", "line 1", NULL},
        {"generator: ollma\n", "line 1", "did you mean \"ollama\"?"},
        {"threads: 2\n---\nthreads: 3\n", "line 2", NULL},
        {"a: \"\n", "line", NULL},
        {"llm_model: \xFF\xFE\n", "line 1", NULL},
        {"llm_model: \"a\\0b\"\n", "line 1", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct config config;
        write_config(cases[i].text);
        assert_status(config_load(NULL, &config, &err), STATUS_INVALID);
        if (!strstr(err.message, cases[i].line))
            fail_msg("\"%s\" is not in: %s", cases[i].line, err.message);
        assert_non_null(strstr(err.message, "config.yaml"));
        if (cases[i].named)
            assert_non_null(strstr(err.hint, cases[i].named));
        config_clear(&config);
    }
}

static void test_config__set_changes_one_value_and_nothing_else(void **state)
{
    (void)state;
    static const struct {
        const char *before, *name, *value, *after;
    } cases[] = {
        {"", "threads", "3", "threads: 3\n"},
        {"# mine\nthreads: 2   # two\ngenerator: auto\n", "threads", "4",
         "# mine\nthreads: 4   # two\ngenerator: auto\n"},
        {"# gr\xC3\xBC\xC3\x9F\nllm_model: \"\xC3\xA4 b\" # x\n", "llm_model", "c",
         "# gr\xC3\xBC\xC3\x9F\nllm_model: c # x\n"},
        {"generator: auto", "llm_model", "a \"b\"",
         "generator: auto\nllm_model: \"a \\\"b\\\"\"\n"},
        {"llm_model:\nthreads: 1\n", "llm_model", "x", "llm_model: x\nthreads: 1\n"},
        {"llm_model: |\n  long\nthreads: 1\n", "llm_model", "x", "llm_model: x\nthreads: 1\n"},
        {"threads: 1\r\ngenerator: auto\r\n", "threads", "2", "threads: 2\r\ngenerator: auto\r\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        write_config(cases[i].before);
        assert_ok(set(cases[i].name, cases[i].value));
        assert_config(cases[i].after);
    }
    write_config("threads: 1\n");
    assert_status(set("threads", "many"), STATUS_INVALID);
    assert_config("threads: 1\n");
}

static void test_config__set_keeps_the_file_private_and_the_link(void **state)
{
    (void)state;
    char target[128];
    struct stat info;
    write_config("threads: 1\n");
    snprintf(target, sizeof target, "%s/dotfile", home);
    assert_int_equal(rename(config_path, target), 0);
    assert_int_equal(symlink(target, config_path), 0);
    assert_ok(set("threads", "2"));
    assert_int_equal(lstat(config_path, &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    assert_int_equal(stat(config_path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_config("threads: 2\n");
}

static void test_config__every_default_fits_its_own_rule(void **state)
{
    (void)state;
    for (const struct config_key *key = config_keys; key->name; key++) {
        struct value value;
        if (*key->fallback)
            assert_ok(value_check(&key->rule, key->name, key->fallback, &value, &err));
        assert_true(strncmp(key->environment, "RAGGED_", 7) == 0);
    }
}

static void test_config__hides_secrets(void **state)
{
    (void)state;
    struct config config;
    setenv("OPENAI_API_KEY", "sk-1", 1);
    assert_ok(config_load(NULL, &config, &err));
    assert_string_equal(config_text(&config, "openai_key"), "sk-1");
    assert_string_equal(config_shown(&config, config_key_find("openai_key")), "***");
    assert_string_equal(config_shown(&config, config_key_find("embedding_key")), "");
    config_clear(&config);
}

static void test_config__hides_the_secrets_of_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *url, *shown;
    } cases[] = {
        {"http://localhost:8080/v1", "http://localhost:8080/v1"},
        {"https://me:pa@ss@host/v1", "https://***@host/v1"},
        {"https://me:pa/ss@host/v1", "https://***@host/v1"},
        {"http://token@host", "http://***@host"},
        {"http://host/v1?api_key=k", "http://host/v1?***"},
        {"http://a:b@host/v1?key=c@d#e", "http://***@host/v1?***"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct config config;
        setenv("RAGGED_OPENAI_URL", cases[i].url, 1);
        assert_ok(config_load(NULL, &config, &err));
        assert_string_equal(config_text(&config, "openai_url"), cases[i].url);
        assert_string_equal(config_shown(&config, config_key_find("openai_url")), cases[i].shown);
        config_clear(&config);
    }
}

#ifdef RAGGED_FAULT
static void test_config__survives_every_failed_allocation(void **state)
{
    (void)state;
    write_config("llm_model: file\nretrieval_k: 9\n");
    enum status status = STATUS_NOMEM;
    for (int n = 1; status != STATUS_OK && n < 5000; n++) {
        char plan[32];
        struct config config;
        snprintf(plan, sizeof plan, "mem:%d", n);
        fault_plan(plan);
        status = config_load(NULL, &config, &err);
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
        IN_HOME(test_config__option_beats_environment_beats_file_beats_default),
        IN_HOME(test_config__understands_what_people_have_set_already),
        IN_HOME(test_config__expands_the_home_folder),
        IN_HOME(test_config__without_a_home_says_so),
        IN_HOME(test_config__refuses_a_wrong_file_and_says_where),
        IN_HOME(test_config__set_changes_one_value_and_nothing_else),
        IN_HOME(test_config__set_keeps_the_file_private_and_the_link),
        IN_HOME(test_config__every_default_fits_its_own_rule),
        IN_HOME(test_config__hides_secrets),
        IN_HOME(test_config__hides_the_secrets_of_addresses),
#ifdef RAGGED_FAULT
        IN_HOME(test_config__survives_every_failed_allocation),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
