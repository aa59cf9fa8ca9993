/* Reading the audit trail: lists, the whole of it, and whether it is what was written. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "store/statement.h"

#define COUNTS(of)                                                                 \
    of "documents_added), " of "documents_updated), " of "documents_removed), " of \
       "documents_failed), " of "passages_added), " of "passages_removed), " of "vectors_added)"
#define WANTED "time_ms >= ?1 AND (?2 = '' OR collection IN (?2, '*'))"

static const char each_row[] =
    "SELECT sequence, time_ms, run, command, uid, user, collection, keys, " COUNTS(
        "(") ", "
             "generation_before, generation_after, state_before, state_after, file_before, "
             "file_after, "
             "previous, link, sequence, time_ms, 1 FROM audit WHERE " WANTED
             " ORDER BY sequence DESC LIMIT ?3";

/* A trail of a million commits is a few hundred megabytes to read for that, once in a while. */
static const char each_run[] =
    "SELECT z.sequence, z.time_ms, z.run, z.command, z.uid, z.user, g.collection, z.keys, " COUNTS(
        "(g.") ", a.generation_before, z.generation_after, a.state_before, z.state_after, "
               "a.file_before, z.file_after, a.previous, z.link, a.sequence, a.time_ms, g.n FROM ("
               "SELECT min(sequence) AS i_first, max(sequence) AS i_last, count(*) AS n, "
               "CASE WHEN count(DISTINCT nullif(collection, '')) > 1 THEN '*' ELSE max(collection) "
               "END "
               "AS collection, "
               "sum(documents_added) AS documents_added, sum(documents_updated) AS "
               "documents_updated, "
               "sum(documents_removed) AS documents_removed, sum(documents_failed) AS "
               "documents_failed, "
               "sum(passages_added) AS passages_added, sum(passages_removed) AS passages_removed, "
               "sum(vectors_added) AS vectors_added FROM audit WHERE " WANTED
               " GROUP BY run, command, uid, user ORDER BY i_last DESC LIMIT ?3) g "
               "JOIN audit a ON a.sequence = g.i_first JOIN audit z ON z.sequence = g.i_last "
               "ORDER BY z.sequence DESC";

static const char whole_trail[] =
    "SELECT sequence, time_ms, run, command, uid, user, collection, keys, " COUNTS(
        "(") ", "
             "generation_before, generation_after, state_before, state_after, file_before, "
             "file_after, "
             "previous, link FROM audit ORDER BY sequence";

