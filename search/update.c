/*
** Keeping the vector index in step with the store. The steps, cheapest first:
**
**   nothing changed   one number is compared
**   replay            changes since then are read from the store's log; their vectors go to the tail
**   reload            another process has meanwhile written a newer cache: take that
**   grow              the tail got long: it becomes a segment, together with the last one if that is not full. A full segment is
**                     never touched again, so the price of a photo does not depend on the size of the library
**   rebuild           no usable cache, a log that does not reach back, or many photos gone: everything from the store
**
** An update works beside the searches and stops them only for the moment in which its result is put in place.
*/
#include "search/index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/os.h"
#include "search/build.h"
#include "search/inside.h"

#define TAIL_LEAST ((size_t)1024)  /* a tail up to this length is always fine: a process reads it in some 3 ms */
#define TAIL_MOST ((size_t)8192)   /* and beyond this one never: it costs memory and time in every search */
#define TAIL_FLUSHED ((size_t)256) /* what a flush leaves to be read by others */
#define GONE_LEAST ((size_t)1000)  /* this many vectors of photos that are gone are no reason to rebuild */

/* ---- Parts ---- */

size_t ps__parts_total(const ps__parts *parts) {
    size_t total = 0;
    for (size_t i = 0; i < parts->count; i++) total += ps__segment_count(parts->list[i].segment);
    return total;
}

void ps__parts_clear(ps__parts *parts) {
    for (size_t i = 0; i < parts->count; i++) ps__segment_free(parts->list[i].segment);
    ps__free(parts->list);
    *parts = (ps__parts){NULL, 0};
}

/* Takes the segment over, also on failure. */
static int parts_add(ps__parts *parts, ps__segment *segment, uint64_t checksum, ps__error *err) {
    ps__part *more = ps__realloc(parts->list, (parts->count + 1) * sizeof *more);
    if (!more) {
        ps__segment_free(segment);
        return ps__fail_nomem(err);
    }
    parts->list = more;
    parts->list[parts->count++] = (ps__part){segment, checksum};
    return PS__OK;
}

/* The moment in which an update takes effect. Keeps the first `kept` old parts, appends those of `fresh`, and empties the tail.
** */
static int put_in_place(ps__index *index, size_t kept, ps__parts *fresh, int64_t change, ps__error *err) {
    ps__tail *tail, *old_tail = index->tail;
    ps__parts parts = {ps__array(kept + fresh->count, sizeof(ps__part)), kept + fresh->count};
    ps__parts dropped = {index->parts.list ? index->parts.list + kept : NULL, index->parts.count - kept};
    if (!parts.list) return ps__fail_nomem(err);
    int status = ps__tail_new(&tail, index->dim, err);
    if (status != PS__OK) {
        ps__free(parts.list);
        return status;
    }
    if (kept) memcpy(parts.list, index->parts.list, kept * sizeof *parts.list);
    if (fresh->count) memcpy(parts.list + kept, fresh->list, fresh->count * sizeof *parts.list);
    ps__part *old_list = index->parts.list;
    pthread_rwlock_wrlock(&index->lock);
    index->parts = parts;
    index->tail = tail;
    index->change = change;
    pthread_rwlock_unlock(&index->lock);
    for (size_t i = 0; i < dropped.count; i++) ps__segment_free(dropped.list[i].segment);
    ps__free(old_list);
    ps__free(fresh->list);
    *fresh = (ps__parts){NULL, 0};
    ps__tail_free(old_tail);
    return PS__OK;
}

/* ---- Reading and writing the cache ---- */

static int load_parts(ps__parts *out, const ps__roll *roll, const ps__index *index, ps__error *err) {
    char path[PS__CACHE_PATH];
    ps__segment *segment;
    int status = PS__OK;
    *out = (ps__parts){NULL, 0};
    for (size_t i = 0; status == PS__OK && i < roll->count; i++) {
        status = ps__cache_path(path, &index->key, roll->checksums[i], err);
        if (status == PS__OK) status = ps__segment_load(&segment, path, index->dim, roll->checksums[i], err);
        if (status == PS__OK) status = parts_add(out, segment, roll->checksums[i], err);
    }
    if (status != PS__OK) ps__parts_clear(out);
    return status;
}

