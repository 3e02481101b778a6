/*
** Fuzzes the files of the vector index's segments. The trailer's own checksum is made right again after most mutations, so that what
** our reader does with the numbers in it is reached. The checksum of the body is not: FAISS, behind it, trusts the sizes that it reads,
** and the checksum is there because of that. What is taken must be searchable.
*/
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/alloc.h"
#include "base/os.h"
#include "search/segment.h"
#include "tests/fuzz/folder.h"

#define DIM 8
#define PHOTOS 6
#define TRAILER 64 /* bytes: magic, version, dim, count, bytes, body, code_bytes, code_body, own; see search/segment.c */

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t room, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *bytes, size_t size, size_t room);

static char path[600];

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    fuzz_folder_make();
    snprintf(path, sizeof path, "%s/segment.faiss", fuzz_folder);
    return 0;
}

static size_t honest(uint8_t *bytes, size_t room) {
    static const int64_t photos[PHOTOS] = {1, 2, 3, 7, 500, 1000000};
    float vectors[PHOTOS * DIM];
    ps__segment *segment;
    ps__error err;
    uint64_t checksum;
    uint8_t *made;
    size_t size;
    for (int i = 0; i < PHOTOS * DIM; i++) vectors[i] = (float)(i * 37 % 17 - 8) / 24;
    if (ps__segment_new(&segment, DIM, PHOTOS, &err) || ps__segment_train(segment, vectors, PHOTOS, &err)) abort();
    if (ps__segment_add(segment, photos, vectors, PHOTOS, &err) || ps__segment_save(&checksum, segment, path, &err)) abort();
    ps__segment_free(segment);
    if (ps__read_file(&made, &size, NULL, path, 1 << 20, &err)) abort();
    if (size > room) size = room;
    memcpy(bytes, made, size);
    ps__free(made);
    return size;
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t room, unsigned seed) {
    if (size <= TRAILER) return honest(bytes, room);
    size = LLVMFuzzerMutate(bytes, size, room);
    if (seed % 16 == 0 || size <= TRAILER) return size;
    uint8_t *trailer = bytes + size - TRAILER;
    uint64_t length = size - TRAILER;
    if (seed % 4) memcpy(trailer, "PSFAISS\n\2\0\0\0\10\0\0", 16); /* magic, version 2, DIM */
    uint64_t codes = PHOTOS * (20 + DIM);
    if (seed % 4 == 1 && length > codes) {
        length -= codes;
        memcpy(trailer + 24, &length, sizeof length);
        memcpy(trailer + 40, &codes, sizeof codes);
        if (seed % 8 == 1) { /* also the codes count as verified */
            uint64_t code_body = XXH3_64bits(bytes + length, codes);
            memcpy(trailer + 48, &code_body, sizeof code_body);
        }
    }
    uint64_t own = XXH3_64bits(trailer, 56);
    memcpy(trailer + 56, &own, sizeof own);
    return size;
}

static void search(const ps__segment *segment) {
    const float query[DIM] = {0.5f, -0.5f, 0.5f, 0.5f};
    ps__candidate found[4];
    ps__error err = {0};
    size_t count, photos = ps__segment_count(segment);
    if (photos > PS__SEGMENT_MAX) abort();
    int64_t *ids = malloc(photos * sizeof *ids + 1);
    if (!ids) return;
    ps__segment_photos(ids, segment);
    free(ids);
    const ps__probe probe = {query, 1, 0};
    ps__code_query *made;
    ps__bounds bounds = {0};
    if (ps__code_query_new(&made, &probe, 1, DIM, &err) || ps__segment_bounds(&bounds, segment, made, NULL, 0, &err)) abort();
    if (bounds.count != photos) abort();
    ps__code_query_free(made);
    ps__free(bounds.list);
    int status = ps__segment_search(found, &count, segment, query, 4, &err);
    if (status ? !err.text[0] : count > 4) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    ps__segment *segment;
    ps__error err = {0};
    uint64_t checksum = 0;
    if (size >= TRAILER) memcpy(&checksum, bytes + size - 8, sizeof checksum);
    fuzz_write(path, bytes, size);
    int status = ps__segment_load(&segment, path, DIM, checksum, &err);
    if (status) {
        if (err.code != status || !err.text[0] || segment) abort();
        return 0;
    }
    search(segment);
    ps__segment_free(segment);
    return 0;
}
