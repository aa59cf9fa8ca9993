#include "health/health_row.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"

const char *engine_health_name(enum engine_health health)
{
    static const char *const names[] = {
        [ENGINE_HEALTHY] = "healthy",
        [ENGINE_DEGRADED_HEALTH] = "degraded",
        [ENGINE_UNHEALTHY] = "unhealthy",
    };
    return names[health];
}

void health_say(struct engine_health_check *out, enum engine_health health, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(out->evidence, sizeof out->evidence, format, args);
    va_end(args);
    out->health = health;
}

void health_remedy(struct engine_health_check *out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(out->remedy, sizeof out->remedy, format, args);
    va_end(args);
}

void health_say_error(struct engine_health_check *out, enum engine_health health,
                      const struct error *why)
{
    health_say(out, health, "%s", why->message);
    health_remedy(out, "%s", why->hint);
}

static void look(struct health *health, const struct health_row *row,
                 struct engine_health_check *out)
{
    int64_t start_us = clock_monotonic_us();
    *out = (struct engine_health_check){.name = row->name};
    row->look(health, out);
    out->took_us = clock_monotonic_us() - start_us;
}

/* A library that can't be opened is a finding of its own row. */
static void look_at_library(struct health *health)
{
    if (engine_status(health->engine, &health->library, NULL))
        health->library = (struct engine_status){.has_library = false};
}

/* A repair that fails is told of beside what was found. */
static void fix(struct health *health, const struct health_row *row,
                struct engine_health_check *io_check)
{
    struct error why = {0};
    enum status status = row->fix(health, &why);
    if (status) {
        health_remedy(io_check, "it could not be repaired: %s", why.message);
        return;
    }
    struct engine_health_check after;
    look_at_library(health);
    look(health, row, &after);
    if (after.health != ENGINE_HEALTHY) {
        *io_check = after;
        return;
    }
    io_check->is_fixed = true;
    io_check->health = ENGINE_HEALTHY;
}

static void look_at_rows(struct health *health, const struct health_row *rows,
                         enum engine_health *io_worst)
{
    const struct engine_health_options *options = health->options;
    for (const struct health_row *row = rows; row->name; row++) {
        if ((row->is_deep_only && !options->is_deep) ||
            (row->needs_library && !health->library.has_library) || is_cancelled(options->cancel))
            continue;
        struct engine_health_check check;
        look(health, row, &check);
        if (check.health != ENGINE_HEALTHY && options->is_fix && row->fix)
            fix(health, row, &check);
        if (check.health > *io_worst)
            *io_worst = check.health;
        options->each(options->ctx, &check);
    }
}

/* A log that can't be read leaves nothing to compare with, and that is all. */
static void look_at_past(struct health *health)
{
    const char *log_path = health->options->log_path;
    struct log_history *history = &health->history;
    struct error why = {0};
    history->kinds = LOG_HISTORY_BIT(LOG_HISTORY_SEARCHED) |
                     LOG_HISTORY_BIT(LOG_HISTORY_SEARCH_FAILED) |
                     LOG_HISTORY_BIT(LOG_HISTORY_FILES_FAILED) | LOG_HISTORY_BIT(LOG_HISTORY_TAIL) |
                     LOG_HISTORY_BIT(LOG_HISTORY_FREE);
    history->library = log_library(health->folder);
    if (!log_path) {
        error_set(&health->no_history, STATUS_NOT_FOUND, "log_level leaves out what was done");
    } else if (history->library && log_history_read(history, log_path, &why)) {
        health->no_history = why;
        log_history_clear(history);
    }
}

/* The data folder, or what is there of the way to it. Owned. */
static char *existing_folder(const char *folder)
{
    char *path = path_absolute(folder);
    struct file_info info;
    while (path && file_stat(path, FILE_FOLLOW, &info, NULL)) {
        char *slash = strrchr(path, '/');
        if (!slash || slash == path)
            return path;
        *slash = '\0';
    }
    return path;
}

enum status engine_check_health(struct engine *engine, const struct engine_health_options *options,
                                enum engine_health *out, struct error *err)
{
    char *existing = existing_folder(engine->options.data_folder);
    struct health health = {
        .engine = engine,
        .folder = engine->options.data_folder,
        .options = options,
        .now_ms = clock_wall_ms(),
        .existing_folder = existing ? existing : engine->options.data_folder,
    };
    enum engine_health worst = ENGINE_HEALTHY;
    look_at_rows(&health, health_machine_rows, &worst);
    look_at_library(&health);
    look_at_rows(&health, health_library_rows, &worst);
    look_at_rows(&health, health_part_rows, &worst);
    look_at_past(&health);
    look_at_rows(&health, health_trend_rows, &worst);
    log_history_clear(&health.history);
    mem_free(existing);
    if (is_cancelled(options->cancel))
        return error_set(err, STATUS_CANCELLED, "stopped before everything was looked at");
    *out = worst;
    return STATUS_OK;
}
