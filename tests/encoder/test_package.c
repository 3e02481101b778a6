/*
** The package reader against files made to hurt it: each is refused with a sentence that names the fault, and nothing is read
** outside the file. The packages "tiny" and "many" (text only) of tests/data/golden are the good ones that are then damaged.
*/
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/alloc.h"
#include "base/os.h"
#include "encoder/encoder.h"
#include "encoder/families/families.h"
#include "encoder/package/package.h"
#include "tests/suites.h"

#define TINY "tests/data/golden/tiny.safetensors"
#define MANY "tests/data/golden/many.safetensors"

static char path[4096];

static void make_path(void) {
    const char *tmp = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/photosearch-package-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
}

static void remove_path(void) { unlink(path); }

static void write_bytes(const void *bytes, size_t size) {
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    if (size) ck_assert_uint_eq(fwrite(bytes, 1, size, f), size);
    fclose(f);
}

/* A container of this header and `data` zero bytes. */
static void write_container(const char *header, uint64_t declared, size_t data) {
    size_t length = strlen(header);
    char *bytes = calloc(1, 8 + length + data + 1);
    if (!declared) declared = length;
    memcpy(bytes, &declared, 8);
    memcpy(bytes + 8, header, length);
    write_bytes(bytes, 8 + length + data);
    free(bytes);
}

static const struct {
    const char *header;    /* JSON */
    uint64_t declared;     /* header length said, 0: the true one */
    size_t data;           /* bytes behind it */
    const char *complaint; /* words of the refusal */
} bad_containers[] = {
    {"", 0, 0, "not a JSON object"},
    {"{", 0, 0, "not a JSON object"},
    {"[]", 0, 0, "not a JSON object"},
    {"{}", 1u << 30, 0, "truncated"},
    {"{}", UINT64_MAX, 0, "truncated"},
    {"{}", (uint64_t)1 << 63, 8, "truncated"},
    {"{\"a\":1}", 0, 8, "type"},
    {"{\"a\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[0,8]}}", 0, 8, "F64"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,16]}}", 0, 16, "shape needs"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,16]}}", 0, 8, "outside the file"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[-8,0]}}", 0, 8, "outside the file"},
    {"{\"a\":{\"dtype\":\"I8\",\"shape\":[8],\"data_offsets\":[8,0]}}", 0, 8, "outside the file"},
    {"{\"a\":{\"dtype\":\"I8\",\"shape\":[1],\"data_offsets\":[9223372036854775807,9223372036854775808]}}", 0, 8,
     "not a JSON object"},
    {"{\"a\":{\"dtype\":\"I8\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}}", 0, 8, "impossible shape"},
    {"{\"a\":{\"dtype\":\"I8\",\"shape\":[-1],\"data_offsets\":[0,1]}}", 0, 8, "impossible shape"},
    {"{\"a\":{\"dtype\":\"I8\",\"shape\":[0],\"data_offsets\":[0,0]}}", 0, 8, "impossible shape"},
    {"{\"a\":{\"dtype\":\"I8\",\"shape\":[1,1,1,1,1],\"data_offsets\":[0,1]}}", 0, 8, "4 dimensions"},
    {"{\"a\":{\"dtype\":\"I8\",\"shape\":[1],\"data_offsets\":[0]}}", 0, 8, "two offsets"},
    {"{\"a\":{\"dtype\":\"I8\",\"shape\":[8],\"data_offsets\":[0,8]},\"b\":{\"dtype\":\"I8\",\"shape\":[8],\"data_offsets\":[4,"
     "12]}}",
     0, 12, "overlap"},
    {"{\"a\":{\"dtype\":\"I8\",\"shape\":[1],\"data_offsets\":[0,1]},\"a\":{\"dtype\":\"I8\",\"shape\":[1],\"data_offsets\":[0,1]"
     "}}",
     0, 8, "not a JSON object"},
};

