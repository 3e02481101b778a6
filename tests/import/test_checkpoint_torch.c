/*
** PyTorch's zip files that were made to hurt, and those that only look like it.
*/
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "encoder/import/checkpoint.h"
#include "tests/import/crafted.h"
#include "tests/suites.h"

static const float data[6] = {1, 2, 3, 4, 5, 6};

/* A checkpoint of these opcodes between PROTO and STOP, with the six numbers as storage "0". Empties the buffer. */
static void write_checkpoint(ps__buf *opcodes) {
    ps__buf pickle = PS__BUF_INIT, file = PS__BUF_INIT;
    CRAFTED(&pickle, "\x80\2");
    crafted_bytes(&pickle, opcodes->bytes, opcodes->length);
    CRAFTED(&pickle, ".");
    crafted_torch(&file, &pickle, data, sizeof data);
    crafted_write(&file);
    ps__buf_free(&pickle);
    ps__buf_free(opcodes);
}

static const crafted_tensor sound = {.entries = 6, .rank = 2, .shape = {2, 3}, .stride = {3, 1}};

/* {"a": tensor} */
static void write_tensor(const crafted_tensor *tensor) {
    ps__buf b = PS__BUF_INIT;
    CRAFTED(&b, "}");
    crafted_text(&b, "a");
    crafted_push_tensor(&b, tensor);
    CRAFTED(&b, "s");
    write_checkpoint(&b);
}

static void expect_values(const char *name, const float *expected, int64_t count) {
    ps__checkpoint *c = crafted_open();
    const ps__weight *w = ps__checkpoint_find(c, name);
    ps__error err;
    float x[16];
    ck_assert_ptr_nonnull(w);
    ck_assert_int_eq(w->count, count);
    ck_assert_int_eq(ps__checkpoint_read(x, c, w, 0, count, &err), PS__OK);
    for (int64_t i = 0; i < count; i++) ck_assert_float_eq(x[i], expected[i]);
    ps__checkpoint_free(c);
}

static const struct {
    crafted_tensor tensor;
    float values[16];
    int64_t count;
} views[] = {
    {{.entries = 6, .rank = 2, .shape = {2, 3}, .stride = {3, 1}}, {1, 2, 3, 4, 5, 6}, 6},
    {{.entries = 6, .rank = 2, .shape = {3, 2}, .stride = {1, 3}}, {1, 4, 2, 5, 3, 6}, 6},
    {{.entries = 6, .offset = 1, .rank = 1, .shape = {3}, .stride = {2}}, {2, 4, 6}, 3},
    {{.entries = 6, .offset = 5, .rank = 0}, {6}, 1},
    {{.entries = 6, .offset = 5, .rank = 3, .shape = {1, 1, 1}, .stride = {9, INT64_MAX, 9}}, {6}, 1},
    {{.entries = 6, .rank = 3, .shape = {2, 2, 3}, .stride = {0, 3, 1}}, {1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6}, 12},
    {{.entries = 6, .rank = 2, .shape = {4, 3}, .stride = {1, 1}}, {1, 2, 3, 2, 3, 4, 3, 4, 5, 4, 5, 6}, 12},
    {{.entries = 6, .rank = 4, .shape = {1, 2, 1, 3}, .stride = {7, 1, 7, 2}}, {1, 3, 5, 2, 4, 6}, 6},
    {{.entries = 6, .offset = 100, .rank = 2, .shape = {0, 3}, .stride = {3, 1}}, {0}, 0},
    {{.entries = 3, .rank = 1, .shape = {3}, .stride = {1}}, {1, 2, 3}, 3},
    {{.entries = 3, .storage = "IntStorage", .rank = 1, .shape = {1}, .stride = {1}}, {0x3F800000}, 1},
};

START_TEST(views_into_storages_are_read) {
    write_tensor(&views[_i].tensor);
    expect_values("a", views[_i].values, views[_i].count);
}
END_TEST

