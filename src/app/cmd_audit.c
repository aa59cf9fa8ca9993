#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "app/records.h"
#include "app/session.h"
#include "base/clock.h"
#include "base/draft.h"
#include "library/library.h"

#define USUAL_ROWS 20

/* ---- list ---- */

static const struct audit_run *run_of(const void *record)
{
    return record;
}

static json_t *time_json(int64_t wall_ms)
{
    char time[32];
    clock_format_utc(wall_ms, time);
    return json_text(time);
}

static json_t *hash_json(const unsigned char hash[HASH_SHA256_BYTES])
{
    char hex[HASH_SHA256_HEX];
    hash_hex(hash, HASH_SHA256_BYTES, hex);
    return json_text(hex);
}

static json_t *get_sequence(const void *record)
{
    return json_integer(run_of(record)->row.sequence);
}

static json_t *get_time(const void *record)
{
    return time_json(run_of(record)->row.time_ms);
}

static json_t *get_first_sequence(const void *record)
{
    return json_integer(run_of(record)->first_sequence);
}

static json_t *get_first_time(const void *record)
{
    return time_json(run_of(record)->first_ms);
}

static json_t *get_rows(const void *record)
{
    return json_integer(run_of(record)->n_rows);
}

static json_t *get_run(const void *record)
{
    return json_integer(run_of(record)->row.run);
}

static json_t *get_uid(const void *record)
{
    return json_integer(run_of(record)->row.uid);
}

static json_t *get_documents_added(const void *record)
{
    return json_integer(run_of(record)->row.documents_added);
}

static json_t *get_documents_updated(const void *record)
{
    return json_integer(run_of(record)->row.documents_updated);
}

static json_t *get_documents_removed(const void *record)
{
    return json_integer(run_of(record)->row.documents_removed);
}

static json_t *get_documents_failed(const void *record)
{
    return json_integer(run_of(record)->row.documents_failed);
}

static json_t *get_passages_added(const void *record)
{
    return json_integer(run_of(record)->row.passages_added);
}

static json_t *get_passages_removed(const void *record)
{
    return json_integer(run_of(record)->row.passages_removed);
}

static json_t *get_vectors_added(const void *record)
{
    return json_integer(run_of(record)->row.vectors_added);
}

static json_t *get_generation_before(const void *record)
{
    return json_integer(run_of(record)->row.generation_before);
}

static json_t *get_generation_after(const void *record)
{
    return json_integer(run_of(record)->row.generation_after);
}

static json_t *get_command(const void *record)
{
    return json_text(run_of(record)->row.command);
}

static json_t *get_user(const void *record)
{
    return json_text(run_of(record)->row.user);
}

static json_t *get_collection(const void *record)
{
    return json_text(run_of(record)->row.collection);
}

static json_t *get_keys(const void *record)
{
    return json_text(run_of(record)->row.keys);
}

static json_t *get_file_before(const void *record)
{
    return json_text(run_of(record)->row.file_before);
}

static json_t *get_file_after(const void *record)
{
    return json_text(run_of(record)->row.file_after);
}

static json_t *get_state_before(const void *record)
{
    return hash_json(run_of(record)->row.state_before);
}

static json_t *get_state_after(const void *record)
{
    return hash_json(run_of(record)->row.state_after);
}

static json_t *get_previous(const void *record)
{
    return hash_json(run_of(record)->row.previous);
}

static json_t *get_link(const void *record)
{
    return hash_json(run_of(record)->row.link);
}

