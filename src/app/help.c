#include "app/help.h"

#include <string.h>

static void print_bold(struct output *out, const char *text)
{
    output_style(out, OUTPUT_STYLE_BOLD);
    output_puts(out, text);
    output_style(out, OUTPUT_STYLE_PLAIN);
    output_puts(out, "\n");
}

void help_overview(struct output *out)
{
    output_puts(out, "ragged answers questions from your own documents, on your own machine.\n\n");
    print_bold(out, "usage: ragged COMMAND [OPTIONS]");
    output_puts(out, "\n");
    for (const struct command *const *row = command_table; *row; row++)
        output_printf(out, "  %-14s %s\n", (*row)->name, (*row)->summary);
    output_puts(out,
                "\n"
                "  ragged add ~/papers\n"
                "  ragged query \"does vitamin D lower flu risk?\"\n"
                "  ragged search -n 5 \"ERR_CONN_RESET\"\n\n"
                "\"ragged help COMMAND\" tells more; \"ragged help config\" lists the settings.\n");
}

static void append_names(const struct option *option, struct buf *out)
{
    for (const char *letter = option->letters; letter && *letter; letter++)
        buf_printf(out, "-%c, ", *letter);
    buf_printf(out, "--%s", option->name);
    for (const char *name = option->aliases; name && *name;) {
        size_t len = strcspn(name, " ");
        buf_printf(out, ", --%.*s", (int)len, name);
        name += len + (name[len] == ' ');
    }
    if (option->arg)
        buf_printf(out, option->arg_usual ? "[=%s]" : " %s", option->arg);
}

static void print_option(struct output *out, const struct option *option)
{
    struct buf names = {0}, range = {0};
    append_names(option, &names);
    if (option->arg)
        value_describe(option_rule(option), &range);
    if (!output_accepts(out, &names) || !output_accepts(out, &range))
        goto done;
    if (names.len <= 26)
        output_printf(out, "  %-26s  %s", buf_text(&names), option->help);
    else
        output_printf(out, "  %s\n%30s%s", buf_text(&names), "", option->help);
    if (range.len)
        output_printf(out, " (%s)", buf_text(&range));
    output_puts(out, "\n");
done:
    buf_clear(&names);
    buf_clear(&range);
}

static void print_options(struct output *out, const char *title, const struct option *rows)
{
    if (!rows)
        return;
    output_puts(out, "\n");
    print_bold(out, title);
    for (; rows->name; rows++)
        print_option(out, rows);
}

static void print_verbs(struct output *out, const struct command *command)
{
    if (!command->verbs)
        return;
    output_puts(out, "\n");
    for (const struct command_verb *verb = command->verbs; verb->name; verb++)
        output_printf(out, "  %-13s %-12s  %s\n", verb->name, verb->usage, verb->help);
}

static void print_formats(struct output *out, const struct command *command)
{
    output_puts(out, "\nformats:");
    for (size_t i = 0; format_names[i]; i++)
        if (command->formats & (1u << i))
            output_printf(out, " %s", format_names[i]);
    output_puts(out, "\n");
}

void help_command(struct output *out, const struct command *command)
{
    output_style(out, OUTPUT_STYLE_BOLD);
    output_printf(out, "usage: ragged %s %s\n", command->name, command->usage);
    output_style(out, OUTPUT_STYLE_PLAIN);
    output_printf(out, "\n%s.\n", command->summary);
    if (command->aliases)
        output_printf(out, "Also called: %s.\n", command->aliases);
    if (command->details)
        output_printf(out, "\n%s\n", command->details);
    print_verbs(out, command);
    print_options(out, "options", command->options);
    print_options(out, "options of every command", option_globals);
    print_formats(out, command);
    if (command->examples)
        output_printf(out, "\nexamples:\n%s\n", command->examples);
    if (command->help_more)
        command->help_more(out);
}

void help_config_keys(struct output *out)
{
    output_puts(out, "\n");
    print_bold(out, "keys");
    for (const struct config_key *key = config_keys; key->name; key++) {
        struct buf range = {0};
        value_describe(&key->rule, &range);
        output_printf(out, "  %s\n      %s\n", key->name, key->help);
        if (output_accepts(out, &range) && range.len)
            output_printf(out, "      values: %s\n", buf_text(&range));
        output_printf(out, "      default: %s\n", *key->fallback ? key->fallback : "empty");
        output_printf(out, "      environment: %s\n", key->environment);
        buf_clear(&range);
    }
}

