/*
** Names of places in a sentence. A name may stand for a dozen places: the one where the gallery has most photos is meant, else
** the largest. A city is preferred to the region that is named after it.
*/
#include "search/parse/places.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"

#define MAX_NAME 8 /* tokens */
#define CANDIDATES 16
#define DEFAULT_RADIUS_KM 25
#define KNOWN_IN_HAN 100000
#define KNOWN_WITH_ARTICLE 1000000 /* people of a place whose name begins with an article, written small */
#define SMALLEST 1000              /* people of a town that may be meant by a name alone */

/* Tokens that say something else in the tables, in lower case, are no place ("may", "photo", "and"). */
static int is_taken(const ps__parse *p, size_t from, size_t to) {
    int32_t ambiguous = ps__chart_longest(p, from, PS__SYM_AMBIGUOUS_PLACE);
    if (ambiguous >= 0 && p->items[ambiguous].to >= to) return 0; /* the tables know that it is both */
    for (int32_t i = p->first[from]; i >= 0; i = p->items[i].next) {
        const ps__item *item = &p->items[i];
        if (item->to >= to && item->symbol == PS__SYM_N && !(item->flags & PS__ITEM_WEAK)) return 1;
        if (item->to < to || item->symbol < PS__SYM_ORDINAL || item->symbol > PS__SYM_BUT) continue;
        if (item->symbol == PS__SYM_DEMONYM || item->symbol == PS__SYM_AMBIGUOUS_PLACE ||
            item->symbol == PS__SYM_AMBIGUOUS_CAMERA || (item->symbol == PS__SYM_NOISE && to > from + 1))
            continue;
        return 1;
    }
    return 0;
}

static size_t find(ps__place *out, size_t room, int *prefix, const ps__parse *p, const ps__buf *name) {
    size_t n = ps__gazetteer_find(out, room, prefix, p->context->gazetteer, name->bytes, name->length);
    return n < room ? n : room;
}

static size_t find_item(ps__place *out, const ps__parse *p, const ps__item *item) {
    ps__buf name = PS__BUF_INIT;
    size_t n = 0;
    if (ps__fold_tokens(&name, p, item->from, item->to)) n = find(out, CANDIDATES, NULL, p, &name);
    ps__buf_free(&name);
    return n;
}

/* How well known: countries and areas are, countries more; a region of unknown people is as a town. */
static double weight_of(const ps__place *place) {
    if (place->kind == PS__PLACE_AREA) return 2e8;
    if (place->kind < PS__PLACE_REGION) return 1e9;
    return (double)(place->population > 0 ? place->population : 0) + (place->kind == PS__PLACE_REGION ? 100000 : 0);
}

static int lies_in(const ps__place *inner, const ps__place *outer) {
    if (outer->kind == PS__PLACE_COUNTRY) return inner->kind > PS__PLACE_COUNTRY && strcmp(inner->country, outer->country) == 0;
    return outer->kind == PS__PLACE_REGION && inner->kind == PS__PLACE_CITY && inner->region == outer->id;
}

/* "Lisbon, Portugal": the first name with the second, if one of its places lies in one of the other's. */
static void add_qualified(ps__parse *p, int32_t inner, int32_t outer) {
    ps__place places[CANDIDATES], around[CANDIDATES];
    ps__item item = p->items[inner];
    size_t n = find_item(places, p, &p->items[inner]), m = find_item(around, p, &p->items[outer]);
    p->steps_here += n * m;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < m; k++)
            if (lies_in(&places[i], &around[k])) {
                item.to = p->items[outer].to;
                item.kid_count = 2;
                item.kids[0] = inner;
                item.kids[1] = outer;
                item.flags &= (uint8_t)~PS__ITEM_AMBIGUOUS;
                ps__chart_add(p, &item);
                return;
            }
}

static void qualify(ps__parse *p, int32_t place) {
    size_t next = p->items[place].to;
    if (next >= p->lexer.count) return;
    if (p->lexer.tokens[next].fold_length == 1 && *ps__token_fold(p, next) == ',') next++;
    int32_t outer = ps__chart_longest(p, next, PS__SYM_PLACE);
    if (outer >= 0 && p->items[outer].kid_count == 0) add_qualified(p, place, outer);
}

static int is_name(const char *text, size_t length, const ps__buf *name) {
    char *folded;
    if (ps__gazetteer_fold(&folded, text, length, NULL) != PS__OK) return 0;
    int same = strcmp(folded, name->bytes) == 0;
    ps__free(folded);
    return same;
}

