/*
** Fuzzes the unigram tokenizer: any bytes for a vocabulary are refused or give a tokenizer, and any text gives ids inside the
** vocabulary and inside the room. Vocabularies are of both kinds: with marks at the front and ids by place, and with ids apart,
** whose texts may be cleaned.
*/
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "encoder/tokens/clean.h"
#include "encoder/tokens/unigram.h"

#define MARKS "<s>\n<pad>\n</s>\n<unk>\n"
#define MARKS_BYTES (sizeof MARKS - 1)
#define MOST 64 /* pieces */

enum { HAS_IDS = 2, CLEAN_AT = 2, KEEPS_JOINERS = 16, BAD_ID = 32 }; /* bits of the flags, beside that for lower case */
enum { LAST = 1, UNKNOWN = 2, LEAST = 3 };                           /* ids, where they are apart */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Pieces from the lines of text, each with a score of its own; one offset is turned by `damage` when that is not 0. */
static int make(ps__tokenizer **t, const char *text, size_t length, uint8_t flags, uint8_t damage) {
    static int32_t start[MOST + 1], id[MOST];
    static float score[MOST];
    size_t pieces = 0;
    ps__error err;
    start[0] = 0;
    for (size_t i = 0; i < length && pieces < MOST; i++)
        if (text[i] == '\n') start[++pieces] = (int32_t)i + 1;
    for (size_t i = flags & HAS_IDS ? 0 : 4; i < pieces; i++) score[i] = -(float)(i * 7 % 11);
    for (size_t i = 0; i < pieces; i++) id[i] = LEAST + (int32_t)(i * 37 % MOST);
    if (flags & BAD_ID) id[damage % MOST] = -1 - (int32_t)damage;
    if (damage) start[damage % (pieces + 1)] ^= (int32_t)damage << damage % 24;
    const ps__unigram_vocab vocab = {text,
                                     length,
                                     start,
                                     score,
                                     pieces,
                                     flags & HAS_IDS ? id : NULL,
                                     LAST,
                                     UNKNOWN,
                                     flags >> CLEAN_AT & 3,
                                     (flags & KEEPS_JOINERS) != 0};
    return ps__unigram_new(t, &vocab, flags & 1, "vocab", &err);
}

static void check(const int32_t *ids, int count, int room, size_t size, int has_ids) {
    if (count < (has_ids ? 1 : 2) || count > room) abort();
    if (ids[count - 1] != (has_ids ? LAST : 2) || (!has_ids && ids[0] != 0)) abort();
    for (int i = has_ids ? 0 : 1; i < count - 1; i++)
        if (ids[i] < (has_ids ? UNKNOWN : 3) || (size_t)ids[i] >= size) abort();
}

/* bytes: room, flags, how many are a vocabulary (none: a fixed one), damage; the vocabulary; the text. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    static const char fixed[] = MARKS "!\na\nab\nb\ncafe\ndog\ns\nthe\n\xCC\x81\n\xE2\x80\x8D\n\xE2\x96\x81\n\xE2\x96\x81"
                                      "a\n\xE2\x96\x81the\n\xE4\xB8\xAD\n"
                                      "\xEA\xB0\x80\n";
    char vocab[MARKS_BYTES + 256];
    int32_t ids[64];
    int count;
    ps__error err;
    ps__tokenizer *t;
    if (size < 4 || size - 4 < bytes[2]) return 0;
    int has_ids = bytes[1] & HAS_IDS;
    size_t own = bytes[2], marks = has_ids ? MARKS_BYTES : 0; /* which are left out where there are ids */
    memcpy(vocab, MARKS, MARKS_BYTES);
    memcpy(vocab + MARKS_BYTES, bytes + 4, own);
    if (own ? make(&t, vocab + marks, MARKS_BYTES + own - marks, bytes[1], bytes[3])
            : make(&t, fixed + marks, sizeof fixed - 1 - marks, bytes[1] & ~BAD_ID, 0)) {
        if (!own) abort();
        return 0;
    }
    int room = 2 + bytes[0] % 62;
    if (ps__tokenizer_encode(ids, &count, t, (const char *)bytes + 4 + own, size - 4 - own, room, &err) == 0)
        check(ids, count, room, t->size, has_ids);
    ps__tokenizer_free(t);
    return 0;
}
