#include "app/progress.h"

#include <stdio.h>
#include <string.h>

#include "app/records.h"
#include "base/clock.h"

enum { REDRAW_MS = 100, BAR_CELLS = 20 };

const char *const progress_modes[] = {"auto", "bar", "none", "json", NULL};

void progress_init(struct progress *progress, struct app *app)
{
    const char *mode = arguments_text(&app->arguments, "progress", "auto");
    bool is_wanted = strcmp(mode, "none") != 0 && !app->is_quiet;
    *progress = (struct progress){
        .notes = &app->notes,
        .is_json = strcmp(mode, "json") == 0,
        .is_bar = is_wanted && strcmp(mode, "json") != 0 && app->notes.is_tty,
        .is_quiet = app->is_quiet,
        .is_verbose = app->is_verbose,
    };
}

void progress_end(struct progress *progress)
{
    if (progress->is_drawn)
        output_erase_line(progress->notes);
    progress->is_drawn = false;
    output_flush(progress->notes);
}

static void print_line(struct progress *progress, json_t *object)
{
    if (object && format_json(progress->notes, object, JSON_STYLE_COMPACT, NULL) == STATUS_OK)
        output_flush(progress->notes);
    json_decref(object);
}

static json_t *file_json(const struct engine_file_report *report)
{
    json_t *object = json_object();
    bool is_whole =
        object && json_put(object, "event", json_text("file")) &&
        records_put_path(object, "file", report->path) &&
        json_put(object, "result", json_text(engine_file_result_name(report->result))) &&
        json_put(object, "reason", json_text(report->reason)) &&
        json_put(object, "chunks", json_integer((json_int_t)report->n_chunks));
    if (is_whole)
        return object;
    json_decref(object);
    return NULL;
}

static bool is_told(const struct progress *progress, const struct engine_file_report *report)
{
    if (report->result == ENGINE_FILE_FAILED)
        return true;
    if (report->result == ENGINE_FILE_SKIPPED)
        return progress->is_verbose;
    return progress->is_verbose || (report->reason && *report->reason && !progress->is_quiet);
}

void progress_on_file(struct progress *progress, const struct engine_file_report *report)
{
    if (progress->is_json) {
        print_line(progress, file_json(report));
        return;
    }
    if (!is_told(progress, report))
        return;
    bool is_failure = report->result == ENGINE_FILE_FAILED;
    bool is_good = !is_failure && report->result != ENGINE_FILE_SKIPPED;
    bool has_warning = is_good && report->reason && *report->reason;
    progress_end(progress);
    output_style(progress->notes, is_failure ? OUTPUT_STYLE_ERROR : OUTPUT_STYLE_DIM);
    output_puts(progress->notes, has_warning ? "warning" : engine_file_result_name(report->result));
    output_style(progress->notes, OUTPUT_STYLE_PLAIN);
    output_puts(progress->notes, ": ");
    output_name(progress->notes, report->path);
    if (report->reason && *report->reason)
        output_printf(progress->notes, ": %s", report->reason);
    if (report->hint && *report->hint)
        output_printf(progress->notes, " (%s)", report->hint);
    output_puts(progress->notes, "\n");
}

static json_t *update_json(const struct engine_progress *update)
{
    json_t *object = json_object();
    bool is_whole =
        object && json_put(object, "event", json_text("progress")) &&
        json_put(object, "files_done", json_integer((json_int_t)update->n_files_done)) &&
        json_put(object, "files_total", json_integer((json_int_t)update->n_files_total)) &&
        json_put(object, "bytes_done", json_integer((json_int_t)update->n_bytes_done)) &&
        json_put(object, "bytes_total", json_integer((json_int_t)update->n_bytes_total)) &&
        json_put(object, "chunks", json_integer((json_int_t)update->n_chunks)) &&
        json_put(object, "vectors_done", json_integer((json_int_t)update->n_vectors_done)) &&
        json_put(object, "vectors_total", json_integer((json_int_t)update->n_vectors_total)) &&
        json_put(object, "phase", json_text(update->n_vectors_total ? "vectors" : "words")) &&
        json_put(object, "elapsed_ms", json_integer(update->elapsed_ms)) &&
        json_put(object, "eta_ms", json_integer(update->eta_ms)) &&
        json_put(object, "pause", json_text(update->pause));
    if (is_whole)
        return object;
    json_decref(object);
    return NULL;
}

/* Once, also where nothing else is shown: a long silence needs a reason. */
static void tell_pause(struct progress *progress, const char *pause)
{
    bool is_paused = pause && *pause;
    if (is_paused && !progress->is_paused && !progress->is_quiet && !progress->is_json) {
        progress_end(progress);
        output_printf(progress->notes, "waiting: %s\n", pause);
        output_flush(progress->notes);
    }
    progress->is_paused |= is_paused;
}

