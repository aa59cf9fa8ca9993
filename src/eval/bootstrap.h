/* eval/bootstrap.h - how sure a mean over queries is. Pure. Private to eval/. */
#ifndef RAGGED_EVAL_BOOTSTRAP_H
#define RAGGED_EVAL_BOOTSTRAP_H

#include "eval/eval.h"

/* x[n], n > 0. The same numbers give the same interval everywhere. */
enum status bootstrap_mean(const double *x, size_t n, struct engine_interval *out,
                           struct error *err) MUST_USE;

#endif
