/*
** Writing JSON, one object a line, to stdout. Any bytes in, valid UTF-8 out.
*/
#include <math.h>
#include <string.h>

#include "cli/cli.h"

/* Length of the well-formed UTF-8 sequence at s (Unicode 15, table 3-7), 0 if there is none. s ends in a 0 byte. */
static size_t sequence(const unsigned char *s) {
    static const struct {
        unsigned char first, last, low, high;
        size_t length;
    } forms[] = {
        {0x01, 0x7F, 0, 0, 1},       {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3},
        {0xE1, 0xEC, 0x80, 0xBF, 3}, {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3},
        {0xF0, 0xF0, 0x90, 0xBF, 4}, {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4},
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (s[0] < forms[i].first || s[0] > forms[i].last) continue;
        if (forms[i].length > 1 && (s[1] < forms[i].low || s[1] > forms[i].high)) return 0;
        for (size_t k = 2; k < forms[i].length; k++)
            if (s[k] < 0x80 || s[k] > 0xBF) return 0;
        return forms[i].length;
    }
    return 0;
}

int is_utf8(const char *text) {
    for (const unsigned char *s = (const unsigned char *)text; *s;) {
        size_t n = sequence(s);
        if (n == 0) return 0;
        s += n;
    }
    return 1;
}

void json_text(const char *text) {
    if (!text) {
        fputs("null", stdout);
        return;
    }
    putchar('"');
    for (const unsigned char *s = (const unsigned char *)text; *s;) {
        size_t n = sequence(s);
        if (n == 0)
            fputs("\xEF\xBF\xBD", stdout);
        else if (*s == '"' || *s == '\\')
            printf("\\%c", *s);
        else if (*s < 0x20 || *s == 0x7F)
            printf("\\u%04x", *s);
        else
            fwrite(s, 1, n, stdout);
        s += n ? n : 1;
    }
    putchar('"');
}

static void base64(const char *text) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *s = (const unsigned char *)text;
    for (size_t left = strlen(text); left > 0;) {
        unsigned bits = (unsigned)s[0] << 16 | (left > 1 ? (unsigned)s[1] << 8 : 0) | (left > 2 ? s[2] : 0);
        putchar(digits[bits >> 18]);
        putchar(digits[bits >> 12 & 63]);
        putchar(left > 1 ? digits[bits >> 6 & 63] : '=');
        putchar(left > 2 ? digits[bits & 63] : '=');
        s += left > 3 ? 3 : left;
        left -= left > 3 ? 3 : left;
    }
}

void json_path(const char *path) {
    fputs("\"path\":", stdout);
    json_text(path);
    if (is_utf8(path)) return;
    fputs(",\"path_base64\":\"", stdout);
    base64(path);
    putchar('"');
}

void json_strings(const char *const *list, size_t count) {
    putchar('[');
    for (size_t i = 0; i < count; i++) {
        if (i) putchar(',');
        json_text(list[i]);
    }
    putchar(']');
}

void json_number(const char *key, double value, int decimals) {
    printf("\"%s\":", key);
    if (isfinite(value))
        printf("%.*f", decimals, value);
    else
        fputs("null", stdout);
}
