#include "nn/charsmap.h"

#include <string.h>

#include "base/mem.h"
#include "base/span.h"
#include "base/utf8.h"

static int digit_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* RFC 4648, section 4. `out` has room for 3 bytes of every 4 digits. */
static enum status decode_base64(const char *text, size_t len, unsigned char *out, size_t *out_len,
                                 struct error *err)
{
    uint32_t bits = 0;
    unsigned n_bits = 0;
    size_t n = 0, n_digits = len;
    while (n_digits > 0 && len - n_digits < 2 && text[n_digits - 1] == '=')
        n_digits--;
    if (len % 4 != 0)
        return error_set(err, STATUS_FORMAT, "%zu base64 digits, not a multiple of 4", len);
    for (size_t i = 0; i < n_digits; i++) {
        int digit = digit_of(text[i]);
        if (digit < 0)
            return error_set(err, STATUS_FORMAT, "no base64 digit at offset %zu", i);
        bits = bits << 6 | (uint32_t)digit;
        n_bits += 6;
        if (n_bits >= 8) {
            n_bits -= 8;
            out[n++] = (unsigned char)(bits >> n_bits);
        }
    }
    *out_len = n;
    return STATUS_OK;
}

static enum status copy_parts(struct span_reader *r, size_t n_trie_bytes, struct charsmap *map,
                              struct error *err)
{
    map->n_units = n_trie_bytes / sizeof *map->units;
    map->units = mem_array(map->n_units, sizeof *map->units);
    if (!map->units)
        return error_nomem(err);
    for (size_t i = 0; i < map->n_units; i++)
        map->units[i] = span_take_u32(r);
    map->n_texts = r->n_left;
    map->texts = mem_text_n((const char *)r->at, r->n_left);
    return map->texts ? STATUS_OK : error_nomem(err);
}

static enum status read_parts(const unsigned char *bytes, size_t len, struct charsmap *map,
                              struct error *err)
{
    struct span_reader r = span_reader_init(bytes, len);
    size_t n_trie_bytes = span_take_u32(&r);
    if (r.is_short)
        return error_set(err, STATUS_FORMAT, "the size at offset 0 is cut short");
    if (n_trie_bytes == 0 || n_trie_bytes % 4 != 0 || n_trie_bytes > r.n_left)
        return error_set(err, STATUS_FORMAT,
                         "the size at offset 0, %zu, is no multiple of 4 within the %zu bytes that "
                         "follow",
                         n_trie_bytes, r.n_left);
    size_t first = 4 + n_trie_bytes;
    if (first == len || bytes[len - 1] != '\0')
        return error_set(err, STATUS_FORMAT, "the replacements at offset %zu do not end with NUL",
                         first);
    if (!utf8_is_valid((const char *)bytes + first, len - first))
        return error_set(err, STATUS_FORMAT, "the replacements at offset %zu are not UTF-8", first);
    return copy_parts(&r, n_trie_bytes, map, err);
}

enum status charsmap_open(const char *base64, size_t len, struct charsmap *out, struct error *err)
{
    struct charsmap map = {0};
    size_t n = 0;
    unsigned char *bytes = mem_alloc(len / 4 * 3 + 3);
    if (!bytes)
        return error_nomem(err);
    enum status status = decode_base64(base64, len, bytes, &n, err);
    if (!status)
        status = read_parts(bytes, n, &map, err);
    mem_free(bytes);
    if (status) {
        charsmap_clear(&map);
        return status;
    }
    for (int c = 0; c < 128; c++)
        map.keeps_ascii[c] = charsmap_find(&map, &(char){(char)c}, 1) == NULL;
    *out = map;
    return STATUS_OK;
}

void charsmap_clear(struct charsmap *map)
{
    mem_free(map->units);
    mem_free(map->texts);
    *map = (struct charsmap){0};
}

static size_t children_of(uint32_t unit)
{
    return (size_t)(unit >> 10) << ((unit & (1u << 9)) >> 6);
}

const char *charsmap_find(const struct charsmap *map, const char *bytes, size_t len)
{
    if (map->n_units == 0)
        return NULL;
    size_t at = children_of(map->units[0]);
    for (size_t i = 0; i < len && bytes[i] != '\0'; i++) {
        at ^= (unsigned char)bytes[i];
        if (at >= map->n_units || (map->units[at] & 0x800000FFu) != (unsigned char)bytes[i])
            return NULL;
        uint32_t unit = map->units[at];
        at ^= children_of(unit);
        if (!(unit & (1u << 8)))
            continue;
        size_t offset = at < map->n_units ? map->units[at] & 0x7FFFFFFFu : SIZE_MAX;
        return offset < map->n_texts ? map->texts + offset : NULL;
    }
    return NULL;
}
