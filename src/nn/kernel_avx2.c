#include "nn/kernel.h"

extern const struct kernel kernel_avx2;

#if defined(__AVX2__) && defined(__FMA__)

#include <float.h>
#include <immintrin.h>
#include <math.h>
#include <stdint.h>

#include "base/checked.h"

#define INLINE static inline __attribute__((always_inline))

#define N_LANES ((size_t)8)
#define TILE_ROWS ((size_t)3) /* 3 x 4 sums, 3 rows and 1 column: the 16 registers */
#define TILE_COLUMNS ((size_t)4)
#define CACHE_LINE_BYTES ((size_t)64)
#define BLOCK_FLOATS ((size_t)48 * 1024) /* rows of `a` that stay in the second-level cache */

static bool runs(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

/* The first n of 8 lanes; n <= 8. */
INLINE __m256i lanes_mask(size_t n)
{
    static const int32_t edge[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};
    return _mm256_loadu_si256((const void *)(edge + N_LANES - n));
}

/* Lane-wise tree over four vectors at once: element i is the sum of v[i]. */
INLINE __m128 sum_four(const __m256 v[TILE_COLUMNS])
{
    __m256 pairs = _mm256_hadd_ps(_mm256_hadd_ps(v[0], v[1]), _mm256_hadd_ps(v[2], v[3]));
    return _mm_add_ps(_mm256_castps256_ps128(pairs), _mm256_extractf128_ps(pairs, 1));
}

INLINE float sum_one(__m256 v)
{
    const __m256 zero = _mm256_setzero_ps();
    return _mm_cvtss_f32(sum_four((__m256[TILE_COLUMNS]){v, zero, zero, zero}));
}

/* One step of a tile: 8 values of the inner dimension (or the last few, through `mask`). */
INLINE void multiply_step(size_t n_rows, size_t n_columns, const struct product *p, const float *a,
                          const float *b, bool is_tail, __m256i mask,
                          __m256 sums[TILE_ROWS][TILE_COLUMNS])
{
    __m256 rows[TILE_ROWS];
#pragma GCC unroll 3
    for (size_t i = 0; i < n_rows; i++)
        rows[i] = is_tail ? _mm256_maskload_ps(a + i * p->a_stride, mask)
                          : _mm256_loadu_ps(a + i * p->a_stride);
#pragma GCC unroll 4
    for (size_t j = 0; j < n_columns; j++) {
        __m256 column = is_tail ? _mm256_maskload_ps(b + j * p->b_stride, mask)
                                : _mm256_loadu_ps(b + j * p->b_stride);
#pragma GCC unroll 3
        for (size_t i = 0; i < n_rows; i++)
            sums[i][j] = _mm256_fmadd_ps(rows[i], column, sums[i][j]);
    }
}

INLINE void store_sums(size_t n_columns, __m128 sums, const float *bias, float *out)
{
    if (n_columns == TILE_COLUMNS) {
        _mm_storeu_ps(out, bias ? _mm_add_ps(sums, _mm_loadu_ps(bias)) : sums);
        return;
    }
    float values[TILE_COLUMNS];
    _mm_storeu_ps(values, sums);
    for (size_t j = 0; j < n_columns; j++)
        out[j] = bias ? values[j] + bias[j] : values[j];
}

/* n_rows and n_columns are constants at every call, so that the sums live in registers. */
INLINE void multiply_tile(size_t n_rows, size_t n_columns, const struct product *p, size_t i_row,
                          size_t i_column)
{
    const float *a = p->a + i_row * p->a_stride, *b = p->b + i_column * p->b_stride;
    __m256 sums[TILE_ROWS][TILE_COLUMNS];
#pragma GCC unroll 3
    for (size_t i = 0; i < TILE_ROWS; i++) {
#pragma GCC unroll 4
        for (size_t j = 0; j < TILE_COLUMNS; j++)
            sums[i][j] = _mm256_setzero_ps();
    }
    size_t k = 0;
    const __m256i all = _mm256_set1_epi32(-1);
    for (; k + N_LANES <= p->n_inner; k += N_LANES)
        multiply_step(n_rows, n_columns, p, a + k, b + k, false, all, sums);
    if (k < p->n_inner)
        multiply_step(n_rows, n_columns, p, a + k, b + k, true, lanes_mask(p->n_inner - k), sums);
#pragma GCC unroll 3
    for (size_t i = 0; i < n_rows; i++)
        store_sums(n_columns, sum_four(sums[i]), p->bias ? p->bias + i_column : NULL,
                   p->out + (i_row + i) * p->out_stride + i_column);
}

/* A weight matrix is read once per block of rows, from memory that no cache holds: ask for a slice
 * of the next columns beside each tile. Past the end of b this asks for nothing. */
INLINE void prefetch_slice(const char *next, size_t size_bytes, size_t i_slice, size_t slice_bytes)
{
    size_t end = size_min((i_slice + 1) * slice_bytes, size_bytes);
    for (size_t at = i_slice * slice_bytes; at < end; at += CACHE_LINE_BYTES)
        _mm_prefetch(next + at, _MM_HINT_T0);
}

/* All rows from `begin` to `end` against n_columns columns of b, which stay in the first-level
 * cache meanwhile. Two rows twice rather than three and one: one row alone waits for its sums. */
INLINE void multiply_columns(size_t n_columns, const struct product *p, size_t begin, size_t end,
                             size_t i_column)
{
    size_t n_rows = end - begin, n_tiles = (n_rows + TILE_ROWS - 1) / TILE_ROWS;
    size_t i = begin,
           n_threes = n_rows % TILE_ROWS == 1 && n_tiles > 1 ? n_tiles - 2 : n_rows / TILE_ROWS;
    const char *next = (const char *)(p->b + (i_column + n_columns) * p->b_stride);
    size_t next_bytes = n_columns * p->b_stride * sizeof(float);
    size_t slice_bytes = (next_bytes / n_tiles + CACHE_LINE_BYTES) & ~(CACHE_LINE_BYTES - 1);
    for (size_t t = 0; t < n_tiles; t++) {
        prefetch_slice(next, next_bytes, t, slice_bytes);
        size_t n = t < n_threes ? TILE_ROWS : size_min(end - i, 2);
        if (n == 3)
            multiply_tile(3, n_columns, p, i, i_column);
        else if (n == 2)
            multiply_tile(2, n_columns, p, i, i_column);
        else
            multiply_tile(1, n_columns, p, i, i_column);
        i += n;
    }
}

static void multiply(const struct product *p)
{
    size_t n_block = BLOCK_FLOATS / size_max(p->n_inner, 1) / TILE_ROWS * TILE_ROWS;
    n_block = size_max(n_block, TILE_ROWS);
    for (size_t begin = 0; begin < p->n_rows; begin += n_block) {
        size_t end = size_min(begin + n_block, p->n_rows), j = 0;
        for (; j + TILE_COLUMNS <= p->n_columns; j += TILE_COLUMNS)
            multiply_columns(TILE_COLUMNS, p, begin, end, j);
        for (; j < p->n_columns; j++)
            multiply_columns(1, p, begin, end, j);
    }
}

/* n_rows x (8 * n_vectors) outputs; with is_tail the last vector goes through `mask`. */
INLINE void mix_tile(size_t n_rows, size_t n_vectors, const struct product *p, size_t i_row,
                     size_t i_column, bool is_tail, __m256i mask)
{
    const float *a = p->a + i_row * p->a_stride, *b = p->b + i_column;
    __m256 sums[TILE_ROWS][TILE_COLUMNS];
#pragma GCC unroll 3
    for (size_t i = 0; i < TILE_ROWS; i++) {
#pragma GCC unroll 4
        for (size_t j = 0; j < TILE_COLUMNS; j++)
            sums[i][j] = _mm256_setzero_ps();
    }
    for (size_t k = 0; k < p->n_inner; k++, b += p->b_stride) {
        __m256 factors[TILE_ROWS];
#pragma GCC unroll 3
        for (size_t i = 0; i < n_rows; i++)
            factors[i] = _mm256_broadcast_ss(a + i * p->a_stride + k);
#pragma GCC unroll 4
        for (size_t j = 0; j < n_vectors; j++) {
            __m256 row = is_tail ? _mm256_maskload_ps(b + j * N_LANES, mask)
                                 : _mm256_loadu_ps(b + j * N_LANES);
#pragma GCC unroll 3
            for (size_t i = 0; i < n_rows; i++)
                sums[i][j] = _mm256_fmadd_ps(factors[i], row, sums[i][j]);
        }
    }
#pragma GCC unroll 3
    for (size_t i = 0; i < n_rows; i++) {
        float *out = p->out + (i_row + i) * p->out_stride + i_column;
#pragma GCC unroll 4
        for (size_t j = 0; j < n_vectors; j++) {
            if (is_tail)
                _mm256_maskstore_ps(out + j * N_LANES, mask, sums[i][j]);
            else
                _mm256_storeu_ps(out + j * N_LANES, sums[i][j]);
        }
    }
}

INLINE void mix_rows(size_t n_rows, const struct product *p, size_t i_row)
{
    const __m256i all = _mm256_set1_epi32(-1);
    size_t j = 0;
    for (; j + TILE_COLUMNS * N_LANES <= p->n_columns; j += TILE_COLUMNS * N_LANES)
        mix_tile(n_rows, TILE_COLUMNS, p, i_row, j, false, all);
    for (; j + N_LANES <= p->n_columns; j += N_LANES)
        mix_tile(n_rows, 1, p, i_row, j, false, all);
    if (j < p->n_columns)
        mix_tile(n_rows, 1, p, i_row, j, true, lanes_mask(p->n_columns - j));
}

static void mix(const struct product *p)
{
    size_t i = 0;
    for (; i + TILE_ROWS <= p->n_rows; i += TILE_ROWS)
        mix_rows(TILE_ROWS, p, i);
    for (; i < p->n_rows; i++)
        mix_rows(1, p, i);
}

/* exp(x) for x <= 0: 2^n * e^r with the polynomial of Cephes' expf. */
INLINE __m256 exp_negative(__m256 x)
{
    x = _mm256_max_ps(x, _mm256_set1_ps(-87.0f));
    __m256 n = _mm256_round_ps(_mm256_mul_ps(x, _mm256_set1_ps(1.44269504f)),
                               _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    __m256 r = _mm256_fnmadd_ps(n, _mm256_set1_ps(0.693359375f), x);
    r = _mm256_fnmadd_ps(n, _mm256_set1_ps(-2.12194440e-4f), r);
    static const float c[] = {1.3981999507e-3f,
                              8.3334519073e-3f,
                              4.1665795894e-2f,
                              1.6666665459e-1f,
                              5.0000001201e-1f,
                              1.0f,
                              1.0f};
    __m256 y = _mm256_set1_ps(1.9875691500e-4f);
#pragma GCC unroll 7
    for (size_t i = 0; i < sizeof c / sizeof c[0]; i++)
        y = _mm256_fmadd_ps(y, r, _mm256_set1_ps(c[i]));
    __m256i exponent = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
    return _mm256_mul_ps(y, _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23)));
}