static const struct {
    crafted_tensor tensor;
    const char *complaint;
} bad_tensors[] = {
    {{.entries = 7, .rank = 1, .shape = {6}, .stride = {1}},
     "tensor a has a storage of 7 entries of 4 bytes in x/data/0, which has 24 bytes"},
    {{.entries = INT64_MAX, .rank = 1, .shape = {6}, .stride = {1}}, "which has 24 bytes"},
    {{.entries = -1, .rank = 1, .shape = {6}, .stride = {1}}, "not described"},
    {{.entries = 6, .rank = 1, .shape = {7}, .stride = {1}}, "tensor a lies outside of its storage"},
    {{.entries = 5, .rank = 1, .shape = {6}, .stride = {1}}, "tensor a lies outside of its storage of 5"},
    {{.entries = 6, .offset = 1, .rank = 1, .shape = {6}, .stride = {1}}, "outside of its storage"},
    {{.entries = 6, .offset = 6, .rank = 0}, "outside of its storage"},
    {{.entries = 6, .offset = INT64_MAX, .rank = 1, .shape = {6}, .stride = {1}}, "outside of its storage"},
    {{.entries = 6, .offset = INT64_MIN, .rank = 1, .shape = {6}, .stride = {1}}, "no proper offset"},
    {{.entries = 6, .offset = -1, .rank = 1, .shape = {6}, .stride = {1}}, "no proper offset"},
    {{.entries = 6, .rank = 1, .shape = {3}, .stride = {3}}, "outside of its storage"},
    {{.entries = 6, .rank = 1, .shape = {2}, .stride = {INT64_MAX}}, "outside of its storage"},
    {{.entries = 6, .rank = 2, .shape = {3, 3}, .stride = {INT64_MAX, INT64_MAX}}, "outside of its storage"},
    {{.entries = 6, .rank = 1, .shape = {2}, .stride = {-1}}, "no proper sizes and strides"},
    {{.entries = 6, .rank = 1, .shape = {-2}, .stride = {1}}, "impossible shape"},
    {{.entries = 6, .rank = 1, .shape = {INT64_MAX}, .stride = {0}}, "impossible shape"},
    {{.entries = 6, .rank = 2, .shape = {(int64_t)1 << 32, (int64_t)1 << 32}, .stride = {0, 0}}, "impossible shape"},
    {{.entries = 6, .rank = 2, .shape = {40, 40}, .stride = {0, 0}},
     "impossible shape"}, /* more entries than the file has bytes */
    {{.entries = 6, .rank = 7, .shape = {1, 1, 1, 1, 1, 1, 1}, .stride = {1, 1, 1, 1, 1, 1, 1}}, "7 dimensions"},
    {{.entries = 6, .key = "1", .rank = 1, .shape = {6}, .stride = {1}}, "x/data/1, which is missing"},
    {{.entries = 6, .key = "../data.pkl", .rank = 1, .shape = {6}, .stride = {1}}, "which is missing"},
    {{.entries = 6, .storage = "WrongStorage", .rank = 1, .shape = {6}, .stride = {1}},
     "class torch.WrongStorage, which is not read"},
    {{.entries = 6, .storage = "Float", .rank = 1, .shape = {6}, .stride = {1}}, "class torch.Float, which is not read"},
    {{.entries = 6, .storage = "FloatStorage2", .rank = 1, .shape = {6}, .stride = {1}}, "not read"},
    {{.entries = 6, .storage = "DoubleStorage", .rank = 1, .shape = {3}, .stride = {1}}, "6 entries of 8 bytes"},
};

START_TEST(bad_tensors_are_refused) {
    write_tensor(&bad_tensors[_i].tensor);
    crafted_expect_refusal(bad_tensors[_i].complaint);
}
END_TEST

/* Opcodes in which @ stands for a sound tensor. */
static void write_script(const char *opcodes, size_t size) {
    ps__buf b = PS__BUF_INIT;
    for (size_t i = 0; i < size; i++)
        if (opcodes[i] == '@')
            crafted_push_tensor(&b, &sound);
        else
            ps__buf_putc(&b, opcodes[i]);
    write_checkpoint(&b);
}

