/* app/config.h - settings: option > environment > the user's file > default.
 *
 * The file is $XDG_CONFIG_HOME/ragged/config.yaml (else ~/.config/...), one flat YAML mapping.
 * A wrong name or value anywhere is an error that says where. One thread at a time. */
#ifndef RAGGED_APP_CONFIG_H
#define RAGGED_APP_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "app/value.h"
#include "base/arena.h"
#include "base/status.h"
#include "engine/engine.h"

struct arguments;

struct config_key {
    const char *name;
    struct value_rule rule;
    const char *fallback;    /* the default as text; data_dir: "" and found by its rule */
    const char *environment; /* names separated by spaces, the first that is set wins */
    const char *help;
    bool is_secret; /* never shown */
};
/* Ends with a row without a name. */
extern const struct config_key config_keys[];
enum { CONFIG_KEYS_MAX = 64 };

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
    enum config_source source; /* where it came from */
    const char *origin;        /* the file, the variable, the option; "" for a default */
};

struct config {
    struct config_value values[CONFIG_KEYS_MAX]; /* in the order of config_keys */
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
/* The text for people: "***" for a secret that is set. */
const char *config_shown(const struct config *config, const struct config_key *key);

/* The options of an engine; borrows from `config`. NOT_FOUND: no home folder to put data in. For
 * work without a library the second is enough. */
enum status config_engine_options(const struct config *config, struct engine_options *out,
                                  struct error *err) MUST_USE;
struct engine_options config_options_without_library(const struct config *config);

/* --- the file (config_file.c) --- */

/* Owned path; NOT_FOUND: neither XDG_CONFIG_HOME nor HOME is set. */
enum status config_file_path(char **out, struct error *err) MUST_USE;

/* Calls `each` for every pair in the file; an absent file is an empty one. */
struct config_pair {
    const char *key, *value;
    size_t line;                   /* from 1 */
    size_t value_start, value_end; /* bytes of the scalar in the file, quotes included */
};
enum status config_file_read(const char *path, const char *text, size_t len,
                             enum status (*each)(void *ctx, const struct config_pair *pair,
                                                 struct error *err),
                             void *ctx, struct error *err) MUST_USE;

/* Checks and writes one value; comments and other lines stay as they are. */
enum status config_file_set(const char *path, const struct config_key *key, const char *value,
                            struct error *err) MUST_USE;

/* Folder from an XDG variable, else `below_home` in the home folder; owned. NOT_FOUND: no HOME. */
enum status config_xdg_folder(const char *variable, const char *below_home, char **out,
                              struct error *err) MUST_USE;

#endif
