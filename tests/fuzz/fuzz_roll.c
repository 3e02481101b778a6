/*
** Fuzzes the roll, the small file that names the vector index's segments. Its checksum is made right again after most mutations, so
** that what lies behind it is reached. A roll that is read is written back, and must be the same bytes.
*/
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/alloc.h"
#include "base/os.h"
#include "search/cache.h"
#include "tests/fuzz/folder.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t room, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *bytes, size_t size, size_t room);

static const ps__cache_key key = {fuzz_folder, "0123456789abcdef0123456789abcdef", "fuzz-space", 8};
static char path[PS__CACHE_PATH]; /* of the roll */

static int no_sync(int fd) {
    (void)fd;
    return 0;
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    ps__error err;
    (void)argc, (void)argv;
    fuzz_folder_make();
    ps__os.fsync = no_sync;
    return ps__cache_path(path, &key, 0, &err);
}

static size_t honest(uint8_t *bytes, size_t room) {
    static uint64_t checksums[3] = {1, 0x123456789abcdefULL, UINT64_MAX};
    const ps__roll roll = {42, 43, checksums, 3};
    ps__error err;
    uint8_t *made;
    size_t size;
    if (ps__roll_write(&roll, &key, &err) || ps__read_file(&made, &size, NULL, path, 1 << 20, &err)) abort();
    if (size > room) size = room;
    memcpy(bytes, made, size);
    ps__free(made);
    return size;
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t room, unsigned seed) {
    uint64_t checksum;
    if (size <= sizeof checksum) return honest(bytes, room);
    size = LLVMFuzzerMutate(bytes, size, room);
    if (seed % 16 == 0 || size <= sizeof checksum) return size;
    checksum = XXH3_64bits(bytes, size - sizeof checksum);
    memcpy(bytes + size - sizeof checksum, &checksum, sizeof checksum);
    return size;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    ps__roll roll;
    ps__error err = {0};
    uint8_t *again;
    size_t length;
    fuzz_write(path, bytes, size);
    int status = ps__roll_read(&roll, &key, &err);
    if (status) {
        if (err.code != status || !err.text[0] || roll.checksums || roll.count) abort();
        return 0;
    }
    if (roll.change < 0 || roll.touched < roll.change || roll.count > PS__CACHE_SEGMENTS) abort();
    if (ps__roll_write(&roll, &key, &err) || ps__read_file(&again, &length, NULL, path, 1 << 20, &err)) abort();
    if (length != size || memcmp(again, bytes, size)) abort();
    ps__cache_sweep(&roll, &key);
    ps__free(again);
    ps__roll_clear(&roll);
    return 0;
}
