/* Ollama's own API (/api/tags, /api/show, /api/chat), as version 0.17 answers it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "generate/generator_internal.h"
#include "generate/server.h"

#define DEFAULT_URL "http://127.0.0.1:11434"
#define N_PARAMETERS_COMFORTABLE 9e9 /* the most that a processor without a GPU answers with */
#define WINDOW_STEP 2048             /* another num_ctx makes Ollama load the model again */
#define TEMPLATE_TOKENS 64           /* roles and marks around our two messages */

static const struct server_row protocol = {
    .about_operation = "ollama.models",
    .chat_operation = "ollama.chat",
    .probe_path = "/api/version",
    .on_line = chat_stream_line,
};

struct ollama {
    struct server server;
    int can_think;
    unsigned n_threads;
};

static int ollama_is_configured(const struct generator_options *options)
{
    return options->ollama_url && *options->ollama_url;
}

/* "134.52M", "1.5B"; 0: unknown. */
static double parameters_of(const json_t *model)
{
    const char *text = json_get_text(json_object_get(model, "details"), "parameter_size", "");
    char *end;
    double n = strtod(text, &end);
    double unit = *end == 'B' ? 1e9 : *end == 'M' ? 1e6 : *end == 'K' ? 1e3 : 0;
    return n > 0 && n < 1e6 ? n * unit : 0;
}

static int is_named(const json_t *model, const char *name)
{
    const char *have = json_get_text(model, "name", "");
    size_t len = strlen(name);
    return strncmp(have, name, len) == 0 &&
           (have[len] == '\0' || (!strchr(name, ':') && strcmp(have + len, ":latest") == 0));
}

/* Models that only embed, and models that Ollama passes on to somebody else's computer. */
static int is_unfit(const json_t *model)
{
    const char *family = json_get_text(json_object_get(model, "details"), "family", "");
    const char *name = json_get_text(model, "name", "");
    return strstr(family, "bert") || strstr(name, "embed") || strstr(name, "-cloud") ||
           *json_get_text(model, "remote_host", "");
}

/* The largest model that answers at a bearable speed, else the smallest of the larger ones. */
static int is_better(double n, double than)
{
    int fits = n <= N_PARAMETERS_COMFORTABLE, than_fits = than <= N_PARAMETERS_COMFORTABLE;
    if (fits != than_fits)
        return fits;
    return fits ? n > than : n < than;
}

static const json_t *best_of(const json_t *models)
{
    const json_t *best = NULL, *model;
    size_t i;
    json_array_foreach(models, i, model)
    {
        if (is_unfit(model))
            continue;
        if (!best || is_better(parameters_of(model), parameters_of(best)))
            best = model;
    }
    return best;
}

static const json_t *find_named(const json_t *models, const char *name)
{
    const json_t *model;
    size_t i;
    json_array_foreach(models, i, model)
    {
        if (is_named(model, name))
            return model;
    }
    return NULL;
}

static int has_capability(const json_t *about, const char *name)
{
    const json_t *capability;
    size_t i;
    json_array_foreach(json_object_get(about, "capabilities"), i, capability)
    {
        const char *text = json_string_value(capability);
        if (text && strcmp(text, name) == 0)
            return 1;
    }
    return 0;
}

/* "<architecture>.context_length"; 0: not told. */
static size_t context_length_of(const json_t *about)
{
    static const char suffix[] = ".context_length";
    const char *key;
    json_t *value, *info = json_object_get(about, "model_info");
    json_object_foreach(info, key, value)
    {
        size_t len = strlen(key);
        if (len >= sizeof suffix && strcmp(key + len - (sizeof suffix - 1), suffix) == 0)
            return answer_count(info, key);
    }
    return 0;
}

static enum status take_model(struct generator *generator, const json_t *model, struct error *err)
{
    generator->model = mem_text(json_get_text(model, "name", ""));
    if (!generator->model)
        return error_nomem(err);
    generator->n_parameters = parameters_of(model);
    return STATUS_OK;
}

static enum status choose_model(struct generator *generator, const json_t *models,
                                const char *wanted, struct error *err)
{
    const struct ollama *ollama = generator->state;
    int is_wanted = wanted && *wanted;
    const json_t *model = is_wanted ? find_named(models, wanted) : best_of(models);
    if (model)
        return take_model(generator, model, err);
    if (is_wanted) {
        error_set(err, STATUS_NOT_FOUND, "\"%s\" has no model \"%s\"", ollama->server.origin,
                  wanted);
        error_hint(err, "fetch it: ollama pull %s", wanted);
    } else {
        error_set(err, STATUS_NOT_FOUND, "\"%s\" has no model that writes", ollama->server.origin);
        error_hint(err, "fetch one: ollama pull qwen2.5:1.5b-instruct");
    }
    return STATUS_NOT_FOUND;
}

/* The list does not say how long a prompt may be, nor whether the model thinks aloud. */
static enum status learn_model(struct generator *generator, struct error *err)
{
    struct ollama *ollama = generator->state;
    json_t *about = NULL, *question = json_object();
    enum status status = STATUS_OK;
    if (!question || !json_put(question, "model", json_text(generator->model)))
        status = error_nomem(err);
    if (!status)
        status = server_ask(&ollama->server, "/api/show", question, &about, err);
    if (!status && json_array_size(json_object_get(about, "capabilities")) > 0 &&
        !has_capability(about, "completion"))
        status = error_set(err, STATUS_INVALID, "the model \"%s\" can't write answers",
                           generator->model);
    if (!status) {
        size_t n = context_length_of(about);
        generator->window = n == 0                     ? GENERATOR_WINDOW_DEFAULT
                            : n > GENERATOR_WINDOW_MAX ? GENERATOR_WINDOW_MAX
                                                       : n;
        ollama->can_think = has_capability(about, "thinking");
        double n_exact =
            json_get_number(json_object_get(about, "model_info"), "general.parameter_count", 0);
        if (n_exact > 0)
            generator->n_parameters = n_exact;
    }
    json_decref(question);
    json_decref(about);
    return status;
}

