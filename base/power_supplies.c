/*
** Batteries, chargers and temperatures, out of /sys/class/power_supply, /sys/class/thermal and /sys/class/hwmon.
**
** Two temperatures, because one limit cannot fit both: a phone's skin or battery at 42 C is hot, a laptop's processor at 42 C is
** asleep. A zone whose name speaks of skin or battery is the first kind, radios, chargers and the like are nobody's business
** here, and the rest counts as the second.
*/
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/power_inside.h"

#define SUPPLIES "/sys/class/power_supply"
#define THERMAL "/sys/class/thermal"
#define HWMON "/sys/class/hwmon"
#define MAX_MICRO INT64_C(10000000000) /* 10 kWh or kAh in the micro units of the files: no battery holds more */

static void hotter(double *hottest, double celsius) {
    if (celsius < -40 || celsius > 130) return; /* a sensor that is off or broken says such things */
    if (isnan(*hottest) || celsius > *hottest) *hottest = celsius;
}

static int has_any(const char *text, const char *const *parts) {
    for (; *parts; parts++)
        if (strstr(text, *parts)) return 1;
    return 0;
}

/* ---- Supplies ----------------------------------------------------------------------------------------------------------- */

typedef struct supplies {
    ps__power_reading *reading;
    int batteries;       /* of the device */
    int levels;          /* of those, with a known level */
    double percent_sum;  /* of these */
    int energy, charge;  /* batteries that tell how much they hold, by unit */
    double now, full;    /* sums over them */
    int charges, drains; /* batteries that do */
    int rests;           /* full, or held at its level by a charger */
    int sources, online; /* chargers and mains; of those, plugged in */
} supplies;

/* How much a battery holds, in micro Wh or micro Ah. */
static int read_content(const ps__power_system *system, const char *folder, const char *now_name, const char *full_name,
                        double *now, double *full) {
    int64_t n, f;
    if (!ps__power_number(&n, system, folder, now_name, 0, MAX_MICRO) ||
        !ps__power_number(&f, system, folder, full_name, 1, MAX_MICRO))
        return 0;
    *now = (double)(n < f ? n : f); /* an aged battery may hold more than its "full" says */
    *full = (double)f;
    return 1;
}

static double level_of(const ps__power_system *system, const char *folder, double now, double full) {
    int64_t percent;
    char word[PS__POWER_WORD];
    if (ps__power_number(&percent, system, folder, "capacity", 0, 110)) return percent > 100 ? 100.0 : (double)percent;
    if (full > 0) return 100.0 * now / full;
    if (!ps__power_word(word, system, folder, "capacity_level")) return -1;
    return strcmp(word, "critical") == 0 ? 5.0 : strcmp(word, "low") == 0 ? 15.0 : strcmp(word, "full") == 0 ? 100.0 : -1.0;
}

static void add_battery(supplies *s, const ps__power_system *system, const char *folder) {
    char word[PS__POWER_WORD];
    int64_t present, tenths;
    double now = 0, full = 0;
    if (ps__power_number(&present, system, folder, "present", 0, 1) && !present) return; /* an empty bay */
    s->batteries++;
    int energy = read_content(system, folder, "energy_now", "energy_full", &now, &full);
    int charge = !energy && read_content(system, folder, "charge_now", "charge_full", &now, &full);
    double percent = level_of(system, folder, now, full);
    if (percent >= 0) {
        s->levels++;
        s->percent_sum += percent;
        if (energy || charge) {
            s->energy += energy;
            s->charge += charge;
            s->now += percent / 100 * full; /* the battery's own idea of its level, with the weight of its size */
            s->full += full;
        }
    }
    if (ps__power_word(word, system, folder, "status")) {
        s->charges += strcmp(word, "charging") == 0;
        s->drains += strcmp(word, "discharging") == 0;
        s->rests += strcmp(word, "full") == 0 || strcmp(word, "not charging") == 0;
    }
    if (ps__power_number(&tenths, system, folder, "temp", -10000, 10000))
        hotter(&s->reading->temperature_c, (double)tenths / 10);
}

