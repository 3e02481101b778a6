/*
** EXIF through libexif (Exif 2.32). libexif finds the tags; every value is judged here: dates must be in the calendar, positions on the
** globe, and text comes out as valid UTF-8 that cannot steer a terminal.
*/
#include "encoder/pixels/exif.h"

#include <libexif/exif-data.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "encoder/pixels/budget.h"
#include "encoder/pixels/clean.h"
#include "encoder/pixels/kinds.h"
#include "encoder/pixels/texts.h"

/* A JPEG segment holds 64 KiB, and libexif reads no more of any block. Entries may point at the same bytes over and over, so that what
** is allocated could be thousands of times as much: hence a budget. */
#define EXIF_BYTES 0xFFFE
#define EXIF_BUDGET (8u << 20)

void ps__exif_none(ps__camera_notes *notes) {
    memset(notes, 0, sizeof *notes);
    notes->orientation = 1;
    notes->flash = -1;
}

static const ExifEntry *find(const ExifData *data, ExifIfd ifd, unsigned tag) {
    const ExifEntry *entry = exif_content_get_entry(data->ifd[ifd], (ExifTag)tag);
    return entry && entry->data ? entry : NULL;
}

/* ASCII by the standard; UTF-8 in practice. */
static void read_text(char *out, size_t room, const ExifEntry *entry) {
    out[0] = 0;
    if (entry && entry->format == EXIF_FORMAT_ASCII) ps__clean_text(out, room, (const char *)entry->data, entry->size);
}

/* `count` digits as a number, or -1. */
static int digits(const char *s, int count) {
    int value = 0;
    for (int i = 0; i < count; i++) {
        if (s[i] < '0' || s[i] > '9') return -1;
        value = value * 10 + (s[i] - '0');
    }
    return value;
}

static int days_in(int year, int month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap);
}

/* "2021:07:04 15:32:10" to "2021-07-04T15:32:10". Dates alone get midnight: the day is known. 1826 is the first photograph. */
static int read_date(char out[20], const ExifEntry *entry) {
    char text[32];
    read_text(text, sizeof text, entry);
    size_t length = strlen(text);
    if (length < 10) return 0;
    int year = digits(text, 4), month = digits(text + 5, 2), day = digits(text + 8, 2);
    if (year < 1826 || month < 1 || month > 12 || day < 1 || day > days_in(year, month)) return 0;
    int hour = 0, minute = 0, second = 0;
    if (length >= 19) {
        hour = digits(text + 11, 2);
        minute = digits(text + 14, 2);
        second = digits(text + 17, 2);
        if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return 0;
    }
    char made[64];
    snprintf(made, sizeof made, "%04d-%02d-%02dT%02d:%02d:%02d", year, month, day, hour, minute, second);
    memcpy(out, made, 20);
    return 1;
}

/* "+02:00": clocks on earth are at most 14 hours from UTC. */
static void read_offset(char out[7], const ExifEntry *entry) {
    char text[16];
    read_text(text, sizeof text, entry);
    if (strlen(text) != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':') return;
    int hours = digits(text + 1, 2), minutes = digits(text + 4, 2);
    if (hours < 0 || hours > 14 || minutes < 0 || minutes > 59) return;
    memcpy(out, text, 7);
}

static void read_taken(ps__camera_notes *notes, const ExifData *data) {
    static const struct {
        ExifIfd ifd;
        unsigned tag, offset_tag;
    } sources[] = {
        {EXIF_IFD_EXIF, EXIF_TAG_DATE_TIME_ORIGINAL, EXIF_TAG_OFFSET_TIME_ORIGINAL},
        {EXIF_IFD_EXIF, EXIF_TAG_DATE_TIME_DIGITIZED, EXIF_TAG_OFFSET_TIME_DIGITIZED},
        {EXIF_IFD_0, EXIF_TAG_DATE_TIME, EXIF_TAG_OFFSET_TIME},
    };
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        if (!read_date(notes->taken, find(data, sources[i].ifd, sources[i].tag))) continue;
        read_offset(notes->taken_offset, find(data, EXIF_IFD_EXIF, sources[i].offset_tag));
        return;
    }
}

/* Three fractions, of which only the first must be there; cameras without a fix write 0/0. 0: they are none. */
static int read_fractions(double part[3], const ExifEntry *entry, ExifByteOrder order) {
    if (!entry || entry->format != EXIF_FORMAT_RATIONAL || entry->components != 3 || entry->size < 24) return 0;
    for (int i = 0; i < 3; i++) {
        ExifRational r = exif_get_rational(entry->data + 8 * i, order);
        if (!r.denominator && (r.numerator || i == 0)) return 0;
        part[i] = r.denominator ? (double)r.numerator / r.denominator : 0;
    }
    return 1;
}

