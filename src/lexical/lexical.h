/* lexical/lexical.h - words of a language and the exhaustive BM25 scorer over tail rows.
 * The scorer is exact and stays the oracle of the block-max index. */
#ifndef RAGGED_LEXICAL_LEXICAL_H
#define RAGGED_LEXICAL_LEXICAL_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/status.h"

/* Turns text into terms: Unicode words (UAX 29 in its simple form), lower case, Snowball stem;
 * words with digits or inner punctuation (versions, identifiers) are kept whole and in parts; CJK,
 * Thai and the like give bigrams. One thread at a time. */
struct analyzer;
enum status analyzer_new(const char *language, struct analyzer **out, struct error *err) MUST_USE;
void analyzer_free(struct analyzer *analyzer);            /* NULL is fine */
const char *analyzer_id(const struct analyzer *analyzer); /* changes whenever terms would */

/* Calls emit() for each term in order. `term` is borrowed during the call, at most 255 bytes. */
enum analyzer_mode { ANALYZER_INDEX, ANALYZER_QUERY }; /* QUERY drops function and question words */
enum status analyzer_terms(struct analyzer *analyzer, enum analyzer_mode mode, const char *text,
                           size_t len, void (*emit)(void *ctx, const char *term, size_t len),
                           void *ctx, struct error *err) MUST_USE;

/* One document's terms with counts, as the tail stores them: sorted, {u8 len, bytes, varint tf}*.
 */
enum status lexical_terms_encode(struct analyzer *analyzer, const char *const *texts,
                                 const size_t *lens, size_t n_texts, struct buf *out_blob,
                                 uint32_t *out_n_terms, struct error *err) MUST_USE;

struct lexical_query_term {
    const char *term;
    size_t len;
    double weight; /* how often the query has it */
    double idf;    /* filled by lexical_scorer_finish() */
};
struct lexical_query {
    struct lexical_query_term *terms;
    size_t n_terms;
};
/* A query of function words only keeps them. */
enum status lexical_query_parse(struct analyzer *analyzer, const char *text, size_t len,
                                struct arena *arena, struct lexical_query *out,
                                struct error *err) MUST_USE;

struct lexical_params {
    double k1, b;
};
#define LEXICAL_PARAMS_DEFAULT ((struct lexical_params){.k1 = 1.5, .b = 0.75})

/* Exhaustive scorer: add every row once (row numbers 0, 1, 2, ...), finish, then ask. */
struct lexical_scorer;
enum status lexical_scorer_new(struct lexical_query *query, struct lexical_params params,
                               struct lexical_scorer **out, struct error *err) MUST_USE;
/* FORMAT: a damaged blob. */
enum status lexical_scorer_add(struct lexical_scorer *scorer, const void *blob, size_t len,
                               uint32_t n_terms, struct error *err) MUST_USE;
/* Computes idf over all rows and scores[i] for i < *out_n (0: no query term). Borrowed from scorer.
 */
enum status lexical_scorer_finish(struct lexical_scorer *scorer, const float **out_scores,
                                  size_t *out_n, struct error *err) MUST_USE;
void lexical_scorer_free(struct lexical_scorer *scorer); /* NULL is fine */

/* idf-weighted share (0..1) of the query's terms that occur in `text`; idf as finished. */
enum status lexical_coverage(struct analyzer *analyzer, const struct lexical_query *query,
                             const char *text, size_t len, double *out, struct error *err) MUST_USE;

#endif
