/*
** Matches the patterns of the tables against the tokens that begin at one place, stage by stage: words, times, phrases. A time
** may begin with a time ("christmas before last", 去年之前), so items made here are tried as beginnings as well, a few deep.
*/
#include <string.h>

#include "base/alloc.h"
#include "search/parse/chart.h"
#include "search/parse/times.h"

#define MAX_ITEMS 100  /* at one token */
#define MAX_STEPS 6000 /* at one token */
#define MAX_DEPTH 3
#define MAX_TOKENS_OF_PATTERN 40

typedef struct match {
    ps__parse *p;
    const ps__pattern *pattern;
    size_t start;
    int32_t kids[PS__ITEM_KIDS];
    int kid_count, depth;
} match;

static int is_same(const ps__item *a, const ps__item *b) {
    if (a->symbol != b->symbol || a->to != b->to || a->value != b->value || a->kid_count != b->kid_count) return 0;
    return memcmp(a->kids, b->kids, a->kid_count * sizeof *a->kids) == 0;
}

int32_t ps__chart_add(ps__parse *p, const ps__item *item) {
    size_t at = item->from;
    for (int32_t i = p->first[at]; i >= 0; i = p->items[i].next)
        if (is_same(&p->items[i], item)) {
            if (p->items[i].rank < item->rank) p->items[i].rank = item->rank;
            p->items[i].flags &= (uint8_t)(item->flags | ~PS__ITEM_WEAK);
            return -1;
        }
    if (p->per_token[at] >= MAX_ITEMS) return -1;
    if (p->item_count == p->item_room) {
        size_t room = p->item_room ? p->item_room * 2 : 128;
        ps__item *grown = ps__realloc(p->items, room * sizeof *grown);
        if (!grown) {
            p->failed = 1;
            return -1;
        }
        p->items = grown;
        p->item_room = room;
    }
    int32_t number = (int32_t)p->item_count++;
    p->items[number] = *item;
    p->items[number].next = -1;
    if (p->last[at] >= 0)
        p->items[p->last[at]].next = number;
    else
        p->first[at] = number;
    p->last[at] = number;
    p->per_token[at]++;
    return number;
}

int32_t ps__chart_longest(const ps__parse *p, size_t token, int symbol) {
    int32_t best = -1;
    if (token >= p->lexer.count) return -1;
    for (int32_t i = p->first[token]; i >= 0; i = p->items[i].next) {
        const ps__item *item = &p->items[i];
        if (item->symbol != symbol) continue;
        if (best < 0 || item->to > p->items[best].to || (item->to == p->items[best].to && item->rank > p->items[best].rank))
            best = i;
    }
    return best;
}

/* Weak: nothing but one weak word, or one weak slot beside words that are small. */
static int is_weak(const match *m) {
    const ps__parse *p = m->p;
    int weak = 0;
    for (int i = 0, kid = 0; i < m->pattern->count; i++) {
        uint32_t e = p->tables->elements[m->pattern->elements + (uint32_t)i];
        if (e & PS__ELEMENT_SYMBOL) {
            if (kid < m->kid_count && !(p->items[m->kids[kid]].flags & PS__ITEM_WEAK)) return 0;
            kid++;
            weak++;
        } else {
            if (!(e & PS__ELEMENT_WEAK)) return 0;
            weak++;
        }
    }
    return weak == 1 || m->kid_count == 0; /* all of several weak words: a name like "musim? panas?" */
}

static void accept(match *m, size_t end) {
    ps__parse *p = m->p;
    const ps__pattern *pattern = m->pattern;
    ps__item item = {.from = (uint16_t)m->start, .to = (uint16_t)end, .symbol = pattern->symbol, .value = pattern->value};
    item.kid_count = (uint8_t)m->kid_count;
    memcpy(item.kids, m->kids, sizeof item.kids);
    for (int k = m->kid_count; k < PS__ITEM_KIDS; k++) item.kids[k] = 0;
    if (is_weak(m)) item.flags = PS__ITEM_WEAK;
    if (pattern->symbol >= PS__SYM_NOT && pattern->symbol <= PS__SYM_BUT &&
        item.flags) { /* weak operators are those of the sentence's language */
        if (pattern->lang != p->lang) return;
        item.flags = 0;
    }
    int nested = 0;
    for (int k = 0; k < m->kid_count; k++) /* "fim de semana passado": last weekend, not the end of last week */
        if (p->items[m->kids[k]].symbol == PS__SYM_TIME) nested |= pattern->symbol == PS__SYM_TIME || !(p->items[m->kids[k]].rank & 1);
    item.rank = (uint8_t)((item.flags ? 0 : 4) + (pattern->lang == p->lang ? 2 : 0) + !nested);
    item.depth = (uint8_t)m->depth;
    if (pattern->symbol == PS__SYM_N) item.number = pattern->value;
    if ((pattern->symbol == PS__SYM_TIME || pattern->symbol == PS__SYM_WHEN) && !ps__time_check(p, &item)) return;
    ps__chart_add(p, &item);
}

