#include "nn/model_config.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/buf.h"
#include "base/checked.h"
#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"

enum presence { PRESENCE_REQUIRED, PRESENCE_OPTIONAL };

/* *out stays NULL when an optional file is absent. */
static enum status read_json(const char *folder, const char *name, enum presence presence,
                             json_t **out, struct error *err)
{
    struct buf text = {0};
    struct error inner;
    json_t *value = NULL;
    char *path = path_join(folder, name);
    if (!path)
        return error_nomem(err);
    enum status status = file_read(path, RAGGED_LIMIT_CONFIG, &text, &inner);
    if (status == STATUS_NOT_FOUND && presence == PRESENCE_OPTIONAL) {
        status = STATUS_OK;
        goto done;
    }
    if (!status) {
        status = json_parse(buf_text(&text), text.len, &value, &inner);
        if (status)
            error_context(&inner, status, "\"%s\"", path);
    }
    if (status && err)
        *err = inner;
    if (!status)
        *out = value;
done:
    buf_clear(&text);
    mem_free(path);
    return status;
}

/* A text field that must be absent, null or one known word: anything else we do not run. */
static enum status check_word(const json_t *object, const char *file, const char *key,
                              const char *word, struct error *err)
{
    const json_t *value = json_object_get(object, key);
    if (!value || json_is_null(value))
        return STATUS_OK;
    if (!json_is_string(value))
        return error_set(err, STATUS_FORMAT, "%s: field \"%s\" is not a text", file, key);
    if (strcmp(json_string_value(value), word) == 0)
        return STATUS_OK;
    return error_set(err, STATUS_INVALID, "%s: field \"%s\" is \"%.60s\"; only \"%s\" is supported",
                     file, key, json_string_value(value), word);
}

static enum status check_flag(const json_t *object, const char *file, const char *key,
                              struct error *err)
{
    const json_t *value = json_object_get(object, key);
    if (!value || json_is_null(value) || json_is_true(value))
        return STATUS_OK;
    return error_set(err, STATUS_INVALID, "%s: field \"%s\" is not true; only true is supported",
                     file, key);
}

/* *out keeps its value when the field is absent or null. */
static enum status read_flag(const json_t *object, const char *file, const char *key, bool *out,
                             struct error *err)
{
    const json_t *value = json_object_get(object, key);
    if (!value || json_is_null(value))
        return STATUS_OK;
    if (!json_is_boolean(value))
        return error_set(err, STATUS_FORMAT, "%s: field \"%s\" is not true or false", file, key);
    *out = json_is_true(value);
    return STATUS_OK;
}

struct size_field {
    const char *key;
    size_t at; /* offset of the size_t in struct model_config */
    size_t low, high;
};

static enum status read_sizes(const json_t *object, const char *file,
                              const struct size_field *fields, size_t n_fields,
                              struct model_config *config, struct error *err)
{
    for (size_t i = 0; i < n_fields; i++) {
        const struct size_field *f = &fields[i];
        const json_t *value = json_object_get(object, f->key);
        if (!json_is_integer(value))
            return error_set(err, STATUS_FORMAT, "%s: field \"%s\" is missing or not an integer",
                             file, f->key);
        json_int_t n = json_integer_value(value);
        if (n < 0 || (size_t)n < f->low || (size_t)n > f->high)
            return error_set(err, STATUS_FORMAT,
                             "%s: field \"%s\" is %lld, not between %zu and %zu", file, f->key,
                             (long long)n, f->low, f->high);
        memcpy((char *)config + f->at, &(size_t){(size_t)n}, sizeof(size_t));
    }
    return STATUS_OK;
}

/* The last part of "author/Model-Name", for people to read; any other character becomes '-'. */
static void set_name(const char *from, struct model_config *config)
{
    const char *name = path_name(from);
    size_t n = size_min(strlen(name), sizeof config->name - 1);
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)name[i];
        bool is_plain = c < 0x80 && (isalnum(c) || c == '.' || c == '_');
        config->name[i] = (char)(is_plain ? tolower(c) : '-');
    }
    config->name[n] = '\0';
    if (n == 0)
        memcpy(config->name, "bert", 5);
}

static enum status read_architecture(const json_t *json, struct model_config *config,
                                     struct error *err)
{
    static const char file[] = "config.json";
    static const struct size_field fields[] = {
        {"num_hidden_layers", offsetof(struct model_config, n_layers), 1, 96},
        {"hidden_size", offsetof(struct model_config, dim), 1, 8192},
        {"num_attention_heads", offsetof(struct model_config, n_heads), 1, 256},
        {"intermediate_size", offsetof(struct model_config, n_inner), 1, 65536},
        {"vocab_size", offsetof(struct model_config, n_vocabulary), 3, 16777214},
        {"max_position_embeddings", offsetof(struct model_config, n_positions), 3, 65536},
        {"type_vocab_size", offsetof(struct model_config, n_types), 1, 64},
    };
    enum status status = check_word(json, file, "model_type", "bert", err);
    if (!status)
        status = check_word(json, file, "hidden_act", "gelu", err);
    if (!status)
        status = check_word(json, file, "position_embedding_type", "absolute", err);
    if (!status)
        status = read_sizes(json, file, fields, sizeof fields / sizeof fields[0], config, err);
    if (status)
        return status;
    if (config->dim % config->n_heads != 0)
        return error_set(err, STATUS_FORMAT,
                         "%s: field \"hidden_size\" is %zu, not a multiple of %zu heads", file,
                         config->dim, config->n_heads);
    double epsilon = json_get_number(json, "layer_norm_eps", 1e-12);
    if (!(epsilon >= 0 && epsilon <= 0.1))
        return error_set(err, STATUS_FORMAT,
                         "%s: field \"layer_norm_eps\" is %g, not between 0 and 0.1", file,
                         epsilon);
    config->norm_epsilon = (float)epsilon;
    config->n_tokens_max = config->n_positions;
    set_name(json_get_text(json, "_name_or_path", ""), config);
    return STATUS_OK;
}

