/* Numbers that look random and are the same in every run: the seed is all there is to print. */
#ifndef RAGGED_TEST_DICE_H
#define RAGGED_TEST_DICE_H

#include <stdint.h>

struct dice {
    uint64_t state;
};

/* splitmix64 */
static inline uint64_t dice_roll(struct dice *dice)
{
    uint64_t z = dice->state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

/* 0..n-1 */
static inline int dice_below(struct dice *dice, int n)
{
    return (int)(dice_roll(dice) % (uint64_t)n);
}

#endif
