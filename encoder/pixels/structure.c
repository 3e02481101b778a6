/*
** Walking through PNG, GIF, BMP, TGA, PSD and HDR files without decoding them; see structure.h.
*/
#include "encoder/pixels/structure.h"

#include <string.h>

typedef struct walk { /* state of one check */
    ps__structure *out;
    const ps__job *job;
    ps__error *err;
    const uint8_t *bytes; /* job->bytes */
    uint64_t size;        /* job->size */
} walk;

static uint32_t be16(const uint8_t *p) { return (uint32_t)p[0] << 8 | p[1]; }
static uint32_t be32(const uint8_t *p) { return be16(p) << 16 | be16(p + 2); }
static uint32_t le16(const uint8_t *p) { return (uint32_t)p[1] << 8 | p[0]; }
static uint32_t le32(const uint8_t *p) { return le16(p + 2) << 16 | le16(p); }

static int damaged(const walk *w, const char *what) { return ps__fail(w->err, PS__CORRUPT, "%s: %s", w->job->name, what); }

static int unread(const walk *w, const char *what) {
    return ps__fail(w->err, PS__FORMAT, "%s: %s is not read", w->job->name, what);
}

/* total: bytes the file must have; 0: some more than it has. */
static int truncated(const walk *w, uint64_t total) { return ps__fail_truncated(w->job, total, w->err); }

static int sized(walk *w, uint64_t width, uint64_t height, uint64_t bytes_a_pixel) {
    w->out->width = width;
    w->out->height = height;
    int status = ps__job_check(w->job, width, height, 0, w->err); /* first: the product below must not overflow */
    w->out->bytes = width * height * bytes_a_pixel;
    return status ? status : ps__job_check(w->job, width, height, w->out->bytes, w->err);
}

/* CRC-32 of ISO 3309 (PNG, third edition, annex D). */
static uint32_t crc(const uint32_t table[256], const uint8_t *p, size_t length) {
    uint32_t c = 0xFFFFFFFF;
    for (size_t i = 0; i < length; i++) c = table[(c ^ p[i]) & 255] ^ c >> 8;
    return ~c;
}

static void crc_table(uint32_t table[256]) {
    for (uint32_t n = 0; n < 256; n++) {
        uint32_t c = n;
        for (int k = 0; k < 8; k++) c = c & 1 ? 0xEDB88320 ^ c >> 1 : c >> 1;
        table[n] = c;
    }
}

static int png_header(walk *w, const uint8_t *body, uint32_t length) {
    static const uint8_t samples[7] = {1, 0, 3, 1, 2, 0, 4}; /* by colour type */
    if (length != 13) return damaged(w, "its PNG header had a wrong length");
    unsigned depth = body[8], colour = body[9];
    if (colour > 6 || !samples[colour] || (depth != 1 && depth != 2 && depth != 4 && depth != 8 && depth != 16))
        return damaged(w, "its PNG header declared an impossible colour type");
    unsigned bytes = samples[colour] * (depth == 16 ? 2u : 1u);
    return sized(w, be32(body), be32(body + 4), bytes + (colour == 3 ? 4 : bytes)); /* filtered and unfiltered samples */
}

static int check_png(walk *w) {
    uint32_t table[256];
    int data = 0, seen = 0;
    crc_table(table);
    for (uint64_t at = 8;;) {
        if (w->size < at + 12) return truncated(w, 0);
        const uint8_t *chunk = w->bytes + at, *type = chunk + 4, *body = chunk + 8;
        uint32_t length = be32(chunk);
        if (w->size - at - 12 < length) return truncated(w, at + 12 + length);
        /* ancillary chunks, lower case, may be damaged: nothing in them is drawn */
        if (!(type[0] & 0x20) && crc(table, type, (size_t)length + 4) != be32(body + length))
            return damaged(w, "a PNG chunk had a wrong checksum");
        if (!seen++) {
            if (!memcmp(type, "CgBI", 4)) return unread(w, "Apple's private variant of PNG");
            if (memcmp(type, "IHDR", 4)) return damaged(w, "its PNG header was missing");
            int status = png_header(w, body, length);
            if (status) return status;
            w->out->palette = NULL;
        } else if (!memcmp(type, "PLTE", 4)) {
            if (length % 3 || length > 768) return damaged(w, "its palette had a wrong length");
            if (!w->out->palette && w->bytes[25] == 3) w->out->palette = chunk;
        } else if (!memcmp(type, "IDAT", 4)) {
            data = 1;
        } else if (!memcmp(type, "IEND", 4)) {
            return data ? PS__OK : damaged(w, "it held no pixel data");
        }
        at += 12 + (uint64_t)length;
    }
}

/* Past the sub-blocks at `at`; 0 when the file ends among them. */
static uint64_t gif_skip(const walk *w, uint64_t at) {
    while (at < w->size) {
        if (!w->bytes[at]) return at + 1;
        at += 1 + (uint64_t)w->bytes[at];
    }
    return 0;
}

