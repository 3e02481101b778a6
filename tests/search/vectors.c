/*
** Made-up vectors; see vectors.h.
*/
#include "tests/search/vectors.h"

#include <check.h>
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/half.h"
#include "search/rank.h"

#define CENTRES 50

/* splitmix64 (Steele et al. 2014) to -1..1 */
static float noise(uint64_t *state) {
    uint64_t z = (*state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return (float)(int32_t)((z ^ (z >> 31)) >> 32) / 2147483648.0f;
}

void vectors_make(float *x, uint16_t *halves, unsigned seed) {
    uint64_t centre = 1000003u * (1 + seed % CENTRES), own = (uint64_t)seed << 20;
    float sum = 0;
    for (int i = 0; i < VECTORS_DIM; i++) {
        x[i] = noise(&centre) + 0.6f * noise(&own);
        sum += x[i] * x[i];
    }
    for (int i = 0; i < VECTORS_DIM; i++) x[i] /= sqrtf(sum);
    if (halves) ps__halves_from_floats(halves, x, VECTORS_DIM);
}

static void name_of(char path[64], unsigned i) { snprintf(path, 64, "/photos/%u/%u.jpg", i / 1000, i); }

static void hash_of(uint8_t hash[16], unsigned i) { ps__store_hash(hash, &i, sizeof i); }

static void add_one(ps__store *store, int space, unsigned i) {
    ps__error err = {0};
    char path[64];
    float x[VECTORS_DIM];
    uint16_t halves[VECTORS_DIM];
    ps__photo photo = {.bytes = 1, .width = 4, .height = 3, .format = "jpeg"};
    ps__file_done done = {.stat = {.size = 1, .mtime_ns = 1000000001}, .photo = &photo, .halves = halves};
    name_of(path, i);
    hash_of(photo.hash, i);
    vectors_make(x, halves, i);
    int status = ps__store_file_add(&done.file, store, path, &done.stat, 0, &err);
    if (status == PS__OK) status = ps__store_file_done(store, space, "test-1", VECTORS_DIM, &done, &err);
    ck_assert_msg(status == PS__OK, "%s", err.text);
}

int vectors_add(unsigned from, unsigned to) {
    ps__error err = {0};
    int space;
    ps__store *store = library_open(PS__STORE_CREATE);
    ck_assert_msg(ps__store_use_model(&space, store, "test-1", VECTORS_SPACE, VECTORS_DIM, &err) == PS__OK, "%s", err.text);
    ck_assert_msg(ps__store_write(store, &err) == PS__OK, "%s", err.text);
    for (unsigned i = from; i < to; i++) add_one(store, space, i);
    ck_assert_msg(ps__store_commit(store, &err) == PS__OK, "%s", err.text);
    ps__store_close(store);
    return space;
}

int64_t vectors_photo(ps__store *store, unsigned i) {
    uint8_t hash[16];
    int64_t photo;
    hash_of(hash, i);
    return ps__store_photo_by_hash(&photo, store, hash, NULL) == PS__OK ? photo : 0;
}

void vectors_forget(unsigned from, unsigned to) {
    ps__error err = {0};
    char path[64];
    ps__store *store = library_open(PS__STORE_WRITE);
    for (unsigned i = from; i < to; i++) {
        name_of(path, i);
        ck_assert_msg(ps__store_forget(NULL, store, path, &err) == PS__OK, "%s", err.text);
    }
    ps__store_close(store);
}

ps__index *vectors_index(ps__store *store) {
    ps__error err = {0};
    ps__index *index;
    int space;
    ck_assert_msg(ps__store_find_space(&space, store, VECTORS_SPACE, VECTORS_DIM, &err) == PS__OK, "%s", err.text);
    ck_assert_msg(ps__index_new(&index, store, VECTORS_SPACE, space, VECTORS_DIM, NULL, &err) == PS__OK, "%s", err.text);
    return index;
}

void vectors_expect_found(ps__index *index, ps__store *store, unsigned from, unsigned to) {
    ps__error err = {0};
    for (unsigned i = from; i < to; i++) {
        float x[VECTORS_DIM];
        ps__candidate best;
        size_t count;
        vectors_make(x, NULL, i);
        ck_assert_msg(ps__index_search(&best, &count, index, store, x, 1, &err) == PS__OK, "%s", err.text);
        ck_assert_uint_eq(count, 1);
        ck_assert_msg(best.photo == vectors_photo(store, i), "photo %u was not found by its own vector", i);
        ck_assert_msg(fabsf(best.cosine - 1.0f) < 0.002f, "cosine %f", (double)best.cosine);
    }
}

/* All photos by brute force, from the vectors as they are stored. */
static ps__candidate *exact(const float *query, ps__store *store, unsigned from, unsigned to) {
    ps__candidate *all = calloc(to - from, sizeof *all);
    ck_assert_ptr_nonnull(all);
    for (unsigned i = from; i < to; i++) {
        float x[VECTORS_DIM];
        uint16_t halves[VECTORS_DIM];
        double sum = 0;
        vectors_make(x, halves, i);
        ps__halves_to_floats(x, halves, VECTORS_DIM);
        for (int k = 0; k < VECTORS_DIM; k++) sum += (double)x[k] * (double)query[k];
        all[i - from] = (ps__candidate){vectors_photo(store, i), (float)sum};
    }
    ps__rank_sort(all, to - from);
    return all;
}

double vectors_recall(ps__index *index, ps__store *store, unsigned from, unsigned to, size_t want, int queries) {
    ps__error err = {0};
    size_t hits = 0, count;
    ps__candidate *found = calloc(want, sizeof *found);
    ck_assert_ptr_nonnull(found);
    for (int q = 0; q < queries; q++) {
        float query[VECTORS_DIM];
        vectors_make(query, NULL, 1000000u + (unsigned)q);
        ps__candidate *truth = exact(query, store, from, to);
        ck_assert_msg(ps__index_search(found, &count, index, store, query, want, &err) == PS__OK, "%s", err.text);
        ck_assert_uint_eq(count, want < to - from ? want : to - from);
        for (size_t i = 0; i < count; i++)
            for (size_t k = 0; k < want; k++)
                if (found[i].photo == truth[k].photo) {
                    hits++;
                    ck_assert_msg(found[i].cosine == truth[k].cosine, "%.9g is not %.9g", (double)found[i].cosine,
                                  (double)truth[k].cosine);
                }
        free(truth);
    }
    free(found);
    return (double)hits / ((double)want * queries);
}

int vectors_files(char path[LIBRARY_PATH], const char *ending) {
    int n = 0;
    DIR *dir = opendir(library_dir);
    ck_assert_ptr_nonnull(dir);
    for (struct dirent *d; (d = readdir(dir)) != NULL;) {
        size_t length = strlen(d->d_name), end = strlen(ending);
        if (length < end || strcmp(d->d_name + length - end, ending) != 0) continue;
        if (path) snprintf(path, LIBRARY_PATH, "%.3000s/%.255s", library_dir, d->d_name);
        n++;
    }
    closedir(dir);
    return n;
}