enum status audit_take_document(struct statement *st, struct audit_document *out, struct error *err)
{
    out->id = statement_take_int(st);
    out->path = statement_take_text(st);
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

/* A row as it is, or false: what is there was never written by us. */
static bool take_row(struct statement *st, struct audit_row *out)
{
    bool is_whole = true;
    *out = (struct audit_row){0};
    for (size_t i = 0; i < AUDIT_FIELD_COUNT; i++) {
        const struct audit_field *field = &audit_fields[i];
        char *at = (char *)out + field->offset;
        if (field->kind == AUDIT_KIND_NUMBER) {
            int64_t number = statement_take_int(st);
            memcpy(at, &number, sizeof number);
            continue;
        }
        size_t len;
        const char *bytes = statement_take_blob(st, &len);
        bool fits = field->kind == AUDIT_KIND_HASH
                        ? len == HASH_SHA256_BYTES
                        : len < field->size &&
                              (len == 0 || (!memchr(bytes, 0, len) && utf8_is_valid(bytes, len)));
        is_whole = is_whole && fits;
        if (fits && len > 0 && bytes)
            memcpy(at, bytes, len);
    }
    return is_whole;
}

static enum status unreadable(struct store *store, int64_t sequence, struct error *err)
{
    error_set(err, STATUS_DAMAGED, "row %" PRId64 " of the audit trail of \"%s\" is damaged",
              sequence, store->path);
    error_hint(err, "`ragged audit verify` tells how far the trail can be trusted");
    return STATUS_DAMAGED;
}

enum status store_audit_list(struct store *store, const struct audit_filter *filter,
                             enum status (*each)(void *ctx, const struct audit_run *run,
                                                 struct error *err),
                             void *ctx, struct error *err)
{
    struct statement st = {0};
    char collection[AUDIT_NAME_BYTES] = "";
    if (filter->collection)
        audit_name(filter->collection, collection);
    enum status status =
        statement_prepare(store, filter->is_every_row ? each_row : each_run, &st, err);
    if (status)
        return status;
    statement_bind_int(&st, filter->since_ms);
    statement_bind_text(&st, collection);
    statement_bind_limit(&st, filter->n_max);
    while (statement_next(&st, &status, err)) {
        struct audit_run run;
        bool is_whole = take_row(&st, &run.row);
        run.first_sequence = statement_take_int(&st);
        run.first_ms = statement_take_int(&st);
        run.n_rows = statement_take_int(&st);
        status = statement_status(&st, err);
        if (!status && !is_whole)
            status = unreadable(store, run.row.sequence, err);
        if (!status)
            status = each(ctx, &run, err);
    }
    statement_release(&st);
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
        bool is_whole = take_row(&st, &row);
        status = statement_status(&st, err);
        if (!status && !is_whole)
            status = unreadable(store, row.sequence, err);
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

/* verdict->last is the row before, zeroed before the first. */
static void check_row(struct audit_verdict *verdict, const struct audit_row *row)
{
    const struct audit_row *before = &verdict->last;
    unsigned char link[HASH_SHA256_BYTES];
    audit_row_link(row, link);
    if (!is_same(link, row->link))
        note_break(verdict, row->sequence, "its link does not belong to what it says");
    if (row->sequence != before->sequence + 1)
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
    if (row->generation_after < row->generation_before ||
        row->generation_after - row->generation_before > 1 ||
        (is_first && row->generation_after != row->generation_before))
        note_break(verdict, row->sequence,
                   "no change leads from generation %" PRId64 " to %" PRId64,
                   row->generation_before, row->generation_after);
}

static enum status check_rows(struct store *store, const char *link, struct audit_verdict *verdict,
                              struct error *err)
{
    struct statement st = {0};
    enum status status = statement_prepare(store, whole_trail, &st, err);
    while (statement_next(&st, &status, err)) {
        struct audit_row row;
        char hex[HASH_SHA256_HEX];
        bool is_whole = take_row(&st, &row);
        status = statement_status(&st, err);
        if (status)
            break;
        if (!is_whole)
            note_break(verdict, row.sequence, "it can't be read");
        else if (!verdict->is_broken)
            check_row(verdict, &row);
        hash_hex(row.link, sizeof row.link, hex);
        verdict->has_link |= link && !verdict->is_broken && strcmp(hex, link) == 0;
        verdict->last = row;
        verdict->n_rows++;
    }
    statement_release(&st);
    return status;
}

/* The newest row is about the library as it is. */
static enum status check_end(struct store *store, struct audit_verdict *verdict, struct error *err)
{
    unsigned char state[HASH_SHA256_BYTES];
    int64_t generation = store->library.generation;
    if (verdict->n_rows == 0)
        note_break(verdict, 0, "it has no row, and the library is at generation %" PRId64,
                   generation);
    if (verdict->last.generation_after != generation)
        note_break(verdict, 0,
                   "the library is at generation %" PRId64 ", the newest row at %" PRId64,
                   generation, verdict->last.generation_after);
    enum status status = audit_sum_documents(store, state, err);
    if (!status && !is_same(state, verdict->last.state_after))
        note_break(verdict, 0, "the documents are not those that the newest row ends with");
    return status;
}

enum status store_audit_verify(struct store *store, const char *link, struct audit_verdict *out,
                               struct error *err)
{
    struct audit_verdict verdict = {0};
    bool is_own = !store->is_reading;
    enum status status = is_own ? store_read_begin(store, err) : STATUS_OK;
    if (status)
        return status;
    status = check_rows(store, link, &verdict, err);
    if (!status)
        status = check_end(store, &verdict, err);
    if (is_own)
        store_read_end(store);
    if (!status)
        *out = verdict;
    return status;
}
