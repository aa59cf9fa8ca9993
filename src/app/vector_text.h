/* app/vector_text.h - a vector as text that reads back as the same floats. */
#ifndef RAGGED_APP_VECTOR_TEXT_H
#define RAGGED_APP_VECTOR_TEXT_H

#include "base/buf.h"

/* Appends "0.0123,-0.2,...": nine significant digits, which name every float. Finite values. */
void vector_text_append(struct buf *out, const float *values, size_t n);

#endif
