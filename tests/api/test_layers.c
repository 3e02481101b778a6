/*
** Which part may know which: the arrows of the design, checked over every #include line.
*/
#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

Suite *suite_layers(void);

static const struct {
    const char *part;
    const char *knows[8]; /* besides itself */
} PARTS[] = {
    {"base", {NULL}},
    {"encoder", {"base", NULL}},
    {"store", {"base", NULL}},
    {"search", {"base", "encoder", "store", NULL}},
    {"indexer", {"base", "encoder", "store", NULL}},
    {"api", {"base", "encoder", "store", "search", "indexer", NULL}},
    {"cli", {"api/photosearch.h", NULL}},
    {"samples", {"api/photosearch.h", NULL}},
    {"pull", {"base", "api/photosearch.h", NULL}}, /* a program of its own; of the interface only its version */
};

static int checked;

/* 1 if `name` is the folder or file `allowed`, or lies in it. */
static int lies_in(const char *name, const char *allowed) {
    size_t n = strlen(allowed);
    return strncmp(name, allowed, n) == 0 && (name[n] == 0 || name[n] == '/');
}

static int may_include(int part, const char *name) {
    if (lies_in(name, PARTS[part].part)) return 1;
    for (int i = 0; PARTS[part].knows[i]; i++)
        if (lies_in(name, PARTS[part].knows[i])) return 1;
    return 0;
}

static void check_file(int part, const char *path) {
    char line[512], name[512];
    FILE *f = fopen(path, "r");
    ck_assert_ptr_nonnull(f);
    checked++;
    while (fgets(line, sizeof line, f)) {
        if (sscanf(line, " # include \"%511[^\"]\"", name) != 1) continue;
        if (strcmp(PARTS[part].part, "samples") == 0 && strcmp(name, "photosearch.h") == 0)
            continue; /* as if it were installed */
        ck_assert_msg(strchr(name, '/') != NULL, "%s includes \"%s\" without its folder", path, name);
        ck_assert_msg(strstr(name, "..") == NULL, "%s includes %s", path, name);
        ck_assert_msg(may_include(part, name), "%s includes %s: %s may not know it", path, name, PARTS[part].part);
    }
    fclose(f);
}

static void check_folder(int part, const char *folder) {
    DIR *dir = opendir(folder);
    ck_assert_msg(dir != NULL, "%s is missing; tests run from the root of the repository", folder);
    for (struct dirent *d; (d = readdir(dir)) != NULL;) {
        char path[1024];
        struct stat st;
        size_t length = strlen(d->d_name);
        if (d->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "%s/%s", folder, d->d_name);
        ck_assert_int_eq(stat(path, &st), 0);
        if (S_ISDIR(st.st_mode))
            check_folder(part, path);
        else if (length > 2 && (strcmp(d->d_name + length - 2, ".c") == 0 || strcmp(d->d_name + length - 2, ".h") == 0))
            check_file(part, path);
    }
    closedir(dir);
}

START_TEST(no_part_knows_what_lies_above_it) {
    checked = 0;
    check_folder(_i, PARTS[_i].part);
    ck_assert_int_ge(checked, 1);
}
END_TEST

Suite *suite_layers(void) {
    Suite *suite = suite_create("layers");
    TCase *includes = tcase_create("includes");
    tcase_add_loop_test(includes, no_part_knows_what_lies_above_it, 0, sizeof PARTS / sizeof *PARTS);
    suite_add_tcase(suite, includes);
    return suite;
}
