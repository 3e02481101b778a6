/*
** Previews: that the right picture of a file is taken, upright and without bars, and that files and places that lie do no harm. The
** photos of tests/data/previews are grey and their previews are in colour, so that the colours tell which one was decoded.
*/
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/os.h"
#include "encoder/pixels/heif_boxes.h"
#include "encoder/pixels/job.h"
#include "encoder/pixels/preview.h"
#include "encoder/pixels/resize.h"

enum { SIDE = 192 };

static uint8_t *file_of(const char *name, size_t *size) {
    char path[256];
    uint8_t *bytes;
    ps__error err = {0};
    snprintf(path, sizeof path, "tests/data/previews/%s", name);
    ck_assert_msg(!ps__read_file(&bytes, size, NULL, path, 1 << 20, &err), "%s", err.text);
    return bytes;
}

/* Finds and decodes as a caller would: the bytes of the place are a block of their own. */
static int preview_of(ps__pixels *out, ps__preview_place *place, const uint8_t *file, size_t size,
                      const ps__pixels_options *options, ps__error *err) {
    size_t head = size < PS__PREVIEW_HEAD ? size : PS__PREVIEW_HEAD;
    int status = ps__preview_find(place, file, head, size, "photo", err);
    if (status) return status;
    ck_assert_uint_gt(place->length, 0);
    ck_assert_uint_le(place->length, size);
    ck_assert_uint_le(place->offset, size - place->length);
    uint8_t *bytes = malloc((size_t)place->length);
    ck_assert_ptr_nonnull(bytes);
    memcpy(bytes, file + place->offset, (size_t)place->length);
    status = ps__preview_decode(out, place, bytes, (size_t)place->length, "photo", options, err);
    free(bytes);
    return status;
}

static ps__pixels good_preview(ps__preview_place *place, const char *name, int width, int height, int fit) {
    size_t size;
    ps__pixels pixels;
    ps__error err = {0};
    const ps__pixels_options options = {.width = width, .height = height, .fit = fit, .shorter = width};
    uint8_t *file = file_of(name, &size);
    ck_assert_msg(!preview_of(&pixels, place, file, size, &options, &err), "%s: %s", name, err.text);
    ps__free(file);
    return pixels;
}

/* Asserts a colour at a point, in hundredths of the sides. */
static void shows(const ps__pixels *p, const char *name, int x, int y, int r, int g, int b) {
    const uint8_t *rgb = p->rgb + ((size_t)(p->height * y / 100) * (size_t)p->width + (size_t)(p->width * x / 100)) * 3;
    int off = abs(rgb[0] - r) + abs(rgb[1] - g) + abs(rgb[2] - b);
    ck_assert_msg(off < 60, "%s: at %d, %d: %d %d %d and not %d %d %d", name, x, y, rgb[0], rgb[1], rgb[2], r, g, b);
}

/* The corners of the upright scene, up to its edges, and its middle, which is violet in large previews. */
static void shows_scene(const ps__pixels *p, const char *name, int large) {
    shows(p, name, 2, 4, 90, 150, 230);
    shows(p, name, 97, 3, 90, 150, 230);
    shows(p, name, 83, 22, 250, 220, 60);
    shows(p, name, 3, 60, 190, 60, 50);
    shows(p, name, 31, 75, 190, 60, 50);
    shows(p, name, 96, 96, 240, 240, 240);
    shows(p, name, 74, 85, 240, 240, 240);
    shows(p, name, 4, 96, 70, 150, 60);
    if (large)
        shows(p, name, 53, 20, 150, 40, 200);
    else
        shows(p, name, 53, 20, 90, 150, 230);
}

