/*
** From the contents of a clause, and example images, to vectors to be searched for: one for each way to choose among the alternatives.
*/
#ifndef PS_API_ASKS_H
#define PS_API_ASKS_H

#include "api/handles.h"
#include "search/query.h"

#define PS__ASKS_MOST 64 /* ways to choose */

typedef struct ps__ask {
    float *query; /* [dim] owned; of length 1 */
    ps__scorer scorer; /* of its cosines */
} ps__ask;

typedef struct ps__asks {
    ps__ask *list; /* [count] owned; the best of them counts. 0: nothing is to be found by content */
    size_t count;
    ps__ask *nots; /* [not_count] owned: what is not to be there, each by itself. They are in `list` already, where that is not empty */
    size_t not_count;
    size_t dim;
} ps__asks;

/* images: float [image_count][dim], embeddings that the photos are to be near to. PS__INVALID: more than PS__ASKS_MOST ways. Free with
** ps__asks_clear, also after a failure. */
int ps__asks_make(ps__asks *out, ps_model *model, const ps__clause *clause, const char *lang, const float *images, size_t image_count,
                  ps__error *err);
void ps__asks_clear(ps__asks *asks);

#endif
