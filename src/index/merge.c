#include "index/merge.h"

#include <string.h>

#include "base/fault.h"
#include "base/mem.h"
#include "base/trace.h"
#include "governor/disk_reserve.h"
#include "index/dead_ranges.h"
#include "index/new_segment.h"
#include "index/recall.h"

#define TIER_ROWS ((size_t)MAINTAIN_FAN_IN * MAINTAIN_TAIL_ROWS) /* below it: the first tier */
#define N_TIERS 9
#define DEAD_SHARE 4  /* one in so many */
#define ROW_BYTES 128 /* what a merge holds in memory for a row, about, of generated text */

struct merge {
    struct maintainer *maintainer;
    enum store_kind kind;
    struct snapshot snapshot;
    const struct snapshot_kind *all;
    struct snapshot_segment **chosen; /* [n_chosen], owned array */
    size_t n_chosen;
    struct new_segment segment;
    struct snapshot_segment **staying; /* [n_staying], owned array */
    size_t n_staying;
    struct dead_ranges dead;
    size_t rescore_factor; /* that the new segment needs */
};

/* ---- which ---- */

static size_t tier_of(const struct snapshot_segment *s)
{
    size_t tier = 0;
    for (size_t n = segment_n_rows(s->segment); n >= TIER_ROWS && tier + 1 < N_TIERS;
         n /= MAINTAIN_FAN_IN)
        tier++;
    return tier;
}

static bool is_worn(const struct snapshot_segment *s)
{
    return s->n_dead > 0 && s->n_dead >= segment_n_rows(s->segment) / DEAD_SHARE;
}

static bool is_chosen(const struct merge *merge, const struct snapshot_segment *s)
{
    for (size_t i = 0; i < merge->n_chosen; i++)
        if (merge->chosen[i] == s)
            return true;
    return false;
}

/* A merge takes memory with its rows: no more of them than the share of maintenance allows. Some
 * segments more only make searches a little slower. */
static size_t n_rows_max(const struct merge *merge)
{
    const struct governor *governor = merge->maintainer->governor;
    return governor ? governor_share(governor, GOVERNOR_INGEST) / 2 / ROW_BYTES : SIZE_MAX;
}

static size_t n_rows_chosen(const struct merge *merge)
{
    size_t n = 0;
    for (size_t i = 0; i < merge->n_chosen; i++)
        n += segment_n_rows(merge->chosen[i]->segment);
    return n;
}

static bool fits(const struct merge *merge, const struct snapshot_segment *s)
{
    size_t n_max = n_rows_max(merge), n_chosen = n_rows_chosen(merge);
    return n_chosen <= n_max && segment_n_rows(s->segment) <= n_max - n_chosen;
}

/* The smaller ones first, so that what does not fit is what gains least. */
static void insert_by_size(struct merge *merge, struct snapshot_segment *s)
{
    size_t i = merge->n_chosen++;
    for (; i > 0 && segment_n_rows(merge->chosen[i - 1]->segment) > segment_n_rows(s->segment); i--)
        merge->chosen[i] = merge->chosen[i - 1];
    merge->chosen[i] = s;
}

static void choose_tier(struct merge *merge)
{
    for (size_t tier = 0; tier < N_TIERS && merge->n_chosen < MAINTAIN_FAN_IN; tier++) {
        merge->n_chosen = 0;
        for (size_t i = 0; i < merge->all->n; i++)
            if (tier_of(merge->all->segments[i]) == tier)
                insert_by_size(merge, merge->all->segments[i]);
    }
    if (merge->n_chosen < MAINTAIN_FAN_IN)
        merge->n_chosen = 0;
    while (merge->n_chosen > 0 && n_rows_chosen(merge) > n_rows_max(merge))
        merge->n_chosen--;
    if (merge->n_chosen < 2)
        merge->n_chosen = 0;
}

static void choose_worn(struct merge *merge)
{
    for (size_t i = 0; i < merge->all->n && merge->n_chosen == 0; i++)
        if (is_worn(merge->all->segments[i]) && fits(merge, merge->all->segments[i]))
            merge->chosen[merge->n_chosen++] = merge->all->segments[i];
}

