/*
** sgemm_ and sgemv_ of tools/faiss/blas.cpp, which FAISS is built with, against a plain sum in double precision.
*/
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "tests/suites.h"

Suite *suite_blas(void);

int sgemm_(const char *transa, const char *transb, const int *m, const int *n, const int *k, const float *alpha, const float *a,
           const int *lda, const float *b, const int *ldb, const float *beta, float *c, const int *ldc);
int sgemv_(const char *trans, const int *m, const int *n, const float *alpha, const float *a, const int *lda, const float *x,
           const int *incx, const float *beta, float *y, const int *incy);

enum { LARGEST = 300 * 300 };

static float a[LARGEST], b[LARGEST], c[LARGEST], before[LARGEST];

static void fill(float *x, unsigned seed) {
    for (int i = 0; i < LARGEST; i++) {
        seed = seed * 1664525u + 1013904223u;
        x[i] = (float)(seed >> 8) / 8388608.0f - 1.0f;
    }
}

/* op(X)[row][column] of a column-major matrix. */
static double at(const float *x, char trans, int ld, int row, int column) {
    return (double)(trans == 'T' ? x[column + row * ld] : x[row + column * ld]);
}

static const struct {
    int m, n, k;
} SHAPES[] = {{1, 1, 1}, {32, 6, 256}, {33, 7, 257}, {200, 13, 300}, {5, 250, 3}, {192, 1, 64}, {193, 12, 31}};

static void compare(int m, int n, int k, char ta, char tb, float alpha, float beta) {
    int lda = 300, ldb = 300, ldc = 300;
    fill(a, 1), fill(b, 2), fill(c, 3), fill(before, 3);
    if (beta == 0.0f) c[0] = NAN; /* BLAS: beta 0 does not read C */
    sgemm_(&ta, &tb, &m, &n, &k, &alpha, a, &lda, b, &ldb, &beta, c, &ldc);
    for (int j = 0; j < n; j++)
        for (int i = 0; i < ldc; i++) {
            double want = (double)before[i + j * ldc];
            if (i < m) {
                double sum = 0.0;
                for (int p = 0; p < k; p++) sum += at(a, ta, lda, i, p) * at(b, tb, ldb, p, j);
                want = (double)alpha * sum + (beta == 0.0f ? 0.0 : (double)beta * want);
            }
            ck_assert_msg(fabs((double)c[i + j * ldc] - want) < 2e-4, "%c%c %dx%dx%d: C[%d][%d] is %g, not %g", ta, tb, m, n, k,
                          i, j, (double)c[i + j * ldc], want);
        }
}

START_TEST(sgemm_agrees_with_double_precision) {
    compare(SHAPES[_i].m, SHAPES[_i].n, SHAPES[_i].k, 'T', 'N', 1.0f, 0.0f);
    compare(SHAPES[_i].m, SHAPES[_i].n, SHAPES[_i].k, 'N', 'N', -2.0f, 1.0f);
    compare(SHAPES[_i].m, SHAPES[_i].n, SHAPES[_i].k, 'N', 'T', 0.5f, 0.0f);
    compare(SHAPES[_i].m, SHAPES[_i].n, SHAPES[_i].k, 'T', 'T', 1.0f, -0.5f);
}
END_TEST

START_TEST(sgemv_agrees_with_double_precision) {
    const int m = 37, n = 19, ld = 300, two = 2;
    const float alpha = 1.5f, beta = 0.25f;
    for (int t = 0; t < 2; t++) {
        char trans = t ? 'T' : 'N';
        int rows = t ? n : m, columns = t ? m : n;
        fill(a, 4), fill(b, 5), fill(c, 6), fill(before, 6);
        sgemv_(&trans, &m, &n, &alpha, a, &ld, b, &two, &beta, c, &two);
        for (int i = 0; i < rows; i++) {
            double sum = 0.0;
            for (int j = 0; j < columns; j++) sum += at(a, trans, ld, i, j) * (double)b[2 * j];
            ck_assert_double_eq_tol((double)c[2 * i], 1.5 * sum + 0.25 * (double)before[2 * i], 1e-4);
        }
    }
}
END_TEST

Suite *suite_blas(void) {
    Suite *suite = suite_create("blas");
    TCase *tests = tcase_create("blas");
    tcase_add_loop_test(tests, sgemm_agrees_with_double_precision, 0, (int)(sizeof SHAPES / sizeof *SHAPES));
    tcase_add_test(tests, sgemv_agrees_with_double_precision);
    suite_add_tcase(suite, tests);
    return suite;
}