static const struct column columns[] = {
    {.name = "sequence", .get = get_sequence},
    {.name = "time", .get = get_time},
    {.name = "command", .get = get_command},
    {.name = "user", .get = get_user},
    {.name = "collection", .get = get_collection},
    {.name = "documents_added", .get = get_documents_added},
    {.name = "documents_updated", .get = get_documents_updated},
    {.name = "documents_removed", .get = get_documents_removed},
    {.name = "documents_failed", .get = get_documents_failed},
    {.name = "passages_added", .get = get_passages_added},
    {.name = "passages_removed", .get = get_passages_removed},
    {.name = "generation_after", .get = get_generation_after},
    {.name = "keys", .get = get_keys, .is_detail = true},
    {.name = "uid", .get = get_uid, .is_detail = true},
    {.name = "run", .get = get_run, .is_detail = true},
    {.name = "rows", .get = get_rows, .is_detail = true},
    {.name = "first_sequence", .get = get_first_sequence, .is_detail = true},
    {.name = "first_time", .get = get_first_time, .is_detail = true},
    {.name = "vectors_added", .get = get_vectors_added, .is_detail = true},
    {.name = "generation_before", .get = get_generation_before, .is_detail = true},
    {.name = "state_before", .get = get_state_before, .is_detail = true},
    {.name = "state_after", .get = get_state_after, .is_detail = true},
    {.name = "file_before", .get = get_file_before, .is_detail = true},
    {.name = "file_after", .get = get_file_after, .is_detail = true},
    {.name = "previous", .get = get_previous, .is_detail = true},
    {.name = "link", .get = get_link, .is_detail = true},
    {.name = NULL},
};

static void print_count(struct output *out, const char *what, const int64_t *counts,
                        const char *marks)
{
    bool has_any = false;
    for (size_t i = 0; marks[i]; i++) {
        if (counts[i] == 0)
            continue;
        output_printf(out, "%s%s%c%" PRId64, has_any ? "" : "  ", has_any ? " " : "", marks[i],
                      counts[i]);
        has_any = true;
    }
    if (has_any)
        output_printf(out, " %s", what);
}

static void print_run(struct output *out, const void *record, size_t number)
{
    const struct audit_run *run = record;
    const struct audit_row *row = &run->row;
    const int64_t documents[] = {row->documents_added, row->documents_updated,
                                 row->documents_removed, row->documents_failed};
    const int64_t passages[] = {row->passages_added, row->passages_removed};
    char time[32];
    (void)number;
    clock_format_utc(row->time_ms, time);
    output_printf(out, "%8" PRId64 "  %s  %-13s  %s", row->sequence, time, row->command,
                  row->user[0] ? row->user : "?");
    print_count(out, "documents", documents, "+~-!");
    print_count(out, "passages", passages, "+-");
    print_count(out, "vectors", &row->vectors_added, "+");
    if (row->collection[0]) {
        output_puts(out, "  in ");
        output_name(out, row->collection);
    }
    if (row->keys[0])
        output_printf(out, "  settings %s", row->keys);
    else if (run->n_rows == 1 && row->generation_after == row->generation_before)
        output_puts(out, "  begins the trail");
    else if (!row->collection[0] && row->vectors_added == 0)
        output_puts(out, "  no document");
    output_puts(out, "\n");
}

static void add_run(void *ctx, const struct audit_run *run)
{
    records_add(ctx, run);
}

static enum status list(struct app *app, struct engine *engine, struct error *err)
{
    const struct arguments *arguments = &app->arguments;
    const struct engine_audit_options options = {
        .since = arguments_text(arguments, "since", NULL),
        .collection = arguments_text(arguments, "collection", NULL),
        .n = (size_t)arguments_number(arguments, "limit", USUAL_ROWS),
        .is_every_row = arguments_has(arguments, "all"),
    };
    struct records records = {
        .out = &app->out, .format = app->format, .columns = columns, .print = print_run};
    enum status status = engine_audit_list(engine, &options, add_run, &records, err);
    if (!status)
        status = records_write(&records, format_object_new(), "entries", err);
    records_clear(&records);
    return status;
}

static enum status run_list(struct app *app, struct error *err)
{
    return session_run(app, list, err);
}

/* ---- verify ---- */

