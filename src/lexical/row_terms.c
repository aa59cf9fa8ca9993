#include "lexical/row_terms.h"

#include "base/mem.h"
#include "lexical/terms.h"

#define SLOTS_MIN 512 /* enough for most rows */

static uint32_t *find_slot(struct row_terms *row, const void *bytes, uint64_t prefix, size_t len)
{
    size_t i = term_hash(bytes, prefix, len) & (row->n_slots - 1);
    for (; row->slots[i]; i = (i + 1) & (row->n_slots - 1)) {
        const struct row_term *term = &row->terms[row->slots[i] - 1];
        if (terms_are_equal(term->bytes, term->prefix, term->len, bytes, prefix, len))
            break;
    }
    return &row->slots[i];
}

static enum status grow_slots(struct row_terms *row)
{
    size_t n_slots = row->n_slots ? 2 * row->n_slots : SLOTS_MIN;
    uint32_t *slots = mem_zalloc(n_slots, sizeof *slots);
    if (!slots)
        return STATUS_NOMEM;
    mem_free(row->slots);
    row->slots = slots;
    row->n_slots = n_slots;
    for (size_t i = 0; i < row->n; i++)
        *find_slot(row, row->terms[i].bytes, row->terms[i].prefix, row->terms[i].len) =
            (uint32_t)i + 1;
    return STATUS_OK;
}

/* Room for one more of everything. */
static enum status reserve(struct row_terms *row)
{
    void *terms = row->terms, *occurrences = row->occurrences;
    enum status status = mem_reserve(&terms, &row->n_max, row->n + 1, sizeof *row->terms, NULL);
    row->terms = terms;
    if (!status)
        status = mem_reserve(&occurrences, &row->n_occurrences_max, row->n_occurrences + 1,
                             sizeof *row->occurrences, NULL);
    row->occurrences = occurrences;
    return !status && 2 * row->n >= row->n_slots ? grow_slots(row) : status;
}

static struct row_term *get_term(struct row_terms *row, const struct analyzer_term *from)
{
    uint64_t prefix = term_prefix(from->bytes, from->len);
    uint32_t *slot = find_slot(row, from->bytes, prefix, from->len);
    if (*slot)
        return &row->terms[*slot - 1];
    const char *bytes = arena_text(&row->arena, from->bytes, from->len);
    if (!bytes)
        return NULL;
    struct row_term *term = &row->terms[row->n];
    *term = (struct row_term){.prefix = prefix, .bytes = bytes, .len = (uint32_t)from->len};
    *slot = (uint32_t)++row->n;
    return term;
}

static void add(void *ctx, const struct analyzer_term *from)
{
    struct row_terms *row = ctx;
    if (row->failed || (row->failed = reserve(row)))
        return;
    struct row_term *term = get_term(row, from);
    if (!term) {
        row->failed = STATUS_NOMEM;
        return;
    }
    uint32_t i = (uint32_t)row->n_occurrences++;
    row->occurrences[i] = (struct occurrence){.position = from->position + row->first_position,
                                              .next = OCCURRENCE_NONE};
    if (term->tf++ == 0)
        term->first = i;
    else
        row->occurrences[term->last].next = i;
    term->last = i;
}

enum status row_terms_add(struct row_terms *row, struct analyzer *analyzer, const char *text,
                          size_t len, struct error *err)
{
    enum status status = analyzer_terms(analyzer, ANALYZER_INDEX, text, len, add, row, err);
    return status || !row->failed ? status : error_nomem(err);
}

void row_terms_clear(struct row_terms *row)
{
    arena_clear(&row->arena);
    mem_free(row->terms);
    mem_free(row->occurrences);
    mem_free(row->slots);
}
