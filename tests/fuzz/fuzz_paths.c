/*
** Fuzzes file names in the library: names may be any bytes but '/' and 0. Files are recorded under the paths that the input holds;
** those at or below the first one must be found there, and no others, and all must come back byte for byte.
*/
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "base/os.h"
#include "indexer/run.h"
#include "store/files.h"
#include "tests/fuzz/folder.h"

#define MOST 8     /* paths of an input */
#define LENGTH 300 /* bytes of one with its 0 */

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

typedef struct listing {
    char paths[MOST][LENGTH];
    int64_t ids[MOST];
    int count;
    int seen; /* how many the library gave back */
} listing;

static ps__store *store;

static void close_store(void) { ps__store_close(store); }

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    ps__error err;
    (void)argc, (void)argv;
    fuzz_folder_make();
    sqlite3_test_control(SQLITE_TESTCTRL_PRNG_SEED, 1, (sqlite3 *)0);
    if (ps__store_open(&store, fuzz_folder, PS__STORE_CREATE, &err)) abort();
    return atexit(close_store);
}

/* Absolute, without trailing slashes, as the scan makes them: the input's parts between 0 bytes. */
static void read_paths(listing *l, const char *bytes, size_t size) {
    for (size_t at = 0; at < size && l->count < MOST;) {
        size_t length = strnlen(bytes + at, size - at);
        char *path = l->paths[l->count];
        size_t used = length < LENGTH - 2 ? length : LENGTH - 2;
        path[0] = '/';
        memcpy(path + 1, bytes + at, used);
        for (used++; used > 1 && path[used - 1] == '/'; used--) {}
        path[used] = 0;
        int doubled = l->count > 0 && used == 1; /* no file has the path "/", but a root has */
        for (int i = 0; i < l->count; i++) doubled |= !strcmp(l->paths[i], path);
        l->count += !doubled;
        at += length + 1;
    }
}

static int see(const ps__file *file, const char *path, void *payload) {
    listing *l = payload;
    for (int i = 0; i < l->count; i++)
        if (l->ids[i] == file->id && !strcmp(l->paths[i], path)) {
            if (!ps__path_below(path, l->paths[0])) abort();
            l->seen++;
            return 0;
        }
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    static const ps__file_stat st = {.size = 1, .mtime_ns = 1};
    static listing l;
    ps__error err;
    ps__file file;
    int below = 0;
    ps__work_place place = {0};
    int64_t waiting;
    memset(&l, 0, sizeof l);
    read_paths(&l, (const char *)bytes, size);
    if (!l.count) return 0;
    if (ps__store_write(store, &err)) abort();
    for (int i = 0; i < l.count; i++) {
        if (ps__store_file_add(&l.ids[i], store, l.paths[i], &st, 0, &err)) abort();
        below += ps__path_below(l.paths[i], l.paths[0]);
    }
    if (ps__store_each_file(store, l.paths[0], see, &l, &err) || l.seen != below) abort();
    l.seen = 0;
    if (ps__store_each_work(store, PS__WORK_PENDING, 1, l.paths[0], &place, MOST, see, &l, &err) || l.seen != below) abort();
    if (ps__store_count_work(&waiting, store, PS__WORK_PENDING, 1, l.paths[0], &err) || waiting != below) abort();
    for (int i = 0; i < l.count; i++)
        if (ps__store_file(&file, store, l.paths[i], &err) || file.id != l.ids[i]) abort();
    ps__store_rollback(store);
    return 0;
}