#define SCRIPT(bytes, text)                                                                                                      \
    { bytes, sizeof(bytes) - 1, text }

static const struct {
    const char *opcodes;
    size_t size;
    const char *name; /* of the tensor that is found, or a part of the complaint */
} fine[] = {
    SCRIPT("}U\1a@s", "a"),
    /* Beside the weights anything may stand, known or not, as long as it is not harmful. */
    SCRIPT("}(U\1a@U\4argscargparse\nNamespace\n)\x81}U\2lrK\1sbu", "a"),
    SCRIPT("}(U\1a@U\1xcunheard.of\nThing\nK\1\x85RU\1yNU\1zG\x7F\xF8\0\0\0\0\0\0u", "a"),
    SCRIPT("}(U\1a@K\5@)K\1u", "a"),
    SCRIPT("}(U\1a@K\5@)K\1u", "5"),
    SCRIPT("}(U\nstate_dict}U\1a@sU\tbookmarks]K\1aU\1b@u", "a"),
    SCRIPT("}U\5model}U\20model_state_dict}U\1a@sss", "a"),
    SCRIPT("}(U\5modelU\3ViTU\nstate_dict}U\1a@su", "a"),
    SCRIPT("}(U\5model@U\5other@u", "other"),
    SCRIPT("}U\6module}U\10module.a@ss", "a"),
    SCRIPT("ccollections\nOrderedDict\n)R(U\1a@U\1b@u}U\t_metadata}sb", "b"),
    SCRIPT("ccollections\ndefaultdict\nccollections\nOrderedDict\n\x85R(U\1a@u", "a"),
    SCRIPT("}U\1actorch._utils\n_rebuild_parameter\n(@\x88}tRs", "a"),
    SCRIPT("}U\1actorch._utils\n_rebuild_parameter\n(ctorch._utils\n_rebuild_parameter\n(@\x88}tR\x88}tRs", "a"),
    SCRIPT("}U\1a}U\1b@ss", "a.b"),
    SCRIPT("}U\1a](@@es", "a.1"),
    SCRIPT("c__torch__\nM\n)\x81}(U\1a@U\5modelc__torch__.x\nN\n)\x81}U\1w@sbub", "model.w"),
    SCRIPT("c__torch__\nM\n)\x81}U\1actorch.jit._pickle\nbuild_tensorlist\n](@@e\x85Rsb", "a.1"),
    SCRIPT(
        "cmine\nNet\n)\x81}(U\13_parameters}U\1a@sU\10_buffers}U\1b@sU\10_modules}U\1ccmine\nNet\n)\x81}(U\13_parameters}U\1d@s"
        "U\10_modules}ubsU\6hidden}U\1e@sub",
        "c.d"),
};

START_TEST(harmless_checkpoints_are_read) {
    write_script(fine[_i].opcodes, fine[_i].size);
    expect_values(fine[_i].name, data, 6);
}
END_TEST