/* 1: the name is the place's usual one in English or a language of the tables, and not one of the many it has anywhere. */
static int is_usual(const ps__parse *p, const ps__place *place, const ps__buf *name) {
    int usual = is_name(place->name, strlen(place->name), name);
    for (int l = 0; p->tables->languages[l] && !usual; l++) {
        char *label;
        if (ps__gazetteer_label(&label, p->context->gazetteer, place, p->tables->languages[l], NULL) != PS__OK) break;
        const char *comma = strstr(label, ", ");
        usual = is_name(label, comma ? (size_t)(comma - label) : strlen(label), name);
        ps__free(label);
    }
    return usual;
}

/* "UK", "US": two letters are a name only of a country, and in capitals. */
static int is_country_code(const ps__parse *p, size_t token, const ps__place *places, size_t count) {
    const ps__token *t = ps__token_at(p, token);
    const char *s = p->text + t->body_from;
    if (t->body_to - t->body_from != 2 || s[0] < 'A' || s[0] > 'Z' || s[1] < 'A' || s[1] > 'Z') return 0;
    return count && places[0].kind == PS__PLACE_COUNTRY;
}

static void add_place(ps__parse *p, size_t from, size_t to, const ps__place *places, size_t count, const ps__buf *name) {
    ps__item item = {.from = (uint16_t)from, .to = (uint16_t)to, .symbol = PS__SYM_PLACE, .rank = 2};
    int han = p->lexer.tokens[from].type == PS__TOKEN_HAN; /* short and old forms of names ("云南" for 云南省, 東京) are usual there */
    for (size_t i = 0; i < count; i++) {
        double weight = weight_of(&places[i]);
        int usual = (han && weight >= KNOWN_IN_HAN) || (weight >= SMALLEST && is_usual(p, &places[i], name));
        if (weight > item.number && usual) item.number = weight;
    }
    if (p->lexer.tokens[from].capital) item.flags |= PS__ITEM_CAPITAL;
    int32_t ambiguous = ps__chart_longest(p, from, PS__SYM_AMBIGUOUS_PLACE);
    if (ambiguous >= 0 && p->items[ambiguous].to >= to) item.flags |= PS__ITEM_AMBIGUOUS;
    int article = ps__chart_longest(p, from, PS__SYM_ARTICLE) >= 0; /* "en la calle": there is a La Calle */
    if (article && to > from + 1 && !p->lexer.tokens[from].capital && item.number < KNOWN_WITH_ARTICLE)
        item.flags |= PS__ITEM_AMBIGUOUS;
    int32_t added = ps__chart_add(p, &item);
    if (added >= 0) qualify(p, added);
}

static int may_be_name(const ps__parse *p, size_t token) {
    const ps__token *t = ps__token_at(p, token);
    if (t->weight != 1) return 0;
    return t->type == PS__TOKEN_WORD || t->type == PS__TOKEN_HAN || t->type == PS__TOKEN_NUMBER ||
           ps__token_joins(&p->lexer, token);
}

void ps__places_at(ps__parse *p, size_t token) {
    ps__place places[CANDIDATES];
    ps__buf name = PS__BUF_INIT;
    int type = p->lexer.tokens[token].type;
    if (!p->context->gazetteer || (type != PS__TOKEN_WORD && type != PS__TOKEN_HAN)) return;
    if (token > 0 && ps__token_joins(&p->lexer, token - 1)) return;
    for (size_t end = token + 1; end <= token + MAX_NAME && end <= p->lexer.count; end++) {
        int prefix = 0;
        if (!may_be_name(p, end - 1)) break;
        if (ps__token_joins(&p->lexer, end - 1)) continue;
        if (!ps__fold_tokens(&name, p, token, end)) break;
        p->steps_here += 8;
        size_t n = find(places, CANDIDATES, &prefix, p, &name);
        int is_short = type == PS__TOKEN_WORD ? name.length <= 2 : end == token + 1;
        int cut = end < p->lexer.count && ps__token_joins(&p->lexer, end); /* half of a joined word */
        int code = end == token + 1 && is_country_code(p, token, places, n);
        if (n && !cut && (code || (!is_short && !is_taken(p, token, end)))) add_place(p, token, end, places, n, &name);
        if (!prefix) break;
    }
    if (name.failed) p->failed = 1;
    ps__buf_free(&name);
}