static float max_of(const float *row, size_t n)
{
    __m256 max = _mm256_set1_ps(-FLT_MAX);
    size_t i = 0;
    for (; i + N_LANES <= n; i += N_LANES)
        max = _mm256_max_ps(max, _mm256_loadu_ps(row + i));
    float lanes[8], best = -FLT_MAX;
    _mm256_storeu_ps(lanes, max);
    for (size_t l = 0; l < N_LANES; l++)
        best = lanes[l] > best ? lanes[l] : best;
    for (; i < n; i++)
        best = row[i] > best ? row[i] : best;
    return best;
}

static void softmax(float *row, size_t n, float scale)
{
    const __m256 max = _mm256_set1_ps(max_of(row, n)), factor = _mm256_set1_ps(scale);
    __m256 sum = _mm256_setzero_ps();
    for (size_t i = 0; i < n; i += N_LANES) {
        __m256i mask = lanes_mask(size_min(n - i, N_LANES));
        __m256 x = _mm256_sub_ps(_mm256_maskload_ps(row + i, mask), max);
        __m256 e = exp_negative(_mm256_min_ps(_mm256_mul_ps(x, factor), _mm256_setzero_ps()));
        e = _mm256_and_ps(e, _mm256_castsi256_ps(mask));
        sum = _mm256_add_ps(sum, e);
        _mm256_maskstore_ps(row + i, mask, e);
    }
    const __m256 inverse = _mm256_set1_ps(1 / sum_one(sum));
    for (size_t i = 0; i < n; i += N_LANES) {
        __m256i mask = lanes_mask(size_min(n - i, N_LANES));
        __m256 e = _mm256_maskload_ps(row + i, mask);
        _mm256_maskstore_ps(row + i, mask, _mm256_mul_ps(e, inverse));
    }
}