static const struct {
    const char *name;
    int large;         /* shows the scene of the large previews */
    int width, height; /* of the upright photo */
    int orientation;   /* that is applied */
} good[] = {
    {"exif1.jpg", 0, 96, 64, 1},
    {"exif2.jpg", 0, 96, 64, 2},
    {"exif3.jpg", 0, 96, 64, 3},
    {"exif4.jpg", 0, 96, 64, 4},
    {"exif5.jpg", 0, 96, 64, 5},
    {"exif6.jpg", 0, 96, 64, 6},
    {"exif7.jpg", 0, 96, 64, 7},
    {"exif8.jpg", 0, 96, 64, 8},
    {"big_endian.jpg", 0, 96, 64, 1},
    {"self_cyclic.jpg", 0, 96, 64, 1},
    {"bars_above.jpg", 0, 96, 64, 1},
    {"bars_wide.jpg", 0, 112, 63, 6},
    {"bars_beside.jpg", 0, 64, 64, 1},
    {"squeezed.jpg", 0, 96, 64, 1},
    {"gain_map.jpg", 0, 96, 64, 1},
    {"stereo.jpg", 0, 96, 64, 1},
    {"full_hd_beside_exif.jpg", 0, 96, 64, 1},
    {"full_hd.jpg", 1, 96, 64, 1},
    {"vga.jpg", 1, 96, 64, 1},
    {"vga_little_endian.jpg", 1, 96, 64, 1},
    {"thumbnail.heic", 0, 192, 128, 1},
    {"turned.heic", 0, 192, 128, 1},
    {"upside_down.heic", 0, 192, 128, 1},
    {"mirrored.heic", 0, 192, 128, 1},
    {"thumbnail.avif", 0, 192, 128, 1},
};

START_TEST(previews_show_the_upright_photo_and_nothing_else) {
    ps__preview_place place;
    for (int whole = 0; whole < 2; whole++) {
        ps__pixels pixels = good_preview(&place, good[_i].name, whole ? 0 : SIDE, whole ? 0 : SIDE, PS__FIT_SQUASH);
        shows_scene(&pixels, good[_i].name, good[_i].large);
        ps__pixels_clear(&pixels);
    }
}
END_TEST

START_TEST(previews_say_of_the_photo_what_the_photo_says) {
    size_t size;
    ps__preview_place place;
    ps__pixels whole, pixels = good_preview(&place, good[_i].name, SIDE, SIDE, PS__FIT_SQUASH);
    uint8_t *file = file_of(good[_i].name, &size);
    ck_assert_int_eq(ps__pixels_decode(&whole, file, size, good[_i].name, NULL, NULL), PS__OK);
    ck_assert_int_eq(pixels.original_width, good[_i].width);
    ck_assert_int_eq(pixels.original_height, good[_i].height);
    ck_assert_int_eq(pixels.original_width, whole.original_width);
    ck_assert_int_eq(pixels.original_height, whole.original_height);
    ck_assert_str_eq(pixels.format, whole.format);
    ck_assert_int_eq(pixels.notes.orientation, good[_i].orientation);
    ck_assert_mem_eq(&pixels.notes, &whole.notes, sizeof whole.notes);
    ck_assert_str_eq(pixels.notes.model, "Field Camera 2");
    if (place.kind == PS__PREVIEW_JPEG) {
        ck_assert_str_eq(place.notes.taken, "2021-07-04T15:32:10");
        ck_assert_int_eq(place.notes.has_gps, 1);
        ck_assert_int_eq(place.original_width, good[_i].width);
        ck_assert_int_eq(place.original_height, good[_i].height);
    }
    ps__free(file);
    ps__pixels_clear(&whole);
    ps__pixels_clear(&pixels);
}
END_TEST

/* By hand from the whole preview, which was decoded at full size: much the same picture. */
START_TEST(previews_are_cropped_like_photos) {
    enum { CROP = 64, SHORTER = 72 };
    static uint8_t expected[CROP * CROP * 3];
    ps__preview_place place;
    ps__pixels whole = good_preview(&place, good[_i].name, 0, 0, PS__FIT_SQUASH);
    const ps__job job = {.width = CROP, .height = CROP, .fit = PS__FIT_CROP, .shorter = SHORTER};
    const ps__pixels_options options = {.width = CROP, .height = CROP, .fit = PS__FIT_CROP, .shorter = SHORTER};
    ps__target t;
    ps__job_target(&t, &job, whole.width, whole.height);
    const ps__resizing how = {PS__FILTER_BICUBIC, t.whole_width, t.whole_height, t.left, t.top, t.width, t.height};
    const size_t stride = (size_t)whole.width * 3;
    ck_assert_int_eq(ps__resize_part(expected, &how, whole.rgb, whole.width, whole.height, stride, NULL), PS__OK);
    size_t size;
    ps__pixels pixels;
    uint8_t *file = file_of(good[_i].name, &size);
    ck_assert_int_eq(preview_of(&pixels, &place, file, size, &options, NULL), PS__OK);
    ck_assert_int_eq(pixels.width, CROP);
    ck_assert_int_eq(pixels.height, CROP);
    int far = 0;
    for (size_t i = 0; i < sizeof expected; i++) far += abs(pixels.rgb[i] - expected[i]) > 40;
    ck_assert_msg(far < (int)sizeof expected / 20, "%s: %d values differ much", good[_i].name, far);
    ps__free(file);
    ps__pixels_clear(&whole);
    ps__pixels_clear(&pixels);
}
END_TEST

