/*
** Reads the tree of a time phrase; the rules are in docs/queries.md. What the tables call an action (last, ago, between) is one
** function here.
*/
#include "search/parse/times_inside.h"

#include <stdio.h>
#include <string.h>

#include "search/holidays.h"

#define DEPTH_LIMIT 12 /* of times within times */

static int read_time(ps__moment *out, ps__reading *r, const ps__item *item);

static const ps__item *kid(const ps__reading *r, const ps__item *item, int k) { return &r->p->items[item->kids[k]]; }

const ps__item *ps__time_kid(const ps__reading *r, const ps__item *item, int symbol) {
    for (int k = 0; k < item->kid_count; k++)
        if (kid(r, item, k)->symbol == symbol) return kid(r, item, k);
    return NULL;
}

void ps__time_collect(ps__time_parts *out, const ps__reading *r, const ps__item *item) {
    memset(out, 0, sizeof *out);
    out->year = out->month = out->season = out->daypart = out->holiday = out->weekday = -1;
    for (int k = 0; k < item->kid_count; k++) {
        const ps__item *each = kid(r, item, k);
        switch (each->symbol) {
        case PS__SYM_YEAR: out->year = each->value; break;
        case PS__SYM_MONTH: out->month = each->value; break;
        case PS__SYM_SEASON: out->season = each->value; break;
        case PS__SYM_DAYPART: out->daypart = each->value; break;
        case PS__SYM_HOLIDAY: out->holiday = ps__holiday_find(r->p->tables->texts + each->value); break;
        case PS__SYM_WEEKDAY: out->weekday = each->value - 1; break;
        case PS__SYM_WEEKEND: out->weekend = 1; break;
        case PS__SYM_DAY:
            if (out->day_count < 2) out->days[out->day_count++] = each->value;
            break;
        case PS__SYM_RELDAY: out->relday = each; break;
        case PS__SYM_RELNIGHT: out->relnight = each; break;
        case PS__SYM_RELWEEK: out->relweek = each; break;
        case PS__SYM_RELMONTH: out->relmonth = each; break;
        case PS__SYM_RELYEAR: out->relyear = each; break;
        case PS__SYM_CLOCK: out->clock = each; break;
        case PS__SYM_ISODATE: out->isodate = each; break;
        case PS__SYM_LOCALDATE: out->localdate = each; break;
        case PS__SYM_TIME: out->time = each; break;
        default: break;
        }
    }
}

void ps__season_moment(ps__moment *out, int season, int southern) {
    static const int MONTHS[] = {3, 6, 9, 12};
    int month = MONTHS[southern ? (season + 2) % 4 : season];
    ps__moment_every(out, month, 1, (month + 2) % 12 + 1, 1);
}

int ps__holiday_moment(ps__moment *out, int holiday) {
    int a, b, c, d;
    if (holiday < 0) return 0;
    if (sscanf(ps__holiday_fixed(holiday), "%2d-%2d..%2d-%2d", &a, &b, &c, &d) == 4) {
        ps__moment_every(out, a, b, c, d);
        return 1;
    }
    ps__moment_any(out);
    out->kind = PS__MOMENT_HOLIDAY;
    out->holiday = holiday;
    return 1;
}

/* ---- Dates ---- */

static int day_span(ps__moment *out, int year, int month, int day) {
    if (year < PS__FIRST_YEAR || year > PS__LAST_YEAR || month < 1 || month > 12 || day < 1 ||
        day > ps__days_in_month(year, month))
        return 0;
    int64_t from = ps__day(year, month, day) * PS__DAY_S;
    ps__moment_span(out, from, from + PS__DAY_S, PS__DAY);
    return 1;
}

static int month_span(ps__moment *out, int year, int month) {
    if (year < PS__FIRST_YEAR || year > PS__LAST_YEAR || month < 1 || month > 12) return 0;
    ps__moment_unit(out, PS__MONTH, ps__day(year, month, 1) * PS__DAY_S, 0);
    return 1;
}

int ps__month_moment(ps__moment *out, int month) {
    ps__moment_every(out, month, 1, month % 12 + 1, 1);
    return 1;
}

static int day_every(ps__moment *out, int month, int day) {
    int y, m, d;
    if (day > ps__days_in_month(2000, month)) return 0;
    ps__day_parts(&y, &m, &d, ps__day(2000, month, day) + 1);
    ps__moment_every(out, month, day, m, d);
    return 1;
}

