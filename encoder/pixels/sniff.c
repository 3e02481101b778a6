/*
** Which format a file is in, by its first bytes and never by its name: photos with a wrong ending are common.
*/
#include "encoder/pixels/job.h"

#include <string.h>

static int starts(const uint8_t *bytes, size_t size, size_t at, const char *magic, size_t length) {
    return size >= at + length && !memcmp(bytes + at, magic, length);
}

/* TGA has no magic number: each field of its header must make sense, and text or noise must not look like one. */
static int looks_like_tga(const uint8_t *h, size_t size) {
    if (size < 18) return 0;
    unsigned map = h[1], kind = h[2], bits = h[16], map_bits = h[7];
    unsigned map_length = h[5] | (unsigned)h[6] << 8, width = h[12] | (unsigned)h[13] << 8, height = h[14] | (unsigned)h[15] << 8;
    if (map > 1 || !width || !height || h[17] & 0xC0) return 0;
    switch (kind & ~8u) {
    case 1: /* palette */
        return map == 1 && map_length && (bits == 8 || bits == 16) &&
               (map_bits == 8 || map_bits == 15 || map_bits == 16 || map_bits == 24 || map_bits == 32);
    case 2: /* colour; it may still carry a palette, which is not read */
        return map == 0 && (bits == 15 || bits == 16 || bits == 24 || bits == 32);
    case 3: /* grey */ return map == 0 && (bits == 8 || bits == 16);
    default: return 0;
    }
}

/* HEIF and AVIF are told apart by the major brand of the ftyp box, or, when that is a general one, by the compatible brands. */
static const char *sniff_iso_media(const uint8_t *bytes, size_t size) {
    static const char heif_brands[][5] = {"heic", "heix", "heim", "heis", "hevc", "hevx", "hevm", "hevs"};
    size_t length = (size_t)bytes[0] << 24 | (size_t)bytes[1] << 16 | (size_t)bytes[2] << 8 | bytes[3];
    int general = 0;
    if (length > size) length = size;
    for (size_t at = 8; at + 4 <= length; at += 4) {
        if (at == 12) continue; /* the minor version */
        const char *brand = (const char *)bytes + at;
        if (!memcmp(brand, "avif", 4) || !memcmp(brand, "avis", 4)) return "avif";
        for (size_t i = 0; i < sizeof heif_brands / sizeof *heif_brands; i++)
            if (!memcmp(brand, heif_brands[i], 4)) return "heif";
        if (!memcmp(brand, "mif1", 4) || !memcmp(brand, "msf1", 4)) general = 1;
    }
    return general ? "heif" : NULL;
}

const char *ps__sniff(const uint8_t *bytes, size_t size) {
    if (starts(bytes, size, 0, "\xFF\xD8\xFF", 3)) return "jpeg";
    if (starts(bytes, size, 0, "\x89PNG\r\n\x1A\n", 8)) return "png";
    if (starts(bytes, size, 0, "GIF87a", 6) || starts(bytes, size, 0, "GIF89a", 6)) return "gif";
    if (starts(bytes, size, 0, "RIFF", 4) && starts(bytes, size, 8, "WEBP", 4)) return "webp";
    if (starts(bytes, size, 4, "ftyp", 4) && size >= 12) return sniff_iso_media(bytes, size);
    if (starts(bytes, size, 0, "8BPS", 4)) return "psd";
    if (starts(bytes, size, 0, "#?RADIANCE\n", 11) || starts(bytes, size, 0, "#?RGBE\n", 7)) return "hdr";
    if (starts(bytes, size, 0, "BM", 2) && size >= 26 && !bytes[15] && !bytes[16] && !bytes[17]) return "bmp";
    return looks_like_tga(bytes, size) ? "tga" : NULL;
}
