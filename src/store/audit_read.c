/* Reading the audit trail: lists, the whole of it, and whether it is what was written. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "store/statement.h"

static const char whole_trail[] = "SELECT sequence, run, row FROM audit ORDER BY sequence";
static const char end_of_trail[] =
    "SELECT sequence, run, row FROM (SELECT sequence, run, row FROM audit"
    " ORDER BY sequence DESC LIMIT ?1) ORDER BY sequence";
static const char newest_first[] = "SELECT sequence, run, row FROM audit ORDER BY sequence DESC";
/* Other runs may have written between the first and the last row of one. */
static const char each_run[] =
    "SELECT run, min(sequence), max(sequence) FROM audit GROUP BY run ORDER BY 3 DESC";
static const char rows_of_run[] = "SELECT sequence, run, row FROM audit "
                                  "WHERE sequence BETWEEN ?2 AND ?3 AND run = ?1 ORDER BY sequence";

enum status audit_take_document(struct statement *st, struct audit_document *out, struct error *err)
{
    out->id = statement_take_int(st);
    out->path = statement_take_blob(st, &out->path_len);
    out->collection = statement_take_text(st);
    out->hash = statement_take_text(st);
    out->state = statement_take_int(st);
    out->n_passages = statement_take_int(st);
    return statement_status(st, err);
}

enum status audit_sum_documents(struct store *store, unsigned char out[HASH_SHA256_BYTES],
                                struct error *err)
{
    struct statement st = {0};
    unsigned char sum[HASH_SHA256_BYTES] = {0}, term[HASH_SHA256_BYTES];
    enum status status = statement_prepare(
        store, "SELECT id, path, collection, hash, state, n_chunks FROM documents", &st, err);
    while (statement_next(&st, &status, err)) {
        struct audit_document document;
        status = audit_take_document(&st, &document, err);
        if (status)
            break;
        audit_document_hash(&document, term);
        audit_state_add(sum, term);
    }
    statement_release(&st);
    if (!status)
        memcpy(out, sum, sizeof sum);
    return status;
}

bool audit_take_row(struct statement *st, struct audit_row *out)
{
    *out = (struct audit_row){.sequence = statement_take_int(st)};
    out->run = statement_take_int(st);
    size_t len;
    const void *bytes = statement_take_blob(st, &len);
    return audit_row_unpack(bytes, len, out);
}

static enum status unreadable(struct store *store, int64_t sequence, struct error *err)
{
    error_set(err, STATUS_DAMAGED, "row %" PRId64 " of the audit trail of \"%s\" is damaged",
              sequence, store->path);
    error_hint(err, "`ragged audit verify` tells how far the trail can be trusted");
    return STATUS_DAMAGED;
}

/* The row a statement is at. */
static enum status take_row(struct store *store, struct statement *st, struct audit_row *out,
                            struct error *err)
{
    bool is_whole = audit_take_row(st, out);
    enum status status = statement_status(st, err);
    return !status && !is_whole ? unreadable(store, out->sequence, err) : status;
}

struct lister {
    struct store *store;
    int64_t since_ms;
    char collection[AUDIT_NAME_BYTES]; /* "": all */
    size_t n_left;
    enum status (*each)(void *ctx, const struct audit_run *run, struct error *err);
    void *ctx;
};

static bool is_wanted(const struct lister *lister, const struct audit_row *row)
{
    return row->time_ms >= lister->since_ms &&
           (!lister->collection[0] || strcmp(row->collection, lister->collection) == 0 ||
            strcmp(row->collection, "*") == 0);
}

static enum status list_rows(struct lister *lister, struct error *err)
{
    struct statement st = {0};
    enum status status = statement_prepare(lister->store, newest_first, &st, err);
    while (lister->n_left > 0 && statement_next(&st, &status, err)) {
        struct audit_run run = {.n_rows = 1};
        status = take_row(lister->store, &st, &run.row, err);
        if (status || !is_wanted(lister, &run.row))
            continue;
        run.first_sequence = run.row.sequence;
        run.first_ms = run.row.time_ms;
        lister->n_left--;
        status = lister->each(lister->ctx, &run, err);
    }
    statement_release(&st);
    return status;
}

/* Numbers of a row are what they are: one that was tampered with is summed too, and wraps. */
static void add(int64_t *io_sum, int64_t number)
{
    *io_sum = (int64_t)((uint64_t)*io_sum + (uint64_t)number);
}

