/* app/prometheus.h - counters as the text that Prometheus and node_exporter's textfile collector
 * read (exposition format 0.0.4). */
#ifndef RAGGED_APP_PROMETHEUS_H
#define RAGGED_APP_PROMETHEUS_H

#include "base/buf.h"
#include "library/library.h"

/* Everything that base/metric.h counts, and what the library holds; failures stick to `out`. */
void prometheus_append(struct buf *out, const struct engine_status *library);

#endif
