/*
** The pickle machine: values come out as they were put in, calls stay records, and what is damaged, cyclic, too large or hostile
** is refused.
*/
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "encoder/import/pickle.h"
#include "encoder/import/pickle_names.h"
#include "tests/import/crafted.h"
#include "tests/suites.h"

static ps__pickle *pickle;

/* The value of a pickle that is sound. bytes: opcodes between PROTO and STOP. */
static const ps__pickled *value_of(const char *bytes, size_t size) {
    static ps__buf b = PS__BUF_INIT; /* values point into it */
    ps__pickled *root;
    ps__error err = {0};
    ps__pickle_free(pickle);
    ps__buf_clear(&b);
    CRAFTED(&b, "\x80\4");
    crafted_bytes(&b, bytes, size);
    CRAFTED(&b, ".");
    ck_assert_msg(ps__pickle_read(&pickle, &root, "file", (const uint8_t *)b.bytes, b.length, &err) == PS__OK, "%s", err.text);
    return root;
}

#define SIZED(literal) literal, sizeof(literal) - 1
#define VALUE(literal) value_of(literal, sizeof(literal) - 1)

static const struct {
    const char *bytes;
    size_t size;
    int kind;
    int64_t number;
} numbers[] = {
    {SIZED("N"), PS__PICKLED_NONE, 0},
    {SIZED("\x88"), PS__PICKLED_BOOL, 1},
    {SIZED("\x89"), PS__PICKLED_BOOL, 0},
    {SIZED("K\xFF"), PS__PICKLED_INT, 255},
    {SIZED("M\xFF\xFF"), PS__PICKLED_INT, 65535},
    {SIZED("J\xFF\xFF\xFF\xFF"), PS__PICKLED_INT, -1},
    {SIZED("J\xFF\xFF\xFF\x7F"), PS__PICKLED_INT, INT32_MAX},
    {SIZED("\x8A\0"), PS__PICKLED_INT, 0},
    {SIZED("\x8A\1\x80"), PS__PICKLED_INT, -128},
    {SIZED("\x8A\2\x80\0"), PS__PICKLED_INT, 128},
    {SIZED("\x8A\10\0\0\0\0\0\0\0\x80"), PS__PICKLED_INT, INT64_MIN},
    {SIZED("\x8A\10\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F"), PS__PICKLED_INT, INT64_MAX},
    {SIZED("\x8B\1\0\0\0\xFE"), PS__PICKLED_INT, -2},
    {SIZED("\x8A\11\0\0\0\0\0\0\0\x80\0"), PS__PICKLED_BIG, 0},
};

START_TEST(whole_numbers_are_read) {
    const ps__pickled *v = value_of(numbers[_i].bytes, numbers[_i].size);
    ck_assert_int_eq(v->kind, numbers[_i].kind);
    ck_assert_int_eq(v->as.number, numbers[_i].number);
}
END_TEST

START_TEST(other_values_are_read) {
    const ps__pickled *v = VALUE("G\x3F\xB9\x99\x99\x99\x99\x99\x9A");
    ck_assert_int_eq(v->kind, PS__PICKLED_REAL);
    ck_assert_double_eq(v->as.real, 0.1);
    ck_assert(ps__pickled_is(VALUE("X\2\0\0\0\xC3\xA4"), PS__PICKLED_TEXT, "\xC3\xA4"));
    ck_assert(ps__pickled_is(VALUE("\x8C\1a"), PS__PICKLED_TEXT, "a"));
    ck_assert(ps__pickled_is(VALUE("\x8D\1\0\0\0\0\0\0\0a"), PS__PICKLED_TEXT, "a"));
    ck_assert(ps__pickled_is(VALUE("U\1a"), PS__PICKLED_TEXT, "a"));
    ck_assert(ps__pickled_is(VALUE("T\1\0\0\0\xFF"), PS__PICKLED_BYTES, "\xFF"));
    ck_assert(ps__pickled_is(VALUE("C\1\xFF"), PS__PICKLED_BYTES, "\xFF"));
    ck_assert(ps__pickled_is(VALUE("B\1\0\0\0a"), PS__PICKLED_BYTES, "a"));
    ck_assert(ps__pickled_is(VALUE("\x8E\1\0\0\0\0\0\0\0a"), PS__PICKLED_BYTES, "a"));
    ck_assert(ps__pickled_is(VALUE("\x95\3\0\0\0\0\0\0\0cab\nc d\n"), PS__PICKLED_GLOBAL, "ab.c d"));
    ck_assert(ps__pickled_is(VALUE("\x8C\1a\x8C\1b\x93"), PS__PICKLED_GLOBAL, "a.b"));
    ck_assert_int_eq(VALUE("K\1Q")->kind, PS__PICKLED_PERSISTENT);
}
END_TEST