INLINE __m256 polynomial(__m256 x, const float *c, size_t n)
{
    __m256 y = _mm256_set1_ps(c[0]);
#pragma GCC unroll 8
    for (size_t i = 1; i < n; i++)
        y = _mm256_fmadd_ps(y, x, _mm256_set1_ps(c[i]));
    return y;
}

/* erf by the rational minimax of Eigen's float erf, odd over even in x, |x| clamped to 4. */
INLINE __m256 gelu_of(__m256 x)
{
    static const float odd[] = {-2.72614225801306e-10f, 2.77068142495902e-08f,
                                -2.10102402082508e-06f, -5.69250639462346e-05f,
                                -7.34990630326855e-04f, -2.95459980854025e-03f,
                                -1.60960333262415e-02f};
    static const float even[] = {-1.45660718464996e-05f, -2.13374055278905e-04f,
                                 -1.68282697438203e-03f, -7.37332916720468e-03f,
                                 -1.42647390514189e-02f};
    __m256 z = _mm256_mul_ps(x, _mm256_set1_ps(0.70710678f));
    z = _mm256_max_ps(_mm256_min_ps(z, _mm256_set1_ps(4.0f)), _mm256_set1_ps(-4.0f));
    __m256 square = _mm256_mul_ps(z, z);
    __m256 numerator = _mm256_mul_ps(z, polynomial(square, odd, 7));
    __m256 erf = _mm256_div_ps(numerator, polynomial(square, even, 5));
    __m256 half = _mm256_mul_ps(x, _mm256_set1_ps(0.5f));
    return _mm256_fmadd_ps(half, erf, half);
}

