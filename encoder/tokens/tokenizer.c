/*
** The list of tokenizers.
*/
#include "encoder/tokens/tokenizer.h"

#include <string.h>

static const ps__tokenizer_kind *const all[] = {&ps__tokenizer_wordpiece, &ps__tokenizer_unigram, &ps__tokenizer_bpe};

const ps__tokenizer_kind *ps__tokenizer_find(const char *name) {
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(all[i]->name, name) == 0) return all[i];
    return NULL;
}

int ps__tokenizer_encode(int32_t *ids, int *count, const ps__tokenizer *tokenizer, const char *text, size_t length, int max_ids,
                         ps__error *err) {
    return tokenizer->kind->encode(ids, count, tokenizer, text, length, max_ids, err);
}

void ps__tokenizer_free(ps__tokenizer *tokenizer) {
    if (tokenizer) tokenizer->kind->free(tokenizer);
}
