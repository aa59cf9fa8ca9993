/* embed/embedder_internal.h - what a row of the embedder table implements. */
#ifndef RAGGED_EMBED_EMBEDDER_INTERNAL_H
#define RAGGED_EMBED_EMBEDDER_INTERNAL_H

#include "embed/embed.h"

struct embedder_row {
    const char *name;
    /* Fills state, dim, n_tokens_max, fingerprint and counter of a zeroed embedder. After a failure
     * close() is called too: it takes a half-filled one. */
    enum status (*open)(const struct embedder_options *options, struct embedder *embedder,
                        struct error *err);
    void (*close)(struct embedder *embedder);
    /* Per thread; both NULL when the row needs no scratch. */
    enum status (*work_new)(const struct embedder *embedder, void **out, struct error *err);
    void (*work_free)(void *scratch);
    /* n_texts is 1..n_batch_max; the caller checks the vectors. */
    size_t n_batch_max;
    enum status (*embed)(const struct embedder *embedder, void *scratch, enum embed_kind kind,
                         const struct embed_text *texts, size_t n_texts,
                         const struct cancel *cancel, float *out, struct error *err);
    struct embedder_tuning (*tuning)(const struct embedder *embedder); /* NULL: not tuned */
};

/* Immutable after open, but for what a row's state locks itself. */
struct embedder {
    const struct embedder_row *row;
    void *state; /* of the row, owned */
    size_t dim, n_tokens_max;
    const char *kernel; /* borrowed from the state; NULL: a server */
    char *fingerprint;  /* owned */
    struct text_counter counter;
};

struct embedder_work {
    const struct embedder *embedder; /* borrowed */
    void *scratch;                   /* of the row, owned */
};

#endif
