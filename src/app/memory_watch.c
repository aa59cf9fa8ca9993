#include "app/memory_watch.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/thread.h"

#define LOOK_US 2000
#define MAPS_MAX (RAGGED_MIB) /* what is behind it counts as not explained */

struct memory_watch {
    struct mem_account *account; /* borrowed */
    struct thread thread;
    pthread_mutex_t mutex; /* of is_over */
    pthread_cond_t changed;
    bool is_over;
    int statm_fd;
    int64_t start_us, period_us; /* period: of a look that is kept */
    struct memory_look looks[MEMORY_LOOKS_MAX];
    size_t n_looks;
    struct memory_parts parts;
    char *maps; /* [MAPS_MAX], owned: a look books nothing */
};

/* ---- what is resident ---- */

struct map_line {
    uint64_t begin, end;
    char access[8];
    bool is_file, is_stack;
};

static bool read_map_line(const char *line, struct map_line *out)
{
    int n_read = 0;
    *out = (struct map_line){0};
    if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %*s %*s %*s %n", &out->begin, &out->end,
               out->access, &n_read) < 3 ||
        n_read == 0)
        return false;
    out->is_file = line[n_read] == '/';
    out->is_stack = strncmp(line + n_read, "[stack", 6) == 0;
    return true;
}

/* Stacks of threads have no name: readable and writable, behind a page that nobody may touch. */
static bool is_thread_stack(const struct map_line *map, const struct map_line *before)
{
    return !map->is_file && strncmp(map->access, "rw", 2) == 0 && before->end == map->begin &&
           strncmp(before->access, "---", 3) == 0 && before->end - before->begin == 4096;
}

void memory_watch_read_maps(const char *text, uint64_t *out_file_bytes, uint64_t *out_stack_bytes)
{
    struct map_line map = {0}, before;
    *out_file_bytes = *out_stack_bytes = 0;
    for (size_t len = 0; *text; text += len + (text[len] == '\n')) {
        char line[256];
        uint64_t kib;
        struct map_line next;
        len = strcspn(text, "\n");
        snprintf(line, sizeof line, "%.*s", (int)(len < sizeof line ? len : sizeof line), text);
        if (sscanf(line, "Rss: %" SCNu64 " kB", &kib) == 1) {
            if (map.is_file)
                *out_file_bytes += kib * 1024;
            if (map.is_stack)
                *out_stack_bytes += kib * 1024;
        } else if (read_map_line(line, &next)) {
            before = map;
            map = next;
            map.is_stack |= is_thread_stack(&map, &before);
        }
    }
}

