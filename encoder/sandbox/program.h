/*
** Where the programs are that work for the library, when nobody names them.
*/
#ifndef PS_SANDBOX_PROGRAM_H
#define PS_SANDBOX_PROGRAM_H

#include "base/status.h"

/* $PHOTOSEARCH_DECODER; else photosearch-decoder beside the running program; ../libexec/photosearch/ from there; the prefix that
** the library was installed to; the build tree. *path is freed by ps__free. PS__NOTFOUND, with a sentence that lists them. */
int ps__decoder_program(char **path, ps__error *err);

/* The same for photosearch-reader and $PHOTOSEARCH_READER. That program is not in every build: PS__NOTFOUND says so. */
int ps__reader_program(char **path, ps__error *err);

#endif
