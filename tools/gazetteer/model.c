/*
** The model: places and their names, and what follows from all of them together.
*/
#include "tools/gazetteer/gazetteer.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const language_names[LANGUAGES] = {"zh", "de", "pt", "id", "es", "fr", "en"};

#define RADIANS (3.14159265358979323846 / 180)

/* ---- Memory, faults, texts ---- */

void die(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("gazetteer: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(3);
}

void *need(void *p) {
    if (!p) die("out of memory");
    return p;
}

char *read_text(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END)) die("%s: %s", path, strerror(errno));
    long size = ftell(file);
    if (size < 0) die("%s: %s", path, strerror(errno));
    rewind(file);
    char *text = need(malloc((size_t)size + 1));
    if (fread(text, 1, (size_t)size, file) != (size_t)size) die("%s: could not be read", path);
    fclose(file);
    text[size] = 0;
    return text;
}

const char *keep(const char *text, size_t length) { return need(strndup(text, length)); }

char *next_line(char **at) {
    char *line = *at;
    if (!*line) return NULL;
    char *end = strchr(line, '\n');
    *at = end ? end + 1 : line + strlen(line);
    if (end) *end = 0;
    return line;
}

int32_t scaled(double degrees) { return (int32_t)lround(degrees * PS__GZ_SCALE); }

/* ---- Places and names ---- */

entry *add_entry(model *m, int kind, int64_t id) {
    if (m->count == m->room) {
        m->room = m->room ? m->room * 2 : 4096;
        m->entries = need(realloc(m->entries, m->room * sizeof *m->entries));
    }
    entry *e = need(calloc(1, sizeof *e));
    e->kind = kind;
    e->id = id;
    m->entries[m->count++] = e;
    return e;
}

const char *fold(const char *text, size_t length) {
    ps__error err;
    char *folded;
    if (ps__gazetteer_fold(&folded, text, length, &err)) die("%s", err.text);
    return folded;
}

/* A name must have two characters at least, and fit the file's one-byte lengths. */
static void add_folded(model *m, const entry *place, const char *folded) {
    size_t bytes = strlen(folded), characters = 0;
    for (size_t i = 0; i < bytes; i++) characters += ((unsigned char)folded[i] & 0xC0) != 0x80;
    if (characters < 2 || bytes > 200) return;
    if (m->name_count == m->name_room) {
        m->name_room = m->name_room ? m->name_room * 2 : 65536;
        m->names = need(realloc(m->names, m->name_room * sizeof *m->names));
    }
    m->names[m->name_count++] = (place_name){folded, bytes, place};
}

void add_name(model *m, const entry *place, const char *text, size_t length) {
    const char *folded = fold(text, length), *simple = simplify(folded);
    add_folded(m, place, folded);
    if (simple != folded) add_folded(m, place, simple);
}

entry *find_country(const model *m, const char *code) {
    for (size_t i = 0; i < m->count; i++)
        if (m->entries[i]->kind == PS__PLACE_COUNTRY && strcmp(m->entries[i]->country, code) == 0) return m->entries[i];
    return NULL;
}

static uint32_t hash_region(const char *country, const char *code) {
    uint32_t h = 2166136261u;
    for (; *country; country++) h = (h ^ (unsigned char)*country) * 16777619u;
    for (; *code; code++) h = (h ^ (unsigned char)*code) * 16777619u;
    return h;
}

/* The regions are complete before the first city asks for one. */
entry *find_region(const model *m, const char *country, const char *code) {
    enum { BUCKETS = 1 << 14 };
    static entry **table;
    static size_t done;
    if (!table) table = need(calloc(BUCKETS, sizeof *table));
    for (; done < m->count; done++) {
        entry *e = m->entries[done];
        if (e->kind != PS__PLACE_REGION) continue;
        uint32_t h = hash_region(e->country, e->code) % BUCKETS;
        while (table[h]) h = (h + 1) % BUCKETS;
        table[h] = e;
    }
    for (uint32_t h = hash_region(country, code) % BUCKETS; table[h]; h = (h + 1) % BUCKETS)
        if (strcmp(table[h]->country, country) == 0 && strcmp(table[h]->code, code) == 0) return table[h];
    return NULL;
}

static int by_id(const void *a, const void *b) {
    const entry *x = *(entry *const *)a, *y = *(entry *const *)b;
    return (x->id > y->id) - (x->id < y->id);
}

/* Likewise the cities. */
entry *find_id(const model *m, int64_t id) {
    static entry **sorted;
    if (!sorted) {
        sorted = need(malloc(m->count * sizeof *sorted));
        memcpy(sorted, m->entries, m->count * sizeof *sorted);
        qsort(sorted, m->count, sizeof *sorted, by_id);
    }
    entry wanted = {.id = id}, *key = &wanted, **found = bsearch(&key, sorted, m->count, sizeof *sorted, by_id);
    return found ? *found : NULL;
}

/* ---- What follows from all of them ---- */

static void lean(entry *e, double latitude, double longitude, double weight) {
    latitude *= RADIANS;
    longitude *= RADIANS;
    e->x += weight * cos(latitude) * cos(longitude);
    e->y += weight * cos(latitude) * sin(longitude);
    e->z += weight * sin(latitude);
}

