/*
** SentencePiece's models: a protocol buffer of pieces with scores, what the trainer was told, and how texts are normalised. Only the fields
** that decide ids are read; all others are passed over by their wire type.
*/
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/os.h"
#include "encoder/import/charsmap.h"
#include "encoder/import/tokenizer_readers.h"

typedef struct message { /* a part of the file */
    const uint8_t *at, *end;
    int failed;
} message;

typedef struct field { /* one of it */
    uint32_t number;
    int wire;        /* 0 varint, 1 eight bytes, 2 a length and bytes, 5 four bytes */
    uint64_t value;  /* of wires 0, 1 and 5 */
    message content; /* of wire 2 */
} field;

static uint64_t read_varint(message *m) {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        if (m->at == m->end) break;
        uint8_t byte = *m->at++;
        value |= (uint64_t)(byte & 127) << shift;
        if (byte < 128) return value;
    }
    m->failed = 1;
    return 0;
}

static uint64_t read_fixed(message *m, size_t size) {
    uint64_t value = 0;
    if ((size_t)(m->end - m->at) < size) {
        m->failed = 1;
        return 0;
    }
    memcpy(&value, m->at, size); /* little-endian, as all that this program runs on */
    m->at += size;
    return value;
}

/* The next field; 0 at the end or after a fault. */
static int next_field(field *f, message *m) {
    if (m->failed || m->at == m->end) return 0;
    uint64_t tag = read_varint(m);
    *f = (field){.number = (uint32_t)(tag >> 3), .wire = (int)(tag & 7)};
    if (m->failed || tag >> 3 == 0 || tag >> 35) {
        m->failed = 1;
    } else if (f->wire == 0) {
        f->value = read_varint(m);
    } else if (f->wire == 1 || f->wire == 5) {
        f->value = read_fixed(m, f->wire == 1 ? 8 : 4);
    } else if (f->wire == 2) {
        uint64_t length = read_varint(m);
        if (m->failed || length > (uint64_t)(m->end - m->at)) {
            m->failed = 1;
            return 0;
        }
        f->content = (message){m->at, m->at + length, 0};
        m->at += length;
    } else {
        m->failed = 1; /* groups are not used any more */
    }
    return !m->failed;
}

typedef struct reading {
    ps__pieces *p;
    int64_t next; /* id of the next piece */
    int type;     /* trainer's model_type: 1 unigram, 2 BPE */
    int rule;     /* 1: normalised by nmt_nfkc, 2: not at all, 0: otherwise */
    const char *path;
    ps__error *err;
} reading;

static int refuse(const reading *r, const char *reason) { return ps__fail(r->err, PS__MODEL, "%s: %s", r->path, reason); }

static int read_piece(reading *r, message m) {
    field f;
    const uint8_t *text = (const uint8_t *)"";
    size_t length = 0;
    float score = 0;
    enum { UNKNOWN = 2 };
    uint64_t type = 1;
    while (next_field(&f, &m)) {
        if (f.number == 1 && f.wire == 2) text = f.content.at, length = (size_t)(f.content.end - f.content.at);
        if (f.number == 2 && f.wire == 5) memcpy(&score, &f.value, 4);
        if (f.number == 3 && f.wire == 0) type = f.value;
    }
    if (m.failed) return refuse(r, "a piece is damaged");
    if (!(score > -1e6f && score < 1e6f)) return refuse(r, "a piece has a score that is no number");
    if (type == UNKNOWN) r->p->unknown = (int32_t)r->next;
    return ps__pieces_add(r->p, (const char *)text, length, r->next++, score, r->path, r->err);
}

static int read_trainer(reading *r, message m) {
    field f;
    while (next_field(&f, &m)) {
        if (f.wire != 0) continue;
        if (f.number == 3) r->type = (int)f.value;
        if (f.number == 35) r->p->byte_fallback = f.value != 0;
        if (f.number == 42) r->p->last = (int32_t)f.value;
        if (f.number == 43) r->p->pad = (int32_t)f.value;
    }
    return m.failed ? refuse(r, "its trainer_spec is damaged") : PS__OK;
}

static int is_named(message m, const char *name) {
    return (size_t)(m.end - m.at) == strlen(name) && memcmp(m.at, name, strlen(name)) == 0;
}

