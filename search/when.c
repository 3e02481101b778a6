/*
** Sets of local times; see when.h. Spans are kept sorted and apart from each other, so that a search is binary and two sets are
** joined by one walk over both.
**
** Days are counted in years that begin on 1 March, so that the leap day is the last of its year: store/calendar.c says more.
** Here the years may also be far beyond those of photos, as the ends of open spans are.
*/
#include "search/when.h"

#include <limits.h>
#include <string.h>

#include "base/alloc.h"

#define DAY_MINUTES 1440
#define ERA_DAYS 146097                /* 400 years */
#define EPOCH_DAYS 719468              /* from 0000-03-01 to 1970-01-01 */
#define FAR_DAYS INT64_C(700000000000) /* so far, years fit into an int */

/* ---- The calendar ---- */

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }
static int of_day(int64_t s) { return (int)((s % PS__DAY_S + PS__DAY_S) % PS__DAY_S); } /* seconds since midnight */

int64_t ps__day(int year, int month, int day) {
    int64_t months = (int64_t)month - 3; /* since March */
    int64_t y = year + floor_div(months, 12), m = months - floor_div(months, 12) * 12;
    int64_t era = floor_div(y, 400), of_era = y - era * 400;
    return era * ERA_DAYS + of_era * 365 + of_era / 4 - of_era / 100 + (153 * m + 2) / 5 + day - 1 - EPOCH_DAYS;
}

void ps__day_parts(int *year, int *month, int *day, int64_t days) {
    if (days > FAR_DAYS) days = FAR_DAYS;
    if (days < -FAR_DAYS) days = -FAR_DAYS;
    int64_t since = days + EPOCH_DAYS, era = floor_div(since, ERA_DAYS), of_era = since - era * ERA_DAYS;
    int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int of_year = (int)(of_era - (365 * y + y / 4 - y / 100)), m = (5 * of_year + 2) / 153;
    *day = of_year - (153 * m + 2) / 5 + 1;
    *month = m < 10 ? m + 3 : m - 9;
    *year = (int)(era * 400 + y + (*month <= 2));
}

int ps__day_weekday(int64_t days) { /* 1970-01-01 was a Thursday */
    int64_t of_week = days % 7 + 3;
    return (int)((of_week + 7) % 7);
}

int ps__days_in_month(int year, int month) { return (int)(ps__day(year, month + 1, 1) - ps__day(year, month, 1)); }

/* ---- Sets ---- */

void ps__when_clear(ps__when *when) {
    ps__free(when->spans);
    memset(when, 0, sizeof *when);
}

/* No time at all, on any day. */
static void empty(ps__when *out) {
    memset(out, 0, sizeof *out);
    out->weekdays = PS__WEEK;
    out->minute_to = DAY_MINUTES;
}

int ps__when_span(ps__when *out, int64_t from_s, int64_t to_s, ps__error *err) {
    empty(out);
    return ps__when_add(out, from_s, to_s, err);
}

int ps__when_always(ps__when *out, ps__error *err) { return ps__when_span(out, PS__WHEN_FIRST, PS__WHEN_LAST, err); }

int ps__when_copy(ps__when *out, const ps__when *when, ps__error *err) {
    ps__span *spans = NULL;
    if (when->count) {
        spans = ps__array(when->count, sizeof *spans);
        if (!spans) {
            memset(out, 0, sizeof *out);
            return ps__fail_nomem(err);
        }
        memcpy(spans, when->spans, when->count * sizeof *spans);
    }
    *out = *when;
    out->spans = spans;
    return PS__OK;
}