static void weigh(entry *e, const entry *city) {
    lean(e, city->latitude, city->longitude, (double)city->population + 100);
    e->weight += (double)city->population;
}

/* The middle of a country or region is the middle of its people; their number, where no source tells it, that of its cities' people. */
static void settle(entry *e) {
    if (e->x == 0 && e->y == 0 && e->z == 0) return;
    e->latitude = atan2(e->z, hypot(e->x, e->y)) / RADIANS;
    e->longitude = atan2(e->y, e->x) / RADIANS;
    if (!e->population) e->population = (int64_t)e->weight;
}

static void lean_to_corners(entry *e, const int32_t *v, int32_t count) {
    for (int32_t i = 0; i + 1 < count; i += 2) lean(e, v[i] / PS__GZ_SCALE, v[i + 1] / PS__GZ_SCALE, 1.0 / count);
}

/* The middle of an area is that of its outline's corners and of its countries and regions. */
static void lean_to_shape(entry *e, const model *m, entry *const *old) {
    for (uint32_t i = 0; i + 2 < e->shape_words; i += 2 + (uint32_t)e->shape[i + 1]) {
        const int32_t *v = e->shape + i + 2;
        if (e->shape[i] == PS__GZ_CIRCLE) lean(e, v[0] / PS__GZ_SCALE, v[1] / PS__GZ_SCALE, 1);
        if (e->shape[i] == PS__GZ_POLYGON) lean_to_corners(e, v, e->shape[i + 1]);
        if (e->shape[i] == PS__GZ_PART) lean(e, (v[1] + v[3]) / PS__GZ_SCALE / 2, (v[2] + v[4]) / PS__GZ_SCALE / 2, 1);
        if (e->shape[i] == PS__GZ_REGION) lean(e, old[v[0]]->latitude, old[v[0]]->longitude, 1);
        if (e->shape[i] != PS__GZ_COUNTRY) continue;
        const entry *country = find_country(m, (char[]){(char)(v[0] / 256), (char)(v[0] % 256), 0});
        lean(e, country->latitude, country->longitude, 1);
        e->weight += (double)country->population;
    }
}

/* As in the file: kinds from large to small; cities by row, then longitude; the others as they came. */
static int row_of(const entry *e) {
    int row = (int)floor((scaled(e->latitude) / PS__GZ_SCALE + 90) * PS__GZ_ROWS_A_DEGREE);
    return row < PS__GZ_ROWS ? row : PS__GZ_ROWS - 1;
}

static int in_order(const void *a, const void *b) {
    const entry *x = *(entry *const *)a, *y = *(entry *const *)b;
    if (x->kind != y->kind) return x->kind - y->kind;
    if (x->kind == PS__PLACE_CITY) {
        int d = row_of(x) - row_of(y), east = scaled(x->longitude) - scaled(y->longitude);
        if (d) return d;
        if (east) return east;
        return (x->id > y->id) - (x->id < y->id);
    }
    return (x->id < y->id) - (x->id > y->id); /* those are negative */
}

static int by_word(const void *a, const void *b) {
    const struct word *x = a, *y = b;
    return strcmp(x->folded, y->folded);
}

/* 1 when a place is shown under this name in some language. */
static int is_shown(const place_name *n) {
    for (int i = 0; i < LANGUAGES; i++)
        if (n->place->label[i] && strcmp(fold(n->place->label[i], strlen(n->place->label[i])), n->folded) == 0) return 1;
    return 0;
}

/* Takes the names away that our own table says are words. */
static void drop_words(model *m) {
    enum { LARGE = 100000 };
    size_t kept = 0;
    if (!m->word_count) return;
    qsort(m->words, m->word_count, sizeof *m->words, by_word);
    for (size_t i = 0; i < m->name_count; i++) {
        const place_name *n = &m->names[i];
        struct word wanted = {n->folded, 0}, *found = NULL;
        if (n->place->kind >= PS__PLACE_REGION) found = bsearch(&wanted, m->words, m->word_count, sizeof *m->words, by_word);
        int small = n->place->kind == PS__PLACE_CITY && n->place->population < LARGE;
        if (found && (found->never || small || !is_shown(n))) continue;
        m->names[kept++] = *n;
    }
    m->name_count = kept;
}

void finish(model *m, entry *const *old) {
    drop_words(m);
    for (size_t i = 0; i < m->count; i++) {
        entry *e = m->entries[i];
        if (e->kind != PS__PLACE_CITY || e->section) continue;
        entry *country = find_country(m, e->country);
        weigh(country, e);
        if (e->capital && (!country->seat || country->seat->population < e->population)) country->seat = e;
        if (e->region) weigh(e->region, e);
    }
    for (size_t i = 0; i < m->count; i++)
        if (m->entries[i]->kind == PS__PLACE_COUNTRY || m->entries[i]->kind == PS__PLACE_REGION) settle(m->entries[i]);
    for (size_t i = 0; i < m->count; i++) {
        if (!m->entries[i]->shape) continue;
        lean_to_shape(m->entries[i], m, old);
        settle(m->entries[i]);
    }
    qsort(m->entries, m->count, sizeof *m->entries, in_order);
    for (size_t i = 0; i < m->count; i++) m->entries[i]->number = (uint32_t)i;
}
