/*
** The holidays: one table, a line each. Those of the same days each year are written as these days; the others name a rule and
** its numbers.
**
** Sources. Western and Orthodox churches: days counted from their Easter (calendars.c). United States: 5 U.S.C. 6103, for
** Thanksgiving before 1942 the presidents' proclamations (the last Thursday of November, 1939 to 1941 a week earlier), for
** Mother's and Father's Day 36 U.S.C. 117 and 109. Canada: the proclamation of 31 January 1957, in use since 1931. China: the
** months of calendars.c; the days off by the State Council's Regulation on Public Holidays. Vietnam reckons by the moon at UTC+7
** since 1968, Korea at UTC+9: the years in which this gives another day than China's are listed. Jewish and Islamic days begin
** on the evening before; of Jewish feasts this evening is part of the span. Ramadan and its feasts are those of the civil
** calendar (calendars.c); a land that waits for the moon may be a day later. Hindu feasts are on different days in some regions:
** the spans hold all. Vesak: by the full moon of Vaisakha, which some lands keep a month later when it comes early. Nyepi: the
** decrees of Indonesia's ministers, 1995 to 2027. Galungan: every 210 days of the Balinese Pawukon. Oktoberfest: the rule of the
** city of Munich. Midsummer: the Swedish one.
*/
#include "search/holidays.h"

#include <stddef.h>
#include <string.h>

#include "search/calendars.h"
#include "search/moon_years.h"

/* Days, as the rules add them; at most two runs a year. */
typedef struct runs {
    ps__span span[2];
    int count;
} runs;

typedef struct rule rule;
struct rule {
    const char *name;
    const char *fixed;                                  /* "12-24..12-27"; NULL: it moves */
    void (*reckon)(runs *out, const rule *r, int year); /* what moves */
    int a, b, c, d;                                     /* its numbers */
};

/* `days` days from `first` on, if they begin in the year. */
static void add(runs *out, int year, int64_t first, int days) {
    if (first < ps__day(year, 1, 1) || first >= ps__day(year + 1, 1, 1) || out->count == 2) return;
    out->span[out->count++] = (ps__span){first * PS__DAY_S, (first + days) * PS__DAY_S};
}

/* ---- Rules ---- */

/* From a days after Easter, b days. */
static void easter(runs *out, const rule *r, int year) { add(out, year, ps__easter(year) + r->a, r->b); }
static void orthodox(runs *out, const rule *r, int year) { add(out, year, ps__orthodox_easter(year) + r->a, r->b); }

/* The first such weekday (0 Monday) on or after a day of a month. */
static int64_t weekday_from(int year, int month, int day, int weekday) {
    int64_t from = ps__day(year, month, day);
    return from + (weekday - ps__day_weekday(from) + 7) % 7;
}

/* The first weekday c on or after day b of month a, from the year d on. */
static void weekday(runs *out, const rule *r, int year) {
    if (year >= r->d) add(out, year, weekday_from(year, r->a, r->b, r->c), 1);
}

static void thanksgiving(runs *out, const rule *r, int year) {
    (void)r;
    if (year >= 1863) add(out, year, weekday_from(year, 11, year >= 1942 ? 22 : year >= 1939 ? 17 : 24, 3), 1);
}

static void advent(runs *out, const rule *r, int year) { /* four Sundays, to the day before Christmas Eve */
    (void)r;
    int64_t first = weekday_from(year, 11, 27, 6);
    add(out, year, first, (int)(ps__day(year, 12, 24) - first));
}

static void midsummer(runs *out, const rule *r, int year) { /* the eve and its day */
    (void)r;
    add(out, year, weekday_from(year, 6, 19, 4), 2);
}

static void oktoberfest(runs *out, const rule *r, int year) { /* to the first Sunday of October, or the 3rd if that is later */
    (void)r;
    int64_t first = weekday_from(year, 9, 16, 5), last = weekday_from(year, 10, 1, 6);
    if (year >= 2000 && last < ps__day(year, 10, 3)) last = ps__day(year, 10, 3);
    if (year != 2020 && year != 2021) add(out, year, first, (int)(last - first + 1));
}

