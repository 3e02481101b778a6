/*
** tokenizer.json: what is taken from files of each kind, and what is refused because our tokenizers do not do it, or because it
** is no tokenizer.
*/
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "encoder/import/tokenizer_readers.h"
#include "tests/import/readers.h"
#include "tests/suites.h"

static ps__pieces p;

static void read_text(const char *text) { readers_read(&p, ps__read_tokenizer_json, text, strlen(text)); }
static void refuse(const char *text, const char *complaint) {
    readers_refuse(ps__read_tokenizer_json, text, strlen(text), complaint);
}

#define VOCAB "\"vocab\":{\"a\":0,\"b\":1,\"ab\":2,\"abb\":3}"
#define BPE(fields) "{\"model\":{\"type\":\"BPE\"," VOCAB "," fields "}}"
#define STEPS(steps) "{" steps ",\"model\":{\"type\":\"BPE\"," VOCAB ",\"merges\":[\"a b\"]}}"

#define CLIP                                                                                                                     \
    "{\"version\":\"1.0\",\"truncation\":null,\"added_tokens\":[{\"id\":4,\"content\":\"<s>\",\"special\":true},{\"id\":0,"      \
    "\"content\":\"a\"}],\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"NFC\"},{\"type\":\"Lowercase\"}]},"  \
    "\"pre_tokenizer\":{\"type\":\"ByteLevel\"},\"post_processor\":{\"type\":\"RobertaProcessing\",\"sep\":[\"b\",1],\"cls\":["  \
    "\"<s>\",4]},\"model\":{\"type\":\"BPE\",\"dropout\":null,\"unk_token\":\"b\",\"end_of_word_suffix\":\"</w>\","              \
    "\"continuing_subword_prefix\":\"\",\"fuse_unk\":false," VOCAB ",\"merges\":[\"a b\",[\"ab\",\"b\"]]}}"

START_TEST(clips_file_is_read) {
    read_text(CLIP);
    ck_assert_int_eq(p.model, PS__MODEL_BPE);
    ck_assert_int_eq(p.is_clip, 1);
    ck_assert_int_eq(p.lowercase, 1);
    ck_assert_int_eq(p.byte_fallback, 0);
    ck_assert_int_eq(p.first, 4);
    ck_assert_int_eq(p.last, 1);
    ck_assert_int_eq(p.unknown, 1);
    ck_assert_uint_eq(p.count, 5);
    readers_expect(&p, "<s>", 4);
    ck_assert_uint_eq(p.pair_count, 2);
    ck_assert_int_eq(p.pairs[1].left, 2);
    ck_assert_int_eq(p.pairs[1].result, 3);
    ps__pieces_clear(&p);
}
END_TEST

#define GEMMA                                                                                                                    \
    "{\"normalizer\":{\"type\":\"Replace\"},\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\"}]"   \
    "},\"post_processor\":{\"type\":\"Sequence\",\"processors\":[{\"type\":\"ByteLevel\"},{\"type\":\"TemplateProcessing\","     \
    "\"single\":[{\"SpecialToken\":{\"id\":\"x\"}},{\"Sequence\":{\"id\":\"A\"}},{\"SpecialToken\":{\"id\":\"b\"}}],"            \
    "\"special_tokens\":{\"x\":{\"id\":\"x\",\"ids\":[7]}}}]},"                                                                  \
    "\"model\":{\"type\":\"BPE\",\"byte_fallback\":true,\"ignore_merges\":false,\"unk_token\":null," VOCAB ",\"merges\":[]}}"

START_TEST(gemmas_file_is_read) {
    read_text(GEMMA);
    ck_assert_int_eq(p.is_clip, 0);
    ck_assert_int_eq(p.byte_fallback, 1);
    ck_assert_int_eq(p.first, 7); /* the template says its id */
    ck_assert_int_eq(p.last, 1);  /* the vocabulary does */
    ck_assert_int_eq(p.unknown, -1);
    ck_assert_uint_eq(p.pair_count, 0);
    ps__pieces_clear(&p);
}
END_TEST

