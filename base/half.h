/*
** IEEE 754 binary16 numbers, the form in which embeddings are stored: half the bytes of float32 and exact to about 3 digits, far
** finer than the INT8 arithmetic that made them. Rounds to nearest, ties to even. Portable C, the same bits everywhere.
*/
#ifndef PS_BASE_HALF_H
#define PS_BASE_HALF_H

#include <stddef.h>
#include <stdint.h>

uint16_t ps__half_from_float(float x);
float ps__half_to_float(uint16_t h);

/* Arrays of n numbers; the two may not overlap. */
void ps__halves_from_floats(uint16_t *out, const float *x, size_t n);
void ps__halves_to_floats(float *out, const uint16_t *h, size_t n);

#endif
