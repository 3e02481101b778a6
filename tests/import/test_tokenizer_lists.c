/*
** Tokenizers of plain lists: CLIP's vocabulary with merges, its merges alone, packed or not, and BERT's words.
*/
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "encoder/import/tokenizer_readers.h"
#include "tests/import/crafted.h"
#include "tests/import/readers.h"
#include "tests/suites.h"

static ps__pieces p;

/* ---- Letters ---- */

START_TEST(each_byte_has_a_letter) {
    char letters[256][3] = {{0}};
    for (int b = 0; b < 256; b++) {
        int size = ps__byte_letter(letters[b], b);
        ck_assert_int_eq(size, (int)strlen(letters[b]));
        for (int other = 0; other < b; other++) ck_assert_str_ne(letters[other], letters[b]);
    }
    ck_assert_str_eq(letters['!'], "!");
    ck_assert_str_eq(letters['~'], "~");
    ck_assert_str_eq(letters[0xE9], "\xC3\xA9");
    ck_assert_str_eq(letters[0], "\xC4\x80");    /* U+0100 */
    ck_assert_str_eq(letters[' '], "\xC4\xA0");  /* U+0120 */
    ck_assert_str_eq(letters[0xAD], "\xC5\x83"); /* U+0143, the last of those that are not shown */
}
END_TEST

/* ---- vocab.json with merges.txt ---- */

static char merges_path[4200];
static const char *merges;

/* Reads the pair of path and `merges`. */
static int read_pair(ps__pieces *out, const char *path, ps__error *err) {
    snprintf(merges_path, sizeof merges_path, "%s.merges", path);
    FILE *f = fopen(merges_path, "wb");
    ck_assert_ptr_nonnull(f);
    fputs(merges, f);
    fclose(f);
    int status = ps__read_vocab_merges(out, path, merges_path, err);
    unlink(merges_path);
    return status;
}

#define VOCAB "{\"a\":0,\"b</w>\":1,\"ab</w>\":2,\"<|startoftext|>\":3,\"<|endoftext|>\":4}"

START_TEST(a_vocabulary_with_merges_is_read) {
    static const char *const texts[] = {"#version: 0.2\na b</w>\n", "a b</w>", "\n#version: 0.2\r\na b</w>\r\n\r\n"};
    merges = texts[_i];
    readers_read(&p, read_pair, VOCAB, sizeof VOCAB - 1);
    ck_assert_int_eq(p.model, PS__MODEL_BPE);
    ck_assert_int_eq(p.is_clip, 1);
    ck_assert_int_eq(p.first, 3);
    ck_assert_int_eq(p.last, 4);
    ck_assert_uint_eq(p.pair_count, 1);
    ck_assert_int_eq(p.pairs[0].result, 2);
    ps__pieces_clear(&p);
}
END_TEST

static const struct {
    const char *vocab, *merges, *complaint;
} no_pairs[] = {
    {"", "", "is not a JSON object"},
    {"[\"a\"]", "", "is not a JSON object"},
    {"{\"a\":\"b\"}", "", "gives a piece no whole number"},
    {"{\"a\":0.5}", "", "gives a piece no whole number"},
    {"{\"\":0}", "", "gives a piece no whole number"},
    {"{\"a\":3000000}", "", "its id is out of range"},
    {"{\"a\":0,\"b\":0}", "", "there twice"},
    {"{\"a\":0,", "", "object without a key"},
    {VOCAB, "ab", "has a line that is no pair"},
    {VOCAB, "a b</w>\n#a b:c\n", "is of what is not in the vocabulary"}, /* a remark may only come first */
    {VOCAB, "a c", "merge 0, \"a\" and \"c\", is of what is not in the vocabulary"},
    {VOCAB, "a a", "is of what is not in the vocabulary"},
};

START_TEST(what_is_no_pair_of_lists_is_refused) {
    merges = no_pairs[_i].merges;
    readers_refuse(read_pair, no_pairs[_i].vocab, strlen(no_pairs[_i].vocab), no_pairs[_i].complaint);
}
END_TEST

