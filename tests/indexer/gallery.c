/*
** Make-believe photos, and the fakes that index them.
*/
#include "tests/indexer/gallery.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/half.h"
#include "base/os.h"

char gallery_dir[LIBRARY_PATH];
atomic_int gallery_encodes, gallery_decodes, gallery_encode_ms;
char gallery_log[1 << 16];
ps__indexer_result gallery_result;
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_llong clock_jump_ns;

static int64_t jumping_clock(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec + atomic_load(&clock_jump_ns);
}

/* The picture is the first 12 bytes of the content's hash, as 2 x 2 pixels. */
static int fake_decode(ps__pixels *out, const uint8_t *bytes, size_t size, const char *name, const ps__pixels_options *options,
                       ps__error *err) {
    uint8_t hash[16];
    atomic_fetch_add(&gallery_decodes, 1);
    if (size >= 3 && memcmp(bytes, "BAD", 3) == 0) return ps__fail(err, PS__CORRUPT, "%s: is bad", name);
    if (size >= 4 && memcmp(bytes, "LATE", 4) == 0) atomic_fetch_add(&clock_jump_ns, 60000000000);
    if (options->width != 2 || options->height != 2) return ps__fail(err, PS__INVALID, "%s: wrong size wanted", name);
    memset(out, 0, sizeof *out);
    out->rgb = ps__malloc(12);
    if (!out->rgb) return ps__fail_nomem(err);
    ps__store_hash(hash, bytes, size);
    memcpy(out->rgb, hash, 12);
    if (size >= 3 && memcmp(bytes, "NAN", 3) == 0) memset(out->rgb, 255, 12);
    out->width = out->height = 2;
    out->original_width = 4000;
    out->original_height = 3000;
    out->format = "jpeg";
    snprintf(out->notes.taken, sizeof out->notes.taken, "2020-02-29T12:00:00");
    return PS__OK;
}

static int fake_session(void **session, void *payload, ps__error *err) {
    (void)payload;
    *session = ps__malloc(16);
    return *session ? PS__OK : ps__fail_nomem(err);
}

static void fake_vector(float *embedding, const uint8_t *rgb) {
    for (int i = 0; i < LIBRARY_DIM; i++) embedding[i] = (float)rgb[i] / 256;
}

static int fake_encode(float *embedding, void *session, const uint8_t *rgb, ps__error *err) {
    (void)session;
    (void)err;
    atomic_fetch_add(&gallery_encodes, 1);
    int ms = atomic_load(&gallery_encode_ms);
    if (ms) nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000L}, NULL);
    fake_vector(embedding, rgb);
    if (rgb[0] == 255 && rgb[11] == 255) embedding[3] = strtof("nan", NULL);
    return PS__OK;
}

ps__indexer_encoder gallery_encoder;
ps__indexer_decoder gallery_decoder;
ps__decode_fn *gallery_decode;

void gallery_setup(void) {
    library_setup();
    snprintf(gallery_dir, sizeof gallery_dir, "%.4000s/photos", library_temp);
    ck_assert_int_eq(ps__make_folders(gallery_dir, NULL), PS__OK);
    gallery_encoder = (ps__indexer_encoder){.model_id = "fake-1",
                                            .space = "fake",
                                            .dim = LIBRARY_DIM,
                                            .image_size = 2,
                                            .session_new = fake_session,
                                            .session_free = ps__free,
                                            .encode = fake_encode};
    gallery_decode = fake_decode;
    ps__indexer_decoder_here(&gallery_decoder, &gallery_decode);
    atomic_store(&gallery_encodes, 0);
    atomic_store(&gallery_decodes, 0);
    atomic_store(&gallery_encode_ms, 0);
    atomic_store(&clock_jump_ns, 0);
    gallery_denied = NULL;
    ps__os.monotonic_ns = jumping_clock;
}

void gallery_teardown(void) {
    ps__os_reset();
    library_teardown();
}

void gallery_path(char path[LIBRARY_PATH], const char *name) {
    int length = snprintf(path, LIBRARY_PATH, "%s/%s", gallery_dir, name);
    ck_assert_int_lt(length, LIBRARY_PATH);
}

void gallery_age(const char *name, int64_t seconds, long ns) {
    char path[LIBRARY_PATH];
    struct timespec times[2] = {{.tv_sec = time(NULL) - seconds, .tv_nsec = ns}};
    gallery_path(path, name);
    times[1] = times[0];
    ck_assert_int_eq(utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW), 0);
}

void gallery_write(const char *name, const char *content) {
    static long fraction;
    char path[LIBRARY_PATH], *slash;
    gallery_path(path, name);
    slash = strrchr(path, '/');
    *slash = 0;
    ck_assert_int_eq(ps__make_folders(path, NULL), PS__OK);
    *slash = '/';
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || write(fd, content, strlen(content)) != (ssize_t)strlen(content)) ck_abort_msg("%s: could not be written", path);
    close(fd);
    /* Different files differ in the fraction, as they do in life. */
    gallery_age(name, 3600, 1234567 + 1000 * (++fraction % 900000));
}

