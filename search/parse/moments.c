/*
** The arithmetic of moments: units of the calendar, the spans of what recurs, parts and neighbourhoods of both, and at last the
** spans that a filter has.
*/
#include "search/parse/times.h"

#include <stdio.h>
#include <string.h>

#include "search/holidays.h"

#define MONTH_S (30 * PS__DAY_S) /* at most so far does "around" reach */

void ps__moment_any(ps__moment *out) {
    memset(out, 0, sizeof *out);
    out->grain = PS__DAY;
    out->weekdays = PS__WEEK;
    out->minute_to = 1440;
}

void ps__moment_span(ps__moment *out, int64_t from_s, int64_t to_s, int grain) {
    ps__moment_any(out);
    out->kind = PS__MOMENT_SPAN;
    out->span = (ps__span){from_s, to_s};
    out->grain = grain;
}

void ps__moment_every(ps__moment *out, int month_from, int day_from, int month_to, int day_to) {
    ps__moment_any(out);
    out->kind = PS__MOMENT_EVERY;
    out->month_from = month_from;
    out->day_from = day_from;
    out->month_to = month_to;
    out->day_to = day_to;
}

void ps__daypart_minutes(int *from, int *to, int daypart) {
    static const int HOURS[][2] = {{5, 12}, {11, 14}, {12, 18}, {17, 22}, {21, 5}, {23, 1}};
    *from = HOURS[daypart][0] * 60;
    *to = HOURS[daypart][1] * 60;
}

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }

static int year_of(int64_t s) {
    int year, month, day;
    ps__day_parts(&year, &month, &day, floor_div(s, PS__DAY_S));
    return year;
}

int ps__moment_in_year(ps__span out[2], const ps__moment *moment, int year) {
    int count = 0;
    if (moment->kind == PS__MOMENT_EVERY) {
        int wraps = moment->month_to < moment->month_from ||
                    (moment->month_to == moment->month_from && moment->day_to <= moment->day_from);
        out[0].from_s = ps__day(year, moment->month_from, moment->day_from) * PS__DAY_S;
        out[0].to_s = ps__day(year + wraps, moment->month_to, moment->day_to) * PS__DAY_S;
        return out[0].from_s < out[0].to_s;
    }
    if (moment->kind != PS__MOMENT_HOLIDAY || ps__holiday_spans(out, &count, moment->holiday, year, NULL) != PS__OK) return 0;
    for (int i = 0; i < count; i++) {
        out[i].from_s -= moment->wider_s;
        out[i].to_s += moment->wider_s;
    }
    return count;
}

/* Days of the week: one of them, or a weekend as a whole. */
static int pick_weekdays(ps__span *out, unsigned weekdays, int64_t now_s, int pick) {
    int64_t today = floor_div(now_s, PS__DAY_S), monday = today - ps__day_weekday(today);
    int first = 0, length = 1;
    if (!weekdays || weekdays == PS__WEEK) return 0;
    while (!(weekdays >> first & 1)) first++;
    while (first + length < 7 && weekdays >> (first + length) & 1) length++;
    int64_t day = monday + first;
    if (pick == PS__PICK_LAST_OVER)
        while (day + length > today) day -= 7;
    if (pick == PS__PICK_LAST_BEGUN)
        while (day > today) day -= 7;
    if (pick == PS__PICK_NEXT)
        while (day <= today) day += 7;
    *out = (ps__span){day * PS__DAY_S, (day + length) * PS__DAY_S};
    return 1;
}

