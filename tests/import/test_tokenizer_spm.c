/*
** SentencePiece's models, field by field: what is taken, what is passed over, and what is refused.
*/
#include <check.h>
#include <math.h>
#include <string.h>

#include "encoder/import/tokenizer_readers.h"
#include "tests/import/crafted.h"
#include "tests/import/readers.h"
#include "tests/suites.h"

/* ---- Writing ---- */

static void put_varint(ps__buf *out, uint64_t value) {
    for (; value > 127; value >>= 7) ps__buf_putc(out, (char)((value & 127) | 128));
    ps__buf_putc(out, (char)value);
}

static void put_number(ps__buf *out, unsigned field, uint64_t value) {
    put_varint(out, field << 3);
    put_varint(out, value);
}

static void put_bytes(ps__buf *out, unsigned field, const void *bytes, size_t size) {
    put_varint(out, field << 3 | 2);
    put_varint(out, size);
    ps__buf_append(out, bytes, size);
}

static void put_float(ps__buf *out, unsigned field, float value) {
    uint32_t bits;
    memcpy(&bits, &value, 4);
    put_varint(out, field << 3 | 5);
    crafted_little(out, bits, 4);
}

/* Puts the message, and empties it. */
static void put_message(ps__buf *out, unsigned field, ps__buf *message) {
    put_bytes(out, field, message->bytes, message->length);
    ps__buf_free(message);
}

static void put_piece(ps__buf *out, const char *text, float score, uint64_t type) {
    ps__buf piece = PS__BUF_INIT;
    put_bytes(&piece, 1, text, strlen(text));
    put_float(&piece, 2, score);
    if (type != 1) put_number(&piece, 3, type);
    put_message(out, 1, &piece);
}

enum { UNIGRAM = 1, BPE = 2, UNKNOWN = 2 };

static void put_trainer(ps__buf *out, int type, int64_t last, int64_t pad, int fallback) {
    ps__buf trainer = PS__BUF_INIT;
    put_bytes(&trainer, 1, "input", 5); /* of no interest */
    put_number(&trainer, 3, (uint64_t)type);
    put_float(&trainer, 10, 0.9995f);
    put_number(&trainer, 35, (uint64_t)fallback);
    put_number(&trainer, 42, (uint64_t)last);
    put_number(&trainer, 43, (uint64_t)pad);
    put_message(out, 2, &trainer);
}

static void put_normalizer(ps__buf *out, const char *rule, int dummy, const void *table, size_t table_size) {
    ps__buf normalizer = PS__BUF_INIT;
    put_bytes(&normalizer, 1, rule, strlen(rule));
    if (table_size) put_bytes(&normalizer, 2, table, table_size);
    if (dummy >= 0) put_number(&normalizer, 3, (uint64_t)dummy);
    put_message(out, 3, &normalizer);
}

static ps__buf file = PS__BUF_INIT;
static size_t ends[16]; /* where the file may end: behind a piece */
static int end_count;

static void put_entry(const char *text, float score, uint64_t type) {
    put_piece(&file, text, score, type);
    ends[end_count++] = file.length;
}

static void put_unigram(void) {
    put_trainer(&file, UNIGRAM, 1, 0, 0);
    put_normalizer(&file, "nmt_nfkc", -1, NULL, 0);
    put_entry("<pad>", 0, 3);
    put_entry("</s>", 0, 3);
    put_entry("<unk>", 0, UNKNOWN);
    put_entry("\xE2\x96\x81"
              "a",
              -3.5f, 1);
}

static void put_bpe(void) {
    put_trainer(&file, BPE, 1, -1, 1);
    put_normalizer(&file, "identity", 0, NULL, 0);
    put_entry("a", -4, 1);
    put_entry("b", -5, 1);
    put_entry("abb", -2, 1); /* learned after "ab", though its id is lower */
    put_entry("ab", -1, 1);
    put_entry("bb", -3, 1);
}

static void set_up(void) {
    readers_set_up();
    end_count = 0;
}

static void tear_down(void) {
    ps__buf_free(&file);
    readers_tear_down();
}

static ps__pieces p;

static void read_it(void) { readers_read(&p, ps__read_sentencepiece, file.bytes, file.length); }
static void refuse(const char *complaint) { readers_refuse(ps__read_sentencepiece, file.bytes, file.length, complaint); }

/* ---- Reading ---- */

