/*
** The unigram tokenizer against Hugging Face's (tests/data/golden/unigram.tsv), over the vocabulary of the package "many" there, and
** against vocabularies made to hurt it.
*/
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "encoder/tokens/clean.h"
#include "encoder/tokens/unigram.h"
#include "tests/encoder/golden_ids.h"
#include "tests/suites.h"

static ps__package *package;
static ps__tokenizer *tokenizer;

static void open_tokenizer(void) {
    ps__error err = {0};
    ck_assert_msg(ps__package_open(&package, "tests/data/golden/many.safetensors", &err) == PS__OK, "%s", err.text);
    ck_assert_msg(ps__tokenizer_unigram.open(&tokenizer, package, 0, &err) == PS__OK, "%s", err.text);
}

static void close_tokenizer(void) {
    ps__tokenizer_free(tokenizer);
    ps__package_free(package);
}

START_TEST(ids_equal_the_reference) {
    static const char *const nothing[] = {NULL};
    ck_assert_int_ge(golden_ids_check("tests/data/golden/unigram.tsv", tokenizer, nothing), 300);
}
END_TEST

static int encode(int32_t *ids, int room, const ps__tokenizer *t, const char *text, size_t length) {
    ps__error err = {0};
    int count;
    ck_assert_int_eq(ps__tokenizer_encode(ids, &count, t, text, length, room, &err), PS__OK);
    ck_assert_int_le(count, room);
    return count;
}

static void same_ids(const char *a, size_t a_length, const char *b) {
    int32_t x[64], y[64];
    int n = encode(x, 64, tokenizer, a, a_length), m = encode(y, 64, tokenizer, b, strlen(b));
    ck_assert_int_eq(n, m);
    ck_assert_mem_eq(x, y, (size_t)n * 4);
}

START_TEST(invalid_utf8_reads_as_white_space) {
    same_ids("dog\xFF\xC0\xAF"
             "cat\xE4\xB8",
             11, "dog cat");
    same_ids("\xED\xA0\x80\xF4\x90\x80\x80 dog", 11, "dog");
    same_ids("dog\0cat", 7, "dogcat");
}
END_TEST

START_TEST(room_is_never_exceeded) {
    static const char text[] = "雪の中を走る二匹の犬 with green hats";
    int32_t ids[9];
    for (int room = 2; room <= 8; room++) {
        ids[room] = -7;
        ck_assert_int_eq(encode(ids, room, tokenizer, text, strlen(text)), room);
        ck_assert_int_eq(ids[room], -7);
        ck_assert_int_eq(ids[0], 0);
        ck_assert_int_eq(ids[room - 1], 2);
    }
}
END_TEST

START_TEST(blank_text_has_no_pieces) {
    int32_t ids[8];
    static const char *const blanks[] = {
        "", " ", "\t\r\n\v\f ", "\xE3\x80\x80\xC2\xA0", "\xE2\x80\x8B\xEF\xBB\xBF\xE2\x96\x81", "\x01\x7F", "\xFF"};
    for (size_t i = 0; i < sizeof blanks / sizeof *blanks; i++)
        ck_assert_int_eq(encode(ids, 8, tokenizer, blanks[i], strlen(blanks[i])), 2);
}
END_TEST

/* A megabyte of one sign: what has no end must neither fill memory nor take the square of its time. */
static const struct {
    const char *unit; /* repeated */
    int least, most;  /* ids, of 64 */
} endless[] = {
    {"\xE7\x8A\xAC", 64, 64},            /* one word that is cut */
    {"q", 64, 64},                       /* likewise */
    {"\xCC\x88", 3, 34},                 /* marks on nothing, dropped beyond 30 */
    {"\xCC\x88\xCC\xA3", 3, 34},         /* marks to be put in order */
    {"\xEF\xB7\xBA", 64, 64},            /* four words of 18 letters */
    {"\xF0\x93\x80\x80", 4, 4},          /* <unk>, in one run though the word is cut */
    {"\xE1\x84\x92\xE1\x85\xA1", 3, 64}, /* letters that compose */
    {"\x01", 2, 2},                      /* dropped */
};