static int check_gif(walk *w) {
    if (w->size < 13) return truncated(w, 0);
    int status = sized(w, le16(w->bytes + 6), le16(w->bytes + 8), 9); /* RGBA, background, and which pixels were drawn */
    if (status) return status;
    uint64_t at = 13 + (w->bytes[10] & 0x80 ? (uint64_t)6 << (w->bytes[10] & 7) : 0);
    while (at < w->size) {
        switch (w->bytes[at]) {
        case 0x21: /* an extension */
            at = gif_skip(w, at + 2);
            if (!at) return truncated(w, 0);
            break;
        case 0x2C: /* the first picture: what comes after it is not looked at */
            if (w->size < at + 11) return truncated(w, 0);
            at += 10 + (w->bytes[at + 9] & 0x80 ? (uint64_t)6 << (w->bytes[at + 9] & 7) : 0);
            return gif_skip(w, at + 1) ? PS__OK : truncated(w, 0);
        case 0x3B: return damaged(w, "it held no picture");
        default: return damaged(w, "it held an unknown GIF block");
        }
    }
    return truncated(w, 0);
}

/* Indices beyond a short palette: stb_image would take colours from memory it never wrote. */
static int bmp_indices(walk *w, uint64_t offset, uint64_t row, unsigned bits, uint64_t colours) {
    const unsigned mask = (1u << bits) - 1;
    if (colours > mask) return PS__OK;
    for (uint64_t y = 0; y < w->out->height; y++) {
        const uint8_t *p = w->bytes + offset + y * row;
        for (uint64_t x = 0; x < w->out->width; x++) {
            uint64_t bit = x * bits;
            if ((p[bit / 8] >> (8 - bits - bit % 8) & mask) >= colours) return damaged(w, "a pixel had no colour in the palette");
        }
    }
    return PS__OK;
}

static int check_bmp(walk *w) {
    const uint8_t *b = w->bytes;
    if (w->size < 26) return truncated(w, 0);
    const uint64_t offset = le32(b + 10);
    const uint32_t head = le32(b + 14);
    if (head != 12 && head != 40 && head != 56 && head != 108 && head != 124) return unread(w, "this kind of BMP header");
    if (w->size < 14 + (uint64_t)head) return truncated(w, 14 + (uint64_t)head);
    uint32_t width = head == 12 ? le16(b + 18) : le32(b + 18), height = head == 12 ? le16(b + 20) : le32(b + 22);
    unsigned bits = le16(head == 12 ? b + 24 : b + 28);
    uint32_t packing = head == 12 ? 0 : le32(b + 30);
    if (height > 0x80000000u) height = 0u - height; /* rows from the top */
    if (bits != 1 && bits != 4 && bits != 8 && bits != 16 && bits != 24 && bits != 32) return unread(w, "this depth of BMP");
    if (packing != 0 && packing != 3) return unread(w, "a compressed BMP");
    int status = sized(w, width, height, 4);
    if (status) return status;
    uint64_t row = ((uint64_t)width * bits + 31) / 32 * 4, start = 14 + (uint64_t)head;
    if (offset < start) return damaged(w, "its pixels began within the header");
    /* the last row's padding is often left out */
    uint64_t last = ((uint64_t)width * bits + 7) / 8, total = offset + row * (height - 1) + last;
    if (total > w->size) return truncated(w, total);
    if (bits > 8) return PS__OK;
    uint64_t colours = (offset - start) / (head == 12 ? 3 : 4);
    if (!colours || colours > 256) return damaged(w, "its palette had a wrong length");
    return bmp_indices(w, offset, row, bits, colours);
}

/* Past the packets of `pixels` run-length coded pixels; 0 when the file ends among them. */
static uint64_t tga_skip(const walk *w, uint64_t at, uint64_t pixels, unsigned bytes) {
    for (uint64_t done = 0; done < pixels;) {
        if (at >= w->size) return 0;
        uint64_t count = (w->bytes[at] & 127u) + 1;
        at += 1 + (w->bytes[at] & 128 ? 1 : count) * bytes;
        done += count;
    }
    return at <= w->size ? at : 0;
}

static int check_tga(walk *w) {
    const uint8_t *b = w->bytes; /* 18 bytes were seen by the sniffer */
    const unsigned indexed = b[1], bits = b[16], colours = le16(b + 5), colour_bytes = (b[7] + 7u) / 8, bytes = (bits + 7) / 8;
    if (indexed && le16(b + 3)) return unread(w, "a TGA palette that does not start at 0");
    int status = sized(w, le16(b + 12), le16(b + 14), 4);
    if (status) return status;
    uint64_t start = 18 + (uint64_t)b[0] + (indexed ? (uint64_t)colours * colour_bytes : 0),
             pixels = w->out->width * w->out->height;
    w->out->opaque = !(b[17] & 15) && (indexed ? b[7] : bits) == 32;
    w->out->mirrored = (b[17] & 16) != 0;
    if (b[2] >= 8) return tga_skip(w, start, pixels, bytes) ? PS__OK : truncated(w, 0);
    return start + pixels * bytes <= w->size ? PS__OK : truncated(w, start + pixels * bytes);
}

