/* ragged-llm GGUF N_THREADS N_WINDOW - writes answers with llama.cpp, as a process of its own.
 *
 * stdin: one line for each request, Ollama's chat object: {"messages": [{"role", "content"}],
 * "options": {"num_predict", "temperature", "seed"}}. stdout: first {"hello", "model",
 * "n_parameters", "n_ctx"}, then for each request Ollama's chat lines, the last with "done": true
 * or "error". End of stdin at any time means cancel: the process ends within a second. */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ggml-backend.h>
#include <llama.h>

#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/thread.h"
#include "base/utf8.h"

#define N_BATCH 512
#define N_PREDICT_DEFAULT 512
#define N_MESSAGES_MAX 16

/* Lines from stdin go through here, so that its end is noticed in the middle of an answer. */
struct inbox {
    struct queue *lines; /* of char *, owned by the taker */
    atomic_bool is_closed;
};

struct llm {
    struct inbox inbox;
    struct llama_model *model;
    struct llama_context *context;
    const struct llama_vocab *vocab;
    const char *chat_template; /* NULL: a base model without one */
    char log[240];             /* the last error llama.cpp logged */
};

struct request {
    json_t *json; /* owned; the messages borrow from it */
    struct llama_chat_message messages[N_MESSAGES_MAX];
    size_t n_messages;
    int n_predict;
    float temperature;
    uint32_t seed;
};

struct tokens {
    llama_token *token;
    size_t n, n_max;
};

/* --- callbacks of llama.cpp ---------------------------------------------------------------------
 */

static bool must_abort(void *ctx)
{
    return atomic_load(&((struct inbox *)ctx)->is_closed);
}

static bool may_go_on(float progress, void *ctx)
{
    (void)progress;
    return !must_abort(ctx);
}

static void keep_error(enum ggml_log_level level, const char *text, void *ctx)
{
    struct llm *llm = ctx;
    if (level == GGML_LOG_LEVEL_ERROR)
        snprintf(llm->log, sizeof llm->log, "%.*s", (int)strcspn(text, "\n"), text);
}

/* --- lines in and out ---------------------------------------------------------------------------
 */

static void *read_lines(void *ctx)
{
    struct inbox *inbox = ctx;
    char *line = NULL;
    size_t n_max = 0;
    ssize_t len;
    while ((len = getline(&line, &n_max, stdin)) > 0 && (size_t)len <= RAGGED_LIMIT_HTTP_BODY) {
        char *copy = mem_text_n(line, (size_t)len);
        if (!copy || !queue_push(inbox->lines, copy, (size_t)len)) {
            mem_free(copy);
            break;
        }
    }
    free(line);
    atomic_store(&inbox->is_closed, true);
    queue_close(inbox->lines);
    return NULL;
}

/* Takes `object` (NULL: out of memory). A reader that went away ends us by SIGPIPE. */
static enum status line_write(json_t *object, struct error *err)
{
    struct buf line = {0};
    json_write(object, JSON_STYLE_COMPACT, &line);
    buf_append_char(&line, '\n');
    enum status status = buf_status(&line, err);
    if (!status)
        status = file_write_fd(STDOUT_FILENO, "stdout", line.data, line.len, err);
    buf_clear(&line);
    json_decref(object);
    return status;
}

static enum status error_write(const char *message)
{
    return line_write(json_pack("{s:o}", "error", json_text(message)), NULL);
}

static enum status text_write(const char *text, struct error *err)
{
    return line_write(json_pack("{s:{s:s,s:o},s:b}", "message", "role", "assistant", "content",
                                json_text(text), "done", 0),
                      err);
}

/* --- the request --------------------------------------------------------------------------------
 */

