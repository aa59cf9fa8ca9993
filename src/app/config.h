/* app/config.h - settings: option > environment > the user's file > default.
 *
 * The file is $XDG_CONFIG_HOME/ragged/config.yaml (else ~/.config/...), one YAML mapping, flat but
 * for "feature_flags". A wrong name or value anywhere is an error that says where. One thread at a
 * time. */
#ifndef RAGGED_APP_CONFIG_H
#define RAGGED_APP_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "app/value.h"
#include "base/arena.h"
#include "base/hash.h"
#include "base/status.h"
#include "engine/engine.h"

struct arguments;

struct config_key {
    const char *name;
    struct value_rule rule;
    const char *fallback;    /* the default as text; data_dir: "" and found by its rule */
    const char *environment; /* names separated by spaces, the first that is set wins */
    const char *help;
    bool is_secret;  /* never shown */
    bool is_mapping; /* holds names of its own: "feature_flags" */
};
/* Ends with a row without a name. */
extern const struct config_key config_keys[];
enum { CONFIG_KEYS_MAX = 64 };
/* "all", then the names of enum engine_mode in its order, then NULL. */
extern const char *const config_mode_choices[];

const struct config_key *config_key_find(const char *name); /* NULL: no such key */
/* INVALID with the keys there are; `where` ends the sentence ("" or " in ..."). */
enum status config_key_unknown(const char *name, const char *where, struct error *err) MUST_USE;

enum config_source {
    CONFIG_SOURCE_DEFAULT,
    CONFIG_SOURCE_FILE,
    CONFIG_SOURCE_ENVIRONMENT,
    CONFIG_SOURCE_FLAG,
    CONFIG_SOURCE_COUNT
};
const char *config_source_name(enum config_source source);

struct config_value {
    struct value value;        /* text owned by the arena or static */
    const char *shown;         /* without its secrets; owned likewise */
    enum config_source source; /* where it came from */
    const char *origin;        /* the file, the variable, the option; "" for a default */
};

struct config_feature {
    bool is_on;
    enum config_source source;
    const char *origin; /* as of config_value */
};
/* What a source says of a feature in one collection. */
struct config_override {
    const char *collection;
    enum feature feature;
    struct config_feature value;
};
struct config_features {
    struct config_feature values[FEATURE_COUNT];
    struct config_override *overrides; /* owned */
    size_t n_overrides, n_overrides_max;
};

struct config {
    struct config_value values[CONFIG_KEYS_MAX]; /* in the order of config_keys */
    struct config_features features;
    struct arena arena;
};

/* `arguments` may be NULL. INVALID: a value that does not fit; `out` is then to be cleared too. */
enum status config_load(const struct arguments *arguments, struct config *out,
                        struct error *err) MUST_USE;
void config_clear(struct config *config);

/* `name` must be a key. */
const struct config_value *config_get(const struct config *config, const char *name);
const char *config_text(const struct config *config, const char *name);
double config_number(const struct config *config, const char *name);
bool config_is_on(const struct config *config, const char *name);
/* The text for people: "***" for a secret that is set, and for the secret parts of a URL. */
const char *config_shown(const struct config *config, const struct config_key *key);

/* The options of an engine; borrows from `config`. NOT_FOUND: no home folder to put data in. For
 * work without a library the second is enough. */
enum status config_engine_options(const struct config *config, struct engine_options *out,
                                  struct error *err) MUST_USE;
struct engine_options config_options_without_library(const struct config *config);

/* --- features (config_features.c) --- */

void config_features_init(struct config *config);
/* `name` as feature_find() takes it, in every collection or in one. INVALID: no such feature, or no
 * switch; in a file also when it is there twice. */
struct config_feature_setting {
    const char *name, *text;
    const char *collection; /* NULL: wherever nothing else is said */
    enum config_source source;
    const char *origin;
};
enum status config_features_set(struct config *config, struct config_feature_setting setting,
                                struct error *err) MUST_USE;
/* A JSON object as RAGGED_FEATURE_FLAGS holds it. */
enum status config_features_read_json(struct config *config, const char *text, const char *origin,
                                      struct error *err) MUST_USE;
/* "NAME=on" or "NAME=off", as --feature takes it. */
enum status config_features_read_flag(struct config *config, const char *text,
                                      struct error *err) MUST_USE;
/* Fills the value of the key "feature_flags": what sources say, as a JSON object. */
enum status config_features_finish(struct config *config, struct error *err) MUST_USE;
/* INVALID with the names there are; `where` ends the sentence. */
enum status config_feature_unknown(const char *name, const char *where, struct error *err) MUST_USE;

/* In a collection (NULL: in none of its own) what the highest source says; of one source what it
 * says of the collection comes first. */
struct config_feature config_feature_get(const struct config *config, enum feature feature,
                                         const char *collection);
struct features config_features(const struct config *config, const char *collection);

/* --- the file (config_file.c) --- */

/* Owned path; NOT_FOUND: neither XDG_CONFIG_HOME nor HOME is set. */
enum status config_file_path(char **out, struct error *err) MUST_USE;

/* Calls `each` for every pair in the file, and for the beginning of every mapping below the first;
 * an absent file is an empty one. */
enum { CONFIG_DEPTH_MAX = 4 }; /* feature_flags: collections: NAME: FLAG: value */
struct config_pair {
    const char *names[CONFIG_DEPTH_MAX]; /* from the outermost mapping to this pair */
    size_t n_names;
    const char *value;
    size_t line;                   /* from 1 */
    size_t value_start, value_end; /* bytes of the scalar in the file, quotes included */
    bool is_mapping;               /* value is "", value_start where a pair may be put */
    bool is_flow;                  /* ... in braces */
    size_t column;                 /* of the first pair in the mapping, from 0 */
};
enum status config_file_read(const char *path, const char *text, size_t len,
                             enum status (*each)(void *ctx, const struct config_pair *pair,
                                                 struct error *err),
                             void *ctx, struct error *err) MUST_USE;

/* --- changing the file (config_edit.c) --- */

/* SHA-256 of the file in hex, before and after; "" where there was none, or an empty one. */
struct config_change {
    char before[HASH_SHA256_HEX], after[HASH_SHA256_HEX];
};
/* Checks and writes one value; comments and other lines stay as they are. `out` may be NULL. */
enum status config_file_set(const char *path, const struct config_key *key, const char *value,
                            struct config_change *out, struct error *err) MUST_USE;
/* The same for a feature, in one collection when that is not NULL. */
enum status config_file_set_feature(const char *path, enum feature feature, const char *collection,
                                    bool is_on, struct config_change *out,
                                    struct error *err) MUST_USE;

/* Folder from an XDG variable, else `below_home` in the home folder; owned. NOT_FOUND: no HOME. */
enum status config_xdg_folder(const char *variable, const char *below_home, char **out,
                              struct error *err) MUST_USE;

#endif
