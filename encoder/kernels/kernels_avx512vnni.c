/*
** AVX-512 with VNNI: vpdpbusd adds four u8 x s8 products to each of 16 int32 lanes without saturating, so its sums are exact. The
** float operations are compiled here; the INT8 ones have files of their own.
*/
#include "encoder/kernels/kernels.h"

#if defined(__x86_64__)

#include "encoder/kernels/floats.h"
#include "encoder/kernels/kernels_avx512vnni.h"

const ps__kernels ps__kernels_avx512vnni = {.name = "avx512vnni",
                                            .gemm_u8 = ps__gemm_u8_avx512vnni,
                                            .gemm_f32 = ps__gemm_f32_avx512vnni,
                                            .depthwise_u8 = ps__depthwise_u8_avx512vnni,
                                            PS__FLOAT_KERNELS};

#else
typedef int not_for_this_processor;
#endif