START_TEST(a_vocabulary_that_is_cut_is_refused) {
    merges = "a b</w>";
    readers_cut(read_pair, VOCAB, sizeof VOCAB - 1, NULL);
}
END_TEST

START_TEST(a_lack_of_memory_for_a_pair_is_told) {
    merges = "#version: 0.2\na b</w>\n";
    readers_lack_memory(read_pair, VOCAB, sizeof VOCAB - 1);
}
END_TEST

START_TEST(missing_merges_are_told) {
    ps__error err = {0};
    ps__buf vocab = PS__BUF_INIT;
    ps__buf_puts(&vocab, VOCAB);
    crafted_write(&vocab);
    ps__pieces_init(&p);
    ck_assert_int_eq(ps__read_vocab_merges(&p, crafted_path, "/nowhere/merges.txt", &err), PS__NOTFOUND);
    ck_assert_ptr_nonnull(strstr(err.text, "/nowhere/merges.txt"));
    ps__pieces_clear(&p);
}
END_TEST

/* ---- Merges alone ---- */

#define MERGES "\"first line\na b</w>\nc d\ncd ab</w>\nmore than are wanted\n"

static int64_t rows;

static int read_merges(ps__pieces *out, const char *path, ps__error *err) { return ps__read_clip_merges(out, path, rows, err); }