/* "7/4/2021" is July in the United States and April elsewhere: English without a country is read the first way. */
static int month_is_first(const ps__parse *p, int separator) {
    const char *lang = p->context->lang;
    if (separator != '/' || p->lang != p->english) return 0;
    return !lang || !lang[0] || !lang[1] || !lang[2] || ((lang[3] | 32) == 'u' && (lang[4] | 32) == 's');
}

static int local_date(ps__moment *out, const ps__parse *p, const ps__token *t) {
    int day = t->parts[0], month = t->parts[1];
    if ((month_is_first(p, t->separator) && day <= 12) || month > 12) {
        day = t->parts[1];
        month = t->parts[0];
    }
    if (month > 12) return 0;
    return t->parts[2] < 0 ? day_every(out, month, day) : day_span(out, t->parts[2], month, day);
}

static int iso_date(ps__moment *out, const ps__token *t) {
    return t->parts[2] ? day_span(out, t->parts[0], t->parts[1], t->parts[2]) : month_span(out, t->parts[0], t->parts[1]);
}

/* ---- What is said of a part of the day ---- */

static void clock_minutes(int *from, int *to, int *exact, int value) {
    int whole = value >= 10000, hour = value % 10000 / 100, minute = value % 100;
    *exact = (hour * 60 + minute) % 1440;
    *from = whole ? *exact : (*exact + 1440 - 15) % 1440;
    *to = (*exact + (whole ? 60 : 15)) % 1440;
    if (*to == 0) *to = 1440;
}

/* Narrows a day's span to hours of it; those over midnight reach into the next day. */
static void narrow_day(ps__moment *m, int from, int to) {
    int64_t day = m->span.from_s;
    m->span.from_s = day + from * 60;
    m->span.to_s = day + (to + (to <= from ? 1440 : 0)) * 60;
    m->grain = PS__HOUR;
}

void ps__time_hours(ps__moment *m, const ps__time_parts *s) {
    int from, to, exact = 0;
    if (s->clock)
        clock_minutes(&from, &to, &exact, s->clock->value);
    else if (s->daypart >= 0)
        ps__daypart_minutes(&from, &to, s->daypart);
    else
        return;
    if (m->kind == PS__MOMENT_SPAN && m->grain == PS__DAY && m->span.to_s - m->span.from_s == PS__DAY_S) {
        narrow_day(m, from, to);
        return;
    }
    m->minute_from = from;
    m->minute_to = to;
    m->clock = s->clock != NULL;
    m->minute = exact;
}

/* The part of a longer time in which something recurring lies: "July" of "last year". */
static int within(ps__moment *out, const ps__moment *recurring, const ps__span *whole) {
    ps__span found;
    if (whole->from_s == PS__WHEN_FIRST || !ps__moment_pick(&found, recurring, whole->from_s - 1, PS__PICK_NEXT)) return 0;
    if (found.from_s >= whole->to_s) return 0;
    ps__moment_span(out, found.from_s, found.to_s, recurring->kind == PS__MOMENT_EVERY ? PS__MONTH : PS__DAY);
    return 1;
}

/* A holiday of a year, by the calendar's own reckoning: New Year's begins in the year before. */
static int holiday_in(ps__moment *out, int holiday, const ps__moment *whole) {
    int year, month, day, count;
    ps__span spans[2];
    ps__day_parts(&year, &month, &day, whole->span.from_s / PS__DAY_S);
    if (ps__holiday_spans(spans, &count, holiday, year, NULL) != PS__OK || !count) return 0;
    ps__moment_span(out, spans[0].from_s, spans[0].to_s, PS__DAY);
    return 1;
}

/* Times that others may be made of; a range of ranges, or before before, is nothing (and would take long to find out). */
static int is_whole(const ps__item *time) {
    return time->value <= PS__TIME_NEXT || time->value == PS__TIME_AGO || time->value == PS__TIME_DECADE ||
           (time->value >= PS__TIME_BEGIN && time->value <= PS__TIME_END);
}