static enum status ollama_open(struct generator *generator, const struct generator_options *options,
                               struct error *err)
{
    struct ollama *ollama = mem_zalloc(1, sizeof *ollama);
    if (!ollama)
        return error_nomem(err);
    generator->state = ollama;
    ollama->n_threads = options->n_threads;
    const char *url = ollama_is_configured(options) ? options->ollama_url : DEFAULT_URL;
    json_t *tags = NULL;
    enum status status = server_open(&ollama->server, &protocol, url, NULL, options, err);
    if (!status)
        status = server_ask(&ollama->server, "/api/tags", NULL, &tags, err);
    if (status == STATUS_REMOTE && !(err && *err->hint))
        error_hint(err, "start it: ollama serve");
    if (!status)
        status = choose_model(generator, json_object_get(tags, "models"), options->model, err);
    if (!status)
        status = learn_model(generator, err);
    json_decref(tags);
    return status;
}

static void ollama_close(struct generator *generator)
{
    struct ollama *ollama = generator->state;
    if (ollama)
        server_close(&ollama->server);
    mem_free(ollama);
}

/* A quarter more than our estimate, because another tokenizer counts; rounded up to whole steps. */
static size_t window_needed(const struct generator *generator,
                            const struct generate_request *request)
{
    size_t n = request->n_tokens_prompt + request->n_tokens_prompt / 4 + request->n_tokens_max +
               TEMPLATE_TOKENS;
    n = (n + WINDOW_STEP - 1) / WINDOW_STEP * WINDOW_STEP;
    return n < generator->window ? n : generator->window;
}

static json_t *options_json(const struct ollama *ollama, const struct generate_request *request,
                            size_t n_window)
{
    json_t *options = json_object();
    int is_ok = options && json_put(options, "num_ctx", json_integer((json_int_t)n_window)) &&
                json_put(options, "num_predict", json_integer((json_int_t)request->n_tokens_max)) &&
                json_put(options, "temperature", json_real(request->temperature)) &&
                json_put(options, "seed", json_integer((json_int_t)(request->seed & INT32_MAX)));
    if (is_ok && ollama->n_threads > 0)
        is_ok = json_put(options, "num_thread", json_integer(ollama->n_threads));
    if (is_ok)
        return options;
    json_decref(options);
    return NULL;
}

/* "truncate": false, because Ollama otherwise cuts a long prompt and says nothing. */
static json_t *chat_json(const struct generator *generator, const struct generate_request *request,
                         size_t n_window)
{
    const struct ollama *ollama = generator->state;
    json_t *chat = json_object();
    int is_ok = chat && json_put(chat, "model", json_text(generator->model)) &&
                json_put(chat, "messages", server_messages(request)) &&
                json_put(chat, "stream", json_true()) && json_put(chat, "truncate", json_false()) &&
                json_put(chat, "keep_alive", json_text("5m")) &&
                json_put(chat, "options", options_json(ollama, request, n_window));
    if (is_ok && ollama->can_think)
        is_ok = json_put(chat, "think", json_false());
    if (is_ok)
        return chat;
    json_decref(chat);
    return NULL;
}

/* A model that is in memory answers soon; another one takes minutes to be read from a disk. Who was
 * told how long to wait need not know. */
static enum server_state ask_state(const struct generator *generator, const struct cancel *cancel)
{
    const struct ollama *ollama = generator->state;
    json_t *running = NULL;
    if (ollama->server.timeouts.first_byte_ms > 0 ||
        server_ask_once(&ollama->server, "/api/ps", cancel, &running, NULL))
        return SERVER_STATE_LOADING;
    bool is_warm = find_named(json_object_get(running, "models"), generator->model) != NULL;
    json_decref(running);
    return is_warm ? SERVER_STATE_WARM : SERVER_STATE_LOADING;
}

static enum status chat(struct generator *generator, const struct generate_request *request,
                        enum server_state state, size_t n_window, struct answer_stream *answer,
                        struct error *err)
{
    const struct ollama *ollama = generator->state;
    json_t *body = chat_json(generator, request, n_window);
    if (!body)
        return error_nomem(err);
    enum status status =
        server_stream(&ollama->server, "/api/chat", body, request, state, answer, err);
    json_decref(body);
    return status;
}

static enum status ollama_run(struct generator *generator, const struct generate_request *request,
                              struct answer_stream *answer, struct error *err)
{
    size_t n_window = window_needed(generator, request);
    enum server_state state = ask_state(generator, request->cancel);
    enum status status = chat(generator, request, state, n_window, answer, err);
    if (status == STATUS_LIMIT && answer->n_bytes == 0 && n_window < generator->window)
        status = chat(generator, request, SERVER_STATE_LOADING, generator->window, answer, err);
    if (status == STATUS_NOT_FOUND)
        error_hint(err, "fetch it: ollama pull %s", generator->model);
    return status;
}

const struct generator_row generator_row_ollama = {
    .name = "ollama",
    .is_server = 1,
    .is_configured = ollama_is_configured,
    .has_default = 1,
    .open = ollama_open,
    .run = ollama_run,
    .close = ollama_close,
};
