#include "base/mem.h"
#include "nn/tokenizer.h"
#include "nn/wordpiece.h"

struct state {
    struct vocabulary vocabulary;
    enum casing casing;
};

static enum status open_vocabulary(const char *path, const struct model_config *config,
                                   struct tokenizer *out, struct error *err)
{
    struct state *state = mem_zalloc(1, sizeof *state);
    if (!state)
        return error_nomem(err);
    out->state = state;
    state->casing = config->casing;
    struct vocabulary *vocabulary = &state->vocabulary;
    enum status status = vocabulary_open(path, vocabulary, err);
    if (status)
        return status;
    out->file = vocabulary->file;
    out->n_ids = vocabulary->n_pieces;
    out->begin = vocabulary->special[VOCABULARY_CLS];
    out->end = vocabulary->special[VOCABULARY_SEP];
    out->n_between = 1;
    return STATUS_OK;
}

static void close_vocabulary(struct tokenizer *tokenizer)
{
    struct state *state = tokenizer->state;
    if (state)
        vocabulary_close(&state->vocabulary);
    mem_free(state);
}

static size_t encode(const struct tokenizer *tokenizer, const char *text, size_t len,
                     int32_t *out_ids, size_t n_max)
{
    const struct state *state = tokenizer->state;
    return wordpiece_encode(&state->vocabulary, state->casing, text, len, out_ids, n_max);
}

extern const struct tokenizer_row tokenizer_wordpiece;
const struct tokenizer_row tokenizer_wordpiece = {
    .name = "wordpiece",
    .file = "vocab.txt",
    .open = open_vocabulary,
    .close = close_vocabulary,
    .encode = encode,
};
