/*
** A library and its model through the public API: which one it is used with, changing it, and the packages on a device.
*/
#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/photosearch.h"
#include "base/os.h"
#include "tests/encoder/packages.h"
#include "tests/store/library.h"

Suite *suite_models(void);

static char photos[LIBRARY_PATH], data[LIBRARY_PATH];
static ps_library *library;

static const char *imported(const char *name) {
    static char path[LIBRARY_PATH];
    snprintf(path, sizeof path, "%.3800s/photosearch/models/%.60s.safetensors", data, name);
    return path;
}

static void write_photo(int number) {
    unsigned char bytes[54 + 16 * 16 * 3] = {'B', 'M'};
    static const unsigned char header[] = {40, 0, 0, 0, 16, 0, 0, 0, 16, 0, 0, 0, 1, 0, 24, 0};
    char path[LIBRARY_PATH];
    unsigned seed = (unsigned)number;
    bytes[2] = (unsigned char)(sizeof bytes & 255);
    bytes[3] = (unsigned char)(sizeof bytes >> 8);
    bytes[10] = 54;
    memcpy(bytes + 14, header, sizeof header);
    for (size_t i = 54; i < sizeof bytes; i++) bytes[i] = (unsigned char)((seed = seed * 1103515245u + 12345u) >> 24);
    snprintf(path, sizeof path, "%.3800s/p%d.bmp", photos, number);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(bytes, 1, sizeof bytes, f), sizeof bytes);
    ck_assert_int_eq(fclose(f), 0);
}

static ps_library *open_plain(const char *model) {
    ps_library *opened;
    ps_library_options options = PS_LIBRARY_OPTIONS_INIT;
    options.model = model;
    ck_assert_msg(ps_library_open(&opened, library_dir, &options) == PS_OK, "%s", ps_last_error(NULL));
    return opened;
}

static ps_index_result index_with(ps_library *with) {
    ps_index_result result = PS_INDEX_RESULT_INIT;
    ps_index_options options = PS_INDEX_OPTIONS_INIT;
    const char *const paths[] = {photos};
    options.flags = PS_INDEX_IN_PROCESS;
    ck_assert_msg(ps_index(&result, with, paths, 1, &options) == PS_OK, "%s", ps_last_error(with));
    return result;
}

static ps_status status_of(ps_library *of) {
    ps_status s = PS_STATUS_INIT;
    ck_assert_int_eq(ps_library_status(&s, of), PS_OK);
    return s;
}

static size_t found_by(ps_library *by) {
    ps_results *results;
    ck_assert_msg(ps_search(&results, by, "the cat", NULL) == PS_OK, "%s", ps_last_error(by));
    size_t count = ps_results_count(results);
    ps_results_free(results);
    return count;
}

/* Ten photos, indexed by the usual model; "b" and "c" are imported, each of a space of its own. */
static void setup(void) {
    char path[LIBRARY_PATH];
    library_setup();
    snprintf(photos, sizeof photos, "%.4000s/photos", library_temp);
    snprintf(data, sizeof data, "%.4000s/data", library_temp);
    ck_assert_int_eq(mkdir(photos, 0700), 0);
    ck_assert_int_eq(mkdir(data, 0700), 0);
    snprintf(path, sizeof path, "%.4000s/photosearch", data);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%.4000s/photosearch/models", data);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    setenv("XDG_DATA_HOME", data, 1);
    setenv("PHOTOSEARCH_MODEL", PACKAGES_TINY, 1);
    packages_write(imported("b"), &(package_recipe){.keeps_image = 1, .turned = 1, .name = "beta", .space = "space-b"});
    packages_write(imported("c"), &(package_recipe){.keeps_image = 1, .name = "gamma", .space = "space-c"});
    for (int i = 0; i < 10; i++) write_photo(i);
    library = open_plain(NULL);
    index_with(library);
}

static void teardown(void) {
    ps_library_close(library);
    library_teardown();
}

