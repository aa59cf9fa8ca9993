/* Writing the audit trail: see store_audit.h. Reading it: audit_read.c. */
#include "store/audit.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/user.h"
#include "store/statement.h"

int64_t store_new_run(void)
{
    const int64_t moment[] = {getpid(), clock_wall_ms(), clock_monotonic_us()};
    return (int64_t)(hash64_of(moment, sizeof moment) >> 16) | 1;
}

void store_set_author(struct store *store, const char *command, int64_t run)
{
    snprintf(store->author.command, sizeof store->author.command, "%s", command);
    store->author.run = run;
}

/* ---- the open transaction ---- */

static void note_collection(struct audit_row *row, const char *collection)
{
    char name[AUDIT_NAME_BYTES];
    audit_name(collection, name);
    const char *both = !row->collection[0] || strcmp(row->collection, name) == 0 ? name : "*";
    snprintf(row->collection, sizeof row->collection, "%s", both);
}

typedef void (*change_state)(unsigned char *state, const unsigned char *term);

static void note_document(struct store *store, const struct audit_document *document,
                          change_state change)
{
    unsigned char term[HASH_SHA256_BYTES];
    audit_document_hash(document, term);
    change(store->note.delta, term);
    note_collection(&store->note.row, document->collection);
}

/* The document a statement finds; *out_n_passages -1: there is none. */
static enum status note_row(struct store *store, struct statement *st, change_state change,
                            int64_t *out_n_passages, struct error *err)
{
    struct audit_document document = {.n_passages = -1};
    bool has_row = false;
    enum status status = statement_step(st, &has_row, err);
    if (!status && has_row)
        status = audit_take_document(st, &document, err);
    if (!status && has_row)
        note_document(store, &document, change);
    statement_release(st);
    if (!status)
        *out_n_passages = document.n_passages;
    return status;
}

static enum status note_id(struct store *store, int64_t document_id, change_state change,
                           int64_t *out_n_passages, struct error *err)
{
    struct statement st = {0};
    enum status status = statement_get(store, SQL_AUDIT_DOCUMENT, &st, err);
    if (status)
        return status;
    statement_bind_int(&st, document_id);
    return note_row(store, &st, change, out_n_passages, err);
}

enum status audit_leave(struct store *store, int64_t document_id, int64_t *out_n_passages,
                        struct error *err)
{
    return note_id(store, document_id, audit_state_subtract, out_n_passages, err);
}

enum status audit_leave_path(struct store *store, const char *path, int64_t *out_n_passages,
                             struct error *err)
{
    struct statement st = {0};
    enum status status = statement_get(store, SQL_AUDIT_DOCUMENT_AT, &st, err);
    if (status)
        return status;
    statement_bind_blob(&st, path, strlen(path));
    return note_row(store, &st, audit_state_subtract, out_n_passages, err);
}

enum status audit_enter(struct store *store, int64_t document_id, struct error *err)
{
    int64_t n_passages;
    return note_id(store, document_id, audit_state_add, &n_passages, err);
}

void audit_enter_put(struct store *store, int64_t id, const struct store_document *document,
                     size_t n_passages)
{
    const struct audit_document entering = {
        .id = id,
        .path = document->path,
        .path_len = strlen(document->path),
        .collection = document->collection ? document->collection : "",
        .hash = document->hash ? document->hash : "",
        .state = document->state,
        .n_passages = (int64_t)n_passages,
    };
    note_document(store, &entering, audit_state_add);
}

void audit_count_put(struct store *store, enum store_document_state state, int64_t n_before,
                     size_t n_passages)
{
    struct audit_row *row = &store->note.row;
    int64_t *count = state == STORE_DOCUMENT_FAILED ? &row->documents_failed
                     : n_before < 0                 ? &row->documents_added
                                                    : &row->documents_updated;
    ++*count;
    row->passages_added += (int64_t)n_passages;
    row->passages_removed += n_before > 0 ? n_before : 0;
}

enum status audit_leave_all(struct store *store, struct error *err)
{
    struct audit_note *note = &store->note;
    struct statement st = {0};
    enum status status = statement_get(store, SQL_AUDIT_DOCUMENTS, &st, err);
    while (statement_next(&st, &status, err)) {
        note->row.documents_removed++;
        note_collection(&note->row, statement_take_text(&st));
        note->row.passages_removed += statement_take_int(&st);
        status = statement_status(&st, err);
    }
    statement_release(&st);
    memset(note->delta, 0, sizeof note->delta);
    note->is_all_gone = true;
    return status;
}

