#include "embed/tuner.h"

#include <math.h>

#include "base/numbers.h"

#define TOLERANCE 0.02 /* of the best rate: less is no reason to take more memory */

void tuner_init(struct tuner *tuner, const size_t *sizes, size_t n, size_t n_first)
{
    *tuner = (struct tuner){.n = n, .n_tokens = sizes[0], .is_settled = n == 1};
    for (size_t i = 0; i < n; i++) {
        tuner->candidates[i].n_tokens = sizes[i];
        if (sizes[i] <= n_first)
            tuner->n_tokens = sizes[i];
    }
}

static struct tuner_candidate *find(struct tuner *tuner, size_t n_tokens)
{
    for (size_t i = 0; i < tuner->n; i++)
        if (tuner->candidates[i].n_tokens == n_tokens)
            return &tuner->candidates[i];
    return NULL;
}

static double median(struct tuner_candidate *c)
{
    numbers_sort(c->rates, c->n_rates);
    return c->rates[c->n_rates / 2];
}

static void choose_best(struct tuner *tuner)
{
    double medians[TUNER_CANDIDATES_MAX], best = 0;
    for (size_t i = 0; i < tuner->n; i++) {
        medians[i] = median(&tuner->candidates[i]);
        best = fmax(best, medians[i]);
    }
    size_t i = 0;
    while (medians[i] < best * (1 - TOLERANCE))
        i++;
    tuner->n_tokens = tuner->candidates[i].n_tokens;
    tuner->rate = medians[i];
    tuner->is_settled = true;
}

/* The least tried; of equals the smallest. So all see the same stretches of the work. */
static void choose_next(struct tuner *tuner)
{
    const struct tuner_candidate *next = &tuner->candidates[0];
    for (size_t i = 1; i < tuner->n; i++)
        if (tuner->candidates[i].n_rates < next->n_rates)
            next = &tuner->candidates[i];
    tuner->n_tokens = next->n_tokens;
    if (next->n_rates == TUNER_SAMPLES)
        choose_best(tuner);
}

bool tuner_step(struct tuner *tuner, struct tuner_event event)
{
    struct tuner_candidate *c = find(tuner, event.n_batch_tokens);
    size_t n_least = tuner->candidates[tuner->n - 1].n_tokens;
    if (tuner->is_settled || !c || event.n_tokens < n_least || event.took_ns <= 0)
        return false;
    if (c->n_rates < TUNER_SAMPLES)
        c->rates[c->n_rates++] = (double)event.n_tokens * 1e9 / (double)event.took_ns;
    choose_next(tuner);
    return tuner->is_settled;
}

bool tuner_settle(struct tuner *tuner, size_t n_tokens, double rate)
{
    if (!find(tuner, n_tokens) || !isfinite(rate) || rate <= 0)
        return false;
    tuner->n_tokens = n_tokens;
    tuner->rate = rate;
    tuner->is_settled = true;
    return true;
}
