/* store_check() inside the bytes: terms of the tail, the vector file. */
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/mem.h"
#include "base/span.h"
#include "store/statement.h"

#define NORM_TOLERANCE 0.01

/* After a zero byte a position for each term; blobs of older libraries have none. */
static bool are_positions_right(struct span_reader *r, uint64_t n)
{
    if (r->n_left == 0)
        return true;
    span_take_u8(r);
    for (uint64_t i = 0; i < n && !r->is_short; i++)
        span_take_varint(r);
    return !r->is_short && r->n_left == 0;
}

/* {u8 len, bytes, varint count}*, strictly ascending; the counts add up to n_terms. Then the
 * positions. */
static bool are_terms_right(const void *blob, size_t len, int64_t n_terms)
{
    struct span_reader r = span_reader_init(blob, len);
    const unsigned char *before = NULL;
    size_t len_before = 0;
    uint64_t total = 0;
    while (r.n_left > 0 && r.at[0] != 0) {
        size_t term_len = span_take_u8(&r);
        const unsigned char *term = span_take(&r, term_len);
        uint64_t count = span_take_varint(&r);
        if (r.is_short || count == 0 || count > UINT32_MAX)
            return false;
        int order = before ? memcmp(before, term, size_min(len_before, term_len)) : -1;
        if (order > 0 || (order == 0 && len_before >= term_len))
            return false;
        before = term;
        len_before = term_len;
        total += count;
    }
    return n_terms >= 0 && total == (uint64_t)n_terms && are_positions_right(&r, total);
}

enum status check_terms(struct check *check, struct error *err)
{
    struct statement st = {0};
    size_t n_damaged = 0;
    int64_t first = 0;
    enum status status =
        statement_prepare(check->store, "SELECT chunk_id, n_terms, terms FROM tail", &st, err);
    while (statement_next(&st, &status, err)) {
        int64_t chunk_id = statement_take_int(&st), n_terms = statement_take_int(&st);
        size_t len;
        const void *blob = statement_take_blob(&st, &len);
        status = statement_status(&st, err);
        if (!status && !are_terms_right(blob, len, n_terms) && n_damaged++ == 0)
            first = chunk_id;
    }
    statement_release(&st);
    if (n_damaged > 0)
        check_say(check, "chunk %lld: its terms are damaged (%zu chunks in all)", (long long)first,
                  n_damaged);
    return status;
}

/* NaN for infinities and NaN: a stored vector has neither. */
static double half_value(uint16_t half)
{
    int exponent = (half >> 10) & 31, fraction = half & 1023;
    double magnitude = exponent == 31  ? NAN
                       : exponent == 0 ? ldexp(fraction, -24)
                                       : ldexp(1024 + fraction, exponent - 25);
    return half & 0x8000 ? -magnitude : magnitude;
}

static double norm_of(const void *blob, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        uint16_t half;
        memcpy(&half, (const char *)blob + i * sizeof half, sizeof half);
        double value = half_value(half);
        sum += value * value;
    }
    return sqrt(sum);
}

enum status check_open_vectors(struct check *check, struct error *err)
{
    const struct library *l = &check->store->library;
    return l->next_slot > 0 ? vector_file_open(check->store, &check->vector_fd, err) : STATUS_OK;
}

void check_close_vectors(struct check *check)
{
    if (check->vector_fd >= 0)
        close(check->vector_fd);
    check->vector_fd = -1;
}

static enum status check_vector(struct check *check, int64_t slot, uint64_t checksum, void *row,
                                struct error *err)
{
    size_t len = (size_t)check->store->library.vector_bytes;
    enum status status = vector_file_read(check->store, check->vector_fd, slot, row, err);
    if (status)
        return status;
    if (hash64_of(row, len) != checksum)
        check_say(check, "vector %lld: not what was written", (long long)slot);
    else if (!(fabs(norm_of(row, len / 2) - 1) <= NORM_TOLERANCE))
        check_say(check, "vector %lld: not finite or not of length 1", (long long)slot);
    return STATUS_OK;
}

enum status check_vectors(struct check *check, struct error *err)
{
    const struct library *l = &check->store->library;
    struct statement st = {0};
    if (check->vector_fd < 0)
        return STATUS_OK;
    if (check->vector_bytes && l->vector_bytes != (int64_t)check->vector_bytes)
        check_say(check, "vectors of %lld bytes", (long long)l->vector_bytes);
    void *row = mem_alloc((size_t)l->vector_bytes);
    if (!row)
        return error_nomem(err);
    enum status status =
        statement_prepare(check->store, "SELECT id, checksum FROM vectors ORDER BY id", &st, err);
    while (statement_next(&st, &status, err)) {
        uint32_t slot;
        status = statement_take_slot(&st, &slot, err);
        if (!status)
            status = check_vector(check, slot, (uint64_t)statement_take_int(&st), row, err);
    }
    statement_release(&st);
    mem_free(row);
    return status;
}
