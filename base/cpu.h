/*
** What this processor can do, and how many of them there are.
*/
#ifndef PS_BASE_CPU_H
#define PS_BASE_CPU_H

enum {                              /* bits of ps__cpu_features */
       PS__CPU_AVX2 = 1 << 0,       /* AVX2 with FMA and F16C */
       PS__CPU_AVX512 = 1 << 1,     /* AVX-512 F, BW, DQ, VL */
       PS__CPU_AVX512_VNNI = 1 << 2 /* the above and VNNI */
};

/* Features that both the processor and the operating system support. Any thread. */
unsigned ps__cpu_features(void);

/* Processors this process may run on, at least 1. */
int ps__cpu_count(void);

#endif
