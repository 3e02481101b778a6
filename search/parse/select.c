/*
** The rules of reading: longest match first, and what stands to the right and left of a word of time or place decides whether it
** is one ("christmas in Paris", "christmas tree"). docs/queries.md tells them.
*/
#include "search/parse/select.h"


#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "search/parse/build.h"
#include "search/parse/places.h"
#include "search/parse/times.h"

/* People of a town that is meant although its name is written small: alone, and behind a preposition. */
#define KNOWN_ALONE 300000
#define KNOWN_ALONE_CAPITAL 15000
#define KNOWN_BESIDE 1000000 /* behind a small word that is no preposition of places */
#define KNOWN_FIRST 100000   /* as the first word */
#define KNOWN_PLACED 100000
#define KNOWN_PLACED_PHOTOS 10000
#define KNOWN_SMALL 1e8   /* countries and areas: behind an article, too */
#define KNOWN_COUNTRY 1e9 /* of a name that is a word as well, written small behind a preposition */

enum { NO, YES, BLOCK }; /* BLOCK: it is content, and so is what lies in it */

static size_t longest_of(const ps__parse *p, size_t token, const int *symbols, size_t count) {
    size_t best = 0;
    for (size_t i = 0; i < count; i++) {
        int32_t item = ps__chart_longest(p, token, symbols[i]);
        if (item >= 0 && (size_t)p->items[item].to - token > best) best = p->items[item].to - token;
    }
    return best;
}

size_t ps__small_at(const ps__parse *p, size_t token) {
    static const int SMALL[] = {PS__SYM_SMALL, PS__SYM_AND, PS__SYM_BUT, PS__SYM_OR, PS__SYM_ARTICLE, PS__SYM_LINK};
    return token < p->lexer.count ? longest_of(p, token, SMALL, 6) : 0;
}

size_t ps__noise_at(const ps__parse *p, size_t token) {
    static const int NOISE[] = {PS__SYM_PHOTO, PS__SYM_NOISE};
    return token < p->lexer.count ? longest_of(p, token, NOISE, 2) : 0;
}

int ps__is_pause(const ps__parse *p, size_t token) {
    int type = p->lexer.tokens[token].type;
    return type == PS__TOKEN_PUNCTUATION || (type == PS__TOKEN_HYPHEN && !ps__token_joins(&p->lexer, token));
}

static int is_operator(const ps__parse *p, size_t token) {
    static const int OPERATORS[] = {PS__SYM_AND, PS__SYM_BUT, PS__SYM_OR, PS__SYM_NOT};
    return longest_of(p, token, OPERATORS, 4) > 0;
}

/* What ends a phrase: the end, punctuation, an operator, a word for photos, or a filter; with `small` also small words. */
static int is_edge(const ps__parse *p, size_t token, int small) {
    if (token >= p->lexer.count || ps__is_pause(p, token) || p->begins[token]) return 1;
    if (p->lexer.tokens[token].weight != 1) return 1;
    if (is_operator(p, token) || ps__noise_at(p, token)) return 1;
    return small && ps__small_at(p, token);
}

/* A word for photos lies directly to the left. */
static int follows_photo(const ps__parse *p, size_t token) {
    for (size_t back = 1; back <= 4 && back <= token; back++) {
        size_t noise = ps__noise_at(p, token - back);
        if (noise == back) return 1;
    }
    return 0;
}

/* 1: the sentence's language is one of these ("de en"). */
static int is_language(const ps__parse *p, const char *languages) {
    return p->lang >= 0 && strstr(languages, p->tables->languages[p->lang]) != NULL;
}

/* Capitals tell names from other words, but not in German, where all nouns have them. */
static int is_capital(const ps__parse *p, const ps__item *item) {
    return item->flags & PS__ITEM_CAPITAL && !is_language(p, "de");
}

/* In Han script: a weak character that the next one makes another word ("晚" of "晚餐"). */
static int ends_in_half_a_word(const ps__parse *p, const ps__item *time) {
    const ps__item *last = time->kid_count ? &p->items[time->kids[time->kid_count - 1]] : NULL;
    if (!last || last->to != time->to || !(last->flags & PS__ITEM_WEAK)) return 0;
    return p->lexer.tokens[time->to - 1].type == PS__TOKEN_HAN;
}