static enum status request_parse(const char *line, struct request *out, struct error *err)
{
    enum status status = json_parse(line, strlen(line), &out->json, err);
    if (status)
        return status;
    const json_t *options = json_object_get(out->json, "options"), *message;
    size_t i;
    json_array_foreach(json_object_get(out->json, "messages"), i, message)
    {
        if (i == N_MESSAGES_MAX)
            return error_set(err, STATUS_LIMIT, "more than %d messages", N_MESSAGES_MAX);
        out->messages[out->n_messages++] = (struct llama_chat_message){
            json_get_text(message, "role", "user"), json_get_text(message, "content", "")};
    }
    if (out->n_messages == 0)
        return error_set(err, STATUS_INVALID, "the request has no messages");
    double n_predict = json_get_number(options, "num_predict", N_PREDICT_DEFAULT);
    out->n_predict = n_predict >= 1 && n_predict < 1e6 ? (int)n_predict : N_PREDICT_DEFAULT;
    out->temperature = (float)json_get_number(options, "temperature", 0);
    out->seed = (uint32_t)json_get_number(options, "seed", 0);
    return STATUS_OK;
}

/* --- from messages to tokens --------------------------------------------------------------------
 */

static enum status tokens_add(struct tokens *tokens, const struct llm *llm, const char *text,
                              size_t len, bool is_template, struct error *err)
{
    bool is_first = tokens->n == 0;
    int32_t n = -llama_tokenize(llm->vocab, text, (int32_t)len, NULL, 0, is_first, is_template);
    if (n <= 0)
        return STATUS_OK;
    enum status status = mem_reserve((void **)&tokens->token, &tokens->n_max, tokens->n + (size_t)n,
                                     sizeof *tokens->token, err);
    if (status)
        return status;
    llama_tokenize(llm->vocab, text, (int32_t)len, tokens->token + tokens->n, n, is_first,
                   is_template);
    tokens->n += (size_t)n;
    return STATUS_OK;
}

/* The template around marks that stand for the contents: "\x01" "0" "\x02", "\x01" "1" "\x02", ...
 */
static enum status template_apply(const struct llm *llm, const struct request *request,
                                  struct buf *out, struct error *err)
{
    char marks[N_MESSAGES_MAX][8], text[16 * 1024];
    struct llama_chat_message messages[N_MESSAGES_MAX];
    for (size_t i = 0; i < request->n_messages; i++) {
        snprintf(marks[i], sizeof marks[i], "\x01%zu\x02", i);
        messages[i] = (struct llama_chat_message){request->messages[i].role, marks[i]};
    }
    int32_t n = -1;
    if (llm->chat_template)
        n = llama_chat_apply_template(llm->chat_template, messages, request->n_messages, true, text,
                                      sizeof text);
    if (llm->chat_template && n < 0) /* not one of the templates llama.cpp knows */
        n = llama_chat_apply_template("chatml", messages, request->n_messages, true, text,
                                      sizeof text);
    if (n > (int32_t)sizeof text)
        return error_set(err, STATUS_LIMIT, "the chat template is too long");
    if (n > 0)
        buf_append(out, text, (size_t)n);
    for (size_t i = 0; n < 0 && i < request->n_messages; i++)
        buf_printf(out, "%s\n\n", marks[i]);
    return buf_status(out, err);
}

/* Contents are tokenised apart from the template and without special tokens: a document that says
 * "<|im_end|>" must not end the user's turn. */
static enum status prompt_tokenize(const struct llm *llm, const struct request *request,
                                   struct tokens *out, struct error *err)
{
    struct buf prompt = {0};
    enum status status = template_apply(llm, request, &prompt, err);
    const char *at = buf_text(&prompt);
    while (!status && *at) {
        size_t n_before = strcspn(at, "\x01");
        if (n_before > 0)
            status = tokens_add(out, llm, at, n_before, true, err);
        at += n_before;
        if (status || !*at)
            break;
        char *end;
        unsigned long i = strtoul(at + 1, &end, 10);
        if (i >= request->n_messages || *end != '\x02') {
            status = error_set(err, STATUS_FORMAT, "the chat template changed a message");
            break;
        }
        const char *content = request->messages[i].content;
        status = tokens_add(out, llm, content, strlen(content), false, err);
        at = end + 1;
    }
    buf_clear(&prompt);
    return status;
}

