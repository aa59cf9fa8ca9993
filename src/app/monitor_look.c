#include "app/monitor_look.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/logging.h"
#include "app/monitor_events.h"
#include "base/board.h"
#include "base/clock.h"
#include "base/disk.h"
#include "base/mem.h"
#include "base/process.h"
#include "engine/engine.h"
#include "library/library.h"

#define LIBRARY_MS 5000
#define LOG_TAIL_BYTES ((size_t)64 * 1024)
#define PROC_BYTES_MAX ((size_t)256 * 1024)

enum status monitor_look_init(struct monitor_look *look, const struct app *app, struct error *err)
{
    *look = (struct monitor_look){0};
    enum status status = config_engine_options(&app->config, &look->options, err);
    if (status)
        return status;
    look->options.features = config_features(&app->config, NULL);
    /* Who shares counters makes their file, or mends it: here it is only looked at. */
    look->options.features.is_off[FEATURE_OBSERVABILITY_DASHBOARD] = true;
    look->board_path = path_join(look->options.data_folder, BOARD_FILE);
    if (!look->board_path)
        return error_nomem(err);
    if (strcmp(config_text(&app->config, "log_level"), "off") != 0)
        (void)!logging_path(&app->config, &look->log_path, NULL);
    return STATUS_OK;
}

void monitor_look_clear(struct monitor_look *look)
{
    mem_free(look->board_path);
    mem_free(look->log_path);
    *look = (struct monitor_look){0};
}

/* ---- the machine ---- */

static bool read_proc(const char *path, struct buf *out)
{
    buf_reset(out);
    return !file_read(path, PROC_BYTES_MAX, out, NULL);
}

static void look_at_processors(struct buf *text, struct monitor_machine *out)
{
    enum { N_TICKS = 8, IDLE = 3, WAITING = 4 }; /* user, nice, system, idle, iowait, ... */
    if (!read_proc("/proc/stat", text) || strncmp(buf_text(text), "cpu ", 4) != 0)
        return;
    char *at = text->data + 4;
    for (int i = 0; i < N_TICKS; i++) {
        uint64_t ticks = strtoull(at, &at, 10);
        out->cpu_all += ticks;
        out->cpu_busy += i == IDLE || i == WAITING ? 0 : ticks;
    }
}

static void look_at_machine(const char *folder, struct buf *text, struct monitor_machine *out)
{
    struct disk_room disk;
    *out = (struct monitor_machine){0};
    look_at_processors(text, out);
    if (read_proc("/proc/meminfo", text)) {
        (void)process_find_bytes(buf_text(text), "MemTotal:", &out->memory_bytes);
        (void)process_find_bytes(buf_text(text), "MemAvailable:", &out->memory_free_bytes);
    }
    if (disk_look(folder, &disk)) {
        out->disk_bytes = disk.size_bytes;
        out->disk_free_bytes = disk.free_bytes;
    }
}

static uint64_t resident_of(int64_t process_id, struct buf *text)
{
    char path[64], *end;
    snprintf(path, sizeof path, "/proc/%" PRId64 "/statm", process_id);
    if (!read_proc(path, text))
        return 0;
    (void)strtoull(buf_text(text), &end, 10); /* all of its addresses */
    return strtoull(end, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* ---- the log ---- */

static void read_log(struct monitor_look *look, const struct file_info *info, int fd)
{
    size_t n = info->size_bytes < LOG_TAIL_BYTES ? (size_t)info->size_bytes : LOG_TAIL_BYTES;
    char *tail = mem_alloc(n);
    size_t n_read = 0;
    if (tail && !file_read_at(fd, look->log_path, info->size_bytes - n, tail, n, &n_read, NULL))
        look->n_events = monitor_events_parse(tail, n_read, look->events, MONITOR_EVENTS_MAX);
    mem_free(tail);
}

static void look_at_log(struct monitor_look *look)
{
    struct file_info info;
    int fd = -1;
    if (!look->log_path || file_stat(look->log_path, FILE_FOLLOW, &info, NULL) ||
        (info.size_bytes == look->log.size_bytes && info.mtime_ns == look->log.mtime_ns &&
         info.inode == look->log.inode))
        return;
    if (file_open(look->log_path, FILE_FOLLOW, &fd, NULL))
        return;
    look->log = info;
    read_log(look, &info, fd);
    close(fd);
}

/* ---- the library ---- */

/* Opened anew each time: it may have been removed or replaced. */
static void look_at_library(struct monitor_look *look, int64_t now_ms)
{
    struct engine *engine = NULL;
    struct engine_status found;
    if (look->library_ms && now_ms - look->library_ms < LIBRARY_MS)
        return;
    look->library_ms = now_ms;
    look->library = (struct monitor_library){0};
    if (!engine_open(&look->options, &engine, NULL) && !engine_status(engine, &found, NULL))
        look->library = (struct monitor_library){
            .is_known = true,
            .n_documents = found.n_documents,
            .n_passages = found.n_chunks,
            .n_missing_vectors = found.n_missing_vectors,
        };
    engine_close(engine);
}

void monitor_look_take(struct monitor_look *look, struct monitor_sample *out)
{
    struct buf text = {0};
    *out = (struct monitor_sample){.now_ms = clock_monotonic_ms(), .wall_ms = clock_wall_ms()};
    if (!board_view_read(look->board_path, &out->view, &out->counters))
        out->counters = (struct error){0};
    for (size_t i = 0; i < out->view.n_operations; i++)
        out->resident_bytes[i] = resident_of(out->view.operations[i].process_id, &text);
    look_at_machine(look->options.data_folder, &text, &out->machine);
    look_at_log(look);
    look_at_library(look, out->now_ms);
    out->library = look->library;
    out->n_events = look->n_events;
    memcpy(out->events, look->events, look->n_events * sizeof look->events[0]);
    buf_clear(&text);
}
