/*
** Measuring a model on this machine: medians of single runs after a warm-up, and the rate of all threads together.
*/
#define PS_EXPERIMENTAL
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>

#include "api/handles.h"
#include "api/last_error.h"
#include "base/alloc.h"
#include "base/cpu.h"
#include "base/os.h"
#include "encoder/pixels/pixels.h"

#define WARM_UP 3
#define RUNS_MOST 101
#define MEASURE_NS ((int64_t)1500 * 1000 * 1000) /* for each figure */
#define PHOTO_WIDTH 4000                         /* 12 megapixels, as phones make them */
#define PHOTO_HEIGHT 3000

/* What is measured: one run, with everything it needs in `payload`. */
typedef int run_fn(void *payload, ps__error *err);

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static int median_ms(double *out, run_fn *run, void *payload, ps__error *err) {
    double times[RUNS_MOST];
    int n = 0, status = PS__OK;
    int64_t end = ps__os.monotonic_ns() + MEASURE_NS;
    for (int i = 0; i < WARM_UP && status == PS__OK; i++) status = run(payload, err);
    while (status == PS__OK && n < RUNS_MOST && (n < 5 || ps__os.monotonic_ns() < end)) {
        int64_t start = ps__os.monotonic_ns();
        status = run(payload, err);
        times[n++] = (double)(ps__os.monotonic_ns() - start) / 1e6;
    }
    if (status != PS__OK) return status;
    qsort(times, (size_t)n, sizeof *times, by_value);
    *out = times[n / 2];
    return PS__OK;
}

/* ---- The things that are measured ---- */

typedef struct bench {
    ps__tower *image, *text; /* the packages that encode them */
    ps__session *session;    /* of image */
    ps__session *reader;     /* of text */
    float *embedding;        /* [dim] */
    uint8_t *rgb;            /* u8 [side][side][3] */
    int side;                /* pixels a side that the model wants */
    uint8_t *photo;          /* a JPEG, or the caller's file */
    size_t photo_bytes;
    const char *name; /* of the photo, for messages */
} bench;

static int run_image(void *payload, ps__error *err) {
    bench *b = payload;
    return ps__encode_image(b->embedding, b->session, b->rgb, err);
}

static const char sentence[] = "a child in red running on the beach";

static int run_text(void *payload, ps__error *err) {
    bench *b = payload;
    return ps__encode_text(b->embedding, b->reader, sentence, sizeof sentence - 1, err);
}

static int run_decode(void *payload, ps__error *err) {
    bench *b = payload;
    ps__pixels pixels;
    const ps__pixels_options options = ps__encoder_pixels(ps__encoder_about(ps__tower_encoder(b->image)));
    int status = ps__pixels_decode(&pixels, b->photo, b->photo_bytes, b->name, &options, err);
    if (status == PS__OK) ps__pixels_clear(&pixels);
    return status;
}

/* Smooth shapes with some grain, so that the JPEG has about the bytes of a real photo. rgb: u8 [height][width][3] */
static void draw(uint8_t *rgb, int width, int height) {
    uint32_t noise = 1;
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++, rgb += 3) {
            noise = noise * 1664525u + 1013904223u;
            int grain = (int)(noise >> 28), wave = ((x / 40) * (x / 40) + (y / 25) * (y / 25)) & 127;
            rgb[0] = (uint8_t)(64 + wave + grain);
            rgb[1] = (uint8_t)(x * 200 / width + grain);
            rgb[2] = (uint8_t)(y * 200 / height + (wave >> 2) + grain);
        }
}

static int make_photo(bench *b, ps__error *err) {
    unsigned char *jpeg = NULL;
    unsigned long bytes = 0;
    uint8_t *rgb = ps__malloc((size_t)PHOTO_WIDTH * PHOTO_HEIGHT * 3);
    tjhandle handle = rgb ? tjInitCompress() : NULL;
    int made = 0;
    if (handle) {
        draw(rgb, PHOTO_WIDTH, PHOTO_HEIGHT);
        made = tjCompress2(handle, rgb, PHOTO_WIDTH, 0, PHOTO_HEIGHT, TJPF_RGB, &jpeg, &bytes, TJSAMP_420, 90, 0) == 0;
        tjDestroy(handle);
    }
    ps__free(rgb);
    b->photo = made ? ps__malloc(bytes) : NULL;
    if (b->photo) memcpy(b->photo, jpeg, bytes);
    b->photo_bytes = bytes;
    b->name = "test picture";
    tjFree(jpeg);
    return b->photo ? PS__OK : ps__fail_nomem(err);
}

/* ---- All threads at once ---- */

