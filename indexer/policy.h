/*
** When the background indexer may work, and how hard: from a reading of the device's state to a permit. Pure: no clock, no
** state, no input or output, so that a table of cases says all about it.
**
** Only what is known counts. An unknown battery, temperature, load or user never pauses or slows anything: a desktop without
** battery and sensors runs. A battery that is charged pauses nothing however low it is: with a worn-out one, always empty and
** always on mains, work would never end.
*/
#ifndef PS_INDEXER_POLICY_H
#define PS_INDEXER_POLICY_H

#include "base/power.h"

typedef struct ps__policy {
    int min_battery_percent;  /* pause below it, unless charging; 0: never. On again 2 % higher (at most at 100 %) */
    double max_temperature_c; /* pause above it, skin or battery; on again 3 C lower. NAN or 0 and less: no limit */
    double max_processor_c;   /* the same for the inside of the processor, which is far hotter in good health */
    int only_when_charging;   /* 1: pause while running on battery */
    double max_cpu;           /* processors' worth of CPU time for all workers together, 0.5 = half of one; 0: no limit; else at
                              ** least 0.01 */
    int threads;              /* most workers; 0: one a processor */
    int active_threads;       /* most workers while somebody uses the device; 0: pause then */
    double active_seconds;    /* in use: touched within this time; 0: never counts as in use */
    double battery_share;     /* on battery: the part of the time that each worker works, 0.05..1; 1: not slowed down */
    double busy_load;         /* one worker while others use more than this share of the processors; 1: never; until 0.8 of it */
} ps__policy;

#define PS__POLICY_DEFAULT                                                                                                       \
    {                                                                                                                            \
        .min_battery_percent = 20, .max_temperature_c = 42, .max_processor_c = 85, .active_threads = 1, .active_seconds = 60,    \
        .battery_share = 0.5, .busy_load = 0.5                                                                                   \
    }

enum { PS__PACE_FULL, PS__PACE_SLOW, PS__PACE_PAUSED };

enum { /* the first that applies, pauses before slow-downs */
       PS__REASON_NONE,
       PS__REASON_REQUEST,      /* paused: somebody asked for it */
       PS__REASON_NOT_CHARGING, /* paused: only_when_charging */
       PS__REASON_BATTERY_LOW,  /* paused */
       PS__REASON_HOT,          /* paused */
       PS__REASON_USER_ACTIVE,  /* slow, or paused if active_threads is 0 */
       PS__REASON_ON_BATTERY,   /* slow */
       PS__REASON_BUSY          /* slow: other programs need the processors */
};

enum { /* bits: limits that were passed and are not yet back by their margin */
       PS__HELD_BATTERY = 1,
       PS__HELD_HEAT = 2,
       PS__HELD_PROCESSOR = 4,
       PS__HELD_BUSY = 8
};

#define PS__PERMIT_WHY 128

typedef struct ps__permit {
    int threads;              /* workers that may work; 0: pause */
    double duty;              /* 0 (pause) or 0.05..1: part of the time that each may work */
    double max_cpu;           /* processors' worth for all together; 0: no limit */
    int pace;                 /* PS__PACE_* */
    int reason;               /* PS__REASON_*; NONE exactly at full pace */
    unsigned held;            /* PS__HELD_* */
    char why[PS__PERMIT_WHY]; /* "paused: battery at 14 %, below 20 %": one line, for people */
} ps__permit;

/* Fills all of *out. before: the permit that the last reading gave, NULL for the first; may be out itself. processors: of the
** device; less than 1 counts as 1. Values of the policy out of their range count as the nearest in it. */
void ps__policy_decide(ps__permit *out, const ps__policy *policy, const ps__power_reading *reading, const ps__permit *before,
                       int processors);

/* Turns *permit into a pause that was asked for; what is held stays. */
void ps__policy_request_pause(ps__permit *permit);

/* "full", "slow", "paused"; "battery-low", "user-active"...: words for programs to read, never NULL. */
const char *ps__pace_name(int pace);
const char *ps__reason_name(int reason);

#endif
