/*
** Finding duplicates; see duplicates.h. Photos are taken from the best to the worst: each joins the group whose best copy it is
** the same picture as (one of nearly the same look if there is one, else that it agrees with most), or begins a group of its own.
** Only the looks of best copies are in the index.
*/
#include "search/duplicates.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/half.h"
#include "search/looks.h"
#include "store/looks.h"

#define SAME_LOOK 4          /* bits in which looks that are nearly the same may differ */
#define SAME_LOOK_SHARE 0.42 /* of the least cosine, that is enough for these */
#define COMPARED_MOST 64     /* vectors that one photo's is compared with at most, those of the nearest looks */
#define PROPORTIONS 0.12     /* logarithm of the factor between two photos' proportions: a cut of a tenth on one side */
#define CACHE 2048           /* vectors in memory */

typedef struct search {
    ps__store *store;
    int space;
    size_t dim;
    double least;
    ps__look_row *rows; /* [count] owned; from the best to the worst */
    size_t count, capacity;
    uint32_t *head;    /* [count] owned: row of the best copy; its own row: it is one itself */
    float *similarity; /* [count] owned: to that */
    uint32_t *heads;   /* [head_count] owned: rows of the looks in the index, by their numbers there */
    size_t head_count;
    ps__looks *looks; /* owned */
    int64_t *cached;  /* [CACHE] owned: photo whose vector is in this place; 0: none */
    float *vectors;   /* [CACHE][dim] owned */
    uint16_t *halves; /* [dim] owned */
} search;

static int take_row(const ps__look_row *row, void *payload) {
    search *s = payload;
    if (s->count == s->capacity) {
        size_t capacity = s->capacity ? s->capacity * 2 : 1024;
        ps__look_row *more = capacity <= SIZE_MAX / sizeof *more ? ps__realloc(s->rows, capacity * sizeof *more) : NULL;
        if (!more) return PS__NOMEM;
        s->rows = more;
        s->capacity = capacity;
    }
    s->rows[s->count++] = *row;
    return PS__OK;
}

static int64_t pixels(const ps__look_row *r) { return (int64_t)r->width * r->height; }

static int order(int64_t a, int64_t b) { return a < b ? -1 : a > b; }

static int better_first(const void *a, const void *b) {
    const ps__look_row *x = a, *y = b;
    int by = order(pixels(y), pixels(x));
    if (!by) by = order(y->has_time, x->has_time); /* what the camera noted is worth more than a few bytes */
    if (!by) by = order(y->bytes, x->bytes);
    if (!by) by = order(x->modified_ns, y->modified_ns);
    return by ? by : order(x->photo, y->photo);
}

/* The photo's vector, until the next call for another one; NULL when it has none. */
static int vector_of(const float **out, search *s, int64_t photo, ps__error *err) {
    size_t place = (size_t)photo % CACHE;
    float *vector = s->vectors + place * s->dim;
    uint8_t found = 1;
    *out = NULL;
    if (s->cached[place] != photo) {
        s->cached[place] = 0;
        int status = ps__store_vectors(s->halves, &found, s->store, s->space, &photo, 1, err);
        if (status != PS__OK || !found) return status;
        ps__halves_to_floats(vector, s->halves, s->dim);
        s->cached[place] = photo;
    }
    *out = vector;
    return PS__OK;
}

static double cosine(const float *a, const float *b, size_t n) {
    double ab = 0, aa = 0, bb = 0;
    for (size_t i = 0; i < n; i++) {
        ab += (double)a[i] * (double)b[i];
        aa += (double)a[i] * (double)a[i];
        bb += (double)b[i] * (double)b[i];
    }
    double value = aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : 0;
    return isfinite(value) ? value : 0;
}

/* 0: whatever they look like, these are two pictures. */
static int may_be_same(const ps__look_row *a, const ps__look_row *b) {
    if (a->has_time && b->has_time && a->taken_s != b->taken_s) return 0;
    if (a->width < 1 || a->height < 1 || b->width < 1 || b->height < 1) return 1;
    return fabs(log((double)a->width / a->height * b->height / b->width)) <= PROPORTIONS;
}

/* Puts row i into the group that it agrees with most, if there is one. */
static int join(search *s, size_t i, ps__error *err) {
    ps__near near[COMPARED_MOST];
    float own[8192]; /* the longest vector that a space may have (store.h): the cache may lose it below */
    const float *vector;
    const ps__look_row *row = &s->rows[i];
    int near_look = 0; /* 1: it has joined a best copy of nearly the same look, and another edit of it is of no interest */
    size_t n = ps__looks_find(near, COMPARED_MOST, s->looks, row->look);
    if (n == 0 || s->dim > sizeof own / sizeof *own) return PS__OK;
    int status = vector_of(&vector, s, row->photo, err);
    if (status != PS__OK || !vector) return status;
    memcpy(own, vector, s->dim * sizeof *own);
    for (size_t k = 0; k < n; k++) {
        uint32_t head = s->heads[near[k].number];
        if (near[k].bits > SAME_LOOK && near_look) break; /* the nearest looks come first */
        if (!may_be_same(row, &s->rows[head])) continue;
        status = vector_of(&vector, s, s->rows[head].photo, err);
        if (status != PS__OK) return status;
        double value = vector ? cosine(own, vector, s->dim) : -1;
        if (value < (near[k].bits <= SAME_LOOK ? s->least * SAME_LOOK_SHARE : s->least)) continue;
        if (s->head[i] != i && (float)value <= s->similarity[i]) continue;
        s->head[i] = head;
        s->similarity[i] = (float)value;
        near_look |= near[k].bits <= SAME_LOOK;
    }
    return PS__OK;
}

