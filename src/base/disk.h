/* base/disk.h - the disk of a folder: the room on it, and how fast it is. Any thread. */
#ifndef RAGGED_BASE_DISK_H
#define RAGGED_BASE_DISK_H

#include <stdbool.h>
#include <stdint.h>

struct disk_room {
    uint64_t size_bytes,
        free_bytes; /* free: to users; both 0 where the file system keeps no count */
};
/* False: the folder is not there, or can't be asked; *out is untouched. */
bool disk_look(const char *folder, struct disk_room *out);

/* How long the disk takes to have a page for good: the shortest of some tries, each with a file
 * that never had a name. False: no such file can be written there; *out_us is untouched. */
bool disk_time_sync(const char *folder, int64_t *out_us);

#endif
