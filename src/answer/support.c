#include "answer/support.h"

#include <ctype.h>
#include <string.h>

#include "text/text.h"
#include "vector/vector.h"

#define ENOUGH 0.5     /* share of content words that settles it */
#define DOUBTFUL 0.2   /* below it no similarity helps: the words are about something else */
#define SIMILAR 0.65   /* cosine of claim and span that makes up for missing words */
#define PAIR_GAIN 0.15 /* what a second sentence must add */
#define SPAN_BYTES_MAX 1200

static bool has_digit(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (isdigit((unsigned char)text[i]))
            return true;
    return false;
}

enum status support_claim_init(struct support_claim *claim, struct engine *engine, const char *text,
                               size_t len, struct arena *arena, struct error *err)
{
    struct analyzer *analyzer;
    struct lexical_query words = {0};
    enum status status = engine_get_analyzer(engine, &analyzer, err);
    if (!status)
        status = lexical_query_parse(analyzer, text, len, arena, &words, err);
    if (status)
        return status;
    for (size_t i = 0; i < words.n_terms; i++)
        words.terms[i].idf = words.terms[i].weight = 1;
    *claim = (struct support_claim){
        .engine = engine, .text = text, .len = len, .words = words, .arena = arena};
    return STATUS_OK;
}

static bool contains_number(const char *passage, const char *number, size_t len)
{
    for (const char *at = passage; (at = strchr(at, number[0])); at++) {
        bool is_start = at == passage || !isdigit((unsigned char)at[-1]);
        if (is_start && strncmp(at, number, len) == 0 && !isdigit((unsigned char)at[len]))
            return true;
    }
    return false;
}

/* Runs of digits with inner points and commas: "1,200", "3.5", "2019". */
static bool has_all_numbers(const struct support_claim *claim, const char *passage)
{
    for (size_t i = 0; i < claim->len;) {
        size_t n = 0;
        while (i + n < claim->len &&
               (isdigit((unsigned char)claim->text[i + n]) ||
                (n > 0 && strchr(".,", claim->text[i + n]) && i + n + 1 < claim->len &&
                 isdigit((unsigned char)claim->text[i + n + 1]))))
            n++;
        if (n > 0 && !contains_number(passage, claim->text + i, n))
            return false;
        i += n ? n : 1;
    }
    return true;
}

static enum status coverage_of(const struct support_claim *claim, const char *text, size_t len,
                               double *out, struct error *err)
{
    if (claim->words.n_terms == 0) {
        *out = 0;
        return STATUS_OK;
    }
    return lexical_coverage(claim->engine->analyzer, &claim->words, text, len, out, err);
}

static enum status embed(struct support_claim *claim, struct embedder_work *work, const char *text,
                         size_t len, const float **out, struct error *err)
{
    float *vector =
        arena_zalloc(claim->arena, embedder_dim(claim->engine->embedder), sizeof *vector);
    if (!vector)
        return error_nomem(err);
    struct embed_text one = {text, len};
    enum status status = embedder_embed(work, EMBED_PASSAGE, &one, 1, NULL, vector, err);
    if (!status)
        *out = vector;
    return status;
}

/* 0 when there is no embedder or it fails: words alone decide then. */
static enum status similarity_of(struct support_claim *claim, const char *text, size_t len,
                                 double *out, struct error *err)
{
    struct embedder_work *work;
    const float *span = NULL;
    *out = 0;
    if (engine_get_embed_work(claim->engine, &work, NULL))
        return STATUS_OK;
    enum status status = STATUS_OK;
    if (!claim->vector)
        status = embed(claim, work, claim->text, claim->len, &claim->vector, err);
    if (!status)
        status = embed(claim, work, text, len, &span, err);
    if (status) {
        claim->engine->has_embedder_failed = true;
        return status == STATUS_NOMEM ? status : STATUS_OK;
    }
    *out = (double)vector_dot(claim->vector, span, embedder_dim(claim->engine->embedder));
    return STATUS_OK;
}

static size_t trim_end(const char *text, size_t start, size_t end)
{
    while (end > start && isspace((unsigned char)text[end - 1]))
        end--;
    return end - start;
}

/* Slides over the passage's sentences, alone and in pairs. */
static enum status find_span(const struct support_claim *claim, const char *passage,
                             struct support *best, struct error *err)
{
    size_t len = strlen(passage), previous = 0;
    double previous_score = 0;
    enum status status = STATUS_OK;
    for (size_t at = 0; at < len && !status;) {
        size_t end = text_sentence_end(passage, len, at);
        double alone = 0, paired = 0;
        status = coverage_of(claim, passage + at, end - at, &alone, err);
        bool is_pair = at > 0 && end - previous <= SPAN_BYTES_MAX && previous_score > 0;
        if (!status && is_pair && alone > 0)
            status = coverage_of(claim, passage + previous, end - previous, &paired, err);
        if (alone > best->score)
            *best =
                (struct support){.score = alone, .start = at, .len = trim_end(passage, at, end)};
        if (paired > best->score + PAIR_GAIN)
            *best = (struct support){
                .score = paired, .start = previous, .len = trim_end(passage, previous, end)};
        previous = at;
        previous_score = alone;
        at = end;
    }
    return status;
}

enum status support_find(struct support_claim *claim, const char *passage, struct support *out,
                         struct error *err)
{
    struct support best = {0};
    const char *verbatim = memmem(passage, strlen(passage), claim->text, claim->len);
    if (verbatim && claim->len > 0) {
        *out = (struct support){.score = 1,
                                .start = (size_t)(verbatim - passage),
                                .len = claim->len,
                                .has_numbers = true};
        return STATUS_OK;
    }
    enum status status = find_span(claim, passage, &best, err);
    if (!status && best.score >= DOUBTFUL && best.score < ENOUGH) {
        double similarity = 0;
        status = similarity_of(claim, passage + best.start, best.len, &similarity, err);
        if (similarity >= SIMILAR)
            best.score = ENOUGH;
    }
    best.has_numbers = !has_digit(claim->text, claim->len) || has_all_numbers(claim, passage);
    if (!status)
        *out = best;
    return status;
}

bool support_is_enough(const struct support *support)
{
    return support->score >= ENOUGH && support->has_numbers;
}
