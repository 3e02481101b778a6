/*
** photosearch on-this-day
*/
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/commands.h"

typedef struct date {
    int year, month, day;
} date;

static date today(void) {
    time_t now = time(NULL);
    struct tm local;
    if (!localtime_r(&now, &local)) return (date){1970, 1, 1};
    return (date){local.tm_year + 1900, local.tm_mon + 1, local.tm_mday};
}

/* The day that is meant, as the library is told it: so that a day that ends meanwhile does not become two. */
static date chosen(char text[40], const options *o) {
    date d = today();
    if (!o->date)
        snprintf(text, 40, "%04d-%02d-%02d", d.year % 10000, d.month, d.day);
    else
        snprintf(text, 40, "%.39s", o->date); /* the library says what is wrong with it */
    if (strlen(text) > 5)
        sscanf(text, "%4d-%2d-%2d", &d.year, &d.month, &d.day);
    else
        sscanf(text, "%2d-%2d", &d.month, &d.day);
    return d;
}

/* The year whose day this photo is counted to: around the turn of the year, that of the day which is near. */
static int year_of(const ps_hit *hit, date d) {
    date t = {0, 1, 1};
    if (!hit->taken || sscanf(hit->taken, "%4d-%2d-%2d", &t.year, &t.month, &t.day) != 3) return 0;
    if (t.month - d.month > 6) return t.year + 1;
    return d.month - t.month > 6 ? t.year - 1 : t.year;
}

static void print_heading(const options *o, int year, date d) {
    int color = use_color(o, stdout), ago = d.year - year;
    style_on(stdout, color, STYLE_BOLD);
    printf("%d, %d year%s ago", year, ago, plural((unsigned long long)ago));
    style_off(stdout, color);
    putchar('\n');
}

static void print_photo(const options *o, const ps_hit *hit, int first) {
    if (o->json) {
        fputs(first ? "{" : ",{", stdout);
        json_path(hit->path);
        fputs(",\"taken\":", stdout);
        json_text(hit->taken);
        fputs(",\"place\":", stdout);
        json_text(hit->place);
        printf(",\"preview\":%s}", hit->preview ? "true" : "false");
        return;
    }
    printf("  %-16.16s  ", hit->taken ? hit->taken : "");
    print_path(stdout, hit->path);
    if (hit->place) {
        fputs("  ", stdout);
        print_path(stdout, hit->place);
    }
    putchar('\n');
}

static void print_years(const options *o, const ps_results *results, date d) {
    int last = -1;
    for (size_t i = 0; i < ps_results_count(results); i++) {
        ps_hit hit = PS_HIT_INIT;
        if (ps_results_hit(&hit, results, i) != PS_OK) break;
        int year = year_of(&hit, d), begins = year != last;
        if (o->print0) {
            fwrite(hit.path, 1, strlen(hit.path) + 1, stdout);
            continue;
        }
        if (begins && o->json)
            printf("%s{\"year\":%d,\"years_ago\":%d,\"results\":[", i ? "]}\n" : "", year, d.year - year);
        else if (begins)
            print_heading(o, year, d);
        print_photo(o, &hit, begins);
        last = year;
    }
    if (o->json && last >= 0) puts("]}");
}

static int run(options *o) {
    ps_day_options settings = PS_DAY_OPTIONS_INIT;
    ps_results *results;
    char text[40];
    date d = chosen(text, o);
    ps_library *library = open_library(o, 0);
    if (!library) return EXIT_FAILED;
    settings.date = text;
    settings.days = o->days;
    if (o->limit) settings.limit = (size_t)o->limit;
    int status = EXIT_FAILED;
    if (ps_on_this_day(&results, library, &settings) != PS_OK) {
        complain_status(library);
    } else {
        status = ps_results_count(results) ? EXIT_FOUND : EXIT_NOTHING;
        if (status == EXIT_NOTHING && !o->quiet && !o->json && !o->print0) complain("no photo of this day in earlier years");
        print_years(o, results, d);
        if (o->open && status == EXIT_FOUND) status = show_in_viewer(o, results);
        ps_results_free(results);
    }
    ps_library_close(library);
    return status;
}

const command command_on_this_day = {
    "on-this-day",
    "",
    "Show photos of this day in earlier years",
    "The newest year comes first, and each year from morning to night. Photos of which only the file's time is known are\n"
    "left out. The status is 1 when there are none.\n",
    TAKES_DAY | TAKES_PRINT0 | TAKES_OPEN,
    0,
    0,
    run,
};
