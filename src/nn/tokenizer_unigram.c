#include "base/file.h"
#include "base/limits.h"
#include "base/mem.h"
#include "nn/tokenizer.h"
#include "nn/unigram.h"

struct state {
    struct span file; /* the map */
    struct unigram unigram;
};

static enum status read_file(const char *path, struct state *state, struct error *err)
{
    enum status status = file_map(path, &state->file, err);
    if (status)
        return status;
    if (state->file.len > RAGGED_LIMIT_VOCAB)
        return error_set(err, STATUS_LIMIT, "\"%s\" is larger than %zu bytes", path,
                         RAGGED_LIMIT_VOCAB);
    json_t *json = NULL;
    status = json_parse(state->file.bytes, state->file.len, &json, err);
    if (!status)
        status = unigram_read(json, &state->unigram, err);
    json_decref(json);
    return status ? error_context(err, status, "\"%s\"", path) : STATUS_OK;
}

static enum status open_unigram(const char *path, const struct model_config *config,
                                struct tokenizer *out, struct error *err)
{
    if (config->lowers_text)
        return error_set(err, STATUS_INVALID,
                         "sentence_bert_config.json: field \"do_lower_case\" is true; with \"%s\" "
                         "only false is supported",
                         path);
    struct state *state = mem_zalloc(1, sizeof *state);
    if (!state)
        return error_nomem(err);
    out->state = state;
    enum status status = read_file(path, state, err);
    if (status)
        return status;
    out->file = state->file;
    out->n_ids = state->unigram.n_ids;
    out->begin = state->unigram.begin;
    out->end = state->unigram.end;
    out->n_between = state->unigram.n_between;
    return STATUS_OK;
}

static void close_unigram(struct tokenizer *tokenizer)
{
    struct state *state = tokenizer->state;
    if (state) {
        unigram_clear(&state->unigram);
        file_unmap(&state->file);
    }
    mem_free(state);
}

static size_t encode(const struct tokenizer *tokenizer, const char *text, size_t len,
                     int32_t *out_ids, size_t n_max)
{
    const struct state *state = tokenizer->state;
    return unigram_encode(&state->unigram, text, len, out_ids, n_max);
}

extern const struct tokenizer_row tokenizer_unigram;
const struct tokenizer_row tokenizer_unigram = {
    .name = "unigram",
    .file = "tokenizer.json",
    .open = open_unigram,
    .close = close_unigram,
    .encode = encode,
};