static void look_at_supply(ps__power_system *system, const char *name, void *payload) {
    static const char *const sources[] = {"mains", "usb", "wireless", NULL}; /* usb_c, usb_pd... among them */
    supplies *s = payload;
    char folder[PATH_MAX], type[PS__POWER_WORD], scope[PS__POWER_WORD];
    int64_t online;
    snprintf(folder, sizeof folder, "%s/%s", SUPPLIES, name);
    if (!ps__power_word(type, system, folder, "type")) return;
    if (ps__power_word(scope, system, folder, "scope") && strcmp(scope, "device") == 0) return; /* a mouse, a pen, a headset */
    if (strncmp(name, "hid", 3) == 0) return;                                                   /* the same without a scope */
    if (strcmp(type, "battery") == 0 || strcmp(type, "ups") == 0) {
        add_battery(s, system, folder);
    } else if (has_any(type, sources) && ps__power_number(&online, system, folder, "online", 0, 2)) {
        s->sources++;
        s->online += online > 0;
    }
}

static void sum_up(ps__power_reading *out, const supplies *s) {
    if (s->levels > 0) {
        /* Sizes only weigh when every battery tells one in the same unit. */
        int weigh = (s->energy == s->levels || s->charge == s->levels) && s->full > 0;
        out->battery_percent = (int)((weigh ? 100 * s->now / s->full : s->percent_sum / s->levels) + 0.5);
    }
    if (s->batteries == 0 || s->charges > 0)
        out->charging = 1;
    else if (s->drains > 0)
        out->charging = 0;
    else if (s->sources > 0)
        out->charging = s->online > 0;
    else if (s->rests > 0)
        out->charging = 1;
}

/* ---- Temperatures ------------------------------------------------------------------------------------------------------- */

static void look_at_zone(ps__power_system *system, const char *name, void *payload) {
    static const char *const others[] = {"wifi", "wlan",  "modem", "mdm",  "nvme", "charger", "chg",  "usb", "pmic", "pm8",
                                         "pch",  "flash", "camera", "mmw", "pa-",  "pa_",     "gnss", "led", NULL};
    static const char *const outer[] = {"skin", "tskn", "shell", "batt", "surface", "quiet", "case", NULL};
    ps__power_reading *out = payload;
    char folder[PATH_MAX], type[PS__POWER_WORD];
    int64_t milli;
    if (strncmp(name, "thermal_zone", 12) != 0) return; /* the folder also has cooling devices */
    snprintf(folder, sizeof folder, "%s/%s", THERMAL, name);
    if (!ps__power_word(type, system, folder, "type") || has_any(type, others)) return;
    if (!ps__power_number(&milli, system, folder, "temp", -1000000, 1000000)) return;
    hotter(has_any(type, outer) ? &out->temperature_c : &out->processor_c, (double)milli / 1000);
}

static void look_at_monitor(ps__power_system *system, const char *name, void *payload) {
    static const char *const processors[] = {"coretemp", "k10temp", "zenpower", "cpu", "soc", NULL};
    ps__power_reading *out = payload;
    char folder[PATH_MAX], word[PS__POWER_WORD], input[32];
    int64_t milli;
    snprintf(folder, sizeof folder, "%s/%s", HWMON, name);
    if (!ps__power_word(word, system, folder, "name") || !has_any(word, processors)) return;
    for (int i = 1; i <= 8; i++) {
        snprintf(input, sizeof input, "temp%d_input", i);
        if (ps__power_number(&milli, system, folder, input, -1000000, 1000000)) hotter(&out->processor_c, (double)milli / 1000);
    }
}

void ps__power_read_supplies(ps__power_reading *out, ps__power_system *system) {
    supplies s = {.reading = out};
    ps__power_each(system, SUPPLIES, look_at_supply, &s);
    sum_up(out, &s);
    ps__power_each(system, THERMAL, look_at_zone, out);
    if (isnan(out->processor_c)) ps__power_each(system, HWMON, look_at_monitor, out);
}
