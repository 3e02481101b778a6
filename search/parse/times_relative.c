/*
** Times told from now: last winter, two years ago, the last three days; and decades, whose century now decides.
*/
#include "search/parse/times_inside.h"

#include <string.h>

static int is_chinese(const ps__parse *p) { return p->lang >= 0 && strcmp(p->tables->languages[p->lang], "zh") == 0; }

int64_t ps__time_count(const ps__reading *r, const ps__item *item) {
    const ps__item *n = ps__time_kid(r, item, PS__SYM_N);
    double value = n ? n->number : 1;
    return value < 0 ? 0 : value > 3000 ? 3000 : (int64_t)value;
}

/* Until now, from so long ago. */
int ps__read_last_units(ps__moment *out, ps__reading *r, int unit, int64_t n) {
    int year, month, day;
    if (n <= 0) return 0;
    int64_t clock = (r->now_s % PS__DAY_S + PS__DAY_S) % PS__DAY_S, today = (r->now_s - clock) / PS__DAY_S, from;
    ps__day_parts(&year, &month, &day, today);
    switch (unit) {
    case PS__MINUTE: from = r->now_s - n * 60; break;
    case PS__HOUR: from = r->now_s - n * 3600; break;
    case PS__WEEK_UNIT: from = r->now_s - n * 7 * PS__DAY_S; break;
    case PS__WEEKEND: {
        ps__moment first;
        ps__moment_unit(&first, PS__WEEKEND, r->now_s, -n);
        from = first.span.from_s;
        break;
    }
    case PS__MONTH:
    case PS__YEAR:
    case PS__DECADE: {
        int64_t months = (int64_t)year * 12 + month - 1 - n * (unit == PS__MONTH ? 1 : unit == PS__YEAR ? 12 : 120);
        if (months < 12) return 0;
        int y = (int)(months / 12), m = (int)(months % 12) + 1, last = ps__days_in_month(y, m);
        from = ps__day(y, m, day < last ? day : last) * PS__DAY_S + clock;
        break;
    }
    default: from = r->now_s - n * PS__DAY_S; break;
    }
    ps__moment_span(out, from, r->now_s, unit);
    return 1;
}

int ps__read_relative(ps__moment *out, ps__reading *r, const ps__item *item, int pick) {
    int offset = pick == PS__PICK_NEXT ? 1 : pick == PS__PICK_LAST_OVER ? -1 : 0;
    const ps__item *unit = ps__time_kid(r, item, PS__SYM_UNIT);
    ps__moment m;
    ps__span span;
    ps__time_parts s;
    ps__time_collect(&s, r, item);
    if (unit && unit->value <= PS__DAY && offset < 0) /* "the last day of school" is not yesterday */
        return unit->value != PS__DAY && ps__read_last_units(out, r, unit->value, 1);
    if (unit) {
        int weekday = ps__day_weekday((r->now_s - (r->now_s % PS__DAY_S + PS__DAY_S) % PS__DAY_S) / PS__DAY_S);
        ps__moment_unit(out, unit->value, r->now_s, unit->value == PS__WEEKEND && offset < 0 ? -1 : offset);
        if (unit->value == PS__WEEKEND && offset > 0 && weekday < 5) ps__moment_unit(out, PS__WEEKEND, r->now_s, 0);
        return 1;
    }
    if (s.weekday < 0 && !s.weekend && s.season < 0 && s.month < 0 && s.holiday < 0) {
        if (s.daypart < 0) return 0;
        ps__moment_unit(out, PS__DAY, r->now_s, offset);
        ps__time_hours(out, &s);
        return 1;
    }
    if (s.season >= 0)
        ps__season_moment(&m, s.season, r->southern);
    else if (s.month >= 0)
        ps__month_moment(&m, s.month);
    else if (s.holiday >= 0) {
        if (!ps__holiday_moment(&m, s.holiday)) return 0;
    } else {
        if (pick == PS__PICK_LAST_OVER && s.weekday >= 0 && is_chinese(r->p)) { /* 上周五 is of the week before this one */
            ps__moment_unit(&m, PS__WEEK_UNIT, r->now_s, -1);
            ps__moment_span(out, m.span.from_s + s.weekday * PS__DAY_S, m.span.from_s + (s.weekday + 1) * PS__DAY_S, PS__DAY);
            ps__time_hours(out, &s);
            return 1;
        }
        ps__moment_any(&m);
        m.weekdays = s.weekend ? 3u << 5 : 1u << s.weekday;
    }
    if (!ps__moment_pick(&span, &m, r->now_s, pick)) return 0;
    ps__moment_span(out, span.from_s, span.to_s, s.month >= 0 ? PS__MONTH : PS__DAY);
    ps__time_hours(out, &s);
    return 1;
}

