/*
** Times plans that are shaped like published towers, over random weights: what a photo costs one thread, and which operations cost it. Times
** are of the processor, so that what else runs on the machine counts less.
**
**   towers [SHAPE [ISA [float]]]    SHAPE: vit-b-32, vit-b-16, fastvit, text; all where none is named
*/
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "encoder/encoder.h"
#include "encoder/plan/plan.h"

enum { MOST_WEIGHTS = 4 << 20, MOST_KINDS = 32 };
static int8_t *weights;
static float *floats;
static uint8_t *picture;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int linear(ps__plan *plan, const char *name, int in, int features, int parts, int outputs) {
    const ps__layer one = {.weights = weights, .scale = floats, .bias = floats, .out_scale = 1}, layers[3] = {one, one, one};
    const int sizes[3] = {outputs, outputs, outputs};
    return ps__plan_linear(plan, name, in, features, parts, layers, sizes);
}

/* A pre-LayerNorm transformer's layers. */
static void transformer(ps__plan *plan, int x, int layers, int width, int causal) {
    for (int i = 0; i < layers; i++) {
        int y = ps__plan_norm_of(plan, "norm", x, floats, floats, 1e-5f, width);
        y = ps__plan_attention(plan, "attention", linear(plan, "qkv", y, width, 3, width), width, width / 64, causal);
        ps__plan_add(plan, "add", x, linear(plan, "output", y, width, 1, width), width);
        y = ps__plan_norm_of(plan, "norm", x, floats, floats, 1e-5f, width);
        y = linear(plan, "fc1", y, width, 1, 4 * width);
        ps__plan_activate(plan, "gelu", y, PS__GELU, 4 * width);
        ps__plan_add(plan, "add", x, linear(plan, "fc2", y, 4 * width, 1, width), width);
    }
}

static int vit(ps__plan *plan, int patch) {
    const ps__window w = {224, 224, 3, patch, patch, patch, 0, 0, 224 / patch, 224 / patch, 1};
    int x = ps__plan_patches(plan, "patches", ps__plan_pixels(plan, "pixels", 224, 224, floats, floats), &w);
    x = linear(plan, "embed", x, 3 * patch * patch, 1, 768);
    x = ps__plan_prepend(plan, "prepend", x, floats, 768);
    ps__plan_add_table(plan, "positions", x, floats, 768);
    transformer(plan, x, 12, 768, 0);
    x = ps__plan_norm_of(plan, "norm", ps__plan_select(plan, "class", x, PS__FIRST_ROW, 768), floats, floats, 1e-5f, 768);
    return ps__plan_normalize(plan, "normalize", linear(plan, "project", x, 768, 1, 512), 512);
}

static int text(ps__plan *plan) {
    const ps__word_table words = {.weights = weights, .scale = floats, .groups = 1};
    int x = ps__plan_embed(plan, "words", &words, floats, 512);
    transformer(plan, x, 12, 512, 1);
    return ps__plan_normalize(plan, "normalize", linear(plan, "project", ps__plan_select(plan, "end", x, PS__LAST_ROW, 512), 512, 1, 512),
                              512);
}

static int deep(ps__plan *plan, int in, int side, int channels, int kernel, int stride, int times) {
    const ps__window w = {side, side, channels, kernel, kernel, stride, kernel / 2, kernel / 2, side / stride, side / stride, times};
    return ps__plan_depthwise_float(plan, kernel == 3 ? "depthwise_3" : "depthwise_7", in, &w, floats, floats);
}