static ps_index_result reencode(ps_library *with) {
    ps_index_result result = PS_INDEX_RESULT_INIT;
    ps_index_options options = PS_INDEX_OPTIONS_INIT;
    options.flags = PS_INDEX_IN_PROCESS;
    ck_assert_msg(ps_reencode(&result, with, &options) == PS_OK, "%s", ps_last_error(with));
    return result;
}

static void use(const char *name) {
    ck_assert_msg(ps_library_use_model(library, imported(name), 0) == PS_OK, "%s", ps_last_error(library));
}

/* The search index beside the library is of this space alone. */
static void expect_caches(const char *space) {
    struct dirent *entry;
    int count = 0;
    DIR *dir = opendir(library_dir);
    ck_assert_ptr_nonnull(dir);
    while ((entry = readdir(dir))) {
        if (!strstr(entry->d_name, ".faiss")) continue;
        ck_assert_msg(strncmp(entry->d_name, space, strlen(space)) == 0, "%s", entry->d_name);
        count++;
    }
    closedir(dir);
    ck_assert_int_gt(count, 0);
}

START_TEST(a_change_is_noted_first_and_done_by_reencoding) {
    use("b");
    ps_status s = status_of(library);
    ck_assert_int_eq(strncmp(s.model, "tiny-", 5), 0);
    ck_assert_int_eq(strncmp(s.next_model, "beta-", 5), 0);
    ck_assert_uint_eq(s.reencoded, 0);
    ck_assert_uint_eq(s.to_reencode, 10);
    ck_assert_uint_eq(found_by(library), 10);
    ps_index_result result = reencode(library);
    ck_assert_uint_eq(result.reencoded, 10);
    ck_assert_int_eq(result.switched, 1);
    s = status_of(library);
    ck_assert_int_eq(strncmp(s.model, "beta-", 5), 0);
    ck_assert_ptr_null(s.next_model);
    ck_assert_uint_eq(s.vectors, 10);
    ck_assert_uint_eq(found_by(library), 10); /* the open handle goes along */
    expect_caches("space-b");
    result = reencode(library);
    ck_assert_uint_eq(result.reencoded, 0);
    ck_assert_int_eq(result.switched, 0);
}
END_TEST

START_TEST(indexing_goes_on_with_a_change) {
    use("b");
    write_photo(10);
    ps_index_result result = index_with(library);
    ck_assert_uint_eq(result.indexed, 1);
    ck_assert_uint_eq(result.reencoded, 11);
    ck_assert_int_eq(result.switched, 1);
    ck_assert_uint_eq(found_by(library), 11);
    write_photo(11);
    result = index_with(library); /* by the new one, which nobody needs to name */
    ck_assert_uint_eq(result.indexed, 1);
    ck_assert_uint_eq(result.reencoded, 0);
    ck_assert_uint_eq(found_by(library), 12);
}
END_TEST

/* What the indexer tells itself is no flag of the public header. */
START_TEST(no_flag_makes_indexing_something_else) {
    ps_index_result result = PS_INDEX_RESULT_INIT;
    ps_index_options options = PS_INDEX_OPTIONS_INIT;
    write_photo(10);
    for (unsigned bit = 7; bit < 32; bit++) {
        options.flags = PS_INDEX_IN_PROCESS | 1u << bit;
        ck_assert_msg(ps_index(&result, library, (const char *const[]){photos}, 1, &options) == PS_OK, "bit %u: %s", bit,
                      ps_last_error(library));
        ck_assert_uint_eq(result.found, 11);
    }
}
END_TEST

/* Another handle, opened before, and as good as another program. */
START_TEST(who_has_the_library_open_goes_along) {
    ps_library *other = open_plain(NULL);
    ck_assert_uint_eq(found_by(other), 10);
    use("b");
    ck_assert_uint_eq(found_by(other), 10);
    reencode(library);
    ck_assert_uint_eq(found_by(other), 10);
    use("c");
    reencode(library);
    ck_assert_uint_eq(found_by(other), 10);
    ps_library_close(other);
}
END_TEST

