/* nn/kernel_product.h - the functions of a kernel row, compiled once in each
 * kernel_<cpu>_<precision>.c over its lanes and elements.
 *
 * Products are outer products of registers: for each step of the inner dimension one group of a row
 * meets the same group of 16 or 32 columns. Panels stay in the first-level cache while all rows
 * pass by; meanwhile the next ones are asked for, in the order of memory and at an even pace: a
 * processor waits for a dozen lines at a time, and when all of those are on their way from far, the
 * rows, which are near, queue behind them. */
#ifndef RAGGED_NN_KERNEL_PRODUCT_H
#define RAGGED_NN_KERNEL_PRODUCT_H

#include "base/checked.h"
#include "nn/kernel_element.h"
#include "nn/kernel_math.h"

#ifdef NN_HAS_LANES

INLINE size_t panel_elements(size_t n_inner)
{
    return n_inner * KERNEL_PANEL;
}

/* A pointer that is not found again by way of another one: with a distance for each row there are
 * more of these than registers. */
#define KEPT_APART(pointer) __asm__("" : "+r"(pointer))

/* A part of a product that fits in registers, and the memory to ask for meanwhile. */
struct tile {
    size_t row, n_rows, panel, n_panels;
    const char *ahead;
    size_t ahead_step_bytes; /* for each group of the inner dimension */
};

/* A tile, finished but for gelu. n_rows and n_panels, which are the tile's, are constants at every
 * call, so that the sums live in registers. */
INLINE void sum_rows(size_t n_rows, size_t n_panels, const struct product *p,
                     const struct tile *tile)
{
    size_t a_stride = p->a_stride, row = tile->row, panel = tile->panel;
    const element *a[(TILE_ROWS + 2) / 3];
#pragma GCC unroll 4
    for (size_t i = 0; i < (n_rows + 2) / 3; i++)
        a[i] = (const element *)p->a + (row + 3 * i) * a_stride;
    const element *b = (const element *)p->b + panel * panel_elements(p->n_inner);
    size_t stride = panel_elements(p->n_inner), n_vectors = n_panels * PANEL_VECTORS;
    const char *ahead = tile->ahead;
    size_t ahead_step_bytes = tile->ahead_step_bytes;
    sum_lanes sums[TILE_ROWS][TILE_VECTORS];
#pragma GCC unroll 12
    for (size_t i = 0; i < n_rows; i++) {
#pragma GCC unroll 4
        for (size_t v = 0; v < n_vectors; v++)
            sums[i][v] = (sum_lanes){0};
    }
    for (size_t k = 0; k < p->n_inner; k += ELEMENT_GROUP) {
        column_lanes columns[TILE_VECTORS];
#pragma GCC unroll 4
        for (size_t v = 0; v < n_vectors; v++)
            columns[v] = load_group(b + v / PANEL_VECTORS * stride +
                                    v % PANEL_VECTORS * N_LANES * ELEMENT_GROUP);
        __builtin_prefetch(ahead, 0, 3);
        ahead += ahead_step_bytes;
#pragma GCC unroll 12
        for (size_t i = 0; i < n_rows; i++)
            accumulate(sums[i], a[i / 3] + i % 3 * a_stride, columns, n_vectors);
#pragma GCC unroll 4
        for (size_t i = 0; i < (n_rows + 2) / 3; i++) {
            a[i] += ELEMENT_GROUP;
            KEPT_APART(a[i]);
        }
        b += KERNEL_PANEL * ELEMENT_GROUP;
    }
    size_t column = panel * KERNEL_PANEL, out_stride = p->out_stride;
    float *out = p->out + row * out_stride + column;
    if (!p->b_scales) {
#pragma GCC unroll 12
        for (size_t i = 0; i < n_rows; i++, out += out_stride) {
#pragma GCC unroll 4
            for (size_t v = 0; v < n_vectors; v++)
                lanes_store(out + v * N_LANES, lanes_of_sum(sums[i][v]));
        }
        return;
    }
    const float *bias = p->bias + column, *scales = p->b_scales + column, *row_scales = p->a_scales;
    bool is_added = p->is_added;
#pragma GCC unroll 12
    for (size_t i = 0; i < n_rows; i++, out += out_stride) {
        float scale = row_scales[row + i];
#pragma GCC unroll 4
        for (size_t v = 0; v < n_vectors; v++) {
            lanes addend = lanes_load(bias + v * N_LANES);
            if (is_added)
                addend += lanes_load(out + v * N_LANES);
            lanes_store(out + v * N_LANES, scaled(sums[i][v], scale, scales + v * N_LANES, addend));
        }
    }
}

