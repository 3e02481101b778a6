/*
** Days are counted in years that begin on 1 March, so that the leap day is the last of its year and months have a closed formula:
** day of year of month m (0 = March) is (153 m + 2) / 5. Years group into eras of 400 with 146,097 days.
*/
#include "store/calendar.h"

#include <stdio.h>
#include <string.h>

#define ERA_DAYS 146097
#define EPOCH_DAYS 719468 /* from 0000-03-01 to 1970-01-01 */

static int64_t days_of(int year, int month, int day) {
    if (month <= 2) year--;
    int era = year / 400, of_era = year - era * 400; /* year >= 0 here: years 1..9999, and 0 for January and February of 1 */
    int of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return (int64_t)era * ERA_DAYS + of_era * 365 + of_era / 4 - of_era / 100 + of_year - EPOCH_DAYS;
}

static int month_days(int year, int month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

static int number(const char *s, int length) {
    int value = 0;
    for (int i = 0; i < length; i++) value = value * 10 + (s[i] - '0');
    return value;
}

int ps__calendar_parse(int64_t *seconds, const char *text) {
    static const char form[] = "dddd-dd-ddTdd:dd:dd";
    *seconds = 0;
    if (strlen(text) != sizeof form - 1) return 0;
    for (int i = 0; form[i]; i++) {
        if (form[i] == 'd' ? (text[i] < '0' || text[i] > '9') : text[i] != form[i]) return 0;
    }
    int year = number(text, 4), month = number(text + 5, 2), day = number(text + 8, 2);
    int hour = number(text + 11, 2), minute = number(text + 14, 2), second = number(text + 17, 2);
    if (year < 1 || month < 1 || month > 12 || day < 1 || day > month_days(year, month)) return 0;
    if (hour > 23 || minute > 59 || second > 59) return 0;
    *seconds = days_of(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
    return 1;
}

void ps__calendar_text(char text[20], int64_t seconds) {
    text[0] = 0;
    if (seconds < days_of(1, 1, 1) * 86400 || seconds >= (days_of(9999, 12, 31) + 1) * 86400) return;
    int64_t shifted = seconds + (int64_t)EPOCH_DAYS * 86400; /* positive from the year 1 on */
    int64_t day = shifted / 86400;
    int rest = (int)(shifted % 86400), era = (int)(day / ERA_DAYS), of_era = (int)(day % ERA_DAYS);
    int year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int march_month = (5 * of_year + 2) / 153;
    int date = of_year - (153 * march_month + 2) / 5 + 1;
    int month = march_month < 10 ? march_month + 3 : march_month - 9;
    int year = era * 400 + year_of_era + (month <= 2);
    char wide[64];
    snprintf(wide, sizeof wide, "%04d-%02d-%02dT%02d:%02d:%02d", year, month, date, rest / 3600, rest / 60 % 60, rest % 60);
    memcpy(text, wide, 19);
    text[19] = 0;
}
