/*
** Keywords without doubles, and captions that are none; see texts.h.
*/
#include "encoder/pixels/texts.h"

#include <string.h>
#include <strings.h>

#define BETWEEN ", "

static int has_keyword(const char *keywords, const char *word, size_t length) {
    for (const char *p = keywords; (p = strstr(p, word)) != NULL; p++) {
        int begins = p == keywords || (p - keywords >= 2 && !memcmp(p - 2, BETWEEN, 2));
        if (begins && (p[length] == 0 || !strncmp(p + length, BETWEEN, 2))) return 1;
    }
    return 0;
}

void ps__texts_add_keyword(ps__camera_texts *texts, const char *word) {
    size_t used = strlen(texts->keywords), length = strlen(word), between = used ? 2 : 0;
    if (!length || has_keyword(texts->keywords, word, length)) return;
    if (used + between + length >= sizeof texts->keywords) return;
    memcpy(texts->keywords + used, BETWEEN, between);
    memcpy(texts->keywords + used + between, word, length + 1);
}

static int begins(const char *text, const char *with) { return strncasecmp(text, with, strlen(with)) == 0; }

int ps__is_prose(const char *text) {
    static const char *const beginnings[] = {"OLYMPUS DIGITAL CAMERA",
                                             "SONY DSC",
                                             "DCIM",
                                             "MINOLTA DIGITAL CAMERA",
                                             "KONICA MINOLTA DIGITAL",
                                             "KODAK Digital Still",
                                             "Exif_JPEG",
                                             "SAMSUNG CAMERA PICTURES",
                                             "SAMSUNG DIGITAL CAMERA",
                                             "MEDION DIGITAL",
                                             "Created with GIMP",
                                             NULL};
    static const char *const whole[] = {
        "default", "digital camera", "digital still camera", "samsung", "exif", "screenshot", "untitled", NULL};
    for (const char *const *b = beginnings; *b; b++)
        if (begins(text, *b)) return 0;
    for (const char *const *w = whole; *w; w++)
        if (strcasecmp(text, *w) == 0) return 0;
    if (text[0] == '{' || text[0] == '[' || text[0] == '<') return 0;
    return strlen(text) < 60 || strchr(text, ' ') || (unsigned char)text[0] >= 0x80; /* keys and checksums are long */
}
