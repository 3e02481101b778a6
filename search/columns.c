/*
** Columns of facts that follow the store; see columns.h.
**
**   nothing changed   one number is compared
**   replay            photos that changed since then are read, and the chunks that they are in are copied
**   walk              no usable cache, or too many changes: everything is read
*/
#include "search/columns.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "search/columns_inside.h"
#include "search/inside.h"
#include "search/plain_words.h"
#include "store/facts.h"

#define REPLAY_LEAST ((size_t)2048) /* so many changes are always read one by one: 12 ms */
#define CACHED_LEAST ((size_t)4096) /* photos: reading fewer from the store takes 4 ms */
#define LAG ((int64_t)1024)         /* changes: a cache file that is not older than this is not written again */
#define GONE_LEAST ((size_t)4096)   /* rows of photos that are gone are no reason to read everything anew */

struct ps__columns {
    char *folder, *identity; /* owned */
    ps__log log;
    pthread_mutex_t lock; /* guards all below */
    ps__table *table;     /* the latest; held; NULL at first */
    int64_t written;      /* change that the cache file stands for, or was to; -1: there is none */
};

/* ---- Tables ---- */

static void drop_list(ps__name_list *list) {
    for (size_t i = 0; i < list->count; i++) ps__free(list->names[i]);
    ps__free(list->names);
    ps__free(list->slots);
}

static void drop_names(ps__names *names) {
    if (!names || atomic_fetch_sub(&names->holders, 1) != 1) return;
    for (int i = 0; i < PS__LISTS; i++) drop_list(ps__names_list(names, i));
    ps__free(names);
}

static void drop_chunk(ps__chunk *chunk) {
    if (atomic_fetch_sub(&chunk->holders, 1) == 1) ps__free(chunk);
}

void ps__table_put(ps__table *table) {
    if (!table || atomic_fetch_sub(&table->holders, 1) != 1) return;
    for (size_t i = 0; i < table->chunk_count; i++) drop_chunk(table->chunks[i]);
    ps__free(table->chunks);
    drop_names(table->names);
    ps__free(table);
}

/* Where the name is in the hash table, or would be. */
static uint32_t *slot_of(const ps__name_list *list, const char *name) {
    size_t at = (size_t)XXH3_64bits(name, strlen(name)) & (list->slot_count - 1);
    while (list->slots[at] && strcmp(list->names[list->slots[at] - 1], name) != 0) at = (at + 1) & (list->slot_count - 1);
    return &list->slots[at];
}

int64_t ps__names_find(const ps__name_list *list, const char *name) {
    return list->slot_count ? (int64_t)*slot_of(list, name) - 1 : -1;
}

static int make_slots(ps__name_list *list) {
    size_t count = list->slot_count ? list->slot_count * 2 : 16;
    uint32_t *slots = ps__calloc(count, sizeof *slots);
    if (!slots) return 0;
    ps__free(list->slots);
    list->slots = slots;
    list->slot_count = count;
    for (size_t i = 0; i < list->count; i++) *slot_of(list, list->names[i]) = (uint32_t)i + 1;
    return 1;
}

int64_t ps__names_number(ps__name_list *list, const char *name, size_t most) {
    int64_t number = ps__names_find(list, name);
    if (number >= 0) return number;
    if (list->count > most) return 0;
    if (list->count * 2 >= list->slot_count && !make_slots(list)) return -1;
    if (list->count == list->room) {
        size_t room = list->room ? list->room * 2 : 8;
        char **more = ps__realloc(list->names, room * sizeof *more);
        if (!more) return -1;
        list->names = more;
        list->room = room;
    }
    char *copy = ps__strdup(name);
    if (!copy) return -1;
    uint32_t *slot = slot_of(list, name);
    list->names[list->count] = copy;
    *slot = (uint32_t)++list->count;
    return (int64_t)list->count - 1;
}

/* With the empty name, number 0, in each list. */
static ps__names *new_names(void) {
    ps__names *names = ps__calloc(1, sizeof *names);
    if (!names) return NULL;
    atomic_init(&names->holders, 1);
    int made = 0;
    while (made < PS__LISTS && ps__names_number(ps__names_list(names, made), "", 1) == 0) made++;
    if (made == PS__LISTS) return names;
    drop_names(names);
    return NULL;
}

