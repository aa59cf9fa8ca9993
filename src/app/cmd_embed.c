#include <endian.h>
#include <string.h>

#include "app/lines.h"
#include "app/progress.h"
#include "app/session.h"
#include "app/vector_text.h"
#include "base/clock.h"
#include "base/mem.h"
#include "engine/engine.h"

#define BULK_BYTES ((size_t)64 << 10) /* from so much text on a slower start pays */

struct embed {
    struct app *app;
    struct progress progress;
    struct lines lines;
    struct engine_embedder_info model;
    float *zeros; /* [model.dim] */
    struct buf row;
    size_t n_texts, n_tokens, n_empty, n_cut, n_repaired;
    int64_t start_ms;
};

static enum status next_line(void *ctx, int timeout_ms, struct engine_text *out,
                             enum engine_next *out_next, struct error *err)
{
    static const enum engine_next nexts[] = {
        [LINE_RESULT_LINE] = ENGINE_NEXT_TEXT,
        [LINE_RESULT_NOTHING_YET] = ENGINE_NEXT_NOTHING_YET,
        [LINE_RESULT_END] = ENGINE_NEXT_END,
    };
    struct embed *embed = ctx;
    enum line_result result;
    if (timeout_ms > 0)
        output_flush(&embed->app->out); /* whoever waits for an answer gets it before we wait */
    enum status status = lines_next(&embed->lines, timeout_ms, &result, err);
    if (status)
        return status;
    *out_next = nexts[result];
    *out = (struct engine_text){
        .text = buf_text(&embed->lines.line),
        .len = embed->lines.line.len,
        .is_cut = embed->lines.is_line_cut,
    };
    return STATUS_OK;
}

/* What has to be said about all texts; NULL: out of memory. */
static json_t *warnings_of(const struct embed *embed)
{
    struct buf cut = {0}, repaired = {0};
    buf_printf(&cut, "%zu of %zu texts cut: the model reads %zu tokens", embed->n_cut,
               embed->n_texts, embed->model.n_tokens_max);
    buf_printf(&repaired, "%zu of %zu texts held bytes that are not UTF-8", embed->n_repaired,
               embed->n_texts);
    json_t *list = json_array();
    bool is_whole =
        list && !cut.failed && !repaired.failed &&
        (!embed->n_cut || json_array_append_new(list, json_text(buf_text(&cut))) == 0) &&
        (!embed->n_repaired || json_array_append_new(list, json_text(buf_text(&repaired))) == 0);
    buf_clear(&cut);
    buf_clear(&repaired);
    if (is_whole)
        return list;
    json_decref(list);
    return NULL;
}

/* ---- rows of output ---- */

static void put_nothing(struct embed *embed)
{
    (void)embed;
}

static void put_json_value(struct embed *embed, json_t *value)
{
    if (value)
        json_write(value, JSON_STYLE_COMPACT, &embed->row);
    else
        embed->row.failed = STATUS_NOMEM;
    json_decref(value);
}

static void begin_json(struct embed *embed)
{
    buf_append_text(&embed->row, "{\"schema_version\":1,\"fingerprint\":");
    put_json_value(embed, json_text(embed->model.fingerprint));
    buf_printf(&embed->row, ",\"dim\":%zu,\"results\":[", embed->model.dim);
}

/* Warnings are known when all texts are, so they come last here. */
static void end_json(struct embed *embed)
{
    buf_printf(&embed->row, "\n],\"texts\":%zu,\"tokens\":%zu,\"warnings\":", embed->n_texts,
               embed->n_tokens);
    put_json_value(embed, warnings_of(embed));
    buf_append_text(&embed->row, "}\n");
}

static void begin_csv(struct embed *embed)
{
    buf_append_text(&embed->row, "index,tokens,truncated");
    for (size_t i = 0; i < embed->model.dim; i++)
        buf_printf(&embed->row, ",e%zu", i);
    buf_append_char(&embed->row, '\n');
}

static void print_object(struct embed *embed, const struct engine_vector *vector)
{
    buf_printf(&embed->row,
               "{\"index\":%zu,\"tokens\":%zu,\"truncated\":%s,\"embedding\":", vector->index,
               vector->n_tokens, vector->is_cut ? "true" : "false");
    buf_append_text(&embed->row, vector->values ? "[" : "null");
    if (vector->values)
        vector_text_append(&embed->row, vector->values, embed->model.dim);
    buf_append_text(&embed->row, vector->values ? "]}" : "}");
}

