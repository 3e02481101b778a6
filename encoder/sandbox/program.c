/*
** Looking for programs; see program.h. PS_LIBEXECDIR (libexec/ of the installed prefix) and PS_BUILT_PROGRAMS (their folder in the
** build tree) come from the Makefile.
*/
#include "encoder/sandbox/program.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/os.h"

/* The folder of the running program, "" when it is not known. */
static void own_folder(char folder[PATH_MAX]) {
    ssize_t length = readlink("/proc/self/exe", folder, PATH_MAX - 1);
    folder[length > 0 ? length : 0] = 0;
    char *slash = strrchr(folder, '/');
    if (slash) *slash = 0;
}

/* 1 when a file is at folder/rest/name, which is then in *path; otherwise adds that to what was tried. */
static int is_at(ps__buf *path, ps__buf *tried, const char *folder, const char *rest, const char *name) {
    struct stat st;
    ps__buf_clear(path);
    ps__buf_printf(path, "%s%s/%s", folder, rest, name);
    if (ps__os.stat(path->bytes, &st) == 0 && S_ISREG(st.st_mode)) return 1;
    ps__buf_printf(tried, "%s%s", tried->length ? ", " : "", path->bytes);
    return 0;
}

static int look(ps__buf *path, ps__buf *tried, const char *name) {
    char folder[PATH_MAX];
    own_folder(folder);
    if (folder[0] && is_at(path, tried, folder, "", name)) return 1;
    if (folder[0] && is_at(path, tried, folder, "/../libexec/photosearch", name)) return 1;
#ifdef PS_LIBEXECDIR
    if (is_at(path, tried, PS_LIBEXECDIR, "/photosearch", name)) return 1;
#endif
#ifdef PS_BUILT_PROGRAMS
    if (is_at(path, tried, PS_BUILT_PROGRAMS, "", name)) return 1;
#endif
    return 0;
}

/* missing: the sentence up to the list of places. */
static int find(char **path, const char *variable, const char *name, const char *missing, ps__error *err) {
    const char *own = getenv(variable);
    ps__buf text = PS__BUF_INIT, tried = PS__BUF_INIT;
    int status = PS__OK;
    *path = NULL;
    if (own && own[0]) /* what a person names is not replaced by something else, even when it is missing */
        ps__buf_puts(&text, own);
    else if (!look(&text, &tried, name))
        status = ps__fail(err, PS__NOTFOUND, "%s at %.900s", missing, tried.length ? tried.bytes : "the usual places");
    if (status == PS__OK && !(*path = ps__buf_detach(&text))) status = ps__fail_nomem(err);
    ps__buf_free(&text);
    ps__buf_free(&tried);
    return status;
}

int ps__decoder_program(char **path, ps__error *err) {
    return find(path, "PHOTOSEARCH_DECODER", "photosearch-decoder", "no decoder program was found", err);
}

int ps__reader_program(char **path, ps__error *err) {
    return find(path, "PHOTOSEARCH_READER", "photosearch-reader",
                "this build reads no text in photos: no photosearch-reader was found", err);
}
