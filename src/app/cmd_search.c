#include <stdio.h>
#include <string.h>

#include "app/hit_json.h"
#include "app/place.h"
#include "app/session.h"
#include "search/search.h"

static void print_leg(struct output *out, const char *name, size_t rank, double score, double part)
{
    char place[32] = "not among its best";
    if (rank)
        snprintf(place, sizeof place, "rank %zu", rank);
    output_printf(out, "     %s: %s, score %.4f, part %.4f\n", name, place, score, part);
}

static void print_hit(struct output *out, const void *record, size_t number)
{
    const struct hit_record *shown = record;
    const struct engine_hit *hit = shown->hit;
    output_style(out, OUTPUT_STYLE_BOLD);
    output_printf(out, "%2zu  %.4f  ", number, hit->score);
    output_style(out, OUTPUT_STYLE_ACCENT);
    place_print(out, hit, false);
    output_style(out, OUTPUT_STYLE_PLAIN);
    output_puts(out, "\n");
    if (hit->heading && *hit->heading) {
        output_puts(out, "     ");
        output_style(out, OUTPUT_STYLE_DIM);
        output_name(out, hit->heading);
        output_style(out, OUTPUT_STYLE_PLAIN);
        output_puts(out, "\n");
    }
    output_puts(out, "     ");
    if (shown->is_full)
        output_puts(out, hit->text);
    else
        place_print_snippet(out, hit->text, strlen(hit->text), PLACE_SNIPPET_BYTES);
    output_puts(out, "\n");
    if (shown->is_explained) {
        print_leg(out, "words  ", hit->lexical_rank, hit->lexical_score, hit->lexical_part);
        print_leg(out, "meaning", hit->vector_rank, hit->vector_score, hit->vector_part);
        if (hit->is_reranked)
            output_printf(out, "     reranked: %.4f, before %.4f\n", hit->rerank_score,
                          hit->fused_score);
    }
}

static json_t *envelope(const struct engine_hits *hits, const char *query, bool is_explained)
{
    json_t *object = format_object_new();
    bool is_whole = object && json_put(object, "query", json_text(query)) &&
                    json_put(object, "mode", json_text(engine_mode_name(hits->mode))) &&
                    json_put(object, "took_ms", json_real((double)hits->took.total_us / 1000.0)) &&
                    json_put(object, "cached", json_boolean(hits->is_cached)) &&
                    json_put(object, "total", json_integer((json_int_t)hits->n_candidates)) &&
                    json_put(object, "truncated", json_boolean(hits->n_candidates > hits->n)) &&
                    json_put(object, "reranked", json_integer((json_int_t)hits->n_reranked)) &&
                    json_put(object, "relevant", json_boolean(hits->is_relevant)) &&
                    json_put(object, "relevance", json_score(hits->relevance)) &&
                    (!is_explained || json_put(object, "stages", hit_stages_json(hits))) &&
                    json_put(object, "degraded", session_degraded_json(hits->degraded)) &&
                    json_put(object, "results", json_array()) &&
                    json_put(object, "warnings", session_warnings_json(hits->warning));
    if (is_whole)
        return object;
    json_decref(object);
    return NULL;
}

static enum status print_hits(struct app *app, const struct engine_hits *hits, const char *query,
                              struct error *err)
{
    bool is_full = arguments_has(&app->arguments, "full");
    bool is_explained = arguments_has(&app->arguments, "explain");
    struct records records = {
        .out = &app->out,
        .format = app->format,
        .columns = hit_columns,
        .skipped = is_full ? "snippet" : "text",
        .path = hit_record_path,
        .print = print_hit,
    };
    for (size_t i = 0; i < hits->n; i++)
        records_add(&records, &(struct hit_record){&hits->hit[i], is_full, is_explained});
    enum status status =
        records_write(&records, envelope(hits, query, is_explained), "results", err);
    records_clear(&records);
    if (!app->is_quiet && hits->n == 0 && app->format == FORMAT_TEXT)
        output_puts(&app->notes, "nothing found\n");
    session_warn(app, hits->warning);
    if (app->is_verbose || (is_explained && !app->is_quiet && app->format == FORMAT_TEXT))
        output_printf(&app->notes,
                      "%s: embed %.2f ms, scan %.2f ms, fuse %.2f ms, fetch %.2f ms, "
                      "rerank %.2f ms, total %.2f ms\n",
                      engine_mode_name(hits->mode), (double)hits->took.embed_us / 1e3,
                      (double)hits->took.scan_us / 1e3, (double)hits->took.fuse_us / 1e3,
                      (double)hits->took.fetch_us / 1e3, (double)hits->took.rerank_us / 1e3,
                      (double)hits->took.total_us / 1e3);
    return status;
}

static enum status find(struct app *app, struct engine *engine, const char *query,
                        struct error *err)
{
    struct engine_hits hits = {0};
    struct arena arena = {0};
    struct engine_search_options options;
    enum status status = session_search_options(app, &arena, &options, err);
    if (!status) {
        options.n = (size_t)arguments_number(&app->arguments, "limit", 10);
        options.has_query_syntax = !arguments_has(&app->arguments, "plain");
        status = engine_search(engine, query, &options, &hits, err);
    }
    if (!status)
        status = print_hits(app, &hits, query, err);
    if (!status && hits.n == 0)
        session_tell_empty(app, engine);
    engine_hits_clear(&hits);
    arena_clear(&arena);
    return status;
}

static enum status run(struct app *app, struct error *err)
{
    return session_run_question(app, find, err);
}

static const struct option options[] = {
    {.name = "limit",
     .aliases = "top-k k",
     .letters = "nk",
     .arg = "N",
     .rule = {.type = VALUE_COUNT, .min = 1, .max = 1000},
     .help = "how many results, 10 when not given"},
    SESSION_SEARCH_OPTIONS,
    {.name = "plain", .help = "words only: quotes, -word, prefix* and field:value mean nothing"},
    {.name = "full", .aliases = "show-content", .help = "whole passages instead of snippets"},
    {.name = "explain", .help = "how each score came about, and how long each stage took"},
    OPTION_END,
};

const struct command cmd_search = {
    .name = "search",
    .aliases = "find",
    .summary = "List the passages that fit best",
    .usage = "[OPTIONS] WORDS... | -",
    .details =
        "\"-\" reads the words from standard input. A score is within 0..1, higher is better.\n"
        "\"a phrase\" must occur, -word and -\"a phrase\" must not; prefix* is any word with this\n"
        "beginning; path:, name:, title:, kind:, collection:, after:, before: and meta.KEY: "
        "choose\n"
        "documents.",
    .examples = "  ragged search -n 5 --explain \"ERR_CONN_RESET\"\n"
                "  ragged search --path '*.pdf' --format files vitamin D\n"
                "  ragged search 'budget -draft \"notice period\" kind:pdf after:2024-05'\n"
                "  ragged search --where 'author ~ lovelace and year < 1850' engine",
    .words = "something to look for",
    .n_words_min = 1,
    .n_words_max = COMMAND_WORDS_ANY,
    .formats = FORMATS_ALL,
    .uses_config = true,
    .options = options,
    .run = run,
};
