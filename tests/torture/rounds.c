/*
** Rounds of: change the folder, start a child that indexes it, change it more while the child runs, kill the child, look at what it
** left. A scenario is a row in `actions`: a new one needs nothing else.
*/
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/half.h"
#include "indexer/watch.h"
#include "search/index.h"
#include "tests/indexer/gallery.h"
#include "tests/store/inspect.h"
#include "tests/torture/torture.h"
#include "tests/torture/world.h"

#define LOST_WORK 64  /* photos that a kill may cost */
#define TEMP_FILES 16 /* more than this beside the library means that nobody cleans up */

/* ---- What children do ----------------------------------------------------------------------------------------------------- */

/* Models to choose from; the vectors of the space "other" are those of "fake" backwards, so that a mix-up shows. */
static const struct {
    const char *id, *space;
} models[] = {{"fake-1", "fake"}, {"fake-2", "fake"}, {"other-1", "other"}};
static int model; /* of models: the one in use */

static atomic_int *shared_encodes; /* counted across processes */
static int (*inner_encode)(float *, void *, const uint8_t *, ps__error *);

static int encode(float *embedding, void *session, const uint8_t *rgb, ps__error *err) {
    int status = inner_encode(embedding, session, rgb, err);
    for (int i = 0; strcmp(gallery_encoder.space, "other") == 0 && i < LIBRARY_DIM / 2; i++) {
        float swap = embedding[i];
        embedding[i] = embedding[LIBRARY_DIM - 1 - i];
        embedding[LIBRARY_DIM - 1 - i] = swap;
    }
    atomic_fetch_add(shared_encodes, 1);
    return status;
}

static void use_model(int which) {
    model = which;
    gallery_encoder.model_id = models[which].id;
    gallery_encoder.space = models[which].space;
}

static int index_all(void) {
    ps__error err = {0};
    ps__indexer_options o = gallery_options();
    o.flags = PS__INDEX_ALLOW_REMOVAL;
    int status = gallery_run_with(&o, &err);
    if (status != PS__OK) fprintf(stderr, "%s\n", err.text);
    return status;
}

/* An ordinary run by the model that answers, and the filling in of another one's vectors. */
static int index_and_reencode(void) {
    ps__error err = {0};
    ps__indexer_result result;
    ps__store *store = NULL;
    ps__store_model current;
    int status = ps__store_open(&store, library_dir, PS__STORE_CREATE, &err);
    if (status == PS__OK) status = ps__store_current_model(&current, store, &err);
    int wanted = model, answers = model == 2 ? 0 : 2;
    if (status == PS__OK && current.id[0]) answers = strcmp(current.space, "other") == 0 ? 2 : 0;
    use_model(answers);
    if (status == PS__OK) status = index_all();
    if (status == PS__OK)
        status = ps__store_set_next_model(store, models[wanted].id, models[wanted].space, LIBRARY_DIM, NULL, 0, &err);
    ps__store_close(store);
    use_model(wanted);
    ps__indexer_options o = gallery_options();
    if (status == PS__OK && strcmp(models[wanted].space, models[answers].space) != 0)
        status = ps__indexer_reencode(&result, &o, &err);
    if (status != PS__OK) fprintf(stderr, "%s\n", err.text);
    return status;
}

static int watch_all(void) {
    static atomic_int never;
    ps__error err = {0};
    ps__watch_result result;
    ps__indexer_options o = gallery_options();
    o.flags = PS__INDEX_ALLOW_REMOVAL;
    o.cancel = &never;
    const ps__watch_options watch = {.indexer = &o, .settle_seconds = 0.02, .rescan_seconds = 0.3};
    int status = ps__watch_run(&result, &watch, &err);
    if (status != PS__OK) fprintf(stderr, "%s\n", err.text);
    return status;
}

static int index_and_flush(void) {
    ps__index *index = NULL;
    ps__store *store = NULL;
    ps__error err = {0};
    int space, status = index_all();
    if (status == PS__OK) status = ps__store_open(&store, library_dir, PS__STORE_READ, &err);
    if (status == PS__OK) status = ps__store_find_space(&space, store, gallery_encoder.space, LIBRARY_DIM, &err);
    if (status == PS__OK) status = ps__index_new(&index, store, gallery_encoder.space, space, LIBRARY_DIM, NULL, &err);
    if (status == PS__OK) status = ps__index_flush(index, store, &err);
    if (status != PS__OK) fprintf(stderr, "%s\n", err.text);
    ps__index_free(index);
    ps__store_close(store);
    return status;
}

