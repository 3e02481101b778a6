/*
** Looking for the decoder program; see program.h. PS_LIBEXECDIR (libexec/ of the installed prefix) and PS_BUILT_DECODER (the
** program in the build tree) come from the Makefile.
*/
#include "encoder/sandbox/program.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/os.h"

#define FILE_NAME "photosearch-decoder"

/* The folder of the running program, "" when it is not known. */
static void own_folder(char folder[PATH_MAX]) {
    ssize_t length = readlink("/proc/self/exe", folder, PATH_MAX - 1);
    folder[length > 0 ? length : 0] = 0;
    char *slash = strrchr(folder, '/');
    if (slash) *slash = 0;
}

/* 1 when a file is at folder/rest, which is then in *path; otherwise adds its name to what was tried. */
static int is_at(ps__buf *path, ps__buf *tried, const char *folder, const char *rest) {
    struct stat st;
    ps__buf_clear(path);
    ps__buf_printf(path, "%s%s", folder, rest);
    if (ps__os.stat(path->bytes, &st) == 0 && S_ISREG(st.st_mode)) return 1;
    ps__buf_printf(tried, "%s%s", tried->length ? ", " : "", path->bytes);
    return 0;
}

static int look(ps__buf *path, ps__buf *tried) {
    char folder[PATH_MAX];
    own_folder(folder);
    if (folder[0] && is_at(path, tried, folder, "/" FILE_NAME)) return 1;
    if (folder[0] && is_at(path, tried, folder, "/../libexec/photosearch/" FILE_NAME)) return 1;
#ifdef PS_LIBEXECDIR
    if (is_at(path, tried, PS_LIBEXECDIR, "/photosearch/" FILE_NAME)) return 1;
#endif
#ifdef PS_BUILT_DECODER
    if (is_at(path, tried, PS_BUILT_DECODER, "")) return 1;
#endif
    return 0;
}

int ps__decoder_program(char **path, ps__error *err) {
    const char *own = getenv("PHOTOSEARCH_DECODER");
    ps__buf text = PS__BUF_INIT, tried = PS__BUF_INIT;
    int status = PS__OK;
    *path = NULL;
    if (own && own[0]) /* what a person names is not replaced by something else, even when it is missing */
        ps__buf_puts(&text, own);
    else if (!look(&text, &tried))
        status = ps__fail(err, PS__NOTFOUND, "no decoder program was found at %.900s",
                          tried.length ? tried.bytes : "the usual places");
    if (status == PS__OK && !(*path = ps__buf_detach(&text))) status = ps__fail_nomem(err);
    ps__buf_free(&text);
    ps__buf_free(&tried);
    return status;
}
