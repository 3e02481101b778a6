/*
** Drafts of packages: what is declared stands in the file, INT8 rows are near to what was made, and what cannot be written leaves nothing.
*/
#include <check.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/os.h"
#include "encoder/encoder.h"
#include "encoder/import/draft.h"
#include "encoder/import/quantise.h"
#include "encoder/package/package.h"
#include "tests/suites.h"

static char folder[4096], path[4200];

static void make_folder(void) {
    const char *tmp = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/photosearch-draft-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/made.safetensors", folder);
}

static void remove_folder(void) {
    unlink(path);
    ck_assert_int_eq(rmdir(folder), 0); /* nothing else was left in it */
}

/* Values of a tensor: a wave of the row and column, so that every entry is another. */
typedef struct wave {
    int64_t columns;
    float height;
    int64_t bad; /* entry that is no number; -1: none */
    int pieces;  /* unused by the fill: the draft keeps a copy of this struct */
} wave;

static float wave_at(const wave *w, int64_t entry) { return w->height * sinf((float)entry * 0.37f + 0.1f); }

static int fill_wave(float *out, int64_t first, int64_t count, void *ctx, ps__error *err) {
    const wave *w = ctx;
    (void)err;
    for (int64_t i = 0; i < count * w->columns; i++) {
        int64_t entry = first * w->columns + i;
        out[i] = entry == w->bad ? NAN : wave_at(w, entry);
    }
    return PS__OK;
}

static int fill_failure(float *out, int64_t first, int64_t count, void *ctx, ps__error *err) {
    (void)out, (void)first, (void)count, (void)ctx;
    return ps__fail(err, PS__CORRUPT, "the source is damaged");
}

static void add_wave(ps__draft *d, const char *name, int store, int64_t rows, int64_t columns, float height) {
    const int64_t shape[2] = {rows, columns};
    const wave w = {columns, height, -1, 0};
    ck_assert_int_eq(
        ps__draft_add(d, name, store, columns > 1 || store == PS__STORE_LAYER ? 2 : 1, shape, fill_wave, &w, sizeof w, NULL),
        PS__OK);
}

static ps__draft *small_draft(void) {
    ps__draft *d = ps__draft_new();
    static const uint8_t words[] = "one\ntwo\n";
    static const int32_t starts[] = {0, 4, 8};
    ck_assert_int_eq(ps__draft_meta(d, "name", "small", NULL), PS__OK);
    add_wave(d, "a.weight", PS__STORE_LAYER, 48, 33, 2);
    add_wave(d, "a.bias", PS__STORE_FLOAT, 48, 1, 1);
    add_wave(d, "b.weight", PS__STORE_LAYER, 16, 48, 0.01f);
    add_wave(d, "table", PS__STORE_FLOAT, 5, 7, 3);
    ck_assert_int_eq(ps__draft_add_bytes(d, "vocab", PS__U8, sizeof words - 1, words, NULL), PS__OK);
    ck_assert_int_eq(ps__draft_add_bytes(d, "vocab.start", PS__I32, 3, starts, NULL), PS__OK);
    return d;
}

static ps__package *written(ps__draft *d, int precision) {
    ps__error err = {0};
    ps__package *p;
    ck_assert_msg(ps__draft_write(d, path, precision, NULL, NULL, &err) == PS__OK, "%s", err.text);
    ck_assert_msg(ps__package_open(&p, path, &err) == PS__OK, "%s", err.text);
    ck_assert_msg(ps__package_check(p, &err) == PS__OK, "%s", err.text); /* the checksum is there and right */
    ck_assert_ptr_nonnull(ps__package_meta(p, "checksum"));
    return p;
}

static const ps__tensor *need(const ps__package *p, const char *name, int type, int rank, int64_t rows, int64_t columns) {
    const int64_t shape[2] = {rows, columns};
    const ps__tensor *t = NULL;
    ps__error err = {0};
    ck_assert_msg(ps__package_need(&t, p, type, rank, shape, &err, "%s", name) == PS__OK, "%s", err.text);
    return t;
}

/* Largest distance of levels * scale from the wave, in steps of the row's scale. */
static double worst_step(const ps__package *p, const char *name, int64_t rows, int64_t columns, float height) {
    char weight[64], scale[64];
    snprintf(weight, sizeof weight, "%s.weight", name);
    snprintf(scale, sizeof scale, "%s.scale", name);
    const int8_t *w = need(p, weight, PS__I8, 2, rows, columns)->data;
    const float *s = need(p, scale, PS__F32, 1, rows, 0)->data;
    const wave from = {columns, height, -1, 0};
    double worst = 0;
    for (int64_t i = 0; i < rows * columns; i++) {
        double off = fabs((double)(w[i] * s[i / columns]) - (double)wave_at(&from, i)) / (double)s[i / columns];
        if (off > worst) worst = off;
    }
    return worst;
}

