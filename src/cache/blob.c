#include "cache/blob.h"

#include <math.h>
#include <string.h>

#define TEXT_NONE UINT32_MAX

struct blob blob_writer(struct buf *out)
{
    return (struct blob){.out = out};
}

struct blob blob_reader(struct span in)
{
    return (struct blob){.in = span_reader_init(in.bytes, in.len)};
}

void blob_uint(struct blob *blob, uint64_t *field, size_t n_bytes)
{
    if (blob->out)
        buf_append_uint(blob->out, *field, n_bytes);
    else
        *field = span_take_uint(&blob->in, n_bytes);
}

void blob_size(struct blob *blob, size_t *field)
{
    uint64_t value = *field;
    blob_uint(blob, &value, 8);
    *field = (size_t)value;
}

void blob_u32(struct blob *blob, uint32_t *field)
{
    uint64_t value = *field;
    blob_uint(blob, &value, 4);
    *field = (uint32_t)value;
}

void blob_int(struct blob *blob, int64_t *field)
{
    uint64_t value = (uint64_t)*field;
    blob_uint(blob, &value, 8);
    *field = (int64_t)value;
}

void blob_bool(struct blob *blob, bool *field)
{
    uint64_t value = *field;
    blob_uint(blob, &value, 1);
    blob->is_bad = blob->is_bad || value > 1;
    *field = value == 1;
}

void blob_double(struct blob *blob, double *field)
{
    uint64_t bits;
    memcpy(&bits, field, sizeof bits);
    blob_uint(blob, &bits, sizeof bits);
    memcpy(field, &bits, sizeof bits);
    blob->is_bad = blob->is_bad || !isfinite(*field);
}

void blob_float(struct blob *blob, float *field)
{
    uint32_t bits;
    memcpy(&bits, field, sizeof bits);
    blob_u32(blob, &bits);
    memcpy(field, &bits, sizeof bits);
    blob->is_bad = blob->is_bad || !isfinite(*field);
}

static void write_text(struct blob *blob, const char *text)
{
    size_t len = text ? strlen(text) : 0;
    blob->is_bad = blob->is_bad || len >= TEXT_NONE;
    buf_append_uint(blob->out, text ? len : TEXT_NONE, 4);
    if (text)
        buf_append(blob->out, text, len + 1);
}

void blob_text(struct blob *blob, const char **field)
{
    if (blob->out) {
        write_text(blob, *field);
        return;
    }
    *field = NULL;
    uint32_t len = span_take_u32(&blob->in);
    if (blob->in.is_short || len == TEXT_NONE)
        return;
    const char *text = span_take(&blob->in, (size_t)len + 1);
    if (text && strnlen(text, (size_t)len + 1) == len)
        *field = text;
    else
        blob->is_bad = true;
}

void blob_count(struct blob *blob, size_t *field, size_t min_bytes)
{
    blob_size(blob, field);
    if (blob->out || *field <= blob->in.n_left / min_bytes)
        return;
    blob->is_bad = true;
    *field = 0;
}

bool blob_is_whole(const struct blob *blob)
{
    return !blob->is_bad && (blob->out ? !blob->out->failed : !blob->in.is_short);
}
