/* nn/kernel_body.h - the functions of a kernel row, compiled once in each
 * kernel_<cpu>_<precision>.c over its lanes and elements.
 *
 * Products are outer products of registers: for each step of the inner dimension one group of a row
 * meets the same group of 16 or 32 columns. Panels stay in the first-level cache while all rows
 * pass by; the next ones are asked for meanwhile. */
#ifndef RAGGED_NN_KERNEL_PRODUCT_H
#define RAGGED_NN_KERNEL_PRODUCT_H

#include "base/checked.h"
#include "nn/kernel_element.h"
#include "nn/kernel_math.h"

#ifdef NN_HAS_LANES

struct tile {
    const element *a; /* [TILE_ROWS][n_steps] groups */
    const element *b; /* panels of n_steps groups of 16 */
    size_t a_stride;  /* elements */
    size_t n_steps;
};

#define TILE_SUMS (TILE_ROWS * TILE_PANELS * KERNEL_PANEL)

INLINE size_t panel_elements(size_t n_steps)
{
    return n_steps * KERNEL_PANEL * ELEMENT_GROUP;
}

/* out is [n_rows][n_panels * 16]. n_rows and n_panels are constants at every call, so that the sums
 * live in registers. */
INLINE void sum_rows(size_t n_rows, size_t n_panels, const struct tile *t, sum_value *out)
{
    const element *a = t->a, *b = t->b;
    size_t stride = panel_elements(t->n_steps), n_vectors = n_panels * PANEL_VECTORS;
    sum_lanes sums[TILE_ROWS][TILE_VECTORS];
#pragma GCC unroll 12
    for (size_t i = 0; i < n_rows; i++) {
#pragma GCC unroll 4
        for (size_t v = 0; v < n_vectors; v++)
            sums[i][v] = (sum_lanes){0};
    }
    for (size_t step = 0; step < t->n_steps; step++) {
        sum_lanes columns[TILE_VECTORS];
#pragma GCC unroll 4
        for (size_t v = 0; v < n_vectors; v++)
            columns[v] = load_group(b + v / PANEL_VECTORS * stride +
                                    v % PANEL_VECTORS * N_LANES * ELEMENT_GROUP);
#pragma GCC unroll 2
        for (size_t p = 0; p < n_panels; p++)
            __builtin_prefetch(b + (n_panels + p) * stride, 0, 2);
#pragma GCC unroll 12
        for (size_t i = 0; i < n_rows; i++)
            accumulate(sums[i], a + i * t->a_stride, columns, n_vectors);
        a += ELEMENT_GROUP;
        b += KERNEL_PANEL * ELEMENT_GROUP;
    }
#pragma GCC unroll 12
    for (size_t i = 0; i < n_rows; i++) {
#pragma GCC unroll 4
        for (size_t v = 0; v < n_vectors; v++)
            store_sums(out + (i * n_vectors + v) * N_LANES, sums[i][v]);
    }
}

INLINE void sum_panels(size_t n_rows, size_t n_panels, const struct tile *t, sum_value *out)
{
    switch (n_rows) {
#if TILE_ROWS > 6
    case 12:
        sum_rows(12, n_panels, t, out);
        return;
    case 11:
        sum_rows(11, n_panels, t, out);
        return;
    case 10:
        sum_rows(10, n_panels, t, out);
        return;
    case 9:
        sum_rows(9, n_panels, t, out);
        return;
    case 8:
        sum_rows(8, n_panels, t, out);
        return;
    case 7:
        sum_rows(7, n_panels, t, out);
        return;
#endif
    case 6:
        sum_rows(6, n_panels, t, out);
        return;
    case 5:
        sum_rows(5, n_panels, t, out);
        return;
    case 4:
        sum_rows(4, n_panels, t, out);
        return;
    case 3:
        sum_rows(3, n_panels, t, out);
        return;
    case 2:
        sum_rows(2, n_panels, t, out);
        return;
    default:
        sum_rows(1, n_panels, t, out);
    }
}

