#include <string.h>

#include "answer/answer.h"
#include "app/answer_json.h"
#include "app/place.h"
#include "app/session.h"
#include "engine/engine.h"
#include "search/search.h"

enum { QUOTE_BYTES = 200, SOURCE_BYTES = 100 };

struct stream {
    struct app *app;
    bool has_text, is_drawn;
};

static void on_text(void *ctx, const char *text, size_t len)
{
    struct stream *stream = ctx;
    struct output *out = &stream->app->out;
    if (!stream->has_text)
        output_style(out, OUTPUT_STYLE_DIM);
    stream->has_text = true;
    output_text(out, text, len);
    output_flush(out);
}

static void on_start(void *ctx, const char *generator, const char *model, const char *reasons)
{
    struct app *app = ((struct stream *)ctx)->app;
    if (app->is_quiet)
        return;
    output_style(&app->notes, OUTPUT_STYLE_DIM);
    output_printf(&app->notes, "answered by %s%s%s\n", generator, *model ? " " : "", model);
    if (reasons && *reasons && app->is_verbose)
        output_printf(&app->notes, "%s\n", reasons);
    output_style(&app->notes, OUTPUT_STYLE_PLAIN);
    output_flush(&app->notes);
}

static void print_citation(struct output *out, const struct engine_answer *answer,
                           const struct engine_citation *citation)
{
    const struct engine_hit *hit = &answer->hits.hit[citation->i_hit];
    output_printf(out, "  [%zu] ", citation->number);
    output_style(out, OUTPUT_STYLE_ACCENT);
    place_print(out, hit, true);
    output_style(out, OUTPUT_STYLE_PLAIN);
    output_puts(out, "   \"");
    place_print_snippet(out, hit->text + citation->quote_start, citation->quote_len, QUOTE_BYTES);
    output_puts(out, "\"\n");
}

/* The numbers in brackets are those of the answer; what was not cited has none. */
static void print_sources(struct output *out, const struct engine_answer *answer)
{
    const struct engine_hits *hits = &answer->hits;
    output_puts(out, "\nsources:\n");
    for (size_t i = 0; i < hits->n; i++) {
        size_t number = 0;
        for (size_t k = 0; k < answer->n_citations; k++)
            number = answer->citations[k].i_hit == i ? answer->citations[k].number : number;
        if (number)
            output_printf(out, "  [%zu] ", number);
        else
            output_puts(out, "   -  ");
        place_print(out, &hits->hit[i], false);
        output_printf(out, " (score %.4f)\n     ", hits->hit[i].score);
        place_print_snippet(out, hits->hit[i].text, strlen(hits->hit[i].text), SOURCE_BYTES);
        output_puts(out, "\n");
    }
}

static void print_answer(struct app *app, const struct engine_answer *answer)
{
    struct output *out = &app->out;
    if (!answer->is_found) {
        output_puts(out, "Not found in your documents.\n");
    } else {
        if (answer->label && *answer->label)
            output_printf(out, "%s:\n\n", answer->label);
        output_puts(out, answer->text);
        output_puts(out, "\n");
    }
    if (answer->n_citations)
        output_puts(out, "\n");
    for (size_t i = 0; i < answer->n_citations; i++)
        print_citation(out, answer, &answer->citations[i]);
    if (arguments_has(&app->arguments, "show-sources"))
        print_sources(out, answer);
}

static void print_notes(struct app *app, const struct engine_answer *answer)
{
    session_warn(app, answer->hits.warning);
    if (app->is_quiet)
        return;
    if (answer->degraded & ENGINE_DEGRADED_GENERATOR)
        output_printf(&app->notes, "warning: no language model answered: %s\n", answer->reasons);
    if (answer->n_unsupported)
        output_printf(&app->notes, "%zu sentence%s without support in the passages\n",
                      answer->n_unsupported, answer->n_unsupported == 1 ? "" : "s");
    if (answer->n_passages_dropped)
        output_printf(&app->notes, "%zu passage%s did not fit into the model's window\n",
                      answer->n_passages_dropped, answer->n_passages_dropped == 1 ? "" : "s");
    if (answer->finish && strcmp(answer->finish, "length") == 0)
        output_puts(&app->notes, "the answer is cut at --max-tokens\n");
    if (app->is_verbose)
        output_printf(&app->notes, "search %.1f ms, generate %.1f ms, tokens %zu + %zu\n",
                      (double)answer->search_us / 1e3, (double)answer->generate_us / 1e3,
                      answer->n_tokens_prompt, answer->n_tokens_answer);
}

