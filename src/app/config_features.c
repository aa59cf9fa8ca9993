#include "app/config.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "engine/engine.h"

#define COLLECTIONS "collections"

void config_features_init(struct config *config)
{
    for (int i = 0; i < FEATURE_COUNT; i++)
        config->features.values[i] = (struct config_feature){.is_on = true, .origin = ""};
}

enum status config_feature_unknown(const char *name, const char *where, struct error *err)
{
    struct suggestion suggestion = {.wrong = name};
    for (int i = 0; i < FEATURE_COUNT; i++)
        suggestion_offer(&suggestion, feature_name((enum feature)i));
    error_set(err, STATUS_INVALID, "there is no feature \"%s\"%s", name, where);
    suggestion_finish(&suggestion, "features", err);
    return STATUS_INVALID;
}

static struct config_override *find_override(const struct config_features *features,
                                             enum feature feature, const char *collection)
{
    for (size_t i = 0; i < features->n_overrides; i++)
        if (features->overrides[i].feature == feature &&
            strcmp(features->overrides[i].collection, collection) == 0)
            return &features->overrides[i];
    return NULL;
}

static enum status make_override(struct config *config, enum feature feature,
                                 const char *collection, struct config_override **out,
                                 struct error *err)
{
    struct config_features *features = &config->features;
    void *overrides = features->overrides;
    enum status status = mem_reserve(&overrides, &features->n_overrides_max,
                                     features->n_overrides + 1, sizeof **out, err);
    features->overrides = overrides;
    const char *copy = arena_text(&config->arena, collection, strlen(collection));
    if (!status && !copy)
        status = error_nomem(err);
    if (status)
        return status;
    *out = &features->overrides[features->n_overrides++];
    **out = (struct config_override){.collection = copy, .feature = feature};
    return STATUS_OK;
}

/* Where the setting is kept. */
static enum status find_slot(struct config *config, enum feature feature, const char *collection,
                             struct config_feature **out, struct error *err)
{
    struct config_override *found = NULL;
    enum status status = STATUS_OK;
    if (collection) {
        found = find_override(&config->features, feature, collection);
        if (!found)
            status = make_override(config, feature, collection, &found, err);
    }
    if (!status)
        *out = found ? &found->value : &config->features.values[feature];
    return status;
}

enum status config_features_set(struct config *config, struct config_feature_setting setting,
                                struct error *err)
{
    static const struct value_rule rule = {.type = VALUE_SWITCH};
    struct value value;
    struct config_feature *slot;
    char where[320] = "";
    enum feature feature = feature_find(setting.name);
    if (setting.source != CONFIG_SOURCE_FLAG)
        snprintf(where, sizeof where, " in %.300s", setting.origin);
    if (feature == FEATURE_COUNT)
        return config_feature_unknown(setting.name, where, err);
    enum status status = value_check(&rule, feature_name(feature), setting.text, &value, err);
    if (status)
        return error_context(err, status, "%s", setting.origin);
    const char *origin = arena_text(&config->arena, setting.origin, strlen(setting.origin));
    if (!origin)
        return error_nomem(err);
    status = find_slot(config, feature, setting.collection, &slot, err);
    if (!status && setting.source == CONFIG_SOURCE_FILE && slot->source == CONFIG_SOURCE_FILE)
        status = error_set(err, STATUS_INVALID, "\"%s\" is there twice%s", setting.name, where);
    if (!status)
        *slot = (struct config_feature){value.number > 0, setting.source, origin};
    return status;
}

/* ---- RAGGED_FEATURE_FLAGS ---- */

static enum status not_an_object(const char *origin, struct error *err)
{
    error_set(err, STATUS_INVALID, "%s is not a JSON object of true and false", origin);
    error_hint(err, "as {\"query_caching\": false, \"collections\": {\"papers\": "
                    "{\"query_caching\": true}}}");
    return STATUS_INVALID;
}

static enum status take_object(struct config *config, json_t *object, const char *collection,
                               const char *origin, struct error *err)
{
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value)
    {
        if (!collection && strcmp(name, COLLECTIONS) == 0)
            continue;
        if (!json_is_boolean(value) && !json_is_string(value))
            return not_an_object(origin, err);
        struct config_feature_setting setting = {
            .name = name,
            .text = json_is_string(value) ? json_string_value(value)
                    : json_is_true(value) ? "true"
                                          : "false",
            .collection = collection,
            .source = CONFIG_SOURCE_ENVIRONMENT,
            .origin = origin,
        };
        enum status status = config_features_set(config, setting, err);
        if (status)
            return status;
    }
    return STATUS_OK;
}