static double share_done(const struct engine_progress *update)
{
    double done = (double)update->n_files_done, total = (double)update->n_files_total;
    if (update->n_bytes_total > 0) {
        done = (double)update->n_bytes_done;
        total = (double)update->n_bytes_total;
    }
    return total <= 0 ? 0 : done >= total ? 1 : done / total;
}

static void draw_cells(struct progress *progress, double share)
{
    char bar[BAR_CELLS + 1];
    int n_full = (int)(share * BAR_CELLS);
    for (int i = 0; i < BAR_CELLS; i++)
        bar[i] = i < n_full ? '#' : '.';
    bar[BAR_CELLS] = '\0';
    output_erase_line(progress->notes);
    output_printf(progress->notes, "[%s] ", bar);
    progress->is_drawn = true;
}

static void draw_left(struct progress *progress, int64_t eta_ms)
{
    if (eta_ms >= 0)
        output_printf(progress->notes, "  %lld:%02lld left", (long long)(eta_ms / 60000),
                      (long long)(eta_ms / 1000 % 60));
    output_flush(progress->notes);
}

static void draw_vectors(struct progress *progress, const struct engine_progress *update)
{
    double seconds = (double)update->phase_ms / 1000.0;
    draw_cells(progress, (double)update->n_vectors_done / (double)update->n_vectors_total);
    output_printf(progress->notes, "%zu/%zu vectors  %.1f/s", update->n_vectors_done,
                  update->n_vectors_total,
                  seconds > 0 ? (double)update->n_vectors_done / seconds : 0);
    draw_left(progress, update->eta_ms);
}

static void draw_files(struct progress *progress, const struct engine_progress *update)
{
    double seconds = (double)update->phase_ms / 1000.0;
    double rate = seconds > 0 ? (double)update->n_bytes_done / 1024.0 / seconds : 0;
    bool is_fast = rate >= 1024.0;
    draw_cells(progress, share_done(update));
    output_printf(progress->notes, "%zu/%zu files  %.1f %s  %zu passages", update->n_files_done,
                  update->n_files_total, is_fast ? rate / 1024.0 : rate,
                  is_fast ? "MiB/s" : "KiB/s", update->n_chunks);
    draw_left(progress, update->eta_ms);
}

/* False while nothing is shown, or it was only just. */
static bool is_due(struct progress *progress, bool is_last)
{
    if (!progress->is_bar && !progress->is_json)
        return false;
    int64_t now_ms = clock_monotonic_ms();
    if (!is_last && progress->drawn_ms && now_ms - progress->drawn_ms < REDRAW_MS)
        return false;
    progress->drawn_ms = now_ms;
    return true;
}

void progress_on_update(struct progress *progress, const struct engine_progress *update)
{
    tell_pause(progress, update->pause);
    if (!is_due(progress, update->eta_ms == 0))
        return;
    if (progress->is_json)
        print_line(progress, update_json(update));
    else if (update->n_vectors_total)
        draw_vectors(progress, update);
    else
        draw_files(progress, update);
}

static json_t *texts_json(const struct progress_texts *update)
{
    json_t *object = json_object();
    bool is_whole =
        object && json_put(object, "event", json_text("progress")) &&
        json_put(object, "texts", json_integer((json_int_t)update->n_texts)) &&
        json_put(object, "tokens", json_integer((json_int_t)update->n_tokens)) &&
        json_put(object, "bytes_done", json_integer((json_int_t)update->n_bytes_done)) &&
        json_put(object, "bytes_total", json_integer((json_int_t)update->n_bytes_total)) &&
        json_put(object, "elapsed_ms", json_integer(update->elapsed_ms));
    if (is_whole)
        return object;
    json_decref(object);
    return NULL;
}

static void draw_texts(struct progress *progress, const struct progress_texts *update)
{
    double done = (double)update->n_bytes_done, total = (double)update->n_bytes_total;
    double seconds = (double)update->elapsed_ms / 1000.0;
    draw_cells(progress, total > 0 ? (done < total ? done / total : 1) : 0);
    output_printf(progress->notes, "%zu texts  %.0f tokens/s", update->n_texts,
                  seconds > 0 ? (double)update->n_tokens / seconds : 0);
    output_flush(progress->notes);
}

void progress_on_texts(struct progress *progress, const struct progress_texts *update)
{
    if (!is_due(progress, false))
        return;
    if (progress->is_json)
        print_line(progress, texts_json(update));
    else
        draw_texts(progress, update);
}
