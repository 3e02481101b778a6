/*
** The tokenizer of a published model: which of its files are read, what they and the configurations say, and the vocabulary in the form of
** the package (docs/model-package.md).
*/
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/os.h"
#include "base/utf8.h"
#include "encoder/import/import.h"
#include "encoder/import/tokenizer_readers.h"
#include "encoder/package/package.h"

#define MAX_CONFIG ((size_t)4 << 20)

/* SigLIP 2's and SigLIP-i18n's texts come from the web in all of its languages; these are what their authors measured (Crossmodal-3600). */
#define MANY_LANGUAGES "en ar bn cs da de el es fa fi tl fr he hi hr hu id it ja ko nl no pl pt ro ru sv sw te th tr uk vi zh"

typedef struct vocabulary { /* one import */
    ps__import *im;
    int64_t rows; /* of the word table */
    ps__pieces p;
    char *path;      /* owned: the file it came from */
    json_t *options; /* tokenizer_config.json; NULL: there is none */
    ps__error *err;
} vocabulary;

static int refuse(const vocabulary *v, const char *reason) {
    return ps__fail(v->err, PS__MODEL, "%s: %s", v->path ? v->path : v->im->source->path, reason);
}

/* ---- Finding ---- */

/* *out: the path of a file in the folder, owned by the caller; NULL: there is none. */
static int inside(char **out, const vocabulary *v, const char *name) {
    struct stat st;
    ps__buf path = PS__BUF_INIT;
    *out = NULL;
    ps__buf_printf(&path, "%s/%s", v->im->source->folder, name);
    int failed = path.failed;
    if (!failed && ps__os.stat(path.bytes, &st) == 0 && S_ISREG(st.st_mode)) failed = !(*out = ps__buf_detach(&path));
    ps__buf_free(&path);
    return failed ? ps__fail_nomem(v->err) : PS__OK;
}

static int has_ending(const char *name, const char *ending) {
    size_t length = strlen(name), size = strlen(ending);
    return length >= size && strcmp(name + length - size, ending) == 0;
}

/* vocab.json with merges.txt beside it. */
static int read_pair(vocabulary *v) {
    const char *slash = strrchr(v->path, '/');
    ps__buf merges = PS__BUF_INIT;
    ps__buf_append(&merges, v->path, slash ? (size_t)(slash - v->path) + 1 : 0);
    ps__buf_puts(&merges, "merges.txt");
    int status = merges.failed ? ps__fail_nomem(v->err) : ps__read_vocab_merges(&v->p, v->path, merges.bytes, v->err);
    ps__buf_free(&merges);
    return status;
}

/* By the name's end: published files are called so. */
static int read_path(vocabulary *v) {
    if (has_ending(v->path, "vocab.json")) return read_pair(v);
    if (has_ending(v->path, ".json")) return ps__read_tokenizer_json(&v->p, v->path, v->err);
    if (has_ending(v->path, ".model")) return ps__read_sentencepiece(&v->p, v->path, v->err);
    if (has_ending(v->path, "vocab.txt")) return ps__read_vocab_lines(&v->p, v->path, v->err);
    if (has_ending(v->path, ".txt.gz") || has_ending(v->path, ".txt"))
        return ps__read_clip_merges(&v->p, v->path, v->rows, v->err);
    return refuse(
        v, "is no tokenizer's file by its name (tokenizer.json, vocab.json, *.model, vocab.txt, bpe_simple_vocab_16e6.txt.gz)");
}

static int read_vocabulary(vocabulary *v) {
    static const char *const names[] = {
        "tokenizer.json",           "spiece.model", "tokenizer.model", "vocab.json", "vocab.txt", "bpe_simple_vocab_16e6.txt.gz",
        "bpe_simple_vocab_16e6.txt"};
    if (v->im->source->tokenizer_path && !(v->path = ps__strdup(v->im->source->tokenizer_path))) return ps__fail_nomem(v->err);
    int status = PS__OK;
    for (size_t i = 0; i < sizeof names / sizeof *names && !status && !v->path; i++) status = inside(&v->path, v, names[i]);
    if (status || v->path) return status ? status : read_path(v);
    return ps__fail(v->err, PS__MODEL,
                    "%s: no tokenizer lies there (tokenizer.json, spiece.model, tokenizer.model, vocab.json with merges.txt, "
                    "vocab.txt, or CLIP's "
                    "bpe_simple_vocab_16e6.txt.gz); name one with --tokenizer",
                    v->im->source->folder);
}

