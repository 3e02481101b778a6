/*
** Checkpoints: files that PyTorch and safetensors wrote are read right, and safetensors files and indexes that were made to hurt
** are refused. Those of torch's are in test_checkpoint_torch.c.
*/
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/os.h"
#include "encoder/import/checkpoint.h"
#include "tests/import/crafted.h"
#include "tests/suites.h"

#define FOLDER "tests/data/import/checkpoints/"

/* ---- Files of others ---- */

static ps__checkpoint *open_golden(const char *file) {
    char path[200];
    ps__checkpoint *c;
    ps__error err;
    snprintf(path, sizeof path, FOLDER "%s", file);
    ck_assert_msg(ps__checkpoint_open(&c, path, &err) == PS__OK, "%s", err.text);
    ck_assert_str_eq(ps__checkpoint_path(c), path);
    return c;
}

/* "2x3" or "-" */
static void expect_shape(const ps__weight *w, const char *text) {
    char shape[100] = "-";
    size_t used = 0;
    int64_t count = 1;
    for (int i = 0; i < w->rank; i++) {
        used += (size_t)snprintf(shape + used, sizeof shape - used, "%s%lld", i ? "x" : "", (long long)w->shape[i]);
        count *= w->shape[i];
    }
    ck_assert_str_eq(shape, text);
    ck_assert_int_eq(w->count, count);
    for (int i = w->rank; i < PS__WEIGHT_RANK; i++) ck_assert_int_eq(w->shape[i], 1);
}

/* Whole, and from every entry on, one and all that follow: strides make each another way through the file. */
static void expect_values(const ps__checkpoint *c, const ps__weight *w, char *text) {
    float expected[100], found[100];
    int64_t count = 0;
    ps__error err;
    char *rest = NULL;
    for (char *one = strtok_r(text, ",", &rest); one && strcmp(one, "-") != 0; one = strtok_r(NULL, ",", &rest)) {
        ck_assert_int_lt(count, 100);
        expected[count++] = strtof(one, NULL);
    }
    ck_assert_int_eq(w->count, count);
    for (int64_t first = 0; first <= count; first++)
        for (int64_t n = 0; n <= count - first; n += n ? count - first - 1 ? count - first - 1 : 1 : 1) {
            memset(found, 0x7F, sizeof found);
            ck_assert_msg(ps__checkpoint_read(found, c, w, first, n, &err) == PS__OK, "%s", err.text);
            for (int64_t i = 0; i < n; i++) ck_assert_float_eq(found[i], expected[first + i]);
        }
}

START_TEST(published_formats_are_read) {
    FILE *f = fopen(FOLDER "expected.tsv", "r");
    char line[4000], last[100] = "";
    ps__checkpoint *c = NULL;
    size_t seen = 0, lines = 0;
    ck_assert_ptr_nonnull(f);
    while (fgets(line, sizeof line, f)) {
        char *rest = line, *field[5];
        for (int i = 0; i < 5; i++) ck_assert_ptr_nonnull(field[i] = strsep(&rest, "\t\n"));
        if (strcmp(last, field[0]) != 0) {
            if (c) ck_assert_ptr_null(ps__checkpoint_at(c, seen));
            ps__checkpoint_free(c);
            c = open_golden(field[0]);
            snprintf(last, sizeof last, "%s", field[0]);
            seen = 0;
        }
        const ps__weight *w = ps__checkpoint_find(c, field[1]);
        ck_assert_msg(w != NULL, "%s: %s", field[0], field[1]);
        ck_assert_ptr_eq(w, ps__checkpoint_at(c, seen++));
        ck_assert_str_eq(w->name, field[1]);
        ck_assert_str_eq(w->type, field[2]);
        expect_shape(w, field[3]);
        expect_values(c, w, field[4]);
        lines++;
    }
    ck_assert_ptr_nonnull(c);
    ck_assert_ptr_null(ps__checkpoint_at(c, seen));
    ck_assert_uint_gt(lines, 80);
    ps__checkpoint_free(c);
    fclose(f);
}
END_TEST

