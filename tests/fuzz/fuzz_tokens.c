/*
** Fuzzes the tokenizer with any bytes: ids stay inside the vocabulary and their number inside the room.
*/
#include <stdint.h>
#include <stdlib.h>

#include "encoder/tokens/wordpiece.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    static const char vocab[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\nb\n##a\n##b\n##c\nthe\ndog\n##s\n!\n\xE4\xB8\xAD\ncafe\n##e\n";
    static ps__tokenizer *tokenizer;
    int32_t ids[64];
    int count;
    ps__error err;
    if (!tokenizer && ps__wordpiece_new(&tokenizer, vocab, sizeof vocab - 1, 1, "vocab", &err)) abort();
    if (size < 1) return 0;
    int room = 2 + bytes[0] % 62;
    if (ps__tokenizer_encode(ids, &count, tokenizer, (const char *)bytes + 1, size - 1, room, &err)) return 0;
    if (count < 2 || count > room || ids[0] != 2 || ids[count - 1] != 3) abort();
    for (int i = 0; i < count; i++)
        if (ids[i] < 0 || (size_t)ids[i] >= tokenizer->size) abort();
    return 0;
}
