/*
** What files say about their photos, found in every container: blocks are put into the sample pictures here.
*/
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "encoder/pixels/kinds.h"
#include "encoder/pixels/pixels.h"
#include "encoder/pixels/texts.h"
#include "tests/pixels/samples.h"

static const char xmp[] =
    "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description"
    " rdf:about='' xmlns:dc='http://purl.org/dc/elements/1.1/' xmlns:xmp='http://ns.adobe.com/xap/1.0/' xmp:Rating='5'>"
    "<dc:title><rdf:Alt><rdf:li xml:lang='x-default'>Kitchen</rdf:li></rdf:Alt></dc:title>"
    "<dc:subject><rdf:Bag><rdf:li>pan</rdf:li></rdf:Bag></dc:subject>"
    "</rdf:Description></rdf:RDF></x:xmpmeta>";
static const char iptc[] = "\x1C\2\5\0\5Other\x1C\2\x78\0\4Soup\x1C\2\x19\0\3pot";

static ps__pixels pixels;

static void decode(const void *bytes, size_t size, const char *name) {
    ps__error err = {0};
    ps__pixels_clear(&pixels);
    ck_assert_msg(ps__pixels_decode(&pixels, bytes, size, name, NULL, &err) == PS__OK, "%s", err.text);
}

/* ---- Containers, taken apart and put together ---- */

/* The file with `extra` put in at `at`. */
static void decode_with(const uint8_t *bytes, size_t size, size_t at, const ps__buf *extra, const char *name) {
    ps__buf whole = PS__BUF_INIT;
    ps__buf_append(&whole, bytes, at);
    ps__buf_append(&whole, extra->bytes, extra->length);
    ps__buf_append(&whole, bytes + at, size - at);
    decode(whole.bytes, whole.length, name);
    ps__buf_free(&whole);
}

static void add_be(ps__buf *b, size_t value, int bytes) {
    while (bytes--) ps__buf_putc(b, (char)(value >> 8 * bytes));
}

static void add_segment(ps__buf *b, int marker, const char *name, size_t name_size, const ps__buf *body) {
    add_be(b, 0xFF00u | (unsigned)marker, 2);
    add_be(b, 2 + name_size + body->length, 2);
    ps__buf_append(b, name, name_size);
    ps__buf_append(b, body->bytes, body->length);
}

static void add_resource(ps__buf *b, size_t number, const char *bytes, size_t size) {
    ps__buf_puts(b, "8BIM");
    add_be(b, number, 2);
    add_be(b, 0, 2);
    add_be(b, size, 4);
    ps__buf_append(b, bytes, size);
    if (size % 2) ps__buf_putc(b, 0);
}

/* Chunks of text are ancillary: nobody looks at their checksum. */
static void add_chunk(ps__buf *b, const char *type, const char *body, size_t size) {
    add_be(b, size, 4);
    ps__buf_puts(b, type);
    ps__buf_append(b, body, size);
    add_be(b, 0, 4);
}

static void check_xmp(void) {
    ck_assert_str_eq(pixels.texts.title, "Kitchen");
    ck_assert_int_eq(pixels.notes.rating, 5);
}

START_TEST(jpeg_carries_xmp_and_iptc_in_segments) {
    static const char xmp_name[] = "http://ns.adobe.com/xap/1.0/", photoshop[] = "Photoshop 3.0";
    size_t size;
    uint8_t *bytes = sample_read("exif.jpg", &size);
    ps__buf extra = PS__BUF_INIT, body = PS__BUF_INIT;
    ps__buf_append(&body, xmp, sizeof xmp - 1);
    add_segment(&extra, 0xE1, xmp_name, sizeof xmp_name, &body);
    ps__buf_clear(&body);
    add_resource(&body, 0x0404, iptc, sizeof iptc - 1);
    add_segment(&extra, 0xED, photoshop, sizeof photoshop, &body);
    decode_with(bytes, size, 2, &extra, "exif.jpg");
    check_xmp();
    ck_assert_str_eq(pixels.texts.caption, "Soup");
    ck_assert_str_eq(pixels.texts.keywords, "pan, pot");
    ck_assert_str_eq(pixels.notes.make, "Lumen"); /* and the EXIF behind them */
    decode(bytes, size, "exif.jpg");
    ck_assert_str_eq(pixels.texts.title, "");
    ps__buf_free(&extra);
    ps__buf_free(&body);
    ps__free(bytes);
}
END_TEST

