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

#define N_TOKENS_MIN 3 /* of a text: its begin, its end and one between them */

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

/* Which of two words a text field is; *out keeps its value when the field is absent or null. */
static enum status read_choice(const json_t *object, const char *file, const char *key,
                               const char *const words[2], size_t *out, struct error *err)
{
    const json_t *value = json_object_get(object, key);
    if (!value || json_is_null(value))
        return STATUS_OK;
    if (!json_is_string(value))
        return error_set(err, STATUS_FORMAT, "%s: field \"%s\" is not a text", file, key);
    for (size_t i = 0; i < 2; i++) {
        if (strcmp(json_string_value(value), words[i]) == 0) {
            *out = i;
            return STATUS_OK;
        }
    }
    return error_set(err, STATUS_INVALID,
                     "%s: field \"%s\" is \"%.60s\"; only \"%s\" and \"%s\" are supported", file,
                     key, json_string_value(value), words[0], words[1]);
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

/* RoBERTa counts positions from behind the row of its padding. */
static enum status read_position_offset(const json_t *json, struct model_config *config,
                                        struct error *err)
{
    static const char file[] = "config.json";
    static const struct size_field field = {
        "pad_token_id", offsetof(struct model_config, position_offset), 0, 65535};
    size_t n_positions = config->n_positions;
    config->position_offset = 1; /* the padding of every known model */
    enum status status = json_object_get(json, field.key)
                             ? read_sizes(json, file, &field, 1, config, err)
                             : STATUS_OK;
    config->position_offset++;
    if (!status && config->position_offset + N_TOKENS_MIN > n_positions)
        status = error_set(err, STATUS_FORMAT,
                           "%s: field \"pad_token_id\" leaves too few of %zu positions", file,
                           n_positions);
    return status;
}

/* A head of n labels is named by the architecture and counted by the names of the labels. */
static void read_labels(const json_t *json, struct model_config *config)
{
    const char *name = json_string_value(json_array_get(json_object_get(json, "architectures"), 0));
    if (!name || !strstr(name, "ForSequenceClassification"))
        return;
    const json_t *labels = json_object_get(json, "id2label");
    config->n_labels = labels ? json_object_size(labels) : 2;
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
    static const char *const types[2] = {"bert", "xlm-roberta"};
    size_t type = 0;
    enum status status = read_choice(json, file, "model_type", types, &type, err);
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
    if (type == 1)
        status = read_position_offset(json, config, err);
    if (status)
        return status;
    config->n_tokens_max = config->n_positions - config->position_offset;
    read_labels(json, config);
    set_name(json_get_text(json, "_name_or_path", ""), config);
    return STATUS_OK;
}

/* A chain of modules: transformer, pooling and, where it is, unit length. */
static enum status read_modules(const json_t *json, struct model_config *config, struct error *err)
{
    static const char *const known[] = {"Transformer", "Pooling", "Normalize"};
    size_t i;
    const json_t *module;
    config->is_normalised = false;
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
        config->is_normalised = config->is_normalised || strcmp(name, "Normalize") == 0;
    }
    return STATUS_OK;
}

static enum status read_pooling(const json_t *json, struct model_config *config, struct error *err)
{
    static const char file[] = "1_Pooling/config.json", prefix[] = "pooling_mode_";
    static const char *const modes[2] = {"mean", "cls"};
    size_t n_modes = 0, mode = SIZE_MAX;
    const char *key;
    enum status status = check_flag(json, file, "include_prompt", err);
    if (!status)
        status = read_choice(json, file, "pooling_mode", modes, &mode, err);
    if (status)
        return status;
    if (mode != SIZE_MAX) { /* as newer versions write it */
        config->pooling = mode == 0 ? POOLING_MEAN : POOLING_CLS;
        return STATUS_OK;
    }
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
    static const char file[] = "sentence_bert_config.json";
    static const struct size_field field = {
        "max_seq_length", offsetof(struct model_config, n_tokens_max), N_TOKENS_MIN, 65536};
    enum status status = read_flag(json, file, "do_lower_case", &config->lowers_text, err);
    if (status)
        return status;
    const json_t *value = json_object_get(json, "max_seq_length");
    if (!value || json_is_null(value))
        return STATUS_OK;
    size_t n_positions = config->n_tokens_max;
    status = read_sizes(json, file, &field, 1, config, err);
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

static enum casing lowered(enum casing casing)
{
    switch (casing) {
    case CASING_CASED:
        return CASING_LOWER;
    case CASING_STRIPPED:
        return CASING_UNCASED;
    default:
        return casing;
    }
}

static const struct config_file {
    const char *name;
    enum presence presence;
    enum status (*read)(const json_t *json, struct model_config *config, struct error *err);
} config_files[] = {
    {"config.json", PRESENCE_REQUIRED, read_architecture},
    {"modules.json", PRESENCE_OPTIONAL, read_modules},
    {"1_Pooling/config.json", PRESENCE_OPTIONAL, read_pooling},
    {"sentence_bert_config.json", PRESENCE_OPTIONAL, read_max_tokens},
    {"tokenizer_config.json", PRESENCE_OPTIONAL, read_tokenizer},
};

enum status model_config_read(const char *folder, struct model_config *out, struct error *err)
{
    struct model_config config = {.pooling = POOLING_MEAN, .is_normalised = true};
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
    if (config.lowers_text) /* once more does no harm, and once is what it comes to */
        config.casing = lowered(config.casing);
    if (config.n_labels) { /* a classifier reads the first token as it is */
        config.pooling = POOLING_CLS;
        config.is_normalised = false;
    }
    *out = config;
    return STATUS_OK;
}
