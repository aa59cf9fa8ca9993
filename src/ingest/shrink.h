/* ingest/shrink.h - a large document goes in steps. */
#ifndef RAGGED_INGEST_SHRINK_H
#define RAGGED_INGEST_SHRINK_H

#include "base/cancel.h"
#include "store/store.h"

#define SHRINK_PASSAGES ((size_t)4096) /* that one transaction takes away */

/* Before the transaction that removes or replaces the document: leaves that one no more than
 * SHRINK_PASSAGES to do, in transactions of its own, so that others are not kept waiting. A stop
 * between them leaves the document there in part. Not there, or small: nothing is done. */
enum status shrink_document(struct store *store, int64_t document_id, const struct cancel *cancel,
                            struct error *err) MUST_USE;

/* The same by path. */
enum status shrink_path(struct store *store, const char *path, const struct cancel *cancel,
                        struct error *err) MUST_USE;

#endif
