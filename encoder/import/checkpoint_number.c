/*
** The kinds of numbers that checkpoints hold, and how each becomes float32.
*/
#include "encoder/import/checkpoint_inside.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/half.h"
#include "base/os.h"

static const ps__number numbers[] = {
    {"F32", "Float", "float32", PS__NUMBER_F32, 4},
    {"F16", "Half", "float16", PS__NUMBER_F16, 2},
    {"BF16", "BFloat16", "bfloat16", PS__NUMBER_BF16, 2},
    {"F64", "Double", "float64", PS__NUMBER_F64, 8},
    {"I64", "Long", "int64", PS__NUMBER_I64, 8},
    {"I32", "Int", "int32", PS__NUMBER_I32, 4},
    {"I16", "Short", "int16", PS__NUMBER_I16, 2},
    {"I8", "Char", "int8", PS__NUMBER_I8, 1},
    {"U64", NULL, "uint64", PS__NUMBER_U64, 8},
    {"U32", NULL, "uint32", PS__NUMBER_U32, 4},
    {"U16", NULL, "uint16", PS__NUMBER_U16, 2},
    {"U8", "Byte", "uint8", PS__NUMBER_U8, 1},
    {"BOOL", "Bool", "bool", PS__NUMBER_BOOL, 1},
    {"F8_E4M3", NULL, "float8_e4m3fn", PS__NUMBER_NONE, 1},
    {"F8_E5M2", NULL, "float8_e5m2", PS__NUMBER_NONE, 1},
    {"F8_E8M0", NULL, "float8_e8m0fnu", PS__NUMBER_NONE, 1},
    {"F8_E4M3FNUZ", NULL, "float8_e4m3fnuz", PS__NUMBER_NONE, 1},
    {"F8_E5M2FNUZ", NULL, "float8_e5m2fnuz", PS__NUMBER_NONE, 1},
    {"C64", "ComplexFloat", "complex64", PS__NUMBER_NONE, 8},
    {"C128", "ComplexDouble", "complex128", PS__NUMBER_NONE, 16},
    {"QI8", "QInt8", "qint8", PS__NUMBER_NONE, 1},
    {"QU8", "QUInt8", "quint8", PS__NUMBER_NONE, 1},
    {"QI32", "QInt32", "qint32", PS__NUMBER_NONE, 4},
};

enum { NUMBERS = sizeof numbers / sizeof *numbers };

const ps__number *ps__number_of(const char *name) {
    for (size_t i = 0; i < NUMBERS; i++)
        if (strcmp(numbers[i].name, name) == 0) return &numbers[i];
    return NULL;
}

const ps__number *ps__number_of_storage(const char *storage) {
    for (size_t i = 0; i < NUMBERS; i++) {
        size_t length = numbers[i].torch ? strlen(numbers[i].torch) : 0;
        if (length && strncmp(storage, numbers[i].torch, length) == 0 && strcmp(storage + length, "Storage") == 0)
            return &numbers[i];
    }
    return NULL;
}

const ps__number *ps__number_of_dtype(const char *dtype) {
    for (size_t i = 0; i < NUMBERS; i++)
        if (numbers[i].dtype && strcmp(numbers[i].dtype, dtype) == 0) return &numbers[i];
    return NULL;
}

/* ---- Reading ---- */

/* Integers and doubles: NAN for what float32 does not hold exactly (integers), or at all (doubles). */
static float float_of_signed(int64_t v) {
    float f = (float)v;
    return f < 0x1p63f && (int64_t)f == v ? f : NAN;
}

static float float_of_unsigned(uint64_t v) {
    float f = (float)v;
    return f < 0x1p64f && (uint64_t)f == v ? f : NAN;
}

static float float_of_double(double v) { return fabs(v) <= (double)FLT_MAX ? (float)v : NAN; }

static float float_of_brain(uint16_t v) {
    uint32_t bits = (uint32_t)v << 16;
    float f;
    memcpy(&f, &bits, 4);
    return f;
}

/* n numbers that lie `step` bytes apart, at any alignment. */
#define EACH(type, convert)                                                                                                      \
    for (int64_t i = 0; i < n; i++, p += step) {                                                                                 \
        type v;                                                                                                                  \
        memcpy(&v, p, sizeof v);                                                                                                 \
        out[i] = convert;                                                                                                        \
    }                                                                                                                            \
    break