START_TEST(text_without_end_is_read_in_parts) {
    int32_t ids[64];
    size_t size = strlen(endless[_i].unit), length = (1 << 20) / size * size;
    char *text = malloc(length);
    ck_assert_ptr_nonnull(text);
    for (size_t i = 0; i < length; i += size) memcpy(text + i, endless[_i].unit, size);
    int count = encode(ids, 64, tokenizer, text, length);
    ck_assert_int_ge(count, endless[_i].least);
    ck_assert_int_le(count, endless[_i].most);
    free(text);
}
END_TEST

/* --- vocabularies --------------------------------------------------------------------------------------------------------------- */

#define MARKS "<s>\n<pad>\n</s>\n<unk>\n"
#define A32 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* A tokenizer over `text`, its lines the pieces, each with the score -1 - id but for the marks. */
static int make(ps__tokenizer **t, const char *text, size_t bytes, int lowercase, ps__error *err) {
    static int32_t start[64];
    static float score[63];
    size_t pieces = 0;
    for (size_t i = 0; i < bytes; i++)
        if (text[i] == '\n') start[++pieces] = (int32_t)i + 1;
    for (size_t i = 4; i < pieces; i++) score[i] = -1 - (float)i;
    const ps__unigram_vocab vocab = {text, bytes, start, score, pieces, NULL, 0, 0, 0, 0};
    return ps__unigram_new(t, &vocab, lowercase, "v.safetensors", err);
}

static const struct {
    const char *text, *complaint;
} bad_vocabularies[] = {
    {"", "no pieces"},
    {MARKS, "no pieces"},
    {"<s>\n<pad>\n<unk>\n</s>\na\n", "<s>, <pad>"},
    {"<s>\n<pad>\n</s>\na\nb\n", "<s>, <pad>"},
    {MARKS "b\na\n", "rising order (piece 5)"},
    {MARKS "a\na\n", "rising order (piece 5)"},
    {MARKS "ab\na\n", "rising order (piece 5)"},
    {MARKS "\xC3\xA4\nz\n", "rising order (piece 5)"},
    {MARKS "a\n\nb\n", "offsets do not rise"},
    {MARKS "\xC3\n", "not UTF-8 (piece 4)"},
    {MARKS "a\xE4\xB8\xAD\na\xE4\xB8\xC3\xA4\n", "not UTF-8 (piece 5)"},
    {MARKS "a\xE4\xB8\xAD\na\xE4\xB8\xAD\x80\n", "not UTF-8 (piece 5)"},
    {MARKS "a\tb\n", "control character"},
    {MARKS "a\xED\xA0\x80\n", "not UTF-8"},
    {MARKS A32 A32 A32 A32 "a\n", "longer than"},
    {MARKS "a\nb", "does not span"},
};

START_TEST(bad_vocabularies_are_refused) {
    ps__tokenizer *t;
    ps__error err = {0};
    ck_assert_int_eq(make(&t, bad_vocabularies[_i].text, strlen(bad_vocabularies[_i].text), 0, &err), PS__MODEL);
    ck_assert_ptr_null(t);
    ck_assert_msg(strstr(err.text, bad_vocabularies[_i].complaint) && strncmp(err.text, "v.safetensors: ", 15) == 0,
                  "\"%s\" does not say \"%s\"", err.text, bad_vocabularies[_i].complaint);
}
END_TEST

static const struct {
    int32_t start[7]; /* of five pieces: MARKS "a\nb\n" is right with 0, 4, 10, 15, 21, 23, 25 */
    float score;      /* of the last */
    const char *complaint;
} bad_numbers[] = {
    {{1, 4, 10, 15, 21, 23, 25}, -1, "span"},
    {{0, 4, 10, 15, 21, 23, 24}, -1, "span"},
    {{0, 4, 10, 15, 21, 23, 2500}, -1, "span"},
    {{0, 4, 10, 15, 21, -23, 25}, -1, "do not rise"},
    {{0, 4, 10, 15, 21, 2147483647, 25}, -1, "do not rise"},
    {{0, 4, 10, 15, 23, 21, 25}, -1, "do not rise"},
    {{0, 4, 10, 15, 21, 21, 25}, -1, "do not rise"},
    {{0, 4, 9, 15, 21, 23, 25}, -1, "newline"},
    {{0, 4, 10, 15, 21, 23, 25}, 1, "log probability"},
    {{0, 4, 10, 15, 21, 23, 25}, -1e30f, "log probability"},
};

