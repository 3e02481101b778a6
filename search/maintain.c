/*
** Building segments and writing the cache: by whoever indexes (ps__index_flush), or by the builder, a thread that a search starts when
** the tail has become long and nobody else is at it. Searches go on meanwhile, with what is there and with a tail that grows on.
**
**   grow      the tail, and what it does not have yet, becomes a segment, together with the last one if that is not full. A full
**             segment is never touched again, so the price of a photo does not depend on the size of the library
**   rebuild   no usable cache, a log that does not reach back, or many photos gone: everything from the store
**
** Vectors are read without one view over it all, which would keep SQLite from reusing its log for seconds: what changes meanwhile is
** a later change, and told to the tail as such.
*/
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/os.h"
#include "base/thread.h"
#include "search/build.h"
#include "search/inside.h"

#define RETRY_NS ((int64_t)10 * 1000000000) /* after a builder failed */
#define READY_LAG 1024                      /* changes that a search reads in some 3 ms */

/* What is to be built. */
typedef struct plan {
    int worth_it;        /* 0: nothing */
    int64_t now;         /* change that the parts will stand for */
    size_t kept;         /* the first parts stay */
    size_t used;         /* vectors of the tail that go in */
    ps__photo_list list; /* photos of the new segments, ascending */
} plan;

/* ---- Writing the cache; the caller is building and has the cache's lock ---- */

/* Writes a segment that is only in memory to its file, and opens that. */
static int write_segment(ps__part *saved, const ps__segment *segment, const ps__index *index, ps__error *err) {
    char path[PS__CACHE_PATH];
    ps__buf temp = PS__BUF_INIT; /* its contents name the file, so it gets its name only after it was written */
    int status = ps__cache_path(path, &index->key, 0, err);
    if (status == PS__OK) {
        ps__buf_printf(&temp, "%s.tmp", path);
        status = temp.failed ? ps__fail_nomem(err) : ps__segment_save(&saved->checksum, segment, temp.bytes, err);
    }
    if (status == PS__OK) status = ps__cache_path(path, &index->key, saved->checksum, err);
    if (status == PS__OK && ps__os.rename(temp.bytes, path) != 0) {
        status = ps__fail_errno(err, errno, "%s: could not be written", path);
        ps__os.unlink(temp.bytes);
    }
    if (status == PS__OK) status = ps__segment_load(&saved->segment, path, index->dim, saved->checksum, err);
    ps__buf_free(&temp);
    return status;
}

/* A part that is only in memory is taken from its file from then on. */
static int save_part(ps__part *part, ps__index *index, ps__error *err) {
    ps__part saved;
    int status = write_segment(&saved, part->segment, index, err);
    if (status != PS__OK) return status;
    ps__segment *old = part->segment;
    pthread_mutex_lock(&index->update);
    pthread_rwlock_wrlock(&index->lock);
    *part = saved;
    pthread_rwlock_unlock(&index->lock);
    pthread_mutex_unlock(&index->update);
    ps__segment_free(old);
    return PS__OK;
}

static int save_all(ps__index *index, ps__error *err) {
    ps__roll roll = {index->built, index->touched, ps__array(index->parts.count, sizeof(uint64_t)), index->parts.count};
    int status = roll.checksums ? PS__OK : ps__fail_nomem(err);
    for (size_t i = 0; status == PS__OK && i < index->parts.count; i++) {
        if (!index->parts.list[i].checksum) status = save_part(&index->parts.list[i], index, err);
        roll.checksums[i] = index->parts.list[i].checksum;
    }
    if (status == PS__OK) status = ps__roll_write(&roll, &index->key, err);
    if (status == PS__OK) {
        pthread_mutex_lock(&index->update);
        index->rolled = roll.change;
        pthread_mutex_unlock(&index->update);
        ps__cache_sweep(&roll, &index->key);
    }
    ps__roll_clear(&roll);
    return status;
}

/* Writes the cache, unless another process has already written as much. */
static void save(ps__index *index) {
    ps__roll there;
    ps__error why;
    int newer = ps__roll_read(&there, &index->key, NULL) == PS__OK && there.change > index->built;
    ps__roll_clear(&there);
    if (!newer && save_all(index, &why) != PS__OK)
        ps__logf(&index->log, PS__LOG_WARNING, "the index was not written and will be built again: %s", why.text);
}

/* ---- Planning ---- */

static int take_vector(int64_t photo, const uint16_t *halves, void *payload) {
    (void)halves;
    return ps__photo_list_add(payload, photo);
}

