/*
** Every format, whole: what is decoded, its size, its notes, and what the caps refuse.
*/
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/alloc.h"
#include "encoder/pixels/orient.h"
#include "encoder/pixels/pixels.h"
#include "tests/pixels/samples.h"

static ps__pixels decoded(const char *name, const ps__pixels_options *options) {
    size_t size;
    uint8_t *bytes = sample_read(name, &size);
    ps__pixels pixels;
    ps__error err = {0};
    ck_assert_msg(!ps__pixels_decode(&pixels, bytes, size, name, options, &err), "%s", err.text);
    ps__free(bytes);
    return pixels;
}

START_TEST(each_format_shows_the_scene) {
    const sample *s = &pixel_samples[_i];
    uint8_t scene[SCENE_BYTES], expected[SCENE_BYTES];
    ps__pixels pixels = decoded(s->name, NULL);
    int turned = ps__orientation_turns(s->orientation);
    ck_assert_str_eq(pixels.format, s->format);
    ck_assert_int_eq(pixels.notes.orientation, s->orientation);
    ck_assert_int_eq(pixels.width, turned ? SCENE_HEIGHT : SCENE_WIDTH);
    ck_assert_int_eq(pixels.height, turned ? SCENE_WIDTH : SCENE_HEIGHT);
    ck_assert_int_eq(pixels.original_width, pixels.width);
    ck_assert_int_eq(pixels.original_height, pixels.height);
    if (s->shows != SHOWS_OTHER) {
        sample_scene(scene, s->shows);
        ps__orient(expected, scene, SCENE_WIDTH, SCENE_HEIGHT, SCENE_WIDTH * 3, s->orientation);
        int difference = sample_difference(pixels.rgb, expected, SCENE_BYTES);
        ck_assert_msg(difference <= s->tolerance, "%s differs by %d/100", s->name, difference);
    }
    ps__pixels_clear(&pixels);
    ck_assert_ptr_null(pixels.rgb);
}
END_TEST

START_TEST(each_format_gives_the_size_that_was_asked_for) {
    const sample *s = &pixel_samples[_i];
    const ps__pixels_options squash = {32, 32, PS__FIT_SQUASH, 0, 0, 0, 0}, inside = {32, 32, PS__FIT_INSIDE, 0, 0, 0, 0};
    ps__pixels whole = decoded(s->name, NULL), pixels = decoded(s->name, &squash);
    ck_assert_int_eq(pixels.width, 32);
    ck_assert_int_eq(pixels.height, 32);
    ck_assert_int_eq(pixels.original_width, whole.width);
    ck_assert_int_eq(pixels.original_height, whole.height);
    ps__pixels_clear(&pixels);
    pixels = decoded(s->name, &inside);
    ck_assert_int_eq(pixels.width, whole.width > whole.height ? 32 : 24);
    ck_assert_int_eq(pixels.height, whole.width > whole.height ? 24 : 32);
    ps__pixels_clear(&pixels);
    ps__pixels_clear(&whole);
}
END_TEST

START_TEST(inside_never_enlarges_and_squash_does) {
    const ps__pixels_options inside = {640, 480, PS__FIT_INSIDE, 0, 0, 0, 0}, squash = {640, 480, PS__FIT_SQUASH, 0, 0, 0, 0};
    ps__pixels pixels = decoded("baseline.jpg", &inside);
    ck_assert_int_eq(pixels.width, SCENE_WIDTH);
    ck_assert_int_eq(pixels.height, SCENE_HEIGHT);
    ps__pixels_clear(&pixels);
    pixels = decoded("baseline.jpg", &squash);
    ck_assert_int_eq(pixels.width, 640);
    ck_assert_int_eq(pixels.height, 480);
    ps__pixels_clear(&pixels);
}
END_TEST

