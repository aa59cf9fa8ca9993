/* A local GGUF file through ragged-llm (llm_main.c): a process of its own, so that llama.cpp may
 * abort or be killed for memory without taking the program with it. It keeps the model loaded
 * between answers; cancelling kills it, and the next answer starts it again. */
#include <dirent.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/thread.h"
#include "generate/generator_internal.h"
#include "generate/server.h"

#define HELPER "ragged-llm"
#define POLL_MS 50
#define LOAD_TIMEOUT_MS 300000
#define FIRST_TOKEN_TIMEOUT_MS 300000
#define IDLE_TIMEOUT_MS 60000
#define TOTAL_TIMEOUT_MS 600000

struct llama {
    char *helper, *gguf; /* owned */
    unsigned n_threads;
    struct process process;
    struct buf pending; /* bytes of the lines to come */
};

static int llama_is_configured(const struct generator_options *options)
{
    return options->gguf_path && *options->gguf_path;
}

static int is_there(const char *path)
{
    struct file_info info;
    return file_stat(path, FILE_FOLLOW, &info, NULL) == STATUS_OK && info.is_regular;
}

/* --- finding the helper and the model -----------------------------------------------------------
 */

static enum status find_helper(const char *wanted, char **out, struct error *err)
{
    char *path = NULL;
    if (wanted && *wanted) {
        path = mem_text(wanted);
        if (!path)
            return error_nomem(err);
    } else {
        enum status status = path_beside_program(HELPER, &path, err);
        if (status)
            return status;
        if (!is_there(path)) {
            mem_free(path);
            path = mem_text(RAGGED_PREFIX "/libexec/ragged/" HELPER);
            if (!path)
                return error_nomem(err);
        }
    }
    if (!is_there(path)) {
        error_set(err, STATUS_NOT_FOUND, "the helper \"%s\" is not installed", path);
        error_hint(err, "build it with: make llama");
        mem_free(path);
        return STATUS_NOT_FOUND;
    }
    *out = path;
    return STATUS_OK;
}

static enum status models_folder(struct buf *out, struct error *err)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (cache && *cache == '/')
        buf_printf(out, "%s/ragged/llm", cache);
    else
        buf_printf(out, "%s/.cache/ragged/llm", home ? home : "");
    return buf_status(out, err);
}

/* The first *.gguf by name, so that the choice does not depend on the file system's order. */
static enum status find_first_gguf(const char *folder, char **out, struct error *err)
{
    DIR *dir = opendir(folder);
    char *best = NULL;
    enum status status = STATUS_OK;
    const struct dirent *entry;
    while (dir && !status && (entry = readdir(dir))) {
        if (strcmp(path_extension(entry->d_name), ".gguf") != 0 ||
            (best && strcmp(entry->d_name, best) >= 0))
            continue;
        mem_free(best);
        best = mem_text(entry->d_name);
        if (!best)
            status = error_nomem(err);
    }
    if (dir)
        closedir(dir);
    if (!status && !best) {
        status = error_set(err, STATUS_NOT_FOUND, "no model file in \"%s\"", folder);
        error_hint(err, "put a GGUF file there or set gguf_path");
    }
    if (!status && !(*out = path_join(folder, best)))
        status = error_nomem(err);
    mem_free(best);
    return status;
}

static enum status find_gguf(const char *wanted, char **out, struct error *err)
{
    if (wanted && *wanted) {
        if (!is_there(wanted))
            return error_set(err, STATUS_NOT_FOUND, "there is no model file \"%s\"", wanted);
        return (*out = mem_text(wanted)) ? STATUS_OK : error_nomem(err);
    }
    struct buf folder = {0};
    enum status status = models_folder(&folder, err);
    if (!status)
        status = find_first_gguf(buf_text(&folder), out, err);
    buf_clear(&folder);
    return status;
}

/* llama.cpp's threads wait for each other by spinning: one busy core among them makes generation
 * ten times slower than one thread alone. */
static unsigned count_idle_cores(void)
{
    double load = 0;
    if (getloadavg(&load, 1) != 1)
        load = 0;
    double n = (double)thread_count_usable() - load;
    return n > 1 ? (unsigned)n : 1;
}

