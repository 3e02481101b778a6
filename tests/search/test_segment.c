/*
** Segments: candidates by FAISS, and files that are either what was written or refused.
*/
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <errno.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/os.h"
#include "search/segment.h"
#include "tests/search/vectors.h"

Suite *suite_segment(void);

static char file[LIBRARY_PATH + 16];

static void setup(void) {
    library_setup();
    snprintf(file, sizeof file, "%s/segment", library_temp);
}

/* A segment of photos 1..n, photo i holding vector i. */
static ps__segment *make(unsigned n) {
    ps__error err = {0};
    ps__segment *segment;
    float *x = calloc(n, sizeof *x * VECTORS_DIM);
    int64_t *photos = calloc(n, sizeof *photos);
    ck_assert(x && photos);
    for (unsigned i = 0; i < n; i++) {
        vectors_make(x + i * VECTORS_DIM, NULL, i + 1);
        photos[i] = i + 1;
    }
    ck_assert_msg(ps__segment_new(&segment, VECTORS_DIM, n, &err) == PS__OK, "%s", err.text);
    size_t sample = ps__segment_sample(segment);
    ck_assert_uint_le(sample, n);
    ck_assert_msg(ps__segment_train(segment, x, sample, &err) == PS__OK, "%s", err.text);
    ck_assert_msg(ps__segment_add(segment, photos, x, n, &err) == PS__OK, "%s", err.text);
    ck_assert_uint_eq(ps__segment_count(segment), n);
    free(x);
    free(photos);
    return segment;
}

static uint64_t save(const ps__segment *segment) {
    ps__error err = {0};
    uint64_t checksum;
    ck_assert_msg(ps__segment_save(&checksum, segment, file, &err) == PS__OK, "%s", err.text);
    ck_assert_uint_ne(checksum, 0);
    return checksum;
}

static void expect_finds(const ps__segment *segment, unsigned photo) {
    float x[VECTORS_DIM];
    ps__candidate found[5];
    size_t count;
    vectors_make(x, NULL, photo);
    ck_assert_int_eq(ps__segment_search(found, &count, segment, x, 5, NULL), PS__OK);
    ck_assert_uint_ge(count, 1);
    ck_assert_int_eq(found[0].photo, photo);
    ck_assert(found[0].cosine > 0.98f && found[0].cosine < 1.02f);
    for (size_t i = 1; i < count; i++) ck_assert(found[i].cosine <= found[i - 1].cosine);
}

START_TEST(one_photo_makes_a_segment) {
    ps__segment *segment = make(1);
    expect_finds(segment, 1);
    ps__segment_free(segment);
}
END_TEST

START_TEST(a_loaded_segment_answers_like_the_one_that_was_saved) {
    ps__segment *segment = make(300), *loaded;
    uint64_t checksum = save(segment);
    ck_assert_int_eq(ps__segment_load(&loaded, file, VECTORS_DIM, checksum, NULL), PS__OK);
    ck_assert_uint_eq(ps__segment_count(loaded), 300);
    for (unsigned i = 1; i <= 300; i += 7) {
        float x[VECTORS_DIM];
        ps__candidate a[10], b[10];
        size_t na, nb;
        vectors_make(x, NULL, i);
        ck_assert_int_eq(ps__segment_search(a, &na, segment, x, 10, NULL), PS__OK);
        ck_assert_int_eq(ps__segment_search(b, &nb, loaded, x, 10, NULL), PS__OK);
        ck_assert_uint_eq(na, 10);
        ck_assert_uint_eq(nb, 10);
        for (int k = 0; k < 10; k++) ck_assert(a[k].photo == b[k].photo && a[k].cosine == b[k].cosine);
    }
    ps__segment_free(segment);
    ps__segment_free(loaded);
}
END_TEST

START_TEST(the_same_vectors_make_the_same_file) {
    ps__segment *a = make(300), *b = make(300);
    ck_assert_uint_eq(save(a), save(b));
    ps__segment_free(a);
    ps__segment_free(b);
}
END_TEST