static int accept_time(const ps__parse *p, const ps__item *time, size_t end, int placed, int after) {
    if (time->flags & PS__ITEM_WEAK && !placed) return NO;
    if (time->flags & PS__ITEM_SOFT && !is_edge(p, end, 1)) return NO;
    if (time->flags & PS__ITEM_YEAR && !placed && !after && !is_edge(p, end, 0)) return NO;
    if (ends_in_half_a_word(p, time) && !is_edge(p, time->to, 1)) return NO;
    return YES;
}

static int is_after(const ps__parse *p, size_t token, int symbol) {
    if (token == 0) return 0;
    int32_t item = ps__chart_longest(p, token - 1, symbol);
    return item >= 0 && p->items[item].to == token;
}

/* "songs of summer" are no photos taken in summer, "photos of summer" and "not from summer" are about the time. */
static int accept_of(const ps__parse *p, const ps__item *item, const ps__item *time) {
    int weak = time->flags & PS__ITEM_WEAK, starts = item->from == 0 || follows_photo(p, item->from) || is_after(p, item->from, PS__SYM_NOT);
    size_t first = time->from;
    if (weak && (!p->lexer.tokens[first].capital || !is_language(p, "de en id")))
        return BLOCK; /* the others write months small */
    if ((weak || time->flags & PS__ITEM_SOFT) && !starts && ps__chart_longest(p, item->from, PS__SYM_PHOTO) < 0) return BLOCK;
    return accept_time(p, time, item->to, 1, 0) == YES ? YES : BLOCK;
}

static int accept_where(const ps__parse *p, const ps__item *item) {
    const ps__item *place = ps__item_part(p, item, PS__SYM_PLACE);
    if (!place) return ps__item_part(p, item, PS__SYM_DEMONYM) ? YES : NO;
    if (is_capital(p, place) || place->kid_count == 2) return YES;
    if (place->flags & PS__ITEM_AMBIGUOUS) { /* "in turkey", "in Essen", but not "in the bath", "im Essen", "at sunset" */
        int plain = place->from == item->from + 1 && ps__chart_longest(p, item->from, PS__SYM_MELTED) < 0;
        double known = !(place->flags & PS__ITEM_CAPITAL) ? KNOWN_COUNTRY : is_language(p, "de") ? KNOWN_PLACED : 0;
        if (place->flags & PS__ITEM_CAPITAL && place->number >= KNOWN_SMALL) return is_edge(p, item->to, 1); /* "in den Alpen" */
        return plain && is_edge(p, item->to, 1) && place->number >= known;
    }
    if (item->value == PS__WHERE_WITHIN) return YES;
    double least = place->flags & PS__ITEM_CAPITAL || is_language(p, "de") ? KNOWN_BESIDE : KNOWN_SMALL; /* "in der Toskana" */
    if (is_after(p, place->from, PS__SYM_ARTICLE) && place->number < least) return NO; /* "from the side" */
    if (place->to > place->from + 1) return place->number >= KNOWN_PLACED_PHOTOS;
    return place->number >= (p->context->gallery.photos_at ? KNOWN_PLACED_PHOTOS : KNOWN_PLACED);
}

static int accept_place(const ps__parse *p, const ps__item *item, int after) {
    int capital = is_capital(p, item);
    int cased = p->lexer.tokens[item->from].type != PS__TOKEN_HAN;
    if (!is_edge(p, item->to, after)) return NO;
    if (item->to == item->from + 1 && p->lexer.tokens[item->from].fold_length == 2) return after; /* "us" */
    if (is_after(p, item->from, PS__SYM_SMALL) && !after && item->number < KNOWN_BESIDE)
        return NO; /* "with Anna in Rome", "the star of David" */
    if (is_after(p, item->from, PS__SYM_ARTICLE) && (!capital || item->number < KNOWN_SMALL)) return NO; /* "a jersey" */
    if (item->from == 0 && item->number < KNOWN_SMALL) { /* the first word has a capital anyway */
        if (item->flags & PS__ITEM_AMBIGUOUS) return NO;
        if (item->kid_count == 2 || (item->to > item->from + 1 && capital && cased)) return item->number > 0;
        return item->number >= (capital && cased ? KNOWN_FIRST : KNOWN_ALONE);
    }
    if (item->flags & PS__ITEM_AMBIGUOUS && (!capital || !cased)) return NO;
    if (item->kid_count == 2) return YES;
    if (item->to > item->from + 1 && capital && cased) return item->number > 0;
    return item->number >= (capital && cased ? KNOWN_ALONE_CAPITAL : KNOWN_ALONE);
}

