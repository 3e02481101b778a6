/*
** Comparing a package with its float32 original; see report.h. Both have the same operations in the same order, so the float run's values
** are kept, some rows of each operation, and the INT8 run is held against them.
*/
#include "encoder/import/report.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/os.h"
#include "encoder/encoder.h"
#include "encoder/import/calibrate.h"
#include "encoder/pixels/pixels.h"
#include "encoder/plan/plan.h"

#define ROWS_KEPT 16 /* of an operation's rows, evenly spread */

typedef struct stage { /* one operation */
    char *name;        /* owned */
    size_t at, count;  /* of the float run: place in `kept`, number of values */
    double off, whole; /* sums of squares: difference, float values */
    double top;
} stage;

typedef struct tower {       /* image or text, of both packages */
    ps__encoder *encoder[2]; /* quantised, precise: borrowed */
    const ps__plan *plan[2];
    ps__workspace *space[2];
    stage *stages; /* owned */
    size_t stage_count, stage_room;
    float *kept; /* owned: values of the float run */
    size_t kept_count, kept_room;
    size_t next;      /* operation that the tap is called for next */
    int is_comparing; /* 0: the float run, which keeps; 1: the INT8 run */
    int failed;       /* memory ran out */
    float *embedding[2];
    double sum, least;
    int count;
} tower;

/* ---- Taps ---- */

static int room_for(void *list, size_t *room, size_t needed, size_t size) {
    void *old, *more;
    if (needed <= *room) return 1;
    memcpy(&old, list, sizeof old);
    size_t larger = needed + needed / 2 + 64;
    if (!(more = ps__realloc(old, larger * size))) return 0;
    memcpy(list, &more, sizeof more);
    *room = larger;
    return 1;
}

/* Value i of the row, whatever it is kept as. */
static float value_of(const uint8_t *u8, float scale, int zero, const float *f32, size_t i) {
    return u8 ? scale * (float)(u8[i] - zero) : f32[i];
}

static void keep(tower *t, const char *name, const uint8_t *u8, float scale, int zero, const float *f32, size_t rows,
                 size_t features) {
    size_t kept = rows < ROWS_KEPT ? rows : ROWS_KEPT;
    if (!room_for(&t->kept, &t->kept_room, t->kept_count + kept * features, sizeof *t->kept)) {
        t->failed = 1;
        return;
    }
    if (t->next == t->stage_count) { /* the first run names the stages */
        if (!room_for(&t->stages, &t->stage_room, t->stage_count + 1, sizeof *t->stages)) {
            t->failed = 1;
            return;
        }
        t->stages[t->stage_count++] = (stage){.name = ps__strdup(name)};
    }
    stage *s = &t->stages[t->next];
    s->at = t->kept_count;
    s->count = kept * features;
    for (size_t r = 0; r < kept; r++)
        for (size_t i = 0; i < features; i++) {
            float value = value_of(u8, scale, zero, f32, r * rows / kept * features + i);
            t->kept[t->kept_count++] = value;
            s->whole += (double)value * (double)value;
            if (fabs((double)value) > s->top) s->top = fabs((double)value);
        }
}

static void hold_against(tower *t, const uint8_t *u8, float scale, int zero, const float *f32, size_t rows, size_t features) {
    stage *s = &t->stages[t->next];
    size_t kept = rows < ROWS_KEPT ? rows : ROWS_KEPT;
    if (kept * features != s->count) return; /* never: the plans are alike */
    const float *from = t->kept + s->at;
    for (size_t r = 0; r < kept; r++)
        for (size_t i = 0; i < features; i++) {
            double off = (double)value_of(u8, scale, zero, f32, r * rows / kept * features + i) - (double)*from++;
            s->off += off * off;
        }
}

static void tap(const char *name, const uint8_t *u8, float scale, int zero, const float *f32, size_t rows, size_t features,
                void *payload) {
    tower *t = payload;
    if (t->failed) return;
    if (!t->is_comparing)
        keep(t, name, u8, scale, zero, f32, rows, features);
    else if (t->next < t->stage_count)
        hold_against(t, u8, scale, zero, f32, rows, features);
    t->next++;
}

/* ---- Runs ---- */

static double dot(const float *a, const float *b, int n) {
    double sum = 0;
    for (int i = 0; i < n; i++) sum += (double)a[i] * (double)b[i];
    return sum;
}

/* Runs the input through both and adds what it shows. */
static int compare(tower *t, const void *input, int rows, ps__error *err) {
    t->kept_count = 0;
    for (int precise = 1; precise >= 0; precise--) {
        t->is_comparing = !precise;
        t->next = 0;
        ps__plan_run(t->embedding[precise], t->plan[precise], t->space[precise], input, rows, tap, t);
        if (t->failed) return ps__fail_nomem(err);
    }
    double cosine = dot(t->embedding[0], t->embedding[1], ps__encoder_about(t->encoder[0])->dim);
    t->sum += cosine;
    if (t->count == 0 || cosine < t->least) t->least = cosine;
    t->count++;
    return PS__OK;
}