static int forget_and_index(void) {
    char path[LIBRARY_PATH];
    ps__store *store = NULL;
    ps__error err = {0};
    gallery_path(path, "c");
    int status = ps__store_open(&store, library_dir, PS__STORE_WRITE, &err);
    if (status == PS__OK) status = ps__store_forget(NULL, store, path, &err);
    ps__store_close(store);
    if (status != PS__OK && status != PS__NOTFOUND) return status;
    return index_all();
}

/* ---- What happens to the folder --------------------------------------------------------------------------------------------- */

static void come(void) { world_add(10 + world_random(60)); }
static void go(void) { world_remove(5 + world_random(40)); }
static void move(void) { world_rename(5 + world_random(60)); }
static void change(void) { world_rewrite(5 + world_random(40)); }
static void a_few(void) {
    world_add(world_random(6));
    world_remove(world_random(6));
    world_rename(world_random(6));
    world_rewrite(world_random(6));
}
static void other_model(void) {
    use_model(model == 0 ? 1 : 0);
    come();
}
static void other_space(void) {
    use_model(model == 2 ? 0 : 2);
    come();
}
static void everything(void) {
    use_model(world_random(3));
    come();
    go();
    move();
    change();
}

static const struct action {
    const char *name;
    void (*before)(void);  /* done to the folder before the child starts */
    void (*during)(void);  /* and while it runs; NULL: nothing */
    int (*child)(void);    /* what the child does; PS__OK */
    const char *forgotten; /* folder whose photos the child takes out first; NULL: none */
} actions[] = {
    {"index", come, NULL, index_all, NULL},
    {"remove", go, go, index_all, NULL},
    {"rename", move, move, index_all, NULL},
    {"rewrite", change, change, index_all, NULL},
    {"another model of the space", other_model, NULL, index_all, NULL},
    {"a model of another space", other_space, a_few, index_all, NULL},
    {"a model that takes over", other_space, a_few, index_and_reencode, NULL},
    {"forget", come, a_few, forget_and_index, "c/"},
    {"search cache", come, a_few, index_and_flush, NULL},
    {"everything", everything, a_few, index_all, NULL},
    {"watch, photos coming", come, a_few, watch_all, NULL},
    {"watch, photos going", go, go, watch_all, NULL},
    {"watch, photos moving", everything, move, watch_all, NULL},
};

/* ---- A round ---------------------------------------------------------------------------------------------------------------- */

static void check_vectors(void) {
    ps__error err = {0};
    int space;
    gallery_check_library(); /* of "fake" */
    ps__store *store = library_open(PS__STORE_READ);
    if (ps__store_find_space(&space, store, "other", LIBRARY_DIM, &err) == PS__OK) {
        inspect_photos seen;
        inspect_photos_of(&seen, library_dir, NULL);
        for (size_t i = 0; i < seen.count; i++) {
            int64_t photo;
            uint16_t halves[LIBRARY_DIM], turned[LIBRARY_DIM];
            uint8_t found[1];
            float expected[LIBRARY_DIM];
            if (ps__store_photo_by_hash(&photo, store, seen.hashes[i], &err) != PS__OK) continue;
            ck_assert_int_eq(ps__store_vectors(halves, found, store, space, &photo, 1, &err), PS__OK);
            if (!found[0]) continue;
            for (int k = 0; k < LIBRARY_DIM; k++) expected[LIBRARY_DIM - 1 - k] = (float)seen.hashes[i][k] / 256;
            ps__halves_from_floats(turned, expected, LIBRARY_DIM);
            ck_assert_msg(memcmp(halves, turned, sizeof halves) == 0, "photo %lld has another photo's vector", (long long)photo);
        }
        inspect_free(&seen);
    }
    ps__store_close(store);
}

