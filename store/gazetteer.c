/*
** Opening the gazetteer's file, and its places by number and id. Opening looks at the header alone, so that it costs the same however
** large the file is and reads no page that is not needed; the rest is checked where it is used.
*/
#include "store/gazetteer_inside.h"

#include <math.h>
#include <string.h>
#include <xxhash.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/os.h"

static const char *const languages[PS__GZ_LANGUAGES] = PS__GZ_LANGUAGE_NAMES;

/* ---- Opening ---- */

static const uint8_t element_bytes[PS__GZ_SECTIONS] = {
    sizeof(ps__gz_place), sizeof(ps__gz_city), 4, 4, 1, 4, 1, 4, 8, 8, 8, 8, 8, 8,
};
_Static_assert(sizeof(ps__gz_place) == 40 && sizeof(ps__gz_city) == 24 && sizeof(ps__gz_label) == 8, "records have no holes");
_Static_assert(sizeof(ps__gz_header) == 40 + 16 * PS__GZ_SECTIONS + 8, "nor has the header");

/* What is wrong with the header, or NULL. */
static const char *fault(const uint8_t *bytes, size_t size) {
    const ps__gz_header *h = (const ps__gz_header *)(const void *)bytes;
    if (size < sizeof *h) return "is too short";
    if (memcmp(h->magic, PS__GZ_MAGIC, sizeof h->magic) != 0) return "does not begin like a gazetteer";
    if (h->version != PS__GZ_VERSION) return NULL;
    if (h->hash != XXH3_64bits(bytes, offsetof(ps__gz_header, hash))) return "has a damaged header";
    if (h->size != size) return "was cut short";
    for (int i = 0; i < PS__GZ_SECTIONS; i++) {
        const ps__gz_section *s = &h->sections[i];
        if (s->offset % 8 || s->offset > size || s->count > UINT32_MAX || s->count > (size - s->offset) / element_bytes[i])
            return "has a section that lies outside it";
    }
    const ps__gz_section *s = h->sections;
    if (s[PS__GZ_S_STARTS].count != PS__GZ_ROWS + 1 || s[PS__GZ_S_IDS].count != s[PS__GZ_S_CITIES].count)
        return "has sections that disagree";
    if (s[PS__GZ_S_PLACES].count > 0xFFFF || h->continents > s[PS__GZ_S_PLACES].count || h->countries > 256 ||
        h->countries > s[PS__GZ_S_PLACES].count - h->continents)
        return "has impossible numbers of places";
    uint64_t strings = s[PS__GZ_S_STRINGS].count;
    if (!strings || bytes[s[PS__GZ_S_STRINGS].offset + strings - 1]) return "has texts without an end";
    return NULL;
}

static void lay_out(ps__gazetteer *g) {
    const ps__gz_section *s = g->header->sections;
    const void *at[PS__GZ_SECTIONS];
    for (int i = 0; i < PS__GZ_SECTIONS; i++) at[i] = g->bytes + s[i].offset;
    g->places = at[PS__GZ_S_PLACES];
    g->cities = at[PS__GZ_S_CITIES];
    g->starts = at[PS__GZ_S_STARTS];
    g->ids = at[PS__GZ_S_IDS];
    g->strings = at[PS__GZ_S_STRINGS];
    g->blocks = at[PS__GZ_S_BLOCKS];
    g->names = at[PS__GZ_S_NAMES];
    g->shapes = at[PS__GZ_S_SHAPES];
    g->place_count = (uint32_t)s[PS__GZ_S_PLACES].count;
    g->city_count = (uint32_t)s[PS__GZ_S_CITIES].count;
    g->block_count = (uint32_t)s[PS__GZ_S_BLOCKS].count;
    g->shape_count = (uint32_t)s[PS__GZ_S_SHAPES].count;
    g->string_bytes = (size_t)s[PS__GZ_S_STRINGS].count;
    g->name_bytes = (size_t)s[PS__GZ_S_NAMES].count;
    for (int i = 0; i < PS__GZ_LANGUAGES; i++) {
        g->labels[i] = at[PS__GZ_S_LABELS + i];
        g->label_count[i] = (uint32_t)s[PS__GZ_S_LABELS + i].count;
    }
}

int ps__gazetteer_open(ps__gazetteer **out, const char *path, ps__error *err) {
    ps__gazetteer *g = ps__calloc(1, sizeof *g);
    *out = NULL;
    if (!g) return ps__fail_nomem(err);
    int status = ps__map_file(&g->bytes, &g->size, path, err);
    const char *why = status == PS__OK ? fault(g->bytes, g->size) : NULL;
    if (why) status = ps__fail(err, PS__CORRUPT, "%s: %s", path, why);
    if (status == PS__OK) {
        g->header = (const ps__gz_header *)(const void *)g->bytes;
        if (g->header->version != PS__GZ_VERSION)
            status = ps__fail(err, PS__NEWER, "%s: is a gazetteer of version %u, and this program reads version %d", path,
                              g->header->version, PS__GZ_VERSION);
    }
    if (status != PS__OK) {
        ps__gazetteer_free(g);
        return status;
    }
    lay_out(g);
    *out = g;
    return PS__OK;
}

void ps__gazetteer_free(ps__gazetteer *g) {
    if (!g) return;
    ps__unmap_file(g->bytes, g->size);
    ps__free(g);
}