#define UNIGRAM                                                                                                                  \
    "{\"pre_tokenizer\":{\"type\":\"Metaspace\",\"prepend_scheme\":\"always\"},\"model\":{\"vocab\":[[\"<pad>\",0],[\"a\","      \
    "-2.5],[\"<unk>\",-1e1]],\"unk_id\":2,\"type\":\"Unigram\"}}"

START_TEST(unigrams_have_scores) {
    read_text(UNIGRAM);
    ck_assert_int_eq(p.model, PS__MODEL_UNIGRAM);
    ck_assert_int_eq(p.unknown, 2);
    ck_assert_int_eq(p.has_dummy_space, 1);
    ck_assert_int_eq(p.keeps_joiners, 0);
    readers_expect(&p, "a", 1);
    ck_assert(p.entries[1].score == -2.5f);
    ck_assert(p.entries[2].score == -10.0f);
    ps__pieces_clear(&p);
}
END_TEST

START_TEST(the_table_tells_what_becomes_of_joiners) {
    static const char *const normalizers[] = {
        "{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"CAAAAAAEAAAABAAA\"}", /* two units, without an entry */
        "{\"type\":\"Precompiled\",\"precompiled_charsmap\":null}"};
    char text[400];
    snprintf(text, sizeof text, STEPS("\"normalizer\":%s"), normalizers[_i]);
    read_text(text);
    ck_assert_int_eq(p.keeps_joiners, !_i);
    ps__pieces_clear(&p);
}
END_TEST

START_TEST(wordpieces_may_be_in_lower_case) {
    read_text(
        "{\"normalizer\":{\"type\":\"BertNormalizer\",\"lowercase\":true},\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"},"
        "\"model\":{\"type\":\"WordPiece\",\"continuing_subword_prefix\":\"##\",\"vocab\":{\"[UNK]\":1,\"a\":0}}}");
    ck_assert_int_eq(p.model, PS__MODEL_WORDPIECE);
    ck_assert_int_eq(p.lowercase, 1);
    readers_expect(&p, "[UNK]", 1);
    ps__pieces_clear(&p);
}
END_TEST

static const struct {
    const char *step;
    int has_dummy_space;
} spaces[] = {
    {"\"pre_tokenizer\":{\"type\":\"Metaspace\",\"prepend_scheme\":\"never\"}", 0},
    {"\"pre_tokenizer\":{\"type\":\"Metaspace\",\"add_prefix_space\":false}", 0},
    {"\"pre_tokenizer\":{\"type\":\"Metaspace\"}", 1},
    {"\"normalizer\":{\"type\":\"Prepend\",\"prepend\":\"x\"}", 1},
    {"\"normalizer\":null", 0},
};

START_TEST(a_space_may_be_put_before_texts) {
    char text[400];
    snprintf(text, sizeof text, STEPS("%s"), spaces[_i].step);
    read_text(text);
    ck_assert_int_eq(p.has_dummy_space, spaces[_i].has_dummy_space);
    ps__pieces_clear(&p);
}
END_TEST