/* ---- the row ---- */

static enum status insert(struct store *store, const struct audit_row *row, struct error *err)
{
    struct statement st = {0};
    unsigned char packed[AUDIT_PACKED_BYTES];
    enum status status = statement_get(store, SQL_AUDIT_ADD, &st, err);
    if (status)
        return status;
    statement_bind_int(&st, row->sequence);
    statement_bind_int(&st, row->run);
    statement_bind_blob(&st, packed, audit_row_pack(row, packed));
    return statement_run(&st, NULL, err);
}

/* What of the row before goes on in the next one. A trail that was tampered with does not keep
 * anybody from working: the next row follows what is there, and the break stays for all to see. */
static enum status follow_last(struct store *store, struct audit_row *row, struct error *err)
{
    struct statement st = {0};
    struct audit_row last = {0};
    bool has_row = false;
    enum status status = statement_get(store, SQL_AUDIT_LAST, &st, err);
    if (!status)
        status = statement_step(&st, &has_row, err);
    if (!status && has_row && audit_take_row(&st, &last)) {
        memcpy(row->state_before, last.state_after, sizeof row->state_before);
        memcpy(row->previous, last.link, sizeof row->previous);
    }
    if (!status && has_row)
        status = statement_status(&st, err);
    statement_release(&st);
    row->sequence = last.sequence < INT64_MAX ? last.sequence + 1 : last.sequence;
    return status;
}

static void sign(struct store *store, struct audit_row *row)
{
    struct audit_author *author = &store->author;
    if (!author->has_user)
        user_name(author->user, sizeof author->user);
    author->has_user = true;
    if (!author->run)
        author->run = store_new_run();
    const char *command = author->command[0] ? author->command : "other";
    row->time_ms = clock_wall_ms();
    row->run = author->run;
    row->uid = user_id();
    if (!row->command[0])
        snprintf(row->command, sizeof row->command, "%s", command);
    memcpy(row->user, author->user, sizeof row->user);
}

enum status audit_write(struct store *store, bool has_changed, struct error *err)
{
    struct audit_note *note = &store->note;
    struct audit_row *row = &note->row;
    enum status status = follow_last(store, row, err);
    if (status)
        return status;
    sign(store, row);
    row->generation_after = store->library.generation;
    row->generation_before = row->generation_after - has_changed;
    if (!note->is_all_gone)
        memcpy(row->state_after, row->state_before, sizeof row->state_after);
    audit_state_add(row->state_after, note->delta);
    audit_row_link(row, row->link);
    return insert(store, row, err);
}

enum status audit_begin_trail(struct store *store, struct error *err)
{
    struct audit_row *row = &store->note.row;
    store->note = (struct audit_note){0};
    enum status status = library_load(store, err);
    if (!status)
        status = audit_sum_documents(store, row->state_before, err);
    if (status)
        return status;
    static const unsigned char nothing[HASH_SHA256_BYTES] = {0};
    bool is_new =
        store->library.generation == 0 && memcmp(row->state_before, nothing, sizeof nothing) == 0;
    snprintf(row->command, sizeof row->command, "%s", is_new ? "create" : "migrate");
    sign(store, row);
    row->sequence = 1;
    row->generation_before = row->generation_after = store->library.generation;
    memcpy(row->state_after, row->state_before, sizeof row->state_after);
    audit_row_link(row, row->link);
    return insert(store, row, err);
}

enum status store_audit_settings(struct store *store, const struct store_settings *settings,
                                 struct error *err)
{
    enum status status = store_write_begin(store, err);
    if (status)
        return status;
    struct audit_row *row = &store->note.row;
    store->note.is_wanted = true;
    if (settings->collection[0])
        note_collection(row, settings->collection);
    snprintf(row->keys, sizeof row->keys, "%s", settings->keys);
    snprintf(row->file_before, sizeof row->file_before, "%s", settings->file_before);
    snprintf(row->file_after, sizeof row->file_after, "%s", settings->file_after);
    return store_write_commit(store, err);
}