int ps__table_new(ps__table **out, ps__error *err) {
    ps__table *table = ps__calloc(1, sizeof *table);
    *out = NULL;
    if (!table) return ps__fail_nomem(err);
    atomic_init(&table->holders, 1);
    table->names = new_names();
    if (!table->names) {
        ps__table_put(table);
        return ps__fail_nomem(err);
    }
    *out = table;
    return PS__OK;
}

int ps__table_add_chunk(ps__table *table, ps__error *err) {
    ps__chunk **more = ps__realloc(table->chunks, (table->chunk_count + 1) * sizeof(ps__chunk *));
    if (!more) return ps__fail_nomem(err);
    table->chunks = more;
    ps__chunk *chunk = ps__calloc(1, sizeof *chunk);
    if (!chunk) return ps__fail_nomem(err);
    atomic_init(&chunk->holders, 1);
    table->chunks[table->chunk_count++] = chunk;
    return PS__OK;
}

/* Another table with the same chunks and names. */
static int share_table(ps__table **out, const ps__table *from, ps__error *err) {
    ps__table *table = ps__calloc(1, sizeof *table);
    *out = NULL;
    if (!table) return ps__fail_nomem(err);
    atomic_init(&table->holders, 1);
    table->chunks = ps__array(from->chunk_count + 1, sizeof(ps__chunk *));
    if (!table->chunks) {
        ps__free(table);
        return ps__fail_nomem(err);
    }
    for (; table->chunk_count < from->chunk_count; table->chunk_count++) {
        table->chunks[table->chunk_count] = from->chunks[table->chunk_count];
        atomic_fetch_add(&table->chunks[table->chunk_count]->holders, 1);
    }
    table->names = from->names;
    atomic_fetch_add(&table->names->holders, 1);
    table->rows = from->rows;
    table->gone = from->gone;
    table->change = from->change;
    *out = table;
    return PS__OK;
}

/* Makes the chunk the table's own. The table is under construction: a chunk that only it holds, no other thread can come by. */
static ps__chunk *own_chunk(ps__table *table, size_t number) {
    ps__chunk *shared = table->chunks[number];
    if (atomic_load(&shared->holders) == 1) return shared;
    ps__chunk *own = ps__malloc(sizeof *own);
    if (!own) return NULL;
    memcpy(own, shared, offsetof(ps__chunk, holders));
    atomic_init(&own->holders, 1);
    table->chunks[number] = own;
    drop_chunk(shared);
    return own;
}

static int copy_list(ps__name_list *to, const ps__name_list *from) {
    for (size_t i = 0; i < from->count; i++)
        if (ps__names_number(to, from->names[i], SIZE_MAX) < 0) return 0;
    return 1;
}

/* Makes the names the table's own. */
static ps__names *own_names(ps__table *table) {
    ps__names *shared = table->names;
    if (atomic_load(&shared->holders) == 1) return shared;
    ps__names *own = new_names();
    if (!own) return NULL;
    for (int i = 0; i < PS__LISTS; i++)
        if (!copy_list(ps__names_list(own, i), ps__names_list(shared, i))) {
            drop_names(own);
            return NULL;
        }
    table->names = own;
    drop_names(shared);
    return own;
}

int64_t ps__table_row(const ps__table *table, int64_t photo) {
    size_t low = 0, high = table->rows;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ps__table_chunk(table, middle)->id[ps__chunk_row(middle)] < photo)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == table->rows || ps__table_chunk(table, low)->id[ps__chunk_row(low)] != photo) return -1;
    return (int64_t)low;
}

/* ---- Rows ---- */

/* Where rows go to. Photos of one folder come in runs, so the last one is remembered. */
typedef struct writer {
    ps__table *table;
    ps__error *err;
    ps__buf path;    /* a file in the last folder */
    size_t folder;   /* bytes of its folder, with the slash; 0: none yet */
    uint32_t number; /* of that folder */
    ps__buf words;   /* of a folder */
} writer;

static void clear_writer(writer *w) {
    ps__buf_free(&w->path);
    ps__buf_free(&w->words);
}

