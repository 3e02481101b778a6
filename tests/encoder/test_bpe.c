/*
** Byte-pair encoding out of packages: small tables of both styles, and tables made to hurt, which are refused with a sentence.
*/
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "encoder/encoder.h"
#include "encoder/import/draft.h"
#include "encoder/tokens/bpe.h"
#include "tests/suites.h"

Suite *suite_bpe(void);

enum { FIRST = 600, LAST = 601, UNKNOWN = 602 };

static char path[4200];

/* A package with these tables; NULL: none of that name. */
static ps__package *package_of(const char *config, const int32_t *merges, int64_t count, const int32_t *bytes, const int32_t *last,
                               const int32_t *characters, int64_t character_count) {
    const char *tmp = getenv("TMPDIR");
    ps__package *package;
    ps__error err = {0};
    ps__draft *d = ps__draft_new();
    snprintf(path, sizeof path, "%s/photosearch-bpe-%ld.safetensors", tmp && *tmp ? tmp : "/tmp", (long)getpid());
    ck_assert_int_eq(ps__draft_meta(d, "text.config", config, &err), PS__OK);
    if (merges) ck_assert_int_eq(ps__draft_add_bytes(d, "text.merges", PS__I32, count, merges, &err), PS__OK);
    if (bytes) ck_assert_int_eq(ps__draft_add_bytes(d, "text.bytes", PS__I32, 256, bytes, &err), PS__OK);
    if (last) ck_assert_int_eq(ps__draft_add_bytes(d, "text.bytes.last", PS__I32, 256, last, &err), PS__OK);
    if (characters) ck_assert_int_eq(ps__draft_add_bytes(d, "text.characters", PS__I32, character_count, characters, &err), PS__OK);
    ck_assert_msg(ps__draft_write(d, path, PS__PRECISION_INT8, NULL, NULL, &err) == PS__OK, "%s", err.text);
    ck_assert_msg(ps__package_open(&package, path, &err) == PS__OK, "%s", err.text);
    ps__draft_free(d);
    unlink(path);
    return package;
}

static int32_t plain[256], ends[256];

static void setup(void) {
    for (int b = 0; b < 256; b++) plain[b] = b, ends[b] = 256 + b;
}

#define CLIP "{\"style\":\"clip\",\"clean\":\"lower\",\"first\":600,\"last\":601}"
#define GEMMA "{\"style\":\"gemma\",\"clean\":\"none\",\"last\":601,\"unknown\":602}"

/* c+a, ca+t</w>, and of t+t</w> */
static const int32_t merges[] = {'c', 'a', 0, 512, 't', 256 + 't', 5, 514, 512, 256 + 't', 1, 513};

static void expect_ids(const ps__tokenizer *t, const char *text, int max, const int32_t *wanted, int count) {
    int32_t ids[64];
    int got = 0;
    ck_assert_int_eq(ps__tokenizer_encode(ids, &got, t, text, strlen(text), max, NULL), PS__OK);
    ck_assert_int_eq(got, count);
    for (int i = 0; i < count; i++) ck_assert_msg(ids[i] == wanted[i], "\"%s\": id %d is %d, not %d", text, i, ids[i], wanted[i]);
}

START_TEST(clips_words_are_merged_by_rank) {
    ps__package *p = package_of(CLIP, merges, 12, plain, ends, NULL, 0);
    ps__tokenizer *t;
    ps__error err = {0};
    ck_assert_msg(ps__tokenizer_bpe.open(&t, p, 1, &err) == PS__OK, "%s", err.text);
    ck_assert_int_eq(t->marks, 2);
    ck_assert_uint_eq(t->size, 602);
    expect_ids(t, "Cat", 10, (const int32_t[]){FIRST, 513, LAST}, 3);
    expect_ids(t, "cat cat's", 10, (const int32_t[]){FIRST, 513, 513, '\'', 256 + 's', LAST}, 6);
    expect_ids(t, "12", 10, (const int32_t[]){FIRST, 256 + '1', 256 + '2', LAST}, 4); /* each digit is a word */
    expect_ids(t, "!!x", 10, (const int32_t[]){FIRST, '!', 256 + '!', 256 + 'x', LAST}, 5);
    expect_ids(t, " \t\n ", 10, (const int32_t[]){FIRST, LAST}, 2);
    expect_ids(t, "cat cat cat", 4, (const int32_t[]){FIRST, 513, 513, LAST}, 4); /* cut, the mark kept */
    ps__tokenizer_free(t);
    ps__package_free(p);
}
END_TEST