static const struct {
    const char *opcodes;
    size_t size;
    const char *complaint;
} bad_scripts[] = {
    SCRIPT("}(U\1a@U\1bcposix\nsystem\nU\16touch /tmp/bad\x85Ru", "posix.system"),
    SCRIPT("}U\1acposix\nsystem\nU\2id\x85Rs", "posix.system"),
    SCRIPT("}U\nstate_dictcos\nsystem\nU\2id\x85Rs", "os.system"),
    SCRIPT("}U\nstate_dictcevil\nmake\n)Rs", "its \"state_dict\" is evil.make"),
    SCRIPT("}U\5modelcevil\nmake\ns", "its \"model\" is evil.make"),
    SCRIPT("cevil\nmake\n)R", "holds evil.make"),
    SCRIPT("cevil\nmake\n", "holds evil.make"),
    SCRIPT("K\1", "holds a number"),
    SCRIPT("U\1a", "holds a string"),
    SCRIPT("N", "holds None"),
    SCRIPT("@", "single tensor without a name"),
    SCRIPT("}", "holds no tensors"),
    SCRIPT("}(U\1aK\1U\1bcx\ny\n)Ru", "holds no tensors"),
    SCRIPT("}q\0(U\1a@U\4selfh\0u", "refers to itself"),
    SCRIPT("}(U\1a@U\1a@u", "tensor a is there twice"),
    SCRIPT("}(U\3a.b@U\1a}U\1b@su", "tensor a.b is there twice"),
    SCRIPT("}U\0@s", "no text"),
    SCRIPT("}U\2a\n@s", "no text"),
    SCRIPT("}U\1actorch._utils\n_rebuild_tensor_v2\n(cevil\nmake\n)RK\0))\x89}tRs",
           "tensor a has evil.make where its storage should be"),
    SCRIPT("}U\1actorch._utils\n_rebuild_tensor_v2\n(cevil\nmake\nK\0))\x89}tRs",
           "tensor a has evil.make where its storage should be"),
    SCRIPT("}U\1actorch._utils\n_rebuild_tensor_v2\n(NK\0))\x89}tRs", "tensor a has None where"),
    SCRIPT("}U\1actorch._utils\n_rebuild_tensor_v2\n(@K\0))\x89}tRs", "where its storage should be"),
    SCRIPT("}U\1actorch._utils\n_rebuild_tensor_v2\n(U\1aQK\0))\x89}tRs", "not described as torch does"),
    SCRIPT("}U\1actorch._utils\n_rebuild_tensor_v2\n((U\7storagecevil\nStorage\nU\1"
           "0U\3cpuK\6tQK\0))\x89}tRs",
           "class evil.Storage"),
    SCRIPT("}U\1actorch._utils\n_rebuild_tensor_v2\n((U\7storageK\1U\1"
           "0U\3cpuK\6tQK\0))\x89}tRs",
           "class a number"),
    SCRIPT("}U\1actorch._utils\n_rebuild_tensor_v2\n((U\7storagectorch\nFloatStorage\nU\1"
           "0U\3cpuK\6tQ))\x89}tRs",
           "no proper offset"),
    SCRIPT("}U\1actorch._utils\n_rebuild_tensor_v2\n((U\7storagectorch\nFloatStorage\nU\1"
           "0U\3cpuK\6tQK\0)K\1\x85\x89}tRs",
           "no proper offset"),
    SCRIPT("}U\1actorch._utils\n_rebuild_tensor_v2\n((U\7storagectorch\nFloatStorage\nU\1"
           "0U\3cpuK\6tQK\0U\1a\x85K\1\x85\x89}tRs",
           "sizes"),
    SCRIPT("}U\1actorch._utils\n_rebuild_tensor_v2\n)Rs", "without a storage"),
    SCRIPT("}U\1actorch._utils\n_rebuild_tensor_v2\nK\1Rs", "without a storage"),
    SCRIPT("}U\1actorch._utils\n_rebuild_sparse_tensor\n)Rs", "tensor a is made by torch._utils._rebuild_sparse_tensor"),
    SCRIPT("}U\1actorch._utils\n_rebuild_parameter\n)Rs", "tensor a is made by torch._utils._rebuild_parameter"),
};

START_TEST(bad_checkpoints_are_refused) {
    write_script(bad_scripts[_i].opcodes, bad_scripts[_i].size);
    crafted_expect_refusal(bad_scripts[_i].complaint);
}
END_TEST

/* Thirty dicts, each of which holds the one before twice: small to write, endless to walk. */
START_TEST(shared_containers_are_walked_with_a_bound) {
    ps__buf b = PS__BUF_INIT;
    CRAFTED(&b, "}q\0");
    for (int i = 0; i < 30; i++) {
        CRAFTED(&b, "0}(U\1ah");
        ps__buf_putc(&b, (char)i);
        CRAFTED(&b, "U\1bh");
        ps__buf_putc(&b, (char)i);
        CRAFTED(&b, "uq");
        ps__buf_putc(&b, (char)(i + 1));
    }
    write_checkpoint(&b);
    crafted_expect_refusal("without end");
}
END_TEST

