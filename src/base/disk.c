#include "base/disk.h"

#include <sys/statvfs.h>

bool disk_look(const char *folder, struct disk_room *out)
{
    struct statvfs disk;
    if (statvfs(folder, &disk) != 0)
        return false;
    *out = (struct disk_room){.size_bytes = (uint64_t)disk.f_blocks * disk.f_frsize,
                              .free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize};
    return true;
}
