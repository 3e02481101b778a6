/*
** Some photos of a folder or a library; see photos.h.
*/
#include "cli/photos.h"

#include <errno.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "cli/cli.h"

#define SEEN_MOST 100000 /* image files that a walk takes note of */

static photo_list *walked; /* by the walk that is going on: nftw has no payload, and commands run one at a time */

static void add(photo_list *list, const char *path) {
    if (list->count == list->room) {
        list->room = list->room ? 2 * list->room : 64;
        char **more = realloc(list->paths, list->room * sizeof *more);
        if (!more) abort();
        list->paths = more;
    }
    char *copy = strdup(path);
    if (!copy) abort();
    list->paths[list->count++] = copy;
}

static int is_image(const char *name) {
    static const char *const endings[] = {".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif", ".avif", ".gif", ".bmp"};
    size_t length = strlen(name);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t size = strlen(endings[i]);
        if (length > size && strcasecmp(name + length - size, endings[i]) == 0) return 1;
    }
    return 0;
}

static int visit(const char *path, const struct stat *st, int type, struct FTW *place) {
    (void)st;
    if (type == FTW_F && path[place->base] != '.' && is_image(path)) add(walked, path);
    return walked->count >= SEEN_MOST;
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* Keeps `most` of them, evenly spread. */
static void thin_out(photo_list *list, size_t most) {
    size_t count = list->count;
    if (count <= most) return;
    for (size_t i = 0, kept = 0; i < count; i++) {
        if (kept < most && i == kept * count / most)
            list->paths[kept++] = list->paths[i];
        else
            free(list->paths[i]);
    }
    list->count = most;
}

int photos_of_folder(photo_list *out, const char *path, size_t most) {
    struct stat st;
    *out = (photo_list){0};
    if (stat(path, &st) != 0) {
        complain("%s: %s", path, strerror(errno));
        return 0;
    }
    if (!S_ISDIR(st.st_mode)) {
        add(out, path);
        return 1;
    }
    walked = out;
    nftw(path, visit, 16, FTW_PHYS);
    if (out->count) qsort(out->paths, out->count, sizeof *out->paths, by_name);
    thin_out(out, most);
    if (out->count) return 1;
    complain("%s: holds no photos", path);
    return 0;
}

void photos_of_library(photo_list *out, const struct options *o, size_t most) {
    ps_search_options search = PS_SEARCH_OPTIONS_INIT;
    ps_library *library = peek_library(o);
    ps_results *results;
    *out = (photo_list){0};
    if (!library) return;
    search.limit = 10000;
    if (ps_search(&results, library, "after 1900", &search) == PS_OK) { /* nothing but a filter that all dated photos pass */
        for (size_t i = 0; i < ps_results_count(results); i++) add(out, ps_results_path(results, i));
        ps_results_free(results);
    }
    ps_library_close(library);
    thin_out(out, most);
}

void clear_photos(photo_list *list) {
    for (size_t i = 0; i < list->count; i++) free(list->paths[i]);
    free(list->paths);
    *list = (photo_list){0};
}