START_TEST(unigrams_have_scores_and_marks) {
    put_unigram();
    read_it();
    ck_assert_int_eq(p.model, PS__MODEL_UNIGRAM);
    ck_assert_int_eq(p.last, 1);
    ck_assert_int_eq(p.pad, 0);
    ck_assert_int_eq(p.unknown, 2);
    ck_assert_int_eq(p.has_dummy_space, 1);
    ck_assert_int_eq(p.byte_fallback, 0);
    ck_assert_int_eq(p.keeps_joiners, 0);
    readers_expect(&p,
                   "\xE2\x96\x81"
                   "a",
                   3);
    ck_assert(p.entries[3].score == -3.5f);
    ps__pieces_clear(&p);
}
END_TEST

static void expect_pair(size_t i, const char *left, const char *right) {
    ck_assert_int_eq(p.pairs[i].left, ps__pieces_find(&p, left, strlen(left)));
    ck_assert_int_eq(p.pairs[i].right, ps__pieces_find(&p, right, strlen(right)));
}

START_TEST(merges_follow_from_scores) {
    put_bpe();
    read_it();
    ck_assert_int_eq(p.model, PS__MODEL_BPE);
    ck_assert_int_eq(p.byte_fallback, 1);
    ck_assert_int_eq(p.has_dummy_space, 0);
    ck_assert_int_eq(p.pad, -1);
    ck_assert_uint_eq(p.pair_count, 4);
    expect_pair(0, "a", "b");
    expect_pair(1, "a", "bb");
    expect_pair(2, "ab", "b");
    expect_pair(3, "b", "b");
    ps__pieces_clear(&p);
}
END_TEST

START_TEST(characters_are_not_cut_apart) {
    put_trainer(&file, BPE, 1, -1, 0);
    put_normalizer(&file, "nmt_nfkc", 0, NULL, 0);
    put_piece(&file, "\xC3", 0, 1);
    put_piece(&file, "\xA9", 0, 1);
    put_piece(&file, "\xC3\xA9", 0, 1);
    read_it();
    ck_assert_uint_eq(p.pair_count, 0);
    ps__pieces_clear(&p);
}
END_TEST

START_TEST(defaults_stand_where_nothing_is_said) {
    put_normalizer(&file, "nmt_nfkc", -1, NULL, 0);
    put_piece(&file, "a", -1, 1);
    read_it();
    ck_assert_int_eq(p.model, PS__MODEL_UNIGRAM);
    ck_assert_int_eq(p.last, 2);
    ck_assert_int_eq(p.pad, -1);
    ck_assert_int_eq(p.unknown, -1);
    ps__pieces_clear(&p);
}
END_TEST

START_TEST(unknown_fields_are_passed_over) {
    put_unigram();
    put_number(&file, 99, UINT64_MAX);
    put_bytes(&file, 4, "test", 4);
    put_float(&file, 100, 1);
    put_varint(&file, 101 << 3 | 1);
    crafted_little(&file, 1, 8);
    put_number(&file, 1, 7); /* a piece of another type is none of ours */
    read_it();
    ck_assert_uint_eq(p.count, 4);
    ps__pieces_clear(&p);
}
END_TEST

START_TEST(the_table_tells_what_becomes_of_joiners) {
    ps__buf table = PS__BUF_INIT;
    readers_charsmap(&table, _i);
    put_normalizer(&file, "nmt_nfkc", -1, table.bytes, table.length);
    put_piece(&file, "a", -1, 1);
    read_it();
    ck_assert_int_eq(p.keeps_joiners, !_i);
    ps__pieces_clear(&p);
    ps__buf_free(&table);
}
END_TEST

/* ---- Refusing ---- */