static int check_psd(walk *w) {
    const uint8_t *b = w->bytes;
    if (w->size < 26) return truncated(w, 0);
    const unsigned channels = be16(b + 12), depth = be16(b + 22), used = 3; /* alpha is not read: see stb.c */
    if (be16(b + 4) != 1) return unread(w, "a large-document PSD");
    if (be16(b + 24) != 3) return unread(w, "a PSD that is not RGB");
    if (depth != 8 && depth != 16) return unread(w, "a PSD of this depth");
    if (channels < 3 || channels > 16) return unread(w, "a PSD of this number of channels");
    int status = sized(w, be32(b + 18), be32(b + 14), 4);
    if (status) return status;
    uint64_t at = 26, pixels = w->out->width * w->out->height;
    w->out->channels = channels;
    for (int section = 0; section < 3; section++) { /* colour mode, resources, layers */
        if (w->size < at + 4) return truncated(w, 0);
        uint64_t length = be32(b + at);
        if (section == 1 && w->size - at - 4 >= length) {
            w->out->resources = at + 4;
            w->out->resources_size = length;
        }
        at += 4 + length;
    }
    if (w->size < at + 2) return truncated(w, at + 2);
    unsigned packing = be16(b + at);
    at += 2;
    if (packing == 0) {
        uint64_t total = at + pixels * used * (depth / 8);
        return total <= w->size ? PS__OK : truncated(w, total);
    }
    if (packing != 1 || depth != 8) return unread(w, "this compression of PSD");
    w->out->rows = at;
    uint64_t rows = w->out->height * used, total = at + w->out->height * channels * 2;
    if (w->size < total) return truncated(w, total);
    for (uint64_t i = 0; i < rows; i++) total += be16(b + at + 2 * i);
    return total <= w->size ? PS__OK : truncated(w, total);
}

/* A decimal number in rising position; -1 when there is none. */
static int64_t hdr_number(const walk *w, uint64_t *at) {
    int64_t value = -1;
    for (; *at < w->size && w->bytes[*at] >= '0' && w->bytes[*at] <= '9' && value < 1000000000; ++*at)
        value = (value < 0 ? 0 : value * 10) + (w->bytes[*at] - '0');
    return value;
}

static int hdr_literal(const walk *w, uint64_t *at, const char *text) {
    size_t length = strlen(text);
    if (w->size < *at + length || memcmp(w->bytes + *at, text, length)) return 0;
    *at += length;
    return 1;
}

/* Past one run-length coded row; 0 when it is damaged or the file ends in it. */
static uint64_t hdr_row(const walk *w, uint64_t at, uint64_t width) {
    for (int part = 0; part < 4; part++) {
        for (uint64_t x = 0; x < width;) {
            if (at + 2 > w->size) return 0;
            unsigned count = w->bytes[at], run = count > 128;
            if (run) count -= 128;
            if (!count || count > width - x) return 0;
            at += 1 + (run ? 1 : count);
            x += count;
        }
    }
    return at <= w->size ? at : 0;
}

static int check_hdr(walk *w) {
    uint64_t at = 0;
    for (;;) { /* header lines up to an empty one */
        const uint8_t *line = w->bytes + at, *end = at < w->size ? memchr(line, '\n', (size_t)(w->size - at)) : NULL;
        if (!end) return truncated(w, 0);
        at += (uint64_t)(end - line) + 1;
        if (end - line > 1000) return damaged(w, "a header line had no end");
        if (end == line) break;
    }
    int64_t height = hdr_literal(w, &at, "-Y ") ? hdr_number(w, &at) : -1;
    int64_t width = height >= 0 && hdr_literal(w, &at, " +X ") ? hdr_number(w, &at) : -1;
    if (width < 0 || !hdr_literal(w, &at, "\n")) return unread(w, "this layout of HDR");
    int status = sized(w, (uint64_t)width, (uint64_t)height, 15); /* three floats and three bytes */
    if (status) return status;
    uint64_t flat = at + w->out->width * w->out->height * 4;
    const uint8_t *b = w->bytes + at;
    if (width < 8 || width >= 32768 || w->size < at + 4 || b[0] != 2 || b[1] != 2 || b[2] & 0x80)
        return flat <= w->size ? PS__OK : truncated(w, flat);
    for (int64_t y = 0; y < height; y++, b = w->bytes + at) {
        if (w->size < at + 4) return truncated(w, 0);
        if (b[0] != 2 || b[1] != 2 || (int64_t)be16(b + 2) != width) return damaged(w, "a row had a wrong length");
        at = hdr_row(w, at + 4, (uint64_t)width);
        if (!at) return damaged(w, "a row was damaged or truncated");
    }
    return PS__OK;
}

int ps__structure_check(ps__structure *out, const char *format, const ps__job *job, ps__error *err) {
    static const struct {
        char name[4];
        int (*check)(walk *);
    } checks[] = {{"png", check_png}, {"gif", check_gif}, {"bmp", check_bmp},
                  {"tga", check_tga}, {"psd", check_psd}, {"hdr", check_hdr}};
    walk w = {out, job, err, job->bytes, job->size};
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
        if (!strcmp(checks[i].name, format)) return checks[i].check(&w);
    return ps__fail(err, PS__FORMAT, "%s: is in no format that is read", job->name);
}
