/*
** Text in photos: what is taken for writing, which words are kept, the reader's process and its misfortunes, what is stored, and a run
** over a library. The tests' reader (tests/sandbox/reader_tricks.c) needs no libtesseract; what needs the real one is passed over, with
** a note, in a build without it.
*/
#include <check.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/os.h"
#include "encoder/reading/detector.h"
#include "encoder/reading/keep.h"
#include "encoder/reading/reader.h"
#include "encoder/sandbox/cage.h"
#include "indexer/reading.h"
#include "indexer/watch.h"
#include "store/files.h"
#include "store/readings.h"
#include "tests/indexer/gallery.h"

enum { WIDTH = 400, HEIGHT = 160 };

/* ---- Which words are kept ------------------------------------------------------------------------------------------------- */

/* One word as a reader gives it. */
static void say(ps__buf *records, int confidence, const char *word) { ps__buf_printf(records, "%c%s\n", ' ' + confidence, word); }

static void expect_kept(const ps__buf *records, const char *text) {
    ps__buf kept = PS__BUF_INIT;
    ps__words_keep(&kept, records->bytes, records->length, PS__READING_MOST);
    ck_assert_str_eq(kept.bytes, text);
    ps__buf_free(&kept);
}

/* Whatever the confidence, a word is kept whole or not at all: no number of it may look like the end of a record. */
START_TEST(every_confidence_leaves_words_whole) {
    for (int confidence = 0; confidence <= 100; confidence++) {
        ps__buf records = PS__BUF_INIT, kept = PS__BUF_INIT;
        say(&records, confidence, "Xylophone");
        ps__words_keep(&kept, records.bytes, records.length, PS__READING_MOST);
        ck_assert_msg(!kept.length || strcmp(kept.bytes, "Xylophone") == 0, "%d: %s", confidence, kept.bytes);
        if (confidence < 30) ck_assert_uint_eq(kept.length, 0);
        if (confidence > 95) ck_assert_uint_gt(kept.length, 0);
        ps__buf_free(&records);
        ps__buf_free(&kept);
    }
}
END_TEST

START_TEST(words_are_kept_when_they_are_sure_and_look_like_words) {
    static const struct {
        int confidence;
        const char *word, *kept;
    } table[] = {
        {96, "lemon", "lemon"},
        {60, "lemon", "lemon"},
        {59, "lemon", ""},
        {96, "\xE2\x80\x9Csale!\xE2\x80\x9D", "sale"},
        {96, "don't", "don't"},
        {96, "12.50", "12.50"},
        {79, "2021", ""},
        {80, "2021", "2021"},
        {89, "am", ""},
        {90, "am", "am"},
        {74, "the", ""},
        {96, "a", ""},
        {96, "eee", ""},
        {96, "aaaah", ""},
        {96, "000", "000"},
        {96, "--", ""},
        {96, "a-b-c-", ""},
        {96, "Stra\xC3\x9F" "e", "Stra\xC3\x9F" "e"},
        {96, "\xD0\x9C\xD0\xBE\xD1\x81\xD0\xBA\xD0\xB2\xD0\xB0", "\xD0\x9C\xD0\xBE\xD1\x81\xD0\xBA\xD0\xB2\xD0\xB0"},
        {96, "lem\x1Bon", ""},
        {96, "lem\xC2\x9Bon", ""},
        {96, "lem\xFFon", ""},
        {96, "lem\xE2\x80\xAEon", ""}, /* right-to-left override */
        {96, "lem on", ""},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        ps__buf records = PS__BUF_INIT, kept = PS__BUF_INIT;
        say(&records, table[i].confidence, table[i].word);
        ps__words_keep(&kept, records.bytes, records.length, PS__READING_MOST);
        ck_assert_msg(!strcmp(kept.bytes, table[i].kept), "%d %s: \"%s\"", table[i].confidence, table[i].word, kept.bytes);
        ps__buf_free(&records);
        ps__buf_free(&kept);
    }
}
END_TEST

START_TEST(han_is_kept_together_and_not_for_single_strokes) {
    ps__buf records = PS__BUF_INIT;
    say(&records, 92, "\xE5\x8C\x97"); /* Beijing */
    say(&records, 92, "\xE4\xBA\xAC");
    say(&records, 92, "open");
    say(&records, 92, "\xE5\x87\xBA\xE5\x8F\xA3"); /* way out */
    expect_kept(&records, "\xE5\x8C\x97\xE4\xBA\xAC open \xE5\x87\xBA\xE5\x8F\xA3");
    ps__buf_clear(&records);
    for (int i = 0; i < 5; i++) say(&records, 96, "\xE4\xB8\x80"); /* a stroke */
    say(&records, 92, "\xE5\x87\xBA");
    say(&records, 92, "open");
    expect_kept(&records, "open");
    ps__buf_free(&records);
}
END_TEST

