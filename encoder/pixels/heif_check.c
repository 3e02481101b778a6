/*
** Walks the boxes of ISO/IEC 14496-12 and 23008-12 down to the parameter sets: hvcC and av1C properties, and the items' own data,
** which may hold others and win; and through the references between items. See heif_check.h. Nothing in the file is trusted; a walk that meets nonsense just ends.
*/
#include "encoder/pixels/heif_check.h"

#include <string.h>

#include "base/alloc.h"

#define MAX_STEPS (1u << 22) /* boxes and units looked at: a panorama has some thousands */
#define MAX_REFERENCES 256   /* pictures that are made of others, or have alpha */
#define MAX_DEPTH 6          /* of pictures made of others */
#define CODED_BYTES 6        /* a pixel, at least: planes of the codec, its reference copy, RGB */

typedef struct span { /* bytes that are left of something */
    const uint8_t *at, *end;
} span;

typedef struct bits { /* of a span, from the highest of each byte */
    span rest;
    unsigned left;  /* of the byte at rest.at, 1..8 */
    unsigned zeros; /* zero bytes before it */
    int escaped;    /* HEVC: a 3 after two zeros is no data (Rec. ITU-T H.265, 7.4.2) */
    int over;       /* 1: more was read than there is */
} bits;

typedef struct meta { /* what the meta box holds */
    span iloc, iinf, ipco, idat, iref;
} meta;

typedef struct walk {
    const ps__job *job;
    ps__error *err;
    meta meta;
    unsigned steps;  /* taken so far */
    uint8_t *pieces; /* data of items that lie in several places, put together; as large as the file, NULL: none so far */
    size_t gathered; /* bytes of pieces in use */
} walk;

/* Files may point at the same data over and over, so that a small one keeps a walk busy for hours: 0 when it is enough. */
static int step(walk *w) { return ++w->steps < MAX_STEPS; }

/* ---- Numbers ---- */

static size_t left(const span *s) { return (size_t)(s->end - s->at); }

/* A big-endian number of `bytes` bytes, 0..8; 0 beyond the end, where the span then is. */
static uint64_t number(span *s, unsigned bytes) {
    uint64_t value = 0;
    if (left(s) < bytes) {
        s->at = s->end;
        return 0;
    }
    for (; bytes; bytes--) value = value << 8 | *s->at++;
    return value;
}

/* The first `size` bytes as a span of their own, or fewer. */
static span cut(span *s, uint64_t size) {
    span part = {s->at, size < left(s) ? s->at + size : s->end};
    s->at = part.end;
    return part;
}

static void next_byte(bits *b) {
    b->zeros = *b->rest.at ? 0 : b->zeros + 1;
    b->rest.at++;
    b->left = 8;
    if (b->escaped && b->zeros >= 2 && b->rest.at < b->rest.end && *b->rest.at == 3) {
        b->rest.at++;
        b->zeros = 0;
    }
}

static uint32_t take(bits *b, unsigned count) {
    uint32_t value = 0;
    for (; count; count--) {
        if (b->rest.at >= b->rest.end) {
            b->over = 1;
            return 0;
        }
        value = value << 1 | (*b->rest.at >> (b->left - 1) & 1u);
        if (--b->left == 0) next_byte(b);
    }
    return value;
}

static void skip(bits *b, unsigned count) {
    while (count--) take(b, 1);
}

/* Exp-Golomb: ue(v) of H.265 and uvlc() of AV1, up to 31 bits. */
static uint32_t take_golomb(bits *b) {
    unsigned zeros = 0;
    while (!b->over && !take(b, 1)) zeros++;
    if (zeros > 31) b->over = 1;
    return b->over ? 0 : (1u << zeros) - 1 + take(b, zeros);
}

/* ---- Parameter sets ---- */

static int check(walk *w, uint64_t width, uint64_t height, uint64_t bytes_a_pixel) {
    if (!width || !height) return PS__OK;
    int status = ps__job_check(w->job, width, height, 0, w->err);
    return status ? status : ps__job_check(w->job, width, height, width * height * bytes_a_pixel, w->err);
}

