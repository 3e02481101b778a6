/*
** Vocabularies as text, and choosing tags by the labels' vectors.
*/
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "search/tagger.h"
#include "search/vocabulary.h"

Suite *suite_vocabulary(void);

static ps__vocabulary vocabulary;
static ps__error err;

static int parse(const char *text) { return ps__vocabulary_parse(&vocabulary, text, strlen(text), "v.txt", &err); }

START_TEST(labels_have_sentences_or_stand_for_themselves) {
    ck_assert_msg(parse("# made up\n\n  dog |a dog|  two dogs \r\n\tcat\n- gnu | a gnu\n-emu\nred\tcar | a red\tcar") == PS__OK,
                  "%s", err.text);
    ck_assert_uint_eq(vocabulary.count, 5);
    const ps__label *l = vocabulary.labels;
    ck_assert_str_eq(l[0].name, "dog");
    ck_assert_uint_eq(l[0].sentence_count, 2);
    ck_assert_str_eq(l[0].sentences[0], "a dog");
    ck_assert_str_eq(l[0].sentences[1], "two dogs");
    ck_assert_int_eq(l[0].competes, 0);
    ck_assert_str_eq(l[1].name, "cat");
    ck_assert_uint_eq(l[1].sentence_count, 1);
    ck_assert_str_eq(l[1].sentences[0], "cat");
    ck_assert(l[2].competes && l[3].competes && !l[4].competes);
    ck_assert_str_eq(l[2].name, "gnu");
    ck_assert_str_eq(l[3].sentences[0], "emu");
    ck_assert_str_eq(l[4].name, "red car");
    ck_assert_str_eq(l[4].sentences[0], "a red car");
    ps__vocabulary_clear(&vocabulary);
}
END_TEST

static const struct {
    const char *text, *says;
} REFUSED[] = {
    {"", "no label"},
    {"# nothing\n\n", "no label"},
    {"dog\n| a dog", "v.txt, line 2: there is no label"},
    {"-", "line 1: there is no label"},
    {"- | a dog", "line 1: there is no label"},
    {"dog |", "line 1: a sentence is empty"},
    {"cat\ndog | a | | b", "line 2: a sentence is empty"},
    {"dog\ncat\ndog", "\"dog\" is there twice"},
    {"dog\n- dog", "\"dog\" is there twice"},
    {"caf\xE9", "line 1: is not UTF-8"},
    {"a\x01", "line 1: holds a control character"},
    {"a\n\n1234567890123456789012345678901234567890123456789012345678901", "line 3: the label is longer than 60 bytes"},
};

START_TEST(what_makes_no_sense_is_refused_with_its_line) {
    ck_assert_int_eq(parse(REFUSED[_i].text), PS__INVALID);
    ck_assert_msg(strstr(err.text, REFUSED[_i].says) != NULL, "%s", err.text);
    ck_assert_uint_eq(vocabulary.count, 0);
    ck_assert_ptr_null(vocabulary.text);
}
END_TEST

START_TEST(zero_bytes_and_too_much_are_refused) {
    ck_assert_int_eq(ps__vocabulary_parse(&vocabulary, "dog\nc\0t\n", 8, "v.txt", &err), PS__INVALID);
    ck_assert_ptr_nonnull(strstr(err.text, "line 2: holds a 0 byte"));
    char *much = calloc(PS__VOCABULARY_BYTES + 1, 1);
    ck_assert_ptr_nonnull(much);
    ck_assert_int_eq(ps__vocabulary_parse(&vocabulary, much, PS__VOCABULARY_BYTES + 1, "v.txt", &err), PS__TOOBIG);
    size_t length = 0;
    for (unsigned i = 0; i <= PS__VOCABULARY_MOST; i++) length += (size_t)sprintf(much + length, "label %u\n", i);
    ck_assert_int_eq(ps__vocabulary_parse(&vocabulary, much, length, "v.txt", &err), PS__INVALID);
    ck_assert_ptr_nonnull(strstr(err.text, "line 10001: there are more"));
    free(much);
}
END_TEST

START_TEST(the_built_in_vocabulary_is_sound) {
    size_t tags = 0;
    ck_assert_msg(parse(ps__vocabulary_text) == PS__OK, "%s", err.text);
    for (size_t i = 0; i < vocabulary.count; i++) {
        const ps__label *label = &vocabulary.labels[i];
        tags += !label->competes;
        for (const char *c = label->name; *c; c++) ck_assert_msg((*c >= 'a' && *c <= 'z') || *c == ' ', "%s", label->name);
    }
    ck_assert_uint_ge(tags, 200);
    ps__vocabulary_clear(&vocabulary);
}
END_TEST

START_TEST(parsing_survives_failed_allocations) {
    int status = PS__NOMEM;
    char text[600 * 24], *end = text;
    for (int i = 0; i < 600; i++) end += sprintf(end, "label %d | a | b\n", i);
    for (long n = 0; status != PS__OK; n++) {
        ck_assert_int_lt(n, 100);
        ps__alloc_fail_after(n, 0);
        status = parse(text);
        ps__alloc_fail_after(-1, 0);
        ck_assert(status == PS__OK || status == PS__NOMEM);
    }
    ck_assert_uint_eq(vocabulary.count, 600);
    ck_assert_str_eq(vocabulary.labels[599].sentences[1], "b");
    ps__vocabulary_clear(&vocabulary);
}
END_TEST