/* --- lines from the helper ----------------------------------------------------------------------
 */

struct line_wait {
    const struct cancel *cancel;
    int64_t idle_timeout_ms, deadline_ms; /* deadline: on the monotonic clock */
};

static enum status check_wait(const struct line_wait *wait, int64_t began_ms, struct error *err)
{
    int64_t now_ms = clock_monotonic_ms();
    if (is_cancelled(wait->cancel))
        return error_set(err, STATUS_CANCELLED, "the answer was cancelled");
    if (now_ms - began_ms > wait->idle_timeout_ms || now_ms > wait->deadline_ms)
        return error_set(err, STATUS_REMOTE, "\"" HELPER "\" took too long");
    return STATUS_OK;
}

/* The next line without its end, borrowed until line_drop(). */
static enum status line_read(struct llama *llama, const struct line_wait *wait, size_t *out_len,
                             struct error *err)
{
    struct buf *pending = &llama->pending;
    int64_t began_ms = clock_monotonic_ms();
    char block[4096];
    for (;;) {
        const char *end = pending->len ? memchr(pending->data, '\n', pending->len) : NULL;
        if (end) {
            *out_len = (size_t)(end - pending->data);
            return STATUS_OK;
        }
        enum status status = check_wait(wait, began_ms, err);
        if (status)
            return status;
        ssize_t n = process_read(&llama->process, block, sizeof block, POLL_MS);
        if (n == 0 || n == -2) {
            error_set(err, STATUS_REMOTE, "\"" HELPER "\" ended in the middle of its work");
            error_hint(err, "the model may be too large for this computer's memory");
            return STATUS_REMOTE;
        }
        if (n > 0)
            buf_append(pending, block, (size_t)n);
        status = buf_status(pending, err);
        if (status)
            return status;
    }
}

static void line_drop(struct llama *llama, size_t len)
{
    struct buf *pending = &llama->pending;
    memmove(pending->data, pending->data + len + 1, pending->len - len - 1);
    buf_truncate(pending, pending->len - len - 1);
}

/* --- the helper's life --------------------------------------------------------------------------
 */

static void helper_stop(struct llama *llama)
{
    process_stop(&llama->process, NULL);
    buf_reset(&llama->pending);
}

/* The first line says what was loaded: {"hello": ..., "n_parameters": ..., "n_ctx": ...}, or why
 * not: {"error": ...}. */
static enum status take_hello(struct generator *generator, struct error *err)
{
    struct llama *llama = generator->state;
    struct line_wait wait = {.idle_timeout_ms = LOAD_TIMEOUT_MS, .deadline_ms = INT64_MAX};
    size_t len;
    json_t *hello = NULL;
    enum status status = line_read(llama, &wait, &len, err);
    if (!status) {
        status = answer_line_parse(llama->pending.data, len, &hello, err);
        line_drop(llama, len);
    }
    const char *why = json_get_text(hello, "error", NULL);
    if (!status && why)
        status = error_set(err, STATUS_FORMAT, "%s", why);
    if (!status) {
        generator->n_parameters = json_get_number(hello, "n_parameters", 0);
        generator->window = answer_count(hello, "n_ctx");
    }
    json_decref(hello);
    return status;
}

static enum status helper_start(struct generator *generator, struct error *err)
{
    struct llama *llama = generator->state;
    char n_threads[16], n_window[16];
    snprintf(n_threads, sizeof n_threads, "%u",
             llama->n_threads ? llama->n_threads : count_idle_cores());
    snprintf(n_window, sizeof n_window, "%d", GENERATOR_WINDOW_MAX);
    const char *const argv[] = {llama->helper, llama->gguf, n_threads, n_window, NULL};
    enum status status = process_start(
        &(struct process_options){.argv = argv, .extra_fd = -1, .errors = PROCESS_ERRORS_QUIET},
        &llama->process, err);
    if (!status)
        status = take_hello(generator, err);
    if (status) {
        helper_stop(llama);
        error_context(err, status, "\"%s\"", llama->gguf);
    }
    return status;
}

