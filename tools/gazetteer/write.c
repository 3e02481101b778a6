/*
** Writing the file (store/gazetteer_format.h): sections are filled one after the other, names sorted and shortened to what differs from the
** one before.
*/
#include "tools/gazetteer/gazetteer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/buf.h"

/* ---- Strings: each text once ---- */

typedef struct strings {
    ps__buf bytes;
    uint32_t *slots; /* offset + 1 of a text, by its hash; 0: free */
    size_t slot_count;
} strings;

static uint32_t put_string(strings *s, const char *text) {
    size_t at = (size_t)(XXH3_64bits(text, strlen(text)) % s->slot_count);
    for (; s->slots[at]; at = (at + 1) % s->slot_count)
        if (strcmp(s->bytes.bytes + s->slots[at] - 1, text) == 0) return s->slots[at] - 1;
    uint32_t offset = (uint32_t)s->bytes.length;
    s->slots[at] = offset + 1;
    ps__buf_append(&s->bytes, text, strlen(text) + 1);
    return offset;
}

/* ---- Names ---- */

static int by_size(const entry *x, const entry *y) {
    if (x->kind != y->kind) return x->kind - y->kind;
    if (x->section != y->section) return x->section - y->section;
    if (x->population != y->population) return x->population < y->population ? 1 : -1;
    return (x->number > y->number) - (x->number < y->number);
}

static int by_name(const void *a, const void *b) {
    const place_name *x = a, *y = b;
    size_t common = x->length < y->length ? x->length : y->length;
    int order = memcmp(x->folded, y->folded, common);
    if (order) return order;
    if (x->length != y->length) return x->length < y->length ? -1 : 1;
    return by_size(x->place, y->place);
}

static void put_varint(ps__buf *b, uint32_t value) {
    for (; value >= 0x80; value >>= 7) ps__buf_putc(b, (char)(value | 0x80));
    ps__buf_putc(b, (char)value);
}

/* "Lisbon" is the city before it is the district of that name around it, if it has a tenth of its people at least. */
static int is_own_city(const entry *region, const entry *city) {
    if (region->kind != PS__PLACE_REGION || city->kind != PS__PLACE_CITY || strcmp(region->country, city->country) != 0) return 0;
    if (city->population * 10 < region->population || !strstr(region->plain, city->plain)) return 0;
    return city->region == region ||
           ps__place_distance(region->latitude, region->longitude, city->latitude, city->longitude) < 60;
}

/* Moves such cities to the place before their regions. */
static void put_own_cities_first(const entry **places, uint32_t count) {
    for (uint32_t i = 1; i < count; i++) {
        uint32_t to = 0;
        while (to < i && !is_own_city(places[to], places[i])) to++;
        if (to == i) continue;
        const entry *city = places[i];
        memmove(places + to + 1, places + to, (i - to) * sizeof *places);
        places[to] = city;
    }
}

/* The names [first, last) are one, sorted by size; returns how many places have it. */
static uint32_t collect(const entry **places, const place_name *first, const place_name *last) {
    uint32_t count = 0;
    for (; first < last; first++) {
        uint32_t known = 0;
        while (known < count && places[known] != first->place) known++;
        if (known == count) places[count++] = first->place;
    }
    put_own_cities_first(places, count);
    return count;
}

static void put_name(ps__buf *names, const place_name *first, const place_name *before, const entry *const *places,
                     uint32_t count) {
    size_t shared = 0;
    while (before && shared < before->length && shared < first->length && before->folded[shared] == first->folded[shared])
        shared++;
    ps__buf_putc(names, (char)shared);
    ps__buf_putc(names, (char)(first->length - shared));
    ps__buf_append(names, first->folded + shared, first->length - shared);
    put_varint(names, count);
    for (uint32_t i = 0; i < count; i++) put_varint(names, places[i]->number);
}

