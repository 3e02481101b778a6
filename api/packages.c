/*
** Looking at packages without using them; see packages.h.
*/
#include "api/packages.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/lookup.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/os.h"
#include "encoder/encoder.h"

#define ENDING ".safetensors"

static void copy(char *out, size_t size, const char *text) { snprintf(out, size, "%s", text ? text : ""); }

int ps__package_note_read(ps__package_note *out, const char *path) {
    ps__encoder *encoder;
    ps__error ignored;
    memset(out, 0, sizeof *out);
    int status = ps__encoder_open(&encoder, path, NULL, &ignored);
    if (status != PS__OK) return status;
    const ps__encoder_info *info = ps__encoder_about(encoder);
    copy(out->id, sizeof out->id, info->id);
    copy(out->name, sizeof out->name, info->name);
    copy(out->space, sizeof out->space, info->space);
    copy(out->licence, sizeof out->licence, info->licence);
    out->dim = info->dim;
    out->has_images = info->image_size > 0;
    out->has_texts = info->max_tokens > 0;
    out->bytes = info->bytes;
    ps__encoder_free(encoder);
    return PS__OK;
}

static int is_package_name(const char *name) {
    size_t length = strlen(name), ending = sizeof ENDING - 1;
    return name[0] != '.' && length > ending && strcmp(name + length - ending, ENDING) == 0;
}

/* 1 if the name ends in ".PID" of a process that is gone, behind the ending of a package. */
static int is_left_over(const char *name) {
    const char *ending = strstr(name, ENDING "."), *dot = strrchr(name, '.');
    char *end;
    if (!ending || dot < ending + sizeof ENDING) return 0; /* something must stand between */
    long pid = strtol(dot + 1, &end, 10);
    if (end == dot + 1 || *end || pid < 1 || pid > INT_MAX) return 0;
    int fd = ps__os.pidfd((pid_t)pid), gone = fd < 0 && errno == ESRCH;
    if (fd >= 0) ps__os.close(fd);
    return gone;
}

void ps__package_sweep(const char *folder) {
    enum { OLD_S = 600 }; /* the process may be of another machine or container */
    struct dirent *entry;
    struct stat st;
    int fd = ps__os.open(folder, O_RDONLY | O_DIRECTORY, 0);
    DIR *dir = fd < 0 ? NULL : ps__os.fdopendir(fd);
    if (!dir && fd >= 0) ps__os.close(fd);
    while (dir && (entry = ps__os.readdir(dir))) {
        ps__buf path = PS__BUF_INIT;
        if (!is_left_over(entry->d_name)) continue;
        ps__buf_printf(&path, "%s/%s", folder, entry->d_name);
        if (!path.failed && ps__os.lstat(path.bytes, &st) == 0 && S_ISREG(st.st_mode) && time(NULL) - st.st_mtime > OLD_S)
            ps__os.unlink(path.bytes);
        ps__buf_free(&path);
    }
    if (dir) ps__os.closedir(dir);
}

int ps__is_companion_name(const char *name, const char *package) {
    size_t stem = strlen(package) - (sizeof ENDING - 1);
    return is_package_name(name) && is_package_name(package) && strncmp(name, package, stem) == 0 && name[stem] == '-';
}

/* Without the ending, whose dot would come behind a dash. */
static int by_name(const void *a, const void *b) {
    const char *x = *(char *const *)a, *y = *(char *const *)b;
    size_t m = strlen(x) - (sizeof ENDING - 1), n = strlen(y) - (sizeof ENDING - 1);
    int order = memcmp(x, y, m < n ? m : n);
    return order ? order : (m > n) - (m < n);
}

/* Names of packages in the folder: *count of them, owned by the caller. */
static int list_folder(char ***names, size_t *count, const char *folder, ps__error *err) {
    struct dirent *entry;
    size_t room = 0;
    int status = PS__OK, fd = ps__os.open(folder, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0) return errno == ENOENT || errno == ENOTDIR ? PS__OK : ps__fail_errno(err, errno, "%s", folder);
    DIR *dir = ps__os.fdopendir(fd);
    if (!dir) {
        ps__os.close(fd);
        return ps__fail_nomem(err);
    }
    while (status == PS__OK && (entry = ps__os.readdir(dir))) {
        if (!is_package_name(entry->d_name)) continue;
        if (*count == room) {
            char **more = ps__realloc(*names, (room = room ? room * 2 : 16) * sizeof **names);
            if (!more) status = ps__fail_nomem(err);
            if (more) *names = more;
        }
        if (status == PS__OK && !((*names)[*count] = ps__strdup(entry->d_name))) status = ps__fail_nomem(err);
        if (status == PS__OK) ++*count;
    }
    ps__os.closedir(dir);
    if (status == PS__OK && *count) qsort(*names, *count, sizeof **names, by_name);
    return status;
}

int ps__each_imported(ps__imported_fn *fn, void *payload, ps__error *err) {
    char *folder, **names = NULL;
    size_t count = 0;
    int status = ps__models_folder(&folder, err);
    if (status == PS__NOTFOUND) return PS__OK;
    if (status == PS__OK) status = list_folder(&names, &count, folder, err);
    for (size_t i = 0; i < count; i++) {
        ps__buf path = PS__BUF_INIT;
        ps__buf_printf(&path, "%s/%s", folder, names[i]);
        if (status == PS__OK) status = path.failed ? ps__fail_nomem(err) : fn(path.bytes, payload);
        ps__buf_free(&path);
        ps__free(names[i]);
    }
    ps__free(names);
    ps__free(folder);
    return status;
}
