#include <string.h>

#include "base/mem.h"
#include "base/thread.h"
#include "vector/codes.h"

#define ROTATION_SEED 0x5EED0F0C0DE51BADull /* any number: the segment says which */
#define THREADS_MAX 64u
#define PART_BLOCKS ((size_t)512) /* encoded between two writes, by each thread */

struct part {
    const struct coder *coder;
    const struct vector_rows *rows;
    const uint32_t *slots;
    size_t n;              /* rows */
    float *scratch;        /* [n_values], owned */
    unsigned char *blocks; /* [PART_BLOCKS], owned */
    struct thread thread;
};

static void *encode_part(void *arg)
{
    struct part *part = arg;
    size_t block_bytes = part->coder->shape.block_bytes;
    for (size_t row = 0; row < part->n; row += VECTOR_BLOCK_ROWS) {
        size_t n = part->n - row < VECTOR_BLOCK_ROWS ? part->n - row : VECTOR_BLOCK_ROWS;
        coder_encode_block(part->coder, part->rows, part->slots + row, n, part->scratch,
                           part->blocks + row / VECTOR_BLOCK_ROWS * block_bytes);
    }
    return NULL;
}

static void parts_free(struct part *parts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        mem_free(parts[i].scratch);
        mem_free(parts[i].blocks);
    }
    mem_free(parts);
}

static struct part *parts_new(const struct coder *coder, const struct vector_rows *rows, size_t n)
{
    struct part *parts = mem_zalloc(n, sizeof *parts);
    for (size_t i = 0; parts && i < n; i++) {
        parts[i] = (struct part){
            .coder = coder,
            .rows = rows,
            .scratch = mem_aligned(coder->shape.n_values, sizeof(float)),
            .blocks = mem_array(PART_BLOCKS, coder->shape.block_bytes),
        };
        if (!parts[i].scratch || !parts[i].blocks) {
            parts_free(parts, i + 1);
            return NULL;
        }
    }
    return parts;
}

/* One thread a part but the first, which is this thread's. */
static enum status encode_parts(struct part *parts, size_t n, struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t i = 1; status == STATUS_OK && i < n && parts[i].n > 0; i++)
        status = thread_start(&parts[i].thread, encode_part, &parts[i], err);
    if (status == STATUS_OK)
        encode_part(&parts[0]);
    for (size_t i = 1; i < n; i++)
        thread_join(&parts[i].thread);
    return status;
}

static enum status append_blocks(struct segment_writer *writer, struct part *parts, size_t n_parts,
                                 const uint32_t *slots, size_t n, struct error *err)
{
    size_t n_part_rows = PART_BLOCKS * VECTOR_BLOCK_ROWS;
    segment_writer_begin(writer, CODES_SECTION_BLOCKS);
    for (size_t row = 0; row < n;) {
        for (size_t i = 0; i < n_parts; i++) {
            parts[i].slots = slots + row;
            parts[i].n = n - row < n_part_rows ? n - row : n_part_rows;
            row += parts[i].n;
        }
        enum status status = segment_writer_status(writer, err);
        if (status == STATUS_OK)
            status = encode_parts(parts, n_parts, err);
        if (status != STATUS_OK)
            return status;
        for (size_t i = 0; i < n_parts; i++)
            segment_writer_append(writer, parts[i].blocks,
                                  codes_n_blocks(parts[i].n) * parts[i].coder->shape.block_bytes);
    }
    return STATUS_OK;
}

static void append_section(struct segment_writer *writer, uint32_t section, const void *bytes,
                           size_t len)
{
    segment_writer_begin(writer, section);
    segment_writer_append(writer, bytes, len);
}

static enum status write_sections(struct segment_writer *writer, const uint32_t *slots, size_t n,
                                  const struct vector_rows *rows, size_t n_parts, struct error *err)
{
    size_t dim = rows->dim;
    struct codes_head head = {.version = CODES_VERSION,
                              .dim = (uint32_t)dim,
                              .n_rows = n,
                              .rotation_seed = ROTATION_SEED};
    struct coder coder = {0};
    struct part *parts = NULL;
    double *sums = mem_array(dim, sizeof *sums);
    float *scratch = mem_array(dim, sizeof *scratch), *mean = mem_array(dim, sizeof *mean);
    enum status status = sums && scratch && mean ? STATUS_OK : error_nomem(err);
    if (status != STATUS_OK)
        goto done;
    codes_mean_of(rows, slots, n, sums, scratch, mean);
    status = coder_init(&coder, dim, head.rotation_seed, mean, err);
    if (status != STATUS_OK)
        goto done;
    parts = parts_new(&coder, rows, n_parts);
    if (!parts) {
        status = error_nomem(err);
        goto done;
    }
    append_section(writer, CODES_SECTION_HEAD, &head, sizeof head);
    append_section(writer, CODES_SECTION_MEAN, mean, dim * sizeof *mean);
    append_section(writer, CODES_SECTION_SLOTS, slots, n * sizeof *slots);
    status = append_blocks(writer, parts, n_parts, slots, n, err);
done:
    if (parts)
        parts_free(parts, n_parts);
    coder_clear(&coder);
    mem_free(mean);
    mem_free(scratch);
    mem_free(sums);
    return status;
}

enum status vector_codes_write(struct segment_writer *writer, const uint32_t *slots, size_t n,
                               const struct vector_rows *rows, unsigned n_threads,
                               struct error *err)
{
    if (rows->dim < 1 || rows->dim > VECTOR_DIM_MAX)
        return error_set(err, STATUS_LIMIT, "vectors of %zu dimensions, not 1 to %d", rows->dim,
                         VECTOR_DIM_MAX);
    if (n > SEGMENT_N_ROWS_MAX)
        return error_set(err, STATUS_LIMIT, "%zu vectors are too many for a segment", n);
    for (size_t i = 0; i < n; i++)
        if (slots[i] >= rows->n_slots)
            return error_set(err, STATUS_INVALID, "row %zu wants vector %u of %zu", i,
                             (unsigned)slots[i], rows->n_slots);
    size_t n_parts = n / (PART_BLOCKS * VECTOR_BLOCK_ROWS) + 1;
    unsigned n_most = n_threads < 1 ? 1 : n_threads < THREADS_MAX ? n_threads : THREADS_MAX;
    return write_sections(writer, slots, n, rows, n_parts < n_most ? n_parts : n_most, err);
}