START_TEST(any_bytes_will_do_and_no_word_is_cut) {
    static const char *const rubbish[] = {"", "\n", "\n\n\n", "\x60", "\x60lemon", "\x01\n\x02\n", "\x80\x80\x80\n"};
    static char bytes[20000];
    ps__buf kept = PS__BUF_INIT, records = PS__BUF_INIT;
    for (size_t i = 0; i < sizeof rubbish / sizeof *rubbish; i++) {
        ps__buf_clear(&kept);
        ps__words_keep(&kept, rubbish[i], strlen(rubbish[i]), 100);
        ck_assert_str_eq(kept.bytes, strcmp(rubbish[i], "\x60lemon") ? "" : "lemon");
    }
    unsigned seed = 7;
    for (int round = 0; round < 50; round++) {
        for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (char)((seed = seed * 1664525u + 1013904223u) >> 24);
        ps__buf_clear(&kept);
        ps__words_keep(&kept, bytes, sizeof bytes, 1000);
        ck_assert_uint_le(kept.length, 1000);
    }
    for (int i = 0; i < 2000; i++) say(&records, 96, "lemon");
    ps__buf_clear(&kept);
    ps__words_keep(&kept, records.bytes, records.length, PS__READING_MOST);
    ck_assert_uint_le(kept.length, PS__READING_MOST);
    ck_assert_uint_gt(kept.length, PS__READING_MOST - 6);
    ck_assert_uint_eq(kept.length % 6, 5);
    ps__buf_free(&records);
    ps__buf_free(&kept);
}
END_TEST

/* ---- What is taken for writing -------------------------------------------------------------------------------------------- */

static uint8_t picture[600 * 800];

static void fill(int width, int height, int shade) { memset(picture, shade, (size_t)width * (size_t)height); }

/* Something like a line of letters: strokes of a sixth of their height, with gaps between words. */
static void write_line(int width, int x, int y, int length, int tall) {
    int stroke = tall / 6 > 1 ? tall / 6 : 1;
    for (int i = 0; i < length; i++) {
        int in_word = i % (tall * 6) < tall * 5, dark = i / stroke % 3 == 0;
        for (int row = 0; row < tall && in_word && dark; row++) picture[(y + row) * width + x + i] = 20;
    }
}

static int find(ps__text_area *areas, int width, int height) {
    int count;
    ck_assert_int_eq(ps__text_find(areas, &count, picture, width, height, NULL), PS__OK);
    for (int i = 0; i < count; i++) {
        ck_assert_int_ge(areas[i].x, 0);
        ck_assert_int_ge(areas[i].y, 0);
        ck_assert_int_gt(areas[i].width, 0);
        ck_assert_int_gt(areas[i].height, 0);
        ck_assert_int_le(areas[i].x + areas[i].width, width);
        ck_assert_int_le(areas[i].y + areas[i].height, height);
    }
    return count;
}

START_TEST(lines_of_all_sizes_are_found_where_they_are) {
    static const int talls[] = {8, 12, 24, 40, 80};
    for (size_t i = 0; i < sizeof talls / sizeof *talls; i++) {
        ps__text_area areas[PS__TEXT_AREAS];
        int tall = talls[i];
        fill(800, 600, 200);
        write_line(800, 200, 300, 500, tall);
        ck_assert_msg(find(areas, 800, 600) >= 1, "%d", tall);
        ck_assert_int_le(areas[0].y, 300);
        ck_assert_int_ge(areas[0].y + areas[0].height, 300 + tall);
        ck_assert_int_ge(areas[0].y, 300 - 3 * tall); /* and not all of the picture */
        ck_assert_int_le(areas[0].x, 230);
    }
}
END_TEST

START_TEST(a_page_is_read_with_its_margins) {
    ps__text_area areas[PS__TEXT_AREAS];
    fill(800, 600, 230);
    for (int y = 60; y < 540; y += 30) write_line(800, 80, y, 640, 10);
    ck_assert_int_eq(find(areas, 800, 600), 1);
    ck_assert(areas[0].x == 0 && areas[0].y == 0 && areas[0].width == 800 && areas[0].height == 600);
}
END_TEST