/* From c days after day b of month a, d days. The last months of a Chinese year may lie in the next one of ours. */
static void chinese(runs *out, const rule *r, int year) {
    int64_t day;
    for (int y = year - 1; y <= year; y++)
        if (ps__chinese_day(&day, y, r->a, r->b)) add(out, year, day + r->c, r->d);
}

static void qingming(runs *out, const rule *r, int year) {
    int64_t day;
    (void)r;
    if (ps__chinese_qingming(&day, year)) add(out, year, day, 1);
}

static void solstice(runs *out, const rule *r, int year) {
    int64_t day;
    (void)r;
    if (ps__chinese_solstice(&day, year)) add(out, year, day, 1);
}

/* Years in which another clock than China's puts the moon on another day. */
typedef struct shift {
    int year, days;
} shift;

static const shift tet_shifts[] = {{1968, -1}, {1969, -1}, {1985, -30}, {2007, -1}, {2030, -1}, {2053, -1}, {0, 0}};
static const shift seollal_shifts[] = {{1966, 1}, {1988, 1}, {1997, 1}, {2027, 1}, {2028, 1},
                                       {2061, 1}, {2089, 1}, {2092, 1}, {0, 0}};
static const shift chuseok_shifts[] = {{2040, 1}, {2089, 1}, {2096, 1}, {2098, 1}, {0, 0}};

static void shifted(runs *out, const rule *r, int year, const shift *shifts) {
    int64_t day;
    int days = 0;
    for (; shifts->year; shifts++)
        if (shifts->year == year) days = shifts->days;
    if (ps__chinese_day(&day, year, r->a, r->b)) add(out, year, day + days + r->c, r->d);
}

static void tet(runs *out, const rule *r, int year) { shifted(out, r, year, tet_shifts); }
static void seollal(runs *out, const rule *r, int year) { shifted(out, r, year, seollal_shifts); }
static void chuseok(runs *out, const rule *r, int year) { shifted(out, r, year, chuseok_shifts); }

/* From day b of month a, c days; 0: the whole month. An Islamic year is 11 days shorter than ours: two may begin in one. */
static void islamic(runs *out, const rule *r, int year) {
    int64_t first, next;
    if (year < PS__MOON_FIRST || year > PS__MOON_LAST) return;
    int guess = (year - 622) * 33 / 32;
    for (int y = guess - 1; y <= guess + 2; y++) {
        if (!ps__islamic_day(&first, y, r->a, r->b) || !ps__islamic_day(&next, y, r->a + 1, 1)) continue;
        add(out, year, first, r->c ? r->c : (int)(next - first));
    }
}

/* From a days after 1 Tishri, b days; days before it are those of the Hebrew year that ends. */
static void hebrew(runs *out, const rule *r, int year) { add(out, year, ps__hebrew_new_year(year + 3761) + r->a, r->b); }

static void hanukkah(runs *out, const rule *r, int year) { /* from the eve of 25 Kislev; Heshvan before it has 29 or 30 days */
    (void)r;
    int64_t first = ps__hebrew_new_year(year + 3761), length = ps__hebrew_new_year(year + 3762) - first;
    add(out, year, first + 30 + (length % 10 == 5 ? 30 : 29) + 24 - 1, 9);
}

static void diwali(runs *out, const rule *r, int year) { /* Dhanteras to Bhai Dooj */
    int64_t day;
    (void)r;
    if (ps__hindu_diwali(&day, year)) add(out, year, day - 2, 5);
}

static void holi(runs *out, const rule *r, int year) { /* the fire's evening, and the two days that the colours are on */
    int64_t day;
    (void)r;
    if (ps__hindu_holi(&day, year)) add(out, year, day, 3);
}

