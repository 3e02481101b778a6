/*
** The licence of a published model: its name as the files give it, and its text, which travels with the package.
*/
#ifndef PS_IMPORT_LICENCE_H
#define PS_IMPORT_LICENCE_H

#include "encoder/import/import.h"

/* Sets `licence` and, where there is one, `licence.text` of the draft. *out, owned by the caller, is the name: `given` if it is not NULL, else
** the `license` of README.md's header, else the first line of the file LICENSE; "not stated" where nothing says it. */
int ps__licence_read(char **out, ps__draft *draft, const ps__source *source, const char *given, ps__error *err);

#endif
