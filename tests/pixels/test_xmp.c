/*
** XMP packets written here, in the shapes that programs write, and in those that attackers would.
*/
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/utf8.h"
#include "encoder/pixels/exif.h"
#include "encoder/pixels/xmp.h"

static ps__camera_notes notes;
static ps__camera_texts texts;

#define HEAD                                                                                                                     \
    "<?xpacket begin=\"\xEF\xBB\xBF\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?><x:xmpmeta xmlns:x=\"adobe:ns:meta/\">"                   \
    "<rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\"><rdf:Description rdf:about=\"\""                         \
    " xmlns:dc=\"http://purl.org/dc/elements/1.1/\" xmlns:xmp=\"http://ns.adobe.com/xap/1.0/\""                                  \
    " xmlns:photoshop=\"http://ns.adobe.com/photoshop/1.0/\" xmlns:lr=\"http://ns.adobe.com/lightroom/1.0/\""                    \
    " xmlns:MicrosoftPhoto=\"http://ns.microsoft.com/photo/1.0/\" xmlns:exif=\"http://ns.adobe.com/exif/1.0/\""                  \
    " xmlns:GPano=\"http://ns.google.com/photos/1.0/panorama/\" xmlns:digiKam=\"http://www.digikam.org/ns/1.0/\""
#define TAIL "</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end=\"w\"?>"

static void read_bytes(const char *bytes, size_t size) {
    ps__exif_none(&notes);
    memset(&texts, 0, sizeof texts);
    ck_assert_int_eq(ps__xmp_read(&notes, &texts, (const uint8_t *)bytes, size, NULL), PS__OK);
}

/* Elements within rdf:Description. */
static void read_elements(const char *elements) {
    ps__buf packet = PS__BUF_INIT;
    ps__buf_printf(&packet, HEAD ">%s" TAIL, elements);
    read_bytes(packet.bytes, packet.length);
    ps__buf_free(&packet);
}

static void read_attributes(const char *attributes) {
    ps__buf packet = PS__BUF_INIT;
    ps__buf_printf(&packet, HEAD " %s>" TAIL, attributes);
    read_bytes(packet.bytes, packet.length);
    ps__buf_free(&packet);
}

START_TEST(words_are_read_in_the_language_that_the_file_prefers) {
    read_elements(
        "<dc:title><rdf:Alt><rdf:li xml:lang='de'>Strand</rdf:li><rdf:li xml:lang='x-default'>Beach</rdf:li></rdf:Alt></dc:title>"
        "<dc:description><rdf:Alt><rdf:li xml:lang='fr'>  Un jour\n\t&amp; une nuit </rdf:li><rdf:li xml:lang='es'>Uno</rdf:li>"
        "</rdf:Alt></dc:description>"
        "<photoshop:Headline>Not this</photoshop:Headline>");
    ck_assert_str_eq(texts.title, "Beach");
    ck_assert_str_eq(texts.caption, "Un jour & une nuit");
    ck_assert_str_eq(texts.keywords, "");
}
END_TEST

START_TEST(a_headline_stands_in_for_a_title) {
    read_attributes("photoshop:Headline=\"Harbour at dawn\"");
    ck_assert_str_eq(texts.title, "Harbour at dawn");
    read_elements("<photoshop:Headline>Harbour</photoshop:Headline><dc:title>Plain</dc:title>");
    ck_assert_str_eq(texts.title, "Plain");
}
END_TEST

START_TEST(keywords_come_from_lists_and_trees_each_once) {
    read_elements("<dc:subject><rdf:Bag><rdf:li>ski</rdf:li><rdf:li>Lech</rdf:li><rdf:li>ski</rdf:li><rdf:li> "
                  "</rdf:li></rdf:Bag></dc:subject>"
                  "<lr:hierarchicalSubject><rdf:Bag><rdf:li>Places|Austria|Lech</rdf:li></rdf:Bag></lr:hierarchicalSubject>"
                  "<digiKam:TagsList><rdf:Seq><rdf:li>Places/Austria</rdf:li><rdf:li>Ski</rdf:li></rdf:Seq></digiKam:TagsList>");
    ck_assert_str_eq(texts.keywords, "ski, Lech, Places, Austria, Ski");
}
END_TEST

START_TEST(ratings_are_stars) {
    static const struct {
        const char *attributes;
        int rating;
    } table[] = {
        {"xmp:Rating='4'", 4},
        {"xmp:Rating='5.0'", 5},
        {"xmp:Rating='0'", 0},
        {"xmp:Rating='-1'", 0},
        {"xmp:Rating='6'", 0},
        {"xmp:Rating='999999999999999999999'", 0},
        {"xmp:Rating=''", 0},
        {"MicrosoftPhoto:Rating='1'", 1},
        {"MicrosoftPhoto:Rating='25'", 2},
        {"MicrosoftPhoto:Rating='50'", 3},
        {"MicrosoftPhoto:Rating='75'", 4},
        {"MicrosoftPhoto:Rating='99'", 5},
        {"MicrosoftPhoto:Rating='101'", 0},
        {"MicrosoftPhoto:Rating='99' xmp:Rating='2'", 2},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        read_attributes(table[i].attributes);
        ck_assert_msg(notes.rating == table[i].rating, "%s: %d", table[i].attributes, notes.rating);
    }
    read_elements("<xmp:Rating>3</xmp:Rating>");
    ck_assert_int_eq(notes.rating, 3);
}
END_TEST