int ps__read_ago_today(ps__moment *out, ps__reading *r, const ps__item *item) {
    const ps__item *unit = ps__time_kid(r, item, PS__SYM_UNIT);
    int64_t n = ps__time_count(r, item), today = r->now_s / PS__DAY_S;
    int year, month, day;
    if (!unit || n < 1 || n > 1000) return 0;
    ps__day_parts(&year, &month, &day, today);
    if (unit->value == PS__YEAR || unit->value == PS__DECADE) {
        year -= (int)(unit->value == PS__YEAR ? n : 10 * n);
    } else if (unit->value == PS__MONTH) {
        int months = year * 12 + month - 1 - (int)n;
        year = months / 12, month = months % 12 + 1;
    } else if (unit->value == PS__DAY || unit->value == PS__WEEK_UNIT) {
        ps__day_parts(&year, &month, &day, today - (unit->value == PS__DAY ? n : 7 * n));
    } else {
        return 0;
    }
    if (year < PS__FIRST_YEAR) return 0;
    if (day > ps__days_in_month(year, month)) day = ps__days_in_month(year, month); /* 29 February */
    int64_t first = ps__day(year, month, day) * PS__DAY_S;
    ps__moment_span(out, first, first + PS__DAY_S, PS__DAY);
    return 1;
}

int ps__read_ago(ps__moment *out, ps__reading *r, const ps__item *item) {
    const ps__item *unit = ps__time_kid(r, item, PS__SYM_UNIT);
    int64_t n = ps__time_count(r, item);
    if (!unit) { /* "two summers ago" */
        ps__moment last;
        ps__item one = *item;
        int64_t now_s = r->now_s;
        if (!n || n > 100) return 0;
        for (int64_t i = 0, found = 1; i < n && found; i++) {
            found = ps__read_relative(&last, r, &one, PS__PICK_LAST_OVER);
            if (!found) n = 0;
            r->now_s = last.span.from_s;
        }
        r->now_s = now_s;
        if (n) *out = last;
        return n > 0;
    }
    if (unit->value == PS__HOUR || unit->value == PS__MINUTE) {
        int64_t length = unit->value == PS__HOUR ? 3600 : 60, middle = r->now_s - n * length;
        int64_t half = unit->value == PS__HOUR ? 1800 : 300;
        ps__moment_span(out, middle - half, middle + half, unit->value);
    } else {
        ps__moment_unit(out, unit->value, r->now_s, -n);
    }
    return out->span.from_s >= ps__day(PS__FIRST_YEAR, 1, 1) * PS__DAY_S;
}

int ps__read_decade(ps__moment *out, ps__reading *r, const ps__item *item) {
    const ps__item *n = ps__time_kid(r, item, PS__SYM_N), *of_year = ps__time_kid(r, item, PS__SYM_YEAR);
    const ps__item *word = ps__time_kid(r, item, PS__SYM_DECADE);
    int year = of_year ? of_year->value : word ? word->value : n && n->number < 3000 ? (int)n->number : -1, this_year;
    ps__moment now;
    ps__moment_unit(&now, PS__YEAR, r->now_s, 0);
    int month, day;
    ps__day_parts(&this_year, &month, &day, now.span.from_s / PS__DAY_S);
    if (year < 0 || year % 10) return 0;
    if (year < 100) year += 2000 + year <= this_year ? 2000 : 1900;
    if (year < PS__FIRST_YEAR - 6 || year > PS__LAST_YEAR - 10) return 0;
    ps__moment_span(out, ps__day(year, 1, 1) * PS__DAY_S, ps__day(year + 10, 1, 1) * PS__DAY_S, PS__DECADE);
    return 1;
}