static const struct {
    const char *text, *complaint;
} refused[] = {
    {"", "is not a JSON object"},
    {"[]", "is not a JSON object"},
    {"{}", "has no model"},
    {"{\"model\":[]}", "has a model that is no object"},
    {"{\"model\":{}}", "has no model"},
    {"{\"model\":{\"type\":7}}", "has a model without a type"},
    {"{\"model\":{\"type\":\"WordLevel\"}}", "neither BPE, Unigram nor WordPiece"},
    {"{\"model\":{\"vocab\":null}}", "neither a list nor an object"},
    {"{\"model\":{\"vocab\":{\"a\":\"0\"}}}", "gives a piece no whole number"},
    {"{\"model\":{\"vocab\":{\"a\":1.5}}}", "gives a piece no whole number"},
    {"{\"model\":{\"vocab\":{\"a\":99999999999999999999}}}", "gives a piece no whole number"},
    {"{\"model\":{\"vocab\":{\"a\":999999999}}}", "its id is out of range"},
    {"{\"model\":{\"vocab\":{\"a\":-1}}}", "its id is out of range"},
    {"{\"model\":{\"vocab\":{\"\":0}}}", "has an empty piece"},
    {"{\"model\":{\"vocab\":{\"a\":0,\"b\":0}}}", "there twice"},
    {"{\"model\":{\"vocab\":{\"a\":0,\"a\":1}}}", "there twice"},
    {"{\"model\":{\"vocab\":[[1,2]]}}", "a piece that is no text"},
    {"{\"model\":{\"vocab\":[[\"a\"]]}}", "a piece without a score"},
    {"{\"model\":{\"vocab\":[[\"a\",\"b\"]]}}", "a piece without a score"},
    {"{\"model\":{\"vocab\":[[\"a\",1,2]]}}", "a piece without a score"},
    {"{\"model\":{\"vocab\":[[\"a\",1e7]]}}", "a score that is none"},
    {"{\"model\":{\"vocab\":[[\"a\",1e999]]}}", "a number that is not JSON"},
    {"{\"model\":{\"vocab\":[[\"\",0]]}}", "is empty or too long"},
    {"{\"model\":{\"vocab\":[[\"a\",0],[\"a\",0]]}}", "there twice"},
    {BPE("\"merges\":{}"), "has merges that are no list"},
    {BPE("\"merges\":[1]"), "no list of pairs"},
    {BPE("\"merges\":[\"ab\"]"), "has a merge that is no pair"},
    {BPE("\"merges\":[[\"a\"]]"), "has a merge that is no pair"},
    {BPE("\"merges\":[[1,2]]"), "has a merge that is no pair"},
    {BPE("\"merges\":[[\"\",\"a\"]]"), "has a merge that is no pair"},
    {BPE("\"merges\":[[\"a\",\"\"]]"), "has a merge that is no pair"},
    {BPE("\"merges\":[[\"a\",\"b\",\"c\"]]"), "has a merge of more than two"},
    {BPE("\"merges\":[\"a x\"]"), "merge 0, \"a\" and \"x\", is of what is not in the vocabulary"},
    {BPE("\"merges\":[\"b a\"]"), "not in the vocabulary"},
    {BPE("\"merges\":[\" a\"]"), "not in the vocabulary"},
    {BPE("\"merges\":[\"a \"]"), "not in the vocabulary"},
    {BPE("\"end_of_word_suffix\":\"@@\""), "has an end_of_word_suffix that is not </w>"},
    {BPE("\"continuing_subword_prefix\":\"@@\""), "has a continuing_subword_prefix that is not ##"},
    {BPE("\"unk_token\":7"), "has a field that is no short text"},
    {BPE("\"unk_token\":\"0123456789012345678901234567890123456789012345678901234567890123\""), "no short text"},
    {BPE("\"dropout\":0.1"), "sets dropout or ignore_merges"},
    {BPE("\"ignore_merges\":true"), "sets dropout or ignore_merges"},
    {BPE("\"unk_id\":-1"), "has an unk_id that is no id"},
    {BPE("\"unk_id\":4294967298"), "has an unk_id that is no id"},
    {BPE("\"unk_id\":1.5"), "has an unk_id that is no id"},
    {BPE("\"unk_id\":\"1\""), "has an unk_id that is no id"},
    {STEPS("\"normalizer\":{\"type\":\"Magic\"}"), "the normalizer \"Magic\" is not known"},
    {STEPS("\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"NFC\"},{}]}"), "the normalizer \"\" is not known"},
    {STEPS("\"normalizer\":7"), "the normalizer \"\" is not known"},
    {STEPS("\"pre_tokenizer\":{\"type\":\"Digits\"}"), "the pre_tokenizer \"Digits\" is not known"},
    {STEPS("\"post_processor\":{\"type\":\"Magic\"}"), "the post_processor \"Magic\" is not known"},
    {STEPS("\"post_processor\":{\"type\":\"BertProcessing\"}"), "does not name its marks"},
    {STEPS("\"post_processor\":{\"type\":\"BertProcessing\",\"sep\":[\"a\",\"0\"],\"cls\":[\"b\",1]}"),
     "does not name its marks"},
    {STEPS("\"post_processor\":{\"type\":\"BertProcessing\",\"sep\":[\"a\",0],\"cls\":[\"b\",4294967297]}"),
     "does not name its marks"},
    {STEPS("\"post_processor\":{\"type\":\"TemplateProcessing\"}"), "has no text in it"},
    {STEPS(
         "\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"?\"}},{\"Sequence\":{}}]}"),
     "does not name its marks"},
    {STEPS("\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"Sequence\":{}},{\"SpecialToken\":{\"id\":\"m\"}}],"
           "\"special_tokens\":{\"m\":{\"ids\":[4294967297]}}}"),
     "does not name its marks"},
    {STEPS("\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"a\"}},{\"SpecialToken\":{"
           "\"id\":\"b\"}},{\"Sequence\":{}}]}"),
     "more than one mark on a side"},
    {STEPS("\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"Sequence\":{}},{\"Sequence\":{}}]}"),
     "has no text in it"},
    {STEPS("\"added_tokens\":[{\"id\":7}]"), "hold one without id or text"},
    {STEPS("\"added_tokens\":[{\"content\":\"x\"}]"), "hold one without id or text"},
    {STEPS("\"added_tokens\":[7]"), "hold one without id or text"},
    {STEPS("\"added_tokens\":[{\"id\":0,\"content\":\"x\"}]"), "there twice"},
    {STEPS("\"added_tokens\":[{\"id\":9000000000,\"content\":\"x\"}]"), "its id is out of range"},
    {STEPS("\"added_tokens\":[{\"id\":9,\"content\":\"\"}]"), "is empty or too long"},
    {STEPS("\"added_tokens\":[1 2]"), "expected near"}, /* jansson's own words */
    {"{\"other\":[}}", "has no model"},                 /* what is left out is not looked at closely */
};

