#include "nn/safetensors.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"
#include "nn/half.h"

#define LENGTH_BYTES ((size_t)8)
#define N_TENSORS_MAX ((size_t)65536)

static const struct dtype {
    const char *name;
    size_t size_bytes;
} dtypes[] = {
    {"F32", 4}, {"F16", 2}, {"BF16", 2},    {"F64", 8},     {"I64", 8},
    {"I32", 4}, {"I16", 2}, {"I8", 1},      {"U64", 8},     {"U32", 4},
    {"U16", 2}, {"U8", 1},  {"F8_E4M3", 1}, {"F8_E5M2", 1}, {"BOOL", 1},
};

static const struct dtype *find_dtype(const char *name)
{
    for (size_t i = 0; i < sizeof dtypes / sizeof dtypes[0]; i++) {
        if (strcmp(dtypes[i].name, name) == 0)
            return &dtypes[i];
    }
    return NULL;
}

/* A non-negative integer element of an array, e.g. of "shape". */
static enum status read_size(const json_t *array, size_t i, const char *field, size_t *out,
                             struct error *err)
{
    const json_t *value = json_array_get(array, i);
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return error_set(err, STATUS_FORMAT, "field \"%s\"[%zu] is not a size", field, i);
    *out = (size_t)json_integer_value(value);
    return STATUS_OK;
}

static enum status read_shape(const json_t *shape, struct tensor *t, size_t *out_n_elements,
                              struct error *err)
{
    if (!json_is_array(shape))
        return error_set(err, STATUS_FORMAT, "field \"shape\" is not an array");
    t->n_dims = json_array_size(shape);
    if (t->n_dims > TENSOR_DIMS_MAX)
        return error_set(err, STATUS_FORMAT, "field \"shape\" has %zu dimensions, more than %d",
                         t->n_dims, TENSOR_DIMS_MAX);
    size_t n_elements = 1;
    for (size_t i = 0; i < t->n_dims; i++) {
        enum status status = read_size(shape, i, "shape", &t->shape[i], err);
        if (status)
            return status;
        if (!size_mul(n_elements, t->shape[i], &n_elements))
            return error_set(err, STATUS_FORMAT, "field \"shape\": the product is too large");
    }
    *out_n_elements = n_elements;
    return STATUS_OK;
}

static enum status read_offsets(const json_t *offsets, const struct safetensors *file,
                                struct tensor *t, struct error *err)
{
    size_t begin, end, first = LENGTH_BYTES + file->header.len;
    if (!json_is_array(offsets) || json_array_size(offsets) != 2)
        return error_set(err, STATUS_FORMAT, "field \"data_offsets\" is not a pair");
    enum status status = read_size(offsets, 0, "data_offsets", &begin, err);
    if (!status)
        status = read_size(offsets, 1, "data_offsets", &end, err);
    if (status)
        return status;
    if (end < begin)
        return error_set(err, STATUS_FORMAT,
                         "field \"data_offsets\" ends (%zu) before it begins "
                         "(%zu)",
                         end, begin);
    if (end > file->file.len - first)
        return error_set(err, STATUS_FORMAT,
                         "field \"data_offsets\" ends at %zu, but only %zu bytes follow the header",
                         end, file->file.len - first);
    t->offset = first + begin;
    t->data =
        (struct span){.bytes = (const char *)file->file.bytes + t->offset, .len = end - begin};
    return STATUS_OK;
}

static enum status read_tensor(const json_t *entry, const struct safetensors *file,
                               struct tensor *t, struct error *err)
{
    if (!json_is_object(entry))
        return error_set(err, STATUS_FORMAT, "is not an object");
    const char *dtype_name = json_get_text(entry, "dtype", NULL);
    if (!dtype_name)
        return error_set(err, STATUS_FORMAT, "field \"dtype\" is missing or not a text");
    const struct dtype *dtype = find_dtype(dtype_name);
    if (!dtype)
        return error_set(err, STATUS_FORMAT, "field \"dtype\": unknown type \"%.40s\"", dtype_name);
    t->dtype = dtype->name;
    size_t n_elements = 0, size_bytes;
    enum status status = read_shape(json_object_get(entry, "shape"), t, &n_elements, err);
    if (!status)
        status = read_offsets(json_object_get(entry, "data_offsets"), file, t, err);
    if (status)
        return status;
    if (!size_mul(n_elements, dtype->size_bytes, &size_bytes) || size_bytes != t->data.len)
        return error_set(err, STATUS_FORMAT,
                         "%zu elements of %s do not fill the %zu bytes at offset %zu", n_elements,
                         dtype->name, t->data.len, t->offset);
    return STATUS_OK;
}

static enum status read_tensors(const json_t *header, struct safetensors *file, struct error *err)
{
    size_t n = json_object_size(header);
    if (n > N_TENSORS_MAX)
        return error_set(err, STATUS_FORMAT, "the header names %zu tensors, more than %zu", n,
                         N_TENSORS_MAX);
    file->tensors = arena_zalloc(&file->memory, n ? n : 1, sizeof *file->tensors);
    if (!file->tensors)
        return error_nomem(err);
    const char *name;
    json_t *entry;
    json_object_foreach((json_t *)(uintptr_t)header, name, entry)
    {
        if (strcmp(name, "__metadata__") == 0)
            continue;
        struct tensor *t = &file->tensors[file->n_tensors++];
        enum status status = read_tensor(entry, file, t, err);
        if (status)
            return error_context(err, status, "tensor \"%.200s\"", name);
        t->name = arena_text(&file->memory, name, strlen(name));
        if (!t->name)
            return error_nomem(err);
    }
    return STATUS_OK;
}

