/*
** The decoder process: the same pixels and sentences as decoding here, and whatever happens in there costs one photo.
*/
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/os.h"
#include "encoder/sandbox/cage.h"
#include "encoder/sandbox/program.h"
#include "encoder/sandbox/sandbox.h"
#include "tests/pixels/samples.h"

static const ps__pixels_options wanted = {.width = 48, .height = 40, .fit = PS__FIT_SQUASH};

/* ---- Helpers -------------------------------------------------------------------------------------------------------------- */

/* The tests' decoder, which obeys "TEST ..." (tests/sandbox/tricks.c). */
static const char *trickster(void) {
    static _Thread_local char path[4096];
    const char *build = getenv("PHOTOSEARCH_TEST_BUILD");
    snprintf(path, sizeof path, "%s/tests/decoder", build ? build : "build/plain");
    return path;
}

static ps__sandbox *start(const ps__sandbox_options *options) {
    ps__sandbox *s;
    ps__error err = {0};
    ck_assert_msg(ps__sandbox_new(&s, options, &err) == PS__OK, "%s", err.text);
    ck_assert_ptr_nonnull(s);
    return s;
}

static ps__sandbox *start_trickster(double seconds) {
    return start(&(ps__sandbox_options){.program = trickster(), .seconds = seconds});
}

static void fill(ps__sandbox *s, const void *bytes, size_t size) {
    uint8_t *buffer = ps__sandbox_buffer(s, size);
    ck_assert_ptr_nonnull(buffer);
    memcpy(buffer, bytes, size);
}

/* Lets the tests' decoder do a trick; the sentence is in err. */
static int trick(ps__sandbox *s, const char *what, ps__error *err) {
    char command[64];
    ps__pixels pixels;
    int size = snprintf(command, sizeof command, "TEST %s", what);
    fill(s, command, (size_t)size);
    memset(err, 0, sizeof *err);
    int status = ps__sandbox_decode(&pixels, s, (size_t)size, "a/b.jpg", &wanted, err);
    ck_assert((status == PS__OK) == (pixels.rgb != NULL));
    ps__pixels_clear(&pixels);
    return status;
}

static void expect_sentence(ps__sandbox *s, const char *what, int code, const char *sentence) {
    ps__error err;
    int status = trick(s, what, &err);
    ck_assert_msg(status == code, "%s: status %d, %s", what, status, err.text);
    ck_assert_int_eq(err.code, code);
    ck_assert_msg(strstr(err.text, sentence) != NULL, "%s: %s", what, err.text);
}

/* The sandbox still decodes. */
static void expect_works(ps__sandbox *s) {
    size_t size;
    ps__pixels here, there;
    ps__error err = {0};
    uint8_t *bytes = sample_read("exif.jpg", &size);
    fill(s, bytes, size);
    ck_assert_msg(ps__sandbox_decode(&there, s, size, "exif.jpg", &wanted, &err) == PS__OK, "%s", err.text);
    ck_assert(!ps__sandbox_is_down(s));
    ck_assert_int_eq(ps__pixels_decode(&here, bytes, size, "exif.jpg", &wanted, NULL), PS__OK);
    ck_assert_mem_eq(here.rgb, there.rgb, (size_t)here.width * (size_t)here.height * 3);
    ps__pixels_clear(&here);
    ps__pixels_clear(&there);
    ps__free(bytes);
}

/* The state of process `pid`: 'Z' for a zombie, 0 when there is none. */
static char process_state(long pid) {
    char path[64], state = 0;
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    FILE *f = fopen(path, "r");
    if (!f) return 0;
    if (fscanf(f, "%*d (%*[^)]) %c", &state) != 1) state = 0;
    fclose(f);
    return state;
}

/* The parent of process `pid`, and its name; 0 when there is none. */
static long process_parent(long pid, char name[64]) {
    char path[64];
    long parent = 0;
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    FILE *f = fopen(path, "r");
    if (!f) return 0;
    if (fscanf(f, "%*d (%63[^)]) %*c %ld", name, &parent) != 2) parent = 0;
    fclose(f);
    return parent;
}

/* The first child of `parent`, zombies too; 0: it has none. */
static long child_of(long parent) {
    long found = 0;
    DIR *dir = opendir("/proc");
    ck_assert_ptr_nonnull(dir);
    for (struct dirent *d; (d = readdir(dir)) != NULL && !found;) {
        char name[64], *end;
        long pid = strtol(d->d_name, &end, 10);
        if (pid > 0 && !*end && process_parent(pid, name) == parent) found = pid;
    }
    closedir(dir);
    return found;
}

/* Waits for a process to be gone; it may need a moment when nobody waits for it. */
static int goes_away(long pid) {
    for (int i = 0; i < 1000; i++) {
        char state = process_state(pid);
        if (state == 0 || state == 'Z' || state == 'X') return 1;
        usleep(10000);
    }
    return 0;
}

/* ---- The same as here ----------------------------------------------------------------------------------------------------- */

