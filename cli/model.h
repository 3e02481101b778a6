/*
** The verbs of `photosearch model` that have files of their own; each returns the exit status.
*/
#ifndef PS_CLI_MODEL_H
#define PS_CLI_MODEL_H

#include "cli/cli.h"

int import_model(options *o);
int list_models(options *o);
int use_model(options *o);
int remove_model(options *o);

#endif
