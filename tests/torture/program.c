/*
** The same for the program as people run it: `photosearch index` with the shipped model over real photos, killed.
*/
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/os.h"
#include "store/inside.h"
#include "tests/indexer/gallery.h"
#include "tests/store/inspect.h"
#include "tests/torture/torture.h"
#include "tests/torture/world.h"

#define COPIES 8

/* Bytes behind the end of a JPEG change its content and not its picture: so a few photos make a few dozen. */
static int copy_photos(void) {
    static const char *const names[] = {"astronaut", "cameraman", "cat", "coffee"};
    int count = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[LIBRARY_PATH];
        uint8_t *bytes;
        size_t size;
        ps__error err = {0};
        snprintf(path, sizeof path, "tests/data/photos/%s.jpg", names[i]);
        ck_assert_msg(ps__read_file(&bytes, &size, NULL, path, 1 << 20, &err) == PS__OK, "%s", err.text);
        for (int copy = 0; copy < COPIES; copy++) {
            char name[64];
            snprintf(name, sizeof name, "%s-%d.jpg", names[i], copy);
            gallery_write(name, "");
            gallery_path(path, name);
            uint8_t *longer = ps__malloc(size + 1);
            memcpy(longer, bytes, size);
            longer[size] = (uint8_t)copy;
            int fd = open(path, O_WRONLY);
            ck_assert_int_eq(write(fd, longer, size + 1), (ssize_t)(size + 1));
            close(fd);
            gallery_age(name, 3600, 1234567 + 1000 * ++count);
            ps__free(longer);
        }
        ps__free(bytes);
    }
    return count;
}

static pid_t start(const char *program, const char *folder) {
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child > 0) return child;
    int nothing = open("/dev/null", O_RDWR);
    dup2(nothing, 1);
    dup2(nothing, 2);
    execl(program, program, "--library", folder, "index", gallery_dir, (char *)NULL);
    _exit(127);
}

static char *space_of(const char *folder) {
    ps__store *store;
    ps__store_model m;
    ps__error err = {0};
    ck_assert_msg(ps__store_open(&store, folder, PS__STORE_READ, &err) == PS__OK, "%s", err.text);
    ck_assert_int_eq(ps__store_current_model(&m, store, &err), PS__OK);
    ps__store_close(store);
    return ps__strdup(m.space);
}

static void finish(const char *program, const char *folder, int photos) {
    inspect_photos seen;
    ck_assert_msg(!torture_kill(-start(program, folder)), "the program was killed by somebody else");
    inspect_sound(folder);
    inspect_photos_of(&seen, folder, NULL);
    ck_assert_int_eq((int)seen.count, photos);
    inspect_free(&seen);
}

/* The killed library holds the very vectors of one that was made in one go. */
static void compare(const char *program, const char *fresh, int photos) {
    library_remove_tree(fresh);
    finish(program, fresh, photos);
    char *space = space_of(fresh), *a = inspect_text(library_dir, space), *b = inspect_text(fresh, space);
    ck_assert_msg(strcmp(a, b) == 0, "the library differs from one that was made in one go");
    ps__free(a);
    ps__free(b);
    ps__free(space);
}

void torture_program(int kills) {
    char program[PATH_MAX], fresh[LIBRARY_PATH];
    const char *given = getenv("PHOTOSEARCH_TEST_PROGRAM");
    if (!realpath(given ? given : "build/photosearch", program) || access("models/photosearch.safetensors", R_OK) != 0) {
        fputs("  the program or its model is not there: it was not killed\n", stderr);
        return;
    }
    gallery_setup();
    int photos = copy_photos();
    snprintf(fresh, sizeof fresh, "%.4000s/fresh", library_temp);
    for (int done = 0, round = 0; done < kills; round++) {
        inspect_photos before, after;
        ck_assert_msg(round < kills * 8 + 50, "the program is always done before it is killed");
        pid_t child = start(program, library_dir);
        torture_sleep_us(world_random(world_random(2) ? 60000 : 500000));
        inspect_photos_of(&before, library_dir, NULL);
        int killed = torture_kill(child);
        torture_reopen(library_dir);
        inspect_sound(library_dir);
        inspect_photos_of(&after, library_dir, NULL);
        for (size_t i = 0; i < before.count; i++) ck_assert(inspect_has(&after, before.hashes[i]));
        torture_sum.checked += (long)before.count;
        if (killed) {
            done++;
        } else {
            torture_sum.survivors++;
            compare(program, fresh, photos);
            library_remove_tree(library_dir);
        }
        inspect_free(&before);
        inspect_free(&after);
    }
    torture_sum.kills += kills;
    finish(program, library_dir, photos);
    compare(program, fresh, photos);
    gallery_teardown();
}
