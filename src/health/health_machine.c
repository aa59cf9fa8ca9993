/* The machine under the library: disk, memory, descriptors, watches, clock, file system. */
#include <errno.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/disk.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/process.h"
#include "health/health.h"
#include "health/health_row.h"

#define DISK_FREE_UNHEALTHY ((uint64_t)512 * RAGGED_MIB)
#define DISK_FREE_DEGRADED ((uint64_t)2048 * RAGGED_MIB)
#define MEMORY_FREE_UNHEALTHY ((uint64_t)128 * RAGGED_MIB)
#define MEMORY_FREE_DEGRADED ((uint64_t)512 * RAGGED_MIB)
#define DESCRIPTORS_MIN 64
#define SYNC_US_MAX 100000 /* a document waits for several of them */
#define MIB(bytes) ((double)(bytes) / (double)RAGGED_MIB)

static void look_at_disk(struct health *health, struct engine_health_check *out)
{
    struct error why = {0};
    if (governor_check_disk(health->engine->governor, 0, 0, &why)) {
        health_say_error(out, ENGINE_UNHEALTHY, &why);
        return;
    }
    const char *folder = health->existing_folder;
    struct disk_room disk;
    if (!disk_look(folder, &disk)) {
        health_say(out, ENGINE_UNHEALTHY, "the disk of \"%s\" can't be asked", health->folder);
        health_remedy(out, "look whether the disk is there");
    } else {
        enum engine_health found = disk.free_bytes < DISK_FREE_UNHEALTHY  ? ENGINE_UNHEALTHY
                                   : disk.free_bytes < DISK_FREE_DEGRADED ? ENGINE_DEGRADED_HEALTH
                                                                          : ENGINE_HEALTHY;
        health_say(out, found, "%.0f MiB of %.0f MiB are free", MIB(disk.free_bytes),
                   MIB(disk.size_bytes));
        if (found != ENGINE_HEALTHY)
            health_remedy(out, "make room on the disk of \"%s\", or move the library with data_dir",
                          folder);
    }
}

/* Folders that others own or that can't be written have a row of their own. */
static void look_at_disk_speed(struct health *health, struct engine_health_check *out)
{
    int64_t took_us = 0;
    if (!disk_time_sync(health->existing_folder, &took_us)) {
        health_say(out, ENGINE_HEALTHY, "how fast the disk writes can't be measured there");
    } else {
        bool is_slow = took_us > SYNC_US_MAX;
        health_say(out, is_slow ? ENGINE_DEGRADED_HEALTH : ENGINE_HEALTHY,
                   "the disk has written a page for good in %.1f ms", (double)took_us / 1e3);
        if (is_slow)
            health_remedy(out, "each document waits for it: is the disk busy, full, failing or far "
                               "away? data_dir moves the library to a faster one");
    }
}

static bool read_available(uint64_t *out_bytes)
{
    struct buf text = {0};
    bool is_told = !file_read("/proc/meminfo", RAGGED_MIB, &text, NULL) &&
                   process_find_bytes(buf_text(&text), "MemAvailable:", out_bytes);
    buf_clear(&text);
    return is_told;
}

static void look_at_memory(struct health *health, struct engine_health_check *out)
{
    uint64_t free_bytes = 0;
    enum governor_state state = governor_state(health->engine->governor);
    if (!read_available(&free_bytes)) {
        health_say(out, ENGINE_HEALTHY, "this system does not say how much memory is free");
        return;
    }
    enum engine_health found =
        free_bytes < MEMORY_FREE_UNHEALTHY || state == GOVERNOR_BLACK  ? ENGINE_UNHEALTHY
        : free_bytes < MEMORY_FREE_DEGRADED || state != GOVERNOR_GREEN ? ENGINE_DEGRADED_HEALTH
                                                                       : ENGINE_HEALTHY;
    health_say(out, found, "%.0f MiB are free, memory is %s", MIB(free_bytes),
               governor_state_name(state));
    if (found != ENGINE_HEALTHY)
        health_remedy(out, "close what needs much memory; ragged works on, slower");
}

