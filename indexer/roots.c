/*
** What the caller asked to index, made absolute and free of symbolic links, so that one file has one path in the library however its
** folder was named. A root that is missing or unreadable is skipped, said, and loses nothing.
*/
#include "indexer/run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/os.h"

int ps__path_below(const char *path, const char *folder) {
    size_t length = strlen(folder);
    if (length == 1) return path[0] == '/';
    return strncmp(path, folder, length) == 0 && (path[length] == '/' || path[length] == 0);
}

ps__root *ps__root_of(ps__run *run, const char *path) {
    for (size_t i = 0; i < run->options->root_count; i++)
        if (run->roots[i].kind == PS__ROOT_FOLDER && ps__path_below(path, run->roots[i].path)) return &run->roots[i];
    return NULL;
}

/* The name of something that is not there cannot be resolved; made absolute, it is good enough to name its entries. */
static char *make_absolute(const char *path) {
    ps__buf out = PS__BUF_INIT;
    if (path[0] != '/') {
        char *cwd = ps__os.getcwd();
        ps__buf_puts(&out, cwd ? cwd : "");
        free(cwd);
        ps__buf_putc(&out, '/');
    }
    ps__buf_puts(&out, path);
    while (out.length > 1 && out.bytes[out.length - 1] == '/') out.bytes[--out.length] = 0;
    return ps__buf_detach(&out);
}

static int hide_entries(int64_t *entries, ps__run *run, const ps__root *root, ps__error *err) {
    int64_t changed;
    int status = ps__store_count_below(entries, run->store, root->path, err);
    if (status != PS__OK || *entries == 0) return status;
    status = ps__store_write(run->store, err);
    if (status == PS__OK) status = ps__store_files_gone(&changed, run->store, root->path, err);
    if (status == PS__OK) status = ps__store_commit(run->store, err);
    if (status != PS__OK) ps__store_rollback(run->store);
    return status;
}

/* What was below a missing root is not shown until it is back; what cannot be read stays as it is, for the files are there. */
static int skip_root(ps__run *run, ps__root *root, const ps__error *why, ps__error *err) {
    char text[PS__ERROR_TEXT + 64];
    int64_t entries = 0;
    root->kind = PS__ROOT_SKIPPED;
    int status = why->code == PS__NOTFOUND ? hide_entries(&entries, run, root, err)
                                           : ps__store_count_below(&entries, run->store, root->path, err);
    if (status != PS__OK) return status;
    if (!run->skip_status) run->skip_status = why->code;
    run->result->roots_skipped++;
    run->result->kept += entries;
    snprintf(text, sizeof text, entries ? "%s; its %lld entries were kept" : "%s", why->text, (long long)entries);
    ps__run_note(run, PS__LOG_WARNING, text);
    return PS__OK;
}

static int resolve(ps__run *run, ps__root *root, const char *given, ps__error *err) {
    ps__error why = {0};
    char *real = ps__os.realpath(given);
    int e = errno;
    root->path = real ? ps__strdup(real) : make_absolute(given);
    free(real);
    if (!root->path) return ps__fail_nomem(err);
    if (!real || ps__os.stat(root->path, &root->st) != 0) {
        if (real) e = errno;
        ps__fail_errno(&why, e, "%s", root->path);
    } else if (S_ISDIR(root->st.st_mode)) {
        root->kind = PS__ROOT_FOLDER;
    } else if (S_ISREG(root->st.st_mode)) {
        root->kind = PS__ROOT_FILE;
    } else {
        ps__fail(&why, PS__FORMAT, "%s: is neither a folder nor a regular file", root->path);
    }
    return root->kind == PS__ROOT_SKIPPED ? skip_root(run, root, &why, err) : PS__OK;
}

/* Shorter paths first: an outer folder is walked before the ones inside it. */
static int by_length(const void *a, const void *b) {
    const ps__root *x = a, *y = b;
    size_t m = strlen(x->path), n = strlen(y->path);
    return m != n ? (m > n) - (m < n) : strcmp(x->path, y->path);
}

int ps__roots_resolve(ps__run *run, ps__error *err) {
    size_t count = run->options->root_count;
    for (size_t i = 0; i < count; i++) {
        const char *given = run->options->roots[i];
        if (!given || !*given) return ps__fail(err, PS__INVALID, "a folder to index has an empty name");
        int status = resolve(run, &run->roots[i], given, err);
        if (status != PS__OK) return status;
    }
    qsort(run->roots, count, sizeof *run->roots, by_length);
    return PS__OK;
}