/* A sequence parameter set behind its NAL header (H.265, 7.3.2.2 and 7.3.3). */
static int check_sps(walk *w, span data) {
    bits b = {data, 8, 0, 1, 0};
    skip(&b, 4);
    unsigned layers = take(&b, 3), profile[8] = {0}, level[8] = {0};
    skip(&b, 1 + 96);
    for (unsigned i = 0; i < layers; i++) {
        profile[i] = take(&b, 1);
        level[i] = take(&b, 1);
    }
    if (layers) skip(&b, 2 * (8 - layers));
    for (unsigned i = 0; i < layers; i++) skip(&b, 88 * profile[i] + 8 * level[i]);
    take_golomb(&b);
    if (take_golomb(&b) == 3) skip(&b, 1);
    uint64_t width = take_golomb(&b), height = take_golomb(&b);
    /* encoders fill up to whole blocks of up to 64, which the container crops away: the cap is on the picture without them */
    if (width > 63) width -= 63;
    if (height > 63) height -= 63;
    return b.over ? PS__OK : check(w, width, height, CODED_BYTES);
}

static int check_nal(walk *w, span nal) {
    if (left(&nal) < 3 || (nal.at[0] >> 1 & 63) != 33) return PS__OK;
    nal.at += 2;
    return check_sps(w, nal);
}

/* A sequence header (AV1 specification, 5.5.1), up to the size. */
static int check_sequence(walk *w, span data) {
    bits b = {data, 8, 0, 0, 0};
    unsigned delay_bits = 0, model = 0, display = 0;
    skip(&b, 4);
    if (take(&b, 1)) {
        skip(&b, 5);
    } else {
        if (take(&b, 1)) { /* timing */
            skip(&b, 64);
            if (take(&b, 1)) take_golomb(&b);
            model = take(&b, 1);
            if (model) delay_bits = take(&b, 5) + 1;
            if (model) skip(&b, 42);
        }
        display = take(&b, 1);
        for (unsigned points = take(&b, 5) + 1; points; points--) {
            skip(&b, 12);
            if (take(&b, 5) > 7) skip(&b, 1);
            if (model && take(&b, 1)) skip(&b, 2 * delay_bits + 1);
            if (display && take(&b, 1)) skip(&b, 4);
        }
    }
    unsigned width_bits = take(&b, 4) + 1, height_bits = take(&b, 4) + 1;
    uint64_t width = (uint64_t)take(&b, width_bits) + 1, height = (uint64_t)take(&b, height_bits) + 1;
    return b.over ? PS__OK : check(w, width, height, CODED_BYTES);
}

/* ---- Coded data ---- */

/* NAL units behind four bytes of length each, which is how libheif hands them on. */
static int check_nals(walk *w, span data) {
    int status = PS__OK;
    while (!status && left(&data) > 4 && step(w)) {
        uint64_t size = number(&data, 4);
        status = check_nal(w, cut(&data, size));
    }
    return status;
}

static int check_obus(walk *w, span data) {
    int status = PS__OK;
    while (!status && left(&data) > 1 && step(w)) {
        unsigned head = (unsigned)number(&data, 1), shift = 0;
        uint64_t size = 0, byte = 0x80;
        if (head & 4) number(&data, 1);
        for (; head & 2 && byte & 0x80 && shift < 56; shift += 7) { /* leb128 */
            byte = number(&data, 1);
            size |= (byte & 0x7F) << shift;
        }
        span obu = cut(&data, head & 2 ? size : left(&data));
        if ((head >> 3 & 15) == 1) status = check_sequence(w, obu);
    }
    return status;
}

/* A grid or an overlay: version, flags, rows and columns or a colour, then the size of the whole (23008-12, 6.6.2). */
static int check_derived(walk *w, span data, unsigned before) {
    number(&data, 1);
    unsigned bytes = number(&data, 1) & 1 ? 4 : 2;
    number(&data, before);
    uint64_t width = number(&data, bytes), height = number(&data, bytes);
    return check(w, width, height, 3);
}

static int check_item(walk *w, const char *type, span data) {
    if (!memcmp(type, "hvc1", 4)) return check_nals(w, data);
    if (!memcmp(type, "av01", 4)) return check_obus(w, data);
    if (!memcmp(type, "grid", 4)) return check_derived(w, data, 2);
    if (!memcmp(type, "iovl", 4)) return check_derived(w, data, 8);
    return PS__OK;
}

/* ---- Boxes ---- */

/* The next box: its type's four bytes, or NULL at the end. */
static const char *next_box(walk *w, span *s, span *body) {
    const uint8_t *start = s->at;
    if (left(s) < 8 || !step(w)) return NULL;
    uint64_t size = number(s, 4), head = 8;
    const char *type = (const char *)s->at;
    s->at += 4;
    if (size == 1) {
        size = number(s, 8);
        head = 16;
    }
    if (size == 0) size = (uint64_t)(s->end - start); /* to the end */
    if (size < head) return NULL;
    *body = cut(s, size - head);
    return type;
}

