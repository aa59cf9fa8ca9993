/* base/disk.h - the room on the disk of a folder. Any thread. */
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

#endif
