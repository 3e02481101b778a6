/*
** Filters of segments: times and places as they were resolved, and what the file says of itself.
*/
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "search/parse/build.h"

/* As it is written, without quotation marks. */
static int take_text(ps__filter *out, const ps__parse *p, const ps__item *item, int kind, ps__error *err) {
    static const int TEXTS[] = {PS__SYM_QUOTED, PS__SYM_WORDS, PS__SYM_WORD};
    const ps__item *text = NULL;
    for (int i = 0; i < 3 && !text; i++) text = ps__item_part(p, item, TEXTS[i]);
    if (!text) return ps__fail(err, PS__ERROR, "a rule of the word tables has no slot for its text");
    const ps__token *first = ps__token_at(p, text->from), *last = ps__token_at(p, (size_t)text->to - 1);
    int quoted = text->to == text->from + 1;
    size_t from = quoted ? first->body_from : first->from, to = quoted ? last->body_to : last->to;
    out->kind = kind;
    out->text = ps__strndup(p->text + from, to - from);
    return out->text ? PS__OK : ps__fail_nomem(err);
}

static int take_name(ps__filter *out, const ps__parse *p, const ps__item *item, int kind, int symbol, ps__error *err) {
    const ps__item *name = ps__item_part(p, item, symbol);
    ps__buf folded = PS__BUF_INIT;
    if (!name) return ps__fail(err, PS__ERROR, "a rule of the word tables has no slot for its name");
    out->kind = kind;
    ps__fold_tokens(&folded, p, name->from, name->to);
    out->text = ps__buf_detach(&folded);
    return out->text ? PS__OK : ps__fail_nomem(err);
}

static void take_number(ps__filter *out, int kind, double low, double high) {
    out->kind = kind;
    out->low = low;
    out->high = high;
}

static void take_size(ps__filter *out, const ps__parse *p, const ps__item *item) {
    static const double FACTORS[] = {1e6, 1e6, 1e3};
    const ps__item *n = ps__item_part(p, item, PS__SYM_N);
    double limit = (n ? n->number : 0) * FACTORS[item->value];
    int kind = item->value == PS__SIZE_MP ? PS__FILTER_PIXELS : PS__FILTER_BYTES;
    if (item->symbol == PS__SYM_LARGER)
        take_number(out, kind, limit, INFINITY);
    else
        take_number(out, kind, -INFINITY, limit);
}

static int take_when(ps__filter *out, const ps__parse *p, const ps__item *item, int southern, ps__error *err) {
    const ps__item *time = ps__item_part(p, item, PS__SYM_TIME);
    ps__item whole = *item; /* a "when" that names the parts itself */
    ps__moment moment;
    whole.value = PS__TIME_IS;
    if (!ps__moment_of(&moment, p, time ? time : &whole, southern)) return ps__fail(err, PS__ERROR, "a time is none any more");
    out->kind = PS__FILTER_WHEN;
    out->lenient = ((time ? time : item)->flags & (PS__ITEM_DAYPART | PS__ITEM_CLOCK)) != 0;
    return ps__moment_when(&out->when, &moment, err);
}

static int take(ps__filter *out, const ps__parse *p, const ps__segment *segment, int southern, ps__error *err) {
    const ps__item *item = &p->items[segment->item], *n;
    switch (item->symbol) {
    case PS__SYM_TIME:
    case PS__SYM_WHEN: return take_when(out, p, item, southern, err);
    case PS__SYM_WHERE:
    case PS__SYM_PLACE:
    case PS__SYM_DEMONYM:
        out->kind = PS__FILTER_WHERE;
        out->where = segment->where;
        return PS__OK;
    case PS__SYM_KIND:
        out->kind = PS__FILTER_KIND;
        out->value = item->value;
        return PS__OK;
    case PS__SYM_SHAPE:
        out->kind = PS__FILTER_SHAPE;
        out->value = item->value;
        return PS__OK;
    case PS__SYM_FLASH:
        out->kind = PS__FILTER_FLASH;
        out->value = item->value;
        return PS__OK;
    case PS__SYM_TYPE:
        out->kind = PS__FILTER_TYPE;
        out->text = ps__strdup(p->tables->texts + item->value);
        return out->text ? PS__OK : ps__fail_nomem(err);
    case PS__SYM_OF_CAMERA: return take_name(out, p, item, PS__FILTER_CAMERA, PS__SYM_CAMERA, err);
    case PS__SYM_OF_LENS: return take_name(out, p, item, PS__FILTER_LENS, PS__SYM_LENS, err);
    case PS__SYM_FOLDER: return take_text(out, p, item, PS__FILTER_FOLDER, err);
    case PS__SYM_NAME: return take_text(out, p, item, PS__FILTER_NAME, err);
    case PS__SYM_TAG: return take_text(out, p, item, PS__FILTER_TAG, err);
    case PS__SYM_QUOTED:
    case PS__SYM_TEXT: return take_text(out, p, item, PS__FILTER_WORDS, err);
    case PS__SYM_RATING:
        n = ps__item_part(p, item, PS__SYM_N);
        take_number(out, PS__FILTER_RATING, n ? n->number : 1, INFINITY);
        return PS__OK;
    case PS__SYM_FAVOURITE: take_number(out, PS__FILTER_RATING, 4, INFINITY); return PS__OK;
    default: take_size(out, p, item); return PS__OK;
    }
}

int ps__filter_of(ps__filter *out, const ps__parse *p, const ps__segment *segment, int southern, ps__error *err) {
    uint32_t from = ps__token_at(p, segment->from)->from, to = ps__token_at(p, segment->to - 1)->to;
    memset(out, 0, sizeof *out);
    out->low = -INFINITY;
    out->high = INFINITY;
    int status = take(out, p, segment, southern, err);
    if (status == PS__OK && !(out->words = ps__strndup(p->text + from, to - from))) status = ps__fail_nomem(err);
    if (status != PS__OK) ps__query_filter_clear(out);
    return status;
}

void ps__query_filter_clear(ps__filter *filter) {
    ps__when_clear(&filter->when);
    ps__free(filter->text);
    ps__free(filter->words);
    ps__free(filter->meaning);
    memset(filter, 0, sizeof *filter);
}