static int read_options(vocabulary *v) {
    uint8_t *bytes;
    size_t size;
    json_error_t why;
    char *path;
    int status = inside(&path, v, "tokenizer_config.json");
    if (!path) return status;
    status = ps__read_file(&bytes, &size, NULL, path, MAX_CONFIG, v->err);
    if (!status) {
        v->options = json_loadb((const char *)bytes, size, 0, &why);
        if (!json_is_object(v->options)) status = ps__fail(v->err, PS__MODEL, "%s: is not a JSON object", path);
        ps__free(bytes);
    }
    ps__free(path);
    return status;
}

/* A piece's id, of a token that the options name; -1: they do not, or it is no piece. */
static int32_t named_mark(const vocabulary *v, const char *field) {
    const json_t *token = json_object_get(v->options, field);
    const char *text = json_string_value(json_is_object(token) ? json_object_get(token, "content") : token);
    return text ? ps__pieces_find(&v->p, text, strlen(text)) : -1;
}

/* ---- Setting fields ---- */

static int set(const vocabulary *v, const char *field, json_t *value) {
    return json_object_set_new(v->im->text_config, field, value) ? ps__fail_nomem(v->err) : PS__OK;
}

static int set_mark(const vocabulary *v, const char *field, int32_t id) {
    if (id < 0) return PS__OK;
    if (id >= v->rows)
        return ps__fail(v->err, PS__MODEL, "%s: has the id %d, but the model's word table ends before %lld", v->path, (int)id,
                        (long long)v->rows);
    return set(v, field, json_integer(id));
}

static int check_rows(const vocabulary *v) {
    if ((int64_t)v->p.count <= v->rows) return PS__OK;
    return ps__fail(v->err, PS__MODEL, "%s: has %zu tokens, but the model's word table %lld rows", v->path, v->p.count,
                    (long long)v->rows);
}

/* What open_clip does to a text before its tokenizer; NULL: it does not say. */
static const char *open_clip_clean(const vocabulary *v) {
    const json_t *text = json_object_get(json_object_get(v->im->source->open_clip, "model_cfg"), "text_cfg");
    return json_string_value(json_object_get(json_object_get(text, "tokenizer_kwargs"), "clean"));
}

/* The name of a cleaning of ours: what open_clip's configuration says, else what the class of the tokenizer does. */
static int set_clean(const vocabulary *v) {
    const char *clean = open_clip_clean(v), *class = json_string_value(json_object_get(v->options, "tokenizer_class"));
    const json_t *type = json_object_get(v->im->source->hf, "model_type");
    const char *model = json_string_value(type);
    int is_siglip = (class && strncmp(class, "Siglip", 6) == 0) || (model && strncmp(model, "siglip", 6) == 0);
    if (clean && strcmp(clean, "canonicalize") != 0 && strcmp(clean, "lower") != 0)
        return ps__fail(v->err, PS__MODEL, "%s: tokenizer_kwargs.clean \"%.40s\" is not known", v->im->source->open_clip_path,
                        clean);
    if (!clean && is_siglip && v->p.model == PS__MODEL_UNIGRAM) clean = "punctuation";
    if (!clean && (is_siglip || v->p.lowercase || v->p.is_clip)) clean = "lower";
    return set(v, "clean", json_string(clean ? clean : "none"));
}

/* ---- Byte-pair encoding ---- */

/* Rows of four. */
static int by_pair(const void *a, const void *b) {
    const int32_t *x = a, *y = b;
    if (x[0] != y[0]) return x[0] < y[0] ? -1 : 1;
    if (x[1] != y[1]) return x[1] < y[1] ? -1 : 1;
    return x[2] < y[2] ? -1 : x[2] > y[2];
}