START_TEST(what_is_not_known_is_refused_by_name) { refuse(refused[_i].text, refused[_i].complaint); }
END_TEST

START_TEST(a_file_that_is_cut_is_refused) {
    static const char *const files[] = {CLIP, GEMMA, UNIGRAM};
    readers_cut(ps__read_tokenizer_json, files[_i], strlen(files[_i]), NULL);
}
END_TEST

START_TEST(a_lack_of_memory_is_told) {
    static const char *const files[] = {CLIP, GEMMA, UNIGRAM};
    readers_lack_memory(ps__read_tokenizer_json, files[_i], strlen(files[_i]));
}
END_TEST

START_TEST(a_missing_file_is_told) {
    ps__error err = {0};
    ps__pieces_init(&p);
    ck_assert_int_eq(ps__read_tokenizer_json(&p, "/nowhere/tokenizer.json", &err), PS__NOTFOUND);
    ck_assert_ptr_nonnull(strstr(err.text, "/nowhere/tokenizer.json"));
}
END_TEST

#define COUNT(list) ((int)(sizeof(list) / sizeof *(list)))

Suite *suite_tokenizer_json(void) {
    Suite *s = suite_create("tokenizer_json");
    TCase *t = tcase_create("files");
    tcase_add_checked_fixture(t, readers_set_up, readers_tear_down);
    tcase_add_test(t, clips_file_is_read);
    tcase_add_test(t, gemmas_file_is_read);
    tcase_add_test(t, unigrams_have_scores);
    tcase_add_loop_test(t, the_table_tells_what_becomes_of_joiners, 0, 2);
    tcase_add_test(t, wordpieces_may_be_in_lower_case);
    tcase_add_loop_test(t, a_space_may_be_put_before_texts, 0, COUNT(spaces));
    tcase_add_loop_test(t, what_is_not_known_is_refused_by_name, 0, COUNT(refused));
    tcase_add_loop_test(t, a_file_that_is_cut_is_refused, 0, 3);
    tcase_add_loop_test(t, a_lack_of_memory_is_told, 0, 3);
    tcase_add_test(t, a_missing_file_is_told);
    suite_add_tcase(s, t);
    return s;
}
