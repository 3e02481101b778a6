/*
** Sentences: whatever is typed or pasted becomes a query of valid text, or is refused as empty; the work for it grows with its
** length and no faster; memory may run out anywhere. What sentences mean is test_sentences.c's.
*/
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/utf8.h"
#include "search/holidays.h"
#include "search/parse/tables.h"
#include "tests/search/context.h"
#include "tests/search/invariants.h"

Suite *suite_query(void);

static const struct {
    const char *sentence, *text; /* text NULL: refused */
} CASES[] = {
    {"red car", "red car"},
    {"  red \t car\r\n", "red car"},
    {"\xC2\xA0red\xE3\x80\x80"
     "car\xE2\x80\x8B",
     "red car"},                        /* no-break, ideographic and zero-width spaces */
    {"\xEF\xBB\xBFred car", "red car"}, /* byte order mark */
    {"Stra\xC3\x9F"
     "e",
     "Stra\xC3\x9F"
     "e"},
    {"\xE5\xB7\xB4\xE9\xBB\x8E", "\xE5\xB7\xB4\xE9\xBB\x8E"},
    {"\xFFred", "\xEF\xBF\xBDred"}, /* not UTF-8 */
    {"red\x1B[31m", "red [31m"},    /* no controls get through */
    {"in 2021", "in 2021"},         /* no parsing without a context */
    {"", NULL},
    {" \t\n", NULL},
    {"\xE2\x80\x8B", NULL},
};

START_TEST(sentences_are_tidied) {
    ps__query query;
    ps__error err = {0};
    const char *sentence = CASES[_i].sentence;
    int status = ps__query_parse(&query, sentence, strlen(sentence), NULL, &err);
    if (!CASES[_i].text) {
        ck_assert_int_eq(status, PS__INVALID);
        ck_assert_str_eq(err.text, "the query is empty");
    } else {
        ck_assert_int_eq(status, PS__OK);
        ck_assert_str_eq(query.text, CASES[_i].text);
        ck_assert(query.clause_count == 1 && query.clauses[0].filter_count == 0 && query.note_count == 0);
        ck_assert_uint_eq(query.clauses[0].content_count, 1);
        ck_assert_str_eq(query.clauses[0].contents[0].text, CASES[_i].text);
    }
    ps__query_clear(&query);
    ps__query_clear(&query);
}
END_TEST

START_TEST(literal_sentences_have_no_filters) {
    query_world world;
    ps__query query;
    const char *sentence = "photos of Paris in 2021 -night \"exact\" beach:2";
    query_world_open(&world);
    world.context.flags = PS__QUERY_LITERAL;
    ck_assert_int_eq(ps__query_parse(&query, sentence, strlen(sentence), &world.context, NULL), PS__OK);
    ck_assert_str_eq(query.text, sentence);
    ck_assert(query.clause_count == 1 && query.clauses[0].filter_count == 0 && query.clauses[0].content_count == 1);
    ck_assert_int_eq(world.questions, 0);
    ps__query_clear(&query);
    query_world_close(&world);
}
END_TEST

/* ---- What people are told ---- */