/* "Italian village" is in Italy. */
static int accept_demonym(const ps__parse *p, const ps__item *item) {
    return ps__chart_longest(p, item->to, PS__SYM_PLACELIKE) >= 0;
}

/* What is in it begins a phrase that only looks like it ("en [père] noël"). */
static int cuts_content(const ps__parse *p, const ps__item *item) {
    const ps__item *inner = ps__item_part(p, item, PS__SYM_PLACE);
    if (!inner) inner = ps__item_part(p, item, PS__SYM_TIME);
    int32_t content = inner ? ps__chart_longest(p, inner->from, PS__SYM_CONTENT) : -1;
    return content >= 0 && p->items[content].to > inner->to;
}

static int accept_item(const ps__parse *p, const ps__item *item, int after) {
    if (cuts_content(p, item)) return NO;
    switch (item->symbol) {
    case PS__SYM_TIME:
        if ((item->value == PS__TIME_RECENT || item->value == PS__TIME_OLDER) && !is_edge(p, item->to, 1)) return NO; /* "recently painted" */
        return accept_time(p, item, item->to, 0, after);
    case PS__SYM_WHEN: {
        const ps__item *time = ps__item_part(p, item, PS__SYM_TIME);
        if (!time) return accept_time(p, item, item->to, 1, 0); /* the pattern names its parts */
        return item->value == PS__WHEN_OF ? accept_of(p, item, time) : accept_time(p, time, item->to, 1, 0);
    }
    case PS__SYM_WHERE: return accept_where(p, item);
    case PS__SYM_PLACE: return accept_place(p, item, after);
    case PS__SYM_DEMONYM: return accept_demonym(p, item);
    case PS__SYM_CONTENT: return BLOCK;
    case PS__SYM_KIND:
    case PS__SYM_TAG: /* "tagged out" */
    case PS__SYM_FLASH:
    case PS__SYM_TYPE:
    case PS__SYM_RATING:
    case PS__SYM_SORT: /* "selfie stick", "5 star hotel", "latest fashion" */
        if (item->to < p->lexer.count && p->lexer.tokens[item->to].type != PS__TOKEN_HAN && !is_edge(p, item->to, 1)) return NO;
        return item->flags & PS__ITEM_WEAK ? NO : YES;
    default: return item->flags & PS__ITEM_WEAK ? NO : YES;
    }
}

/* Among equally long ones: times, then attributes, then places. 0: no filter. */
static int kind_rank(const ps__item *item) {
    switch (item->symbol) {
    case PS__SYM_CONTENT: return 8;
    case PS__SYM_WHEN: return 7;
    case PS__SYM_TIME: return 6;
    case PS__SYM_WHERE: return 3;
    case PS__SYM_DEMONYM:
    case PS__SYM_PLACE: return 2;
    case PS__SYM_QUOTED: return 1;
    default: return item->symbol >= PS__SYM_KIND ? 5 : 0;
    }
}

static int is_better(const ps__item *a, const ps__item *b) {
    if (a->to != b->to) return a->to > b->to;
    if (kind_rank(a) != kind_rank(b)) return kind_rank(a) > kind_rank(b);
    return a->rank > b->rank;
}