/* -1: memory ran out. */
static int64_t number_of(writer *w, int which, const char *name) {
    int64_t number = ps__names_find(ps__names_list(w->table->names, which), name);
    if (number >= 0) return number;
    ps__names *own = own_names(w->table);
    return own ? ps__names_number(ps__names_list(own, which), name, ps__names_most(which)) : -1;
}

static int fill_names(ps__chunk *c, size_t i, writer *w, const ps__facts *f) {
    char camera[sizeof f->make + sizeof f->model + 1];
    snprintf(camera, sizeof camera, "%s%s%s", f->make, f->make[0] && f->model[0] ? " " : "", f->model);
    int64_t number = number_of(w, 0, camera), lens = number_of(w, 1, f->lens), format = number_of(w, 2, f->format);
    if (number < 0 || lens < 0 || format < 0) return ps__fail_nomem(w->err);
    c->camera[i] = (uint16_t)number;
    c->lens[i] = (uint16_t)lens;
    c->format[i] = (uint8_t)format;
    return PS__OK;
}

static int note_folder(writer *w, const char *path) {
    size_t folder = (size_t)(strrchr(path, '/') - path) + 1;
    if (folder == w->folder && memcmp(path, w->path.bytes, folder) == 0) return PS__OK;
    ps__buf_clear(&w->words);
    ps__plain_folders(&w->words, path);
    ps__buf_clear(&w->path);
    ps__buf_puts(&w->path, path);
    int64_t number = w->words.failed || w->path.failed ? -1 : number_of(w, 3, w->words.bytes);
    if (number < 0) return ps__fail_nomem(w->err);
    w->folder = folder;
    w->number = (uint32_t)number;
    return PS__OK;
}

/* One more file that shows the photo. */
static int add_file(ps__chunk *c, size_t i, writer *w, const char *path) {
    if (c->flags[i] & PS__ROW_SHOWN) {
        c->flags[i] |= PS__ROW_FILES;
        return PS__OK;
    }
    int status = note_folder(w, path);
    c->flags[i] |= PS__ROW_SHOWN;
    c->folder[i] = w->number;
    return status;
}

static int32_t small_id(int64_t id) { return id >= INT32_MIN && id <= INT32_MAX ? (int32_t)id : 0; }
static int32_t degrees(double d) { return (int32_t)(d * 1e7 + (d < 0 ? -0.5 : 0.5)); }

static int fill_row(ps__chunk *c, size_t i, writer *w, const ps__facts *f) {
    c->id[i] = f->id;
    c->taken_s[i] = f->taken_s;
    c->bytes[i] = f->bytes;
    c->look[i] = f->look;
    c->latitude[i] = degrees(f->latitude);
    c->longitude[i] = degrees(f->longitude);
    c->city[i] = small_id(f->city);
    c->region[i] = small_id(f->region);
    c->width[i] = f->width;
    c->height[i] = f->height;
    memcpy(c->country[i], f->country, 2);
    c->folder[i] = 0;
    c->flags[i] = (uint8_t)(PS__ROW_THERE | (f->has_taken ? PS__ROW_TAKEN : 0) | (f->has_gps ? PS__ROW_GPS : 0) |
                            (f->has_look ? PS__ROW_LOOK : 0) | (f->files > 1 ? PS__ROW_FILES : 0));
    c->taken_source[i] = (uint8_t)f->taken_source;
    c->flash[i] = f->flash < 0 ? PS__FLASH_UNKNOWN : (uint8_t)f->flash;
    c->rating[i] = (uint8_t)f->rating;
    c->kinds[i] = (uint8_t)f->kinds;
    int status = fill_names(c, i, w, f);
    return status == PS__OK && f->path ? add_file(c, i, w, f->path) : status;
}

static int append_row(const ps__facts *f, void *payload) {
    writer *w = payload;
    ps__table *t = w->table;
    if (ps__chunk_row(t->rows) == 0) {
        int status = ps__table_add_chunk(t, w->err);
        if (status != PS__OK) return status;
    }
    ps__chunk *chunk = own_chunk(t, t->chunk_count - 1);
    if (!chunk) return ps__fail_nomem(w->err);
    int status = fill_row(chunk, ps__chunk_row(t->rows), w, f);
    if (status != PS__OK) return status;
    chunk->count++;
    t->rows++;
    return PS__OK;
}

