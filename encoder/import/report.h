/*
** What INT8 costs: the towers of a package against the same model in float32, layer by layer and at the end, on photos of the user's own
** and on some sentences.
*/
#ifndef PS_IMPORT_REPORT_H
#define PS_IMPORT_REPORT_H

#include <stddef.h>

#include "base/status.h"

typedef struct ps__layer_error {
    const char *name; /* of the operation: "image.3.fc1" */
    int is_text;
    double error; /* root of the mean square of what INT8 is off, over that of the float values: 0 is exact */
    double top;   /* greatest magnitude of a float value there: outliers show here */
} ps__layer_error;

typedef struct ps__report {
    int images, texts;              /* compared */
    double image_mean, image_least; /* cosines of the embeddings; 1 where none was compared */
    double text_mean, text_least;
    int unreadable; /* photos that could not be read and were left out */
} ps__report;

/* Called for each operation in order, the image tower's first. */
typedef void ps__layer_error_fn(const ps__layer_error *layer, void *payload);
/* done of total comparisons; a result other than 0 ends the report with PS__CANCELLED. */
typedef int ps__report_progress_fn(int done, int total, void *payload);

/* quantised, precise: paths of the two packages. photos: paths of image files. The functions may be NULL. */
int ps__report_make(ps__report *out, const char *quantised, const char *precise, const char *const *photos, size_t photo_count,
                    ps__layer_error_fn *layer, ps__report_progress_fn *progress, void *payload, ps__error *err);

#endif