START_TEST(a_large_segment_is_searched_by_lists) {
    enum { N = 17000 };
    ps__segment *segment = make(N);
    static int64_t photos[N];
    static char seen[N + 1];
    expect_finds(segment, 1);
    expect_finds(segment, 9999);
    expect_finds(segment, N);
    ps__segment_photos(photos, segment);
    for (int i = 0; i < N; i++) {
        ck_assert(photos[i] >= 1 && photos[i] <= N && !seen[photos[i]]);
        seen[photos[i]] = 1;
    }
    ps__segment_free(segment);
}
END_TEST

START_TEST(asking_for_more_than_there_is_gives_what_there_is) {
    ps__segment *segment = make(3);
    float x[VECTORS_DIM];
    ps__candidate found[50];
    size_t count;
    vectors_make(x, NULL, 1);
    ck_assert_int_eq(ps__segment_search(found, &count, segment, x, 50, NULL), PS__OK);
    ck_assert_uint_eq(count, 3);
    ps__segment_free(segment);
}
END_TEST

static uint8_t *contents(size_t *size) {
    uint8_t *bytes;
    ck_assert_int_eq(ps__read_file(&bytes, size, NULL, file, 1 << 24, NULL), PS__OK);
    return bytes;
}

/* 1 when the codes give a bound for each of the segment's photos, 0 when they are not trusted and give none. */
static int codes_are_trusted(const ps__segment *segment) {
    float x[VECTORS_DIM];
    ps__bounds bounds = {0};
    ps__code_query *query;
    const ps__probe probe = {x, 1, 0};
    size_t finite = 0;
    vectors_make(x, NULL, 3);
    ck_assert_int_eq(ps__code_query_new(&query, &probe, 1, VECTORS_DIM, NULL), PS__OK);
    ck_assert_int_eq(ps__segment_bounds(&bounds, segment, query, NULL, 0, NULL), PS__OK);
    ck_assert_uint_eq(bounds.count, ps__segment_count(segment));
    for (size_t i = 0; i < bounds.count; i++) finite += isfinite(bounds.list[i].most) != 0;
    ck_assert(finite == 0 || finite == bounds.count);
    ps__code_query_free(query);
    ps__free(bounds.list);
    return finite > 0;
}

START_TEST(any_damaged_byte_is_noticed) {
    ps__segment *segment = make(60), *loaded;
    ps__error err = {0};
    uint64_t checksum = save(segment);
    size_t size, trailer = 64, codes = 60 * (20 + VECTORS_DIM), tolerated = 0;
    uint8_t *bytes = contents(&size);
    ck_assert(codes_are_trusted(segment));
    for (size_t i = 0; i < size; i += i < 400 || i + 80 > size ? 1 : 41) {
        bytes[i] ^= 0x40;
        ck_assert_int_eq(ps__write_file(file, bytes, size, NULL), PS__OK);
        int status = ps__segment_load(&loaded, file, VECTORS_DIM, checksum, &err);
        if (i >= size - trailer - codes && i < size - trailer) { /* the codes are looked at when they are used */
            ck_assert_msg(status == PS__OK, "byte %zu: %s", i, err.text);
            ck_assert_msg(!codes_are_trusted(loaded), "byte %zu", i);
            ps__segment_free(loaded);
            tolerated++;
        } else {
            ck_assert_msg(status == PS__CORRUPT, "byte %zu", i);
            ck_assert_ptr_null(loaded);
        }
        bytes[i] ^= 0x40;
    }
    ck_assert_uint_gt(tolerated, 20);
    ps__free(bytes);
    ps__segment_free(segment);
}
END_TEST

static double cosine(const float *a, const float *b) {
    double sum = 0;
    for (int i = 0; i < VECTORS_DIM; i++) sum += (double)a[i] * (double)b[i];
    return sum;
}

