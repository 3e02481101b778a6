/*
** When a photo was taken, by the clock of the place where it was: from the camera's notes, the satellites, the file's name, or
** at last the time it was written.
*/
#ifndef PS_INDEXER_CAMERA_TIME_H
#define PS_INDEXER_CAMERA_TIME_H

#include <stdint.h>

#include "store/store.h"

typedef struct ps__time_notes { /* what a file tells; all but has_... may be zeroed. The strings are the caller's */
    const char *taken;          /* EXIF: "2021-07-04T15:32:10", or "" or NULL */
    const char *offset;         /* EXIF OffsetTimeOriginal: "+02:00", or "" or NULL */
    int has_gps_time;           /* 1: the next one is meaningful */
    int64_t gps_utc_s;          /* GPSDateStamp and GPSTimeStamp, seconds since 1970, UTC */
    int has_place;              /* 1: the next one is meaningful */
    double longitude;           /* degrees, -180..180, east positive */
    const char *path;           /* of the file, for its name; or NULL */
    int64_t modified_s;         /* its modification time, seconds since 1970, UTC; 0 unknown */
} ps__time_notes;

typedef struct ps__time_taken {
    int64_t taken_s; /* local time, as in ps__photo; 0 when unknown */
    char taken[20];  /* the same as text; "" when unknown */
    char offset[7];  /* "+02:00" where the zone is known; taken_s less this is UTC */
    int source;      /* PS__TAKEN_* */
} ps__time_taken;

/* In this order: EXIF, with its offset; without one, when the satellites' time is at most 14 h 15 min away, with the
** difference rounded to 15 minutes; the satellites' time alone, an hour for each 15 degrees of longitude (in the system's zone
** where the longitude is not known either); the name (name_date.h); the modification time in the system's zone. Times that
** cannot be are passed over: no real date, or for the satellites and the modification time a year outside 1990 to the next
** one. *out is always filled. Any thread. */
void ps__camera_time(ps__time_taken *out, const ps__time_notes *notes);

#endif
