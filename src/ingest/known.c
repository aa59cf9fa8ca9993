#include "ingest/known.h"

#include <string.h>
#include <xxhash.h>

#include "base/mem.h"
#include "query/metadata.h"

struct known_slot {
    const char *path; /* NULL: free */
    struct ingest_known document;
};

static struct known_slot *slot_of(struct known_slot *slots, size_t n_slots, const char *path)
{
    size_t i = (size_t)XXH3_64bits(path, strlen(path)) & (n_slots - 1);
    while (slots[i].path && strcmp(slots[i].path, path) != 0)
        i = (i + 1) & (n_slots - 1);
    return &slots[i];
}

static enum status grow(struct known *known, struct error *err)
{
    size_t n_new = known->n_slots ? known->n_slots * 2 : 256;
    struct known_slot *slots = mem_zalloc(n_new, sizeof *slots);
    if (!slots)
        return error_nomem(err);
    for (size_t i = 0; i < known->n_slots; i++)
        if (known->slots[i].path)
            *slot_of(slots, n_new, known->slots[i].path) = known->slots[i];
    mem_free(known->slots);
    known->slots = slots;
    known->n_slots = n_new;
    return STATUS_OK;
}

static enum status add(void *ctx, const struct store_document *document, struct error *err)
{
    struct known *known = ctx;
    if (is_cancelled(known->cancel))
        return error_set(err, STATUS_CANCELLED, "stopped");
    if (2 * (known->n_used + 1) > known->n_slots) {
        enum status status = grow(known, err);
        if (status)
            return status;
    }
    const char *path = arena_text(&known->arena, document->path, strlen(document->path));
    if (!path)
        return error_nomem(err);
    const char *given;
    enum status status = metadata_given_of(document->meta, &known->arena, &given, err);
    if (status)
        return status;
    uint64_t part_bytes = 0;
    if (document->state == STORE_DOCUMENT_PARTIAL)
        status = store_get_part_bytes(known->store, document->id, &part_bytes, err);
    if (status == STATUS_NOT_FOUND)
        status = STATUS_OK; /* damaged: it is begun anew */
    if (status)
        return status;
    struct known_slot *slot = slot_of(known->slots, known->n_slots, path);
    *slot = (struct known_slot){
        .path = path,
        .document = {.id = document->id,
                     .size_bytes = document->size_bytes,
                     .inode = document->inode,
                     .mtime_ns = document->mtime_ns,
                     .is_ready = document->state == STORE_DOCUMENT_READY,
                     .part_bytes = part_bytes,
                     .n_parts = document->n_parts,
                     .n_chunks = document->n_chunks,
                     .given = given},
    };
    strncpy(slot->document.hash, document->hash, sizeof slot->document.hash - 1);
    known->n_used++;
    return STATUS_OK;
}

enum status known_init(struct known *known, struct store *store, const struct cancel *cancel,
                       struct error *err)
{
    struct known built = {.store = store, .cancel = cancel};
    enum status status = store_each_document(store, add, &built, err);
    if (status) {
        known_clear(&built);
        return status;
    }
    built.store = NULL;
    *known = built;
    return STATUS_OK;
}

void known_clear(struct known *known)
{
    mem_free(known->slots);
    arena_clear(&known->arena);
    *known = (struct known){0};
}

const struct ingest_known *known_find(const struct known *known, const char *path)
{
    if (known->n_slots == 0)
        return NULL;
    const struct known_slot *slot = slot_of(known->slots, known->n_slots, path);
    return slot->path ? &slot->document : NULL;
}
