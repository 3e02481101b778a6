/*
** What the files share that read times (times.c, times_relative.c); nobody else includes it.
*/
#ifndef PS_SEARCH_PARSE_TIMES_INSIDE_H
#define PS_SEARCH_PARSE_TIMES_INSIDE_H

#include "search/parse/times.h"

typedef struct ps__time_parts {                         /* what stands in an "is" */
    int year, month, season, daypart, holiday, weekday; /* -1: none */
    int weekend, day_count, days[2];
    const ps__item *relday, *relnight, *relweek, *relmonth, *relyear, *clock, *isodate, *localdate, *time;
} ps__time_parts;

typedef struct ps__reading {
    const ps__parse *p;
    int southern;
    int depth;
    int64_t now_s;
} ps__reading;

/* times.c */
const ps__item *ps__time_kid(const ps__reading *r, const ps__item *item,
                             int symbol); /* the first that filled such a slot; NULL */
void ps__time_collect(ps__time_parts *out, const ps__reading *r, const ps__item *item);
void ps__season_moment(ps__moment *out, int season, int southern);
int ps__holiday_moment(ps__moment *out, int holiday);
int ps__month_moment(ps__moment *out, int month);
void ps__time_hours(ps__moment *m, const ps__time_parts *s); /* narrows a day, or what recurs, to the hours that were told */

/* times_relative.c: each reads the items of an action; 0: they say no time. */
int64_t ps__time_count(const ps__reading *r, const ps__item *item);
int ps__read_relative(ps__moment *out, ps__reading *r, const ps__item *item, int pick);
/* The very day that lies so far back: of 29 February the 28th, where the year has none. */
int ps__read_ago_today(ps__moment *out, ps__reading *r, const ps__item *item);
int ps__read_ago(ps__moment *out, ps__reading *r, const ps__item *item);
int ps__read_last_units(ps__moment *out, ps__reading *r, int unit, int64_t n);
int ps__read_decade(ps__moment *out, ps__reading *r, const ps__item *item);

#endif