static enum status answer_options(struct stream *stream, struct arena *arena,
                                  struct engine_answer_options *out, struct error *err)
{
    struct app *app = stream->app;
    struct engine_answer_options options = engine_answer_options_default();
    enum status status = session_search_options(app, arena, &options.search, err);
    if (status)
        return status;
    options.search.n = (size_t)config_number(&app->config, "retrieval_k");
    options.n_tokens_max = (size_t)config_number(&app->config, "max_tokens");
    options.temperature = config_number(&app->config, "temperature");
    options.seed = (uint64_t)arguments_number(&app->arguments, "seed", (double)options.seed);
    options.cancel = app->cancel;
    options.on_start = on_start;
    options.ctx = stream;
    if (app->out.is_tty && app->format == FORMAT_TEXT &&
        !arguments_has(&app->arguments, "no-stream"))
        options.on_text = on_text;
    *out = options;
    return STATUS_OK;
}

static enum status ask(struct app *app, struct engine *engine, const char *question,
                       struct error *err)
{
    struct stream stream = {.app = app};
    struct engine_answer answer = {0};
    struct engine_answer_options options;
    struct arena arena = {0};
    enum status status = answer_options(&stream, &arena, &options, err);
    if (!status)
        status = engine_answer(engine, question, &options, &answer, err);
    arena_clear(&arena);
    if (stream.has_text) {
        output_style(&app->out, OUTPUT_STYLE_PLAIN);
        output_puts(&app->out, "\n\n");
    }
    if (status)
        return status;
    if (app->format == FORMAT_TEXT || app->format == FORMAT_MARKDOWN)
        print_answer(app, &answer);
    else
        status = format_object(&app->out, app->format, answer_json(&answer, question), err);
    print_notes(app, &answer);
    if (!answer.is_found && answer.hits.n == 0)
        session_tell_empty(app, engine);
    engine_answer_clear(&answer);
    return status;
}

static enum status run(struct app *app, struct error *err)
{
    return session_run_question(app, ask, err);
}

static const struct option options[] = {
    {.name = "limit",
     .aliases = "top-k k",
     .letters = "nk",
     .arg = "N",
     .config_key = "retrieval_k",
     .help = "passages that the answer is made from"},
    SESSION_SEARCH_OPTIONS,
    {.name = "generator",
     .letters = "g",
     .arg = "NAME",
     .config_key = "generator",
     .help = "who writes the answer"},
    {.name = "model", .arg = "NAME", .config_key = "llm_model", .help = "model of the generator"},
    {.name = "max-tokens", .arg = "N", .config_key = "max_tokens", .help = "longest answer"},
    {.name = "temperature",
     .arg = "T",
     .config_key = "temperature",
     .help = "how freely the model writes"},
    {.name = "seed",
     .arg = "N",
     .rule = {.type = VALUE_COUNT, .min = 0, .max = 9007199254740992.0},
     .help = "of the model's choices"},
    {.name = "no-stream", .help = "only the checked answer, also on a terminal"},
    {.name = "show-sources", .help = "list the passages too"},
    OPTION_END,
};

const struct command cmd_query = {
    .name = "query",
    .aliases = "ask",
    .summary = "Answer a question from the library, with checked citations",
    .usage = "[OPTIONS] QUESTION... | -",
    .details =
        "\"-\" reads the question from standard input. On a terminal the answer appears while it\n"
        "is written, and again when it is checked. Every quote was found in the stored text.",
    .examples = "  ragged query \"does vitamin D lower flu risk?\"\n"
                "  ragged query --generator extractive -k 8 --json what is the notice period",
    .words = "a question",
    .n_words_min = 1,
    .n_words_max = COMMAND_WORDS_ANY,
    .formats = FORMAT_BIT(FORMAT_TEXT) | FORMAT_BIT(FORMAT_JSON) | FORMAT_BIT(FORMAT_JSONL) |
               FORMAT_BIT(FORMAT_YAML) | FORMAT_BIT(FORMAT_MARKDOWN),
    .uses_config = true,
    .is_shown = true,
    .options = options,
    .run = run,
};
