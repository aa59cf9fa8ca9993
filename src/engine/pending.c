#include "engine/engine.h"

/* Until the rooms behind them are there. */
struct engine_options engine_options_default(void)
{
    return (struct engine_options){0};
}

enum status engine_open(const struct engine_options *options, struct engine **out,
                        struct error *err)
{
    (void)options;
    (void)out;
    return error_set(err, STATUS_INVALID, "not built yet");
}

void engine_close(struct engine *engine)
{
    (void)engine;
}

const char *engine_file_result_name(enum engine_file_result result)
{
    (void)result;
    return "";
}

enum status engine_add(struct engine *engine, const struct engine_add_options *options,
                       struct engine_add_result *out, struct error *err)
{
    (void)engine;
    (void)options;
    (void)out;
    return error_set(err, STATUS_INVALID, "not built yet");
}

const char *engine_mode_name(enum engine_mode mode)
{
    (void)mode;
    return "";
}

struct engine_search_options engine_search_options_default(void)
{
    return (struct engine_search_options){0};
}

enum status engine_search(struct engine *engine, const char *query,
                          const struct engine_search_options *options, struct engine_hits *out,
                          struct error *err)
{
    (void)engine;
    (void)query;
    (void)options;
    (void)out;
    return error_set(err, STATUS_INVALID, "not built yet");
}

void engine_hits_clear(struct engine_hits *hits)
{
    (void)hits;
}

struct engine_answer_options engine_answer_options_default(void)
{
    return (struct engine_answer_options){0};
}

enum status engine_answer(struct engine *engine, const char *question,
                          const struct engine_answer_options *options, struct engine_answer *out,
                          struct error *err)
{
    (void)engine;
    (void)question;
    (void)options;
    (void)out;
    return error_set(err, STATUS_INVALID, "not built yet");
}

void engine_answer_clear(struct engine_answer *answer)
{
    (void)answer;
}

enum status engine_list(struct engine *engine, const struct engine_list_options *options,
                        void (*each)(void *ctx, const struct engine_document *document), void *ctx,
                        struct error *err)
{
    (void)engine;
    (void)options;
    (void)each;
    (void)ctx;
    return error_set(err, STATUS_INVALID, "not built yet");
}

enum status engine_remove(struct engine *engine, const char *path, bool is_dry_run,
                          void (*each)(void *ctx, const char *path), void *ctx, size_t *out_n,
                          struct error *err)
{
    (void)engine;
    (void)path;
    (void)is_dry_run;
    (void)each;
    (void)ctx;
    (void)out_n;
    return error_set(err, STATUS_INVALID, "not built yet");
}

enum status engine_clear(struct engine *engine, size_t *out_n, struct error *err)
{
    (void)engine;
    (void)out_n;
    return error_set(err, STATUS_INVALID, "not built yet");
}

enum status engine_status(struct engine *engine, struct engine_status *out, struct error *err)
{
    (void)engine;
    (void)out;
    return error_set(err, STATUS_INVALID, "not built yet");
}

enum status engine_check(struct engine *engine, void (*say)(void *ctx, const char *line), void *ctx,
                         size_t *out_n_problems, struct error *err)
{
    (void)engine;
    (void)say;
    (void)ctx;
    (void)out_n_problems;
    return error_set(err, STATUS_INVALID, "not built yet");
}

enum status engine_eval(struct engine *engine, const char *folder, enum engine_mode mode,
                        const struct cancel *cancel,
                        void (*on_progress)(void *ctx, const struct engine_progress *progress),
                        void *ctx, struct engine_eval_result *out, struct error *err)
{
    (void)engine;
    (void)folder;
    (void)mode;
    (void)cancel;
    (void)on_progress;
    (void)ctx;
    (void)out;
    return error_set(err, STATUS_INVALID, "not built yet");
}

enum status engine_model_list(void (*each)(void *ctx, const struct engine_model *model), void *ctx,
                              struct error *err)
{
    (void)each;
    (void)ctx;
    return error_set(err, STATUS_INVALID, "not built yet");
}

enum status engine_model_verify(const char *name, struct error *err)
{
    (void)name;
    return error_set(err, STATUS_INVALID, "not built yet");
}

enum status engine_model_pull(const char *name, void (*say)(void *ctx, const char *line), void *ctx,
                              const struct cancel *cancel, struct error *err)
{
    (void)name;
    (void)say;
    (void)ctx;
    (void)cancel;
    return error_set(err, STATUS_INVALID, "not built yet");
}
