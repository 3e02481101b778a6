/*
** Languages of text towers; see language.h. train/language.py trains the weights and has the same score in Python.
*/
#include "encoder/language.h"

#include <math.h>
#include <string.h>
#include <utf8proc.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/utf8.h"
#include "encoder/package/package.h"

#define CODES_MOST 200     /* codes in a list: it is shown to people */
#define BUCKETS_LEAST 1024 /* of the classifier's weights */
#define BUCKETS_MOST 65536
#define RUN_MOST 4            /* characters of an n-gram */
#define FNV_START 2166136261u /* FNV-1a, 32 bits */
#define FNV_PRIME 16777619u

/* ---- Codes ---- */

/* Two lower-case letters a code, one space between two codes. */
static int are_codes(const char *list) {
    size_t length = strlen(list);
    for (size_t i = 0; i < length; i++)
        if (i % 3 == 2 ? list[i] != ' ' : list[i] < 'a' || list[i] > 'z') return 0;
    return length % 3 == 2 && length < CODES_MOST * 3;
}

int ps__languages_read(char **out, const ps__package *package, ps__error *err) {
    json_t *config = NULL;
    *out = NULL;
    if (ps__package_meta(package, "text.family")) {
        int status = ps__package_config(&config, package, "text.config", err);
        if (status) return status;
    }
    const json_t *value = json_object_get(config, "languages");
    const char *codes = value ? json_string_value(value) : config ? "en" : "";
    int good = !value || (codes && are_codes(codes));
    if (good) *out = ps__strdup(codes);
    json_decref(config);
    if (!good)
        return ps__fail(err, PS__MODEL, "%s: text.config: \"languages\" is not a list of codes of two letters",
                        ps__package_path(package));
    return *out ? PS__OK : ps__fail_nomem(err);
}

int ps__languages_have(const char *languages, const char *code) {
    size_t length = strlen(code);
    for (const char *p = languages; length && (p = strstr(p, code)) != NULL; p += length)
        if ((p == languages || p[-1] == ' ') && (p[length] == 0 || p[length] == ' ')) return 1;
    return 0;
}

int ps__language_code(char code[PS__LANGUAGE_CODE], const char *tag) {
    size_t length = strcspn(tag, "-_");
    code[0] = 0;
    if (length == 0 || length >= PS__LANGUAGE_CODE) return 0;
    for (size_t i = 0; i < length; i++) {
        char c = tag[i];
        if (c >= 'A' && c <= 'Z') c = (char)(c - 'A' + 'a');
        if (c < 'a' || c > 'z') {
            code[0] = 0;
            return 0;
        }
        code[i] = c;
    }
    code[length] = 0;
    return 1;
}

/* ---- Scripts ---- */

static int is_letter(utf8proc_category_t category) {
    return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO;
}

/* Letters of the Latin script, and those that all scripts share: ordinals, modifiers, letterlike and mathematical signs
** (Unicode 15, Scripts.txt, rounded to blocks). */
static int is_latin(uint32_t c) {
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        {0x41, 0x5A},     {0x61, 0x7A},     {0xAA, 0x2FF},      {0x1D00, 0x1DBF}, {0x1E00, 0x1EFF},
        {0x2071, 0x209C}, {0x2100, 0x218F}, {0x2C60, 0x2C7F},   {0xA720, 0xA7FF}, {0xAB30, 0xAB6F},
        {0xFB00, 0xFB06}, {0xFF21, 0xFF5A}, {0x1D400, 0x1D7FF},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (c >= ranges[i].first && c <= ranges[i].last) return 1;
    return 0;
}

int ps__has_other_script(const char *text, size_t length) {
    for (size_t i = 0; i < length && i < PS__LANGUAGE_BYTES;) {
        uint32_t c;
        i += ps__utf8_decode(&c, text + i, length - i);
        if (is_letter(utf8proc_category((utf8proc_int32_t)c)) && !is_latin(c)) return 1;
    }
    return 0;
}

/* ---- English or not ---- */

static int read_numbers(ps__english *out, const ps__package *package, ps__error *err) {
    json_t *config;
    int status = ps__package_config(&config, package, "text.config", err);
    if (status) return status;
    const json_t *scale = json_object_get(config, "english_scale"), *bias = json_object_get(config, "english_bias");
    int good = json_is_number(scale) && json_is_number(bias);
    out->scale = json_number_value(scale);
    out->bias = json_number_value(bias);
    json_decref(config);
    if (good && isfinite(out->scale) && isfinite(out->bias)) return PS__OK;
    return ps__fail(err, PS__MODEL, "%s: text.config has no numbers \"english_scale\" and \"english_bias\"",
                    ps__package_path(package));
}