/* ---- Which one is meant ---- */

static int64_t photos_at(ps__parse *p, const ps__where *where) {
    const ps__gallery *gallery = &p->context->gallery;
    if (!gallery->photos_at || p->asks_left <= 0) return -1;
    p->asks_left--;
    return gallery->photos_at(where, gallery->payload);
}

static double radius_of(const ps__parse *p, const ps__item *item) {
    const ps__item *n = ps__item_part(p, item, PS__SYM_N), *unit = ps__item_part(p, item, PS__SYM_LENGTH);
    double km = DEFAULT_RADIUS_KM;
    if (n && n->number > 0) km = n->number;
    if (n && unit) km *= unit->value == PS__METRE ? 0.001 : unit->value == PS__MILE ? 1.609344 : 1;
    return km > 20000 ? 20000 : km;
}

/* Candidates for the name, narrowed to those in the place named along with it. */
static size_t candidates(ps__place out[CANDIDATES], const ps__parse *p, const ps__item *place) {
    ps__place around[CANDIDATES];
    size_t kept = 0, n, m;
    if (place->kid_count != 2) return find_item(out, p, place);
    n = find_item(out, p, &p->items[place->kids[0]]);
    m = find_item(around, p, &p->items[place->kids[1]]);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < m; k++)
            if (lies_in(&out[i], &around[k])) {
                out[kept++] = out[i];
                break;
            }
    return kept;
}

/* A region named after its city stands behind the city. */
static int is_after_city(const ps__place *region, const ps__place *places, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (places[i].kind == PS__PLACE_CITY && places[i].region == region->id && places[i].population * 20 > region->population)
            return 1;
    return 0;
}

static double score_of(const ps__parse *p, const ps__place *place, const ps__place *places, size_t count, const ps__buf *name) {
    double score = weight_of(place);
    if (place->kind == PS__PLACE_REGION) {
        score = place->population > 0 ? (double)place->population : 100000;
        if (is_after_city(place, places, count)) score = 1;
    }
    if (is_usual(p, place, name)) score *= 8;
    return score + (place->kind < PS__PLACE_REGION ? 1e9 / place->kind : 0);
}

static int resolve_demonym(ps__where *out, ps__parse *p, const ps__item *item) {
    char code[3] = {(char)(item->value >> 8), (char)(item->value & 0xFF), 0};
    if (!p->context->gazetteer || ps__gazetteer_country(&out->place, p->context->gazetteer, code) != PS__OK) return -1;
    return photos_at(p, out) != 0;
}

int ps__place_resolve(ps__where *out, ps__parse *p, const ps__item *item) {
    const ps__item *name = ps__item_part(p, item, PS__SYM_PLACE), *demonym = ps__item_part(p, item, PS__SYM_DEMONYM);
    ps__place places[CANDIDATES];
    ps__where each = {0};
    ps__buf text = PS__BUF_INIT;
    int64_t most = -1, best_photos = -1;
    double best_score = -1;
    memset(out, 0, sizeof *out);
    if (!name) return demonym ? resolve_demonym(out, p, demonym) : -1;
    int near = item->symbol == PS__SYM_WHERE && (item->value == PS__WHERE_NEAR || item->value == PS__WHERE_WITHIN);
    size_t n = candidates(places, p, name);
    const ps__item *own = name->kid_count == 2 ? &p->items[name->kids[0]] : name;
    ps__fold_tokens(&text, p, own->from, own->to);
    for (size_t i = 0; i < n; i++) {
        double score = score_of(p, &places[i], places, n, &text);
        each.place = places[i];
        each.near = near && (places[i].kind == PS__PLACE_CITY || item->value == PS__WHERE_WITHIN);
        each.radius_km = each.near ? radius_of(p, item) : 0;
        int64_t photos = photos_at(p, &each);
        most = photos > most ? photos : most;
        if (near && places[i].kind != PS__PLACE_CITY) score = fmin(score, 1e9) / 4; /* near a city rather than near its region */
        if (score < 2 && photos > 0 && best_photos > 0) photos = 0;                 /* a region holds its city's photos */
        if (photos > best_photos || (photos == best_photos && score > best_score)) {
            best_photos = photos;
            best_score = score;
            *out = each;
        }
    }
    ps__buf_free(&text);
    if (!n) return -1;
    return most != 0;
}