INLINE void sum_panels(size_t n_panels, const struct product *p, const struct tile *tile)
{
    switch (tile->n_rows) {
#if TILE_ROWS > 6
    case 12:
        sum_rows(12, n_panels, p, tile);
        return;
    case 11:
        sum_rows(11, n_panels, p, tile);
        return;
    case 10:
        sum_rows(10, n_panels, p, tile);
        return;
    case 9:
        sum_rows(9, n_panels, p, tile);
        return;
    case 8:
        sum_rows(8, n_panels, p, tile);
        return;
    case 7:
        sum_rows(7, n_panels, p, tile);
        return;
#endif
    case 6:
        sum_rows(6, n_panels, p, tile);
        return;
    case 5:
        sum_rows(5, n_panels, p, tile);
        return;
    case 4:
        sum_rows(4, n_panels, p, tile);
        return;
    case 3:
        sum_rows(3, n_panels, p, tile);
        return;
    case 2:
        sum_rows(2, n_panels, p, tile);
        return;
    default:
        sum_rows(1, n_panels, p, tile);
    }
}

static __attribute__((noinline)) void sum_tile(const struct product *p, const struct tile *tile)
{
    if (TILE_PANELS == 1 || tile->n_panels == 1)
        sum_panels(1, p, tile);
    else
        sum_panels(TILE_PANELS, p, tile);
}

static void apply_gelu(float *out, size_t stride, size_t n_rows, size_t n_columns)
{
    for (size_t i = 0; i < n_rows; i++, out += stride) {
        for (size_t j = 0; j < n_columns; j += N_LANES) {
            lanes x = lanes_load(out + j);
            lanes_store(out + j, ELEMENT_GROUP == 1 ? gelu_exact(x) : gelu_rounded(x));
        }
    }
}

/* Rows are split evenly: twice eight, not twelve and four. */
INLINE size_t n_tiles_of(size_t n_rows)
{
    return (n_rows + TILE_ROWS - 1) / TILE_ROWS;
}

static void multiply(const struct product *p)
{
    if (!p->n_rows)
        return;
    size_t n_tiles = n_tiles_of(p->n_rows), n_panels = p->n_columns / KERNEL_PANEL, n;
    size_t n_fewest = p->n_rows / n_tiles, n_short = n_tiles - p->n_rows % n_tiles;
    size_t group_bytes = KERNEL_PANEL * ELEMENT_GROUP * sizeof(element);
    size_t n_groups = p->n_inner / ELEMENT_GROUP;
    size_t step_bytes = (group_bytes + n_tiles - 1) / n_tiles;
    const char *next = p->b;
    for (size_t panel = 0; panel < n_panels; panel += n) {
        n = panel + TILE_PANELS <= n_panels ? TILE_PANELS : 1;
        next += n * n_groups * group_bytes;
        struct tile tile = {
            .panel = panel, .n_panels = n, .ahead = next, .ahead_step_bytes = n * step_bytes};
        for (size_t t = 0; t < n_tiles; t++, tile.row += tile.n_rows) {
            tile.n_rows = n_fewest + (t >= n_short);
            sum_tile(p, &tile);
            tile.ahead += tile.ahead_step_bytes * n_groups;
            if (p->has_gelu)
                apply_gelu(p->out + tile.row * p->out_stride + panel * KERNEL_PANEL, p->out_stride,
                           tile.n_rows, n * KERNEL_PANEL);
        }
    }
}

