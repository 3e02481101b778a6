/*
** JSON piece by piece; see json_stream.h.
*/
#include "encoder/import/json_stream.h"

#include <string.h>

#include "base/utf8.h"

#define TREE_MOST ((size_t)8 << 20)
#define DEPTH_MOST 64

void ps__json_start(ps__json_stream *s, const char *bytes, size_t size, const char *path, ps__error *err) {
    *s = (ps__json_stream){.bytes = bytes, .size = size, .path = path, .text = PS__BUF_INIT, .err = err};
    if (size >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0) s->at = 3;
}

void ps__json_clear(ps__json_stream *s) { ps__buf_free(&s->text); }

int ps__json_fail(ps__json_stream *s, const char *what) {
    if (!s->failed) s->failed = ps__fail(s->err, PS__MODEL, "%s: %s (byte %zu)", s->path, what, s->at);
    return s->failed;
}

static int bad(ps__json_stream *s, const char *what) {
    ps__json_fail(s, what);
    return PS__JSON_BAD;
}

/* The first byte that is no white space, not taken; 0 at the end. */
static int peek(ps__json_stream *s) {
    while (s->at < s->size && strchr(" \t\r\n", s->bytes[s->at]) && s->bytes[s->at]) s->at++;
    return s->at < s->size ? (unsigned char)s->bytes[s->at] : 0;
}

static int four_digits(ps__json_stream *s, uint32_t *code) {
    *code = 0;
    for (int i = 0; i < 4; i++) {
        int c = s->at < s->size ? s->bytes[s->at++] : 0;
        const char *digits = "0123456789abcdef", *found = c ? strchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c) : NULL;
        if (!found) return -1;
        *code = *code * 16 + (uint32_t)(found - digits);
    }
    return 0;
}

/* What stands behind a backslash. */
static int read_escape(ps__json_stream *s) {
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    uint32_t code, low;
    int c = s->at < s->size ? s->bytes[s->at++] : 0;
    const char *found = c ? strchr(names, c) : NULL;
    if (found) {
        ps__buf_putc(&s->text, values[found - names]);
        return 0;
    }
    if (c != 'u' || four_digits(s, &code)) return -1;
    if (code >= 0xD800 && code < 0xDC00) { /* the first of a pair */
        if (s->size - s->at < 2 || memcmp(s->bytes + s->at, "\\u", 2) != 0) return -1;
        s->at += 2;
        if (four_digits(s, &low) || low < 0xDC00 || low > 0xDFFF) return -1;
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    } else if (code >= 0xDC00 && code < 0xE000) {
        return -1;
    }
    ps__utf8_append(&s->text, code);
    return 0;
}

/* From behind the opening quote to behind the closing one. */
static int read_string(ps__json_stream *s) {
    ps__buf_clear(&s->text);
    for (;;) {
        size_t from = s->at;
        while (s->at < s->size && s->bytes[s->at] != '"' && s->bytes[s->at] != '\\' && (unsigned char)s->bytes[s->at] >= ' ')
            s->at++;
        ps__buf_append(&s->text, s->bytes + from, s->at - from);
        if (s->at >= s->size) return bad(s, "ends within a string");
        char c = s->bytes[s->at++];
        if (c == '"') break;
        if (c != '\\' || read_escape(s)) return bad(s, "holds a string that is not JSON's");
    }
    if (s->text.failed) {
        s->failed = ps__fail_nomem(s->err);
        return PS__JSON_BAD;
    }
    if (!ps__utf8_valid(s->text.bytes, s->text.length)) return bad(s, "holds a string that is not UTF-8");
    return PS__JSON_STRING;
}

/* By the library, which reads a decimal point whatever the locale of the program that we are a part of. */
static int read_number(ps__json_stream *s) {
    enum { LONGEST = 63 }; /* characters */
    json_error_t why;
    size_t from = s->at;
    while (s->at < s->size && s->bytes[s->at] && strchr("+-.0123456789eE", s->bytes[s->at])) s->at++;
    size_t length = s->at - from;
    json_t *number =
        length > LONGEST ? NULL : json_loadb(s->bytes + from, length, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, &why);
    s->number = json_real_value(number);
    json_decref(number);
    return number ? PS__JSON_NUMBER : bad(s, "holds a number that is not JSON's");
}

int ps__json_whole(int64_t *out, const ps__json_stream *s) {
    *out = 0;
    if (!(s->number > -1e9 && s->number < 1e9)) return 0;
    *out = (int64_t)s->number;
    return (double)*out == s->number;
}

static int read_word(ps__json_stream *s) {
    static const struct {
        const char *word;
        int type;
    } words[] = {{"true", PS__JSON_TRUE}, {"false", PS__JSON_FALSE}, {"null", PS__JSON_NULL}};
    for (size_t i = 0; i < 3; i++) {
        size_t length = strlen(words[i].word);
        if (s->size - s->at < length || memcmp(s->bytes + s->at, words[i].word, length) != 0) continue;
        s->at += length;
        return words[i].type;
    }
    return bad(s, "is not JSON");
}

int ps__json_next(ps__json_stream *s) {
    if (s->failed) return PS__JSON_BAD;
    int c = peek(s);
    if (c == ',') { /* between two values; a stray one is not worth refusing */
        s->at++;
        c = peek(s);
    }
    if (!c) return s->at < s->size ? bad(s, "is not JSON") : PS__JSON_END;
    if (c == '-' || (c >= '0' && c <= '9')) return read_number(s);
    if (c != '"' && c != '{' && c != '[' && c != '}' && c != ']') return read_word(s);
    s->at++;
    return c == '"' ? read_string(s) : c == '{' ? PS__JSON_OBJECT : c == '[' ? PS__JSON_ARRAY : PS__JSON_CLOSE;
}

int ps__json_key(ps__json_stream *s) {
    int type = ps__json_next(s);
    if (type == PS__JSON_CLOSE || type == PS__JSON_BAD) return 0;
    if (type != PS__JSON_STRING) {
        bad(s, "holds an object without a key");
        return 0;
    }
    if (peek(s) != ':') {
        bad(s, "holds a key without a value");
        return 0;
    }
    s->at++;
    return 1;
}

void ps__json_skip(ps__json_stream *s) {
    int depth = 0;
    do {
        int type = ps__json_next(s);
        if (type == PS__JSON_BAD) return;
        if (type == PS__JSON_END) {
            bad(s, "ends within a value");
            return;
        }
        if (type == PS__JSON_OBJECT || type == PS__JSON_ARRAY) depth++;
        if (type == PS__JSON_CLOSE) depth--;
        if (depth > DEPTH_MOST) {
            bad(s, "is nested too deeply");
            return;
        }
        if (depth && peek(s) == ':') s->at++; /* what came was a key */
    } while (depth > 0);
    if (depth < 0) bad(s, "is not JSON");
}

json_t *ps__json_tree(ps__json_stream *s) {
    json_error_t why;
    peek(s);
    size_t from = s->at;
    ps__json_skip(s);
    if (s->failed) return NULL;
    if (s->at - from > TREE_MOST) {
        ps__json_fail(s, "holds a value that is too large");
        return NULL;
    }
    json_t *tree = json_loadb(s->bytes + from, s->at - from, JSON_DECODE_ANY, &why);
    if (!tree) ps__json_fail(s, why.text);
    return tree;
}