static __attribute__((noinline)) void sum_tile(size_t n_rows, size_t n_panels, const struct tile *t,
                                               sum_value *out)
{
    if (n_panels == TILE_PANELS)
        sum_panels(n_rows, TILE_PANELS, t, out);
    else
        sum_panels(n_rows, 1, t, out);
}

/* Rows are split evenly: twice eight, not twelve and four. */
INLINE size_t n_tiles_of(size_t n_rows)
{
    return (n_rows + TILE_ROWS - 1) / TILE_ROWS;
}

static void finish_tile(const struct product *p, size_t first_row, size_t n_rows,
                        size_t first_column, size_t n_columns, const sum_value *sums)
{
    for (size_t i = 0; i < n_rows; i++) {
        float scale = p->a_scales[first_row + i];
        float *out = p->out + (first_row + i) * p->out_stride + first_column;
        for (size_t j = 0; j < n_columns; j += N_LANES) {
            lanes v =
                scaled(load_sums(sums + i * n_columns + j), scale, p->b_scales + first_column + j);
            if (p->bias)
                v += lanes_load(p->bias + first_column + j);
            if (p->is_added)
                v += lanes_load(out + j);
            if (p->has_gelu)
                v = ELEMENT_GROUP == 1 ? gelu_exact(v) : gelu_rounded(v);
            lanes_store(out + j, v);
        }
    }
}

static void multiply(const struct product *p)
{
    sum_value sums[TILE_SUMS] __attribute__((aligned(64)));
    size_t n_tiles = n_tiles_of(p->n_rows), n_panels = p->n_columns / KERNEL_PANEL, n;
    struct tile tile = {.a_stride = p->n_inner, .n_steps = p->n_inner / ELEMENT_GROUP};
    for (size_t panel = 0; panel < n_panels; panel += n) {
        n = panel + TILE_PANELS <= n_panels ? TILE_PANELS : 1;
        tile.b = (const element *)p->b + panel * panel_elements(tile.n_steps);
        for (size_t t = 0; t < n_tiles; t++) {
            size_t first = p->n_rows * t / n_tiles, end = p->n_rows * (t + 1) / n_tiles;
            tile.a = (const element *)p->a + first * p->n_inner;
            sum_tile(end - first, n, &tile, sums);
            finish_tile(p, first, end - first, panel * KERNEL_PANEL, n * KERNEL_PANEL, sums);
        }
    }
}

static void convert(const struct rows *x, size_t n_inner, void *out, float *out_scales)
{
    element *to = out;
    for (size_t i = 0; i < x->n; i++)
        out_scales[i] = convert_row(x->at + i * x->stride, x->n_columns, n_inner, KERNEL_ROW_LEVEL,
                                    to + i * n_inner);
}

/* A row becomes a column of its panel. */
static void place_column(const element *row, size_t n_steps, size_t i_column, element *panels)
{
    group *to = (group *)(void *)(panels + i_column / KERNEL_PANEL * panel_elements(n_steps));
    to += i_column % KERNEL_PANEL;
    for (size_t step = 0; step < n_steps; step++)
        memcpy(to + step * KERNEL_PANEL, row + step * ELEMENT_GROUP, sizeof *to);
}

static void pack(const struct rows *w, size_t n_inner, void *out, float *out_scales)
{
    element row[KERNEL_INNER_MAX] __attribute__((aligned(64)));
    size_t n_steps = n_inner / ELEMENT_GROUP;
    for (size_t i = 0; i < kernel_round_up(w->n); i++) {
        if (i < w->n) {
            const float *column = w->at + i * w->stride;
            out_scales[i] =
                convert_row(column, w->n_columns, n_inner, column_level(column, w->n_columns), row);
        } else {
            memset(row, 0, sizeof row);
            out_scales[i] = 0;
        }
        place_column(row, n_steps, i, out);
    }
}

#endif
#endif
