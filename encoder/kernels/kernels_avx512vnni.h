/*
** The parts of the AVX-512 VNNI table that have files of their own; only that table's files include this.
*/
#ifndef PS_KERNELS_AVX512VNNI_H
#define PS_KERNELS_AVX512VNNI_H

#include "encoder/kernels/kernels.h"

void ps__gemm_u8_avx512vnni(uint8_t *out, const uint8_t *in, size_t in_stride, size_t rows, const ps__matrix *m,
                            const ps__requant *q);
void ps__gemm_f32_avx512vnni(float *out, const uint8_t *in, size_t in_stride, const float *row_scale, size_t rows,
                             const ps__matrix *m);
void ps__depthwise_u8_avx512vnni(uint8_t *out, const ps__picture *in, const ps__filter *f, const ps__requant *q,
                                 uint8_t *scratch);

#endif