static int is_same(const place_name *a, const place_name *b) {
    return a->length == b->length && memcmp(a->folded, b->folded, a->length) == 0;
}

static uint32_t put_names(ps__buf *names, ps__buf *blocks, model *m) {
    const entry **places = need(malloc(m->name_count * sizeof *places));
    const place_name *before = NULL, *at = m->names, *end = at + m->name_count;
    uint32_t written = 0;
    for (size_t i = 0; i < m->count; i++)
        m->entries[i]->plain = fold(m->entries[i]->label[ENGLISH], strlen(m->entries[i]->label[ENGLISH]));
    qsort(m->names, m->name_count, sizeof *m->names, by_name);
    for (const place_name *next; at < end; at = next, written++) {
        for (next = at + 1; next < end && is_same(at, next);) next++;
        if (written % PS__GZ_BLOCK == 0) {
            uint32_t offset = (uint32_t)names->length;
            ps__buf_append(blocks, &offset, sizeof offset);
            before = NULL;
        }
        put_name(names, at, before, places, collect(places, at, next));
        before = at;
    }
    free(places);
    return written;
}

/* ---- Records ---- */

static void put_place(ps__buf *out, ps__buf *shapes, strings *s, entry *const *old, const entry *e) {
    ps__gz_place p = {
        .id = e->id, .population = e->population, .latitude = scaled(e->latitude), .longitude = scaled(e->longitude)};
    p.name = put_string(s, e->label[ENGLISH]);
    p.kind = (uint8_t)e->kind;
    memcpy(p.country, e->country, 2);
    p.shape = e->shape_words ? (uint32_t)(shapes->length / 4) : PS__GZ_NONE;
    if (e->seat) p.shape = e->seat->number;
    p.shape_words = e->shape_words;
    for (uint32_t i = 0; i + 2 < e->shape_words; i += 2 + (uint32_t)e->shape[i + 1])
        if (e->shape[i] == PS__GZ_REGION) e->shape[i + 2] = (int32_t)old[e->shape[i + 2]]->number;
    ps__buf_append(shapes, e->shape, e->shape_words * sizeof *e->shape);
    ps__buf_append(out, &p, sizeof p);
}

static void put_city(ps__buf *out, strings *s, const entry *e, uint32_t first_country, const model *m) {
    ps__gz_city c = {.latitude = scaled(e->latitude), .longitude = scaled(e->longitude), .id = (uint32_t)e->id};
    c.name = put_string(s, e->label[ENGLISH]);
    c.population = (uint32_t)e->population;
    c.region = e->region ? (uint16_t)e->region->number : 0xFFFF;
    c.country = (uint8_t)(find_country(m, e->country)->number - first_country);
    c.flags = e->section ? PS__GZ_SECTION : 0;
    ps__buf_append(out, &c, sizeof c);
}

static const entry *const *ids_of;

static int by_city_id(const void *a, const void *b) {
    const entry *x = ids_of[*(const uint32_t *)a], *y = ids_of[*(const uint32_t *)b];
    return (x->id > y->id) - (x->id < y->id);
}

static void put_ids(ps__buf *out, entry *const *cities, uint32_t count) {
    uint32_t *index = need(malloc(count * sizeof *index));
    for (uint32_t i = 0; i < count; i++) index[i] = i;
    ids_of = (const entry *const *)cities;
    qsort(index, count, sizeof *index, by_city_id);
    ps__buf_append(out, index, count * sizeof *index);
    free(index);
}

static void put_starts(ps__buf *out, entry *const *cities, uint32_t count) {
    uint32_t at = 0;
    for (int row = 0; row <= PS__GZ_ROWS; row++) {
        while (at < count &&
               scaled(cities[at]->latitude) < (row - 90 * PS__GZ_ROWS_A_DEGREE) * (int)(PS__GZ_SCALE / PS__GZ_ROWS_A_DEGREE))
            at++;
        uint32_t start = row == PS__GZ_ROWS ? count : at;
        ps__buf_append(out, &start, sizeof start);
    }
}

