#include "app/logging.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/disk.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "search/search.h"

enum status logging_path(const struct config *config, char **out, struct error *err)
{
    const char *configured = config_text(config, "log_file");
    char *folder = NULL;
    if (*configured) {
        *out = mem_text(configured);
        return *out ? STATUS_OK : error_nomem(err);
    }
    enum status status = config_xdg_folder("XDG_STATE_HOME", ".local/state", &folder, err);
    if (!status)
        status = folder_make(folder, err);
    char *path = status ? NULL : path_join(folder, "ragged.log");
    mem_free(folder);
    if (!status && !path)
        return error_nomem(err);
    *out = path;
    return status;
}

/* Names of commands in the order of their table; without memory they are numbers. */
static struct log_words command_words(struct arena *arena)
{
    size_t n = 0;
    while (command_table[n])
        n++;
    const char **names = arena_zalloc(arena, n, sizeof *names);
    for (size_t i = 0; names && i < n; i++)
        names[i] = command_table[i]->name;
    return (struct log_words){.names = names, .n = names ? n : 0};
}

static int64_t number_of(const struct command *command)
{
    int64_t i = 0;
    while (command_table[i] && command_table[i] != command)
        i++;
    return i;
}

static enum log_level find_level(const struct config *config)
{
    const char *name = config_text(config, "log_level");
    int level = 0;
    while (log_level_names[level] && strcmp(log_level_names[level], name) != 0)
        level++;
    return (enum log_level)level;
}

bool logging_has_past(const struct config *config)
{
    return find_level(config) >= LOG_LEVEL_INFO;
}

void logging_open(struct app *app)
{
    struct log_options options = {
        .level = find_level(&app->config),
        .format = strcmp(config_text(&app->config, "log_format"), "json") == 0 ? LOG_FORMAT_JSON
                                                                               : LOG_FORMAT_TEXT,
        .modes = {&config_mode_choices[1], ENGINE_MODE_COUNT},
        .commands = command_words(&app->config.arena),
        .context = &app->context,
        .library = log_library(config_text(&app->config, "data_dir")),
        .journal_fd = log_journal(getenv("JOURNAL_STREAM"), STDERR_FILENO),
    };
    if (options.level == LOG_LEVEL_OFF)
        return;
    char *path = NULL;
    struct error why = {0};
    enum status status = logging_path(&app->config, &path, &why);
    options.path = path;
    if (!status)
        status = log_open(&options, &why);
    if (status && app->is_verbose)
        output_printf(&app->notes, "warning: nothing is logged%s: %s\n",
                      options.journal_fd ? " but to the journal" : "", why.message);
    options.path = NULL;
    if (status && options.journal_fd)
        (void)!log_open(&options, NULL);
    mem_free(path);
    if (app->is_traceparent_invalid)
        LOG(LOG_EVENT_TRACEPARENT_IGNORED, {LOG_KEY_COMMAND, number_of(app->arguments.command)});
    LOG(LOG_EVENT_RUN_STARTED, {LOG_KEY_COMMAND, number_of(app->arguments.command)});
}

void logging_close(const struct app *app, enum exit_code code, int64_t took_us)
{
    struct disk_room disk;
    struct log_fact room = {LOG_KEY_END, 0};
    const char *folder = config_text(&app->config, "data_dir"); /* NULL: nothing was loaded */
    if (folder && disk_look(folder, &disk))
        room = (struct log_fact){LOG_KEY_FREE_BYTES, (int64_t)disk.free_bytes};
    LOG(LOG_EVENT_RUN_ENDED, {LOG_KEY_COMMAND, number_of(app->arguments.command)},
        {LOG_KEY_EXIT_CODE, code}, {LOG_KEY_TOOK_US, took_us}, room);
    log_close();
}
