/* base/hash.h - content hashes. SHA-256 where the hash is a promise (model files, documents),
 * XXH3-128 where it is a key (chunks). Any thread. */
#ifndef RAGGED_BASE_HASH_H
#define RAGGED_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/cancel.h"
#include "base/status.h"

#define HASH_SHA256_BYTES 32
#define HASH_SHA256_HEX 65 /* 64 digits and the NUL */

struct hash128 {
    unsigned char bytes[16]; /* canonical (big-endian) XXH3 */
};

uint64_t hash64_of(const void *bytes, size_t len); /* XXH3-64: for checksums */

/* The same of bytes that come in pieces. */
struct hash64_stream;
struct hash64_stream *hash64_stream_new(void) MUST_USE; /* NULL: out of memory */
void hash64_stream_reset(struct hash64_stream *stream);
void hash64_stream_append(struct hash64_stream *stream, const void *bytes, size_t len);
uint64_t hash64_stream_value(const struct hash64_stream *stream);
void hash64_stream_free(struct hash64_stream *stream); /* NULL is fine */

struct hash128 hash128_of(const void *bytes, size_t len);
/* As hashing a + NUL + b: for keys made of two parts. */
struct hash128 hash128_of_pair(const void *a, size_t a_len, const void *b, size_t b_len);

void hash_sha256(const void *bytes, size_t len, unsigned char out[HASH_SHA256_BYTES]);
void hash_hex(const void *bytes, size_t len, char *out); /* 2 * len digits and a NUL */
void hash_sha256_hex(const void *bytes, size_t len, char out[HASH_SHA256_HEX]);
/* Streams the open file from offset 0 (and leaves the offset at the end). CANCELLED. */
enum status hash_sha256_fd(int fd, const char *name, const struct cancel *cancel,
                           char out[HASH_SHA256_HEX], struct error *err) MUST_USE;
enum status hash_sha256_file(const char *path, char out[HASH_SHA256_HEX],
                             struct error *err) MUST_USE;

#endif
