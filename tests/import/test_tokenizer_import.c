/*
** A tokenizer of a folder, imported into a package: which file is taken, what text.config says, the ids that texts get then,
** and the sentences where files are missing, contradict each other, or do not fit the model.
*/
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "encoder/encoder.h"
#include "encoder/import/import.h"
#include "encoder/import/tokenizer_readers.h"
#include "encoder/tokens/tokenizer.h"
#include "tests/suites.h"

static char folder[4000];

static void make_folder(void) {
    const char *tmp = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/photosearch-vocabulary-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void remove_folder(void) {
    char line[4100];
    snprintf(line, sizeof line, "rm -r '%s'", folder);
    ck_assert_int_eq(system(line), 0);
}

static char *inside(const char *name) {
    static char path[4400];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void put(const char *name, const char *text) {
    FILE *f = fopen(inside(name), "wb");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    ck_assert_int_eq(fclose(f), 0);
}

/* ---- Files ---- */

/* The letters of bytes and those that end words, from id 0 and 256 on, then `more` at 512 and on. */
static void put_clip(const char *more, const char *merges) {
    ps__buf out = PS__BUF_INIT;
    char letter[8];
    for (int id = 0; id < 512; id++) {
        int size = ps__byte_letter(letter, id % 256);
        letter[size] = 0;
        const char *escape = strcmp(letter, "\"") == 0 || strcmp(letter, "\\") == 0 ? "\\" : "";
        ps__buf_printf(&out, "%s\"%s%s%s\":%d", id ? "," : "{", escape, letter, id < 256 ? "" : "</w>", id);
    }
    ps__buf_printf(&out, "%s}", more);
    put("vocab.json", out.bytes);
    put("merges.txt", merges);
    ps__buf_free(&out);
}

#define CLIP_MARKS ",\"<|startoftext|>\":513,\"<|endoftext|>\":514"

static void clip(void) { put_clip(",\"ab</w>\":512" CLIP_MARKS, "#version: 0.2\na b</w>\n"); }

/* A BPE of characters; `bytes` are pieces of the vocabulary, and `fields` of the model. */
static void put_gemma(const char *pieces, const char *fields, const char *steps) {
    ps__buf out = PS__BUF_INIT;
    ps__buf_printf(&out, "{%s\"model\":{\"type\":\"BPE\",\"vocab\":{\"<pad>\":0,\"<eos>\":1,\"<unk>\":2%s},%s}}", steps, pieces,
                   fields);
    put("tokenizer.json", out.bytes);
    put("tokenizer_config.json", "{\"eos_token\":\"<eos>\",\"pad_token\":{\"content\":\"<pad>\"},\"unk_token\":\"<unk>\"}");
    ps__buf_free(&out);
}

#define GEMMA_PIECES ",\"a\":3,\"b\":4,\"ab\":5,\"\xE2\x96\x81\":6"
#define ONE_MERGE "\"unk_token\":\"<unk>\",\"merges\":[\"a b\"]"

static void gemma(void) { put_gemma(GEMMA_PIECES, ONE_MERGE, ""); }

static void gemma_with_bytes(void) {
    ps__buf out = PS__BUF_INIT;
    ps__buf_puts(&out, GEMMA_PIECES);
    for (unsigned b = 0; b < 256; b++) ps__buf_printf(&out, ",\"<0x%02X>\":%u", b, 7 + b);
    put_gemma(out.bytes, ONE_MERGE ",\"byte_fallback\":true", "");
    ps__buf_free(&out);
}

#define UNIGRAM(unknown)                                                                                                         \
    "{\"pre_tokenizer\":{\"type\":\"Metaspace\"},\"model\":{\"type\":\"Unigram\"," unknown "\"vocab\":[[\"<pad>\",0],[\"</s>\"," \
    "0],[\"<unk>\",0],[\"\xE2\x96\x81\",-2],[\"b\",-3],[\"ab\",-4],[\"a\",1],[\"x\\u0001\",-1],[\"<a>\",-1]]}}"
#define OPTIONS "{\"eos_token\":\"</s>\",\"unk_token\":\"<unk>\",\"pad_token\":\"</s>\"}"

static void unigram(void) {
    put("tokenizer.json", UNIGRAM("\"unk_id\":2,"));
    put("tokenizer_config.json", OPTIONS);
}

#define WORDS "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\n##b\n"

static void words(void) {
    put("vocab.txt", WORDS);
    put("tokenizer_config.json", "{\"pad_token\":\"[PAD]\",\"do_lower_case\":true}");
}

/* ---- Importing ---- */

static json_t *config; /* text.config of the last import */
static const char *hf, *open_clip, *named;

static void forget(void) {
    hf = open_clip = named = NULL;
    make_folder();
}

/* Imports what lies in the folder for a word table of so many rows; into the draft, which the caller frees. */
static int import_into(ps__draft *draft, int64_t rows, ps__error *err) {
    char tokenizer[4400];
    snprintf(tokenizer, sizeof tokenizer, "%s", named ? inside(named) : "");
    ps__source source = {.path = folder, .folder = folder, .open_clip_path = folder, .tokenizer_path = named ? tokenizer : NULL};
    source.hf = hf ? json_loads(hf, 0, NULL) : NULL;
    source.open_clip = open_clip ? json_loads(open_clip, 0, NULL) : NULL;
    ps__import import = {.source = &source, .draft = draft, .text_config = json_object()};
    int status = ps__import_tokenizer(&import, rows, err);
    config = import.text_config;
    json_decref(source.hf);
    json_decref(source.open_clip);
    return status;
}

/* The ids of a text with the package that the draft becomes. */
static char *ids_of(ps__draft *draft, const char *text) {
    ps__error err = {0};
    ps__package *package;
    ps__tokenizer *t;
    int32_t ids[32];
    int count;
    ps__buf out = PS__BUF_INIT;
    char *json = json_dumps(config, 0);
    ck_assert_int_eq(ps__draft_meta(draft, "text.config", json, &err), PS__OK);
    free(json);
    ck_assert_msg(ps__draft_write(draft, inside("out"), PS__PRECISION_INT8, NULL, NULL, &err) == PS__OK, "%s", err.text);
    ck_assert_msg(ps__package_open(&package, inside("out"), &err) == PS__OK, "%s", err.text);
    const ps__tokenizer_kind *kind = ps__tokenizer_find(json_string_value(json_object_get(config, "tokenizer")));
    ck_assert_msg(kind->open(&t, package, json_is_true(json_object_get(config, "lowercase")), &err) == PS__OK, "%s", err.text);
    ck_assert_int_eq(ps__tokenizer_encode(ids, &count, t, text, strlen(text), 32, &err), PS__OK);
    for (int i = 0; i < count; i++) ps__buf_printf(&out, i ? " %d" : "%d", ids[i]);
    ps__tokenizer_free(t);
    ps__package_free(package);
    return ps__buf_detach(&out);
}

static const struct {
    void (*make)(void);
    int64_t rows;
    const char *hf, *open_clip; /* configurations; NULL: none */
    const char *config;         /* that comes of it */
    const char *text, *ids;
} forms[] = {
    {clip, 515, NULL, NULL,
     "{\"clean\":\"lower\",\"eot\":514,\"first\":513,\"languages\":\"en\",\"last\":514,\"pad\":0,\"style\":\"clip\","
     "\"tokenizer\":"
     "\"bpe\"}",
     "AB a b!", "513 512 353 354 289 514"},
    {gemma, 7, "{\"model_type\":\"siglip2\"}", NULL,
     "{\"clean\":\"lower\",\"eot\":1,\"languages\":\"en\",\"last\":1,\"pad\":0,\"style\":\"gemma\",\"tokenizer\":\"bpe\","
     "\"unknown\":2}",
     "AB ab\xC3\xA9", "5 6 5 2 1"},
    {gemma_with_bytes, 300, NULL, NULL,
     "{\"clean\":\"none\",\"eot\":1,\"languages\":\"en\",\"last\":1,\"pad\":0,\"style\":\"gemma\",\"tokenizer\":\"bpe\","
     "\"unknown\":2}",
     "ab\xC3\xA9", "5 202 176 1"},
    {gemma, 7, NULL, "{\"model_cfg\":{\"text_cfg\":{\"tokenizer_kwargs\":{\"clean\":\"canonicalize\"}}}}",
     "{\"clean\":\"canonicalize\",\"eot\":1,\"languages\":\"en\",\"last\":1,\"pad\":0,\"style\":\"gemma\",\"tokenizer\":\"bpe\","
     "\"unknown\":2}",
     "_A.B_", "5 1"},
    {unigram, 9, "{\"model_type\":\"siglip\"}", NULL,
     "{\"clean\":\"punctuation\",\"eot\":1,\"languages\":\"en\",\"last\":1,\"lowercase\":false,\"pad\":1,\"tokenizer\":"
     "\"unigram\","
     "\"unknown\":2}",
     "AB! z<a>", "3 6 4 3 2 6 1"},
    {words, 6, NULL, NULL, "{\"languages\":\"en\",\"lowercase\":true,\"pad\":0,\"tokenizer\":\"wordpiece\"}", "AB c",
     "2 4 5 1 3"},
};

START_TEST(each_form_gives_its_ids) {
    ps__error err = {0};
    ps__draft *draft = ps__draft_new();
    forms[_i].make();
    hf = forms[_i].hf;
    open_clip = forms[_i].open_clip;
    ck_assert_msg(import_into(draft, forms[_i].rows, &err) == PS__OK, "%s", err.text);
    char *text = json_dumps(config, JSON_SORT_KEYS | JSON_COMPACT), *ids = ids_of(draft, forms[_i].text);
    ck_assert_str_eq(text, forms[_i].config);
    ck_assert_str_eq(ids, forms[_i].ids);
    free(text);
    ps__free(ids);
    json_decref(config);
    ps__draft_free(draft);
}
END_TEST

START_TEST(a_file_may_be_named) {
    ps__error err = {0};
    ps__draft *draft = ps__draft_new();
    unigram();
    put("my-vocab.txt", WORDS);
    named = "my-vocab.txt";
    ck_assert_msg(import_into(draft, 100, &err) == PS__OK, "%s", err.text);
    ck_assert_str_eq(json_string_value(json_object_get(config, "tokenizer")), "wordpiece");
    json_decref(config);
    ps__draft_free(draft);
}
END_TEST

START_TEST(chinese_is_told_by_its_most_frequent_character) {
    ps__error err = {0};
    ps__draft *draft = ps__draft_new();
    put("vocab.txt", WORDS "\xE7\x9A\x84\n");
    put("tokenizer_config.json", "{\"do_lower_case\":false}");
    ck_assert_msg(import_into(draft, 7, &err) == PS__OK, "%s", err.text);
    ck_assert_str_eq(json_string_value(json_object_get(config, "languages")), "zh");
    ck_assert(json_is_false(json_object_get(config, "lowercase")));
    json_decref(config);
    ps__draft_free(draft);
}
END_TEST

/* ---- Refusing ---- */

static void nothing(void) {}
static void named_oddly(void) { put(named = "tokenizer.bin", "x"); }
static void named_missing(void) { named = "tokenizer.json"; }
static void no_options(void) {
    unigram();
    put("tokenizer_config.json", "[1]");
}
static void broken_options(void) {
    unigram();
    put("tokenizer_config.json", "{\"a\":");
}
static void no_merges_beside(void) { put("vocab.json", "{\"a\":0}"); }
static void unknown_cleaning(void) {
    gemma();
    open_clip = "{\"model_cfg\":{\"text_cfg\":{\"tokenizer_kwargs\":{\"clean\":\"soap\"}}}}";
}
static void no_letters(void) {
    put("vocab.json", "{\"a\":0,\"b</w>\":1,\"ab</w>\":2,\"<|startoftext|>\":3,\"<|endoftext|>\":4}");
    put("merges.txt", "a b</w>\n");
}
static void clip_without_merges(void) { put_clip(CLIP_MARKS, "#version: 0.2\n"); }
static void clip_without_first(void) { put_clip(",\"ab</w>\":512,\"<|endoftext|>\":513", "a b</w>\n"); }
static void clip_without_last(void) { put_clip(",\"ab</w>\":512,\"<|startoftext|>\":513", "a b</w>\n"); }
static void gemma_without_bytes(void) { put_gemma(GEMMA_PIECES, ONE_MERGE ",\"byte_fallback\":true", ""); }
static void gemma_with_space(void) { put_gemma(GEMMA_PIECES, ONE_MERGE, "\"normalizer\":{\"type\":\"Prepend\"},"); }
static void gemma_without_marks(void) {
    gemma();
    put("tokenizer_config.json", "{\"eos_token\":\"<end>\"}");
}
static void gemma_with_marks_beyond(void) {
    put_gemma(GEMMA_PIECES, ONE_MERGE,
              "\"post_processor\":{\"type\":\"RobertaProcessing\",\"sep\":[\"x\",1000],\"cls\":[\"a\",3]},");
}
static void only_long_pieces(void) { put_gemma(",\"ab\":3,\"abab\":4", "\"merges\":[\"ab ab\"]", ""); }
static void unigram_without_unknown(void) {
    put("tokenizer.json", UNIGRAM(""));
    put("tokenizer_config.json", "{\"eos_token\":\"</s>\"}");
}
static void unigram_of_marks(void) {
    put("tokenizer.json", "{\"model\":{\"type\":\"Unigram\",\"unk_id\":0,\"vocab\":[[\"<unk>\",0],[\"</s>\",0]]}}");
    put("tokenizer_config.json", OPTIONS);
}
static void unknown_beyond(void) {
    put("tokenizer.json", UNIGRAM("\"unk_id\":1000,"));
    put("tokenizer_config.json", OPTIONS);
}
static void words_with_line_ends(void) {
    put("tokenizer.json", "{\"model\":{\"type\":\"WordPiece\",\"vocab\":{\"[PAD]\":0,\"a\\nb\":1}}}");
}

static const struct {
    void (*make)(void);
    int64_t rows;
    const char *complaint;
} refused[] = {
    {nothing, 9, "no tokenizer lies there"},
    {named_oddly, 9, "tokenizer.bin: is no tokenizer's file by its name"},
    {no_options, 9, "tokenizer_config.json: is not a JSON object"},
    {broken_options, 9, "tokenizer_config.json: is not a JSON object"},
    {unknown_cleaning, 9, "tokenizer_kwargs.clean \"soap\" is not known"},
    {no_letters, 9, "vocab.json: lacks letters that stand for bytes"},
    {clip_without_merges, 515, "vocab.json: has no merges"},
    {clip_without_first, 515, "does not name the mark that texts begin with"},
    {clip_without_last, 515, "does not name the mark that texts end with"},
    {clip, 514, "vocab.json: has 515 tokens, but the model's word table 514 rows"},
    {gemma, 6, "has 7 tokens, but the model's word table 6 rows"},
    {gemma_without_bytes, 9, "lacks pieces that stand for bytes"},
    {gemma_with_space, 9, "puts a space before texts, which is not done for BPE"},
    {gemma_without_marks, 9, "does not name the mark that texts end with"},
    {gemma_with_marks_beyond, 9, "has the id 1000, but the model's word table ends before 9"},
    {only_long_pieces, 9, "has no pieces of one character"},
    {unigram_without_unknown, 9, "does not name its unknown piece"},
    {unigram_of_marks, 9, "has no pieces"},
    {unknown_beyond, 9, "has the id 1000, but the model's word table ends before 9"},
    {words_with_line_ends, 9, "has a piece with a line end in it"},
};

START_TEST(what_does_not_fit_is_refused_by_name) {
    ps__error err = {0};
    ps__draft *draft = ps__draft_new();
    refused[_i].make();
    ck_assert_msg(import_into(draft, refused[_i].rows, &err) == PS__MODEL, "%s", err.text);
    ck_assert_msg(strstr(err.text, refused[_i].complaint) != NULL, "\"%s\" does not say \"%s\"", err.text, refused[_i].complaint);
    ck_assert_msg(strncmp(err.text, folder, strlen(folder)) == 0, "\"%s\" does not begin with the path", err.text);
    json_decref(config);
    ps__draft_free(draft);
}
END_TEST

START_TEST(files_that_are_missing_are_told) {
    static void (*const make[])(void) = {named_missing, no_merges_beside};
    ps__error err = {0};
    ps__draft *draft = ps__draft_new();
    make[_i]();
    ck_assert_int_eq(import_into(draft, 9, &err), PS__NOTFOUND);
    ck_assert_msg(strstr(err.text, _i ? "merges.txt" : "tokenizer.json") != NULL, "%s", err.text);
    json_decref(config);
    ps__draft_free(draft);
}
END_TEST

START_TEST(a_lack_of_memory_is_told) {
    forms[_i].make();
    for (int n = 0, failed = 1; failed; n++) {
        ps__error err = {0};
        ps__draft *draft = ps__draft_new();
        ck_assert_ptr_nonnull(draft);
        ps__alloc_fail_after(n, 0);
        int status = import_into(draft, forms[_i].rows, &err);
        failed = ps__alloc_fail_left() < 0;
        ps__alloc_fail_after(-1, 0);
        ck_assert_msg(status == (failed ? PS__NOMEM : PS__OK), "allocation %d: status %d, %s", n, status, err.text);
        json_decref(config);
        ps__draft_free(draft);
    }
}
END_TEST

#define COUNT(list) ((int)(sizeof(list) / sizeof *(list)))

Suite *suite_tokenizer_import(void) {
    Suite *s = suite_create("tokenizer_import");
    TCase *t = tcase_create("folders");
    tcase_add_checked_fixture(t, forget, remove_folder);
    tcase_add_loop_test(t, each_form_gives_its_ids, 0, COUNT(forms));
    tcase_add_test(t, a_file_may_be_named);
    tcase_add_test(t, chinese_is_told_by_its_most_frequent_character);
    tcase_add_loop_test(t, what_does_not_fit_is_refused_by_name, 0, COUNT(refused));
    tcase_add_loop_test(t, files_that_are_missing_are_told, 0, 2);
    tcase_add_loop_test(t, a_lack_of_memory_is_told, 0, COUNT(forms));
    suite_add_tcase(s, t);
    return s;
}
