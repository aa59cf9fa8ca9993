#include "answer/citation.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "answer/support.h"
#include "base/trace.h"
#include "text/text.h"

#define MARKS_MAX 8

/* One sentence of the answer without its marks, and the passages it named. */
struct sentence {
    const char *text; /* borrowed from the answer */
    size_t len;
    const char *gap; /* white space behind it */
    size_t gap_len;
    size_t numbers[MARKS_MAX];
    size_t n_numbers;
};

struct checker {
    const struct citation_input *input;
    struct arena *arena;
    struct buf text;
    struct citation_result result;
    struct engine_citation *by_hit; /* [n_hits]; number 0: not cited */
    size_t n_cited;
};

/* "[2]", "[1, 3]": how long the mark at text[0] is, 0 when it is none; its numbers are added. */
static size_t read_mark(const char *text, size_t len, struct sentence *sentence)
{
    size_t numbers[MARKS_MAX], n = 0, i = 1;
    if (len < 3 || text[0] != '[')
        return 0;
    for (;;) {
        while (i < len && text[i] == ' ')
            i++;
        size_t value = 0, n_digits = 0;
        for (; i < len && isdigit((unsigned char)text[i]) && n_digits < 6; i++, n_digits++)
            value = value * 10 + (size_t)(text[i] - '0');
        if (n_digits == 0 || i >= len)
            return 0;
        if (n < MARKS_MAX)
            numbers[n++] = value;
        while (i < len && text[i] == ' ')
            i++;
        if (i < len && text[i] == ']')
            break;
        if (i >= len || (text[i] != ',' && text[i] != ';'))
            return 0;
        i++;
    }
    for (size_t k = 0; k < n && sentence->n_numbers < MARKS_MAX; k++)
        sentence->numbers[sentence->n_numbers++] = numbers[k];
    return i + 1;
}

/* Marks behind the full stop belong to the sentence before it. */
static size_t read_marks_behind(const char *text, size_t len, struct sentence *sentence)
{
    size_t at = 0;
    for (;;) {
        size_t blank = at;
        while (blank < len && text[blank] == ' ')
            blank++;
        size_t n = blank < len ? read_mark(text + blank, len - blank, sentence) : 0;
        if (n == 0)
            return at;
        at = blank + n;
    }
}

/* The sentence's own text without marks inside it, copied to the arena only when there were any. */
static enum status strip_marks(struct checker *c, struct sentence *sentence, struct error *err)
{
    if (!memchr(sentence->text, '[', sentence->len))
        return STATUS_OK;
    char *clean = arena_text(c->arena, sentence->text, sentence->len);
    if (!clean)
        return error_nomem(err);
    size_t n = 0;
    for (size_t i = 0; i < sentence->len;) {
        size_t mark = read_mark(sentence->text + i, sentence->len - i, sentence);
        if (mark == 0) {
            clean[n++] = sentence->text[i++];
            continue;
        }
        i += mark;
        while (n > 0 && clean[n - 1] == ' ' &&
               (i >= sentence->len || strchr(" .,;:!?", sentence->text[i])))
            n--;
    }
    sentence->text = clean;
    sentence->len = n;
    return STATUS_OK;
}

/* A title quoted with its mark has no full stop: the sentence ends where a mark is followed by a
 * new one. */
static size_t end_at_inner_mark(const char *text, size_t stop)
{
    for (size_t at = 0; at < stop; at++) {
        struct sentence ignored = {0};
        size_t mark = text[at] == '[' ? read_mark(text + at, stop - at, &ignored) : 0;
        size_t next = at + mark;
        if (mark && at > 0 && next + 1 < stop && text[next] == ' ' &&
            !islower((unsigned char)text[next + 1]) && text[next + 1] != '[')
            return at;
    }
    return stop;
}

static enum status next_sentence(struct checker *c, const char **at, const char *end,
                                 struct sentence *out, struct error *err)
{
    size_t len = (size_t)(end - *at);
    size_t stop = end_at_inner_mark(*at, text_sentence_end(*at, len, 0));
    *out = (struct sentence){.text = *at, .len = stop};
    while (out->len > 0 && isspace((unsigned char)out->text[out->len - 1]))
        out->len--;
    size_t behind = read_marks_behind(*at + out->len, len - out->len, out);
    const char *gap = *at + out->len + behind;
    out->gap = gap;
    while (gap < end && isspace((unsigned char)*gap))
        gap++;
    out->gap_len = (size_t)(gap - out->gap);
    *at = gap > *at ? gap : end;
    return strip_marks(c, out, err);
}