START_TEST(what_has_no_lines_is_not_writing) {
    ps__text_area areas[PS__TEXT_AREAS];
    unsigned seed = 1;
    fill(800, 600, 128);
    ck_assert_int_eq(find(areas, 800, 600), 0);
    for (int i = 0; i < 800 * 600; i++) picture[i] = (uint8_t)((seed = seed * 1664525u + 1013904223u) >> 24); /* gravel */
    ck_assert_int_eq(find(areas, 800, 600), 0);
    for (int i = 0; i < 800 * 600; i++) picture[i] = (uint8_t)(i % 800 / 6 % 2 ? 30 : 220); /* a fence */
    ck_assert_int_eq(find(areas, 800, 600), 0);
    for (int i = 0; i < 800 * 600; i++) picture[i] = (uint8_t)(i % 800 * 255 / 800); /* a sky */
    ck_assert_int_eq(find(areas, 800, 600), 0);
    for (int i = 0; i < 800 * 600; i++) picture[i] = (uint8_t)(i / 800 / 8 % 2 ? 30 : 220); /* steps */
    ck_assert_int_eq(find(areas, 800, 600), 0);
}
END_TEST

START_TEST(pictures_of_any_size_are_looked_at) {
    ps__text_area areas[PS__TEXT_AREAS];
    unsigned seed = 3;
    for (int i = 0; i < 600 * 800; i++) picture[i] = (uint8_t)((seed = seed * 1664525u + 1013904223u) >> 24);
    for (int width = 1; width < 130; width += 3)
        for (int height = 1; height < 130; height += 3) find(areas, width, height);
    find(areas, 600 * 800 / 48, 48);
    find(areas, 48, 600 * 800 / 48);
}
END_TEST

START_TEST(the_detector_survives_a_lack_of_memory) {
    ps__text_area areas[PS__TEXT_AREAS];
    ps__error err;
    int count, failures = 0;
    fill(800, 600, 200);
    write_line(800, 200, 300, 500, 12);
    for (long n = 0;; n++) {
        ps__alloc_fail_after(n, 0);
        int status = ps__text_find(areas, &count, picture, 800, 600, &err);
        int failed = ps__alloc_fail_left() < 0;
        ps__alloc_fail_after(-1, 0);
        ck_assert_int_eq(status, failed ? PS__NOMEM : PS__OK);
        if (!failed) break;
        ck_assert_int_eq(count, 0);
        failures++;
    }
    ck_assert_int_gt(failures, 0);
    ck_assert_int_gt(count, 0);
}
END_TEST

/* ---- The reader's process --------------------------------------------------------------------------------------------------- */

static const char *build(void) {
    const char *folder = getenv("PHOTOSEARCH_TEST_BUILD");
    return folder ? folder : "build/plain";
}

static const char *trickster(void) {
    static char path[4096];
    snprintf(path, sizeof path, "%s/tests/reader", build());
    return path;
}

static ps__reader *start(const ps__reader_options *options) {
    ps__reader_options own = options ? *options : (ps__reader_options){0};
    ps__reader *r;
    ps__error err = {0};
    if (!own.program) own.program = trickster();
    ck_assert_msg(ps__reader_new(&r, &own, &err) == PS__OK, "%s", err.text);
    return r;
}

static const ps__text_area whole = {0, 0, WIDTH, HEIGHT, 1, 1};

/* Lets the tests' reader do a trick, or read, with NULL. */
static int read_picture(ps__buf *text, ps__reader *r, const char *trick, ps__error *err) {
    uint8_t *grey = ps__reader_picture(r, WIDTH, HEIGHT);
    ck_assert_ptr_nonnull(grey);
    memset(grey, 255, WIDTH * HEIGHT);
    if (trick) snprintf((char *)grey, WIDTH, "TEST %s", trick);
    memset(err, 0, sizeof *err);
    return ps__reader_read(text, r, &whole, 1, "a/b.jpg", err);
}

static void expect_reads(ps__reader *r, const char *trick, const char *text) {
    ps__buf got = PS__BUF_INIT;
    ps__error err;
    ck_assert_msg(read_picture(&got, r, trick, &err) == PS__OK, "%s", err.text);
    ck_assert_msg(!strcmp(got.bytes, text), "%s: %s", trick ? trick : "", got.bytes);
    ps__buf_free(&got);
}

START_TEST(a_misfortune_costs_one_picture) {
    static const struct {
        const char *trick, *sentence;
        double seconds;
    } table[] = {
        {"crash", "a/b.jpg: the reader crashed (signal 11, Segmentation fault)", 30},
        {"exit", "a/b.jpg: the reader ended by itself with status 7", 30},
        {"abort", "a/b.jpg: the reader crashed (signal 6, Aborted)", 30},
        {"hang", "a/b.jpg: reading text took longer than 0.5 seconds and was stopped", 0.5},
        {"lie", "a/b.jpg: the reader gave an answer that makes no sense (its size)", 30},
    };
    ps__buf text = PS__BUF_INIT;
    ps__error err;
    ps__reader *r = start(&(ps__reader_options){.seconds = table[_i].seconds});
    ck_assert_int_eq(read_picture(&text, r, table[_i].trick, &err), PS__ERROR);
    ck_assert_str_eq(err.text, table[_i].sentence);
    ck_assert(!ps__reader_is_down(r));
    if (table[_i].seconds > 1) expect_reads(r, NULL, "hello");
    ck_assert_int_gt(ps__reader_cpu_ns(r), 0);
    ps__reader_free(r);
    ps__buf_free(&text);
}
END_TEST

