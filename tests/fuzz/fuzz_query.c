/*
** Fuzzes what becomes of a sentence before it is encoded: any bytes are called empty or give tidy text, which stays as it is when it is
** parsed once more.
*/
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "search/query.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check_text(const char *text) {
    size_t length = strlen(text);
    if (!ps__utf8_valid(text, length)) abort();
    if (!length || text[0] == ' ' || text[length - 1] == ' ' || strstr(text, "  ")) abort();
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7F) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    ps__query query, again;
    ps__error err = {0};
    int status = ps__query_parse(&query, (const char *)bytes, size, NULL, &err);
    if (status) {
        if (status != PS__INVALID || !err.text[0] || query.text) abort();
        return 0;
    }
    check_text(query.text);
    if (ps__query_parse(&again, query.text, strlen(query.text), NULL, &err)) abort();
    if (strcmp(again.text, query.text)) abort();
    ps__query_clear(&again);
    ps__query_clear(&query);
    return 0;
}
