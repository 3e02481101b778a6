/*
** What the parser of sentences may ask about a gallery (ps__gallery of query.h), answered from the columns.
*/
#ifndef PS_SEARCH_GALLERY_H
#define PS_SEARCH_GALLERY_H

#include "search/query.h"
#include "search/selection.h"

typedef struct ps__gallery_view {
    ps__table *table;               /* outlives the view, like the gazetteer */
    const ps__gazetteer *gazetteer; /* NULL: no places */
    ps__store *store;               /* in the view that the table was taken in; NULL: nothing is known of words */
} ps__gallery_view;

/* The callbacks, with the view as their payload. It may be asked by one thread at a time. */
void ps__gallery_make(ps__gallery *out, ps__gallery_view *view);

#endif
