#include "engine/disk_reserve.h"

#include <sys/statvfs.h>

#include "base/limits.h"

#define RESERVE_MIN (512 * (uint64_t)RAGGED_MIB)

uint64_t disk_reserve_bytes(uint64_t disk_bytes, uint64_t largest_bytes)
{
    uint64_t wanted = largest_bytes > RESERVE_MIN / 2 ? 2 * largest_bytes : RESERVE_MIN;
    uint64_t share = disk_bytes / 20;
    return wanted < share ? wanted : share;
}

enum status disk_reserve_check(const char *folder, uint64_t reserve_bytes, uint64_t n_bytes,
                               uint64_t largest_bytes, struct error *err)
{
    struct statvfs disk;
    if (statvfs(folder, &disk) || disk.f_blocks == 0)
        return STATUS_OK;
    uint64_t block = disk.f_frsize ? disk.f_frsize : disk.f_bsize;
    uint64_t free_bytes = (uint64_t)disk.f_bavail * block;
    if (!reserve_bytes)
        reserve_bytes = disk_reserve_bytes((uint64_t)disk.f_blocks * block, largest_bytes);
    uint64_t needed = reserve_bytes + n_bytes;
    if (free_bytes >= needed)
        return STATUS_OK;
    error_set(err, STATUS_IO, "the disk of \"%s\" is full: %llu KiB more are needed", folder,
              (unsigned long long)((needed - free_bytes + 1023) / 1024));
    error_hint(err, "make room and run the same command again: what was added stays");
    return STATUS_IO;
}