/* The best filter that begins at a token and is worse than `below` (-1: than none); *verdict is YES or BLOCK. */
static int32_t best_at(const ps__parse *p, size_t token, int after, int32_t below, int *verdict) {
    int32_t best = -1;
    *verdict = NO;
    if (token > 0 && ps__token_joins(&p->lexer, token - 1) && p->lexer.tokens[token].type == PS__TOKEN_WORD &&
        !(p->begins[token - 2 < token ? token - 2 : 0]))
        return -1;
    for (int32_t i = p->first[token]; i >= 0; i = p->items[i].next) {
        const ps__item *item = &p->items[i];
        if (!kind_rank(item) || (best >= 0 && !is_better(item, &p->items[best]))) continue;
        if (below >= 0 && (i == below || !is_better(&p->items[below], item))) continue;
        if (item->to < p->lexer.count && ps__token_joins(&p->lexer, item->to)) continue; /* "christmas-tree" */
        int accepted = accept_item(p, item, after);
        if (accepted == NO) continue;
        best = i;
        *verdict = accepted;
    }
    return best;
}

void ps__select_token(ps__parse *p, size_t token) {
    int verdict;
    best_at(p, token, 0, -1, &verdict);
    p->begins[token] = verdict == YES;
}

/* ---- Cutting ---- */

static int add(ps__segments *s, const ps__segment *segment) {
    ps__segment *last = s->count ? &s->items[s->count - 1] : NULL;
    if (segment->type == PS__SEGMENT_CONTENT && last && last->type == PS__SEGMENT_CONTENT) {
        last->to = segment->to;
        return 1;
    }
    if (s->count == s->room) {
        size_t room = s->room ? s->room * 2 : 16;
        ps__segment *grown = ps__realloc(s->items, room * sizeof *grown);
        if (!grown) return 0;
        s->items = grown;
        s->room = room;
    }
    s->items[s->count++] = *segment;
    return 1;
}

static int is_place(const ps__item *item) {
    return item->symbol == PS__SYM_WHERE || item->symbol == PS__SYM_PLACE || item->symbol == PS__SYM_DEMONYM;
}

static void note_place(ps__segments *s, const ps__parse *p, const ps__item *item, const ps__where *where) {
    const ps__item *place = item->symbol == PS__SYM_PLACE ? item : ps__item_part(p, item, PS__SYM_PLACE);
    if (!place) place = item;
    uint32_t from = p->lexer.tokens[place->from].from, to = p->lexer.tokens[place->to - 1].to;
    ps__buf_printf(&s->notes, "no photo is known to be %s \"%.*s\": taken as content", where->near ? "near" : "in", (int)(to - from),
                   p->text + from);
    ps__buf_putc(&s->notes, 0);
}

static void note_time(ps__segments *s, const ps__parse *p, const ps__item *item) {
    const ps__item *time = ps__item_part(p, item, PS__SYM_TIME);
    if (!time) time = item;
    uint32_t from = p->lexer.tokens[time->from].from, to = p->lexer.tokens[time->to - 1].to;
    ps__buf_printf(&s->notes, "no photo is known to be of the time \"%.*s\": taken as content", (int)(to - from), p->text + from);
    ps__buf_putc(&s->notes, 0);
}

static void note_words(ps__segments *s, const char *words) {
    ps__buf_printf(&s->notes, "no photo is known with the words \"%s\": taken as content", words);
    ps__buf_putc(&s->notes, 0);
}

/* 1: a time that recurs (in June, on Sundays), at which no photo was taken. */
static int is_empty_time(ps__parse *p, const ps__item *item) {
    const ps__gallery *gallery = &p->context->gallery;
    const ps__item *time = ps__item_part(p, item, PS__SYM_TIME);
    ps__item whole = *item;
    ps__moment moment;
    ps__when when;
    whole.value = PS__TIME_IS;
    if (item->symbol != PS__SYM_TIME && item->symbol != PS__SYM_WHEN) return 0;
    if (!gallery->photos_when || p->asks_left <= 0 || !((time ? time : item)->flags & PS__ITEM_SOFT)) return 0;
    if (!ps__moment_of(&moment, p, time ? time : &whole, p->context->southern)) return 0;
    if (ps__moment_when(&when, &moment, NULL) != PS__OK) {
        p->failed = 1;
        return 0;
    }
    p->asks_left--;
    int64_t photos = gallery->photos_when(&when, 1, gallery->payload);
    ps__when_clear(&when);
    return photos == 0;
}