/* `row` is the next of the run. */
static void join(struct audit_run *run, const struct audit_row *row)
{
    struct audit_row sum = *row;
    const struct audit_row *before = &run->row;
    if (run->n_rows == 0) {
        *run = (struct audit_run){*row, row->sequence, row->time_ms, 1};
        return;
    }
    add(&sum.documents_added, before->documents_added);
    add(&sum.documents_updated, before->documents_updated);
    add(&sum.documents_removed, before->documents_removed);
    add(&sum.documents_failed, before->documents_failed);
    add(&sum.passages_added, before->passages_added);
    add(&sum.passages_removed, before->passages_removed);
    add(&sum.vectors_added, before->vectors_added);
    sum.generation_before = before->generation_before;
    memcpy(sum.state_before, before->state_before, sizeof sum.state_before);
    memcpy(sum.file_before, before->file_before, sizeof sum.file_before);
    memcpy(sum.previous, before->previous, sizeof sum.previous);
    if (!row->collection[0])
        memcpy(sum.collection, before->collection, sizeof sum.collection);
    else if (before->collection[0] && strcmp(row->collection, before->collection) != 0)
        snprintf(sum.collection, sizeof sum.collection, "*");
    run->row = sum;
    run->n_rows++;
}

static enum status join_run(struct lister *lister, const int64_t place[3], struct audit_run *out,
                            struct error *err)
{
    struct statement st = {0};
    enum status status = statement_prepare(lister->store, rows_of_run, &st, err);
    if (status)
        return status;
    for (size_t i = 0; i < 3; i++)
        statement_bind_int(&st, place[i]);
    while (statement_next(&st, &status, err)) {
        struct audit_row row;
        status = take_row(lister->store, &st, &row, err);
        if (!status && is_wanted(lister, &row))
            join(out, &row);
    }
    statement_release(&st);
    return status;
}

static enum status list_runs(struct lister *lister, struct error *err)
{
    struct statement st = {0};
    enum status status = statement_prepare(lister->store, each_run, &st, err);
    while (lister->n_left > 0 && statement_next(&st, &status, err)) {
        int64_t place[3];
        struct audit_run run = {0};
        for (size_t i = 0; i < 3; i++)
            place[i] = statement_take_int(&st);
        status = join_run(lister, place, &run, err);
        if (status || run.n_rows == 0)
            continue;
        lister->n_left--;
        status = lister->each(lister->ctx, &run, err);
    }
    statement_release(&st);
    return status;
}

enum status store_audit_list(struct store *store, const struct audit_filter *filter,
                             enum status (*each)(void *ctx, const struct audit_run *run,
                                                 struct error *err),
                             void *ctx, struct error *err)
{
    struct lister lister = {.store = store,
                            .since_ms = filter->since_ms,
                            .n_left = filter->n_max,
                            .each = each,
                            .ctx = ctx};
    if (filter->collection)
        audit_name(filter->collection, lister.collection);
    bool is_own = !store->is_reading;
    enum status status = is_own ? store_read_begin(store, err) : STATUS_OK;
    if (status)
        return status;
    status = filter->is_every_row ? list_rows(&lister, err) : list_runs(&lister, err);
    if (is_own)
        store_read_end(store);
    return status;
}

enum status store_audit_each(struct store *store,
                             enum status (*each)(void *ctx, const struct audit_row *row,
                                                 struct error *err),
                             void *ctx, struct error *err)
{
    struct statement st = {0};
    enum status status = statement_prepare(store, whole_trail, &st, err);
    while (statement_next(&st, &status, err)) {
        struct audit_row row;
        status = take_row(store, &st, &row, err);
        if (!status)
            status = each(ctx, &row, err);
    }
    statement_release(&st);
    return status;
}

/* ---- verifying ---- */

static void note_break(struct audit_verdict *verdict, int64_t sequence, const char *format, ...)
    PRINTF_LIKE(3, 4);
static void note_break(struct audit_verdict *verdict, int64_t sequence, const char *format, ...)
{
    if (verdict->is_broken)
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(verdict->why, sizeof verdict->why, format, args);
    va_end(args);
    verdict->is_broken = true;
    verdict->broken_sequence = sequence;
}

