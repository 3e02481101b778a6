/*
** Where things lie: the default library, the default model, and relative paths made absolute.
*/
#ifndef PS_API_LOOKUP_H
#define PS_API_LOOKUP_H

#include "base/status.h"

/* *folder of the library that is used when none is named; the caller frees it with ps__free. PS__NOTFOUND: there is no home
** folder. */
int ps__default_library(char **folder, ps__error *err);

/* *path of the model that is used when none is named; the caller frees it. PS__NOTFOUND: there is none; the sentence lists where
** it was looked for. */
int ps__default_model(char **path, ps__error *err);

/* *folder of imported models, $XDG_DATA_HOME/photosearch/models; it need not exist. The caller frees it. PS__NOTFOUND as above. */
int ps__models_folder(char **folder, ps__error *err);

/* The same for the gazetteer. */
int ps__default_places(char **path, ps__error *err);

/* *absolute is path without ".", ".." and doubled slashes, taken from the process's folder; nothing is looked up, so it need not
** exist. The caller frees it. */
int ps__absolute_path(char **absolute, const char *path, ps__error *err);

/* Paths in the library are as the walk found them: the named folder without symbolic links, then the names in it, which may be links
** to files. So what a path means may stand there in one of two forms, or as it is when it no longer exists. */
#define PS__PATH_FORMS 3
typedef struct ps__path_forms {
    char *path[PS__PATH_FORMS]; /* owned; NULL: there is no such form */
} ps__path_forms;

int ps__path_forms_make(ps__path_forms *out, const char *path, ps__error *err);
void ps__path_forms_clear(ps__path_forms *forms);

#endif