static void print_json(struct embed *embed, const struct engine_vector *vector)
{
    buf_append_text(&embed->row, vector->index ? ",\n" : "\n");
    print_object(embed, vector);
}

static void print_jsonl(struct embed *embed, const struct engine_vector *vector)
{
    print_object(embed, vector);
    buf_append_char(&embed->row, '\n');
}

static void print_csv(struct embed *embed, const struct engine_vector *vector)
{
    buf_printf(&embed->row, "%zu,%zu,%s,", vector->index, vector->n_tokens,
               vector->is_cut ? "true" : "false");
    if (vector->values)
        vector_text_append(&embed->row, vector->values, embed->model.dim);
    for (size_t i = 1; !vector->values && i < embed->model.dim; i++)
        buf_append_char(&embed->row, ',');
    buf_append_char(&embed->row, '\n');
}

static void print_f32(struct embed *embed, const struct engine_vector *vector)
{
    const float *values = vector->values ? vector->values : embed->zeros;
    for (size_t i = 0; i < embed->model.dim; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        bits = htole32(bits);
        buf_append(&embed->row, &bits, sizeof bits);
    }
}

static const struct row_format {
    void (*begin)(struct embed *embed);
    void (*print)(struct embed *embed, const struct engine_vector *vector);
    void (*end)(struct embed *embed);
} row_formats[FORMAT_COUNT] = {
    [FORMAT_JSON] = {begin_json, print_json, end_json},
    [FORMAT_JSONL] = {put_nothing, print_jsonl, put_nothing},
    [FORMAT_CSV] = {begin_csv, print_csv, put_nothing},
    [FORMAT_F32] = {put_nothing, print_f32, put_nothing},
};

/* Embedding goes on only while somebody takes the rows; output_finish() tells what happened. */
static enum status write_row(struct embed *embed, struct error *err)
{
    struct output *out = &embed->app->out;
    if (output_accepts(out, &embed->row))
        output_bytes(out, buf_text(&embed->row), embed->row.len);
    buf_reset(&embed->row);
    return out->failed ? error_set(err, STATUS_CANCELLED, "nobody takes the vectors") : STATUS_OK;
}

static enum status on_vector(void *ctx, const struct engine_vector *vector, struct error *err)
{
    struct embed *embed = ctx;
    embed->n_texts++;
    embed->n_tokens += vector->n_tokens;
    embed->n_empty += !vector->values;
    embed->n_cut += vector->is_cut;
    embed->n_repaired += vector->is_repaired;
    row_formats[embed->app->format].print(embed, vector);
    progress_on_texts(&embed->progress, &(struct progress_texts){
                                            .n_texts = embed->n_texts,
                                            .n_tokens = embed->n_tokens,
                                            .n_bytes_done = embed->lines.n_bytes_read,
                                            .n_bytes_total = embed->lines.n_bytes_total,
                                            .elapsed_ms = clock_monotonic_ms() - embed->start_ms,
                                        });
    return write_row(embed, err);
}

/* ---- the command ---- */

static void warn_about(struct embed *embed)
{
    size_t i;
    json_t *list = warnings_of(embed), *text;
    json_array_foreach(list, i, text)
    {
        session_warn(embed->app, json_string_value(text));
    }
    json_decref(list);
}

static void tell_rates(struct embed *embed)
{
    double seconds = (double)(clock_monotonic_ms() - embed->start_ms) / 1000;
    double per_second = seconds > 0 ? 1 / seconds : 0;
    if (embed->app->is_verbose)
        output_printf(&embed->app->notes,
                      "%zu texts (%zu empty), %zu tokens in %.2f s: %.0f texts/s, %.0f tokens/s; "
                      "%s, %u threads%s%s\n",
                      embed->n_texts, embed->n_empty, embed->n_tokens, seconds,
                      (double)embed->n_texts * per_second, (double)embed->n_tokens * per_second,
                      embed->model.fingerprint, embed->model.n_threads,
                      *embed->model.kernel ? ", kernel " : "", embed->model.kernel);
}

