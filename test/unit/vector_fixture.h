/* A vector segment of made-up rows. */
#ifndef RAGGED_TEST_VECTOR_FIXTURE_H
#define RAGGED_TEST_VECTOR_FIXTURE_H

#include "../testing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "segment/segment.h"
#include "vector/vector.h"

struct fixture {
    char *folder, *path;
    uint16_t *halves; /* [n][dim] */
    uint32_t *slots;  /* row i is slots[i]: a permutation */
    struct vector_rows rows;
    struct segment *segment;
    struct vector_index *index;
    size_t n;
};

static uint64_t random_state;

static uint64_t random_u64(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    uint64_t z = (random_state ^ random_state >> 33) * 0xFF51AFD7ED558CCD;
    return z ^ z >> 29;
}

/* -1 to 1, more often in the middle. */
static float random_float(void)
{
    float sum = 0;
    for (int i = 0; i < 4; i++)
        sum += (float)(random_u64() >> 40) / (float)(1 << 24) - 0.5f;
    return sum / 2;
}

static void make_unit(float *v, size_t dim)
{
    double square = 0;
    for (size_t i = 0; i < dim; i++)
        square += (double)v[i] * (double)v[i];
    for (size_t i = 0; i < dim; i++)
        v[i] = (float)((double)v[i] / sqrt(square));
}

/* A part of the row is that of its topic, a part is common to all, the rest its own. */
static void random_row(size_t dim, unsigned topic, float *out)
{
    uint64_t own = random_u64();
    random_state = 1000 + topic;
    for (size_t i = 0; i < dim; i++)
        out[i] = 0.6f * random_float() + 0.3f;
    random_state = own;
    for (size_t i = 0; i < dim; i++)
        out[i] += random_float();
    make_unit(out, dim);
}

static void write_segment(struct fixture *f, const char *path, unsigned n_threads)
{
    struct error err;
    struct segment_writer *writer;
    struct segment_stamp stamp;
    int64_t *ids = mem_array(f->n, sizeof *ids);
    for (size_t i = 0; i < f->n; i++)
        ids[i] = (int64_t)i + 1;
    assert_ok(segment_writer_new(path, SEGMENT_VECTOR, "made up", &writer, &err));
    assert_ok(segment_writer_put_rows(writer, ids, ids, f->n, &err));
    assert_ok(vector_codes_write(writer, f->slots, f->n, &f->rows, n_threads, &err));
    assert_ok(segment_writer_finish(writer, &stamp, &err));
    segment_writer_free(writer);
    mem_free(ids);
}

/* Rows may be changed before fixture_open() makes the segment of them. */
static void fixture_init(struct fixture *f, size_t n, size_t dim)
{
    struct error err;
    float row[VECTOR_DIM_MAX];
    random_state = n * 31 + dim;
    *f = (struct fixture){.n = n};
    assert_ok(folder_make_temporary("/tmp", "ragged-vector-", &f->folder, &err));
    f->path = path_join(f->folder, "vectors.seg");
    f->halves = mem_array(n * dim, sizeof *f->halves);
    f->slots = mem_array(n, sizeof *f->slots);
    for (size_t i = 0; i < n; i++) {
        random_row(dim, (unsigned)(i / 50 % 40), row);
        vector_to_fp16(row, dim, f->halves + i * dim);
        f->slots[i] = (uint32_t)i;
    }
    for (size_t i = n; i > 1; i--) {
        size_t j = random_u64() % i;
        uint32_t old = f->slots[i - 1];
        f->slots[i - 1] = f->slots[j];
        f->slots[j] = old;
    }
    f->rows = (struct vector_rows){.bytes = f->halves, .n_slots = n, .dim = dim};
}

static void fixture_open(struct fixture *f)
{
    struct error err;
    write_segment(f, f->path, 1);
    assert_ok(segment_open(f->path, SEGMENT_VECTOR, NULL, &f->segment, &err));
    assert_ok(vector_index_open(f->segment, &f->index, &err));
}

static void fixture_clear(struct fixture *f)
{
    struct error err;
    vector_index_close(f->index);
    segment_close(f->segment);
    mem_free(f->halves);
    mem_free(f->slots);
    assert_ok(folder_remove(f->folder, &err));
    mem_free(f->folder);
    mem_free(f->path);
}

static uint16_t *fixture_row(struct fixture *f, size_t row)
{
    return f->halves + f->slots[row] * f->rows.dim;
}

static void random_query(struct fixture *f, float *out)
{
    float other[VECTOR_DIM_MAX];
    vector_from_fp16(fixture_row(f, random_u64() % f->n), f->rows.dim, out);
    random_row(f->rows.dim, (unsigned)(random_u64() % 40), other);
    for (size_t i = 0; i < f->rows.dim; i++)
        out[i] = 3 * out[i] + other[i]; /* and not of unit length */
}

#endif
