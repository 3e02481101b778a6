/*
** Our own table, store/areas.table (its top explains it): continents, areas with their outlines, and more names of other places.
*/
#include "tools/gazetteer/gazetteer.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct reader {
    model *m;
    const char *path;
    int line;
    entry *open; /* the place whose lines are read */
    int own;     /* it is an area or continent, not a place of the other sources */
    size_t room; /* of its shape */
} reader;

static char *trim(char *text) {
    while (isspace((unsigned char)*text)) text++;
    char *end = text + strlen(text);
    while (end > text && isspace((unsigned char)end[-1])) *--end = 0;
    return text;
}

/* The first word; *rest becomes what follows. */
static char *first_word(char **rest) {
    char *word = *rest, *end = word + strcspn(word, " \t");
    *rest = end;
    if (*end) {
        *end = 0;
        *rest = trim(end + 1);
    }
    return word;
}

static double number(const reader *r, char **rest) {
    char *end, *word = first_word(rest);
    double value = strtod(word, &end);
    if (end == word || *end) die("%s:%d: \"%s\" is no number", r->path, r->line, word);
    return value;
}

/* ---- Outlines ---- */

static void put(reader *r, int32_t value) {
    entry *e = r->open;
    if (e->shape_words == r->room) {
        r->room = r->room ? r->room * 2 : 64;
        e->shape = need(realloc(e->shape, r->room * sizeof *e->shape));
    }
    e->shape[e->shape_words++] = value;
}

static int32_t country_value(const reader *r, const char *code) {
    if (!find_country(r->m, code)) die("%s:%d: %s is no country", r->path, r->line, code);
    return code[0] * 256 + code[1];
}

static entry *region_of(const reader *r, const char *code) {
    char country[3] = {code[0], code[0] ? code[1] : (char)0, 0};
    entry *e = strlen(code) > 3 && code[2] == '.' ? find_region(r->m, country, code + 3) : NULL;
    if (!e) die("%s:%d: %s is no region", r->path, r->line, code);
    return e;
}

static void read_circle(reader *r, char *rest) {
    int32_t latitude = scaled(number(r, &rest)), longitude = scaled(number(r, &rest)),
            metres = (int32_t)lround(number(r, &rest) * 1000);
    int32_t item[] = {PS__GZ_CIRCLE, 3, latitude, longitude, metres};
    for (size_t i = 0; i < sizeof item / sizeof *item; i++) put(r, item[i]);
}

static void read_polygon(reader *r, char *rest) {
    uint32_t at = r->open->shape_words;
    put(r, PS__GZ_POLYGON);
    put(r, 0);
    for (char *corner; (corner = strsep(&rest, ",")) != NULL;) {
        corner = trim(corner);
        put(r, scaled(number(r, &corner)));
        put(r, scaled(number(r, &corner)));
        if (*corner) die("%s:%d: \"%s\" stands after a corner", r->path, r->line, corner);
    }
    r->open->shape[at + 1] = (int32_t)(r->open->shape_words - at - 2);
    if (r->open->shape[at + 1] < 6) die("%s:%d: a polygon has three corners at least", r->path, r->line);
}

static void read_box(reader *r, char *rest) {
    double south = number(r, &rest), west = number(r, &rest), north = number(r, &rest), east = number(r, &rest);
    int32_t item[] = {
        PS__GZ_POLYGON, 8,           scaled(south), scaled(west), scaled(north), scaled(west), scaled(north), scaled(east),
        scaled(south),  scaled(east)};
    if (south >= north || west >= east) die("%s:%d: a box is south west north east", r->path, r->line);
    for (size_t i = 0; i < sizeof item / sizeof *item; i++) put(r, item[i]);
}

static void read_part(reader *r, char *rest) {
    int32_t country = country_value(r, first_word(&rest));
    put(r, PS__GZ_PART);
    put(r, 5);
    put(r, country);
    for (int i = 0; i < 4; i++) put(r, scaled(number(r, &rest)));
}

static void read_list(reader *r, char *rest, int kind) {
    while (*rest) {
        char *code = first_word(&rest);
        put(r, kind);
        put(r, 1);
        if (kind == PS__GZ_REGION) {
            /* Numbers are known only when all places are; write.c puts the region's number in the place of its index. */
            entry *region = region_of(r, code);
            for (size_t i = 0; i < r->m->count; i++)
                if (r->m->entries[i] == region) put(r, (int32_t)i);
        } else {
            put(r, country_value(r, code));
        }
    }
}

/* ---- Names ---- */

static void add_names(const reader *r, entry *place, char *rest, int language) {
    for (char *text; (text = strsep(&rest, "|")) != NULL;) {
        text = trim(text);
        if (!*text) die("%s:%d: an empty name", r->path, r->line);
        if (language >= 0 && !(place->chosen & 1 << language)) {
            place->label[language] = keep(text, strlen(text));
            place->chosen |= 1 << language;
        }
        add_name(r->m, place, text, strlen(text));
    }
}

/* A country, a region (DE.02) or a city (by its id). */
static entry *place_of(const reader *r, const char *code) {
    entry *place = isdigit((unsigned char)*code) ? find_id(r->m, atoll(code))
                   : strlen(code) == 2           ? find_country(r->m, code)
                                                 : region_of(r, code);
    if (!place) die("%s:%d: %s is no place", r->path, r->line, code);
    return place;
}

