/*
** What a filter means, in plain English, so that a person sees how a sentence was read.
*/
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "search/holidays.h"
#include "search/parse/build.h"

static const char *const MONTHS[] = {"January", "February", "March",     "April",   "May",      "June",
                                     "July",    "August",   "September", "October", "November", "December"};
static const char *const WEEKDAYS[] = {"Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays"};

typedef struct stamp {
    int year, month, day, minute;
    int64_t days;
} stamp;

static stamp stamp_of(int64_t s) {
    stamp t;
    t.days = s / PS__DAY_S - (s % PS__DAY_S < 0);
    ps__day_parts(&t.year, &t.month, &t.day, t.days);
    t.minute = (int)((s - t.days * PS__DAY_S) / 60);
    return t;
}

static void put_day(ps__buf *out, const stamp *t) { ps__buf_printf(out, "%d %s %d", t->day, MONTHS[t->month - 1], t->year); }

static void put_stamp(ps__buf *out, int64_t s) {
    stamp t = stamp_of(s);
    put_day(out, &t);
    if (t.minute) ps__buf_printf(out, ", %d:%02d", t.minute / 60, t.minute % 60);
}

static void put_closed(ps__buf *out, const ps__span *span) {
    stamp a = stamp_of(span->from_s), b = stamp_of(span->to_s), last = stamp_of(span->to_s - 1);
    if (a.minute || b.minute) {
        if (a.days == last.days) {
            ps__buf_puts(out, "on ");
            put_day(out, &a);
            ps__buf_printf(out, " from %d:%02d to %d:%02d", a.minute / 60, a.minute % 60, b.minute ? b.minute / 60 : 24,
                           b.minute % 60);
            return;
        }
        ps__buf_puts(out, "from ");
        put_stamp(out, span->from_s);
        ps__buf_puts(out, " to ");
        put_stamp(out, span->to_s);
        return;
    }
    int years = a.month == 1 && a.day == 1 && b.month == 1 && b.day == 1;
    if (years && a.year == last.year) {
        ps__buf_printf(out, "in %d", a.year);
    } else if (years) {
        ps__buf_printf(out, "from %d to %d", a.year, last.year);
    } else if (a.day == 1 && b.day == 1 && a.year == last.year && a.month == last.month) {
        ps__buf_printf(out, "in %s %d", MONTHS[a.month - 1], a.year);
    } else if (a.days == last.days) {
        ps__buf_puts(out, "on ");
        put_day(out, &a);
    } else {
        ps__buf_puts(out, "between ");
        put_day(out, &a);
        ps__buf_puts(out, " and ");
        put_day(out, &last);
    }
}

static void put_span(ps__buf *out, const ps__span *span) {
    if (span->from_s == PS__WHEN_FIRST && span->to_s == PS__WHEN_LAST) {
        ps__buf_puts(out, "at any time");
    } else if (span->from_s == PS__WHEN_FIRST) {
        ps__buf_puts(out, "before ");
        put_stamp(out, span->to_s);
    } else if (span->to_s == PS__WHEN_LAST) {
        ps__buf_puts(out, "since ");
        put_stamp(out, span->from_s);
    } else {
        put_closed(out, span);
    }
}

/* "lunar-new-year": "lunar new year". */
static void put_name(ps__buf *out, const char *name) {
    for (; *name; name++) ps__buf_putc(out, *name == '-' ? ' ' : *name);
}

static void put_every(ps__buf *out, const char *every) {
    unsigned m1, d1, m2, d2;
    for (int i = 0; ps__holiday_name(i); i++)
        if (strcmp(ps__holiday_fixed(i), every) == 0) {
            ps__buf_puts(out, "at ");
            put_name(out, ps__holiday_name(i));
            ps__buf_puts(out, " of any year");
            return;
        }
    if (sscanf(every, "%2u-%2u..%2u-%2u", &m1, &d1, &m2, &d2) != 4) {
        ps__buf_puts(out, "at ");
        put_name(out, every);
        ps__buf_puts(out, " of any year");
        return;
    }
    stamp last = stamp_of(ps__day(2001, (int)m2, (int)d2) * PS__DAY_S - 1);
    if (d1 == 1 && d2 == 1 && m1 % 12 + 1 == m2)
        ps__buf_printf(out, "in %s of any year", MONTHS[m1 - 1]);
    else if (last.month == (int)m1 && last.day == (int)d1)
        ps__buf_printf(out, "on %u %s of any year", d1, MONTHS[m1 - 1]);
    else if (d1 == 1 && d2 == 1)
        ps__buf_printf(out, "from %s to %s of any year", MONTHS[m1 - 1], MONTHS[last.month - 1]);
    else
        ps__buf_printf(out, "from %u %s to %d %s of any year", d1, MONTHS[m1 - 1], last.day, MONTHS[last.month - 1]);
}

static void put_spans(ps__buf *out, const ps__when *when) {
    if (when->every[0]) {
        put_every(out, when->every);
        return;
    }
    if (!when->count) ps__buf_puts(out, "never");
    for (size_t i = 0; i < when->count && i < 4; i++) {
        if (i) ps__buf_puts(out, " or ");
        put_span(out, &when->spans[i]);
    }
    if (when->count > 4) ps__buf_printf(out, " or at %zu other times", when->count - 4);
}