/* Some rows at a time, so that none waits for its maximum: that takes as long across lanes as a few
 * vectors do. */
static void convert(const struct rows *x, size_t n_inner, void *out, float *out_scales)
{
    element *to = out;
    float largest[TILE_ROWS];
    for (size_t first = 0, n; first < x->n; first += n) {
        const float *from = x->at + first * x->stride;
        n = size_min(TILE_ROWS, x->n - first);
        for (size_t i = 0; i < n; i++)
            largest[i] = largest_absolute(from + i * x->stride, x->n_columns);
        for (size_t i = 0; i < n; i++)
            out_scales[first + i] =
                convert_row(from + i * x->stride, x->n_columns, n_inner, KERNEL_ROW_LEVEL,
                            largest[i], to + (first + i) * n_inner);
    }
}

/* N_LANES rows of as many groups of elements: the bits that number rows and groups trade places one
 * by one, each time rows are interleaved with those half of them further. */
INLINE void transpose(lanes_int *rows)
{
#pragma GCC unroll 4
    for (size_t n_done = 1; n_done < N_LANES; n_done *= 2) {
        lanes_int turned[N_LANES];
#pragma GCC unroll 8
        for (size_t i = 0; i < N_LANES / 2; i++)
            lanes_interleave(rows[i], rows[i + N_LANES / 2], turned + 2 * i);
#pragma GCC unroll 16
        for (size_t i = 0; i < N_LANES; i++)
            rows[i] = turned[i];
    }
}

/* KERNEL_PANEL rows become the columns of a panel. They are read in whole vectors: PANEL_SLACK
 * elements beyond them are to be there. */
#define PANEL_SLACK (N_LANES * ELEMENT_GROUP)
static void place_panel(const element *rows, size_t n_inner, element *panel)
{
    size_t n_groups = n_inner / ELEMENT_GROUP;
    for (size_t first = 0; first < KERNEL_PANEL; first += N_LANES) {
        for (size_t group = 0; group < n_groups; group += N_LANES) {
            lanes_int block[N_LANES];
            const element *from = rows + first * n_inner + group * ELEMENT_GROUP;
            element *to = panel + (group * KERNEL_PANEL + first) * ELEMENT_GROUP;
#pragma GCC unroll 16
            for (size_t i = 0; i < N_LANES; i++)
                block[i] = lanes_load_int((const int32_t *)(const void *)(from + i * n_inner));
            transpose(block);
#pragma GCC unroll 16
            for (size_t i = 0; i < N_LANES; i++) {
                if (group + i < n_groups)
                    lanes_store_int((int32_t *)(void *)(to + i * KERNEL_PANEL * ELEMENT_GROUP),
                                    block[i]);
            }
        }
    }
}

static void pack(const struct rows *w, size_t n_inner, void *out, float *out_scales)
{
    element rows[KERNEL_PANEL * KERNEL_INNER_MAX + PANEL_SLACK] __attribute__((aligned(64)));
    element *panel = out;
    memset(rows, 0, sizeof rows);
    for (size_t first = 0; first < w->n; first += KERNEL_PANEL) {
        for (size_t i = 0; i < KERNEL_PANEL; i++) {
            element *row = rows + i * n_inner;
            out_scales[first + i] = 0;
            if (first + i >= w->n) {
                memset(row, 0, n_inner * sizeof *row);
                continue;
            }
            const float *column = w->at + (first + i) * w->stride;
            out_scales[first + i] =
                convert_row(column, w->n_columns, n_inner, column_level(column, w->n_columns),
                            largest_absolute(column, w->n_columns), row);
        }
        place_panel(rows, n_inner, panel);
        panel += panel_elements(n_inner);
    }
}

#endif
#endif
