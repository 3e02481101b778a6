/*
** `photosearch model pull` against a server of the tests (server.h), through the real program.
*/
#include <check.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pull/sha256.h"
#include "tests/cli/program.h"
#include "tests/pull/server.h"
#include "tests/suites.h"

Suite *suite_pull(void);

enum { BIG = 300000, CONFIG = 17, CUT_AT = 100000 };
#define PLACE "/m/org/repo/resolve/1a2b/" /* of the files at the mirror */
#define STRICT "For \x1b[31mscience\x1b[0m only.\n"
#define CONFIG_TEXT "{\"architecture\":1}"

static char big[BIG], other[BIG], big_sum[PULL_SHA256_HEX], other_sum[PULL_SHA256_HEX], config_sum[PULL_SHA256_HEX];
static server_route *big_route;
static int port;

static void sum(char *hex, const char *bytes, size_t size) {
    pull_sha256 s;
    pull_sha256_start(&s);
    pull_sha256_add(&s, bytes, size);
    pull_sha256_end(&s, hex);
}

static void write_text(const char *name, const char *text) {
    char path[4300];
    snprintf(path, sizeof path, "%s/%s", e2e_folder(), name);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

/* Two models of the same files: `sure`, with sizes and checksums, and `unsure`, without; and `apple`, whose licence is fetched.
** */
static void write_table(void) {
    char text[4096];
    snprintf(text, sizeof text,
             "licence-block Free\ntitle Free licence\npage https://hub.example/free\n| Do as you like.\n|\n| No warranty.\n"
             "licence-block Strict\ntitle Strict licence\nfetch https://hub.example/strict.txt\nterms research-only\n"
             "model sure\nlicence Free\nnote A model\n"
             "file big.bin\nurl https://hub.example/org/repo/resolve/1a2b/big.bin\nsize %d\nsha256 %s\n"
             "file config.json\nurl https://hub.example/org/repo/resolve/1a2b/config.json\nsize %d\nsha256 %s\n"
             "model unsure\nlicence Free\nfile big.bin\nurl https://hub.example/org/repo/resolve/1a2b/big.bin\nsize -\nsha256 -\n"
             "model apple\nlicence Strict\n"
             "file config.json\nurl https://hub.example/org/repo/resolve/1a2b/config.json\nsize %d\nsha256 %s\n",
             BIG, big_sum, (int)strlen(CONFIG_TEXT), config_sum, (int)strlen(CONFIG_TEXT), config_sum);
    write_text("own.table", text);
}

static void setup(void) {
    char value[4300];
    ck_assert_int_eq(e2e_run(NULL, "mkdir -p $T/data $T/config"), 0);
    snprintf(value, sizeof value, "%s/data", e2e_folder());
    setenv("XDG_DATA_HOME", value, 1);
    snprintf(value, sizeof value, "%s/config", e2e_folder());
    setenv("XDG_CONFIG_HOME", value, 1);
    setenv("http_proxy", "http://127.0.0.1:1", 1); /* must not be asked for this machine */
    for (size_t i = 0; i < BIG; i++) big[i] = (char)(i * 2654435761u >> 13), other[i] = (char)~big[i];
    sum(big_sum, big, BIG), sum(other_sum, other, BIG), sum(config_sum, CONFIG_TEXT, strlen(CONFIG_TEXT));
    port = server_start();
    big_route = server_file(PLACE "big.bin", big, BIG, "\"v1\"");
    server_file(PLACE "config.json", CONFIG_TEXT, strlen(CONFIG_TEXT), "\"c1\"");
    server_file("/m/strict.txt", STRICT, sizeof STRICT - 1, "");
    write_table();
    write_text("importer", "#!/bin/sh\nprintf '[%s]' \"$@\"\necho\nls $3 | tr '\\n' ' '\nexit ${IMPORT_STATUS:-0}\n");
    ck_assert_int_eq(e2e_run(NULL, "chmod +x $T/importer"), 0);
}

static void teardown(void) {
    server_stop();
    cli_teardown();
}

/* Runs `model pull` with the tests' table and mirror; both streams go to cli_out. */
__attribute__((format(printf, 1, 2))) static int pull(const char *format, ...) {
    char arguments[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(arguments, sizeof arguments, format, args);
    va_end(args);
    return e2e_run(cli_out,
                   "cd $T && \"$PS\" model pull --table own.table --from http://127.0.0.1:%d/m --photosearch $T/importer"
                   " --retry-wait 0 %s 2>&1 </dev/null",
                   port, arguments);
}

#define AGREE "--accept-licence Free --no-import "

static void expect(int status, int wanted) {
    ck_assert_msg(status == wanted, "exit status %d, not %d: %s", status, wanted, cli_out);
}
static void expect_says(const char *text) { ck_assert_msg(cli_says(text), "no \"%s\" in: %s", text, cli_out); }
static int asked(const char *text) { return strstr(server_log(), text) != NULL; }
static void expect_asked(const char *text) { ck_assert_msg(asked(text), "no \"%s\" in:\n%s", text, server_log()); }

/* 1 if the file in $T/data/photosearch/pulled is there and has the checksum. */
static int holds(const char *name, const char *hex) {
    char path[4300], found[PULL_SHA256_HEX];
    snprintf(path, sizeof path, "%s/data/photosearch/pulled/%s", e2e_folder(), name);
    return pull_sha256_file(found, path, NULL) == PS__OK && strcmp(found, hex) == 0;
}

static long size_of(const char *name) {
    char path[4300];
    struct stat st;
    snprintf(path, sizeof path, "%s/data/photosearch/pulled/%s", e2e_folder(), name);
    return stat(path, &st) == 0 ? (long)st.st_size : -1;
}

#define NEED_PROGRAM()                                                                                                           \
    do {                                                                                                                         \
        if (e2e_run(NULL, "test -x \"${PS%%/*}/photosearch-pull\"") != 0) {                                                      \
            puts("skipped: this build pulls no models");                                                                         \
            return;                                                                                                              \
        }                                                                                                                        \
    } while (0)

/* ---- all well ---- */

START_TEST(files_licence_and_receipt_come) {
    NEED_PROGRAM();
    expect(pull(AGREE "sure"), 0);
    expect_says("sure: 2 files, 300.0 kB, now in ");
    ck_assert(holds("sure/big.bin", big_sum) && holds("sure/config.json", config_sum));
    ck_assert_int_eq(
        e2e_run(cli_out, "ls -A $T/data/photosearch/pulled $T/data/photosearch/pulled/sure | tr '\\n' ' ' | sed \"s|$T||g\""), 0);
    ck_assert_str_eq(cli_out,
                     "/data/photosearch/pulled: sure sure.table  /data/photosearch/pulled/sure: LICENSE big.bin config.json ");
    ck_assert_int_eq(e2e_run(cli_out, "cat $T/data/photosearch/pulled/sure/LICENSE"), 0);
    ck_assert_str_eq(cli_out, "Free licence\n\nhttps://hub.example/free\n\nDo as you like.\n\nNo warranty.\n");
    ck_assert_int_eq(e2e_run(cli_out, "cat $T/data/photosearch/pulled/sure.table"), 0);
    expect_says(big_sum);
    expect_says("seen checksum as expected\nseen etag \"v1\"\n");
}
END_TEST

START_TEST(json_tells_what_came) {
    NEED_PROGRAM();
    expect(pull(AGREE "--json -q sure"), 0);
    json_t *line = cli_parse(cli_out), *file = json_array_get(json_object_get(line, "files"), 0);
    ck_assert_str_eq(cli_string(line, "model"), "sure");
    ck_assert_str_eq(cli_string(line, "licence"), "Free");
    ck_assert(json_is_false(json_object_get(line, "research_only")));
    ck_assert_int_eq(cli_number(line, "bytes"), BIG + (int)strlen(CONFIG_TEXT));
    ck_assert_str_eq(cli_string(file, "name"), "big.bin");
    ck_assert_str_eq(cli_string(file, "sha256"), big_sum);
    ck_assert(json_is_true(json_object_get(file, "verified")));
    ck_assert_int_eq(cli_number(file, "resumed"), 0);
    json_decref(line);
}
END_TEST

START_TEST(what_is_there_is_not_fetched_again) {
    NEED_PROGRAM();
    expect(pull(AGREE "sure"), 0);
    server_forget();
    expect(pull(AGREE "--json -q sure"), 0);
    json_t *line = cli_parse(cli_out);
    ck_assert(json_is_true(json_object_get(line, "already")));
    json_decref(line);
    ck_assert_str_eq(server_log(), "");
    ck_assert_int_eq(e2e_run(NULL, "echo x >>$T/data/photosearch/pulled/sure/config.json"), 0);
    expect(pull(AGREE "sure"), 3);
    expect_says("config.json is not what is wanted; remove it to pull anew");
}
END_TEST

START_TEST(the_import_gets_the_folder_and_the_name) {
    NEED_PROGRAM();
    expect(pull("-q --accept-licence Free --name mine sure"), 0);
    expect_says("[model][import][");
    expect_says("/photosearch/pulled/sure][--name][mine][--quiet]\nLICENSE big.bin config.json ");
    ck_assert_int_eq(size_of("sure"), -1); /* imported: the files are not needed any more, the receipt stays */
    ck_assert_int_gt(size_of("sure.table"), 0);
    expect(pull("-q --accept-licence Free --keep sure"), 0);
    ck_assert(holds("sure/big.bin", big_sum));
}
END_TEST

/* A small model of random weights, in the files of transformers. */
static const char *const REAL[] = {"model.safetensors", "config.json", "preprocessor_config.json", "tokenizer.json"};

static void serve_real_model(void) {
    static char bytes[4 << 20];
    char table[2048] =
        "licence-block Own\ntitle Licence of the tests\nterms research-only\n| For tests.\nmodel real\nlicence Own\n",
         path[200];
    for (size_t i = 0; i < sizeof REAL / sizeof *REAL; i++) {
        snprintf(path, sizeof path, "tests/data/import/hf-clip/%s", REAL[i]);
        FILE *f = fopen(path, "r");
        ck_assert_ptr_nonnull(f);
        size_t size = fread(bytes, 1, sizeof bytes, f);
        ck_assert(feof(f));
        fclose(f);
        snprintf(path, sizeof path, "/m/real/%s", REAL[i]);
        server_file(path, bytes, size, "");
        snprintf(table + strlen(table), sizeof table - strlen(table), "file %s\nurl https://hub.example/real/%s\n", REAL[i],
                 REAL[i]);
    }
    write_text("real.table", table);
}

START_TEST(a_pulled_model_is_imported_with_its_licence) {
    NEED_PROGRAM();
    serve_real_model();
    ck_assert_int_eq(e2e_run(cli_out,
                             "cd $T && \"$PS\" model pull --table real.table --from http://127.0.0.1:%d/m -q --accept-licence Own"
                             " --unverified --name pulled real 2>&1 && \"$PS\" model info --model pulled",
                             port),
                     0);
    expect_says("Licence of the tests (for research only, not for commercial use)");
    ck_assert_int_eq(e2e_run(cli_out, "cd $T && \"$PS\" embed --json --model pulled --text 'a red car'"), 0);
    ck_assert_int_eq(size_of("real"), -1);
}
END_TEST

START_TEST(a_name_that_is_taken_is_told_before_anything_comes) {
    NEED_PROGRAM();
    ck_assert_int_eq(e2e_run(NULL, "mkdir -p $T/data/photosearch/models && : > $T/data/photosearch/models/mine.safetensors"), 0);
    expect(pull("--accept-licence Free --name mine sure"), 3);
    expect_says("--replace");
    expect(pull("--accept-licence Free --name ../mine sure"), 2);
    expect(pull("--accept-licence Free --name default sure"), 2);
    ck_assert_int_eq(size_of("sure.part"), -1);
    expect(pull("--accept-licence Free --name mine --replace --photosearch echo sure"), 0);
}
END_TEST

START_TEST(files_stay_when_the_import_fails) {
    NEED_PROGRAM();
    setenv("IMPORT_STATUS", "4", 1);
    expect(pull("--accept-licence Free sure"), 4);
    expect_says("model import ");
    expect_says(" imports them");
    ck_assert(holds("sure/big.bin", big_sum));
    unsetenv("IMPORT_STATUS");
    expect(pull("--photosearch /nonexistent --accept-licence Free sure"), 3);
    expect_says("/nonexistent could not be started");
}
END_TEST

START_TEST(a_folder_of_ones_own) {
    NEED_PROGRAM();
    expect(pull(AGREE "--folder $T/elsewhere/ sure"), 0);
    ck_assert_int_eq(e2e_run(NULL, "cmp $T/elsewhere/sure/LICENSE $T/elsewhere/sure/LICENSE && ! test -e $T/data/photosearch"),
                     0);
}
END_TEST

/* ---- connections that break ---- */

START_TEST(a_later_run_goes_on_where_one_broke_off) {
    NEED_PROGRAM();
    server_then(big_route, CUT, CUT_AT, "");
    server_then(big_route, SERVE, 0, "");
    expect(pull(AGREE "--retries 0 sure"), 3);
    expect_says("big.bin: ");
    ck_assert_int_eq(size_of("sure.part/big.bin.part"), CUT_AT);
    ck_assert_int_eq(size_of("sure"), -1);
    expect(pull(AGREE "--json -q sure"), 0);
    expect_asked("big.bin bytes=100000- \"v1\"\n");
    json_t *line = cli_parse(cli_out);
    ck_assert_int_eq(cli_number(json_array_get(json_object_get(line, "files"), 0), "resumed"), CUT_AT);
    json_decref(line);
    ck_assert(holds("sure/big.bin", big_sum));
}
END_TEST

START_TEST(one_run_tries_again_by_itself) {
    NEED_PROGRAM();
    server_then(big_route, CUT, CUT_AT, "");
    server_then(big_route, STATUS, 503, "");
    server_then(big_route, CUT, CUT_AT, "");
    server_then(big_route, SERVE, 0, "");
    expect(pull(AGREE "unsure --unverified"), 0);
    expect_asked("big.bin bytes=200000- \"v1\"\n");
    expect_says("the server answers 503; trying again");
    ck_assert(holds("unsure/big.bin", big_sum));
}
END_TEST

START_TEST(a_server_without_ranges_sends_all_again) {
    NEED_PROGRAM();
    server_then(big_route, CUT, CUT_AT, "");
    server_then(big_route, WHOLE, 0, "");
    expect(pull(AGREE "--json -q sure"), 0);
    json_t *line = cli_parse(cli_out);
    ck_assert_int_eq(cli_number(json_array_get(json_object_get(line, "files"), 0), "resumed"), 0);
    json_decref(line);
    ck_assert(holds("sure/big.bin", big_sum));
}
END_TEST

/* A file that is replaced between two runs: never half of one and half of the other. With If-Range honoured, and not. */
START_TEST(a_file_that_changed_is_fetched_anew) {
    static const enum server_trick tricks[] = {SERVE, IGNORE_IF_RANGE, WRONG_PLACE};
    NEED_PROGRAM();
    server_then(big_route, CUT, CUT_AT, "");
    expect(pull(AGREE "--retries 0 --unverified unsure"), 3);
    ck_assert_int_eq(size_of("unsure.part/big.bin.part"), CUT_AT);
    big_route = server_file(PLACE "big.bin", other, BIG, tricks[_i] == WRONG_PLACE ? "\"v1\"" : "\"v2\"");
    server_then(big_route, tricks[_i], 0, "");
    server_then(big_route, SERVE, 0, "");
    expect(pull(AGREE "--unverified unsure"), 0);
    expect_asked("big.bin bytes=100000- \"v1\"\n");
    ck_assert(holds("unsure/big.bin", other_sum));
}
END_TEST

/* Without a strong ETag nobody could tell, so nothing is added to what is there; with a checksum it is tried. */
START_TEST(without_a_tag_only_a_checksum_allows_to_go_on) {
    NEED_PROGRAM();
    big_route = server_file(PLACE "big.bin", big, BIG, "W/\"v1\"");
    server_then(big_route, CUT, CUT_AT, "");
    server_then(big_route, SERVE, 0, "");
    expect(pull(AGREE "--retries 0 --unverified unsure"), 3);
    server_forget();
    big_route->asked = 1;
    expect(pull(AGREE "--unverified unsure"), 0);
    ck_assert(!asked("bytes="));
    server_forget();
    expect(pull(AGREE "--retries 0 sure"), 3);
    expect(pull(AGREE "sure"), 0);
    expect_asked("big.bin bytes=100000- -\n");
}
END_TEST

START_TEST(a_wrong_beginning_is_found_by_the_checksum_and_fetched_anew) {
    NEED_PROGRAM();
    ck_assert_int_eq(e2e_run(NULL, "mkdir -p $T/data/photosearch/pulled/sure.part && head -c 100000 /dev/zero"
                                   " >$T/data/photosearch/pulled/sure.part/big.bin.part"),
                     0);
    expect(pull(AGREE "sure"), 0);
    expect_says("what was there before does not fit; fetching it anew");
    ck_assert(holds("sure/big.bin", big_sum));
}
END_TEST

START_TEST(a_stall_ends_and_keeps_what_came) {
    NEED_PROGRAM();
    server_then(big_route, STALL, CUT_AT, "");
    expect(pull(AGREE "--timeout 1 --retries 0 sure"), 3);
    ck_assert_int_eq(size_of("sure.part/big.bin.part"), CUT_AT);
}
END_TEST

START_TEST(ctrl_c_keeps_what_came) {
    NEED_PROGRAM();
    server_then(big_route, STALL, CUT_AT, "");
    /* A shell without job control starts what follows & deaf to SIGINT, so SIGTERM stands for both. */
    e2e_run(cli_out,
            "cd $T; \"$PS\" model pull --table own.table --from http://127.0.0.1:%d/m " AGREE " sure 2>&1 & p=$!;"
            " for i in $(seq 200); do test \"$(stat -c %%s $T/data/photosearch/pulled/sure.part/big.bin.part 2>/dev/null)\" = "
            "100000 && break;"
            " sleep 0.05; done; kill $p; wait $p; echo \"status $?\"",
            port);
    expect_says("stopped; what came is kept, and the next run goes on from there");
    expect_says("status 3");
    ck_assert_int_eq(size_of("sure.part/big.bin.part"), CUT_AT);
    server_route *again = server_file(PLACE "big.bin", big, BIG, "\"v1\"");
    ck_assert_ptr_nonnull(again);
    expect(pull(AGREE "sure"), 0);
    expect_asked("big.bin bytes=100000- \"v1\"\n");
}
END_TEST

START_TEST(a_server_that_is_not_there_is_told) {
    NEED_PROGRAM();
    server_stop();
    expect(pull(AGREE "--retries 1 sure"), 3);
    expect_says("trying again in 0 s");
    port = server_start(); /* for the teardown */
}
END_TEST

/* A limit on the size of files stands for a full disk. */
START_TEST(a_full_disk_is_told_and_keeps_what_came) {
    NEED_PROGRAM();
    e2e_run(cli_out,
            "cd $T; (trap '' XFSZ; ulimit -f 200; \"$PS\" model pull --table own.table --from http://127.0.0.1:%d/m " AGREE
            " sure 2>&1);"
            " echo \"status $?\"",
            port);
    expect_says("big.bin.part: ");
    expect_says("status 3");
    ck_assert_int_eq(size_of("sure.part/big.bin.part"), 200 * 512);
    expect(pull(AGREE "sure"), 0);
    expect_asked("big.bin bytes=102400- \"v1\"\n");
}
END_TEST

START_TEST(two_at_once_do_not_mix) {
    NEED_PROGRAM();
    ck_assert_int_eq(e2e_run(NULL, "mkdir -p $T/data/photosearch/pulled/sure.part"), 0);
    ck_assert_int_eq(e2e_run(cli_out,
                             "cd $T; flock data/photosearch/pulled/sure.part \"$PS\" model pull --table own.table"
                             " --from http://127.0.0.1:%d/m " AGREE " sure 2>&1",
                             port),
                     3);
    expect_says("another photosearch is pulling this model");
    ck_assert_str_eq(server_log(), "");
    ck_assert_int_ge(size_of("sure.part"), 0); /* it is the other's, who may be reading the licence */
}
END_TEST

/* ---- servers that lie ---- */

START_TEST(wrong_bytes_never_get_the_name) {
    NEED_PROGRAM();
    server_file(PLACE "big.bin", other, BIG, "\"v1\"");
    expect(pull(AGREE "sure"), 3);
    expect_says("not the bytes that were expected: their SHA-256 is ");
    expect_says(other_sum);
    ck_assert_int_eq(size_of("sure"), -1);
    ck_assert_int_eq(size_of("sure.part/big.bin"), -1);
    ck_assert_int_eq(size_of("sure.part/big.bin.part"), -1);
}
END_TEST

START_TEST(another_size_is_refused_before_it_comes) {
    NEED_PROGRAM();
    server_file(PLACE "big.bin", other, BIG - 1, "\"v1\"");
    expect(pull(AGREE "sure"), 3);
    expect_says("the server has another file: of 299999 bytes, not 300000");
    ck_assert_int_le(size_of("sure.part/big.bin.part"), 0);
}
END_TEST

START_TEST(more_than_was_promised_is_refused) {
    NEED_PROGRAM();
    static char longer[BIG + 5000];
    memcpy(longer, big, BIG);
    big_route = server_file(PLACE "big.bin", longer, sizeof longer, "\"v1\"");
    server_then(big_route, NO_LENGTH, 0, "");
    expect(pull(AGREE "sure"), 3);
    expect_says("more than 300000 bytes come");
}
END_TEST

START_TEST(less_than_was_promised_is_no_file) {
    NEED_PROGRAM();
    server_then(big_route, LIE, BIG + 1000, "");
    expect(pull(AGREE "--unverified --retries 1 unsure"), 3);
    ck_assert_int_eq(size_of("unsure"), -1);
    big_route = server_file(PLACE "big.bin", big, BIG, "");
    server_then(big_route, NO_LENGTH, 0, "");
    expect(pull(AGREE "--unverified unsure"), 3);
    expect_says("does not tell how long it is");
}
END_TEST

/* The end of trailers looks like the end of headers. */
START_TEST(chunks_and_trailers_make_a_file) {
    NEED_PROGRAM();
    server_then(big_route, CHUNKED, 0, "");
    expect(pull(AGREE "--unverified unsure"), 0);
    ck_assert(holds("unsure/big.bin", big_sum));
    ck_assert_int_eq(e2e_run(cli_out, "grep 'seen etag' $T/data/photosearch/pulled/unsure.table"), 0);
    ck_assert_str_eq(cli_out, "seen etag \"v1\"\n");
}
END_TEST

START_TEST(a_page_that_does_not_end_is_left) {
    NEED_PROGRAM();
    server_then(big_route, ENDLESS, 404, "");
    expect(pull(AGREE "sure"), 3);
    expect_says("not there any more");
}
END_TEST

START_TEST(an_enormous_file_is_refused) {
    NEED_PROGRAM();
    char huge[40];
    big_route = server_file(PLACE "big.bin", big, BIG, "");
    server_then(big_route, LIE, 2147483647, "");
    expect(pull(AGREE "--unverified --retries 0 unsure"), 3); /* allowed, but does not come */
    big_route = server_file("/m/strict.txt", big, BIG, "");
    snprintf(huge, sizeof huge, "--accept-licence Strict apple");
    expect(pull("%s", huge), 3);
    expect_says("the licence: the server wants to send 300000 bytes; 262144 are allowed");
}
END_TEST

/* ---- statuses, and answers that lead elsewhere ---- */

static const struct {
    int status;
    const char *says;
} STATUSES[] = {
    {404, "not there any more"},     {410, "not there any more"},     {401, "does not give it out"},
    {403, "does not give it out"},   {418, "the server answers 418"}, {204, "the server answers 204"},
    {500, "the server answers 500"}, {429, "the server answers 429"},
};

START_TEST(a_status_that_is_no_success_is_told) {
    NEED_PROGRAM();
    server_then(big_route, STATUS, STATUSES[_i].status, "");
    expect(pull(AGREE "--retries 1 sure"), 3);
    expect_says(STATUSES[_i].says);
    ck_assert_int_eq(size_of("sure.part/big.bin"), -1);
}
END_TEST

START_TEST(a_redirect_on_this_machine_is_followed) {
    NEED_PROGRAM();
    char to[80];
    snprintf(to, sizeof to, "http://127.0.0.1:%d/cdn/blob?sig=1", port);
    server_file("/cdn/blob?sig=1", big, BIG, "\"v1\"");
    server_then(big_route, REDIRECT, 0, to);
    expect(pull(AGREE "sure"), 0);
    ck_assert(holds("sure/big.bin", big_sum));
}
END_TEST

START_TEST(a_redirect_elsewhere_is_not_followed) {
    static const char *const to[] = {"http://192.0.2.1/x", "file:///etc/passwd", "ftp://127.0.0.1/x", "http://user@127.0.0.1/x"};
    NEED_PROGRAM();
    server_then(big_route, REDIRECT, 0, to[_i]);
    expect(pull(AGREE "sure"), 3);
    expect_says("leads to another address");
}
END_TEST

START_TEST(a_circle_of_redirects_ends) {
    NEED_PROGRAM();
    server_then(big_route, REDIRECT, 0, PLACE "big.bin");
    expect(pull(AGREE "sure"), 3);
    expect_says("led from address to address");
    int count = 0;
    for (const char *at = server_log(); (at = strstr(at, "big.bin")) != NULL; at++) count++;
    ck_assert_int_eq(count, 11);
}
END_TEST

/* What Hugging Face says with the first answer of a large file. */
START_TEST(a_linked_tag_is_compared) {
    NEED_PROGRAM();
    server_file("/cdn/blob", big, BIG, "\"b1\"");
    snprintf(big_route->linked, sizeof big_route->linked, "%s", other_sum);
    server_then(big_route, LINKED, 0, "/cdn/blob");
    expect(pull(AGREE "sure"), 3);
    expect_says("the server has another file: its SHA-256 is ");
    ck_assert(!asked("/cdn/blob"));
    expect(pull(AGREE "--unverified unsure"), 3);
    expect_says("not the bytes that the server announced");
    snprintf(big_route->linked, sizeof big_route->linked, "%s", big_sum);
    expect(pull(AGREE "--unverified unsure"), 0);
    ck_assert_int_eq(e2e_run(cli_out, "grep x-linked $T/data/photosearch/pulled/unsure.table"), 0);
    expect_says(big_sum);
}
END_TEST

/* ---- checksums that are not known ---- */

START_TEST(a_file_without_a_checksum_needs_a_word) {
    NEED_PROGRAM();
    expect(pull(AGREE "unsure"), 2);
    expect_says("no checksum of big.bin is known here");
    ck_assert_str_eq(server_log(), "");
    expect(pull(AGREE "--sha256 %s unsure", other_sum), 3);
    expect(pull(AGREE "--sha256 big.bin=%s unsure", big_sum), 0);
    ck_assert(!cli_says("not verified"));
    expect(pull(AGREE "--sha256 big.bin=%s sure", other_sum), 2);
    expect_says("the table has another SHA-256");
    expect(pull(AGREE "--sha256 x.bin=%s sure", big_sum), 2);
    expect(pull(AGREE "--sha256 %s sure", big_sum), 2);
    expect(pull(AGREE "--sha256 12 sure"), 2);
}
END_TEST

START_TEST(what_came_unverified_is_told_and_pins_the_next_time) {
    NEED_PROGRAM();
    expect(pull(AGREE "--unverified unsure"), 0);
    expect_says("not verified: big.bin  sha256 ");
    expect_says(big_sum);
    ck_assert_int_eq(e2e_run(NULL, "cp $T/data/photosearch/pulled/unsure.table $T/pinned.table && rm -r $T/data/photosearch"), 0);
    expect(pull(AGREE "--table pinned.table unsure"), 0);
    ck_assert(!cli_says("not verified"));
    ck_assert_int_eq(e2e_run(NULL, "rm -r $T/data/photosearch"), 0);
    server_file(PLACE "big.bin", other, BIG, "\"v1\"");
    expect(pull(AGREE "--table pinned.table unsure"), 3);
    expect_says("not the bytes that were expected");
}
END_TEST

/* ---- licences ---- */

START_TEST(nothing_comes_before_the_licence_is_agreed_to) {
    NEED_PROGRAM();
    expect(pull("sure"), 2);
    expect_says("sure is under the licence Free: read it with --show-licence, and agree to it with --accept-licence Free");
    expect(pull("--accept-licence Strict sure"), 2);
    ck_assert_str_eq(server_log(), "");
    ck_assert_int_eq(size_of("sure.part"), -1);
    expect(pull("apple"), 2);
    expect_says("apple is for research only, not for commercial use (Strict licence)");
    ck_assert(asked("/m/strict.txt") && !asked("config.json")); /* its text is fetched, to be shown */
}
END_TEST

START_TEST(a_fetched_licence_is_kept_and_cannot_play_tricks) {
    NEED_PROGRAM();
    expect(pull("--show-licence apple"), 0);
    expect_says(
        "Strict licence (for research only, not for commercial use)\n\nhttps://hub.example/strict.txt\n\nFor \\x1B[31mscience");
    ck_assert(!cli_says("\x1b"));
    expect(pull("--accept-licence Strict --no-import apple"), 0);
    expect_says("apple is for research only, not for commercial use (Strict licence)");
    ck_assert_int_eq(
        e2e_run(cli_out, "ls -A $T/data/photosearch/pulled/apple | tr '\\n' ' '; cat $T/data/photosearch/pulled/apple/LICENSE"),
        0);
    expect_says("LICENSE config.json Strict licence (for research only");
    expect(pull("--table $T/data/photosearch/pulled/apple.table --show-licence apple"), 0); /* the receipt is a table */
    expect_says("science");
}
END_TEST

/* On a terminal, which script(1) makes. */
static int on_terminal(const char *answer) {
    return e2e_run(cli_out,
                   "cd $T; echo %s | script -qec '\"$PS\" model pull --table own.table --from http://127.0.0.1:%d/m --no-import "
                   "sure' /dev/null",
                   answer, port);
}

START_TEST(a_terminal_asks) {
    NEED_PROGRAM();
    if (e2e_run(NULL, "command -v script >/dev/null") != 0) {
        puts("skipped: there is no script(1) here, so no terminal was asked");
        return;
    }
    expect(on_terminal("no"), 3);
    expect_says("No warranty.");
    expect_says("Type \"yes\" to agree: ");
    expect_says("the licence was not agreed to, and nothing was taken");
    ck_assert_str_eq(server_log(), "");
    expect(on_terminal("y"), 3);
    expect(on_terminal("yes"), 0);
    expect_says("300.0 kB of 300.0 kB");
    ck_assert(holds("sure/big.bin", big_sum));
}
END_TEST

/* ---- addresses, tables, the command line ---- */

START_TEST(plain_http_is_not_used) {
    NEED_PROGRAM();
    char text[600];
    expect(pull(AGREE "--from http://192.0.2.1/m sure"), 2);
    expect_says("plain http is not used");
    expect(pull(AGREE "--from http://127.0.0.1.example.org/m sure"), 2);
    expect(pull(AGREE "--from ftp://127.0.0.1/m sure"), 2);
    snprintf(text, sizeof text,
             "licence-block F\ntitle F\n| F\nmodel plain\nlicence F\nfile big.bin\nurl http://127.0.0.1:%d" PLACE "big.bin\n",
             port);
    write_text("plain.table", text);
    ck_assert_int_eq(
        e2e_run(cli_out, "cd $T; \"$PS\" model pull --table plain.table --accept-licence F --no-import --unverified plain 2>&1"),
        3);
    expect_says("plain http is not used");
    ck_assert_str_eq(server_log(), "");
    ck_assert_int_eq(e2e_run(cli_out, "cd $T; \"$PS\" model pull --table plain.table --accept-licence F --no-import --unverified"
                                      " --insecure-http plain 2>&1"),
                     0);
}
END_TEST

START_TEST(the_users_own_table_is_found) {
    NEED_PROGRAM();
    ck_assert_int_eq(
        e2e_run(NULL, "mkdir -p $T/config/photosearch && sed s/unsure/mine/ $T/own.table >$T/config/photosearch/models.table"),
        0);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" model pull --list"), 0);
    expect_says("\nmine ");
    expect_says("apple ");
    ck_assert_int_eq(e2e_run(NULL, "echo rubbish >$T/config/photosearch/models.table"), 0);
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" model pull --list 2>&1"), 3);
    expect_says("/photosearch/models.table:1: a table begins with model or licence-block, not with rubbish");
    cli_expect_one_sentence();
}
END_TEST

