/*
** Cleaning text; see clean.h.
*/
#include "encoder/pixels/clean.h"

#include <string.h>

#include "base/utf8.h"

int ps__is_printable(uint32_t code) {
    return code >= 0x20 && !(code >= 0x7F && code < 0xA0) && code != 0x200B && code != 0x200E && code != 0x200F &&
           !(code >= 0x2028 && code <= 0x202E) && !(code >= 0x2060 && code <= 0x206F) && code != 0xFEFF;
}

static int is_blank(uint32_t code) {
    return code == ' ' || (code >= '\t' && code <= '\r') || code == 0x85 || code == 0x2028 || code == 0x2029;
}

void ps__clean_begin(ps__cleaner *c, char *out, size_t room) {
    *c = (ps__cleaner){.out = out, .room = room};
    out[0] = 0;
}

static void append(ps__cleaner *c, uint32_t code) {
    char bytes[4];
    size_t n = ps__utf8_encode(bytes, code);
    if (c->full || n >= c->room - c->used) {
        c->full = 1;
        return;
    }
    memcpy(c->out + c->used, bytes, n);
    c->used += n;
}

void ps__clean_put(ps__cleaner *c, uint32_t code) {
    if (is_blank(code)) {
        c->blank = c->used > 0;
        return;
    }
    if (!ps__is_printable(code)) return;
    char bytes[4];
    if (c->blank && ps__utf8_encode(bytes, code) + 1 >= c->room - c->used) c->full = 1; /* no blank without what it is for */
    if (c->blank) append(c, ' ');
    c->blank = 0;
    append(c, code);
}

size_t ps__clean_end(ps__cleaner *c) {
    c->out[c->used] = 0;
    return c->used;
}

size_t ps__clean_text(char *out, size_t room, const char *text, size_t length) {
    ps__cleaner c;
    ps__clean_begin(&c, out, room);
    length = length ? strnlen(text, length) : 0;
    for (size_t i = 0; i < length && !c.full;) {
        uint32_t code;
        i += ps__utf8_decode(&code, text + i, length - i);
        ps__clean_put(&c, code);
    }
    return ps__clean_end(&c);
}

/* 0x80 to 0x9F; 0: not in use. */
static const uint16_t windows_1252[32] = {0x20AC, 0,      0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
                                          0x2039, 0x0152, 0,      0x017D, 0,      0,      0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
                                          0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0,      0x017E, 0x0178};

size_t ps__clean_bytes(char *out, size_t room, const uint8_t *bytes, size_t length) {
    ps__cleaner c;
    length = length ? strnlen((const char *)bytes, length) : 0;
    if (!length || ps__utf8_valid((const char *)bytes, length)) return ps__clean_text(out, room, (const char *)bytes, length);
    ps__clean_begin(&c, out, room);
    for (size_t i = 0; i < length && !c.full; i++)
        ps__clean_put(&c, bytes[i] >= 0x80 && bytes[i] < 0xA0 ? windows_1252[bytes[i] - 0x80] : bytes[i]);
    return ps__clean_end(&c);
}

static uint32_t unit(const uint8_t *p, int big) { return big ? (uint32_t)p[0] << 8 | p[1] : (uint32_t)p[1] << 8 | p[0]; }

size_t ps__clean_utf16(char *out, size_t room, const uint8_t *bytes, size_t length, int big) {
    ps__cleaner c;
    size_t i = 0;
    ps__clean_begin(&c, out, room);
    if (length >= 2 && (unit(bytes, 1) == 0xFEFF || unit(bytes, 1) == 0xFFFE)) {
        big = unit(bytes, 1) == 0xFEFF;
        i = 2;
    }
    while (i + 2 <= length && !c.full) {
        uint32_t code = unit(bytes + i, big), low;
        i += 2;
        if (!code) break;
        if (code >= 0xD800 && code < 0xDC00 && i + 2 <= length && (low = unit(bytes + i, big)) >= 0xDC00 && low < 0xE000) {
            code = 0x10000 + ((code - 0xD800) << 10 | (low - 0xDC00));
            i += 2;
        }
        ps__clean_put(&c, code);
    }
    return ps__clean_end(&c);
}
