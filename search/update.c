/*
** What a search does so that the vector index keeps step with the store. The steps, cheapest first:
**
**   nothing changed   one number is compared
**   replay            changes since then are read from the store's log; their vectors go to the tail: 3 ms for 1,000 photos. A search
**                     that finds another one doing so reads a few changes for itself, and waits only for many
**   reload            the tail is long, and another process has meanwhile written a newer cache: take that
**   scan              there are more changes than the tail may hold: this search reads the vectors in the store, and none waits
**
** Segments are never built here. That is the work of whoever indexes and, where a long tail shows that nobody does it, of the builder
** (maintain.c).
*/
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "search/build.h"
#include "search/inside.h"

#define TAIL_LEAST ((size_t)1024)  /* a tail up to this length is always fine: a process reads it in some 3 ms */
#define TAIL_MOST ((size_t)8192)   /* beyond this one is always worth building: it costs memory and time in every search */
#define TAIL_FLUSHED ((size_t)256) /* what a flush leaves to be read by others */
#define ALONE_MOST ((size_t)2048)  /* a search that finds another at the replay reads up to this many for itself */
#define LEFT_MOST ((size_t)512)    /* so many may stay outside the tail for a while, and are read again by each search: 2 ms */
#define GONE_LEAST ((size_t)1000)  /* this many vectors of photos that are gone are no reason to rebuild */

/* ---- Parts ---- */

size_t ps__parts_total(const ps__parts *parts) {
    size_t total = 0;
    for (size_t i = 0; i < parts->count; i++) total += ps__segment_count(parts->list[i].segment);
    return total;
}

static int parts_hold(const ps__parts *parts, const ps__segment *segment) {
    for (size_t i = 0; parts && i < parts->count; i++)
        if (parts->list[i].segment == segment) return 1;
    return 0;
}

void ps__parts_clear(ps__parts *parts, const ps__parts *shared) {
    for (size_t i = 0; i < parts->count; i++)
        if (!parts_hold(shared, parts->list[i].segment)) ps__segment_free(parts->list[i].segment);
    ps__free(parts->list);
    *parts = (ps__parts){NULL, 0};
}

int ps__parts_add(ps__parts *parts, ps__segment *segment, uint64_t checksum, ps__error *err) {
    ps__part *more = ps__realloc(parts->list, (parts->count + 1) * sizeof *more);
    if (!more) {
        ps__segment_free(segment);
        return ps__fail_nomem(err);
    }
    parts->list = more;
    parts->list[parts->count++] = (ps__part){segment, checksum};
    return PS__OK;
}

/* ---- The moment in which an update takes effect ---- */

static void drop_marks(ps__index *index, size_t used) {
    size_t kept = 0;
    for (size_t i = 0; i < index->mark_count; i++)
        if (index->marks[i].count > used)
            index->marks[kept++] = (ps__mark){index->marks[i].count - used, index->marks[i].change};
    index->mark_count = kept;
}

int ps__index_put_in_place(ps__index *index, ps__parts *parts, size_t used, int64_t change, int64_t touched, ps__error *err) {
    ps__tail *tail, *old_tail = index->tail;
    ps__parts old = index->parts;
    int status = ps__tail_new(&tail, index->dim, err);
    if (status == PS__OK) status = ps__tail_add_rest(tail, old_tail, used, err);
    if (status != PS__OK) {
        ps__parts_clear(parts, &old);
        ps__tail_free(tail);
        return status;
    }
    pthread_rwlock_wrlock(&index->lock);
    index->parts = *parts;
    index->tail = tail;
    index->touched = touched;
    if (index->change < change) index->change = change;
    pthread_rwlock_unlock(&index->lock);
    index->built = change;
    index->behind = 0;
    drop_marks(index, used);
    ps__parts_clear(&old, parts);
    *parts = (ps__parts){NULL, 0};
    ps__tail_free(old_tail);
    return PS__OK;
}

/* ---- Reading the cache ---- */

/* The part of the index that is this file. */
static ps__segment *part_of(const ps__index *index, uint64_t checksum) {
    for (size_t i = 0; i < index->parts.count; i++)
        if (index->parts.list[i].checksum == checksum) return index->parts.list[i].segment;
    return NULL;
}

/* Segments that are open already are shared with index->parts. */
static int load_parts(ps__parts *out, const ps__roll *roll, const ps__index *index, ps__error *err) {
    char path[PS__CACHE_PATH];
    int status = PS__OK;
    *out = (ps__parts){ps__array(roll->count, sizeof(ps__part)), 0};
    if (!out->list) return ps__fail_nomem(err);
    for (size_t i = 0; status == PS__OK && i < roll->count; i++) {
        ps__segment *segment = part_of(index, roll->checksums[i]);
        if (!segment) status = ps__cache_path(path, &index->key, roll->checksums[i], err);
        if (!segment && status == PS__OK) status = ps__segment_load(&segment, path, index->dim, roll->checksums[i], err);
        if (status == PS__OK) out->list[out->count++] = (ps__part){segment, roll->checksums[i]};
    }
    if (status != PS__OK) ps__parts_clear(out, &index->parts);
    return status;
}

