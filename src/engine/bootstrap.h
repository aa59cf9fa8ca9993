/* engine/bootstrap.h - how sure a mean over queries is. Pure. Private to engine/. */
#ifndef RAGGED_ENGINE_BOOTSTRAP_H
#define RAGGED_ENGINE_BOOTSTRAP_H

#include "engine/engine.h"

/* x[n], n > 0. The same numbers give the same interval everywhere. */
enum status bootstrap_mean(const double *x, size_t n, struct engine_interval *out,
                           struct error *err) MUST_USE;

#endif