START_TEST(bad_offsets_and_scores_are_refused) {
    static const char text[] = MARKS "a\nb\n";
    const float score[6] = {0, 0, 0, 0, -1, bad_numbers[_i].score};
    const ps__unigram_vocab vocab = {text, sizeof text - 1, bad_numbers[_i].start, score, 6, NULL, 0, 0, 0, 0};
    ps__tokenizer *t;
    ps__error err = {0};
    ck_assert_int_eq(ps__unigram_new(&t, &vocab, 0, "v.safetensors", &err), PS__MODEL);
    ck_assert_ptr_null(t);
    ck_assert_msg(strstr(err.text, bad_numbers[_i].complaint) != NULL, "\"%s\" does not say \"%s\"", err.text,
                  bad_numbers[_i].complaint);
}
END_TEST

/* Pieces that are found at the ends of ranges: the first and the last of the vocabulary, one that begins another. */
START_TEST(the_best_path_is_found) {
    static const char vocab[] = MARKS "!\na\nab\nabc\nc\n\xE2\x96\x81\n\xE2\x96\x81"
                                      "a\n\xF0\x9F\x98\x80\n";
    static const struct {
        const char *text;
        int count;
        int32_t ids[8];
    } cases[] = {
        {"a", 3, {0, 10, 2}},                   /* ▁a -11 is better than ▁ a -16 */
        {"abc", 4, {0, 9, 7, 2}},               /* ▁ abc -18; ▁a <unk> c and ▁ ab c lose */
        {"!", 4, {0, 9, 4, 2}},                 /* the first piece */
        {"\xF0\x9F\x98\x80", 4, {0, 9, 11, 2}}, /* the last piece */
        {"xyz", 4, {0, 9, 3, 2}},               /* a run of unknown characters is one */
        {"xay", 6, {0, 9, 3, 5, 3, 2}},         /* what is known parts it */
        {"x y", 6, {0, 9, 3, 9, 3, 2}},         /* so does a space */
        {"<s>", 4, {0, 9, 3, 2}},               /* a mark in the text is none */
    };
    ps__tokenizer *t;
    ps__error err = {0};
    int32_t ids[16];
    ck_assert_msg(make(&t, vocab, sizeof vocab - 1, 0, &err) == PS__OK, "%s", err.text);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_int_eq(encode(ids, 16, t, cases[i].text, strlen(cases[i].text)), cases[i].count);
        ck_assert_msg(memcmp(ids, cases[i].ids, (size_t)cases[i].count * 4) == 0, "%s has other ids", cases[i].text);
    }
    ps__tokenizer_free(t);
}
END_TEST

START_TEST(capitals_are_folded_only_when_asked) {
    static const char vocab[] = MARKS "\xC3\xA4\n\xE2\x96\x81\n";
    int32_t ids[8];
    ps__error err = {0};
    for (int lowercase = 0; lowercase < 2; lowercase++) {
        ps__tokenizer *t;
        ck_assert_int_eq(make(&t, vocab, sizeof vocab - 1, lowercase, &err), PS__OK);
        ck_assert_int_eq(encode(ids, 8, t, "A\xCC\x88", 3), 4);
        ck_assert_int_eq(ids[2], lowercase ? 4 : 3);
        ps__tokenizer_free(t);
    }
}
END_TEST

/* Pieces sorted apart from their ids, as imported vocabularies are: " a", "ab", U+200D, and a letter. */
static ps__tokenizer *with_ids(int clean, int keeps_joiners, const int32_t *id, ps__error *err) {
    static const char text[] = "a\nab\nb\n\xE2\x80\x8D\n\xE2\x96\x81\n";
    static const int32_t start[6] = {0, 2, 5, 7, 11, 15};
    static const float score[5] = {-3, -4, -3, -5, -2};
    const ps__unigram_vocab vocab = {text, sizeof text - 1, start, score, 5, id, 1, 2, clean, keeps_joiners};
    ps__tokenizer *t;
    return ps__unigram_new(&t, &vocab, 0, "v.safetensors", err) == PS__OK ? t : NULL;
}

