/* Giving space back: rows that nothing refers to, pages of the database, pages of the vector file,
 * files of stopped processes.
 *
 * A page of the vector file goes in two steps, so that a snapshot that still knows the vectors in
 * it has ended before: what the table `holes` says, ranges of slots that the last compact found
 * without a vector, is punched; then the table gets what is found now. Slots are never used again.
 */
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/mem.h"
#include "store/statement.h"

#define LOG_BYTES ((uint64_t)RAGGED_MIB) /* of a step */
#define STEP_PAGES "256"

struct range {
    int64_t first, until; /* slots */
};

struct ranges {
    struct range *range; /* owned */
    size_t n, n_max;
};

static enum status add_range(struct ranges *ranges, int64_t first, int64_t until, struct error *err)
{
    void *array = ranges->range;
    enum status status =
        mem_reserve(&array, &ranges->n_max, ranges->n + 1, sizeof *ranges->range, err);
    if (status)
        return status;
    ranges->range = array;
    ranges->range[ranges->n++] = (struct range){.first = first, .until = until};
    return STATUS_OK;
}

static enum status read_holes(struct store *store, struct ranges *out, struct error *err)
{
    struct statement st = {0};
    enum status status = statement_get(store, SQL_HOLE_EACH, &st, err);
    while (statement_next(&st, &status, err)) {
        int64_t first = statement_take_int(&st), until = statement_take_int(&st);
        status = add_range(out, first, until, err);
    }
    statement_release(&st);
    return status;
}

/* Where the file has no vector; those too small to have a page of their own are left out. */
static enum status find_gaps(struct store *store, struct ranges *out, struct error *err)
{
    const struct library *l = &store->library;
    struct statement st = {0};
    int64_t next = 0, page = sysconf(_SC_PAGESIZE);
    int64_t n_least = l->vector_bytes ? (page + l->vector_bytes - 1) / l->vector_bytes : 1;
    enum status status = statement_get(store, SQL_VECTOR_EACH_SLOT, &st, err);
    while (statement_next(&st, &status, err)) {
        uint32_t slot;
        status = statement_take_slot(&st, &slot, err);
        if (!status && slot - next >= n_least)
            status = add_range(out, next, slot, err);
        if (!status)
            next = (int64_t)slot + 1;
    }
    statement_release(&st);
    if (!status && l->next_slot - next >= n_least)
        status = add_range(out, next, l->next_slot, err);
    return status;
}

/* Both are sorted; a hole that lies in no gap is not what it says. */
static enum status punch(struct store *store, const struct ranges *holes, const struct ranges *gaps,
                         struct error *err)
{
    int fd = -1;
    enum status status = vector_file_open_writable(store, &fd, err);
    for (size_t i = 0, j = 0; i < holes->n && !status; i++) {
        const struct range *hole = &holes->range[i];
        while (j < gaps->n && gaps->range[j].until < hole->until)
            j++;
        if (j < gaps->n && gaps->range[j].first <= hole->first && hole->first < hole->until)
            status = vector_file_punch(store, fd, hole->first, hole->until, err);
    }
    if (fd >= 0)
        close(fd);
    return status;
}

static enum status write_holes(struct store *store, const struct ranges *gaps, struct error *err)
{
    enum status status = statement_run_with(store, SQL_HOLES_REMOVE_ALL, NULL, 0, NULL, err);
    for (size_t i = 0; i < gaps->n && !status; i++) {
        const int64_t values[] = {gaps->range[i].first, gaps->range[i].until};
        status = statement_run_with(store, SQL_HOLE_ADD, values, 2, NULL, err);
    }
    return status;
}

static enum status compact_vector_file(struct store *store, struct error *err)
{
    struct ranges holes = {0}, gaps = {0};
    enum status status = read_holes(store, &holes, err);
    if (!status)
        status = find_gaps(store, &gaps, err);
    if (!status && holes.n > 0)
        status = punch(store, &holes, &gaps, err);
    bool is_same = holes.n == gaps.n && (gaps.n == 0 || memcmp(holes.range, gaps.range,
                                                               gaps.n * sizeof *gaps.range) == 0);
    if (!status && !is_same)
        status = write_holes(store, &gaps, err);
    mem_free(holes.range);
    mem_free(gaps.range);
    return status;
}

static enum status remove_leftover(void *ctx, const char *path, struct error *err)
{
    (void)ctx;
    return file_remove(path, err);
}

/* Pages that hold nothing leave the end of the file, a few in each transaction: the log stays
 * small, and compacting works on a disk that is nearly full. */
static enum status release_pages(struct store *store, bool *out_is_done, struct error *err)
{
    int64_t n_before = 0, n_after = 0;
    enum status status = store_write_begin(store, err);
    if (status)
        return status;
    status = connection_get_int(store, "PRAGMA freelist_count", &n_before, err);
    if (!status)
        status = connection_run(store, "PRAGMA incremental_vacuum(" STEP_PAGES ")", err);
    if (!status)
        status = connection_get_int(store, "PRAGMA freelist_count", &n_after, err);
    *out_is_done = n_after == 0 || n_after >= n_before;
    if (!status)
        status = store_write_commit(store, err);
    store_write_rollback(store);
    return status ? status : store_checkpoint(store, LOG_BYTES, err);
}

static enum status release_rows(struct store *store, struct error *err)
{
    enum status status = store_write_begin(store, err);
    if (status)
        return status;
    status = statement_run_with(store, SQL_VECTORS_REMOVE_UNUSED, NULL, 0, NULL, err);
    if (!status)
        status = compact_vector_file(store, err);
    if (!status)
        status = leftover_each(store->folder, store->library.vector_file,
                               store->library.vector_file, remove_leftover, NULL, err);
    if (!status)
        status = store_write_commit(store, err);
    store_write_rollback(store);
    return status;
}

enum status store_compact(struct store *store, struct error *err)
{
    enum status status = release_rows(store, err);
    for (bool is_done = false; !status && !is_done;)
        status = release_pages(store, &is_done, err);
    return status ? status : store_checkpoint(store, 0, err);
}