START_TEST(kinds_are_told_by_comments_programs_and_panoramas) {
    static const struct {
        const char *elements;
        int kinds;
    } table[] = {
        {"<exif:UserComment><rdf:Alt><rdf:li xml:lang='x-default'>Screenshot</rdf:li></rdf:Alt></exif:UserComment>",
         PS__PICTURE_SCREENSHOT},
        {"<exif:UserComment>My first screenshot in print</exif:UserComment>", 0},
        {"<xmp:CreatorTool>gnome-screenshot</xmp:CreatorTool>", PS__PICTURE_SCREENSHOT},
        {"<xmp:CreatorTool>Adobe Photoshop 24.0</xmp:CreatorTool>", 0},
        {"<GPano:ProjectionType>equirectangular</GPano:ProjectionType>", PS__PICTURE_PANORAMA},
        {"<GPano:UsePanoramaViewer>True</GPano:UsePanoramaViewer>", PS__PICTURE_PANORAMA},
        {"<GPano:UsePanoramaViewer>False</GPano:UsePanoramaViewer><GPano:ProjectionType>cylindrical</GPano:ProjectionType>", 0},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        read_elements(table[i].elements);
        ck_assert_msg(notes.kinds == table[i].kinds, "%s: %d", table[i].elements, notes.kinds);
    }
}
END_TEST

START_TEST(what_was_read_before_is_kept_or_added_to) {
    ps__buf packet = PS__BUF_INIT;
    ps__buf_puts(&packet, HEAD "><dc:title>New</dc:title><dc:subject><rdf:Bag><rdf:li>b</rdf:li></rdf:Bag></dc:subject>" TAIL);
    ps__exif_none(&notes);
    memset(&texts, 0, sizeof texts);
    strcpy(texts.title, "Old");
    strcpy(texts.keywords, "a");
    ck_assert_int_eq(ps__xmp_read(&notes, &texts, (const uint8_t *)packet.bytes, packet.length, NULL), PS__OK);
    ck_assert_str_eq(texts.title, "Old");
    ck_assert_str_eq(texts.keywords, "a, b");
    ck_assert_int_eq(ps__xmp_read(&notes, NULL, (const uint8_t *)packet.bytes, packet.length, NULL), PS__OK);
    ps__buf_free(&packet);
}
END_TEST

/* Properties of things within the photo, or outside of RDF, say nothing of the photo. */
START_TEST(structures_and_strangers_are_passed_over) {
    read_elements(
        "<dc:relation><rdf:Description><dc:title>Another</dc:title></rdf:Description></dc:relation>"
        "<dc:title><rdf:Alt><rdf:li><rdf:Description><rdf:value>Deep</rdf:value></rdf:Description></rdf:li></rdf:Alt></dc:title>"
        "<title>None</title><dc:subject><rdf:Bag><dc:li>no</dc:li></rdf:Bag></dc:subject>");
    ck_assert_str_eq(texts.title, "");
    ck_assert_str_eq(texts.keywords, "");
    static const char outside[] = "<dc:title xmlns:dc=\"http://purl.org/dc/elements/1.1/\">x</dc:title>";
    read_bytes(outside, sizeof outside - 1);
    ck_assert_str_eq(texts.title, "");
}
END_TEST

START_TEST(entities_of_the_files_own_are_refused) {
    static const char bomb[] =
        "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\">]>"
        "<rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\"><rdf:Description"
        " xmlns:dc=\"http://purl.org/dc/elements/1.1/\"><dc:title>&b;&b;&b;</dc:title></rdf:Description></rdf:RDF>";
    static const char outer[] =
        "<!DOCTYPE x SYSTEM \"file:///etc/hostname\"><rdf:RDF"
        " xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\"><rdf:Description"
        " xmlns:dc=\"http://purl.org/dc/elements/1.1/\"><dc:title>plain</dc:title></rdf:Description></rdf:RDF>";
    read_bytes(bomb, sizeof bomb - 1);
    ck_assert_str_eq(texts.title, "");
    read_bytes(outer, sizeof outer - 1);
    ck_assert_str_eq(texts.title, "");
}
END_TEST