static enum status check_usage(struct app *app, struct error *err)
{
    if (arguments_has(&app->arguments, "query") && arguments_has(&app->arguments, "passage"))
        return error_set(err, STATUS_INVALID, "a text is a query or a passage, not both");
    if (app->format == FORMAT_F32 && app->out.is_tty) {
        error_set(err, STATUS_INVALID, "a terminal can not show f32 rows");
        error_hint(err, "send them to a file or a program: > vectors.f32");
        return STATUS_INVALID;
    }
    return STATUS_OK;
}

static enum status embed_lines(struct embed *embed, const struct engine_embedder *embedder,
                               struct error *err)
{
    struct app *app = embed->app;
    bool is_query = arguments_has(&app->arguments, "query");
    struct engine_embed_options options = {
        .kind = is_query ? ENGINE_TEXT_QUERY : ENGINE_TEXT_PASSAGE,
        .next = next_line,
        .each = on_vector,
        .ctx = embed,
        .cancel = app->cancel,
    };
    embed->model = engine_embedder_info(embedder);
    embed->zeros = mem_zalloc(embed->model.dim, sizeof(float));
    if (!embed->zeros)
        return error_nomem(err);
    row_formats[app->format].begin(embed);
    enum status status = write_row(embed, err);
    if (!status)
        status = engine_embed(embedder, &options, err);
    if (!status) {
        row_formats[app->format].end(embed);
        status = write_row(embed, err);
    }
    progress_end(&embed->progress);
    warn_about(embed);
    tell_rates(embed);
    return app->out.failed ? STATUS_OK : status;
}

static enum status run(struct app *app, struct error *err)
{
    struct engine_options options = config_options_without_library(&app->config);
    struct engine_embedder *embedder = NULL;
    struct embed embed = {.app = app, .start_ms = clock_monotonic_ms()};
    const char *path = app->arguments.n_words ? app->arguments.words[0] : "-";
    progress_init(&embed.progress, app);
    enum status status = check_usage(app, err);
    if (!status)
        status = lines_open(path, &embed.lines, err);
    options.traceparent = session_traceparent(app);
    options.is_bulk = embed.lines.n_bytes_total >= BULK_BYTES;
    if (!status)
        status = engine_embedder_open(&options, &embedder, err);
    if (!status)
        status = embed_lines(&embed, embedder, err);
    engine_embedder_close(embedder);
    lines_close(&embed.lines);
    buf_clear(&embed.row);
    mem_free(embed.zeros);
    return status;
}

static const struct option options[] = {
    {.name = "passage", .help = "the texts are passages to be found (the usual way)"},
    {.name = "query", .help = "the texts are questions; some models treat them differently"},
    {.name = "model",
     .letters = "m",
     .arg = "NAME",
     .config_key = "embedding_model",
     .help = "model of the embedding backend"},
    {.name = "threads", .letters = "j", .arg = "N", .config_key = "threads", .help = "threads"},
    {.name = "progress",
     .arg = "MODE",
     .rule = {.type = VALUE_CHOICE, .choices = progress_modes},
     .help = "a bar on a terminal, JSON lines, or nothing"},
    OPTION_END,
};

const struct command cmd_embed = {
    .name = "embed",
    .summary = "Turn lines of text into vectors, without a library",
    .usage = "[OPTIONS] [FILE | -]",
    .details =
        "One text a line, one vector a text, in the same order, as they come: it may be the far\n"
        "end of a pipe that stays open. A line without a token gives null (f32: zeros) and keeps\n"
        "its place. What the model can not read is cut, and counted on stderr. f32: rows of raw\n"
        "little-endian floats.",
    .examples = "  ragged embed --format f32 titles.txt > titles.f32\n"
                "  echo \"does vitamin D lower flu risk?\" | ragged embed --query",
    .words = "at most one file",
    .n_words_min = 0,
    .n_words_max = 1,
    .formats = FORMAT_BIT(FORMAT_JSONL) | FORMAT_BIT(FORMAT_JSON) | FORMAT_BIT(FORMAT_CSV) |
               FORMAT_BIT(FORMAT_F32),
    .uses_config = true,
    .options = options,
    .run = run,
};
