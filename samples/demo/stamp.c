/*
** Writes dates, positions and cameras into JPEG files, as a camera would have: an EXIF block (Exif 2.32) after the first marker. For the demo's
** gallery, whose photos come without; a file that has a block already is left as it is.
**
**     stamp ALBUM.tsv FOLDER        lines: file below FOLDER, taken, latitude, longitude, camera; "#" begins a comment
*/
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 1024, BLOCK = 1024, IFD0_AT = 8, EXIF_AT = 62, GPS_AT = 80, VALUES_AT = 134 };

typedef struct block {
    uint8_t bytes[BLOCK]; /* a TIFF structure, little-endian */
    size_t values;        /* where the next value that does not fit its entry goes */
} block;

static void put16(uint8_t *p, unsigned v) { p[0] = (uint8_t)v, p[1] = (uint8_t)(v >> 8); }
static void put32(uint8_t *p, uint32_t v) { put16(p, v & 0xFFFF), put16(p + 2, v >> 16); }

/* The i-th entry of the directory at `at`: tag, type, count, and the value or where it is. */
static uint8_t *entry(block *b, size_t at, int i, unsigned tag, unsigned type, uint32_t count) {
    uint8_t *p = b->bytes + at + 2 + (size_t)i * 12;
    put16(p, tag), put16(p + 2, type), put32(p + 4, count);
    return p + 8;
}

static void text(block *b, size_t at, int i, unsigned tag, const char *s) {
    uint32_t length = (uint32_t)strlen(s) + 1;
    uint8_t *value = entry(b, at, i, tag, 2, length);
    if (length > 4) {
        put32(value, (uint32_t)b->values);
        value = b->bytes + b->values;
        b->values += (length + 1) & ~1u;
    }
    memcpy(value, s, length);
}

/* Degrees, minutes, seconds. */
static void angle(block *b, size_t at, int i, unsigned tag, double degrees) {
    uint32_t hundredths = (uint32_t)lround(fabs(degrees) * 360000);
    const uint32_t parts[] = {hundredths / 360000, 1, hundredths / 6000 % 60, 1, hundredths % 6000, 100};
    put32(entry(b, at, i, tag, 5, 3), (uint32_t)b->values);
    for (size_t k = 0; k < 6; k++, b->values += 4) put32(b->bytes + b->values, parts[k]);
}

static size_t make_block(block *b, const char *taken, double latitude, double longitude, const char *camera) {
    char date[20], make[64];
    memset(b, 0, sizeof *b);
    b->values = VALUES_AT;
    memcpy(b->bytes, "II*\0", 4), put32(b->bytes + 4, IFD0_AT);
    snprintf(date, sizeof date, "%.4s:%.2s:%.2s %.8s", taken, taken + 5, taken + 8, taken + 11);
    snprintf(make, sizeof make, "%.*s", (int)strcspn(camera, " "), camera);
    put16(b->bytes + IFD0_AT, 4);
    text(b, IFD0_AT, 0, 0x010F, make);
    text(b, IFD0_AT, 1, 0x0110, camera);
    put32(entry(b, IFD0_AT, 2, 0x8769, 4, 1), EXIF_AT);
    put32(entry(b, IFD0_AT, 3, 0x8825, 4, 1), GPS_AT);
    put16(b->bytes + EXIF_AT, 1);
    text(b, EXIF_AT, 0, 0x9003, date);
    put16(b->bytes + GPS_AT, 4);
    text(b, GPS_AT, 0, 1, latitude < 0 ? "S" : "N");
    angle(b, GPS_AT, 1, 2, latitude);
    text(b, GPS_AT, 2, 3, longitude < 0 ? "W" : "E");
    angle(b, GPS_AT, 3, 4, longitude);
    return b->values;
}

/* All of a file; NULL after telling why not. */
static uint8_t *read_file(const char *path, size_t *size) {
    FILE *in = fopen(path, "rb");
    long length = in && fseek(in, 0, SEEK_END) == 0 ? ftell(in) : -1;
    uint8_t *bytes = length > 0 ? malloc((size_t)length) : NULL;
    *size = (size_t)length;
    if (bytes && (fseek(in, 0, SEEK_SET) != 0 || fread(bytes, 1, *size, in) != *size)) {
        free(bytes);
        bytes = NULL;
    }
    if (!bytes) perror(path);
    if (in) fclose(in);
    return bytes;
}

static int has_exif(const uint8_t *bytes, size_t size) {
    for (size_t i = 0; i + 6 < size && i < 65536; i++)
        if (memcmp(bytes + i, "Exif\0", 6) == 0) return 1;
    return 0;
}

/* 0, or 3 after telling what went wrong. */
static int stamp(const char *path, const block *b, size_t length) {
    static const char name[6] = "Exif\0";
    size_t size;
    uint8_t *bytes = read_file(path, &size), head[4];
    if (!bytes) return 3;
    if (size < 4 || bytes[0] != 0xFF || bytes[1] != 0xD8 || has_exif(bytes, size)) {
        free(bytes);
        return 0;
    }
    head[0] = 0xFF, head[1] = 0xE1;
    head[2] = (uint8_t)((length + 8) >> 8), head[3] = (uint8_t)(length + 8);
    FILE *out = fopen(path, "wb");
    int good = out && fwrite(bytes, 1, 2, out) == 2 && fwrite(head, 1, 4, out) == 4 && fwrite(name, 1, 6, out) == 6 &&
               fwrite(b->bytes, 1, length, out) == length && fwrite(bytes + 2, 1, size - 2, out) == size - 2;
    if (!out || fclose(out) != 0) good = 0;
    if (!good) perror(path);
    free(bytes);
    return good ? 0 : 3;
}

int main(int argc, char **argv) {
    char line[LINE], path[2 * LINE], file[LINE], taken[LINE], camera[LINE];
    double latitude, longitude;
    int rc = 0;
    if (argc != 3) {
        fputs("usage: stamp ALBUM.tsv FOLDER\n", stderr);
        return 2;
    }
    FILE *album = fopen(argv[1], "r");
    if (!album) {
        perror(argv[1]);
        return 3;
    }
    while (rc == 0 && fgets(line, sizeof line, album)) {
        block b;
        if (line[0] == '#' || line[0] == '\n') continue;
        if (sscanf(line, "%[^\t]\t%[^\t]\t%lf\t%lf\t%[^\n]", file, taken, &latitude, &longitude, camera) != 5 ||
            strlen(taken) != 19 || strlen(camera) > 60) {
            fprintf(stderr, "stamp: %s: a line that is none: %s", argv[1], line);
            rc = 2;
            break;
        }
        size_t length = make_block(&b, taken, latitude, longitude, camera);
        snprintf(path, sizeof path, "%s/%s", argv[2], file);
        rc = stamp(path, &b, length);
    }
    fclose(album);
    return rc;
}
