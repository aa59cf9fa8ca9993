#include "app/option.h"

#include <stdio.h>
#include <string.h>

#include "app/command.h"
#include "app/config.h"
#include "app/timings.h"
#include "base/mem.h"

const struct option option_globals[] = {
    {.name = "format",
     .letters = "f",
     .arg = "FORMAT",
     .rule = {.type = VALUE_CHOICE, .choices = format_names},
     .help = "how results are printed"},
    {.name = "json", .help = "the same as --format json"},
    {.name = "data-dir",
     .aliases = "store",
     .arg = "PATH",
     .config_key = "data_dir",
     .help = "the folder that holds the library"},
    {.name = "max-memory",
     .arg = "SIZE",
     .config_key = "max_memory",
     .help = "work within this much memory, as 512M or 2G"},
    {.name = "offline",
     .config_key = "offline",
     .help = "no network, except servers on this machine"},
    {.name = "log-level", .arg = "LEVEL", .config_key = "log_level", .help = "what is logged"},
    {.name = "log-format",
     .arg = "FORMAT",
     .config_key = "log_format",
     .help = "lines for people or for machines"},
    {.name = "feature",
     .arg = "NAME=on|off",
     .rule = {.type = VALUE_TEXT},
     .help = "switch a feature for this run; may be repeated"},
    {.name = "quiet", .letters = "q", .help = "errors only on stderr"},
    {.name = "verbose", .letters = "v", .help = "more on stderr: timings, choices made"},
    {.name = "timings",
     .arg = "FORM",
     .arg_usual = "table",
     .rule = {.type = VALUE_CHOICE, .choices = timings_form_names},
     .help = "where the time of the run went, on stderr"},
    {.name = "trace",
     .arg = "FILE",
     .rule = {.type = VALUE_TEXT},
     .help = "the same as a timeline for Perfetto or chrome://tracing"},
    {.name = "no-color", .aliases = "no-colour", .help = "no colours"},
    {.name = "help", .letters = "h", .help = "help about the command"},
    {.name = "version", .letters = "V", .help = "the version of the program"},
    OPTION_END,
};

struct parser {
    int argc;
    char *const *argv;
    int i_next;
    struct arguments *out;
};

const struct value_rule *option_rule(const struct option *option)
{
    const struct config_key *key = option->config_key ? config_key_find(option->config_key) : NULL;
    return key ? &key->rule : &option->rule;
}

static bool has_name(const struct option *option, const char *name, size_t len)
{
    if (strlen(option->name) == len && memcmp(option->name, name, len) == 0)
        return true;
    return names_contain(option->aliases, name, len);
}

static const struct option *find_long(const struct option *rows, const char *name, size_t len)
{
    for (; rows && rows->name; rows++)
        if (has_name(rows, name, len))
            return rows;
    return NULL;
}

static const struct option *find_letter(const struct option *rows, char letter)
{
    for (; rows && rows->name; rows++)
        if (rows->letters && strchr(rows->letters, letter))
            return rows;
    return NULL;
}

static enum status unknown_option(const struct parser *parser, const char *typed, struct error *err)
{
    const struct command *command = parser->out->command;
    const struct option *const tables[] = {command ? command->options : NULL, option_globals};
    struct suggestion suggestion = {.wrong = typed};
    for (size_t i = 0; i < 2; i++)
        for (const struct option *row = tables[i]; row && row->name; row++) {
            char name[64];
            snprintf(name, sizeof name, "--%s", row->name);
            suggestion_offer(&suggestion, name);
        }
    error_set(err, STATUS_INVALID, "unknown option \"%s\"%s%s%s", typed,
              command ? " of \"ragged " : "", command ? command->name : "", command ? "\"" : "");
    suggestion_finish(&suggestion, "options", err);
    return STATUS_INVALID;
}

static enum status add_given(struct arguments *out, const struct option *option, struct value value,
                             struct error *err)
{
    void *given = out->given;
    enum status status =
        mem_reserve(&given, &out->n_given_max, out->n_given + 1, sizeof *out->given, err);
    out->given = given;
    if (!status)
        out->given[out->n_given++] = (struct argument){.option = option, .value = value};
    return status;
}

static enum status add_word(struct arguments *out, const char *word, struct error *err)
{
    void *words = out->words;
    enum status status =
        mem_reserve(&words, &out->n_words_max, out->n_words + 1, sizeof *out->words, err);
    out->words = words;
    if (!status)
        out->words[out->n_words++] = word;
    return status;
}

/* `inline_value`: what follows in the same argument, or NULL. */
static enum status take_option(struct parser *parser, const struct option *option,
                               const char *typed, const char *inline_value, struct error *err)
{
    if (!option->arg) {
        if (inline_value)
            return error_set(err, STATUS_INVALID, "%s takes no value", typed);
        return add_given(parser->out, option, (struct value){0}, err);
    }
    if (!inline_value && option->arg_usual)
        inline_value = option->arg_usual;
    if (!inline_value && parser->i_next >= parser->argc)
        return error_set(err, STATUS_INVALID, "%s wants a value: %s %s", typed, typed, option->arg);
    const char *text = inline_value ? inline_value : parser->argv[parser->i_next++];
    struct value value;
    enum status status = value_check(option_rule(option), typed, text, &value, err);
    return status ? status : add_given(parser->out, option, value, err);
}