/* The numbers of the answer run on from 1, whichever passages it cites. */
static void cite(struct checker *c, size_t i_hit, const struct support *support)
{
    struct engine_citation *citation = &c->by_hit[i_hit];
    if (citation->number && citation->support >= support->score)
        return;
    *citation = (struct engine_citation){
        .number = citation->number ? citation->number : ++c->n_cited,
        .i_hit = i_hit,
        .quote_start = support->start,
        .quote_len = support->len,
        .support = support->score,
    };
}

static bool was_named(const size_t *numbers, size_t n, size_t number)
{
    for (size_t i = 0; i < n; i++)
        if (numbers[i] == number)
            return true;
    return false;
}

/* Of the passages the sentence names, those that say it. */
static enum status check_named(struct checker *c, struct support_claim *claim,
                               const struct sentence *sentence, size_t *kept, size_t *n_kept,
                               struct error *err)
{
    for (size_t i = 0; i < sentence->n_numbers; i++) {
        size_t number = sentence->numbers[i];
        if (number == 0 || number > c->input->n_hits) {
            c->result.n_removed++;
            continue;
        }
        struct support support;
        enum status status = support_find(claim, c->input->hits[number - 1].text, &support, err);
        if (status)
            return status;
        if (!support_is_enough(&support) || was_named(kept, *n_kept, number))
            continue;
        cite(c, number - 1, &support);
        kept[(*n_kept)++] = number;
    }
    return STATUS_OK;
}

static enum status find_unnamed(struct checker *c, struct support_claim *claim, size_t *kept,
                                size_t *n_kept, struct error *err)
{
    struct support best = {0};
    size_t best_number = 0;
    for (size_t i = 0; i < c->input->n_hits; i++) {
        struct support support;
        enum status status = support_find(claim, c->input->hits[i].text, &support, err);
        if (status)
            return status;
        if (support_is_enough(&support) && support.score > best.score) {
            best = support;
            best_number = i + 1;
        }
    }
    if (best_number) {
        cite(c, best_number - 1, &best);
        kept[(*n_kept)++] = best_number;
    }
    return STATUS_OK;
}

static enum status check_sentence(struct checker *c, const struct sentence *sentence,
                                  struct error *err)
{
    size_t kept[MARKS_MAX + 1], n_kept = 0;
    struct support_claim claim;
    enum status status =
        support_claim_init(&claim, c->input->engine, sentence->text, sentence->len, c->arena, err);
    bool is_claim = !status && claim.words.n_terms > 0;
    if (is_claim)
        status = check_named(c, &claim, sentence, kept, &n_kept, err);
    if (!status && is_claim && n_kept == 0)
        status = find_unnamed(c, &claim, kept, &n_kept, err);
    if (status)
        return status;
    buf_append(&c->text, sentence->text, sentence->len);
    for (size_t i = 0; i < n_kept; i++)
        buf_printf(&c->text, " [%zu]", c->by_hit[kept[i] - 1].number);
    if (is_claim && n_kept == 0) {
        buf_append_text(&c->text, " " CITATION_UNSUPPORTED_MARK);
        c->result.n_unsupported++;
    }
    buf_append(&c->text, sentence->gap, sentence->gap_len);
    return STATUS_OK;
}

static enum status collect(struct checker *c, struct error *err)
{
    enum status status = buf_status(&c->text, err);
    if (status)
        return status;
    c->result.text = arena_text(c->arena, buf_text(&c->text), c->text.len);
    c->result.citations =
        arena_zalloc(c->arena, c->input->n_hits + 1, sizeof(struct engine_citation));
    if (!c->result.text || !c->result.citations)
        return error_nomem(err);
    for (size_t i = 0; i < c->input->n_hits; i++)
        if (c->by_hit[i].number)
            c->result.citations[c->by_hit[i].number - 1] = c->by_hit[i];
    c->result.n_citations = c->n_cited;
    return STATUS_OK;
}

enum status citation_check(const struct citation_input *input, struct arena *arena,
                           struct citation_result *out, struct error *err)
{
    TRACE(TRACE_STAGE_CITE_CHECK);
    struct checker c = {.input = input, .arena = arena};
    c.by_hit = arena_zalloc(arena, input->n_hits + 1, sizeof *c.by_hit);
    if (!c.by_hit)
        return error_nomem(err);
    enum status status = STATUS_OK;
    const char *at = input->answer, *end = at + strlen(at);
    while (at < end && !status) {
        struct sentence sentence;
        status = next_sentence(&c, &at, end, &sentence, err);
        if (!status)
            status = check_sentence(&c, &sentence, err);
    }
    if (!status)
        status = collect(&c, err);
    buf_clear(&c.text);
    if (!status)
        *out = c.result;
    return status;
}
