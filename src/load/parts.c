/* Where a large file is cut into parts. Each border is found by itself, from the bytes behind its
 * place: whoever reads a part needs to know nothing of the others. */
#include <assert.h>

#include "base/checked.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/mem.h"
#include "load/sniff.h"
#include "load/worker_internal.h"

/* Where a border is looked for. */
struct window {
    const unsigned char *bytes;
    size_t len;
    unsigned unit; /* bytes of one code unit */
    bool is_big;
    bool has_end; /* the file ends with it */
};

uint64_t load_n_parts(uint64_t file_bytes, uint64_t part_bytes)
{
    return file_bytes / part_bytes + (file_bytes % part_bytes > 0);
}

bool load_may_have_parts(const char *path)
{
    const struct extension *extension = extension_find(path_extension(path));
    return !extension || extension->kind == LOAD_KIND_TEXT;
}

enum status load_has_parts(int fd, const char *name, bool *out, struct error *err)
{
    unsigned char head[SNIFF_BYTES];
    size_t n = 0;
    enum load_kind kind;
    enum status status = file_read_at(fd, name, 0, head, sizeof head, &n, err);
    if (!status)
        status = sniff_kind((struct span){head, n}, path_extension(name), &kind, err);
    if (!status)
        *out = kind == LOAD_KIND_TEXT;
    return status;
}

static uint32_t unit_at(const struct window *w, size_t at)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < w->unit; i++)
        value |= (uint32_t)w->bytes[at + (w->is_big ? w->unit - 1 - i : i)] << 8 * i;
    return value;
}

#define BLANK_LINE_BYTES ((size_t)64 * 1024) /* a blank line is worth no longer a search */

/* Behind a blank line, else behind a line; the window begins with the unit before its place.
 * 0: there is none. */
static size_t find_line(const struct window *w)
{
    size_t first = 0, n_in_line = 1;
    for (size_t at = 0; at + w->unit <= w->len; at += w->unit) {
        if (first > 0 && at > BLANK_LINE_BYTES)
            break;
        uint32_t c = unit_at(w, at);
        n_in_line += c != '\n' && c != '\r';
        if (c != '\n')
            continue;
        if (n_in_line == 0)
            return at + w->unit;
        if (first == 0)
            first = at + w->unit;
        n_in_line = 0;
    }
    return first;
}

static bool is_inside_character(const struct window *w, size_t at)
{
    uint32_t c = unit_at(w, at);
    return w->unit == 1 ? (c & 0xC0) == 0x80 : w->unit == 2 && (c & 0xFC00) == 0xDC00;
}

/* In a line that is too long: behind a word, else between characters. */
static size_t find_word(const struct window *w)
{
    size_t at = w->unit;
    for (size_t i = w->unit; i + w->unit <= w->len; i += w->unit)
        if (unit_at(w, i) == ' ')
            return i + w->unit;
    for (int i = 0; i < 3 && at + w->unit <= w->len && is_inside_character(w, at); i++)
        at += w->unit;
    return at;
}

static size_t find_border(const struct window *w)
{
    size_t line = find_line(w);
    if (line > 0)
        return line;
    return w->has_end ? w->len : find_word(w);
}

static enum status border(int fd, const char *name, const struct load_part *part, uint64_t i,
                          const struct sniff_mark *mark, uint64_t *out, struct error *err)
{
    uint64_t place = i * part->part_bytes;
    if (i == 0 || place >= part->file_bytes) {
        *out = i == 0 ? 0 : part->file_bytes;
        return STATUS_OK;
    }
    struct window w = {.unit = mark ? mark->unit : 1, .is_big = mark && mark->is_big};
    uint64_t n_wanted = part->part_bytes / 2 < RAGGED_LIMIT_LINE ? part->part_bytes / 2
                                                                 : (uint64_t)RAGGED_LIMIT_LINE;
    place -= w.unit;
    if (n_wanted > part->file_bytes - place)
        n_wanted = part->file_bytes - place;
    w.has_end = place + n_wanted == part->file_bytes;
    unsigned char *bytes = mem_alloc((size_t)n_wanted);
    if (!bytes)
        return error_nomem(err);
    w.bytes = bytes;
    /* A line mostly ends where a blank line is still looked for. */
    size_t n_near = size_min((size_t)n_wanted, BLANK_LINE_BYTES + w.unit);
    enum status status = file_read_at(fd, name, place, bytes, n_near, &w.len, err);
    size_t found = status ? 0 : find_line(&w);
    if (!status && found == 0) {
        status = file_read_at(fd, name, place, bytes, (size_t)n_wanted, &w.len, err);
        found = status ? 0 : find_border(&w);
    }
    if (!status)
        *out = place + found;
    mem_free(bytes);
    return status;
}

enum status part_range(int fd, const char *name, const struct load_part *part, uint64_t *out_offset,
                       uint64_t *out_end, struct error *err)
{
    assert(part->part_bytes >= LOAD_PART_BYTES_MIN && part->part_bytes % 4 == 0);
    unsigned char head[4];
    size_t n = 0;
    uint64_t offset = 0, end = 0;
    enum status status = file_read_at(fd, name, 0, head, sizeof head, &n, err);
    const struct sniff_mark *mark = sniff_mark((struct span){head, n});
    if (!status)
        status = border(fd, name, part, part->i, mark, &offset, err);
    if (!status)
        status = border(fd, name, part, part->i + 1, mark, &end, err);
    if (!status) {
        *out_offset = offset;
        *out_end = end < offset ? offset : end;
    }
    return status;
}
