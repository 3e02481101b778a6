/*
** Fuzzes the model package reader and both families' loaders: any bytes are either refused or give towers that run, and a
** classifier and a bank that score.
**
** A change among the weights shows little, and one in the header's JSON mostly ends in the JSON parser. So most mutations put another
** value in the place of one of the header's numbers, and leave the package sound otherwise.
*/
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "encoder/encoder.h"
#include "encoder/language.h"
#include "tests/fuzz/folder.h"

#define MOST_HEADER 65536 /* bytes of JSON that are mutated by number */

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t room, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *bytes, size_t size, size_t room);

static char path[600];

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    fuzz_folder_make();
    snprintf(path, sizeof path, "%s/package.safetensors", fuzz_folder);
    return 0;
}

/* ---- Mutation ---- */

static unsigned draw(unsigned *state, unsigned below) {
    *state = *state * 1103515245u + 12345u;
    return (*state >> 8) % below;
}

/* Where the n-th run of digits begins, and where it ends; NULL when there are fewer. */
static const char *find_number(const char *text, unsigned n, const char **end) {
    for (; *text; text = *end) {
        while (*text && !isdigit((unsigned char)*text)) text++;
        for (*end = text; isdigit((unsigned char)**end);) ++*end;
        if (*text && n-- == 0) return text;
    }
    return NULL;
}

static void draw_value(char value[32], const char *old, unsigned *state) {
    static const char *const values[] = {"0",   "1",   "2",     "3",     "4",          "7",          "8",
                                         "15",  "16",  "31",    "32",    "33",         "64",         "127",
                                         "128", "255", "65535", "65536", "2147483647", "4294967295", "9223372036854775807",
                                         "-1",  "0.5", "1e300", "null",  "[]",         "{}",         "99999999999999999999"};
    if (draw(state, 2))
        snprintf(value, 32, "%llu", strtoull(old, NULL, 10) + draw(state, 5) - 2);
    else
        snprintf(value, 32, "%s", values[draw(state, sizeof values / sizeof *values)]);
}

/* The text in out, with another value in the place of one number and padded to whole eights, as the data behind must stay aligned.
** Returns its length. */
static size_t change_number(char *out, const char *text, unsigned *state) {
    unsigned numbers = 0;
    const char *end, *at;
    char value[32];
    for (at = text; (at = find_number(at, 0, &end)) != NULL; at = end) numbers++;
    if (!numbers) return (size_t)sprintf(out, "%s", text);
    at = find_number(text, draw(state, numbers), &end);
    draw_value(value, at, state);
    int used = sprintf(out, "%.*s%s%s", (int)(at - text), text, value, end);
    while (used > 0 && out[used - 1] == ' ') used--;
    while (used % 8) out[used++] = ' ';
    return (size_t)used;
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t room, unsigned seed) {
    static char text[MOST_HEADER + 1], changed[MOST_HEADER + 64];
    unsigned state = seed;
    uint64_t header = 0;
    if (size > 8) memcpy(&header, bytes, 8);
    if (seed % 4 == 0 || header < 2 || header > MOST_HEADER || header > size - 8) return LLVMFuzzerMutate(bytes, size, room);
    memcpy(text, bytes + 8, (size_t)header);
    text[header] = 0;
    uint64_t length = change_number(changed, text, &state);
    size_t data = size - 8 - (size_t)header;
    if (8 + length + data > room) return LLVMFuzzerMutate(bytes, size, room);
    memmove(bytes + 8 + length, bytes + 8 + header, data);
    memcpy(bytes + 8, changed, (size_t)length);
    memcpy(bytes, &length, 8);
    return 8 + (size_t)length + data;
}

/* ---- The target ---- */

static void run_towers(ps__encoder *e) {
    const ps__encoder_info *info = ps__encoder_about(e);
    ps__session *s;
    ps__error err;
    if (info->image_size > 64 || ps__session_new(&s, e, &err)) return;
    float *v = calloc((size_t)info->dim, sizeof *v);
    uint8_t *rgb = calloc((size_t)info->image_size * (size_t)info->image_size + 1, 3);
    if (v && rgb) {
        ps__encode_image(v, s, rgb, &err);
        ps__encode_text(v, s, "a dog", 5, &err);
    }
    free(v);
    free(rgb);
    ps__session_free(s);
}

static void run_scores(const ps__encoder *e) {
    const ps__encoder_info *info = ps__encoder_about(e);
    ps__english english;
    ps__background bank;
    ps__scorer scorer;
    ps__error err;
    double score;
    float *v = calloc((size_t)info->dim, sizeof *v);
    if (!ps__english_read(&english, ps__encoder_package(e), &err) && english.weight)
        ps__english_score(&score, &english, "ein Hund", 8, &err);
    if (v && !ps__background_read(&bank, ps__encoder_package(e), info->dim, &err)) {
        ps__scorer_set(&scorer, &info->calibration, &bank, v);
        ps__scorer_score(&scorer, 0.5f);
    }
    free(v);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    ps__encoder *e;
    ps__error err;
    fuzz_write(path, bytes, size);
    if (ps__encoder_open(&e, path, NULL, &err) == 0) {
        unsigned sum = 0; /* packing and running the towers takes most of the time, so not for every input */
        for (size_t i = 0; i < size; i++) sum = sum * 31 + bytes[i];
        if (sum / 64 % 8 == 0) run_towers(e);
        run_scores(e);
        ps__encoder_free(e);
    }
    return 0;
}
