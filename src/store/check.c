/* store_check(): the invariants of schema.c, asked of a real database. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "store/statement.h"

/* Each counts the rows that break one rule. */
static const struct rule {
    const char *sql, *what;
} rules[] = {
    {"SELECT count(*) FROM sqlite_schema WHERE type IN ('view', 'trigger')",
     "views or triggers, which ragged never makes"},
    {"SELECT count(*) <> 1 FROM library", "wrong number of generations"},
    {"SELECT count(*) FROM documents WHERE state NOT IN (0, 1, 2)",
     "documents of an unknown state"},
    {"SELECT count(*) FROM documents d WHERE (state = 2) <> "
     "(EXISTS (SELECT 1 FROM partial p WHERE p.doc_id = d.id))",
     "documents that are partly there and should be whole, or the reverse"},
    {"SELECT count(*) FROM documents WHERE state = 2 AND (n_parts < 1 OR hash <> '' OR error <> "
     "'')",
     "partial documents without a part, or with more than they can have"},
    {"SELECT count(*) FROM documents WHERE n_parts < 0 OR (n_parts > 0 AND state = 1)",
     "documents of an impossible number of parts"},
    {"SELECT count(*) FROM partial p JOIN documents d ON d.id = p.doc_id WHERE part_bytes < 0 OR "
     "n_lines < 0 OR n_bytes < 0 OR part_bytes > d.size / d.n_parts",
     "partial documents with an impossible place to go on from"},
    {"SELECT count(*) FROM documents WHERE state = 1 AND error = ''",
     "failed documents that do not say why"},
    {"SELECT count(*) FROM documents d WHERE state = 1 AND EXISTS "
     "(SELECT 1 FROM chunks c WHERE c.doc_id = d.id)",
     "failed documents that have chunks"},
    {"SELECT count(*) FROM documents d WHERE n_chunks <> "
     "(SELECT count(*) FROM chunks c WHERE c.doc_id = d.id)",
     "documents with another number of chunks than they say"},
    {"SELECT count(*) FROM documents d WHERE text_bytes <> "
     "(SELECT coalesce(sum(length(CAST(c.text AS BLOB))), 0) FROM chunks c WHERE c.doc_id = d.id)",
     "documents with more or less text than they say"},
    {"SELECT count(*) FROM (SELECT 1 FROM chunks GROUP BY doc_id "
     "HAVING min(ord) <> 0 OR max(ord) + 1 <> count(*))",
     "documents with a gap in the order of their chunks"},
    {"SELECT count(*) FROM chunks WHERE length(hash) <> 16", "chunks with a wrong hash"},
    {"SELECT count(*) FROM (SELECT doc_id FROM chunks GROUP BY doc_id "
     "HAVING max(id) - min(id) + 1 <> count(*)) g JOIN documents d ON d.id = g.doc_id "
     "WHERE n_parts < 2",
     "documents whose chunks have ids with a gap"},
    {"SELECT count(*) FROM documents d WHERE n_parts > 1 AND n_parts < "
     "(SELECT count(DISTINCT id - ord) FROM chunks c WHERE c.doc_id = d.id)",
     "documents whose chunks have ids with more gaps than it has parts"},
    {"SELECT count(*) FROM documents d JOIN chunks a ON a.doc_id = d.id "
     "JOIN chunks b ON b.doc_id = d.id AND b.ord = a.ord + 1 WHERE n_parts > 1 AND b.id <= a.id",
     "chunks with a lower id than the one before them"},
    {"SELECT count(*) FROM chunks WHERE id < 1 OR id >= (SELECT next_chunk_id FROM library)",
     "chunks with an id that was never given out"},
    {"SELECT count(*) FROM vectors WHERE length(hash) <> 16", "vectors with a wrong hash"},
    {"SELECT count(*) FROM vectors WHERE id < 0 OR id >= (SELECT next_slot FROM library)",
     "vectors in a place that was never given out"},
    {"SELECT count(*) FROM tail t JOIN chunks c ON c.id = t.chunk_id WHERE t.doc_id <> c.doc_id",
     "tail rows that name another document than their chunk"},
    {"SELECT count(*) FROM vector_tail t JOIN chunks c ON c.id = t.chunk_id "
     "WHERE t.doc_id <> c.doc_id",
     "vector tail rows that name another document than their chunk"},
    {"SELECT count(*) FROM chunk_vectors s JOIN chunks c ON c.id = s.chunk_id "
     "JOIN vectors v ON v.id = s.slot WHERE v.hash <> c.hash",
     "chunks with the vector of another text"},
    {"SELECT count(*) FROM vector_tail t LEFT JOIN chunk_vectors s ON s.chunk_id = t.chunk_id "
     "WHERE s.slot IS NOT t.slot",
     "vector tail rows with another vector than their chunk"},
    {"SELECT count(*) FROM chunks WHERE id NOT IN (SELECT chunk_id FROM chunk_vectors) "
     "AND id NOT IN (SELECT chunk_id FROM missing)",
     "chunks without a vector that are not known to miss it"},
    {"SELECT count(*) FROM missing WHERE chunk_id IN (SELECT chunk_id FROM chunk_vectors)",
     "chunks that have a vector and miss it"},
    {"SELECT max(0, (SELECT count(*) FROM chunks) - (SELECT count(*) FROM tail) - "
     "(SELECT coalesce(sum(n_rows), 0) FROM segments WHERE kind = 1))",
     "chunks that can't be found by their words"},
    {"SELECT max(0, (SELECT count(*) FROM chunks) - (SELECT count(*) FROM vector_tail) - "
     "(SELECT count(*) FROM missing) - "
     "(SELECT coalesce(sum(n_rows), 0) FROM segments WHERE kind = 2))",
     "chunks that can't be found by their vector"},
    {"SELECT (SELECT n_tail FROM library) <> (SELECT count(*) FROM tail)",
     "wrong count of the tail"},
    {"SELECT (SELECT n_vector_tail FROM library) <> (SELECT count(*) FROM vector_tail)",
     "wrong count of the vector tail"},
    {"SELECT count(*) FROM segments WHERE kind NOT IN (1, 2) OR n_rows < 0",
     "segments of an unknown kind"},
    {"SELECT count(*) FROM dead WHERE kind NOT IN (1, 2) OR first < 1 OR first >= until "
     "OR until > (SELECT next_chunk_id FROM library)",
     "dead ranges of ids that were never given out"},
    {"SELECT count(*) FROM dead d WHERE EXISTS "
     "(SELECT 1 FROM chunks c WHERE c.id >= d.first AND c.id < d.until)",
     "dead ranges with living chunks in them"},
    {"SELECT count(*) FROM holes h WHERE first >= until OR EXISTS "
     "(SELECT 1 FROM vectors v WHERE v.id >= h.first AND v.id < h.until)",
     "holes where vectors are"},
};

