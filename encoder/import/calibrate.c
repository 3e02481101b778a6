/*
** Measuring what goes through a model; see calibrate.h.
*/
#include "encoder/import/calibrate.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/os.h"
#include "encoder/encoder.h"
#include "encoder/pixels/pixels.h"
#include "encoder/plan/plan.h"

#define DRAWN 6 /* pictures */

const char *const ps__import_sentences[] = {"a red car at the beach",
                                            "two dogs run through deep snow",
                                            "children playing football on a green field",
                                            "a plate of pasta with tomato sauce",
                                            "sunset over the mountains",
                                            "a woman in a blue dress dancing",
                                            "an old man reading a newspaper on a bench",
                                            "a black cat asleep on a sofa",
                                            "screenshot of a train ticket",
                                            "birthday cake with burning candles",
                                            "people skiing down a slope",
                                            "a boat on a lake at night",
                                            NULL};

typedef struct entry { /* one operation */
    char *name;        /* owned */
    float *top;        /* [count] owned */
    size_t count;
} entry;

struct ps__sizes {
    entry *list; /* [count] owned */
    size_t count, room;
    int failed;     /* memory ran out within a tap */
    int unreadable; /* photos */
};

int ps__sizes_unreadable(const ps__sizes *s) { return s->unreadable; }

void ps__sizes_free(ps__sizes *s) {
    if (!s) return;
    for (size_t i = 0; i < s->count; i++) {
        ps__free(s->list[i].name);
        ps__free(s->list[i].top);
    }
    ps__free(s->list);
    ps__free(s);
}

static entry *find(const ps__sizes *s, const char *name) {
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->list[i].name, name) == 0) return &s->list[i];
    return NULL;
}

const float *ps__sizes_find(size_t *count, const ps__sizes *s, const char *name) {
    const entry *e = find(s, name);
    *count = e ? e->count : 0;
    return e ? e->top : NULL;
}

static entry *add(ps__sizes *s, const char *name, size_t count) {
    if (s->count == s->room) {
        size_t room = s->room ? 2 * s->room : 64;
        entry *more = ps__realloc(s->list, room * sizeof *more);
        if (!more) return NULL;
        s->list = more;
        s->room = room;
    }
    entry *e = &s->list[s->count];
    *e = (entry){.name = ps__strdup(name), .top = ps__calloc(count, sizeof(float)), .count = count};
    if (e->name && e->top) {
        s->count++;
        return e;
    }
    ps__free(e->name);
    ps__free(e->top);
    return NULL;
}

/* "image.3.norm1" and the like, and the filters of feed-forward layers. */
static int is_norm(const char *name) {
    const char *dot = strrchr(name, '.');
    return dot &&
           (strcmp(dot, ".norm1") == 0 || strcmp(dot, ".norm2") == 0 || strcmp(dot, ".norm") == 0 || strcmp(dot, ".ffn") == 0);
}

static void tap(const char *name, const uint8_t *u8, float scale, int zero, const float *f32, size_t rows, size_t features,
                void *payload) {
    ps__sizes *s = payload;
    (void)u8, (void)scale, (void)zero;
    if (!f32 || !is_norm(name) || s->failed) return;
    entry *e = find(s, name);
    if (!e && !(e = add(s, name, features))) {
        s->failed = 1;
        return;
    }
    for (size_t r = 0; r < rows && e->count == features; r++, f32 += features)
        for (size_t i = 0; i < features; i++) e->top[i] = fmaxf(e->top[i], fabsf(f32[i]));
}

/* ---- Inputs ---- */

static uint32_t next_random(uint32_t *state) { /* xorshift, Marsaglia 2003 */
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

/* A gradient with a few dozen discs and rectangles of all sizes and colours, some noise over them. rgb: u8 [side][side][3] */
static void draw(uint8_t *rgb, int side, uint32_t seed) {
    uint32_t state = 2463534242u + seed * 7919u;
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++) {
            uint8_t *p = rgb + ((size_t)y * (size_t)side + (size_t)x) * 3;
            p[0] = (uint8_t)(x * 255 / side), p[1] = (uint8_t)(y * 255 / side), p[2] = (uint8_t)(128 + seed * 20);
        }
    for (int n = 0; n < 40; n++) {
        int size = (int)(next_random(&state) % (uint32_t)side) / (1 + n / 8) + 1, is_disc = (int)(next_random(&state) & 1);
        int left = (int)(next_random(&state) % (uint32_t)side), top = (int)(next_random(&state) % (uint32_t)side);
        uint32_t colour = next_random(&state);
        for (int y = top; y < top + size && y < side; y++)
            for (int x = left; x < left + size && x < side; x++) {
                int dx = 2 * (x - left) - size, dy = 2 * (y - top) - size;
                if (is_disc && dx * dx + dy * dy > size * size) continue;
                uint32_t noise = next_random(&state);
                uint8_t *p = rgb + ((size_t)y * (size_t)side + (size_t)x) * 3;
                for (int c = 0; c < 3; c++) p[c] = (uint8_t)((colour >> 8 * c & 0xE0) + (noise >> 8 * c & 31));
            }
    }
}

