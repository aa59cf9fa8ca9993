/* base/draft.h - a file that appears whole or not at all: written under a temporary name beside its
 * place, made durable, renamed. One thread at a time; a zeroed draft is empty. */
#ifndef RAGGED_BASE_DRAFT_H
#define RAGGED_BASE_DRAFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/file.h"

struct draft {
    char *path, *temp; /* owned */
    int fd;
    bool is_open;
};

/* mode: permission bits, e.g. 0600. The temporary name ends in ".tmp": whoever sweeps the folder
 * knows by it what a killed process left. */
enum status draft_open(struct draft *draft, const char *path, unsigned mode,
                       struct error *err) MUST_USE;
enum status draft_append(struct draft *draft, const void *bytes, size_t len,
                         struct error *err) MUST_USE;
/* Over what was written before; not past its end. */
enum status draft_write_at(struct draft *draft, uint64_t offset, const void *bytes, size_t len,
                           struct error *err) MUST_USE;
/* fsync, rename, fsync of the folder; what the file then is, in *out_info. The draft is over, also
 * on failure: a file whose fsync failed is never asked again. */
enum status draft_publish(struct draft *draft, struct file_info *out_info,
                          struct error *err) MUST_USE;
void draft_discard(struct draft *draft); /* published, failed or zeroed is fine */

#endif
