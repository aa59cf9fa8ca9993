#include "base/hash.h"

#include <sodium.h>
#include <string.h>
#include <unistd.h>
#define XXH_STATIC_LINKING_ONLY /* the size of XXH3_state_t, to keep it on the stack */
#include <xxhash.h>

#include "base/fault.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/trace.h"

static struct hash128 canonical(XXH128_hash_t h)
{
    XXH128_canonical_t c;
    XXH128_canonicalFromHash(&c, h);
    struct hash128 out;
    memcpy(out.bytes, c.digest, sizeof out.bytes);
    return out;
}

uint64_t hash64_of(const void *bytes, size_t len)
{
    return XXH3_64bits(bytes, len);
}

struct hash64_stream {
    XXH3_state_t state;
};

struct hash64_stream *hash64_stream_new(void)
{
    struct hash64_stream *stream = mem_aligned(1, sizeof *stream);
    if (stream)
        hash64_stream_reset(stream);
    return stream;
}

void hash64_stream_reset(struct hash64_stream *stream)
{
    XXH3_64bits_reset(&stream->state);
}

void hash64_stream_append(struct hash64_stream *stream, const void *bytes, size_t len)
{
    XXH3_64bits_update(&stream->state, bytes, len);
}

uint64_t hash64_stream_value(const struct hash64_stream *stream)
{
    return XXH3_64bits_digest(&stream->state);
}

void hash64_stream_free(struct hash64_stream *stream)
{
    mem_free(stream);
}

struct hash128 hash128_of(const void *bytes, size_t len)
{
    return canonical(XXH3_128bits(bytes, len));
}

struct hash128 hash128_of_pair(const void *a, size_t a_len, const void *b, size_t b_len)
{
    XXH3_state_t state;
    XXH3_128bits_reset(&state);
    XXH3_128bits_update(&state, a, a_len);
    XXH3_128bits_update(&state, "", 1);
    XXH3_128bits_update(&state, b, b_len);
    return canonical(XXH3_128bits_digest(&state));
}

static void to_hex(const unsigned char digest[crypto_hash_sha256_BYTES], char out[HASH_SHA256_HEX])
{
    sodium_bin2hex(out, HASH_SHA256_HEX, digest, crypto_hash_sha256_BYTES);
}

_Static_assert(HASH_SHA256_BYTES == crypto_hash_sha256_BYTES, "a hash has its size");

void hash_sha256(const void *bytes, size_t len, unsigned char out[HASH_SHA256_BYTES])
{
    crypto_hash_sha256(out, bytes, len);
}

void hash_hex(const void *bytes, size_t len, char *out)
{
    sodium_bin2hex(out, 2 * len + 1, bytes, len);
}

void hash_sha256_hex(const void *bytes, size_t len, char out[HASH_SHA256_HEX])
{
    unsigned char digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(digest, bytes, len);
    to_hex(digest, out);
}

enum status hash_sha256_fd(int fd, const char *name, const struct cancel *cancel,
                           char out[HASH_SHA256_HEX], struct error *err)
{
    TRACE(TRACE_STAGE_HASH);
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    unsigned char block[64 * 1024];
    uint64_t offset = 0;
    for (;;) {
        size_t n = 0;
        if (is_cancelled(cancel))
            return error_set(err, STATUS_CANCELLED, "stopped");
        enum status status = file_read_at(fd, name, offset, block, sizeof block, &n, err);
        if (status)
            return status;
        if (n == 0)
            break;
        crypto_hash_sha256_update(&state, block, n);
        offset += n;
    }
    unsigned char digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_final(&state, digest);
    to_hex(digest, out);
    return STATUS_OK;
}

enum status hash_sha256_file(const char *path, char out[HASH_SHA256_HEX], struct error *err)
{
    int fd;
    enum status status = file_open(path, FILE_FOLLOW, &fd, err);
    if (status)
        return status;
    status = hash_sha256_fd(fd, path, NULL, out, err);
    close(fd);
    return status;
}
