/*
** Fuzzes the readers of XMP, of IPTC and of the resources around it: an input that begins with "<" is XMP, one with "8BIM" a list
** of resources, anything else records of IPTC.
*/
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "encoder/pixels/exif.h"
#include "encoder/pixels/metadata.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check_text(const char *text, size_t room) {
    size_t length = strnlen(text, room);
    if (length == room || !ps__utf8_valid(text, length)) abort();
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7F) abort();
    if (length && (text[0] == ' ' || text[length - 1] == ' ')) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    ps__camera_notes notes;
    ps__camera_texts texts;
    ps__metadata found = {0};
    ps__error err = {0};
    if (size && bytes[0] == '<')
        found.xmp = (ps__block){bytes, size};
    else if (size >= 4 && !memcmp(bytes, "8BIM", 4))
        ps__metadata_of_resources(&found, bytes, size);
    else
        found.iptc = (ps__block){bytes, size};
    if (ps__metadata_read(&notes, &texts, &found, &err)) abort(); /* only without memory */
    check_text(texts.title, sizeof texts.title);
    check_text(texts.caption, sizeof texts.caption);
    check_text(texts.keywords, sizeof texts.keywords);
    if (notes.rating < 0 || notes.rating > 5) abort();
    if (notes.kinds & ~(PS__PICTURE_SCREENSHOT | PS__PICTURE_PANORAMA | PS__PICTURE_SELFIE)) abort();
    return 0;
}