static bool is_same(const unsigned char *a, const unsigned char *b)
{
    return memcmp(a, b, HASH_SHA256_BYTES) == 0;
}

static void check_link(struct audit_verdict *verdict, const struct audit_row *row)
{
    unsigned char link[HASH_SHA256_BYTES];
    audit_row_link(row, link);
    if (!is_same(link, row->link))
        note_break(verdict, row->sequence, "its link does not belong to what it says");
}

/* verdict->last is the row before, zeroed before the first. */
static void check_place(struct audit_verdict *verdict, const struct audit_row *row)
{
    const struct audit_row *before = &verdict->last;
    uint64_t n_steps = (uint64_t)row->generation_after - (uint64_t)row->generation_before;
    if ((uint64_t)row->sequence != (uint64_t)before->sequence + 1)
        note_break(verdict, row->sequence, "what is before it is row %" PRId64, before->sequence);
    if (!is_same(row->previous, before->link))
        note_break(verdict, row->sequence, "it follows another row than the one before it");
    bool is_first = before->sequence == 0;
    if (!is_first && row->generation_before != before->generation_after)
        note_break(verdict, row->sequence,
                   "it begins at generation %" PRId64 ", the row before ends at %" PRId64,
                   row->generation_before, before->generation_after);
    if (!is_first && !is_same(row->state_before, before->state_after))
        note_break(verdict, row->sequence,
                   "it begins in another state than the row before ends in");
    if (n_steps > 1 || (is_first && n_steps > 0))
        note_break(verdict, row->sequence,
                   "no change leads from generation %" PRId64 " to %" PRId64,
                   row->generation_before, row->generation_after);
}

/* Of an end of the trail the row before its first is not looked at. */
static enum status check_rows(struct store *store, enum audit_extent extent, const char *link,
                              struct audit_verdict *verdict, struct error *err)
{
    bool is_end = extent == AUDIT_EXTENT_END;
    struct statement st = {0};
    enum status status = statement_prepare(store, is_end ? end_of_trail : whole_trail, &st, err);
    if (!status && is_end)
        statement_bind_limit(&st, AUDIT_END_ROWS);
    while (statement_next(&st, &status, err)) {
        struct audit_row row;
        char hex[HASH_SHA256_HEX];
        bool is_whole = audit_take_row(&st, &row);
        status = statement_status(&st, err);
        if (status)
            break;
        if (!is_whole)
            note_break(verdict, row.sequence, "it can't be read");
        else if (!verdict->is_broken)
            check_link(verdict, &row);
        if (!verdict->is_broken && (!is_end || verdict->n_rows > 0))
            check_place(verdict, &row);
        hash_hex(row.link, sizeof row.link, hex);
        verdict->has_link |= link && !verdict->is_broken && strcmp(hex, link) == 0;
        verdict->last = row;
        verdict->n_rows++;
    }
    statement_release(&st);
    return status;
}

/* The newest row is about the library as it is. */
static void check_generation(struct store *store, struct audit_verdict *verdict)
{
    int64_t generation = store->library.generation;
    if (verdict->n_rows == 0)
        note_break(verdict, 0, "it has no row, and the library is at generation %" PRId64,
                   generation);
    if (verdict->last.generation_after != generation)
        note_break(verdict, 0,
                   "the library is at generation %" PRId64 ", the newest row at %" PRId64,
                   generation, verdict->last.generation_after);
}

static enum status check_documents(struct store *store, struct audit_verdict *verdict,
                                   struct error *err)
{
    unsigned char state[HASH_SHA256_BYTES];
    enum status status = audit_sum_documents(store, state, err);
    if (!status && !is_same(state, verdict->last.state_after))
        note_break(verdict, 0, "the documents are not those that the newest row ends with");
    return status;
}

enum status store_audit_verify(struct store *store, enum audit_extent extent, const char *link,
                               struct audit_verdict *out, struct error *err)
{
    struct audit_verdict verdict = {0};
    bool is_own = !store->is_reading;
    enum status status = is_own ? store_read_begin(store, err) : STATUS_OK;
    if (status)
        return status;
    status = check_rows(store, extent, link, &verdict, err);
    check_generation(store, &verdict);
    if (!status && extent == AUDIT_EXTENT_WHOLE)
        status = check_documents(store, &verdict, err);
    if (is_own)
        store_read_end(store);
    if (!status)
        *out = verdict;
    return status;
}
