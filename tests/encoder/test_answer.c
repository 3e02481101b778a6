/*
** Answers of the decoder process: an honest one passes, and each field that could not be honest is found out.
*/
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "encoder/sandbox/answer.h"

static ps__decoder_request request;
static ps__decoder_answer answer;

static void make_honest(uint32_t kind) {
    const ps__camera_notes notes = {.orientation = 6,
                                    .taken = "2024-02-29T23:59:59",
                                    .taken_offset = "-03:30",
                                    .has_gps = 1,
                                    .latitude = -90,
                                    .longitude = 180,
                                    .make = "Caméra",
                                    .model = "One",
                                    .lens = "",
                                    .gps_time = "2024-03-01T03:29:59",
                                    .flash = -1,
                                    .rating = 5,
                                    .kinds = 7};
    memset(&request, 0, sizeof request);
    memset(&answer, 0, sizeof answer);
    request.kind = kind;
    request.number = answer.number = 7;
    request.file_size = 5000;
    request.options = (ps__pixels_options){.width = 20, .height = 10, .fit = PS__FIT_INSIDE};
    request.room = 600;
    if (kind == PS__DECODER_FIND) {
        answer.place = (ps__preview_place){PS__PREVIEW_JPEG, 1000, 4000, 40, 20, "jpeg", notes};
        return;
    }
    answer.width = 20;
    answer.height = 10;
    answer.original_width = 40;
    answer.original_height = 20;
    memcpy(answer.format, "heif", 5);
    answer.notes = notes;
    answer.texts = (ps__camera_texts){"Garten", "Im M\xC3\xA4rz", "a, b"};
}

/* One change to an honest answer: the bytes of `value` at a field. */
typedef struct change {
    const char *what;
    size_t at, size;
    const void *value;
    int passes;
} change;

#define FIELD(field) offsetof(ps__decoder_answer, field), sizeof answer.field
#define TEXT(field, text) #field " " text, offsetof(ps__decoder_answer, field), sizeof text, text
#define INT(field, number)                                                                                                       \
#field " " #number, FIELD(field), &(const int) { number }

static const double NOT_A_NUMBER = NAN, INFINITE = INFINITY, BEYOND = 180.001, SOUTH = -90.001;

static void try_changes(uint32_t kind, const change *changes, size_t count) {
    make_honest(kind);
    const char *wrong = ps__answer_wrong(&answer, &request);
    ck_assert_msg(wrong == NULL, "an honest answer: %s", wrong);
    for (size_t i = 0; i < count; i++) {
        make_honest(kind);
        memcpy((char *)&answer + changes[i].at, changes[i].value, changes[i].size);
        wrong = ps__answer_wrong(&answer, &request);
        ck_assert_msg((wrong == NULL) == changes[i].passes, "%s: %s", changes[i].what, wrong ? wrong : "passes");
    }
}

START_TEST(each_field_of_pixels_is_checked) {
    static const uint64_t endless = UINT64_MAX;
    const change changes[] = {
        {INT(number, 8), 0},
        {INT(status, 1), 0},
        {INT(status, -4), 0}, /* a photo is always there */
        {INT(status, -13), 0},
        {INT(status, -40), 0},
        {INT(status, -21), 0}, /* a failure without a sentence */
        {INT(width, 0), 0},
        {INT(width, -20), 0},
        {INT(width, 21), 0},
        {INT(width, 19), 1},
        {INT(height, 11), 0},
        {INT(height, 2147483647), 0},
        {INT(original_width, 0), 0},
        {INT(original_height, -1), 0},
        {INT(original_width, (1 << 20) + 1), 0},
        {"pixels above the cap", offsetof(ps__decoder_answer, original_width), 8, (const int[]){1 << 15, 1 << 15}, 0},
        {TEXT(format, "exe"), 0},
        {TEXT(format, ""), 0},
        {"format without an end", FIELD(format), "jpegjpegj", 0},
        {TEXT(format, "avif"), 1},
        {INT(notes.orientation, 0), 0},
        {INT(notes.orientation, 9), 0},
        {TEXT(notes.taken, ""), 1},
        {TEXT(notes.taken, "2023-02-29T00:00:00"), 0},
        {TEXT(notes.taken, "2023-13-01T00:00:00"), 0},
        {TEXT(notes.taken, "2023-00-10T00:00:00"), 0},
        {TEXT(notes.taken, "2023-01-00T00:00:00"), 0},
        {TEXT(notes.taken, "2023-01-01T24:00:00"), 0},
        {TEXT(notes.taken, "2023-01-01T00:60:00"), 0},
        {TEXT(notes.taken, "2023-01-01T00:00:60"), 0},
        {TEXT(notes.taken, "2023-01-01 00:00:00"), 0},
        {TEXT(notes.taken, "2023-01-01"), 0},
        {"taken without an end", FIELD(notes.taken), "2023-01-01T00:00:000", 0},
        {TEXT(notes.taken_offset, ""), 1},
        {TEXT(notes.taken_offset, "+15:00"), 0},
        {TEXT(notes.taken_offset, "+02:60"), 0},
        {TEXT(notes.taken_offset, "*02:00"), 0},
        {"taken_offset without an end", FIELD(notes.taken_offset), "+02:000", 0},
        {TEXT(notes.gps_time, "2023-02-29T00:00:00"), 0},
        {TEXT(notes.gps_time, ""), 1},
        {INT(notes.flash, -2), 0},
        {INT(notes.flash, 2), 0},
        {INT(notes.flash, 0), 1},
        {INT(notes.rating, -1), 0},
        {INT(notes.rating, 6), 0},
        {INT(notes.rating, 0), 1},
        {INT(notes.kinds, 8), 0},
        {INT(notes.kinds, -1), 0},
        {INT(notes.kinds, 0), 1},
        {TEXT(texts.title, "a\tb"), 0},
        {TEXT(texts.title, ""), 1},
        {TEXT(texts.caption, "\xff"), 0},
        {TEXT(texts.caption, "\xe2\x80\xae evil"), 0},
        {TEXT(texts.keywords, "a\x1b[31m"), 0},
        {INT(notes.has_gps, 2), 0},
        {"latitude nan", FIELD(notes.latitude), &NOT_A_NUMBER, 0},
        {"latitude too far south", FIELD(notes.latitude), &SOUTH, 0},
        {"longitude infinite", FIELD(notes.longitude), &INFINITE, 0},
        {"longitude too far east", FIELD(notes.longitude), &BEYOND, 0},
        {"latitude of nonsense", FIELD(notes.latitude), &endless, 0},
        {TEXT(notes.make, "a\nb"), 0},
        {TEXT(notes.make, "a\x7f"), 0},
        {TEXT(notes.model, "\xff"), 0},
        {TEXT(notes.model, "\xc2\x9b"), 0}, /* a control character of ISO 6429 */
        {TEXT(notes.lens, "50\xe2\x80\xaf"
                          "mm"),
         1},
    };
    try_changes(PS__DECODER_DECODE, changes, sizeof changes / sizeof *changes);
    make_honest(PS__DECODER_DECODE);
    memset(answer.notes.lens, 'l', sizeof answer.notes.lens);
    ck_assert_ptr_nonnull(ps__answer_wrong(&answer, &request));
    make_honest(PS__DECODER_DECODE);
    memset(answer.texts.caption, 'c', sizeof answer.texts.caption);
    ck_assert_ptr_nonnull(ps__answer_wrong(&answer, &request));
}
END_TEST

