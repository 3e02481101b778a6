/*
** Local camera time; see camera_time.h. A camera's clock knows no zone, and mostly nor do its notes. Satellites give UTC, so
** that both together tell the zone: the difference is a whole number of quarter hours, but for the clock's own error. What is
** more than the widest zone (UTC+14:00) apart is no zone but a clock that was never set, or a fix from another day.
*/
#include "indexer/camera_time.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/os.h"
#include "indexer/name_date.h"
#include "store/calendar.h"

#define QUARTER_S 900
#define WIDEST_S (14 * 3600 + QUARTER_S)
#define FIRST_S INT64_C(631152000) /* 1990-01-01T00:00:00 */
#define YEAR_S INT64_C(31622400)   /* the longest */

static int is_plausible(int64_t utc_s) { return utc_s >= FIRST_S && utc_s < ps__os.wall_seconds() + YEAR_S; }

static void put(ps__time_taken *out, int64_t taken_s, int source) {
    out->taken_s = taken_s;
    out->source = source;
    ps__calendar_text(out->taken, taken_s);
}

static void put_offset(ps__time_taken *out, int64_t offset_s) {
    int minutes = (int)((offset_s < 0 ? -offset_s : offset_s) / 60);
    char wide[32]; /* room for what the compiler believes an int may be */
    snprintf(wide, sizeof wide, "%c%02d:%02d", offset_s < 0 ? '-' : '+', minutes / 60, minutes % 60);
    memcpy(out->offset, wide, sizeof out->offset - 1);
    out->offset[sizeof out->offset - 1] = 0;
}

static int is_offset(const char *text) {
    static const char form[] = "sdd:dd";
    if (!text || strlen(text) != sizeof form - 1) return 0;
    for (int i = 0; form[i]; i++) {
        char c = text[i];
        if (form[i] == 's' ? c != '+' && c != '-' : form[i] == 'd' ? c < '0' || c > '9' : c != ':') return 0;
    }
    return text[1] <= '1' && text[4] <= '5' && (text[1] == '0' || text[2] <= '4');
}

static void take_exif(ps__time_taken *out, int64_t taken_s, const ps__time_notes *notes) {
    put(out, taken_s, PS__TAKEN_EXIF);
    if (is_offset(notes->offset)) {
        memcpy(out->offset, notes->offset, sizeof out->offset);
        return;
    }
    if (!notes->has_gps_time || !is_plausible(notes->gps_utc_s)) return;
    int64_t ahead = taken_s - notes->gps_utc_s;
    if (ahead < -WIDEST_S || ahead > WIDEST_S) return;
    int64_t quarters = (ahead + WIDEST_S + QUARTER_S / 2) / QUARTER_S - WIDEST_S / QUARTER_S; /* rounded, also below 0 */
    put_offset(out, quarters * QUARTER_S);
    out->source = PS__TAKEN_EXIF_GPS;
}

static void take_gps(ps__time_taken *out, const ps__time_notes *notes) {
    int64_t offset = ps__os.utc_offset(notes->gps_utc_s);
    if (notes->has_place && notes->longitude >= -180 && notes->longitude <= 180) offset = lround(notes->longitude / 15) * 3600;
    put(out, notes->gps_utc_s + offset, PS__TAKEN_GPS);
    put_offset(out, offset);
}

void ps__camera_time(ps__time_taken *out, const ps__time_notes *notes) {
    int64_t taken_s;
    int precision;
    memset(out, 0, sizeof *out);
    if (notes->taken && ps__calendar_parse(&taken_s, notes->taken)) {
        take_exif(out, taken_s, notes);
    } else if (notes->has_gps_time && is_plausible(notes->gps_utc_s)) {
        take_gps(out, notes);
    } else if (notes->path && ps__name_date(&taken_s, &precision, notes->path)) {
        put(out, taken_s, precision == PS__DATE_CLOCK ? PS__TAKEN_NAME : PS__TAKEN_NAME_DAY);
    } else if (is_plausible(notes->modified_s)) {
        put(out, notes->modified_s + ps__os.utc_offset(notes->modified_s), PS__TAKEN_MTIME);
    }
}