START_TEST(bad_containers_are_refused) {
    ps__package *p;
    ps__error err;
    write_container(bad_containers[_i].header, bad_containers[_i].declared, bad_containers[_i].data);
    ck_assert_int_eq(ps__package_open(&p, path, &err), PS__MODEL);
    ck_assert_ptr_null(p);
    ck_assert_msg(strstr(err.text, bad_containers[_i].complaint) != NULL, "\"%s\" does not say \"%s\"", err.text,
                  bad_containers[_i].complaint);
    ck_assert_ptr_nonnull(strstr(err.text, path));
}
END_TEST

START_TEST(short_files_are_refused) {
    ps__package *p;
    ps__error err;
    for (size_t n = 0; n < 8; n++) {
        write_bytes("\1\0\0\0\0\0\0\0", n);
        ck_assert_int_eq(ps__package_open(&p, path, &err), PS__MODEL);
    }
    ck_assert_int_eq(ps__package_open(&p, "/nonexistent/x", &err), PS__NOTFOUND);
    ck_assert_int_eq(ps__package_open(&p, "/tmp", &err), PS__FORMAT);
}
END_TEST

static void read_good(uint8_t **bytes, size_t *size, const char *good) {
    ps__error err;
    ck_assert_msg(ps__read_file(bytes, size, NULL, good, 1 << 20, &err) == PS__OK, "%s", err.text);
}

static void read_tiny(uint8_t **bytes, size_t *size) { read_good(bytes, size, TINY); }

/* Opens path and lays its towers out; PS__OK or the first refusal. */
static int open_wholly(ps__error *err) {
    ps__encoder *e;
    const struct ps__plan *plan;
    int status = ps__encoder_open(&e, path, NULL, err);
    if (status) return status;
    if (ps__encoder_about(e)->image_family) status = ps__encoder_plan(&plan, e, 0, err);
    if (!status) status = ps__encoder_plan(&plan, e, 1, err);
    ps__encoder_free(e);
    return status;
}

/* Replaces `from` in the header of the package `good` by `to` of the same length. */
static void damage(const char *good, const char *from, const char *to) {
    uint8_t *bytes;
    size_t size;
    read_good(&bytes, &size, good);
    uint8_t *at = memmem(bytes, size, from, strlen(from));
    ck_assert_msg(at != NULL, "%s has no %s", good, from);
    ck_assert_uint_eq(strlen(from), strlen(to));
    memcpy(at, to, strlen(to));
    write_bytes(bytes, size);
    ps__free(bytes);
}

static const struct {
    const char *good; /* what is damaged */
    const char *from, *to, *complaint;
    int status;
} bad_packages[] = {
    {TINY, "\"image.stem.weight\"", "\"image.stem.weighs\"", "image.stem.weight is missing", PS__MODEL},
    {TINY, "\"text.1.fc2.bias\"", "\"text.1.fc2.bibs\"", "text.1.fc2.bias is missing", PS__MODEL},
    {TINY, "\"text.vocab\"", "\"text.vocub\"", "text.vocab is missing", PS__MODEL},
    {TINY, "efficientnet-lite", "efficientnet-late", "not known", PS__MODEL},
    {TINY, "\"photosearch.format\":\"1\"", "\"photosearch.format\":\"7\"", "package format 7", PS__NEWER},
    {TINY, "\"photosearch.format\":\"1\"", "\"photosearch.farmat\":\"1\"", "not a photosearch model package", PS__MODEL},
    {TINY, "\\\"size\\\":", "\\\"sise\\\":", "\"size\"", PS__MODEL},
    {TINY, "\\\"layers\\\":", "\\\"layors\\\":", "\"layers\"", PS__MODEL},
    {TINY, "squash", "squish", "squish", PS__MODEL},
    {TINY, "\"version\":\"1\"", "\"versiom\":\"1\"", "name, version and space", PS__MODEL},
    {TINY, "\"space\":\"tiny-32\"", "\"space\":\"t\\u001b\"", "name, version and space", PS__MODEL},
    {TINY, "wordpiece", "wordpeace", "wordpeace", PS__MODEL},
    {MANY, "\"text.vocab.start\"", "\"text.vocab.stare\"", "text.vocab.start is missing", PS__MODEL},
    {MANY, "\"text.vocab.score\"", "\"text.vocab.scare\"", "text.vocab.score is missing", PS__MODEL},
    {MANY, "[1391,16]", "[2782,8] ", "text.embed.word.weight", PS__MODEL},
    {MANY, "[1391,16]", "[107,208]", "1391 pieces, tensor text.embed.word.weight 107 rows", PS__MODEL},
    {MANY, "[1391,2]", "[2782,1]", "text.embed.word.scale", PS__MODEL},
    {MANY, "[1391,2]", "[2782]  ", "text.embed.word.scale", PS__MODEL},
    {MANY, "{\"dtype\":\"F32\",\"shape\":[1391]", "{\"dtype\":\"I32\",\"shape\":[1391]", "type I32, F32", PS__MODEL},
};