static int check_hvcc(walk *w, span s) {
    number(&s, 8), number(&s, 8), number(&s, 6); /* 22 bytes of profile */
    int status = PS__OK;
    for (uint64_t arrays = number(&s, 1); arrays && !status && left(&s); arrays--) {
        number(&s, 1);
        for (uint64_t count = number(&s, 2); count && !status && left(&s); count--) {
            uint64_t size = number(&s, 2);
            status = check_nal(w, cut(&s, size));
        }
    }
    return status;
}

static int check_properties(walk *w, span s) {
    int status = PS__OK;
    span body;
    for (const char *type; !status && (type = next_box(w, &s, &body)) != NULL;) {
        if (!memcmp(type, "hvcC", 4)) status = check_hvcc(w, body);
        if (!memcmp(type, "av1C", 4)) {
            number(&body, 4);
            status = check_obus(w, body);
        }
    }
    return status;
}

/* The type of an item (infe boxes of version 2 and 3); NULL: none. */
static const char *item_type(walk *w, span s, uint64_t id) {
    unsigned version = (unsigned)number(&s, 1);
    number(&s, 3);
    number(&s, version ? 4 : 2);
    span body;
    for (const char *type; (type = next_box(w, &s, &body)) != NULL;) {
        if (memcmp(type, "infe", 4)) continue;
        version = (unsigned)number(&body, 1);
        number(&body, 3);
        if (version < 2 || number(&body, version == 2 ? 2 : 4) != id) continue;
        number(&body, 2);
        if (left(&body) >= 4) return (const char *)body.at;
    }
    return NULL;
}

typedef struct layout { /* of the iloc box: bytes of each field */
    unsigned version, offset, length, base, index;
} layout;

/* An item's data in one piece: where it lies, or put together. iloc is behind the item's id. What goes beyond the file's own size when all
** is put together, as some of it overlaps, is left out. */
static int gather(span *out, walk *w, span *iloc, const layout *l) {
    const span file = {w->job->bytes, w->job->bytes + w->job->size};
    const unsigned method = l->version ? number(iloc, 2) & 15 : 0;
    number(iloc, 2);
    const uint64_t base = number(iloc, l->base), extents = number(iloc, 2);
    uint8_t *start = NULL;
    *out = (span){file.at, file.at};
    for (uint64_t i = 0; i < extents && left(iloc) && step(w); i++) {
        number(iloc, l->index);
        span from = method == 1 ? w->meta.idat : file;
        uint64_t offset = base + number(iloc, l->offset), length = number(iloc, l->length);
        cut(&from, offset);
        span part = cut(&from, length ? length : UINT64_MAX);
        if (extents == 1) *out = part;
        if (extents == 1 || method > 1 || left(&part) > w->job->size - w->gathered) continue;
        if (!w->pieces && !(w->pieces = ps__malloc(w->job->size))) return ps__fail_nomem(w->err);
        if (!start) start = w->pieces + w->gathered;
        memcpy(w->pieces + w->gathered, part.at, left(&part));
        w->gathered += left(&part);
        *out = (span){start, w->pieces + w->gathered};
    }
    return PS__OK;
}

static int is_width(unsigned bytes) { return bytes == 0 || bytes == 4 || bytes == 8; }

static int check_items(walk *w, span iloc) {
    layout l = {.version = (unsigned)number(&iloc, 1)};
    number(&iloc, 3);
    unsigned sizes = (unsigned)number(&iloc, 2);
    l.offset = sizes >> 12, l.length = sizes >> 8 & 15, l.base = sizes >> 4 & 15, l.index = l.version ? sizes & 15 : 0;
    if (l.version > 2) return PS__OK;
    /* Readers differ in what they make of other widths (14496-12, 8.11.3), so that nobody knows where the data lie. */
    if (!is_width(l.offset) || !is_width(l.length) || !is_width(l.base) || !is_width(l.index))
        return ps__fail(w->err, PS__CORRUPT, "%s: the places of its parts are of a width that does not exist", w->job->name);
    int status = PS__OK;
    for (uint64_t count = number(&iloc, l.version < 2 ? 2 : 4); count && !status && left(&iloc) && step(w); count--) {
        span data;
        const char *type = item_type(w, w->meta.iinf, number(&iloc, l.version < 2 ? 2 : 4));
        status = gather(&data, w, &iloc, &l);
        if (!status && type) status = check_item(w, type, data);
    }
    return status;
}

