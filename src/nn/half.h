/* nn/half.h - numbers of 16 bits as floats, exactly. Pure functions: any thread. */
#ifndef RAGGED_NN_HALF_H
#define RAGGED_NN_HALF_H

#include <stdint.h>

float half_from_f16(uint16_t bits);  /* IEEE 754 binary16 */
float half_from_bf16(uint16_t bits); /* the upper half of a float */

#endif
