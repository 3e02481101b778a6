/*
** Byte-pair encoding: checks of what the package says, and the merging; see bpe.h.
*/
#include "encoder/tokens/bpe.h"

#include <string.h>

#include "base/alloc.h"

/* ---- Merging ---- */

/* Looks up the pair that begins at symbol i. */
static void find_pair(ps__bpe_walk *w, int i) {
    const ps__bpe_merge *merges = w->t->merges;
    size_t low = 0, high = w->t->merge_count;
    w->ranks[i] = INT32_MAX;
    if (i + 1 >= w->symbol_count) return;
    int32_t left = w->symbols[i], right = w->symbols[i + 1];
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const ps__bpe_merge *m = &merges[middle];
        if (m->left == left && m->right == right) {
            w->ranks[i] = m->rank;
            w->results[i] = m->result;
            return;
        }
        if (m->left < left || (m->left == left && m->right < right))
            low = middle + 1;
        else
            high = middle;
    }
}

static void remove_at(int32_t *list, int at, int count) {
    memmove(list + at, list + at + 1, (size_t)(count - at - 1) * sizeof *list);
}

void ps__bpe_merge_all(ps__bpe_walk *w) {
    for (int i = 0; i < w->symbol_count; i++) find_pair(w, i);
    for (;;) {
        int best = 0;
        for (int i = 1; i < w->symbol_count; i++)
            if (w->ranks[i] < w->ranks[best]) best = i;
        if (w->symbol_count < 2 || w->ranks[best] == INT32_MAX) break;
        w->symbols[best] = w->results[best];
        remove_at(w->symbols, best + 1, w->symbol_count);
        remove_at(w->ranks, best + 1, w->symbol_count);
        remove_at(w->results, best + 1, w->symbol_count);
        w->symbol_count--;
        find_pair(w, best);
        if (best) find_pair(w, best - 1);
    }
    for (int i = 0; i < w->symbol_count && w->count < w->max; i++) w->ids[w->count++] = w->symbols[i];
    w->symbol_count = 0;
}

/* ---- Opening ---- */

typedef struct opening { /* one call of open */
    ps__bpe *t;
    const ps__package *package;
    json_t *config; /* text.config */
    ps__error *err;
} opening;

static int refuse(const opening *o, const char *reason) {
    return ps__fail(o->err, PS__MODEL, "%s: the tokenizer's %s", ps__package_path(o->package), reason);
}

/* Every id that can come out is below size. */
static int take_id(opening *o, int32_t id) {
    if (id < 0 || id >= 1 << 28) return 0;
    if ((size_t)id >= o->t->base.size) o->t->base.size = (size_t)id + 1;
    return 1;
}

static int take_bytes(const int32_t **out, opening *o, const char *name) {
    static const int64_t all[1] = {256};
    const ps__tensor *t;
    int status = ps__package_need(&t, o->package, PS__I32, 1, all, o->err, "%s", name);
    if (status) return status;
    *out = t->data;
    for (int b = 0; b < 256; b++)
        if ((*out)[b] != -1 && !take_id(o, (*out)[b])) return refuse(o, "symbols of bytes are no ids");
    return PS__OK;
}

static int take_merges(opening *o) {
    static const int64_t any[1] = {-1};
    const ps__tensor *t;
    int status = ps__package_need(&t, o->package, PS__I32, 1, any, o->err, "text.merges");
    if (status) return status;
    if (t->count % 4) return refuse(o, "merges are not rows of four numbers");
    const ps__bpe_merge *m = o->t->merges = t->data;
    o->t->merge_count = (size_t)t->count / 4;
    for (size_t i = 0; i < o->t->merge_count; i++) {
        if (m[i].rank < 0 || m[i].rank == INT32_MAX || !take_id(o, m[i].left) || !take_id(o, m[i].right) ||
            !take_id(o, m[i].result))
            return refuse(o, "merges hold what is no id");
        if (i && (m[i].left < m[i - 1].left || (m[i].left == m[i - 1].left && m[i].right <= m[i - 1].right)))
            return refuse(o, "merges are not in rising order");
    }
    return PS__OK;
}

