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
#include "search/anniversary.h"
#include "store/days.h"

#define LIMIT_MOST 10000
#define DAYS_MOST 30 /* far from where the years would run into each other */

typedef struct date {
    int year, month, day;
} date;

static int is_day(date d) {
    if (d.year < PS__FIRST_YEAR || d.year > PS__LAST_YEAR || d.month < 1 || d.month > 12) return 0;
    return d.day >= 1 && d.day <= ps__days_in_month(d.year, d.month);
}

/* The clock's local date. */
static date today(void) {
    time_t now = (time_t)ps__os.wall_seconds();
    struct tm local;
    if (!localtime_r(&now, &local)) return (date){1970, 1, 1};
    return (date){local.tm_year + 1900, local.tm_mon + 1, local.tm_mday};
}

/* "07-04" is of this year, whose 29 February is the 28th where it has none; or "2026-07-04". */
static int parse_date(date *out, const char *text) {
    int length = 0, n = 0, parts = strlen(text) == 10 ? 3 : 2;
    if (strspn(text, "0123456789-") != strlen(text)) return 0;
    if (parts == 3)
        n = sscanf(text, "%4d-%2d-%2d%n", &out->year, &out->month, &out->day, &length);
    else if (strlen(text) == 5)
        n = sscanf(text, "%2d-%2d%n", &out->month, &out->day, &length);
    if (n != parts || text[length]) return 0;
    if (parts == 2 && out->month == 2 && out->day == 29) out->day = ps__days_in_month(out->year, 2);
    return is_day(*out);
}

/* *day_s: the beginning of the day that is meant. */
static int read_date(int64_t *day_s, const char *text, ps__error *err) {
    date d = today();
    if (text && !parse_date(&d, text)) return ps__fail(err, PS__INVALID, "\"%.20s\" is no day such as 07-04 or 2026-07-04", text);
    *day_s = ps__day(d.year, d.month, d.day) * PS__DAY_S;
    return PS__OK;
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

/* The day itself first, then the days around it, so that a limit costs those; then all by time. span: the day (or two, see
** anniversary.h) with `days` before and after. */
static int fill_year(year *y, const ps__span *span, int days) {
    size_t before = y->results->count;
    int64_t from_s = span->from_s + days * PS__DAY_S, to_s = span->to_s - days * PS__DAY_S;
    int status = ps__store_each_taken(y->store, from_s, to_s, take_photo, y, y->err);
    for (; days > 0 && status == PS__OK; days--, from_s -= PS__DAY_S, to_s += PS__DAY_S) {
        status = ps__store_each_taken(y->store, from_s - PS__DAY_S, from_s, take_photo, y, y->err);
        if (status == PS__OK) status = ps__store_each_taken(y->store, to_s, to_s + PS__DAY_S, take_photo, y, y->err);
    }
    size_t count = y->results->count - before;
    if (count > 1) qsort(y->results->hits + before, count, sizeof *y->results->hits, by_time);
    return status == FULL ? PS__OK : status;
}

static int find(ps_results *results, ps__store *store, int64_t day_s, const ps_day_options *options, ps__error *err) {
    int64_t first;
    ps__when when;
    int status = ps__store_first_taken(&first, store, err);
    if (status != PS__OK) return status == PS__NOTFOUND ? PS__OK : status;
    status = ps__anniversary(&when, day_s, options->days, err);
    if (status != PS__OK) return status;
    for (size_t i = when.count; i-- > 0 && status == PS__OK && when.spans[i].to_s > first;) {
        year y = {results, store, results->count + options->limit, err};
        status = fill_year(&y, &when.spans[i], options->days);
    }
    ps__when_clear(&when);
    if (status == PS__OK) results->verdict = results->count ? PS_VERDICT_GOOD : PS_VERDICT_NONE;
    return status;
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
    int64_t day_s = 0;
    if (!out || !library)
        return ps__refuse(library, PS_INVALID, "ps_on_this_day was given no library or no place for the results");
    *out = NULL;
    if (!options) options = &usual;
    int status = check_options(options, &err);
    if (status == PS__OK) status = read_date(&day_s, options->date, &err);
    ps_results *results = status == PS__OK ? ps__calloc(1, sizeof *results) : NULL;
    if (status == PS__OK && !results) status = ps__fail_nomem(&err);
    if (results) results->places = ps__library_places(library);
    if (status == PS__OK) status = ps__library_take_store(&store, library, &err);
    if (status == PS__OK) status = ps__store_begin(store, &err);
    if (status == PS__OK) {
        status = find(results, store, day_s, options, &err);
        ps__store_end(store);
    }
    ps__library_put_store(library, store);
    if (status == PS__OK)
        *out = results;
    else
        ps_results_free(results);
    return ps__remember(library, status, &err);
}