typedef struct run {
    ps__sizes *sizes;
    const ps__plan *plan;
    ps__workspace *space;
    float *embedding;
    size_t dim;
    const char *side; /* "image" or "text" */
    ps__error *err;
} run;

static int run_input(run *r, const void *input, int rows) {
    ps__plan_run(r->embedding, r->plan, r->space, input, rows, tap, r->sizes);
    if (r->sizes->failed) return ps__fail_nomem(r->err);
    if (ps__is_direction(r->embedding, r->dim)) return PS__OK;
    return ps__fail(r->err, PS__MODEL, "the %s tower gives an embedding that is not a direction: its weights cannot be right",
                    r->side);
}

static int run_photo(run *r, const ps__encoder_info *info, const char *path) {
    const ps__pixels_options options = ps__encoder_pixels(info);
    uint8_t *bytes;
    size_t size;
    ps__pixels pixels;
    ps__error ignored;
    int status = ps__read_file(&bytes, &size, NULL, path, PS__MAX_FILE_BYTES, &ignored);
    if (!status) {
        status = ps__pixels_decode(&pixels, bytes, size, path, &options, &ignored);
        ps__free(bytes);
    }
    if (status == PS__NOMEM) return ps__fail_nomem(r->err);
    r->sizes->unreadable += status != PS__OK;
    if (status) return PS__OK;
    status = run_input(r, pixels.rgb, 1);
    ps__pixels_clear(&pixels);
    return status;
}

static int run_images(run *r, const ps__encoder_info *info, const char *const *photos, size_t count) {
    size_t side = (size_t)info->image_size;
    uint8_t *rgb = ps__malloc(side * side * 3);
    int status = rgb ? PS__OK : ps__fail_nomem(r->err);
    for (uint32_t i = 0; i < DRAWN && !status; i++) {
        draw(rgb, info->image_size, i);
        status = run_input(r, rgb, 1);
    }
    ps__free(rgb);
    for (size_t i = 0; i < count && !status; i++) status = run_photo(r, info, photos[i]);
    return status;
}

static int run_texts(run *r, ps__encoder *encoder) {
    int count, status = PS__OK;
    int32_t *ids = ps__array((size_t)ps__encoder_about(encoder)->max_tokens, sizeof *ids);
    if (!ids) return ps__fail_nomem(r->err);
    for (size_t i = 0; ps__import_sentences[i] && !status; i++) {
        const char *text = ps__import_sentences[i];
        status = ps__encoder_tokens(ids, &count, encoder, text, strlen(text), r->err);
        if (!status) status = run_input(r, ids, count);
    }
    ps__free(ids);
    return status;
}

static int measure_tower(ps__sizes *sizes, const char *package, int is_text, const char *const *photos, size_t count,
                         ps__error *err) {
    ps__encoder *encoder;
    run r = {.sizes = sizes, .side = is_text ? "text" : "image", .err = err};
    int status = ps__encoder_open(&encoder, package, NULL, err);
    if (status) return status;
    const ps__encoder_info *info = ps__encoder_about(encoder);
    r.dim = (size_t)info->dim;
    r.embedding = ps__array((size_t)info->dim, sizeof *r.embedding);
    status = r.embedding ? ps__encoder_plan(&r.plan, encoder, is_text, err) : ps__fail_nomem(err);
    if (!status) status = ps__workspace_new(&r.space, r.plan, err);
    if (!status) status = is_text ? run_texts(&r, encoder) : run_images(&r, info, photos, count);
    ps__workspace_free(r.space);
    ps__free(r.embedding);
    ps__encoder_free(encoder);
    return status;
}

int ps__sizes_measure(ps__sizes **out, const char *package, const char *const *photos, size_t photo_count, ps__error *err) {
    ps__sizes *s = *out = ps__calloc(1, sizeof *s);
    if (!s) return ps__fail_nomem(err);
    int status = measure_tower(s, package, 0, photos, photo_count, err);
    if (!status) status = measure_tower(s, package, 1, NULL, 0, err);
    if (status) {
        ps__sizes_free(s);
        *out = NULL;
    }
    return status;
}