/* text.merges: left, right, rank, result; of a pair that is there twice, the first. */
static int add_merges(const vocabulary *v) {
    size_t count = v->p.pair_count, kept = 0;
    int32_t(*rows)[4] = ps__array(count ? count : 1, sizeof *rows);
    if (!rows) return ps__fail_nomem(v->err);
    for (size_t i = 0; i < count; i++) {
        const ps__pair *pair = &v->p.pairs[i];
        rows[i][0] = pair->left;
        rows[i][1] = pair->right;
        rows[i][2] = (int32_t)i;
        rows[i][3] = pair->result;
    }
    if (count) qsort(rows, count, sizeof *rows, by_pair);
    for (size_t i = 0; i < count; i++)
        if (!kept || rows[i][0] != rows[kept - 1][0] || rows[i][1] != rows[kept - 1][1])
            memmove(rows[kept++], rows[i], sizeof *rows);
    int status = kept ? ps__draft_add_bytes(v->im->draft, "text.merges", PS__I32, (int64_t)kept * 4, rows, v->err)
                      : refuse(v, "has no merges");
    ps__free(rows);
    return status;
}

static int add_clip_bytes(const vocabulary *v) {
    int32_t plain[256], last[256];
    char text[8];
    for (int b = 0; b < 256; b++) {
        size_t size = (size_t)ps__byte_letter(text, b);
        memcpy(text + size, "</w>", 4);
        plain[b] = ps__pieces_find(&v->p, text, size);
        last[b] = ps__pieces_find(&v->p, text, size + 4);
        if (plain[b] < 0 || last[b] < 0) return refuse(v, "lacks letters that stand for bytes");
    }
    int status = ps__draft_add_bytes(v->im->draft, "text.bytes", PS__I32, 256, plain, v->err);
    return status ? status : ps__draft_add_bytes(v->im->draft, "text.bytes.last", PS__I32, 256, last, v->err);
}

static int add_byte_pieces(const vocabulary *v) {
    int32_t bytes[256];
    char text[8];
    for (int b = 0; b < 256; b++) {
        snprintf(text, sizeof text, "<0x%02X>", (unsigned)b);
        bytes[b] = v->p.byte_fallback ? ps__pieces_find(&v->p, text, 6) : -1;
        if (v->p.byte_fallback && bytes[b] < 0) return refuse(v, "lacks pieces that stand for bytes");
    }
    return ps__draft_add_bytes(v->im->draft, "text.bytes", PS__I32, 256, bytes, v->err);
}

/* Rows of two; no piece is there twice, so the first decides. */
static int by_character(const void *a, const void *b) {
    const int32_t *x = a, *y = b;
    return x[0] < y[0] ? -1 : x[0] > y[0];
}

/* text.characters: code point and id of every piece of one character. */
static int add_characters(const vocabulary *v) {
    size_t count = 0, length;
    int32_t(*rows)[2] = ps__array(v->p.count ? v->p.count : 1, sizeof *rows);
    if (!rows) return ps__fail_nomem(v->err);
    for (size_t i = 0; i < v->p.count; i++) {
        uint32_t c;
        const char *text = ps__pieces_text(&length, &v->p, (int32_t)i);
        if (!length || ps__utf8_decode(&c, text, length) != length || (c == 0xFFFD && length != 3)) continue;
        rows[count][0] = (int32_t)c;
        rows[count++][1] = (int32_t)i;
    }
    if (count) qsort(rows, count, sizeof *rows, by_character);
    int status = count ? ps__draft_add_bytes(v->im->draft, "text.characters", PS__I32, (int64_t)count * 2, rows, v->err)
                       : refuse(v, "has no pieces of one character");
    ps__free(rows);
    return status;
}

