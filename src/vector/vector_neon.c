/* NEON is part of every 64-bit ARM. */
#include "vector/vector_kernel.h"

#if defined(__aarch64__)

#include <arm_neon.h>
#include <string.h>

static int runs_here(void)
{
    return 1;
}

static float dot(const float *a, const float *b, size_t dim)
{
    float32x4_t zero = vdupq_n_f32(0), sums[4] = {zero, zero, zero, zero};
    size_t i = 0;
    for (; i + 16 <= dim; i += 16)
        for (size_t j = 0; j < 4; j++)
            sums[j] = vfmaq_f32(sums[j], vld1q_f32(a + i + 4 * j), vld1q_f32(b + i + 4 * j));
    float sum = vaddvq_f32(vaddq_f32(vaddq_f32(sums[0], sums[2]), vaddq_f32(sums[1], sums[3])));
    for (; i < dim; i++)
        sum += a[i] * b[i];
    return sum;
}

static float32x4_t load_fp16(const unsigned char *at)
{
    float16x4_t half;
    memcpy(&half, at, sizeof half);
    return vcvt_f32_f16(half);
}

/* Lane i of the 32 is lane i % 4 of sums[i / 4]. */
static float sum_32_lanes(float32x4_t sums[8])
{
    for (size_t half = 4; half > 0; half /= 2)
        for (size_t i = 0; i < half; i++)
            sums[i] = vaddq_f32(sums[i], sums[i + half]);
    float32x2_t pair = vadd_f32(vget_low_f32(sums[0]), vget_high_f32(sums[0]));
    return vget_lane_f32(pair, 0) + vget_lane_f32(pair, 1);
}

static void add_products(float32x4_t sums[8], const float *query, const unsigned char *row)
{
    for (size_t i = 0; i < 8; i++) {
        float32x4_t product = vmulq_f32(vld1q_f32(query + 4 * i), load_fp16(row + 8 * i));
        sums[i] = vaddq_f32(sums[i], product);
    }
}

static float dot_fp16(const float *query, const void *row, size_t dim)
{
    const unsigned char *bytes = row;
    float32x4_t sums[8];
    size_t i = 0;
    for (size_t j = 0; j < 8; j++)
        sums[j] = vdupq_n_f32(0);
    for (; i + VECTOR_LANES <= dim; i += VECTOR_LANES)
        add_products(sums, query + i, bytes + 2 * i);
    if (i < dim) {
        float rest[VECTOR_LANES] = {0};
        unsigned char rest_row[2 * VECTOR_LANES] = {0};
        memcpy(rest, query + i, (dim - i) * sizeof *rest);
        memcpy(rest_row, bytes + 2 * i, 2 * (dim - i));
        add_products(sums, rest, rest_row);
    }
    return sum_32_lanes(sums);
}

static void from_fp16(const void *row, size_t dim, float *out)
{
    const unsigned char *bytes = row;
    size_t i = 0;
    for (; i + 4 <= dim; i += 4)
        vst1q_f32(out + i, load_fp16(bytes + 2 * i));
    vector_kernel_scalar.from_fp16(bytes + 2 * i, dim - i, out + i);
}

/* Eight pairs of rows; as in vector_avx2.c. */
struct sums {
    uint16x8_t pair, upper;
};

static void sums_add(struct sums *sums, uint8x16_t bytes)
{
    sums->pair = vaddq_u16(sums->pair, vreinterpretq_u16_u8(bytes));
    sums->upper = vsraq_n_u16(sums->upper, vreinterpretq_u16_u8(bytes), 8);
}

static uint64_t estimate_4(const struct vector_scan *scan, uint16x4_t sums,
                           const unsigned char *factors, float threshold, float *out)
{
    static const uint32_t bits[4] = {1, 2, 4, 8};
    float32x4_t factor, sum = vcvtq_f32_u32(vmovl_u16(sums));
    memcpy(&factor, factors, sizeof factor);
    float32x4_t scaled = vmulq_f32(vdupq_n_f32(scan->step), sum);
    float32x4_t product = vaddq_f32(scaled, vdupq_n_f32(scan->offset));
    float32x4_t estimate = vmulq_f32(factor, product);
    vst1q_f32(out, estimate);
    uint32x4_t above = vcgtq_f32(estimate, vdupq_n_f32(threshold));
    return vaddvq_u32(vandq_u32(above, vld1q_u32(bits)));
}

/* The 16 rows of one sum. */
static uint64_t estimate_16(const struct vector_scan *scan, const struct sums *sums,
                            const unsigned char *factors, float threshold, float *out)
{
    uint16x8_t even = vsubq_u16(sums->pair, vshlq_n_u16(sums->upper, 8));
    uint16x8_t ordered[2] = {vzip1q_u16(even, sums->upper), vzip2q_u16(even, sums->upper)};
    uint64_t above = 0;
    for (size_t i = 0; i < 4; i++) {
        uint16x8_t eight = ordered[i / 2];
        uint16x4_t four = i % 2 == 0 ? vget_low_u16(eight) : vget_high_u16(eight);
        above |= estimate_4(scan, four, factors + 16 * i, threshold, out + 4 * i) << 4 * i;
    }
    return above;
}

static uint64_t scan_block(const struct vector_scan *scan, const unsigned char *block,
                           float threshold, float *out)
{
    const uint8x16_t mask = vdupq_n_u8(15), zero = vdupq_n_u8(0);
    struct sums sums[4]; /* rows 0, 16, 32 and 48 on */
    for (size_t i = 0; i < 4; i++)
        sums[i] = (struct sums){vdupq_n_u16(0), vdupq_n_u16(0)};
    for (size_t group = 0; group < scan->n_groups; group += 4) {
        uint8x16_t bytes[4] = {zero, zero, zero, zero};
        for (size_t i = 0; i < 4; i++) {
            const unsigned char *codes = block + VECTOR_GROUP_BYTES * (group + i);
            uint8x16_t table = vld1q_u8(scan->tables + 32 * (group + i));
            for (size_t half = 0; half < 2; half++) {
                uint8x16_t code = vld1q_u8(codes + 16 * half);
                uint8x16_t low = vqtbl1q_u8(table, vandq_u8(code, mask));
                uint8x16_t high = vqtbl1q_u8(table, vshrq_n_u8(code, 4));
                bytes[half] = vaddq_u8(bytes[half], low);
                bytes[2 + half] = vaddq_u8(bytes[2 + half], high);
            }
        }
        for (size_t i = 0; i < 4; i++)
            sums_add(&sums[i], bytes[i]);
    }
    const unsigned char *factors = block + VECTOR_GROUP_BYTES * scan->n_groups;
    uint64_t above = 0;
    for (size_t i = 0; i < 4; i++)
        above |= estimate_16(scan, &sums[i], factors + 64 * i, threshold, out + 16 * i) << 16 * i;
    return above;
}

const struct vector_kernel vector_kernel_neon = {
    .name = "neon",
    .runs_here = runs_here,
    .dot = dot,
    .dot_fp16 = dot_fp16,
    .from_fp16 = from_fp16,
    .scan_block = scan_block,
};

#else

const struct vector_kernel vector_kernel_neon = {.name = "neon", .runs_here = vector_runs_nowhere};

#endif
