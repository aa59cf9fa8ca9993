#include "app/config.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "app/option.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/mem.h"

const char *config_source_name(enum config_source source)
{
    static const char *const names[CONFIG_SOURCE_COUNT] = {
        [CONFIG_SOURCE_DEFAULT] = "default",
        [CONFIG_SOURCE_FILE] = "file",
        [CONFIG_SOURCE_ENVIRONMENT] = "env",
        [CONFIG_SOURCE_FLAG] = "flag",
    };
    return source < CONFIG_SOURCE_COUNT ? names[source] : "";
}

const struct config_value *config_get(const struct config *config, const char *name)
{
    const struct config_key *key = config_key_find(name);
    assert(key);
    return &config->values[key - config_keys];
}

const char *config_text(const struct config *config, const char *name)
{
    return config_get(config, name)->value.text;
}

double config_number(const struct config *config, const char *name)
{
    return config_get(config, name)->value.number;
}

bool config_is_on(const struct config *config, const char *name)
{
    return config_number(config, name) > 0;
}

const char *config_shown(const struct config *config, const struct config_key *key)
{
    return config->values[key - config_keys].shown;
}

/* An address may hold a user with a password, and a key in what follows the path. */
static const char *shown_text(struct config *config, const struct config_key *key, const char *text)
{
    if (key->is_secret && *text)
        return "***";
    const char *host = key->rule.type == VALUE_URL ? strstr(text, "://") : NULL;
    if (!host)
        return text;
    host += strlen("://");
    const char *end = host + strcspn(host, "?#"), *at = memrchr(host, '@', (size_t)(end - host));
    return arena_printf(&config->arena, "%.*s%s%.*s%s", (int)(host - text), text, at ? "***" : "",
                        (int)(end - (at ? at : host)), at ? at : host, *end ? "?***" : "");
}

/* What users of the Python tool and of Ollama write, as the keys of today. */
static const char *modern_text(struct config *config, const struct config_key *key,
                               const char *origin, const char *text)
{
    if (strcmp(origin, "OLLAMA_HOST") == 0 && *text) {
        const char *host = strstr(text, "://") ? strstr(text, "://") + 3 : text;
        const char *scheme = strncmp(text, "https://", 8) == 0 ? "https" : "http";
        bool is_any = strncmp(host, "0.0.0.0", 7) == 0;
        const char *rest = is_any ? host + 7 : host;
        const char *tail = strrchr(host, ']') ? strrchr(host, ']') : host;
        const char *port = strchr(tail, ':') || host != text ? "" : ":11434";
        return arena_printf(&config->arena, "%s://%s%s%s", scheme, is_any ? "127.0.0.1" : "", rest,
                            port);
    }
    if (key->rule.type == VALUE_PATH && (strcmp(text, "~") == 0 || strncmp(text, "~/", 2) == 0)) {
        const char *home = getenv("HOME");
        return home ? arena_printf(&config->arena, "%s%s", home, text + 1)
                    : arena_text(&config->arena, text, strlen(text));
    }
    return arena_text(&config->arena, text, strlen(text));
}

/* embedding_model once named the backend. */
static const struct config_key *modern_key(const struct config_key *key, const char **text)
{
    if (strcmp(key->name, "embedding_model") != 0)
        return key;
    if (strcmp(*text, "sentence-transformers") == 0)
        *text = "native";
    else if (strcmp(*text, "ollama") != 0)
        return key;
    return config_key_find("embedding_backend");
}

