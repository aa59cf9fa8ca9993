#include <string.h>

#include "app/command.h"

extern const struct command cmd_add, cmd_query, cmd_search, cmd_list, cmd_remove, cmd_clear,
    cmd_status, cmd_cache, cmd_check, cmd_compact, cmd_reindex, cmd_config, cmd_feature_flags,
    cmd_model, cmd_embed, cmd_eval, cmd_benchmark, cmd_monitor, cmd_profile, cmd_profile_memory,
    cmd_audit, cmd_health, cmd_doctor, cmd_help, cmd_version;

const struct command *const command_table[] = {
    &cmd_add,     &cmd_query,     &cmd_search,        &cmd_list,    &cmd_remove,
    &cmd_clear,   &cmd_status,    &cmd_cache,         &cmd_check,   &cmd_compact,
    &cmd_reindex, &cmd_config,    &cmd_feature_flags, &cmd_model,   &cmd_embed,
    &cmd_eval,    &cmd_benchmark, &cmd_monitor,       &cmd_profile, &cmd_profile_memory,
    &cmd_audit,   &cmd_health,    &cmd_doctor,        &cmd_help,    &cmd_version,
    NULL,
};

bool names_contain(const char *names, const char *name, size_t len)
{
    while (names && *names) {
        size_t n = strcspn(names, " ");
        if (n == len && memcmp(names, name, len) == 0)
            return true;
        names += n + (names[n] == ' ');
    }
    return false;
}

const struct command *command_find(const char *name)
{
    for (const struct command *const *row = command_table; *row; row++)
        if (strcmp((*row)->name, name) == 0 || names_contain((*row)->aliases, name, strlen(name)))
            return *row;
    return NULL;
}

enum status command_unknown(const char *name, struct error *err)
{
    struct suggestion suggestion = {.wrong = name};
    for (const struct command *const *row = command_table; *row; row++)
        suggestion_offer(&suggestion, (*row)->name);
    error_set(err, STATUS_INVALID, "unknown command \"%s\"", name);
    suggestion_finish(&suggestion, "commands", err);
    return STATUS_INVALID;
}

static enum status unknown_verb(const struct command *command, const char *name, struct error *err)
{
    struct suggestion suggestion = {.wrong = name};
    for (const struct command_verb *verb = command->verbs; verb->name; verb++)
        suggestion_offer(&suggestion, verb->name);
    error_set(err, STATUS_INVALID, "\"ragged %s\" does not know \"%s\"", command->name, name);
    suggestion_finish(&suggestion, "it knows", err);
    return STATUS_INVALID;
}

enum status command_run_verb(struct app *app, struct error *err)
{
    const struct arguments *arguments = &app->arguments;
    const struct command *command = arguments->command;
    for (const struct command_verb *verb = command->verbs; verb->name; verb++) {
        if (strcmp(verb->name, arguments->words[0]) != 0)
            continue;
        size_t n = arguments->n_words - 1;
        if (n >= verb->n_words_min && n <= verb->n_words_max)
            return verb->run(app, err);
        error_set(err, STATUS_INVALID, "\"ragged %s %s\" got %zu word%s", command->name, verb->name,
                  n, n == 1 ? "" : "s");
        error_hint(err, "usage: ragged %s %s %s", command->name, verb->name, verb->usage);
        return STATUS_INVALID;
    }
    return unknown_verb(command, arguments->words[0], err);
}