/* A wide container in a list many times over: what is looked at in each counts, even where nothing in it can have a name. */
static void write_wide(const char *before, const char *entry, size_t size, const char *after) {
    ps__buf b = PS__BUF_INIT;
    CRAFTED(&b, "U\1aq\1"
                "0");
    crafted_bytes(&b, before, strlen(before));
    for (int i = 0; i < 40000; i++) crafted_bytes(&b, entry, size);
    crafted_bytes(&b, after, strlen(after));
    CRAFTED(&b, "q\0"
                "0](");
    for (int i = 0; i < 40000; i++) CRAFTED(&b, "h\0");
    CRAFTED(&b, "e");
    write_checkpoint(&b);
}

START_TEST(wide_containers_that_are_shared_are_walked_with_a_bound) {
    write_wide("}(", "NN", 2, "u"); /* keys that are no names */
    crafted_expect_refusal("without end");
    write_wide("ccollections\nOrderedDict\n)R}(U\x08_modules}", "h\1N", 3, "ub"); /* a module that lacks what is looked for */
    crafted_expect_refusal("without end");
}
END_TEST

/* The same with a tensor within: refused for their number. */
START_TEST(shared_tensors_are_counted) {
    ps__buf b = PS__BUF_INIT;
    CRAFTED(&b, "}U\1t");
    crafted_push_tensor(&b, &sound);
    CRAFTED(&b, "sq\0");
    for (int i = 0; i < 30; i++) {
        CRAFTED(&b, "0}(U\1ah");
        ps__buf_putc(&b, (char)i);
        CRAFTED(&b, "U\1bh");
        ps__buf_putc(&b, (char)i);
        CRAFTED(&b, "uq");
        ps__buf_putc(&b, (char)(i + 1));
    }
    write_checkpoint(&b);
    crafted_expect_refusal("more than 65536 tensors");
}
END_TEST

/* ---- Archives ---- */

static const char pickle[] = "\x80\2}.";

static const struct {
    crafted_entry entries[3];
    const char *complaint;
} bad_archives[] = {
    {{{.name = "x/data.pkl", .data = pickle, .size = 4, .method = 8, .unpacked = 4000000000u},
      {.name = "x/a", .data = ""},
      {.name = "x/b", .data = ""}},
     "x/data.pkl is compressed"},
    {{{.name = "x/data.pkl", .data = pickle, .size = 4, .wrong_crc = 1},
      {.name = "x/a", .data = ""},
      {.name = "x/b", .data = ""}},
     "checksum is wrong"},
    {{{.name = "x/data.pkl", .data = pickle, .size = 4},
      {.name = "y/data.pkl", .data = pickle, .size = 4},
      {.name = "x/b", .data = ""}},
     "two data.pkl"},
    {{{.name = "data.pkl", .data = pickle, .size = 4},
      {.name = "x/y/data.pkl", .data = pickle, .size = 4},
      {.name = "x/b", .data = ""}},
     "without a data.pkl"},
    {{{.name = "x/data.pkl", .data = pickle, .size = 4},
      {.name = "x/byteorder", .data = "big", .size = 3},
      {.name = "x/b", .data = ""}},
     "big-endian"},
    {{{.name = "x/data.pkl", .data = pickle, .size = 4},
      {.name = "x/byteorder", .data = "big", .size = 3, .method = 8},
      {.name = "x/b", .data = ""}},
     "compressed"},
    {{{.name = "x/data.pkl", .data = pickle, .size = 4},
      {.name = "x/a", .data = "", .size = 0},
      {.name = "x/data.pkl", .data = pickle, .size = 4}},
     "x/data.pkl is there twice"},
    {{{.name = "x/data.pkl", .data = pickle, .size = 4}, {.name = "x/a", .data = ""}, {.name = "x/b", .data = ""}},
     "holds no tensors"},
    {{{.name = "x/data.pkl", .data = pickle, .size = 0}, {.name = "x/a", .data = ""}, {.name = "x/b", .data = ""}},
     "not a pickle"},
};