START_TEST(indexing_with_another_model_named_is_a_change) {
    ps_library *named = open_plain(imported("b"));
    write_photo(10);
    ps_index_result result = index_with(named);
    ck_assert_uint_eq(result.indexed, 1);
    ck_assert_int_eq(result.switched, 1);
    ck_assert_uint_eq(found_by(named), 11);
    ck_assert_uint_eq(found_by(library), 11);
    ps_library_close(named);
}
END_TEST

/* Else each such run would change to the next model, and back again. */
START_TEST(with_the_model_of_now_named_a_change_waits) {
    ps_library *named = open_plain(PACKAGES_TINY);
    use("b");
    write_photo(10);
    ps_index_result result = index_with(named);
    ck_assert_uint_eq(result.indexed, 1);
    ck_assert_uint_eq(result.reencoded, 0);
    ck_assert_int_eq(strncmp(status_of(library).next_model, "beta-", 5), 0);
    ps_library_close(named);
    ck_assert_int_eq(index_with(library).switched, 1);
}
END_TEST

static int stop_in_the_middle(const ps_progress *p, void *payload) {
    (void)payload;
    return p->phase == PS_PHASE_REENCODE;
}

START_TEST(stopped_it_goes_on_later) {
    ps_index_options options = PS_INDEX_OPTIONS_INIT;
    options.flags = PS_INDEX_IN_PROCESS;
    options.progress = stop_in_the_middle;
    use("b");
    ck_assert_int_eq(ps_reencode(NULL, library, &options), PS_CANCELLED);
    ck_assert_ptr_nonnull(status_of(library).next_model);
    ck_assert_uint_eq(found_by(library), 10);
    ck_assert_int_eq(reencode(library).switched, 1);
}
END_TEST

static atomic_int end, wrong;

static void *search_on(void *payload) {
    char path[LIBRARY_PATH];
    snprintf(path, sizeof path, "%.3800s/p3.bmp", photos);
    for (int i = 0; !atomic_load(&end); i++) {
        ps_results *results;
        int status = i % 2 ? ps_search(&results, payload, "the cat", NULL) : ps_similar(&results, payload, path, NULL);
        atomic_fetch_add(&wrong, status != PS_OK || ps_results_count(results) != (i % 2 ? 10 : 9));
        ps_results_free(results);
    }
    return NULL;
}

START_TEST(searches_of_other_threads_never_find_less) {
    pthread_t threads[2];
    ps_library *other = open_plain(NULL);
    atomic_store(&end, 0);
    ck_assert_int_eq(pthread_create(&threads[0], NULL, search_on, library), 0);
    ck_assert_int_eq(pthread_create(&threads[1], NULL, search_on, other), 0);
    for (int i = 0; i < 10; i++) {
        use(i % 2 ? "c" : "b");
        reencode(library);
    }
    atomic_store(&end, 1);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    ck_assert_int_eq(atomic_load(&wrong), 0);
    ps_library_close(other);
}
END_TEST

static int (*true_open)(const char *path, int flags, mode_t mode);
static ps_library *switching;
static const char *switching_at; /* what the path ends in that is opened then */

static int switching_open(const char *path, int flags, mode_t mode) {
    size_t length = strlen(path), at = switching ? strlen(switching_at) : 0;
    if (switching && length > at && strcmp(path + length - at, switching_at) == 0) {
        ps_library *by = switching;
        switching = NULL;
        ck_assert_int_eq(reencode(by).switched, 1);
    }
    return true_open(path, flags, mode);
}

static void switch_at(const char *at, ps_library *by) {
    switching = by;
    switching_at = at;
    true_open = ps__os.open;
    ps__os.open = switching_open;
}

/* Another program switches between the moment in which a run has chosen its model and that in which it has the library for itself. */
START_TEST(a_run_that_meets_the_switch_does_not_go_back) {
    ps_library *other = open_plain(NULL);
    use("b");
    switch_at("/writer.lock", other);
    index_with(library);
    ps__os.open = true_open;
    ck_assert_ptr_null(switching);
    ps_status s = status_of(library);
    ck_assert_msg(strncmp(s.model, "beta-", 5) == 0, "%s", s.model);
    ck_assert_uint_eq(s.vectors, 10);
    ps_library_close(other);
}
END_TEST

