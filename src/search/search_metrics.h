/* search/search_metrics.h - what a search tells counters and log. Private to search/. Any thread.
 */
#ifndef RAGGED_SEARCH_SEARCH_METRICS_H
#define RAGGED_SEARCH_SEARCH_METRICS_H

#include "search/search.h"

/* Stages that a search did not have are not counted for it. */
void search_metrics_add(const struct engine_hits *hits);
void search_metrics_add_failure(enum status status);

#endif
