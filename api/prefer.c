/*
** ps_prefer: what somebody looks at is read first.
*/
#include "api/handles.h"
#include "api/last_error.h"
#include "api/lookup.h"
#include "store/files.h"
#include "store/wanted.h"

/* *row is 0 when the path is not in the library. */
static int find_row(int64_t *row, ps__store *store, const char *path, ps__error *err) {
    ps__path_forms forms;
    ps__file file;
    *row = 0;
    int status = ps__path_forms_make(&forms, path, err);
    if (status != PS__OK) return status;
    status = PS__NOTFOUND;
    for (size_t i = 0; status == PS__NOTFOUND && i < PS__PATH_FORMS; i++)
        if (forms.path[i]) status = ps__store_file(&file, store, forms.path[i], err);
    if (status == PS__OK) *row = file.id;
    ps__path_forms_clear(&forms);
    return status == PS__NOTFOUND ? PS__OK : status;
}

int ps_prefer(ps_library *library, const char *const *paths, size_t count) {
    int64_t rows[PS__WANTED_MOST];
    size_t n = 0;
    ps__error err = {0};
    ps__store *store;
    if (!library || (!paths && count)) return ps__refuse(library, PS_INVALID, "ps_prefer was given no library or no paths");
    int status = ps__library_take_store(&store, library, &err);
    for (size_t i = 0; i < count && n < PS__WANTED_MOST && status == PS__OK; i++) {
        int64_t row = 0;
        if (!paths[i] || !paths[i][0])
            status = ps__fail(&err, PS__INVALID, "the name of a path is empty");
        else
            status = find_row(&row, store, paths[i], &err);
        if (status == PS__OK && row) rows[n++] = PS__WANTED_FILE(row);
    }
    ps__library_put_store(library, store);
    if (status == PS__OK) ps__wanted_add(library->folder, rows, n);
    return ps__remember(library, status, &err);
}