static enum status set_value(struct config *config, const struct config_key *key, const char *text,
                             enum config_source source, const char *origin, struct error *err)
{
    char what[400];
    key = modern_key(key, &text);
    struct config_value *slot = &config->values[key - config_keys];
    if (source == CONFIG_SOURCE_FILE)
        snprintf(what, sizeof what, "\"%s\" in %.300s", key->name, origin);
    else
        snprintf(what, sizeof what, "%.300s", *origin ? origin : key->name);
    struct value value = {.text = text};
    const char *copy = modern_text(config, key, origin, text);
    const char *kept_origin = arena_text(&config->arena, origin, strlen(origin));
    if (!copy || !kept_origin)
        return error_nomem(err);
    bool is_unset = source == CONFIG_SOURCE_DEFAULT && !*copy;
    enum status status = is_unset ? STATUS_OK : value_check(&key->rule, what, copy, &value, err);
    if (status)
        return status;
    if (is_unset)
        value.text = copy;
    const char *shown = shown_text(config, key, value.text);
    if (!shown)
        return error_nomem(err);
    *slot = (struct config_value){
        .value = value, .shown = shown, .source = source, .origin = kept_origin};
    return STATUS_OK;
}

struct load {
    struct config *config;
    const char *path;
};

static enum status take_pair(void *ctx, const struct config_pair *pair, struct error *err)
{
    struct load *load = ctx;
    char origin[300];
    const struct config_key *key = config_key_find(pair->names[0]);
    snprintf(origin, sizeof origin, "\"%.250s\" line %zu", load->path, pair->line);
    if (!*pair->value)
        return STATUS_OK;
    if (key->is_mapping)
        return config_features_set(
            load->config,
            (struct config_feature_setting){.name = pair->names[pair->n_names - 1],
                                            .text = pair->value,
                                            .collection = pair->n_names > 2 ? pair->names[2] : NULL,
                                            .source = CONFIG_SOURCE_FILE,
                                            .origin = origin},
            err);
    return set_value(load->config, key, pair->value, CONFIG_SOURCE_FILE, origin, err);
}

static enum status load_file(struct config *config, struct error *err)
{
    struct buf text = {0};
    char *path = NULL;
    enum status status = config_file_path(&path, err);
    if (status == STATUS_NOT_FOUND)
        return STATUS_OK;
    if (status)
        return status;
    status = file_read(path, RAGGED_LIMIT_CONFIG, &text, err);
    if (!status)
        status = config_file_read(path, buf_text(&text), text.len, take_pair,
                                  &(struct load){config, path}, err);
    else if (status == STATUS_NOT_FOUND)
        status = STATUS_OK;
    buf_clear(&text);
    mem_free(path);
    return status;
}

static enum status load_environment(struct config *config, const struct config_key *key,
                                    struct error *err)
{
    const char *names = key->environment;
    while (*names) {
        char name[64];
        size_t len = strcspn(names, " ");
        snprintf(name, sizeof name, "%.*s", (int)len, names);
        const char *text = getenv(name);
        if (text && *text && key->is_mapping)
            return config_features_read_json(config, text, name, err);
        if (text && *text)
            return set_value(config, key, text, CONFIG_SOURCE_ENVIRONMENT, name, err);
        names += len + (names[len] == ' ');
    }
    return STATUS_OK;
}

static enum status load_flags(struct config *config, const struct arguments *arguments,
                              struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; arguments && i < arguments->n_given && !status; i++) {
        const struct option *option = arguments->given[i].option;
        const char *text = arguments->given[i].value.text;
        char origin[80];
        if (strcmp(option->name, "feature") == 0)
            status = config_features_read_flag(config, text, err);
        if (!option->config_key)
            continue;
        snprintf(origin, sizeof origin, "--%s", option->name);
        status = set_value(config, config_key_find(option->config_key), text ? text : "true",
                           CONFIG_SOURCE_FLAG, origin, err);
    }
    return status;
}

