/*
** Times that a photo may have been taken at: spans of the camera's local time, narrowed to some days of the week and a part of
** the day. All times are local camera times, seconds since 1970-01-01T00:00:00 of the same clock (ps__photo.taken_s).
**
** A value is plain memory that its holder owns; nothing here is shared, any thread may call anything.
*/
#ifndef PS_SEARCH_WHEN_H
#define PS_SEARCH_WHEN_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"

#define PS__WHEN_FIRST INT64_MIN /* from_s of a span without a beginning */
#define PS__WHEN_LAST INT64_MAX  /* to_s of a span without an end */
#define PS__WEEK 127u            /* every day of the week */
#define PS__FIRST_YEAR 1826      /* of the first photograph */
#define PS__LAST_YEAR 2100

typedef struct ps__span {
    int64_t from_s, to_s; /* from_s <= t < to_s */
} ps__span;

typedef struct ps__when {
    ps__span *spans;   /* [count] owned; sorted, disjoint, none touching the next */
    size_t count;      /* 0: no time at all passes */
    unsigned weekdays; /* bit 0 Monday ... bit 6 Sunday; PS__WEEK: any */
    int minute_from,
        minute_to;  /* of the day, 0..1440: minute_from <= m < minute_to, or over midnight when from > to; 0, 1440: any.
                                  ** Over midnight, the hours after it belong to the weekday before */
    char every[24]; /* what recurs each year: "06-01..07-01", or a holiday's name; "": the spans are meant as they are */
} ps__when;

/* All of time. */
int ps__when_always(ps__when *out, ps__error *err);
/* One span; PS__WHEN_FIRST and PS__WHEN_LAST leave an end open. */
int ps__when_span(ps__when *out, int64_t from_s, int64_t to_s, ps__error *err);
void ps__when_clear(ps__when *when); /* a zeroed one is fine */
int ps__when_copy(ps__when *out, const ps__when *when, ps__error *err);

/* Adds a span to a set of spans, merging what touches; nothing where from_s >= to_s. When memory runs out the set is as it was. */
int ps__when_add(ps__when *when, int64_t from_s, int64_t to_s, ps__error *err);

/* *when becomes what passes both, or what passes either; after an error it is as it was. `every` is kept where both agree or,
** for "and", where the other one is all of time; else it is cleared. What nothing passes has no spans, every weekday and every
** hour.
**
** Weekdays of a value without hours are those that the other's hours begin on: Saturdays and 22:00 to 06:00 are the nights
** from Saturday to Sunday. PS__INVALID for an "and" of hours that have two parts in common (20:00 to 10:00 and 08:00 to
** 22:00), and for an "or" of values that both hold something and differ in weekdays or hours: these need two filters. */
int ps__when_and(ps__when *when, const ps__when *other, ps__error *err);
int ps__when_or(ps__when *when, const ps__when *other, ps__error *err);

/* 1: a photo taken at this time passes. A few ns for one span, 30 for 200: binary search. */
int ps__when_has(const ps__when *when, int64_t taken_s);

/* The first and last moment (exclusive) of the spans; PS__WHEN_FIRST and PS__WHEN_LAST where open. 0 and 0 when there is none. */
void ps__when_bounds(int64_t *from_s, int64_t *to_s, const ps__when *when);

/* "2021-07-04..2021-07-05", "2026-11-23T18:00..", "every 06-01..07-01", spans joined by " | "; seconds only where they are not
** 0. ".." is all of time, "never" none. Weekdays and hours are not told. */
void ps__when_print(ps__buf *out, const ps__when *when);

/* ---- The calendar ---- */

/* Days since 1970-01-01 in the Gregorian calendar, and back. month 1..12 and day 1..31, also outside them: 32 January is 1
** February, and month 0 of a year is December of the one before. Days too far away for a year that is an int are those of the
** last year that fits. */
int64_t ps__day(int year, int month, int day);
void ps__day_parts(int *year, int *month, int *day, int64_t days);
int ps__day_weekday(int64_t days); /* 0 Monday ... 6 Sunday */
int ps__days_in_month(int year, int month);

#define PS__DAY_S INT64_C(86400)

#endif
