/*
** Dates in file names. A name is read as runs of digits with something between them; a date is a run of 8 (20210704), three runs
** of 4, 2 and 2 with the same sign between (2021-07-04), or part of a longer run that holds the clock time too (20210704153210).
** The clock time comes after it: at once in 6 digits or 9 with milliseconds, or, after some words, in three runs (" at 3.32.10
** PM"). Besides, a run of 13 or 10 digits may count the milliseconds or seconds since 1970.
**
** Numbers that are no dates are the rule rather than the exception in file names. So runs must have exactly these lengths, dates
** must exist and be plausible, and what may be part of a hash is left alone.
*/
#include "indexer/name_date.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/os.h"
#include "store/calendar.h"

#define FIRST_YEAR 1990
#define LONGEST_GAP 24 /* bytes between date and clock time: " at ", " um ", " le ", with spaces of several bytes */

typedef struct moment {
    int year, month, day, hour, minute, second;
} moment;

static int is_digit(char c) { return c >= '0' && c <= '9'; }
static int is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

static size_t run_of(const char *s) {
    size_t n = 0;
    while (is_digit(s[n])) n++;
    return n;
}

static int number(const char *s, size_t digits) {
    int value = 0;
    while (digits--) value = value * 10 + (*s++ - '0');
    return value;
}

static int year_of(int64_t seconds) {
    char text[20];
    ps__calendar_text(text, seconds);
    return text[0] ? number(text, 4) : 0;
}

static int is_plausible(int year) { return year >= FIRST_YEAR && year <= year_of(ps__os.wall_seconds()) + 1; }

/* 0 when there is no such date, or it is not plausible. */
static int seconds_of(int64_t *seconds, const moment *m) {
    char text[80];
    snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d", m->year, m->month, m->day, m->hour, m->minute, m->second);
    return ps__calendar_parse(seconds, text) && is_plausible(m->year);
}

/* ---- Clock times ---- */

/* "153210" or "153210123". */
static void read_compact(moment *m, const char *s) {
    m->hour = number(s, 2);
    m->minute = number(s + 2, 2);
    m->second = number(s + 4, 2);
}

/* After a clock time: 'a' or 'p' for "AM" and " pm" (with any kind of space before it), else 0. */
static char half_of_day(const char *s) {
    static const char *const spaces[] = {" ", "_", "-", "\xc2\xa0", "\xe2\x80\xaf"};
    for (size_t i = 0; i < sizeof spaces / sizeof *spaces; i++) {
        if (strncmp(s, spaces[i], strlen(spaces[i])) != 0) continue;
        s += strlen(spaces[i]);
        break;
    }
    char half = (char)(s[0] | 32);
    return (half == 'a' || half == 'p') && (s[1] | 32) == 'm' && !is_letter(s[2]) ? half : 0;
}

/* The same before it, in the words of a Chinese Mac. */
static char half_in(const char *gap, size_t length) {
    static const char morning[] = "\xe4\xb8\x8a\xe5\x8d\x88", afternoon[] = "\xe4\xb8\x8b\xe5\x8d\x88";
    for (size_t i = 0; i + sizeof morning - 1 <= length; i++) {
        if (memcmp(gap + i, morning, sizeof morning - 1) == 0) return 'a';
        if (memcmp(gap + i, afternoon, sizeof afternoon - 1) == 0) return 'p';
    }
    return 0;
}

/* "15.32.10", "3-32-10 PM"; `half` as above, if it is known already. 1 if it is one. */
static int read_separate(moment *m, const char *s, char half) {
    size_t n = run_of(s);
    if (n < 1 || n > 2) return 0;
    char sign = s[n];
    if (!sign || !strchr(".:-_", sign)) return 0;
    const char *minute = s + n + 1, *second = minute + 3;
    if (run_of(minute) != 2 || minute[2] != sign || run_of(second) != 2) return 0;
    m->hour = number(s, n);
    m->minute = number(minute, 2);
    m->second = number(second, 2);
    if (!half) half = half_of_day(second + 2);
    if (half && m->hour >= 1 && m->hour <= 12) m->hour = m->hour % 12 + (half == 'p') * 12;
    return 1;
}