static void expect_same_picture(const ps__pixels *here, const ps__pixels *there) {
    ck_assert_int_eq(here->width, there->width);
    ck_assert_int_eq(here->height, there->height);
    ck_assert_int_eq(here->original_width, there->original_width);
    ck_assert_int_eq(here->original_height, there->original_height);
    ck_assert_str_eq(here->format, there->format);
    ck_assert_int_eq(here->notes.orientation, there->notes.orientation);
    ck_assert_str_eq(here->notes.taken, there->notes.taken);
    ck_assert_str_eq(here->notes.taken_offset, there->notes.taken_offset);
    ck_assert_int_eq(here->notes.has_gps, there->notes.has_gps);
    ck_assert(here->notes.latitude == there->notes.latitude && here->notes.longitude == there->notes.longitude);
    ck_assert_str_eq(here->notes.make, there->notes.make);
    ck_assert_str_eq(here->notes.model, there->notes.model);
    ck_assert_str_eq(here->notes.lens, there->notes.lens);
    ck_assert_str_eq(here->notes.gps_time, there->notes.gps_time);
    ck_assert_int_eq(here->notes.flash, there->notes.flash);
    ck_assert_int_eq(here->notes.rating, there->notes.rating);
    ck_assert_int_eq(here->notes.kinds, there->notes.kinds);
    ck_assert_str_eq(here->texts.title, there->texts.title);
    ck_assert_str_eq(here->texts.caption, there->texts.caption);
    ck_assert_str_eq(here->texts.keywords, there->texts.keywords);
    ck_assert_mem_eq(here->rgb, there->rgb, (size_t)here->width * (size_t)here->height * 3);
}

static void expect_same(ps__sandbox *s, const uint8_t *bytes, size_t size, const char *name, const ps__pixels_options *options) {
    ps__pixels here, there;
    ps__error here_err = {0}, there_err = {0};
    fill(s, bytes, size);
    int here_status = ps__pixels_decode(&here, bytes, size, name, options, &here_err);
    int there_status = ps__sandbox_decode(&there, s, size, name, options, &there_err);
    ck_assert_msg(here_status == there_status, "%s: %d here, %d there: %s", name, here_status, there_status, there_err.text);
    ck_assert_str_eq(here_err.text, there_err.text);
    if (!here_status) expect_same_picture(&here, &there);
    ps__pixels_clear(&here);
    ps__pixels_clear(&there);
}

static const char *const FOLDERS[] = {"tests/data/images", "tests/data/images/orientation", "tests/data/photos",
                                      "tests/data/previews"};

/* Every file of the folder, pictures or not, whole and cut in half. */
static void compare_folder(ps__sandbox *s, const char *folder, int *count) {
    static const ps__pixels_options inside = {.width = 100, .height = 30, .fit = PS__FIT_INSIDE};
    static const ps__pixels_options crop = {
        .width = 40, .height = 44, .fit = PS__FIT_CROP, .shorter = 48, .filter = PS__FILTER_BILINEAR};
    DIR *dir = opendir(folder);
    ck_assert_ptr_nonnull(dir);
    for (struct dirent *d; (d = readdir(dir)) != NULL;) {
        char path[512];
        uint8_t *bytes;
        size_t size;
        snprintf(path, sizeof path, "%s/%s", folder, d->d_name);
        if (d->d_name[0] == '.' || ps__read_file(&bytes, &size, NULL, path, 16 << 20, NULL) != PS__OK) continue;
        expect_same(s, bytes, size, path, &wanted);
        expect_same(s, bytes, size, path, &inside);
        expect_same(s, bytes, size, path, &crop);
        expect_same(s, bytes, size / 2, path, &wanted);
        ps__free(bytes);
        ++*count;
    }
    closedir(dir);
}

START_TEST(every_file_gives_the_same_pixels_notes_and_sentences) {
    int count = 0;
    ps__sandbox *s = start(NULL);
    compare_folder(s, FOLDERS[_i], &count);
    ck_assert_int_ge(count, 5);
    ps__sandbox_free(s);
}
END_TEST

START_TEST(odd_requests_are_answered) {
    char path[900];
    ps__pixels pixels;
    ps__error err;
    size_t size;
    ps__sandbox *s = start(NULL);
    uint8_t *bytes = sample_read("rgb.png", &size);
    memset(path, 'p', sizeof path);
    path[sizeof path - 1] = 0;
    expect_same(s, bytes, 0, "empty", &wanted);
    expect_same(s, bytes, size / 3, path, &wanted);
    expect_same(s, bytes, size, "few.png", &(ps__pixels_options){.width = 8, .height = 8, .max_pixels = 100});
    expect_same(s, bytes, size, "little.png", &(ps__pixels_options){.width = 8, .height = 8, .max_bytes = 1000});
    expect_same(s, bytes, size, "large.png", &(ps__pixels_options){.width = 2000, .height = 1500});
    ck_assert_int_eq(ps__sandbox_decode(&pixels, s, size, "whole.png", NULL, &err), PS__INVALID);
    ck_assert_int_eq(ps__sandbox_decode(&pixels, s, size, "a.png", &(ps__pixels_options){.width = 8}, &err), PS__INVALID);
    const ps__pixels_options uncut = {.width = 8, .height = 8, .fit = PS__FIT_CROP};
    ck_assert_int_eq(ps__sandbox_decode(&pixels, s, size, "a.png", &uncut, &err), PS__INVALID);
    ck_assert_int_eq(ps__sandbox_decode(&pixels, s, size, "a.png", &(ps__pixels_options){.width = 9999, .height = 9999}, &err),
                     PS__INVALID);
    ck_assert_int_eq(ps__sandbox_decode(&pixels, s, (size_t)1 << 30, "a.png", &wanted, &err), PS__INVALID);
    expect_works(s);
    ps__free(bytes);
    ps__sandbox_free(s);
}
END_TEST

