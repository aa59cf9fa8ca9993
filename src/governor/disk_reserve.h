/* governor/disk_reserve.h - an ingest stops before the disk is full, so that a user can still
 * remove documents, compact, and work with other programs. Any thread. */
#ifndef RAGGED_GOVERNOR_DISK_RESERVE_H
#define RAGGED_GOVERNOR_DISK_RESERVE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

/* What stays free: room for two segments like the largest and at least 512 MiB, but no more than a
 * twentieth of the file system. */
uint64_t disk_reserve_bytes(uint64_t disk_bytes, uint64_t largest_bytes);

/* Are there n_bytes beside the reserve (0: by the rule above) on the disk of `folder`? IO: no, with
 * how much is missing. A file system that does not say is taken to have room. */
enum status disk_reserve_check(const char *folder, uint64_t reserve_bytes, uint64_t n_bytes,
                               uint64_t largest_bytes, struct error *err) MUST_USE;

/* A file of the data folder that does nothing but hold room, so that removing and compacting work
 * on a disk that others have filled to its last byte. The log of an ingest is kept shorter than it.
 * Both are hints, never errors. */
void disk_ballast_keep(const char *folder); /* makes it when there is plenty of room */
/* Before something that makes room. True: the disk is short, and the ballast is gone. */
bool disk_ballast_lend(const char *folder);
uint64_t disk_ballast_bytes(const char *folder);

#endif