static uint64_t resident_bytes(const struct memory_watch *watch)
{
    char text[128];
    size_t n = 0;
    uint64_t n_pages = 0;
    if (file_read_at(watch->statm_fd, "/proc/self/statm", 0, text, sizeof text - 1, &n, NULL))
        return 0;
    text[n] = '\0';
    if (sscanf(text, "%*u %" SCNu64, &n_pages) != 1)
        return 0;
    return n_pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* A look at all maps takes a millisecond: only where the memory grew by a fiftieth. */
static void look_at_parts(struct memory_watch *watch, uint64_t resident)
{
    struct memory_parts *parts = &watch->parts;
    size_t n = 0;
    int fd;
    if (resident < parts->resident_bytes + parts->resident_bytes / 50 ||
        file_open("/proc/self/smaps", FILE_FOLLOW, &fd, NULL))
        return;
    enum status status = file_read_at(fd, "maps", 0, watch->maps, MAPS_MAX - 1, &n, NULL);
    close(fd);
    if (status)
        return;
    watch->maps[n] = '\0';
    struct mem_count total;
    mem_account_total(watch->account, &total);
    struct mallinfo2 info = mallinfo2();
    uint64_t all = info.uordblks + info.hblkhd, own = MAPS_MAX + sizeof *watch;
    uint64_t given = all > own ? all - own : 0;
    *parts = (struct memory_parts){
        .resident_bytes = resident,
        .heap_bytes = total.current_bytes,
        .library_bytes = given > total.current_bytes ? given - total.current_bytes : 0,
        .kept_bytes = info.fordblks,
        .book_bytes =
            mem_account_own_bytes(watch->account) + n + watch->n_looks * sizeof watch->looks[0],
    };
    memory_watch_read_maps(watch->maps, &parts->file_bytes, &parts->stack_bytes);
    parts->rest_bytes =
        (int64_t)(parts->resident_bytes - parts->file_bytes - parts->stack_bytes -
                  parts->heap_bytes - parts->library_bytes - parts->kept_bytes - parts->book_bytes);
}

/* ---- the series ---- */

static void join(struct memory_look *into, const struct memory_look *next)
{
    uint64_t heap = into->heap_bytes, resident = into->resident_bytes;
    if (next->heap_bytes >= heap)
        *into = *next;
    into->heap_bytes = next->heap_bytes > heap ? next->heap_bytes : heap;
    into->resident_bytes = next->resident_bytes > resident ? next->resident_bytes : resident;
    into->at_us = next->at_us;
    into->n_blocks = next->n_blocks;
}

static void halve(struct memory_watch *watch)
{
    for (size_t i = 0; i < MEMORY_LOOKS_MAX / 2; i++) {
        struct memory_look look = watch->looks[2 * i];
        join(&look, &watch->looks[2 * i + 1]);
        watch->looks[i] = look;
    }
    watch->n_looks = MEMORY_LOOKS_MAX / 2;
    watch->period_us *= 2;
}

static void keep_look(struct memory_watch *watch, const struct memory_look *look)
{
    struct memory_look *last = watch->n_looks ? &watch->looks[watch->n_looks - 1] : NULL;
    int64_t begun_us = watch->n_looks > 1 ? watch->looks[watch->n_looks - 2].at_us : 0;
    if (last && look->at_us - begun_us < watch->period_us) {
        join(last, look);
        return;
    }
    if (watch->n_looks == MEMORY_LOOKS_MAX)
        halve(watch);
    watch->looks[watch->n_looks++] = *look;
}

static void take_look(struct memory_watch *watch)
{
    struct memory_look look = {.at_us = clock_monotonic_us() - watch->start_us};
    struct mem_count total;
    mem_account_total(watch->account, &total);
    look.n_blocks = total.n_blocks;
    look.resident_bytes = resident_bytes(watch);
    for (size_t i = 0; i < mem_account_subsystems(watch->account); i++) {
        struct mem_subsystem subsystem;
        mem_account_subsystem(watch->account, i, &subsystem);
        look.subsystem_bytes[i] = subsystem.count.current_bytes;
    }
    look.heap_bytes = mem_account_take_high(watch->account);
    keep_look(watch, &look);
    look_at_parts(watch, look.resident_bytes);
}

static void *run(void *arg)
{
    struct memory_watch *watch = arg;
    pthread_mutex_lock(&watch->mutex);
    while (!watch->is_over) {
        pthread_mutex_unlock(&watch->mutex);
        take_look(watch);
        pthread_mutex_lock(&watch->mutex);
        if (!watch->is_over)
            thread_wait(&watch->changed, &watch->mutex, LOOK_US / 1000);
    }
    pthread_mutex_unlock(&watch->mutex);
    return NULL;
}

enum status memory_watch_start(struct mem_account *account, struct memory_watch **out,
                               struct error *err)
{
    struct memory_watch *watch = mem_zalloc(1, sizeof *watch);
    if (!watch)
        return error_nomem(err);
    watch->account = account;
    watch->statm_fd = -1;
    watch->period_us = LOOK_US;
    watch->start_us = clock_monotonic_us();
    pthread_mutex_init(&watch->mutex, NULL);
    pthread_cond_init(&watch->changed, NULL);
    watch->maps = mem_alloc(MAPS_MAX);
    enum status status = watch->maps ? STATUS_OK : error_nomem(err);
    if (!status)
        status = file_open("/proc/self/statm", FILE_FOLLOW, &watch->statm_fd, err);
    if (!status)
        status = thread_start(&watch->thread, run, watch, err);
    if (status)
        memory_watch_free(watch);
    else
        *out = watch;
    return status;
}

void memory_watch_stop(struct memory_watch *watch)
{
    pthread_mutex_lock(&watch->mutex);
    watch->is_over = true;
    pthread_cond_signal(&watch->changed);
    pthread_mutex_unlock(&watch->mutex);
    thread_join(&watch->thread);
    take_look(watch);
}

void memory_watch_free(struct memory_watch *watch)
{
    if (!watch)
        return;
    if (watch->statm_fd >= 0)
        close(watch->statm_fd);
    pthread_cond_destroy(&watch->changed);
    pthread_mutex_destroy(&watch->mutex);
    mem_free(watch->maps);
    mem_free(watch);
}

const struct memory_look *memory_watch_looks(const struct memory_watch *watch, size_t *out_n)
{
    *out_n = watch->n_looks;
    return watch->looks;
}

const struct memory_parts *memory_watch_parts(const struct memory_watch *watch)
{
    return &watch->parts;
}
