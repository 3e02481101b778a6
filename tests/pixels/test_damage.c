/*
** Damaged files and missing memory: whatever is cut off, flipped or refused, the answer is a clean status and a sentence, never a crash,
** a leak or a photo that is silently half there.
*/
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "encoder/pixels/pixels.h"
#include "tests/pixels/samples.h"

static const ps__pixels_options small = {16, 16, PS__FIT_SQUASH, 1 << 20, 64 << 20, 0, 0};

/* A status that damage may lead to, with a sentence. */
static void check_failure(const ps__pixels *out, int status, const ps__error *err, const char *name, size_t where) {
    ck_assert_msg(status == PS__CORRUPT || status == PS__FORMAT || status == PS__TOOBIG, "%s at %zu: status %d", name, where,
                  status);
    ck_assert_int_eq(err->code, status);
    ck_assert_uint_gt(strlen(err->text), strlen(name));
    ck_assert_ptr_null(out->rgb);
}

START_TEST(truncated_files_are_refused_or_whole) {
    const char *name = pixel_samples[_i].name;
    size_t size;
    uint8_t *bytes = sample_read(name, &size);
    ps__pixels whole, cut;
    ck_assert_int_eq(ps__pixels_decode(&whole, bytes, size, name, &small, NULL), PS__OK);
    for (size_t length = 0; length < size; length += length + 64 < size ? 1 + size / 300 : 1) {
        ps__error err = {0};
        uint8_t *part = ps__malloc(length); /* its own block, so that reading beyond is noticed */
        memcpy(part, bytes, length);
        int status = ps__pixels_decode(&cut, part, length, name, &small, &err);
        if (status) {
            check_failure(&cut, status, &err, name, length);
        } else {
            int difference = sample_difference(whole.rgb, cut.rgb, 16 * 16 * 3);
            ck_assert_msg(difference < 100, "%s cut to %zu of %zu bytes was taken for whole and differs by %d/100", name, length,
                          size, difference);
        }
        ps__pixels_clear(&cut);
        ps__free(part);
    }
    ps__pixels_clear(&whole);
    ps__free(bytes);
}
END_TEST

/* Writes 8 bytes behind each `kind` in the file; returns how many there were. */
static int overwrite_behind(uint8_t *bytes, size_t size, const char *kind, size_t gap, const char *eight) {
    int found = 0;
    for (size_t i = 0; i + 4 + gap + 8 <= size; i++) {
        if (memcmp(bytes + i, kind, 4) != 0) continue;
        memcpy(bytes + i + 4 + gap, eight, 8);
        found++;
    }
    return found;
}

/* The container says a single pixel, the coded picture is larger: what that takes is above the cap, so no decoder may be set to work on
** it. An HEVC stream may be wider and higher by 63 than what is shown of it. */
START_TEST(heif_pictures_larger_than_declared_are_refused_before_decoding) {
    static const char *const names[] = {"large.heic", "turned1.avif", "alpha.avif"};
    const ps__pixels_options options = {8, 8, PS__FIT_SQUASH, 1 << 20, (_i ? 64 * 48 : 193 * 193) * 6 - 1, 0, 0};
    const char *name = names[_i];
    ps__pixels out;
    ps__error err = {0};
    size_t size;
    uint8_t *bytes = sample_read(name, &size);
    ck_assert_int_gt(overwrite_behind(bytes, size, "ispe", 4, "\0\0\0\1\0\0\0\1"), 0);
    ck_assert_int_eq(ps__pixels_decode(&out, bytes, size, name, &options, &err), PS__TOOBIG);
    ck_assert_msg(strstr(err.text, "bytes of memory") != NULL, "%s", err.text);
    ck_assert_ptr_null(out.rgb);
    ps__free(bytes);
}
END_TEST

