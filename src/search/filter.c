#include "search/filter.h"

#include <string.h>

#include "base/bitmap.h"
#include "base/file.h"
#include "base/mem.h"
#include "index/ids.h"

struct builder {
    struct filter *filter;
    const struct engine_search_options *options;
    const struct filter_wheres *wheres;
    bool has_collection;
};

static enum status add_document(void *ctx, const struct store_document *document, struct error *err)
{
    struct builder *b = ctx;
    struct filter *f = b->filter;
    if (b->options->collection) {
        if (strcmp(b->options->collection, document->collection) != 0)
            return STATUS_OK;
        b->has_collection = true;
    }
    if (b->options->path_glob && !path_matches(document->path, b->options->path_glob))
        return STATUS_OK;
    for (size_t i = 0; i < FILTER_N_WHERES; i++)
        if (b->wheres->wheres[i] && !where_matches(b->wheres->wheres[i], document))
            return STATUS_OK;
    void *documents = f->documents;
    enum status status = mem_reserve(&documents, &f->n_max, f->n + 1, sizeof *f->documents, err);
    f->documents = documents;
    if (!status)
        f->documents[f->n++] = document->id;
    return status;
}

static enum status add_name(void *ctx, const char *collection, size_t n_documents,
                            struct error *err)
{
    (void)n_documents, (void)err;
    struct buf *names = ctx;
    buf_printf(names, "%s%s", names->len ? ", " : "", collection);
    return STATUS_OK;
}

static enum status no_collection(struct store *store, const char *name, struct error *err)
{
    struct buf names = {0};
    enum status status = store_each_collection(store, add_name, &names, err);
    if (!status)
        status = buf_status(&names, err);
    if (!status) {
        status = error_set(err, STATUS_NOT_FOUND, "there is no collection \"%s\"", name);
        error_hint(err, "collections: %s", names.len ? buf_text(&names) : "none yet");
    }
    buf_clear(&names);
    return status;
}

enum status filter_init(struct filter *filter, struct store *store,
                        const struct engine_search_options *options,
                        const struct filter_wheres *wheres, struct error *err)
{
    struct filter f = {.is_active = options->collection || options->path_glob};
    struct builder builder = {.filter = &f, .options = options, .wheres = wheres};
    for (size_t i = 0; i < FILTER_N_WHERES; i++)
        f.is_active |= wheres->wheres[i] != NULL;
    enum status status = STATUS_OK;
    if (f.is_active)
        status = store_each_document(store, add_document, &builder, err);
    if (!status && options->collection && !builder.has_collection)
        status = no_collection(store, options->collection, err);
    if (status) {
        filter_clear(&f);
        return status;
    }
    ids_sort(f.documents, f.n);
    *filter = f;
    return STATUS_OK;
}

void filter_clear(struct filter *filter)
{
    mem_free(filter->documents);
    *filter = (struct filter){0};
}

bool filter_has_document(const struct filter *filter, int64_t document_id)
{
    return !filter->is_active || ids_find(filter->documents, filter->n, document_id) < filter->n;
}

enum status filter_rows(const struct filter *filter, const struct snapshot_segment *segment,
                        uint64_t **out_allowed, size_t *out_n_allowed, struct error *err)
{
    size_t n_rows = segment_n_rows(segment->segment), n_words = bitmap_n_words(n_rows);
    if (!filter->is_active && !segment->dead) {
        *out_allowed = NULL;
        *out_n_allowed = n_rows;
        return STATUS_OK;
    }
    uint64_t *allowed = mem_zalloc(n_words, sizeof *allowed);
    if (!allowed)
        return error_nomem(err);
    if (!filter->is_active)
        bitmap_set_range(allowed, 0, n_rows, true);
    for (size_t i = 0; filter->is_active && i < segment_n_documents(segment->segment); i++) {
        size_t first, end;
        segment_document_rows(segment->segment, i, &first, &end);
        if (filter_has_document(filter, segment_document_id(segment->segment, i)))
            bitmap_set_range(allowed, first, end, true);
    }
    for (size_t i = 0; segment->dead && i < n_words; i++)
        allowed[i] &= ~segment->dead[i];
    *out_allowed = allowed;
    *out_n_allowed = bitmap_count(allowed, n_words);
    return STATUS_OK;
}
