/*
** Fuzzes the EXIF reader by itself: any block gives notes that are in range, or none.
*/
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "encoder/pixels/exif.h"
#include "store/calendar.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t room, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *bytes, size_t size, size_t room);

/* Without one of the two byte orders in front nothing is read at all. */
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t room, unsigned seed) {
    size = LLVMFuzzerMutate(bytes, size, room);
    if (size < 8 || seed % 32 == 0) return size;
    if (bytes[0] == 'M')
        memcpy(bytes, "MM\0*", 4);
    else
        memcpy(bytes, "II*\0", 4);
    return size;
}

/* Text that cannot steer a terminal, with its 0 inside the room. */
static void check_text(const char *text, size_t room) {
    size_t length = strnlen(text, room);
    if (length == room || !ps__utf8_valid(text, length)) abort();
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7F) abort();
    if (length && (text[0] == ' ' || text[length - 1] == ' ')) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    ps__camera_notes notes;
    ps__camera_texts texts = {{0}, {0}, {0}};
    ps__error err = {0};
    int64_t seconds;
    ps__exif_none(&notes);
    if (ps__exif_read(&notes, &texts, bytes, size, &err)) abort(); /* only without memory */
    if (notes.orientation < 1 || notes.orientation > 8) abort();
    check_text(notes.make, sizeof notes.make);
    check_text(notes.model, sizeof notes.model);
    check_text(notes.lens, sizeof notes.lens);
    check_text(notes.taken_offset, sizeof notes.taken_offset);
    check_text(texts.caption, sizeof texts.caption);
    if (notes.flash < -1 || notes.flash > 1 || notes.rating < 0 || notes.rating > 5) abort();
    if (notes.gps_time[0] && !ps__calendar_parse(&seconds, notes.gps_time)) abort();
    if (notes.taken[0] && !ps__calendar_parse(&seconds, notes.taken)) abort();
    if (notes.taken_offset[0] && (strlen(notes.taken_offset) != 6 || !notes.taken[0])) abort();
    if (notes.has_gps && !(notes.latitude >= -90 && notes.latitude <= 90)) abort();
    if (notes.has_gps && !(notes.longitude >= -180 && notes.longitude <= 180)) abort();
    return 0;
}