/* How many of the tail's first vectors are in parts that stand for `change`. */
static size_t used_up_to(const ps__index *index, int64_t change) {
    size_t used = 0;
    for (size_t i = 0; i < index->mark_count && index->marks[i].change <= change; i++) used = index->marks[i].count;
    return used;
}

int ps__index_reload(int *taken, ps__index *index, int64_t now, int tell, ps__error *err) {
    ps__roll roll;
    ps__parts parts;
    ps__error why;
    *taken = 0;
    int status = ps__roll_read(&roll, &index->key, &why);
    if (status == PS__OK && roll.change > index->rolled && roll.change > index->built && roll.touched <= now) {
        status = load_parts(&parts, &roll, index, &why);
        if (status == PS__OK) {
            index->rolled = roll.change;
            *taken = 1;
            index->told = 0;
            status = ps__index_put_in_place(index, &parts, used_up_to(index, roll.change), roll.change, roll.touched, err);
            ps__roll_clear(&roll);
            return status;
        }
    }
    ps__roll_clear(&roll);
    if (tell && !index->told && status != PS__OK && status != PS__NOTFOUND) {
        index->told = 1;
        ps__logf(&index->log, PS__LOG_WARNING, "the index is rebuilt: %s", why.text);
    }
    return status == PS__NOMEM ? ps__fail_nomem(err) : PS__OK;
}

int ps__index_first_load(ps__index *index, int64_t now, ps__error *err) {
    int taken;
    index->rolled = index->built = -1;
    int status = ps__index_reload(&taken, index, now, 0, err);
    /* A second look: the cache may have been replaced between reading the roll and its segments. */
    if (status == PS__OK && !taken) status = ps__index_reload(&taken, index, now, 1, err);
    if (status != PS__OK) return status;
    pthread_rwlock_wrlock(&index->lock);
    index->loaded = 1; /* without a cache: no parts, which stand for the library before its first change */
    pthread_rwlock_unlock(&index->lock);
    return PS__OK;
}

/* ---- Replaying changes ---- */