START_TEST(pixels_beyond_a_short_palette_are_black) {
    ps__pixels pixels = decoded("short_palette.png", NULL);
    size_t black = 0;
    for (size_t i = 0; i < SCENE_BYTES; i += 3) black += !pixels.rgb[i] && !pixels.rgb[i + 1] && !pixels.rgb[i + 2];
    ck_assert_uint_gt(black, 1000);
    ps__pixels_clear(&pixels);
}
END_TEST

static void check_notes(const char *name) {
    ps__pixels pixels = decoded(name, NULL);
    const ps__camera_notes *n = &pixels.notes;
    ck_assert_str_eq(n->taken, "2021-07-04T15:32:10");
    ck_assert_str_eq(n->taken_offset, "+02:00");
    ck_assert_str_eq(n->make, "Lumen");
    ck_assert_str_eq(n->model, "Field Camera 2");
    ck_assert_str_eq(n->lens, "35mm f/1.8");
    ck_assert_int_eq(n->has_gps, 1);
    ck_assert_double_eq_tol(n->latitude, 47.2625, 1e-9);
    ck_assert_double_eq_tol(n->longitude, 11.4, 1e-9);
    ps__pixels_clear(&pixels);
}

START_TEST(notes_are_read_from_every_container) {
    check_notes("exif.jpg");
    check_notes("rgb.png");
    check_notes("lossy.webp");
    check_notes("exif.heic");
    check_notes("turned6.avif");
}
END_TEST

/* Decodes bytes and expects a status, and a sentence that opens with the name. */
static void refused(const uint8_t *bytes, size_t size, const char *name, const ps__pixels_options *options, int status) {
    ps__pixels pixels;
    ps__error err = {0};
    int got = ps__pixels_decode(&pixels, bytes, size, name, options, &err);
    ck_assert_msg(got == status, "%s: status %d (%s), expected %d", name, got, err.text, status);
    ck_assert_int_eq(err.code, status);
    ck_assert_msg(!strncmp(err.text, name, strlen(name)), "%s", err.text);
    ck_assert_ptr_null(pixels.rgb);
}

START_TEST(what_is_no_image_is_refused) {
    static const char text[] = "This is a text, and nothing that anybody could look at. It is long enough to hold any header.";
    static const uint8_t zeros[4096];
    refused((const uint8_t *)text, sizeof text, "letter.jpg", NULL, PS__FORMAT);
    refused(zeros, sizeof zeros, "zeros.png", NULL, PS__FORMAT);
    refused(zeros, 1, "tiny.png", NULL, PS__FORMAT);
    refused(zeros, 0, "empty.jpg", NULL, PS__CORRUPT);
    refused((const uint8_t *)"%PDF-1.4\n%\xE2\xE3\xCF\xD3\n1 0 obj", 24, "paper.pdf", NULL, PS__FORMAT);
}
END_TEST

START_TEST(absurd_options_are_refused) {
    static const ps__pixels_options bad[] = {
        {-1, 10, 0, 0, 0, 0, 0}, {10, 0, 0, 0, 0, 0, 0}, {0, 10, 0, 0, 0, 0, 0}, {70000, 10, 0, 0, 0, 0, 0}, {10, 10, 3, 0, 0, 0, 0}};
    size_t size;
    uint8_t *bytes = sample_read("baseline.jpg", &size);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) refused(bytes, size, "baseline.jpg", &bad[i], PS__INVALID);
    ps__free(bytes);
}
END_TEST

START_TEST(each_format_keeps_to_the_caps) {
    const sample *s = &pixel_samples[_i];
    const ps__pixels_options pixels = {0, 0, 0, SCENE_WIDTH * SCENE_HEIGHT - 1, 0, 0, 0}, memory = {0, 0, 0, 0, 4000, 0, 0};
    const ps__pixels_options enough = {0, 0, 0, SCENE_WIDTH * SCENE_HEIGHT, 1 << 20, 0, 0};
    size_t size;
    uint8_t *bytes = sample_read(s->name, &size);
    ps__pixels out;
    refused(bytes, size, s->name, &pixels, PS__TOOBIG);
    refused(bytes, size, s->name, &memory, PS__TOOBIG);
    ck_assert_int_eq(ps__pixels_decode(&out, bytes, size, s->name, &enough, NULL), PS__OK);
    ps__pixels_clear(&out);
    ps__free(bytes);
}
END_TEST