/* Exact words that no photo has: they are noted. */
static int is_empty_words(ps__segments *s, ps__parse *p, const ps__item *item) {
    const ps__gallery *gallery = &p->context->gallery;
    const ps__item *quoted = ps__item_part(p, item, PS__SYM_QUOTED);
    if (!quoted || (item->symbol != PS__SYM_QUOTED && item->symbol != PS__SYM_TEXT)) return 0;
    if (!gallery->photos_pass || p->asks_left <= 0) return 0;
    const ps__token *t = ps__token_at(p, quoted->from);
    char *words = ps__strndup(p->text + t->body_from, t->body_to - t->body_from);
    if (!words) {
        p->failed = 1;
        return 0;
    }
    p->asks_left--;
    const ps__filter filter = {.kind = PS__FILTER_WORDS, .low = -INFINITY, .high = INFINITY, .text = words};
    int empty = gallery->photos_pass(&filter, gallery->payload) == 0;
    if (empty) note_words(s, words);
    ps__free(words);
    return empty;
}

/* An attribute that no photo is known to have ("a man takes a selfie", where no camera tells of selfies): it is noted. */
static int is_empty_attribute(ps__segments *s, ps__parse *p, const ps__segment *segment) {
    static const int SYMBOLS[] = {PS__SYM_KIND, PS__SYM_TAG, PS__SYM_FOLDER, PS__SYM_NAME, PS__SYM_LENS, PS__SYM_RATING, PS__SYM_FAVOURITE};
    const ps__gallery *gallery = &p->context->gallery;
    const ps__item *item = &p->items[segment->item];
    ps__filter filter;
    size_t i = 0;
    while (i < sizeof SYMBOLS / sizeof *SYMBOLS && SYMBOLS[i] != item->symbol) i++;
    if (i == sizeof SYMBOLS / sizeof *SYMBOLS || !gallery->photos_pass || p->asks_left <= 0) return 0;
    if (ps__filter_of(&filter, p, segment, 0, NULL) != PS__OK) {
        p->failed = 1;
        return 0;
    }
    p->asks_left--;
    int empty = gallery->photos_pass(&filter, gallery->payload) == 0;
    if (empty) {
        ps__buf_printf(&s->notes, "no photo is known to fit \"%s\": taken as content", filter.words);
        ps__buf_putc(&s->notes, 0);
    }
    ps__query_filter_clear(&filter);
    return empty;
}

static int is_only_hours(const ps__parse *p, const ps__item *item) {
    const ps__item *time = item->symbol == PS__SYM_WHEN ? ps__item_part(p, item, PS__SYM_TIME) : NULL;
    if (item->symbol != PS__SYM_TIME && item->symbol != PS__SYM_WHEN) return 0;
    return (time ? time : item)->flags & (PS__ITEM_DAYPART | PS__ITEM_CLOCK);
}

/* A filter from here, of which the gallery knows something; else the next best. */
static int take_filter(ps__segments *s, ps__parse *p, size_t token, int after, ps__segment *out) {
    const ps__gallery *gallery = &p->context->gallery;
    int32_t below = -1;
    size_t failed = 0;
    for (int tries = 0; tries < 4; tries++) {
        int verdict;
        int32_t best = best_at(p, token, after, below, &verdict);
        p->steps++;
        if (best < 0) break;
        const ps__item *item = &p->items[best];
        *out = (ps__segment){
            .type = verdict == YES ? PS__SEGMENT_FILTER : PS__SEGMENT_CONTENT, .from = token, .to = item->to, .item = best};
        if (verdict == BLOCK) return 1;
        if (is_place(item)) {
            int found = ps__place_resolve(&out->where, p, item);
            if (found == 1) return 1;
            if (found == 0) {
                int qualified = item->symbol == PS__SYM_PLACE && item->kid_count == 2;
                if (!qualified && !failed && item->symbol == PS__SYM_WHERE) note_place(s, p, item, &out->where);
                if (!qualified && !failed) failed = item->to;
            }
        } else if (is_only_hours(p, item) && gallery->has_hours && !gallery->has_hours(gallery->payload)) {
            failed = item->to; /* its words stay in the content anyway, so there is nothing to tell */
        } else if (is_empty_time(p, item)) {
            if (!failed) note_time(s, p, item);
            failed = failed ? failed : item->to;
        } else if (is_empty_words(s, p, item) || is_empty_attribute(s, p, out)) {
            failed = item->to;
        } else {
            return 1;
        }
        below = best;
    }
    *out = (ps__segment){.type = PS__SEGMENT_CONTENT, .from = token, .to = failed, .item = -1};
    return failed > 0;
}