/* *out_link NULL: none was given. */
static enum status read_link(const struct app *app, char hex[HASH_SHA256_HEX],
                             const char **out_link, struct error *err)
{
    const char *given = arguments_text(&app->arguments, "link", NULL);
    *out_link = NULL;
    if (!given)
        return STATUS_OK;
    if (strlen(given) != HASH_SHA256_HEX - 1 ||
        strspn(given, "0123456789abcdefABCDEF") != HASH_SHA256_HEX - 1) {
        error_set(err, STATUS_INVALID, "\"%s\" is no link: 64 hexadecimal digits", given);
        error_hint(err, "`ragged audit verify` prints the link of the newest row");
        return STATUS_INVALID;
    }
    for (size_t i = 0; i < HASH_SHA256_HEX; i++)
        hex[i] = (char)tolower((unsigned char)given[i]);
    *out_link = hex;
    return STATUS_OK;
}

static void print_verdict(struct output *out, const struct audit_verdict *verdict)
{
    char link[HASH_SHA256_HEX];
    hash_hex(verdict->last.link, sizeof verdict->last.link, link);
    if (!verdict->is_broken)
        output_printf(out, "sound: %" PRId64 " rows, link of the newest: %s\n", verdict->n_rows,
                      link);
    else if (verdict->broken_sequence)
        output_printf(out, "broken at row %" PRId64 ": %s\n", verdict->broken_sequence,
                      verdict->why);
    else
        output_printf(out, "broken: %s\n", verdict->why);
}

static json_t *verdict_json(const struct audit_verdict *verdict)
{
    const struct audit_row *last = &verdict->last;
    json_t *object = format_object_new();
    bool is_whole =
        object && json_put(object, "sound", json_boolean(!verdict->is_broken)) &&
        json_put(object, "rows", json_integer(verdict->n_rows)) &&
        json_put(object, "problem", verdict->is_broken ? json_text(verdict->why) : json_null()) &&
        json_put(object, "broken_row",
                 verdict->broken_sequence ? json_integer(verdict->broken_sequence) : json_null()) &&
        json_put(object, "sequence", json_integer(last->sequence)) &&
        json_put(object, "generation", json_integer(last->generation_after)) &&
        json_put(object, "state", hash_json(last->state_after)) &&
        json_put(object, "link", hash_json(last->link));
    if (is_whole)
        return object;
    json_decref(object);
    return NULL;
}

static enum status verify(struct app *app, struct engine *engine, struct error *err)
{
    struct audit_verdict verdict = {0};
    char hex[HASH_SHA256_HEX];
    const char *link;
    enum status status = read_link(app, hex, &link, err);
    if (!status)
        status = engine_audit_verify(engine, AUDIT_EXTENT_WHOLE, link, &verdict, err);
    if (status)
        return status;
    if (link && !verdict.is_broken && !verdict.has_link) {
        verdict.is_broken = true;
        snprintf(verdict.why, sizeof verdict.why,
                 "no row has the given link: it was cut or written anew, or is of another library");
    }
    if (verdict.is_broken)
        app->exit_code = EXIT_CODE_PROBLEMS;
    if (app->format != FORMAT_TEXT)
        return format_object(&app->out, app->format, verdict_json(&verdict), err);
    print_verdict(&app->out, &verdict);
    return STATUS_OK;
}

static enum status run_verify(struct app *app, struct error *err)
{
    return session_run(app, verify, err);
}

/* ---- export ---- */

struct export
{
    struct output *out; /* NULL: into the draft */
    struct draft draft;
    struct buf line;
};

static json_t *field_json(const struct audit_row *row, const struct audit_field *field)
{
    const char *at = (const char *)row + field->offset;
    int64_t number;
    switch (field->kind) {
    case AUDIT_KIND_NUMBER:
        memcpy(&number, at, sizeof number);
        return json_integer(number);
    case AUDIT_KIND_TEXT:
        return json_text(at);
    case AUDIT_KIND_HASH:
        return hash_json((const unsigned char *)at);
    }
    return NULL;
}

