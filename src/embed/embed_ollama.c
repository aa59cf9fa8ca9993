/* Ollama's own interface. /api/embed takes "truncate": false and then refuses a text that is too
 * long, where the OpenAI-compatible route would cut it silently. */
#include <stdbool.h>
#include <string.h>

#include "base/checked.h"
#include "base/json.h"
#include "base/mem.h"
#include "embed/embed_prefix.h"
#include "embed/embed_server.h"

#define N_TOKENS_DEFAULT 512
#define N_TOKENS_CEILING 2048 /* Ollama loads models with a smaller window than they could have */
#define N_SPECIAL_TOKENS 2

static enum status hint_pull(const struct embed_server *server, enum status status,
                             struct error *err)
{
    if (status == STATUS_NOT_FOUND)
        error_hint(err, "ollama pull %s", server->model);
    return status;
}

/* "<architecture>.context_length" of model_info. */
static size_t read_window(const json_t *show)
{
    const char *key;
    json_t *value;
    json_object_foreach(json_object_get(show, "model_info"), key, value)
    {
        static const char suffix[] = ".context_length";
        size_t len = strlen(key);
        if (len >= sizeof suffix && strcmp(key + len - (sizeof suffix - 1), suffix) == 0 &&
            json_integer_value(value) > 0)
            return size_min((size_t)json_integer_value(value), N_TOKENS_CEILING);
    }
    return N_TOKENS_DEFAULT;
}

static enum status ask_window(struct embedder *embedder, struct error *err)
{
    const struct embed_server *server = embedder->state;
    json_t *body = json_pack("{s:s}", "model", server->model), *show = NULL;
    const struct embed_question question = {.path = "/api/show",
                                            .operation = server->row->about_operation,
                                            .body = body,
                                            .patience = server->open_patience};
    enum status status = body ? embed_server_ask(server, &question, &show, err) : error_nomem(err);
    json_decref(body);
    if (status)
        return hint_pull(server, status, err);
    struct text_counter counter = embedder->counter;
    const char *prefix = embed_prefix_find(server->model, EMBED_PASSAGE);
    size_t n_taken = N_SPECIAL_TOKENS + counter.count(counter.model, prefix, strlen(prefix));
    size_t n_window = read_window(show);
    embedder->n_tokens_max = n_window > 2 * n_taken ? n_window - n_taken : n_window / 2;
    json_decref(show);
    return STATUS_OK;
}

/* "name" is also called "name:latest". */
static bool is_same_model(const char *listed, const char *asked)
{
    size_t len = strlen(asked);
    return strncmp(listed, asked, len) == 0 &&
           (listed[len] == '\0' || strcmp(listed + len, ":latest") == 0);
}

/* The digest changes when the model behind the name does. */
static enum status make_fingerprint(struct embedder *embedder, struct error *err)
{
    const struct embed_server *server = embedder->state;
    json_t *tags = NULL, *model;
    const struct embed_question question = {.path = "/api/tags",
                                            .operation = server->row->about_operation,
                                            .patience = server->open_patience};
    enum status status = embed_server_ask(server, &question, &tags, err);
    if (status)
        return status;
    const char *digest = "";
    size_t i;
    json_array_foreach(json_object_get(tags, "models"), i, model)
    {
        if (is_same_model(json_get_text(model, "name", ""), server->model))
            digest = json_get_text(model, "digest", "");
    }
    struct buf text = {0};
    buf_printf(&text, "ollama:%s:%zu%s%.12s", server->model, embedder->dim, *digest ? ":" : "",
               digest);
    json_decref(tags);
    embedder->fingerprint = buf_take(&text, NULL);
    return embedder->fingerprint ? STATUS_OK : error_nomem(err);
}

/* {"embeddings": [[...], ...]}, in the order of the texts. */
static enum status read_vectors(void *ctx, const json_t *answer, struct error *err)
{
    struct embed_vectors *vectors = ctx;
    const json_t *list = json_object_get(answer, "embeddings");
    enum status status = embed_server_check_count(vectors, json_array_size(list), err);
    for (size_t i = 0; i < vectors->n_texts && !status; i++)
        status = embed_server_read_vector(vectors, i, json_array_get(list, i), err);
    return status;
}

static enum status ask_vectors(struct embed_vectors *vectors, const struct cancel *cancel,
                               struct error *err)
{
    json_t *body = embed_server_request(vectors);
    if (!body || !json_put(body, "truncate", json_false())) {
        json_decref(body);
        return error_nomem(err);
    }
    enum status status =
        embed_server_ask_vectors(vectors, "/api/embed", body, read_vectors, cancel, err);
    json_decref(body);
    return hint_pull(vectors->server, status, err);
}

static const struct embed_server_row protocol = {
    .default_url = "http://127.0.0.1:11434",
    .about_operation = "ollama.models",
    .embed_operation = "ollama.embed",
    .probe_path = "/api/version",
    /* Its runner died under the request; the next one starts a new runner. */
    .failure_words = "do embedding request",
    .ask_vectors = ask_vectors,
};

static enum status ollama_open(const struct embedder_options *options, struct embedder *embedder,
                               struct error *err)
{
    enum status status = embed_server_open(options, &protocol, embedder, err);
    if (!status)
        status = ask_window(embedder, err);
    if (!status)
        status = embed_server_find_dim(embedder, err);
    if (!status)
        status = make_fingerprint(embedder, err);
    return status;
}

extern const struct embedder_row embedder_ollama;
const struct embedder_row embedder_ollama = {
    .name = "ollama",
    .open = ollama_open,
    .close = embed_server_close,
    .n_batch_max = EMBED_SERVER_BATCH_MAX,
    .embed = embed_server_embed,
};