/* Finds the preview of a file here and there, and decodes it, or takes the whole file for one. 1: it has one. */
static int compare_preview(ps__sandbox *s, const uint8_t *bytes, size_t size, const char *name) {
    ps__preview_place here = {0}, there;
    ps__pixels one, other;
    ps__error here_err = {0}, there_err = {0};
    fill(s, bytes, size);
    int found = ps__preview_find(&here, bytes, size, size, name, &here_err);
    int status = ps__sandbox_find_preview(&there, s, size, size, name, &there_err);
    ck_assert_msg(status == found, "%s: %d, %s", name, found, there_err.text);
    ck_assert_str_eq(here_err.text, there_err.text);
    if (found != PS__OK)
        there = here =
            (ps__preview_place){.kind = PS__PREVIEW_JPEG, .length = size, .format = "jpeg", .notes = {.orientation = 1}};
    ck_assert(here.kind == there.kind && here.offset == there.offset && here.length == there.length);
    ck_assert(here.original_width == there.original_width && here.original_height == there.original_height);
    ck_assert_str_eq(here.format, there.format);
    ck_assert_str_eq(here.notes.taken, there.notes.taken);
    ck_assert_int_eq(here.notes.orientation, there.notes.orientation);
    here_err.text[0] = there_err.text[0] = 0;
    fill(s, bytes + here.offset, (size_t)here.length);
    status = ps__preview_decode(&one, &here, bytes + here.offset, (size_t)here.length, name, &wanted, &here_err);
    ck_assert_int_eq(ps__sandbox_preview(&other, s, &there, (size_t)here.length, name, &wanted, &there_err), status);
    ck_assert_str_eq(here_err.text, there_err.text);
    if (!status) expect_same_picture(&one, &other);
    ps__pixels_clear(&one);
    ps__pixels_clear(&other);
    return found == PS__OK;
}

START_TEST(previews_are_found_and_decoded_the_same) {
    static const char *const folders[] = {"tests/data/previews", "tests/data/images"};
    int found = 0, none = 0;
    ps__sandbox *s = start(NULL);
    for (int i = 0; i < 2; i++) {
        DIR *dir = opendir(folders[i]);
        ck_assert_ptr_nonnull(dir);
        for (struct dirent *d; (d = readdir(dir)) != NULL;) {
            char path[512];
            uint8_t *bytes;
            size_t size;
            snprintf(path, sizeof path, "%s/%s", folders[i], d->d_name);
            if (d->d_name[0] == '.' || ps__read_file(&bytes, &size, NULL, path, 16 << 20, NULL) != PS__OK) continue;
            *(compare_preview(s, bytes, size, path) ? &found : &none) += 1;
            ps__free(bytes);
        }
        closedir(dir);
    }
    ck_assert_int_gt(found, 5);
    ck_assert_int_gt(none, 5);
    ps__sandbox_free(s);
}
END_TEST

START_TEST(large_buffers_keep_their_contents_and_give_memory_back) {
    const size_t large = (size_t)40 << 20;
    ps__sandbox *s = start(NULL);
    uint8_t *buffer = ps__sandbox_buffer(s, 1000);
    memset(buffer, 5, 1000);
    buffer = ps__sandbox_buffer(s, large);
    ck_assert_ptr_nonnull(buffer);
    for (size_t i = 0; i < 1000; i++) ck_assert_uint_eq(buffer[i], 5);
    memset(buffer, 6, large);
    buffer = ps__sandbox_buffer(s, 10);
    ck_assert_uint_eq(buffer[9], 6);
    unsigned char there[1];
    ck_assert_int_eq(mincore((void *)(((uintptr_t)buffer + large - 4096) & ~(uintptr_t)4095), 1, there), 0);
    ck_assert_uint_eq(there[0] & 1, 0);
    buffer = ps__sandbox_buffer(s, large);
    ck_assert_uint_eq(buffer[large - 1], 0);
    ck_assert_uint_eq(buffer[9], 6);
    ck_assert_ptr_null(ps__sandbox_buffer(s, PS__MAX_FILE_BYTES + 1));
    expect_works(s);
    ps__sandbox_release(s);
    expect_works(s);
    ps__sandbox_free(s);
}
END_TEST