START_TEST(ranges_outside_of_a_tensor_are_refused) {
    static const int64_t ranges[][2] = {{-1, 1}, {0, 25}, {24, 1}, {25, 0}, {1, -1}, {INT64_MAX, INT64_MAX}, {1, INT64_MAX}};
    ps__checkpoint *c = open_golden("several.pt");
    const ps__weight *w = ps__checkpoint_find(c, "turned");
    float found[24];
    ps__error err;
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        ck_assert_int_eq(ps__checkpoint_read(found, c, w, ranges[i][0], ranges[i][1], &err), PS__INVALID);
    ck_assert_ptr_null(ps__checkpoint_find(c, "turn"));
    ck_assert_ptr_null(ps__checkpoint_find(c, ""));
    ck_assert_int_eq(ps__checkpoint_has(c, "turn"), 1);
    ck_assert_int_eq(ps__checkpoint_has(c, "turned"), 1);
    ck_assert_int_eq(ps__checkpoint_has(c, "turned."), 0);
    ck_assert_int_eq(ps__checkpoint_has(c, "zzz"), 0);
    ck_assert_int_eq(ps__checkpoint_has(c, ""), 1);
    ps__checkpoint_free(c);
}
END_TEST

/* An allocation that fails, whichever it is, is told, and nothing is leaked or read. */
START_TEST(memory_may_run_out) {
    static const char *const files[] = {FOLDER "run.pt", FOLDER "script.pt", FOLDER "several.safetensors",
                                        FOLDER "shards.safetensors.index.json"};
    ps__checkpoint *c = NULL;
    ps__error err;
    int failures = 0;
    for (int status = PS__NOMEM; status; failures++) {
        ps__alloc_fail_after(failures, 1);
        status = ps__checkpoint_open(&c, files[_i], &err);
        ps__alloc_fail_after(-1, 0);
        ck_assert_msg(status == PS__OK || status == PS__NOMEM, "%d: %s", failures, err.text);
    }
    ck_assert_int_gt(failures, 5);
    ps__checkpoint_free(c);
}
END_TEST

START_TEST(other_files_are_refused_by_what_they_are) {
    static const struct {
        const char *bytes;
        size_t size;
        const char *complaint;
    } others[] = {
        {"", 0, "is empty"},
        {"abc", 3, "is no checkpoint"},
        {"version https://git-lfs.github.com/spec/v1\noid", 46, "Git LFS"},
        {"\x80\4\x95\0\0\0\0\0", 8, "bare pickle"},
        {"<!DOCTYPE html><html>", 21, "neither"},
        {"\x89HDF\r\n\x1a\n0000000", 15, "neither"},
        {"GGUF\3\0\0\0\0\0\0", 11, "neither"},
        {"PK\5\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 22, "empty zip file"},
        {"PK\3\4 something", 14, "without an end"},
    };
    ps__checkpoint *c;
    ps__error err;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        ps__buf b = PS__BUF_INIT;
        crafted_bytes(&b, others[i].bytes, others[i].size);
        crafted_write(&b);
        crafted_expect_refusal(others[i].complaint);
    }
    ck_assert_int_eq(ps__checkpoint_open(&c, FOLDER "before16.pt", &err), PS__MODEL);
    ck_assert_ptr_nonnull(strstr(err.text, "PyTorch before 1.6"));
    ck_assert_int_eq(ps__checkpoint_open(&c, FOLDER "none.pt", &err), PS__NOTFOUND);
    ck_assert_int_eq(ps__checkpoint_open(&c, FOLDER "none.index.json", &err), PS__NOTFOUND);
    ck_assert_int_eq(ps__checkpoint_open(&c, FOLDER, &err), PS__FORMAT);
}
END_TEST

/* ---- Safetensors ---- */

static void write_safetensors(const char *header, uint64_t declared, const void *data, size_t size) {
    ps__buf b = PS__BUF_INIT;
    crafted_little(&b, declared ? declared : strlen(header), 8);
    ps__buf_puts(&b, header);
    if (size) crafted_bytes(&b, data, size);
    crafted_write(&b);
}

