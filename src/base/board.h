/* base/board.h - the memory that counters and running operations live in: the process's own, until
 * it is shared with the other processes of a data directory through a small mapped file.
 *
 * The file is never needed: it may be deleted at any time, one of another layout or size is
 * replaced, and where it can't be made the process keeps counting for itself. Writers are atomic
 * operations on words, so that a killed process leaves nothing half done; nothing is synced, a
 * power cut may zero it. Any thread. */
#ifndef RAGGED_BASE_BOARD_H
#define RAGGED_BASE_BOARD_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/metric.h"
#include "base/operation.h"
#include "base/status.h"

struct board_histogram {
    atomic_ullong sum;
    atomic_ullong buckets[HISTOGRAM_BUCKETS];
};

enum { BOARD_OPERATION_WORDS = sizeof(struct operation) / sizeof(uint64_t) };

struct board_slot {
    atomic_ullong owner;                        /* process id and when it started, 0: free */
    atomic_ullong version;                      /* odd while the words are written */
    atomic_ullong words[BOARD_OPERATION_WORDS]; /* a struct operation */
};

struct board {
    atomic_ullong layout; /* of this build; written last when the file is made */
    atomic_ullong values[METRIC_COUNT];
    struct board_histogram histograms[HISTOGRAM_COUNT];
    struct board_slot slots[OPERATION_SLOTS];
};

/* Its name in the data directory. */
#define BOARD_FILE "metrics"

/* Of this build: what it counts, and where. */
uint64_t board_layout(void);

/* Where to count now; never NULL. */
struct board *board_get(void);

/* From now on the process counts in the file (made with mode 0600 when it is not there; its folder
 * must be); what it counted before is carried over. Once in a process: a second call with another
 * path changes nothing. IO: it goes on by itself. */
enum status board_share(const char *path, struct error *err) MUST_USE;

#endif