static const struct {
    const char *bytes;
    size_t size;
    int kind;
    uint32_t count; /* entries; each is a number: 1, 2, 3... */
} containers[] = {
    {SIZED("]"), PS__PICKLED_LIST, 0},
    {SIZED("]K\1a"), PS__PICKLED_LIST, 1},
    {SIZED("](K\1K\2K\3e"), PS__PICKLED_LIST, 3},
    {SIZED("(K\1K\2l"), PS__PICKLED_LIST, 2},
    {SIZED("\x8F(K\1K\2\x90"), PS__PICKLED_LIST, 2},
    {SIZED("(K\1K\2\x91"), PS__PICKLED_LIST, 2},
    {SIZED(")"), PS__PICKLED_TUPLE, 0},
    {SIZED("(t"), PS__PICKLED_TUPLE, 0},
    {SIZED("(K\1K\2K\3K\4t"), PS__PICKLED_TUPLE, 4},
    {SIZED("K\1\x85"), PS__PICKLED_TUPLE, 1},
    {SIZED("K\1K\2\x86"), PS__PICKLED_TUPLE, 2},
    {SIZED("K\1K\2K\3\x87"), PS__PICKLED_TUPLE, 3},
    {SIZED("}"), PS__PICKLED_DICT, 0},
    {SIZED("}U\1aK\1s"), PS__PICKLED_DICT, 1},
    {SIZED("}(U\1aK\1U\1bK\2u"), PS__PICKLED_DICT, 2},
    {SIZED("(U\1aK\1d"), PS__PICKLED_DICT, 1},
    {SIZED("]K\1aK\11"
           "0"),
     PS__PICKLED_LIST, 1}, /* POP */
    {SIZED("]K\1a0]K\1a"), PS__PICKLED_LIST, 1},
    {SIZED("]K\1a(K\11"
           "1"),
     PS__PICKLED_LIST, 1},                   /* POP_MARK */
    {SIZED("]K\1a(0"), PS__PICKLED_LIST, 1}, /* POP takes a mark too */
    {SIZED("K\1q\0"
           "0]h\0aK\2q\1ah\0"
           "0"),
     PS__PICKLED_LIST, 2}, /* memo */
    {SIZED("K\1r\0\1\0\0"
           "0]j\0\1\0\0a"),
     PS__PICKLED_LIST, 1},
    {SIZED("K\1\x94"
           "0]h\0a"),
     PS__PICKLED_LIST, 1},
    {SIZED("](K\1K\2"
           "20e"),
     PS__PICKLED_LIST, 2}, /* DUP, POP */
};

START_TEST(containers_are_read) {
    const ps__pickled *v = value_of(containers[_i].bytes, containers[_i].size);
    ck_assert_int_eq(v->kind, containers[_i].kind);
    ck_assert_uint_eq(v->count, containers[_i].count);
    for (uint32_t i = 0; i < v->count; i++) {
        ck_assert_int_eq(v->entries[i].value->as.number, (int)i + 1);
        ck_assert_int_eq(v->entries[i].key != NULL, v->kind == PS__PICKLED_DICT);
    }
}
END_TEST

