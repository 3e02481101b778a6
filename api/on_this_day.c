/*
** On this day: photos taken around the same day of earlier years.
*/
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/last_error.h"
#include "api/results.h"
#include "base/alloc.h"
#include "base/os.h"
#include "store/calendar.h"
#include "store/days.h"

#define DAY_S INT64_C(86400)
#define LIMIT_MOST 10000
#define DAYS_MOST 30
#define FIRST_YEAR 1826 /* of the first photograph */

typedef struct date {
    int year, month, day;
} date;

/* 0, with *seconds of its beginning: there is such a day. */
static int begin_of(int64_t *seconds, date d) {
    char text[40];
    if (d.year < 1 || d.year > 9999) return -1;
    snprintf(text, sizeof text, "%04d-%02d-%02dT00:00:00", d.year, d.month, d.day);
    return ps__calendar_parse(seconds, text) ? 0 : -1;
}

/* The clock's local date. */
static date today(void) {
    time_t now = (time_t)ps__os.wall_seconds();
    struct tm local;
    if (!localtime_r(&now, &local)) return (date){1970, 1, 1};
    return (date){local.tm_year + 1900, local.tm_mon + 1, local.tm_mday};
}

/* "07-04" is of this year, or "2026-07-04". */
static int read_date(date *out, const char *text, ps__error *err) {
    int64_t seconds;
    int length = 0, n = 0;
    *out = today();
    if (!text) return PS__OK;
    if (strlen(text) == 10)
        n = sscanf(text, "%4d-%2d-%2d%n", &out->year, &out->month, &out->day, &length) == 3;
    else if (strlen(text) == 5)
        n = sscanf(text, "%2d-%2d%n", &out->month, &out->day, &length) == 2;
    date leap = {2000, out->month, out->day};
    if (n && text[length] == 0 && strspn(text, "0123456789-") == strlen(text) &&
        begin_of(&seconds, strlen(text) == 10 ? *out : leap) == 0)
        return PS__OK;
    return ps__fail(err, PS__INVALID, "\"%.20s\" is no day such as 07-04 or 2026-07-04", text);
}

/* When the day begins in that year. 29 February is the 28th where there is none. */
static int64_t day_in(date day, int year) {
    date then = {year, day.month, day.day};
    int64_t begin = 0;
    if (begin_of(&begin, then) == 0) return begin;
    then.day = 28;
    begin_of(&begin, then);
    return begin;
}

/* One year being filled. */
typedef struct year {
    ps_results *results;
    ps__store *store;
    size_t most; /* results->count that ends it */
    ps__error *err;
} year;

enum { FULL = 1 };

static int take_photo(int64_t photo, int64_t taken_s, void *payload) {
    year *y = payload;
    const ps__candidate candidate = {.photo = photo};
    (void)taken_s;
    if (y->results->count >= y->most) return FULL;
    return ps__results_add(y->results, y->store, &candidate, 1.0, PS_VERDICT_GOOD, y->err);
}

static int by_time(const void *a, const void *b) {
    const ps__hit *x = a, *y = b;
    if (x->photo.taken_s != y->photo.taken_s) return x->photo.taken_s < y->photo.taken_s ? -1 : 1;
    return x->photo.id < y->photo.id ? -1 : x->photo.id > y->photo.id;
}

/* The day itself first, then the days around it, so that a limit costs those; then all by time. */
static int fill_year(year *y, int64_t begin, int days) {
    size_t before = y->results->count;
    int status = ps__store_each_taken(y->store, begin, begin + DAY_S, take_photo, y, y->err);
    for (int n = 1; n <= days && status == PS__OK; n++) {
        status = ps__store_each_taken(y->store, begin - n * DAY_S, begin - (n - 1) * DAY_S, take_photo, y, y->err);
        if (status == PS__OK)
            status = ps__store_each_taken(y->store, begin + n * DAY_S, begin + (n + 1) * DAY_S, take_photo, y, y->err);
    }
    size_t count = y->results->count - before;
    if (count > 1) qsort(y->results->hits + before, count, sizeof *y->results->hits, by_time);
    return status == FULL ? PS__OK : status;
}

static int find(ps_results *results, ps__store *store, date day, const ps_day_options *options, ps__error *err) {
    int64_t first;
    int status = ps__store_first_taken(&first, store, err);
    if (status != PS__OK) return status == PS__NOTFOUND ? PS__OK : status;
    for (int n = day.year - 1; n >= FIRST_YEAR && status == PS__OK; n--) {
        year y = {results, store, results->count + options->limit, err};
        int64_t begin = day_in(day, n);
        if (begin + (options->days + 1) * DAY_S <= first) break;
        status = fill_year(&y, begin, options->days);
    }
    if (status != PS__OK) return status;
    results->verdict = results->count ? PS_VERDICT_GOOD : PS_VERDICT_NONE;
    return PS__OK;
}

static int check_options(const ps_day_options *o, ps__error *err) {
    if (o->version != PS_DAY_OPTIONS_VERSION) return ps__fail(err, PS__INVALID, "ps_day_options has an unknown version");
    if (o->limit < 1 || o->limit > LIMIT_MOST)
        return ps__fail(err, PS__INVALID, "a limit of %zu is not in 1 to %d", o->limit, LIMIT_MOST);
    if (o->days < 0 || o->days > DAYS_MOST) return ps__fail(err, PS__INVALID, "%d days are not in 0 to %d", o->days, DAYS_MOST);
    return PS__OK;
}

int ps_on_this_day(ps_results **out, ps_library *library, const ps_day_options *options) {
    static const ps_day_options usual = PS_DAY_OPTIONS_INIT;
    ps__error err = {0};
    ps__store *store = NULL;
    date day;
    if (!out || !library)
        return ps__refuse(library, PS_INVALID, "ps_on_this_day was given no library or no place for the results");
    *out = NULL;
    if (!options) options = &usual;
    int status = check_options(options, &err);
    if (status == PS__OK) status = read_date(&day, options->date, &err);
    ps_results *results = status == PS__OK ? ps__calloc(1, sizeof *results) : NULL;
    if (status == PS__OK && !results) status = ps__fail_nomem(&err);
    if (status == PS__OK) status = ps__library_take_store(&store, library, &err);
    if (status == PS__OK) status = ps__store_begin(store, &err);
    if (status == PS__OK) {
        status = find(results, store, day, options, &err);
        ps__store_end(store);
    }
    ps__library_put_store(library, store);
    if (status == PS__OK)
        *out = results;
    else
        ps_results_free(results);
    return ps__remember(library, status, &err);
}