START_TEST(list_and_dry_run_ask_nobody) {
    NEED_PROGRAM();

    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" model pull --list --json"), 0);
    int count = 0;
    for (char *line = strtok(cli_out, "\n"); line; line = strtok(NULL, "\n"), count++) {
        json_t *json = cli_parse(line);
        cli_string(json, "licence");
        cli_number(json, "files");
        json_decref(json);
    }
    ck_assert_int_ge(count, 10);
    expect(pull("--dry-run --json sure"), 0);
    json_t *line = cli_parse(cli_out);
    ck_assert_ptr_nonnull(strstr(cli_string(json_array_get(json_object_get(line, "files"), 1), "url"), PLACE "config.json"));
    json_decref(line);
    expect(pull("--dry-run unsure"), 0);
    expect_says("no checksum");
    ck_assert_str_eq(server_log(), "");
    ck_assert_int_eq(e2e_run(NULL, "test -e $T/data/photosearch"), 1);
}
END_TEST

static const struct {
    const char *arguments, *says;
    int status;
} WRONG_LINES[] = {
    {"", "needs: NAME", 2},
    {"a b", "one model at a time", 2},
    {"--nonsense x", "there is no option --nonsense", 2},
    {"--from", "--from needs a value", 2},
    {"--json=yes x", "--json takes no value", 2},
    {"--retries many x", "takes a number", 2},
    {"--name ../x sure", "not a name for a model", 2},
    {"nobody", "there is no model \"nobody\"", 3},
    {"$(printf 'a\\033[31mb')", "a\\x1B[31mb", 3},
    {"--table /nonexistent sure", "/nonexistent", 3},
};