START_TEST(damaged_packages_are_refused_by_name) {
    ps__error err;
    damage(bad_packages[_i].good, bad_packages[_i].from, bad_packages[_i].to);
    ck_assert_int_eq(open_wholly(&err), bad_packages[_i].status);
    ck_assert_msg(strstr(err.text, bad_packages[_i].complaint) != NULL, "\"%s\" does not say \"%s\"", err.text,
                  bad_packages[_i].complaint);
}
END_TEST

static const struct {
    int hidden, heads;
    const char *type;      /* of the table */
    int columns;           /* of the table */
    int groups;            /* of its scales; 0: one, without a dimension */
    int size;              /* bytes of an entry */
    const char *complaint; /* "position is missing": these two tensors passed */
} word_tables[] = {
    {32, 4, "I8", 32, 0, 1, "position is missing"},
    {32, 4, "I8", 32, 1, 1, "position is missing"},
    {32, 4, "I8", 32, 2, 1, "position is missing"},
    {32, 4, "U8", 16, 0, 1, "position is missing"},
    {32, 4, "U8", 16, 2, 1, "position is missing"},
    {32, 4, "I8", 16, 2, 1, "does not fit"},
    {32, 4, "U8", 32, 2, 1, "does not fit"},
    {32, 4, "I32", 32, 2, 4, "I8 was expected"},
    {32, 4, "U8", 16, 4, 1, "4 groups"},
    {32, 4, "I8", 32, 3, 1, "3 groups"},
    {33, 3, "I8", 33, 0, 1, "position is missing"},
    {33, 3, "U8", 16, 0, 1, "odd number of entries"},
};

/* Four words, and no other tensor: the table is looked at first. */
START_TEST(word_tables_have_one_of_the_known_shapes) {
    char header[1024], groups[16] = "";
    int hidden = word_tables[_i].hidden, columns = word_tables[_i].columns, scales = 16;
    ps__package *p;
    ps__plan *plan;
    ps__error err;
    if (word_tables[_i].groups) {
        snprintf(groups, sizeof groups, ",%d", word_tables[_i].groups);
        scales *= word_tables[_i].groups;
    }
    snprintf(
        header, sizeof header,
        "{\"__metadata__\":{\"dim\":\"32\",\"text.config\":\"{\\\"layers\\\":1,\\\"hidden\\\":%d,\\\"heads\\\":%d,\\\"ffn\\\":32,"
        "\\\"max_tokens\\\":8,\\\"eps\\\":0,\\\"pool\\\":\\\"mean\\\"}\"},"
        "\"text.embed.word.scale\":{\"dtype\":\"F32\",\"shape\":[4%s],\"data_offsets\":[0,%d]},"
        "\"text.embed.word.weight\":{\"dtype\":\"%s\",\"shape\":[4,%d],\"data_offsets\":[%d,%d]}} ",
        hidden, word_tables[_i].heads, groups, scales, word_tables[_i].type, columns, scales,
        scales + 4 * columns * word_tables[_i].size);
    while (strlen(header) % 8) strcat(header, " ");
    write_container(header, 0, (size_t)(scales + 4 * columns * word_tables[_i].size));
    ck_assert_msg(ps__package_open(&p, path, &err) == PS__OK, "%s", err.text);
    ck_assert_int_eq(ps__family_bert.build(&plan, p, ps__kernels_choose(NULL), PS__PRECISION_INT8, &err), PS__MODEL);
    ck_assert_msg(strstr(err.text, word_tables[_i].complaint) != NULL, "\"%s\" does not say \"%s\"", err.text,
                  word_tables[_i].complaint);
    ps__package_free(p);
}
END_TEST