/* Another program switches between the moment in which a search has chosen its model and that in which it compares. */
START_TEST(a_search_during_the_switch_is_answered) {
    ps_results *results;
    char path[LIBRARY_PATH];
    ps_library *other = open_plain(NULL);
    use("b");
    snprintf(path, sizeof path, "%.3800s/p3.bmp", photos);
    switch_at("/p3.bmp", other);
    int status = ps_similar(&results, library, path, NULL);
    ps__os.open = true_open;
    ck_assert_msg(status == PS_OK, "%s", ps_last_error(library));
    ck_assert_ptr_null(switching);
    ck_assert_uint_eq(ps_results_count(results), 9);
    ps_results_free(results);
    ps_library_close(other);
}
END_TEST

START_TEST(a_watch_changes_the_model) {
    ps_watch_options options = PS_WATCH_OPTIONS_INIT;
    options.once = 1;
    options.flags = PS_INDEX_IN_PROCESS;
    options.settle_seconds = 0.1;
    use("b");
    ck_assert_msg(ps_watch(library, (const char *const[]){photos}, 1, &options) == PS_OK, "%s", ps_last_error(library));
    ps_status s = status_of(library);
    ck_assert_ptr_null(s.next_model);
    ck_assert_int_eq(strncmp(s.model, "beta-", 5), 0);
    ck_assert_uint_eq(found_by(library), 10);
}
END_TEST

START_TEST(naming_the_model_of_now_ends_a_change) {
    use("b");
    ck_assert_int_eq(ps_library_use_model(library, NULL, 0), PS_OK);
    ck_assert_ptr_null(status_of(library).next_model);
    ck_assert_uint_eq(reencode(library).reencoded, 0);
    ck_assert_int_eq(strncmp(status_of(library).model, "tiny-", 5), 0);
}
END_TEST

START_TEST(a_package_that_is_missing_is_named) {
    ps_results *results;
    char away[LIBRARY_PATH];
    use("b");
    reencode(library);
    snprintf(away, sizeof away, "%.4000s/away", library_temp);
    ck_assert_int_eq(rename(imported("b"), away), 0);
    ps_library *other = open_plain(NULL);
    ck_assert_int_eq(ps_search(&results, other, "the cat", NULL), PS_NOTFOUND);
    ck_assert_ptr_nonnull(strstr(ps_last_error(other), imported("b")));
    ck_assert_int_eq(ps_index(NULL, other, (const char *const[]){photos}, 1, NULL), PS_NOTFOUND);
    /* Found again under another name. */
    ck_assert_int_eq(rename(away, imported("renamed")), 0);
    ck_assert_uint_eq(found_by(other), 10);
    ps_library_close(other);
}
END_TEST

/* Its last byte is another. */
static void damage_copy(const char *to, const char *name) {
    FILE *in = fopen(imported(name), "r"), *out = fopen(imported(to), "w");
    int byte, next;
    ck_assert_ptr_nonnull(in);
    ck_assert_ptr_nonnull(out);
    for (byte = getc(in); byte != EOF; byte = next) {
        next = getc(in);
        putc(next == EOF ? byte ^ 1 : byte, out);
    }
    ck_assert_int_eq(fclose(in), 0);
    ck_assert_int_eq(fclose(out), 0);
}

START_TEST(a_package_replaced_by_another_of_its_space_does_as_well) {
    char path[LIBRARY_PATH];
    use("b");
    packages_write(imported("b"), &(package_recipe){.keeps_image = 1, .turned = 1, .name = "beta-two", .space = "space-b"});
    ck_assert_uint_eq(reencode(library).reencoded, 10);
    ck_assert_ptr_null(status_of(library).next_model);
    ck_assert_uint_eq(found_by(library), 10);
    /* And is found again once it has indexed: no way back to the usual model. */
    packages_write(imported("b"), &(package_recipe){.keeps_image = 1, .name = "beta-three", .space = "space-b"});
    ps_library *other = open_plain(NULL);
    write_photo(11);
    ck_assert_uint_eq(index_with(other).indexed, 1);
    snprintf(path, sizeof path, "%.4000s", imported("b"));
    ck_assert_int_eq(unlink(path), 0);
    ps_library_close(other);
    other = open_plain(NULL);
    ck_assert_int_eq(ps_index(NULL, other, (const char *const[]){photos}, 1, NULL), PS_NOTFOUND);
    ck_assert_ptr_nonnull(strstr(ps_last_error(other), path));
    ps_library_close(other);
}
END_TEST