static enum status take_collections(struct config *config, json_t *collections, const char *origin,
                                    struct error *err)
{
    const char *name;
    json_t *object;
    enum status status = STATUS_OK;
    if (collections && !json_is_object(collections))
        return not_an_object(origin, err);
    json_object_foreach(collections, name, object)
    {
        if (!json_is_object(object))
            status = not_an_object(origin, err);
        if (!status)
            status = take_object(config, object, name, origin, err);
        if (status)
            return status;
    }
    return STATUS_OK;
}

enum status config_features_read_json(struct config *config, const char *text, const char *origin,
                                      struct error *err)
{
    json_t *object = NULL;
    enum status status = json_parse(text, strlen(text), &object, err);
    if (status)
        return status == STATUS_NOMEM ? status : not_an_object(origin, err);
    status = json_is_object(object) ? take_object(config, object, NULL, origin, err)
                                    : not_an_object(origin, err);
    if (!status)
        status = take_collections(config, json_object_get(object, COLLECTIONS), origin, err);
    json_decref(object);
    return status;
}

/* ---- --feature ---- */

enum status config_features_read_flag(struct config *config, const char *text, struct error *err)
{
    size_t len = strcspn(text, "=");
    const char *name = arena_text(&config->arena, text, len);
    if (!name)
        return error_nomem(err);
    if (!text[len]) {
        error_set(err, STATUS_INVALID, "--feature wants NAME=on or NAME=off, not \"%s\"", text);
        error_hint(err, "`ragged feature-flags list` shows the names");
        return STATUS_INVALID;
    }
    return config_features_set(config,
                               (struct config_feature_setting){.name = name,
                                                               .text = text + len + 1,
                                                               .source = CONFIG_SOURCE_FLAG,
                                                               .origin = "--feature"},
                               err);
}

/* ---- what is set ---- */

struct config_feature config_feature_get(const struct config *config, enum feature feature,
                                         const char *collection)
{
    const struct config_feature *general = &config->features.values[feature];
    const struct config_override *special =
        collection ? find_override(&config->features, feature, collection) : NULL;
    return special && special->value.source >= general->source ? special->value : *general;
}

struct features config_features(const struct config *config, const char *collection)
{
    struct features features = {0};
    for (int i = 0; i < FEATURE_COUNT; i++)
        features.is_off[i] = !config_feature_get(config, (enum feature)i, collection).is_on;
    return features;
}

/* Notes the setting for the key's own row, which has the source that wins most. */
static bool put(json_t *object, enum feature feature, const struct config_feature *value,
                struct config_value *key)
{
    if (value->source >= key->source) {
        key->source = value->source;
        key->origin = value->origin;
    }
    return json_put(object, feature_name(feature), json_boolean(value->is_on));
}

static bool put_override(json_t *object, const struct config_override *o, struct config_value *key)
{
    json_t *collections = json_object_get(object, COLLECTIONS);
    if (!collections && json_put(object, COLLECTIONS, json_object()))
        collections = json_object_get(object, COLLECTIONS);
    json_t *own = json_object_get(collections, o->collection);
    if (!own && json_put(collections, o->collection, json_object()))
        own = json_object_get(collections, o->collection);
    return own && put(own, o->feature, &o->value, key);
}

enum status config_features_finish(struct config *config, struct error *err)
{
    struct config_value *key = &config->values[config_key_find("feature_flags") - config_keys];
    const struct config_features *features = &config->features;
    struct buf text = {0};
    json_t *object = json_object();
    bool is_whole = object != NULL;
    for (int i = 0; i < FEATURE_COUNT && is_whole; i++)
        if (features->values[i].source != CONFIG_SOURCE_DEFAULT)
            is_whole = put(object, (enum feature)i, &features->values[i], key);
    for (size_t i = 0; i < features->n_overrides && is_whole; i++)
        is_whole = put_override(object, &features->overrides[i], key);
    if (is_whole && json_object_size(object) > 0) {
        json_write(object, JSON_STYLE_COMPACT, &text);
        key->value.text = arena_text(&config->arena, buf_text(&text), text.len);
        is_whole = !text.failed && key->value.text;
    }
    json_decref(object);
    buf_clear(&text);
    return is_whole ? STATUS_OK : error_nomem(err);
}
