/*
** "On this day"; see anniversary.h. In each year the date is one day, but for 28 February of years that have a 29th when this
** one does not: then it is both, so that no photo has to wait for a leap year.
*/
#include "search/anniversary.h"

#include <string.h>

typedef struct date {
    int year, month, day;
} date;

static date date_of(int64_t now_s) {
    date d;
    int64_t day = now_s / PS__DAY_S - (now_s % PS__DAY_S < 0);
    ps__day_parts(&d.year, &d.month, &d.day, day);
    return d;
}

/* The first day that is the date's in a year, and the last. */
static void days_in(int64_t *first, int64_t *last, const date *today, int year) {
    int february = ps__days_in_month(year, 2), day = today->day, until = day;
    if (today->month == 2 && day > february) day = until = february;
    if (today->month == 2 && day == ps__days_in_month(today->year, 2) && until < february) until = february;
    *first = ps__day(year, today->month, day);
    *last = ps__day(year, today->month, until);
}

int ps__anniversary(ps__when *out, int64_t now_s, int days, ps__error *err) {
    date today = date_of(now_s);
    memset(out, 0, sizeof *out);
    if (days < 0 || days > PS__ANNIVERSARY_DAYS)
        return ps__fail(err, PS__INVALID, "%d days around a date: 0 to %d can be asked for", days, PS__ANNIVERSARY_DAYS);
    if (today.year < PS__FIRST_YEAR || today.year > PS__LAST_YEAR)
        return ps__fail(err, PS__INVALID, "%d: dates are known for the years %d to %d", today.year, PS__FIRST_YEAR,
                        PS__LAST_YEAR);
    int status = ps__when_span(out, 0, 0, err);
    for (int year = PS__FIRST_YEAR; year < today.year && status == PS__OK; year++) {
        int64_t first, last;
        days_in(&first, &last, &today, year);
        status = ps__when_add(out, (first - days) * PS__DAY_S, (last + days + 1) * PS__DAY_S, err);
    }
    if (status != PS__OK) ps__when_clear(out);
    return status;
}

int ps__anniversary_years(int64_t taken_s, int64_t now_s) {
    date today = date_of(now_s), taken = date_of(taken_s);
    int64_t day = ps__day(taken.year, taken.month, taken.day), best = INT64_MAX;
    int nearest = taken.year;
    for (int year = taken.year - 1; year <= taken.year + 1; year++) {
        int64_t first, last, off;
        days_in(&first, &last, &today, year);
        off = day < first ? first - day : day > last ? day - last : 0;
        if (off >= best) continue;
        best = off;
        nearest = year;
    }
    return today.year - nearest;
}
