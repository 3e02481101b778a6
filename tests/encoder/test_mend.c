/*
** Mending of texts before they are cut into tokens: what ftfy and html.unescape give for the same strings.
*/
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "encoder/tokens/mend.h"
#include "tests/suites.h"

Suite *suite_mend(void);

enum { LOWER = PS__MEND_LOWER, SIGMA = PS__MEND_SIGMA, ALL = PS__MEND_ALL };

static const struct {
    const char *text;
    int how;
    const char *mended; /* NULL: it is good as it is */
} cases[] = {
    {"a red car", ALL, NULL},
    {"fish & chips; R&D", ALL, "fish & chips; R&D"},
    {"fish &amp; chips", ALL, "fish & chips"},
    {"fish &amp;amp;amp; chips", ALL, "fish & chips"},
    {"fish &amp; chips", LOWER | SIGMA, NULL},
    {"a &lt;b&gt; &quot;c&quot;", ALL, "a <b> \"c\""},
    {"caf&eacute; &#233;&#xE9;&#XE9", ALL, "café ééé"},
    {"&nothing; &; &# &#x; &", ALL, "&nothing; &; &# &#x; &"},
    {"&#0; &#xD800; &#99999999999;", ALL, "\uFFFD \uFFFD \uFFFD"},
    {"d’œil “x” ‘y’ „z‟", ALL, "d'œil \"x\" 'y' \"z\""},
    {"ﬁne ﬂute ĳ", ALL, "fine flute ij"},
    {"ＡＢ１！　ｶﾅ", ALL, "AB1! カナ"},
    {"e\u0301 o\u0323\u0302 o\u0302\u0323", ALL, "é ộ ộ"},
    {"a\x01\x7F\uFEFFb", ALL, "ab"},
    {"a\x01", LOWER, NULL},
    {"\u212B", ALL, "Å"},
    {"½ ² ① ㎏", ALL, "½ ² ① ㎏"}, /* composed only: NFC, not NFKC */
    {"\u0130stanbul", LOWER, "i\u0307stanbul"},
    {"\u0130stanbul", SIGMA, "\u0130stanbul"},
    {"ΟΔΟΣ Σ ΣΑΣ", SIGMA, "ΟΔΟς Σ ΣΑς"},
    {"ΟΔΟΣ", LOWER, "ΟΔΟΣ"},
    {"a\xFFz", ALL, "a\uFFFDz"},
    {"\x01", ALL, ""},
};

START_TEST(texts_become_what_the_reference_makes_of_them) {
    ps__error err = {0};
    ps__buf out = PS__BUF_INIT;
    int needed;
    ck_assert_int_eq(ps__mend(&out, &needed, cases[_i].text, strlen(cases[_i].text), cases[_i].how, &err), PS__OK);
    ck_assert_int_eq(needed, cases[_i].mended != NULL);
    if (needed)
        ck_assert_msg(out.length == strlen(cases[_i].mended) &&
                          memcmp(out.bytes ? out.bytes : "", cases[_i].mended, out.length) == 0,
                      "%s: %.*s", cases[_i].text, (int)out.length, out.bytes ? out.bytes : "");
    else
        ck_assert_uint_eq(out.length, 0);
    ps__buf_free(&out);
}
END_TEST

START_TEST(nothing_grows_without_bounds) {
    static const char *const pieces[] = {"\u0301", "\uFDFA", "&amp;", "\u0130", "\xFF"};
    size_t piece = strlen(pieces[_i]), size = 200000 / piece * piece;
    ps__error err = {0};
    ps__buf out = PS__BUF_INIT;
    int needed;
    char *text = malloc(size);
    ck_assert_ptr_nonnull(text);
    for (size_t at = 0; at < size; at += piece) memcpy(text + at, pieces[_i], piece);
    ck_assert_int_eq(ps__mend(&out, &needed, text, size, LOWER | SIGMA | ALL, &err), PS__OK);
    ck_assert_int_eq(needed, 1);
    ck_assert_uint_le(out.length, (size_t)PS__MEND_BYTES * 4);
    free(text);
    ps__buf_free(&out);
}
END_TEST

Suite *suite_mend(void) {
    Suite *suite = suite_create("mend");
    TCase *tests = tcase_create("mend");
    tcase_add_loop_test(tests, texts_become_what_the_reference_makes_of_them, 0, (int)(sizeof cases / sizeof *cases));
    tcase_add_loop_test(tests, nothing_grows_without_bounds, 0, 5);
    suite_add_tcase(suite, tests);
    return suite;
}
