/* eval/beir.h - a test collection in the BEIR layout (corpus.jsonl, queries.jsonl,
 * qrels/test.tsv) and its measures. Private to eval/. */
#ifndef RAGGED_EVAL_BEIR_H
#define RAGGED_EVAL_BEIR_H

#include <stddef.h>

#include "base/arena.h"
#include "base/status.h"
#include "text/text.h"

struct beir_document {
    const char *path; /* "beir/<id>" */
    const char *title;
    struct text_block block; /* the whole text, normalised */
};

struct beir_judgement {
    const char *document; /* id */
    double gain;          /* > 0 */
};

struct beir_query {
    const char *id, *text;
    struct beir_judgement *judgements;
    size_t n_judgements, n_max;
};

struct beir {
    struct beir_document *documents;
    size_t n_documents, n_documents_max;
    struct beir_query *queries; /* only those with a positive judgement; sorted by id */
    size_t n_queries, n_queries_max;
    struct arena arena;
};

/* FORMAT names file and line. */
enum status beir_read(const char *folder, struct beir *out, struct error *err) MUST_USE;
void beir_clear(struct beir *beir); /* zeroed is fine */

/* `ranking`: document ids, best first. trec_eval's definitions: linear gain, log2(rank + 1)
 * discount. */
double beir_ndcg(const struct beir_query *query, const char *const *ranking, size_t n, size_t cut);
double beir_recall(const struct beir_query *query, const char *const *ranking, size_t n,
                   size_t cut);
double beir_reciprocal_rank(const struct beir_query *query, const char *const *ranking, size_t n,
                            size_t cut);

#endif
