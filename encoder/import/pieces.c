/*
** A vocabulary that is being read; see pieces.h.
*/
#include "encoder/import/pieces.h"

#include <string.h>
#include <xxhash.h>

#include "base/alloc.h"

#define PIECE_MOST 1024 /* bytes of a piece, or of two that merge */
#define PROBES_MOST 512 /* slots in a row: two million pieces in a table that is half full have less than a hundred */
#define NOWHERE SIZE_MAX

void ps__pieces_init(ps__pieces *p) {
    *p = (ps__pieces){.text = PS__BUF_INIT, .first = -1, .last = -1, .pad = -1, .unknown = -1};
}

void ps__pieces_clear(ps__pieces *p) {
    ps__buf_free(&p->text);
    ps__free(p->entries);
    ps__free(p->slots);
    ps__free(p->pairs);
    ps__pieces_init(p);
}

const char *ps__pieces_text(size_t *length, const ps__pieces *p, int32_t id) {
    if (id < 0 || (size_t)id >= p->count) {
        *length = 0;
        return "";
    }
    *length = p->entries[id].length;
    return p->text.bytes + p->entries[id].place;
}

/* The slot of the piece, or the free one where it belongs; NOWHERE after too many: pieces were chosen to fall on each other. */
static size_t slot_of(const ps__pieces *p, const char *text, size_t length) {
    size_t slot = XXH3_64bits(text, length) & p->slot_mask;
    for (int probes = 0; p->slots[slot]; slot = (slot + 1) & p->slot_mask) {
        const ps__piece_entry *e = &p->entries[p->slots[slot] - 1];
        if (e->length == length && memcmp(p->text.bytes + e->place, text, length) == 0) break;
        if (++probes == PROBES_MOST) return NOWHERE;
    }
    return slot;
}

int32_t ps__pieces_find(const ps__pieces *p, const char *text, size_t length) {
    size_t slot = p->slots && length ? slot_of(p, text, length) : NOWHERE;
    return slot == NOWHERE ? -1 : (int32_t)p->slots[slot] - 1;
}

static int refuse_collisions(const char *path, ps__error *err) {
    return ps__fail(err, PS__MODEL, "%s: its pieces were chosen to make reading them slow", path);
}

/* Puts the pieces into new slots, twice as many as there may be ids. */
static int make_slots(ps__pieces *p, const char *path, ps__error *err) {
    uint32_t *slots = ps__calloc(2 * p->room, sizeof *slots);
    if (!slots) return ps__fail_nomem(err);
    ps__free(p->slots);
    p->slots = slots;
    p->slot_mask = 2 * p->room - 1;
    for (size_t i = 0; i < p->count; i++) {
        if (!p->entries[i].length) continue;
        size_t slot = slot_of(p, p->text.bytes + p->entries[i].place, p->entries[i].length);
        if (slot == NOWHERE) return refuse_collisions(path, err);
        slots[slot] = (uint32_t)i + 1;
    }
    return PS__OK;
}

/* Room for the id, and for twice as many slots as there are ids. */
static int make_room(ps__pieces *p, size_t id, const char *path, ps__error *err) {
    if (id >= p->room) {
        size_t room = p->room ? p->room : 1024;
        while (room <= id) room *= 2;
        ps__piece_entry *more = ps__realloc(p->entries, room * sizeof *more);
        if (!more) return ps__fail_nomem(err);
        memset(more + p->room, 0, (room - p->room) * sizeof *more);
        p->entries = more;
        p->room = room;
    }
    return p->slots && p->slot_mask + 1 >= 2 * p->room ? PS__OK : make_slots(p, path, err);
}

int ps__pieces_add(ps__pieces *p, const char *text, size_t length, int64_t id, float score, const char *path, ps__error *err) {
    if (length < 1 || length > PIECE_MOST || id < 0 || id >= PS__PIECES_MOST)
        return ps__fail(err, PS__MODEL, "%s: piece %lld is empty or too long, or its id is out of range", path, (long long)id);
    int status = make_room(p, (size_t)id, path, err);
    if (status) return status;
    size_t slot = slot_of(p, text, length);
    if (slot == NOWHERE) return refuse_collisions(path, err);
    if (p->slots[slot] == (uint32_t)id + 1) return PS__OK; /* told twice, as added tokens are */
    if (p->slots[slot] || ((size_t)id < p->count && p->entries[id].length))
        return ps__fail(err, PS__MODEL, "%s: piece \"%.*s\" or its id %lld is there twice", path,
                        (int)(length < 40 ? length : 40), text, (long long)id);
    if (p->text.length + length > UINT32_MAX) return ps__fail(err, PS__MODEL, "%s: the vocabulary is too large", path);
    p->entries[id] = (ps__piece_entry){(uint32_t)p->text.length, (uint32_t)length, score};
    ps__buf_append(&p->text, text, length);
    if (p->text.failed) {
        p->entries[id].length = 0;
        return ps__fail_nomem(err);
    }
    p->slots[slot] = (uint32_t)id + 1;
    if ((size_t)id >= p->count) p->count = (size_t)id + 1;
    return PS__OK;
}

int ps__pieces_merge(ps__pieces *p, const char *left, size_t left_length, const char *right, size_t right_length,
                     const char *path, ps__error *err) {
    char both[2 * PIECE_MOST];
    if (left_length > PIECE_MOST || right_length > PIECE_MOST) return ps__fail(err, PS__MODEL, "%s: a merge is too long", path);
    memcpy(both, left, left_length);
    memcpy(both + left_length, right, right_length);
    ps__pair pair = {ps__pieces_find(p, left, left_length), ps__pieces_find(p, right, right_length),
                     ps__pieces_find(p, both, left_length + right_length)};
    if (pair.left < 0 || pair.right < 0 || pair.result < 0)
        return ps__fail(err, PS__MODEL, "%s: merge %zu, \"%.*s\" and \"%.*s\", is of what is not in the vocabulary", path,
                        p->pair_count, (int)(left_length < 40 ? left_length : 40), left,
                        (int)(right_length < 40 ? right_length : 40), right);
    if (p->pair_count == p->pair_room) {
        size_t room = p->pair_room ? 2 * p->pair_room : 4096;
        ps__pair *more = room > (size_t)8 * PS__PIECES_MOST ? NULL : ps__realloc(p->pairs, room * sizeof *more);
        if (!more) return ps__fail_nomem(err);
        p->pairs = more;
        p->pair_room = room;
    }
    p->pairs[p->pair_count++] = pair;
    return PS__OK;
}
