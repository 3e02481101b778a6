/*
** Default places; see lookup.h. PS_DATADIR (share/ of the installed prefix), PS_SOURCE_MODEL and PS_SOURCE_PLACES (the
** model and the gazetteer in the source tree) come from the Makefile.
*/
#include "api/lookup.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/os.h"

static int finish(char **out, ps__buf *text, ps__error *err) {
    *out = ps__buf_detach(text);
    return *out ? PS__OK : ps__fail_nomem(err);
}

static const char *environment(const char *name) {
    const char *value = getenv(name);
    return value && value[0] ? value : NULL;
}

int ps__default_library(char **folder, ps__error *err) {
    ps__buf text = PS__BUF_INIT;
    const char *own = environment("PHOTOSEARCH_LIBRARY"), *data = environment("XDG_DATA_HOME"), *home = environment("HOME");
    *folder = NULL;
    if (own)
        ps__buf_puts(&text, own);
    else if (data && data[0] == '/')
        ps__buf_printf(&text, "%s/photosearch", data); /* the XDG rules: a relative one is ignored */
    else if (home)
        ps__buf_printf(&text, "%s/.local/share/photosearch", home);
    else
        return ps__fail(err, PS__NOTFOUND,
                        "no library was named, and neither PHOTOSEARCH_LIBRARY, XDG_DATA_HOME nor HOME is set");
    return finish(folder, &text, err);
}

int ps__models_folder(char **folder, ps__error *err) {
    ps__buf text = PS__BUF_INIT;
    const char *data = environment("XDG_DATA_HOME"), *home = environment("HOME");
    *folder = NULL;
    if (data && data[0] == '/')
        ps__buf_printf(&text, "%s/photosearch/models", data);
    else if (home)
        ps__buf_printf(&text, "%s/.local/share/photosearch/models", home);
    else
        return ps__fail(err, PS__NOTFOUND, "there is no folder for models: neither XDG_DATA_HOME nor HOME is set");
    return finish(folder, &text, err);
}

/* A data file that is installed to share/ of the prefix. */
typedef struct data_file {
    const char *what;     /* "model", for the sentence */
    const char *variable; /* of the environment that names another */
    const char *name;     /* below share/ */
    const char *prefix;   /* the same in the prefix; NULL: this build knows none */
    const char *source;   /* in the source tree; NULL: the same */
} data_file;

/* share/ beside the folder of the running program, as an installed program has it, wherever the prefix was moved to. */
static void beside_program(ps__buf *out, const char *name) {
    char path[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    ps__buf_clear(out);
    if (length <= 0) return;
    path[length] = 0;
    char *slash = strrchr(path, '/');
    if (!slash) return;
    *slash = 0;
    ps__buf_printf(out, "%s/../share/%s", path, name);
}

/* 1 when the file exists; otherwise adds its name to what was tried. */
static int is_there(const char *path, ps__buf *tried) {
    struct stat st;
    if (path[0] && ps__os.stat(path, &st) == 0) return 1;
    if (path[0]) ps__buf_printf(tried, "%s%s", tried->length ? ", " : "", path);
    return 0;
}

static int find_data(char **path, const data_file *file, ps__error *err) {
    ps__buf text = PS__BUF_INIT, tried = PS__BUF_INIT;
    const char *own = environment(file->variable), *const fixed[] = {file->prefix, file->source};
    int found = own != NULL; /* what a person names is not replaced by something else, even when it is missing */
    *path = NULL;
    if (own) ps__buf_puts(&text, own);
    if (!found) {
        beside_program(&text, file->name);
        found = is_there(text.bytes, &tried);
    }
    for (size_t i = 0; !found && i < sizeof fixed / sizeof *fixed; i++) {
        ps__buf_clear(&text);
        if (fixed[i]) ps__buf_puts(&text, fixed[i]);
        found = is_there(text.bytes, &tried);
    }
    int status = found ? finish(path, &text, err)
                       : ps__fail(err, PS__NOTFOUND, "no %s was named, and none was found at %.800s", file->what,
                                  tried.length ? tried.bytes : "the usual places");
    ps__buf_free(&text);
    ps__buf_free(&tried);
    return status;
}

#ifdef PS_DATADIR
#define IN_PREFIX(name) PS_DATADIR "/" name
#else
#define IN_PREFIX(name) NULL
#endif
#ifndef PS_SOURCE_MODEL
#define PS_SOURCE_MODEL NULL
#endif
#ifndef PS_SOURCE_PLACES
#define PS_SOURCE_PLACES NULL
#endif

int ps__default_model(char **path, ps__error *err) {
    static const data_file file = {"model", "PHOTOSEARCH_MODEL", "photosearch/photosearch.safetensors",
                                   IN_PREFIX("photosearch/photosearch.safetensors"), PS_SOURCE_MODEL};
    return find_data(path, &file, err);
}

int ps__default_places(char **path, ps__error *err) {
    static const data_file file = {"gazetteer", "PHOTOSEARCH_PLACES", "photosearch/places.gazetteer",
                                   IN_PREFIX("photosearch/places.gazetteer"), PS_SOURCE_PLACES};
    return find_data(path, &file, err);
}

/* Appends the parts of path to out, which is absolute and has no slash at its end ("" stands for the root). */
static void append_parts(ps__buf *out, const char *path) {
    while (*path) {
        size_t length = strcspn(path, "/");
        if (length == 2 && path[0] == '.' && path[1] == '.') {
            char *slash = strrchr(out->bytes, '/');
            if (slash) {
                out->length = (size_t)(slash - out->bytes);
                *slash = 0;
            }
        } else if (length > 0 && !(length == 1 && path[0] == '.')) {
            ps__buf_putc(out, '/');
            ps__buf_append(out, path, length);
        }
        path += length;
        if (*path) path++;
    }
}

int ps__absolute_path(char **absolute, const char *path, ps__error *err) {
    char here[PATH_MAX];
    ps__buf text = PS__BUF_INIT;
    *absolute = NULL;
    if (path[0] != '/') {
        if (!getcwd(here, sizeof here)) return ps__fail_errno(err, errno, "the current folder");
        append_parts(&text, here);
    }
    append_parts(&text, path);
    if (text.length == 0) ps__buf_putc(&text, '/');
    return finish(absolute, &text, err);
}

/* The absolute path with its folder, but not its last part, freed of symbolic links; NULL when the folder is not there. */
static char *in_real_folder(const char *path) {
    ps__buf joined = PS__BUF_INIT;
    const char *slash = strrchr(path, '/');
    char *parent = slash == path ? ps__strdup("/") : ps__strndup(path, (size_t)(slash - path));
    char *folder = parent ? ps__os.realpath(parent) : NULL;
    if (folder) ps__buf_printf(&joined, "%s%s", strcmp(folder, "/") == 0 ? "" : folder, slash);
    ps__free(parent);
    free(folder);
    return joined.length ? ps__buf_detach(&joined) : NULL;
}

int ps__path_forms_make(ps__path_forms *out, const char *path, ps__error *err) {
    char *plain;
    memset(out, 0, sizeof *out);
    int status = ps__absolute_path(&plain, path, err);
    if (status != PS__OK) return status;
    char *real = ps__os.realpath(plain);
    out->path[0] = in_real_folder(plain);
    out->path[1] = real ? ps__strdup(real) : NULL;
    out->path[2] = plain;
    free(real);
    return PS__OK;
}

void ps__path_forms_clear(ps__path_forms *forms) {
    for (size_t i = 0; i < PS__PATH_FORMS; i++) ps__free(forms->path[i]);
}