static int plan_rebuild(plan *p, ps__index *index, ps__store *store, ps__error *err) {
    p->worth_it = 1;
    p->list.count = 0;
    p->kept = 0;
    int status = ps__store_each_vector(store, index->space, 0, take_vector, &p->list, err);
    return status == PS__NOMEM ? ps__fail_nomem(err) : status;
}

/* Holding `update`: what the tail has joins the list. */
static int add_tail(plan *p, const ps__index *index, ps__error *err) {
    const int64_t *photos = ps__tail_photos(index->tail);
    p->used = ps__tail_count(index->tail);
    for (size_t i = 0; i < p->used; i++)
        if (ps__photo_list_add(&p->list, photos[i]) != PS__OK) return ps__fail_nomem(err);
    return PS__OK;
}

/* The last segment, if it is not full, joins the list. */
static int add_last_part(plan *p, const ps__index *index, ps__error *err) {
    p->kept = index->parts.count;
    if (p->kept == 0) return PS__OK;
    const ps__segment *last = index->parts.list[p->kept - 1].segment;
    size_t count = ps__segment_count(last);
    if (count >= PS__SEGMENT_MAX) return PS__OK;
    int64_t *photos = ps__array(count, sizeof *photos);
    if (!photos) return ps__fail_nomem(err);
    int status = PS__OK;
    ps__segment_photos(photos, last);
    for (size_t i = 0; status == PS__OK && i < count; i++) status = ps__photo_list_add(&p->list, photos[i]);
    ps__free(photos);
    p->kept--;
    return status == PS__OK ? PS__OK : ps__fail_nomem(err);
}

/* Brings in what others have built, and finds out what is left to do. Within a view of the store. */
static int make_plan(plan *p, ps__index *index, ps__store *store, int flush, ps__error *err) {
    int much_gone = 0, taken;
    int status = ps__store_last_change(&p->now, store, err);
    if (status != PS__OK) return status;
    pthread_mutex_lock(&index->update);
    if (!index->loaded) status = ps__index_first_load(index, p->now, err);
    if (status == PS__OK) status = ps__index_reload(&taken, index, p->now, 0, err);
    int64_t change = index->change;
    int unsaved = flush && (index->rolled < 0 ||
                            (index->parts.count > 0 && index->parts.list[index->parts.count - 1].checksum == 0));
    pthread_mutex_unlock(&index->update);
    /* Without the lock: this list may be long. What a search adds to the tail from here on is in both. */
    if (status == PS__OK) status = change > p->now ? PS__OK : ps__index_gather(&p->list, index, store, change, err);
    if (status != PS__OK && status != PS__NOTFOUND) return status;
    int lost = status == PS__NOTFOUND;
    pthread_mutex_lock(&index->update);
    status = ps__index_too_many_gone(&much_gone, index, store, err);
    p->worth_it = unsaved || ps__index_is_long(index, ps__tail_count(index->tail) + p->list.count, flush);
    if (status == PS__OK) status = add_tail(p, index, err);
    pthread_mutex_unlock(&index->update);
    if (status != PS__OK) return status;
    if (lost || much_gone) return plan_rebuild(p, index, store, err);
    return p->worth_it ? add_last_part(p, index, err) : PS__OK;
}

/* ---- Building; the caller is the one who does ---- */

/* A segment of these photos, NULL if they are all gone. With the cache's lock it is written at once, so that one at a time is in memory;
** if that fails, it is tried again when all are built. */
static int build_part(ps__part *part, const ps__index *index, ps__store *store, const int64_t *photos, size_t n, int lock,
                      ps__error *err) {
    ps__part saved;
    part->checksum = 0;
    int status = ps__build_segment(&part->segment, store, index->space, index->dim, photos, n, err);
    if (status != PS__OK || !part->segment || lock < 0 || write_segment(&saved, part->segment, index, NULL) != PS__OK) return status;
    ps__segment_free(part->segment);
    *part = saved;
    return PS__OK;
}

