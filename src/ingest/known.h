/* ingest/known.h - the documents a library has, by path: what an `add` compares with. Private to
 * ingest/. */
#ifndef RAGGED_INGEST_KNOWN_H
#define RAGGED_INGEST_KNOWN_H

#include "ingest/ingest_job.h"

struct known_slot;

struct known {
    struct known_slot *slots; /* open addressing; n_slots is a power of two */
    size_t n_slots, n_used;
    struct arena arena; /* owns the paths */
    const struct cancel *cancel;
    struct store *store; /* while it is built */
};

/* Reads all documents of the store. CANCELLED. */
enum status known_init(struct known *known, struct store *store, const struct cancel *cancel,
                       struct error *err) MUST_USE;
void known_clear(struct known *known); /* zeroed is fine */

/* Borrowed until known_clear(); NULL when the library does not have it. Any thread. */
const struct ingest_known *known_find(const struct known *known, const char *path);

#endif