static void put(uint8_t *p, uint64_t value, int bytes, int big) {
    for (int i = 0; i < bytes; i++) p[i] = (uint8_t)(value >> 8 * (big ? bytes - 1 - i : i));
}

static uint8_t *find_bytes(uint8_t *bytes, size_t size, const void *what, size_t length) {
    uint8_t *found = memmem(bytes, size, what, length);
    ck_assert_ptr_nonnull(found);
    return found;
}

/* CRC-32 a bit at a time, so as not to trust the one under test. */
static uint32_t crc32_of(const uint8_t *p, size_t n) {
    uint32_t c = 0xFFFFFFFF;
    for (size_t i = 0; i < n * 8; i++) {
        uint32_t bit = (c ^ (uint32_t)(p[i / 8] >> i % 8)) & 1;
        c = c >> 1 ^ (bit ? 0xEDB88320 : 0);
    }
    return ~c;
}

/* Makes the header of a sample declare width x height. */
static void declare(const char *name, uint8_t *b, size_t size, uint64_t width, uint64_t height) {
    const char *format = strrchr(name, '.');
    if (!strcmp(format, ".jpg")) {
        uint8_t *frame = find_bytes(b, size, "\xFF\xC0", 2);
        put(frame + 5, height, 2, 1), put(frame + 7, width, 2, 1);
    } else if (!strcmp(format, ".png")) {
        put(b + 16, width, 4, 1), put(b + 20, height, 4, 1), put(b + 29, crc32_of(b + 12, 17), 4, 1);
    } else if (!strcmp(format, ".gif")) {
        put(b + 6, width, 2, 0), put(b + 8, height, 2, 0);
    } else if (!strcmp(format, ".bmp")) {
        put(b + 18, width, 4, 0), put(b + 22, height, 4, 0);
    } else if (!strcmp(format, ".tga")) {
        put(b + 12, width, 2, 0), put(b + 14, height, 2, 0);
    } else if (!strcmp(format, ".psd")) {
        put(b + 18, width, 4, 1), put(b + 14, height, 4, 1);
    } else if (!strcmp(format, ".webp")) {
        put(b + 24, width - 1, 3, 0), put(b + 27, height - 1, 3, 0);
    } else {
        uint8_t *box = find_bytes(b, size, "ispe", 4);
        put(box + 8, width, 4, 1), put(box + 12, height, 4, 1);
    }
}

START_TEST(header_bombs_are_refused_at_once) {
    static const char *const names[] = {"baseline.jpg", "rgb.png", "grey16.png", "still.gif",     "rgb.bmp",   "rgb.tga",
                                        "packed.tga",   "raw.psd", "packed.psd", "animated.webp", "exif.heic", "turned1.avif"};
    static const char hdr[] = "#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 60000 +X 60000\n\2\2\2\2";
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t size;
        uint8_t *bytes = sample_read(names[i], &size);
        declare(names[i], bytes, size, 60000, 60000);
        refused(bytes, size, names[i], NULL, PS__TOOBIG);
        ps__free(bytes);
    }
    refused((const uint8_t *)hdr, sizeof hdr - 1, "bomb.hdr", NULL, PS__TOOBIG);
    getrusage(RUSAGE_SELF, &after);
    ck_assert_int_lt(after.ru_maxrss - before.ru_maxrss, 64 * 1024); /* KiB, the sanitizers' own included */
}
END_TEST