/* Takes what the cache has if it is newer than `than`. Whatever is wrong with it is no error here, but told if `tell`: *taken is 0. */
static int load(int *taken, ps__index *index, int64_t than, int64_t now, int tell, ps__error *err) {
    ps__roll roll;
    ps__parts parts;
    ps__error why;
    *taken = 0;
    int status = ps__roll_read(&roll, &index->key, &why);
    if (status == PS__OK && roll.change > than && roll.change <= now) {
        status = load_parts(&parts, &roll, index, &why);
        if (status == PS__OK) {
            index->rolled = roll.change;
            *taken = 1;
            status = put_in_place(index, 0, &parts, roll.change, err);
            if (status != PS__OK) ps__parts_clear(&parts);
            ps__roll_clear(&roll);
            return status;
        }
    }
    ps__roll_clear(&roll);
    if (tell && status != PS__OK && status != PS__NOTFOUND)
        ps__logf(&index->log, PS__LOG_WARNING, "the index is rebuilt: %s", why.text);
    return status == PS__NOMEM ? ps__fail_nomem(err) : PS__OK;
}

/* Writes a part that is only in memory, and takes it from its file from then on. */
static int save_part(ps__part *part, ps__index *index, ps__error *err) {
    char path[PS__CACHE_PATH];
    ps__part saved;
    ps__buf temp = PS__BUF_INIT; /* its contents name the file, so it gets its name only after it was written */
    int status = ps__cache_path(path, &index->key, 0, err);
    if (status == PS__OK) {
        ps__buf_printf(&temp, "%s.tmp", path);
        status = temp.failed ? ps__fail_nomem(err) : ps__segment_save(&saved.checksum, part->segment, temp.bytes, err);
    }
    if (status == PS__OK) status = ps__cache_path(path, &index->key, saved.checksum, err);
    if (status == PS__OK && ps__os.rename(temp.bytes, path) != 0) {
        status = ps__fail_errno(err, errno, "%s: could not be written", path);
        ps__os.unlink(temp.bytes);
    }
    if (status == PS__OK) status = ps__segment_load(&saved.segment, path, index->dim, saved.checksum, err);
    ps__buf_free(&temp);
    if (status != PS__OK) return status;
    ps__segment *old = part->segment;
    pthread_rwlock_wrlock(&index->lock);
    *part = saved;
    pthread_rwlock_unlock(&index->lock);
    ps__segment_free(old);
    return PS__OK;
}

static int save_all(ps__index *index, ps__error *err) {
    ps__roll roll = {index->change, ps__array(index->parts.count, sizeof(uint64_t)), index->parts.count};
    int status = roll.checksums ? PS__OK : ps__fail_nomem(err);
    for (size_t i = 0; status == PS__OK && i < index->parts.count; i++) {
        if (!index->parts.list[i].checksum) status = save_part(&index->parts.list[i], index, err);
        roll.checksums[i] = index->parts.list[i].checksum;
    }
    if (status == PS__OK) status = ps__roll_write(&roll, &index->key, err);
    if (status == PS__OK) {
        index->rolled = roll.change;
        ps__cache_sweep(&roll, &index->key);
    }
    ps__roll_clear(&roll);
    return status;
}

/* Writes the cache, unless another process is at it or has already written as much. Only called with an empty tail. */
static void save(ps__index *index) {
    ps__roll there;
    ps__error why;
    int lock;
    ps__cache_lock(&lock, &index->key);
    if (lock < 0) return;
    int newer = ps__roll_read(&there, &index->key, NULL) == PS__OK && there.change > index->change;
    ps__roll_clear(&there);
    if (!newer && save_all(index, &why) != PS__OK)
        ps__logf(&index->log, PS__LOG_WARNING, "the index was not written and will be built again: %s", why.text);
    ps__cache_unlock(lock);
}

/* ---- Replaying changes ---- */

/* A growing list of photos. */
typedef struct photo_list {
    int64_t *photos; /* owned */
    size_t count, capacity;
    size_t gone; /* photos that were told to be gone */
} photo_list;

static int list_add(photo_list *list, int64_t photo) {
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 256;
        int64_t *more = ps__realloc(list->photos, capacity * sizeof *more);
        if (!more) return PS__NOMEM;
        list->photos = more;
        list->capacity = capacity;
    }
    list->photos[list->count++] = photo;
    return PS__OK;
}

static int take_change(int64_t change, int kind, int64_t photo, void *payload) {
    photo_list *list = payload;
    (void)change;
    if (kind == PS__CHANGE_PUT) return list_add(list, photo);
    list->gone++;
    return PS__OK;
}