static void match_rest(match *m, int element, size_t at) {
    ps__parse *p = m->p;
    if (p->steps_here >= MAX_STEPS) return;
    p->steps_here++;
    if (element == m->pattern->count) {
        accept(m, at);
        return;
    }
    if (at >= p->lexer.count || at - m->start >= MAX_TOKENS_OF_PATTERN) return;
    uint32_t e = p->tables->elements[m->pattern->elements + (uint32_t)element];
    uint32_t number = e & PS__ELEMENT_NUMBER;
    if (!(e & PS__ELEMENT_SYMBOL)) {
        if (p->lexer.tokens[at].word == (int32_t)number)
            match_rest(m, element + 1, at + 1);
        else if (ps__token_joins(&p->lexer, at) && p->lexer.tokens[at + 1].word == (int32_t)number)
            match_rest(m, element + 1, at + 2);
        return;
    }
    if (m->kid_count == PS__ITEM_KIDS) return;
    if (ps__token_joins(&p->lexer, at)) at++;
    ps__slots_when_asked(p, at, (int)number);
    for (int32_t i = p->first[at]; i >= 0; i = p->items[i].next) {
        p->steps_here++;
        if (p->items[i].symbol != number) continue;
        m->kids[m->kid_count++] = i;
        match_rest(m, element + 1, p->items[i].to);
        m->kid_count--;
    }
}

/* Beside another language, English words count only where they are none of that language ("no" in Portuguese, "mar" in Spanish).
** */
static int is_played(const ps__parse *p, const ps__pattern *pattern) {
    uint32_t first = p->tables->elements[pattern->elements], number = first & PS__ELEMENT_NUMBER;
    if (!(p->langs >> pattern->lang & 1)) return 0;
    if (pattern->lang == p->lang || pattern->stage != PS__STAGE_WORDS || first & PS__ELEMENT_SYMBOL) return 1;
    return !((p->tables->word_langs[number] | p->tables->name_langs[number]) >> p->lang & 1);
}

static void match_words(ps__parse *p, size_t token, int stage) {
    const ps__tables *t = p->tables;
    int32_t word = p->lexer.tokens[token].word;
    if (word < 0) return;
    for (uint32_t i = t->of_word[word]; i < t->of_word[word + 1]; i++) {
        match m = {.p = p, .pattern = &t->patterns[i], .start = token};
        p->steps_here++;
        if (m.pattern->stage == stage && is_played(p, m.pattern)) match_rest(&m, 1, token + 1);
    }
}

/* Patterns that begin with a symbol, for all items there are and that come to be. */
static void match_symbols(ps__parse *p, size_t token, int stage) {
    const ps__tables *t = p->tables;
    for (int32_t i = p->first[token]; i >= 0; i = p->items[i].next) {
        int symbol = p->items[i].symbol, depth = p->items[i].depth;
        if (depth >= MAX_DEPTH) continue;
        for (uint32_t k = t->of_symbol[symbol]; k < t->of_symbol[symbol + 1]; k++) {
            match m = {.p = p, .pattern = &t->patterns[k], .start = token};
            p->steps_here++;
            if (m.pattern->stage != stage || !is_played(p, m.pattern)) continue;
            m.kids[m.kid_count++] = i;
            m.depth = depth + (symbol == m.pattern->symbol);
            match_rest(&m, 1, p->items[i].to);
        }
    }
}

/* 1: a camera's name may begin here, as a word for photos follows soon. */
static int photo_follows(const ps__parse *p, size_t token) {
    for (size_t i = token + 1; i <= token + 5 && i < p->lexer.count; i++)
        if (ps__chart_longest(p, i, PS__SYM_PHOTO) >= 0 || ps__chart_longest(p, i, PS__SYM_NOISE) >= 0) return 1;
    return 0;
}

void ps__match_token(ps__parse *p, size_t token) {
    p->steps_here = 0;
    ps__slots_of_lexer(p, token);
    match_words(p, token, PS__STAGE_WORDS);
    match_symbols(p, token, PS__STAGE_WORDS);
    ps__slots_of_words(p, token);
    ps__places_at(p, token);
    match_words(p, token, PS__STAGE_TIME);
    match_symbols(p, token, PS__STAGE_TIME);
    if (photo_follows(p, token)) {
        ps__slots_when_asked(p, token, PS__SYM_CAMERA);
        ps__slots_when_asked(p, token, PS__SYM_LENS);
    }
    match_words(p, token, PS__STAGE_PHRASE);
    match_symbols(p, token, PS__STAGE_PHRASE);
    p->steps += p->steps_here;
}