int ps__gazetteer_verify(const ps__gazetteer *g, ps__error *err) {
    if (XXH3_64bits(g->bytes + sizeof *g->header, g->size - sizeof *g->header) == g->header->body_hash) return PS__OK;
    return ps__fail(err, PS__CORRUPT, "the gazetteer is damaged: its checksum is another");
}

/* ---- Places ---- */

const char *ps__gz_string(const ps__gazetteer *g, uint32_t offset) { return offset < g->string_bytes ? g->strings + offset : ""; }

double ps__gz_edge_km(uint32_t population) { return fmin(fmax(0.0085 * sqrt((double)population), 0.5), 40); }

static double radius_km(uint32_t population) { return fmin(fmax(0.0132 * sqrt((double)population), 3), 25); }

static void fill_city(ps__place *out, const ps__gazetteer *g, uint32_t index) {
    const ps__gz_city *c = &g->cities[index];
    out->kind = PS__PLACE_CITY;
    out->id = c->id;
    out->name = ps__gz_string(g, c->name);
    if (c->country < g->header->countries) memcpy(out->country, g->places[g->header->continents + c->country].country, 2);
    if (c->region < g->place_count) out->region = g->places[c->region].id;
    out->latitude = c->latitude / PS__GZ_SCALE;
    out->longitude = c->longitude / PS__GZ_SCALE;
    out->population = c->population;
    out->radius_km = radius_km(c->population);
}

int ps__gz_fill(ps__place *out, const ps__gazetteer *g, uint32_t number) {
    memset(out, 0, sizeof *out);
    out->number = number;
    out->name = "";
    if (number >= g->place_count) {
        if (number - g->place_count >= g->city_count) return 0;
        fill_city(out, g, number - g->place_count);
        return 1;
    }
    const ps__gz_place *p = &g->places[number];
    if (p->kind < PS__PLACE_CONTINENT || p->kind > PS__PLACE_REGION) return 0;
    out->kind = p->kind;
    out->id = p->id;
    out->name = ps__gz_string(g, p->name);
    memcpy(out->country, p->country, 2);
    if (p->kind == PS__PLACE_REGION) out->region = p->id;
    out->latitude = p->latitude / PS__GZ_SCALE;
    out->longitude = p->longitude / PS__GZ_SCALE;
    out->population = p->population;
    return 1;
}

/* The city of an id, by the sorted ids. */
static int find_city(ps__place *out, const ps__gazetteer *g, uint32_t id) {
    uint32_t low = 0, high = g->city_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2, index = g->ids[middle];
        if (index >= g->city_count) return PS__NOTFOUND;
        if (g->cities[index].id == id) return ps__gz_fill(out, g, g->place_count + index) ? PS__OK : PS__NOTFOUND;
        if (g->cities[index].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return PS__NOTFOUND;
}

int ps__gazetteer_place(ps__place *out, const ps__gazetteer *g, int64_t id) {
    memset(out, 0, sizeof *out);
    out->name = "";
    if (id > 0 && id <= UINT32_MAX) return find_city(out, g, (uint32_t)id);
    for (uint32_t i = 0; i < g->place_count; i++)
        if (g->places[i].id == id) return ps__gz_fill(out, g, i) ? PS__OK : PS__NOTFOUND;
    return PS__NOTFOUND;
}

/* ---- Labels ---- */

static const char *name_in(const ps__gazetteer *g, const ps__place *place, int language) {
    if (language < 0) return place->name;
    uint32_t low = 0, high = g->label_count[language];
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const ps__gz_label *label = &g->labels[language][middle];
        if (label->number == place->number) return ps__gz_string(g, label->name);
        if (label->number < place->number)
            low = middle + 1;
        else
            high = middle;
    }
    return place->name;
}

static int language_of(const char *lang) {
    for (int i = 0; lang && i < PS__GZ_LANGUAGES; i++)
        if (strncmp(lang, languages[i], 2) == 0 && (!lang[2] || lang[2] == '-' || lang[2] == '_')) return i;
    return -1;
}

int ps__gazetteer_country(ps__place *out, const ps__gazetteer *g, const char *code) {
    for (uint32_t i = 0; i < g->header->countries; i++) {
        const ps__gz_place *p = &g->places[g->header->continents + i];
        if (code[0] && p->country[0] == code[0] && p->country[1] == code[1])
            return ps__gz_fill(out, g, g->header->continents + i) ? PS__OK : PS__NOTFOUND;
    }
    return PS__NOTFOUND;
}

int ps__gazetteer_capital(ps__place *out, const ps__gazetteer *g, const char *code) {
    ps__place country;
    if (ps__gazetteer_country(&country, g, code) != PS__OK) return PS__NOTFOUND;
    uint32_t number = g->places[country.number].shape;
    return number >= g->place_count && ps__gz_fill(out, g, number) ? PS__OK : PS__NOTFOUND;
}

int ps__gazetteer_label(char **out, const ps__gazetteer *g, const ps__place *place, const char *lang, ps__error *err) {
    ps__buf text = PS__BUF_INIT;
    ps__place country;
    int language = language_of(lang);
    ps__buf_puts(&text, name_in(g, place, language));
    if ((place->kind == PS__PLACE_CITY || place->kind == PS__PLACE_REGION) &&
        ps__gazetteer_country(&country, g, place->country) == PS__OK) {
        ps__buf_puts(&text, ", ");
        ps__buf_puts(&text, name_in(g, &country, language));
    }
    *out = ps__buf_detach(&text);
    return *out ? PS__OK : ps__fail_nomem(err);
}