START_TEST(what_is_declared_stands_in_the_file) {
    ps__draft *d = small_draft();
    ps__package *p = written(d, PS__PRECISION_INT8);
    const float *table = need(p, "table", PS__F32, 2, 5, 7)->data, *bias = need(p, "a.bias", PS__F32, 1, 48, 0)->data;
    const wave of_table = {7, 3, -1, 0}, of_bias = {1, 1, -1, 0};
    for (int i = 0; i < 35; i++) ck_assert(table[i] == wave_at(&of_table, i));
    for (int i = 0; i < 48; i++) ck_assert(bias[i] == wave_at(&of_bias, i));
    ck_assert_double_le(worst_step(p, "a", 48, 33, 2), 0.501);
    ck_assert_double_le(worst_step(p, "b", 16, 48, 0.01f), 0.501);
    ck_assert_mem_eq(need(p, "vocab", PS__U8, 1, 8, 0)->data, "one\ntwo\n", 8);
    ck_assert_int_eq(((const int32_t *)need(p, "vocab.start", PS__I32, 1, 3, 0)->data)[2], 8);
    ck_assert_str_eq(ps__package_meta(p, "name"), "small");
    ck_assert_str_eq(ps__package_meta(p, "photosearch.format"), "2");
    ps__package_free(p);
    ps__draft_free(d);
}
END_TEST

START_TEST(layers_may_stay_float) {
    ps__draft *d = small_draft();
    const wave of_a = {33, 2, -1, 0}, of_b = {48, 0.01f, -1, 0};
    ck_assert_int_eq(ps__draft_keep_float(d, "a", NULL), PS__OK);
    ck_assert_int_eq(ps__draft_keep_float(d, "c", NULL), PS__INVALID);
    ps__package *p = written(d, PS__PRECISION_INT8);
    const float *a = need(p, "a.weight", PS__F32, 2, 48, 33)->data;
    for (int i = 0; i < 48 * 33; i++) ck_assert(a[i] == wave_at(&of_a, i));
    ck_assert_ptr_null(ps__package_find(p, "a.scale"));
    ck_assert_double_le(worst_step(p, "b", 16, 48, 0.01f), 0.501);
    ps__package_free(p);
    p = written(d, PS__PRECISION_FLOAT); /* the same draft again, wholly in float */
    const float *b = need(p, "b.weight", PS__F32, 2, 16, 48)->data;
    for (int i = 0; i < 16 * 48; i++) ck_assert(b[i] == wave_at(&of_b, i));
    ps__package_free(p);
    ps__draft_free(d);
}
END_TEST

START_TEST(layers_may_be_fine) {
    ps__draft *d = small_draft();
    const wave of_a = {33, 2, -1, 0};
    ck_assert_int_eq(ps__draft_keep_fine(d, "a", NULL), PS__OK);
    ck_assert_int_eq(ps__draft_keep_fine(d, "c", NULL), PS__INVALID);
    ps__package *p = written(d, PS__PRECISION_INT8);
    const int8_t *level = need(p, "a.weight", PS__I8, 2, 48, 33)->data, *fine = need(p, "a.fine", PS__I8, 2, 48, 33)->data;
    const float *scale = need(p, "a.scale", PS__F32, 1, 48, 0)->data;
    for (int i = 0; i < 48 * 33; i++) {
        double step = (double)scale[i / 33], near = step * (level[i] + fine[i] / 254.0);
        ck_assert_double_le(fabs(near - (double)wave_at(&of_a, i)), step * 0.0021);
    }
    ck_assert_ptr_null(ps__package_find(p, "b.fine"));
    ck_assert_double_le(worst_step(p, "b", 16, 48, 0.01f), 0.501);
    ps__package_free(p);
    p = written(d, PS__PRECISION_FLOAT);
    ck_assert_ptr_null(ps__package_find(p, "a.fine"));
    ps__package_free(p);
    ps__draft_free(d);
}
END_TEST

