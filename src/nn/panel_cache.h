/* nn/panel_cache.h - packed weights in a file, so that a process maps them instead of packing.
 *
 *   0      8   magic "RGPANEL2"; the digit counts the ways panels were ever packed
 *   8      4   size of the header: 4096
 *   12     4   precision, an enum precision
 *   16     8   bytes of panels
 *   24    16   identity of what they were packed from
 *   40     8   XXH3-64 of the panels
 *   48     8   XXH3-64 of the 48 bytes before
 *   4096   -   panels, as panels_bind() lays them out
 *
 * Little-endian; machines of the other order have no cache. The file is derived: whatever is wrong
 * with it, it is packed again and replaced. Any number of processes share it; a reader keeps the
 * one it has mapped when another is renamed into its place. */
#ifndef RAGGED_NN_PANEL_CACHE_H
#define RAGGED_NN_PANEL_CACHE_H

#include "base/hash.h"
#include "base/span.h"
#include "base/status.h"
#include "nn/kernel.h"

struct panel_cache {
    const char *path;
    enum precision precision;
    struct hash128 identity; /* of the weights and of all that decides the layout */
    size_t n_bytes;          /* of the panels */
};

/* Maps the file and checks every byte of it. NOT_FOUND: there is none; FORMAT: not ours, or of
 * other weights, or damaged. out_map is unmapped by file_unmap(); the panels are *out_panels in it.
 */
enum status panel_cache_open(const struct panel_cache *cache, struct span *out_map,
                             const void **out_panels, struct error *err) MUST_USE;

/* Replaces the file; where that is not possible everything works as before, only slower. */
void panel_cache_keep(const struct panel_cache *cache, const void *panels);

#endif