START_TEST(bounds_hold_and_are_near) {
    enum { N = 500 };
    ps__segment *segment = make(N), *loaded;
    int64_t some[] = {0, 1, 2, 77, 78, 400, N, N + 5};
    float x[3][VECTORS_DIM], y[VECTORS_DIM];
    ps__code_query *query;
    for (unsigned i = 0; i < 3; i++) vectors_make(x[i], NULL, 900000 + i);
    const ps__probe probes[] = {{x[0], 1.5, 0}, {x[1], 1.5, 0}, {x[2], -2.5, 1}};
    ck_assert_int_eq(ps__segment_load(&loaded, file, VECTORS_DIM, save(segment), NULL), PS__OK);
    ck_assert_int_eq(ps__code_query_new(&query, probes, 3, VECTORS_DIM, NULL), PS__OK);
    for (int round = 0; round < 3; round++) {
        ps__bounds bounds = {0};
        const ps__segment *from = round == 1 ? segment : loaded;
        ck_assert_int_eq(ps__segment_bounds(&bounds, from, query, round == 2 ? some : NULL, sizeof some / sizeof *some, NULL), PS__OK);
        ck_assert_uint_eq(bounds.count, round == 2 ? 6 : N);
        for (size_t i = 0; i < bounds.count; i++) {
            vectors_make(y, NULL, (unsigned)bounds.list[i].photo);
            double score = 1.5 * fmax(cosine(x[0], y), cosine(x[1], y)) - 2.5 * cosine(x[2], y);
            ck_assert_msg(bounds.list[i].most >= score && bounds.list[i].most < score + 0.1, "photo %lld: %f for %f",
                          (long long)bounds.list[i].photo, bounds.list[i].most, score);
        }
        ps__bounds_heap(&bounds);
        double before = INFINITY;
        while (bounds.count) {
            ps__bound top = ps__bounds_pop(&bounds);
            ck_assert(top.most <= before);
            before = top.most;
        }
        ps__free(bounds.list);
    }
    ps__code_query_free(query);
    ps__segment_free(segment);
    ps__segment_free(loaded);
}
END_TEST

START_TEST(photos_in_no_order_have_no_codes_and_are_known_all_the_same) {
    static const int64_t photos[] = {5, 3, 9};
    ps__segment *segment, *loaded;
    float x[3 * VECTORS_DIM];
    for (unsigned i = 0; i < 3; i++) vectors_make(x + i * VECTORS_DIM, NULL, i);
    ck_assert_int_eq(ps__segment_new(&segment, VECTORS_DIM, 3, NULL), PS__OK);
    ck_assert_int_eq(ps__segment_train(segment, x, 3, NULL), PS__OK);
    ck_assert_int_eq(ps__segment_add(segment, photos, x, 3, NULL), PS__OK);
    ck_assert(!codes_are_trusted(segment));
    ck_assert_int_eq(ps__segment_load(&loaded, file, VECTORS_DIM, save(segment), NULL), PS__OK);
    ck_assert(!codes_are_trusted(loaded));
    ps__segment_free(segment);
    ps__segment_free(loaded);
}
END_TEST

START_TEST(a_truncated_or_lengthened_file_is_refused) {
    ps__segment *segment = make(60), *loaded;
    uint64_t checksum = save(segment);
    size_t size;
    uint8_t *bytes = contents(&size);
    const size_t lengths[] = {0, 1, 63, 64, 65, size / 2, size - 1};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        ck_assert_int_eq(truncate(file, (off_t)lengths[i]), 0);
        ck_assert_int_eq(ps__segment_load(&loaded, file, VECTORS_DIM, checksum, NULL), PS__CORRUPT);
        ck_assert_int_eq(ps__write_file(file, bytes, size, NULL), PS__OK);
    }
    ck_assert_int_eq(truncate(file, (off_t)size + 1), 0);
    ck_assert_int_eq(ps__segment_load(&loaded, file, VECTORS_DIM, checksum, NULL), PS__CORRUPT);
    ps__free(bytes);
    ps__segment_free(segment);
}
END_TEST

START_TEST(another_segment_or_another_length_is_refused) {
    ps__segment *a = make(60), *b = make(61), *loaded;
    uint64_t first = save(a), second = save(b);
    ck_assert_uint_ne(first, second);
    ck_assert_int_eq(ps__segment_load(&loaded, file, VECTORS_DIM, first, NULL), PS__CORRUPT);
    ck_assert_int_eq(ps__segment_load(&loaded, file, VECTORS_DIM * 2, second, NULL), PS__CORRUPT);
    ck_assert_int_eq(ps__segment_load(&loaded, file, VECTORS_DIM, second, NULL), PS__OK);
    ps__segment_free(loaded);
    ps__segment_free(a);
    ps__segment_free(b);
}
END_TEST

