/*
** photosearch duplicates
*/
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/commands.h"

/* "3.2 MB" */
static void print_bytes(FILE *to, double bytes) {
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    size_t i = 0;
    while (bytes >= 999.5 && i + 1 < sizeof units / sizeof *units) {
        bytes /= 1000;
        i++;
    }
    fprintf(to, i ? "%.1f %s" : "%.0f %s", bytes, units[i]);
}

static int get(ps_duplicate *out, const ps_duplicates *d, size_t i, size_t file) {
    *out = (ps_duplicate)PS_DUPLICATE_INIT;
    return ps_duplicates_get(out, d, i, file) == PS_OK;
}

static void print_json(const ps_duplicates *d, size_t i) {
    ps_duplicate f;
    fputs("{\"files\":[", stdout);
    for (size_t k = 0; get(&f, d, i, k); k++) {
        fputs(k ? ",{" : "{", stdout);
        json_path(f.path);
        printf(",\"width\":%d,\"height\":%d,\"bytes\":%llu,\"taken\":", f.width, f.height, (unsigned long long)f.bytes);
        json_text(f.taken);
        putchar(',');
        json_number("similarity", f.similarity, 4);
        printf(",\"exact\":%s,\"linked\":%s}", f.exact ? "true" : "false", f.linked ? "true" : "false");
    }
    printf("],\"saves\":%llu}\n", (unsigned long long)ps_duplicates_saves(d, i));
}

static void print_group(const options *o, const ps_duplicates *d, size_t i) {
    ps_duplicate f;
    int color = use_color(o, stdout);
    if (i) putchar('\n');
    for (size_t k = 0; get(&f, d, i, k); k++) {
        style_on(stdout, color, k == 0 ? STYLE_GOOD : STYLE_DIM);
        printf("%5d x %-5d  ", f.width, f.height);
        char size[32];
        FILE *to = fmemopen(size, sizeof size, "w");
        if (to) print_bytes(to, (double)f.bytes), fclose(to);
        printf("%9s  %-7s", to ? size : "", k == 0 ? "best" : f.linked ? "link" : f.exact ? "exact" : "");
        if (k == 0) style_off(stdout, color);
        print_path(stdout, f.path);
        if (k) style_off(stdout, color);
        putchar('\n');
    }
}

/* 1 if the file is there, as long as the library says: it may have changed since. */
static int is_there(const ps_duplicate *f) {
    struct stat st;
    return stat(f->path, &st) == 0 && S_ISREG(st.st_mode) && (unsigned long long)st.st_size == f->bytes;
}

/* What a program that deletes may be given: files whose picture is kept by a better one that is there. Other names of one file
** are left out, as one of them may be what another is a link to. */
static void print_paths(const ps_duplicates *d, size_t i) {
    ps_duplicate f;
    if (!get(&f, d, i, 0)) return;
    if (!is_there(&f)) {
        fputs("photosearch: ", stderr);
        print_path(stderr, f.path);
        fputs(": is not as it was when it was indexed, so its copies are left out\n", stderr);
        return;
    }
    for (size_t k = 1; get(&f, d, i, k); k++)
        if (!f.linked && is_there(&f)) fwrite(f.path, 1, strlen(f.path) + 1, stdout);
}

static void print_sum(const ps_duplicates *d) {
    unsigned long long files = 0, bytes = 0;
    ps_duplicate f;
    for (size_t i = 0; i < ps_duplicates_count(d); i++) {
        bytes += ps_duplicates_saves(d, i);
        for (size_t k = 1; get(&f, d, i, k); k++) files += !f.linked;
    }
    fprintf(stderr, "photosearch: %zu group%s; without the %llu cop%s that %s not the best, ", ps_duplicates_count(d),
            plural(ps_duplicates_count(d)), files, files == 1 ? "y" : "ies", files == 1 ? "is" : "are");
    print_bytes(stderr, (double)bytes);
    fputs(" would be saved\n", stderr);
}

static int run(options *o) {
    ps_duplicates_options settings = PS_DUPLICATES_OPTIONS_INIT;
    ps_duplicates *d;
    ps_library *library = open_library(o, 0);
    if (!library) return EXIT_FAILED;
    settings.least_similarity = o->least_similarity;
    int status = EXIT_FAILED;
    if (ps_duplicates_open(&d, library, &settings) != PS_OK) {
        complain_status(library);
    } else {
        status = ps_duplicates_count(d) ? EXIT_FOUND : EXIT_NOTHING;
        for (size_t i = 0; i < ps_duplicates_count(d); i++) {
            if (o->json)
                print_json(d, i);
            else if (o->print0)
                print_paths(d, i);
            else
                print_group(o, d, i);
        }
        if (!o->quiet && !o->json && !o->print0 && status == EXIT_FOUND) print_sum(d);
        ps_duplicates_free(d);
    }
    ps_library_close(library);
    return status;
}

const command command_duplicates = {
    "duplicates",
    "",
    "Find copies of the same picture, also resized or re-encoded ones",
    "Each group begins with its best copy: most pixels, then a camera's date, then most bytes, then oldest. --print0 prints all but the best of each\n"
    "group, and leaves out files that changed since they were indexed, and other names (links) of a file. Look before you\n"
    "delete: what looks the same may be two pictures. The status is 1 when there are no copies.\n",
    TAKES_DUPLICATES | TAKES_PRINT0,
    0,
    0,
    run,
};
