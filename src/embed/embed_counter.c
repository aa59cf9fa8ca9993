/* Stands in for a server that does not answer: passages can be cut, not embedded. */
#include <string.h>

#include "base/mem.h"
#include "embed/embed_prefix.h"
#include "embed/embed_server.h"

#define N_TOKENS_MAX 512 /* the smallest window of the servers we know */
#define N_SPECIAL_TOKENS 2

static void close_nothing(struct embedder *embedder)
{
    (void)embedder;
}

static enum status embed_nothing(const struct embedder *embedder, void *scratch,
                                 enum embed_kind kind, const struct embed_text *texts,
                                 size_t n_texts, const struct cancel *cancel, float *out,
                                 struct error *err)
{
    (void)embedder, (void)scratch, (void)kind, (void)texts, (void)n_texts, (void)cancel, (void)out;
    return error_set(err, STATUS_REMOTE, "the embedding server was not reached");
}

static const struct embedder_row counter_row = {
    .name = "counter",
    .close = close_nothing,
    .n_batch_max = EMBED_SERVER_BATCH_MAX,
    .embed = embed_nothing,
};

enum status embedder_open_counter(const char *model, struct embedder **out, struct error *err)
{
    struct embedder *embedder = mem_zalloc(1, sizeof *embedder);
    if (!embedder)
        return error_nomem(err);
    const char *prefix = embed_prefix_find(model ? model : "", EMBED_PASSAGE);
    embedder->row = &counter_row;
    embedder->counter = (struct text_counter){.count = embed_server_count_tokens};
    embedder->n_tokens_max =
        N_TOKENS_MAX - N_SPECIAL_TOKENS - embed_server_count_tokens(NULL, prefix, strlen(prefix));
    *out = embedder;
    return STATUS_OK;
}