static int read_date(ps__moment *out, ps__reading *r, const ps__time_parts *s) {
    int day = s->day_count ? s->days[0] : 0, has_whole = 0;
    ps__moment recurring, whole;
    if (s->isodate) return iso_date(out, ps__token_at(r->p, s->isodate->from));
    if (s->localdate) return local_date(out, r->p, ps__token_at(r->p, s->localdate->from));
    if (s->relday) {
        ps__moment_unit(out, PS__DAY, r->now_s, s->relday->value);
        return 1;
    }
    if (s->relnight) {
        ps__moment_unit(out, PS__DAY, r->now_s, s->relnight->value);
        narrow_day(out, 21 * 60, 5 * 60);
        return 1;
    }
    if (s->year >= 0) {
        ps__moment_span(&whole, ps__day(s->year, 1, 1) * PS__DAY_S, ps__day(s->year + 1, 1, 1) * PS__DAY_S, PS__YEAR);
        has_whole = 1;
    } else if (s->relyear || s->relmonth || s->relweek) {
        const ps__item *rel = s->relyear ? s->relyear : s->relmonth ? s->relmonth : s->relweek;
        ps__moment_unit(&whole, s->relyear ? PS__YEAR : s->relmonth ? PS__MONTH : PS__WEEK_UNIT, r->now_s, rel->value);
        has_whole = 1;
    } else if (s->time) {
        if (!is_whole(s->time) || !read_time(&whole, r, s->time)) return 0;
        has_whole = whole.kind == PS__MOMENT_SPAN;
        if (!has_whole) { /* "on Sundays in June": days of something recurring */
            *out = whole;
            return s->month < 0 && s->season < 0 && s->holiday < 0 && s->day_count == 0;
        }
    }
    if (s->month >= 0) {
        if (!(day ? day_every(&recurring, s->month, day) : ps__month_moment(&recurring, s->month))) return 0;
    } else if (s->season >= 0) {
        ps__season_moment(&recurring, s->season, r->southern);
    } else if (s->holiday >= 0) {
        if (!ps__holiday_moment(&recurring, s->holiday)) return 0;
    } else if (day) { /* the 4th of a month that is told otherwise */
        if (!has_whole || whole.grain != PS__MONTH || day > 31) return 0;
        ps__moment_span(out, whole.span.from_s + (day - 1) * PS__DAY_S, whole.span.from_s + day * PS__DAY_S, PS__DAY);
        return out->span.to_s <= whole.span.to_s;
    } else if (has_whole) {
        *out = whole;
        return 1;
    } else {
        ps__moment_any(out);
        return s->weekday >= 0 || s->weekend || s->daypart >= 0 || s->clock;
    }
    if (!has_whole) {
        *out = recurring;
        return 1;
    }
    if (s->holiday >= 0 && whole.grain == PS__YEAR) return holiday_in(out, s->holiday, &whole);
    if (!within(out, &recurring, &whole.span)) return 0;
    if (day) out->grain = PS__DAY;
    return 1;
}

static int read_is(ps__moment *out, ps__reading *r, const ps__item *item) {
    ps__time_parts s;
    ps__time_collect(&s, r, item);
    if (!read_date(out, r, &s)) return 0;
    unsigned days = (s.weekday >= 0 ? 1u << s.weekday : 0) | (s.weekend ? 3u << 5 : 0);
    if (days && out->kind == PS__MOMENT_SPAN && s.relweek && !s.weekend) { /* "上周三": one day */
        out->span.from_s += s.weekday * PS__DAY_S;
        out->span.to_s = out->span.from_s + PS__DAY_S;
        out->grain = PS__DAY;
    } else if (days && !(out->kind == PS__MOMENT_SPAN && out->grain == PS__DAY)) { /* of a date, the day of the week is known */
        out->weekdays = days;
    }
    if (s.time && (s.daypart >= 0 || s.clock) && out->minute_from == 0 && out->minute_to == 1440) {
        ps__time_hours(out, &s);
        return 1;
    }
    if (!s.time) ps__time_hours(out, &s);
    return 1;
}

/* ---- Times of times ---- */