/* ---- Misfortunes ---------------------------------------------------------------------------------------------------------- */

START_TEST(a_misfortune_costs_one_photo) {
    static const struct {
        const char *trick, *sentence;
    } table[] = {
        {"crash", "a/b.jpg: the decoder crashed (signal 11, Segmentation fault)"},
        {"exit", "a/b.jpg: the decoder ended by itself with status 7"},
        {"abort", "a/b.jpg: the decoder crashed (signal 6, Aborted)"},
        {"hang", "a/b.jpg: decoding took longer than 0.5 seconds and was stopped"},
    };
    ps__sandbox *s = start_trickster(0.5);
    ck_assert_int_ge(ps__sandbox_cpu_ns(s), 0);
    expect_sentence(s, table[_i].trick, PS__ERROR, table[_i].sentence);
    ck_assert(!ps__sandbox_is_down(s));
    ps__sandbox_free(s);
    s = start_trickster(30);
    if (strcmp(table[_i].trick, "hang") != 0) expect_sentence(s, table[_i].trick, PS__ERROR, table[_i].sentence);
    expect_works(s);
    ps__sandbox_free(s);
}
END_TEST

#if !PS__SANITIZED
START_TEST(memory_that_runs_out_is_the_photos_doing) {
    ps__sandbox *s = start(&(ps__sandbox_options){.program = trickster(), .max_bytes = 32 << 20});
    expect_sentence(s, "eat", PS__TOOBIG, "a/b.jpg: needed more memory to decode than the 33 MB");
    expect_works(s);
    ps__sandbox_free(s);
}
END_TEST
#endif

START_TEST(lies_are_noticed) {
    static const struct {
        const char *trick, *sentence;
    } table[] = {
        {"lie size", "(its size)"},    {"lie status", "(its status)"}, {"lie number", "(its number)"},
        {"lie text", "(its camera)"},  {"lie place", "(its place)"},   {"lie sentence", "(its sentence)"},
        {"lie early", "(its number)"},
    };
    ps__error err;
    ps__sandbox *s = start_trickster(30);
    ck_assert_msg(trick(s, "lie nothing", &err) == PS__OK, "%s", err.text); /* so each of the others has but one thing wrong */
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) expect_sentence(s, table[i].trick, PS__ERROR, table[i].sentence);
    ck_assert_int_eq(trick(s, "lie control", &err), PS__CORRUPT);
    ck_assert_str_eq(err.text, "one?two?[2J? end");
    expect_works(s);
    ps__sandbox_free(s);
}
END_TEST

static int stop_now(void *payload) { return ++*(int *)payload > 2; }

START_TEST(a_request_can_be_cancelled) {
    int asked = 0;
    ps__error err;
    ps__sandbox *s = start(&(ps__sandbox_options){.program = trickster(), .stop = stop_now, .payload = &asked});
    asked = -3;
    ck_assert_int_eq(trick(s, "hang", &err), PS__CANCELLED);
    ck_assert_int_ge(ps__sandbox_cpu_ns(s), 1);
    asked = -1000;
    expect_works(s);
    ps__sandbox_free(s);
}
END_TEST

START_TEST(a_decoder_killed_between_two_photos_is_replaced_unseen) {
    ps__sandbox *s = start(NULL);
    expect_works(s);
    int64_t before = ps__sandbox_cpu_ns(s);
    long pid = child_of(getpid());
    ck_assert_int_gt(pid, 0);
    ck_assert_int_eq(kill((pid_t)pid, SIGKILL), 0);
    ck_assert(goes_away(pid));
    expect_works(s);
    ck_assert_int_gt(ps__sandbox_cpu_ns(s), before);
    ck_assert_int_ne(child_of(getpid()), pid);
    ps__sandbox_free(s);
}
END_TEST

START_TEST(programs_that_do_not_start_are_named) {
    static const struct {
        const char *program, *sentence;
        int code;
    } table[] = {
        {"/nowhere/photosearch-decoder", "/nowhere/photosearch-decoder: could not be started: No such file", PS__NOTFOUND},
        {"/etc/passwd", "/etc/passwd: could not be started: Permission denied", PS__ACCESS},
        {"/bin/true", "/bin/true: could not be started: it ended by itself with status 0", PS__ERROR},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        ps__sandbox *s;
        ps__error err = {0};
        ck_assert_int_eq(ps__sandbox_new(&s, &(ps__sandbox_options){.program = table[i].program}, &err), table[i].code);
        ck_assert_msg(strstr(err.text, table[i].sentence) != NULL, "%s", err.text);
        ck_assert_ptr_null(s);
    }
    ck_assert_int_eq(child_of(getpid()), 0);
}
END_TEST