static enum status export_row(void *ctx, const struct audit_row *row, struct error *err)
{
    struct export *export = ctx;
    json_t *object = json_object();
    bool is_whole = object != NULL;
    for (size_t i = 0; is_whole && i < AUDIT_FIELD_COUNT; i++)
        is_whole = json_put(object, audit_fields[i].name, field_json(row, &audit_fields[i]));
    buf_reset(&export->line);
    if (is_whole)
        json_write(object, JSON_STYLE_COMPACT, &export->line);
    json_decref(object);
    if (!is_whole)
        return error_nomem(err);
    buf_append_char(&export->line, '\n');
    enum status status = buf_status(&export->line, err);
    if (status)
        return status;
    if (!export->out)
        return draft_append(&export->draft, buf_text(&export->line), export->line.len, err);
    output_json(export->out, buf_text(&export->line), export->line.len);
    return STATUS_OK;
}

static enum status export_all(struct app *app, struct engine *engine, struct error *err)
{
    const struct arguments *arguments = &app->arguments;
    const char *path = arguments->n_words > 1 ? arguments->words[1] : "-";
    bool is_file = strcmp(path, "-") != 0;
    struct export export = {.out = is_file ? NULL : &app->out};
    struct file_info info;
    enum status status = is_file ? draft_open(&export.draft, path, 0600, err) : STATUS_OK;
    if (!status)
        status = engine_audit_each(engine, export_row, &export, err);
    if (!status && is_file)
        status = draft_publish(&export.draft, &info, err);
    draft_discard(&export.draft);
    buf_clear(&export.line);
    return status;
}

static enum status run_export(struct app *app, struct error *err)
{
    return session_run(app, export_all, err);
}

/* ---- the command ---- */

static const struct command_verb verbs[] = {
    {"list", "", "what was changed, when and by whom; newest first", 0, 0, run_list},
    {"verify", "", "follow the chain of all rows, and compare its end with the library", 0, 0,
     run_verify},
    {"export", "[FILE | -]", "every row as a line of JSON, oldest first", 0, 1, run_export},
    {.name = NULL},
};

static const struct option options[] = {
    {.name = "limit",
     .letters = "n",
     .arg = "N",
     .rule = {.type = VALUE_COUNT, .min = 1, .max = 1e9},
     .help = "list: so many of the newest entries, 20 when not given"},
    {.name = "since",
     .arg = "DATE",
     .rule = {.type = VALUE_TEXT},
     .help = "list: only what was done at this date or later"},
    {.name = "collection",
     .letters = "c",
     .arg = "NAME",
     .rule = {.type = VALUE_TEXT},
     .help = "list: only what was done to documents of this collection"},
    {.name = "all",
     .letters = "a",
     .help = "list: every commit; else what one run did is one entry"},
    {.name = "link",
     .arg = "HEX",
     .rule = {.type = VALUE_TEXT},
     .help = "verify: a row with this link, noted earlier, has to be there"},
    OPTION_END,
};

const struct command cmd_audit = {
    .name = "audit",
    .summary = "Show and verify who changed the library and its settings",
    .usage = "list | verify | export [FILE | -]",
    .details =
        "Every commit leaves a row: time, command, user, counts, and a hash of the state before\n"
        "and after. Each row has the hash of the one before in its own, so none can be changed or\n"
        "taken out unseen; verify ends with 5 when that has happened. Whoever can write the\n"
        "library could write the whole trail anew: note the link that verify prints elsewhere,\n"
        "and give it back with --link. There is nothing of a document in the trail, not its path.",
    .examples = "  ragged audit list --since 2026-11 --json\n"
                "  ragged audit verify --link 9f2c...\n"
                "  ragged audit export trail.jsonl",
    .words = "list, verify or export",
    .n_words_min = 1,
    .n_words_max = 2,
    .formats = FORMATS_OBJECT,
    .uses_config = true,
    .options = options,
    .verbs = verbs,
    .run = command_run_verb,
};
