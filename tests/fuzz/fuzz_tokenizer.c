/*
** Fuzzes the readers of published tokenizers, by the first byte: tokenizer.json, SentencePiece's protocol buffer, CLIP's merges, vocab.json with
** merges, BERT's words. Any bytes are refused with a sentence, or give a vocabulary whose pieces are found again and whose pairs are of pieces.
*/
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "encoder/import/tokenizer_readers.h"
#include "tests/fuzz/folder.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void write_file(const char *path, const uint8_t *bytes, size_t size) {
    FILE *f = fopen(path, "wb");
    if (!f || (size && fwrite(bytes, 1, size, f) != size) || fclose(f) != 0) abort();
}

static void check(const ps__pieces *p) {
    size_t length;
    for (size_t i = 0; i < p->count; i++) {
        const char *text = ps__pieces_text(&length, p, (int32_t)i);
        if (length && ps__pieces_find(p, text, length) != (int32_t)i) abort();
    }
    for (size_t i = 0; i < p->pair_count; i++) {
        const int32_t ids[3] = {p->pairs[i].left, p->pairs[i].right, p->pairs[i].result};
        for (int n = 0; n < 3; n++) {
            ps__pieces_text(&length, p, ids[n]);
            if (!length) abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    static char path[4200], beside[4200];
    ps__pieces p;
    ps__error err = {0};
    if (!path[0]) {
        fuzz_folder_make();
        snprintf(path, sizeof path, "%s/input", fuzz_folder);
        snprintf(beside, sizeof beside, "%s/beside", fuzz_folder);
    }
    if (size < 2) return 0;
    int kind = bytes[0] % 5, status = PS__OK;
    size_t half = kind == 3 ? (size_t)bytes[1] * (size - 2) / 255 : size - 2; /* of two files, the first's part */
    write_file(path, bytes + 2, half);
    if (kind == 3) write_file(beside, bytes + 2 + half, size - 2 - half);
    ps__pieces_init(&p);
    switch (kind) {
    case 0: status = ps__read_tokenizer_json(&p, path, &err); break;
    case 1: status = ps__read_sentencepiece(&p, path, &err); break;
    case 2: status = ps__read_clip_merges(&p, path, 512 + bytes[1], &err); break;
    case 3: status = ps__read_vocab_merges(&p, path, beside, &err); break;
    default: status = ps__read_vocab_lines(&p, path, &err); break;
    }
    if (status ? !err.text[0] : p.model == PS__MODEL_NONE) abort();
    check(&p);
    ps__pieces_clear(&p);
    return 0;
}