/* Degrees, minutes, seconds. NaN when they are not a position. */
static double read_degrees(const ExifEntry *entry, ExifByteOrder order, double limit) {
    double part[3];
    if (!read_fractions(part, entry, order) || part[1] > 60 || part[2] > 60) return NAN; /* exactly 60 is rounding */
    double degrees = part[0] + part[1] / 60 + part[2] / 3600;
    return degrees <= limit ? degrees : NAN;
}

/* -1, +1, or 0 when the reference (N, S, E or W) is missing or strange. */
static int read_sign(const ExifEntry *entry, char positive, char negative) {
    if (!entry || !entry->size) return 0;
    return entry->data[0] == positive ? 1 : entry->data[0] == negative ? -1 : 0;
}

static void read_gps(ps__camera_notes *notes, const ExifData *data, ExifByteOrder order) {
    int north = read_sign(find(data, EXIF_IFD_GPS, EXIF_TAG_GPS_LATITUDE_REF), 'N', 'S');
    int east = read_sign(find(data, EXIF_IFD_GPS, EXIF_TAG_GPS_LONGITUDE_REF), 'E', 'W');
    double latitude = read_degrees(find(data, EXIF_IFD_GPS, EXIF_TAG_GPS_LATITUDE), order, 90);
    double longitude = read_degrees(find(data, EXIF_IFD_GPS, EXIF_TAG_GPS_LONGITUDE), order, 180);
    if (!north || !east || isnan(latitude) || isnan(longitude)) return;
    if (latitude == 0 && longitude == 0) return; /* a receiver without a fix, not a boat off Ghana */
    notes->has_gps = 1;
    notes->latitude = north * latitude;
    notes->longitude = east * longitude;
}

/* Date and time of the receiver, UTC. Zeros without a date are what is written before the first fix. */
static void read_gps_time(ps__camera_notes *notes, const ExifData *data, ExifByteOrder order) {
    char day[20] = "";
    double part[3];
    if (!read_date(day, find(data, EXIF_IFD_GPS, EXIF_TAG_GPS_DATE_STAMP))) return;
    if (!read_fractions(part, find(data, EXIF_IFD_GPS, EXIF_TAG_GPS_TIME_STAMP), order)) return;
    if (part[0] >= 24 || part[1] >= 60 || part[2] >= 60) return;
    char made[64];
    snprintf(made, sizeof made, "%.10sT%02d:%02d:%02d", day, (int)part[0], (int)part[1], (int)part[2]);
    memcpy(notes->gps_time, made, sizeof notes->gps_time);
}

static void read_flash(ps__camera_notes *notes, const ExifData *data, ExifByteOrder order) {
    const ExifEntry *entry = find(data, EXIF_IFD_EXIF, EXIF_TAG_FLASH);
    if (!entry || entry->format != EXIF_FORMAT_SHORT || entry->size < 2) return;
    notes->flash = exif_get_short(entry->data, order) & 1;
}

/* What Windows and others write for lack of XMP. */
static void read_rating(ps__camera_notes *notes, const ExifData *data, ExifByteOrder order) {
    enum { RATING = 0x4746 };
    const ExifEntry *entry = find(data, EXIF_IFD_0, RATING);
    if (!entry || entry->format != EXIF_FORMAT_SHORT || entry->size < 2) return;
    int stars = exif_get_short(entry->data, order);
    if (stars >= 1 && stars <= 5) notes->rating = stars;
}

/* The encoding is named in 8 bytes before the text (Exif 2.32, 4.6.6), which some writers leave out. */
static void read_comment(char *out, size_t room, const ExifEntry *entry, ExifByteOrder order) {
    out[0] = 0;
    if (!entry || entry->size < 8) return;
    const uint8_t *text = entry->data + 8;
    size_t length = entry->size - 8;
    if (!memcmp(entry->data, "UNICODE", 8))
        ps__clean_utf16(out, room, text, length, order == EXIF_BYTE_ORDER_MOTOROLA);
    else if (!memcmp(entry->data, "ASCII\0\0", 8) || !memcmp(entry->data, "\0\0\0\0\0\0\0", 8) ||
             !memcmp(entry->data, "        ", 8))
        ps__clean_bytes(out, room, text, length);
    else if (memcmp(entry->data, "JIS", 4) != 0)
        ps__clean_bytes(out, room, entry->data, entry->size);
}