static int read_normalizer(reading *r, message m) {
    field f;
    int dummy = 1;
    while (next_field(&f, &m)) {
        if (f.number == 1 && f.wire == 2) r->rule = is_named(f.content, "nmt_nfkc") ? 1 : is_named(f.content, "identity") ? 2 : 0;
        if (f.number == 2 && f.wire == 2)
            r->p->keeps_joiners = ps__charsmap_has(f.content.at, (size_t)(f.content.end - f.content.at), "\xE2\x80\x8D") == 0;
        if (f.number == 3 && f.wire == 0) dummy = f.value != 0;
    }
    r->p->has_dummy_space = dummy;
    return m.failed ? refuse(r, "its normalizer_spec is damaged") : PS__OK;
}

/* ---- BPE's merges, which the file does not list ---- */

typedef struct candidate { /* a piece, and where it may be cut */
    float score;
    int32_t id;
} candidate;

static int by_score(const void *a, const void *b) {
    const candidate *x = a, *y = b;
    if (x->score != y->score) return x->score > y->score ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

/* Each way to cut the piece into two pieces; those of lower ids first, as they were learned before. */
static int add_cuts(reading *r, int32_t id) {
    size_t length, n;
    const char *text = ps__pieces_text(&length, r->p, id);
    char copy[1024];
    int status = PS__OK;
    if (length > sizeof copy) return PS__OK;
    memcpy(copy, text, length);
    for (size_t cut = 1; cut < length && !status; cut++) {
        if (((uint8_t)copy[cut] & 0xC0) == 0x80) continue; /* within a character */
        int32_t left = ps__pieces_find(r->p, copy, cut), right = ps__pieces_find(r->p, copy + cut, length - cut);
        if (left < 0 || right < 0) continue;
        ps__pieces_text(&n, r->p, left);
        status = ps__pieces_merge(r->p, copy, cut, copy + cut, length - cut, r->path, r->err);
    }
    return status;
}

static int make_merges(reading *r) {
    candidate *list = ps__array(r->p->count ? r->p->count : 1, sizeof *list);
    size_t count = 0;
    if (!list) return ps__fail_nomem(r->err);
    for (size_t i = 0; i < r->p->count; i++)
        if (r->p->entries[i].length) list[count++] = (candidate){r->p->entries[i].score, (int32_t)i};
    if (count) qsort(list, count, sizeof *list, by_score);
    int status = PS__OK;
    for (size_t i = 0; i < count && !status; i++) status = add_cuts(r, list[i].id);
    ps__free(list);
    return status;
}

static int read_model(reading *r, message m) {
    field f;
    int status = PS__OK;
    while (!status && next_field(&f, &m)) {
        if (f.wire != 2) continue;
        if (f.number == 1) status = read_piece(r, f.content);
        if (f.number == 2) status = read_trainer(r, f.content);
        if (f.number == 3) status = read_normalizer(r, f.content);
    }
    if (status) return status;
    if (m.failed || r->p->count == 0) return refuse(r, "is not a SentencePiece model, or is damaged");
    if (r->type != 1 && r->type != 2) return refuse(r, "its model_type is neither unigram nor BPE");
    r->p->model = r->type == 1 ? PS__MODEL_UNIGRAM : PS__MODEL_BPE;
    if (r->type == 1 && r->rule != 1) return refuse(r, "its texts are normalised by another rule than nmt_nfkc");
    if (r->type == 2 && r->rule == 0) return refuse(r, "its texts are normalised by a rule that is not known");
    return r->type == 2 ? make_merges(r) : PS__OK;
}

int ps__read_sentencepiece(ps__pieces *out, const char *path, ps__error *err) {
    const uint8_t *bytes;
    size_t size;
    int status = ps__map_file(&bytes, &size, path, err);
    if (status) return status;
    reading r = {.p = out, .type = 1, .path = path, .err = err};
    out->last = 2; /* the library's defaults, where trainer_spec does not say it */
    status = size ? read_model(&r, (message){bytes, bytes + size, 0}) : refuse(&r, "is empty");
    ps__unmap_file(bytes, size);
    return status;
}