static void gelu(float *x, size_t n)
{
    size_t i = 0;
    for (; i + N_LANES <= n; i += N_LANES)
        _mm256_storeu_ps(x + i, gelu_of(_mm256_loadu_ps(x + i)));
    if (i < n) {
        __m256i mask = lanes_mask(n - i);
        _mm256_maskstore_ps(x + i, mask, gelu_of(_mm256_maskload_ps(x + i, mask)));
    }
}

static void normalise(float *x, size_t n, const struct norm *norm, float epsilon)
{
    __m256 sum = _mm256_setzero_ps(), squares = sum;
    for (size_t i = 0; i < n; i += N_LANES)
        sum = _mm256_add_ps(sum, _mm256_maskload_ps(x + i, lanes_mask(size_min(n - i, N_LANES))));
    const __m256 mean = _mm256_set1_ps(sum_one(sum) / (float)n);
    for (size_t i = 0; i < n; i += N_LANES) {
        __m256i mask = lanes_mask(size_min(n - i, N_LANES));
        __m256 d = _mm256_sub_ps(_mm256_maskload_ps(x + i, mask), mean);
        d = _mm256_and_ps(d, _mm256_castsi256_ps(mask));
        squares = _mm256_fmadd_ps(d, d, squares);
    }
    const __m256 factor = _mm256_set1_ps(1 / sqrtf(sum_one(squares) / (float)n + epsilon));
    for (size_t i = 0; i < n; i += N_LANES) {
        __m256i mask = lanes_mask(size_min(n - i, N_LANES));
        __m256 d = _mm256_sub_ps(_mm256_maskload_ps(x + i, mask), mean);
        __m256 y =
            _mm256_fmadd_ps(_mm256_mul_ps(d, factor), _mm256_maskload_ps(norm->gamma + i, mask),
                            _mm256_maskload_ps(norm->beta + i, mask));
        _mm256_maskstore_ps(x + i, mask, y);
    }
}

const struct kernel kernel_avx2 = {
    .name = "avx2",
    .runs = runs,
    .multiply = multiply,
    .mix = mix,
    .softmax = softmax,
    .gelu = gelu,
    .normalise = normalise,
};

#else

static bool runs(void)
{
    return false;
}

const struct kernel kernel_avx2 = {.name = "avx2", .runs = runs};

#endif
