/* The map of characters of a tokenizer, as base64: it turns "X" into "xy". */
#ifndef RAGGED_TEST_UNIT_CHARSMAP_FIXTURE_H
#define RAGGED_TEST_UNIT_CHARSMAP_FIXTURE_H

#include "../testing.h"

#include "base/buf.h"

#define N_UNITS 0x159u
#define ROOT_UNIT (0x100u << 10)                     /* children from 0x100 on */
#define X_UNIT ('X' | 1u << 8 | (uint32_t)'X' << 10) /* ends here; its offset is unit 0x100 */

static inline void append_u32(struct buf *out, uint32_t value)
{
    for (unsigned shift = 0; shift < 32; shift += 8)
        buf_append_char(out, (char)(value >> shift));
}

static inline void append_base64(struct buf *out, const struct buf *bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < bytes->len; i += 3) {
        uint32_t group = 0;
        size_t n = bytes->len - i < 3 ? bytes->len - i : 3;
        for (size_t k = 0; k < 3; k++)
            group = group << 8 | (k < n ? (unsigned char)bytes->data[i + k] : 0);
        for (size_t k = 0; k < 4; k++)
            buf_append_char(out, k <= n ? digits[group >> (18 - 6 * k) & 63] : '=');
    }
}

static inline void append_charsmap(struct buf *out)
{
    struct buf bytes = {0};
    append_u32(&bytes, N_UNITS * 4);
    for (uint32_t i = 0; i < N_UNITS; i++)
        append_u32(&bytes, i == 0 ? ROOT_UNIT : i == (0x100 ^ 'X') ? X_UNIT : 0x80000000u);
    buf_append(&bytes, "xy", 3);
    append_base64(out, &bytes);
    buf_clear(&bytes);
}

#endif