static const struct {
    const char *sentence, *words, *meaning;
} MEANINGS[] = {
    {"skiing last winter", "last winter", "between 1 December 2025 and 28 February 2026"},
    {"car in 2021", "in 2021", "in 2021"},
    {"2019 or 2020", "2019 or 2020", "from 2019 to 2020"},
    {"from July 2019", "from July 2019", "in July 2019"},
    {"yesterday, dog", "yesterday", "on 23 November 2026"},
    {"yesterday evening", "yesterday evening", "on 23 November 2026 from 17:00 to 22:00"},
    {"dog last night", "last night", "from 23 November 2026, 21:00 to 24 November 2026, 5:00"},
    {"since 2020", "since 2020", "since 1 January 2020"},
    {"before 2010", "before 2010", "before 1 January 2010"},
    {"snow 2017 or 2020", "2017 or 2020", "in 2017 or in 2020"},
    {"grandma, June", "June", "in June of any year"},
    {"in summer", "in summer", "from June to August of any year"},
    {"at christmas", "at christmas", "at christmas of any year"},
    {"at Easter", "at Easter", "at easter of any year"},
    {"picnic 21 July", "21 July", "on 21 July of any year"},
    {"on weekends", "on weekends", "on Saturdays and Sundays"},
    {"saturday evenings", "saturday evenings", "on Saturdays in the evening (17:00 to 22:00)"},
    {"car but not at night", "at night", "not at night (21:00 to 5:00)"},
    {"dog in Lisbon", "in Lisbon", "in Lisbon, Portugal"},
    {"near Lisbon within 20 km", "near Lisbon within 20 km", "within 20 km of Lisbon, Portugal"},
    {"not in Austria", "in Austria", "not in Austria"},
    {"dog, without flash", "without flash", "without flash"},
    {"taken with the Nikon", "taken with the Nikon", "taken with a camera called \"nikon\""},
    {"portrait photos of Bob", "portrait photos", "higher than wide"},
    {"at least 12 mp", "at least 12 mp", "of at least 12 megapixels"},
    {"smaller than 500 kb", "smaller than 500 kb", "of at most 500 kB"},
    {"4 stars", "4 stars", "rated 4 stars or more"},
    {"\"no entry\"", "\"no entry\"", "with the words \"no entry\""},
};

START_TEST(filters_say_what_they_mean) {
    query_world world;
    ps__query query;
    ps__error err = {0};
    query_world_open(&world);
    ck_assert_int_eq(ps__query_parse(&query, MEANINGS[_i].sentence, strlen(MEANINGS[_i].sentence), &world.context, &err), PS__OK);
    ck_assert_uint_eq(query.clauses[0].filter_count, 1);
    ck_assert_str_eq(query.clauses[0].filters[0].words, MEANINGS[_i].words);
    ck_assert_str_eq(query.clauses[0].filters[0].meaning, MEANINGS[_i].meaning);
    check_query(&query, &world.context);
    ps__query_clear(&query);
    query_world_close(&world);
}
END_TEST

static void parse(ps__query *out, query_world *world, const char *sentence) {
    ps__error err = {0};
    ck_assert_msg(ps__query_parse(out, sentence, strlen(sentence), &world->context, &err) == PS__OK, "%s: %s", sentence,
                  err.text);
    check_query(out, &world->context);
}

START_TEST(what_the_gallery_lacks_is_content_and_told) {
    query_world world;
    ps__query query;
    query_world_open(&world);
    world.photos = 0;
    parse(&query, &world, "dog in Paris");
    ck_assert_str_eq(query.text, "dog in Paris");
    ck_assert_uint_eq(query.note_count, 1);
    ck_assert_str_eq(query.notes[0], "no photo is known to be in \"Paris\": taken as content");
    ps__query_clear(&query);
    world.hours = 0;
    parse(&query, &world, "street at night");
    ck_assert_str_eq(query.text, "street at night");
    ck_assert_uint_eq(query.clauses[0].filter_count, 0);
    ck_assert_uint_eq(query.note_count, 0); /* nothing is lost, so nothing is told */
    ps__query_clear(&query);
    world.attributes = 0;
    parse(&query, &world, "a man takes a selfie");
    ck_assert_str_eq(query.text, "a man takes a selfie");
    ck_assert_str_eq(query.notes[0], "no photo is known to fit \"selfie\": taken as content");
    ps__query_clear(&query);
    world.times = 0;
    parse(&query, &world, "costumes at Halloween");
    ck_assert_str_eq(query.text, "costumes at Halloween");
    ck_assert_str_eq(query.notes[0], "no photo is known to be of the time \"Halloween\": taken as content");
    ps__query_clear(&query);
    parse(&query, &world, "costumes at Halloween 2019"); /* a time that does not recur is asked for in earnest */
    ck_assert_str_eq(query.text, "costumes");
    ck_assert_uint_eq(query.note_count, 0);
    ps__query_clear(&query);
    world.words = 0;
    parse(&query, &world, "sign \"no entry\"");
    ck_assert_str_eq(query.text, "sign \"no entry\"");
    ck_assert_str_eq(query.notes[0], "no photo is known with the words \"no entry\": taken as content");
    ps__query_clear(&query);
    query_world_close(&world);
}
END_TEST