enum status config_load(const struct arguments *arguments, struct config *out, struct error *err)
{
    *out = (struct config){0};
    config_features_init(out);
    enum status status = STATUS_OK;
    for (const struct config_key *key = config_keys; key->name && !status; key++)
        status = set_value(out, key, key->fallback, CONFIG_SOURCE_DEFAULT, "", err);
    if (!status)
        status = load_file(out, err);
    for (const struct config_key *key = config_keys; key->name && !status; key++)
        status = load_environment(out, key, err);
    if (!status)
        status = load_flags(out, arguments, err);
    if (!status)
        status = config_features_finish(out, err);
    if (status || *config_text(out, "data_dir"))
        return status;
    /* Without a home there is no default; it is asked for when a library is opened. */
    char *folder = NULL;
    if (config_xdg_folder("XDG_DATA_HOME", ".local/share", &folder, NULL) == STATUS_OK)
        status =
            set_value(out, config_key_find("data_dir"), folder, CONFIG_SOURCE_DEFAULT, "", err);
    mem_free(folder);
    return status;
}

void config_clear(struct config *config)
{
    mem_free(config->features.overrides);
    arena_clear(&config->arena);
    *config = (struct config){0};
}

static const char *text_or_null(const struct config *config, const char *name)
{
    const char *text = config_text(config, name);
    return *text ? text : NULL;
}

/* Ollama is looked for without being asked for: that it is not there says nothing then. */
static bool is_generator_expected(const struct config *config)
{
    static const char *const keys[] = {"ollama_url", "openai_url", "gguf_path", "llm_model"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (config_get(config, keys[i])->source != CONFIG_SOURCE_DEFAULT &&
            *config_text(config, keys[i]))
            return true;
    return false;
}

struct engine_options config_options_without_library(const struct config *config)
{
    struct engine_options options = engine_options_default();
    options.data_folder = text_or_null(config, "data_dir");
    options.embedding_backend = text_or_null(config, "embedding_backend");
    options.embedding_model = text_or_null(config, "embedding_model");
    options.embedding_precision = text_or_null(config, "embedding_precision");
    options.embedding_url = text_or_null(config, "embedding_url");
    options.embedding_key = text_or_null(config, "embedding_key");
    options.rerank_model = text_or_null(config, "rerank_model");
    options.generator = text_or_null(config, "generator");
    options.llm_model = text_or_null(config, "llm_model");
    options.ollama_url = text_or_null(config, "ollama_url");
    options.openai_url = text_or_null(config, "openai_url");
    options.openai_key = text_or_null(config, "openai_key");
    options.gguf_path = text_or_null(config, "gguf_path");
    options.language = text_or_null(config, "language");
    options.chunk_tokens = (size_t)config_number(config, "chunk_tokens");
    options.chunk_overlap = (size_t)config_number(config, "chunk_overlap");
    options.file_limit_bytes = (size_t)config_number(config, "max_file_size_mb") * RAGGED_MIB;
    options.part_bytes = (size_t)config_number(config, "part_size_kb") * 1024;
    options.n_threads = (unsigned)config_number(config, "threads");
    options.memory_bytes_max = (size_t)config_number(config, "max_memory");
    options.disk_reserve_bytes = (uint64_t)config_number(config, "disk_reserve");
    options.is_offline = config_is_on(config, "offline");
    options.breaker_force = text_or_null(config, "breaker_force");
    options.answer_timeout_ms = (int)(1000 * config_number(config, "answer_timeout"));
    options.is_generator_expected = is_generator_expected(config);
    options.features = config_features(config, NULL);
    options.cache_bytes_max = (uint64_t)config_number(config, "cache_mb") * RAGGED_MIB;
    options.cache_ttl_ms = (int64_t)config_number(config, "cache_ttl_s") * 1000;
    options.has_answer_cache = config_is_on(config, "cache_answers");
    return options;
}

enum status config_engine_options(const struct config *config, struct engine_options *out,
                                  struct error *err)
{
    struct engine_options options = config_options_without_library(config);
    if (!options.data_folder) {
        error_set(err, STATUS_NOT_FOUND, "there is no home folder: HOME is not set");
        error_hint(err, "set HOME or XDG_DATA_HOME, or use --data-dir PATH");
        return STATUS_NOT_FOUND;
    }
    *out = options;
    return STATUS_OK;
}
