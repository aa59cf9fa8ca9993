/* app/eval_page.h - what eval measured as a page with charts. No question and no document is in it:
 * numbers, and the name of the collection's folder. */
#ifndef RAGGED_APP_EVAL_PAGE_H
#define RAGGED_APP_EVAL_PAGE_H

#include "eval/eval.h"

/* What was told of every query; a zeroed one is empty. */
struct eval_queries {
    struct {
        double *ndcg_10, *took_ms; /* [n], owned */
        size_t n, n_ndcg_max, n_took_max;
    } modes[ENGINE_MODE_COUNT];
};
enum status eval_queries_add(struct eval_queries *queries, const struct engine_eval_query *query,
                             struct error *err) MUST_USE;
void eval_queries_clear(struct eval_queries *queries);

/* Orders the queries of each mode. `folder`: of the collection. */
enum status eval_page_write(const char *path, const char *folder,
                            const struct engine_eval_report *report, struct eval_queries *queries,
                            struct error *err) MUST_USE;

#endif