START_TEST(a_sentence_of_filters_has_no_text) {
    query_world world;
    ps__query query;
    query_world_open(&world);
    parse(&query, &world, "photos from July 2019");
    ck_assert_str_eq(query.text, "");
    ck_assert_uint_eq(query.clauses[0].content_count, 0);
    ps__query_clear(&query);
    query_world_close(&world);
}
END_TEST

START_TEST(a_query_without_gallery_or_gazetteer_is_read) {
    ps__query_context context = {.now_s = QUERY_NOW};
    ps__query query;
    ck_assert_int_eq(ps__query_parse(&query, "dog in Paris in 2021 with nikon", 31, &context, NULL), PS__OK);
    ck_assert_str_eq(query.text, "dog in Paris with nikon");
    ck_assert_uint_eq(query.clauses[0].filter_count, 1);
    ps__query_clear(&query);
}
END_TEST

START_TEST(seasons_are_those_of_the_setting) {
    query_world world;
    ps__query query;
    ps__buf dump = PS__BUF_INIT;
    query_world_open(&world);
    world.context.southern = 1;
    parse(&query, &world, "beach, last summer");
    ps__query_dump(&dump, &query);
    ck_assert_str_eq(dump.bytes, "text: beach; when: 2025-12-01..2026-03-01");
    ps__query_clear(&query);
    ps__buf_clear(&dump);
    parse(&query, &world, "beach in Italy last summer");
    ps__query_dump(&dump, &query);
    ck_assert_str_eq(dump.bytes, "text: beach; where: in Italy; when: 2026-06-01..2026-09-01");
    ps__query_clear(&query);
    ps__buf_free(&dump);
    query_world_close(&world);
}
END_TEST

static const struct {
    const char *sentence, *given, *lang;
} LANGUAGES[] = {
    {"a dog on the beach", NULL, "en"},
    {"ein Hund am Strand", NULL, "de"},
    {"un perro en la playa", NULL, "es"},
    {"\xE6\xB5\xB7\xE6\xBB\xA9", NULL, "zh"},
    {"Xyzzy", NULL, ""},
    {"ein Hund am Strand", "fr", "de"},
};

START_TEST(the_words_tell_the_language) {
    query_world world;
    ps__query query;
    query_world_open(&world);
    world.context.lang = LANGUAGES[_i].given;
    parse(&query, &world, LANGUAGES[_i].sentence);
    ck_assert_str_eq(query.lang, LANGUAGES[_i].lang);
    ps__query_clear(&query);
    query_world_close(&world);
}
END_TEST

/* Paris in Texas has photos, Paris in France none. */
static int64_t only_in_texas(const ps__where *where, void *payload) {
    (void)payload;
    return where->place.kind == PS__PLACE_CITY && strcmp(where->place.country, "US") == 0 ? 5 : 0;
}

START_TEST(the_place_with_photos_is_meant) {
    query_world world;
    ps__query query;
    query_world_open(&world);
    world.context.gallery.photos_at = only_in_texas;
    parse(&query, &world, "dog in Paris");
    ck_assert_uint_eq(query.clauses[0].filter_count, 1);
    ck_assert_str_eq(query.clauses[0].filters[0].where.place.country, "US");
    ps__query_clear(&query);
    query_world_close(&world);
}
END_TEST

/* ---- Any bytes ---- */