static int compare_offsets(const void *left, const void *right)
{
    const struct tensor *a = left, *b = right;
    if (a->offset != b->offset)
        return a->offset < b->offset ? -1 : 1;
    return (a->data.len > b->data.len) - (a->data.len < b->data.len);
}

/* The format allows neither shared bytes nor bytes that belong to no tensor. */
static enum status check_layout(struct safetensors *file, struct error *err)
{
    if (file->n_tensors > 1)
        qsort(file->tensors, file->n_tensors, sizeof *file->tensors, compare_offsets);
    size_t at = LENGTH_BYTES + file->header.len;
    for (size_t i = 0; i < file->n_tensors; i++) {
        const struct tensor *t = &file->tensors[i];
        if (t->offset < at)
            return error_set(err, STATUS_FORMAT,
                             "tensor \"%.200s\" at offset %zu overlaps the one before it", t->name,
                             t->offset);
        if (t->offset > at)
            return error_set(err, STATUS_FORMAT,
                             "a hole of %zu bytes at offset %zu, before tensor \"%.200s\"",
                             t->offset - at, at, t->name);
        at += t->data.len;
    }
    if (at != file->file.len)
        return error_set(err, STATUS_FORMAT, "%zu bytes at offset %zu belong to no tensor",
                         file->file.len - at, at);
    return STATUS_OK;
}

static enum status find_header(struct safetensors *file, struct error *err)
{
    struct span_reader r = span_reader_init(file->file.bytes, file->file.len);
    uint64_t len = span_take_u64(&r);
    if (r.is_short)
        return error_set(err, STATUS_FORMAT, "the header length at offset 0 is cut short");
    if (len > RAGGED_LIMIT_MODEL_HEADER)
        return error_set(err, STATUS_FORMAT,
                         "the header length at offset 0, %llu, is more than %zu",
                         (unsigned long long)len, RAGGED_LIMIT_MODEL_HEADER);
    file->header.len = (size_t)len;
    file->header.bytes = span_take(&r, file->header.len);
    if (r.is_short)
        return error_set(err, STATUS_FORMAT,
                         "the header at offset 8 has %zu bytes, but the file ends at %zu",
                         file->header.len, file->file.len);
    return STATUS_OK;
}

static enum status read_header(struct safetensors *file, struct error *err)
{
    enum status status = find_header(file, err);
    if (status)
        return status;
    json_t *header = NULL;
    status = json_parse(file->header.bytes, file->header.len, &header, err);
    if (status)
        return error_context(err, status, "the header at offset 8");
    if (!json_is_object(header))
        status = error_set(err, STATUS_FORMAT, "the header at offset 8 is not a JSON object");
    if (!status)
        status = read_tensors(header, file, err);
    json_decref(header);
    return status ? status : check_layout(file, err);
}

enum status safetensors_open(const char *path, struct safetensors *out, struct error *err)
{
    struct safetensors file = {0};
    enum status status = file_map(path, &file.file, err);
    if (status)
        return status;
    status = read_header(&file, err);
    if (status) {
        safetensors_close(&file);
        return error_context(err, status, "\"%s\"", path);
    }
    *out = file;
    return STATUS_OK;
}

static enum status widen_tensor(struct safetensors *file, struct tensor *t,
                                float (*widen)(uint16_t bits), struct error *err)
{
    size_t n = t->data.len / sizeof(uint16_t);
    float *wide = arena_zalloc(&file->memory, n ? n : 1, sizeof *wide);
    if (!wide)
        return error_nomem(err);
    struct span_reader r = span_reader_init(t->data.bytes, t->data.len);
    for (size_t i = 0; i < n; i++)
        wide[i] = widen(span_take_u16(&r));
    t->dtype = "F32";
    t->data = (struct span){.bytes = wide, .len = n * sizeof *wide};
    return STATUS_OK;
}

enum status safetensors_widen(struct safetensors *file, struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < file->n_tensors && !status; i++) {
        struct tensor *t = &file->tensors[i];
        if (strcmp(t->dtype, "F16") == 0)
            status = widen_tensor(file, t, half_from_f16, err);
        else if (strcmp(t->dtype, "BF16") == 0)
            status = widen_tensor(file, t, half_from_bf16, err);
    }
    return status;
}

void safetensors_close(struct safetensors *file)
{
    arena_clear(&file->memory);
    file_unmap(&file->file);
    *file = (struct safetensors){0};
}

const struct tensor *safetensors_find(const struct safetensors *file, const char *name)
{
    for (size_t i = 0; i < file->n_tensors; i++) {
        if (strcmp(file->tensors[i].name, name) == 0)
            return &file->tensors[i];
    }
    return NULL;
}
