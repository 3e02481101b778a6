/*
** Taking notes; see notes.h. What the file says goes before its name, and that before when it was written: only times and kinds
** are taken from outside of it.
*/
#include "indexer/notes.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "encoder/pixels/look.h"
#include "indexer/camera_time.h"
#include "store/calendar.h"

/* ---- Kinds by name ---- */

static int is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (unsigned char)c >= 0x80; }

/* 1 when the name holds this word, with no letter beside it. */
static int has_word(const char *name, size_t length, const char *word) {
    size_t n = strlen(word);
    for (size_t i = 0; i + n <= length; i++) {
        if (strncasecmp(name + i, word, n) != 0 || (i > 0 && is_letter(name[i - 1]))) continue;
        if (i + n == length || !is_letter(name[i + n])) return 1;
    }
    return 0;
}

static int has_one_of(const char *name, size_t length, const char *const *words) {
    for (; *words; words++)
        if (has_word(name, length, *words)) return 1;
    return 0;
}

/* Scripts without blanks between words. */
static int holds_one_of(const char *name, const char *const *parts) {
    for (; *parts; parts++)
        if (strstr(name, *parts)) return 1;
    return 0;
}

int ps__kinds_of_path(const char *path, int has_camera) {
    static const char *const screens[] = {"screenshot",
                                          "screen shot",
                                          "screencap",
                                          "bildschirmfoto",
                                          "captura de pantalla",
                                          "captura de tela",
                                          "tangkapan layar",
                                          "capture d'\xC3\xA9"
                                          "cran",
                                          "capture d\xE2\x80\x99\xC3\xA9"
                                          "cran",
                                          "captura de ecr\xC3\xA3",
                                          NULL};
    static const char *const screens_cjk[] = {
        "\xE6\x88\xAA\xE5\x9B\xBE", "\xE6\x88\xAA\xE5\xB1\x8F", "\xE8\x9E\xA2\xE5\xB9\x95\xE5\xBF\xAB\xE7\x85\xA7",
        "\xE3\x82\xB9\xE3\x82\xAF\xE3\x83\xAA\xE3\x83\xBC\xE3\x83\xB3\xE3\x82\xB7\xE3\x83\xA7\xE3\x83\x83\xE3\x83\x88", NULL};
    static const char *const panoramas[] = {"pano", "panorama", NULL}, *const selfies[] = {"selfie", "selfies", NULL};
    static const char *const folders[] = {"screenshots", "screenshot", "bildschirmfotos", NULL};
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *folder = slash;
    size_t length = strlen(name);
    int kinds = 0;
    while (folder && folder > path && folder[-1] != '/') folder--;
    if (has_one_of(name, length, screens) || holds_one_of(name, screens_cjk)) kinds |= PS__PICTURE_SCREENSHOT;
    if (!has_camera && slash && has_one_of(folder, (size_t)(slash - folder), folders)) kinds |= PS__PICTURE_SCREENSHOT;
    if (has_one_of(name, length, panoramas)) kinds |= PS__PICTURE_PANORAMA;
    if (has_one_of(name, length, selfies)) kinds |= PS__PICTURE_SELFIE;
    return kinds;
}

/* ---- The photo ---- */

static void take_time(ps__photo *photo, const ps__camera_notes *n, const char *path, const ps__file_stat *st) {
    ps__time_taken time;
    ps__time_notes notes = {.taken = n->taken,
                            .offset = n->taken_offset,
                            .has_place = n->has_gps,
                            .longitude = n->longitude,
                            .path = path,
                            .modified_s = st->mtime_ns / 1000000000};
    notes.has_gps_time = ps__calendar_parse(&notes.gps_utc_s, n->gps_time);
    ps__camera_time(&time, &notes);
    snprintf(photo->taken, sizeof photo->taken, "%s", time.taken);
    snprintf(photo->taken_offset, sizeof photo->taken_offset, "%s", time.offset);
    photo->taken_s = time.taken_s;
    photo->taken_source = time.source;
}

static void take_place(ps__photo *photo, const ps__camera_notes *n, const ps__gazetteer *gazetteer) {
    ps__place place;
    photo->has_gps = n->has_gps;
    photo->latitude = n->latitude;
    photo->longitude = n->longitude;
    photo->placed = n->has_gps && gazetteer;
    if (!photo->placed || ps__gazetteer_nearest(&place, gazetteer, n->latitude, n->longitude) != PS__OK) return;
    photo->city = place.id;
    photo->region = place.region;
    snprintf(photo->country, sizeof photo->country, "%s", place.country);
}

void ps__take_notes(ps__photo *photo, ps__photo_texts *texts, const ps__pixels *pixels, const char *path, const ps__file_stat *st,
                    const ps__gazetteer *gazetteer) {
    const ps__camera_notes *n = &pixels->notes;
    photo->width = pixels->original_width;
    photo->height = pixels->original_height;
    snprintf(photo->format, sizeof photo->format, "%s", pixels->format ? pixels->format : "");
    take_time(photo, n, path, st);
    take_place(photo, n, gazetteer);
    snprintf(photo->make, sizeof photo->make, "%s", n->make);
    snprintf(photo->model, sizeof photo->model, "%s", n->model);
    snprintf(photo->lens, sizeof photo->lens, "%s", n->lens);
    photo->flash = n->flash;
    photo->rating = n->rating;
    photo->kinds = n->kinds | ps__kinds_of_path(path, n->make[0] != 0);
    photo->look = ps__look(pixels->rgb, pixels->width, pixels->height);
    snprintf(texts->title, sizeof texts->title, "%s", pixels->texts.title);
    snprintf(texts->caption, sizeof texts->caption, "%s", pixels->texts.caption);
    snprintf(texts->keywords, sizeof texts->keywords, "%s", pixels->texts.keywords);
}
