/*
** Rows of float32 weights to INT8 with one symmetric scale each.
*/
#ifndef PS_IMPORT_QUANTISE_H
#define PS_IMPORT_QUANTISE_H

#include <stdint.h>

/* levels int8 [n], -127 to 127; returns the scale, what a level stands for: the greatest magnitude over 127. Cutting a lone far entry off was
** tried and does not pay: what its own error costs is more than the rest gains up to some 5,000 entries a row. A row of zeros has
** scale 0. */
float ps__quantise_row(int8_t *levels, const float *row, int64_t n);

/* The same with what is left of each entry: row = scale * (level + fine / 254), fine -127 to 127. */
float ps__quantise_row_fine(int8_t *levels, int8_t *fine, const float *row, int64_t n);

#endif