START_TEST(any_bytes_give_a_sound_query_or_are_refused) {
    static const char *const PIECES[] = {
        "not ",     "in ",  "Paris ", "2019 ",  "or ",          "\"",           "-",    ":2 ",     "last ",
        "winter ",  "1 ",   "at ",    "night ", "\xE5\xB7\xB4", "\xE5\x9C\xA8", "the ", "photos ", "of ",
        "between ", "and ", ",",      "'",      "\xFF",         "days ",        "ago ", "with "};
    query_world world;
    ps__query query;
    char bytes[256];
    query_world_open(&world);
    srand(7);
    for (int n = 0; n < 6000; n++) {
        size_t length = 0;
        if (n & 1) {
            length = (size_t)(rand() % 64);
            for (size_t i = 0; i < length; i++) bytes[i] = (char)rand();
        } else {
            for (int k = rand() % 20; k >= 0; k--) {
                const char *piece = PIECES[(size_t)rand() % (sizeof PIECES / sizeof *PIECES)];
                memcpy(bytes + length, piece, strlen(piece));
                length += strlen(piece);
            }
        }
        world.context.lang = n % 3 ? NULL : n % 2 ? "zh" : "de";
        world.photos = n % 5 != 0;
        if (ps__query_parse(&query, bytes, length, n % 7 ? &world.context : NULL, NULL) != PS__OK) continue;
        check_query(&query, n % 7 ? &world.context : NULL);
        ps__query_clear(&query);
    }
    query_world_close(&world);
}
END_TEST

/* ---- Work ---- */

static const char *const LONG[] = {"not ",  "in ",       "\" ",       "1 1 1 1 ",        "\xE5\xB7\xB4\xE9\xBB\x8E",
                                   "last ", "before ",   "or cats ",  "in Paris and ",   "between 1 and ",
                                   "-",     "\"a\" -\"", "new york ", "from 2019 to ",   "the the ",
                                   "a:2 ",  "santa ",    "2019 - ",   "taken with the ", "in the folder "};

static char *repeat(const char *piece, size_t size) {
    char *bytes = malloc(size);
    ck_assert_ptr_nonnull(bytes);
    for (size_t i = 0; i < size; i++) bytes[i] = piece[i % strlen(piece)];
    return bytes;
}

static size_t steps_of(query_world *world, const char *piece, size_t size) {
    ps__query query;
    char *bytes = repeat(piece, size);
    world->questions = 0;
    ck_assert_int_eq(ps__query_parse(&query, bytes, size, &world->context, NULL), PS__OK);
    size_t steps = query.steps;
    ps__query_clear(&query);
    free(bytes);
    return steps;
}

/* What lies behind the last token is not parsed, so a megabyte costs little more than what is; what is parsed costs in
** proportion. */
START_TEST(work_grows_no_faster_than_the_sentence) {
    query_world world;
    query_world_open(&world);
    size_t small = steps_of(&world, LONG[_i], 400), large = steps_of(&world, LONG[_i], 4000);
    ck_assert_msg(large <= 13 * small + 4000, "%s: %zu steps for 400 bytes, %zu for 4000", LONG[_i], small, large);
    size_t tenth = steps_of(&world, LONG[_i], 100000), whole = steps_of(&world, LONG[_i], 1000000);
    ck_assert_msg(whole <= 11 * tenth, "%s: %zu steps for 100 kB, %zu for 1 MB", LONG[_i], tenth, whole);
    ck_assert_int_le(world.questions, 100);
    query_world_close(&world);
}
END_TEST

START_TEST(what_lies_behind_the_last_token_is_content) {
    query_world world;
    ps__query query;
    char *bytes = repeat("dog ", 40000);
    query_world_open(&world);
    ck_assert_int_eq(ps__query_parse(&query, bytes, 40000, &world.context, NULL), PS__OK);
    ck_assert_uint_eq(strlen(query.text), 39999);
    ps__query_clear(&query);
    free(bytes);
    query_world_close(&world);
}
END_TEST

START_TEST(a_megabyte_is_taken) {
    ps__query query;
    size_t size = 1 << 20;
    char *bytes = repeat("a", size);
    ck_assert_int_eq(ps__query_parse(&query, bytes, size, NULL, NULL), PS__OK);
    ck_assert_uint_eq(strlen(query.text), size);
    ps__query_clear(&query);
    free(bytes);
}
END_TEST

/* ---- Memory ---- */

static const char *const HUNGRY[] = {
    "red car at the beach:2 in 2021 but not at night \"exact\" -dog",
    "cats in Paris or dogs in London, near Lisbon within 20 km, newest first",
    "Fotos von \xC3\x96sterreich letzten Winter oder 2019",
    "\xE5\x9C\xA8\xE5\xB7\xB4\xE9\xBB\x8E\xE6\x8B\x8D\xE7\x9A\x84\xE7\x85\xA7\xE7\x89\x87",
    "Italian coast at Easter taken with the Nikon in the folder summer, in summer or June",
};

