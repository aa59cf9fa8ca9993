/* fill_library - puts given passages with given vectors into a library, without an encoder.
 *
 * fill_library DATA_FOLDER CORPUS.txt BASE.f16 DIM [LANGUAGE]
 *
 * Passage i is line i of CORPUS and row i of BASE (fp16 [n][dim], little-endian), as corpus_maker
 * makes them; N_PASSAGES lines become a document with a path that names no file. The library must
 * be there and have a model of DIM: `ragged add` of any file makes it so. Segments are not made
 * here: the next `ragged add` does that. Prints {"rows":, "documents":, "seconds":}. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "lexical/lexical.h"
#include "store/store.h"

#define N_PASSAGES 12u
#define COMMIT_DOCUMENTS 200u

struct filler {
    struct store *store;
    struct analyzer *analyzer;
    struct span corpus, base; /* mapped */
    size_t dim;
    size_t at; /* of the corpus */
    size_t n_rows, n_documents;
    struct arena arena; /* of one document */
};

static enum status take_line(struct filler *filler, const char **out, size_t *out_len,
                             struct error *err)
{
    const char *line = (const char *)filler->corpus.bytes + filler->at;
    size_t n_left = filler->corpus.len - filler->at;
    const char *end = memchr(line, '\n', n_left);
    size_t len = end ? (size_t)(end - line) : n_left;
    *out = arena_text(&filler->arena, line, len);
    *out_len = len;
    filler->at += len + (end ? 1 : 0);
    return *out ? STATUS_OK : error_nomem(err);
}

static enum status set_terms(struct filler *filler, struct store_chunk *chunk, size_t len,
                             struct error *err)
{
    struct buf blob = {0};
    enum status status =
        lexical_terms_encode(filler->analyzer, &chunk->text, &len, 1, &blob, &chunk->n_terms, err);
    if (!status) {
        chunk->terms = arena_text(&filler->arena, buf_text(&blob), blob.len);
        chunk->terms_len = blob.len;
        status = chunk->terms ? STATUS_OK : error_nomem(err);
    }
    buf_clear(&blob);
    return status;
}

static enum status make_chunk(struct filler *filler, struct store_chunk *chunk, struct error *err)
{
    size_t len, row_bytes = filler->dim * sizeof(uint16_t);
    if ((filler->n_rows + 1) * row_bytes > filler->base.len)
        return error_set(err, STATUS_INVALID, "there are more lines than vectors");
    *chunk = (struct store_chunk){.heading = "", .vector_bytes = row_bytes};
    enum status status = take_line(filler, &chunk->text, &len, err);
    if (status)
        return status;
    chunk->byte_end = len;
    chunk->hash = hash128_of_pair("", 0, chunk->text, len);
    uint16_t *vector = arena_zalloc(&filler->arena, filler->dim, sizeof *vector);
    if (!vector)
        return error_nomem(err);
    memcpy(vector, (const char *)filler->base.bytes + filler->n_rows++ * row_bytes, row_bytes);
    chunk->vector = vector;
    return set_terms(filler, chunk, len, err);
}

static enum status put_document(struct filler *filler, struct error *err)
{
    struct store_chunk chunks[N_PASSAGES];
    size_t n = 0, first_row = filler->n_rows;
    enum status status = STATUS_OK;
    arena_clear(&filler->arena);
    for (; n < N_PASSAGES && filler->at < filler->corpus.len && !status; n++)
        status = make_chunk(filler, &chunks[n], err);
    if (status)
        return status;
    char path[64], hash[HASH_SHA256_HEX];
    snprintf(path, sizeof path, "/synthetic/%09zu.txt", first_row);
    hash_sha256_hex(path, strlen(path), hash);
    struct store_document document = {
        .path = path,
        .title = "",
        .kind = "text",
        .collection = "default",
        .added_ms = clock_wall_ms(),
        .hash = hash,
        .state = STORE_DOCUMENT_READY,
        .error = "",
        .warning = "",
    };
    filler->n_documents++;
    return store_put_document(filler->store, &document, chunks, n, NULL, err);
}

static enum status put_some(struct filler *filler, struct error *err)
{
    enum status status = store_write_begin(filler->store, err);
    if (status)
        return status;
    for (size_t i = 0; i < COMMIT_DOCUMENTS && filler->at < filler->corpus.len && !status; i++)
        status = put_document(filler, err);
    if (!status)
        return store_write_commit(filler->store, err);
    store_write_rollback(filler->store);
    return status;
}

static enum status fill(struct filler *filler, struct error *err)
{
    enum status status = STATUS_OK;
    while (!status && filler->at < filler->corpus.len)
        status = put_some(filler, err);
    return status ? status : store_checkpoint(filler->store, 0, err);
}

int main(int argc, char **argv)
{
    struct filler filler = {0};
    struct error err;
    if (argc != 5 && argc != 6) {
        fputs("usage: fill_library DATA_FOLDER CORPUS.txt BASE.f16 DIM [LANGUAGE]\n", stderr);
        return 2;
    }
    store_use_mem();
    int64_t started = clock_monotonic_ms();
    filler.dim = strtoul(argv[4], NULL, 10);
    struct store *reader = NULL; /* STORE_OPEN_WRITE would make a library that has no model */
    enum status status = store_open(argv[1], STORE_OPEN_READ, &reader, &err);
    store_close(reader);
    if (!status)
        status = analyzer_new(argc == 6 ? argv[5] : "english", &filler.analyzer, &err);
    if (!status)
        status = file_map(argv[2], &filler.corpus, &err);
    if (!status)
        status = file_map(argv[3], &filler.base, &err);
    if (!status)
        status = store_open(argv[1], STORE_OPEN_WRITE, &filler.store, &err);
    if (!status)
        status = fill(&filler, &err);
    if (status)
        fprintf(stderr, "fill_library: %s\n", err.message);
    else
        printf("{\"rows\": %zu, \"documents\": %zu, \"seconds\": %.3f}\n", filler.n_rows,
               filler.n_documents, (double)(clock_monotonic_ms() - started) * 1e-3);
    store_close(filler.store);
    file_unmap(&filler.base);
    file_unmap(&filler.corpus);
    analyzer_free(filler.analyzer);
    arena_clear(&filler.arena);
    return status ? 1 : 0;
}
