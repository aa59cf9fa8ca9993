/* index/row_list.h - rows of a tail or of a segment in the making: ascending chunk ids, the
 * document of each, and for vectors their slots. One thread at a time. */
#ifndef RAGGED_INDEX_ROW_LIST_H
#define RAGGED_INDEX_ROW_LIST_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* Zeroed: empty. */
struct row_list {
    int64_t *chunk_ids, *document_ids; /* [n], owned */
    uint32_t *slots;                   /* [n], owned; anything or NULL for rows of words */
    size_t n, n_max;
};
enum status row_list_add(struct row_list *list, int64_t chunk_id, int64_t document_id,
                         uint32_t slot, struct error *err) MUST_USE;
/* Takes the arrays of `n` rows over; slots, where there are any, are yet to be set. */
enum row_list_slots { ROW_LIST_NO_SLOTS, ROW_LIST_SLOTS };
enum status row_list_own(struct row_list *list, int64_t *chunk_ids, int64_t *document_ids, size_t n,
                         enum row_list_slots slots, struct error *err) MUST_USE;
/* Gives the memory back; how many there were stays. */
void row_list_forget(struct row_list *list);
void row_list_clear(struct row_list *list);

#endif