START_TEST(a_text_tower_may_stand_alone) {
    ps__encoder *e;
    ps__session *s;
    ps__error err;
    float v[32];
    static const uint8_t rgb[3] = {0};
    ck_assert_msg(ps__encoder_open(&e, MANY, NULL, &err) == PS__OK, "%s", err.text);
    const ps__encoder_info *info = ps__encoder_about(e);
    ck_assert_ptr_null(info->image_family);
    ck_assert_str_eq(info->space, "tiny-32");
    ck_assert_int_eq(ps__session_new(&s, e, &err), PS__OK);
    ck_assert_int_eq(ps__encode_text(v, s, "雪の中", 9, &err), PS__OK);
    ck_assert_int_eq(ps__encode_text(v, s, "\xE3\x80\x80", 3, &err), PS__INVALID);
    ck_assert_ptr_nonnull(strstr(err.text, "empty"));
    ck_assert_int_eq(ps__encode_image(v, s, rgb, &err), PS__MODEL);
    ck_assert_ptr_nonnull(strstr(err.text, "no image tower"));
    ps__session_free(s);
    ps__encoder_free(e);
}
END_TEST

START_TEST(a_value_that_is_no_number_is_refused) {
    static const uint32_t nan_bits = 0x7FC00000;
    ps__package *p;
    ps__error err;
    uint8_t *bytes;
    size_t size;
    ck_assert_int_eq(ps__package_open(&p, TINY, &err), PS__OK);
    read_tiny(&bytes, &size);
    const ps__tensor *t = ps__package_find(p, "text.0.norm1.weight");
    ck_assert_ptr_nonnull(t);
    uint8_t *at = memmem(bytes, size, t->data, (size_t)t->count * 4);
    ck_assert_ptr_nonnull(at);
    memcpy(at, &nan_bits, 4);
    write_bytes(bytes, size);
    ps__free(bytes);
    ps__package_free(p);
    ck_assert_int_eq(open_wholly(&err), PS__MODEL);
    ck_assert_ptr_nonnull(strstr(err.text, "norm1.weight"));
    ck_assert_ptr_nonnull(strstr(err.text, "not a finite number"));
}
END_TEST

/* Writes the tiny package with the checksum of its data, and one bit of the data turned when `damaged`. */
static void write_with_checksum(int damaged) {
    static const char start[] = "{\"__metadata__\":{";
    uint8_t *bytes;
    size_t size;
    uint64_t old_length;
    read_tiny(&bytes, &size);
    memcpy(&old_length, bytes, 8);
    const uint8_t *data = bytes + 8 + old_length;
    size_t data_size = size - 8 - (size_t)old_length;
    ck_assert_mem_eq(bytes + 8, start, sizeof start - 1);
    char *out = malloc(size + 256);
    int n = sprintf(out + 8, "%s\"checksum\":\"%016llx\",%.*s", start, (unsigned long long)XXH3_64bits(data, data_size),
                    (int)(old_length - sizeof start + 1), (const char *)bytes + 8 + sizeof start - 1);
    while ((8 + n) % 64) out[8 + n++] = ' ';
    uint64_t length = (uint64_t)n;
    memcpy(out, &length, 8);
    memcpy(out + 8 + n, data, data_size);
    if (damaged) out[8 + (size_t)n + data_size / 2] ^= 1;
    write_bytes(out, 8 + (size_t)n + data_size);
    free(out);
    ps__free(bytes);
}

