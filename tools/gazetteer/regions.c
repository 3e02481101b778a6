/*
** First-level regions: their codes and English names as GeoNames has them (a JSON list of {"code": "DE.02", "name": "Bavaria"}), and
** their names in the languages from CLDR's subdivisions, which have ISO 3166-2 codes. The two lists are joined by country and name in
** whatever language; what matches none keeps its English name alone. Lines `iso` in store/areas.table join the rest by hand.
*/
#include "tools/gazetteer/gazetteer.h"

#include <ctype.h>
#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/gazetteer/xml.h"

/* ---- Names without the words around them: "State of Berlin", "Distrito de Lisboa", "Provinz Bali" ---- */

static int is_among(const char *word, size_t length, const char *const *words) {
    for (; *words; words++)
        if (strlen(*words) == length && memcmp(word, *words, length) == 0) return 1;
    return 0;
}

static int is_generic(const char *word, size_t length) {
    static const char *const words[] = {
        "state",        "province",     "provincia",    "provinz",      "provinsi",    "region",      "regione",
        "regiao",       "district",     "distrito",     "distrikt",     "governorate", "gobernacion", "gouvernement",
        "gouvernorat",  "county",       "oblast",       "krai",         "prefecture",  "prefectura",  "prefeitura",
        "prafektur",    "department",   "departement",  "departamento", "canton",      "kanton",      "municipality",
        "autonome",     "autonomous",   "gemeinschaft", "comunidad",    "autonoma",    "comunidade",  "community",
        "voivodeship",  "woiwodschaft", "voivodia",     "voivodie",     "parish",      "emirate",     "capital",
        "city",         "communaute",   "republik",     "republic",     "oblast'",     "distrik",     "prefektur",
        "gubernatoria", "kegubernuran", "estado",       "bundesland",   NULL};
    return is_among(word, length, words);
}

static int is_joint(const char *word, size_t length) {
    static const char *const words[] = {"of", "the", "de", "du", "des", "d", "do", "da", "del", "la", "von", "der", "l", NULL};
    return is_among(word, length, words);
}

/* Too general to stand alone. */
static int is_direction(const char *name) {
    static const char *const words[] = {
        "central", "centre", "center",  "north", "south", "east",    "west",     "northern", "southern",     "eastern", "western",
        "capital", "nord",   "sud",     "est",   "ouest", "norte",   "sur",      "este",     "oeste",        "centro",  "upper",
        "lower",   "coast",  "islands", "lake",  "river", "federal", "national", "special",  "metropolitan", NULL};
    return is_among(name, strlen(name), words);
}

static const char *bare(const char *folded) {
    const char *at = folded, *end = folded + strlen(folded);
    int dropped = 0;
    for (;;) {
        size_t length = strcspn(at, " ");
        if (!at[length] || !(is_generic(at, length) || (dropped && is_joint(at, length)))) break;
        at += length + 1;
        dropped = 1;
    }
    for (;;) {
        const char *last = end;
        while (last > at && last[-1] != ' ') last--;
        if (last == at || !is_generic(last, (size_t)(end - last))) break;
        end = last - 1;
    }
    return keep(at, (size_t)(end - at));
}

/* 加利福尼亚州 is also said without its last character. */
static size_t without_suffix(const char *text, size_t length) {
    static const char *const suffixes[] = {"大区", "地区", "地區", "大區", "州", "省", "市",
                                           "县",   "縣",   "区",   "區",   "府", "道", NULL};
    for (const char *const *s = suffixes; *s; s++) {
        size_t bytes = strlen(*s);
        if (length >= bytes + 6 && memcmp(text + length - bytes, *s, bytes) == 0) return length - bytes;
    }
    return length;
}

static void add_region_name(model *m, const entry *region, const char *text) {
    size_t length = strlen(text), shorter = without_suffix(text, length);
    add_name(m, region, text, length);
    if (shorter < length) add_name(m, region, text, shorter);
    const char *folded = fold(text, length), *less = bare(folded);
    if (strcmp(folded, less) != 0 && !is_direction(less)) add_name(m, region, less, strlen(less));
}

/* ---- GeoNames ---- */

/* Country and code as digits to the base of 37: stable, and below the numbers of countries and areas. */
static int64_t region_id(const entry *e) {
    char text[16];
    int64_t id = 0;
    snprintf(text, sizeof text, "%.2s%.8s", e->country, e->code);
    for (const char *c = text; *c; c++)
        id = id * 37 + (isdigit((unsigned char)*c) ? *c - '0' + 1 : toupper((unsigned char)*c) - 'A' + 11);
    return -id;
}

