/*
** Fuzzes the readers of PyTorch's files. The first byte of an input says what follows: an even one, a zip file; an odd one, a pickle, which is
** put into a zip file beside a storage. Checksums are made right again in both.
*/
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "encoder/import/zip.h"
#include "tests/fuzz/folder.h"
#include "tests/fuzz/weights.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { STORAGE = 256 /* bytes */ };

static char path[600];

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    fuzz_folder_make();
    snprintf(path, sizeof path, "%s/checkpoint.pt", fuzz_folder);
    return 0;
}

static uint32_t crc32_of(const uint8_t *p, uint64_t n) {
    uint32_t crc = ~0u;
    while (n--) {
        crc ^= *p++;
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320 : 0);
    }
    return ~crc;
}

/* Corrects the checksums in the directory: names point into it, 46 bytes behind the start of their entries. */
static void mend(uint8_t *file, size_t size) {
    ps__zip zip;
    ps__error err;
    if (!ps__zip_open(&zip, path, file, size, &err)) {
        for (size_t i = 0; i < zip.count; i++) {
            if (!zip.entries[i].data) continue;
            uint32_t crc = crc32_of(zip.entries[i].data, zip.entries[i].size);
            memcpy(file + (zip.entries[i].name - (const char *)file) - 30, &crc, 4);
        }
    }
    ps__zip_close(&zip);
}

static void little(ps__buf *b, uint64_t value, int bytes) {
    for (int i = 0; i < bytes; i++) ps__buf_putc(b, (char)(value >> 8 * i & 255));
}

/* Sizes and checksums stand in the directory only, where mend corrects the latter. */
static void put_entry(ps__buf *out, ps__buf *directory, const char *name, const void *bytes, size_t size) {
    size_t start = out->length;
    ps__buf_append(out, "PK\3\4\x14\0\x08\0", 8);
    little(out, 0, 8);
    little(out, 0, 8);
    little(out, 0, 2);
    little(out, strlen(name), 4);
    ps__buf_puts(out, name);
    ps__buf_append(out, bytes, size);
    ps__buf_append(directory, "PK\1\2\x14\0\x14\0\x08\0\0\0\0\0\0\0\0\0\0\0", 20);
    little(directory, size, 4);
    little(directory, size, 4);
    little(directory, strlen(name), 4);
    little(directory, 0, 8);
    little(directory, 0, 2);
    little(directory, start, 4);
    ps__buf_puts(directory, name);
}

static void wrap(ps__buf *out, const uint8_t *pickle, size_t size) {
    static const uint8_t storage[STORAGE];
    ps__buf directory = PS__BUF_INIT;
    put_entry(out, &directory, "x/byteorder", "little", 6);
    put_entry(out, &directory, "x/data.pkl", pickle, size);
    put_entry(out, &directory, "x/data/0", storage, sizeof storage);
    put_entry(out, &directory, "x/data/1", storage, 8);
    size_t start = out->length;
    ps__buf_append(out, directory.bytes, directory.length);
    ps__buf_append(out, "PK\5\6\0\0\0\0\4\0\4\0", 12);
    little(out, directory.length, 4);
    little(out, start, 4);
    little(out, 0, 2);
    ps__buf_free(&directory);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    ps__buf file = PS__BUF_INIT;
    if (!size) return 0;
    if (bytes[0] & 1)
        wrap(&file, bytes + 1, size - 1);
    else
        ps__buf_append(&file, bytes + 1, size - 1);
    mend((uint8_t *)file.bytes, file.length);
    fuzz_write(path, file.bytes, file.length);
    ps__buf_free(&file);
    fuzz_read_weights(path);
    return 0;
}