START_TEST(a_program_that_went_away_is_not_the_photos_doing) {
    char path[4096], command[9000];
    ps__error err = {0};
    snprintf(path, sizeof path, "%s/decoder-%ld", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp", (long)getpid());
    snprintf(command, sizeof command, "cp '%s' '%s'", trickster(), path);
    ck_assert_int_eq(system(command), 0);
    ps__sandbox *s = start(&(ps__sandbox_options){.program = path});
    unlink(path);
    expect_sentence(s, "exit", PS__ERROR, "ended by itself");
    ck_assert(!ps__sandbox_is_down(s));
    ck_assert_int_eq(trick(s, "exit", &err), PS__NOTFOUND);
    ck_assert(ps__sandbox_is_down(s));
    ck_assert_ptr_nonnull(strstr(err.text, path));
    ck_assert_int_eq(system(command), 0);
    expect_works(s);
    unlink(path);
    ps__sandbox_free(s);
}
END_TEST

/* ---- The walls ------------------------------------------------------------------------------------------------------------ */

static const char *const CALLS[] = {"open",   "create", "unlink",  "stat",   "socket", "pair",      "exec",  "fork",
                                    "space",  "kill",   "tgkill",  "ptrace", "peek",   "limit",     "raise", "dumpable",
                                    "orphan", "code",   "protect", "input",  "cut",    "cut-input", "close", "memory"};

START_TEST(what_decoding_does_not_need_is_refused) {
    ps__sandbox *s = start_trickster(30);
    for (size_t i = 0; i < sizeof CALLS / sizeof *CALLS; i++) {
        char what[64];
        ps__error err;
        snprintf(what, sizeof what, "call %s", CALLS[i]);
        trick(s, what, &err);
        ck_assert_msg(!strcmp(err.text, !strcmp(CALLS[i], "input") ? "EACCES" : "EPERM"), "%s: %s", CALLS[i], err.text);
    }
    expect_sentence(s, "call clone3", PS__ERROR, "ENOSYS");
    expect_sentence(s, "thread", PS__ERROR, "allowed");
    expect_works(s);
    ps__sandbox_free(s);
}
END_TEST

static void keep_warnings(int level, const char *text, void *payload) {
    if (level == PS__LOG_WARNING && strstr(text, "seccomp")) ++*(int *)payload;
}

/* A link to the tests' decoder whose name makes it leave the filter of system calls out. */
static const char *without_seccomp(void) {
    static char path[4200];
    snprintf(path, sizeof path, "%s/decoder-without-seccomp-%ld", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp", (long)getpid());
    ck_assert(symlink(trickster(), path) == 0 || errno == EEXIST);
    return path;
}

START_TEST(without_seccomp_there_is_one_warning_and_the_limits_hold) {
    int warnings = 0;
    ps__log log = {keep_warnings, PS__LOG_WARNING, &warnings};
    ps__sandbox *s = start(&(ps__sandbox_options){.program = without_seccomp(), .log = &log});
    ck_assert_int_eq(warnings, 1);
    expect_sentence(s, "exit", PS__ERROR, "status 7");
    expect_works(s);
    ck_assert_int_eq(warnings, 1);
    expect_sentence(s, "call open", PS__ERROR, "EMFILE");
    expect_sentence(s, "call socket", PS__ERROR, "EMFILE");
    expect_sentence(s, "call memory", PS__ERROR, "EMFILE");
    expect_sentence(s, "call raise", PS__ERROR, "EPERM");
    expect_sentence(s, "capabilities", PS__ERROR, "none"); /* root, too, has given them up */
    expect_sentence(s, "call input", PS__ERROR, "EACCES");
    expect_sentence(s, "call cut-input", PS__ERROR, "EINVAL"); /* not open for writing */
    expect_sentence(s, "call cut", PS__ERROR, "EPERM");        /* sealed */
    ps__sandbox_free(s);
    s = start(&(ps__sandbox_options){.program = trickster(), .log = &log});
    ck_assert_int_eq(warnings, 1);
    ps__sandbox_free(s);
    unlink(without_seccomp());
}
END_TEST

START_TEST(nothing_of_the_program_is_inherited) {
    int open_end = open("tests/main.c", O_RDONLY); /* not close-on-exec, as a careless program would have it */
    ck_assert_int_ge(open_end, 0);
    ck_assert_int_eq(dup2(open_end, 77), 77);
    setenv("PHOTOSEARCH_SECRET", "hush", 1);
    ps__sandbox *s = start(&(ps__sandbox_options){.program = without_seccomp()});
    ps__error err;
    trick(s, "files", &err);
    ck_assert_str_eq(err.text, "0 1 2 3 4 5 6");
    trick(s, "settings", &err);
    ck_assert_msg(strncmp(err.text, "settings:", 9) == 0 && !strstr(err.text, "hush") && !strstr(err.text, "PATH=/"), "%s",
                  err.text);
    ps__sandbox_free(s);
    unlink(without_seccomp());
    close(77);
    close(open_end);
}
END_TEST

START_TEST(a_program_with_its_standard_files_closed_works) {
    int kept = dup(2), top;
    for (int fd = 0; fd < 3; fd++) close(fd);
    ps__sandbox *s = NULL;
    ps__error err = {0};
    int status = ps__sandbox_new(&s, NULL, &err);
    top = dup2(kept, 2);
    open("/dev/null", O_RDONLY);
    ck_assert_int_eq(top, 2);
    ck_assert_msg(status == PS__OK, "%s", err.text);
    expect_works(s);
    ps__sandbox_free(s);
}
END_TEST

/* ---- Processes ------------------------------------------------------------------------------------------------------------ */

static int open_files(void) {
    int count = 0;
    for (int fd = 0; fd < 1024; fd++) count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

START_TEST(nothing_is_left_behind) {
    static void (*const handlers[])(int) = {SIG_DFL, SIG_IGN};
    signal(SIGCHLD, handlers[_i]);
    int files = open_files();
    for (int round = 0; round < 3; round++) {
        ps__error err;
        ps__sandbox *s = start_trickster(0.3);
        expect_works(s);
        ck_assert_int_eq(trick(s, "hang", &err), PS__ERROR);
        ck_assert_msg(strstr(err.text, "longer than 0.3 seconds") != NULL, "%s", err.text);
        ck_assert_int_eq(trick(s, "crash", &err), PS__ERROR);
        ck_assert_msg(strstr(err.text, _i ? "somebody else" : "Segmentation fault") != NULL, "%s", err.text);
        ps__sandbox_free(s);
        ck_assert_int_eq(child_of(getpid()), 0);
        ck_assert_int_eq(open_files(), files);
    }
    ps__sandbox_free(NULL);
}
END_TEST

/* The decoder dies with its parent, whether it waits or is in the middle of a photo. */
START_TEST(a_killed_parent_takes_its_decoder_along) {
    int tell[2];
    char ready;
    ck_assert_int_eq(pipe(tell), 0);
    pid_t parent = fork();
    ck_assert_int_ge(parent, 0);
    if (parent == 0) {
        ps__error err;
        ps__sandbox *s;
        if (ps__sandbox_new(&s, &(ps__sandbox_options){.program = trickster()}, &err) != PS__OK) _exit(1);
        if (write(tell[1], "x", 1) != 1) _exit(1);
        if (_i) trick(s, "hang", &err);
        pause();
        _exit(0);
    }
    ck_assert_int_eq(read(tell[0], &ready, 1), 1);
    long decoder = child_of(parent);
    ck_assert_int_gt(decoder, 0);
    usleep(50000);
    ck_assert_int_ne(process_state(decoder), 0);
    kill(parent, SIGKILL);
    waitpid(parent, NULL, 0);
    ck_assert(goes_away(decoder));
    close(tell[0]);
    close(tell[1]);
}
END_TEST

static void *make_sandbox(void *payload) {
    *(ps__sandbox **)payload = start(NULL);
    expect_works(*(ps__sandbox **)payload);
    return NULL;
}

START_TEST(a_sandbox_outlives_the_thread_that_made_it) {
    pthread_t maker;
    ps__sandbox *s = NULL;
    ck_assert_int_eq(pthread_create(&maker, NULL, make_sandbox, &s), 0);
    pthread_join(maker, NULL);
    expect_works(s);
    ps__sandbox_free(s);
}
END_TEST

static void *decode_many(void *payload) {
    int thread = *(int *)payload;
    ps__error err;
    for (int round = 0; round < 3; round++) {
        ps__sandbox *s = start_trickster(30);
        for (int i = 0; i < 5; i++) expect_works(s);
        if (thread % 2) expect_sentence(s, "exit", PS__ERROR, "status 7");
        expect_works(s);
        trick(s, "lie control", &err);
        ps__sandbox_free(s);
    }
    return NULL;
}

START_TEST(many_at_once) {
    enum { THREADS = 6 };
    pthread_t threads[THREADS];
    int numbers[THREADS];
    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        ck_assert_int_eq(pthread_create(&threads[i], NULL, decode_many, &numbers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    ck_assert_int_eq(child_of(getpid()), 0);
}
END_TEST

/* ---- Each system call fails once ------------------------------------------------------------------------------------------ */

static int countdown = -1; /* of the chosen call, to the one that fails; negative: none */

static int must_fail(void) {
    if (countdown < 0 || countdown-- > 0) return 0;
    errno = EMFILE;
    return 1;
}

static struct ps__os real;
static int bad_pipe(int ends[2]) { return must_fail() ? -1 : real.pipe(ends); }
static int bad_duplicate(int fd) { return must_fail() ? -1 : real.duplicate(fd); }
static int bad_memfd(const char *name) { return must_fail() ? -1 : real.memfd(name); }
static int bad_seal(int fd, int seals) { return must_fail() ? -1 : real.seal(fd, seals); }
static int bad_allocate(int fd, size_t size) { return must_fail() ? -1 : real.allocate(fd, size); }
static void *bad_share(size_t size, int fd, int protection) {
    return must_fail() ? MAP_FAILED : real.share(size, fd, protection);
}
static void *bad_reshare(void *p, size_t old, size_t size) { return must_fail() ? MAP_FAILED : real.reshare(p, old, size); }
static int bad_pidfd(pid_t pid) { return must_fail() ? -1 : real.pidfd(pid); }
static ssize_t bad_read(int fd, void *bytes, size_t size) { return must_fail() ? -1 : real.read(fd, bytes, size); }
static ssize_t bad_write(int fd, const void *bytes, size_t size) { return must_fail() ? -1 : real.write(fd, bytes, size); }
static int bad_poll(struct pollfd *fds, nfds_t n, int ms) { return must_fail() ? -1 : real.poll(fds, n, ms); }
static int bad_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes,
                     char *const arguments[], char *const environment[]) {
    return must_fail() ? EAGAIN : real.spawn(pid, path, actions, attributes, arguments, environment);
}

static void break_call(int which) {
    switch (which) {
    case 0: ps__os.pipe = bad_pipe; break;
    case 1: ps__os.duplicate = bad_duplicate; break;
    case 2: ps__os.memfd = bad_memfd; break;
    case 3: ps__os.seal = bad_seal; break;
    case 4: ps__os.allocate = bad_allocate; break;
    case 5: ps__os.share = bad_share; break;
    case 6: ps__os.reshare = bad_reshare; break;
    case 7: ps__os.pidfd = bad_pidfd; break;
    case 8: ps__os.read = bad_read; break;
    case 9: ps__os.write = bad_write; break;
    case 10: ps__os.poll = bad_poll; break;
    default: ps__os.spawn = bad_spawn; break;
    }
}

/* Starts, decodes into a large picture, and frees, while the chosen call fails once. */
static int whole_life(int after, int *failed_calls) {
    ps__sandbox *s;
    ps__pixels pixels = {0};
    ps__error err = {0};
    size_t size;
    uint8_t *bytes = sample_read("rgb.png", &size);
    countdown = after;
    int status = ps__sandbox_new(&s, NULL, &err);
    if (!status) {
        uint8_t *buffer = ps__sandbox_buffer(s, (size_t)3 << 20);
        if (buffer) {
            memcpy(buffer, bytes, size);
            ps__pixels_options large = {.width = 1500, .height = 1000};
            status = ps__sandbox_decode(&pixels, s, size, "rgb.png", &large, &err);
            if (status) {
                ck_assert_msg(ps__sandbox_is_down(s), "the photo is blamed: %s", err.text);
                expect_works(s);
            }
        } else {
            status = ps__fail_nomem(&err);
        }
    }
    ck_assert_int_eq(err.code, status);
    ck_assert((status == PS__OK) == (err.text[0] == 0));
    *failed_calls += status != PS__OK;
    ps__pixels_clear(&pixels);
    ps__sandbox_free(s);
    ps__free(bytes);
    return status;
}

START_TEST(each_system_call_that_fails_is_survived) {
    int failures = 0, files = open_files();
    real = ps__os;
    break_call(_i);
    for (int n = 0; n < 40; n++) {
        whole_life(n, &failures);
        int left = countdown;
        countdown = -1;
        ck_assert_int_eq(open_files(), files);
        ck_assert_int_eq(child_of(getpid()), 0);
        if (left >= 0) break; /* there were fewer calls than that */
        ck_assert_int_lt(n, 39);
    }
    ps__os_reset();
    if (_i != 7 && _i != 10) ck_assert_int_gt(failures, 0); /* without a pidfd it works on */
}
END_TEST

START_TEST(each_failed_allocation_is_survived) {
    int failures = 0, status = PS__ERROR;
    for (long n = 0; n < 20; n++) { /* more than there are */
        size_t size;
        ps__sandbox *s;
        ps__pixels pixels;
        ps__error err = {0};
        uint8_t *bytes = sample_read("rgb.png", &size);
        ps__alloc_fail_after(n, 0);
        status = ps__sandbox_new(&s, NULL, &err);
        if (!status) {
            fill(s, bytes, size);
            status = ps__sandbox_decode(&pixels, s, size, "rgb.png", &wanted, &err);
            ck_assert_int_eq(ps__sandbox_is_down(s), status != PS__OK);
            ps__pixels_clear(&pixels);
        }
        ps__alloc_fail_after(-1, 0);
        ck_assert_msg(status == PS__OK || status == PS__NOMEM, "%d: %s", status, err.text);
        failures += status != PS__OK;
        ps__sandbox_free(s);
        ps__free(bytes);
    }
    ck_assert_int_eq(status, PS__OK);
    ck_assert_int_ge(failures, 2); /* the sandbox itself, and the pixels; looking for the program may get by */
}
END_TEST

/* ---- Looking for the program ---------------------------------------------------------------------------------------------- */

START_TEST(the_program_is_found) {
    char *path;
    ps__error err = {0};
    unsetenv("PHOTOSEARCH_DECODER");
    ck_assert_msg(ps__decoder_program(&path, &err) == PS__OK, "%s", err.text);
    ck_assert_str_eq(path + strlen(path) - strlen("/photosearch-decoder"), "/photosearch-decoder");
    ps__free(path);
    setenv("PHOTOSEARCH_DECODER", "/named/by a person", 1);
    ck_assert_int_eq(ps__decoder_program(&path, &err), PS__OK);
    ck_assert_str_eq(path, "/named/by a person");
    ps__free(path);
    ps__sandbox *s;
    ck_assert_int_eq(ps__sandbox_new(&s, NULL, &err), PS__NOTFOUND);
    ck_assert_ptr_nonnull(strstr(err.text, "/named/by a person"));
}
END_TEST

static int no_file(const char *path, struct stat *st) {
    (void)path, (void)st;
    errno = ENOENT;
    return -1;
}

START_TEST(where_it_was_looked_for_is_said) {
    char *path;
    ps__error err = {0};
    unsetenv("PHOTOSEARCH_DECODER");
    ps__os.stat = no_file;
    ck_assert_int_eq(ps__decoder_program(&path, &err), PS__NOTFOUND);
    ps__os_reset();
    ck_assert_ptr_null(path);
    ck_assert_msg(strstr(err.text, "tests/photosearch-decoder, ") &&
                      strstr(err.text, "/../libexec/photosearch/photosearch-decoder"),
                  "%s", err.text);
}
END_TEST

START_TEST(the_program_is_of_no_use_by_itself) {
    char *path, command[5000];
    ps__error err = {0};
    ck_assert_int_eq(ps__decoder_program(&path, &err), PS__OK);
    snprintf(command, sizeof command, "'%s' >/dev/null 2>&1", path);
    ck_assert_int_eq(WEXITSTATUS(system(command)), 2);
    snprintf(command, sizeof command, "'%s' 1 1000 </dev/null >/dev/null 2>&1", path); /* not its parent */
    ck_assert_int_eq(WEXITSTATUS(system(command)), 3);
    ps__free(path);
}
END_TEST

/* 1 if the installed decoder holds the text, as the tests' one does. */
static int holds(const char *program, const char *text) {
    uint8_t *bytes;
    size_t size;
    ps__error err = {0};
    ck_assert_msg(ps__read_file(&bytes, &size, NULL, program, (size_t)256 << 20, &err) == PS__OK, "%s", err.text);
    int found = memmem(bytes, size, text, strlen(text)) != NULL;
    ps__free(bytes);
    return found;
}

START_TEST(the_shipped_program_knows_no_tricks) {
    char *path;
    ck_assert_int_eq(ps__decoder_program(&path, NULL), PS__OK);
    ck_assert(holds(trickster(), "no such trick"));
    ck_assert(!holds(path, "no such trick"));
    ps__free(path);
}
END_TEST

Suite *suite_sandbox(void);
Suite *suite_sandbox(void) {
    Suite *suite = suite_create("sandbox");
    TCase *same = tcase_create("same"), *misfortunes = tcase_create("misfortunes"), *walls = tcase_create("walls");
    TCase *processes = tcase_create("processes"), *faults = tcase_create("faults"), *program = tcase_create("program");
    TCase *const all[] = {same, misfortunes, walls, processes, faults, program};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        tcase_set_timeout(all[i], 120);
        suite_add_tcase(suite, all[i]);
    }
    tcase_add_loop_test(same, every_file_gives_the_same_pixels_notes_and_sentences, 0, 4);
    tcase_add_test(same, odd_requests_are_answered);
    tcase_add_test(same, previews_are_found_and_decoded_the_same);
    tcase_add_test(same, large_buffers_keep_their_contents_and_give_memory_back);
    tcase_add_loop_test(misfortunes, a_misfortune_costs_one_photo, 0, 4);
#if !PS__SANITIZED
    tcase_add_test(misfortunes, memory_that_runs_out_is_the_photos_doing);
#endif
    tcase_add_test(misfortunes, lies_are_noticed);
    tcase_add_test(misfortunes, a_request_can_be_cancelled);
    tcase_add_test(misfortunes, a_decoder_killed_between_two_photos_is_replaced_unseen);
    tcase_add_test(misfortunes, programs_that_do_not_start_are_named);
    tcase_add_test(misfortunes, a_program_that_went_away_is_not_the_photos_doing);
    tcase_add_test(walls, what_decoding_does_not_need_is_refused);
    tcase_add_test(walls, without_seccomp_there_is_one_warning_and_the_limits_hold);
    tcase_add_test(walls, nothing_of_the_program_is_inherited);
    tcase_add_test(walls, a_program_with_its_standard_files_closed_works);
    tcase_add_loop_test(processes, nothing_is_left_behind, 0, 2);
    tcase_add_loop_test(processes, a_killed_parent_takes_its_decoder_along, 0, 2);
    tcase_add_test(processes, a_sandbox_outlives_the_thread_that_made_it);
    tcase_add_test(processes, many_at_once);
    tcase_add_loop_test(faults, each_system_call_that_fails_is_survived, 0, 12);
    tcase_add_test(faults, each_failed_allocation_is_survived);
    tcase_add_test(program, the_program_is_found);
    tcase_add_test(program, where_it_was_looked_for_is_said);
    tcase_add_test(program, the_program_is_of_no_use_by_itself);
    tcase_add_test(program, the_shipped_program_knows_no_tricks);
    return suite;
}