START_TEST(depth_and_length_have_their_ends) {
    ps__buf packet = PS__BUF_INIT;
    ps__buf_puts(&packet, HEAD "><dc:title>Before</dc:title>");
    for (int i = 0; i < 20000; i++) ps__buf_puts(&packet, "<a>");
    ps__buf_puts(&packet, "<dc:title>After</dc:title>");
    read_bytes(packet.bytes, packet.length);
    ck_assert_str_eq(texts.title, "Before");
    ps__buf_clear(&packet);
    ps__buf_puts(&packet, HEAD "><dc:description>");
    for (int i = 0; i < 100000; i++) ps__buf_puts(&packet, "\xE6\xB5\xB7");
    ps__buf_puts(&packet, "</dc:description><xmp:Rating>3</xmp:Rating>" TAIL);
    read_bytes(packet.bytes, packet.length);
    ck_assert_uint_eq(strlen(texts.caption), 1998);
    ck_assert(ps__utf8_valid(texts.caption, 1998));
    ck_assert_int_eq(notes.rating, 3);
    ps__buf_clear(&packet);
    ps__buf_puts(&packet, HEAD "><dc:subject><rdf:Bag>");
    for (int i = 0; i < 20000; i++) ps__buf_printf(&packet, "<rdf:li>word%d</rdf:li>", i);
    ps__buf_puts(&packet, "</rdf:Bag></dc:subject>" TAIL);
    read_bytes(packet.bytes, packet.length);
    ck_assert_uint_gt(strlen(texts.keywords), 980);
    ck_assert_uint_lt(strlen(texts.keywords), sizeof texts.keywords);
    ps__buf_free(&packet);
}
END_TEST

static const char whole[] =
    HEAD " xmp:Rating=\"4\"><dc:title><rdf:Alt><rdf:li xml:lang=\"x-default\">B\xC3\xA4r</rdf:li></rdf:Alt></dc:title>"
         "<dc:subject><rdf:Bag><rdf:li>a</rdf:li><rdf:li>b</rdf:li></rdf:Bag></dc:subject>" TAIL;

static void check_clean(const char *text, size_t room) {
    size_t length = strnlen(text, room);
    ck_assert_uint_lt(length, room);
    ck_assert(ps__utf8_valid(text, length));
    for (size_t i = 0; i < length; i++) ck_assert_uint_ge((unsigned char)text[i], 0x20);
}

START_TEST(damage_leaves_what_came_before_it) {
    for (size_t length = 0; length < sizeof whole; length++) {
        char *part = ps__malloc(length + !length); /* its own block, so that reading beyond is noticed */
        memcpy(part, whole, length);
        read_bytes(part, length);
        ck_assert_int_eq(notes.rating, strstr(whole, "<dc:title>") - whole <= (long)length ? 4 : 0);
        check_clean(texts.title, sizeof texts.title);
        ps__free(part);
    }
    uint32_t state = 11;
    for (int round = 0; round < 5000; round++) {
        char copy[sizeof whole];
        memcpy(copy, whole, sizeof whole);
        for (int i = 0; i < 3; i++) {
            state = state * 1664525u + 1013904223u;
            copy[(state >> 8) % (sizeof whole - 1)] = (char)(state >> 24);
        }
        read_bytes(copy, sizeof whole - 1);
        check_clean(texts.title, sizeof texts.title);
        check_clean(texts.keywords, sizeof texts.keywords);
        ck_assert(notes.rating >= 0 && notes.rating <= 5);
    }
}
END_TEST

START_TEST(each_missing_block_of_memory_is_reported) {
    int failures = 0, status = PS__NOMEM;
    for (long n = 0; status; n++) {
        ps__error err = {0};
        ck_assert_int_lt(n, 1000);
        ps__exif_none(&notes);
        memset(&texts, 0, sizeof texts);
        ps__alloc_fail_after(n, (int)(n % 2));
        status = ps__xmp_read(&notes, &texts, (const uint8_t *)whole, sizeof whole - 1, &err);
        ps__alloc_fail_after(-1, 0);
        ck_assert(status == PS__OK || status == PS__NOMEM);
        failures += status != PS__OK;
    }
    ck_assert_str_eq(texts.title, "B\xC3\xA4r");
    ck_assert_int_gt(failures, 3);
}
END_TEST

Suite *suite_xmp(void);
Suite *suite_xmp(void) {
    Suite *suite = suite_create("xmp");
    TCase *tests = tcase_create("xmp");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, words_are_read_in_the_language_that_the_file_prefers);
    tcase_add_test(tests, a_headline_stands_in_for_a_title);
    tcase_add_test(tests, keywords_come_from_lists_and_trees_each_once);
    tcase_add_test(tests, ratings_are_stars);
    tcase_add_test(tests, kinds_are_told_by_comments_programs_and_panoramas);
    tcase_add_test(tests, what_was_read_before_is_kept_or_added_to);
    tcase_add_test(tests, structures_and_strangers_are_passed_over);
    tcase_add_test(tests, entities_of_the_files_own_are_refused);
    tcase_add_test(tests, depth_and_length_have_their_ends);
    tcase_add_test(tests, damage_leaves_what_came_before_it);
    tcase_add_test(tests, each_missing_block_of_memory_is_reported);
    suite_add_tcase(suite, tests);
    return suite;
}
