#include "governor/disk_reserve.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/disk.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/mem.h"

#define BALLAST_NAME "ballast"
#define BALLAST_MAX (16 * (uint64_t)RAGGED_MIB)
#define BALLAST_SHARE 32 /* one part in so many of the disk */
#define RESERVE_MIN (512 * (uint64_t)RAGGED_MIB)

uint64_t disk_reserve_bytes(uint64_t disk_bytes, uint64_t largest_bytes)
{
    uint64_t wanted = largest_bytes > RESERVE_MIN / 2 ? 2 * largest_bytes : RESERVE_MIN;
    uint64_t share = disk_bytes / 20;
    return wanted < share ? wanted : share;
}

/* False: it does not say. */
static bool look_at(const char *folder, struct disk_room *out)
{
    return disk_look(folder, out) && out->size_bytes > 0;
}

enum status disk_reserve_check(const char *folder, uint64_t reserve_bytes, uint64_t n_bytes,
                               uint64_t largest_bytes, struct error *err)
{
    struct disk_room disk;
    if (!look_at(folder, &disk))
        return STATUS_OK;
    if (!reserve_bytes)
        reserve_bytes = disk_reserve_bytes(disk.size_bytes, largest_bytes);
    uint64_t needed = reserve_bytes + n_bytes;
    if (disk.free_bytes >= needed)
        return STATUS_OK;
    error_set(err, STATUS_IO, "the disk of \"%s\" is full: %llu KiB more are needed", folder,
              (unsigned long long)((needed - disk.free_bytes + 1023) / 1024));
    error_hint(err, "make room and run the same command again: what was added stays");
    return STATUS_IO;
}

uint64_t disk_ballast_bytes(const char *folder)
{
    struct disk_room disk;
    if (!look_at(folder, &disk) || disk.size_bytes / BALLAST_SHARE > BALLAST_MAX)
        return BALLAST_MAX;
    return disk.size_bytes / BALLAST_SHARE;
}

/* A half-made one is of use too. */
void disk_ballast_keep(const char *folder)
{
    struct disk_room disk;
    struct stat found;
    uint64_t n_bytes = disk_ballast_bytes(folder);
    char *path = path_join(folder, BALLAST_NAME);
    if (path && stat(path, &found) != 0 && look_at(folder, &disk) &&
        disk.free_bytes / 4 >= n_bytes) {
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd >= 0 && posix_fallocate(fd, 0, (off_t)n_bytes))
            unlink(path);
        if (fd >= 0)
            close(fd);
    }
    mem_free(path);
}

bool disk_ballast_lend(const char *folder)
{
    struct disk_room disk;
    if (!look_at(folder, &disk) || disk.free_bytes >= 2 * disk_ballast_bytes(folder))
        return false;
    char *path = path_join(folder, BALLAST_NAME);
    if (path)
        unlink(path);
    mem_free(path);
    return true;
}