START_TEST(rubbish_is_no_text) {
    ps__reader *r = start(NULL);
    expect_reads(r, "rubbish", "");
    expect_reads(r, NULL, "hello");
    ps__reader_free(r);
}
END_TEST

START_TEST(what_reading_does_not_need_is_refused) {
    static const char *const calls[] = {"open",   "create", "unlink", "stat",  "socket", "pair",     "exec",   "fork", "space",
                                        "kill",   "ptrace", "peek",   "limit", "raise",  "dumpable", "orphan", "code", "protect",
                                        "memory"};
    ps__reader *r = start(NULL);
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        char trick[64];
        snprintf(trick, sizeof trick, "call %s", calls[i]);
        expect_reads(r, trick, "EPERM");
    }
    expect_reads(r, NULL, "hello");
    ps__reader_free(r);
}
END_TEST

#if !PS__SANITIZED
START_TEST(memory_has_a_limit) {
    ps__buf text = PS__BUF_INIT;
    ps__error err;
    ps__reader *r = start(&(ps__reader_options){.max_bytes = 64 << 20});
    ck_assert_int_eq(read_picture(&text, r, "eat", &err), PS__OK);
    long megabytes = atol(text.bytes) - 100000;
    ck_assert_msg(megabytes > 0 && megabytes < 64 + 128 + 32, "%ld", megabytes); /* with what is put aside for threads and pictures */
    ps__reader_free(r);
    ps__buf_free(&text);
}
END_TEST
#endif

static int stop_soon(void *payload) { return ++*(int *)payload > 3; }

START_TEST(reading_can_be_cancelled) {
    int asked = 0;
    ps__buf text = PS__BUF_INIT;
    ps__error err;
    ps__reader *r = start(&(ps__reader_options){.stop = stop_soon, .payload = &asked});
    asked = 0;
    ck_assert_int_eq(read_picture(&text, r, "hang", &err), PS__CANCELLED);
    asked = -1000;
    expect_reads(r, NULL, "hello");
    ps__reader_free(r);
    ps__buf_free(&text);
}
END_TEST

START_TEST(a_reader_that_cannot_be_had_is_named) {
    static const struct {
        const char *program, *languages, *sentence;
        int code;
    } table[] = {
        {"/nowhere/photosearch-reader", NULL, "/nowhere/photosearch-reader: could not be started", PS__NOTFOUND},
        {"/bin/true", NULL, "/bin/true: could not be started: it ended by itself", PS__ERROR},
        {NULL, "none", "no data for reading none is installed", PS__NOTFOUND},
        {NULL, "../etc", "is no list of languages", PS__INVALID},
        {NULL, "/etc", "is no list of languages", PS__INVALID},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        ps__reader *r;
        ps__error err = {0};
        const ps__reader_options o = {.program = table[i].program ? table[i].program : trickster(), .languages = table[i].languages};
        ck_assert_int_eq(ps__reader_new(&r, &o, &err), table[i].code);
        ck_assert_ptr_null(r);
        ck_assert_msg(strstr(err.text, table[i].sentence) != NULL, "%s", err.text);
    }
}
END_TEST

START_TEST(pictures_that_are_too_large_are_refused) {
    ps__buf text = PS__BUF_INIT;
    ps__error err;
    ps__reader *r = start(NULL);
    ck_assert_ptr_null(ps__reader_picture(r, 0, 10));
    ck_assert_ptr_null(ps__reader_picture(r, 1 << 16, 1 << 16));
    ck_assert_int_eq(ps__reader_read(&text, r, &whole, 1, "a.jpg", &err), PS__INVALID);
    ck_assert_ptr_nonnull(ps__reader_picture(r, 4000, 4000));
    expect_reads(r, NULL, "hello");
    ps__reader_free(r);
    ps__buf_free(&text);
}
END_TEST

/* ---- What is stored ------------------------------------------------------------------------------------------------------- */

static void expect_ids(ps__store *store, int version, int all, size_t count, int64_t first) {
    int64_t *ids;
    size_t n;
    ck_assert_int_eq(ps__store_unread(&ids, &n, store, version, all, NULL), PS__OK);
    ck_assert_uint_eq(n, count);
    if (n) ck_assert_int_eq(ids[0], first);
    ps__free(ids);
}

static void put_seen(ps__store *store, int64_t photo, const char *text, int version) {
    ps__error err = {0};
    ck_assert_int_eq(ps__store_write(store, &err), PS__OK);
    ck_assert_msg(ps__store_put_seen(store, photo, text, version, &err) == PS__OK, "%s", err.text);
    ck_assert_int_eq(ps__store_commit(store, &err), PS__OK);
}

