/*
** Selections of photos, and their order by date; see selection.h.
*/
#include "search/selection.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

int ps__selection_all(ps__selection *out, ps__table *table, ps__error *err) {
    const uint8_t shown = PS__ROW_THERE | PS__ROW_SHOWN;
    memset(out, 0, sizeof *out);
    out->bits = ps__calloc(ps__selection_words(table) + 1, sizeof *out->bits);
    if (!out->bits) return ps__fail_nomem(err);
    for (size_t row = 0; row < table->rows; row++) {
        if ((ps__table_chunk(table, row)->flags[ps__chunk_row(row)] & shown) != shown) continue;
        out->bits[row / 64] |= UINT64_C(1) << row % 64;
        out->count++;
    }
    out->table = table;
    atomic_fetch_add(&table->holders, 1);
    return PS__OK;
}

void ps__selection_clear(ps__selection *selection) {
    ps__table_put(selection->table);
    ps__free(selection->bits);
    memset(selection, 0, sizeof *selection);
}

int ps__selection_has(const ps__selection *selection, int64_t photo) {
    int64_t row = ps__table_row(selection->table, photo);
    return row >= 0 && (selection->bits[row / 64] >> row % 64 & 1);
}

void ps__selection_drop(ps__selection *selection, int64_t photo) {
    if (!ps__selection_has(selection, photo)) return;
    int64_t row = ps__table_row(selection->table, photo);
    selection->bits[row / 64] &= ~(UINT64_C(1) << row % 64);
    selection->count--;
}

int ps__selection_photos(int64_t **out, const ps__selection *selection, ps__error *err) {
    size_t words = ps__selection_words(selection->table), n = 0;
    *out = ps__array(selection->count, sizeof **out);
    if (!*out) return ps__fail_nomem(err);
    for (size_t w = 0; w < words; w++)
        for (uint64_t left = selection->bits[w]; left; left &= left - 1) {
            size_t row = w * 64 + (size_t)__builtin_ctzll(left);
            (*out)[n++] = ps__table_chunk(selection->table, row)->id[ps__chunk_row(row)];
        }
    return PS__OK;
}

/* ---- By date ---- */

/* Below 0 when a comes before b. */
static int compare(const ps__dated *a, const ps__dated *b, int oldest_first) {
    if (a->has_taken != b->has_taken) return a->has_taken ? -1 : 1;
    if (a->has_taken && a->taken_s != b->taken_s) return (a->taken_s < b->taken_s) == (oldest_first != 0) ? -1 : 1;
    return a->photo < b->photo ? -1 : a->photo > b->photo;
}

static int newest_first(const void *a, const void *b) { return compare(a, b, 0); }
static int oldest_first_order(const void *a, const void *b) { return compare(a, b, 1); }

/* The `want` first ones so far: a heap with the last of them on top. */
typedef struct first {
    ps__dated *list;
    size_t count, want;
    int oldest_first;
} first;

static void sift_down(first *f) {
    ps__dated moved = f->list[0];
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < f->count; at = child) {
        if (child + 1 < f->count && compare(&f->list[child + 1], &f->list[child], f->oldest_first) > 0) child++;
        if (compare(&f->list[child], &moved, f->oldest_first) <= 0) break;
        f->list[at] = f->list[child];
    }
    f->list[at] = moved;
}

static void sift_up(first *f) {
    size_t at = f->count - 1;
    ps__dated moved = f->list[at];
    for (; at && compare(&f->list[(at - 1) / 2], &moved, f->oldest_first) < 0; at = (at - 1) / 2) f->list[at] = f->list[(at - 1) / 2];
    f->list[at] = moved;
}

static void offer(first *f, ps__dated one) {
    if (f->count < f->want) {
        f->list[f->count++] = one;
        sift_up(f);
    } else if (compare(&one, &f->list[0], f->oldest_first) < 0) {
        f->list[0] = one;
        sift_down(f);
    }
}

int ps__selection_by_date(ps__dated *out, size_t *count, const ps__selection *selection, int oldest_first, const ps__dated *after,
                          size_t want, ps__error *err) {
    size_t words = ps__selection_words(selection->table);
    first f = {.list = out, .want = want, .oldest_first = oldest_first};
    *count = 0;
    if (want == 0) return PS__OK;
    if (after && after->photo < 0) return ps__fail(err, PS__INVALID, "a place to go on from is not one");
    for (size_t w = 0; w < words; w++)
        for (uint64_t left = selection->bits[w]; left; left &= left - 1) {
            size_t row = w * 64 + (size_t)__builtin_ctzll(left), i = ps__chunk_row(row);
            const ps__chunk *c = ps__table_chunk(selection->table, row);
            int has_taken = (c->flags[i] & PS__ROW_TAKEN) != 0;
            ps__dated one = {c->id[i], has_taken, has_taken ? c->taken_s[i] : 0};
            if (!after || compare(&one, after, oldest_first) > 0) offer(&f, one);
        }
    qsort(out, f.count, sizeof *out, oldest_first ? oldest_first_order : newest_first);
    *count = f.count;
    return PS__OK;
}