static int read_side(ps__moment *out, ps__reading *r, const ps__item *item) {
    const ps__item *inner = ps__time_kid(r, item, PS__SYM_TIME);
    ps__moment m;
    ps__span s;
    if (!inner || !is_whole(inner) || !read_time(&m, r, inner)) {
        ps__time_parts some;
        if (inner) return 0;
        ps__time_collect(&some, r, item);
        if (!read_is(&m, r, item)) return 0;
    }
    if (m.kind == PS__MOMENT_ANY && m.weekdays == PS__WEEK) { /* hours */
        int from = m.clock ? m.minute : m.minute_from, to = m.clock ? m.minute : m.minute_to;
        int early = item->value == PS__TIME_BEFORE || item->value == PS__TIME_UNTIL;
        int edge = item->value == PS__TIME_BEFORE || item->value == PS__TIME_SINCE ? from : to;
        ps__moment_any(out);
        out->minute_from = early ? 0 : edge;
        out->minute_to = early ? edge : 1440;
        return out->minute_from < out->minute_to;
    }
    if (!ps__moment_settle(&s, &m, r->now_s)) return 0;
    switch (item->value) {
    case PS__TIME_BEFORE: ps__moment_span(out, PS__WHEN_FIRST, s.from_s, m.grain); return s.from_s != PS__WHEN_FIRST;
    case PS__TIME_AFTER: ps__moment_span(out, s.to_s, PS__WHEN_LAST, m.grain); return s.to_s != PS__WHEN_LAST;
    case PS__TIME_SINCE: ps__moment_span(out, s.from_s, PS__WHEN_LAST, m.grain); return s.from_s != PS__WHEN_FIRST;
    default: ps__moment_span(out, PS__WHEN_FIRST, s.to_s, m.grain); return s.to_s != PS__WHEN_LAST;
    }
}

static int read_between(ps__moment *out, ps__reading *r, const ps__item *item) {
    const ps__item *sides[2] = {NULL, NULL};
    ps__moment a, b;
    ps__time_parts s;
    int found = 0;
    for (int k = 0; k < item->kid_count; k++)
        if (kid(r, item, k)->symbol == PS__SYM_TIME && found < 2) sides[found++] = kid(r, item, k);
    for (int i = 0; i < found; i++)
        if (!is_whole(sides[i])) return 0;
    if (found == 2) return read_time(&a, r, sides[0]) && read_time(&b, r, sides[1]) && ps__moment_between(out, &a, &b, r->now_s);
    ps__time_collect(&s, r, item);
    if (s.day_count == 2 && s.month >= 0) { /* "4 to 8 July 2019" */
        if (s.days[0] > s.days[1]) return 0;
        if (s.year >= 0) {
            if (!day_span(&a, s.year, s.month, s.days[0]) || !day_span(&b, s.year, s.month, s.days[1])) return 0;
        } else if (!day_every(&a, s.month, s.days[0]) || !day_every(&b, s.month, s.days[1])) {
            return 0;
        }
        return ps__moment_between(out, &a, &b, r->now_s);
    }
    if (item->kid_count < 2) return 0;
    ps__item one = *item, two = *item; /* "{year} - {year}", "{month} to {month} {year}": each half is an "is" */
    one.kid_count = 1;
    two.kid_count = (uint8_t)(item->kid_count - 1);
    memmove(two.kids, item->kids + 1, two.kid_count * sizeof *two.kids);
    if (found == 1) {
        int first = kid(r, item, 0)->symbol == PS__SYM_TIME;
        if (item->kid_count != 2) return 0;
        return (first ? read_time(&a, r, kid(r, item, 0)) : read_is(&a, r, &one)) &&
               (first ? read_is(&b, r, &two) : read_time(&b, r, kid(r, item, 1))) && ps__moment_between(out, &a, &b, r->now_s);
    }
    return read_is(&a, r, &one) && read_is(&b, r, &two) && ps__moment_between(out, &a, &b, r->now_s);
}

/* Of the time within, or of what else the pattern names ("mid {month}"). */
static int read_inner(ps__moment *out, ps__reading *r, const ps__item *item) {
    const ps__item *inner = ps__time_kid(r, item, PS__SYM_TIME);
    if (inner && !is_whole(inner)) return 0;
    if (inner && item->kid_count == 1) return read_time(out, r, inner);
    return read_is(out, r, item);
}

