/*
** Fuzzes the model package reader and all families' loaders: any bytes are either refused or give towers that run, and a
** classifier and a bank that score.
*/
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "encoder/encoder.h"
#include "encoder/language.h"
#include "tests/fuzz/folder.h"
#include "tests/fuzz/header.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t room, unsigned seed);

static char path[600];

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    fuzz_folder_make();
    snprintf(path, sizeof path, "%s/package.safetensors", fuzz_folder);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t room, unsigned seed) {
    return fuzz_mutate_header(bytes, size, room, seed);
}

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