/* The first span that ends at or after this moment; count when there is none. */
static size_t first_until(const ps__when *when, int64_t s) {
    size_t low = 0, high = when->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (when->spans[middle].to_s < s)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int ps__when_add(ps__when *when, int64_t from_s, int64_t to_s, ps__error *err) {
    if (from_s >= to_s) return PS__OK;
    size_t first = first_until(when, from_s), last = first; /* spans first..last-1 touch the new one */
    while (last < when->count && when->spans[last].from_s <= to_s) last++;
    if (first == last) {
        ps__span *spans = ps__realloc(when->spans, (when->count + 1) * sizeof *spans);
        if (!spans) return ps__fail_nomem(err);
        when->spans = spans;
        memmove(spans + first + 1, spans + first, (when->count - first) * sizeof *spans);
        spans[first] = (ps__span){from_s, to_s};
        when->count++;
        return PS__OK;
    }
    ps__span *merged = when->spans + first;
    if (from_s < merged->from_s) merged->from_s = from_s;
    merged->to_s = when->spans[last - 1].to_s > to_s ? when->spans[last - 1].to_s : to_s;
    memmove(merged + 1, when->spans + last, (when->count - last) * sizeof *merged);
    when->count -= last - first - 1;
    return PS__OK;
}

static int is_always(const ps__when *when) {
    return when->count == 1 && when->spans[0].from_s == PS__WHEN_FIRST && when->spans[0].to_s == PS__WHEN_LAST;
}

static int any_hour(const ps__when *when) { return when->minute_from == 0 && when->minute_to == DAY_MINUTES; }

/* ---- Both ---- */

/* Hours on a line that begins with the day they begin on: those over midnight end after DAY_MINUTES. */
typedef struct hours {
    int from, to;
    unsigned weekdays;
} hours;

static hours hours_of(const ps__when *when) {
    return (hours){when->minute_from, when->minute_to + (when->minute_from > when->minute_to) * DAY_MINUTES, when->weekdays};
}

/* The same days of the week, seen from `days` (-1, 0 or 1) before. */
static unsigned seen_from(unsigned weekdays, int days) {
    return days == 0 ? weekdays : (days > 0 ? weekdays >> 1 | weekdays << 6 : weekdays << 1 | weekdays >> 6) & PS__WEEK;
}

/* What lies in both; 1 if it is one piece or none (*out is then empty), 0 if it would take two. */
static int both_hours(hours *out, hours a, hours b) {
    hours all = {0, 0, 0};
    for (int days = -1; days <= 1; days++) {
        hours piece = {b.from + days * DAY_MINUTES, b.to + days * DAY_MINUTES, a.weekdays & seen_from(b.weekdays, days)};
        if (piece.from < a.from) piece.from = a.from;
        if (piece.to > a.to) piece.to = a.to;
        if (piece.from >= piece.to || !piece.weekdays) continue;
        if (!all.weekdays)
            all = piece;
        else if (all.to == piece.from && all.weekdays == piece.weekdays)
            all.to = piece.to;
        else
            return 0;
    }
    if (all.from >= DAY_MINUTES) /* only the hours after midnight are left: they have the weekday of their own day */
        all = (hours){all.from - DAY_MINUTES, all.to - DAY_MINUTES, seen_from(all.weekdays, -1)};
    *out = all;
    return 1;
}

/* Spans that lie in both; *out is a new array. */
static int both_spans(ps__span **out, size_t *count, const ps__when *a, const ps__when *b, ps__error *err) {
    size_t i = 0, j = 0, n = 0;
    *out = NULL;
    *count = 0;
    if (!a->count || !b->count) return PS__OK;
    ps__span *spans = ps__array(a->count + b->count, sizeof *spans);
    if (!spans) return ps__fail_nomem(err);
    while (i < a->count && j < b->count) {
        const ps__span *x = a->spans + i, *y = b->spans + j;
        int64_t from = x->from_s > y->from_s ? x->from_s : y->from_s, to = x->to_s < y->to_s ? x->to_s : y->to_s;
        if (from < to) spans[n++] = (ps__span){from, to};
        if (x->to_s < y->to_s)
            i++;
        else
            j++;
    }
    *out = spans;
    *count = n;
    return PS__OK;
}

static void nothing(ps__when *when) {
    ps__when_clear(when);
    empty(when);
}

int ps__when_and(ps__when *when, const ps__when *other, ps__error *err) {
    hours h = hours_of(when);
    if (any_hour(when) || any_hour(other)) { /* "Saturday" and "at night": the nights that begin on a Saturday */
        if (any_hour(when)) h = hours_of(other);
        h.weekdays = when->weekdays & other->weekdays;
    } else if (!both_hours(&h, h, hours_of(other))) {
        return ps__fail(err, PS__INVALID, "two parts of the day have two parts in common");
    }
    ps__span *spans;
    size_t count;
    int status = both_spans(&spans, &count, when, other, err);
    if (status) return status;
    if (is_always(when))
        memcpy(when->every, other->every, sizeof when->every);
    else if (!is_always(other) && strcmp(when->every, other->every) != 0)
        when->every[0] = 0;
    ps__free(when->spans);
    when->spans = spans;
    when->count = count;
    when->weekdays = h.weekdays;
    when->minute_from = h.from;
    when->minute_to = h.to > DAY_MINUTES ? h.to - DAY_MINUTES : h.to;
    if (!count || !h.weekdays || h.from == h.to) nothing(when);
    return PS__OK;
}

/* ---- Either ---- */

int ps__when_or(ps__when *when, const ps__when *other, ps__error *err) {
    ps__when sum;
    int status;
    if (!other->count) return PS__OK;
    if (!when->count) {
        if ((status = ps__when_copy(&sum, other, err)) != PS__OK) return status;
    } else {
        if (when->weekdays != other->weekdays || when->minute_from != other->minute_from || when->minute_to != other->minute_to)
            return ps__fail(err, PS__INVALID, "times on different weekdays or in different hours do not make one set");
        if ((status = ps__when_copy(&sum, when, err)) != PS__OK) return status;
        if (strcmp(sum.every, other->every) != 0) sum.every[0] = 0;
        for (size_t i = 0; i < other->count; i++) {
            if ((status = ps__when_add(&sum, other->spans[i].from_s, other->spans[i].to_s, err)) != PS__OK) {
                ps__when_clear(&sum);
                return status;
            }
        }
    }
    ps__when_clear(when);
    *when = sum;
    return PS__OK;
}

/* ---- Asking ---- */

static int has_hour(const ps__when *when, int64_t taken_s) {
    int64_t day = floor_div(taken_s, PS__DAY_S);
    int minute = of_day(taken_s) / 60;
    if (when->minute_from <= when->minute_to) {
        if (minute < when->minute_from || minute >= when->minute_to) return 0;
    } else if (minute < when->minute_to) {
        day--;
    } else if (minute < when->minute_from) {
        return 0;
    }
    return (int)(when->weekdays >> ps__day_weekday(day) & 1);
}

int ps__when_has(const ps__when *when, int64_t taken_s) {
    size_t at = first_until(when, taken_s);
    if (at < when->count && when->spans[at].to_s == taken_s && taken_s != PS__WHEN_LAST) at++; /* it ends just before */
    if (at == when->count || when->spans[at].from_s > taken_s) return 0;
    return (when->weekdays == PS__WEEK && any_hour(when)) || has_hour(when, taken_s);
}

void ps__when_bounds(int64_t *from_s, int64_t *to_s, const ps__when *when) {
    *from_s = when->count ? when->spans[0].from_s : 0;
    *to_s = when->count ? when->spans[when->count - 1].to_s : 0;
}

/* ---- As text ---- */

static void print_moment(ps__buf *out, int64_t s) {
    int64_t day = floor_div(s, PS__DAY_S);
    int rest = of_day(s), year, month, of_month;
    ps__day_parts(&year, &month, &of_month, day);
    ps__buf_printf(out, "%04d-%02d-%02d", year, month, of_month);
    if (rest) ps__buf_printf(out, "T%02d:%02d", rest / 3600, rest / 60 % 60);
    if (rest % 60) ps__buf_printf(out, ":%02d", rest % 60);
}

void ps__when_print(ps__buf *out, const ps__when *when) {
    if (when->every[0]) {
        ps__buf_printf(out, "every %s", when->every);
        return;
    }
    if (!when->count) ps__buf_puts(out, "never");
    for (size_t i = 0; i < when->count; i++) {
        if (i) ps__buf_puts(out, " | ");
        if (when->spans[i].from_s != PS__WHEN_FIRST) print_moment(out, when->spans[i].from_s);
        ps__buf_puts(out, "..");
        if (when->spans[i].to_s != PS__WHEN_LAST) print_moment(out, when->spans[i].to_s);
    }
}