START_TEST(a_wrong_command_line_is_told) {
    NEED_PROGRAM();
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" model pull %s 2>&1", WRONG_LINES[_i].arguments), WRONG_LINES[_i].status);
    expect_says(WRONG_LINES[_i].says);
    cli_expect_one_sentence();
}
END_TEST

START_TEST(options_may_stand_before_the_command) {
    NEED_PROGRAM();
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" --json --library /nowhere model pull --list"), 0);
    ck_assert_int_eq(cli_out[0], '{');
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" model pull --help"), 0);
    expect_says("Usage: photosearch model pull ");
    ck_assert_int_eq(e2e_run(cli_out, "\"$PS\" model pull --version"), 0);
    expect_says("photosearch ");
}
END_TEST

START_TEST(a_link_in_place_of_a_part_is_not_followed) {
    NEED_PROGRAM();
    ck_assert_int_eq(e2e_run(NULL, "mkdir -p $T/data/photosearch/pulled/sure.part && echo mine >$T/mine &&"
                                   " ln -s $T/mine $T/data/photosearch/pulled/sure.part/big.bin.part"),
                     0);
    expect(pull(AGREE "sure"), 3);
    ck_assert_int_eq(e2e_run(cli_out, "cat $T/mine"), 0);
    ck_assert_str_eq(cli_out, "mine\n");
}
END_TEST