START_TEST(what_is_not_a_file_is_refused) {
    ps__segment *loaded;
    ck_assert_int_eq(ps__segment_load(&loaded, file, VECTORS_DIM, 1, NULL), PS__NOTFOUND);
    ck_assert_int_eq(mkdir(file, 0700), 0);
    ck_assert_int_ne(ps__segment_load(&loaded, file, VECTORS_DIM, 1, NULL), PS__OK);
    ck_assert_int_eq(rmdir(file), 0);
    ck_assert_int_eq(mkfifo(file, 0600), 0);
    ck_assert_int_eq(ps__segment_load(&loaded, file, VECTORS_DIM, 1, NULL), PS__CORRUPT);
}
END_TEST

static int writes_left;

static ssize_t full_disk(int fd, const void *bytes, size_t size) {
    if (writes_left-- > 0) return write(fd, bytes, size < 100 ? size : 100); /* short writes are allowed */
    errno = ENOSPC;
    return -1;
}

START_TEST(a_full_disk_is_an_error_and_leaves_no_file) {
    ps__segment *segment = make(60);
    ps__error err = {0};
    uint64_t checksum;
    ps__os.write = full_disk;
    for (int n = 0; n < 40; n += 3) {
        writes_left = n;
        int status = ps__segment_save(&checksum, segment, file, &err);
        if (status == PS__OK) break;
        ck_assert_int_eq(status, PS__FULL);
        ck_assert_ptr_nonnull(strstr(err.text, "segment"));
        ck_assert_int_ne(access(file, F_OK), 0);
    }
    ps__os_reset();
    ps__segment_free(segment);
}
END_TEST

START_TEST(running_out_of_memory_is_an_error) {
    ps__segment *segment = make(60), *loaded;
    float x[VECTORS_DIM];
    ps__candidate found[5];
    size_t count;
    uint64_t checksum = save(segment);
    vectors_make(x, NULL, 1);
    for (long n = 0; n < 2; n++) {
        ps__alloc_fail_after(n, 1);
        ck_assert_int_eq(ps__segment_search(found, &count, segment, x, 5, NULL), PS__NOMEM);
        ps__alloc_fail_after(-1, 0);
    }
    ps__alloc_fail_after(0, 1);
    ck_assert_int_eq(ps__segment_load(&loaded, file, VECTORS_DIM, checksum, NULL), PS__NOMEM);
    ck_assert_int_eq(ps__segment_new(&loaded, VECTORS_DIM, 5, NULL), PS__NOMEM);
    ps__alloc_fail_after(-1, 0);
    ps__segment_free(segment);
}
END_TEST

Suite *suite_segment(void) {
    Suite *suite = suite_create("segment");
    TCase *searching = tcase_create("searching"), *files = tcase_create("files");
    tcase_add_checked_fixture(searching, setup, library_teardown);
    tcase_add_test(searching, one_photo_makes_a_segment);
    tcase_add_test(searching, a_loaded_segment_answers_like_the_one_that_was_saved);
    tcase_add_test(searching, the_same_vectors_make_the_same_file);
    tcase_add_test(searching, a_large_segment_is_searched_by_lists);
    tcase_add_test(searching, asking_for_more_than_there_is_gives_what_there_is);
    tcase_add_test(searching, bounds_hold_and_are_near);
    tcase_add_test(searching, photos_in_no_order_have_no_codes_and_are_known_all_the_same);
    tcase_add_checked_fixture(files, setup, library_teardown);
    tcase_add_test(files, any_damaged_byte_is_noticed);
    tcase_add_test(files, a_truncated_or_lengthened_file_is_refused);
    tcase_add_test(files, another_segment_or_another_length_is_refused);
    tcase_add_test(files, what_is_not_a_file_is_refused);
    tcase_add_test(files, a_full_disk_is_an_error_and_leaves_no_file);
    tcase_add_test(files, running_out_of_memory_is_an_error);
    suite_add_tcase(suite, searching);
    suite_add_tcase(suite, files);
    return suite;
}
