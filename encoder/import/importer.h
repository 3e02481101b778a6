/*
** From a published model's files to a package of ours: the front door of encoder/import. Any thread, one import at a time an object.
*/
#ifndef PS_IMPORT_IMPORTER_H
#define PS_IMPORT_IMPORTER_H

#include "encoder/import/source.h"

typedef struct ps__importer ps__importer;

typedef struct ps__importer_about { /* strings belong to the importer */
    const char *name, *licence, *space;
    const char *image_scheme, *text_scheme; /* naming schemes that were recognised: "open_clip ViT" */
    const char *weights;                    /* path of the file that holds them */
    int unreadable;                         /* photos that ps__importer_prepare had to do without */
} ps__importer_about;

/* Opens the source, recognises both towers and declares every tensor; nothing is written yet. name: 1 to 64 of A-Z a-z 0-9 . _ -, not
** beginning with a dot or a dash: PS__INVALID. licence: text in place of what the files say, or NULL. Free with ps__importer_free. */
int ps__importer_open(ps__importer **out, const ps__source_files *files, const char *name, const char *licence, ps__error *err);
void ps__importer_free(ps__importer *importer);

const ps__importer_about *ps__importer_about_it(const ps__importer *importer);
ps__draft *ps__importer_draft(ps__importer *importer);

/* Prepares the draft for INT8, once, before it is written so: some layers keep their floats, and outliers are moved (smooth.h). For that the
** package is written to `scratch`, a path, and run over the photos and some sentences (calibrate.h); scratch goes away again. */
int ps__importer_prepare(ps__importer *importer, const char *scratch, const char *const *photos, size_t photo_count,
                         ps__draft_progress_fn *progress, void *payload, ps__error *err);

/* Writes the package, see ps__draft_write, and opens it to see that its towers can be laid out: a package that this program would refuse
** does not stay. */
int ps__importer_write(ps__importer *importer, const char *path, int precision, ps__draft_progress_fn *progress, void *payload,
                       ps__error *err);

/* 1 if a model may be called so. */
int ps__is_model_name(const char *name);

#endif
