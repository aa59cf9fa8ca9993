#include "ingest/eta.h"

#include <math.h>
#include <stdbool.h>

#define MEMORY_MS 30000.0
#define PULL_MS 5000.0
#define FIRST_MS 3000.0          /* before it a group of files more or less changes everything */
#define FIRST_EXPECTED_MS 1000.0 /* long enough to see what share of the machine there is */
#define EXPECTED_COMPUTED_MS 5000.0

void eta_expect(struct eta *eta, double n_per_computed_ms)
{
    *eta = (struct eta){0};
    if (n_per_computed_ms > 0) {
        eta->expected_computed_ms = EXPECTED_COMPUTED_MS;
        eta->expected_n = n_per_computed_ms * EXPECTED_COMPUTED_MS;
    }
}

static void look(struct eta *eta, const struct eta_seen *seen)
{
    double step_ms = (double)(seen->elapsed_ms - eta->seen.elapsed_ms);
    double computed_ms = (double)(seen->computed_ms - eta->seen.computed_ms);
    if (step_ms <= 0)
        return;
    double kept = exp(-step_ms / MEMORY_MS);
    eta->recent_n = eta->recent_n * kept + (double)(seen->n_worked - eta->seen.n_worked);
    eta->recent_ms = eta->recent_ms * kept + step_ms;
    eta->recent_computed_ms = eta->recent_computed_ms * kept + computed_ms;
    double kept_expected = exp(-computed_ms / EXPECTED_COMPUTED_MS);
    eta->expected_n *= kept_expected;
    eta->expected_computed_ms *= kept_expected;
    eta->seen = *seen;
}

/* Work in a millisecond, 0: not known yet. */
static double rate_of(const struct eta *eta)
{
    bool is_expected = eta->expected_n > 0;
    if (eta->recent_ms < (is_expected ? FIRST_EXPECTED_MS : FIRST_MS))
        return 0;
    if (!is_expected || eta->recent_computed_ms <= 0)
        return eta->recent_n / eta->recent_ms;
    double n_per_computed_ms =
        (eta->recent_n + eta->expected_n) / (eta->recent_computed_ms + eta->expected_computed_ms);
    return n_per_computed_ms * eta->recent_computed_ms / eta->recent_ms;
}

int64_t eta_step(struct eta *eta, const struct eta_seen *seen, uint64_t n_left)
{
    double step_ms = (double)(seen->elapsed_ms - eta->seen.elapsed_ms);
    look(eta, seen);
    double rate = rate_of(eta);
    if (n_left == 0)
        return 0;
    if (rate <= 0)
        return -1;
    double by_rate_ms = (double)n_left / rate;
    double counted_down_ms = eta->shown_ms - step_ms;
    eta->shown_ms = eta->shown_ms <= 0
                        ? by_rate_ms
                        : by_rate_ms + (counted_down_ms - by_rate_ms) * exp(-step_ms / PULL_MS);
    return eta->shown_ms > 0 ? (int64_t)eta->shown_ms : 0;
}