static int read_time(ps__moment *out, ps__reading *r, const ps__item *item) {
    ps__moment m;
    int found = 0;
    if (r->depth >= DEPTH_LIMIT) return 0;
    r->depth++;
    switch (item->value) {
    case PS__TIME_IS: found = read_is(out, r, item); break;
    case PS__TIME_THIS: found = ps__read_relative(out, r, item, PS__PICK_THIS); break;
    case PS__TIME_LAST: found = ps__read_relative(out, r, item, PS__PICK_LAST_OVER); break;
    case PS__TIME_NEXT: found = ps__read_relative(out, r, item, PS__PICK_NEXT); break;
    case PS__TIME_LAST_N: {
        const ps__item *unit = ps__time_kid(r, item, PS__SYM_UNIT);
        found = unit && ps__read_last_units(out, r, unit->value, ps__time_count(r, item));
        break;
    }
    case PS__TIME_AGO: found = ps__read_ago(out, r, item); break;
    case PS__TIME_BEFORE:
    case PS__TIME_AFTER:
    case PS__TIME_SINCE:
    case PS__TIME_UNTIL: found = read_side(out, r, item); break;
    case PS__TIME_BETWEEN: found = read_between(out, r, item); break;
    case PS__TIME_AROUND: found = read_inner(&m, r, item) && ps__moment_around(out, &m); break;
    case PS__TIME_BEGIN: found = read_inner(&m, r, item) && ps__moment_third(out, &m, 0); break;
    case PS__TIME_MIDDLE: found = read_inner(&m, r, item) && ps__moment_third(out, &m, 1); break;
    case PS__TIME_END: found = read_inner(&m, r, item) && ps__moment_third(out, &m, 2); break;
    case PS__TIME_DECADE: found = ps__read_decade(out, r, item); break;
    case PS__TIME_OLDER:
        ps__moment_unit(&m, PS__YEAR, r->now_s, 0);
        ps__moment_span(out, PS__WHEN_FIRST, m.span.from_s, PS__YEAR);
        found = 1;
        break;
    case PS__TIME_EVERY: found = read_inner(out, r, item); break;
    case PS__TIME_AGO_TODAY: found = ps__read_ago_today(out, r, item); break;
    case PS__TIME_OLDER_THAN:
        found = ps__read_ago_today(&m, r, item);
        if (found) ps__moment_span(out, PS__WHEN_FIRST, m.span.from_s, PS__DAY);
        break;
    case PS__TIME_RECENT: found = ps__read_last_units(out, r, PS__DAY, 30); break;
    default: break;
    }
    r->depth--;
    return found;
}

int ps__moment_of(ps__moment *out, const ps__parse *p, const ps__item *item, int southern) {
    ps__reading r = {.p = p, .southern = southern, .now_s = p->context->now_s};
    return read_time(out, &r, item);
}

int ps__time_check(const ps__parse *p, ps__item *item) {
    ps__moment m;
    ps__item whole = *item;
    if (item->symbol == PS__SYM_WHEN) { /* a time with its preposition, or its parts named by the pattern */
        for (int k = 0; k < item->kid_count; k++)
            if (p->items[item->kids[k]].symbol == PS__SYM_TIME) return 1;
        whole.symbol = PS__SYM_TIME;
        whole.value = PS__TIME_IS;
        if (!ps__time_check(p, &whole)) return 0;
        item->flags |= whole.flags & (PS__ITEM_SOFT | PS__ITEM_DAYPART | PS__ITEM_CLOCK);
        return 1;
    }
    int soft = item->value == PS__TIME_IS, day = soft, clock = soft, numbers = 0;
    for (int k = 0; k < item->kid_count; k++) {
        int symbol = p->items[item->kids[k]].symbol;
        int named = symbol == PS__SYM_WEEKDAY || symbol == PS__SYM_WEEKEND || symbol == PS__SYM_SEASON ||
                    symbol == PS__SYM_HOLIDAY || symbol == PS__SYM_MONTH;
        if (!named && symbol != PS__SYM_DAYPART) numbers = 1;
        if (symbol != PS__SYM_DAYPART) day = 0;
        if (symbol != PS__SYM_CLOCK) clock = 0;
    }
    if (soft && !numbers) item->flags |= PS__ITEM_SOFT;
    if (day && item->kid_count) item->flags |= PS__ITEM_DAYPART;
    if (clock && item->kid_count) item->flags |= PS__ITEM_CLOCK;
    if (item->value == PS__TIME_IS && item->kid_count == 1 && item->to == item->from + 1 &&
        p->items[item->kids[0]].symbol == PS__SYM_YEAR)
        item->flags |= PS__ITEM_YEAR;
    return ps__moment_of(&m, p, item, p->context->southern);
}
