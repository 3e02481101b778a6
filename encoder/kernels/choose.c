/*
** Which kernels run here. The only file that knows them all.
*/
#include <string.h>

#include "base/cpu.h"
#include "encoder/kernels/kernels.h"

static const struct {
    const ps__kernels *kernels; /* one file's table */
    unsigned needs;             /* PS__CPU_* bits it runs on */
} all[] = {
    {&ps__kernels_reference, 0},
#if defined(__x86_64__)
    {&ps__kernels_avx2, PS__CPU_AVX2},
    {&ps__kernels_avx512vnni, PS__CPU_AVX512_VNNI},
#endif
};

const ps__kernels *ps__kernels_at(int i) {
    unsigned have = ps__cpu_features();
    for (size_t j = 0; j < sizeof all / sizeof *all; j++)
        if ((all[j].needs & have) == all[j].needs && i-- == 0) return all[j].kernels;
    return NULL;
}

const ps__kernels *ps__kernels_choose(const char *name) {
    const ps__kernels *best = NULL, *kernels;
    for (int i = 0; (kernels = ps__kernels_at(i)) != NULL; i++)
        if (!name || strcmp(name, kernels->name) == 0) best = kernels;
    return best;
}