START_TEST(calls_stay_records) {
    const ps__pickled *v = VALUE("cargparse\nNamespace\n)\x81}X\2\0\0\0lrK\5sb");
    ck_assert_int_eq(v->kind, PS__PICKLED_OBJECT);
    ck_assert(ps__pickled_is(v->as.call.of, PS__PICKLED_GLOBAL, "argparse.Namespace"));
    ck_assert_int_eq(v->as.call.args->kind, PS__PICKLED_TUPLE);
    ck_assert_int_eq(ps__pickled_get(v, "lr")->as.number, 5);
    ck_assert_ptr_null(ps__pickled_get(v, "l"));
    v = VALUE("cevil\nmake\nK\1\x85R");
    ck_assert(ps__pickled_is(v->as.call.of, PS__PICKLED_GLOBAL, "evil.make"));
    ck_assert_int_eq(v->as.call.args->entries[0].value->as.number, 1);
    v = VALUE("ccollections\nOrderedDict\n)R(U\1aK\1U\1bK\2u}U\1cK\3sb");
    ck_assert_int_eq(ps__pickled_get(v, "b")->as.number, 2);
    ck_assert_int_eq(ps__pickled_get(v, "c")->as.number, 3);
    v = VALUE("cx\ny\n)}U\1aK\1s\x92");
    ck_assert_ptr_null(ps__pickled_get(v, "a"));
    v = VALUE("cx\ny\n)R)R");
    ck_assert_int_eq(v->as.call.of->kind, PS__PICKLED_OBJECT);
    v = VALUE("}U\1aK\1s}U\1bK\2sb");
    ck_assert_ptr_null(ps__pickled_get(v, "b"));
}
END_TEST

static void expect(const ps__buf *b, const char *complaint) {
    ps__pickle *p;
    ps__pickled *root;
    ps__error err = {0};
    uint8_t *copy = malloc(b->length + 1); /* ends where its memory ends */
    memcpy(copy, b->bytes, b->length);
    copy = realloc(copy, b->length ? b->length : 1);
    int status = ps__pickle_read(&p, &root, "the file", copy, b->length, &err);
    free(copy);
    ck_assert_msg(status == PS__MODEL, "%s: status %d", complaint, status);
    ck_assert_ptr_null(p);
    ck_assert_msg(strstr(err.text, complaint) != NULL && strncmp(err.text, "the file: ", 10) == 0, "\"%s\" does not say \"%s\"",
                  err.text, complaint);
}

#define BAD(bytes, complaint)                                                                                                    \
    { bytes, sizeof(bytes) - 1, complaint }