static int take_vector(int64_t photo, const uint16_t *halves, void *payload) {
    (void)halves;
    return list_add(payload, photo);
}

static int add_to_tail(const int64_t *photos, const float *vectors, size_t n, void *payload, ps__error *err) {
    ps__index *index = payload;
    pthread_rwlock_wrlock(&index->lock);
    int status = ps__tail_add(index->tail, photos, vectors, n, err);
    pthread_rwlock_unlock(&index->lock);
    return status;
}

/* Photos with vectors that are new since index->change. PS__NOTFOUND when the log does not reach back that far. */
static int gather(photo_list *list, ps__index *index, ps__store *store, ps__error *err) {
    list->count = list->gone = 0;
    int status = ps__store_each_change(store, index->space, index->change, take_change, list, err);
    return status == PS__NOMEM ? ps__fail_nomem(err) : status;
}

static int replay(ps__index *index, ps__store *store, const photo_list *list, int64_t now, ps__error *err) {
    int status = ps__build_fetch(store, index->space, index->dim, list->photos, list->count, add_to_tail, index, err);
    if (status != PS__OK) return status;
    pthread_rwlock_wrlock(&index->lock);
    index->change = now;
    pthread_rwlock_unlock(&index->lock);
    return PS__OK;
}

/* ---- Growing and rebuilding ---- */