START_TEST(bad_archives_are_refused) {
    ps__buf b = PS__BUF_INIT;
    crafted_zip(&b, bad_archives[_i].entries, 3, 1);
    crafted_write(&b);
    crafted_expect_refusal(bad_archives[_i].complaint);
}
END_TEST

/* A storage that is compressed, and so a bomb perhaps, is not unpacked; one that no tensor needs does not matter. */
START_TEST(compressed_storages_are_refused) {
    for (int needed = 0; needed < 2; needed++) {
        ps__buf p = PS__BUF_INIT, b = PS__BUF_INIT;
        crafted_tensor tensor = sound;
        tensor.key = needed ? "1" : "0";
        CRAFTED(&p, "\x80\2}U\1a");
        crafted_push_tensor(&p, &tensor);
        CRAFTED(&p, "s.");
        const crafted_entry entries[] = {
            {.name = "x/data.pkl", .data = p.bytes, .size = p.length},
            {.name = "x/data/0", .data = data, .size = sizeof data},
            {.name = "x/data/1", .data = data, .size = sizeof data, .method = 8, .unpacked = 4000000000u},
        };
        crafted_zip(&b, entries, 3, 0);
        crafted_write(&b);
        if (needed)
            crafted_expect_refusal("x/data/1 is compressed");
        else
            expect_values("a", data, 6);
        ps__buf_free(&p);
    }
}
END_TEST

START_TEST(nan_in_a_view_is_named) {
    ps__buf p = PS__BUF_INIT, b = PS__BUF_INIT;
    float with_nan[6] = {1, 2, NAN, 4, 5, 6}, x[6];
    ps__error err;
    CRAFTED(&p, "\x80\2}U\1a");
    crafted_push_tensor(&p, &sound);
    CRAFTED(&p, "s.");
    crafted_torch(&b, &p, with_nan, sizeof with_nan);
    crafted_write(&b);
    ps__checkpoint *c = crafted_open();
    ck_assert_int_eq(ps__checkpoint_read(x, c, ps__checkpoint_find(c, "a"), 3, 3, &err), PS__OK);
    ck_assert_int_eq(ps__checkpoint_read(x, c, ps__checkpoint_find(c, "a"), 0, 3, &err), PS__MODEL);
    ck_assert_ptr_nonnull(strstr(err.text, "tensor a holds a value that is not a finite"));
    ps__checkpoint_free(c);
    ps__buf_free(&p);
}
END_TEST

Suite *suite_checkpoint_torch(void);

Suite *suite_checkpoint_torch(void) {
    Suite *s = suite_create("checkpoint_torch");
    TCase *t = tcase_create("checkpoint_torch");
    tcase_add_checked_fixture(t, crafted_make_path, crafted_remove_path);
    tcase_add_loop_test(t, views_into_storages_are_read, 0, (int)(sizeof views / sizeof *views));
    tcase_add_loop_test(t, bad_tensors_are_refused, 0, (int)(sizeof bad_tensors / sizeof *bad_tensors));
    tcase_add_loop_test(t, harmless_checkpoints_are_read, 0, (int)(sizeof fine / sizeof *fine));
    tcase_add_loop_test(t, bad_checkpoints_are_refused, 0, (int)(sizeof bad_scripts / sizeof *bad_scripts));
    tcase_add_test(t, shared_containers_are_walked_with_a_bound);
    tcase_add_test(t, wide_containers_that_are_shared_are_walked_with_a_bound);
    tcase_add_test(t, shared_tensors_are_counted);
    tcase_add_loop_test(t, bad_archives_are_refused, 0, (int)(sizeof bad_archives / sizeof *bad_archives));
    tcase_add_test(t, compressed_storages_are_refused);
    tcase_add_test(t, nan_in_a_view_is_named);
    suite_add_tcase(s, t);
    return s;
}
