/* nn/cluster.h - where a user-perceived character ends (Unicode annex 29, extended clusters). */
#ifndef RAGGED_NN_CLUSTER_H
#define RAGGED_NN_CLUSTER_H

#include <stddef.h>

/* The length of the cluster at text[0..], len >= 1; malformed bytes count as U+FFFD. */
size_t cluster_length(const char *text, size_t len);

#endif
