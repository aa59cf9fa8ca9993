#include <string.h>

#include "app/records.h"
#include "app/session.h"
#include "engine/engine.h"
#include "library/library.h"

static void add_failure(void *ctx, const struct engine_document *document)
{
    json_t *list = ctx;
    json_t *failure = json_object();
    if (failure && records_put_path(failure, "file", document->path) &&
        json_put(failure, "error", json_text(document->error)))
        json_array_append(list, failure);
    json_decref(failure);
}

/* "" when none is missing; owned by `buf`. */
static const char *missing_warning(const struct engine_status *s, struct buf *buf)
{
    if (s->n_missing_vectors)
        buf_printf(buf,
                   "%zu passages have no vector yet: the next `ragged add PATH` without "
                   "--defer-vectors makes them",
                   s->n_missing_vectors);
    return buf_text(buf);
}

static void add_breaker(void *ctx, const struct net_peer *peer)
{
    json_t *list = ctx, *breaker = json_object();
    if (breaker && json_put(breaker, "operation", json_text(peer->operation)) &&
        json_put(breaker, "origin", json_text(peer->origin)) &&
        json_put(breaker, "state", json_text(peer->state)) &&
        json_put(breaker, "is_forced", json_boolean(peer->is_forced)))
        json_array_append(list, breaker);
    json_decref(breaker);
}

static json_t *memory_json(const struct engine_status *s)
{
    json_t *object = json_object();
    bool is_whole =
        object &&
        json_put(object, "budget_bytes", json_integer((json_int_t)s->memory_budget_bytes)) &&
        json_put(object, "state", json_text(s->memory_state));
    if (is_whole)
        return object;
    json_decref(object);
    return NULL;
}

/* What was asked for beside the library; NULL: it was not. */
struct extras {
    json_t *failures, *breakers, *choices;
    const struct engine_embedder_info *tuning;
    unsigned degraded; /* bits of enum engine_degraded */
};

static json_t *status_json(const struct engine_status *s, const struct extras *extras,
                           const struct config *config)
{
    struct buf warning = {0};
    json_t *object = format_object_new();
    json_t *warnings = session_warnings_json(missing_warning(s, &warning));
    buf_clear(&warning);
    bool is_whole =
        object && json_put(object, "warnings", warnings) &&
        json_put(object, "degraded", session_degraded_json(extras->degraded)) &&
        json_put(object, "data_dir", json_text(s->data_folder)) &&
        json_put(object, "has_library", json_boolean(s->has_library)) &&
        json_put(object, "n_documents", json_integer((json_int_t)s->n_documents)) &&
        json_put(object, "n_failed", json_integer((json_int_t)s->n_failed)) &&
        json_put(object, "n_partial", json_integer((json_int_t)s->n_partial)) &&
        json_put(object, "n_chunks", json_integer((json_int_t)s->n_chunks)) &&
        json_put(object, "n_vectors", json_integer((json_int_t)s->n_vectors)) &&
        json_put(object, "n_missing_vectors", json_integer((json_int_t)s->n_missing_vectors)) &&
        json_put(object, "text_bytes", json_integer((json_int_t)s->text_bytes)) &&
        json_put(object, "database_bytes", json_integer((json_int_t)s->database_bytes)) &&
        json_put(object, "vector_bytes", json_integer((json_int_t)s->vector_bytes)) &&
        json_put(object, "index_bytes", json_integer((json_int_t)s->index_bytes)) &&
        json_put(object, "n_segments", json_integer((json_int_t)s->n_segments)) &&
        json_put(object, "n_tail", json_integer((json_int_t)s->n_tail)) &&
        json_put(object, "embedding_backend",
                 json_text(config_text(config, "embedding_backend"))) &&
        json_put(object, "embedding_model", json_text(s->embedding_model)) &&
        json_put(object, "fingerprint", json_text(s->fingerprint)) &&
        json_put(object, "dimensions", json_integer((json_int_t)s->dim)) &&
        json_put(object, "language", json_text(s->language)) &&
        json_put(object, "generation", json_integer(s->generation)) &&
        json_put(object, "memory", memory_json(s));
    if (is_whole)
        return object;
    json_decref(object);
    return NULL;
}