static int add_bpe(vocabulary *v) {
    int is_clip = v->p.is_clip;
    if (!is_clip && v->p.has_dummy_space) return refuse(v, "puts a space before texts, which is not done for BPE");
    int status = add_merges(v);
    if (!status) status = is_clip ? add_clip_bytes(v) : add_byte_pieces(v);
    if (!status && !is_clip) status = add_characters(v);
    if (!status) status = set(v, "tokenizer", json_string("bpe"));
    if (!status) status = set(v, "style", json_string(is_clip ? "clip" : "gemma"));
    return status;
}

/* ---- Unigram ---- */

typedef struct place {
    const char *text;
    size_t length;
    int32_t id;
} place;

static int by_text(const void *a, const void *b) {
    const place *x = a, *y = b;
    int order = memcmp(x->text, y->text, x->length < y->length ? x->length : y->length);
    if (order) return order;
    return x->length < y->length ? -1 : x->length > y->length;
}

/* A piece that can stand in a text: marks and what holds control characters cannot. */
static int is_plain(const vocabulary *v, const place *p) {
    if (!p->length || p->length > 128 || p->id == v->p.last || p->id == v->p.unknown || p->id == v->p.pad || p->id == v->p.first)
        return 0;
    if (p->length > 2 && p->text[0] == '<' && p->text[p->length - 1] == '>') return 0;
    for (size_t i = 0; i < p->length; i++)
        if ((unsigned char)p->text[i] < ' ') return 0;
    return ps__utf8_valid(p->text, p->length);
}

static int add_sorted(const vocabulary *v, const place *list, size_t count) {
    ps__draft *d = v->im->draft;
    ps__buf text = PS__BUF_INIT;
    int32_t *start = ps__array(2 * count + 1, sizeof *start), *id = start + count + 1;
    float *score = ps__array(count ? count : 1, sizeof *score);
    int status = start && score ? PS__OK : ps__fail_nomem(v->err);
    for (size_t i = 0; i < count && !status; i++) {
        start[i] = (int32_t)text.length;
        id[i] = list[i].id;
        score[i] = v->p.entries[list[i].id].score;
        if (score[i] > 0) score[i] = 0;
        ps__buf_append(&text, list[i].text, list[i].length);
        ps__buf_putc(&text, '\n');
    }
    if (!status && (text.failed || !count)) status = count ? ps__fail_nomem(v->err) : refuse(v, "has no pieces");
    if (!status) start[count] = (int32_t)text.length;
    if (!status) status = ps__draft_add_bytes(d, "text.vocab", PS__U8, (int64_t)text.length, text.bytes, v->err);
    if (!status) status = ps__draft_add_bytes(d, "text.vocab.start", PS__I32, (int64_t)count + 1, start, v->err);
    if (!status) status = ps__draft_add_bytes(d, "text.vocab.id", PS__I32, (int64_t)count, id, v->err);
    if (!status) status = ps__draft_add_bytes(d, "text.vocab.score", PS__F32, (int64_t)count, score, v->err);
    ps__buf_free(&text);
    ps__free(start);
    ps__free(score);
    return status;
}

static int add_unigram(vocabulary *v) {
    place *list = ps__array(v->p.count ? v->p.count : 1, sizeof *list);
    size_t count = 0;
    if (!list) return ps__fail_nomem(v->err);
    for (size_t i = 0; i < v->p.count; i++) {
        place p = {.id = (int32_t)i};
        p.text = ps__pieces_text(&p.length, &v->p, (int32_t)i);
        if (is_plain(v, &p)) list[count++] = p;
    }
    if (count) qsort(list, count, sizeof *list, by_text);
    int status = v->p.unknown < 0 ? refuse(v, "does not name its unknown piece") : add_sorted(v, list, count);
    ps__free(list);
    if (!status) status = set(v, "lowercase", json_false());
    if (!status && v->p.keeps_joiners) status = set(v, "joiners", json_true());
    return status ? status : set(v, "tokenizer", json_string("unigram"));
}

/* ---- WordPiece ---- */

