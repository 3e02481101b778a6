/*
** Where pulled files are. Below one folder ROOT, for a model NAME:
**
**     NAME.part/    what is still on its way; kept when a run breaks off
**     NAME/         all files, complete and checked, and LICENSE: NAME.part under its final name
**     NAME.table    the receipt: a table of this one model, with the checksums of what came, whether they were known before,
**                   and what the server said. As --table it pulls the same bytes again, verified.
*/
#ifndef PS_PULL_FOLDER_H
#define PS_PULL_FOLDER_H

#include "base/buf.h"
#include "base/status.h"
#include "pull/fetch.h"
#include "pull/table.h"

typedef struct pull_folder {
    char *root, *part, *whole, *receipt; /* owned */
    int lock;                            /* descriptor; -1 none */
} pull_folder;

typedef struct pull_came { /* one for each file of the model */
    pull_got got;
    char *url;            /* that was asked; owned by whoever fills it */
    const char *expected; /* the SHA-256 it had to have, "" none */
} pull_came;

/* The paths only. root NULL: photosearch/pulled in $XDG_DATA_HOME or ~/.local/share. Free by pull_folder_close. */
int pull_folder_name(pull_folder *f, const char *root, const char *model, ps__error *err);
/* Makes NAME.part and locks it: PS__BUSY while another run has it. */
int pull_folder_open(pull_folder *f, ps__error *err);
void pull_folder_close(pull_folder *f);

/* 1 if a model of that name is imported, as far as the environment tells where that would be. */
int pull_folder_is_imported(const char *name);

/* FOLDER/NAME, freed by ps__free; NULL when memory ran out. */
char *pull_folder_join(const char *folder, const char *name);

/* 1 if bytes of that number fit on the device; PS__FULL is in *err otherwise. -1 bytes: not known, fits. */
int pull_folder_has_room(const pull_folder *f, int64_t bytes, ps__error *err);

/* Writes LICENSE and the receipt, and gives the folder its final name. */
int pull_folder_finish(pull_folder *f, const pull_model *model, const pull_licence *licence, const char *licence_text,
                       const pull_came *came, ps__error *err);

/* Looks whether NAME is there and holds what is expected: 1 it does, and `came` is filled; 0 there is none; else a status with a
** sentence. expected[i] "": what the receipt says. */
int pull_folder_check(const pull_folder *f, const pull_model *model, const char *const expected[], pull_came *came,
                      ps__error *err);

/* Takes the model's files and the folder away; the receipt stays. */
void pull_folder_remove(const pull_folder *f, const pull_model *model);

#endif
