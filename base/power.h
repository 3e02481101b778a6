/*
** How the device fares: battery, charger, temperature, other programs, and whether somebody uses it. A method table, so that a
** test puts a simulator in its place; the real one reads what Linux shows under /sys, /proc and /dev.
**
** Whatever cannot be read, or makes no sense, is unknown: a desktop without battery and sensors simply has nothing to say. The
** files are not trusted: each is read up to a limit, numbers are bounded, and odd values are passed over.
*/
#ifndef PS_BASE_POWER_H
#define PS_BASE_POWER_H

#include "base/status.h"

typedef struct ps__power_reading {
    int battery_percent;  /* 0..100, all of the device's batteries together; -1: no battery or unknown */
    int charging;         /* 1 on mains or charging, 0 running on battery, -1 unknown; 1 when there is no battery */
    double temperature_c; /* of what a hand feels: the hottest skin or battery sensor; NAN unknown */
    double processor_c;   /* inside the processor, where 60 C is an ordinary day: the hottest such sensor; NAN unknown */
    double load;          /* 0..1: what other processes use of all processors, 1.0 all of them; NAN unknown */
    double idle_seconds;  /* since somebody last did something; negative unknown */
} ps__power_reading;

/* Everything unknown. */
#define PS__POWER_UNKNOWN                                                                                                        \
    { -1, -1, __builtin_nan(""), __builtin_nan(""), __builtin_nan(""), -1.0 }

typedef struct ps__power {
    void (*read)(ps__power_reading *out, void *payload); /* fills all of *out; one thread at a time; may take some milliseconds */
    void *payload;                                       /* handed to read */
} ps__power;

/* ---- The real one ------------------------------------------------------------------------------------------------------- */

typedef struct ps__power_system ps__power_system; /* remembers counters from one reading to the next */

/* root: in front of /sys, /proc and /dev, "" or NULL for the system itself; a test gives the folder of a made-up device. Copied.
** PS__NOMEM, PS__INVALID (too long). */
int ps__power_system_new(ps__power_system **out, const char *root, ps__error *err);
void ps__power_system_free(ps__power_system *system); /* NULL is fine */

/* The table that reads it; the system must outlive it.
**
** battery: batteries of the device itself (mice and pens are left out), weighed by what they hold when all of them tell.
** charging: a battery that charges; else one that discharges (also at a charger too weak); else whether a supply is online.
** load: between two readings, so that the first has none. Our own time and that of our child processes is taken off.
** idle: when a terminal was last read from, as w(1) tells it, keyboards and touch screens that count their interrupts, and what
** ps__power_user_active was told. A USB keyboard under a desktop shows in none of the first two. */
void ps__power_system_table(ps__power *out, ps__power_system *system);

/* Somebody is using the device right now, says the program. Any thread. */
void ps__power_user_active(ps__power_system *system);

#endif