static enum status take_long(struct parser *parser, const char *arg, struct error *err)
{
    const char *name = arg + 2;
    size_t len = strcspn(name, "=");
    const struct command *command = parser->out->command;
    const struct option *option = find_long(command ? command->options : NULL, name, len);
    if (!option)
        option = find_long(option_globals, name, len);
    char typed[80];
    snprintf(typed, sizeof typed, "--%.*s", (int)(len < 70 ? len : 70), name);
    if (!option)
        return unknown_option(parser, typed, err);
    return take_option(parser, option, typed, name[len] ? name + len + 1 : NULL, err);
}

static enum status take_letters(struct parser *parser, const char *arg, struct error *err)
{
    const struct command *command = parser->out->command;
    for (const char *at = arg + 1; *at; at++) {
        const char typed[3] = {'-', *at, '\0'};
        const struct option *option = find_letter(command ? command->options : NULL, *at);
        if (!option)
            option = find_letter(option_globals, *at);
        if (!option)
            return unknown_option(parser, typed, err);
        const char *rest = option->arg && at[1] ? at + 1 : NULL;
        enum status status = take_option(parser, option, typed, rest, err);
        if (status || option->arg)
            return status;
    }
    return STATUS_OK;
}

static enum status take_word(struct parser *parser, const char *word, struct error *err)
{
    if (parser->out->command)
        return add_word(parser->out, word, err);
    parser->out->command = command_find(word);
    return parser->out->command ? STATUS_OK : command_unknown(word, err);
}

static enum status check_words(const struct arguments *arguments, struct error *err)
{
    const struct command *command = arguments->command;
    if (!command || arguments_has(arguments, "help") || arguments_has(arguments, "version"))
        return STATUS_OK;
    enum status status = STATUS_OK;
    if (arguments->n_words < command->n_words_min)
        status =
            error_set(err, STATUS_INVALID, "\"ragged %s\" wants %s", command->name, command->words);
    else if (arguments->n_words > command->n_words_max)
        status = error_set(err, STATUS_INVALID, "\"ragged %s\" does not take \"%s\"", command->name,
                           arguments->words[command->n_words_max]);
    if (status)
        error_hint(err, "usage: ragged %s %s", command->name, command->usage);
    return status;
}

enum status arguments_parse(int argc, char *const *argv, struct arguments *out, struct error *err)
{
    struct parser parser = {.argc = argc, .argv = argv, .i_next = 1, .out = out};
    bool has_ended = false;
    *out = (struct arguments){0};
    while (parser.i_next < argc) {
        const char *arg = argv[parser.i_next++];
        enum status status;
        /* No letter is a digit: "-1" is a word that the command may refuse with its range. */
        if (has_ended || arg[0] != '-' || !arg[1] || (arg[1] >= '0' && arg[1] <= '9'))
            status = take_word(&parser, arg, err);
        else if (arg[1] != '-')
            status = take_letters(&parser, arg, err);
        else if (arg[2])
            status = take_long(&parser, arg, err);
        else
            status = STATUS_OK, has_ended = true;
        if (status)
            return status;
        has_ended |= out->n_words > 0 && out->command->is_wrapper;
    }
    return check_words(out, err);
}

static bool is_global(const struct option *option)
{
    for (const struct option *row = option_globals; row->name; row++)
        if (row == option)
            return true;
    return false;
}

enum status arguments_inherit(struct arguments *arguments, const struct arguments *outer,
                              struct error *err)
{
    size_t n = arguments->n_given, n_inherited = 0;
    for (size_t i = 0; i < outer->n_given; i++)
        if (is_global(outer->given[i].option)) {
            enum status status =
                add_given(arguments, outer->given[i].option, outer->given[i].value, err);
            if (status)
                return status;
        }
    n_inherited = arguments->n_given - n;
    for (size_t i = 0; i < n_inherited; i++) { /* the last one to the front, again and again */
        struct argument last = arguments->given[arguments->n_given - 1];
        memmove(arguments->given + 1, arguments->given,
                (arguments->n_given - 1) * sizeof *arguments->given);
        arguments->given[0] = last;
    }
    return STATUS_OK;
}

void arguments_clear(struct arguments *arguments)
{
    mem_free(arguments->given);
    mem_free(arguments->words);
    *arguments = (struct arguments){0};
}

const struct argument *arguments_find(const struct arguments *arguments, const char *name)
{
    for (size_t i = arguments->n_given; i > 0; i--)
        if (strcmp(arguments->given[i - 1].option->name, name) == 0)
            return &arguments->given[i - 1];
    return NULL;
}

bool arguments_has(const struct arguments *arguments, const char *name)
{
    return arguments_find(arguments, name) != NULL;
}

const char *arguments_text(const struct arguments *arguments, const char *name,
                           const char *fallback)
{
    const struct argument *argument = arguments_find(arguments, name);
    return argument ? argument->value.text : fallback;
}

double arguments_number(const struct arguments *arguments, const char *name, double fallback)
{
    const struct argument *argument = arguments_find(arguments, name);
    return argument ? argument->value.number : fallback;
}

enum status arguments_all(const struct arguments *arguments, const char *name, struct arena *arena,
                          const char ***out, size_t *out_n, struct error *err)
{
    const char **texts = arena_zalloc(arena, arguments->n_given + 1, sizeof *texts);
    if (!texts)
        return error_nomem(err);
    size_t n = 0;
    for (size_t i = 0; i < arguments->n_given; i++)
        if (strcmp(arguments->given[i].option->name, name) == 0)
            texts[n++] = arguments->given[i].value.text;
    *out = texts;
    *out_n = n;
    return STATUS_OK;
}