START_TEST(gemmas_characters_or_bytes) {
    static const int32_t characters[] = {'a', 300, 'b', 301, 0x2581, 302};
    static const int32_t pairs[] = {300, 301, 0, 303, 302, 303, 1, 304};
    int32_t bytes[256];
    ps__tokenizer *t;
    ps__error err = {0};
    for (int b = 0; b < 256; b++) bytes[b] = b == 0xC3 || b == 0xA9 ? b : -1;
    ps__package *p = package_of(GEMMA, pairs, 8, bytes, NULL, characters, 6);
    ck_assert_msg(ps__tokenizer_bpe.open(&t, p, 1, &err) == PS__OK, "%s", err.text);
    ck_assert_int_eq(t->marks, 1);
    expect_ids(t, "ab ab", 10, (const int32_t[]){303, 304, LAST}, 3);
    expect_ids(t, "\xC3\xA9xyza", 10, (const int32_t[]){0xC3, 0xA9, UNKNOWN, 300, LAST}, 5); /* bytes; one mark for three unknown */
    expect_ids(t, "  ", 10, (const int32_t[]){LAST}, 1);
    ps__tokenizer_free(t);
    ps__package_free(p);
}
END_TEST

START_TEST(a_long_word_comes_in_parts) {
    enum { LENGTH = 5000 };
    static char word[LENGTH + 1];
    int32_t *ids = calloc(LENGTH + 3, sizeof *ids);
    int count = 0;
    ps__tokenizer *t;
    ps__package *p = package_of(CLIP, merges, 12, plain, ends, NULL, 0);
    memset(word, 'x', LENGTH);
    ck_assert_int_eq(ps__tokenizer_bpe.open(&t, p, 1, NULL), PS__OK);
    ck_assert_int_eq(ps__tokenizer_encode(ids, &count, t, word, LENGTH, LENGTH + 2, NULL), PS__OK);
    ck_assert_int_eq(count, LENGTH + 2); /* nothing merges, nothing is lost */
    ck_assert_int_eq(ps__tokenizer_encode(ids, &count, t, word, LENGTH, 77, NULL), PS__OK);
    ck_assert_int_eq(count, 77);
    free(ids);
    ps__tokenizer_free(t);
    ps__package_free(p);
}
END_TEST

static const int32_t unsorted[] = {'c', 'a', 0, 512, 'b', 'a', 1, 513}, twice[] = {'c', 'a', 0, 512, 'c', 'a', 1, 513},
                     negative[] = {'c', -5, 0, 512}, huge[] = {'c', 'a', 0, 1 << 30}, ragged[] = {1, 2, 3};

static const struct {
    const char *config;
    const int32_t *merges;
    int64_t count;
    const char *sentence; /* a part of it */
} hostile[] = {
    {CLIP, unsorted, 8, "rising order"},
    {CLIP, twice, 8, "rising order"},
    {CLIP, negative, 4, "no id"},
    {CLIP, huge, 4, "no id"},
    {CLIP, ragged, 3, "rows of four"},
    {CLIP, NULL, 0, "text.merges"},
    {"{\"style\":\"magic\",\"last\":1}", merges, 12, "style"},
    {"{\"style\":\"clip\",\"clean\":\"soap\",\"last\":1}", merges, 12, "cleaning"},
    {"{\"style\":\"clip\"}", merges, 12, "last mark"},
    {"{\"style\":\"clip\",\"last\":-1}", merges, 12, "marks"},
    {"{\"style\":\"gemma\",\"last\":1}", merges, 12, "text.characters"},
};

START_TEST(tables_made_to_hurt_are_refused) {
    ps__tokenizer *t;
    ps__error err = {0};
    ps__package *p = package_of(hostile[_i].config, hostile[_i].merges, hostile[_i].count, plain, ends, NULL, 0);
    ck_assert_int_eq(ps__tokenizer_bpe.open(&t, p, 1, &err), PS__MODEL);
    ck_assert_ptr_null(t);
    ck_assert_msg(strstr(err.text, hostile[_i].sentence) != NULL, "%s", err.text);
    ps__package_free(p);
}
END_TEST

Suite *suite_bpe(void) {
    Suite *suite = suite_create("bpe");
    TCase *t = tcase_create("bpe");
    tcase_add_checked_fixture(t, setup, NULL);
    tcase_add_test(t, clips_words_are_merged_by_rank);
    tcase_add_test(t, gemmas_characters_or_bytes);
    tcase_add_test(t, a_long_word_comes_in_parts);
    tcase_add_loop_test(t, tables_made_to_hurt_are_refused, 0, (int)(sizeof hostile / sizeof *hostile));
    suite_add_tcase(suite, t);
    return suite;
}
