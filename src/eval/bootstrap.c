#include "eval/bootstrap.h"

#include "base/mem.h"
#include "base/numbers.h"

#define N_SAMPLES ((size_t)10000)
#define TAIL 0.025
#define SEED UINT64_C(20261124)

/* splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static double mean_of_sample(const double *x, size_t n, uint64_t *random)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[next_random(random) % n];
    return sum / (double)n;
}

enum status bootstrap_mean(const double *x, size_t n, struct engine_interval *out,
                           struct error *err)
{
    uint64_t random = SEED;
    double sum = 0;
    double *means = mem_array(N_SAMPLES, sizeof *means);
    if (!means)
        return error_nomem(err);
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    for (size_t i = 0; i < N_SAMPLES; i++)
        means[i] = mean_of_sample(x, n, &random);
    numbers_sort(means, N_SAMPLES);
    *out = (struct engine_interval){
        .mean = sum / (double)n,
        .low = means[(size_t)(TAIL * (double)N_SAMPLES)],
        .high = means[(size_t)((1 - TAIL) * (double)N_SAMPLES) - 1],
    };
    mem_free(means);
    return STATUS_OK;
}
