/*
** Telling screenshots, panoramas and selfies; see kinds.h. Names of files tell more, but are not known here.
*/
#include "encoder/pixels/kinds.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

/* A panorama is wider than any frame of a film or a phone (21:9 is 2.33), or at least made of more than one. */
static int is_long(int64_t side, int64_t other) { return 5 * side >= 11 * other; } /* 2.2 : 1 */

#define PANORAMA_SIDE 5000 /* pixels on the longer side: others are banners and cuttings */

static int holds_one_of(const char *text, const char *const *words) {
    for (; *words; words++)
        if (strcasestr(text, *words)) return 1;
    return 0;
}

int ps__kinds_of_comment(const char *text) { return strcasecmp(text, "screenshot") == 0 ? PS__PICTURE_SCREENSHOT : 0; }

int ps__kinds_of_software(const char *name) {
    static const char *const makers[] = {"screenshot", "spectacle",     "flameshot", "greenshot", "sharex",
                                         "snipaste",   "ksnip",         "shutter",   "lightshot", "snagit",
                                         "screencap",  "snipping tool", NULL};
    return holds_one_of(name, makers) ? PS__PICTURE_SCREENSHOT : 0;
}

/* iPhones say it in the language of the phone. */
int ps__kinds_of_lens(const char *lens) {
    static const char *const front[] = {"front camera",
                                        "front truedepth",
                                        "front-facing",
                                        "selfie",
                                        "Frontkamera",
                                        "Vorderseitige",
                                        "frontal",                  /* Spanish, Portuguese */
                                        "cam\xC3\xA9ra avant",      /* French */
                                        "kamera depan",             /* Indonesian */
                                        "\xE5\x89\x8D\xE7\xBD\xAE", /* Chinese: the one in front */
                                        "\xE5\x89\x8D\xE9\x9D\xA2", /* Japanese: the front side */
                                        NULL};
    return holds_one_of(lens, front) ? PS__PICTURE_SELFIE : 0;
}

/* Upright ones are mostly screenshots that were scrolled, unless a camera is named. */
int ps__kinds_of_size(const ps__camera_notes *notes, int width, int height) {
    if (notes->kinds & PS__PICTURE_SCREENSHOT || width < 1 || height < 1) return 0;
    int lying = width >= PANORAMA_SIDE && is_long(width, height);
    int standing = height >= PANORAMA_SIDE && is_long(height, width) && notes->make[0];
    return lying || standing ? PS__PICTURE_PANORAMA : 0;
}
