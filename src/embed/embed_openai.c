/* The /embeddings route that llama-server, vLLM, LM Studio, Ollama and hosted services share. The
 * base URL ends with "/v1", as everybody writes it. */
#include <stdbool.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "embed/embed_prefix.h"
#include "embed/embed_server.h"

#define N_TOKENS_MAX 512 /* these servers do not tell; the smallest window in use */
#define N_SPECIAL_TOKENS 2

/* Items may come in any order: "index" says whose vector it is. */
static enum status read_item(struct embed_vectors *vectors, const json_t *item, bool *is_seen,
                             struct error *err)
{
    json_int_t index = json_integer_value(json_object_get(item, "index"));
    if (index < 0 || (size_t)index >= vectors->n_texts || is_seen[index])
        return error_set(err, STATUS_MALFORMED, "%s gave a vector with a wrong index",
                         vectors->server->origin);
    is_seen[index] = true;
    return embed_server_read_vector(vectors, (size_t)index, json_object_get(item, "embedding"),
                                    err);
}

static enum status read_vectors(void *ctx, const json_t *answer, struct error *err)
{
    struct embed_vectors *vectors = ctx;
    bool is_seen[EMBED_SERVER_BATCH_MAX] = {false};
    const json_t *data = json_object_get(answer, "data");
    enum status status = embed_server_check_count(vectors, json_array_size(data), err);
    for (size_t i = 0; i < vectors->n_texts && !status; i++)
        status = read_item(vectors, json_array_get(data, i), is_seen, err);
    return status;
}

static enum status ask_vectors(struct embed_vectors *vectors, const struct cancel *cancel,
                               struct error *err)
{
    json_t *body = embed_server_request(vectors);
    if (!body)
        return error_nomem(err);
    enum status status =
        embed_server_ask_vectors(vectors, "/embeddings", body, read_vectors, cancel, err);
    json_decref(body);
    if (status == STATUS_NOT_FOUND)
        error_hint(err, "check the name of the embedding model");
    return status;
}

static const struct embed_server_row protocol = {
    .default_url = "http://127.0.0.1:8080/v1",
    .about_operation = "openai.models",
    .embed_operation = "openai.embed",
    .probe_path = "/models",
    .ask_vectors = ask_vectors,
};

static enum status openai_open(const struct embedder_options *options, struct embedder *embedder,
                               struct error *err)
{
    enum status status = embed_server_open(options, &protocol, embedder, err);
    if (!status)
        status = embed_server_find_dim(embedder, err);
    if (status)
        return status;
    const struct embed_server *server = embedder->state;
    const char *prefix = embed_prefix_find(server->model, EMBED_PASSAGE);
    embedder->n_tokens_max =
        N_TOKENS_MAX - N_SPECIAL_TOKENS - embed_server_count_tokens(NULL, prefix, strlen(prefix));
    struct buf text = {0};
    buf_printf(&text, "openai:%s:%zu", server->model, embedder->dim);
    embedder->fingerprint = buf_take(&text, NULL);
    return embedder->fingerprint ? STATUS_OK : error_nomem(err);
}

extern const struct embedder_row embedder_openai;
const struct embedder_row embedder_openai = {
    .name = "openai",
    .open = openai_open,
    .close = embed_server_close,
    .n_batch_max = EMBED_SERVER_BATCH_MAX,
    .embed = embed_server_embed,
};
