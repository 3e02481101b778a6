/*
** Fuzzes the unigram tokenizer: any bytes for a vocabulary are refused or give a tokenizer, and any text gives ids inside the
** vocabulary and inside the room.
*/
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "encoder/tokens/unigram.h"

#define MARKS "<s>\n<pad>\n</s>\n<unk>\n"
#define MOST 64 /* pieces */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Pieces from the lines of text, each with a score of its own; one offset is turned by `damage` when that is not 0. */
static int make(ps__tokenizer **t, const char *text, size_t length, int lowercase, uint8_t damage) {
    static int32_t start[MOST + 1];
    static float score[MOST];
    size_t pieces = 0;
    ps__error err;
    start[0] = 0;
    for (size_t i = 0; i < length && pieces < MOST; i++)
        if (text[i] == '\n') start[++pieces] = (int32_t)i + 1;
    for (size_t i = 4; i < pieces; i++) score[i] = -(float)(i * 7 % 11);
    if (damage) start[damage % (pieces + 1)] ^= (int32_t)damage << damage % 24;
    const ps__unigram_vocab vocab = {text, length, start, score, pieces, NULL, 0, 0, 0, 0};
    return ps__unigram_new(t, &vocab, lowercase, "vocab", &err);
}

/* bytes: room, flags, how many are a vocabulary (none: a fixed one), damage; the vocabulary; the text. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    static const char fixed[] = MARKS "!\na\nab\nb\ncafe\ndog\ns\nthe\n\xCC\x81\n\xE2\x96\x81\n\xE2\x96\x81"
                                      "a\n\xE2\x96\x81the\n\xE4\xB8\xAD\n"
                                      "\xEA\xB0\x80\n";
    char vocab[sizeof MARKS + 256];
    int32_t ids[64];
    int count;
    ps__error err;
    ps__tokenizer *t;
    if (size < 4 || size - 4 < bytes[2]) return 0;
    size_t own = bytes[2], length = sizeof MARKS - 1 + own;
    memcpy(vocab, MARKS, sizeof MARKS - 1);
    memcpy(vocab + sizeof MARKS - 1, bytes + 4, own);
    if (own ? make(&t, vocab, length, bytes[1] & 1, bytes[3]) : make(&t, fixed, sizeof fixed - 1, bytes[1] & 1, 0)) {
        if (!own) abort();
        return 0;
    }
    int room = 2 + bytes[0] % 62;
    if (ps__tokenizer_encode(ids, &count, t, (const char *)bytes + 4 + own, size - 4 - own, room, &err) == 0) {
        if (count < 2 || count > room || ids[0] != 0 || ids[count - 1] != 2) abort();
        for (int i = 1; i < count - 1; i++)
            if (ids[i] < 3 || (size_t)ids[i] >= t->size) abort();
    }
    ps__tokenizer_free(t);
    return 0;
}
