/*
** What was read in photos: text, or that there is none. A photo is its content, so it is read once for each version of the reading.
*/
#ifndef PS_STORE_READINGS_H
#define PS_STORE_READINGS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "store/store.h"

/* Ids of the photos that were not read yet by a reading of this version or a newer one; with `all`, of every photo. Those of which only
** the preview is known are left out: they will be other photos. Increasing; the caller frees *ids with ps__free (NULL when *count is 0).
** Looks at every photo. */
int ps__store_unread(int64_t **ids, size_t *count, ps__store *store, int version, int all, ps__error *err);

/* Notes what was read in a photo, in `texts` as it is and in `words` folded (store/words.h); text: UTF-8; NULL or "": nothing. What else
** is known of the photo in words stays. A photo that is gone meanwhile is passed over. Inside a write. */
int ps__store_put_seen(ps__store *store, int64_t photo, const char *text, int version, ps__error *err);

/* Appends the text that was read in the photo; *version (may be NULL) is that of its reading, 0: it was not read yet. */
int ps__store_seen(ps__buf *text, int *version, ps__store *store, int64_t photo, ps__error *err);

#endif