/* Is there a clock time after a date? */
static int read_clock(moment *m, const char *after) {
    size_t gap = 0;
    while (gap <= LONGEST_GAP && after[gap] && !is_digit(after[gap])) gap++;
    if (gap == 0 || gap > LONGEST_GAP || !after[gap]) return 0;
    size_t n = run_of(after + gap);
    if (gap == 1 && (n == 6 || n == 9) && (!is_letter(*after) || (*after | 32) == 't')) {
        read_compact(m, after + gap);
        return 1;
    }
    return read_separate(m, after + gap, half_in(after, gap));
}

/* ---- Dates ---- */

/* A date that begins with this run of digits: its precision, or 0. */
static int read_date(int64_t *seconds, const char *s, size_t run) {
    moment m = {0};
    const char *after = s + run;
    if (run < 4) return 0;
    m.year = number(s, 4);
    if (run == 8 || run == 14 || run == 17) {
        m.month = number(s + 4, 2);
        m.day = number(s + 6, 2);
    } else if (run == 4 && *after && strchr("-._ ", *after) && run_of(after + 1) == 2 && after[3] == *after &&
               run_of(after + 4) == 2) {
        m.month = number(after + 1, 2);
        m.day = number(after + 4, 2);
        after += 6;
    } else {
        return 0;
    }
    if (run > 8) {
        read_compact(&m, s + 8);
        return seconds_of(seconds, &m) ? PS__DATE_CLOCK : 0;
    }
    moment day = m;
    if (read_clock(&m, after) && seconds_of(seconds, &m)) return PS__DATE_CLOCK;
    if (run == 8 && is_letter(*after)) return 0; /* of a hash, rather */
    return seconds_of(seconds, &day) ? PS__DATE_DAY : 0;
}

/* Seconds since 1970: 1 and the local time. A number of 10 digits may be anything: it must be all of the name, or follow a
** word that is known to come before such numbers. */
static int read_epoch(int64_t *seconds, const char *name, const char *s, size_t run) {
    static const char *const words[] = {"FB_IMG_",   "IMG_",   "VID_",   "mmexport",   "wx_camera_",
                                        "microMsg.", "image_", "photo_", "Screenshot_"};
    int64_t utc = 0;
    if (run != 13 && run != 10) return 0;
    for (size_t i = 0; i < 10; i++) utc = utc * 10 + (s[i] - '0');
    if (run == 10) {
        int known = s == name && (s[run] == 0 || s[run] == '.');
        for (size_t i = 0; i < sizeof words / sizeof *words && !known; i++)
            known = (size_t)(s - name) == strlen(words[i]) && strncasecmp(name, words[i], strlen(words[i])) == 0;
        if (!known) return 0;
    }
    if (!is_plausible(year_of(utc))) return 0;
    *seconds = utc + ps__os.utc_offset(utc);
    return 1;
}

/* "20101231-89ab-4def-8123-456789abcdef": digits that mean nothing. */
static int is_uuid(const char *name) {
    for (int i = 0; i < 36; i++) {
        int dash = i == 8 || i == 13 || i == 18 || i == 23,
            hex = is_digit(name[i]) || ((name[i] | 32) >= 'a' && (name[i] | 32) <= 'f');
        if (dash ? name[i] != '-' : !hex) return 0;
    }
    return 1;
}

int ps__name_date(int64_t *taken_s, int *precision, const char *path) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    int utc = strncasecmp(name, "PXL_", 4) == 0;
    *taken_s = 0;
    *precision = 0;
    if (is_uuid(name)) return 0;
    for (const char *s = name; *s && *precision != PS__DATE_CLOCK;) {
        size_t run = run_of(s);
        int64_t seconds;
        int found = run ? read_date(&seconds, s, run) : 0;
        if (!found && read_epoch(&seconds, name, s, run))
            found = PS__DATE_CLOCK;
        else if (found == PS__DATE_CLOCK && utc)
            seconds += ps__os.utc_offset(seconds);
        if (found > *precision) {
            *taken_s = seconds;
            *precision = found;
        }
        s += run ? run : 1;
    }
    return *precision != 0;
}
