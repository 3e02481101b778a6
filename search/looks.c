/*
** Multi-index hashing of looks; see looks.h.
*/
#include "search/looks.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum { BANDS = 4, BAND_BITS = 16, PLACES = 1 << BAND_BITS };

#define NEAR_MOST ((size_t)4096) /* that one question collects */
#define NONE UINT32_MAX

/* Numbers of a band that differ from it in 0, 1 and 2 bits: 1 + 16 + 120, as what is to be changed. */
#define CHANGES 137
#define CHANGES_OF_ONE 17 /* the first of them */

struct ps__looks {
    size_t count, most;
    uint64_t *looks;        /* [most] owned */
    uint32_t *first[BANDS]; /* [PLACES] newest look of this band; owned, like the next two */
    uint32_t *next[BANDS];  /* [most] the one before it of the same band */
    uint32_t *asked;        /* [most] last question that a look was met in */
    uint32_t question;      /* number of the question at hand, from 1 */
    uint16_t change[CHANGES];
    ps__near *near; /* [NEAR_MOST] owned */
};

static void list_changes(uint16_t change[CHANGES]) {
    size_t n = 0;
    change[n++] = 0;
    for (int i = 0; i < BAND_BITS; i++) change[n++] = (uint16_t)(1 << i);
    for (int i = 0; i < BAND_BITS; i++)
        for (int k = 0; k < i; k++) change[n++] = (uint16_t)(1 << i | 1 << k);
}

int ps__looks_new(ps__looks **out, size_t most, ps__error *err) {
    *out = NULL;
    if (most >= NONE) return ps__fail(err, PS__TOOBIG, "%zu photos are more than can be compared", most);
    ps__looks *l = ps__calloc(1, sizeof *l);
    if (!l) return ps__fail_nomem(err);
    size_t room = most ? most : 1;
    l->most = most;
    l->looks = ps__array(room, sizeof *l->looks);
    l->asked = ps__calloc(room, sizeof *l->asked);
    l->near = ps__array(NEAR_MOST, sizeof *l->near);
    int there = l->looks && l->asked && l->near;
    for (int b = 0; b < BANDS; b++) {
        l->first[b] = ps__array(PLACES, sizeof **l->first);
        l->next[b] = ps__array(room, sizeof **l->next);
        there = there && l->first[b] && l->next[b];
        if (l->first[b]) memset(l->first[b], 0xFF, PLACES * sizeof **l->first);
    }
    if (!there) {
        ps__looks_free(l);
        return ps__fail_nomem(err);
    }
    list_changes(l->change);
    *out = l;
    return PS__OK;
}

void ps__looks_free(ps__looks *l) {
    if (!l) return;
    for (int b = 0; b < BANDS; b++) {
        ps__free(l->first[b]);
        ps__free(l->next[b]);
    }
    ps__free(l->looks);
    ps__free(l->asked);
    ps__free(l->near);
    ps__free(l);
}

static uint16_t band_of(uint64_t look, int band) { return (uint16_t)(look >> (band * BAND_BITS)); }

void ps__looks_add(ps__looks *l, uint64_t look) {
    uint32_t number = (uint32_t)l->count++;
    l->looks[number] = look;
    for (int b = 0; b < BANDS; b++) {
        uint32_t *first = &l->first[b][band_of(look, b)];
        l->next[b][number] = *first;
        *first = number;
    }
}

static int by_bits(const void *a, const void *b) {
    const ps__near *x = a, *y = b;
    if (x->bits != y->bits) return x->bits - y->bits;
    return x->number < y->number ? -1 : x->number > y->number;
}

/* Those in one place of a band's table join what was met. */
static size_t visit(ps__looks *l, size_t met, uint32_t number, int band, uint64_t look) {
    for (; number != NONE && met < NEAR_MOST; number = l->next[band][number]) {
        int bits = __builtin_popcountll(l->looks[number] ^ look);
        if (bits > PS__LOOKS_RADIUS || l->asked[number] == l->question) continue;
        l->asked[number] = l->question;
        l->near[met++] = (ps__near){number, bits};
    }
    return met;
}

size_t ps__looks_find(ps__near *out, size_t room, ps__looks *l, uint64_t look) {
    size_t met = 0;
    if (++l->question == 0) { /* after four billion questions, all marks would mean something again */
        memset(l->asked, 0, l->most * sizeof *l->asked);
        l->question = 1;
    }
    for (int b = 0; b < BANDS; b++) {
        size_t changes = b == BANDS - 1 ? CHANGES_OF_ONE : CHANGES;
        for (size_t c = 0; c < changes; c++) met = visit(l, met, l->first[b][band_of(look, b) ^ l->change[c]], b, look);
    }
    if (met > 1) qsort(l->near, met, sizeof *l->near, by_bits);
    if (met > room) met = room;
    if (met) memcpy(out, l->near, met * sizeof *out);
    return met;
}