static void print_failures(struct app *app, const json_t *failures)
{
    for (size_t i = 0; i < json_array_size(failures); i++) {
        const json_t *failure = json_array_get(failures, i);
        output_puts(&app->out, "  ");
        output_name(&app->out, json_get_text(failure, "file", ""));
        output_printf(&app->out, ": %s\n", json_get_text(failure, "error", ""));
    }
}

static void print_size(struct output *out, const char *label, uint64_t bytes)
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    double size = (double)bytes;
    size_t i_unit = 0;
    for (; size >= 1024.0 && i_unit < 4; i_unit++)
        size /= 1024.0;
    output_printf(out, "%-12s %.*f %s\n", label, i_unit ? 1 : 0, size, units[i_unit]);
}

static void print_status(struct app *app, const struct engine_status *s,
                         const struct extras *extras)
{
    struct output *out = &app->out;
    output_puts(out, "library      ");
    output_path(out, s->data_folder);
    output_puts(out, s->has_library ? "\n" : " (empty)\n");
    output_printf(out, "documents    %zu", s->n_documents);
    if (s->n_failed)
        output_printf(out, " and %zu failed (see --failed)", s->n_failed);
    if (s->n_partial)
        output_printf(out, ", %zu in part (adding them again goes on)", s->n_partial);
    output_printf(out, "\npassages     %zu", s->n_chunks);
    if (s->n_missing_vectors)
        output_printf(out, ", %zu without a vector (the next `ragged add PATH` makes them)",
                      s->n_missing_vectors);
    output_puts(out, "\n");
    for (int i = 0; i < ENGINE_DEGRADED_COUNT; i++)
        if (extras->degraded & (1u << i))
            output_printf(out, "%-12s %s\n", "missing",
                          engine_degraded_name((enum engine_degraded)(1 << i)));
    print_size(out, "text", s->text_bytes);
    print_size(out, "database", s->database_bytes);
    print_size(out, "vectors", s->vector_bytes);
    print_size(out, "index", s->index_bytes);
    output_printf(out, "model        %s (%s", s->embedding_model,
                  config_text(&app->config, "embedding_backend"));
    if (s->dim)
        output_printf(out, ", %zu dimensions", s->dim);
    output_printf(out, ")\nlanguage     %s\ngeneration   %lld\n", s->language,
                  (long long)s->generation);
}

/* The last part of a fingerprint; a server has none. */
static const char *precision_of(const struct engine_embedder_info *t)
{
    const char *colon = *t->kernel ? strrchr(t->fingerprint, ':') : NULL;
    return colon ? colon + 1 : "";
}

static json_t *tuning_json(const struct engine_embedder_info *t)
{
    bool is_measured = t->tokens_per_second > 0;
    json_t *object = json_object();
    bool is_whole =
        object && json_put(object, "kernel", json_text(t->kernel)) &&
        json_put(object, "precision", json_text(precision_of(t))) &&
        json_put(object, "micro_batch_tokens", json_integer((json_int_t)t->n_batch_tokens)) &&
        json_put(object, "bytes_per_thread", json_integer((json_int_t)t->bytes_a_thread)) &&
        json_put(object, "threads", json_integer(t->n_threads)) &&
        json_put(object, "tokens_per_second",
                 is_measured ? json_score(t->tokens_per_second) : json_null()) &&
        json_put(object, "since", json_text(is_measured ? t->since : NULL));
    if (is_whole)
        return object;
    json_decref(object);
    return NULL;
}

static void print_tuning(struct output *out, const struct engine_embedder_info *t)
{
    if (!*t->kernel) {
        output_puts(out, "kernel       none: a server embeds\n");
        return;
    }
    output_printf(out, "kernel       %s (%s)\n", t->kernel, precision_of(t));
    output_printf(out, "micro-batch  %zu tokens, %u threads\n", t->n_batch_tokens, t->n_threads);
    print_size(out, "each thread", t->bytes_a_thread);
    if (t->tokens_per_second > 0)
        output_printf(out, "rate         %.0f tokens/s for a thread, measured %s\n",
                      t->tokens_per_second, t->since);
    else
        output_puts(out, "rate         not measured yet: adding documents does it\n");
}

