/*
** Fuzzes byte-pair encoding: any bytes as a text, in both styles and with every cleaning. There are never more ids than fit, all are below the
** vocabulary's size, and the last is the mark.
*/
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "encoder/tokens/bpe.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { LETTERS = 256, LAST_LETTERS = 512, MERGED = 768, MARK = 1024, SIZE };

/* Byte b is symbol b, at a word's end b + 256; every two neighbours in the alphabet merge, in one more step their results. */
static ps__bpe_merge merges[2 * LETTERS];
static int32_t plain[256], last[256], characters[128][2];

static void fill_tables(void) {
    for (int b = 0; b < 256; b++) {
        plain[b] = b;
        last[b] = b + LETTERS;
        merges[b] = (ps__bpe_merge){b, (b + 1) % 256, 300 - b, LAST_LETTERS + b};
        merges[LETTERS + b] = (ps__bpe_merge){LAST_LETTERS + b, b % 7, 600 + b, MERGED + b};
    }
    for (int c = 0; c < 128; c++) characters[c][0] = c * 3 + 32, characters[c][1] = c;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    int32_t ids[78];
    int count = 0;
    ps__error err = {0};
    if (!merges[0].result) fill_tables();
    if (size < 2) return 0;
    int max = 2 + bytes[1] % 76;
    ps__bpe t = {.base = {.kind = &ps__tokenizer_bpe, .size = SIZE, .marks = 2},
                 .style = bytes[0] & 1,
                 .clean = bytes[0] >> 1 & 3,
                 .merges = merges,
                 .merge_count = 2 * LETTERS,
                 .bytes = plain,
                 .last_bytes = last,
                 .characters = characters[0],
                 .character_count = 128,
                 .first = bytes[0] & 8 ? MARK : -1,
                 .last = MARK,
                 .unknown = bytes[0] & 16 ? 5 : -1};
    ids[max] = -77;
    if (ps__tokenizer_encode(ids, &count, &t.base, (const char *)bytes + 2, size - 2, max, &err)) abort();
    if (count < 1 || count > max || ids[max] != -77 || ids[count - 1] != MARK) abort();
    for (int i = 0; i < count; i++)
        if (ids[i] < 0 || ids[i] >= SIZE) abort();
    return 0;
}