START_TEST(png_carries_xmp_and_texts_in_chunks) {
    static const char itxt[] = "XML:com.adobe.xmp\0\0\0\0";
    size_t size;
    uint8_t *bytes = sample_read("rgb.png", &size);
    ps__buf extra = PS__BUF_INIT, body = PS__BUF_INIT;
    ps__buf_append(&body, itxt, sizeof itxt); /* a keyword, no compression, its method, no language, no translation */
    ps__buf_append(&body, xmp, sizeof xmp - 1);
    add_chunk(&extra, "tEXt", "Title\0Less", 10);
    add_chunk(&extra, "tEXt",
              "Description\0Gr\xFC\xDF"
              "e",
              17);
    add_chunk(&extra, "tEXt", "Author\0Nobody", 13);
    add_chunk(&extra, "iTXt", body.bytes, body.length);
    decode_with(bytes, size, 33, &extra, "rgb.png");
    check_xmp();
    ck_assert_str_eq(pixels.texts.caption, "Gr\xC3\xBC\xC3\x9F"
                                           "e");
    ck_assert_int_eq(pixels.notes.kinds, 0);
    ck_assert_int_eq(pixels.notes.orientation, 6);          /* of eXIf */
    decode_with(bytes, size, size - 12, &extra, "rgb.png"); /* behind the pixels */
    check_xmp();
    ps__buf_free(&extra);
    ps__buf_free(&body);
    ps__free(bytes);
}
END_TEST

START_TEST(png_chunks_tell_screenshots) {
    static const struct {
        const char *type, *body;
        size_t size;
        int kinds;
    } table[] = {
        {"tEXt", "Software\0gnome-screenshot", 25, PS__PICTURE_SCREENSHOT},
        {"tEXt", "Comment\0Screenshot", 18, PS__PICTURE_SCREENSHOT},
        {"iTXt", "Title\0\0\0en\0\0Screenshot", 22, PS__PICTURE_SCREENSHOT},
        {"iTXt", "Title\0\1\0en\0\0Screenshot", 22, 0}, /* compressed, it says */
        {"tEXt", "Software\0Camera", 15, 0},
        {"tEXt", "Screenshot", 10, 0},
        {"iTXt", "Title\0\0", 7, 0},
        {"iTXt", "Title\0\0\0en", 10, 0},
    };
    size_t size;
    uint8_t *bytes = sample_read("grey.png", &size);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        ps__buf extra = PS__BUF_INIT;
        add_chunk(&extra, table[i].type, table[i].body, table[i].size);
        decode_with(bytes, size, 33, &extra, "grey.png");
        ck_assert_msg(pixels.notes.kinds == table[i].kinds, "row %zu: %d", i, pixels.notes.kinds);
        ck_assert_str_eq(pixels.texts.title, "");
        ps__buf_free(&extra);
    }
    ps__free(bytes);
}
END_TEST

START_TEST(webp_carries_xmp_in_a_chunk) {
    size_t size;
    uint8_t *bytes = sample_read("lossy.webp", &size);
    ps__buf extra = PS__BUF_INIT;
    size_t length = sizeof xmp - 1, even = length + length % 2;
    ps__buf_puts(&extra, "XMP ");
    for (int i = 0; i < 4; i++) ps__buf_putc(&extra, (char)(length >> 8 * i));
    ps__buf_append(&extra, xmp, even); /* the filling byte is the 0 of the text */
    size_t total = size - 8 + extra.length;
    for (int i = 0; i < 4; i++) bytes[4 + i] = (uint8_t)(total >> 8 * i);
    decode_with(bytes, size, size, &extra, "lossy.webp");
    check_xmp();
    ck_assert_str_eq(pixels.notes.make, "Lumen");
    ps__buf_free(&extra);
    ps__free(bytes);
}
END_TEST

START_TEST(psd_carries_xmp_and_iptc_in_resources) {
    size_t size;
    uint8_t *bytes = sample_read("raw.psd", &size);
    ps__buf extra = PS__BUF_INIT;
    add_resource(&extra, 0x0404, iptc, sizeof iptc - 1);
    add_resource(&extra, 0x0424, xmp, sizeof xmp - 1);
    ck_assert(!memcmp(bytes + 26, "\0\0\0\0\0\0\0\0", 8)); /* no palette, no resources */
    for (int i = 0; i < 4; i++) bytes[30 + i] = (uint8_t)(extra.length >> (24 - 8 * i));
    decode_with(bytes, size, 34, &extra, "raw.psd");
    check_xmp();
    ck_assert_str_eq(pixels.texts.caption, "Soup");
    ps__buf_free(&extra);
    ps__free(bytes);
}
END_TEST

START_TEST(heif_carries_xmp_in_an_item) {
    size_t size;
    uint8_t *bytes = sample_read("xmp.heic", &size);
    decode(bytes, size, "xmp.heic");
    ck_assert_str_eq(pixels.texts.title, "Kitchen");
    ck_assert_str_eq(pixels.texts.keywords, "pan, pot");
    ck_assert_int_eq(pixels.notes.rating, 4);
    ps__free(bytes);
}
END_TEST

/* As exiftool writes them. */
START_TEST(all_sources_add_up) {
    size_t size;
    uint8_t *bytes = sample_read("notes.jpg", &size);
    decode(bytes, size, "notes.jpg");
    ck_assert_str_eq(pixels.texts.title, "Kitchen");
    ck_assert_str_eq(pixels.texts.caption, "Soup for Gisela"); /* IPTC's, not EXIF's */
    ck_assert_str_eq(pixels.texts.keywords, "pan, pot");
    ck_assert_int_eq(pixels.notes.rating, 3);
    ck_assert_int_eq(pixels.notes.flash, 1);
    ck_assert_str_eq(pixels.notes.gps_time, "2021-07-04T13:32:10");
    ps__free(bytes);
}
END_TEST

