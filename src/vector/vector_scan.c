#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/thread.h"
#include "vector/vector_index.h"

#define ROWS_OF_THREAD ((size_t)300000) /* fewer are scanned faster than a thread starts */
#define THREADS_MAX ((size_t)64)
#define TABLE_CODES 16

/* The 16 sums of a group: + where the code's bit is set, - where not; shifted so that the smallest
 * is 0, and rounded. */
static void fill_table(const float *values, float absolute, float levels, unsigned char *table)
{
    float sums[TABLE_CODES] = {absolute - values[0] - values[1] - values[2] - values[3]};
    for (size_t bit = 0; bit < VECTOR_GROUP_DIMS; bit++)
        for (size_t code = 0; code < (size_t)1 << bit; code++)
            sums[code | (size_t)1 << bit] = sums[code] + 2 * values[bit];
    for (size_t code = 0; code < TABLE_CODES; code++) {
        float level = sums[code] * levels + 0.5f;
        level = level > 0 ? level < VECTOR_ENTRY_MAX ? level : VECTOR_ENTRY_MAX : 0;
        table[code] = table[code + TABLE_CODES] = (unsigned char)level;
    }
}

static float group_absolute(const float *v)
{
    return fabsf(v[0]) + fabsf(v[1]) + fabsf(v[2]) + fabsf(v[3]);
}

/* values: the rotated query, [n_groups][4]. One step for all groups, or their sums could not be
 * added up. */
static void scan_init(struct vector_scan *scan, const float *values, size_t n_groups,
                      unsigned char *tables)
{
    float largest = 0, total = 0;
    for (size_t group = 0; group < n_groups; group++) {
        float absolute = group_absolute(values + VECTOR_GROUP_DIMS * group);
        largest = absolute > largest ? absolute : largest;
        total += absolute;
    }
    float levels = VECTOR_ENTRY_MAX / (2 * largest);
    for (size_t group = 0; group < n_groups; group++) {
        const float *v = values + VECTOR_GROUP_DIMS * group;
        fill_table(v, group_absolute(v), levels, tables + 2 * TABLE_CODES * group);
    }
    *scan = (struct vector_scan){
        .tables = tables, .n_groups = n_groups, .step = 1 / levels, .offset = -total};
}

struct part {
    const struct vector_index *index;
    const struct vector_scan *scan;
    const uint64_t *allowed;
    size_t first_block, end_block;
    struct candidates best;
    struct thread thread;
    bool is_done;
};

static void *scan_part(void *arg)
{
    struct part *part = arg;
    const struct vector_index *index = part->index;
    _Alignas(64) float estimates[VECTOR_BLOCK_ROWS];
    for (size_t block = part->first_block; block < part->end_block; block++) {
        uint64_t rows = vector_index_rows_of_block(index, part->allowed, block);
        if (!rows)
            continue;
        rows &=
            index->kernel->scan_block(part->scan, index->blocks + block * index->shape.block_bytes,
                                      part->best.threshold, estimates);
        for (; rows; rows &= rows - 1) {
            size_t i = (size_t)__builtin_ctzll(rows);
            candidates_add(&part->best, estimates[i], (uint32_t)(block * VECTOR_BLOCK_ROWS + i));
        }
    }
    candidates_cut(&part->best);
    part->is_done = true;
    return NULL;
}

/* A part that gets no thread is this thread's work: a search that can be answered is. */
static void scan_parts(struct part *parts, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (thread_start(&parts[i].thread, scan_part, &parts[i], NULL) != STATUS_OK)
            scan_part(&parts[i]);
    scan_part(&parts[0]);
    for (size_t i = 1; i < n; i++)
        thread_join(&parts[i].thread);
}

static enum status scan_blocks(const struct vector_index *index, const struct vector_scan *scan,
                               const uint64_t *allowed, size_t n_parts, struct candidates *best,
                               struct error *err)
{
    enum status status = STATUS_OK;
    struct part *parts = mem_zalloc(n_parts, sizeof *parts);
    if (!parts)
        return error_nomem(err);
    for (size_t i = 0; status == STATUS_OK && i < n_parts; i++) {
        parts[i] = (struct part){
            .index = index,
            .scan = scan,
            .allowed = allowed,
            .first_block = index->n_blocks * i / n_parts,
            .end_block = index->n_blocks * (i + 1) / n_parts,
        };
        status = candidates_init(&parts[i].best, best->n_best, err);
    }
    if (status == STATUS_OK) {
        scan_parts(parts, n_parts);
        for (size_t i = 0; i < n_parts; i++)
            for (size_t j = 0; j < parts[i].best.n; j++)
                candidates_add_key(best, parts[i].best.keys[j]);
        candidates_cut(best);
    }
    for (size_t i = 0; i < n_parts; i++)
        candidates_clear(&parts[i].best);
    mem_free(parts);
    return status;
}

enum status vector_index_scan(const struct vector_index *index, const float *query,
                              const uint64_t *allowed, unsigned n_threads, struct candidates *best,
                              struct error *err)
{
    const struct codes_shape *shape = &index->shape;
    size_t n_parts = index->n_rows / ROWS_OF_THREAD;
    n_parts = n_parts > n_threads ? n_threads : n_parts;
    n_parts = n_parts > THREADS_MAX ? THREADS_MAX : n_parts < 1 ? 1 : n_parts;
    struct vector_scan scan;
    float *values = mem_zalloc(shape->n_values, sizeof *values);
    unsigned char *tables = mem_aligned(shape->n_groups, 2 * TABLE_CODES);
    enum status status = values && tables ? STATUS_OK : error_nomem(err);
    if (status == STATUS_OK) {
        memcpy(values, query, shape->dim * sizeof *values);
        rotation_apply(&index->rotation, values);
        scan_init(&scan, values, shape->n_groups, tables);
        status = scan_blocks(index, &scan, allowed, n_parts, best, err);
    }
    mem_free(tables);
    mem_free(values);
    return status;
}