static void vesak(runs *out, const rule *r, int year) { /* the lands' own moons are up to two days ahead */
    int64_t day;
    (void)r;
    if (!ps__hindu_vesak(&day, year)) return;
    add(out, year, day - 2, 3);
    if (day <= ps__day(year, 5, 6)) add(out, year, day + 27, 4);
}

static void nyepi(runs *out, const rule *r, int year) { /* the eve with its ogoh-ogoh, and the silent day; days from 1 March */
    static const int days[] = {31, 20, 39, 28, 17, 34, 24, 43, 32, 21, 10, 29, 18, 6,  25, 15, 4,
                               22, 11, 30, 20, 8,  27, 16, 6,  24, 13, 2,  21, 10, 28, 18, 7};
    (void)r;
    if (year >= 1995 && year <= 2027) add(out, year, ps__day(year, 3, 1) + days[year - 1995] - 1, 2);
}

static void galungan(runs *out, const rule *r, int year) { /* with the days before and after it */
    int64_t known = ps__day(2021, 4, 14) - 1, from = ps__day(year, 1, 1), off = (known - from) % 210;
    (void)r;
    if (off < 0) off += 210;
    add(out, year, from + off, 3);
    add(out, year, from + off + 210, 3);
}

/* ---- The table ---- */

#define FIXED(name, days)                                                                                                        \
    { name, days, NULL, 0, 0, 0, 0 }