static const struct {
    const char *bytes;
    size_t size;
    const char *complaint;
} bad[] = {
    BAD("", "not a pickle"),
    BAD("\x80", "not a pickle"),
    BAD("K\1.", "not a pickle"),
    BAD("\x80\1K\1.", "protocol 1"),
    BAD("\x80\6K\1.", "protocol 6"),
    BAD("\x80\2", "ends too early"),
    BAD("\x80\2K", "ends too early"),
    BAD("\x80\2K\1", "ends too early"),
    BAD("\x80\2.", "missing on its stack"),
    BAD("\x80\2(K\1.", "open mark"),
    /* Cycles. */
    BAD("\x80\2]q\0h\0a.", "refers to itself"),
    BAD("\x80\2}q\0U\1ah\0s.", "refers to itself"),
    BAD("\x80\2]q\0h\0\x85"
        "a.",
        "refers to itself"),
    BAD("\x80\2cx\ny\n)\x81q\0}U\1ah\0sb.", "refers to itself"),
    BAD("\x80\2]q\0cx\ny\nh\0\x85Ra.", "refers to itself"),
    BAD("\x80\2]q\0h\0Qa.", "refers to itself"),
    BAD("\x80\2}q\0h\0\x85K\1s.", "refers to itself"),
    /* Names that no weights need. */
    BAD("\x80\2cposix\nsystem\nU\2id\x85R.", "wants posix.system"),
    BAD("\x80\2cos\nsystem\nU\2id\x85R.", "wants os.system"),
    BAD("\x80\2cos.path\njoin\n.", "wants os.path.join"),
    BAD("\x80\2cnt\nsystem\n.", "wants nt.system"),
    BAD("\x80\4\x8C\6system0\x8C\2os\x8C\6system\x93.", "wants os.system"),
    BAD("\x80\2c__builtin__\neval\nU\1"
        "1\x85R.",
        "wants __builtin__.eval"),
    BAD("\x80\2cbuiltins\nexec\n.", "wants builtins.exec"),
    BAD("\x80\2csubprocess\nPopen\n.", "wants subprocess.Popen"),
    BAD("\x80\2ctorch.hub\nload\n.", "wants torch.hub.load"),
    BAD("\x80\2c\nsystem\n.", "proper name"),
    BAD("\x80\2cos\n\n.", "proper name"),
    BAD("\x80\2co\0s\nsystem\n.", "proper name"),
    BAD("\x80\2c\xFFs\nsystem\n.", "proper name"),
    BAD("\x80\2cos\nsystem", "ends too early"),
    BAD("\x80\2cos", "ends too early"),
    BAD("\x80\4K\1K\1\x93.", "proper name"),
    BAD("\x80\4K\1\x93.", "missing on its stack"),
    /* What no pickler writes. */
    BAD("\x80\2X\1\0\0\0\xFF.", "not UTF-8"),
    BAD("\x80\2\x8C\3\xED\xA0\x80.", "not UTF-8"),
    BAD("\x80\2X\xFF\xFF\xFF\xFFz.", "ends too early"),
    BAD("\x80\4\x8D\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFFz.", "ends too early"),
    BAD("\x80\4\x8E\0\0\0\0\0\0\0\x80z.", "ends too early"),
    BAD("\x80\4\x95\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFFK\1.", "ends too early"),
    BAD("\x80\2\x8B\xFF\xFF\xFF\xFFz.", "ends too early"),
    BAD("\x80\2G\0\0.", "ends too early"),
    BAD("\x80\2h\0.", "never had"),
    BAD("\x80\2K\1q\5h\4.", "never had"),
    BAD("\x80\2j\xFF\xFF\xFF\xFF.", "never had"),
    BAD("\x80\2K\1r\xFF\xFF\xFF\xFF.", "remembers more"),
    BAD("\x80\2q\0.", "missing on its stack"),
    BAD("\x80\2K\1K\1a.", "no container"),
    BAD("\x80\2)K\1a.", "no container"),
    BAD("\x80\2}K\1a.", "no container"),
    BAD("\x80\2]K\1K\1s.", "no container"),
    BAD("\x80\2}(K\1u.", "key without a value"),
    BAD("\x80\2(K\1d.", "key without a value"),
    BAD("\x80\2K\1e.", "a mark is missing"),
    BAD("\x80\2t.", "a mark is missing"),
    BAD("\x80\2"
        "1.",
        "a mark is missing"),
    BAD("\x80\2(e.", "missing on its stack"),
    BAD("\x80\2](a.", "missing on its stack"),
    BAD("\x80\2](K\1a.", "missing on its stack"),
    BAD("\x80\2K\1(\x85.", "missing on its stack"),
    BAD("\x80\2"
        "0.",
        "missing on its stack"),
    BAD("\x80\2"
        "2.",
        "missing on its stack"),
    BAD("\x80\2R.", "missing on its stack"),
    BAD("\x80\2)R.", "missing on its stack"),
    BAD("\x80\2K\1)R.", "calls what is no function"),
    BAD("\x80\2U\6system)R.", "calls what is no function"),
    BAD("\x80\2b.", "missing on its stack"),
    BAD("\x80\2}b.", "missing on its stack"),
    BAD("\x80\2Q.", "missing on its stack"),
    BAD("\x80\2I1\n.", "opcode 0x49"),
    BAD("\x80\2ios\nsystem\n.", "opcode 0x69"),
    BAD("\x80\2(o.", "opcode 0x6F"),
    BAD("\x80\2\x82\1.", "opcode 0x82"),
    BAD("\x80\5\x97.", "opcode 0x97"),
    BAD("\x80\2P0\n.", "opcode 0x50"),
};

START_TEST(bad_pickles_are_refused) {
    ps__buf b = PS__BUF_INIT;
    crafted_bytes(&b, bad[_i].bytes, bad[_i].size);
    expect(&b, bad[_i].complaint);
    ps__buf_free(&b);
}
END_TEST

static const struct {
    const char *piece; /* repeated */
    size_t size, times;
    const char *complaint;
} bombs[] = {
    {"]", 1, 3 << 20, "piles up"},
    {"(", 1, 1 << 20, "open marks"},
    {"]0", 2, 4 << 20, "MB of memory"},
};

START_TEST(bombs_are_refused) {
    ps__buf b = PS__BUF_INIT;
    CRAFTED(&b, "\x80\2");
    for (size_t i = 0; i < bombs[_i].times; i++) crafted_bytes(&b, bombs[_i].piece, bombs[_i].size);
    expect(&b, bombs[_i].complaint);
    ps__buf_free(&b);
}
END_TEST