/* Just below the cap on pixels, where the declared memory alone must stop those that would need it. */
START_TEST(large_headers_over_little_data_are_refused) {
    static const char *const names[] = {"rgb.png", "still.gif", "rgb.bmp", "rgb.tga", "raw.psd", "packed.psd"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t size;
        ps__pixels pixels;
        ps__error err = {0};
        uint8_t *bytes = sample_read(names[i], &size);
        declare(names[i], bytes, size, 19999, 19999);
        int status = ps__pixels_decode(&pixels, bytes, size, names[i], NULL, &err);
        ck_assert_msg(status == PS__TOOBIG || status == PS__CORRUPT, "%s: %d %s", names[i], status, err.text);
        ps__free(bytes);
    }
}
END_TEST

/* An uncompressed 24-bit TGA of one colour. */
static uint8_t *flat_tga(int width, int height, size_t *size) {
    *size = 18 + (size_t)width * (size_t)height * 3;
    uint8_t *bytes = ps__calloc(*size, 1);
    ck_assert_ptr_nonnull(bytes);
    bytes[2] = 2, bytes[16] = 24;
    put(bytes + 12, (uint64_t)width, 2, 0), put(bytes + 14, (uint64_t)height, 2, 0);
    for (size_t i = 18; i < *size; i += 3) bytes[i] = 30, bytes[i + 1] = 20, bytes[i + 2] = 10;
    return bytes;
}

START_TEST(extreme_shapes_are_read) {
    static const int shapes[][2] = {{1, 1}, {20000, 3}, {3, 20000}, {1, 60000}, {60000, 1}};
    const ps__pixels_options squash = {24, 24, PS__FIT_SQUASH, 0, 0, 0, 0}, inside = {24, 24, PS__FIT_INSIDE, 0, 0, 0, 0};
    size_t size;
    uint8_t *bytes = flat_tga(shapes[_i][0], shapes[_i][1], &size);
    for (int round = 0; round < 2; round++) {
        ps__pixels pixels;
        ck_assert_int_eq(ps__pixels_decode(&pixels, bytes, size, "flat.tga", round ? &inside : &squash, NULL), PS__OK);
        ck_assert(pixels.width >= 1 && pixels.width <= 24 && pixels.height >= 1 && pixels.height <= 24);
        for (int i = 0; i < pixels.width * pixels.height; i++) ck_assert(!memcmp(pixels.rgb + 3 * i, "\12\24\36", 3));
        ps__pixels_clear(&pixels);
    }
    ps__free(bytes);
}
END_TEST

START_TEST(endings_are_lower_case_and_start_with_a_dot) {
    for (const char *const *ending = ps__pixels_endings; *ending; ending++) {
        ck_assert_int_eq((*ending)[0], '.');
        ck_assert_uint_eq(strspn(*ending + 1, "abcdefghijklmnopqrstuvwxyz"), strlen(*ending) - 1);
    }
}
END_TEST

Suite *suite_pixels(void);
Suite *suite_pixels(void) {
    Suite *suite = suite_create("pixels");
    TCase *formats = tcase_create("formats"), *rest = tcase_create("rest");
    int count = 0;
    while (pixel_samples[count].name) count++;
    tcase_set_timeout(formats, 60);
    tcase_set_timeout(rest, 60);
    tcase_add_loop_test(formats, each_format_shows_the_scene, 0, count);
    tcase_add_loop_test(formats, each_format_gives_the_size_that_was_asked_for, 0, count);
    tcase_add_loop_test(formats, each_format_keeps_to_the_caps, 0, count);
    tcase_add_test(rest, inside_never_enlarges_and_squash_does);
    tcase_add_test(rest, pixels_beyond_a_short_palette_are_black);
    tcase_add_test(rest, notes_are_read_from_every_container);
    tcase_add_test(rest, what_is_no_image_is_refused);
    tcase_add_test(rest, absurd_options_are_refused);
    tcase_add_test(rest, header_bombs_are_refused_at_once);
    tcase_add_test(rest, large_headers_over_little_data_are_refused);
    tcase_add_loop_test(rest, extreme_shapes_are_read, 0, 5);
    tcase_add_test(rest, endings_are_lower_case_and_start_with_a_dot);
    suite_add_tcase(suite, formats);
    suite_add_tcase(suite, rest);
    return suite;
}