static const rule rules[] = {
    FIXED("new-year", "12-31..01-02"), /* of the year that begins */
    FIXED("new-years-eve", "12-31..01-01"),
    FIXED("epiphany", "01-06..01-07"),
    FIXED("orthodox-christmas", "01-06..01-08"),
    FIXED("candlemas", "02-02..02-03"),
    FIXED("valentine", "02-14..02-15"),
    {"carnival", NULL, easter, -52, 6, 0, 0}, /* Thursday to Shrove Tuesday */
    {"shrove-tuesday", NULL, easter, -47, 1, 0, 0},
    {"ash-wednesday", NULL, easter, -46, 1, 0, 0},
    {"maslenitsa", NULL, orthodox, -55, 7, 0, 0},
    FIXED("womens-day", "03-08..03-09"),
    FIXED("saint-patrick", "03-17..03-18"),
    FIXED("fallas", "03-15..03-20"),
    FIXED("april-fools", "04-01..04-02"),
    {"palm-sunday", NULL, easter, -7, 1, 0, 0},
    {"holy-week", NULL, easter, -7, 8, 0, 0},
    {"good-friday", NULL, easter, -2, 1, 0, 0},
    {"easter", NULL, easter, -2, 4, 0, 0},
    {"easter-sunday", NULL, easter, 0, 1, 0, 0},
    {"easter-monday", NULL, easter, 1, 1, 0, 0},
    {"orthodox-easter", NULL, orthodox, -2, 4, 0, 0},
    FIXED("earth-day", "04-22..04-23"),
    FIXED("walpurgis", "04-30..05-01"),
    FIXED("labour-day", "05-01..05-02"),
    {"ascension", NULL, easter, 39, 1, 0, 0},
    {"pentecost", NULL, easter, 49, 2, 0, 0},
    {"corpus-christi", NULL, easter, 60, 1, 0, 0},
    {"mothers-day", NULL, weekday, 5, 8, 6, 1908},
    {"fathers-day", NULL, weekday, 6, 15, 6, 1910},
    FIXED("childrens-day", "06-01..06-02"),
    {"midsummer", NULL, midsummer, 0, 0, 0, 0},
    FIXED("saint-john", "06-23..06-25"),
    FIXED("san-fermin", "07-06..07-15"),
    FIXED("assumption", "08-15..08-16"),
    {"oktoberfest", NULL, oktoberfest, 0, 0, 0, 0},
    FIXED("halloween", "10-31..11-01"),
    FIXED("reformation-day", "10-31..11-01"),
    FIXED("all-saints", "11-01..11-02"),
    FIXED("all-souls", "11-02..11-03"),
    FIXED("day-of-the-dead", "11-01..11-03"),
    FIXED("guy-fawkes", "11-05..11-06"),
    FIXED("saint-martin", "11-11..11-12"),
    {"advent", NULL, advent, 0, 0, 0, 0},
    FIXED("saint-nicholas", "12-06..12-07"),
    FIXED("saint-lucia", "12-13..12-14"),
    FIXED("christmas-eve", "12-24..12-25"),
    FIXED("christmas", "12-24..12-27"),
    FIXED("christmas-day", "12-25..12-26"),
    FIXED("boxing-day", "12-26..12-27"),

    /* of countries */
    {"martin-luther-king", NULL, weekday, 1, 15, 0, 1986},
    {"presidents-day", NULL, weekday, 2, 15, 0, 1971},
    {"memorial-day", NULL, weekday, 5, 25, 0, 1971},
    FIXED("juneteenth", "06-19..06-20"),
    FIXED("independence-day", "07-04..07-05"),
    {"labor-day-us", NULL, weekday, 9, 1, 0, 1894},
    {"columbus-day", NULL, weekday, 10, 8, 0, 1971},
    FIXED("veterans-day", "11-11..11-12"),
    {"thanksgiving", NULL, thanksgiving, 0, 0, 0, 0},
    FIXED("canada-day", "07-01..07-02"),
    {"thanksgiving-ca", NULL, weekday, 10, 8, 0, 1931},
    FIXED("cinco-de-mayo", "05-05..05-06"),
    FIXED("mexico-independence", "09-15..09-17"),
    FIXED("brazil-independence", "09-07..09-08"),
    FIXED("tiradentes", "04-21..04-22"),
    FIXED("our-lady-aparecida", "10-12..10-13"),
    FIXED("brazil-republic", "11-15..11-16"),
    FIXED("carnation-revolution", "04-25..04-26"),
    FIXED("portugal-day", "06-10..06-11"),
    FIXED("hispanic-day", "10-12..10-13"),
    FIXED("bastille-day", "07-14..07-15"),
    FIXED("fete-de-la-musique", "06-21..06-22"),
    FIXED("german-unity", "10-03..10-04"),
    FIXED("swiss-national-day", "08-01..08-02"),
    FIXED("austrian-national-day", "10-26..10-27"),
    FIXED("kings-day", "04-27..04-28"),
    FIXED("australia-day", "01-26..01-27"),
    FIXED("anzac-day", "04-25..04-26"),
    FIXED("victory-day", "05-09..05-10"),
    FIXED("india-independence", "08-15..08-16"),
    FIXED("india-republic", "01-26..01-27"),
    FIXED("indonesia-independence", "08-17..08-18"),
    FIXED("kartini", "04-21..04-22"),
    FIXED("singapore-national-day", "08-09..08-10"),
    FIXED("china-national-day", "10-01..10-08"),
    FIXED("singles-day", "11-11..11-12"),
    FIXED("golden-week", "04-29..05-06"), /* Japan */
    FIXED("hanami", "03-20..04-16"),      /* Tokyo to Sendai, most years */
    FIXED("tanabata", "07-07..07-08"),
    FIXED("obon", "08-13..08-17"),
    FIXED("songkran", "04-13..04-16"),
    FIXED("nowruz", "03-20..03-22"),

    /* by the moon */
    {"lunar-new-year", NULL, chinese, 1, 1, -1, 8}, /* the eve and seven days */
    {"lunar-new-years-eve", NULL, chinese, 1, 1, -1, 1},
    {"lantern-festival", NULL, chinese, 1, 15, 0, 1},
    {"qingming", NULL, qingming, 0, 0, 0, 0},
    {"buddhas-birthday", NULL, chinese, 4, 8, 0, 1},
    {"dragon-boat", NULL, chinese, 5, 5, 0, 1},
    {"qixi", NULL, chinese, 7, 7, 0, 1},
    {"ghost-festival", NULL, chinese, 7, 15, 0, 1},
    {"mid-autumn", NULL, chinese, 8, 15, 0, 1},
    {"double-ninth", NULL, chinese, 9, 9, 0, 1},
    {"laba", NULL, chinese, 12, 8, 0, 1},
    {"winter-solstice", NULL, solstice, 0, 0, 0, 0},
    {"tet", NULL, tet, 1, 1, -1, 8},
    {"seollal", NULL, seollal, 1, 1, -1, 3},
    {"chuseok", NULL, chuseok, 8, 15, -1, 3},
    {"islamic-new-year", NULL, islamic, 1, 1, 1, 0},
    {"ashura", NULL, islamic, 1, 10, 1, 0},
    {"mawlid", NULL, islamic, 3, 12, 1, 0},
    {"ramadan", NULL, islamic, 9, 1, 0, 0},
    {"eid-al-fitr", NULL, islamic, 10, 1, 3, 0},
    {"eid-al-adha", NULL, islamic, 12, 10, 4, 0},
    {"purim", NULL, hebrew, -194, 2, 0, 0}, /* 163 days before 1 Tishri is the first day of Passover */
    {"passover", NULL, hebrew, -164, 9, 0, 0},
    {"shavuot", NULL, hebrew, -114, 3, 0, 0},
    {"rosh-hashanah", NULL, hebrew, -1, 3, 0, 0},
    {"yom-kippur", NULL, hebrew, 8, 2, 0, 0},
    {"sukkot", NULL, hebrew, 13, 8, 0, 0},
    {"hanukkah", NULL, hanukkah, 0, 0, 0, 0},
    {"diwali", NULL, diwali, 0, 0, 0, 0},
    {"holi", NULL, holi, 0, 0, 0, 0},
    {"vesak", NULL, vesak, 0, 0, 0, 0},
    {"nyepi", NULL, nyepi, 0, 0, 0, 0},
    {"galungan", NULL, galungan, 0, 0, 0, 0},
};