static const int32_t scattered[5] = {40, 30, 20, 10, 50};

static const struct {
    int clean, keeps_joiners;
    const char *text;
    int count;
    int32_t ids[8];
} with_ids_cases[] = {
    {PS__CLEAN_NONE, 0, "ab", 3, {50, 30, 1}},
    {PS__CLEAN_NONE, 0, "aA", 4, {50, 40, 2, 1}},
    {PS__CLEAN_PUNCTUATION, 0, "A-B_!", 3, {50, 30, 1}},
    {PS__CLEAN_PUNCTUATION, 0, "A \t B", 5, {50, 40, 50, 20, 1}},
    {PS__CLEAN_CANONICAL, 0, "A_B", 5, {50, 40, 50, 20, 1}},
    {PS__CLEAN_CANONICAL, 0, "\342\200\230A\357\274\201", 3, {50, 40, 1}}, /* a curly quote, a full-width mark */
    {PS__CLEAN_NONE, 0, "a\342\200\215b", 5, {50, 40, 50, 20, 1}},         /* the zero-width joiner */
    {PS__CLEAN_NONE, 1, "a\342\200\215b", 5, {50, 40, 10, 20, 1}},
    {PS__CLEAN_NONE, 0, "a\342\201\240b", 3, {50, 30, 1}}, /* the word joiner */
    {PS__CLEAN_NONE, 1, "a\342\201\240b", 5, {50, 40, 2, 20, 1}},
    {PS__CLEAN_LOWER, 0, " \t", 1, {1}},
};

START_TEST(ids_may_be_apart_from_places) {
    ps__error err = {0};
    int32_t ids[16];
    ps__tokenizer *t = with_ids(with_ids_cases[_i].clean, with_ids_cases[_i].keeps_joiners, scattered, &err);
    ck_assert_msg(t != NULL, "%s", err.text);
    ck_assert_uint_eq(t->size, 51);
    ck_assert_int_eq(encode(ids, 16, t, with_ids_cases[_i].text, strlen(with_ids_cases[_i].text)), with_ids_cases[_i].count);
    for (int i = 0; i < with_ids_cases[_i].count; i++) ck_assert_int_eq(ids[i], with_ids_cases[_i].ids[i]);
    ps__tokenizer_free(t);
}
END_TEST

START_TEST(ids_that_are_none_are_refused) {
    static const int32_t bad[2][5] = {{40, 30, -1, 10, 50}, {40, 30, 20, 1 << 28, 50}};
    ps__error err = {0};
    ck_assert_ptr_null(with_ids(PS__CLEAN_NONE, 0, bad[_i], &err));
    ck_assert_ptr_nonnull(strstr(err.text, _i ? "ids are not 0 or more (piece 3)" : "ids are not 0 or more (piece 2)"));
}
END_TEST

Suite *suite_unigram(void) {
    Suite *s = suite_create("unigram");
    TCase *t = tcase_create("unigram");
    tcase_add_checked_fixture(t, open_tokenizer, close_tokenizer);
    tcase_add_test(t, ids_equal_the_reference);
    tcase_add_test(t, invalid_utf8_reads_as_white_space);
    tcase_add_test(t, room_is_never_exceeded);
    tcase_add_test(t, blank_text_has_no_pieces);
    tcase_add_loop_test(t, text_without_end_is_read_in_parts, 0, sizeof endless / sizeof *endless);
    suite_add_tcase(s, t);
    t = tcase_create("vocabularies");
    tcase_add_loop_test(t, bad_vocabularies_are_refused, 0, sizeof bad_vocabularies / sizeof *bad_vocabularies);
    tcase_add_loop_test(t, bad_offsets_and_scores_are_refused, 0, sizeof bad_numbers / sizeof *bad_numbers);
    tcase_add_test(t, the_best_path_is_found);
    tcase_add_test(t, capitals_are_folded_only_when_asked);
    tcase_add_loop_test(t, ids_may_be_apart_from_places, 0, sizeof with_ids_cases / sizeof *with_ids_cases);
    tcase_add_loop_test(t, ids_that_are_none_are_refused, 0, 2);
    suite_add_tcase(s, t);
    return s;
}
