#include "generate/generator_internal.h"

#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "base/trace.h"

extern const struct generator_row generator_row_ollama, generator_row_openai, generator_row_llama,
    generator_row_extractive;

/* In the order auto tries them. */
static const struct generator_row *const rows[] = {
    &generator_row_ollama,
    &generator_row_openai,
    &generator_row_llama,
    &generator_row_extractive,
};
enum { N_ROWS = sizeof rows / sizeof rows[0] };

const char *const *generator_names(void)
{
    static const char *const names[N_ROWS + 1] = {"ollama", "openai", "llama", "extractive", NULL};
    return names;
}

static int is_tiny_and_unasked(const struct generator *generator,
                               const struct generator_options *options)
{
    int is_asked =
        (options->model && *options->model) || (options->gguf_path && *options->gguf_path);
    return !is_asked && generator->n_parameters > 0 && generator->n_parameters < GENERATOR_TINY_MAX;
}

static void add_reason(struct buf *reasons, const char *name, const char *why)
{
    buf_printf(reasons, "%s%s: %s", reasons->len ? "; " : "", name, why);
}

/* Moves what a failed row left out of the way of the next one. */
static void row_close(struct generator *generator)
{
    if (generator->row)
        generator->row->close(generator);
    mem_free(generator->model);
    generator->row = NULL;
    generator->state = NULL;
    generator->model = NULL;
    generator->n_parameters = 0;
    generator->window = 0;
}

static enum status row_open(struct generator *generator, const struct generator_row *row,
                            const struct generator_options *options, struct error *err)
{
    generator->row = row;
    enum status status = row->open(generator, options, err);
    if (status)
        row_close(generator);
    return status;
}

/* OK with generator->row NULL: passed over, and the reason is noted. */
static enum status row_try(struct generator *generator, const struct generator_row *row,
                           const struct generator_options *options, struct error *err)
{
    if (!row->is_configured(options) &&
        (!row->has_default || (row->is_server && options->is_configured_only))) {
        add_reason(&generator->reasons, row->name, "not configured");
        return STATUS_OK;
    }
    struct error why = {0};
    enum status status = row_open(generator, row, options, &why);
    if (status == STATUS_NOMEM || status == STATUS_CANCELLED) {
        if (err)
            *err = why;
        return status;
    }
    if (status) {
        add_reason(&generator->reasons, row->name, why.message);
    } else if (is_tiny_and_unasked(generator, options)) {
        buf_printf(&generator->reasons,
                   "%s%s: \"%s\" is too small to be trusted (%.2f B parameters)",
                   generator->reasons.len ? "; " : "", row->name, generator->model,
                   generator->n_parameters / 1e9);
        row_close(generator);
    }
    return STATUS_OK;
}

/* What the user configured comes before what merely happens to run on this machine. */
static enum status auto_open(struct generator *generator, const struct generator_options *options,
                             struct error *err)
{
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < N_ROWS; i++) {
            if ((pass == 0) != (rows[i]->is_configured(options) != 0))
                continue;
            enum status status = row_try(generator, rows[i], options, err);
            if (status || generator->row)
                return status;
        }
    }
    return error_set(err, STATUS_NOT_FOUND, "no generator is there");
}

static enum status named_open(struct generator *generator, const struct generator_options *options,
                              struct error *err)
{
    for (size_t i = 0; i < N_ROWS; i++)
        if (strcmp(rows[i]->name, options->name) == 0)
            return row_open(generator, rows[i], options, err);
    error_set(err, STATUS_INVALID, "there is no generator \"%s\"", options->name);
    error_hint(err, "choose auto, ollama, openai, llama or extractive");
    return STATUS_INVALID;
}

enum status generator_open(const struct generator_options *options, struct generator **out,
                           struct error *err)
{
    struct generator *generator = mem_zalloc(1, sizeof *generator);
    if (!generator)
        return error_nomem(err);
    int is_auto = !options->name || !*options->name || strcmp(options->name, "auto") == 0;
    enum status status =
        is_auto ? auto_open(generator, options, err) : named_open(generator, options, err);
    if (!status)
        status = buf_status(&generator->reasons, err);
    if (status) {
        generator_close(generator);
        return status;
    }
    *out = generator;
    return STATUS_OK;
}

void generator_close(struct generator *generator)
{
    if (!generator)
        return;
    row_close(generator);
    buf_clear(&generator->reasons);
    mem_free(generator);
}

const char *generator_name(const struct generator *generator)
{
    return generator->row->name;
}

const char *generator_model(const struct generator *generator)
{
    return generator->model ? generator->model : "";
}

const char *generator_reasons(const struct generator *generator)
{
    return buf_text(&generator->reasons);
}

size_t generator_window(const struct generator *generator)
{
    return generator->window;
}

int generator_is_extractive(const struct generator *generator)
{
    return generator->row->is_extractive;
}

int generator_is_small(const struct generator *generator)
{
    return generator->n_parameters > 0 && generator->n_parameters < GENERATOR_SMALL_MAX;
}

static enum status check_window(const struct generator *generator,
                                const struct generate_request *request, struct error *err)
{
    if (generator->row->is_extractive ||
        (request->n_tokens_prompt <= generator->window &&
         request->n_tokens_max <= generator->window - request->n_tokens_prompt))
        return STATUS_OK;
    error_set(
        err, STATUS_LIMIT,
        "the prompt (about %zu tokens) and the answer (%zu) do not fit into the %zu tokens of "
        "\"%s\"",
        request->n_tokens_prompt, request->n_tokens_max, generator->window,
        generator_model(generator));
    error_hint(err, "use fewer passages or a shorter answer");
    return STATUS_LIMIT;
}

enum status generator_run(struct generator *generator, const struct generate_request *request,
                          void (*on_text)(void *ctx, const char *text, size_t len), void *ctx,
                          struct generate_result *out, struct error *err)
{
    TRACE(TRACE_STAGE_GENERATE);
    struct answer_stream answer = {.on_text = on_text, .ctx = ctx};
    enum status status = check_window(generator, request, err);
    if (!status && is_cancelled(request->cancel))
        status = error_set(err, STATUS_CANCELLED, "the answer was cancelled");
    if (!status)
        status = generator->row->run(generator, request, &answer, err);
    if (!status)
        status = answer_stream_end(&answer, err);
    if (status && status != STATUS_CANCELLED)
        return status;
    *out = (struct generate_result){
        .finish = status ? "cancelled" : answer.finish,
        .n_tokens_prompt = answer.n_tokens_prompt,
        .n_tokens_answer = answer.n_tokens_answer,
        .n_quotes = answer.n_quotes,
    };
    memcpy(out->quotes, answer.quotes, sizeof out->quotes);
    return status;
}