static void look(const struct action *a, const inspect_photos *start, const inspect_photos *before, int round) {
    inspect_photos after;
    torture_reopen(library_dir);
    inspect_sound(library_dir);
    inspect_photos_of(&after, library_dir, NULL);
    for (size_t i = 0; i < before->count; i++) {
        if (!world_keeps(before->hashes[i])) continue;
        torture_sum.checked++;
        ck_assert_msg(inspect_has(&after, before->hashes[i]), "round %d (%s): a committed photo is gone", round, a->name);
    }
    int lost = atomic_load(shared_encodes) - (int)inspect_puts(library_dir, start->last_change);
    ck_assert_msg(lost <= LOST_WORK, "round %d (%s): the work on %d photos was lost", round, a->name, lost);
    if (lost > torture_sum.lost_work_most) torture_sum.lost_work_most = lost;
    if (after.count > 0) check_vectors();
    int temp = inspect_temp_files(library_dir);
    ck_assert_msg(temp <= TEMP_FILES, "round %d (%s): %d temp files lie in the library", round, a->name, temp);
    if (temp > torture_sum.temp_files_most) torture_sum.temp_files_most = temp;
    inspect_free(&after);
}

/* 1 when the child was killed. */
static int one_round(int round) {
    static const int longest_us[] = {3000, 25000, 60000, 160000};
    const struct action *a = &actions[world_random(sizeof actions / sizeof *actions)];
    inspect_photos start, before;
    char forgotten[LIBRARY_PATH];
    a->before();
    if (world_count() > 450) go(), go();
    world_settle();
    inspect_photos_of(&start, library_dir, NULL);
    atomic_store(shared_encodes, 0);
    int wait_us = world_random(longest_us[world_random(4)]), first_us = a->during ? world_random(wait_us) : 0;
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) _exit(a->child() == PS__OK ? 0 : 1);
    torture_sleep_us(first_us);
    if (a->during) a->during();
    torture_sleep_us(wait_us - first_us);
    if (a->forgotten) gallery_path(forgotten, a->forgotten);
    inspect_photos_of(&before, library_dir, a->forgotten ? forgotten : NULL);
    int killed = torture_kill(child);
    look(a, &start, &before, round);
    inspect_free(&start);
    inspect_free(&before);
    return killed;
}

/* A library that went through all of it is the one that a single run makes. */
static void compare_with_a_new_one(void) {
    char tortured[LIBRARY_PATH];
    int last = model;
    atomic_store(&gallery_encode_ms, 0);
    use_model(last == 2 ? 0 : 2); /* each space's cache cleans up after itself */
    ck_assert_int_eq(index_and_flush(), PS__OK);
    use_model(last);
    ck_assert_int_eq(index_and_flush(), PS__OK);
    ck_assert_msg(gallery_result.pending == 0, "%lld files are left to do", (long long)gallery_result.pending);
    inspect_sound(library_dir);
    check_vectors();
    ck_assert_int_eq(inspect_temp_files(library_dir), 0);
    char *old = inspect_text(library_dir, gallery_encoder.space);
    memcpy(tortured, library_dir, sizeof tortured);
    snprintf(library_dir, sizeof library_dir, "%.4000s/fresh", library_temp);
    ck_assert_int_eq(index_all(), PS__OK);
    char *fresh = inspect_text(library_dir, gallery_encoder.space);
    memcpy(library_dir, tortured, sizeof tortured);
    size_t at = 0;
    while (old[at] && old[at] == fresh[at]) at++;
    ck_assert_msg(strcmp(old, fresh) == 0, "the library differs from a new one, from here on:\n%.300s\n--- new:\n%.300s", old + at,
                  fresh + at);
    ps__free(old);
    ps__free(fresh);
}

void torture_rounds(int kills) {
    int round = 0, done = 0;
    shared_encodes = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(shared_encodes, MAP_FAILED);
    gallery_setup();
    inner_encode = gallery_encoder.encode;
    gallery_encoder.encode = encode;
    atomic_store(&gallery_encode_ms, 1);
    use_model(0);
    world_add(150);
    for (; done < kills; round++) {
        ck_assert_msg(round < kills * 8 + 50, "most children end before they are killed");
        if (one_round(round)) {
            if (++done % 100 == 0) fprintf(stderr, "  %d kills, %d files\n", done, world_count());
        } else {
            torture_sum.survivors++;
        }
    }
    torture_sum.kills += done;
    compare_with_a_new_one();
    gallery_teardown();
}
