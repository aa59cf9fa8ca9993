#include "base/mem.h"
#include "nn/tokenizer.h"
#include "nn/wordpiece.h"

static enum status open_vocabulary(const char *path, const struct model_config *config,
                                   struct tokenizer *out, struct error *err)
{
    (void)config;
    struct vocabulary *vocabulary = mem_zalloc(1, sizeof *vocabulary);
    if (!vocabulary)
        return error_nomem(err);
    out->state = vocabulary;
    enum status status = vocabulary_open(path, vocabulary, err);
    if (status)
        return status;
    out->file = vocabulary->file;
    out->n_ids = vocabulary->n_pieces;
    out->begin = vocabulary->special[VOCABULARY_CLS];
    out->end = vocabulary->special[VOCABULARY_SEP];
    return STATUS_OK;
}

static void close_vocabulary(struct tokenizer *tokenizer)
{
    if (tokenizer->state)
        vocabulary_close(tokenizer->state);
    mem_free(tokenizer->state);
}

static size_t encode(const struct tokenizer *tokenizer, const char *text, size_t len,
                     int32_t *out_ids, size_t n_max)
{
    return wordpiece_encode(tokenizer->state, text, len, out_ids, n_max);
}

extern const struct tokenizer_row tokenizer_wordpiece;
const struct tokenizer_row tokenizer_wordpiece = {
    .name = "wordpiece",
    .file = "vocab.txt",
    .open = open_vocabulary,
    .close = close_vocabulary,
    .encode = encode,
};
