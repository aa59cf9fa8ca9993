#include "ingest/eta.h"

#include <math.h>

#define MEMORY_MS 30000.0
#define PULL_MS 5000.0
#define FIRST_MS 3000 /* before it a group of files more or less changes everything */
#define EXPECTED_MS 10000.0

void eta_expect(struct eta *eta, double n_per_ms)
{
    *eta = (struct eta){0};
    if (n_per_ms > 0) {
        eta->recent_ms = EXPECTED_MS;
        eta->recent_n = n_per_ms * EXPECTED_MS;
    }
}

int64_t eta_step(struct eta *eta, int64_t elapsed_ms, uint64_t n_worked, uint64_t n_left)
{
    double step_ms = (double)(elapsed_ms - eta->seen_ms);
    if (step_ms > 0) {
        double kept = exp(-step_ms / MEMORY_MS);
        eta->recent_n = eta->recent_n * kept + (double)(n_worked - eta->n_worked);
        eta->recent_ms = eta->recent_ms * kept + step_ms;
        eta->seen_ms = elapsed_ms;
        eta->n_worked = n_worked;
    }
    if (n_left == 0)
        return 0;
    if (eta->recent_ms < FIRST_MS || eta->recent_n <= 0)
        return -1;
    double by_rate_ms = (double)n_left * eta->recent_ms / eta->recent_n;
    double counted_down_ms = eta->shown_ms - step_ms;
    eta->shown_ms = eta->shown_ms <= 0
                        ? by_rate_ms
                        : by_rate_ms + (counted_down_ms - by_rate_ms) * exp(-step_ms / PULL_MS);
    return eta->shown_ms > 0 ? (int64_t)eta->shown_ms : 0;
}