static const char *refused;

static int refusing_open(const char *path, int flags, mode_t mode) {
    if (!strstr(path, refused)) return true_open(path, flags, mode);
    errno = EMFILE;
    return -1;
}

/* Else a change would be made at once, and the old vectors would go. */
START_TEST(a_package_that_cannot_be_opened_now_is_not_taken_for_gone) {
    use("b");
    reencode(library);
    ps_library *other = open_plain(NULL);
    refused = "/b.safetensors";
    true_open = ps__os.open;
    ps__os.open = refusing_open;
    ps_library_use_model(other, imported("c"), 0);
    ps__os.open = true_open;
    ps_status s = status_of(library);
    ck_assert_int_eq(strncmp(s.model, "beta-", 5), 0);
    ck_assert_uint_eq(s.vectors, 10);
    ck_assert_uint_eq(found_by(library), 10);
    ps_library_close(other);
}
END_TEST

START_TEST(what_cannot_be_a_model_is_refused) {
    packages_write(imported("text"), &(package_recipe){.name = "text", .space = "space-b"});
    ck_assert_int_eq(ps_library_use_model(library, imported("text"), 0), PS_MODEL);
    ck_assert_int_eq(ps_library_use_model(library, imported("none"), 0), PS_NOTFOUND);
    ps_imported made = PS_IMPORTED_INIT;
    ck_assert_msg(ps_model_import(&made, "tests/data/import/hf-clip", "whole", NULL) == PS_OK, "%s", ps_last_error(NULL));
    damage_copy("d", "whole");
    ck_assert_int_eq(ps_library_use_model(library, imported("d"), 0), PS_MODEL);
    ck_assert_ptr_nonnull(strstr(ps_last_error(library), "is damaged"));
    ck_assert_int_eq(ps_library_use_model(library, imported("b"), 4), PS_INVALID);
    ck_assert_ptr_null(status_of(library).next_model);
}
END_TEST

/* ---- Packages ---- */

static int find(ps_package *out, const ps_packages *list, const char *name) {
    for (size_t i = 0; i < ps_packages_count(list); i++) {
        *out = (ps_package)PS_PACKAGE_INIT;
        ck_assert_int_eq(ps_packages_get(out, list, i), PS_OK);
        if (name ? out->name && strcmp(out->name, name) == 0 : out->usual) return 1;
    }
    return 0;
}

START_TEST(packages_are_listed_with_what_the_library_has_of_them) {
    ps_packages *list;
    ps_package p;
    packages_write(imported("b-de"), &(package_recipe){.name = "beta-de", .space = "space-b"});
    FILE *f = fopen(imported("broken"), "w");
    ck_assert_ptr_nonnull(f);
    fclose(f);
    use("b");
    ck_assert_int_eq(ps_packages_open(&list, library), PS_OK);
    ck_assert_uint_eq(ps_packages_count(list), 5);
    ck_assert(find(&p, list, NULL) && p.own && !p.next && p.vectors == 10 && p.dim == 32);
    ck_assert(find(&p, list, "b") && !p.own && p.next && p.vectors == 0 && !p.companion);
    ck_assert(find(&p, list, "b-de") && p.companion && !p.next);
    ck_assert(find(&p, list, "c") && !p.own && !p.next && p.bytes > 1000 && strcmp(p.space, "space-c") == 0);
    ck_assert(find(&p, list, "broken") && !p.id);
    ck_assert_int_eq(ps_packages_get(&p, list, 5), PS_NOTFOUND);
    ps_packages_free(list);
    ck_assert_int_eq(ps_packages_open(&list, NULL), PS_OK);
    ck_assert(find(&p, list, "b") && !p.next);
    ps_packages_free(list);
}
END_TEST