enum { COUNT = sizeof rules / sizeof *rules };

int ps__holiday_find(const char *name) {
    for (int i = 0; i < COUNT; i++)
        if (strcmp(rules[i].name, name) == 0) return i;
    return -1;
}

const char *ps__holiday_name(int holiday) { return holiday >= 0 && holiday < COUNT ? rules[holiday].name : NULL; }

const char *ps__holiday_fixed(int holiday) {
    return holiday >= 0 && holiday < COUNT && rules[holiday].fixed ? rules[holiday].fixed : "";
}

/* "12-24" of a year. */
static int64_t day_in(int year, const char *text) {
    return ps__day(year, (text[0] - '0') * 10 + text[1] - '0', (text[3] - '0') * 10 + text[4] - '0');
}

int ps__holiday_spans(ps__span out[2], int *count, int holiday, int year, ps__error *err) {
    *count = 0;
    if (holiday < 0 || holiday >= COUNT) return ps__fail(err, PS__INVALID, "there is no holiday of number %d", holiday);
    if (year < PS__FIRST_YEAR || year > PS__LAST_YEAR)
        return ps__fail(err, PS__INVALID, "%d: holidays are known for the years %d to %d", year, PS__FIRST_YEAR, PS__LAST_YEAR);
    const rule *r = rules + holiday;
    if (r->fixed) {
        int64_t from = day_in(year, r->fixed), to = day_in(year, r->fixed + 7);
        if (from > to && strcmp(r->name, "new-year") == 0)
            from = day_in(year - 1, r->fixed);
        else if (from > to)
            to = day_in(year + 1, r->fixed + 7);
        out[0] = (ps__span){from * PS__DAY_S, to * PS__DAY_S};
        *count = 1;
        return PS__OK;
    }
    runs found = {.count = 0};
    r->reckon(&found, r, year);
    for (int i = 0; i < found.count; i++) out[i] = found.span[i];
    *count = found.count;
    return PS__OK;
}
