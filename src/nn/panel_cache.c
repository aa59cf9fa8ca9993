#include "nn/panel_cache.h"

#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

#define HEADER_BYTES ((size_t)4096)
#define SUMMED_BYTES ((size_t)48)

/* Raise the digit with every change of the bytes that panels_pack() makes. */
static const char magic[8] = {'R', 'G', 'P', 'A', 'N', 'E', 'L', '2'};

static void put_uint(unsigned char *out, uint64_t value, size_t n_bytes)
{
    for (size_t i = 0; i < n_bytes; i++)
        out[i] = (unsigned char)(value >> (8 * i));
}

static void make_header(const struct panel_cache *cache, const void *panels,
                        unsigned char out[HEADER_BYTES])
{
    memset(out, 0, HEADER_BYTES);
    memcpy(out, magic, sizeof magic);
    put_uint(out + 8, HEADER_BYTES, 4);
    put_uint(out + 12, (uint64_t)cache->precision, 4);
    put_uint(out + 16, cache->n_bytes, 8);
    memcpy(out + 24, cache->identity.bytes, sizeof cache->identity.bytes);
    put_uint(out + 40, hash64_of(panels, cache->n_bytes), 8);
    put_uint(out + 48, hash64_of(out, SUMMED_BYTES), 8);
}

static bool is_little_endian(void)
{
    return *(const unsigned char *)&(const uint16_t){1} == 1;
}

enum status panel_cache_open(const struct panel_cache *cache, struct span *out_map,
                             const void **out_panels, struct error *err)
{
    struct span map = {0};
    if (!is_little_endian())
        return error_set(err, STATUS_NOT_FOUND, "this machine has no cache of panels");
    enum status status = file_map(cache->path, &map, err);
    if (status)
        return status;
    const unsigned char *bytes = map.bytes;
    bool is_right = map.len == HEADER_BYTES + cache->n_bytes;
    if (is_right) {
        unsigned char expected[HEADER_BYTES];
        file_map_advise(map, FILE_ADVICE_SOON);
        make_header(cache, bytes + HEADER_BYTES, expected);
        is_right = memcmp(bytes, expected, HEADER_BYTES) == 0;
    }
    if (!is_right) {
        file_unmap(&map);
        return error_set(err, STATUS_FORMAT, "\"%s\" is damaged or of other weights", cache->path);
    }
    *out_map = map;
    *out_panels = bytes + HEADER_BYTES;
    return STATUS_OK;
}

void panel_cache_keep(const struct panel_cache *cache, const void *panels)
{
    unsigned char *file = is_little_endian() ? mem_alloc(HEADER_BYTES + cache->n_bytes) : NULL;
    if (!file)
        return;
    make_header(cache, panels, file);
    memcpy(file + HEADER_BYTES, panels, cache->n_bytes);
    if (file_replace(cache->path, file, HEADER_BYTES + cache->n_bytes, 0600, NULL) != STATUS_OK)
        unlink(cache->path);
    mem_free(file);
}