START_TEST(heif_pictures_made_of_themselves_are_refused) {
    ps__pixels out;
    ps__error err = {0};
    size_t size;
    uint8_t *bytes = sample_read("made_of_itself.heic", &size);
    ck_assert_int_eq(ps__pixels_decode(&out, bytes, size, "made_of_itself.heic", &small, &err), PS__CORRUPT);
    ck_assert_msg(strstr(err.text, "made of itself") != NULL, "%s", err.text);
    ps__free(bytes);
}
END_TEST

/* A box "iloc" whose base offsets take 12 bytes: libheif reads none then, and might take the data of something else for a giant picture. */
START_TEST(places_of_a_width_that_does_not_exist_are_refused) {
    ps__pixels out;
    ps__error err = {0};
    size_t size;
    uint8_t *bytes = sample_read("alpha.avif", &size), *box = memmem(bytes, size, "iloc", 4);
    ck_assert_ptr_nonnull(box);
    box[9] = (uint8_t)(0xC0 | (box[9] & 0x0F));
    ck_assert_int_eq(ps__pixels_decode(&out, bytes, size, "strange.avif", &small, &err), PS__CORRUPT);
    ck_assert_msg(strstr(err.text, "width that does not exist") != NULL, "%s", err.text);
    ps__free(bytes);
}
END_TEST

START_TEST(flipped_bytes_never_crash) {
    const char *name = pixel_samples[_i].name;
    size_t size;
    uint8_t *bytes = sample_read(name, &size);
    uint32_t state = 1 + (uint32_t)_i;
    for (int round = 0; round < 150; round++) {
        uint8_t kept[3];
        size_t at[3];
        int flips = round % 3 + 1;
        for (int i = 0; i < flips; i++) {
            state = state * 1664525u + 1013904223u;
            at[i] = (state >> 8) % (round % 2 && size > 200 ? 200 : size); /* every second time within the headers */
            kept[i] = bytes[at[i]];
            state = state * 1664525u + 1013904223u;
            bytes[at[i]] = (uint8_t)(state >> 24);
        }
        ps__pixels pixels;
        ps__error err = {0};
        int status = ps__pixels_decode(&pixels, bytes, size, name, &small, &err);
        if (status)
            check_failure(&pixels, status, &err, name, at[0]);
        else
            ck_assert(pixels.width == 16 && pixels.height == 16 && pixels.original_width > 0 && pixels.rgb);
        ps__pixels_clear(&pixels);
        while (flips--) bytes[at[flips]] = kept[flips];
    }
    ps__free(bytes);
}
END_TEST

START_TEST(each_failed_allocation_is_reported) {
    const char *name = pixel_samples[_i].name;
    size_t size;
    uint8_t *bytes = sample_read(name, &size);
    int failures = 0, status = PS__NOMEM;
    for (long n = 0; status; n++) {
        ps__pixels pixels;
        ps__error err = {0};
        ck_assert_int_lt(n, 1000);
        ps__alloc_fail_after(n, (int)(n % 2));
        status = ps__pixels_decode(&pixels, bytes, size, name, &small, &err);
        ps__alloc_fail_after(-1, 0);
        ck_assert_msg(status == PS__OK || status == PS__NOMEM, "%s: allocation %ld: status %d, %s", name, n, status, err.text);
        failures += status != PS__OK;
        ps__pixels_clear(&pixels);
    }
    ck_assert_int_gt(failures, 1);
    ps__free(bytes);
}
END_TEST