/* --- the answer ---------------------------------------------------------------------------------
 */

static struct llama_sampler *sampler_new(const struct request *request)
{
    struct llama_sampler *chain = llama_sampler_chain_init(llama_sampler_chain_default_params());
    if (request->temperature > 0) {
        llama_sampler_chain_add(chain, llama_sampler_init_top_k(40));
        llama_sampler_chain_add(chain, llama_sampler_init_top_p(0.9f, 1));
        llama_sampler_chain_add(chain, llama_sampler_init_temp(request->temperature));
        llama_sampler_chain_add(chain, llama_sampler_init_dist(request->seed));
    } else {
        llama_sampler_chain_add(chain, llama_sampler_init_greedy());
    }
    return chain;
}

static enum status decode(struct llm *llm, llama_token *token, size_t n, struct error *err)
{
    int rc = llama_decode(llm->context, llama_batch_get_one(token, (int32_t)n));
    if (rc == 2)
        return error_set(err, STATUS_CANCELLED, "cancelled");
    return rc ? error_set(err, STATUS_REMOTE, "llama.cpp failed with code %d", rc) : STATUS_OK;
}

/* A piece may end inside a character: what is not whole waits for the next one. */
static enum status piece_write(const struct llm *llm, llama_token token, struct buf *pending,
                               struct error *err)
{
    char piece[256];
    int32_t n = llama_token_to_piece(llm->vocab, token, piece, sizeof piece, 0, false);
    if (n > 0)
        buf_append(pending, piece, (size_t)n);
    size_t n_whole = pending->len ? utf8_whole_prefix(pending->data, pending->len) : 0;
    if (n_whole == 0)
        return buf_status(pending, err);
    char rest[4];
    size_t n_rest = pending->len - n_whole;
    memcpy(rest, pending->data + n_whole, n_rest);
    buf_truncate(pending, n_whole);
    enum status status = text_write(buf_text(pending), err);
    buf_truncate(pending, 0);
    buf_append(pending, rest, n_rest);
    return status;
}

static enum status generate(struct llm *llm, const struct request *request, struct tokens *prompt,
                            struct error *err)
{
    struct buf pending = {0};
    struct llama_sampler *sampler = sampler_new(request);
    const char *finish = "length";
    enum status status = STATUS_OK;
    int n_answer = 0;
    llama_memory_clear(llama_get_memory(llm->context), true);
    for (size_t i = 0; i < prompt->n && !status; i += N_BATCH) {
        size_t n = prompt->n - i < N_BATCH ? prompt->n - i : N_BATCH;
        status = decode(llm, prompt->token + i, n, err);
    }
    while (!status && n_answer < request->n_predict) {
        llama_token token = llama_sampler_sample(sampler, llm->context, -1);
        if (llama_vocab_is_eog(llm->vocab, token)) {
            finish = "stop";
            break;
        }
        n_answer++;
        status = piece_write(llm, token, &pending, err);
        if (!status && n_answer < request->n_predict)
            status = decode(llm, &token, 1, err);
    }
    if (!status && pending.len > 0)
        status = text_write(buf_text(&pending), err);
    if (!status)
        status = line_write(json_pack("{s:{s:s,s:s},s:b,s:s,s:I,s:i}", "message", "role",
                                      "assistant", "content", "", "done", 1, "done_reason", finish,
                                      "prompt_eval_count", (json_int_t)prompt->n, "eval_count",
                                      n_answer),
                            err);
    llama_sampler_free(sampler);
    buf_clear(&pending);
    return status;
}

