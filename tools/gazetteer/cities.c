/*
** GeoNames' cities500.txt: all populated places of 500 people and more and seats of administration, one a line, fields between tabs:
**
**     0 id  1 name  2 ASCII name  3 other names, by commas  4 latitude  5 longitude  7 feature code  8 country  10 admin1 code
**     14 population
**
** The other names are of any language, without saying which, and among them are airport codes and transliterations that nobody writes;
** is_name tells them apart as far as that can be seen.
*/
#include "tools/gazetteer/gazetteer.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

enum { FIELDS = 19 };

/* ---- Names ---- */

/* Which scripts a name has. */
typedef struct look {
    int letters, capitals, han, other, digits, odd;
} look;

static look look_at(const char *text, size_t length) {
    look l = {0};
    for (size_t i = 0; i < length;) {
        uint32_t c;
        i += ps__utf8_decode(&c, text + i, length - i);
        if (c < 0x80 && isalpha((int)c)) {
            l.letters++;
            l.capitals += isupper((int)c) != 0;
        } else if (c < 0x80) {
            l.digits += isdigit((int)c) != 0;
            l.odd += strchr("/()\"[]=;:&+*", (int)c) != NULL;
        } else if (c <= 0x24F || (c >= 0x1E00 && c <= 0x1EFF)) {
            l.letters++;
        } else if ((c >= 0x3400 && c <= 0x9FFF) || (c >= 0x20000 && c <= 0x3FFFF)) {
            l.han++;
        } else if (c < 0x2B0 || (c > 0x36F && (c < 0x2000 || c > 0x206F))) {
            l.other++;
        }
    }
    return l;
}

/* Latin names that somebody may write, Chinese ones, and of large cities those in other scripts. "MUC" is a code, "swldw" a transliteration. */
static int is_name(const char *text, size_t length, int64_t population) {
    look l = look_at(text, length);
    if (l.odd || l.digits) return 0;
    if (l.other) return !l.letters && population >= 100000;
    if (l.han) return !l.letters && l.han >= 2;
    if (!l.letters || length > 60) return 0;
    if (l.capitals == l.letters && l.letters <= 4) return 0;
    if (population < 5000 && length > 40) return 0;
    return isupper((unsigned char)text[0]) || (unsigned char)text[0] >= 0xC3 || (l.capitals && population >= 50000);
}

/* The shortest Chinese name, the first of several: what is shown where the catalogues have none. */
static void choose_chinese(entry *city, const char *text, size_t length) {
    if (look_at(text, length).han * 3 != (int)length || (city->label[0] && strlen(city->label[0]) <= length)) return;
    if (strcmp(city->country, "JP") == 0) return; /* the catalogues have those, and other names are Japanese */
    city->label[0] = simplify(keep(text, length));
}

static void add_other_names(model *m, entry *city, const char *names) {
    while (*names) {
        size_t length = strcspn(names, ",");
        if (is_name(names, length, city->population)) {
            add_name(m, city, names, length);
            choose_chinese(city, names, length);
        }
        names += length + (names[length] == ',');
    }
}

/* ---- Places ---- */

static int is_gone(const char *feature) {
    static const char *const codes[] = {"PPLH", "PPLQ", "PPLW", "PPLCH", ""};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (strcmp(feature, codes[i]) == 0) return 1;
    return 0;
}

static entry *region_of(const model *m, const entry *city, const char *code) {
    for (size_t i = 0; i < m->move_count; i++) {
        const struct move *move = &m->moves[i];
        int inside = city->latitude >= move->south && city->latitude <= move->north && city->longitude >= move->west &&
                     city->longitude <= move->east;
        if (inside && strcmp(move->country, city->country) == 0 && strcmp(move->code, code) == 0) return move->to;
    }
    return find_region(m, city->country, code);
}

static void read_city(model *m, char *const *field) {
    const entry *country = find_country(m, field[8]);
    if (!country || is_gone(field[7])) return;
    entry *city = add_entry(m, PS__PLACE_CITY, atoll(field[0]));
    strcpy(city->country, country->country);
    city->latitude = atof(field[4]);
    city->longitude = atof(field[5]);
    city->population = atoll(field[14]);
    city->section = strcmp(field[7], "PPLX") == 0;
    city->capital = strcmp(field[7], "PPLC") == 0;
    city->region = region_of(m, city, field[10]);
    city->label[ENGLISH] = field[1];
    add_name(m, city, field[1], strlen(field[1]));
    add_name(m, city, field[2], strlen(field[2]));
    add_other_names(m, city, field[3]);
}

/* ---- Neighbours ---- */

static int by_latitude(const void *a, const void *b) {
    const entry *x = *(entry *const *)a, *y = *(entry *const *)b;
    return (x->latitude > y->latitude) - (x->latitude < y->latitude);
}

/* Calls see for all cities between `degrees` south and north of the i-th. */
static void visit(entry **cities, size_t count, size_t i, double degrees, void (*see)(entry *e, const entry *other, double km)) {
    entry *e = cities[i];
    size_t j = i;
    while (j > 0 && cities[j - 1]->latitude >= e->latitude - degrees) j--;
    for (; j < count && cities[j]->latitude <= e->latitude + degrees; j++) {
        double east = fabs(cities[j]->longitude - e->longitude);
        if (j == i || (east > 10 && east < 350)) continue;
        see(e, cities[j], ps__place_distance(e->latitude, e->longitude, cities[j]->latitude, cities[j]->longitude));
    }
}

/* A part of a city that has no city around it is one itself. */
static void see_city(entry *e, const entry *other, double km) {
    if (!other->section && (km <= 10 || km <= (double)other->population * 1e-5)) e->belongs = 1;
}

/* A region whose code is another by now: that of the nearest city of the country that has one. */
static void see_region(entry *e, const entry *other, double km) {
    if (!other->region || km >= e->lost_km || strcmp(other->country, e->country) != 0) return;
    e->lost_km = km;
    e->lost = other->region;
}

static void look_around(entry **cities, size_t count) {
    qsort(cities, count, sizeof *cities, by_latitude);
    for (size_t i = 0; i < count; i++) {
        cities[i]->lost_km = 100;
        if (cities[i]->section) visit(cities, count, i, 0.5, see_city);
        if (!cities[i]->region) visit(cities, count, i, 1, see_region);
    }
    for (size_t i = 0; i < count; i++) {
        if (!cities[i]->belongs) cities[i]->section = 0;
        if (!cities[i]->region) cities[i]->region = cities[i]->lost;
    }
}

void read_cities(model *m, const char *path) {
    char *at = read_text(path), *line, *field[FIELDS];
    size_t first = m->count, number = 0;
    while ((line = next_line(&at)) != NULL) {
        int count = 0;
        number++;
        for (char *rest = line; rest && count < FIELDS;) field[count++] = strsep(&rest, "\t");
        if (count == FIELDS)
            read_city(m, field);
        else if (count > 1)
            die("%s:%zu: has %d fields instead of %d", path, number, count, FIELDS);
    }
    if (m->count - first < 100000) die("%s: has only %zu cities", path, m->count - first);
    look_around(m->entries + first, m->count - first);
}
