/*
** What a time phrase means. An item of the chart (PS__SYM_TIME) is a small tree; a moment is what it says, before it is spread
** over the years: "June" stays June until a filter is made of it.
*/
#ifndef PS_SEARCH_PARSE_TIMES_H
#define PS_SEARCH_PARSE_TIMES_H

#include "search/parse/chart.h"

enum {
    PS__MOMENT_ANY = 0,    /* all of time, narrowed by weekdays or hours only */
    PS__MOMENT_SPAN = 1,   /* span */
    PS__MOMENT_EVERY = 2,  /* each year from month_from, day_from up to (not including) month_to, day_to, maybe over new year */
    PS__MOMENT_HOLIDAY = 3 /* each year, with a date that moves */
};

typedef struct ps__moment {
    int kind;      /* PS__MOMENT_* */
    ps__span span; /* ends may be open */
    int grain;     /* PS__DAY, PS__MONTH...: how fine it was said */
    int month_from, day_from, month_to, day_to;
    int holiday;                /* number */
    int64_t wider_s;            /* added to each end of a holiday */
    unsigned weekdays;          /* as ps__when */
    int minute_from, minute_to; /* as ps__when */
    int clock;                  /* 1: the minutes are a time on the clock; its exact minute is `minute` */
    int minute;
} ps__moment;

/* 0: the item says no time that exists (31 February). */
int ps__moment_of(ps__moment *out, const ps__parse *p, const ps__item *item, int southern);

/* Sets the item's flags (soft, year, daypart); 0: it says no time that exists. */
int ps__time_check(const ps__parse *p, ps__item *item);

/* The filter's times. */
int ps__moment_when(ps__when *out, const ps__moment *moment, ps__error *err);

/* moments.c: the arithmetic of moments. */
void ps__moment_any(ps__moment *out);
void ps__moment_span(ps__moment *out, int64_t from_s, int64_t to_s, int grain);
void ps__moment_every(ps__moment *out, int month_from, int day_from, int month_to, int day_to);
int ps__moment_in_year(ps__span out[2], const ps__moment *moment,
                       int year); /* how many of a recurring moment's spans begin in the year */

enum { PS__PICK_LAST_OVER, PS__PICK_LAST_BEGUN, PS__PICK_THIS, PS__PICK_NEXT };
/* One of the spans of a moment that recurs (also of weekdays), as seen from a time. 0: there is none. */
int ps__moment_pick(ps__span *out, const ps__moment *moment, int64_t now_s, int pick);
/* The unit that lies `offset` units from the one that holds a time. */
void ps__moment_unit(ps__moment *out, int unit, int64_t now_s, int64_t offset);
int ps__moment_third(ps__moment *out, const ps__moment *whole, int third); /* 0, 1, 2 */
int ps__moment_around(ps__moment *out, const ps__moment *moment);
int ps__moment_between(ps__moment *out, const ps__moment *a, const ps__moment *b, int64_t now_s);
/* From..to of a moment, the last that has begun where it recurs. 0: only hours. */
int ps__moment_settle(ps__span *out, const ps__moment *moment, int64_t now_s);

/* Hours of a PS__MORNING.. as minutes. */
void ps__daypart_minutes(int *from, int *to, int daypart);

#endif