static int put_row(const ps__facts *f, void *payload) {
    writer *w = payload;
    int64_t row = ps__table_row(w->table, f->id);
    if (row < 0) return append_row(f, w);
    ps__chunk *chunk = own_chunk(w->table, (size_t)row >> PS__CHUNK_BITS);
    return chunk ? fill_row(chunk, ps__chunk_row((size_t)row), w, f) : ps__fail_nomem(w->err);
}

static int put_file(int64_t photo, const char *path, void *payload) {
    writer *w = payload;
    int64_t row = ps__table_row(w->table, photo);
    if (row < 0) return PS__OK;
    return add_file(w->table->chunks[(size_t)row >> PS__CHUNK_BITS], ps__chunk_row((size_t)row), w, path);
}

/* ---- Following the store ---- */

static int walk(ps__table **out, ps__store *store, int64_t now, ps__error *err) {
    int status = ps__table_new(out, err);
    if (status != PS__OK) return status;
    writer w = {.table = *out, .err = err, .path = PS__BUF_INIT, .words = PS__BUF_INIT};
    status = ps__store_each_facts(store, append_row, &w, err);
    if (status == PS__OK) status = ps__store_each_shown(store, put_file, &w, err);
    clear_writer(&w);
    (*out)->change = now;
    if (status == PS__OK) return status;
    ps__table_put(*out);
    *out = NULL;
    return status;
}

static int take_change(int64_t change, int kind, int64_t photo, void *payload) {
    (void)change, (void)kind;
    return ps__photo_list_add(payload, photo);
}

/* Rows of photos that changed are first taken for gone; those that are found in the store come back. */
static int clear_rows(ps__table *table, const ps__photo_list *list, ps__error *err) {
    for (size_t i = 0; i < list->count; i++) {
        int64_t row = ps__table_row(table, list->photos[i]);
        if (row < 0) continue;
        ps__chunk *chunk = own_chunk(table, (size_t)row >> PS__CHUNK_BITS);
        if (!chunk) return ps__fail_nomem(err);
        chunk->flags[ps__chunk_row((size_t)row)] = 0;
    }
    return PS__OK;
}

static void count_gone(ps__table *table) {
    table->gone = 0;
    for (size_t i = 0; i < table->chunk_count; i++)
        for (size_t k = 0; k < table->chunks[i]->count; k++) table->gone += !(table->chunks[i]->flags[k] & PS__ROW_THERE);
}

/* The changed photos of the list into a table that shares the rest. */
static int replay(ps__table **out, const ps__table *from, ps__store *store, const ps__photo_list *list, int64_t now, ps__error *err) {
    int status = share_table(out, from, err);
    if (status != PS__OK) return status;
    writer w = {.table = *out, .err = err, .path = PS__BUF_INIT, .words = PS__BUF_INIT};
    status = clear_rows(*out, list, err);
    if (status == PS__OK) status = ps__store_facts(store, list->photos, list->count, put_row, &w, err);
    clear_writer(&w);
    (*out)->change = now;
    count_gone(*out);
    if (status == PS__OK) return status;
    ps__table_put(*out);
    *out = NULL;
    return status;
}

/* A newer table from an older one; PS__TOOBIG, PS__NOTFOUND: it is better read as a whole. */
static int follow(ps__table **out, const ps__table *from, ps__store *store, int64_t now, ps__error *err) {
    ps__photo_list list = {.most = REPLAY_LEAST + from->rows / 2};
    int status = ps__store_each_change(store, PS__EVERY_SPACE, from->change, take_change, &list, err);
    if (status == PS__NOMEM) status = ps__fail_nomem(err);
    ps__photo_list_sort(&list);
    if (status == PS__OK && list.count > REPLAY_LEAST + from->rows / 16) status = PS__TOOBIG;
    if (status == PS__OK) status = replay(out, from, store, &list, now, err);
    ps__free(list.photos);
    if (status == PS__OK && (*out)->gone > GONE_LEAST + (*out)->rows / 4) {
        ps__table_put(*out);
        *out = NULL;
        return PS__TOOBIG;
    }
    return status;
}

