#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "nn/tokenizer.h"

extern const struct tokenizer_row tokenizer_wordpiece, tokenizer_unigram;

const struct tokenizer_row *const nn_tokenizers[] = {&tokenizer_wordpiece, &tokenizer_unigram,
                                                     NULL};

static enum status no_tokenizer(const char *folder, struct error *err)
{
    struct buf files = {0};
    for (size_t i = 0; nn_tokenizers[i]; i++)
        buf_printf(&files, "%s\"%s\"", i ? " or " : "", nn_tokenizers[i]->file);
    enum status status =
        error_set(err, STATUS_NOT_FOUND, "model folder \"%s\" has no %s", folder, buf_text(&files));
    buf_clear(&files);
    return status;
}

/* *out_path: of the row's file, owned; NULL when there is none. */
static enum status find_file(const char *folder, const struct tokenizer_row *row, char **out_path,
                             struct error *err)
{
    char *path = path_join(folder, row->file);
    if (!path)
        return error_nomem(err);
    struct file_info info;
    enum status status = file_stat(path, FILE_FOLLOW, &info, err);
    if (status) {
        mem_free(path);
        path = NULL;
    }
    *out_path = path;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status open_row(const struct tokenizer_row *row, const char *path,
                            const struct model_config *config, struct tokenizer *out,
                            struct error *err)
{
    struct tokenizer tokenizer = {.row = row};
    enum status status = row->open(path, config, &tokenizer, err);
    if (!status && tokenizer.n_ids > config->n_vocabulary)
        status = error_set(err, STATUS_FORMAT,
                           "\"%s\" has %zu pieces, but the model has only %zu word rows", path,
                           tokenizer.n_ids, config->n_vocabulary);
    if (status) {
        tokenizer_close(&tokenizer);
        return status;
    }
    *out = tokenizer;
    return STATUS_OK;
}

enum status tokenizer_open(const char *folder, const struct model_config *config,
                           struct tokenizer *out, struct error *err)
{
    for (size_t i = 0; nn_tokenizers[i]; i++) {
        char *path = NULL;
        enum status status = find_file(folder, nn_tokenizers[i], &path, err);
        if (!status && path)
            status = open_row(nn_tokenizers[i], path, config, out, err);
        bool is_decided = status || path;
        mem_free(path);
        if (is_decided)
            return status;
    }
    return no_tokenizer(folder, err);
}

void tokenizer_close(struct tokenizer *tokenizer)
{
    if (tokenizer->row)
        tokenizer->row->close(tokenizer);
    *tokenizer = (struct tokenizer){0};
}

size_t tokenizer_encode(const struct tokenizer *tokenizer, const char *text, size_t len,
                        int32_t *out_ids, size_t n_max)
{
    return tokenizer->row->encode(tokenizer, text, len, out_ids, n_max);
}

size_t tokenizer_encode_whole(const struct tokenizer *tokenizer, const char *text, size_t len,
                              int32_t *out_ids, size_t n_max)
{
    out_ids[0] = tokenizer->begin;
    size_t n = 1 + tokenizer_encode(tokenizer, text, len, out_ids + 1, n_max - 2);
    out_ids[n] = tokenizer->end;
    return n + 1;
}

size_t tokenizer_encode_pair(const struct tokenizer *tokenizer, const struct tokenizer_pair *pair,
                             int32_t *out_ids, uint8_t *out_types, size_t n_max)
{
    size_t n_free = n_max - 2 - tokenizer->n_between, n = 0;
    out_ids[n++] = tokenizer->begin;
    n += tokenizer_encode(tokenizer, pair->a, pair->a_len, out_ids + n, n_free / 2);
    n_free -= n - 1;
    for (size_t i = 0; i < tokenizer->n_between; i++)
        out_ids[n++] = tokenizer->end;
    size_t n_first = n;
    n += tokenizer_encode(tokenizer, pair->b, pair->b_len, out_ids + n, n_free);
    out_ids[n++] = tokenizer->end;
    memset(out_types, 0, n_first);
    memset(out_types + n_first, 1, n - n_first);
    return n;
}