/* A gzip file of the text. */
static void pack(ps__buf *out, const void *text, size_t size) {
    z_stream z = {.next_in = (Bytef *)(uintptr_t)text, .avail_in = (uInt)size};
    ck_assert_int_eq(deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    size_t room = deflateBound(&z, size);
    Bytef *packed = malloc(room);
    ck_assert_ptr_nonnull(packed);
    z.next_out = packed;
    z.avail_out = (uInt)room;
    ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    ps__buf_append(out, packed, room - z.avail_out);
    deflateEnd(&z);
    free(packed);
}

START_TEST(a_vocabulary_follows_from_merges) {
    ps__buf file = PS__BUF_INIT;
    rows = 512 + 3 + 2;
    if (_i)
        pack(&file, MERGES, sizeof MERGES - 1);
    else
        ps__buf_puts(&file, MERGES);
    readers_read(&p, read_merges, file.bytes, file.length);
    ck_assert_uint_eq(p.count, 517);
    readers_expect(&p, "!", 0);
    readers_expect(&p, "!</w>", 256);
    readers_expect(&p, "\xC4\x80", 188); /* byte 0, the first that is not shown */
    readers_expect(&p, "ab</w>", 512);
    readers_expect(&p, "cd", 513);
    readers_expect(&p, "cdab</w>", 514);
    ck_assert_int_eq(p.first, 515);
    ck_assert_int_eq(p.last, 516);
    ck_assert_uint_eq(p.pair_count, 3);
    ps__pieces_clear(&p);
    ps__buf_free(&file);
}
END_TEST

static const struct {
    const char *text;
    int64_t rows;
    const char *complaint;
} no_merges[] = {
    {MERGES, 513, "is of a larger vocabulary than the model's"},
    {MERGES, -1, "is of a larger vocabulary than the model's"},
    {"", 514, "is empty"},
    {"x\n", 515, "has fewer merges than the model's vocabulary needs"},
    {"x\na b\n\nc d\n", 516, "has fewer merges than the model's vocabulary needs"},
    {MERGES, 518, "is of what is not in the vocabulary"},
    {MERGES, INT64_MAX, "is of what is not in the vocabulary"},
    {"x\nab\n", 515, "has a line that is no pair"},
    {"x\na b\na b\n", 516, "there twice"},
    {"x\na \n", 515, "there twice"},
};

START_TEST(what_is_no_list_of_merges_is_refused) {
    rows = no_merges[_i].rows;
    readers_refuse(read_merges, no_merges[_i].text, strlen(no_merges[_i].text), no_merges[_i].complaint);
}
END_TEST

START_TEST(long_merges_are_refused) {
    static char text[1100] = "x\n";
    memset(text + 2, 'y', 1050);
    text[500] = ' ';
    rows = 515;
    readers_refuse(read_merges, text, strlen(text), "has a line that is no pair");
}
END_TEST

static ps__buf packed = PS__BUF_INIT;

START_TEST(a_packed_file_that_is_cut_is_refused) {
    rows = 517;
    pack(&packed, MERGES, sizeof MERGES - 1);
    readers_cut(read_merges, packed.bytes, packed.length, NULL);
    packed.bytes[packed.length - 6] ^= 1; /* of the checksum */
    readers_refuse(read_merges, packed.bytes, packed.length, "is damaged: it cannot be unpacked");
    ps__buf_free(&packed);
}
END_TEST

START_TEST(a_packed_file_may_not_swell) {
    enum { SIZE = (32 << 20) + 1 };
    char *zeros = calloc(SIZE, 1);
    ck_assert_ptr_nonnull(zeros);
    pack(&packed, zeros, SIZE);
    free(zeros);
    readers_refuse(read_merges, packed.bytes, packed.length, "unpacks to more than 32 MB");
    ps__buf_free(&packed);
}
END_TEST

START_TEST(a_lack_of_memory_for_merges_is_told) {
    rows = 517;
    pack(&packed, MERGES, sizeof MERGES - 1);
    readers_lack_memory(read_merges, packed.bytes, packed.length);
    ps__buf_free(&packed);
}
END_TEST

/* ---- vocab.txt ---- */

#define WORDS "[PAD]\n[UNK]\r\na\n\nb\na\n##b"

START_TEST(words_have_their_lines_numbers) {
    readers_read(&p, ps__read_vocab_lines, WORDS, sizeof WORDS - 1);
    ck_assert_int_eq(p.model, PS__MODEL_WORDPIECE);
    readers_expect(&p, "[UNK]", 1);
    readers_expect(&p, "a", 2); /* the first of two counts */
    readers_expect(&p, "b", 4);
    readers_expect(&p, "##b", 6);
    ck_assert_uint_eq(p.count, 7);
    ps__pieces_clear(&p);
}
END_TEST

START_TEST(a_long_word_is_refused) {
    static char text[1100];
    memset(text, 'y', 1025);
    readers_refuse(ps__read_vocab_lines, text, 1025, "is empty or too long");
}
END_TEST

START_TEST(a_lack_of_memory_for_words_is_told) { readers_lack_memory(ps__read_vocab_lines, WORDS, sizeof WORDS - 1); }
END_TEST

#define COUNT(list) ((int)(sizeof(list) / sizeof *(list)))

static TCase *new_case(Suite *s, const char *name) {
    TCase *t = tcase_create(name);
    tcase_add_checked_fixture(t, readers_set_up, readers_tear_down);
    suite_add_tcase(s, t);
    return t;
}

Suite *suite_tokenizer_lists(void) {
    Suite *s = suite_create("tokenizer_lists");
    TCase *t = new_case(s, "pairs");
    tcase_add_test(t, each_byte_has_a_letter);
    tcase_add_loop_test(t, a_vocabulary_with_merges_is_read, 0, 3);
    tcase_add_loop_test(t, what_is_no_pair_of_lists_is_refused, 0, COUNT(no_pairs));
    tcase_add_test(t, a_vocabulary_that_is_cut_is_refused);
    tcase_add_test(t, a_lack_of_memory_for_a_pair_is_told);
    tcase_add_test(t, missing_merges_are_told);
    t = new_case(s, "merges");
    tcase_add_loop_test(t, a_vocabulary_follows_from_merges, 0, 2);
    tcase_add_loop_test(t, what_is_no_list_of_merges_is_refused, 0, COUNT(no_merges));
    tcase_add_test(t, long_merges_are_refused);
    tcase_add_test(t, a_packed_file_that_is_cut_is_refused);
    tcase_add_test(t, a_packed_file_may_not_swell);
    tcase_add_test(t, a_lack_of_memory_for_merges_is_told);
    t = new_case(s, "words");
    tcase_add_test(t, words_have_their_lines_numbers);
    tcase_add_test(t, a_long_word_is_refused);
    tcase_add_test(t, a_lack_of_memory_for_words_is_told);
    return s;
}