static void choose_all(struct merge *merge)
{
    size_t n_dead = 0;
    for (size_t i = 0; i < merge->all->n; i++) {
        if (!fits(merge, merge->all->segments[i]))
            continue;
        merge->chosen[merge->n_chosen++] = merge->all->segments[i];
        n_dead += merge->all->segments[i]->n_dead;
    }
    if (merge->n_chosen == 1 && n_dead == 0)
        merge->n_chosen = 0;
}

/* The old segments stay until the new one is named. What a user asked for may use the reserve. */
static bool has_disk(const struct merge *merge, enum maintain_extent extent)
{
    struct governor *governor = merge->maintainer->governor;
    uint64_t n_bytes = 0;
    for (size_t i = 0; i < merge->n_chosen; i++)
        n_bytes += segment_stamp_of(merge->chosen[i]->segment)->size_bytes;
    if (extent == MAINTAIN_ALL)
        return disk_reserve_check(merge->maintainer->folder, 1, n_bytes, 0, NULL) == STATUS_OK;
    return !governor || governor_check_disk(governor, n_bytes, 0, NULL) == STATUS_OK;
}

static enum status choose(struct merge *merge, enum maintain_extent extent, struct error *err)
{
    merge->chosen = mem_array(merge->all->n, sizeof(struct snapshot_segment *));
    merge->staying = mem_array(merge->all->n, sizeof(struct snapshot_segment *));
    if (!merge->chosen || !merge->staying)
        return error_nomem(err);
    if (extent == MAINTAIN_ALL) {
        choose_all(merge);
    } else {
        choose_tier(merge);
        choose_worn(merge);
    }
    if (!has_disk(merge, extent))
        merge->n_chosen = 0;
    for (size_t i = 0; i < merge->all->n; i++)
        if (!is_chosen(merge, merge->all->segments[i]))
            merge->staying[merge->n_staying++] = merge->all->segments[i];
    return STATUS_OK;
}

/* ---- writing ---- */

/* There may be a hundred million: they are not copied. */
static enum status move_rows(struct merge *merge, struct segment_merge *rows, struct error *err)
{
    enum status status =
        row_list_own(&merge->segment.rows, rows->chunk_ids, rows->document_ids, rows->n_rows,
                     merge->kind == STORE_KIND_VECTOR ? ROW_LIST_SLOTS : ROW_LIST_NO_SLOTS, err);
    if (!status)
        rows->chunk_ids = rows->document_ids = NULL;
    return status;
}

static enum status write_words(struct merge *merge, const struct segment_merge *rows,
                               struct error *err)
{
    const struct lexical_index **inputs = mem_array(rows->n_inputs, sizeof(struct lexical_index *));
    if (!inputs)
        return error_nomem(err);
    for (size_t i = 0; i < rows->n_inputs; i++)
        inputs[i] = merge->chosen[i]->lexical;
    enum status status =
        lexical_merge(inputs, rows, LEXICAL_PARAMS_DEFAULT, merge->segment.writer, err);
    mem_free(inputs);
    return status;
}

/* Codes are made anew: they are relative to the mean of the segment's rows. */
static enum status write_codes(struct merge *merge, const struct segment_merge *rows,
                               struct error *err)
{
    for (size_t i = 0; i < rows->n_inputs; i++) {
        const struct segment_merge_input *input = &rows->inputs[i];
        for (size_t row = 0; row < segment_n_rows(input->segment); row++)
            if (input->new_rows[row] != SEGMENT_ROW_NONE)
                merge->segment.rows.slots[input->new_rows[row]] =
                    vector_index_slot(merge->chosen[i]->vector, row);
    }
    return new_segment_write_codes(&merge->segment, &merge->snapshot.rows,
                                   merge->maintainer->n_threads, err);
}

