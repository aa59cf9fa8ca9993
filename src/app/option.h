/* app/option.h - options as rows, and the command line parsed by them.
 *
 * "--limit 5", "--limit=5", "-n 5", "-n5", joined flags "-qv"; "--" ends options, "-" is a word.
 * Options of the program stand before or after the command. What follows the first word of a
 * wrapper are words. */
#ifndef RAGGED_APP_OPTION_H
#define RAGGED_APP_OPTION_H

#include <stdbool.h>
#include <stddef.h>

#include "app/value.h"
#include "base/arena.h"
#include "base/status.h"

struct command;

struct option {
    const char *name;       /* long name without dashes */
    const char *aliases;    /* further long names, separated by spaces; NULL: none */
    const char *letters;    /* every letter is a short name; NULL: none */
    const char *arg;        /* what help calls its value; NULL for a flag */
    const char *arg_usual;  /* the value when none stands behind "="; NULL: it must have one */
    struct value_rule rule; /* unused when config_key is set */
    const char *config_key; /* the configuration key it overrides for this run; NULL: none */
    const char *help;
};
/* Arrays of options end with a row without a name. */
#define OPTION_END   \
    {                \
        .name = NULL \
    }

extern const struct option option_globals[];

struct argument {
    const struct option *option;
    struct value value; /* FLAG: text is NULL */
};

struct arguments {
    const struct command *command; /* NULL: none was named */
    struct argument *given;        /* in the order of the command line; owned */
    size_t n_given, n_given_max;
    const char **words; /* what is not an option, without the command; owned, texts of argv */
    size_t n_words, n_words_max;
};

/* INVALID: unknown option or command, missing or bad value; the hint lists what there is. On
 * failure `out` holds what was understood so far, to be cleared like on success. */
enum status arguments_parse(int argc, char *const *argv, struct arguments *out,
                            struct error *err) MUST_USE;
/* In front of what `arguments` have: the options of the program that `outer` was given. */
enum status arguments_inherit(struct arguments *arguments, const struct arguments *outer,
                              struct error *err) MUST_USE;
void arguments_clear(struct arguments *arguments);

/* The last time the option was given; NULL: it was not. */
const struct argument *arguments_find(const struct arguments *arguments, const char *name);
bool arguments_has(const struct arguments *arguments, const char *name);
const char *arguments_text(const struct arguments *arguments, const char *name,
                           const char *fallback);
double arguments_number(const struct arguments *arguments, const char *name, double fallback);
/* Every value of a repeatable option; *out (from `arena`) has *out_n texts. */
enum status arguments_all(const struct arguments *arguments, const char *name, struct arena *arena,
                          const char ***out, size_t *out_n, struct error *err) MUST_USE;

/* The rule of the option itself or of the configuration key it sets. */
const struct value_rule *option_rule(const struct option *option);

#endif
