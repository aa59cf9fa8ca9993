/* The one row of the table `library`: what is counted and what was given out. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "store/statement.h"

#define N_COLUMNS 7

static void to_columns(struct library *l, int64_t *out_columns[N_COLUMNS])
{
    int64_t *columns[N_COLUMNS] = {&l->generation,   &l->next_chunk_id, &l->next_slot,
                                   &l->vector_file,  &l->vector_bytes,  &l->n_tail,
                                   &l->n_vector_tail};
    for (size_t i = 0; i < N_COLUMNS; i++)
        out_columns[i] = columns[i];
}

/* Everything that is computed with these numbers relies on it. */
static bool is_sane(const struct library *l)
{
    return l->next_chunk_id >= 1 && l->next_slot >= 0 && l->next_slot <= (int64_t)UINT32_MAX + 1 &&
           l->vector_file >= 1 && l->vector_file < INT64_MAX && l->vector_bytes >= 0 &&
           l->vector_bytes <= STORE_VECTOR_BYTES_MAX && l->vector_bytes % 2 == 0 &&
           (l->vector_bytes > 0 || l->next_slot == 0) && l->n_tail >= 0 && l->n_vector_tail >= 0;
}

static enum status read_row(struct store *store, struct library *out, struct error *err)
{
    struct statement st = {0};
    bool has_row = false;
    struct library library = {0};
    int64_t *columns[N_COLUMNS];
    enum status status = statement_get(store, SQL_LIBRARY_GET, &st, err);
    if (!status)
        status = statement_step(&st, &has_row, err);
    if (!status && !has_row)
        status = error_set(err, STATUS_DAMAGED, "\"%s\" has no generation", store->path);
    to_columns(&library, columns);
    for (size_t i = 0; !status && i < N_COLUMNS; i++)
        *columns[i] = statement_take_int(&st);
    statement_release(&st);
    if (!status && !is_sane(&library))
        status = error_set(err, STATUS_DAMAGED, "\"%s\" is damaged: its counters make no sense",
                           store->path);
    if (!status)
        *out = library;
    return status;
}

enum status library_get(struct store *store, struct library *out, struct error *err)
{
    if (!store->is_writing && !store->is_reading)
        return read_row(store, out, err);
    *out = store->library;
    return STATUS_OK;
}

enum status library_load(struct store *store, struct error *err)
{
    return read_row(store, &store->library, err);
}

enum status library_save(struct store *store, struct error *err)
{
    int64_t *columns[N_COLUMNS], values[N_COLUMNS];
    to_columns(&store->library, columns);
    for (size_t i = 0; i < N_COLUMNS; i++)
        values[i] = *columns[i];
    return statement_run_with(store, SQL_LIBRARY_SET, values, N_COLUMNS, NULL, err);
}

enum status library_stamp(struct store *store, struct error *err)
{
    uint64_t random[2];
    char text[40];
    enum status status = random_bytes(random, sizeof random, err);
    if (status)
        return status;
    snprintf(text, sizeof text, "%016llx%016llx", (unsigned long long)random[0],
             (unsigned long long)random[1]);
    return store_set_meta(store, META_STAMP, text, err);
}

enum status store_state(struct store *store, struct hash128 *out, struct error *err)
{
    struct statement st = {0};
    bool has_row = false;
    enum status status = statement_get(store, SQL_LIBRARY_STATE, &st, err);
    if (!status)
        status = statement_step(&st, &has_row, err);
    if (!status && has_row) {
        int64_t generation = statement_take_int(&st);
        const char *stamp = statement_take_text(&st);
        status = statement_status(&st, err);
        if (!status && !*stamp)
            status = error_set(err, STATUS_NOT_FOUND, "\"%s\" has no stamp yet", store->path);
        if (!status)
            *out = hash128_of_pair(&generation, sizeof generation, stamp, strlen(stamp));
    } else if (!status) {
        status = error_set(err, STATUS_DAMAGED, "\"%s\" has no generation", store->path);
    }
    statement_release(&st);
    return status;
}