START_TEST(packages_in_use_are_not_removed) {
    packages_write(imported("b-de"), &(package_recipe){.name = "beta-de", .space = "space-b"});
    packages_write(imported("b-large"), &(package_recipe){.keeps_image = 1, .name = "large", .space = "space-l"});
    use("b");
    ck_assert_int_eq(ps_package_remove("b", library, 0), PS_BUSY);
    reencode(library);
    ck_assert_int_eq(ps_package_remove("b", library, 0), PS_BUSY);
    ck_assert_int_eq(access(imported("b"), F_OK), 0);
    ck_assert_int_eq(ps_package_remove("c", library, 0), PS_OK);
    ck_assert_int_ne(access(imported("c"), F_OK), 0);
    ck_assert_int_eq(ps_package_remove("c", library, 0), PS_NOTFOUND);
    ck_assert_int_eq(ps_package_remove("../x", library, 0), PS_INVALID);
    ck_assert_int_eq(ps_package_remove("b", library, 1), PS_OK);
    ck_assert_int_ne(access(imported("b"), F_OK), 0);
    ck_assert_int_ne(access(imported("b-de"), F_OK), 0);
    ck_assert_int_eq(access(imported("b-large"), F_OK), 0); /* a model of its own */
}
END_TEST

static int (*true_rename)(const char *from, const char *to);
static int (*true_fsync)(int fd);
static int renamed, synced; /* 1: the last thing that happened */

static int noting_rename(const char *from, const char *to) {
    renamed = 1;
    synced = 0;
    return true_rename(from, to);
}

static int noting_fsync(int fd) {
    synced = 1;
    return true_fsync(fd);
}

START_TEST(an_import_lasts) {
    ps_imported out = PS_IMPORTED_INIT;
    renamed = synced = 0;
    true_rename = ps__os.rename;
    true_fsync = ps__os.fsync;
    ps__os.rename = noting_rename;
    ps__os.fsync = noting_fsync;
    int status = ps_model_import(&out, "tests/data/import/openclip-quickgelu-bin", "lasting", NULL);
    ps__os.rename = true_rename;
    ps__os.fsync = true_fsync;
    ck_assert_msg(status == PS_OK, "%s", ps_last_error(NULL));
    ck_assert(renamed && synced);
    ck_assert_int_eq(access(imported("lasting"), F_OK), 0);
}
END_TEST

Suite *suite_models(void) {
    Suite *suite = suite_create("models");
    TCase *tests = tcase_create("models");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_change_is_noted_first_and_done_by_reencoding);
    tcase_add_test(tests, indexing_goes_on_with_a_change);
    tcase_add_test(tests, no_flag_makes_indexing_something_else);
    tcase_add_test(tests, who_has_the_library_open_goes_along);
    tcase_add_test(tests, indexing_with_another_model_named_is_a_change);
    tcase_add_test(tests, with_the_model_of_now_named_a_change_waits);
    tcase_add_test(tests, stopped_it_goes_on_later);
    tcase_add_test(tests, searches_of_other_threads_never_find_less);
    tcase_add_test(tests, a_run_that_meets_the_switch_does_not_go_back);
    tcase_add_test(tests, a_search_during_the_switch_is_answered);
    tcase_add_test(tests, a_watch_changes_the_model);
    tcase_add_test(tests, naming_the_model_of_now_ends_a_change);
    tcase_add_test(tests, a_package_that_is_missing_is_named);
    tcase_add_test(tests, a_package_replaced_by_another_of_its_space_does_as_well);
    tcase_add_test(tests, a_package_that_cannot_be_opened_now_is_not_taken_for_gone);
    tcase_add_test(tests, what_cannot_be_a_model_is_refused);
    tcase_add_test(tests, packages_are_listed_with_what_the_library_has_of_them);
    tcase_add_test(tests, packages_in_use_are_not_removed);
    tcase_add_test(tests, an_import_lasts);
    suite_add_tcase(suite, tests);
    return suite;
}