static void look_at_descriptors(struct health *health, struct engine_health_check *out)
{
    (void)health;
    struct rlimit limit = {0};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        health_say(out, ENGINE_HEALTHY, "this system does not say how many files may be open");
        return;
    }
    bool is_low = limit.rlim_max != RLIM_INFINITY && limit.rlim_max < DESCRIPTORS_MIN;
    health_say(out, is_low ? ENGINE_UNHEALTHY : ENGINE_HEALTHY, "%llu files may be open",
               (unsigned long long)limit.rlim_max);
    if (is_low)
        health_remedy(out, "allow at least %d: `ulimit -n %d`", DESCRIPTORS_MIN, 1024);
}

/* What a user may have of the kernel's watches is shared by all of the user's programs. */
static void look_at_watches(struct health *health, struct engine_health_check *out)
{
    int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    const char *limit = "max_user_instances", *raised = "1024";
    int errnum = fd < 0 ? errno : 0;
    if (fd >= 0 && inotify_add_watch(fd, health->existing_folder, IN_CREATE) < 0) {
        limit = "max_user_watches";
        raised = "524288";
        errnum = errno;
    }
    if (errnum == EMFILE || errnum == ENOSPC) {
        health_say(out, ENGINE_DEGRADED_HEALTH,
                   "no folder can be watched for changes: all that fs.inotify.%s allows is in use",
                   limit);
        health_remedy(out,
                      "end what watches so much, or raise it: `sysctl fs.inotify.%s=%s`; "
                      "`ragged add` finds what changed all the same",
                      limit, raised);
    } else {
        health_say(out, ENGINE_HEALTHY, "folders can%s be watched for changes",
                   errnum ? "not" : "");
    }
    if (fd >= 0)
        close(fd);
}

/* A library from the future was written under another clock: dates and ages are wrong then. */
static void look_at_clock(struct health *health, struct engine_health_check *out)
{
    char now[32];
    int64_t now_ms = clock_wall_ms();
    clock_format_utc(now_ms, now);
    char *path = path_join(health->folder, "ragged.db");
    struct file_info info = {0};
    bool has_library = path && !file_stat(path, FILE_FOLLOW, &info, NULL);
    mem_free(path);
    int64_t ahead_ms = has_library ? info.mtime_ns / 1000000 - now_ms : 0;
    bool is_wrong = strcmp(now, "2026") < 0 || ahead_ms > 24 * 3600 * (int64_t)1000;
    health_say(out, is_wrong ? ENGINE_DEGRADED_HEALTH : ENGINE_HEALTHY, "it is %s%s", now,
               ahead_ms > 24 * 3600 * (int64_t)1000
                   ? ", and the library was written later than that"
                   : "");
    if (is_wrong)
        health_remedy(out, "set the machine's clock");
}

/* Locks and shared memory of SQLite's log want a local disk. */
static void look_at_file_system(struct health *health, struct engine_health_check *out)
{
    static const struct {
        unsigned magic;
        const char *name;
    } remote[] = {{0x6969, "NFS"}, {0xFF534D42, "CIFS"}, {0xFE534D42, "SMB"}, {0x517B, "SMB"},
                  {0x564C, "NCP"}, {0x5346414F, "AFS"},  {0x01021997, "9P"},  {0x00C36400, "Ceph"}};
    struct statfs info = {0};
    const char *name = NULL;
    if (statfs(health->existing_folder, &info) == 0)
        for (size_t i = 0; i < sizeof remote / sizeof remote[0]; i++)
            if ((unsigned)info.f_type == remote[i].magic)
                name = remote[i].name;
    health_say(out, name ? ENGINE_DEGRADED_HEALTH : ENGINE_HEALTHY, "the library is on %s",
               name ? name : "a disk of this machine");
    if (name)
        health_remedy(out, "move it to a local disk with data_dir: locks are not safe there");
}

const struct health_row health_machine_rows[] = {
    {.name = "disk", .look = look_at_disk},
    {.name = "disk_speed", .look = look_at_disk_speed},
    {.name = "memory", .look = look_at_memory},
    {.name = "open_files", .look = look_at_descriptors},
    {.name = "watches", .look = look_at_watches},
    {.name = "clock", .look = look_at_clock},
    {.name = "file_system", .look = look_at_file_system},
    {.name = NULL},
};