START_TEST(bars_are_cut_to_the_shape_of_the_photo) {
    static const struct {
        const char *name;
        int width, height;
    } table[] = {{"bars_above.jpg", 160, 106},
                 {"bars_wide.jpg", 160, 90},
                 {"bars_beside.jpg", 120, 120},
                 {"squeezed.jpg", 160, 120},
                 {"exif6.jpg", 160, 107}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        ps__preview_place place;
        ps__pixels pixels = good_preview(&place, table[i].name, 0, 0, PS__FIT_SQUASH);
        ck_assert_msg(abs(pixels.width - table[i].width) <= 1 && abs(pixels.height - table[i].height) <= 1, "%s: %d x %d",
                      table[i].name, pixels.width, pixels.height);
        ps__pixels_clear(&pixels);
        pixels = good_preview(&place, table[i].name, 64, 64, PS__FIT_INSIDE);
        ck_assert_int_eq(pixels.width > pixels.height ? pixels.width : pixels.height, 64);
        ps__pixels_clear(&pixels);
    }
}
END_TEST

START_TEST(files_without_a_preview_that_is_read_say_so) {
    static const char *const names[] = {"absent.jpg",
                                        "bare.jpg",
                                        "tiny.jpg",
                                        "uncompressed.jpg",
                                        "no_jpeg.jpg",
                                        "outside.jpg",
                                        "too_long.jpg",
                                        "longer_than_block.jpg",
                                        "only_gain_map.jpg",
                                        "absent.heic",
                                        "only_photo_turned.heic",
                                        "only_thumbnail_turned.heic",
                                        "../images/rgb.png",
                                        "../images/scene.rgb",
                                        "../images/turned6.avif"};
    size_t size;
    ps__preview_place place;
    ps__error err = {0};
    uint8_t *file = file_of(names[_i], &size);
    ck_assert_int_eq(ps__preview_find(&place, file, size, size, "photo", &err), PS__NOTFOUND);
    ck_assert_int_eq(err.code, PS__NOTFOUND);
    ck_assert_int_eq(strncmp(err.text, "photo: ", 7), 0);
    ck_assert_int_eq(place.kind, PS__PREVIEW_NONE);
    ps__free(file);
}
END_TEST