typedef struct worker {
    bench b; /* its own session and embedding; rgb is shared */
    int64_t until_ns;
    long runs; /* finished before until_ns */
    int status;
    ps__error err;
} worker;

static void *work(void *payload) {
    worker *w = payload;
    while (w->status == PS__OK && ps__os.monotonic_ns() < w->until_ns) {
        w->status = run_image(&w->b, &w->err);
        w->runs++;
    }
    return NULL;
}

static int set_up_worker(worker *w, const bench *b, int64_t until_ns) {
    w->b = *b;
    w->b.session = NULL;
    w->until_ns = until_ns;
    w->b.embedding = ps__array((size_t)ps__encoder_about(ps__tower_encoder(b->image))->dim, sizeof(float));
    return w->b.embedding ? ps__tower_take_session(&w->b.session, b->image, &w->err) : ps__fail_nomem(&w->err);
}

static int all_threads(ps_bench *out, const bench *b, ps__error *err) {
    size_t count = (size_t)out->threads, started = 0;
    worker *workers = ps__calloc(count, sizeof *workers);
    pthread_t *threads = ps__array(count, sizeof *threads);
    int status = workers && threads ? PS__OK : ps__fail_nomem(err);
    int64_t start = ps__os.monotonic_ns();
    long runs = 0;
    for (size_t i = 0; status == PS__OK && i < count; i++) {
        status = workers[i].status = set_up_worker(&workers[i], b, start + MEASURE_NS);
        if (status == PS__OK && pthread_create(&threads[i], NULL, work, &workers[i]) != 0)
            status = ps__fail(err, PS__ERROR, "a thread could not be started");
        if (status == PS__OK)
            started++;
        else if (workers[i].status != PS__OK)
            *err = workers[i].err;
    }
    for (size_t i = 0; i < started; i++) pthread_join(threads[i], NULL);
    for (size_t i = 0; workers && i < count; i++) {
        if (status == PS__OK && workers[i].status != PS__OK) *err = workers[i].err, status = workers[i].status;
        runs += workers[i].runs;
        ps__tower_put_session(b->image, workers[i].b.session);
        ps__free(workers[i].b.embedding);
    }
    out->images_per_second = (double)runs / ((double)(ps__os.monotonic_ns() - start) / 1e9);
    ps__free(workers);
    ps__free(threads);
    return status;
}

static int measure(ps_bench *out, bench *b, const char *image, ps__error *err) {
    int status = PS__OK;
    if (b->side) {
        status = image ? ps__read_file(&b->photo, &b->photo_bytes, NULL, image, PS__MAX_FILE_BYTES, err) : make_photo(b, err);
        if (status == PS__OK) status = median_ms(&out->decode_ms, run_decode, b, err);
        if (status == PS__OK) status = median_ms(&out->image_ms, run_image, b, err);
        if (status == PS__OK) status = all_threads(out, b, err);
    }
    if (status == PS__OK && ps__encoder_about(ps__tower_encoder(b->text))->max_tokens)
        status = median_ms(&out->text_ms, run_text, b, err);
    return status;
}

int ps_model_bench(ps_bench *out, ps_model *model, int threads, const char *image, const char *lang) {
    ps__error err = {0};
    if (!out || out->version != PS_BENCH_VERSION || !model)
        return ps__refuse(NULL, PS_INVALID, "ps_model_bench was given no model or no place");
    if (threads < 0 || threads > 256) return ps__refuse(NULL, PS_INVALID, "the number of threads is not in 1 to 256");
    const ps__encoder_info *info = ps__model_info(model);
    bench b = {.image = ps__towers_main(model->towers), .side = info->image_size, .name = image};
    *out = (ps_bench)PS_BENCH_INIT;
    out->threads = threads ? threads : ps__cpu_count();
    b.embedding = ps__array((size_t)info->dim, sizeof(float));
    b.rgb = ps__malloc((size_t)b.side * (size_t)b.side * 3);
    int status = b.embedding && b.rgb ? PS__OK : ps__fail_nomem(&err);
    if (status == PS__OK) status = ps__towers_choose(&b.text, model->towers, lang, sentence, sizeof sentence - 1, &err);
    if (status == PS__OK) status = ps__tower_take_session(&b.session, b.image, &err);
    if (status == PS__OK) status = ps__tower_take_session(&b.reader, b.text, &err);
    if (status == PS__OK) {
        draw(b.rgb, b.side, b.side);
        status = measure(out, &b, image, &err);
    }
    ps__tower_put_session(b.image, b.session);
    ps__tower_put_session(b.text, b.reader);
    ps__free(b.embedding);
    ps__free(b.rgb);
    ps__free(b.photo);
    return ps__remember(NULL, status, &err);
}
