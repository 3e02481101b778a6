/*
** Files that come, go, move and change under the eyes of an indexer.
*/
#include "tests/torture/world.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/os.h"
#include "tests/indexer/gallery.h"

typedef struct world_file {
    char name[64];    /* below gallery_dir; "" the slot is free */
    char content[64]; /* all of it */
    uint8_t hash[16]; /* of content */
    int touched;      /* since world_settle */
} world_file;

static world_file files[WORLD_FILES];
static unsigned random_state;
static long next_number;

void world_seed(unsigned seed) { random_state = seed; }

int world_random(int below) { return below > 0 ? rand_r(&random_state) % below : 0; }

static world_file *free_slot(void) {
    for (int i = 0; i < WORLD_FILES; i++)
        if (!files[i].name[0]) return &files[i];
    return NULL;
}

static world_file *any_file(void) {
    int start = world_random(WORLD_FILES);
    for (int i = 0; i < WORLD_FILES; i++) {
        world_file *f = &files[(start + i) % WORLD_FILES];
        if (f->name[0]) return f;
    }
    return NULL;
}

static void new_name(char name[64]) {
    static const char *const folders[] = {"a", "a/deep", "b", "c", "c/deeper/still", "d"};
    snprintf(name, 64, "%s/%05ld.jpg", folders[world_random(6)], next_number++);
}

static void fill(world_file *f) {
    world_file *twin = world_random(12) == 0 ? any_file() : NULL;
    if (twin && twin != f)
        memcpy(f->content, twin->content, sizeof f->content);
    else
        snprintf(f->content, sizeof f->content, "%s content %ld", world_random(40) ? "good" : "BAD", next_number++);
    ps__store_hash(f->hash, f->content, strlen(f->content));
    f->touched = 1;
}

void world_add(int count) {
    world_file *f;
    for (int i = 0; i < count && (f = free_slot()) != NULL; i++) {
        char name[64];
        new_name(name);
        fill(f);
        memcpy(f->name, name, sizeof name);
        gallery_write(f->name, f->content);
    }
}

void world_remove(int count) {
    world_file *f;
    for (int i = 0; i < count && (f = any_file()) != NULL; i++) {
        gallery_remove(f->name);
        f->name[0] = 0;
    }
}

static void make_room(const char *name) {
    char path[LIBRARY_PATH];
    gallery_path(path, name);
    *strrchr(path, '/') = 0;
    ck_assert_int_eq(ps__make_folders(path, NULL), PS__OK);
}

void world_rename(int count) {
    world_file *f;
    for (int i = 0; i < count && (f = any_file()) != NULL; i++) {
        char name[64];
        world_file *over = world_random(6) == 0 ? any_file() : NULL;
        if (over == f) over = NULL;
        if (over)
            memcpy(name, over->name, sizeof name);
        else
            new_name(name);
        make_room(name);
        gallery_move(f->name, name);
        if (over) over->name[0] = 0;
        memcpy(f->name, name, sizeof name);
        f->touched = 1;
    }
}

void world_rewrite(int count) {
    world_file *f;
    for (int i = 0; i < count && (f = any_file()) != NULL; i++) {
        fill(f);
        if (world_random(2)) {
            gallery_write(f->name, f->content);
        } else {
            gallery_write("rewritten.part", f->content);
            gallery_move("rewritten.part", f->name);
        }
    }
}

void world_settle(void) {
    for (int i = 0; i < WORLD_FILES; i++) files[i].touched = 0;
}

int world_keeps(const uint8_t hash[16]) {
    for (int i = 0; i < WORLD_FILES; i++) {
        const world_file *f = &files[i];
        if (f->name[0] && !f->touched && memcmp(f->hash, hash, 16) == 0) return 1;
    }
    return 0;
}

int world_count(void) {
    int count = 0;
    for (int i = 0; i < WORLD_FILES; i++) count += files[i].name[0] != 0;
    return count;
}
