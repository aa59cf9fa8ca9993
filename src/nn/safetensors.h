/* nn/safetensors.h - a weight file: 8 bytes of header length, a JSON header, the tensors.
 *
 * Everything is checked when the file is opened: types, shapes and sizes agree, every tensor lies
 * in the file, none overlap and no byte between them is unaccounted for. Immutable once open: any
 * thread. A zeroed struct is valid and empty. */
#ifndef RAGGED_NN_SAFETENSORS_H
#define RAGGED_NN_SAFETENSORS_H

#include <stddef.h>

#include "base/arena.h"
#include "base/span.h"
#include "base/status.h"

#define TENSOR_DIMS_MAX 8

struct tensor {
    const char *name;  /* owned by the file */
    const char *dtype; /* "F32", ... */
    size_t n_dims;
    size_t shape[TENSOR_DIMS_MAX];
    size_t offset;    /* of the data in the file */
    struct span data; /* borrowed from the map, aligned to nothing; or from memory, if widened */
};

struct safetensors {
    struct span file;       /* the map */
    struct span header;     /* the JSON in it */
    struct tensor *tensors; /* [n_tensors], by offset */
    size_t n_tensors;
    struct arena memory;
};

/* FORMAT names the file, the tensor and field, and the offset. */
enum status safetensors_open(const char *path, struct safetensors *out, struct error *err) MUST_USE;
void safetensors_close(struct safetensors *file);

/* Tensors of F16 and BF16 become F32, in memory of the file: what computes knows no others. NOMEM
 * only. */
enum status safetensors_widen(struct safetensors *file, struct error *err) MUST_USE;

/* Borrowed from the file; NULL when there is none. */
const struct tensor *safetensors_find(const struct safetensors *file, const char *name);

#endif