static void read_description(char *out, size_t room, const ExifEntry *entry) {
    out[0] = 0;
    if (entry && entry->format == EXIF_FORMAT_ASCII) ps__clean_bytes(out, room, entry->data, entry->size);
}

/* What somebody wrote about the photo, or a program about itself. */
static void read_remarks(ps__camera_notes *notes, ps__camera_texts *texts, const ExifData *data, ExifByteOrder order) {
    char text[sizeof texts->caption];
    read_text(text, sizeof text, find(data, EXIF_IFD_0, EXIF_TAG_SOFTWARE));
    notes->kinds |= ps__kinds_of_software(text);
    for (int i = 0; i < 2; i++) {
        if (i == 0)
            read_description(text, sizeof text, find(data, EXIF_IFD_0, EXIF_TAG_IMAGE_DESCRIPTION));
        else
            read_comment(text, sizeof text, find(data, EXIF_IFD_EXIF, EXIF_TAG_USER_COMMENT), order);
        notes->kinds |= ps__kinds_of_comment(text);
        if (texts && !texts->caption[0] && ps__is_prose(text)) memcpy(texts->caption, text, sizeof text);
    }
}

static void read_orientation(ps__camera_notes *notes, const ExifData *data, ExifByteOrder order) {
    const ExifEntry *entry = find(data, EXIF_IFD_0, EXIF_TAG_ORIENTATION);
    if (!entry || entry->format != EXIF_FORMAT_SHORT || entry->size < 2) return;
    int value = exif_get_short(entry->data, order);
    if (value >= 1 && value <= 8) notes->orientation = value;
}

static void read_notes(ps__camera_notes *notes, ps__camera_texts *texts, ExifData *data) {
    ExifByteOrder order = exif_data_get_byte_order(data);
    read_orientation(notes, data, order);
    read_taken(notes, data);
    read_gps(notes, data, order);
    read_gps_time(notes, data, order);
    read_flash(notes, data, order);
    read_rating(notes, data, order);
    read_remarks(notes, texts, data, order);
    read_text(notes->make, sizeof notes->make, find(data, EXIF_IFD_0, EXIF_TAG_MAKE));
    read_text(notes->model, sizeof notes->model, find(data, EXIF_IFD_0, EXIF_TAG_MODEL));
    read_text(notes->lens, sizeof notes->lens, find(data, EXIF_IFD_EXIF, EXIF_TAG_LENS_MODEL));
    notes->kinds |= ps__kinds_of_lens(notes->lens);
}

static void *take(ExifLong size) { return ps__budget_calloc(size); }
static void *retake(void *p, ExifLong size) { return ps__budget_realloc(p, size); }

static ExifData *load(const uint8_t *block, size_t size) {
    ExifMem *memory = exif_mem_new(take, retake, ps__budget_free);
    ExifData *data = memory ? exif_data_new_mem(memory) : NULL;
    if (memory) exif_mem_unref(memory);
    if (!data) return NULL;
    exif_data_unset_option(data, EXIF_DATA_OPTION_IGNORE_UNKNOWN_TAGS);  /* ratings are in no standard */
    exif_data_unset_option(data, EXIF_DATA_OPTION_FOLLOW_SPECIFICATION); /* values are read as they are, none are made up */
    exif_data_load_data(data, block, (unsigned)size);
    return data;
}

int ps__exif_read(ps__camera_notes *notes, ps__camera_texts *texts, const uint8_t *bytes, size_t size, ps__error *err) {
    static const uint8_t header[6] = "Exif\0";
    ps__exif_none(notes);
    if (size >= 6 && !memcmp(bytes, header, 6)) {
        bytes += 6;
        size -= 6;
    }
    if (size < 8 || (memcmp(bytes, "II*\0", 4) && memcmp(bytes, "MM\0*", 4))) return PS__OK;
    if (size > EXIF_BYTES - sizeof header) size = EXIF_BYTES - sizeof header;
    uint8_t *block = ps__malloc(sizeof header + size); /* libexif wants the name in front, and reads JPEG otherwise */
    if (!block) return ps__fail_nomem(err);
    memcpy(block, header, sizeof header);
    memcpy(block + sizeof header, bytes, size);
    ps__budget_begin(EXIF_BUDGET);
    ExifData *data = load(block, sizeof header + size);
    if (data) read_notes(notes, texts, data);
    exif_data_unref(data);
    ps__free(block);
    return ps__budget_end(NULL) == PS__NOMEM ? ps__fail_nomem(err) : PS__OK;
}