void gallery_write_many(const char *folder, int count) {
    for (int i = 0; i < count; i++) {
        char name[128], content[160];
        snprintf(name, sizeof name, "%s/%03d.jpg", folder, i);
        snprintf(content, sizeof content, "photo %s", name);
        gallery_write(name, content);
    }
}

void gallery_move(const char *from, const char *to) {
    char a[LIBRARY_PATH], b[LIBRARY_PATH];
    gallery_path(a, from);
    gallery_path(b, to);
    ck_assert_int_eq(rename(a, b), 0);
}

void gallery_remove(const char *name) {
    char path[LIBRARY_PATH];
    gallery_path(path, name);
    ck_assert_int_eq(unlink(path), 0);
}

const char *gallery_denied;
int gallery_denying_open(const char *path, int flags, mode_t mode) {
    if (gallery_denied && strstr(path, gallery_denied)) {
        errno = EACCES;
        return -1;
    }
    return open(path, flags | O_CLOEXEC, mode);
}

static void keep_log(int level, const char *text, void *payload) {
    (void)level;
    (void)payload;
    pthread_mutex_lock(&log_lock);
    size_t used = strlen(gallery_log);
    snprintf(gallery_log + used, sizeof gallery_log - used, "%s\n", text);
    pthread_mutex_unlock(&log_lock);
}

ps__indexer_options gallery_options(void) {
    static const char *roots[1];
    static const ps__log log = {.write = keep_log, .level = PS__LOG_DEBUG};
    roots[0] = gallery_dir;
    return (ps__indexer_options){
        .library = library_dir, .roots = roots, .root_count = 1, .encoder = &gallery_encoder, .decoder = &gallery_decoder, .threads = 2, .log = &log};
}

int gallery_run_with(const ps__indexer_options *options, ps__error *err) {
    gallery_log[0] = 0;
    atomic_store(&gallery_encodes, 0);
    atomic_store(&gallery_decodes, 0);
    int status = ps__indexer_run(&gallery_result, options, err);
    const ps__indexer_result *r = &gallery_result;
    int64_t sum = r->indexed + r->unchanged + r->failed + r->quarantined + r->pending;
    if (status == PS__OK && sum != r->found) ck_abort_msg("found %lld, the parts make %lld", (long long)r->found, (long long)sum);
    return status;
}

void gallery_run(void) {
    ps__error err = {0};
    ps__indexer_options options = gallery_options();
    int status = gallery_run_with(&options, &err);
    ck_assert_msg(status == PS__OK, "%d %s", status, err.text);
}

void gallery_expect_at(const char *file, int line, int found, int indexed, int encoded, int unchanged, int removed) {
    const ps__indexer_result *r = &gallery_result;
    gallery_run();
    if (r->found == found && r->indexed == indexed && r->encoded == encoded && r->unchanged == unchanged &&
        r->removed == removed && atomic_load(&gallery_encodes) == encoded)
        return;
    ck_abort_msg(
        "%s:%d: found %lld indexed %lld encoded %lld (%d calls) unchanged %lld removed %lld failed %lld pending %lld\n%s", file,
        line, (long long)r->found, (long long)r->indexed, (long long)r->encoded, atomic_load(&gallery_encodes),
        (long long)r->unchanged, (long long)r->removed, (long long)r->failed, (long long)r->pending, gallery_log);
}

ps__store_counts gallery_counts(void) {
    ps__store_counts counts;
    ps__error err = {0};
    ps__store *store = library_open(PS__STORE_READ);
    ck_assert_msg(ps__store_count(&counts, store, &err) == PS__OK, "%s", err.text);
    ps__store_close(store);
    return counts;
}

int gallery_twins(const char *name) {
    char path[LIBRARY_PATH];
    ps__buf paths = PS__BUF_INIT;
    size_t count = 0;
    int64_t photo;
    ps__error err;
    gallery_path(path, name);
    ps__store *store = library_open(PS__STORE_READ);
    if (ps__store_photo_by_path(&photo, store, path, &err) == PS__OK)
        ck_assert_int_eq(ps__store_paths(&paths, &count, store, photo, &err), PS__OK);
    ps__buf_free(&paths);
    ps__store_close(store);
    return (int)count;
}

static int check_vector(int64_t photo, const uint16_t *halves, void *payload) {
    ps__store *store = payload;
    ps__photo p;
    ps__error err = {0};
    float expected[LIBRARY_DIM];
    if (ps__store_photo(&p, store, photo, &err) != PS__OK) ck_abort_msg("%s", err.text);
    fake_vector(expected, p.hash);
    for (int i = 0; i < LIBRARY_DIM; i++) {
        if (halves[i] != ps__half_from_float(expected[i]))
            ck_abort_msg("photo %lld has another photo's vector", (long long)photo);
    }
    return 0;
}

void gallery_check_library(void) {
    ps__error err = {0};
    int space;
    ps__store *store = library_open(PS__STORE_READ);
    ck_assert_msg(ps__store_check(store, &err) == PS__OK, "%s", err.text);
    if (ps__store_find_space(&space, store, "fake", LIBRARY_DIM, &err) == PS__OK)
        ck_assert_msg(ps__store_each_vector(store, space, 0, check_vector, store, &err) == PS__OK, "%s", err.text);
    ps__store_close(store);
}