static int take_characters(opening *o) {
    static const int64_t any[1] = {-1};
    const ps__tensor *t;
    int status = ps__package_need(&t, o->package, PS__I32, 1, any, o->err, "text.characters");
    if (status) return status;
    if (t->count % 2) return refuse(o, "characters are not rows of two numbers");
    const int32_t *c = o->t->characters = t->data;
    o->t->character_count = (size_t)t->count / 2;
    for (size_t i = 0; i < o->t->character_count; i++) {
        if (!take_id(o, c[2 * i + 1])) return refuse(o, "characters hold what is no id");
        if (i && c[2 * i] <= c[2 * i - 2]) return refuse(o, "characters are not in rising order");
    }
    return PS__OK;
}

/* A mark's id; -1 where the field is missing. */
static int take_mark(int32_t *out, opening *o, const char *field) {
    const json_t *value = json_object_get(o->config, field);
    json_int_t id = json_is_integer(value) ? json_integer_value(value) : -1;
    *out = -1;
    if (!value) return PS__OK;
    if (id < 0 || id >= 1 << 28 || !take_id(o, (int32_t)id)) return refuse(o, "marks are no ids");
    *out = (int32_t)id;
    return PS__OK;
}

static int open_all(opening *o) {
    const char *style = json_string_value(json_object_get(o->config, "style"));
    ps__bpe *t = o->t;
    t->style = style && strcmp(style, "gemma") == 0 ? PS__BPE_GEMMA : PS__BPE_CLIP;
    if (!style || (t->style == PS__BPE_CLIP && strcmp(style, "clip") != 0)) return refuse(o, "style is neither clip nor gemma");
    t->clean = ps__clean_find(json_string_value(json_object_get(o->config, "clean")));
    if (t->clean < 0) return refuse(o, "cleaning is not known");
    int status = take_merges(o);
    if (!status) status = take_bytes(&t->bytes, o, "text.bytes");
    if (!status && t->style == PS__BPE_CLIP) status = take_bytes(&t->last_bytes, o, "text.bytes.last");
    if (!status && t->style == PS__BPE_GEMMA) status = take_characters(o);
    if (!status) status = take_mark(&t->first, o, "first");
    if (!status) status = take_mark(&t->last, o, "last");
    if (!status) status = take_mark(&t->unknown, o, "unknown");
    if (!status && t->last < 0) status = refuse(o, "last mark is missing");
    t->base.marks = 1 + (t->first >= 0);
    return status;
}

static int open_bpe(ps__tokenizer **out, const ps__package *package, int lowercase, ps__error *err) {
    (void)lowercase; /* it is a part of cleaning */
    *out = NULL;
    opening o = {.package = package, .err = err};
    int status = ps__package_config(&o.config, package, "text.config", err);
    if (status) return status;
    o.t = ps__calloc(1, sizeof *o.t);
    if (!o.t) {
        json_decref(o.config);
        return ps__fail_nomem(err);
    }
    o.t->base.kind = &ps__tokenizer_bpe;
    status = open_all(&o);
    json_decref(o.config);
    if (status)
        ps__free(o.t);
    else
        *out = &o.t->base;
    return status;
}

static void free_bpe(ps__tokenizer *t) { ps__free(t); }

static int encode_bpe(int32_t *ids, int *count, const ps__tokenizer *tokenizer, const char *text, size_t length, int max_ids,
                      ps__error *err) {
    const ps__bpe *t = (const ps__bpe *)tokenizer;
    ps__bpe_walk *w = ps__malloc(sizeof *w);
    if (!w) return ps__fail_nomem(err);
    w->t = t;
    w->ids = ids;
    w->count = w->symbol_count = 0;
    w->max = max_ids - 1;
    if (t->first >= 0) ids[w->count++] = t->first;
    (t->style == PS__BPE_CLIP ? ps__bpe_clip : ps__bpe_gemma)(w, text, length);
    ids[w->count++] = t->last;
    *count = w->count;
    ps__free(w);
    return PS__OK;
}

const ps__tokenizer_kind ps__tokenizer_bpe = {"bpe", open_bpe, encode_bpe, free_bpe};
