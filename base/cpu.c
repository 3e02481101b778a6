/*
** Processor features, by the compiler's own run-time test, which asks CPUID and XGETBV.
*/
#include "base/cpu.h"

#include <sched.h>

unsigned ps__cpu_features(void) {
    unsigned features = 0;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) features |= PS__CPU_AVX2;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
        features |= PS__CPU_AVX512;
    if ((features & PS__CPU_AVX512) && __builtin_cpu_supports("avx512vnni")) features |= PS__CPU_AVX512_VNNI;
#endif
    return features;
}

int ps__cpu_count(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
    int count = CPU_COUNT(&set);
    return count > 0 ? count : 1;
}
