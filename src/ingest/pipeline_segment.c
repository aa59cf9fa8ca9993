/* The words of a large group of documents and parts go straight into a segment, which the commit
 * that adds them names too: a tail would be written, read and emptied again, and every search
 * meanwhile would score it row by row. Chunk ids are known only inside of that write; everything
 * but the list of rows is built before it. */
#include "base/fault.h"
#include "base/trace.h"
#include "ingest/parts.h"
#include "ingest/pipeline.h"

#define ROWS_MIN 512 /* fewer are cheaper in the tail, and segments of them too many */

static bool has_words(const struct ingest_job *job)
{
    return job->change == INGEST_CHANGE_DOCUMENT || job->change == INGEST_CHANGE_PART;
}

size_t pipeline_segment_count_rows(struct pipeline *p, size_t first, size_t n)
{
    size_t n_rows = 0;
    for (size_t i = 0; i < n; i++)
        if (has_words(pipeline_job(p, first + i)))
            n_rows += pipeline_job(p, first + i)->n_chunks;
    return n_rows;
}

bool pipeline_segment_is_worth(struct pipeline *p, size_t first, size_t n)
{
    return p->context.pass == INGEST_PASS_WORDS &&
           pipeline_segment_count_rows(p, first, n) >= ROWS_MIN;
}

static enum status add_words(struct lexical_builder *builder, const struct ingest_job *job,
                             struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < job->n_chunks && !status; i++)
        status = lexical_builder_add(builder, job->chunks[i].terms, job->chunks[i].terms_len,
                                     job->chunks[i].n_terms, err);
    return status;
}

static enum status write_words(struct pipeline *p, size_t first, size_t n,
                               struct segment_writer *writer, struct error *err)
{
    struct lexical_builder *builder = NULL;
    enum status status = lexical_builder_new(LEXICAL_PARAMS_DEFAULT, &builder, err);
    for (size_t i = 0; i < n && !status; i++)
        if (has_words(pipeline_job(p, first + i)))
            status = add_words(builder, pipeline_job(p, first + i), err);
    if (!status)
        status = lexical_builder_write(builder, writer, err);
    lexical_builder_free(builder);
    return status;
}

enum status pipeline_segment_build(struct pipeline *p, size_t first, size_t n,
                                   struct new_segment *out, struct error *err)
{
    if (!pipeline_segment_is_worth(p, first, n))
        return STATUS_OK;
    TRACE(TRACE_STAGE_SEGMENT);
    const struct maintainer maker = {.folder = p->context.engine->options.data_folder,
                                     .store = p->writer};
    enum status status = new_segment_init(out, STORE_KIND_LEXICAL, NULL, &maker, err);
    return status ? status : write_words(p, first, n, out->writer, err);
}

bool pipeline_segment_is_used(const struct new_segment *segment)
{
    return segment->writer != NULL;
}

enum status pipeline_segment_put(struct pipeline *p, struct ingest_job *job,
                                 struct new_segment *segment, struct error *err)
{
    struct store_place place;
    bool is_put = true;
    enum status status = job->change == INGEST_CHANGE_PART
                             ? parts_put(p->writer, job, &place, &is_put, err)
                             : store_put_document(p->writer, &job->document, job->chunks,
                                                  job->n_chunks, &place, err);
    for (size_t i = 0; i < job->n_chunks && is_put && !status; i++)
        status = row_list_add(&segment->rows, place.first_chunk_id + (int64_t)i, place.document_id,
                              0, err);
    return status;
}

enum status pipeline_segment_list(struct pipeline *p, struct new_segment *segment,
                                  struct error *err)
{
    enum status status = new_segment_publish(segment, err);
    (void)fault_hit("segment.published");
    if (!status)
        status = new_segment_list(segment, p->writer, err);
    if (!status)
        new_segment_keep(segment);
    return status;
}