/* The program alone, as in a build without libcurl. */
START_TEST(a_build_that_pulls_nothing_says_so) {
    ck_assert_int_eq(e2e_run(NULL, "mkdir $T/bin && cp \"$(realpath \"$PS\")\" $T/bin/photosearch"), 0);
    ck_assert_int_eq(e2e_run(cli_out, "$T/bin/photosearch model pull sure 2>&1"), 3);
    expect_says("this build pulls no models");
    cli_expect_one_sentence();
    ck_assert_int_eq(e2e_run(cli_out, "PHOTOSEARCH_PULL=/nonexistent \"$PS\" model pull sure 2>&1"), 3);
    expect_says("/nonexistent could not be started");
}
END_TEST

#define COUNT(list) ((int)(sizeof(list) / sizeof *(list)))

static void add_broken(TCase *tests) {
    tcase_add_test(tests, a_later_run_goes_on_where_one_broke_off);
    tcase_add_test(tests, one_run_tries_again_by_itself);
    tcase_add_test(tests, a_server_without_ranges_sends_all_again);
    tcase_add_loop_test(tests, a_file_that_changed_is_fetched_anew, 0, 3);
    tcase_add_test(tests, without_a_tag_only_a_checksum_allows_to_go_on);
    tcase_add_test(tests, a_wrong_beginning_is_found_by_the_checksum_and_fetched_anew);
    tcase_add_test(tests, a_stall_ends_and_keeps_what_came);
    tcase_add_test(tests, ctrl_c_keeps_what_came);
    tcase_add_test(tests, a_server_that_is_not_there_is_told);
    tcase_add_test(tests, a_full_disk_is_told_and_keeps_what_came);
    tcase_add_test(tests, two_at_once_do_not_mix);
}

