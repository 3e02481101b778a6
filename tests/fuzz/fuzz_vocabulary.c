/*
** Fuzzes vocabularies: any bytes are refused with a sentence, or give labels that are different and may be printed and encoded.
*/
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "search/vocabulary.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check_text(const char *text, size_t most) {
    size_t length = strlen(text);
    if (length == 0 || length > most || !ps__utf8_valid(text, length)) abort();
    if (text[0] == ' ' || text[length - 1] == ' ') abort();
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7F || text[i] == '|') abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    ps__vocabulary v;
    ps__error err = {0};
    int status = ps__vocabulary_parse(&v, (const char *)bytes, size, "input", &err);
    if (status) {
        if ((status != PS__INVALID && status != PS__TOOBIG) || !err.text[0] || v.labels || v.text) abort();
        return 0;
    }
    if (v.count == 0) abort();
    for (size_t i = 0; i < v.count; i++) {
        check_text(v.labels[i].name, PS__LABEL_BYTES);
        if (v.labels[i].sentence_count == 0) abort();
        for (size_t k = 0; k < v.labels[i].sentence_count; k++) check_text(v.labels[i].sentences[k], size);
        for (size_t k = 0; k < i; k++)
            if (strcmp(v.labels[i].name, v.labels[k].name) == 0) abort();
    }
    ps__vocabulary_clear(&v);
    return 0;
}