START_TEST(every_allocation_may_fail) {
    query_world world;
    ps__query query;
    long n;
    query_world_open(&world);
    world.photos = _i != 1;
    for (n = 0;; n++) {
        ps__error err = {0};
        ps__alloc_fail_after(n, 0);
        int status = ps__query_parse(&query, HUNGRY[_i], strlen(HUNGRY[_i]), &world.context, &err);
        int failed = ps__alloc_fail_left() < 0;
        ps__alloc_fail_after(-1, 0);
        if (status == PS__OK) {
            check_query(&query, &world.context);
            ps__query_clear(&query);
            if (!failed) break;
        } else {
            ck_assert_int_eq(status, PS__NOMEM);
            ck_assert(query.clauses == NULL && query.text == NULL);
        }
    }
    ck_assert_int_ge(n, 10);
    query_world_close(&world);
}
END_TEST

/* ---- The tables ---- */

START_TEST(holidays_of_the_tables_are_known) {
    const ps__tables *t = &ps__word_tables;
    int holidays = 0;
    for (uint32_t i = 0; i < t->of_symbol[PS__SYM_COUNT]; i++) {
        if (t->patterns[i].symbol != PS__SYM_HOLIDAY) continue;
        holidays++;
        const char *name = t->texts + t->patterns[i].value;
        ck_assert_msg(ps__holiday_find(name) >= 0, "%s: there is no holiday '%s'", t->languages[t->patterns[i].lang], name);
    }
    ck_assert_int_ge(holidays, 100);
}
END_TEST

START_TEST(languages_are_those_of_the_design) {
    static const char *const WANTED[] = {"en", "zh", "de", "pt", "id", "es", "fr"};
    for (size_t i = 0; i < sizeof WANTED / sizeof *WANTED; i++) {
        int found = 0;
        for (int l = 0; ps__word_tables.languages[l]; l++) found |= strcmp(ps__word_tables.languages[l], WANTED[i]) == 0;
        ck_assert_msg(found, "there is no table of %s", WANTED[i]);
    }
}
END_TEST

Suite *suite_query(void) {
    Suite *suite = suite_create("query");
    TCase *sentences = tcase_create("sentences");
    tcase_add_loop_test(sentences, sentences_are_tidied, 0, sizeof CASES / sizeof *CASES);
    tcase_add_test(sentences, literal_sentences_have_no_filters);
    tcase_add_loop_test(sentences, filters_say_what_they_mean, 0, sizeof MEANINGS / sizeof *MEANINGS);
    tcase_add_test(sentences, what_the_gallery_lacks_is_content_and_told);
    tcase_add_test(sentences, a_sentence_of_filters_has_no_text);
    tcase_add_test(sentences, a_query_without_gallery_or_gazetteer_is_read);
    tcase_add_test(sentences, seasons_are_those_of_the_setting);
    tcase_add_test(sentences, the_place_with_photos_is_meant);
    tcase_add_loop_test(sentences, the_words_tell_the_language, 0, sizeof LANGUAGES / sizeof *LANGUAGES);
    suite_add_tcase(suite, sentences);
    TCase *limits = tcase_create("limits");
    tcase_add_test(limits, any_bytes_give_a_sound_query_or_are_refused);
    tcase_add_loop_test(limits, work_grows_no_faster_than_the_sentence, 0, sizeof LONG / sizeof *LONG);
    tcase_add_test(limits, what_lies_behind_the_last_token_is_content);
    tcase_add_test(limits, a_megabyte_is_taken);
    tcase_add_loop_test(limits, every_allocation_may_fail, 0, sizeof HUNGRY / sizeof *HUNGRY);
    suite_add_tcase(suite, limits);
    TCase *tables = tcase_create("tables");
    tcase_add_test(tables, holidays_of_the_tables_are_known);
    tcase_add_test(tables, languages_are_those_of_the_design);
    suite_add_tcase(suite, tables);
    return suite;
}