void check_say(struct check *check, const char *format, ...)
{
    char line[512];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    check->n_problems++;
    check->say(check->ctx, line);
}

/* A damaged database is what is looked for, so it does not end the search. */
static enum status as_problem(struct check *check, enum status status, struct error *err)
{
    if (status != STATUS_DAMAGED)
        return status;
    check_say(check, "%s", err->message);
    return STATUS_OK;
}

/* SQLite packs several findings into one text, under a heading of its own. */
static void say_lines(struct check *check, const char *text)
{
    while (*text) {
        size_t len = strcspn(text, "\n");
        if (len > 0 && strncmp(text, "*** in database", 15) != 0)
            check_say(check, "database: %.*s", (int)size_min(len, 400), text);
        text += len + (text[len] == '\n');
    }
}

static enum status check_pages(struct check *check, struct error *err)
{
    struct statement st = {0};
    enum status status = statement_prepare(check->store, "PRAGMA integrity_check(20)", &st, err);
    while (statement_next(&st, &status, err)) {
        const char *text = statement_take_text(&st);
        if (strcmp(text, "ok") != 0)
            say_lines(check, text);
    }
    statement_release(&st);
    return status;
}

static enum status check_references(struct check *check, struct error *err)
{
    struct statement st = {0};
    enum status status = statement_prepare(check->store, "PRAGMA foreign_key_check", &st, err);
    while (statement_next(&st, &status, err)) {
        const char *table = statement_take_text(&st);
        int64_t row = statement_take_int(&st);
        const char *parent = statement_take_text(&st);
        check_say(check, "%s %lld: its row in %s is missing", table, (long long)row, parent);
    }
    statement_release(&st);
    return status;
}

static enum status check_rule(struct check *check, const struct rule *rule, struct error *err)
{
    int64_t n = 0;
    enum status status = connection_get_int(check->store, rule->sql, &n, err);
    if (!status && n)
        check_say(check, "%lld %s", (long long)n, rule->what);
    return status;
}

static enum status check_all(struct check *check, struct error *err)
{
    static enum status (*const parts[])(struct check *, struct error *) = {
        check_pages, check_references, check_terms, check_vectors};
    enum status status = STATUS_OK;
    for (size_t i = 0; !status && i < sizeof parts / sizeof parts[0]; i++)
        status = as_problem(check, parts[i](check, err), err);
    for (size_t i = 0; !status && i < sizeof rules / sizeof rules[0]; i++)
        status = as_problem(check, check_rule(check, &rules[i], err), err);
    return status;
}

/* In one snapshot. BUSY, with nothing said: the vector file was replaced before it was opened. */
static enum status check_snapshot(struct check *check, struct error *err)
{
    struct store *store = check->store;
    bool is_own = !store->is_reading;
    enum status status = is_own ? as_problem(check, store_read_begin(store, err), err) : STATUS_OK;
    if (!status && check->n_problems == 0)
        status = as_problem(check, check_open_vectors(check, err), err);
    if (!status && (!is_own || store->is_reading))
        status = check_all(check, err);
    check_close_vectors(check);
    if (is_own)
        store_read_end(store);
    return status;
}

enum status store_check(struct store *store, size_t dim, void (*say)(void *ctx, const char *line),
                        void *ctx, size_t *out_n_problems, struct error *err)
{
    assert(!store->is_writing);
    struct error unwanted;
    struct check check = {.store = store,
                          .say = say,
                          .ctx = ctx,
                          .vector_bytes = dim * sizeof(uint16_t),
                          .vector_fd = -1};
    if (!err)
        err = &unwanted;
    enum status status = check_snapshot(&check, err);
    if (status == STATUS_BUSY && !store->is_reading && check.n_problems == 0)
        status = check_snapshot(&check, err);
    if (!status)
        *out_n_problems = check.n_problems;
    return status;
}