/* A chain of modules; what they compute is fixed here: transformer, pooling, unit length. */
static enum status check_modules(const json_t *json, struct model_config *config, struct error *err)
{
    static const char *const known[] = {"Transformer", "Pooling", "Normalize"};
    (void)config;
    size_t i;
    const json_t *module;
    json_array_foreach(json, i, module)
    {
        const char *type = json_get_text(module, "type", ""), *dot = strrchr(type, '.');
        const char *name = dot ? dot + 1 : type;
        bool is_known = false;
        for (size_t k = 0; k < sizeof known / sizeof known[0]; k++)
            is_known = is_known || strcmp(name, known[k]) == 0;
        if (!is_known)
            return error_set(err, STATUS_INVALID,
                             "modules.json: module %zu is \"%.80s\"; only Transformer, Pooling and "
                             "Normalize are supported",
                             i, type);
    }
    return STATUS_OK;
}

static enum status read_pooling(const json_t *json, struct model_config *config, struct error *err)
{
    static const char file[] = "1_Pooling/config.json", prefix[] = "pooling_mode_";
    size_t n_modes = 0;
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)json, key, value)
    {
        if (strncmp(key, prefix, sizeof prefix - 1) != 0 || !json_is_true(value))
            continue;
        n_modes++;
        if (strcmp(key, "pooling_mode_mean_tokens") == 0)
            config->pooling = POOLING_MEAN;
        else if (strcmp(key, "pooling_mode_cls_token") == 0)
            config->pooling = POOLING_CLS;
        else
            return error_set(err, STATUS_INVALID,
                             "%s: \"%.60s\" is not supported, only the mean and cls modes are",
                             file, key);
    }
    if (n_modes != 1)
        return error_set(err, STATUS_INVALID, "%s: %zu pooling modes are on, not one", file,
                         n_modes);
    return STATUS_OK;
}

static enum status read_max_tokens(const json_t *json, struct model_config *config,
                                   struct error *err)
{
    const json_t *value = json_object_get(json, "max_seq_length");
    if (!value || json_is_null(value))
        return STATUS_OK;
    static const struct size_field field = {"max_seq_length",
                                            offsetof(struct model_config, n_tokens_max), 3, 65536};
    size_t n_positions = config->n_positions;
    enum status status = read_sizes(json, "sentence_bert_config.json", &field, 1, config, err);
    config->n_tokens_max = size_min(config->n_tokens_max, n_positions);
    return status;
}

static enum status read_tokenizer(const json_t *json, struct model_config *config,
                                  struct error *err)
{
    static const char file[] = "tokenizer_config.json";
    bool is_lower = true;
    enum status status = read_flag(json, file, "do_lower_case", &is_lower, err);
    bool is_stripped = is_lower;
    if (!status)
        status = read_flag(json, file, "strip_accents", &is_stripped, err);
    if (!status)
        status = check_flag(json, file, "tokenize_chinese_chars", err);
    if (!status)
        status = check_flag(json, file, "do_basic_tokenize", err);
    if (is_lower)
        config->casing = is_stripped ? CASING_UNCASED : CASING_LOWER;
    else
        config->casing = is_stripped ? CASING_STRIPPED : CASING_CASED;
    return status;
}

static const struct config_file {
    const char *name;
    enum presence presence;
    enum status (*read)(const json_t *json, struct model_config *config, struct error *err);
} config_files[] = {
    {"config.json", PRESENCE_REQUIRED, read_architecture},
    {"modules.json", PRESENCE_OPTIONAL, check_modules},
    {"1_Pooling/config.json", PRESENCE_OPTIONAL, read_pooling},
    {"sentence_bert_config.json", PRESENCE_OPTIONAL, read_max_tokens},
    {"tokenizer_config.json", PRESENCE_OPTIONAL, read_tokenizer},
};

enum status model_config_read(const char *folder, struct model_config *out, struct error *err)
{
    struct model_config config = {.pooling = POOLING_MEAN};
    for (size_t i = 0; i < sizeof config_files / sizeof config_files[0]; i++) {
        json_t *json = NULL;
        enum status status =
            read_json(folder, config_files[i].name, config_files[i].presence, &json, err);
        if (status)
            return status;
        if (json)
            status = config_files[i].read(json, &config, err);
        json_decref(json);
        if (status)
            return error_context(err, status, "model folder \"%s\"", folder);
    }
    *out = config;
    return STATUS_OK;
}