int ps__moment_pick(ps__span *out, const ps__moment *moment, int64_t now_s, int pick) {
    int year = year_of(now_s), found = 0;
    ps__span spans[2];
    if (moment->kind == PS__MOMENT_ANY) return pick_weekdays(out, moment->weekdays, now_s, pick);
    for (int y = year - 10; y <= year + 10; y++) { /* 29 February is rare */
        int n = ps__moment_in_year(spans, moment, y);
        for (int i = 0; i < n; i++) {
            const ps__span *s = &spans[i];
            int fits, better;
            switch (pick) {
            case PS__PICK_LAST_OVER: fits = s->to_s <= now_s, better = 1; break;
            case PS__PICK_LAST_BEGUN: fits = s->from_s <= now_s, better = 1; break;
            case PS__PICK_NEXT: fits = s->from_s > now_s, better = !found; break;
            default: /* the one that is, else this year's */
                fits = (s->from_s <= now_s && s->to_s > now_s) || (y == year && !found);
                better = 1;
                break;
            }
            if (!fits || !better) continue;
            *out = *s;
            found = 1;
        }
    }
    return found;
}

void ps__moment_unit(ps__moment *out, int unit, int64_t now_s, int64_t offset) {
    int year, month, day;
    int64_t today = floor_div(now_s, PS__DAY_S), monday = today - ps__day_weekday(today), length, first;
    ps__day_parts(&year, &month, &day, today);
    switch (unit) {
    case PS__MINUTE:
    case PS__HOUR:
        length = unit == PS__HOUR ? 3600 : 60;
        first = (floor_div(now_s, length) + offset) * length;
        ps__moment_span(out, first, first + length, unit);
        break;
    case PS__WEEK_UNIT:
        ps__moment_span(out, (monday + 7 * offset) * PS__DAY_S, (monday + 7 * offset + 7) * PS__DAY_S, unit);
        break;
    case PS__WEEKEND:
        ps__moment_span(out, (monday + 7 * offset + 5) * PS__DAY_S, (monday + 7 * offset + 7) * PS__DAY_S, unit);
        break;
    case PS__MONTH: {
        int64_t months = (int64_t)year * 12 + month - 1 + offset;
        int y = (int)floor_div(months, 12), m = (int)(months - floor_div(months, 12) * 12) + 1;
        ps__moment_span(out, ps__day(y, m, 1) * PS__DAY_S, ps__day(m == 12 ? y + 1 : y, m == 12 ? 1 : m + 1, 1) * PS__DAY_S,
                        unit);
        break;
    }
    case PS__YEAR:
        year += (int)offset;
        ps__moment_span(out, ps__day(year, 1, 1) * PS__DAY_S, ps__day(year + 1, 1, 1) * PS__DAY_S, unit);
        break;
    case PS__DECADE:
        year = (year / 10 + (int)offset) * 10;
        ps__moment_span(out, ps__day(year, 1, 1) * PS__DAY_S, ps__day(year + 10, 1, 1) * PS__DAY_S, unit);
        break;
    default: ps__moment_span(out, (today + offset) * PS__DAY_S, (today + offset + 1) * PS__DAY_S, PS__DAY); break;
    }
}

static int third_of_span(ps__moment *out, int third) {
    static const int TEN_DAYS[] = {0, 10, 20}, MONTHS[] = {0, 4, 8, 12}, YEARS[] = {0, 3, 7, 10};
    int year, month, day;
    int64_t from = out->span.from_s, to = out->span.to_s;
    if (from == PS__WHEN_FIRST || to == PS__WHEN_LAST) return 0;
    ps__day_parts(&year, &month, &day, floor_div(from, PS__DAY_S));
    switch (out->grain) {
    case PS__DECADE:
        out->span =
            (ps__span){ps__day(year + YEARS[third], 1, 1) * PS__DAY_S, ps__day(year + YEARS[third + 1], 1, 1) * PS__DAY_S};
        break;
    case PS__YEAR:
        out->span.from_s = ps__day(year, MONTHS[third] + 1, 1) * PS__DAY_S;
        out->span.to_s = third == 2 ? to : ps__day(year, MONTHS[third + 1] + 1, 1) * PS__DAY_S;
        break;
    case PS__MONTH:
        out->span.from_s = from + TEN_DAYS[third] * PS__DAY_S;
        if (third < 2) out->span.to_s = from + TEN_DAYS[third + 1] * PS__DAY_S;
        break;
    default: {
        int64_t days = floor_div(to - from, PS__DAY_S);
        if (days < 3) return 0;
        out->span.from_s = from + days * third / 3 * PS__DAY_S;
        out->span.to_s = from + days * (third + 1) / 3 * PS__DAY_S;
    }
    }
    return 1;
}

