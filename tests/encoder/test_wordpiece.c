/*
** The tokenizer against Hugging Face's: tests/data/golden/wordpiece.tsv holds texts (as JSON strings) and the reference's ids, with the
** vocabulary of the shipped package.
*/
#include <check.h>
#include <string.h>

#include "encoder/package/package.h"
#include "encoder/tokens/wordpiece.h"
#include "tests/encoder/golden_ids.h"
#include "tests/suites.h"

static ps__package *package;
static ps__tokenizer *tokenizer;

static void open_tokenizer(void) {
    ps__error err = {0};
    ck_assert_msg(ps__package_open(&package, "models/photosearch.safetensors", &err) == PS__OK, "%s", err.text);
    const ps__tensor *vocab = ps__package_find(package, "text.vocab");
    ck_assert_ptr_nonnull(vocab);
    ck_assert_int_eq(ps__wordpiece_new(&tokenizer, vocab->data, (size_t)vocab->count, 1, "vocab", &err), PS__OK);
}

static void close_tokenizer(void) {
    ps__tokenizer_free(tokenizer);
    ps__package_free(package);
}

/* The reference reads marks in a text as marks, we as characters: a query must not steer the model. */
START_TEST(ids_equal_the_reference) {
    static const char *const marks[] = {"[CLS]", "[SEP]", "[MASK]", "[UNK]", "[PAD]", NULL};
    ck_assert_int_ge(golden_ids_check("tests/data/golden/wordpiece.tsv", tokenizer, marks), 150);
}
END_TEST

START_TEST(invalid_utf8_reads_as_nothing) {
    int32_t plain[16], broken[16];
    int n, m;
    ps__error err = {0};
    ps__tokenizer_encode(plain, &n, tokenizer, "red car", 7, 16, &err);
    ps__tokenizer_encode(broken, &m, tokenizer,
                         "red\xFF \xC0\xAF"
                         "car\xE4\xB8",
                         12, 16, &err);
    ck_assert_int_eq(n, m);
    ck_assert_mem_eq(plain, broken, (size_t)n * 4);
}
END_TEST

START_TEST(room_is_never_exceeded) {
    int32_t ids[9];
    int32_t marks[2];
    int count;
    ps__error err = {0};
    ck_assert_int_eq(ps__tokenizer_encode(marks, &count, tokenizer, "", 0, 2, &err), PS__OK);
    for (int room = 2; room <= 8; room++) {
        ids[room] = -7;
        ck_assert_int_eq(
            ps__tokenizer_encode(ids, &count, tokenizer, "unbelievably antidisestablishmentarian words", 44, room, &err), PS__OK);
        ck_assert_int_eq(count, room);
        ck_assert_int_eq(ids[room], -7);
        ck_assert_int_eq(ids[0], marks[0]);
        ck_assert_int_eq(ids[room - 1], marks[1]);
    }
}
END_TEST

START_TEST(a_vocabulary_without_its_marks_is_refused) {
    static const char vocab[] = "[PAD]\n[UNK]\n[CLS]\nword\n";
    ps__tokenizer *t;
    ps__error err = {0};
    ck_assert_int_eq(ps__wordpiece_new(&t, vocab, sizeof vocab - 1, 1, "short.vocab", &err), PS__MODEL);
    ck_assert_ptr_nonnull(strstr(err.text, "short.vocab"));
    ck_assert_int_eq(ps__wordpiece_new(&t, "", 0, 1, "empty", &err), PS__MODEL);
}
END_TEST

Suite *suite_wordpiece(void) {
    Suite *s = suite_create("wordpiece");
    TCase *t = tcase_create("wordpiece");
    tcase_add_checked_fixture(t, open_tokenizer, close_tokenizer);
    tcase_add_test(t, ids_equal_the_reference);
    tcase_add_test(t, invalid_utf8_reads_as_nothing);
    tcase_add_test(t, room_is_never_exceeded);
    tcase_add_test(t, a_vocabulary_without_its_marks_is_refused);
    suite_add_tcase(s, t);
    return s;
}
