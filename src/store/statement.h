/* store/statement.h - a prepared statement in use: bind in order, step, take columns in order.
 *
 * Failures of bind and take are sticky; statement_step() and statement_status() report them. Texts
 * and blobs are bound and given without a copy: bound ones must live until release, taken ones
 * until the next step or release. */
#ifndef RAGGED_STORE_STATEMENT_H
#define RAGGED_STORE_STATEMENT_H

#include "store/store_internal.h"

struct statement {
    struct store *store;
    struct sqlite3_stmt *handle; /* NULL: not in use */
    int i_bind, i_column;        /* of the last one */
    int rc;                      /* sticky */
    bool is_own;                 /* not in the cache: finalised by release */
};

/* Borrows the cached statement; a broken connection is reopened first when no transaction is open.
 * release it (releasing a zeroed or failed one is fine). */
enum status statement_get(struct store *store, enum sql sql, struct statement *out,
                          struct error *err) MUST_USE;
/* The same for constant text that is used rarely. */
enum status statement_prepare(struct store *store, const char *text, struct statement *out,
                              struct error *err) MUST_USE;
void statement_release(struct statement *statement);

void statement_bind_int(struct statement *statement, int64_t value);
void statement_bind_limit(struct statement *statement, size_t n_max);    /* of rows */
void statement_bind_text(struct statement *statement, const char *text); /* NULL: "" */
void statement_bind_blob(struct statement *statement, const void *bytes, size_t len);

/* *out_has_row false: it is done. */
enum status statement_step(struct statement *statement, bool *out_has_row,
                           struct error *err) MUST_USE;
/* The head of a loop over rows: true with a row, false at the end or when *status, which it sets,
 * is no longer OK. */
bool statement_next(struct statement *statement, enum status *status, struct error *err) MUST_USE;
/* Steps to the end, ignoring rows, and releases in every case. *out_n_rows may be NULL. */
enum status statement_run(struct statement *statement, size_t *out_n_rows,
                          struct error *err) MUST_USE;
/* Runs constant statements without parameters, one after the other. *out_n_changed, the rows that
 * the last one changed, may be NULL. */
enum status statement_run_all(struct store *store, const enum sql *list, size_t n,
                              size_t *out_n_changed, struct error *err) MUST_USE;
/* Runs a statement whose parameters are whole numbers. *out_n_changed, the rows it changed, may be
 * NULL. */
enum status statement_run_with(struct store *store, enum sql sql, const int64_t *values, size_t n,
                               size_t *out_n_changed, struct error *err) MUST_USE;
enum status statement_status(struct statement *statement, struct error *err) MUST_USE;

int64_t statement_take_int(struct statement *statement);
uint32_t statement_take_u32(struct statement *statement);
/* A slot of the vector file, inside a transaction; DAMAGED: it was never given out. */
enum status statement_take_slot(struct statement *statement, uint32_t *out,
                                struct error *err) MUST_USE;
const char *statement_take_text(struct statement *statement);                  /* terminated, "" */
const void *statement_take_blob(struct statement *statement, size_t *out_len); /* may be NULL */
struct hash128 statement_take_hash(struct statement *statement);

#endif