static void read_also(const reader *r, char *rest) {
    entry *place = place_of(r, first_word(&rest));
    add_names(r, place, rest, -1);
}

static void read_words(const reader *r, char *rest, int never) {
    model *m = r->m;
    for (char *text; (text = strsep(&rest, "|")) != NULL;) {
        text = trim(text);
        m->words = need(realloc(m->words, (m->word_count + 1) * sizeof *m->words));
        m->words[m->word_count++] = (struct word){fold(text, strlen(text)), never};
    }
}

static void begin(reader *r, int kind, char *rest) {
    long id = strtol(first_word(&rest), NULL, 10);
    if (id <= 0 || id >= 10000 || !*rest) die("%s:%d: a number below 10000 and a name are wanted", r->path, r->line);
    for (size_t i = 0; i < r->m->count; i++)
        if (r->m->entries[i]->id == -id) die("%s:%d: number %ld is in use already", r->path, r->line, id);
    r->open = add_entry(r->m, kind, -id);
    r->own = 1;
    r->room = 0;
    add_names(r, r->open, rest, ENGLISH);
}

static int language_of(const char *word) {
    for (int i = 0; i < LANGUAGES; i++)
        if (strcmp(word, language_names[i]) == 0) return i;
    return -1;
}

static int read_shape(reader *r, const char *word, char *rest) {
    static const struct {
        const char *word;
        int kind;
    } lists[] = {{"countries", PS__GZ_COUNTRY}, {"regions", PS__GZ_REGION}, {"except", PS__GZ_EXCEPT}};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        if (strcmp(word, lists[i].word) == 0) return read_list(r, rest, lists[i].kind), 1;
    if (strcmp(word, "circle") == 0) return read_circle(r, rest), 1;
    if (strcmp(word, "polygon") == 0) return read_polygon(r, rest), 1;
    if (strcmp(word, "box") == 0) return read_box(r, rest), 1;
    if (strcmp(word, "part") == 0) return read_part(r, rest), 1;
    return 0;
}

/* Lines that stand for themselves. */
static int read_other(reader *r, const char *word, char *rest) {
    if (strcmp(word, "also") == 0) return read_also(r, rest), 1;
    if (strcmp(word, "drop") == 0) return read_words(r, rest, 0), 1;
    if (strcmp(word, "never") == 0) return read_words(r, rest, 1), 1;
    return strcmp(word, "iso") == 0 || strcmp(word, "moved") == 0; /* read_codes has them */
}

static void read_line(reader *r, char *line) {
    char *rest = line, *word = first_word(&rest);
    if (strcmp(word, "continent") == 0) {
        begin(r, PS__PLACE_CONTINENT, rest);
    } else if (strcmp(word, "area") == 0) {
        begin(r, PS__PLACE_AREA, rest);
    } else if (strcmp(word, "place") == 0) {
        r->open = place_of(r, rest);
        r->own = 0;
    } else if (!read_other(r, word, rest)) {
        if (!r->open) die("%s:%d: no area is begun", r->path, r->line);
        if (strcmp(word, "names") == 0)
            add_names(r, r->open, rest, -1);
        else if (language_of(word) >= 0)
            add_names(r, r->open, rest, language_of(word));
        else if (!r->own || !read_shape(r, word, rest))
            die("%s:%d: \"%s\" is no word of this table here", r->path, r->line, word);
    }
}

/* The lines of the table, one after the other. */
static void read_table(reader *r, void (*read)(reader *r, char *line)) {
    char *at = read_text(r->path), *line;
    while ((line = next_line(&at)) != NULL) {
        r->line++;
        line = trim(line);
        if (*line && *line != '#') read(r, line);
    }
}

static void read_move(const reader *r, char *rest) {
    model *m = r->m;
    const char *from = first_word(&rest);
    if (strlen(from) < 4 || from[2] != '.' || strlen(from + 3) >= sizeof m->moves->code)
        die("%s:%d: %s is no code", r->path, r->line, from);
    m->moves = need(realloc(m->moves, (m->move_count + 1) * sizeof *m->moves));
    struct move *move = &m->moves[m->move_count++];
    snprintf(move->country, sizeof move->country, "%.2s", from);
    snprintf(move->code, sizeof move->code, "%s", from + 3);
    move->to = region_of(r, first_word(&rest));
    int everywhere = !*rest;
    move->south = everywhere ? -90 : number(r, &rest);
    move->west = everywhere ? -180 : number(r, &rest);
    move->north = everywhere ? 90 : number(r, &rest);
    move->east = everywhere ? 180 : number(r, &rest);
}

static void read_code(reader *r, char *line) {
    char *rest = line, *word = first_word(&rest);
    if (strcmp(word, "moved") == 0) read_move(r, rest);
    if (strcmp(word, "iso") != 0) return;
    entry *region = region_of(r, first_word(&rest));
    if (!*rest || strlen(rest) >= sizeof region->iso) die("%s:%d: a code is wanted", r->path, r->line);
    strcpy(region->iso, rest);
}

void read_codes(model *m, const char *path) { read_table(&(reader){.m = m, .path = path}, read_code); }

void read_areas(model *m, const char *path) { read_table(&(reader){.m = m, .path = path}, read_line); }
