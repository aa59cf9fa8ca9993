/* The /embeddings route that llama-server, vLLM, LM Studio, Ollama and hosted services share. The
 * base URL ends with "/v1", as everybody writes it. */
#include <stdbool.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "embed/embed_prefix.h"
#include "embed/embed_server.h"

#define DEFAULT_URL "http://127.0.0.1:8080/v1"
#define N_TOKENS_MAX 512 /* these servers do not tell; the smallest window in use */
#define N_SPECIAL_TOKENS 2

static enum status ask_vectors(const struct embed_server *server, enum embed_kind kind,
                               const struct embed_text *texts, size_t n_texts,
                               const struct cancel *cancel, json_t **out, struct error *err)
{
    json_t *body = embed_server_request(server, kind, texts, n_texts);
    if (!body)
        return error_nomem(err);
    json_t *answer = NULL;
    enum status status = embed_server_ask(server, "/embeddings", body, cancel, &answer, err);
    json_decref(body);
    if (status == STATUS_NOT_FOUND)
        error_hint(err, "check the name of the embedding model");
    if (status)
        return status;
    size_t n_vectors = json_array_size(json_object_get(answer, "data"));
    if (n_vectors != n_texts) {
        json_decref(answer);
        return error_set(err, STATUS_REMOTE, "%s gave %zu vectors for %zu texts", server->origin,
                         n_vectors, n_texts);
    }
    *out = answer;
    return STATUS_OK;
}

static enum status openai_open(const struct embedder_options *options, struct embedder *embedder,
                               struct error *err)
{
    static const struct embed_text probe = {.text = "dimension", .len = 9};
    enum status status = embed_server_open(options, DEFAULT_URL, embedder, err);
    if (status)
        return status;
    const struct embed_server *server = embedder->state;
    json_t *answer = NULL;
    status = ask_vectors(server, EMBED_PASSAGE, &probe, 1, NULL, &answer, err);
    if (status)
        return status;
    const json_t *first = json_array_get(json_object_get(answer, "data"), 0);
    embedder->dim = json_array_size(json_object_get(first, "embedding"));
    json_decref(answer);
    if (embedder->dim == 0)
        return error_set(err, STATUS_REMOTE, "%s gave an empty vector", server->origin);
    const char *prefix = embed_prefix_find(server->model, EMBED_PASSAGE);
    embedder->n_tokens_max =
        N_TOKENS_MAX - N_SPECIAL_TOKENS - embed_server_count_tokens(NULL, prefix, strlen(prefix));
    struct buf text = {0};
    buf_printf(&text, "openai:%s:%zu", server->model, embedder->dim);
    embedder->fingerprint = buf_take(&text, NULL);
    return embedder->fingerprint ? STATUS_OK : error_nomem(err);
}

/* Items may come in any order: "index" says whose vector it is. */
static enum status read_item(const struct embedder *embedder, const json_t *item, size_t n_texts,
                             bool *is_seen, float *out, struct error *err)
{
    const struct embed_server *server = embedder->state;
    json_int_t index = json_integer_value(json_object_get(item, "index"));
    if (index < 0 || (size_t)index >= n_texts || is_seen[index])
        return error_set(err, STATUS_REMOTE, "%s gave a vector with a wrong index", server->origin);
    is_seen[index] = true;
    return embed_server_read_vector(server, json_object_get(item, "embedding"), embedder->dim,
                                    out + (size_t)index * embedder->dim, err);
}

static enum status openai_embed(const struct embedder *embedder, void *scratch,
                                enum embed_kind kind, const struct embed_text *texts,
                                size_t n_texts, const struct cancel *cancel, float *out,
                                struct error *err)
{
    (void)scratch;
    bool is_seen[EMBED_SERVER_BATCH_MAX] = {false};
    json_t *answer = NULL;
    enum status status = ask_vectors(embedder->state, kind, texts, n_texts, cancel, &answer, err);
    if (status)
        return status;
    const json_t *data = json_object_get(answer, "data");
    for (size_t i = 0; i < n_texts && !status; i++)
        status = read_item(embedder, json_array_get(data, i), n_texts, is_seen, out, err);
    json_decref(answer);
    return status;
}

extern const struct embedder_row embedder_openai;
const struct embedder_row embedder_openai = {
    .name = "openai",
    .open = openai_open,
    .close = embed_server_close,
    .n_batch_max = EMBED_SERVER_BATCH_MAX,
    .embed = openai_embed,
};
