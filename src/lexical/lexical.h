/* lexical/lexical.h - words of a language, queries, and exact BM25 over rows.
 *
 * A row is a chunk. Rows lie in the tail (blobs out of the database, scored exhaustively: the
 * oracle of the index) or in segments (lexical_index.h, this door's other half). Scores are whole
 * numbers, the same bit for bit wherever a row lies and however it is searched. One search: build
 * the query, count every source, weigh, then ask every source. */
#ifndef RAGGED_LEXICAL_LEXICAL_H
#define RAGGED_LEXICAL_LEXICAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/status.h"

/* --- analyzer --- */

/* Turns text into terms: Unicode words (UAX 29 in its simple form), lower case, Snowball stem;
 * words with digits or inner punctuation (versions, identifiers) are kept whole and in parts; CJK,
 * Thai and the like give bigrams. One thread at a time. */
struct analyzer;
enum status analyzer_new(const char *language, struct analyzer **out, struct error *err) MUST_USE;
void analyzer_free(struct analyzer *analyzer);            /* NULL is fine */
const char *analyzer_id(const struct analyzer *analyzer); /* changes whenever terms would */

struct analyzer_term {
    const char *bytes; /* borrowed during the call; 1..255 of them, not terminated */
    size_t len;
    uint32_t position; /* words count up; so do the parts of a compound, bigrams, l'eau */
    uint32_t i_word;   /* the terms of one word share it */
    bool is_compound;  /* a whole whose parts follow; it has the position of the first of them */
};

/* Calls emit() for each term in order. */
enum analyzer_mode { ANALYZER_INDEX, ANALYZER_QUERY }; /* QUERY drops function and question words */
enum status analyzer_terms(struct analyzer *analyzer, enum analyzer_mode mode, const char *text,
                           size_t len, void (*emit)(void *ctx, const struct analyzer_term *term),
                           void *ctx, struct error *err) MUST_USE;

/* One row's terms with counts and positions, as the tail stores them: {u8 len, bytes, varint tf}*
 * ascending by bytes, a zero byte, then for each term its tf positions as varints, each less the
 * one before. Between the texts (heading, body) 16 positions stay free. Empty for no terms.
 * *out_n_terms: the row's length in terms. */
enum status lexical_terms_encode(struct analyzer *analyzer, const char *const *texts,
                                 const size_t *lens, size_t n_texts, struct buf *out_blob,
                                 uint32_t *out_n_terms, struct error *err) MUST_USE;

/* --- queries --- */

enum lexical_clause_kind {
    LEXICAL_WORDS,  /* rows with more of the words score more */
    LEXICAL_PHRASE, /* only rows with these words in this order, nothing between; its words score */
    LEXICAL_PREFIX  /* every term with this beginning, as if they were one term */
};
struct lexical_clause {
    const char *text;
    size_t len;
    enum lexical_clause_kind kind;
    bool is_excluded; /* rows with any of the words, the phrase, or the prefix are not wanted */
};

struct lexical_query_term {
    const char *term; /* terminated too */
    size_t len;
    bool is_prefix;
    double weight; /* how often the query has it; 0: only a constraint needs it */
    uint64_t df;   /* rows that have it: a sum over every source that was counted */
    double idf;    /* set by lexical_query_weigh(), as is... */
    float factor;  /* ...what a row's tf is multiplied with */
};

/* A row must have (must not have) its terms at successive positions; of one term: anywhere. */
struct lexical_constraint {
    const uint32_t *i_terms; /* [n], into the query's terms, in order of the phrase */
    size_t n;
    bool is_excluded;
};

/* Everything in it is from the arena it was built in. */
struct lexical_query {
    struct lexical_query_term *terms; /* ascending by bytes; a prefix behind the equal term */
    size_t n_terms;
    struct lexical_constraint *constraints;
    size_t n_constraints;
    float length_base, length_slope; /* score = factor * tf / (tf + base + slope * length) */
    double scale;                    /* a score divided by it is BM25 */
};

/* Function words are dropped, except from phrases and exclusions, and unless nothing else is left
 * to score. A clause without a word says nothing. Of a clause 64 KiB are read. */
enum status lexical_query_build(struct analyzer *analyzer, const struct lexical_clause *clauses,
                                size_t n_clauses, struct arena *arena, struct lexical_query *out,
                                struct error *err) MUST_USE;
/* Plain text: one clause of words. */
enum status lexical_query_parse(struct analyzer *analyzer, const char *text, size_t len,
                                struct arena *arena, struct lexical_query *out,
                                struct error *err) MUST_USE;

/* Does it want fewer rows than those that score? Then the restrict calls matter. */
static inline bool lexical_query_is_restricted(const struct lexical_query *query)
{
    return query->n_constraints > 0;
}

/* Sums over every source; rows that are dead or filtered out count until they are merged away. */
struct lexical_stats {
    uint64_t n_rows, n_terms; /* n_terms: of all rows, each at most LEXICAL_LENGTH_MAX */
};
#define LEXICAL_LENGTH_MAX 65535 /* longer rows are scored as if they had this length */

struct lexical_params {
    double k1, b;
};
#define LEXICAL_PARAMS_DEFAULT ((struct lexical_params){.k1 = 1.5, .b = 0.75})

/* After every source was counted: idf (Lucene's, never negative) and what scores are made of. The
 * scale is 65536, less only when a row's score could pass 2^30. */
void lexical_query_weigh(struct lexical_query *query, const struct lexical_stats *stats,
                         struct lexical_params params);

/* idf-weighted share (0..1) of the query's scoring terms that occur in `text`. */
enum status lexical_coverage(struct analyzer *analyzer, const struct lexical_query *query,
                             const char *text, size_t len, double *out, struct error *err) MUST_USE;

/* --- tail --- */

/* The rows of one query that no segment has yet. Add every row once (numbers 0, 1, 2, ...). The
 * query is borrowed, its terms must not change. One thread at a time. */
struct lexical_tail;
enum status lexical_tail_new(const struct lexical_query *query, struct lexical_tail **out,
                             struct error *err) MUST_USE;
/* DAMAGED: the blob is; the row was not added. A blob without positions matches no phrase of two
 * words and more. */
enum status lexical_tail_add(struct lexical_tail *tail, const void *blob, size_t len,
                             uint32_t n_terms, struct error *err) MUST_USE;
/* Adds its rows and lengths to io_stats and to the df of each term. */
void lexical_tail_count(const struct lexical_tail *tail, struct lexical_stats *io_stats,
                        struct lexical_query *io_query);
/* Scores of all rows by the weights of the query; 0: no scoring term, else at least 1. Borrowed
 * from the tail until the next call. */
enum status lexical_tail_scores(struct lexical_tail *tail, const int32_t **out_scores,
                                size_t *out_n, struct error *err) MUST_USE;
/* Removes from the bitmap of its rows those that the constraints don't allow. */
void lexical_tail_restrict(const struct lexical_tail *tail, uint64_t *io_allowed);
void lexical_tail_free(struct lexical_tail *tail); /* NULL is fine */

#include "lexical/lexical_index.h" /* the other half */

#endif