static enum status write_merged(struct merge *merge, struct error *err)
{
    struct segment_merge rows = {0};
    struct segment_merge_input *inputs = mem_zalloc(merge->n_chosen, sizeof *inputs);
    if (!inputs)
        return error_nomem(err);
    for (size_t i = 0; i < merge->n_chosen; i++)
        inputs[i] = (struct segment_merge_input){.segment = merge->chosen[i]->segment,
                                                 .dead = merge->chosen[i]->dead};
    enum status status = segment_merge_init(&rows, inputs, merge->n_chosen, err);
    if (!status)
        status = move_rows(merge, &rows, err);
    if (!status && rows.n_rows > 0)
        status = merge->kind == STORE_KIND_LEXICAL ? write_words(merge, &rows, err)
                                                   : write_codes(merge, &rows, err);
    segment_merge_clear(&rows);
    mem_free(inputs);
    if (!status && merge->segment.rows.n > 0)
        status = new_segment_publish(&merge->segment, err);
    if (!status && merge->segment.rows.n > 0 && merge->kind == STORE_KIND_VECTOR)
        status = recall_factor(&merge->segment, &merge->snapshot.rows, merge->maintainer->cancel,
                               &merge->rescore_factor, err);
    (void)fault_hit("segment.published");
    return status;
}

/* ---- the manifest ---- */

static enum status list_changes(struct merge *merge, struct error *err)
{
    struct store *store = merge->maintainer->store;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < merge->n_chosen && !status; i++)
        status = store_remove_segment(store, merge->chosen[i]->name, err);
    if (!status && merge->segment.rows.n > 0)
        status = new_segment_list(&merge->segment, store, err);
    if (!status && merge->rescore_factor > 1)
        status = recall_factor_raise(store, merge->rescore_factor, err);
    /* What is in a lost segment nobody knows. */
    if (!status && merge->all->n_lost_rows == 0)
        status = dead_ranges_forget(&merge->dead, store, merge->kind, merge->staying,
                                    merge->n_staying, err);
    return status;
}

static enum status commit(struct merge *merge, bool *out_has_merged, struct error *err)
{
    struct error why = {0};
    enum status status = store_write_begin(merge->maintainer->store, err);
    if (status)
        return status;
    status = list_changes(merge, &why);
    if (!status) {
        new_segment_keep(&merge->segment);
        status = store_write_commit(merge->maintainer->store, &why);
    }
    store_write_rollback(merge->maintainer->store);
    if (status == STATUS_NOT_FOUND)
        return STATUS_OK; /* the library was cleared or got another model meanwhile */
    if (status) {
        if (err)
            *err = why;
        return status;
    }
    (void)fault_hit("segment.replaced");
    for (size_t i = 0; i < merge->n_chosen; i++)
        snapshot_segment_unlink(merge->maintainer->folder, merge->chosen[i]->name);
    *out_has_merged = true;
    return STATUS_OK;
}

enum status merge_segments(struct maintainer *maintainer, enum store_kind kind,
                           enum maintain_extent extent, bool *out_has_merged, struct error *err)
{
    TRACE(TRACE_STAGE_MERGE);
    struct merge merge = {.maintainer = maintainer, .kind = kind};
    enum status status = maintainer_snapshot(maintainer, kind, &merge.snapshot, &merge.all, err);
    if (status)
        return status;
    status = choose(&merge, extent, err);
    if (!status && merge.n_chosen > 0) {
        status = dead_ranges_init(&merge.dead, maintainer->store, kind, err);
        if (!status)
            status = new_segment_init(&merge.segment, kind, NULL, maintainer, err);
        /* Words need nothing but the mapped segments, and the log of a long snapshot grows. */
        if (kind == STORE_KIND_LEXICAL)
            snapshot_end(&merge.snapshot);
        if (!status)
            status = write_merged(&merge, err);
        snapshot_end(&merge.snapshot);
        if (!status)
            status = commit(&merge, out_has_merged, err);
    }
    snapshot_end(&merge.snapshot);
    new_segment_clear(&merge.segment);
    mem_free(merge.chosen);
    mem_free(merge.staying);
    dead_ranges_clear(&merge.dead);
    return status;
}