static void convert_run(float *out, const uint8_t *p, int64_t step, int64_t n, int kind) {
    switch (kind) {
    case PS__NUMBER_F32:
        if (step == 4) {
            memcpy(out, p, (size_t)n * 4);
            break;
        }
        EACH(float, v);
    case PS__NUMBER_F16: EACH(uint16_t, ps__half_to_float(v));
    case PS__NUMBER_BF16: EACH(uint16_t, float_of_brain(v));
    case PS__NUMBER_F64: EACH(double, float_of_double(v));
    case PS__NUMBER_I64: EACH(int64_t, float_of_signed(v));
    case PS__NUMBER_I32: EACH(int32_t, float_of_signed(v));
    case PS__NUMBER_I16: EACH(int16_t, (float)v);
    case PS__NUMBER_I8: EACH(int8_t, (float)v);
    case PS__NUMBER_U64: EACH(uint64_t, float_of_unsigned(v));
    case PS__NUMBER_U32: EACH(uint32_t, float_of_unsigned(v));
    case PS__NUMBER_U16: EACH(uint16_t, (float)v);
    case PS__NUMBER_U8: EACH(uint8_t, (float)v);
    case PS__NUMBER_BOOL: EACH(uint8_t, v != 0 ? 1.0f : 0.0f);
    default: break;
    }
}

static int all_finite(const float *x, int64_t n) {
    uint32_t bad = 0, bits;
    for (int64_t i = 0; i < n; i++) {
        memcpy(&bits, x + i, 4);
        bad |= (bits & 0x7F800000) == 0x7F800000;
    }
    return !bad;
}

/* The longest run of inner dimensions that lie in one even row: entries, and the step between them. *outer: dimensions before it.
** */
static int64_t even_run(int *outer, int64_t *step, const ps__stored *s) {
    int64_t run = 1;
    *step = 1;
    for (*outer = s->weight.rank; *outer > 0; --*outer) {
        int64_t size = s->weight.shape[*outer - 1], stride = s->stride[*outer - 1];
        if (size == 1) continue;
        if (run == 1)
            *step = stride;
        else if (stride != run * *step)
            break;
        run *= size;
    }
    return run;
}

/* Entries [first, first + count), which exist, and which share one piece of at most PIECE. */
static void read_piece(float *out, const ps__stored *s, int64_t first, int64_t count) {
    int outer;
    int64_t step, run = even_run(&outer, &step, s), bytes = (int64_t)s->number->bytes;
    while (count) {
        int64_t at = first % run, row = first / run, offset = at * step;
        for (int i = outer - 1; i >= 0; i--) {
            offset += row % s->weight.shape[i] * s->stride[i];
            row /= s->weight.shape[i];
        }
        int64_t n = run - at < count ? run - at : count;
        convert_run(out, s->data + offset * bytes, step * bytes, n, s->number->kind);
        out += n;
        first += n;
        count -= n;
    }
}

/* The tensor's pages go back to the system; the neighbours' at its ends with them, which does no harm. */
static void give_back(const ps__mapped *file, const ps__stored *s) {
    enum { LARGEST_PAGE = 65536 };
    int64_t last = 0;
    for (int i = 0; i < s->weight.rank; i++) last += (s->weight.shape[i] - 1) * s->stride[i];
    size_t from = (size_t)(s->data - file->bytes), to = from + ((size_t)last + 1) * s->number->bytes;
    from -= from % LARGEST_PAGE;
    ps__release_file(file->bytes + from, to - from);
}

int ps__checkpoint_read(float *out, const ps__checkpoint *checkpoint, const ps__weight *weight, int64_t first, int64_t count,
                        ps__error *err) {
    enum { PIECE = 1 << 20 }; /* entries between two times that pages are given back */
    const ps__stored *s = (const ps__stored *)weight;
    const ps__mapped *file = &checkpoint->files[s->file];
    if (first < 0 || count < 0 || first > weight->count || count > weight->count - first)
        return ps__fail(err, PS__INVALID, "%s: tensor %s has %lld entries, asked for %lld from %lld on", file->path, weight->name,
                        (long long)weight->count, (long long)count, (long long)first);
    if (s->number->kind == PS__NUMBER_NONE)
        return ps__checkpoint_refuse(file, err, "tensor %s has type %s, which is not read", weight->name, weight->type);
    while (count) {
        int64_t n = count < PIECE ? count : PIECE;
        read_piece(out, s, first, n);
        give_back(file, s);
        if (!all_finite(out, n))
            return ps__checkpoint_refuse(file, err, "tensor %s holds a value that is not a finite float32 number", weight->name);
        out += n;
        first += n;
        count -= n;
    }
    return PS__OK;
}