static int group_all(search *s, ps__error *err) {
    int status = PS__OK;
    for (size_t i = 0; i < s->count; i++) {
        s->head[i] = (uint32_t)i;
        s->similarity[i] = 1.0f;
    }
    for (size_t i = 0; i < s->count && status == PS__OK && s->space; i++) {
        const ps__look_row *row = &s->rows[i];
        if (!row->has_look) continue;
        status = join(s, i, err);
        if (status != PS__OK || s->head[i] != i) continue;
        s->heads[s->head_count++] = (uint32_t)i;
        ps__looks_add(s->looks, row->look);
    }
    return status;
}

static int prepare(search *s, ps__error *err) {
    size_t room = s->count ? s->count : 1;
    s->head = ps__array(room, sizeof *s->head);
    s->heads = ps__array(room, sizeof *s->heads);
    s->similarity = ps__array(room, sizeof *s->similarity);
    s->cached = ps__calloc(CACHE, sizeof *s->cached);
    s->vectors = ps__array(CACHE, (s->dim ? s->dim : 1) * sizeof *s->vectors);
    s->halves = ps__array(s->dim ? s->dim : 1, sizeof *s->halves);
    if (!s->head || !s->heads || !s->similarity || !s->cached || !s->vectors || !s->halves) return ps__fail_nomem(err);
    return ps__looks_new(&s->looks, s->count, err);
}

/* ---- Groups ------------------------------------------------------------------------------------------------------------- */

static int most_alike_first(const void *a, const void *b) {
    const ps__duplicate *x = a, *y = b;
    if (x->similarity != y->similarity) return x->similarity < y->similarity ? 1 : -1;
    return order(x->photo, y->photo);
}

/* *out: how many rows are in the group of each best copy; the caller frees it. */
static int count_members(uint32_t **out, const search *s, size_t *groups, ps__error *err) {
    uint32_t *members = ps__calloc(s->count ? s->count : 1, sizeof *members);
    *groups = 0;
    *out = members;
    if (!members) return ps__fail_nomem(err);
    for (size_t i = 0; i < s->count; i++) members[s->head[i]]++;
    for (size_t i = 0; i < s->count; i++) *groups += members[i] > 1 || (members[i] == 1 && s->rows[i].files > 1);
    return PS__OK;
}

/* place: for each best copy, its group's number in `out`. */
static int make_groups(ps__duplicates *out, const search *s, const uint32_t *members, uint32_t *place, ps__error *err) {
    for (size_t i = 0; i < s->count; i++) {
        if (members[i] < 2 && (members[i] < 1 || s->rows[i].files < 2)) continue;
        ps__duplicate_group *g = &out->groups[out->count];
        if (!(g->list = ps__array(members[i], sizeof *g->list))) return ps__fail_nomem(err);
        place[i] = (uint32_t)out->count++;
    }
    for (size_t i = 0; i < s->count; i++) {
        uint32_t head = s->head[i];
        if (members[head] < 2 && s->rows[head].files < 2) continue;
        ps__duplicate_group *g = &out->groups[place[head]];
        g->list[g->count++] = (ps__duplicate){s->rows[i].photo, (double)s->similarity[i]};
    }
    for (size_t i = 0; i < out->count; i++)
        if (out->groups[i].count > 2)
            qsort(out->groups[i].list + 1, out->groups[i].count - 1, sizeof *out->groups[i].list, most_alike_first);
    return PS__OK;
}

static int collect(ps__duplicates *out, const search *s, ps__error *err) {
    uint32_t *members, *place = ps__array(s->count ? s->count : 1, sizeof *place);
    size_t groups;
    int status = count_members(&members, s, &groups, err);
    if (status == PS__OK && (!place || !(out->groups = ps__calloc(groups ? groups : 1, sizeof *out->groups))))
        status = ps__fail_nomem(err);
    if (status == PS__OK) status = make_groups(out, s, members, place, err);
    ps__free(members);
    ps__free(place);
    return status;
}

int ps__duplicates_find(ps__duplicates *out, ps__store *store, int space, int dim, double least, ps__error *err) {
    search s = {.store = store, .space = space, .dim = (size_t)dim, .least = least};
    memset(out, 0, sizeof *out);
    int status = ps__store_each_look(store, take_row, &s, err);
    if (status == PS__NOMEM) ps__fail_nomem(err);
    if (status == PS__OK) status = prepare(&s, err);
    if (status == PS__OK) {
        if (s.count > 1) qsort(s.rows, s.count, sizeof *s.rows, better_first);
        for (size_t i = 0; i < s.count; i++) out->unknown += !s.rows[i].has_look && !s.rows[i].was_read;
        status = group_all(&s, err);
    }
    if (status == PS__OK) status = collect(out, &s, err);
    if (status != PS__OK) ps__duplicates_clear(out);
    ps__looks_free(s.looks);
    ps__free(s.rows);
    ps__free(s.head);
    ps__free(s.heads);
    ps__free(s.similarity);
    ps__free(s.cached);
    ps__free(s.vectors);
    ps__free(s.halves);
    return status;
}

void ps__duplicates_clear(ps__duplicates *d) {
    for (size_t i = 0; i < d->count; i++) ps__free(d->groups[i].list);
    ps__free(d->groups);
    memset(d, 0, sizeof *d);
}
