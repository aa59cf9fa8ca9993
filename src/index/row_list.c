#include "index/row_list.h"

#include "base/mem.h"

static enum status grow(struct row_list *list, struct error *err)
{
    size_t n_max = list->n_max ? 2 * list->n_max : 1024;
    int64_t *chunk_ids = mem_resize(list->chunk_ids, n_max, sizeof *chunk_ids);
    if (chunk_ids)
        list->chunk_ids = chunk_ids;
    int64_t *document_ids = mem_resize(list->document_ids, n_max, sizeof *document_ids);
    if (document_ids)
        list->document_ids = document_ids;
    uint32_t *slots = mem_resize(list->slots, n_max, sizeof *slots);
    if (slots)
        list->slots = slots;
    if (!chunk_ids || !document_ids || !slots)
        return error_nomem(err);
    list->n_max = n_max;
    return STATUS_OK;
}

enum status row_list_add(struct row_list *list, int64_t chunk_id, int64_t document_id,
                         uint32_t slot, struct error *err)
{
    enum status status = list->n < list->n_max ? STATUS_OK : grow(list, err);
    if (status)
        return status;
    list->chunk_ids[list->n] = chunk_id;
    list->document_ids[list->n] = document_id;
    list->slots[list->n++] = slot;
    return STATUS_OK;
}

void row_list_clear(struct row_list *list)
{
    mem_free(list->chunk_ids);
    mem_free(list->document_ids);
    mem_free(list->slots);
    *list = (struct row_list){0};
}

enum status row_list_own(struct row_list *list, int64_t *chunk_ids, int64_t *document_ids, size_t n,
                         enum row_list_slots slots, struct error *err)
{
    uint32_t *own_slots = slots == ROW_LIST_SLOTS ? mem_zalloc(n, sizeof *own_slots) : NULL;
    if (slots == ROW_LIST_SLOTS && !own_slots)
        return error_nomem(err);
    row_list_clear(list);
    *list = (struct row_list){.chunk_ids = chunk_ids,
                              .document_ids = document_ids,
                              .slots = own_slots,
                              .n = n,
                              .n_max = n};
    return STATUS_OK;
}

void row_list_forget(struct row_list *list)
{
    size_t n = list->n;
    row_list_clear(list);
    list->n = n;
}
