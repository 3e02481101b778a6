/*
** The few BLAS and LAPACK functions that FAISS calls, for a build of FAISS that needs neither library.
**
** Of all of BLAS, the indexes of photosearch (flat, IVF, scalar quantizers) call one function: sgemm_, and that only to train and
** to fill the coarse quantizer (k-means) and for batches of 20 queries and more. A search of one query never comes here, yet every
** process that links a BLAS loads it. sgemm_ below is a plain blocked product that the compiler turns into vector code for the
** processor FAISS is built for; docs/why-not.md has the measurements.
**
** The others belong to index kinds that photosearch does not use (PCA, OPQ, ITQ, residual quantizers). They throw, and the C API of
** FAISS turns that into an error code with a text.
**
** Column-major, Fortran calling convention: every argument by pointer (Lawson et al. 1979; Dongarra et al. 1990).
*/
#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include <faiss/impl/FaissException.h>

namespace {

#if defined(__AVX512F__)
const int VL = 16; /* floats in a vector register */
#elif defined(__AVX2__)
const int VL = 8;
#else
const int VL = 4;
#endif
const int MR = 2 * VL; /* rows of a tile: two registers */
const int NR = 6;      /* columns of a tile: its 12 sums stay in registers */
const int KC = 256;    /* depth of a packed block: KC * MR floats stay in the L1 cache */
const int MC = 192;    /* rows of A packed at a time: MC * KC floats stay in the L2 cache */

typedef float Vec __attribute__((vector_size(VL * sizeof(float)), aligned(4)));

struct Matrix { /* op(X)[row][column] of a column-major matrix */
    const float *x;
    ptrdiff_t row, column; /* strides */
};

Matrix view(const float *x, char trans, int ld) {
    bool t = trans == 'T' || trans == 't' || trans == 'C' || trans == 'c';
    Matrix m = {x, t ? ld : 1, t ? 1 : ld};
    return m;
}

/* Copies rows x depth of A into strips of MR rows, depth-major; rows past the end are zero. */
void pack_a(float *out, const Matrix &a, int row0, int rows, int k0, int depth) {
    for (int i = 0; i < rows; i += MR) {
        int m = std::min(MR, rows - i);
        for (int r = 0; r < MR; r++) {
            const float *x = a.x + (row0 + i + r) * a.row + k0 * a.column;
            for (int p = 0; p < depth; p++) out[p * MR + r] = r < m ? x[p * a.column] : 0.0f;
        }
        out += (ptrdiff_t)depth * MR;
    }
}

/* sums[NR][MR] = strip of A times NR columns of B. */
void tile(float *sums, const float *a, const float *const *b, ptrdiff_t b_step, int depth) {
    Vec s[NR][2] = {};
    for (int p = 0; p < depth; p++, a += MR) {
        Vec low = *(const Vec *)a, high = *(const Vec *)(a + VL);
#pragma GCC unroll 6
        for (int q = 0; q < NR; q++) {
            float x = b[q][p * b_step];
            s[q][0] += low * x;
            s[q][1] += high * x;
        }
    }
#pragma GCC unroll 6
    for (int q = 0; q < NR; q++) {
        *(Vec *)(sums + q * MR) = s[q][0];
        *(Vec *)(sums + q * MR + VL) = s[q][1];
    }
}

/* C[rows][n] += alpha * packed A * B for one block of depth. */
void block(float *c, int ldc, const float *packed, const Matrix &b, int row0, int rows, int n, int k0, int depth, float alpha) {
    for (int j = 0; j < n; j += NR) {
        int columns = std::min(NR, n - j);
        const float *bs[NR];
        for (int q = 0; q < NR; q++) bs[q] = b.x + k0 * b.row + (j + std::min(q, columns - 1)) * b.column;
        for (int i = 0; i < rows; i += MR) {
            float sums[NR * MR];
            tile(sums, packed + (ptrdiff_t)i * depth, bs, b.row, depth);
            int m = std::min(MR, rows - i);
            for (int q = 0; q < columns; q++) {
                float *y = c + row0 + i + (ptrdiff_t)(j + q) * ldc;
                for (int r = 0; r < m; r++) y[r] += alpha * sums[q * MR + r];
            }
        }
    }
}

int missing(const char *name) {
    throw faiss::FaissException(std::string(name) + " is left out of this build of FAISS: no PCA, OPQ, ITQ or residual quantizers");
}

} // namespace

extern "C" {

int sgemm_(const char *transa, const char *transb, const int *m, const int *n, const int *k, const float *alpha, const float *a,
           const int *lda, const float *b, const int *ldb, const float *beta, float *c, const int *ldc) {
    Matrix av = view(a, *transa, *lda), bv = view(b, *transb, *ldb);
    std::vector<float> packed((size_t)MC * KC);
    for (int j = 0; j < *n; j++) {
        float *y = c + (ptrdiff_t)j * *ldc;
        if (*beta == 0.0f) std::fill(y, y + *m, 0.0f); /* even over a NaN, as BLAS has it */
        else if (*beta != 1.0f)
            for (int i = 0; i < *m; i++) y[i] *= *beta;
    }
    for (int k0 = 0; k0 < *k; k0 += KC) {
        int depth = std::min(KC, *k - k0);
        for (int i = 0; i < *m; i += MC) {
            int rows = std::min(MC, *m - i);
            pack_a(packed.data(), av, i, rows, k0, depth);
            block(c, *ldc, packed.data(), bv, i, rows, *n, k0, depth, *alpha);
        }
    }
    return 0;
}

int sgemv_(const char *trans, const int *m, const int *n, const float *alpha, const float *a, const int *lda, const float *x,
           const int *incx, const float *beta, float *y, const int *incy) {
    Matrix v = view(a, *trans, *lda);
    bool t = v.row != 1;
    int rows = t ? *n : *m, columns = t ? *m : *n;
    for (int i = 0; i < rows; i++) {
        float sum = 0.0f;
        for (int j = 0; j < columns; j++) sum += v.x[i * v.row + j * v.column] * x[(ptrdiff_t)j * *incx];
        float *out = y + (ptrdiff_t)i * *incy;
        *out = *alpha * sum + (*beta == 0.0f ? 0.0f : *beta * *out);
    }
    return 0;
}

#define MISSING(name) \
    int name(...) { return missing(#name); }
MISSING(dgemm_)
MISSING(ssyrk_)
MISSING(ssyev_)
MISSING(dsyev_)
MISSING(sgesvd_)
MISSING(dgesvd_)
MISSING(sgeqrf_)
MISSING(sorgqr_)
MISSING(sgelsd_)
MISSING(sgetrf_)
MISSING(sgetri_)
MISSING(dgetrf_)
MISSING(dgetri_)
}