START_TEST(one_turned_bit_fails_the_checksum) {
    ps__error err;
    write_with_checksum(0);
    ck_assert_msg(open_wholly(&err) == PS__OK, "%s", err.text);
    write_with_checksum(1);
    ck_assert_int_eq(open_wholly(&err), PS__MODEL);
    ck_assert_ptr_nonnull(strstr(err.text, "checksum"));
}
END_TEST

static uint64_t fingerprint(void) {
    ps__package *p;
    ps__error err;
    ck_assert_msg(ps__package_open(&p, path, &err) == PS__OK, "%s", err.text);
    uint64_t digest = ps__package_fingerprint(p);
    ps__package_free(p);
    return digest;
}

/* Turns one bit of the package, `at` bytes before its end. */
static void turn_bit(size_t at) {
    uint8_t *bytes;
    size_t size;
    read_good(&bytes, &size, path);
    bytes[size - at] ^= 1;
    write_bytes(bytes, size);
    ps__free(bytes);
}

START_TEST(a_fingerprint_follows_the_weights) {
    uint64_t with, without;
    write_with_checksum(0);
    with = fingerprint();
    damage(path, "\"checksum\":\"", "\"checksun\":\"");
    without = fingerprint();
    ck_assert(without != with);
    turn_bit(1);
    ck_assert(fingerprint() != without);
    turn_bit(5000);
    ck_assert(fingerprint() != without);
}
END_TEST

START_TEST(a_checksum_stands_for_the_data_in_the_fingerprint) {
    write_with_checksum(0);
    uint64_t whole = fingerprint();
    write_with_checksum(1);
    ck_assert(fingerprint() == whole);
}
END_TEST

/* kB of the file at `path` that are in this process's memory, by Linux's own count. */
static long resident_kb(void) {
    char line[5000];
    unsigned long from, to;
    long kb = 0, all = -1, mine = 0;
    FILE *f = fopen("/proc/self/smaps", "r");
    while (f && fgets(line, sizeof line, f)) {
        if (sscanf(line, "%lx-%lx ", &from, &to) == 2) mine = strstr(line, path) != NULL;
        if (mine && sscanf(line, "Rss: %ld kB", &kb) == 1) all = (all < 0 ? 0 : all) + kb;
    }
    if (f) fclose(f);
    return all;
}

START_TEST(what_is_packed_leaves_memory) {
    ps__encoder *e;
    ps__error err;
    const struct ps__plan *plan;
    write_with_checksum(0);
    ck_assert_msg(ps__encoder_open(&e, path, NULL, &err) == PS__OK, "%s", err.text);
    ck_assert_int_gt(resident_kb(), 0); /* the header, if nothing else */
    for (int is_text = 0; is_text < 2; is_text++) {
        ck_assert_msg(ps__encoder_plan(&plan, e, is_text, &err) == PS__OK, "%s", err.text);
        ck_assert_int_eq(resident_kb(), 0);
    }
    ck_assert_int_eq(ps__encoder_check(e, &err), PS__OK); /* and comes back when it is asked for */
    ck_assert_int_eq(resident_kb(), 0);
    ps__encoder_free(e);
}
END_TEST

static int madvise_fails(void *address, size_t size, int advice) {
    (void)address, (void)size, (void)advice;
    errno = ENOSYS;
    return -1;
}

