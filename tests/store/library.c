/*
** Temporary libraries for tests.
*/
#include "tests/store/library.h"

#include <check.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/half.h"

char library_temp[LIBRARY_PATH];
char library_dir[LIBRARY_PATH];

void library_setup(void) {
    const char *tmp = getenv("TMPDIR");
    char pattern[LIBRARY_PATH - 64], *real;
    snprintf(pattern, sizeof pattern, "%s/photosearch-test-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(pattern));
    real = realpath(pattern, NULL);
    ck_assert_ptr_nonnull(real);
    snprintf(library_temp, sizeof library_temp, "%s", real);
    snprintf(library_dir, sizeof library_dir, "%.4000s/library", real);
    free(real);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where) {
    (void)st, (void)kind, (void)where;
    return remove(path);
}

void library_remove_tree(const char *path) { nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS); }

void library_teardown(void) {
    if (library_temp[0]) library_remove_tree(library_temp);
}

ps__store *library_open(unsigned flags) {
    ps__store *store;
    ps__error err = {0};
    int status = ps__store_open(&store, library_dir, flags, &err);
    ck_assert_msg(status == PS__OK, "%d %s", status, err.text);
    return store;
}

void library_vector(uint16_t halves[LIBRARY_DIM], const char *content) {
    for (int i = 0; i < LIBRARY_DIM; i++) halves[i] = ps__half_from_float((float)((unsigned char)content[0] + i) / 256);
}

int64_t library_add(ps__store *store, const char *path, const char *content) {
    ps__error err = {0};
    ps__photo photo = {.bytes = (int64_t)strlen(content), .width = 40, .height = 30, .format = "jpeg", .flash = -1};
    ps__file known;
    uint16_t halves[LIBRARY_DIM];
    int space;
    int64_t id;
    ps__store_hash(photo.hash, content, strlen(content));
    library_vector(halves, content);
    ps__file_done done = {.stat = {.size = photo.bytes, .mtime_ns = 1000000001}, .photo = &photo, .halves = halves};
    ck_assert_msg(ps__store_use_model(&space, store, "m-1", "s", LIBRARY_DIM, &err) == PS__OK, "%s", err.text);
    ck_assert_msg(ps__store_write(store, &err) == PS__OK, "%s", err.text);
    if (ps__store_file(&known, store, path, &err) == PS__OK)
        done.file = known.id;
    else
        ck_assert_msg(ps__store_file_add(&done.file, store, path, &done.stat, 0, &err) == PS__OK, "%s", err.text);
    ck_assert_msg(ps__store_file_done(store, space, "m-1", LIBRARY_DIM, &done, &err) == PS__OK, "%s", err.text);
    ck_assert_msg(ps__store_commit(store, &err) == PS__OK, "%s", err.text);
    ck_assert_int_eq(ps__store_photo_by_hash(&id, store, photo.hash, &err), PS__OK);
    return id;
}

int library_says(const char *text, const char *needle) { return strstr(text, needle) != NULL; }