static int by_number(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static void sort_unique(photo_list *list) {
    size_t kept = 0;
    if (list->count) qsort(list->photos, list->count, sizeof *list->photos, by_number);
    for (size_t i = 0; i < list->count; i++)
        if (kept == 0 || list->photos[kept - 1] != list->photos[i]) list->photos[kept++] = list->photos[i];
    list->count = kept;
}

/* Segments of the listed photos take the place of all parts from `kept` on and of the tail. */
static int build(ps__index *index, ps__store *store, size_t kept, const photo_list *list, int64_t now, ps__error *err) {
    ps__parts fresh = {NULL, 0};
    int status = PS__OK;
    for (size_t i = 0; status == PS__OK && i < list->count; i += PS__SEGMENT_MAX) {
        size_t n = list->count - i < PS__SEGMENT_MAX ? list->count - i : PS__SEGMENT_MAX;
        ps__segment *segment;
        status = ps__build_segment(&segment, store, index->space, index->dim, list->photos + i, n, err);
        if (status == PS__OK && segment) status = parts_add(&fresh, segment, 0, err);
    }
    if (status == PS__OK) status = put_in_place(index, kept, &fresh, now, err);
    ps__parts_clear(&fresh);
    if (status == PS__OK) save(index);
    return status;
}

/* The last segment if it is not full, the tail and the listed photos become one segment, or several. */
static int grow(ps__index *index, ps__store *store, const photo_list *fresh, int64_t now, ps__error *err) {
    size_t tail = ps__tail_count(index->tail), kept = index->parts.count, last = 0;
    if (kept > 0 && ps__segment_count(index->parts.list[kept - 1].segment) < PS__SEGMENT_MAX)
        last = ps__segment_count(index->parts.list[--kept].segment);
    photo_list list = {.count = last + tail + fresh->count};
    list.photos = ps__array(list.count, sizeof *list.photos);
    if (!list.photos) return ps__fail_nomem(err);
    if (last) ps__segment_photos(list.photos, index->parts.list[kept].segment);
    if (tail) memcpy(list.photos + last, ps__tail_photos(index->tail), tail * sizeof *list.photos);
    if (fresh->count) memcpy(list.photos + last + tail, fresh->photos, fresh->count * sizeof *list.photos);
    sort_unique(&list);
    int status = build(index, store, kept, &list, now, err);
    ps__free(list.photos);
    return status;
}

static int rebuild(ps__index *index, ps__store *store, int64_t now, ps__error *err) {
    photo_list list = {0};
    int status = ps__store_each_vector(store, index->space, 0, take_vector, &list, err);
    if (status == PS__NOMEM) status = ps__fail_nomem(err);
    if (status == PS__OK) status = build(index, store, 0, &list, now, err);
    ps__free(list.photos);
    return status;
}

static size_t tail_limit(const ps__index *index, int flush) {
    size_t count = index->parts.count, last = count ? ps__segment_count(index->parts.list[count - 1].segment) : 0;
    if (count == 0) return 0;
    size_t limit = last < PS__SEGMENT_MAX ? last / 4 : 0; /* what growing rewrites is worth some waiting */
    if (flush) limit /= 16;
    size_t least = flush ? TAIL_FLUSHED : TAIL_LEAST;
    return limit < least ? least : limit > TAIL_MOST ? TAIL_MOST : limit;
}

/* ---- Refreshing ---- */

static int too_many_gone(int *result, ps__index *index, ps__store *store, ps__error *err) {
    int64_t live;
    int status = ps__store_vector_count(&live, store, index->space, err);
    if (status == PS__OK)
        *result = ps__parts_total(&index->parts) + ps__tail_count(index->tail) > (size_t)live + (size_t)live / 3 + GONE_LEAST;
    return status;
}

static int is_long(const ps__index *index, const photo_list *fresh, int flush) {
    return ps__tail_count(index->tail) + fresh->count > tail_limit(index, flush);
}

/* Holding `update`, and loaded. */
static int catch_up(ps__index *index, ps__store *store, int64_t now, int flush, ps__error *err) {
    photo_list fresh = {0};
    int taken = 0, much_gone = 0;
    int unsaved = flush && index->parts.count > 0 && index->parts.list[index->parts.count - 1].checksum == 0;
    int status = gather(&fresh, index, store, err);
    if (status == PS__OK && is_long(index, &fresh, flush)) {
        /* Before building, see whether another process has done the work. */
        status = load(&taken, index, index->rolled, now, 1, err);
        if (status == PS__OK && taken) status = gather(&fresh, index, store, err);
    }
    if (status == PS__OK && fresh.gone) status = too_many_gone(&much_gone, index, store, err);
    if (status == PS__NOTFOUND || much_gone)
        status = rebuild(index, store, now, err);
    else if (status == PS__OK && (unsaved || is_long(index, &fresh, flush)))
        status = grow(index, store, &fresh, now, err);
    else if (status == PS__OK)
        status = replay(index, store, &fresh, now, err);
    ps__free(fresh.photos);
    return status;
}

static int first_load(ps__index *index, ps__store *store, int64_t now, int flush, ps__error *err) {
    int taken;
    index->rolled = -1;
    int status = load(&taken, index, -1, now, 0, err);
    /* A second look: the cache may have been replaced between reading the roll and its segments. */
    if (status == PS__OK && !taken) status = load(&taken, index, -1, now, 1, err);
    if (status == PS__OK) status = taken ? catch_up(index, store, now, flush, err) : rebuild(index, store, now, err);
    if (status == PS__OK) {
        pthread_rwlock_wrlock(&index->lock);
        index->loaded = 1;
        pthread_rwlock_unlock(&index->lock);
    }
    return status;
}

/* 1 when a search may go ahead; *loaded says whether there is anything at all. */
static int is_current(int *loaded, ps__index *index, int64_t now) {
    pthread_rwlock_rdlock(&index->lock);
    *loaded = index->loaded;
    int current = index->loaded && index->change >= now;
    pthread_rwlock_unlock(&index->lock);
    return current;
}

int ps__index_refresh(ps__index *index, ps__store *store, int flush, ps__error *err) {
    int64_t now;
    int loaded;
    int status = ps__store_last_change(&now, store, err);
    if (status != PS__OK || (is_current(&loaded, index, now) && !flush)) return status;
    if (loaded && !flush) {
        if (pthread_mutex_trylock(&index->update) != 0) return PS__OK; /* another thread is at it */
    } else {
        pthread_mutex_lock(&index->update);
    }
    if (!index->loaded)
        status = first_load(index, store, now, flush, err);
    else if (index->change <= now)
        status = catch_up(index, store, now, flush, err);
    pthread_mutex_unlock(&index->update);
    return status;
}

int ps__index_state(int *state, ps__store *store, const char *space_name, int dim, ps__error *err) {
    ps__cache_key key = {ps__store_folder(store), ps__store_identity(store), space_name, dim};
    ps__roll roll;
    int64_t now;
    int status = ps__store_last_change(&now, store, err);
    if (status != PS__OK) return status;
    *state = PS__INDEX_MISSING;
    if (ps__roll_read(&roll, &key, NULL) == PS__OK)
        *state = roll.change <= now && now - roll.change <= (int64_t)TAIL_LEAST ? PS__INDEX_READY : PS__INDEX_STALE;
    ps__roll_clear(&roll);
    return PS__OK;
}