static void put_weekdays(ps__buf *out, unsigned weekdays) {
    int left = 0, put = 0;
    for (int d = 0; d < 7; d++) left += (int)(weekdays >> d & 1);
    ps__buf_puts(out, "on ");
    for (int d = 0; d < 7; d++) {
        if (!(weekdays >> d & 1)) continue;
        ps__buf_puts(out, put == 0 ? "" : put + 1 == left ? " and " : ", ");
        ps__buf_puts(out, WEEKDAYS[d]);
        put++;
    }
}

static void put_hours(ps__buf *out, int from, int to) {
    static const char *const DAYPARTS[] = {"in the morning", "at noon",  "in the afternoon",
                                           "in the evening", "at night", "at midnight"};
    const char *name = NULL;
    for (int i = 0; i < 6; i++) {
        int a, b;
        ps__daypart_minutes(&a, &b, i);
        if (a == from && b == to) name = DAYPARTS[i];
    }
    if (name)
        ps__buf_printf(out, "%s (%d:%02d to %d:%02d)", name, from / 60, from % 60, to / 60, to % 60);
    else
        ps__buf_printf(out, "between %d:%02d and %d:%02d", from / 60, from % 60, to / 60, to % 60);
}

static void put_when(ps__buf *out, const ps__when *when) {
    int all =
        !when->every[0] && when->count == 1 && when->spans[0].from_s == PS__WHEN_FIRST && when->spans[0].to_s == PS__WHEN_LAST;
    int days = when->weekdays != PS__WEEK, hours = when->minute_from != 0 || when->minute_to != 1440;
    if (!all || (!days && !hours)) put_spans(out, when);
    if (days) {
        if (!all) ps__buf_putc(out, ' ');
        put_weekdays(out, when->weekdays);
    }
    if (hours) {
        if (!all || days) ps__buf_putc(out, ' ');
        put_hours(out, when->minute_from, when->minute_to);
    }
}

static int put_where(ps__buf *out, const ps__where *where, const ps__gazetteer *gazetteer, ps__error *err) {
    char *label;
    int status = ps__gazetteer_label(&label, gazetteer, &where->place, NULL, err);
    if (status != PS__OK) return status;
    if (where->near)
        ps__buf_printf(out, "within %.4g km of %s", where->radius_km, label);
    else
        ps__buf_printf(out, where->place.kind == PS__PLACE_AREA && label[0] && label[strlen(label) - 1] == 's' ? "in the %s" : "in %s", label);
    ps__free(label);
    return PS__OK;
}

static const char *kind_name(int kind) {
    return kind == PS__KIND_SCREENSHOT ? "screenshots" : kind == PS__KIND_PANORAMA ? "panoramas" : "selfies";
}

static const char *shape_name(int shape) {
    static const char *const NAMES[] = {"", "higher than wide", "wider than high", "square", "at least twice as wide as high"};
    return NAMES[shape];
}

static void put_size(ps__buf *out, const ps__filter *f) {
    int pixels = f->kind == PS__FILTER_PIXELS, low = f->low != -INFINITY;
    double limit = low ? f->low : f->high;
    const char *unit = pixels ? "megapixels" : limit >= 1e6 ? "MB" : "kB";
    ps__buf_printf(out, "of %s %.4g %s", low ? "at least" : "at most", limit / (pixels || limit >= 1e6 ? 1e6 : 1e3), unit);
}

int ps__filter_meaning(char **out, const ps__filter *f, const ps__gazetteer *gazetteer, ps__error *err) {
    ps__buf text = PS__BUF_INIT;
    int status = PS__OK;
    if (f->negative) ps__buf_puts(&text, "not ");
    switch (f->kind) {
    case PS__FILTER_WHEN: put_when(&text, &f->when); break;
    case PS__FILTER_WHERE: status = put_where(&text, &f->where, gazetteer, err); break;
    case PS__FILTER_CAMERA: ps__buf_printf(&text, "taken with a camera called \"%s\"", f->text); break;
    case PS__FILTER_LENS: ps__buf_printf(&text, "taken with a lens called \"%s\"", f->text); break;
    case PS__FILTER_FLASH: ps__buf_puts(&text, f->value ? "with flash" : "without flash"); break;
    case PS__FILTER_SHAPE: ps__buf_puts(&text, shape_name(f->value)); break;
    case PS__FILTER_KIND: ps__buf_puts(&text, kind_name(f->value)); break;
    case PS__FILTER_TYPE: ps__buf_printf(&text, "%s files", f->text); break;
    case PS__FILTER_FOLDER: ps__buf_printf(&text, "in a folder called \"%s\"", f->text); break;
    case PS__FILTER_NAME: ps__buf_printf(&text, "with a file name like \"%s\"", f->text); break;
    case PS__FILTER_RATING: ps__buf_printf(&text, "rated %.3g stars or more", f->low); break;
    case PS__FILTER_PIXELS:
    case PS__FILTER_BYTES: put_size(&text, f); break;
    case PS__FILTER_WORDS: ps__buf_printf(&text, "with the words \"%s\"", f->text); break;
    default: ps__buf_printf(&text, "tagged \"%s\"", f->text); break;
    }
    *out = ps__buf_detach(&text);
    if (status == PS__OK && !*out) status = ps__fail_nomem(err);
    if (status != PS__OK) {
        ps__free(*out);
        *out = NULL;
    }
    return status;
}