START_TEST(the_sentence_says_how_much_is_there) {
    static const struct {
        const char *name;
        size_t length;
        const char *text;
    } table[] = {
        {"rgb.bmp", 9000, "rgb.bmp: truncated after 9,000 of 9,270 bytes"},
        {"raw.psd", 5000, "raw.psd: truncated after 5,000 of 9,256 bytes"},
        {"lossy.webp", 500, "lossy.webp: truncated after 500 of 924 bytes"},
        {"baseline.jpg", 1200, "baseline.jpg: truncated after 1,200 bytes"},
        {"progressive.jpg", 1200, "progressive.jpg: truncated after 1,200 bytes"},
        {"rgb.png", 740, "rgb.png: truncated after 740 bytes"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        size_t size;
        ps__pixels pixels;
        ps__error err = {0};
        uint8_t *bytes = sample_read(table[i].name, &size);
        ck_assert_int_eq(ps__pixels_decode(&pixels, bytes, table[i].length, table[i].name, NULL, &err), PS__CORRUPT);
        ck_assert_str_eq(err.text, table[i].text);
        ps__free(bytes);
    }
}
END_TEST

START_TEST(a_jpeg_without_its_end_marker_is_whole) {
    static const char *const names[] = {"baseline.jpg", "progressive.jpg", "scans.jpg"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t size;
        ps__pixels pixels;
        ps__error err = {0};
        uint8_t *bytes = sample_read(names[i], &size);
        ck_assert_msg(!ps__pixels_decode(&pixels, bytes, size - 2, names[i], NULL, &err), "%s", err.text);
        ps__pixels_clear(&pixels);
        ps__free(bytes);
    }
}
END_TEST

START_TEST(a_bomb_of_scans_is_refused) {
    size_t size, scans = 2000;
    uint8_t *bytes = sample_read("progressive.jpg", &size), *scan = memmem(bytes, size, "\xFF\xDA", 2), *next = scan + 2;
    ck_assert_ptr_nonnull(scan);
    while (next[0] != 0xFF || next[1] == 0) next++; /* the marker after the first scan */
    size_t before = (size_t)(scan - bytes), length = (size_t)(next - scan), after = size - before - length;
    size_t bomb_size = before + scans * length + after;
    uint8_t *bomb = ps__malloc(bomb_size);
    memcpy(bomb, bytes, before);
    for (size_t i = 0; i < scans; i++) memcpy(bomb + before + i * length, scan, length);
    memcpy(bomb + before + scans * length, next, after);
    ps__pixels pixels;
    ps__error err = {0};
    ck_assert_int_eq(ps__pixels_decode(&pixels, bomb, bomb_size, "bomb.jpg", NULL, &err), PS__TOOBIG);
    ck_assert_str_eq(err.text, "bomb.jpg: asked for more than 100 scans over the picture");
    ps__free(bomb);
    ps__free(bytes);
}
END_TEST

typedef struct bits { /* written from the lowest bit on, as deflate has it */
    uint8_t *bytes;   /* zeroed */
    size_t count;     /* bits */
} bits;

static void put_bits(bits *b, unsigned value, int count) {
    for (int i = 0; i < count; i++, b->count++)
        b->bytes[b->count / 8] = (uint8_t)(b->bytes[b->count / 8] | (value >> i & 1) << b->count % 8);
}

/* A zlib stream of 1 + 258 * `runs` zeros: RFC 1951, one block of fixed codes, in which 258 times the byte before takes 13 bits. */
static size_t deflate_zeros(uint8_t *out, size_t runs) {
    bits b = {out, 0};
    put_bits(&b, 0x0178, 16);
    put_bits(&b, 3, 3);    /* the last block, fixed codes */
    put_bits(&b, 0x0C, 8); /* a 0: code 00110000, its highest bit first */
    for (size_t i = 0; i < runs; i++) {
        put_bits(&b, 0xA3, 8); /* length 258: code 11000101 */
        put_bits(&b, 0, 5);    /* distance 1 */
    }
    put_bits(&b, 0, 7); /* the end; stb_image does not look at the checksum */
    return (b.count + 7) / 8 + 4;
}

static uint32_t crc_of(const uint8_t *p, size_t length) {
    uint32_t c = 0xFFFFFFFF;
    for (; length; length--, p++) {
        c ^= *p;
        for (int k = 0; k < 8; k++) c = c & 1 ? 0xEDB88320 ^ c >> 1 : c >> 1;
    }
    return ~c;
}

static void put_be32(uint8_t *p, uint32_t n) {
    for (int i = 0; i < 4; i++) p[i] = (uint8_t)(n >> (24 - 8 * i));
}

/* Its type and body stand at p + 4 already. Returns where the next one goes. */
static uint8_t *close_chunk(uint8_t *p, const char *type, size_t length) {
    put_be32(p, (uint32_t)length);
    memcpy(p + 4, type, 4);
    put_be32(p + 8 + length, crc_of(p + 4, length + 4));
    return p + 12 + length;
}

/* One pixel, declared honestly, whose data inflate to 258 bytes a run. */
static size_t make_png(uint8_t *png, size_t runs) {
    memcpy(png, "\x89PNG\r\n\x1A\n", 8);
    memcpy(png + 16, "\0\0\0\1\0\0\0\1\10\2\0\0\0", 13); /* 1 x 1, 8 bits, RGB */
    uint8_t *p = close_chunk(png + 8, "IHDR", 13);
    p = close_chunk(p, "IDAT", deflate_zeros(p + 8, runs));
    return (size_t)(close_chunk(p, "IEND", 0) - png);
}

START_TEST(a_png_that_inflates_far_beyond_its_pixels_is_refused) {
    enum { RUNS = 100000 }; /* 25 MB out of 160 kB */
    uint8_t *png = ps__calloc(RUNS * 13 / 8 + 200, 1);
    ps__pixels pixels;
    ps__error err = {0};
    size_t size = make_png(png, 40);
    ck_assert_msg(ps__pixels_decode(&pixels, png, size, "a.png", NULL, &err) == PS__OK, "%s", err.text);
    ps__pixels_clear(&pixels);
    memset(png, 0, size);
    size = make_png(png, RUNS);
    ck_assert_int_eq(ps__pixels_decode(&pixels, png, size, "a.png", NULL, &err), PS__TOOBIG);
    ck_assert_ptr_nonnull(strstr(err.text, "a.png: needed more than "));
    ps__free(png);
}
END_TEST

/* stb_image would walk this row for ever: a run of no pixels. */
START_TEST(an_hdr_row_that_never_ends_is_refused) {
    static const char hdr[] = "#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 1 +X 8\n\2\2\0\10\0\0\0\0\0\0\0\0\0\0";
    ps__pixels pixels;
    ck_assert_int_eq(ps__pixels_decode(&pixels, (const uint8_t *)hdr, sizeof hdr - 1, "a.hdr", NULL, NULL), PS__CORRUPT);
}
END_TEST

Suite *suite_damage(void);
Suite *suite_damage(void) {
    Suite *suite = suite_create("damage");
    TCase *each = tcase_create("each"), *rest = tcase_create("rest");
    int count = 0;
    while (pixel_samples[count].name) count++;
    tcase_set_timeout(each, 300);
    tcase_set_timeout(rest, 60);
    tcase_add_loop_test(each, truncated_files_are_refused_or_whole, 0, count);
    tcase_add_loop_test(each, flipped_bytes_never_crash, 0, count);
    tcase_add_loop_test(each, each_failed_allocation_is_reported, 0, count);
    tcase_add_loop_test(rest, heif_pictures_larger_than_declared_are_refused_before_decoding, 0, 3);
    tcase_add_test(rest, heif_pictures_made_of_themselves_are_refused);
    tcase_add_test(rest, places_of_a_width_that_does_not_exist_are_refused);
    tcase_add_test(rest, the_sentence_says_how_much_is_there);
    tcase_add_test(rest, a_jpeg_without_its_end_marker_is_whole);
    tcase_add_test(rest, a_bomb_of_scans_is_refused);
    tcase_add_test(rest, a_png_that_inflates_far_beyond_its_pixels_is_refused);
    tcase_add_test(rest, an_hdr_row_that_never_ends_is_refused);
    suite_add_tcase(suite, each);
    suite_add_tcase(suite, rest);
    return suite;
}
