/*
** What comes after a pull: photosearch imports the files.
*/
#ifndef PS_PULL_IMPORT_H
#define PS_PULL_IMPORT_H

#include "pull/options.h"

/* Runs `photosearch model import FOLDER --name NAME` and returns its exit status. The program is the one of --photosearch, else
** the one that belongs to this program: beside it, or ../../bin/ from there, else the one of $PATH. */
int pull_import(const pull_options *o, const char *folder, const char *name);

#endif