int ps__photo_list_add(ps__photo_list *list, int64_t photo) {
    if (list->count >= list->most) return PS__TOOBIG;
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

static int by_number(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

void ps__photo_list_sort(ps__photo_list *list) {
    size_t kept = 0;
    if (list->count) qsort(list->photos, list->count, sizeof *list->photos, by_number);
    for (size_t i = 0; i < list->count; i++)
        if (kept == 0 || list->photos[kept - 1] != list->photos[i]) list->photos[kept++] = list->photos[i];
    list->count = kept;
}

static int take_change(int64_t change, int kind, int64_t photo, void *payload) {
    ps__photo_list *list = payload;
    (void)change;
    if (kind == PS__CHANGE_PUT) return ps__photo_list_add(list, photo);
    list->gone++;
    return PS__OK;
}

int ps__index_gather(ps__photo_list *list, const ps__index *index, ps__store *store, int64_t change, ps__error *err) {
    list->count = list->gone = 0;
    int status = ps__store_each_change(store, index->space, change, take_change, list, err);
    return status == PS__NOMEM ? ps__fail_nomem(err) : status;
}

static int add_to_newer(const int64_t *photos, const float *vectors, size_t n, void *payload, ps__error *err) {
    return ps__tail_add(payload, photos, vectors, n, err);
}

/* The listed photos' vectors as a tail of their own. */
static int fetch(ps__tail **newer, const ps__index *index, ps__store *store, const ps__photo_list *list, ps__error *err) {
    int status = ps__tail_new(newer, index->dim, err);
    if (status == PS__OK)
        status = ps__build_fetch(store, index->space, index->dim, list->photos, list->count, add_to_newer, *newer, err);
    if (status == PS__OK) return PS__OK;
    ps__tail_free(*newer);
    *newer = NULL;
    return status;
}

static int add_mark(ps__index *index, int64_t change, ps__error *err) {
    size_t count = ps__tail_count(index->tail);
    ps__mark *last = index->mark_count ? &index->marks[index->mark_count - 1] : NULL;
    if (count == (last ? last->count : 0)) {
        if (last) last->change = change;
        return PS__OK;
    }
    if (index->mark_count == index->mark_room) {
        size_t room = index->mark_room ? index->mark_room * 2 : 64;
        ps__mark *more = ps__realloc(index->marks, room * sizeof *more);
        if (!more) return ps__fail_nomem(err);
        index->marks = more;
        index->mark_room = room;
    }
    index->marks[index->mark_count++] = (ps__mark){count, change};
    return PS__OK;
}

/* What is new joins the tail. Where that would have to wait for another search, which may be waiting for a processor, a little is left
** to *newer, for this search alone, and to the next one. */
static int replay(ps__tail **newer, ps__index *index, ps__store *store, const ps__photo_list *list, int64_t now, ps__error *err) {
    int status = fetch(newer, index, store, list, err);
    if (status != PS__OK) return status;
    if (pthread_rwlock_trywrlock(&index->lock) != 0) {
        if (list->count <= LEFT_MOST) return PS__OK;
        pthread_rwlock_wrlock(&index->lock);
    }
    status = ps__tail_add_rest(index->tail, *newer, 0, err);
    if (status == PS__OK) status = add_mark(index, now, err);
    if (status == PS__OK) index->change = now;
    pthread_rwlock_unlock(&index->lock);
    ps__tail_free(*newer);
    *newer = NULL;
    return status;
}

/* ---- What is worth building ---- */

static size_t tail_limit(const ps__index *index, int flush) {
    size_t count = index->parts.count, last = count ? ps__segment_count(index->parts.list[count - 1].segment) : 0;
    if (count == 0) return 0;
    size_t limit = last < PS__SEGMENT_MAX ? last / 4 : 0; /* what growing rewrites is worth some waiting */
    if (flush) limit /= 16;
    size_t least = flush ? TAIL_FLUSHED : TAIL_LEAST;
    return limit < least ? least : limit > TAIL_MOST ? TAIL_MOST : limit;
}

int ps__index_is_long(const ps__index *index, size_t tail, int flush) { return tail > tail_limit(index, flush); }

int ps__index_too_many_gone(int *result, const ps__index *index, ps__store *store, ps__error *err) {
    int64_t live;
    int status = ps__store_vector_count(&live, store, index->space, err);
    if (status == PS__OK)
        *result = ps__parts_total(&index->parts) + ps__tail_count(index->tail) > (size_t)live + (size_t)live / 3 + GONE_LEAST;
    return status;
}

/* ---- Refreshing ---- */

/* What is new; PS__TOOBIG when the tail has no room for it. */
static int gather_for_tail(ps__photo_list *fresh, ps__index *index, ps__store *store, ps__error *err) {
    size_t used = ps__tail_count(index->tail);
    fresh->most = used < PS__TAIL_HARD ? PS__TAIL_HARD - used : 0;
    return ps__index_gather(fresh, index, store, index->change, err);
}

/* Holding `update`, and loaded. */
static int follow(ps__tail **newer, ps__index *index, ps__store *store, int64_t now, ps__error *err) {
    ps__photo_list fresh = {0};
    int taken = 0, much_gone = 0;
    int status = index->behind ? PS__TOOBIG : gather_for_tail(&fresh, index, store, err);
    int lost = status == PS__NOTFOUND || status == PS__TOOBIG;
    int worth_it = lost || (status == PS__OK && ps__index_is_long(index, ps__tail_count(index->tail) + fresh.count, 0));
    if (worth_it && !index->building) {
        status = ps__index_reload(&taken, index, now, 1, err);
        if (status == PS__OK && taken) {
            status = gather_for_tail(&fresh, index, store, err);
            lost = status == PS__NOTFOUND || status == PS__TOOBIG;
            worth_it = lost || (status == PS__OK && ps__index_is_long(index, ps__tail_count(index->tail) + fresh.count, 0));
        }
    }
    if (status == PS__OK && !lost) status = replay(newer, index, store, &fresh, now, err);
    if (status == PS__OK && fresh.gone) status = ps__index_too_many_gone(&much_gone, index, store, err);
    if (lost) index->behind = 1;
    if (lost && (status == PS__NOTFOUND || status == PS__TOOBIG)) status = PS__OK;
    if (status == PS__OK && (worth_it || much_gone)) ps__index_start_builder(index, lost);
    ps__free(fresh.photos);
    return status;
}

/* What is new since `change`, for one search alone. PS__TOOBIG, PS__NOTFOUND: that is not to be had quickly. */
static int read_newer(ps__tail **newer, const ps__index *index, ps__store *store, int64_t change, ps__error *err) {
    ps__photo_list fresh = {.most = ALONE_MOST};
    int status = ps__index_gather(&fresh, index, store, change, err);
    if (status == PS__OK) status = fetch(newer, index, store, &fresh, err);
    ps__free(fresh.photos);
    return status;
}

/* What the index stands for; -1 before it was loaded. */
static int64_t known_change(ps__index *index) {
    pthread_rwlock_rdlock(&index->lock);
    int64_t change = index->loaded ? index->change : -1;
    pthread_rwlock_unlock(&index->lock);
    return change;
}

int ps__index_refresh(int *scan, ps__tail **newer, ps__index *index, ps__store *store, ps__error *err) {
    int64_t now, known = known_change(index);
    *scan = 0;
    *newer = NULL;
    int status = ps__store_last_change(&now, store, err);
    if (status != PS__OK || known >= now) return status;
    if (pthread_mutex_trylock(&index->update) != 0) {
        /* Another thread is at it. A wait is short, but that thread may not be given a processor for a while. */
        status = known < 0 ? PS__TOOBIG : read_newer(newer, index, store, known, err);
        if (status != PS__TOOBIG && status != PS__NOTFOUND) return status;
        pthread_mutex_lock(&index->update);
    }
    status = PS__OK;
    if (!index->loaded) status = ps__index_first_load(index, now, err);
    if (status == PS__OK && index->change < now && !(index->behind && index->building)) status = follow(newer, index, store, now, err);
    *scan = index->change < now && !*newer;
    pthread_mutex_unlock(&index->update);
    return status;
}