static enum status llama_open(struct generator *generator, const struct generator_options *options,
                              struct error *err)
{
    struct llama *llama = mem_zalloc(1, sizeof *llama);
    if (!llama)
        return error_nomem(err);
    generator->state = llama;
    llama->n_threads = options->n_threads;
    llama->pending.limit_bytes = RAGGED_LIMIT_HTTP_LINE;
    enum status status = find_gguf(options->gguf_path, &llama->gguf, err);
    if (!status)
        status = find_helper(options->helper_path, &llama->helper, err);
    if (!status && !(generator->model = mem_text(path_name(llama->gguf))))
        status = error_nomem(err);
    if (!status)
        status = helper_start(generator, err);
    return status;
}

static void llama_close(struct generator *generator)
{
    struct llama *llama = generator->state;
    if (!llama)
        return;
    helper_stop(llama);
    buf_clear(&llama->pending);
    mem_free(llama->helper);
    mem_free(llama->gguf);
    mem_free(llama);
}

/* --- one answer ---------------------------------------------------------------------------------
 */

static enum status request_line(const struct generate_request *request, struct buf *out,
                                struct error *err)
{
    json_t *chat = json_object(), *options = json_object();
    int is_ok = chat && options && json_put(chat, "messages", server_messages(request)) &&
                json_put(options, "num_predict", json_integer((json_int_t)request->n_tokens_max)) &&
                json_put(options, "temperature", json_real(request->temperature)) &&
                json_put(options, "seed", json_integer((json_int_t)(request->seed & INT32_MAX))) &&
                json_put(chat, "options", json_incref(options));
    if (is_ok) {
        json_write(chat, JSON_STYLE_COMPACT, out);
        buf_append_char(out, '\n');
    }
    json_decref(chat);
    json_decref(options);
    return is_ok ? buf_status(out, err) : error_nomem(err);
}

/* Writing to a helper that died must give EPIPE here, not a signal to the whole program. */
static enum status request_send(struct llama *llama, const struct buf *line, struct error *err)
{
    sigset_t pipe_signal, before;
    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
    enum status status = file_write_fd(llama->process.in_fd, HELPER, line->data, line->len, err);
    if (status)
        sigtimedwait(&pipe_signal, NULL, &(struct timespec){0});
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status == STATUS_IO ? error_set(err, STATUS_REMOTE, "\"" HELPER "\" has died") : status;
}

static enum status answer_read(struct llama *llama, const struct generate_request *request,
                               struct answer_stream *answer, struct error *err)
{
    int64_t total_ms = request->total_timeout_ms ? request->total_timeout_ms : TOTAL_TIMEOUT_MS;
    struct line_wait wait = {
        .cancel = request->cancel,
        .idle_timeout_ms = FIRST_TOKEN_TIMEOUT_MS,
        .deadline_ms = clock_monotonic_ms() + total_ms,
    };
    enum status status = STATUS_OK;
    while (!status && !answer->is_done) {
        size_t len;
        status = line_read(llama, &wait, &len, err);
        if (status)
            break;
        status = chat_stream_line(answer, llama->pending.data, len, err);
        line_drop(llama, len);
        wait.idle_timeout_ms = IDLE_TIMEOUT_MS;
    }
    return status;
}

static enum status llama_run(struct generator *generator, const struct generate_request *request,
                             struct answer_stream *answer, struct error *err)
{
    struct llama *llama = generator->state;
    struct buf line = {0};
    enum status status = STATUS_OK;
    if (llama->process.pid == 0)
        status = helper_start(generator, err);
    if (!status)
        status = request_line(request, &line, err);
    if (!status)
        status = request_send(llama, &line, err);
    if (!status)
        status = answer_read(llama, request, answer, err);
    buf_clear(&line);
    int is_refused = status == STATUS_LIMIT && answer->n_bytes == 0; /* the helper is at rest */
    if (status && !is_refused)
        helper_stop(llama);
    return status;
}

const struct generator_row generator_row_llama = {
    .name = "llama",
    .has_default = 1,
    .is_configured = llama_is_configured,
    .open = llama_open,
    .run = llama_run,
    .close = llama_close,
};