static void add_region(model *m, const char *code, const char *name) {
    const char *dot = strchr(code, '.');
    if (!dot || dot - code != 2 || strlen(dot + 1) > 8 || !*name) return;
    char country[3] = {code[0], code[1], 0};
    if (!find_country(m, country)) return;
    entry *e = add_entry(m, PS__PLACE_REGION, 0);
    strcpy(e->country, country);
    strcpy(e->code, dot + 1);
    e->id = region_id(e);
    e->label[ENGLISH] = keep(name, strlen(name));
    add_region_name(m, e, name);
}

void read_regions(model *m, const char *path) {
    json_error_t fault;
    json_t *list = json_load_file(path, 0, &fault), *item;
    size_t i;
    if (!list) die("%s:%d: %s", path, fault.line, fault.text);
    json_array_foreach(list, i, item) {
        const char *code = json_string_value(json_object_get(item, "code")),
                   *name = json_string_value(json_object_get(item, "name"));
        if (!code || !name) die("%s: entry %zu has no code or no name", path, i);
        add_region(m, code, name);
    }
    json_decref(list);
}

/* ---- CLDR ---- */

typedef struct subdivision {
    char iso[8];
    const char *text;
} subdivision;

typedef struct subdivisions { /* of one language */
    subdivision *items;
    size_t count;
} subdivisions;

static subdivisions read_subdivisions(const char *folder, const char *language) {
    char path[4096], iso[16];
    subdivisions list = {0};
    size_t room = 0;
    snprintf(path, sizeof path, "%s/subdivisions/%s.xml", folder, language);
    char *at = read_text(path), *line;
    while ((line = next_line(&at)) != NULL) {
        const char *element = strstr(line, "<subdivision type=\"");
        const char *text = element ? xml_text(element) : NULL;
        if (!text || !xml_attribute(iso, sizeof list.items->iso, element, "type")) continue;
        if (list.count == room) {
            room = room ? room * 2 : 512;
            list.items = need(realloc(list.items, room * sizeof *list.items));
        }
        strcpy(list.items[list.count].iso, iso);
        list.items[list.count++].text = text;
    }
    return list;
}

static void match(const model *m, const subdivisions *list) {
    for (size_t i = 0; i < list->count; i++) {
        const char *folded = bare(fold(list->items[i].text, strlen(list->items[i].text)));
        char country[3] = {(char)toupper((unsigned char)list->items[i].iso[0]),
                           (char)toupper((unsigned char)list->items[i].iso[1]), 0};
        for (size_t k = 0; k < m->count; k++) {
            entry *e = m->entries[k];
            if (e->kind != PS__PLACE_REGION || e->iso[0] || strcmp(e->country, country) != 0) continue;
            const char *own = bare(fold(e->label[ENGLISH], strlen(e->label[ENGLISH])));
            if (strcmp(own, folded) == 0) strcpy(e->iso, list->items[i].iso);
        }
    }
}

static void match_all(model *m, const char *folder) {
    static const char *const more[] = {"it", "nl", "pl", "sv", "da", "no", "fi", "cs", "hu", "ro", "tr", "hr", "ca", "vi", NULL};
    subdivisions list = read_subdivisions(folder, "en");
    match(m, &list);
    for (int i = 0; i < PS__GZ_LANGUAGES; i++) {
        list = read_subdivisions(folder, language_names[i]);
        match(m, &list);
    }
    for (const char *const *language = more; *language; language++) {
        list = read_subdivisions(folder, *language);
        match(m, &list);
    }
}

/* An English name that only lacks CLDR's diacritics takes them. */
static void set_label(entry *e, int language, const char *text) {
    if (language == 0) text = simplify(text);
    if (language != ENGLISH || strcmp(fold(text, strlen(text)), fold(e->label[ENGLISH], strlen(e->label[ENGLISH]))) == 0)
        e->label[language] = text;
}

static void name_in_language(model *m, const char *folder, const char *language, int index) {
    subdivisions list = read_subdivisions(folder, language);
    for (size_t k = 0; k < m->count; k++) {
        entry *e = m->entries[k];
        if (e->kind != PS__PLACE_REGION || !e->iso[0]) continue;
        for (size_t i = 0; i < list.count; i++) {
            if (strcmp(list.items[i].iso, e->iso) != 0) continue;
            if (index >= 0) set_label(e, index, list.items[i].text);
            add_region_name(m, e, list.items[i].text);
        }
    }
}

void name_regions(model *m, const char *cldr_folder) {
    static const char *const more[] = {"it", "nl", "pl", "sv", "da", "no", "ca", "tr", NULL}; /* for finding only */
    match_all(m, cldr_folder);
    for (int i = 0; i < LANGUAGES; i++) name_in_language(m, cldr_folder, language_names[i], i);
    for (const char *const *language = more; *language; language++) name_in_language(m, cldr_folder, *language, -1);
}