static void add_choice(void *ctx, const struct engine_choice *choice)
{
    json_t *list = ctx;
    json_t *row = json_object();
    if (row && json_put(row, "name", json_text(choice->name)) &&
        json_put(row, "value", json_integer((json_int_t)choice->value)) &&
        json_put(row, "unit", json_text(choice->unit)) &&
        json_put(row, "reason", json_text(choice->reason)) &&
        json_put(row, "since", json_text(*choice->since ? choice->since : NULL)) &&
        json_put(row, "reset", json_text(choice->reset)))
        json_array_append(list, row);
    json_decref(row);
}

static void print_choices(struct output *out, const json_t *choices)
{
    size_t i;
    json_t *row;
    output_puts(out, "\nchoices:\n");
    json_array_foreach(choices, i, row)
    {
        const char *since = json_get_text(row, "since", "");
        output_printf(out, "  %-19s %.0f %s\n", json_get_text(row, "name", ""),
                      json_get_number(row, "value", 0), json_get_text(row, "unit", ""));
        output_printf(out, "      %s%s%s\n      reset: %s\n", json_get_text(row, "reason", ""),
                      *since ? ", measured " : "", since, json_get_text(row, "reset", ""));
    }
}

static bool put_extras(json_t *object, const struct extras *extras)
{
    return json_object_set(object, "breakers", extras->breakers) == 0 &&
           (!extras->failures || json_object_set(object, "documents", extras->failures) == 0) &&
           (!extras->tuning || (json_put(object, "tuning", tuning_json(extras->tuning)) &&
                                json_object_set(object, "choices", extras->choices) == 0));
}

static enum status print(struct app *app, const struct engine_status *s,
                         const struct extras *extras, struct error *err)
{
    if (app->format == FORMAT_TEXT) {
        print_status(app, s, extras);
        if (extras->tuning)
            print_tuning(&app->out, extras->tuning);
        if (extras->tuning)
            print_choices(&app->out, extras->choices);
        if (extras->failures)
            print_failures(app, extras->failures);
        return STATUS_OK;
    }
    json_t *object = status_json(s, extras, &app->config);
    if (object && !put_extras(object, extras)) {
        json_decref(object);
        object = NULL;
    }
    return format_object(&app->out, app->format, object, err);
}

static enum status show(struct app *app, struct engine *engine, struct error *err)
{
    struct engine_status library = {0};
    struct engine_embedder_info tuning;
    json_t *failures = json_array();
    struct extras extras = {.breakers = json_array(), .choices = json_array()};
    enum status status = failures && extras.breakers && extras.choices
                             ? engine_status(engine, &library, err)
                             : error_nomem(err);
    if (arguments_has(&app->arguments, "failed"))
        extras.failures = failures;
    if (!status && extras.failures && library.has_library) {
        struct engine_list_options options = {.is_failed_only = true};
        status = engine_list(engine, &options, add_failure, failures, err);
    }
    if (!status && arguments_has(&app->arguments, "tuning")) {
        status = engine_get_embedder_info(engine, &tuning, err);
        extras.tuning = &tuning;
    }
    if (!status && extras.tuning)
        status = engine_each_choice(engine, add_choice, extras.choices, err);
    if (!status)
        status = engine_look_degraded(engine, &extras.degraded, err);
    if (!status) {
        engine_each_peer(engine, add_breaker, extras.breakers);
        status = print(app, &library, &extras, err);
    }
    json_decref(extras.breakers);
    json_decref(failures);
    json_decref(extras.choices);
    return status;
}

static enum status run(struct app *app, struct error *err)
{
    return session_run(app, show, err);
}

static const struct option options[] = {
    {.name = "failed", .help = "list the documents that could not be read, with their reasons"},
    {.name = "tuning",
     .help = "show what was chosen on this machine, from which measurement, and how to change it"},
    OPTION_END,
};

const struct command cmd_status = {
    .name = "status",
    .aliases = "info",
    .summary = "Show what the library holds",
    .usage = "[--failed] [--tuning]",
    .formats = FORMATS_OBJECT,
    .uses_config = true,
    .options = options,
    .run = run,
};