static int tower_open(tower *t, ps__encoder *const encoder[2], int is_text, ps__error *err) {
    int status = PS__OK;
    *t = (tower){.encoder = {encoder[0], encoder[1]}};
    for (int i = 0; i < 2 && !status; i++) {
        t->embedding[i] = ps__array((size_t)ps__encoder_about(encoder[i])->dim, sizeof **t->embedding);
        if (!t->embedding[i]) return ps__fail_nomem(err);
        status = ps__encoder_plan(&t->plan[i], encoder[i], is_text, err);
        if (!status) status = ps__workspace_new(&t->space[i], t->plan[i], err);
    }
    return status;
}

static void tower_close(tower *t) {
    for (int i = 0; i < 2; i++) {
        ps__workspace_free(t->space[i]);
        ps__free(t->embedding[i]);
    }
    for (size_t i = 0; i < t->stage_count; i++) ps__free(t->stages[i].name);
    ps__free(t->stages);
    ps__free(t->kept);
}

static void tell_stages(const tower *t, int is_text, ps__layer_error_fn *layer, void *payload) {
    for (size_t i = 0; i < t->stage_count && layer; i++) {
        const stage *s = &t->stages[i];
        const ps__layer_error e = {s->name ? s->name : "", is_text, s->whole > 0 ? sqrt(s->off / s->whole) : 0, s->top};
        layer(&e, payload);
    }
}

static int compare_photo(tower *t, const char *path, ps__report *out, ps__error *err) {
    const ps__encoder_info *info = ps__encoder_about(t->encoder[0]);
    const ps__pixels_options options = ps__encoder_pixels(info);
    uint8_t *bytes;
    size_t size;
    ps__pixels pixels;
    int status = ps__read_file(&bytes, &size, NULL, path, PS__MAX_FILE_BYTES, err);
    if (!status) {
        status = ps__pixels_decode(&pixels, bytes, size, path, &options, err);
        ps__free(bytes);
    }
    if (status == PS__NOMEM) return status;
    if (status) {
        out->unreadable++;
        return PS__OK;
    }
    status = compare(t, pixels.rgb, 1, err);
    ps__pixels_clear(&pixels);
    return status;
}

typedef struct listener {
    ps__layer_error_fn *layer;
    ps__report_progress_fn *progress;
    void *payload;
    int done, total;
} listener;

static int step(listener *l, ps__error *err) {
    l->done++;
    if (l->progress && l->progress(l->done, l->total, l->payload)) return ps__fail(err, PS__CANCELLED, "the report was stopped");
    return PS__OK;
}

static int report_images(ps__report *out, ps__encoder *const encoder[2], const char *const *photos, size_t photo_count,
                         listener *l, ps__error *err) {
    tower t;
    int status = tower_open(&t, encoder, 0, err);
    for (size_t i = 0; i < photo_count && !status; i++) {
        status = compare_photo(&t, photos[i], out, err);
        if (!status) status = step(l, err);
    }
    if (!status) tell_stages(&t, 0, l->layer, l->payload);
    out->images = t.count;
    out->image_least = t.count ? t.least : 1;
    out->image_mean = t.count ? t.sum / t.count : 1;
    tower_close(&t);
    return status;
}

static int report_texts(ps__report *out, ps__encoder *const encoder[2], listener *l, ps__error *err) {
    tower t;
    int status = tower_open(&t, encoder, 1, err), count = 0;
    int32_t *ids = ps__array((size_t)ps__encoder_about(encoder[0])->max_tokens, sizeof *ids);
    if (!status && !ids) status = ps__fail_nomem(err);
    for (size_t i = 0; ps__import_sentences[i] && !status; i++) {
        const char *text = ps__import_sentences[i];
        status = ps__encoder_tokens(ids, &count, encoder[0], text, strlen(text), err);
        if (!status) status = compare(&t, ids, count, err);
        if (!status) status = step(l, err);
    }
    if (!status) tell_stages(&t, 1, l->layer, l->payload);
    out->texts = t.count;
    out->text_least = t.count ? t.least : 1;
    out->text_mean = t.count ? t.sum / t.count : 1;
    ps__free(ids);
    tower_close(&t);
    return status;
}

static int sentence_count(void) {
    int count = 0;
    while (ps__import_sentences[count]) count++;
    return count;
}

int ps__report_make(ps__report *out, const char *quantised, const char *precise, const char *const *photos, size_t photo_count,
                    ps__layer_error_fn *layer, ps__report_progress_fn *progress, void *payload, ps__error *err) {
    const ps__encoder_options options[2] = {{PS__PRECISION_INT8, NULL}, {PS__PRECISION_FLOAT, NULL}};
    const char *const path[2] = {quantised, precise};
    listener l = {layer, progress, payload, 0, (int)photo_count + sentence_count()};
    *out = (ps__report){0};
    int status = PS__OK;
    /* One tower at a time: a laid out one holds its weights. */
    for (int is_text = 0; is_text < 2 && !status; is_text++) {
        ps__encoder *encoder[2] = {NULL, NULL};
        for (int i = 0; i < 2 && !status; i++) status = ps__encoder_open(&encoder[i], path[i], &options[i], err);
        if (!status)
            status = is_text ? report_texts(out, encoder, &l, err) : report_images(out, encoder, photos, photo_count, &l, err);
        for (int i = 0; i < 2; i++) ps__encoder_free(encoder[i]);
    }
    return status;
}