START_TEST(each_field_of_a_place_is_checked) {
    static const uint64_t far = 4000, all = 5001, endless = UINT64_MAX, none = 0;
    const change changes[] = {
        {INT(number, 8), 0},
        {INT(place.kind, PS__PREVIEW_NONE), 0},
        {INT(place.kind, 3), 0},
        {INT(place.kind, PS__PREVIEW_WHOLE), 1},
        {"offset and length beyond the end", FIELD(place.offset), &far, 0},
        {"offset beyond the end", FIELD(place.offset), &all, 0},
        {"offset endless", FIELD(place.offset), &endless, 0},
        {"length endless", FIELD(place.length), &endless, 0},
        {"length 0", FIELD(place.length), &none, 0},
        {INT(place.original_width, 0), 1},
        {INT(place.original_width, -1), 0},
        {INT(place.original_height, (1 << 20) + 1), 0},
        {TEXT(place.format, "xx"), 0},
        {INT(place.notes.orientation, 0), 0},
        {TEXT(place.notes.taken, "2023-02-30T00:00:00"), 0},
    };
    try_changes(PS__DECODER_FIND, changes, sizeof changes / sizeof *changes);
}
END_TEST

START_TEST(a_squashed_or_cropped_picture_has_the_wanted_size) {
    make_honest(PS__DECODER_DECODE);
    request.options.fit = _i % 2 ? PS__FIT_SQUASH : PS__FIT_CROP;
    ck_assert_ptr_null(ps__answer_wrong(&answer, &request));
    answer.width = 19;
    ck_assert_ptr_nonnull(ps__answer_wrong(&answer, &request));
}
END_TEST

START_TEST(fields_that_nobody_reads_are_cleared) {
    make_honest(PS__DECODER_DECODE);
    answer.notes.has_gps = 0;
    answer.notes.latitude = NAN;
    memcpy(answer.notes.make, "X\0secret", 8);
    ck_assert_ptr_null(ps__answer_wrong(&answer, &request));
    ck_assert(answer.notes.latitude == 0 && answer.notes.longitude == 0);
    ck_assert_int_eq(answer.notes.make[2], 0);
}
END_TEST

START_TEST(failures_become_clean_sentences) {
    static const struct {
        int named;
        const char *text, *sentence;
    } table[] = {
        {1, "truncated after 5 bytes", "d/a.jpg: truncated after 5 bytes"},
        {0, "libwebp is not the version", "libwebp is not the version"},
        {1, "line\nbreak\x1b[31m", "d/a.jpg: line?break?[31m"},
        {1, "h\xc3\xa9t\xc3", "d/a.jpg: h\xc3\xa9t?"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        ps__error err;
        make_honest(PS__DECODER_DECODE);
        answer.status = PS__CORRUPT;
        answer.named = table[i].named;
        snprintf(answer.text, sizeof answer.text, "%s", table[i].text);
        ck_assert_ptr_null(ps__answer_wrong(&answer, &request));
        ck_assert_int_eq(ps__answer_fail(&answer, "d/a.jpg", &err), PS__CORRUPT);
        ck_assert_str_eq(err.text, table[i].sentence);
    }
    memset(answer.text, 'x', sizeof answer.text);
    ck_assert_ptr_nonnull(ps__answer_wrong(&answer, &request));
}
END_TEST

Suite *suite_answer(void);
Suite *suite_answer(void) {
    Suite *suite = suite_create("answer");
    TCase *tests = tcase_create("answer");
    tcase_add_test(tests, each_field_of_pixels_is_checked);
    tcase_add_test(tests, each_field_of_a_place_is_checked);
    tcase_add_loop_test(tests, a_squashed_or_cropped_picture_has_the_wanted_size, 0, 2);
    tcase_add_test(tests, fields_that_nobody_reads_are_cleared);
    tcase_add_test(tests, failures_become_clean_sentences);
    suite_add_tcase(suite, tests);
    return suite;
}
