/* engine/disk_reserve.h - an ingest stops before the disk is full, so that a user can still remove
 * documents, compact, and work with other programs. Any thread. Private to engine/. */
#ifndef RAGGED_ENGINE_DISK_RESERVE_H
#define RAGGED_ENGINE_DISK_RESERVE_H

#include <stdint.h>

#include "base/status.h"

/* What stays free: room for two segments like the largest and at least 512 MiB, but no more than a
 * twentieth of the file system. */
uint64_t disk_reserve_bytes(uint64_t disk_bytes, uint64_t largest_bytes);

/* Are there n_bytes beside the reserve (0: by the rule above) on the disk of `folder`? IO: no, with
 * how much is missing. A file system that does not say is taken to have room. */
enum status disk_reserve_check(const char *folder, uint64_t reserve_bytes, uint64_t n_bytes,
                               uint64_t largest_bytes, struct error *err) MUST_USE;

#endif