static int add_wordpiece(vocabulary *v) {
    ps__buf text = PS__BUF_INIT;
    size_t length;
    for (size_t i = 0; i < v->p.count; i++) {
        const char *piece = ps__pieces_text(&length, &v->p, (int32_t)i);
        if (length && memchr(piece, '\n', length)) {
            ps__buf_free(&text);
            return refuse(v, "has a piece with a line end in it");
        }
        if (length) ps__buf_append(&text, piece, length);
        ps__buf_putc(&text, '\n'); /* an id without a piece keeps its line */
    }
    int status = text.failed ? ps__fail_nomem(v->err)
                             : ps__draft_add_bytes(v->im->draft, "text.vocab", PS__U8, (int64_t)text.length, text.bytes, v->err);
    ps__buf_free(&text);
    const json_t *lower = json_object_get(v->options, "do_lower_case");
    int lowercase = v->path && has_ending(v->path, ".json") ? v->p.lowercase : !json_is_false(lower);
    if (!status) status = set(v, "lowercase", json_boolean(lowercase));
    v->p.first = v->p.last = -1; /* the kind finds its marks by name */
    return status ? status : set(v, "tokenizer", json_string("wordpiece"));
}

/* ---- All together ---- */

/* What the tokenizer's options say where the vocabulary's own file does not. */
static void find_marks(vocabulary *v) {
    int32_t pad = named_mark(v, "pad_token"), last = named_mark(v, "eos_token"), unknown = named_mark(v, "unk_token");
    if (v->p.is_clip)
        v->p.pad = 0; /* open_clip's own tokenizer fills up with zeros; where rows do not see what follows it does not matter */
    else if (pad >= 0)
        v->p.pad = pad;
    if (v->p.last < 0) v->p.last = last;
    if (v->p.is_clip && v->p.first < 0) v->p.first = named_mark(v, "bos_token");
    if (v->p.unknown < 0) v->p.unknown = unknown;
}

static int is_chinese(const vocabulary *v) {
    return ps__pieces_find(&v->p, "\xE7\x9A\x84", 3) >= 0; /* the most frequent character */
}

/* Codes of the languages that the text tower can be expected to read. */
static int set_languages(const vocabulary *v) {
    const char *languages = "en";
    if (v->p.model == PS__MODEL_WORDPIECE && is_chinese(v)) languages = "zh";
    if (v->p.model != PS__MODEL_WORDPIECE && !v->p.is_clip && v->p.count > 100000) languages = MANY_LANGUAGES;
    return set(v, "languages", json_string(languages));
}

static int import_all(vocabulary *v) {
    int status = read_options(v);
    if (!status) status = read_vocabulary(v);
    if (!status) status = check_rows(v);
    if (status) return status;
    find_marks(v);
    if (v->p.model == PS__MODEL_BPE)
        status = add_bpe(v);
    else if (v->p.model == PS__MODEL_UNIGRAM)
        status = add_unigram(v);
    else
        status = add_wordpiece(v);
    int is_wordpiece = v->p.model == PS__MODEL_WORDPIECE;
    if (!status && !is_wordpiece && v->p.last < 0) status = refuse(v, "does not name the mark that texts end with");
    if (!status && v->p.is_clip && v->p.first < 0) status = refuse(v, "does not name the mark that texts begin with");
    if (!status && !is_wordpiece) status = set_clean(v);
    if (!status && v->p.model == PS__MODEL_BPE) status = set_mark(v, "first", v->p.first);
    if (!status) status = set_mark(v, "last", v->p.last);
    if (!status) status = set_mark(v, "eot", v->p.last);
    if (!status && !is_wordpiece) status = set_mark(v, "unknown", v->p.unknown);
    if (!status) status = set_mark(v, "pad", v->p.pad);
    return status ? status : set_languages(v);
}

int ps__import_tokenizer(ps__import *im, int64_t rows, ps__error *err) {
    vocabulary v = {.im = im, .rows = rows, .err = err};
    ps__pieces_init(&v.p);
    int status = import_all(&v);
    ps__pieces_clear(&v.p);
    json_decref(v.options);
    ps__free(v.path);
    return status;
}