/* ---- Choosing ---- */

#define DIM 24

static const ps__scorer scorer = {.slope = 10.0, .offset = -5.0, .weak = 0.3, .good = 0.6};

/* A tagger whose labels lie on axes of their own: a photo's vector is its cosines with them. */
static ps__tagger *make(size_t labels, size_t competing) {
    ps__tagger *tagger;
    ck_assert_int_eq(ps__tagger_new(&tagger, labels, DIM, &err), PS__OK);
    for (size_t i = 0; i < labels; i++) {
        float axis[DIM] = {0};
        axis[i] = 1.0f;
        ps__tagger_set(tagger, i, axis, &scorer, i >= labels - competing);
    }
    return tagger;
}

/* The cosine of a score. */
static float cosine_of(double score) { return (float)((log(score / (1 - score)) - scorer.offset) / scorer.slope); }

START_TEST(tags_are_good_and_nearly_as_good_as_the_best) {
    ps__tagger *tagger = make(20, 0);
    ps__tag_choice out[PS__TAGS_MOST];
    float photo[DIM] = {0};
    ck_assert_uint_eq(ps__tagger_choose(out, tagger, photo), 0);
    photo[3] = cosine_of(0.59);
    ck_assert_uint_eq(ps__tagger_choose(out, tagger, photo), 0);
    photo[17] = cosine_of(0.61);
    ck_assert_uint_eq(ps__tagger_choose(out, tagger, photo), 1);
    ck_assert_uint_eq(out[0].label, 17);
    ck_assert(fabs(out[0].score - 0.61) < 1e-5);
    photo[5] = cosine_of(0.8); /* odds 4; 0.61 has 1.56, more than a third */
    ck_assert_uint_eq(ps__tagger_choose(out, tagger, photo), 2);
    ck_assert(out[0].label == 5 && out[1].label == 17);
    photo[0] = cosine_of(0.9); /* odds 9: a third is 3 */
    ck_assert_uint_eq(ps__tagger_choose(out, tagger, photo), 2);
    ck_assert(out[0].label == 0 && out[1].label == 5);
    ps__tagger_free(tagger);
}
END_TEST

START_TEST(labels_that_only_compete_take_tags_away) {
    ps__tagger *tagger = make(20, 1);
    ps__tag_choice out[PS__TAGS_MOST];
    float photo[DIM] = {0};
    photo[2] = cosine_of(0.7);
    photo[19] = cosine_of(0.75);
    ck_assert_uint_eq(ps__tagger_choose(out, tagger, photo), 1);
    ck_assert_uint_eq(out[0].label, 2);
    photo[19] = cosine_of(0.95);
    ck_assert_uint_eq(ps__tagger_choose(out, tagger, photo), 0);
    ps__tagger_free(tagger);
}
END_TEST

START_TEST(a_photo_has_eight_tags_at_most_and_ties_go_by_the_order_of_labels) {
    ps__tagger *tagger = make(20, 0);
    ps__tag_choice out[PS__TAGS_MOST];
    float photo[DIM] = {0};
    for (int i = 0; i < 20; i++) photo[i] = cosine_of(0.7);
    photo[18] = cosine_of(0.75);
    ck_assert_uint_eq(ps__tagger_choose(out, tagger, photo), PS__TAGS_MOST);
    ck_assert_uint_eq(out[0].label, 18);
    for (size_t i = 1; i < PS__TAGS_MOST; i++) ck_assert_uint_eq(out[i].label, i - 1);
    photo[4] = NAN;
    ck_assert_uint_eq(ps__tagger_choose(out, tagger, photo), 0);
    photo[4] = 1e30f;
    ck_assert_uint_eq(ps__tagger_choose(out, tagger, photo), 1); /* a score of 1 */
    ck_assert_uint_eq(out[0].label, 4);
    ps__tagger_free(tagger);
}
END_TEST

Suite *suite_vocabulary(void) {
    Suite *suite = suite_create("vocabulary");
    TCase *text = tcase_create("text"), *tags = tcase_create("tags");
    tcase_add_test(text, labels_have_sentences_or_stand_for_themselves);
    tcase_add_loop_test(text, what_makes_no_sense_is_refused_with_its_line, 0, sizeof REFUSED / sizeof *REFUSED);
    tcase_add_test(text, zero_bytes_and_too_much_are_refused);
    tcase_add_test(text, the_built_in_vocabulary_is_sound);
    tcase_add_test(text, parsing_survives_failed_allocations);
    tcase_add_test(tags, tags_are_good_and_nearly_as_good_as_the_best);
    tcase_add_test(tags, labels_that_only_compete_take_tags_away);
    tcase_add_test(tags, a_photo_has_eight_tags_at_most_and_ties_go_by_the_order_of_labels);
    suite_add_tcase(suite, text);
    suite_add_tcase(suite, tags);
    return suite;
}
