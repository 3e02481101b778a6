/*
** Makes a library of any number of photos that do not exist, to measure search: fill_library LIBRARY COUNT MODEL. The vectors lie
** around a thousand centres, as those of real galleries lie around their themes; every tenth photo has no date, every other one a
** position with a city, region and country, nine of ten a camera. Files lie in folders of 1,000, each hundredth photo has words.
** The same COUNT gives the same library.
*/
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/half.h"
#include "encoder/encoder.h"
#include "store/files.h"

enum { CENTRES = 1000, BATCH = 5000 };

static uint64_t state = 88172645463325252u;

/* xorshift64 (Marsaglia 2003), to -1 .. 1. */
static float noise(void) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (float)(int32_t)(state >> 32) / 2147483648.0f;
}

static void make_vector(uint16_t *halves, float *v, const float *centre, int dim) {
    float sum = 0.0f;
    for (int i = 0; i < dim; i++) {
        v[i] = centre[i] + 0.7f * noise();
        sum += v[i] * v[i];
    }
    for (int i = 0; i < dim; i++) v[i] /= sqrtf(sum);
    ps__halves_from_floats(halves, v, (size_t)dim);
}

static void make_photo(ps__photo *photo, long i) {
    long day = 10957 + i % 9000; /* from the year 2000 on */
    memset(photo, 0, sizeof *photo);
    ps__store_hash(photo->hash, &i, sizeof i);
    photo->bytes = 3000000;
    photo->width = 4000;
    photo->height = 3000;
    strcpy(photo->format, "jpeg");
    if (i % 10) {
        time_t seconds = (time_t)day * 86400 + i % 86400;
        struct tm parts;
        gmtime_r(&seconds, &parts);
        strftime(photo->taken, sizeof photo->taken, "%Y-%m-%dT%H:%M:%S", &parts);
        photo->taken_s = (int64_t)seconds;
    }
    if (i % 10 != 3) {
        strcpy(photo->make, i % 3 ? "Apple" : "NIKON CORPORATION");
        snprintf(photo->model, sizeof photo->model, i % 3 ? "iPhone %ld" : "NIKON D%ld", 5 + i / 5000 % 11);
    }
    if (i % 2) {
        photo->has_gps = 1;
        photo->latitude = 47.0 + (double)noise() * 5;
        photo->longitude = 11.0 + (double)noise() * 8;
    }
}

static int fill(ps__store *store, const ps__encoder_info *model, long count, ps__error *err) {
    int dim = model->dim, space, rc;
    float *centres = calloc((size_t)CENTRES * (size_t)dim, sizeof *centres), *v = calloc((size_t)dim, sizeof *v);
    uint16_t *halves = calloc((size_t)dim, sizeof *halves);
    if (!centres || !v || !halves) abort();
    for (long i = 0; i < (long)CENTRES * dim; i++) centres[i] = noise();
    rc = ps__store_use_model(&space, store, model->id, model->space, dim, err);
    for (long i = 0; rc == 0 && i < count; i++) {
        ps__photo photo;
        ps__file_stat st = {3000000, 1000000000 + i, i + 1, 1};
        ps__file_done done = {.stat = st, .photo = &photo, .halves = halves};
        char path[64];
        if (i % BATCH == 0) rc = ps__store_write(store, err);
        snprintf(path, sizeof path, "/nowhere/photos/%03ld/IMG_%07ld.jpg", i / 1000, i);
        make_photo(&photo, i);
        make_vector(halves, v, centres + (i * 7919 % CENTRES) * dim, dim);
        if (rc == 0) rc = ps__store_file_add(&done.file, store, path, &st, 0, err);
        if (rc == 0) rc = ps__store_file_done(store, space, model->id, dim, &done, err);
        if (rc == 0 && (i % BATCH == BATCH - 1 || i == count - 1)) rc = ps__store_commit(store, err);
    }
    free(centres);
    free(v);
    free(halves);
    return rc;
}

/* What the indexer finds out by other means than ps__photo, straight into the tables. */
static int add_facts(const char *folder) {
    char path[4096];
    sqlite3 *db = NULL;
    snprintf(path, sizeof path, "%.4000s/library.db", folder);
    int rc = sqlite3_open(path, &db);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db,
                          "BEGIN;"
                          "UPDATE photos SET taken_source = CASE id % 20 WHEN 1 THEN 6 WHEN 2 THEN 5 ELSE 1 END WHERE taken IS NOT NULL;"
                          "UPDATE photos SET city = 2900000 + abs(CAST(latitude * 9 AS INTEGER) * 31 + CAST(longitude * 9 AS INTEGER)),"
                          " region = 2800000 + abs(CAST(latitude AS INTEGER)), country = CASE WHEN latitude > 48 THEN 'DE' WHEN longitude > 9.5"
                          " THEN 'AT' ELSE 'CH' END WHERE latitude IS NOT NULL;"
                          "UPDATE photos SET flash = id % 7 = 0, rating = CASE WHEN id % 50 THEN NULL ELSE 1 + id / 50 % 5 END,"
                          " kinds = CASE WHEN id % 30 THEN 0 ELSE 1 END, look = id * 1181783497276652981;"
                          "INSERT INTO words(rowid, caption) SELECT id, 'sunset number ' || id FROM photos WHERE id % 100 = 7;"
                          "COMMIT",
                          NULL, NULL, NULL);
    if (rc != SQLITE_OK) fprintf(stderr, "fill_library: %s\n", sqlite3_errmsg(db));
    sqlite3_close(db);
    return rc == SQLITE_OK ? 0 : -1;
}

int main(int argc, char **argv) {
    ps__error err = {0};
    ps__encoder *encoder = NULL;
    ps__store *store = NULL;
    int rc;
    if (argc != 4) {
        fputs("usage: fill_library LIBRARY COUNT MODEL\n", stderr);
        return 2;
    }
    rc = ps__encoder_open(&encoder, argv[3], NULL, &err);
    if (rc == 0) rc = ps__store_open(&store, argv[1], PS__STORE_CREATE, &err);
    if (rc == 0) rc = fill(store, ps__encoder_about(encoder), atol(argv[2]), &err);
    if (rc != 0) fprintf(stderr, "fill_library: %s\n", err.text);
    ps__store_close(store);
    ps__encoder_free(encoder);
    if (rc == 0) rc = add_facts(argv[1]);
    return rc ? 3 : 0;
}