/* Holding the lock: the cache file, if there is a good one that is not of a later moment. */
static int first_table(ps__columns *columns, int64_t now, ps__error *err) {
    ps__error why;
    int status = ps__columns_read(&columns->table, columns->folder, columns->identity, &why);
    columns->written = -1;
    if (status == PS__OK && columns->table->change <= now) {
        columns->written = columns->table->change;
        return PS__OK;
    }
    if (status == PS__OK) ps__table_put(columns->table);
    columns->table = NULL;
    if (status == PS__NOMEM) return ps__fail_nomem(err);
    if (status != PS__OK && status != PS__NOTFOUND)
        ps__logf(&columns->log, PS__LOG_WARNING, "what is known of photos is read anew: %s", why.text);
    return PS__OK;
}

/* Holding the lock. *slow becomes 1 when it was so much work that it is worth keeping. */
static int refresh(int *slow, ps__columns *columns, ps__store *store, int64_t now, ps__error *err) {
    ps__table *newer = NULL;
    *slow = 0;
    int status = columns->table ? PS__OK : first_table(columns, now, err);
    if (status != PS__OK || (columns->table && columns->table->change >= now)) return status;
    status = columns->table ? follow(&newer, columns->table, store, now, err) : PS__NOTFOUND;
    if (status == PS__NOTFOUND || status == PS__TOOBIG) status = walk(&newer, store, now, err);
    if (status != PS__OK) return status;
    ps__table_put(columns->table);
    columns->table = newer;
    *slow = newer->rows >= CACHED_LEAST && (columns->written < 0 || now - columns->written > 4 * LAG);
    return PS__OK;
}

static void write_cache(ps__columns *columns, const ps__table *table) {
    ps__error why;
    int status = ps__columns_write(table, columns->folder, columns->identity, &why);
    if (status != PS__OK)
        ps__logf(&columns->log, PS__LOG_WARNING, "what is known of photos was not kept and will be read again: %s", why.text);
    /* Also where it failed, so that not every search tries again. */
    pthread_mutex_lock(&columns->lock);
    columns->written = table->change;
    pthread_mutex_unlock(&columns->lock);
}

int ps__columns_take(ps__table **out, ps__columns *columns, ps__store *store, ps__error *err) {
    int64_t now;
    int slow;
    *out = NULL;
    int status = ps__store_last_change(&now, store, err);
    if (status != PS__OK) return status;
    pthread_mutex_lock(&columns->lock);
    status = refresh(&slow, columns, store, now, err);
    if (status == PS__OK) {
        *out = columns->table;
        atomic_fetch_add(&columns->table->holders, 1);
    }
    pthread_mutex_unlock(&columns->lock);
    /* Whoever indexes keeps it too, and more often. */
    if (status == PS__OK && slow && !ps__store_is_locked(columns->folder)) write_cache(columns, *out);
    return status;
}

int ps__columns_tend(ps__columns *columns, ps__store *store, ps__error *err) {
    ps__table *table;
    int status = ps__store_begin(store, err);
    if (status != PS__OK) return status;
    status = ps__columns_take(&table, columns, store, err);
    ps__store_end(store);
    if (status != PS__OK) return status;
    pthread_mutex_lock(&columns->lock);
    int64_t written = columns->written;
    pthread_mutex_unlock(&columns->lock);
    if (table->rows >= CACHED_LEAST && (written < 0 || table->change - written > LAG)) write_cache(columns, table);
    ps__table_put(table);
    return PS__OK;
}

int ps__columns_new(ps__columns **out, ps__store *store, const ps__log *log, ps__error *err) {
    *out = NULL;
    ps__columns *columns = ps__calloc(1, sizeof *columns);
    if (!columns) return ps__fail_nomem(err);
    pthread_mutex_init(&columns->lock, NULL);
    columns->folder = ps__strdup(ps__store_folder(store));
    columns->identity = ps__strdup(ps__store_identity(store));
    columns->written = -1;
    if (log) columns->log = *log;
    if (!columns->folder || !columns->identity) {
        ps__columns_free(columns);
        return ps__fail_nomem(err);
    }
    *out = columns;
    return PS__OK;
}

void ps__columns_free(ps__columns *columns) {
    if (!columns) return;
    ps__table_put(columns->table);
    pthread_mutex_destroy(&columns->lock);
    ps__free(columns->folder);
    ps__free(columns->identity);
    ps__free(columns);
}