int ps__moment_third(ps__moment *out, const ps__moment *whole, int third) {
    *out = *whole;
    if (whole->weekdays != PS__WEEK || whole->minute_from || whole->minute_to != 1440) return 0;
    if (whole->kind == PS__MOMENT_SPAN) return third_of_span(out, third);
    if (whole->kind != PS__MOMENT_EVERY) return 0;
    ps__span year[2];
    int y, m, d;
    if (!ps__moment_in_year(year, whole, 2001)) return 0; /* neither it nor the next is a leap year */
    int month = whole->day_from == 1 && whole->day_to == 1 && (whole->month_from % 12) + 1 == whole->month_to;
    ps__moment_span(out, year[0].from_s, year[0].to_s, month ? PS__MONTH : PS__DAY);
    if (!third_of_span(out, third)) return 0;
    ps__span part = out->span;
    ps__moment_every(out, 1, 1, 1, 1);
    ps__day_parts(&y, &m, &d, part.from_s / PS__DAY_S);
    out->month_from = m;
    out->day_from = d;
    ps__day_parts(&y, &m, &d, part.to_s / PS__DAY_S);
    out->month_to = m;
    out->day_to = d;
    return 1;
}

int ps__moment_around(ps__moment *out, const ps__moment *moment) {
    ps__span spans[2], s;
    int y, m, d;
    *out = *moment;
    switch (moment->kind) {
    case PS__MOMENT_SPAN: {
        if (moment->span.from_s == PS__WHEN_FIRST || moment->span.to_s == PS__WHEN_LAST) return 0;
        int64_t length = moment->span.to_s - moment->span.from_s;
        if (length > MONTH_S) length = MONTH_S;
        out->span.from_s -= length;
        out->span.to_s += length;
        return 1;
    }
    case PS__MOMENT_EVERY: {
        if (!ps__moment_in_year(spans, moment, 2001)) return 0;
        s = spans[0];
        int64_t days = (s.to_s - s.from_s) / PS__DAY_S;
        if (days > 30) days = 30;
        ps__day_parts(&y, &m, &d, s.from_s / PS__DAY_S - days);
        out->month_from = m;
        out->day_from = d;
        ps__day_parts(&y, &m, &d, s.to_s / PS__DAY_S + days);
        out->month_to = m;
        out->day_to = d;
        return 1;
    }
    case PS__MOMENT_HOLIDAY:
        if (!ps__moment_pick(&s, moment, INT64_C(1000000000), PS__PICK_THIS)) return 0;
        out->wider_s = s.to_s - s.from_s > MONTH_S ? MONTH_S : s.to_s - s.from_s;
        return 1;
    default:
        if (moment->weekdays != PS__WEEK || !moment->clock) return 0;
        out->minute_from = (moment->minute + 1440 - 60) % 1440;
        out->minute_to = (moment->minute + 60) % 1440;
        return 1;
    }
}

int ps__moment_settle(ps__span *out, const ps__moment *moment, int64_t now_s) {
    if (moment->kind == PS__MOMENT_SPAN) {
        *out = moment->span;
        return 1;
    }
    return ps__moment_pick(out, moment, now_s, PS__PICK_LAST_BEGUN);
}

static int is_hours(const ps__moment *m) { return m->kind == PS__MOMENT_ANY && m->weekdays == PS__WEEK; }
static int is_weekdays(const ps__moment *m) { return m->kind == PS__MOMENT_ANY && m->weekdays != PS__WEEK; }