/* A minus sign at the beginning of a word: "-dog". */
static int is_minus(const ps__parse *p, size_t token) {
    const ps__token *t = ps__token_at(p, token);
    if (t->type != PS__TOKEN_HYPHEN || !t->space || token + 1 >= p->lexer.count || t[1].space) return 0;
    return t->to - t->from == 1 && (t[1].type <= PS__TOKEN_NUMBER || t[1].type == PS__TOKEN_QUOTED);
}

/* The operator that begins here and is longer than `length`. */
static int32_t longer(const ps__parse *p, size_t token, int symbol, size_t length) {
    int32_t item = ps__chart_longest(p, token, symbol);
    return item >= 0 && (size_t)p->items[item].to - token > length ? item : -1;
}

/* A weak "not" ("no se ve", "nicht sichtbar", "not yet finished" are about verbs) counts at the beginning, behind a pause or an operator, and
** before a filter; in English also before an article ("not a dog"). */
static int32_t longer_not(const ps__parse *p, size_t token, size_t length) {
    int32_t not = longer(p, token, PS__SYM_NOT, length);
    if (not < 0 || !(p->items[not ].flags & PS__ITEM_WEAK)) return not ;
    size_t next = (size_t)p->items[not ].to;
    int clear = p->begins[next] || (token > 0 && ps__is_pause(p, token - 1));
    if (p->lang == p->english)
        clear |= token == 0 || is_operator(p, token - 1) || ps__chart_longest(p, next, PS__SYM_ARTICLE) >= 0;
    return clear ? not : -1;
}

int ps__select(ps__segments *out, ps__parse *p) {
    size_t count = p->lexer.count;
    memset(out, 0, sizeof *out);
    out->notes = (ps__buf)PS__BUF_INIT;
    for (size_t i = 0; i < count;) {
        const ps__segment *last = out->count ? &out->items[out->count - 1] : NULL;
        int after = last && last->type == PS__SEGMENT_FILTER;
        if (last && last->type == PS__SEGMENT_OR && out->count > 1 && last[-1].type == PS__SEGMENT_FILTER) after = 1;
        if (last && last->type == PS__SEGMENT_CONTENT && out->count > 1 && last[-1].type == PS__SEGMENT_FILTER &&
            ps__chart_longest(p, last->from, PS__SYM_AND) >= 0 && p->items[ps__chart_longest(p, last->from, PS__SYM_AND)].to == i)
            after = 1;
        ps__segment segment = {.type = PS__SEGMENT_CONTENT, .from = i, .to = i + 1, .item = -1};
        if (p->lexer.tokens[i].weight != 1) {
            segment.type = PS__SEGMENT_WEIGHT;
        } else if (is_minus(p, i)) {
            segment.type = PS__SEGMENT_MINUS;
        } else {
            ps__segment filter;
            int found = take_filter(out, p, i, after, &filter);
            size_t length = found ? filter.to - i : 0;
            int32_t not = longer_not(p, i, length), or = longer(p, i, PS__SYM_OR, length);
            if (not >= 0) {
                segment.type = PS__SEGMENT_NOT;
                segment.to = p->items[not ].to;
            } else if (or >= 0) {
                segment.type = PS__SEGMENT_OR;
                segment.to = p->items[or].to;
            } else if (found) {
                segment = filter;
            }
        }
        if (!add(out, &segment)) return 0;
        i = segment.to;
    }
    return !out->notes.failed && !p->failed;
}

void ps__segments_free(ps__segments *segments) {
    ps__free(segments->items);
    ps__buf_free(&segments->notes);
}