START_TEST(previews_that_cannot_be_used_are_refused) {
    static const struct {
        const char *name;
        int status;
        const char *says;
    } table[] = {
        {"cut_thumbnail.jpg", PS__CORRUPT, "photo: its preview: truncated after"},
        {"sideways.jpg", PS__NOTFOUND, "photo: its preview: lies on its side"},
        {"tiny.heic", PS__NOTFOUND, "photo: its preview: holds no thumbnail"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        size_t size;
        ps__pixels pixels;
        ps__preview_place place;
        ps__error err = {0};
        uint8_t *file = file_of(table[i].name, &size);
        ck_assert_int_eq(ps__preview_find(&place, file, size, size, "photo", &err), PS__OK);
        ck_assert_int_eq(preview_of(&pixels, &place, file, size, NULL, &err), table[i].status);
        ck_assert_msg(strncmp(err.text, table[i].says, strlen(table[i].says)) == 0, "%s", err.text);
        ck_assert_ptr_null(pixels.rgb);
        ps__free(file);
    }
}
END_TEST

START_TEST(a_large_preview_that_the_file_has_lost_is_passed_over_for_the_one_in_exif) {
    ps__preview_place place;
    ps__pixels pixels = good_preview(&place, "vga_cut_off.jpg", SIDE, SIDE, PS__FIT_SQUASH);
    shows_scene(&pixels, "vga_cut_off.jpg", 0);
    ps__pixels_clear(&pixels);
}
END_TEST

static void put_u32(uint8_t *at, uint32_t value) {
    for (int i = 0; i < 4; i++) at[i] = (uint8_t)(value >> 8 * i);
}

START_TEST(numbers_that_lie_lead_nowhere_outside_the_file) {
    static const uint32_t lies[] = {0, 1, 7, 0x7FFFFFFF, 0x80000000, 0xFFFFFFF0, 0xFFFFFFFF};
    static const char *const names[] = {"vga.jpg", "exif1.jpg"};
    size_t size;
    uint8_t *file = file_of(names[_i], &size);
    for (size_t at = 2; at + 4 <= size && at < 2200; at++) { /* every four bytes of the header, the index and the directories */
        uint8_t kept[4];
        memcpy(kept, file + at, 4);
        for (size_t k = 0; k < sizeof lies / sizeof *lies; k++) {
            ps__preview_place place;
            put_u32(file + at, lies[k]);
            if (!ps__preview_find(&place, file, size, size, "photo", NULL)) {
                ck_assert_uint_gt(place.length, 0);
                ck_assert_uint_le(place.length, PS__PREVIEW_MOST);
                ck_assert_uint_le(place.offset, size);
                ck_assert_uint_le(place.length, size - place.offset);
            }
        }
        memcpy(file + at, kept, 4);
    }
    ps__free(file);
}
END_TEST

START_TEST(cyclic_directories_come_to_an_end) {
    size_t size;
    ps__preview_place place;
    uint8_t *file = file_of("cyclic.jpg", &size);
    ck_assert_int_eq(ps__preview_find(&place, file, size, size, "photo", NULL), PS__NOTFOUND);
    ps__free(file);
}
END_TEST

START_TEST(files_cut_anywhere_give_a_preview_or_a_reason) {
    static const char *const names[] = {"exif6.jpg", "vga.jpg", "turned.heic", "full_hd.jpg"};
    size_t size;
    uint8_t *file = file_of(names[_i], &size);
    for (size_t cut = 0; cut < size; cut += 1 + cut / 64) {
        ps__pixels pixels;
        ps__preview_place place;
        ps__error err = {0};
        const ps__pixels_options options = {32, 32, PS__FIT_SQUASH, 0, 0, 0, 0};
        uint8_t *part = malloc(cut + 1);
        ck_assert_ptr_nonnull(part);
        memcpy(part, file, cut);
        int status = preview_of(&pixels, &place, part, cut, &options, &err);
        if (status)
            ck_assert_msg(err.code == status && !strncmp(err.text, "photo: ", 7), "%s", err.text);
        else
            ps__pixels_clear(&pixels);
        free(part);
    }
    ps__free(file);
}
END_TEST

START_TEST(impossible_places_are_refused) {
    size_t size;
    ps__pixels pixels;
    ps__preview_place right, place;
    uint8_t *file = file_of("exif1.jpg", &size);
    ck_assert_int_eq(ps__preview_find(&right, file, size, size, "photo", NULL), PS__OK);
    for (int wrong = 0; wrong <= 12; wrong++) {
        int expected = PS__INVALID;
        size_t length = (size_t)right.length;
        place = right;
        switch (wrong) {
        case 0: expected = PS__OK; break;
        case 1: place.kind = PS__PREVIEW_NONE; break;
        case 2: place.kind = PS__PREVIEW_WHOLE; break;
        case 3: place.kind = 77; break;
        case 4: memset(place.format, 'x', sizeof place.format); break;
        case 5: strcpy(place.format, "heif"); break;
        case 6: place.original_width = -1; break;
        case 7: place.original_height = 1 << 30; break;
        case 8: place.notes.orientation = 9; break;
        case 9: memset(place.notes.make, 'x', sizeof place.notes.make); break;
        case 10: place.notes.latitude = NAN; break;
        case 11: place.notes.longitude = -181; break;
        case 12: length = PS__PREVIEW_MOST + 1, expected = PS__TOOBIG; break; /* told before a byte is looked at */
        default: break;
        }
        int status = ps__preview_decode(&pixels, &place, file + right.offset, length, "photo", NULL, NULL);
        ck_assert_msg(status == expected, "%d: %d", wrong, status);
        ps__pixels_clear(&pixels);
    }
    place = right;
    ck_assert_int_eq(ps__preview_decode(&pixels, &place, file, 0, "photo", NULL, NULL), PS__CORRUPT);
    const ps__pixels_options absurd = {-1, 5, 0, 0, 0, 0, 0};
    ck_assert_int_eq(ps__preview_decode(&pixels, &place, file, size, "photo", &absurd, NULL), PS__INVALID);
    ps__free(file);
}
END_TEST

START_TEST(previews_of_photos_of_unknown_shape_keep_their_margins) {
    size_t size;
    ps__pixels pixels;
    ps__preview_place place;
    uint8_t *file = file_of("squeezed.jpg", &size);
    ck_assert_int_eq(ps__preview_find(&place, file, size, size, "photo", NULL), PS__OK);
    place.original_width = place.original_height = 0; /* shape unknown: nothing may be cut */
    ck_assert_int_eq(ps__preview_decode(&pixels, &place, file + place.offset, (size_t)place.length, "photo", NULL, NULL), PS__OK);
    ck_assert_int_eq(pixels.width, 160);
    ck_assert_int_eq(pixels.height, 120);
    ck_assert_int_eq(pixels.original_width, 0);
    ps__pixels_clear(&pixels);
    ps__free(file);
}
END_TEST

START_TEST(memory_that_runs_out_is_said) {
    static const char *const names[] = {"exif6.jpg", "vga.jpg", "bars_wide.jpg", "turned.heic"};
    size_t size;
    uint8_t *file = file_of(names[_i], &size);
    const ps__pixels_options options = {SIDE, SIDE, PS__FIT_SQUASH, 0, 0, 0, 0};
    int status = PS__NOMEM, tries = 0;
    for (; status; tries++) {
        ps__pixels pixels;
        ps__preview_place place;
        ps__error err = {0};
        ck_assert_int_lt(tries, 1000);
        ps__alloc_fail_after(tries, 0);
        status = preview_of(&pixels, &place, file, size, &options, &err);
        ps__alloc_fail_after(-1, 0);
        if (!status) {
            ps__pixels_clear(&pixels);
            if (tries < 2) status = PS__NOMEM;
            continue;
        }
        ck_assert_msg(status == PS__NOMEM, "%s", err.text);
    }
    ck_assert_int_gt(tries, 2);
    ps__free(file);
}
END_TEST

START_TEST(containers_that_are_not_seen_whole_get_the_benefit_of_the_doubt) {
    size_t size;
    uint8_t *file = file_of("thumbnail.heic", &size);
    ck_assert(ps__heif_may_hold_thumbnail(file, 100)); /* in the middle of the meta box */
    ck_assert(ps__heif_may_hold_thumbnail(file, size));
    ck_assert(!ps__heif_may_hold_thumbnail(file, 0));
    ps__free(file);
}
END_TEST

Suite *suite_preview(void);
Suite *suite_preview(void) {
    Suite *suite = suite_create("preview");
    TCase *tests = tcase_create("preview");
    tcase_set_timeout(tests, 60);
    const int samples = (int)(sizeof good / sizeof *good);
    tcase_add_loop_test(tests, previews_show_the_upright_photo_and_nothing_else, 0, samples);
    tcase_add_loop_test(tests, previews_say_of_the_photo_what_the_photo_says, 0, samples);
    tcase_add_loop_test(tests, previews_are_cropped_like_photos, 0, samples);
    tcase_add_test(tests, bars_are_cut_to_the_shape_of_the_photo);
    tcase_add_loop_test(tests, files_without_a_preview_that_is_read_say_so, 0, 15);
    tcase_add_test(tests, previews_that_cannot_be_used_are_refused);
    tcase_add_test(tests, a_large_preview_that_the_file_has_lost_is_passed_over_for_the_one_in_exif);
    tcase_add_loop_test(tests, numbers_that_lie_lead_nowhere_outside_the_file, 0, 2);
    tcase_add_test(tests, cyclic_directories_come_to_an_end);
    tcase_add_loop_test(tests, files_cut_anywhere_give_a_preview_or_a_reason, 0, 4);
    tcase_add_test(tests, impossible_places_are_refused);
    tcase_add_test(tests, previews_of_photos_of_unknown_shape_keep_their_margins);
    tcase_add_loop_test(tests, memory_that_runs_out_is_said, 0, 4);
    tcase_add_test(tests, containers_that_are_not_seen_whole_get_the_benefit_of_the_doubt);
    suite_add_tcase(suite, tests);
    return suite;
}
