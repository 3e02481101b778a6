/*
** Licences: shown before anything is taken, agreed to, and kept beside the files.
*/
#ifndef PS_PULL_LICENCE_H
#define PS_PULL_LICENCE_H

#include <stdio.h>

#include "base/buf.h"
#include "base/status.h"
#include "pull/options.h"
#include "pull/table.h"

/* What becomes the file LICENSE: one line that names the licence and, where it is so, says that it is for research only; an
** empty line; where it can be read; an empty line; the text. */
void pull_licence_write(ps__buf *out, const pull_licence *licence, const char *text);

/* -1 when agreed: by --accept-licence, or by "yes" on the terminal, where the text was shown. Else an exit status. */
int pull_licence_agree(const pull_options *o, const pull_model *model, const pull_licence *licence, const char *text);

#endif
