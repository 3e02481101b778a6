/*
** Fuzzes the reading of sentences: any bytes, in any language, at any time, with a gallery that answers as the bytes say, are
** called empty or give a sound query (tests/search/invariants.h); read once more they give the same one. The first bytes choose
** the context.
*/
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "search/query.h"
#include "tests/search/invariants.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

typedef struct answers {
    uint32_t seed; /* of the input; with the question's words it makes the answer */
} answers;

static uint32_t mix(uint32_t hash, const char *s) {
    for (; *s; s++) hash = (hash ^ (uint8_t)*s) * 16777619u;
    return hash ^ hash >> 15;
}

static int64_t photos_at(const ps__where *where, void *payload) {
    uint32_t hash = mix(((answers *)payload)->seed + where->place.number, where->place.name);
    if (where->near != (where->radius_km > 0)) abort();
    return (int64_t)(hash % 5) - 1;
}

static int has_name(const char *words, void *payload) {
    if (!words[0] || !ps__utf8_valid(words, strlen(words))) abort();
    return mix(((answers *)payload)->seed, words) % 3 == 0;
}

static int64_t photos_when(const ps__when *when, int recurring, void *payload) {
    if (!recurring) abort();
    check_when(when);
    return (int64_t)((((answers *)payload)->seed + (uint32_t)when->count) % 4) - 1;
}

static int64_t photos_pass(const ps__filter *filter, void *payload) { return has_name(filter->text, payload) ? 3 : 0; }

static int has_hours(void *payload) { return ((answers *)payload)->seed % 4 != 0; }

/* Opened once; without it (it is made by `make build`) no places are known. */
static const ps__gazetteer *places(void) {
    static ps__gazetteer *gazetteer;
    static int tried;
    if (!tried++) ps__gazetteer_open(&gazetteer, "build/places.gazetteer", NULL);
    return gazetteer;
}

static ps__query_context context_of(const uint8_t head[4], answers *payload) {
    static const char *const LANGS[] = {NULL, "en", "zh", "de", "pt-BR", "id", "es", "fr", "en-GB", "xx"};
    ps__query_context context = {.gallery = {photos_at, has_name, has_name, has_hours, photos_when, photos_pass, payload}};
    payload->seed = (uint32_t)head[0] << 8 | head[1];
    context.flags = head[0] == 255 ? PS__QUERY_LITERAL : 0;
    context.lang = LANGS[head[1] % 10];
    context.southern = head[2] & 1;
    context.gazetteer = head[2] & 2 ? NULL : places();
    if (head[2] & 4) memset(&context.gallery, 0, sizeof context.gallery);
    context.now_s = ((int64_t)head[3] - 100) * 37 * 86400 * 7 + head[2] * 997; /* 1951 to 2080 */
    return context;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    ps__query query, again;
    ps__error err = {0};
    answers payload;
    if (size < 4) return 0;
    ps__query_context context = context_of(bytes, &payload);
    const ps__query_context *given = bytes[0] == 254 ? NULL : &context;
    const char *sentence = (const char *)bytes + 4;
    int status = ps__query_parse(&query, sentence, size - 4, given, &err);
    if (status) {
        if (status != PS__INVALID || !err.text[0] || query.text || query.clauses) abort();
        return 0;
    }
    check_query(&query, given);
    if (ps__query_parse(&again, sentence, size - 4, given, &err)) abort();
    ps__buf one = PS__BUF_INIT, two = PS__BUF_INIT;
    ps__query_dump(&one, &query);
    ps__query_dump(&two, &again);
    if (strcmp(one.bytes, two.bytes) != 0 || strcmp(query.text, again.text) != 0 || query.steps != again.steps) abort();
    ps__buf_free(&one);
    ps__buf_free(&two);
    ps__query_clear(&again);
    ps__query_clear(&query);
    return 0;
}
