/* store/store_audit.h - the audit trail: who changed the library when, how, and from which state to
 * which. Part of the door store.h; what a row is: base/audit_row.h.
 *
 * Each commit that raises the generation has exactly one row, written by that commit itself: there
 * is no change without its row, and no row of a change that failed. A row without a change of the
 * generation says that the library was made or brought up to date, or that settings were changed.
 * No row is ever changed or removed, also by store_remove_all() and store_compact(). */
#ifndef RAGGED_STORE_STORE_AUDIT_H
#define RAGGED_STORE_STORE_AUDIT_H

#include "base/audit_row.h"
#include "base/status.h"

struct store;

/* What rows of this store say from now on: the command (a fixed word; what does not fit is cut off)
 * and the number of the run. Before: "other", and a number of its own. */
void store_set_author(struct store *store, const char *command, int64_t run);
/* A number for that: no other run has the same, as good as certainly. */
int64_t store_new_run(void);

/* A row about settings; not inside a write. `keys`: names, separated by commas; `collection`: ""
 * for all; file_before, file_after: SHA-256 in hex, "" where there is no file. */
struct store_settings {
    const char *keys, *collection, *file_before, *file_after;
};
enum status store_audit_settings(struct store *store, const struct store_settings *settings,
                                 struct error *err) MUST_USE;

/* Newest first. DAMAGED: a row that can't be read. */
enum status store_audit_list(struct store *store, const struct audit_filter *filter,
                             enum status (*each)(void *ctx, const struct audit_run *run,
                                                 struct error *err),
                             void *ctx, struct error *err) MUST_USE;
/* Every row, oldest first. DAMAGED: a row that can't be read. */
enum status store_audit_each(struct store *store,
                             enum status (*each)(void *ctx, const struct audit_row *row,
                                                 struct error *err),
                             void *ctx, struct error *err) MUST_USE;
/* Follows the chain, and compares its end with the library: its generation, and of the whole also
 * the state of its documents. `link`, in hex, is looked for; NULL: none. Not inside a write. */
enum status store_audit_verify(struct store *store, enum audit_extent extent, const char *link,
                               struct audit_verdict *out, struct error *err) MUST_USE;

#endif
