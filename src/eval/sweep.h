/* eval/sweep.h - recall against time: the same search at several settings of one of its knobs, over
 * a sample of the queries. Private to eval/. */
#ifndef RAGGED_EVAL_SWEEP_H
#define RAGGED_EVAL_SWEEP_H

#include "eval/beir.h"
#include "eval/eval.h"

/* How a query of the collection is asked. */
struct engine_search_options eval_search_options(const struct engine_eval_options *options,
                                                 enum engine_mode mode);

/* Adds to io_report->curves those that fit what is measured. */
enum status sweep_run(struct engine *engine, const struct beir *beir,
                      const struct engine_eval_options *options,
                      struct engine_eval_report *io_report, struct error *err) MUST_USE;

#endif