static void expect_seen(ps__store *store, int64_t photo, const char *text, int version) {
    ps__buf seen = PS__BUF_INIT;
    int v;
    ck_assert_int_eq(ps__store_seen(&seen, &v, store, photo, NULL), PS__OK);
    ck_assert_str_eq(seen.bytes, text);
    ck_assert_int_eq(v, version);
    ps__buf_free(&seen);
}

/* Photos whose words match, as a search would ask. */
static int matches(const char *query) {
    char command[LIBRARY_PATH + 400];
    sqlite3 *db;
    sqlite3_stmt *stmt;
    snprintf(command, sizeof command, "%.4000s/library.db", library_dir);
    ck_assert_int_eq(sqlite3_open(command, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(db, "SELECT count(*) FROM words WHERE words MATCH ?", -1, &stmt, NULL), SQLITE_OK);
    sqlite3_bind_text(stmt, 1, query, -1, SQLITE_STATIC);
    ck_assert_int_eq(sqlite3_step(stmt), SQLITE_ROW);
    int count = sqlite3_column_int(stmt, 0);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return count;
}

START_TEST(text_is_stored_once_a_version_and_found_by_its_words) {
    ps__store *store = library_open(PS__STORE_CREATE);
    int64_t a = library_add(store, "/p/a.jpg", "a"), b = library_add(store, "/p/b.jpg", "b");
    expect_ids(store, 1, 0, 2, a);
    put_seen(store, a, "Caf\xC3\xA9 \xE5\x8C\x97\xE4\xBA\xAC", 1);
    put_seen(store, b, NULL, 1);
    expect_ids(store, 1, 0, 0, 0);
    expect_ids(store, 2, 0, 2, a);
    expect_ids(store, 1, 1, 2, a);
    expect_seen(store, a, "Caf\xC3\xA9 \xE5\x8C\x97\xE4\xBA\xAC", 1);
    expect_seen(store, b, "", 1);
    expect_seen(store, 999, "", 0);
    ck_assert_int_eq(matches("seen: cafe"), 1);
    ck_assert_int_eq(matches("seen: \"\xE4\xBA\xAC\""), 1); /* a single character of Han */
    ck_assert_int_eq(matches("title: cafe"), 0);
    put_seen(store, a, "Lemon", 2);
    ck_assert_int_eq(matches("cafe"), 0);
    ck_assert_int_eq(matches("lemon"), 1);
    expect_ids(store, 2, 0, 1, b);
    put_seen(store, 999, "Nobody", 2); /* gone meanwhile */
    ck_assert_int_eq(matches("nobody"), 0);
    expect_seen(store, 999, "", 0);
    ps__store_close(store);
}
END_TEST

START_TEST(other_words_of_the_photo_stay) {
    char path[LIBRARY_PATH + 20];
    sqlite3 *db;
    ps__store *store = library_open(PS__STORE_CREATE);
    int64_t a = library_add(store, "/p/a.jpg", "a");
    ps__store_close(store);
    snprintf(path, sizeof path, "%.4000s/library.db", library_dir);
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, "INSERT INTO texts(photo, title) VALUES(1, 'Garden');"
                                      "INSERT INTO words(rowid, title) VALUES(1, 'garden')", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    store = library_open(PS__STORE_WRITE);
    ck_assert_int_eq(a, 1);
    put_seen(store, a, "lemon", 1);
    ck_assert_int_eq(matches("title: garden"), 1);
    ck_assert_int_eq(matches("seen: lemon"), 1);
    put_seen(store, a, NULL, 1);
    ck_assert_int_eq(matches("title: garden"), 1);
    ck_assert_int_eq(matches("seen: lemon"), 0);
    ps__store_close(store);
}
END_TEST

/* ---- A run ---------------------------------------------------------------------------------------------------------------- */

/* A photo's picture: its file's bytes as the first row, and below them lines of writing, unless it is "EMPTY". */
static int decode(ps__pixels *out, const uint8_t *bytes, size_t size, const char *name, const ps__pixels_options *options,
                  ps__error *err) {
    if (options->width == 2) { /* for the encoder */
        memset(out, 0, sizeof *out);
        out->rgb = ps__malloc(12);
        if (!out->rgb) return ps__fail_nomem(err);
        ps__store_hash(picture, bytes, size);
        memcpy(out->rgb, picture, 12);
        out->width = out->height = 2;
        out->original_width = 4, out->original_height = 3;
        out->format = "jpeg";
        return PS__OK;
    }
    ck_assert_int_eq(options->width, PS__READING_SIDE);
    if (size >= 3 && !memcmp(bytes, "BAD", 3)) return ps__fail(err, PS__CORRUPT, "%s: is bad", name);
    memset(out, 0, sizeof *out);
    fill(WIDTH, HEIGHT, 255);
    if (size < 5 || memcmp(bytes, "EMPTY", 5) != 0) write_line(WIDTH, 40, 60, 320, 12);
    memset(picture, 0, 64);
    memcpy(picture, bytes, size < 60 ? size : 60);
    out->rgb = ps__malloc(WIDTH * HEIGHT * 3);
    if (!out->rgb) return ps__fail_nomem(err);
    for (int i = 0; i < WIDTH * HEIGHT; i++) memset(out->rgb + (size_t)i * 3, picture[i], 3);
    out->width = WIDTH;
    out->height = HEIGHT;
    out->format = "jpeg";
    return PS__OK;
}

static ps__reading_result result;
static char run_log[4096];

static void keep_log(int level, const char *line, void *payload) {
    (void)level, (void)payload;
    strncat(run_log, line, sizeof run_log - strlen(run_log) - 2);
    strcat(run_log, "\n");
}

static const ps__log logger = {keep_log, PS__LOG_WARNING, NULL};

static int run_with(ps__reading_options options, int all) {
    ps__error err = {0};
    int64_t *ids;
    size_t count;
    ps__store *store = library_open(PS__STORE_READ);
    ck_assert_int_eq(ps__store_unread(&ids, &count, store, PS__READING_VERSION, all, NULL), PS__OK);
    ps__store_close(store);
    options.library = library_dir;
    options.photos = ids;
    options.count = count;
    options.decoder = &gallery_decoder;
    options.log = &logger;
    if (!options.program) options.program = trickster();
    int status = ps__reading_run(&result, &options, &err);
    ck_assert_msg((status == PS__OK) == (err.text[0] == 0), "%s", err.text);
    ps__free(ids);
    return status;
}

static void index_gallery(void) {
    gallery_decode = decode;
    run_log[0] = 0;
    gallery_run();
}

static void expect_result(int read, int with_text, int looked_at, int failed, int left) {
    ck_assert_int_eq(result.read, read);
    ck_assert_int_eq(result.with_text, with_text);
    ck_assert_int_eq(result.looked_at, looked_at);
    ck_assert_int_eq(result.failed, failed);
    ck_assert_int_eq(result.left, left);
}

START_TEST(each_photo_is_read_once_whatever_becomes_of_it) {
    char path[LIBRARY_PATH];
    gallery_write("a.jpg", "one");
    gallery_write("copy.jpg", "one");
    gallery_write("b.jpg", "EMPTY");
    gallery_write("c.jpg", "TEST crash");
    gallery_write("d.jpg", "TEST exit");
    gallery_write("e.jpg", "BAD");
    index_gallery();
    ck_assert_int_eq(run_with((ps__reading_options){0}, 0), PS__OK);
    expect_result(5, 1, 3, 3, 0);
    ck_assert_int_eq(matches("seen: hello"), 1);
    gallery_path(path, "c.jpg");
    ck_assert(library_says(run_log, path) && library_says(run_log, "the reader crashed"));
    ck_assert(library_says(result.first_failure, "the reader") || library_says(result.first_failure, "is bad"));
    ck_assert_int_eq(run_with((ps__reading_options){0}, 0), PS__OK);
    expect_result(0, 0, 0, 0, 0);
    ck_assert_int_eq(run_with((ps__reading_options){.background = 1}, 1), PS__OK);
    expect_result(5, 1, 3, 3, 0);
    gallery_check_library();
}
END_TEST

START_TEST(files_that_are_away_or_changed_are_left) {
    gallery_write("a.jpg", "one");
    gallery_write("b.jpg", "two");
    gallery_write("c.jpg", "three");
    gallery_write("d.jpg", "three");
    index_gallery();
    gallery_remove("a.jpg");
    gallery_write("b.jpg", "another");
    gallery_remove("c.jpg"); /* d.jpg holds the same */
    ck_assert_int_eq(run_with((ps__reading_options){0}, 0), PS__OK);
    expect_result(1, 1, 1, 0, 2);
}
END_TEST

static int asked, stop_at;
static ps__reading_progress last;

static int stop_then(void *payload) {
    (void)payload;
    return ++asked >= stop_at;
}

static void note_progress(const ps__reading_progress *p, void *payload) {
    (void)payload;
    ck_assert_int_ge(p->done, last.done);
    last = *p;
}

START_TEST(a_run_that_is_stopped_keeps_what_is_done) {
    gallery_write("a.jpg", "one");
    gallery_write("b.jpg", "TEST hang");
    index_gallery();
    asked = 0, stop_at = 10;
    ps__reading_options options = {.stop = stop_then, .progress = note_progress};
    ck_assert_int_eq(run_with(options, 0), PS__CANCELLED);
    ck_assert_int_eq(result.read + result.left, 2);
    ck_assert_int_ge(result.left, 1);
    ck_assert_int_eq(result.failed, 0); /* nothing is held against the photo at hand */
    if (result.read) ck_assert_int_eq(matches("hello"), 1);
    int64_t left = result.left;
    options = (ps__reading_options){.seconds = 0.3, .progress = note_progress};
    last = (ps__reading_progress){0};
    ck_assert_int_eq(run_with(options, 0), PS__OK);
    ck_assert_int_eq(result.read, left);
    ck_assert_int_eq(result.failed, 1);
    ck_assert_int_eq(last.done, left);
    ck_assert_int_eq(last.total, left);
    ck_assert_int_eq(matches("hello"), 1);
}
END_TEST

START_TEST(without_a_reader_nothing_is_done) {
    gallery_write("a.jpg", "one");
    index_gallery();
    ck_assert_int_eq(run_with((ps__reading_options){.program = "/nowhere/photosearch-reader"}, 0), PS__NOTFOUND);
    expect_result(0, 0, 0, 0, 1);
    ck_assert_int_eq(run_with((ps__reading_options){.languages = "none"}, 0), PS__NOTFOUND);
    expect_result(0, 0, 0, 0, 1);
}
END_TEST

START_TEST(a_run_survives_a_lack_of_memory) {
    int failures = 0;
    gallery_write("a.jpg", "one");
    index_gallery();
    for (long n = 0; failures < 1000; n++) {
        ps__error err;
        const int64_t photos[] = {1};
        const ps__reading_options options = {
            .library = library_dir, .photos = photos, .count = 1, .decoder = &gallery_decoder, .program = trickster()};
        ps__alloc_fail_after(n, 0);
        int status = ps__reading_run(&result, &options, &err);
        int failed = ps__alloc_fail_left() < 0;
        ps__alloc_fail_after(-1, 0);
        if (!failed) {
            ck_assert_int_eq(status, PS__OK);
            break;
        }
        ck_assert(status == PS__OK || status == PS__NOMEM);
        failures++;
    }
    ck_assert_int_gt(failures, 10);
    expect_result(1, 1, 1, 0, 0);
}
END_TEST

/* ---- Spare time ----------------------------------------------------------------------------------------------------------- */

static int spare_calls, spare_stopped;

/* The first time, a photo comes while it works: it must be told to stop. The second time there is nothing left. */
static int spare(const ps__watch_spare *s, void *payload) {
    (void)payload;
    if (++spare_calls > 1) return PS__SPARE_DONE;
    ck_assert_int_eq(gallery_counts().photos, 1);
    ck_assert_int_eq(s->stop(s->payload), 0);
    s->tell(&(ps__indexer_progress){.phase = PS__PHASE_READ_TEXT, .path = ""}, s->payload);
    gallery_write("new.jpg", "new");
    for (int i = 0; i < 1000 && !(spare_stopped = s->stop(s->payload)); i++) nanosleep(&(struct timespec){0, 20000000}, NULL);
    return PS__SPARE_LATER;
}

static int told_reading, told_idle;

static void on_event(const ps__watch_event *e, void *payload) {
    (void)payload;
    told_idle += e->kind == PS__WATCH_IDLE;
    if (e->kind == PS__WATCH_WORKING && e->progress->phase == PS__PHASE_READ_TEXT) told_reading += told_idle;
}

START_TEST(a_watch_fills_spare_time_and_makes_way_for_news) {
    ps__indexer_options indexer = gallery_options();
    ps__watch_options options = {.indexer = &indexer, .once = 1, .settle_seconds = 0.05, .spare = spare, .event = on_event};
    ps__watch_result watched;
    ps__error err = {0};
    ps__os_reset(); /* no made-up clock */
    spare_calls = spare_stopped = told_reading = told_idle = 0;
    gallery_write("old.jpg", "old");
    ck_assert_msg(ps__watch_run(&watched, &options, &err) == PS__OK, "%s", err.text);
    ck_assert_int_eq(spare_calls, 2);
    ck_assert_int_eq(spare_stopped, 1);
    ck_assert_int_eq(told_reading, 1);
    ck_assert_int_eq(gallery_counts().photos, 2);
}
END_TEST

/* ---- The real one --------------------------------------------------------------------------------------------------------- */

/* NULL, with a note, in a build without it. */
static const char *real_reader(void) {
    static char path[4096];
    snprintf(path, sizeof path, "%s/photosearch-reader", build());
    if (access(path, X_OK) == 0) return path;
    fputs("note: this build reads no text in photos (libtesseract is not installed, or OCR=0): not tested\n", stderr);
    return NULL;
}

START_TEST(a_sign_is_read) {
    static const ps__pixels_options wanted = {.width = PS__READING_SIDE, .height = PS__READING_SIDE, .fit = PS__FIT_INSIDE};
    ps__text_area areas[PS__TEXT_AREAS];
    ps__pixels pixels;
    ps__buf text = PS__BUF_INIT;
    ps__error err = {0};
    uint8_t *bytes;
    size_t size;
    int count;
    if (!real_reader()) return;
    ck_assert_int_eq(ps__read_file(&bytes, &size, NULL, "tests/data/reading/sign.png", 1 << 20, NULL), PS__OK);
    ck_assert_int_eq(ps__pixels_decode(&pixels, bytes, size, "sign.png", &wanted, NULL), PS__OK);
    ps__reader *r = start(&(ps__reader_options){.program = real_reader(), .languages = "eng"});
    uint8_t *grey = ps__reader_picture(r, pixels.width, pixels.height);
    ck_assert_ptr_nonnull(grey);
    for (int i = 0; i < pixels.width * pixels.height; i++) grey[i] = pixels.rgb[i * 3];
    ck_assert_int_eq(ps__text_find(areas, &count, grey, pixels.width, pixels.height, NULL), PS__OK);
    ck_assert_int_ge(count, 1);
    ck_assert_msg(ps__reader_read(&text, r, areas, count, "sign.png", &err) == PS__OK, "%s", err.text);
    ck_assert_msg(strstr(text.bytes, "Lemon") && strstr(text.bytes, "market") && strstr(text.bytes, "seven"), "%s", text.bytes);
    ps__reader_free(r);
    ps__pixels_clear(&pixels);
    ps__buf_free(&text);
    ps__free(bytes);
}
END_TEST

START_TEST(languages_without_data_are_named) {
    ps__reader *r;
    ps__error err = {0};
    if (!real_reader()) return;
    ck_assert_int_eq(ps__reader_new(&r, &(ps__reader_options){.program = real_reader(), .languages = "xyz"}, &err), PS__NOTFOUND);
    ck_assert_msg(strstr(err.text, "no data for reading xyz is installed") != NULL, "%s", err.text);
}
END_TEST

Suite *suite_reader(void);
Suite *suite_reader(void) {
    Suite *suite = suite_create("reader");
    TCase *words = tcase_create("words"), *detector = tcase_create("detector"), *process = tcase_create("process"),
          *stored = tcase_create("stored"), *runs = tcase_create("runs"), *real = tcase_create("real");
    tcase_add_test(words, words_are_kept_when_they_are_sure_and_look_like_words);
    tcase_add_test(words, every_confidence_leaves_words_whole);
    tcase_add_test(words, han_is_kept_together_and_not_for_single_strokes);
    tcase_add_test(words, any_bytes_will_do_and_no_word_is_cut);
    tcase_add_test(detector, lines_of_all_sizes_are_found_where_they_are);
    tcase_add_test(detector, a_page_is_read_with_its_margins);
    tcase_add_test(detector, what_has_no_lines_is_not_writing);
    tcase_add_test(detector, pictures_of_any_size_are_looked_at);
    tcase_add_test(detector, the_detector_survives_a_lack_of_memory);
    tcase_add_loop_test(process, a_misfortune_costs_one_picture, 0, 5);
    tcase_add_test(process, rubbish_is_no_text);
    tcase_add_test(process, what_reading_does_not_need_is_refused);
#if !PS__SANITIZED
    tcase_add_test(process, memory_has_a_limit);
#endif
    tcase_add_test(process, reading_can_be_cancelled);
    tcase_add_test(process, a_reader_that_cannot_be_had_is_named);
    tcase_add_test(process, pictures_that_are_too_large_are_refused);
    tcase_add_checked_fixture(stored, library_setup, library_teardown);
    tcase_add_test(stored, text_is_stored_once_a_version_and_found_by_its_words);
    tcase_add_test(stored, other_words_of_the_photo_stay);
    tcase_add_checked_fixture(runs, gallery_setup, gallery_teardown);
    tcase_add_test(runs, each_photo_is_read_once_whatever_becomes_of_it);
    tcase_add_test(runs, files_that_are_away_or_changed_are_left);
    tcase_add_test(runs, a_run_that_is_stopped_keeps_what_is_done);
    tcase_add_test(runs, without_a_reader_nothing_is_done);
    tcase_add_test(runs, a_run_survives_a_lack_of_memory);
    tcase_add_test(runs, a_watch_fills_spare_time_and_makes_way_for_news);
    tcase_add_test(real, a_sign_is_read);
    tcase_add_test(real, languages_without_data_are_named);
    suite_add_tcase(suite, words);
    suite_add_tcase(suite, detector);
    suite_add_tcase(suite, process);
    suite_add_tcase(suite, stored);
    suite_add_tcase(suite, runs);
    suite_add_tcase(suite, real);
    return suite;
}