static void add_lies(TCase *tests) {
    tcase_add_test(tests, wrong_bytes_never_get_the_name);
    tcase_add_test(tests, another_size_is_refused_before_it_comes);
    tcase_add_test(tests, more_than_was_promised_is_refused);
    tcase_add_test(tests, less_than_was_promised_is_no_file);
    tcase_add_test(tests, chunks_and_trailers_make_a_file);
    tcase_add_test(tests, a_page_that_does_not_end_is_left);
    tcase_add_test(tests, an_enormous_file_is_refused);
    tcase_add_loop_test(tests, a_status_that_is_no_success_is_told, 0, COUNT(STATUSES));
    tcase_add_test(tests, a_redirect_on_this_machine_is_followed);
    tcase_add_loop_test(tests, a_redirect_elsewhere_is_not_followed, 0, 4);
    tcase_add_test(tests, a_circle_of_redirects_ends);
    tcase_add_test(tests, a_linked_tag_is_compared);
}

Suite *suite_pull(void) {
    Suite *suite = suite_create("pull");
    TCase *tests = tcase_create("pull");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, files_licence_and_receipt_come);
    tcase_add_test(tests, json_tells_what_came);
    tcase_add_test(tests, what_is_there_is_not_fetched_again);
    tcase_add_test(tests, the_import_gets_the_folder_and_the_name);
    tcase_add_test(tests, a_pulled_model_is_imported_with_its_licence);
    tcase_add_test(tests, files_stay_when_the_import_fails);
    tcase_add_test(tests, a_name_that_is_taken_is_told_before_anything_comes);
    tcase_add_test(tests, a_folder_of_ones_own);
    add_broken(tests);
    add_lies(tests);
    tcase_add_test(tests, a_file_without_a_checksum_needs_a_word);
    tcase_add_test(tests, what_came_unverified_is_told_and_pins_the_next_time);
    tcase_add_test(tests, nothing_comes_before_the_licence_is_agreed_to);
    tcase_add_test(tests, a_fetched_licence_is_kept_and_cannot_play_tricks);
    tcase_add_test(tests, a_terminal_asks);
    tcase_add_test(tests, plain_http_is_not_used);
    tcase_add_test(tests, the_users_own_table_is_found);
    tcase_add_test(tests, list_and_dry_run_ask_nobody);
    tcase_add_loop_test(tests, a_wrong_command_line_is_told, 0, COUNT(WRONG_LINES));
    tcase_add_test(tests, options_may_stand_before_the_command);
    tcase_add_test(tests, a_link_in_place_of_a_part_is_not_followed);
    tcase_add_test(tests, a_build_that_pulls_nothing_says_so);
    suite_add_tcase(suite, tests);
    return suite;
}