/* "a b c" as an array. */
static json_t *words_json(const char *words)
{
    json_t *list = json_array();
    while (list && words && *words) {
        size_t len = strcspn(words, " ");
        if (json_array_append_new(list, json_stringn(words, len)) != 0) {
            json_decref(list);
            return NULL;
        }
        words += len + (words[len] == ' ');
    }
    return list;
}

static json_t *rule_json(const struct value_rule *rule)
{
    struct buf text = {0};
    value_describe(rule, &text);
    json_t *json = text.failed ? NULL : json_text(buf_text(&text));
    buf_clear(&text);
    return json;
}

static json_t *options_json(const struct option *rows)
{
    json_t *list = json_array();
    for (; list && rows && rows->name; rows++) {
        json_t *row = json_object();
        bool is_whole = row && json_put(row, "name", json_text(rows->name)) &&
                        json_put(row, "aliases", words_json(rows->aliases)) &&
                        json_put(row, "letters", json_text(rows->letters)) &&
                        json_put(row, "argument", json_text(rows->arg)) &&
                        json_put(row, "values", rule_json(option_rule(rows))) &&
                        json_put(row, "config_key", json_text(rows->config_key)) &&
                        json_put(row, "help", json_text(rows->help));
        if (!is_whole || json_array_append(list, row) != 0) {
            json_decref(list);
            list = NULL;
        }
        json_decref(row);
    }
    return list;
}

static json_t *verbs_json(const struct command_verb *verbs)
{
    json_t *list = json_array();
    for (; list && verbs && verbs->name; verbs++)
        if (json_array_append_new(list, json_text(verbs->name)) != 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}

static json_t *formats_json(unsigned formats)
{
    json_t *list = json_array();
    for (size_t i = 0; list && format_names[i]; i++)
        if ((formats & (1u << i)) && json_array_append_new(list, json_text(format_names[i])) != 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}

static json_t *command_json(const struct command *command)
{
    json_t *row = json_object();
    bool is_whole = row && json_put(row, "name", json_text(command->name)) &&
                    json_put(row, "aliases", words_json(command->aliases)) &&
                    json_put(row, "summary", json_text(command->summary)) &&
                    json_put(row, "usage", json_text(command->usage)) &&
                    json_put(row, "verbs", verbs_json(command->verbs)) &&
                    json_put(row, "formats", formats_json(command->formats)) &&
                    json_put(row, "options", options_json(command->options));
    if (is_whole)
        return row;
    json_decref(row);
    return NULL;
}

static json_t *commands_json(void)
{
    json_t *list = json_array();
    for (const struct command *const *row = command_table; list && *row; row++)
        if (json_array_append_new(list, command_json(*row)) != 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}

static json_t *keys_json(void)
{
    json_t *list = json_array();
    for (const struct config_key *key = config_keys; list && key->name; key++) {
        json_t *row = json_object();
        bool is_whole = row && json_put(row, "name", json_text(key->name)) &&
                        json_put(row, "values", rule_json(&key->rule)) &&
                        json_put(row, "default", json_text(key->fallback)) &&
                        json_put(row, "environment", words_json(key->environment)) &&
                        json_put(row, "secret", json_boolean(key->is_secret)) &&
                        json_put(row, "help", json_text(key->help));
        if (!is_whole || json_array_append(list, row) != 0) {
            json_decref(list);
            list = NULL;
        }
        json_decref(row);
    }
    return list;
}

static json_t *exit_codes_json(void)
{
    json_t *list = json_array();
    for (const struct exit_code_row *row = exit_code_rows; list && row->meaning; row++) {
        json_t *pair = json_object();
        bool is_whole = pair && json_put(pair, "code", json_integer(row->code)) &&
                        json_put(pair, "meaning", json_text(row->meaning));
        if (!is_whole || json_array_append(list, pair) != 0) {
            json_decref(list);
            list = NULL;
        }
        json_decref(pair);
    }
    return list;
}

json_t *help_json(void)
{
    json_t *object = format_object_new();
    bool is_whole = object && json_put(object, "version", json_text(RAGGED_VERSION)) &&
                    json_put(object, "options", options_json(option_globals)) &&
                    json_put(object, "commands", commands_json()) &&
                    json_put(object, "config", keys_json()) &&
                    json_put(object, "exit_codes", exit_codes_json());
    if (is_whole)
        return object;
    json_decref(object);
    return NULL;
}