/* FastViT as in MobileCLIP-S0: a stem, three stages of convolutions, one of attention. */
static int fastvit(ps__plan *plan) {
    static const int blocks[4] = {2, 6, 10, 2}, widths[4] = {64, 128, 256, 512};
    const ps__window w = {256, 256, 3, 3, 3, 2, 1, 1, 128, 128, 1};
    int x = ps__plan_patches(plan, "patches", ps__plan_pixels(plan, "pixels", 256, 256, floats, floats), &w), side = 64;
    x = linear(plan, "stem", x, 27, 1, 64);
    ps__plan_activate(plan, "gelu_stem", x, PS__GELU, 64);
    x = deep(plan, x, 128, 64, 3, 2, 1);
    ps__plan_activate(plan, "gelu_stem", x, PS__GELU, 64);
    for (int stage = 0; stage < 4; stage++) {
        int width = widths[stage];
        if (stage) {
            x = linear(plan, "merge", deep(plan, x, side, width / 2, 7, 2, 2), width, 1, width);
            ps__plan_activate(plan, "gelu", x, PS__GELU, width);
            side /= 2;
        }
        for (int i = 0; i < blocks[stage]; i++) {
            if (stage < 3)
                ps__plan_add_scaled(plan, "add_scaled", x, deep(plan, x, side, width, 3, 1, 1), floats, width);
            else {
                int qkv = linear(plan, "qkv", ps__plan_norm_of(plan, "norm", x, floats, floats, 1e-5f, width), width, 3, width);
                int y = linear(plan, "output", ps__plan_attention(plan, "attention", qkv, width, width / 32, 0), width, 1, width);
                ps__plan_add_scaled(plan, "add_scaled", x, y, floats, width);
            }
            int y = linear(plan, "fc1", deep(plan, x, side, width, 7, 1, 1), width, 1, 3 * width);
            ps__plan_activate(plan, "gelu", y, PS__GELU, 3 * width);
            ps__plan_add_scaled(plan, "add_scaled", x, linear(plan, "fc2", y, 3 * width, 1, width), floats, width);
        }
    }
    x = deep(plan, x, 8, 512, 3, 1, 2);
    ps__plan_activate(plan, "gelu", x, PS__GELU, 1024);
    return ps__plan_normalize(plan, "normalize", linear(plan, "project", ps__plan_mean(plan, "mean", x, 1024), 1024, 1, 512), 512);
}

typedef struct times { /* by name of operation */
    char name[MOST_KINDS][48];
    double ms[MOST_KINDS], last;
    int count;
} times;

static void take_time(const char *name, const uint8_t *u8, float scale, int zero, const float *f32, size_t rows, size_t features,
                      void *payload) {
    times *t = payload;
    int i = 0;
    double at = now();
    (void)u8, (void)scale, (void)zero, (void)f32, (void)rows, (void)features;
    while (i < t->count && strcmp(t->name[i], name) != 0) i++;
    if (i == t->count) snprintf(t->name[t->count++], 48, "%s", name);
    t->ms[i] += at - t->last;
    t->last = now();
}

enum { VIT_B_32, VIT_B_16, FASTVIT, TEXT, SHAPES };
static const char *const shapes[SHAPES] = {"vit-b-32", "vit-b-16", "fastvit", "text"};

static void measure(int shape, const char *isa, int precision) {
    static float out[512];
    times t = {.count = 0};
    ps__workspace *space;
    ps__error err = {0};
    double best = 1e9;
    ps__plan *plan = ps__plan_new(ps__kernels_choose(isa), precision, shape == TEXT ? 77 : 1);
    int x = shape == TEXT ? text(plan) : shape == FASTVIT ? fastvit(plan) : vit(plan, shape == VIT_B_32 ? 32 : 16);
    if (ps__plan_finish(plan, x, 512, shapes[shape], &err) || ps__workspace_new(&space, plan, &err)) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    int rounds = precision == PS__PRECISION_FLOAT ? 3 : 15;
    for (int i = 0; i < rounds; i++) {
        double start = now();
        ps__plan_run(out, plan, space, picture, shape == TEXT ? 77 : 1, NULL, NULL);
        double ms = now() - start;
        best = ms < best ? ms : best;
    }
    t.last = now();
    for (int i = 0; i < rounds; i++) ps__plan_run(out, plan, space, picture, shape == TEXT ? 77 : 1, take_time, &t);
    printf("%-9s %-10s %-5s best %8.2f ms, buffers %5.1f MiB  ", shapes[shape], ps__kernels_choose(isa)->name,
           precision == PS__PRECISION_FLOAT ? "float" : "int8", best, (double)ps__plan_workspace_bytes(plan) / 1048576);
    for (int i = 0; i < t.count; i++)
        if (t.ms[i] / rounds >= 0.05) printf(" %s %.2f", t.name[i], t.ms[i] / rounds);
    putchar('\n');
    ps__workspace_free(space);
    ps__plan_free(plan);
}

int main(int argc, char **argv) {
    weights = malloc(MOST_WEIGHTS), floats = malloc(MOST_WEIGHTS * 4), picture = calloc(1, 256 * 256 * 3);
    if (!weights || !floats || !picture) return 1;
    srand(1);
    for (int i = 0; i < MOST_WEIGHTS; i++) weights[i] = (int8_t)(rand() % 255 - 127), floats[i] = (float)(rand() % 1000 + 1) * 1e-4f;
    for (int i = 0; i < SHAPES; i++) {
        if (argc > 1 && strcmp(argv[1], "all") != 0 && strcmp(argv[1], shapes[i]) != 0) continue;
        measure(i, argc > 2 ? argv[2] : NULL, argc > 3 ? PS__PRECISION_FLOAT : PS__PRECISION_INT8);
    }
    free(weights), free(floats), free(picture);
    return 0;
}