static int between_weekdays(ps__moment *out, unsigned a, unsigned b) {
    int first = 0, last = 6;
    unsigned days = 0;
    while (!(a >> first & 1)) first++;
    while (!(b >> last & 1)) last--;
    for (int d = first;; d = (d + 1) % 7) {
        days |= 1u << d;
        if (d == last) break;
    }
    ps__moment_any(out);
    out->weekdays = days;
    return 1;
}

static int between_recurring(ps__moment *out, const ps__moment *a, const ps__moment *b) {
    ps__moment_every(out, a->month_from, a->day_from, b->month_to, b->day_to);
    return 1;
}

int ps__moment_between(ps__moment *out, const ps__moment *a, const ps__moment *b, int64_t now_s) {
    ps__span first, last;
    if (is_hours(a) && is_hours(b)) {
        ps__moment_any(out);
        out->minute_from = a->clock ? a->minute : a->minute_from;
        out->minute_to = b->clock ? b->minute : b->minute_to;
        return out->minute_from != out->minute_to;
    }
    if (is_hours(a) || is_hours(b)) return 0;
    if (is_weekdays(a) && is_weekdays(b)) return between_weekdays(out, a->weekdays, b->weekdays);
    if (a->kind == PS__MOMENT_EVERY && b->kind == PS__MOMENT_EVERY) return between_recurring(out, a, b);
    if (b->kind == PS__MOMENT_SPAN && a->kind != PS__MOMENT_SPAN) { /* "June to August 2019" */
        last = b->span;
        if (!ps__moment_pick(&first, a, last.from_s, PS__PICK_LAST_BEGUN)) return 0;
    } else if (a->kind == PS__MOMENT_SPAN && b->kind != PS__MOMENT_SPAN) { /* "May 2019 to July" */
        first = a->span;
        if (!ps__moment_pick(&last, b, first.from_s, PS__PICK_NEXT)) return 0;
    } else {
        if (!ps__moment_settle(&first, a, now_s) || !ps__moment_settle(&last, b, now_s)) return 0;
    }
    if (first.from_s >= last.to_s) {
        ps__span swap = first;
        first = last;
        last = swap;
    }
    ps__moment_span(out, first.from_s, last.to_s, a->grain);
    return first.from_s < last.to_s;
}

/* ---- The filter ---- */

static int add_years(ps__when *out, const ps__moment *moment, ps__error *err) {
    ps__span spans[2];
    memset(out, 0, sizeof *out);
    out->weekdays = PS__WEEK;
    out->minute_to = 1440;
    for (int year = PS__FIRST_YEAR; year <= PS__LAST_YEAR; year++) {
        int n = ps__moment_in_year(spans, moment, year);
        for (int i = 0; i < n; i++) {
            int status = ps__when_add(out, spans[i].from_s, spans[i].to_s, err);
            if (status != PS__OK) return status;
        }
    }
    if (moment->kind == PS__MOMENT_EVERY)
        snprintf(out->every, sizeof out->every, "%02u-%02u..%02u-%02u", (unsigned)moment->month_from % 100,
                 (unsigned)moment->day_from % 100, (unsigned)moment->month_to % 100, (unsigned)moment->day_to % 100);
    else if (!moment->wider_s)
        snprintf(out->every, sizeof out->every, "%s", ps__holiday_name(moment->holiday));
    return PS__OK;
}

int ps__moment_when(ps__when *out, const ps__moment *moment, ps__error *err) {
    int status;
    if (moment->kind == PS__MOMENT_ANY)
        status = ps__when_always(out, err);
    else if (moment->kind == PS__MOMENT_SPAN)
        status = ps__when_span(out, moment->span.from_s, moment->span.to_s, err);
    else
        status = add_years(out, moment, err);
    if (status != PS__OK) {
        ps__when_clear(out);
        return status;
    }
    out->weekdays = moment->weekdays;
    out->minute_from = moment->minute_from;
    out->minute_to = moment->minute_to;
    return PS__OK;
}