/* Lists in lists: as deep as may be, and one deeper. */
START_TEST(depth_is_bounded) {
    for (int more = 0; more < 2; more++) {
        ps__buf b = PS__BUF_INIT;
        ps__pickled *root;
        ps__error err;
        CRAFTED(&b, "\x80\2");
        CRAFTED(&b, "]");
        for (int i = 1; i < PS__PICKLE_DEPTH + more; i++) CRAFTED(&b, "\x85");
        CRAFTED(&b, ".");
        ps__pickle_free(pickle);
        pickle = NULL;
        if (more)
            expect(&b, "values deep");
        else
            ck_assert_int_eq(ps__pickle_read(&pickle, &root, "file", (const uint8_t *)b.bytes, b.length, &err), PS__OK);
        ps__pickle_free(pickle);
        pickle = NULL;
        ps__buf_free(&b);
    }
}
END_TEST

/* [A, B], where A is a chain of tuples and B another one that ends in A: neither is too deep until B is counted with what it shares. */
START_TEST(depth_counts_what_is_shared) {
    for (int more = 0; more < 2; more++) {
        ps__buf b = PS__BUF_INIT;
        ps__pickled *root;
        ps__error err;
        CRAFTED(&b, "\x80\2](]");
        for (int i = 1; i < 200; i++) CRAFTED(&b, "\x85");
        CRAFTED(&b, "q\1h\1");
        for (int i = 0; i < PS__PICKLE_DEPTH - 201 + more; i++) CRAFTED(&b, "\x85");
        CRAFTED(&b, "e.");
        ps__pickle_free(pickle);
        pickle = NULL;
        if (more)
            expect(&b, "values deep");
        else
            ck_assert_int_eq(ps__pickle_read(&pickle, &root, "test", (const uint8_t *)b.bytes, b.length, &err), PS__OK);
        ps__buf_free(&b);
    }
}
END_TEST

START_TEST(harm_is_told_by_name) {
    static const char *const harmful[] = {
        "os.system",  "posix.popen",    "os.path.exists", "builtins.eval",           "builtins.__import__", "__builtin__.open",
        "torch.load", "subprocess.run", "sys.exit",       "importlib.import_module", "builtins.compile"};
    static const char *const harmless[] = {"argparse.Namespace",
                                           "collections.OrderedDict",
                                           "builtins.set",
                                           "__builtin__.getattr",
                                           "osmosis.system",
                                           "torch._utils._rebuild_tensor_v2",
                                           "numpy.core.multiarray.scalar",
                                           "my.os.system",
                                           "system.os",
                                           "pathlib.PosixPath",
                                           "__torch__.torch.nn.modules.conv.Conv2d",
                                           "datetime.datetime"};
    for (size_t i = 0; i < sizeof harmful / sizeof *harmful; i++)
        ck_assert_msg(ps__pickle_is_harmful(harmful[i]), "%s", harmful[i]);
    for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++)
        ck_assert_msg(!ps__pickle_is_harmful(harmless[i]), "%s", harmless[i]);
}
END_TEST

static void free_pickle(void) {
    ps__pickle_free(pickle);
    pickle = NULL;
}

Suite *suite_pickle(void);

Suite *suite_pickle(void) {
    Suite *s = suite_create("pickle");
    TCase *t = tcase_create("pickle");
    tcase_add_checked_fixture(t, NULL, free_pickle);
    tcase_add_loop_test(t, whole_numbers_are_read, 0, (int)(sizeof numbers / sizeof *numbers));
    tcase_add_test(t, other_values_are_read);
    tcase_add_loop_test(t, containers_are_read, 0, (int)(sizeof containers / sizeof *containers));
    tcase_add_test(t, calls_stay_records);
    tcase_add_loop_test(t, bad_pickles_are_refused, 0, (int)(sizeof bad / sizeof *bad));
    tcase_add_loop_test(t, bombs_are_refused, 0, (int)(sizeof bombs / sizeof *bombs));
    tcase_add_test(t, depth_is_bounded);
    tcase_add_test(t, depth_counts_what_is_shared);
    tcase_add_test(t, harm_is_told_by_name);
    suite_add_tcase(s, t);
    return s;
}