static int build(ps__index *index, ps__store *store, const plan *p, int lock, ps__error *err) {
    const ps__photo_list *list = &p->list;
    ps__parts parts = {ps__array(p->kept, sizeof(ps__part)), p->kept};
    int status = PS__OK;
    if (!parts.list) return ps__fail_nomem(err);
    if (p->kept) memcpy(parts.list, index->parts.list, p->kept * sizeof *parts.list);
    for (size_t i = 0; status == PS__OK && i < list->count; i += PS__SEGMENT_MAX) {
        size_t n = list->count - i < PS__SEGMENT_MAX ? list->count - i : PS__SEGMENT_MAX;
        ps__part part;
        status = build_part(&part, index, store, list->photos + i, n, lock, err);
        if (status == PS__OK && part.segment) status = ps__parts_add(&parts, part.segment, part.checksum, err);
    }
    int64_t touched = p->now;
    if (status == PS__OK) status = ps__store_last_change(&touched, store, err);
    pthread_mutex_lock(&index->update);
    if (status == PS__OK)
        status = ps__index_put_in_place(index, &parts, p->used, p->now, touched, err);
    else
        ps__parts_clear(&parts, &index->parts);
    pthread_mutex_unlock(&index->update);
    return status;
}

/* lock: of the cache; without it nothing is written. */
static int maintain(ps__index *index, ps__store *store, int flush, int lock, ps__error *err) {
    plan p = {.list.most = SIZE_MAX};
    int status = ps__store_begin(store, err);
    if (status != PS__OK) return status;
    status = make_plan(&p, index, store, flush, err);
    ps__store_end(store);
    ps__photo_list_sort(&p.list);
    if (status == PS__OK && p.worth_it) status = build(index, store, &p, lock, err);
    if (status == PS__OK && p.worth_it && lock >= 0) save(index);
    ps__free(p.list.photos);
    return status;
}

static void stop_building(ps__index *index, int status) {
    pthread_mutex_lock(&index->update);
    index->building = 0;
    index->retry_ns = status == PS__OK ? 0 : ps__os.monotonic_ns() + RETRY_NS;
    pthread_cond_broadcast(&index->settled);
    pthread_mutex_unlock(&index->update);
}

static void *build_for_searches(void *payload) {
    ps__index *index = payload;
    ps__store *store;
    ps__error why;
    int lock = index->builder_lock;
    int status = ps__store_open(&store, index->folder, PS__STORE_READ, &why);
    if (status == PS__OK) {
        status = maintain(index, store, 0, lock, &why);
        ps__store_close(store);
    }
    ps__cache_unlock(lock);
    if (status != PS__OK) ps__logf(&index->log, PS__LOG_WARNING, "the index was not built: %s", why.text);
    stop_building(index, status);
    return NULL;
}

void ps__index_start_builder(ps__index *index, int urgent) {
    if (index->building || (!urgent && ps__store_is_locked(index->folder)) ||
        (index->retry_ns && ps__os.monotonic_ns() < index->retry_ns))
        return;
    ps__cache_lock(&index->builder_lock, &index->key);
    if (index->builder_lock == PS__CACHE_BUSY) return; /* what comes out of it is taken by a later search */
    if (index->has_builder) pthread_join(index->builder, NULL);
    index->building = 1;
    index->has_builder = ps__thread_start(&index->builder, build_for_searches, index) == 0;
    if (index->has_builder) return;
    index->building = 0;
    ps__cache_unlock(index->builder_lock);
}

void ps__index_settle(ps__index *index) {
    pthread_mutex_lock(&index->update);
    while (index->building) pthread_cond_wait(&index->settled, &index->update);
    pthread_mutex_unlock(&index->update);
}

static int build_here(ps__index *index, ps__store *store, int flush, ps__error *err) {
    int lock;
    pthread_mutex_lock(&index->update);
    while (index->building) pthread_cond_wait(&index->settled, &index->update);
    index->building = 1;
    pthread_mutex_unlock(&index->update);
    ps__cache_lock(&lock, &index->key);
    int status = maintain(index, store, flush, lock, err);
    ps__cache_unlock(lock);
    stop_building(index, PS__OK);
    return status;
}

int ps__index_tend(ps__index *index, ps__store *store, ps__error *err) { return build_here(index, store, 0, err); }
int ps__index_flush(ps__index *index, ps__store *store, ps__error *err) { return build_here(index, store, 1, err); }

int ps__index_state(int *state, ps__store *store, const char *space_name, int dim, ps__error *err) {
    ps__cache_key key = {ps__store_folder(store), ps__store_identity(store), space_name, dim};
    ps__roll roll;
    int64_t now;
    int status = ps__store_last_change(&now, store, err);
    if (status != PS__OK) return status;
    *state = PS__INDEX_MISSING;
    if (ps__roll_read(&roll, &key, NULL) == PS__OK)
        *state = roll.change <= now && now - roll.change <= READY_LAG ? PS__INDEX_READY : PS__INDEX_STALE;
    ps__roll_clear(&roll);
    return PS__OK;
}