START_TEST(rows_may_be_cut) {
    ps__draft *d = small_draft();
    const wave of_b = {48, 0.01f, -1, 0};
    ck_assert_int_eq(ps__draft_cut_rows(d, "a", 16, NULL), PS__OK); /* 33 columns: they stay whole */
    ck_assert_int_eq(ps__draft_cut_rows(d, "b", 16, NULL), PS__OK);
    ck_assert_int_eq(ps__draft_cut_rows(d, "c", 16, NULL), PS__INVALID);
    ps__package *p = written(d, PS__PRECISION_INT8);
    ck_assert_double_le(worst_step(p, "a", 48, 33, 2), 0.501);
    const int8_t *b = need(p, "b.weight", PS__I8, 2, 16, 48)->data;
    const float *scale = need(p, "b.scale", PS__F32, 2, 16, 3)->data;
    for (int i = 0; i < 16 * 48; i++)
        ck_assert_float_le(fabsf((float)b[i] * scale[i / 16] - wave_at(&of_b, i)), 0.501f * scale[i / 16]);
    ps__package_free(p);
    ps__draft_free(d);
}
END_TEST

START_TEST(factors_move_between_columns_and_divisors) {
    ps__draft *d = small_draft();
    float columns[33], divisor[48];
    const wave of_a = {33, 2, -1, 0}, of_bias = {1, 1, -1, 0};
    for (int i = 0; i < 33; i++) columns[i] = 1 + (float)i;
    for (int i = 0; i < 48; i++) divisor[i] = 2;
    ck_assert_int_eq(ps__draft_scale_columns(d, "a", columns, 33, NULL), PS__OK);
    ck_assert_int_eq(ps__draft_scale_columns(d, "a", columns, 32, NULL), PS__INVALID);
    ck_assert_int_eq(ps__draft_divide(d, "a.bias", divisor, 48, NULL), PS__OK);
    ck_assert_int_eq(ps__draft_divide(d, "a.weight", divisor, 48, NULL), PS__INVALID);
    ps__package *p = written(d, PS__PRECISION_FLOAT);
    const float *a = need(p, "a.weight", PS__F32, 2, 48, 33)->data, *bias = need(p, "a.bias", PS__F32, 1, 48, 0)->data;
    for (int i = 0; i < 48 * 33; i++) ck_assert(a[i] == wave_at(&of_a, i) * columns[i % 33]);
    for (int i = 0; i < 48; i++) ck_assert(bias[i] == wave_at(&of_bias, i) / 2);
    ps__package_free(p);
    ps__draft_free(d);
}
END_TEST

/* More than a piece: rows come in several calls, and all of them arrive. */
START_TEST(large_tensors_come_in_pieces) {
    ps__draft *d = ps__draft_new();
    const int64_t rows = 9000, columns = 1000;
    add_wave(d, "large", PS__STORE_FLOAT, rows, columns, 1);
    ps__package *p = written(d, PS__PRECISION_INT8);
    const float *large = need(p, "large", PS__F32, 2, rows, columns)->data;
    const wave of_large = {columns, 1, -1, 0};
    for (int64_t i = 0; i < rows * columns; i += 997) ck_assert(large[i] == wave_at(&of_large, i));
    ck_assert(large[rows * columns - 1] == wave_at(&of_large, rows * columns - 1));
    ps__package_free(p);
    ps__draft_free(d);
}
END_TEST

START_TEST(what_cannot_be_declared_is_refused) {
    ps__draft *d = small_draft();
    const int64_t huge[2] = {INT64_C(1) << 40, 4}, fine[2] = {4, 4}, none[1] = {0}, wide[2] = {1, PS__DRAFT_PIECE + 1};
    ps__error err = {0};
    ck_assert_int_eq(ps__draft_add(d, "wide", PS__STORE_FLOAT, 2, wide, fill_wave, NULL, 0, &err), PS__MODEL);
    ck_assert_ptr_nonnull(strstr(err.text, "too long"));
    ck_assert_int_eq(ps__draft_add(d, "table", PS__STORE_FLOAT, 2, fine, fill_wave, NULL, 0, &err), PS__MODEL);
    ck_assert_ptr_nonnull(strstr(err.text, "twice"));
    ck_assert_int_eq(ps__draft_add(d, "huge", PS__STORE_FLOAT, 2, huge, fill_wave, NULL, 0, &err), PS__MODEL);
    ck_assert_int_eq(ps__draft_add(d, "none", PS__STORE_FLOAT, 1, none, fill_wave, NULL, 0, &err), PS__MODEL);
    ck_assert_int_eq(ps__draft_add(d, "layer", PS__STORE_LAYER, 2, fine, fill_wave, NULL, 0, &err), PS__MODEL);
    ps__draft_free(d);
}
END_TEST

static int stop_at_once(double done, void *payload) {
    (void)done, (void)payload;
    return 1;
}

