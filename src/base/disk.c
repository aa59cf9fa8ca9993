#include "base/disk.h"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"

#define SYNC_TRIES 3
#define SYNC_BYTES 4096
#define SYNC_ENOUGH_US 500000 /* one try that took so long says it all */

bool disk_look(const char *folder, struct disk_room *out)
{
    struct statvfs disk;
    if (statvfs(folder, &disk) != 0)
        return false;
    *out = (struct disk_room){.size_bytes = (uint64_t)disk.f_blocks * disk.f_frsize,
                              .free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize};
    return true;
}

static bool time_one_sync(const char *folder, int64_t *out_us)
{
    static const char page[SYNC_BYTES];
    int fd = open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    int64_t start_us = clock_monotonic_us();
    bool is_done = write(fd, page, sizeof page) == (ssize_t)sizeof page && fdatasync(fd) == 0;
    if (is_done)
        *out_us = clock_monotonic_us() - start_us;
    close(fd);
    return is_done;
}

bool disk_time_sync(const char *folder, int64_t *out_us)
{
    int64_t best_us = 0;
    for (int i = 0; i < SYNC_TRIES && best_us < SYNC_ENOUGH_US; i++) {
        int64_t took_us;
        if (!time_one_sync(folder, &took_us))
            return false;
        if (i == 0 || took_us < best_us)
            best_us = took_us;
    }
    *out_us = best_us;
    return true;
}
