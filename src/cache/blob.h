/* cache/blob.h - fields as bytes and back, in one walk: what writes them in an order reads them in
 * the same. Reading never leaves the bytes, whoever made them. */
#ifndef RAGGED_CACHE_BLOB_H
#define RAGGED_CACHE_BLOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

struct blob {
    struct buf *out;       /* written to; NULL: reading */
    struct span_reader in; /* read from; texts that are read are borrowed from there */
    bool is_bad;           /* sticky: a value that nobody wrote */
};
struct blob blob_writer(struct buf *out);
struct blob blob_reader(struct span in);

/* Each writes *field, or sets it: 0 or NULL where bytes are missing. */
void blob_uint(struct blob *blob, uint64_t *field, size_t n_bytes);
void blob_size(struct blob *blob, size_t *field);
void blob_u32(struct blob *blob, uint32_t *field);
void blob_int(struct blob *blob, int64_t *field);
void blob_bool(struct blob *blob, bool *field);
void blob_double(struct blob *blob, double *field); /* finite */
void blob_float(struct blob *blob, float *field);
void blob_text(struct blob *blob, const char **field); /* may be NULL */
/* The number of elements that follow, each of at least min_bytes. */
void blob_count(struct blob *blob, size_t *field, size_t min_bytes);

/* Everything was there and made sense; a writer: everything fitted. */
bool blob_is_whole(const struct blob *blob);

#endif
