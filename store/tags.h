/*
** Tags of photos: names that a vocabulary gave them, with scores. Which vocabulary that was (a number that stands for its text
** and for the model) is kept for each photo, so that only photos it has not seen yet need to be looked at. The names are also put
** into the table `words`, where a text search finds them.
**
** A photo whose vector is replaced counts as untagged again, by a trigger. See store.h for errors and the thread rule.
*/
#ifndef PS_STORE_TAGS_H
#define PS_STORE_TAGS_H

#include "store/store.h"

typedef struct ps__tag {
    const char *name; /* valid UTF-8; in callbacks valid during the call */
    double score;     /* 0..1 */
} ps__tag;

/* Photos that are to be tagged: with a vector in `space`, and not tagged by `vocabulary` (> 0) yet. */
int ps__store_count_untagged(int64_t *count, ps__store *store, int space, int64_t vocabulary, ps__error *err);
/* The next `limit` of them with photo > after, in photo order. */
int ps__store_each_untagged(ps__store *store, int space, int64_t vocabulary, int64_t after, int limit, ps__vector_fn *fn,
                            void *payload, ps__error *err);

/* Between ps__store_write and ps__store_commit (files.h): the photo has these tags, in this order, and no others. What else
** `words` holds of the photo stays. */
int ps__store_put_tags(ps__store *store, int64_t photo, int64_t vocabulary, const ps__tag *tags, size_t count, ps__error *err);

typedef int ps__tag_fn(const char *name, int64_t photos, double score, void *payload);
/* Every tag that a photo with a file has: how many such photos, and the best score; the most photos first. */
int ps__store_each_tag(ps__store *store, ps__tag_fn *fn, void *payload, ps__error *err);
/* The tags of one photo, best first; photos is 1. */
int ps__store_each_tag_of(ps__store *store, int64_t photo, ps__tag_fn *fn, void *payload, ps__error *err);

#endif