static enum status serve(struct llm *llm, const char *line, struct error *err)
{
    struct request request = {.json = NULL};
    struct tokens prompt = {.n = 0};
    enum status status = request_parse(line, &request, err);
    if (!status)
        status = prompt_tokenize(llm, &request, &prompt, err);
    size_t n_window = llama_n_ctx(llm->context);
    if (!status && prompt.n + (size_t)request.n_predict > n_window)
        status =
            error_set(err, STATUS_LIMIT,
                      "the prompt of %zu tokens and the answer of %d exceed the context of %zu",
                      prompt.n, request.n_predict, n_window);
    if (!status)
        status = generate(llm, &request, &prompt, err);
    mem_free(prompt.token);
    json_decref(request.json);
    return status;
}

/* --- life ---------------------------------------------------------------------------------------
 */

static enum status llm_open(struct llm *llm, const char *path, int n_threads, uint32_t n_window,
                            struct error *err)
{
    char *libs = NULL;
    enum status status = path_beside_program("llama", &libs, err);
    if (status)
        return status;
    llama_log_set(keep_error, llm);
    ggml_backend_load_all_from_path(libs);
    mem_free(libs);
    llama_backend_init();
    struct llama_model_params params = llama_model_default_params();
    params.n_gpu_layers = 0;
    params.progress_callback = may_go_on;
    params.progress_callback_user_data = &llm->inbox;
    llm->model = llama_model_load_from_file(path, params);
    if (!llm->model)
        return error_set(err, STATUS_FORMAT, "could not load the model: %s", llm->log);
    uint32_t n_trained = (uint32_t)llama_model_n_ctx_train(llm->model);
    struct llama_context_params options = llama_context_default_params();
    options.n_ctx = n_trained > 0 && n_trained < n_window ? n_trained : n_window;
    options.n_batch = N_BATCH;
    options.n_threads = options.n_threads_batch = n_threads;
    options.abort_callback = must_abort;
    options.abort_callback_data = &llm->inbox;
    llm->context = llama_init_from_model(llm->model, options);
    if (!llm->context)
        return error_set(err, STATUS_NOMEM, "no memory for a context of %u tokens", options.n_ctx);
    llm->vocab = llama_model_get_vocab(llm->model);
    llm->chat_template = llama_model_chat_template(llm->model, NULL);
    return STATUS_OK;
}

static enum status hello_write(const struct llm *llm, struct error *err)
{
    char model[128] = "";
    llama_model_desc(llm->model, model, sizeof model);
    return line_write(json_pack("{s:s,s:o,s:I,s:I}", "hello", "ragged-llm " RAGGED_VERSION, "model",
                                json_text(model), "n_parameters",
                                (json_int_t)llama_model_n_params(llm->model), "n_ctx",
                                (json_int_t)llama_n_ctx(llm->context)),
                      err);
}

static void serve_all(struct llm *llm)
{
    void *line;
    while (queue_pop(llm->inbox.lines, &line)) {
        struct error err = {0};
        enum status status = must_abort(&llm->inbox) ? STATUS_CANCELLED : serve(llm, line, &err);
        mem_free(line);
        if (status && status != STATUS_CANCELLED)
            error_write(err.message);
    }
}

static int run(struct llm *llm, char **argv)
{
    struct error err = {0};
    struct thread reader = {0};
    int n_threads = (int)strtol(argv[2], NULL, 10), n_window = (int)strtol(argv[3], NULL, 10);
    enum status status = queue_new(4, RAGGED_LIMIT_HTTP_BODY, &llm->inbox.lines, &err);
    if (!status)
        status = thread_start(&reader, read_lines, &llm->inbox, &err);
    if (!status)
        status = llm_open(llm, argv[1], n_threads > 0 ? n_threads : 1,
                          n_window > 0 ? (uint32_t)n_window : 4096, &err);
    if (!status)
        status = hello_write(llm, &err);
    if (status) {
        error_write(err.message);
        return 1;
    }
    serve_all(llm);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: ragged-llm GGUF N_THREADS N_WINDOW\n");
        return 2;
    }
    struct llm llm = {.model = NULL};
    int code = run(&llm, argv);
    fflush(stdout);
    /* The reader thread may sit in read(): leave without joining it, the system takes all back. */
    _exit(code);
}