/* ---- References ---- */

typedef struct needs { /* says that `from` cannot be decoded without the items in `to` */
    uint64_t from;
    span to;        /* item numbers of id_bytes each; empty when there is only `other` */
    uint64_t other; /* one more */
    int met;        /* 1: none of them needs anything in turn */
} needs;

static int needs_anything(const needs *list, size_t count, uint64_t id) {
    for (size_t i = 0; i < count; i++)
        if (!list[i].met && list[i].from == id) return 1;
    return 0;
}

static int is_met(walk *w, const needs *list, size_t count, const needs *n, unsigned id_bytes) {
    span to = n->to;
    if (n->other && needs_anything(list, count, n->other)) return 0;
    while (left(&to) >= id_bytes && step(w))
        if (needs_anything(list, count, number(&to, id_bytes))) return 0;
    return 1;
}

/* Derived pictures need what they are derived from (dimg), and a picture needs its alpha (auxl points the other way). */
static size_t read_references(needs *list, size_t room, walk *w, span s, unsigned id_bytes) {
    size_t count = 0;
    span body;
    for (const char *type; count < room && (type = next_box(w, &s, &body)) != NULL;) {
        int derived = !memcmp(type, "dimg", 4), auxiliary = !memcmp(type, "auxl", 4);
        if (!derived && !auxiliary) continue;
        uint64_t from = number(&body, id_bytes), references = number(&body, 2);
        span to = cut(&body, references * id_bytes);
        if (derived) list[count++] = (needs){from, to, 0, 0};
        while (auxiliary && count < room && left(&to) >= id_bytes)
            list[count++] = (needs){number(&to, id_bytes), {to.end, to.end}, from, 0};
    }
    return count;
}

/* Takes away what needs nothing, and again, until all is gone; honest files are three deep. */
static int check_references(walk *w, span iref) {
    needs list[MAX_REFERENCES];
    unsigned id_bytes = number(&iref, 1) ? 4 : 2;
    number(&iref, 3);
    size_t count = read_references(list, MAX_REFERENCES, w, iref, id_bytes), open = count;
    if (count == MAX_REFERENCES) return ps__fail(w->err, PS__TOOBIG, "%s: consisted of too many parts", w->job->name);
    for (int depth = 0; open && depth < MAX_DEPTH; depth++) {
        int met[MAX_REFERENCES];
        for (size_t i = 0; i < count; i++) met[i] = list[i].met || is_met(w, list, count, &list[i], id_bytes);
        open = 0;
        for (size_t i = 0; i < count; i++) open += !(list[i].met = met[i]);
    }
    return open ? ps__fail(w->err, PS__CORRUPT, "%s: held a picture that was made of itself", w->job->name) : PS__OK;
}

static void find_parts(walk *w, span s) {
    meta *m = &w->meta;
    span body, inner;
    number(&s, 4);
    for (const char *type; (type = next_box(w, &s, &body)) != NULL;) {
        if (!memcmp(type, "iloc", 4)) m->iloc = body;
        if (!memcmp(type, "iinf", 4)) m->iinf = body;
        if (!memcmp(type, "idat", 4)) m->idat = body;
        if (!memcmp(type, "iref", 4)) m->iref = body;
        if (memcmp(type, "iprp", 4)) continue;
        for (const char *part; (part = next_box(w, &body, &inner)) != NULL;)
            if (!memcmp(part, "ipco", 4)) m->ipco = inner;
    }
}

static int check_file(walk *w) {
    const span nothing = {w->job->bytes, w->job->bytes};
    span s = {w->job->bytes, w->job->bytes + w->job->size}, body;
    int status = PS__OK;
    for (const char *type; !status && (type = next_box(w, &s, &body)) != NULL;) {
        if (memcmp(type, "meta", 4)) continue;
        w->meta = (meta){nothing, nothing, nothing, nothing, nothing};
        find_parts(w, body);
        status = check_references(w, w->meta.iref);
        if (!status) status = check_properties(w, w->meta.ipco);
        if (!status) status = check_items(w, w->meta.iloc);
    }
    if (status || w->steps < MAX_STEPS) return status;
    return ps__fail(w->err, PS__TOOBIG, "%s: consisted of too many parts", w->job->name);
}

int ps__heif_check(const ps__job *job, ps__error *err) {
    walk w = {.job = job, .err = err};
    int status = check_file(&w);
    ps__free(w.pieces);
    return status;
}