static ssize_t full_disk(int fd, const void *bytes, size_t size, off_t offset) {
    (void)fd, (void)bytes, (void)size, (void)offset;
    errno = ENOSPC;
    return -1;
}

/* Each way in which writing ends early leaves neither the file nor a part of it; remove_folder looks. */
START_TEST(a_failed_write_leaves_nothing) {
    ps__draft *d = small_draft();
    const int64_t shape[1] = {3};
    const wave broken = {1, 1, 2, 0};
    ps__error err = {0};
    ck_assert_int_eq(ps__draft_write(d, path, PS__PRECISION_INT8, stop_at_once, NULL, &err), PS__CANCELLED);
    ps__os.pwrite = full_disk;
    ck_assert_int_eq(ps__draft_write(d, path, PS__PRECISION_INT8, NULL, NULL, &err), PS__FULL);
    ps__os.pwrite = pwrite;
    ck_assert_int_eq(ps__draft_add(d, "nan", PS__STORE_FLOAT, 1, shape, fill_wave, &broken, sizeof broken, &err), PS__OK);
    ck_assert_int_eq(ps__draft_write(d, path, PS__PRECISION_INT8, NULL, NULL, &err), PS__MODEL);
    ck_assert_ptr_nonnull(strstr(err.text, "nan"));
    ps__draft_free(d);
    d = ps__draft_new();
    ck_assert_int_eq(ps__draft_add(d, "x", PS__STORE_FLOAT, 1, shape, fill_failure, NULL, 0, &err), PS__OK);
    ck_assert_int_eq(ps__draft_write(d, path, PS__PRECISION_INT8, NULL, NULL, &err), PS__CORRUPT);
    ps__draft_free(d);
}
END_TEST

START_TEST(every_failed_allocation_is_told) {
    for (long n = 0;; n++) {
        ps__error err = {0};
        ps__alloc_fail_after(-1, 0);
        ps__draft *d = small_draft();
        ps__alloc_fail_after(n, 0);
        int status = ps__draft_write(d, path, PS__PRECISION_INT8, NULL, NULL, &err);
        long left = ps__alloc_fail_left();
        ps__alloc_fail_after(-1, 0);
        ps__draft_free(d);
        if (left >= 0) {
            ck_assert_int_eq(status, PS__OK);
            break;
        }
        ck_assert_int_eq(status, PS__NOMEM);
    }
}
END_TEST

/* ---- Rows ---- */

START_TEST(the_greatest_magnitude_is_level_127) {
    const float row[5] = {0.5f, -2, 1, 0.008f, 0};
    int8_t levels[5];
    ck_assert(ps__quantise_row(levels, row, 5) == 2.0f / 127);
    ck_assert_int_eq(levels[0], 32); /* 31.75 */
    ck_assert_int_eq(levels[1], -127);
    ck_assert_int_eq(levels[2], 64); /* 63.5: ties to even */
    ck_assert_int_eq(levels[3], 1);
    ck_assert_int_eq(levels[4], 0);
}
END_TEST

START_TEST(rows_of_zeros_have_no_scale) {
    float row[20] = {0};
    int8_t levels[20] = {1};
    ck_assert(ps__quantise_row(levels, row, 20) == 0.0f);
    for (int i = 0; i < 20; i++) ck_assert_int_eq(levels[i], 0);
    row[3] = 1e-40f; /* too small for a scale to be its 127th part */
    ck_assert(ps__quantise_row(levels, row, 20) == 0.0f);
}
END_TEST

Suite *suite_draft(void) {
    Suite *s = suite_create("draft");
    TCase *t = tcase_create("files");
    tcase_add_checked_fixture(t, make_folder, remove_folder);
    tcase_add_test(t, what_is_declared_stands_in_the_file);
    tcase_add_test(t, layers_may_stay_float);
    tcase_add_test(t, layers_may_be_fine);
    tcase_add_test(t, rows_may_be_cut);
    tcase_add_test(t, factors_move_between_columns_and_divisors);
    tcase_add_test(t, large_tensors_come_in_pieces);
    tcase_add_test(t, what_cannot_be_declared_is_refused);
    tcase_add_test(t, a_failed_write_leaves_nothing);
    tcase_add_test(t, every_failed_allocation_is_told);
    suite_add_tcase(s, t);
    t = tcase_create("rows");
    tcase_add_test(t, the_greatest_magnitude_is_level_127);
    tcase_add_test(t, rows_of_zeros_have_no_scale);
    suite_add_tcase(s, t);
    return s;
}
