/*
** Fuzzes the model package reader and both families' loaders: any bytes are either refused or give towers that run, and a
** classifier and a bank that score.
*/
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "encoder/encoder.h"
#include "encoder/language.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

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
    static char path[64];
    ps__encoder *e;
    ps__error err;
    if (!*path) snprintf(path, sizeof path, "/tmp/photosearch-fuzz-%ld.safetensors", (long)getpid());
    FILE *f = fopen(path, "wb");
    if (!f) return 0;
    fwrite(bytes, 1, size, f);
    fclose(f);
    if (ps__encoder_open(&e, path, NULL, &err) == 0) {
        run_towers(e);
        run_scores(e);
        ps__encoder_free(e);
    }
    unlink(path);
    return 0;
}
