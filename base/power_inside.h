/*
** What the files behind base/power.h share: reading small untrusted files below a root folder, and the two halves of a reading.
*/
#ifndef PS_BASE_POWER_INSIDE_H
#define PS_BASE_POWER_INSIDE_H

#include <limits.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/power.h"

#define PS__POWER_ROOT 1024  /* bytes of the root's name, its 0 included */
#define PS__POWER_WORD 64    /* bytes kept of a file that holds one word */
#define PS__POWER_ENTRIES 4096 /* entries looked at in one folder */

struct ps__power_system {
    char root[PS__POWER_ROOT];
    /* Counters as the last reading saw them, for load. */
    int has_counters;
    int64_t busy_ticks, total_ticks; /* of all processors, USER_HZ */
    int64_t own_ns;                  /* our processor time */
    double load;                     /* last known; NAN before */
    /* For idle. */
    int has_interrupts;
    uint64_t interrupts;       /* of keyboards, touch screens and the like */
    int64_t input_ns;          /* monotonic, when they last grew; negative: never seen to */
    _Atomic int64_t active_ns; /* monotonic, when the program last said so; negative: never */
};

/* Up to size-1 bytes of a file below the root, ended by 0; the number of bytes, or -1. Other than ps__read_file it takes files of
** /proc and /sys, whose sizes are not told. */
long ps__power_text(char *text, size_t size, const ps__power_system *system, const char *path);

/* The file's first word in lower case: printable ASCII up to the line's end. 0 when it cannot be read (word is ""). */
int ps__power_word(char word[PS__POWER_WORD], const ps__power_system *system, const char *folder, const char *name);

/* The file's number, within low..high; 0 otherwise. */
int ps__power_number(int64_t *number, const ps__power_system *system, const char *folder, const char *name, int64_t low,
                     int64_t high);

/* Calls `each` for every entry of the folder (without those that begin with a dot). */
void ps__power_each(ps__power_system *system, const char *folder,
                    void (*each)(ps__power_system *, const char *name, void *payload), void *payload);

/* The two halves of a reading. *out is all unknown before. */
void ps__power_read_supplies(ps__power_reading *out, ps__power_system *system); /* battery, charging, temperatures */
void ps__power_read_use(ps__power_reading *out, ps__power_system *system);      /* load, idle */

#endif
