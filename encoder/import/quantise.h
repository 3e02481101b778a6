/*
** Rows of float32 weights to INT8 with one symmetric scale each.
*/
#ifndef PS_IMPORT_QUANTISE_H
#define PS_IMPORT_QUANTISE_H

#include <stdint.h>

/* levels int8 [n], -127 to 127; returns the scale: what a level stands for. A few bounds from the greatest magnitude downwards are tried,
** and the one with the least sum of squared errors is taken: a row with a lone far entry loses less when that entry is cut. A row of zeros
** has scale 0. */
float ps__quantise_row(int8_t *levels, const float *row, int64_t n);

#endif