int ps__english_read(ps__english *out, const ps__package *package, ps__error *err) {
    static const int64_t any[1] = {-1};
    static const char name[] = "text.english.weight";
    const ps__tensor *weight;
    ps__english found = {0};
    *out = found;
    if (!ps__package_find(package, name)) return PS__OK;
    int status = ps__package_need(&weight, package, PS__I8, 1, any, err, "%s", name);
    if (!status) status = read_numbers(&found, package, err);
    if (status) return status;
    if (weight->count < BUCKETS_LEAST || weight->count > BUCKETS_MOST || (weight->count & (weight->count - 1)))
        return ps__fail(err, PS__MODEL, "%s: tensor %s has not a power of two from %d to %d of buckets",
                        ps__package_path(package), name, BUCKETS_LEAST, BUCKETS_MOST);
    found.weight = weight->data;
    found.mask = (uint32_t)weight->count - 1;
    *out = found;
    return PS__OK;
}

/* *codes: int32 [*count] code points of the text's beginning, in NFC and lower case; the caller frees them. */
static int normalise(utf8proc_int32_t **codes, size_t *count, const char *text, size_t length, ps__error *err) {
    const utf8proc_option_t nfc = UTF8PROC_STABLE | UTF8PROC_COMPOSE;
    ps__buf valid = PS__BUF_INIT;
    for (size_t i = 0; i < length && i < PS__LANGUAGE_BYTES;) {
        uint32_t c;
        i += ps__utf8_decode(&c, text + i, length - i);
        ps__utf8_append(&valid, c == 0x2019 ? '\'' : c); /* phones write don’t */
    }
    const utf8proc_uint8_t *bytes = (const utf8proc_uint8_t *)valid.bytes;
    utf8proc_ssize_t size = (utf8proc_ssize_t)valid.length, n = utf8proc_decompose(bytes, size, NULL, 0, nfc);
    *count = 0;
    *codes = n >= 0 && !valid.failed ? ps__array((size_t)n + 1, sizeof **codes) : NULL;
    if (*codes) {
        n = utf8proc_decompose(bytes, size, *codes, n, nfc);
        if (n >= 0) n = utf8proc_normalize_utf32(*codes, n, nfc);
        for (utf8proc_ssize_t i = 0; i < n; i++) (*codes)[i] = utf8proc_tolower((*codes)[i]);
        if (n > 0) *count = (size_t)n;
    }
    ps__buf_free(&valid);
    return *codes ? PS__OK : ps__fail_nomem(err);
}

static int is_word(utf8proc_int32_t c) {
    utf8proc_category_t category = utf8proc_category(c);
    return c == '\'' || is_letter(category) || category == UTF8PROC_CATEGORY_ND ||
           (category >= UTF8PROC_CATEGORY_MN && category <= UTF8PROC_CATEGORY_ME);
}

typedef struct tally { /* one text */
    const ps__english *english;
    int64_t sum;   /* of the weights */
    int64_t count; /* of the n-grams */
} tally;

static uint32_t add_to_hash(uint32_t hash, utf8proc_int32_t c) {
    utf8proc_uint8_t bytes[4];
    utf8proc_ssize_t n = utf8proc_encode_char(c, bytes);
    for (utf8proc_ssize_t i = 0; i < n; i++) hash = (hash ^ bytes[i]) * FNV_PRIME;
    return hash;
}

/* All runs of "^word$" but "^" and "$" alone. */
static void add_word(tally *t, const utf8proc_int32_t *word, size_t length) {
    for (size_t from = 0; from < length + 2; from++) {
        uint32_t hash = FNV_START;
        for (size_t n = 1; n <= RUN_MOST && from + n <= length + 2; n++) {
            size_t at = from + n - 1;
            hash = add_to_hash(hash, at == 0 ? '^' : at > length ? '$' : word[at - 1]);
            if (n == 1 && (at == 0 || at > length)) continue;
            t->sum += t->english->weight[hash & t->english->mask];
            t->count++;
        }
    }
}

int ps__english_score(double *score, const ps__english *english, const char *text, size_t length, ps__error *err) {
    utf8proc_int32_t *codes;
    size_t count, start = 0;
    tally t = {.english = english};
    *score = 0;
    int status = normalise(&codes, &count, text, length, err);
    if (status) return status;
    for (size_t i = 0; i <= count; i++) {
        if (i < count && is_word(codes[i])) continue;
        if (i > start) add_word(&t, codes + start, i - start);
        start = i + 1;
    }
    ps__free(codes);
    if (t.count) *score = english->bias + english->scale * ((double)t.sum / (double)t.count);
    return PS__OK;
}