static void no_piece(void) {
    put_trainer(&file, UNIGRAM, 1, 0, 0);
    put_normalizer(&file, "nmt_nfkc", -1, NULL, 0);
}
static void other_rule(void) {
    put_normalizer(&file, "nfkc", -1, NULL, 0);
    put_piece(&file, "a", 0, 1);
}
static void other_rule_bpe(void) {
    put_trainer(&file, BPE, 1, 0, 0);
    other_rule();
}
static void other_type(void) {
    put_trainer(&file, 3, 1, 0, 0);
    put_normalizer(&file, "nmt_nfkc", -1, NULL, 0);
    put_piece(&file, "a", 0, 1);
}
static void score_of(float score) {
    put_normalizer(&file, "nmt_nfkc", -1, NULL, 0);
    put_piece(&file, "a", score, 1);
}
static void no_number(void) { score_of((float)NAN); }
static void too_low(void) { score_of(-1e7f); }
static void endless(void) { score_of((float)INFINITY); }
static void empty_piece(void) { put_piece(&file, "", 0, 1); }
static void twice(void) {
    put_piece(&file, "a", 0, 1);
    put_piece(&file, "a", 0, 1);
}
static void long_piece(void) {
    static char text[1026];
    memset(text, 'x', 1025);
    put_piece(&file, text, 0, 1);
}
static void damaged_piece(void) {
    put_bytes(&file, 1,
              "\x0A\x05"
              "ab",
              4);
}
static void damaged_trainer(void) { put_bytes(&file, 2, "\x18", 1); }
static void damaged_normalizer(void) { put_bytes(&file, 3, "\x0A", 1); }
static void field_zero(void) { put_number(&file, 0, 1); }
static void group(void) { put_varint(&file, 5 << 3 | 3); }
static void long_varint(void) { ps__buf_append(&file, "\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", 12); }
static void huge_length(void) {
    ps__buf_append(&file,
                   "\x0A\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F"
                   "abc",
                   13);
}
static void huge_tag(void) { ps__buf_append(&file, "\xF8\xFF\xFF\xFF\xFF\xFF\x01\x01", 8); }
static void text_file(void) { ps__buf_puts(&file, "version https://git-lfs.github.com/spec/v1\n"); }

static const struct {
    void (*put)(void);
    const char *complaint;
} refused[] = {
    {no_piece, "is not a SentencePiece model, or is damaged"},
    {other_rule, "normalised by another rule than nmt_nfkc"},
    {other_rule_bpe, "normalised by a rule that is not known"},
    {other_type, "neither unigram nor BPE"},
    {no_number, "a piece has a score that is no number"},
    {too_low, "a piece has a score that is no number"},
    {endless, "a piece has a score that is no number"},
    {empty_piece, "is empty or too long"},
    {twice, "there twice"},
    {long_piece, "is empty or too long"},
    {damaged_piece, "a piece is damaged"},
    {damaged_trainer, "its trainer_spec is damaged"},
    {damaged_normalizer, "its normalizer_spec is damaged"},
    {field_zero, "is not a SentencePiece model"},
    {group, "is not a SentencePiece model"},
    {long_varint, "is not a SentencePiece model"},
    {huge_length, "is not a SentencePiece model"},
    {huge_tag, "is not a SentencePiece model"},
    {text_file, "is not a SentencePiece model"},
};

START_TEST(what_is_no_model_is_refused) {
    refused[_i].put();
    refuse(refused[_i].complaint);
}
END_TEST

START_TEST(an_empty_file_is_refused) { refuse("is empty"); }
END_TEST

static int is_end(size_t n) {
    for (int i = 0; i < end_count; i++)
        if (ends[i] == n) return 1;
    return 0;
}

static void (*const models[])(void) = {put_unigram, put_bpe};

START_TEST(a_file_that_is_cut_has_whole_pieces_or_is_refused) {
    models[_i]();
    readers_cut(ps__read_sentencepiece, file.bytes, file.length, is_end);
}
END_TEST

START_TEST(a_lack_of_memory_is_told) {
    models[_i]();
    readers_lack_memory(ps__read_sentencepiece, file.bytes, file.length);
}
END_TEST

#define COUNT(list) ((int)(sizeof(list) / sizeof *(list)))

Suite *suite_tokenizer_spm(void) {
    Suite *s = suite_create("tokenizer_spm");
    TCase *t = tcase_create("files");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, unigrams_have_scores_and_marks);
    tcase_add_test(t, merges_follow_from_scores);
    tcase_add_test(t, characters_are_not_cut_apart);
    tcase_add_test(t, defaults_stand_where_nothing_is_said);
    tcase_add_test(t, unknown_fields_are_passed_over);
    tcase_add_loop_test(t, the_table_tells_what_becomes_of_joiners, 0, 2);
    tcase_add_loop_test(t, what_is_no_model_is_refused, 0, COUNT(refused));
    tcase_add_test(t, an_empty_file_is_refused);
    tcase_add_loop_test(t, a_file_that_is_cut_has_whole_pieces_or_is_refused, 0, COUNT(models));
    tcase_add_loop_test(t, a_lack_of_memory_is_told, 0, COUNT(models));
    suite_add_tcase(s, t);
    return s;
}