static const struct {
    const char *header;
    uint64_t declared; /* length that is said; 0: the truth */
    size_t data;       /* bytes behind it */
    const char *complaint;
} bad_safetensors[] = {
    {"", 0, 0, "not a JSON object"},
    {"{", 0, 0, "not a JSON object"},
    {"[]", 0, 0, "not a JSON object"},
    {"{}", 0, 0, "holds no tensors"},
    {"{\"__metadata__\":{\"a\":\"b\"}}", 0, 0, "holds no tensors"},
    {"{}", UINT64_MAX, 0, "truncated"},
    {"{}", (uint64_t)1 << 63, 0, "truncated"},
    {"{}", 3, 0, "truncated"},
    {"{\"a\":1}", 0, 8, "type (none)"},
    {"{\"a\":{\"dtype\":\"F31\",\"shape\":[1],\"data_offsets\":[0,4]}}", 0, 8, "type F31, which is not read"},
    {"{\"a\":{\"dtype\":3,\"shape\":[1],\"data_offsets\":[0,4]}}", 0, 8, "type (none)"},
    {"{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 0, 8, "no shape"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":{},\"data_offsets\":[0,4]}}", 0, 8, "no shape"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", 0, 8, "impossible shape"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,4]}}", 0, 8, "impossible shape"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}}", 0, 8, "impossible shape"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[0,9223372036854775807],\"data_offsets\":[0,0]}}", 0, 8, "impossible shape"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1],\"data_offsets\":[0,4]}}", 0, 8, "7 dimensions"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 0, 8, "two offsets"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}", 0, 8, "two offsets"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,8]}}", 0, 8, "two offsets"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4.0]}}", 0, 8, "two offsets"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]}}", 0, 8, "outside the file"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[-4,0]}}", 0, 8, "outside the file"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}", 0, 8, "outside the file"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[9223372036854775803,9223372036854775807]}}", 0, 8,
     "outside the file"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[9223372036854775808,9223372036854775812]}}", 0, 8,
     "too big integer"},
    {"{\"a\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[0,4]}}", 0, 8, "has 4 bytes, its shape needs 8"},
    {"{\"a\":{\"dtype\":\"F16\",\"shape\":[3],\"data_offsets\":[0,8]}}", 0, 8, "has 8 bytes, its shape needs 6"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[0,8]},\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[4,8]"
     "}}",
     0, 8, "tensors a and b overlap"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,"
     "4]}}",
     0, 8, "overlap"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]"
     "}}",
     0, 8, "duplicate"},
    {"{\"\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 0, 8, "no text"},
    {"{\"a\\nb\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 0, 8, "no text"},
    {"{\"a\\u0000b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 0, 8, "NUL"},
    {"{\"\xFF\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 0, 8, "unable to decode"},
};

START_TEST(bad_safetensors_are_refused) {
    static const char zeros[16];
    write_safetensors(bad_safetensors[_i].header, bad_safetensors[_i].declared, zeros, bad_safetensors[_i].data);
    crafted_expect_refusal(bad_safetensors[_i].complaint);
}
END_TEST

/* Reads the one tensor "a" of this type, of one entry. PS__OK: *value. */
static int read_one(float *value, const char *type, const void *bytes, size_t size, ps__error *err) {
    char header[200];
    snprintf(header, sizeof header, "{\"a\":{\"dtype\":\"%s\",\"shape\":[],\"data_offsets\":[0,%zu]}}", type, size);
    write_safetensors(header, 0, bytes, size);
    ps__checkpoint *c = crafted_open();
    int status = ps__checkpoint_read(value, c, ps__checkpoint_find(c, "a"), 0, 1, err);
    ps__checkpoint_free(c);
    return status;
}

static const struct {
    const char *type, *bytes;
    size_t size;
    float value; /* NAN: refused */
} entries[] = {
    {"F32", "\0\0\x80\x3F", 4, 1},
    {"F32", "\xFF\xFF\x7F\xFF", 4, -0x1.fffffep127f},
    {"F32", "\0\0\x80\x7F", 4, NAN},
    {"F32", "\0\0\x80\xFF", 4, NAN},
    {"F32", "\1\0\x80\x7F", 4, NAN},
    {"F32", "\1\0\0\0", 4, 0x1p-149f},
    {"F16", "\0\x3C", 2, 1},
    {"F16", "\xFF\x7B", 2, 65504},
    {"F16", "\1\0", 2, 0x1p-24f},
    {"F16", "\0\x7C", 2, NAN},
    {"F16", "\1\xFC", 2, NAN},
    {"BF16", "\x80\x3F", 2, 1},
    {"BF16", "\x80\x7F", 2, NAN},
    {"BF16", "\xC0\xFF", 2, NAN},
    {"F64", "\0\0\0\0\0\0\xF0\x3F", 8, 1},
    {"F64", "\0\0\0\0\0\0\xF0\x7F", 8, NAN},
    {"F64", "\0\0\0\0\0\0\xF8\x7F", 8, NAN},
    {"F64", "\xFF\xFF\xFF\xFF\xFF\xFF\xEF\x7F", 8, NAN},
    {"I64", "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 8, -1},
    {"I64", "\0\0\0\0\0\0\0\x80", 8, -0x1p63f},
    {"I64", "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F", 8, NAN},
    {"I64", "\1\0\0\1\0\0\0\0", 8, NAN},
    {"I32", "\0\0\0\1", 4, 16777216},
    {"I32", "\1\0\0\1", 4, NAN},
    {"I32", "\xFF\xFF\xFF\x7F", 4, NAN},
    {"I16", "\0\x80", 2, -32768},
    {"I8", "\x80", 1, -128},
    {"U64", "\0\0\0\0\0\0\0\x80", 8, 0x1p63f},
    {"U64", "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 8, NAN},
    {"U32", "\xFF\xFF\xFF\xFF", 4, NAN},
    {"U16", "\xFF\xFF", 2, 65535},
    {"U8", "\xFF", 1, 255},
    {"BOOL", "\2", 1, 1},
    {"BOOL", "\0", 1, 0},
    {"F8_E4M3", "\0", 1, NAN},
    {"F8_E5M2", "\0", 1, NAN},
    {"C64", "\0\0\0\0\0\0\0\0", 8, NAN},
};

START_TEST(numbers_become_floats_or_are_refused) {
    float value = -7;
    ps__error err;
    int status = read_one(&value, entries[_i].type, entries[_i].bytes, entries[_i].size, &err);
    if (isnan(entries[_i].value)) {
        ck_assert_int_eq(status, PS__MODEL);
        ck_assert_ptr_nonnull(strstr(err.text, "tensor a "));
        ck_assert_ptr_nonnull(strstr(err.text, crafted_path));
    } else {
        ck_assert_int_eq(status, PS__OK);
        ck_assert_float_eq(value, entries[_i].value);
    }
}
END_TEST

/* NaN in the middle of a long tensor, past what is read in one piece. */
START_TEST(one_nan_among_millions_is_found) {
    enum { COUNT = 1200000 };
    float *x = calloc(COUNT, sizeof *x);
    char header[200];
    ps__error err;
    x[1100000] = NAN;
    snprintf(header, sizeof header, "{\"visual.proj\":{\"dtype\":\"F32\",\"shape\":[%d],\"data_offsets\":[0,%d]}}", COUNT,
             COUNT * 4);
    write_safetensors(header, 0, x, COUNT * sizeof *x);
    ps__checkpoint *c = crafted_open();
    const ps__weight *w = ps__checkpoint_find(c, "visual.proj");
    ck_assert_int_eq(ps__checkpoint_read(x, c, w, 0, 1100000, &err), PS__OK);
    ck_assert_int_eq(ps__checkpoint_read(x, c, w, 0, COUNT, &err), PS__MODEL);
    ck_assert_ptr_nonnull(strstr(err.text, "tensor visual.proj holds a value that is not a finite"));
    ck_assert_int_eq(ps__checkpoint_read(x, c, w, 1100001, COUNT - 1100001, &err), PS__OK);
    ps__checkpoint_free(c);
    free(x);
}
END_TEST

/* Unaligned data, holes, and tensors of no entries over others. */
START_TEST(foreign_layouts_are_read) {
    ps__error err;
    float x[2];
    write_safetensors("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[3,11]},\"b\":{\"dtype\":\"F64\",\"shape\":[0,3],"
                      "\"data_offsets\":[5,5]},\"c\":{\"dtype\":\"U8\",\"shape\":[1,1],\"data_offsets\":[0,1]}} ",
                      0, "\7??\0\0\x80\x3F\0\0\0\x40??", 13);
    ps__checkpoint *c = crafted_open();
    ck_assert_int_eq(ps__checkpoint_read(x, c, ps__checkpoint_find(c, "a"), 0, 2, &err), PS__OK);
    ck_assert(x[0] == 1 && x[1] == 2);
    ck_assert_int_eq(ps__checkpoint_read(x, c, ps__checkpoint_find(c, "b"), 0, 0, &err), PS__OK);
    ck_assert_int_eq(ps__checkpoint_read(x, c, ps__checkpoint_find(c, "c"), 0, 1, &err), PS__OK);
    ck_assert(x[0] == 7);
    ps__checkpoint_free(c);
}
END_TEST

START_TEST(common_prefixes_are_cut) {
    static const struct {
        const char *first, *second, *expected;
    } names[] = {{"module.a", "module.b", "a"},    {"module.module.a", "module.module.b", "a"},
                 {"module.a", "b", "module.a"},    {"_orig_mod.module.a", "_orig_mod.module.b", "a"},
                 {"model.a", "model.b", "a"},      {"module.", "module.b", "module."},
                 {"modulea", "moduleb", "modulea"}};
    char header[300];
    snprintf(header, sizeof header,
             "{\"%s\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1]},\"%s\":{\"dtype\":\"U8\",\"shape\":[],\"data_"
             "offsets\":[1,2]}}",
             names[_i].first, names[_i].second);
    write_safetensors(header, 0, "ab", 2);
    ps__checkpoint *c = crafted_open();
    ck_assert_msg(ps__checkpoint_find(c, names[_i].expected) != NULL, "%s", ps__checkpoint_at(c, 0)->name);
    ps__checkpoint_free(c);
}
END_TEST

/* ---- Indexes ---- */

static const struct {
    const char *json, *complaint;
} bad_indexes[] = {
    {"", "is not JSON"},
    {"[]", "no \"weight_map\""},
    {"{}", "no \"weight_map\""},
    {"{\"weight_map\":[]}", "no \"weight_map\""},
    {"{\"weight_map\":{}}", "no \"weight_map\""},
    {"{\"weight_map\":{\"a\":1}}", "no file beside it"},
    {"{\"weight_map\":{\"a\":\"\"}}", "no file beside it"},
    {"{\"weight_map\":{\"a\":\"..\"}}", "no file beside it"},
    {"{\"weight_map\":{\"a\":\"../x.safetensors\"}}", "no file beside it"},
    {"{\"weight_map\":{\"a\":\"/etc/passwd\"}}", "no file beside it"},
    {"{\"weight_map\":{\"a\":\"more/x.safetensors\"}}", "no file beside it"},
    {"{\"weight_map\":{\"a\":\"itself.index.json\"}}", "no file beside it"},
    {"{\"weight_map\":{\"scale\":\"one.safetensors\",\"b\":\"one.safetensors\"}}",
     "tensor b is in one.safetensors, where it is not"},
    {"{\"weight_map\":{\"scale\":\"one.safetensors\",\"c\":\"two.safetensors\"}}", "tensor scale is there twice"},
    {"{\"weight_map\":{\"scale\":\"one.safetensors\",\"scale\":\"two.safetensors\"}}", "duplicate"},
};

/* A file of this text, behind its length if it is a header. */
static void put_file(const char *folder, const char *name, const char *text, int is_header) {
    char path[4200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    uint64_t length = strlen(text);
    if (is_header) ck_assert_uint_eq(fwrite(&length, 1, 8, f), 8);
    ck_assert_uint_eq(fwrite(text, 1, length, f), length);
    if (is_header) fputc('1', f);
    fclose(f);
}

START_TEST(bad_indexes_are_refused) {
    static const char one[] = "{\"scale\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1]}}";
    static const char two[] =
        "{\"scale\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1]},\"c\":{\"dtype\":\"U8\",\"shape\":[0],"
        "\"data_offsets\":[0,0]}}";
    char folder[4100], path[4200];
    ps__checkpoint *c = NULL;
    ps__error err = {0};
    snprintf(folder, sizeof folder, "%s.d", crafted_path);
    ck_assert_int_eq(ps__make_folders(folder, &err), PS__OK);
    put_file(folder, "one.safetensors", one, 1);
    put_file(folder, "two.safetensors", two, 1);
    put_file(folder, "itself.index.json", bad_indexes[_i].json, 0);
    snprintf(path, sizeof path, "%s/itself.index.json", folder);
    int status = ps__checkpoint_open(&c, path, &err);
    static const char *const names[] = {"one.safetensors", "two.safetensors", "itself.index.json"};
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
    ck_assert_msg(status == PS__MODEL && strstr(err.text, bad_indexes[_i].complaint), "%d: \"%s\" does not say \"%s\"", status,
                  err.text, bad_indexes[_i].complaint);
}
END_TEST

Suite *suite_checkpoint(void);

Suite *suite_checkpoint(void) {
    Suite *s = suite_create("checkpoint");
    TCase *t = tcase_create("checkpoint");
    tcase_add_checked_fixture(t, crafted_make_path, crafted_remove_path);
    tcase_add_test(t, published_formats_are_read);
    tcase_add_test(t, ranges_outside_of_a_tensor_are_refused);
    tcase_add_loop_test(t, memory_may_run_out, 0, 4);
    tcase_add_test(t, other_files_are_refused_by_what_they_are);
    tcase_add_loop_test(t, bad_safetensors_are_refused, 0, (int)(sizeof bad_safetensors / sizeof *bad_safetensors));
    tcase_add_loop_test(t, numbers_become_floats_or_are_refused, 0, (int)(sizeof entries / sizeof *entries));
    tcase_add_test(t, one_nan_among_millions_is_found);
    tcase_add_test(t, foreign_layouts_are_read);
    tcase_add_loop_test(t, common_prefixes_are_cut, 0, 7);
    tcase_add_loop_test(t, bad_indexes_are_refused, 0, (int)(sizeof bad_indexes / sizeof *bad_indexes));
    suite_add_tcase(s, t);
    return s;
}
