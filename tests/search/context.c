#include "tests/search/context.h"

#include <check.h>
#include <string.h>

/* Cameras and lenses as ps__gazetteer_fold writes them. */
static const char *const CAMERAS[] = {
    "nikon corporation nikon d750", "apple iphone 12", "canon canon eos r5", "samsung sm g991b", "google pixel 6", NULL};
static const char *const LENSES[] = {"ef 50mm f 1 8 stm", "nikkor 24 70mm f 2 8", NULL};

static int64_t photos_at(const ps__where *where, void *payload) {
    query_world *world = payload;
    (void)where;
    world->questions++;
    return world->photos;
}

/* The words stand side by side, as whole words. */
static int holds(const char *name, const char *words) {
    size_t n = strlen(words);
    for (const char *at = name; (at = strstr(at, words)) != NULL; at++)
        if ((at == name || at[-1] == ' ') && (at[n] == 0 || at[n] == ' ')) return 1;
    return 0;
}

static int any_holds(const char *const *names, const char *words, query_world *world) {
    world->questions++;
    for (; *names; names++)
        if (holds(*names, words)) return 1;
    return 0;
}

static int has_camera(const char *words, void *payload) { return any_holds(CAMERAS, words, payload); }
static int has_lens(const char *words, void *payload) { return any_holds(LENSES, words, payload); }
static int has_hours(void *payload) { return ((query_world *)payload)->hours; }

static int64_t photos_when(const ps__when *when, int recurring, void *payload) {
    query_world *world = payload;
    ck_assert(when->count > 0 && recurring);
    world->questions++;
    return world->times;
}

static int64_t photos_pass(const ps__filter *filter, void *payload) {
    query_world *world = payload;
    ck_assert(filter->kind != PS__FILTER_WHEN && filter->kind != PS__FILTER_WHERE);
    world->questions++;
    return filter->kind == PS__FILTER_WORDS ? world->words : world->attributes;
}

void query_world_open(query_world *out) {
    ps__error err = {0};
    memset(out, 0, sizeof *out);
    out->photos = out->hours = 1;
    out->times = out->words = out->attributes = 1;
    ck_assert_msg(ps__gazetteer_open(&out->gazetteer, "build/places.gazetteer", &err) == PS__OK, "%s", err.text);
    out->context.now_s = QUERY_NOW;
    out->context.gazetteer = out->gazetteer;
    out->context.gallery = (ps__gallery){photos_at, has_camera, has_lens, has_hours, photos_when, photos_pass, out};
}

void query_world_close(query_world *world) { ps__gazetteer_free(world->gazetteer); }