START_TEST(memory_that_is_not_given_back_is_no_failure) {
    ps__error err;
    ps__os.madvise = madvise_fails;
    write_with_checksum(0);
    ck_assert_msg(open_wholly(&err) == PS__OK, "%s", err.text);
    ps__os_reset();
}
END_TEST

START_TEST(a_package_cut_anywhere_is_refused) {
    ps__error err;
    uint8_t *bytes;
    size_t size;
    read_tiny(&bytes, &size);
    for (size_t n = 0; n < size; n += 1 + size / 97) {
        write_bytes(bytes, n);
        ck_assert_int_ne(open_wholly(&err), PS__OK);
    }
    ps__free(bytes);
}
END_TEST

START_TEST(random_damage_never_crashes) {
    uint32_t state = (uint32_t)_i * 2654435761u + 9;
    ps__error err;
    uint8_t *bytes;
    size_t size;
    read_good(&bytes, &size, _i % 4 < 2 ? TINY : MANY);
    for (int flips = 0; flips < 12; flips++) {
        state = state * 1664525u + 1013904223u;
        uint64_t header;
        memcpy(&header, bytes, 8);
        bytes[(state >> 4) % (8 + (_i % 2 ? header % size : size - 8))] ^= (uint8_t)(1u << (state >> 28) % 8);
    }
    write_bytes(bytes, size);
    ps__free(bytes);
    ps__encoder *e;
    if (ps__encoder_open(&e, path, NULL, &err) != PS__OK) return;
    ps__session *s;
    float *v = calloc(4096, 4);
    uint8_t *rgb = calloc(1, 1024 * 1024 * 3);
    ck_assert_int_eq(ps__session_new(&s, e, &err), PS__OK);
    ps__encode_image(v, s, rgb, &err);
    ps__encode_text(v, s, "a dog", 5, &err);
    ps__session_free(s);
    ps__encoder_free(e);
    free(v);
    free(rgb);
}
END_TEST

START_TEST(every_failed_allocation_is_reported) {
    ps__error err;
    uint8_t *bytes;
    size_t size;
    int status = PS__NOMEM;
    read_good(&bytes, &size, _i ? MANY : TINY);
    write_bytes(bytes, size);
    ps__free(bytes);
    for (long n = 0; status != PS__OK; n++) {
        ck_assert_int_lt(n, 2000);
        ps__alloc_fail_after(n, 0);
        status = open_wholly(&err);
        ps__alloc_fail_after(-1, 0);
        ck_assert_int_eq(status, status ? PS__NOMEM : PS__OK);
    }
}
END_TEST

Suite *suite_package(void) {
    Suite *s = suite_create("package");
    TCase *t = tcase_create("package");
    tcase_add_checked_fixture(t, make_path, remove_path);
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, bad_containers_are_refused, 0, sizeof bad_containers / sizeof *bad_containers);
    tcase_add_test(t, short_files_are_refused);
    tcase_add_loop_test(t, damaged_packages_are_refused_by_name, 0, sizeof bad_packages / sizeof *bad_packages);
    tcase_add_loop_test(t, word_tables_have_one_of_the_known_shapes, 0, sizeof word_tables / sizeof *word_tables);
    tcase_add_test(t, a_text_tower_may_stand_alone);
    tcase_add_test(t, a_value_that_is_no_number_is_refused);
    tcase_add_test(t, one_turned_bit_fails_the_checksum);
    tcase_add_test(t, a_fingerprint_follows_the_weights);
    tcase_add_test(t, a_checksum_stands_for_the_data_in_the_fingerprint);
    tcase_add_test(t, what_is_packed_leaves_memory);
    tcase_add_test(t, memory_that_is_not_given_back_is_no_failure);
    tcase_add_test(t, a_package_cut_anywhere_is_refused);
    tcase_add_loop_test(t, random_damage_never_crashes, 0, 200);
    tcase_add_loop_test(t, every_failed_allocation_is_reported, 0, 2);
    suite_add_tcase(s, t);
    return s;
}
