/*
** UTF-8 decoding that never trusts its input.
*/
#include "base/utf8.h"

static int continuation(char c) { return ((uint8_t)c & 0xC0) == 0x80; }

size_t ps__utf8_decode(uint32_t *code, const char *s, size_t length) {
    uint8_t first = (uint8_t)s[0];
    *code = 0xFFFD;
    if (first < 0x80) {
        *code = first;
        return 1;
    }
    if (first >= 0xC2 && first <= 0xDF && length >= 2 && continuation(s[1])) {
        *code = (uint32_t)(first & 0x1F) << 6 | ((uint8_t)s[1] & 0x3F);
        return 2;
    }
    if (first >= 0xE0 && first <= 0xEF && length >= 3 && continuation(s[1]) && continuation(s[2])) {
        uint32_t value = (uint32_t)(first & 0x0F) << 12 | (uint32_t)((uint8_t)s[1] & 0x3F) << 6 | ((uint8_t)s[2] & 0x3F);
        if (value < 0x800 || (value >= 0xD800 && value <= 0xDFFF)) return 1;
        *code = value;
        return 3;
    }
    if (first >= 0xF0 && first <= 0xF4 && length >= 4 && continuation(s[1]) && continuation(s[2]) && continuation(s[3])) {
        uint32_t value = (uint32_t)(first & 0x07) << 18 | (uint32_t)((uint8_t)s[1] & 0x3F) << 12 |
                         (uint32_t)((uint8_t)s[2] & 0x3F) << 6 | ((uint8_t)s[3] & 0x3F);
        if (value < 0x10000 || value > 0x10FFFF) return 1;
        *code = value;
        return 4;
    }
    return 1;
}

size_t ps__utf8_encode(char out[4], uint32_t code) {
    size_t n = 0;
    if (code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) code = 0xFFFD;
    if (code < 0x80) {
        out[n++] = (char)code;
    } else if (code < 0x800) {
        out[n++] = (char)(0xC0 | code >> 6);
        out[n++] = (char)(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        out[n++] = (char)(0xE0 | code >> 12);
        out[n++] = (char)(0x80 | (code >> 6 & 0x3F));
        out[n++] = (char)(0x80 | (code & 0x3F));
    } else {
        out[n++] = (char)(0xF0 | code >> 18);
        out[n++] = (char)(0x80 | (code >> 12 & 0x3F));
        out[n++] = (char)(0x80 | (code >> 6 & 0x3F));
        out[n++] = (char)(0x80 | (code & 0x3F));
    }
    return n;
}

void ps__utf8_append(ps__buf *out, uint32_t code) {
    char bytes[4];
    ps__buf_append(out, bytes, ps__utf8_encode(bytes, code));
}

int ps__utf8_valid(const char *s, size_t length) {
    for (size_t i = 0; i < length;) {
        uint32_t code;
        size_t used = ps__utf8_decode(&code, s + i, length - i);
        if (used == 1 && code == 0xFFFD) return 0;
        i += used;
    }
    return 1;
}