/* ---- Kinds ---- */

START_TEST(lenses_and_programs_tell_kinds) {
    ck_assert_int_eq(ps__kinds_of_lens("iPhone 13 front TrueDepth camera 2.71mm f/2.2"), PS__PICTURE_SELFIE);
    ck_assert_int_eq(ps__kinds_of_lens("iPhone 7 FRONT CAMERA 2.87mm f/2.2"), PS__PICTURE_SELFIE);
    ck_assert_int_eq(ps__kinds_of_lens("iPhone 11 \xE5\x89\x8D\xE7\xBD\xAE\xE9\x95\x9C\xE5\xA4\xB4"), PS__PICTURE_SELFIE);
    ck_assert_int_eq(ps__kinds_of_lens("iPhone 13 back dual wide camera 5.1mm f/1.6"), 0);
    ck_assert_int_eq(ps__kinds_of_lens(""), 0);
    ck_assert_int_eq(ps__kinds_of_software("Greenshot 1.2"), PS__PICTURE_SCREENSHOT);
    ck_assert_int_eq(ps__kinds_of_software("16.1.2"), 0);
    ck_assert_int_eq(ps__kinds_of_comment("SCREENSHOT"), PS__PICTURE_SCREENSHOT);
    ck_assert_int_eq(ps__kinds_of_comment("Screenshot of a film"), 0);
    ck_assert_int_eq(ps__kinds_of_comment(""), 0);
}
END_TEST

START_TEST(wide_pictures_of_many_pixels_are_panoramas) {
    static const struct {
        int width, height, panorama;
    } table[] = {{12000, 3000, 1}, {6600, 3000, 1}, {6500, 3000, 0}, {4032, 1728, 0},
                 {4999, 1000, 0},  {5000, 1000, 1}, {1080, 9000, 0}, {0, 0, 0}};
    ps__camera_notes notes = {.orientation = 1};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        ck_assert_msg((ps__kinds_of_size(&notes, table[i].width, table[i].height) == PS__PICTURE_PANORAMA) == table[i].panorama,
                      "row %zu", i);
    strcpy(notes.make, "Apple");
    ck_assert_int_eq(ps__kinds_of_size(&notes, 3000, 12000), PS__PICTURE_PANORAMA);
    notes.kinds = PS__PICTURE_SCREENSHOT;
    ck_assert_int_eq(ps__kinds_of_size(&notes, 12000, 3000), 0);
}
END_TEST

START_TEST(cameras_own_words_are_no_captions) {
    static const char *const cameras[] = {"OLYMPUS DIGITAL CAMERA",
                                          "DCIM\\100MEDIA\\DJI_0001.JPG",
                                          "default",
                                          "SONY DSC",
                                          "{\"filter\":0}",
                                          "a0b1c2d3e4f5a0b1c2d3e4f5a0b1c2d3e4f5a0b1c2d3e4f5a0b1c2d3e4f5"};
    static const char *const people[] = {
        "Default settings of my old radio", "Digital art", "x", "Oma",
        "\xE5\x9C\xA8\xE5\xB7\xB4\xE9\xBB\x8E\xE6\x8B\x8D\xE7\x9A\x84\xE5\x9C\xA8\xE5\xB7\xB4\xE9\xBB\x8E\xE6\x8B\x8D\xE7\x9A\x84"
        "\xE5\x9C\xA8\xE5\xB7\xB4\xE9\xBB\x8E\xE6\x8B\x8D\xE7\x9A\x84\xE5\x9C\xA8\xE5\xB7\xB4\xE9\xBB\x8E\xE6\x8B\x8D\xE7\x9A"
        "\x84"};
    for (size_t i = 0; i < sizeof cameras / sizeof *cameras; i++) ck_assert_msg(!ps__is_prose(cameras[i]), "%s", cameras[i]);
    for (size_t i = 0; i < sizeof people / sizeof *people; i++) ck_assert_msg(ps__is_prose(people[i]), "%s", people[i]);
}
END_TEST

static void clear(void) { ps__pixels_clear(&pixels); }

Suite *suite_metadata(void);
Suite *suite_metadata(void) {
    Suite *suite = suite_create("metadata");
    TCase *tests = tcase_create("metadata");
    tcase_add_checked_fixture(tests, NULL, clear);
    tcase_add_test(tests, jpeg_carries_xmp_and_iptc_in_segments);
    tcase_add_test(tests, png_carries_xmp_and_texts_in_chunks);
    tcase_add_test(tests, png_chunks_tell_screenshots);
    tcase_add_test(tests, webp_carries_xmp_in_a_chunk);
    tcase_add_test(tests, psd_carries_xmp_and_iptc_in_resources);
    tcase_add_test(tests, heif_carries_xmp_in_an_item);
    tcase_add_test(tests, all_sources_add_up);
    tcase_add_test(tests, lenses_and_programs_tell_kinds);
    tcase_add_test(tests, wide_pictures_of_many_pixels_are_panoramas);
    tcase_add_test(tests, cameras_own_words_are_no_captions);
    suite_add_tcase(suite, tests);
    return suite;
}
