/* Any server with OpenAI's /v1/models and /v1/chat/completions: llama-server, vLLM, LM Studio,
 * Ollama, hosted ones. */
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "generate/generator_internal.h"
#include "generate/server.h"
#include "net/net.h"

static const struct server_row protocol = {
    .about_operation = "openai.models",
    .chat_operation = "openai.chat",
    .probe_path = "/models",
    .on_line = sse_stream_line,
};

static int openai_is_configured(const struct generator_options *options)
{
    return options->openai_url && *options->openai_url;
}

/* "http://host:8080" and "http://host:8080/v1" are the same server; a longer path (a gateway's) is
 * taken as it is. */
static enum status base_url(const char *text, struct buf *out, struct error *err)
{
    char *url = NULL;
    enum status status = net_base_url(text, &url, err);
    if (status)
        return status;
    int has_path = strchr(strstr(url, "://") + 3, '/') != NULL;
    buf_printf(out, "%s%s", url, has_path ? "" : "/v1");
    mem_free(url);
    return buf_status(out, err);
}

static int is_named(const json_t *model, const char *name)
{
    const char *id = json_get_text(model, "id", "");
    size_t len = strlen(name);
    return strncmp(id, name, len) == 0 &&
           (id[len] == '\0' || (!strchr(name, ':') && strcmp(id + len, ":latest") == 0));
}

/* The named model, or without a name the first that is not for embedding. NULL: none. */
static const json_t *find_model(const json_t *models, const char *wanted)
{
    const json_t *model;
    size_t i;
    json_array_foreach(models, i, model)
    {
        const char *id = json_get_text(model, "id", "");
        if (*wanted ? is_named(model, wanted) : *id && !strstr(id, "embed"))
            return model;
    }
    return NULL;
}

/* llama-server tells n_ctx and n_params in "meta", vLLM max_model_len. */
static enum status take_model(struct generator *generator, const json_t *model, struct error *err)
{
    generator->model = mem_text(json_get_text(model, "id", ""));
    if (!generator->model)
        return error_nomem(err);
    const json_t *meta = json_object_get(model, "meta");
    size_t n = answer_count(meta, "n_ctx");
    if (n == 0)
        n = answer_count(model, "max_model_len");
    generator->window = n > 0 ? n : GENERATOR_WINDOW_DEFAULT;
    generator->n_parameters = json_get_number(meta, "n_params", 0);
    return STATUS_OK;
}

/* A hosted server has many models and bills for them: the choice is not ours to make. */
static enum status choose_model(struct generator *generator, const json_t *models,
                                const char *wanted, struct error *err)
{
    const struct server *server = generator->state;
    if (!*wanted && !net_is_loopback(server->url) && json_array_size(models) > 1) {
        error_set(err, STATUS_INVALID, "\"%s\" has %zu models and none was chosen", server->origin,
                  json_array_size(models));
        error_hint(err, "name one with the setting llm_model");
        return STATUS_INVALID;
    }
    const json_t *model = find_model(models, wanted);
    if (model)
        return take_model(generator, model, err);
    const char *first = json_get_text(json_array_get(models, 0), "id", NULL);
    error_set(err, STATUS_NOT_FOUND, "\"%s\" has no model \"%s\"", server->origin, wanted);
    if (first)
        error_hint(err, "it has for example \"%s\"", first);
    return STATUS_NOT_FOUND;
}

static enum status openai_open(struct generator *generator, const struct generator_options *options,
                               struct error *err)
{
    if (!openai_is_configured(options)) {
        error_set(err, STATUS_NOT_FOUND, "no OpenAI-compatible server is configured");
        error_hint(err, "set openai_url, for example to http://127.0.0.1:8080/v1");
        return STATUS_NOT_FOUND;
    }
    struct server *server = mem_zalloc(1, sizeof *server);
    if (!server)
        return error_nomem(err);
    generator->state = server;
    struct buf url = {0};
    json_t *models = NULL;
    enum status status = base_url(options->openai_url, &url, err);
    if (!status)
        status = server_open(server, &protocol, buf_text(&url), options->openai_key, options, err);
    if (!status)
        status = server_ask(server, "/models", NULL, &models, err);
    if (!status)
        status = choose_model(generator, json_object_get(models, "data"),
                              options->model ? options->model : "", err);
    json_decref(models);
    buf_clear(&url);
    return status;
}

static void openai_close(struct generator *generator)
{
    struct server *server = generator->state;
    if (server)
        server_close(server);
    mem_free(server);
}

static json_t *chat_json(const struct generator *generator, const struct generate_request *request)
{
    json_t *chat = json_object();
    int is_ok = chat && json_put(chat, "model", json_text(generator->model)) &&
                json_put(chat, "messages", server_messages(request)) &&
                json_put(chat, "stream", json_true()) &&
                json_put(chat, "stream_options", json_pack("{s:b}", "include_usage", 1)) &&
                json_put(chat, "max_tokens", json_integer((json_int_t)request->n_tokens_max)) &&
                json_put(chat, "temperature", json_real(request->temperature)) &&
                json_put(chat, "seed", json_integer((json_int_t)(request->seed & INT32_MAX)));
    if (is_ok)
        return chat;
    json_decref(chat);
    return NULL;
}

static enum status openai_run(struct generator *generator, const struct generate_request *request,
                              struct answer_stream *answer, struct error *err)
{
    const struct server *server = generator->state;
    /* One on this machine may load its model first, and does not say so. */
    enum server_state state =
        net_is_loopback(server->url) ? SERVER_STATE_LOADING : SERVER_STATE_WARM;
    json_t *body = chat_json(generator, request);
    if (!body)
        return error_nomem(err);
    enum status status =
        server_stream(server, "/chat/completions", body, request, state, answer, err);
    json_decref(body);
    return status;
}

const struct generator_row generator_row_openai = {
    .name = "openai",
    .is_server = 1,
    .is_configured = openai_is_configured,
    .open = openai_open,
    .run = openai_run,
    .close = openai_close,
};