static void put_labels(ps__buf *out, strings *s, const model *m, int language) {
    for (size_t i = 0; i < m->count; i++) {
        const char *text = m->entries[i]->label[language];
        if (!text || strcmp(text, m->entries[i]->label[ENGLISH]) == 0) continue;
        ps__gz_label label = {m->entries[i]->number, put_string(s, text)};
        ps__buf_append(out, &label, sizeof label);
    }
}

/* ---- The file ---- */

static void save(const char *path, ps__gz_header *h, ps__buf *section, const uint8_t *element) {
    ps__buf body = PS__BUF_INIT;
    for (int i = 0; i < PS__GZ_SECTIONS; i++) {
        while (body.length % 8) ps__buf_putc(&body, 0);
        h->sections[i] = (ps__gz_section){sizeof *h + body.length, section[i].length / element[i]};
        ps__buf_append(&body, section[i].bytes, section[i].length);
        if (section[i].failed) die("out of memory");
    }
    if (body.failed) die("out of memory");
    h->size = sizeof *h + body.length;
    h->body_hash = XXH3_64bits(body.bytes, body.length);
    h->hash = XXH3_64bits(h, offsetof(ps__gz_header, hash));
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(h, sizeof *h, 1, file) != 1 || fwrite(body.bytes, 1, body.length, file) != body.length || fclose(file))
        die("%s: %s", path, strerror(errno));
    ps__buf_free(&body);
}

void write_file(model *m, entry *const *old, const char *path) {
    static const uint8_t element[PS__GZ_SECTIONS] = {
        sizeof(ps__gz_place), sizeof(ps__gz_city), 4, 4, 1, 4, 1, 4, 8, 8, 8, 8, 8, 8};
    ps__buf section[PS__GZ_SECTIONS];
    ps__gz_header h = {.magic = PS__GZ_MAGIC, .version = PS__GZ_VERSION};
    strings s = {.bytes = PS__BUF_INIT, .slot_count = 1 << 20};
    size_t places = 0;
    for (int i = 0; i < PS__GZ_SECTIONS; i++) section[i] = (ps__buf)PS__BUF_INIT;
    s.slots = need(calloc(s.slot_count, sizeof *s.slots));
    for (size_t i = 0; i < m->count; i++) {
        h.continents += m->entries[i]->kind == PS__PLACE_CONTINENT;
        h.countries += m->entries[i]->kind == PS__PLACE_COUNTRY;
        places += m->entries[i]->kind != PS__PLACE_CITY;
    }
    for (size_t i = 0; i < places; i++) put_place(&section[PS__GZ_S_PLACES], &section[PS__GZ_S_SHAPES], &s, old, m->entries[i]);
    for (size_t i = places; i < m->count; i++) put_city(&section[PS__GZ_S_CITIES], &s, m->entries[i], h.continents, m);
    put_starts(&section[PS__GZ_S_STARTS], m->entries + places, (uint32_t)(m->count - places));
    put_ids(&section[PS__GZ_S_IDS], m->entries + places, (uint32_t)(m->count - places));
    uint32_t names = put_names(&section[PS__GZ_S_NAMES], &section[PS__GZ_S_BLOCKS], m);
    for (int i = 0; i < PS__GZ_LANGUAGES; i++) put_labels(&section[PS__GZ_S_LABELS + i], &s, m, i);
    section[PS__GZ_S_STRINGS] = s.bytes;
    save(path, &h, section, element);
    printf("gazetteer: %zu cities, %zu other places, %u names, %.1f MB: %s\n", m->count - places, places, names,
           (double)h.size / 1e6, path);
    if (getenv("GAZETTEER_SIZES"))
        for (int i = 0; i < PS__GZ_SECTIONS; i++) printf("  section %d: %.2f MB\n", i, (double)section[i].length / 1e6);
}
