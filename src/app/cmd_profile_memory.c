#include <string.h>

#include "app/command.h"
#include "app/memory_page.h"
#include "app/memory_report.h"
#include "base/arena.h"
#include "base/clock.h"

/* How the profile is shown is not said to the command that is profiled. */
static bool is_of_profile(const struct option *option)
{
    static const char *const names[] = {"json", "format", "output"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i], option->name) == 0)
            return true;
    return false;
}

/* This program, what was said before the command, and the command's own words. */
static enum status make_line(const struct arguments *arguments, struct arena *arena, char ***out,
                             size_t *out_n, struct error *err)
{
    size_t n_max = 2 + arguments->n_given + arguments->n_words, n = 0;
    char **line = arena_zalloc(arena, n_max, sizeof *line);
    bool is_whole = line && (line[n++] = arena_printf(arena, "ragged"));
    for (size_t i = 0; i < arguments->n_given && is_whole; i++) {
        const struct argument *given = &arguments->given[i];
        if (is_of_profile(given->option))
            continue;
        const char *value = given->value.text;
        line[n] = arena_printf(arena, "--%s%s%s", given->option->name, value ? "=" : "",
                               value ? value : "");
        is_whole = line[n++] != NULL;
    }
    for (size_t i = 0; i < arguments->n_words && is_whole; i++)
        is_whole = (line[n++] = arena_printf(arena, "%s", arguments->words[i])) != NULL;
    if (!is_whole)
        return error_nomem(err);
    *out = line;
    *out_n = n;
    return STATUS_OK;
}

/* Runs the command in this process, with every block booked. */
static enum status profile(struct app *app, struct mem_account *account, struct memory_report *out,
                           struct memory_watch **out_watch, struct error *err)
{
    struct arena arena = {0};
    struct memory_watch *watch = NULL;
    char **line = NULL;
    size_t n = 0;
    enum status status = make_line(&app->arguments, &arena, &line, &n, err);
    if (!status)
        status = memory_watch_start(account, &watch, err);
    if (!status) {
        int64_t start_us = clock_monotonic_us();
        mem_account_begin(account);
        out->exit_code = app_run((int)n, line, NULL);
        memory_watch_stop(watch);
        mem_account_end(account);
        out->took_us = clock_monotonic_us() - start_us;
        out->command = app->arguments.words[0];
        *out_watch = watch;
    }
    arena_clear(&arena);
    return status;
}

static enum status show(struct app *app, const struct memory_report *report,
                        const struct memory_watch *watch, struct error *err)
{
    const char *path = arguments_text(&app->arguments, "output", NULL);
    enum status status = path ? memory_page_write(path, report, watch, err) : STATUS_OK;
    if (status)
        return status;
    if (app->format == FORMAT_JSON)
        return format_object(&app->notes, FORMAT_JSON, memory_report_json(report), err);
    memory_report_print(report, &app->notes);
    return STATUS_OK;
}

static enum status check_command(const char *name, struct error *err)
{
    const struct command *command = command_find(name);
    if (!command)
        return command_unknown(name, err);
    if (command->is_wrapper)
        return error_set(err, STATUS_INVALID, "\"ragged %s\" can not be profiled", name);
    return STATUS_OK;
}

static enum status run(struct app *app, struct error *err)
{
    struct mem_account *account = NULL;
    struct memory_watch *watch = NULL;
    struct memory_report report = {0};
    enum status status = check_command(app->arguments.words[0], err);
    if (!status)
        status = mem_account_new(&account, err);
    if (!status)
        status = profile(app, account, &report, &watch, err);
    if (!status)
        status = memory_report_init(&report, account, watch, err);
    if (!status)
        status = show(app, &report, watch, err);
    app->exit_code = (enum exit_code)report.exit_code;
    memory_report_clear(&report);
    memory_watch_free(watch);
    mem_account_free(account);
    return status;
}

static const struct option options[] = {
    {.name = "output",
     .letters = "o",
     .arg = "FILE",
     .rule = {.type = VALUE_PATH},
     .help = "write a page with charts, as profile.html"},
    OPTION_END,
};

const struct command cmd_profile_memory = {
    .name = "profile-memory",
    .summary = "Run a command and tell what needed the memory, and what was not given back",
    .usage = "[OPTIONS] COMMAND [ARGUMENTS]...",
    .details =
        "Runs add, query, search, embed or any other command as usual, and then tells on stderr\n"
        "which part of the program and which function held how much, what was still held at the\n"
        "end, and what the resident memory was made of; with --json before COMMAND as JSON. What\n"
        "follows COMMAND belongs to it. The command runs slower than by itself.",
    .examples = "  ragged profile-memory add ~/papers\n"
                "  ragged profile-memory -o profile.html query \"what is a tide?\"",
    .words = "a command, as add, query, search or embed",
    .n_words_min = 1,
    .n_words_max = COMMAND_WORDS_ANY,
    .is_wrapper = true,
    .formats = FORMAT_BIT(FORMAT_TEXT) | FORMAT_BIT(FORMAT_JSON),
    .options = options,
    .run = run,
};
