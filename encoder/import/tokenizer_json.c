/*
** tokenizer.json, the format of the `tokenizers` library. Vocabulary and merges are read as they pass by; what is done to a text before and
** after is a tree of named steps, of which only those are accepted that our tokenizers do.
*/
#include <string.h>

#include "base/os.h"
#include "encoder/import/charsmap.h"
#include "encoder/import/json_stream.h"
#include "encoder/import/tokenizer_readers.h"

typedef struct reading { /* one file */
    ps__json_stream s;
    ps__pieces *p;
    char unknown_text[64]; /* piece that model.unk_token names */
    json_t *steps[3]; /* normalizer, pre_tokenizer, post_processor: trees, owned */
    json_t *added;    /* added_tokens, owned */
} reading;

static const char *type_of(const json_t *step) {
    const char *type = json_string_value(json_object_get(step, "type"));
    return type ? type : "";
}

/* ---- The model ---- */

static int add_piece(reading *r, int64_t id, float score) {
    return ps__pieces_add(r->p, r->s.text.bytes, r->s.text.length, id, score, r->s.path, r->s.err);
}

/* {"piece": id, ...} */
static int read_ids(reading *r) {
    int64_t id;
    int status = PS__OK;
    while (!status && ps__json_key(&r->s)) {
        ps__buf key = r->s.text;
        r->s.text = (ps__buf)PS__BUF_INIT;
        int type = ps__json_next(&r->s);
        ps__buf_free(&r->s.text);
        r->s.text = key;
        if (type != PS__JSON_NUMBER || !ps__json_whole(&id, &r->s)) return ps__json_fail(&r->s, "gives a piece no whole number");
        status = key.length ? add_piece(r, id, 0) : ps__json_fail(&r->s, "has an empty piece");
    }
    return status ? status : r->s.failed;
}

/* [["piece", score], ...] */
static int read_scores(reading *r) {
    int status = PS__OK, type;
    int64_t id = 0;
    while (!status && (type = ps__json_next(&r->s)) == PS__JSON_ARRAY) {
        if (ps__json_next(&r->s) != PS__JSON_STRING) return ps__json_fail(&r->s, "has a piece that is no text");
        ps__buf key = r->s.text;
        r->s.text = (ps__buf)PS__BUF_INIT;
        type = ps__json_next(&r->s);
        ps__buf_free(&r->s.text);
        r->s.text = key;
        if (type != PS__JSON_NUMBER || ps__json_next(&r->s) != PS__JSON_CLOSE)
            return ps__json_fail(&r->s, "has a piece without a score");
        if (!(r->s.number > -1e6 && r->s.number < 1e6)) return ps__json_fail(&r->s, "has a piece with a score that is none");
        status = add_piece(r, id++, (float)r->s.number);
    }
    return status ? status : r->s.failed;
}

static int read_vocab(reading *r) {
    int type = ps__json_next(&r->s);
    if (type == PS__JSON_OBJECT) return read_ids(r);
    if (type == PS__JSON_ARRAY) return read_scores(r);
    return ps__json_fail(&r->s, "has a vocabulary that is neither a list nor an object");
}

static int add_merge(reading *r, const char *left, size_t left_length, const char *right, size_t right_length) {
    return ps__pieces_merge(r->p, left, left_length, right, right_length, r->s.path, r->s.err);
}

/* "left right" or ["left", "right"]. */
static int read_merge(reading *r, int type) {
    if (type == PS__JSON_STRING) {
        const char *space = memchr(r->s.text.bytes, ' ', r->s.text.length);
        if (!space) return ps__json_fail(&r->s, "has a merge that is no pair");
        size_t left = (size_t)(space - r->s.text.bytes);
        return add_merge(r, r->s.text.bytes, left, space + 1, r->s.text.length - left - 1);
    }
    if (ps__json_next(&r->s) != PS__JSON_STRING) return ps__json_fail(&r->s, "has a merge that is no pair");
    ps__buf left = r->s.text;
    r->s.text = (ps__buf)PS__BUF_INIT;
    int good = ps__json_next(&r->s) == PS__JSON_STRING && left.length && r->s.text.length;
    int status = good ? add_merge(r, left.bytes, left.length, r->s.text.bytes, r->s.text.length)
                      : ps__json_fail(&r->s, "has a merge that is no pair");
    ps__buf_free(&left);
    if (!status && ps__json_next(&r->s) != PS__JSON_CLOSE) status = ps__json_fail(&r->s, "has a merge of more than two");
    return status;
}

static int read_merges(reading *r) {
    int type = ps__json_next(&r->s), status = PS__OK;
    if (type != PS__JSON_ARRAY) return ps__json_fail(&r->s, "has merges that are no list");
    while (!status && ((type = ps__json_next(&r->s)) == PS__JSON_STRING || type == PS__JSON_ARRAY)) status = read_merge(r, type);
    if (!status && type != PS__JSON_CLOSE) status = ps__json_fail(&r->s, "has merges that are no list of pairs");
    return status;
}

static int read_type(reading *r) {
    static const char *const names[] = {
        [PS__MODEL_BPE] = "BPE", [PS__MODEL_UNIGRAM] = "Unigram", [PS__MODEL_WORDPIECE] = "WordPiece"};
    if (ps__json_next(&r->s) != PS__JSON_STRING) return ps__json_fail(&r->s, "has a model without a type");
    for (int i = PS__MODEL_BPE; i <= PS__MODEL_WORDPIECE; i++)
        if (strcmp(names[i], r->s.text.bytes) == 0) r->p->model = i;
    return r->p->model ? PS__OK : ps__json_fail(&r->s, "has a model that is neither BPE, Unigram nor WordPiece");
}

/* A text or null; what it names is told by keep. */
static int read_text(reading *r, char *keep, size_t size) {
    int type = ps__json_next(&r->s);
    keep[0] = 0;
    if (type == PS__JSON_NULL) return PS__OK;
    if (type != PS__JSON_STRING || r->s.text.length >= size) return ps__json_fail(&r->s, "has a field that is no short text");
    if (r->s.text.length) memcpy(keep, r->s.text.bytes, r->s.text.length + 1);
    return PS__OK;
}

static int read_field(reading *r) {
    char text[64];
    int64_t id;
    const char *key = r->s.text.bytes;
    if (strcmp(key, "type") == 0) return read_type(r);
    if (strcmp(key, "vocab") == 0) return read_vocab(r);
    if (strcmp(key, "merges") == 0) return read_merges(r);
    if (strcmp(key, "unk_token") == 0) return read_text(r, r->unknown_text, sizeof r->unknown_text);
    if (strcmp(key, "end_of_word_suffix") == 0) {
        int status = read_text(r, text, sizeof text);
        if (!status && text[0] && strcmp(text, "</w>") != 0)
            status = ps__json_fail(&r->s, "has an end_of_word_suffix that is not </w>");
        if (!status && text[0]) r->p->is_clip = 1;
        return status;
    }
    if (strcmp(key, "continuing_subword_prefix") == 0) {
        int status = read_text(r, text, sizeof text);
        if (!status && text[0] && strcmp(text, "##") != 0)
            status = ps__json_fail(&r->s, "has a continuing_subword_prefix that is not ##");
        return status;
    }
    int is_fallback = strcmp(key, "byte_fallback") == 0, is_number = strcmp(key, "unk_id") == 0;
    int refused = strcmp(key, "dropout") == 0 || strcmp(key, "ignore_merges") == 0;
    if (!is_fallback && !is_number && !refused) {
        ps__json_skip(&r->s);
        return r->s.failed;
    }
    int type = ps__json_next(&r->s);
    if (is_fallback) r->p->byte_fallback = type == PS__JSON_TRUE;
    if (is_number && type != PS__JSON_NULL) {
        if (type != PS__JSON_NUMBER || !ps__json_whole(&id, &r->s) || id < 0 || id >= PS__PIECES_MOST)
            return ps__json_fail(&r->s, "has an unk_id that is no id");
        r->p->unknown = (int32_t)id;
    }
    if (refused && type != PS__JSON_NULL && type != PS__JSON_FALSE && !(type == PS__JSON_NUMBER && r->s.number == 0))
        return ps__json_fail(&r->s, "sets dropout or ignore_merges");
    return r->s.failed;
}

static int read_model(reading *r) {
    int status = PS__OK;
    if (ps__json_next(&r->s) != PS__JSON_OBJECT) return ps__json_fail(&r->s, "has a model that is no object");
    while (!status && ps__json_key(&r->s)) status = read_field(r);
    return status ? status : r->s.failed;
}

/* ---- The steps around it ---- */

static int unknown_step(reading *r, const char *what, const json_t *step) {
    return ps__fail(r->s.err, PS__MODEL, "%s: the %s \"%.60s\" is not known", r->s.path, what, type_of(step));
}

/* A step, or each of a sequence of them. */
static int each_step(reading *r, const json_t *step, const char *list, int (*take)(reading *r, const json_t *step)) {
    const json_t *steps = json_object_get(step, list);
    if (!step || json_is_null(step)) return PS__OK;
    if (strcmp(type_of(step), "Sequence") != 0) return take(r, step);
    int status = PS__OK;
    for (size_t i = 0; i < json_array_size(steps) && !status; i++) status = take(r, json_array_get(steps, i));
    return status;
}

/* SentencePiece's compiled table. */
static int take_table(reading *r, const json_t *step) {
    const char *table = json_string_value(json_object_get(step, "precompiled_charsmap"));
    int has = table ? ps__charsmap_base64_has(table, "\xE2\x80\x8D") : -1;
    r->p->keeps_joiners = has == 0;
    return has == -2 ? ps__fail_nomem(r->s.err) : PS__OK;
}

static int take_normalizer(reading *r, const json_t *step) {
    static const char *const harmless[] = {"NFC", "NFKC", "Nmt", "Strip", "StripAccents", "Replace", "BertNormalizer"};
    const char *type = type_of(step);
    if (strcmp(type, "Lowercase") == 0 ||
        (strcmp(type, "BertNormalizer") == 0 && json_is_true(json_object_get(step, "lowercase"))))
        r->p->lowercase = 1;
    if (strcmp(type, "Lowercase") == 0) return PS__OK;
    if (strcmp(type, "Prepend") == 0) {
        r->p->has_dummy_space = 1;
        return PS__OK;
    }
    if (strcmp(type, "Precompiled") == 0) return take_table(r, step);
    for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++)
        if (strcmp(type, harmless[i]) == 0) return PS__OK;
    return unknown_step(r, "normalizer", step);
}

static int take_pre_tokenizer(reading *r, const json_t *step) {
    static const char *const known[] = {"Split", "ByteLevel", "Metaspace", "BertPreTokenizer", "WhitespaceSplit"};
    const char *type = type_of(step), *scheme = json_string_value(json_object_get(step, "prepend_scheme"));
    if (strcmp(type, "Metaspace") == 0)
        r->p->has_dummy_space = scheme ? strcmp(scheme, "never") != 0 : !json_is_false(json_object_get(step, "add_prefix_space"));
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(type, known[i]) == 0) return PS__OK;
    return unknown_step(r, "pre_tokenizer", step);
}

/* The id of a mark; -1: it is none. */
static int32_t mark_of(const json_t *id) {
    json_int_t value = json_is_integer(id) ? json_integer_value(id) : -1;
    return value >= 0 && value < PS__PIECES_MOST ? (int32_t)value : -1;
}

/* A special token of a template: its id, told or by its name. */
static int32_t special_id(const reading *r, const json_t *step, const json_t *piece) {
    const char *name = json_string_value(json_object_get(json_object_get(piece, "SpecialToken"), "id"));
    const json_t *ids = name ? json_object_get(json_object_get(json_object_get(step, "special_tokens"), name), "ids") : NULL;
    if (json_array_size(ids) == 1) return mark_of(json_array_get(ids, 0));
    return name ? ps__pieces_find(r->p, name, strlen(name)) : -1;
}

static int no_marks(const reading *r) {
    return ps__fail(r->s.err, PS__MODEL, "%s: the post_processor does not name its marks", r->s.path);
}

/* [mark] text [mark] */
static int take_template(reading *r, const json_t *step) {
    const json_t *single = json_object_get(step, "single");
    int seen = 0;
    for (size_t i = 0; i < json_array_size(single); i++) {
        const json_t *piece = json_array_get(single, i);
        if (json_object_get(piece, "Sequence")) {
            seen++;
            continue;
        }
        int32_t *mark = seen ? &r->p->last : &r->p->first;
        if (*mark >= 0) return ps__fail(r->s.err, PS__MODEL, "%s: texts get more than one mark on a side", r->s.path);
        if ((*mark = special_id(r, step, piece)) < 0) return no_marks(r);
    }
    if (seen == 1) return PS__OK;
    return ps__fail(r->s.err, PS__MODEL, "%s: the post_processor's template has no text in it", r->s.path);
}

static int take_post_processor(reading *r, const json_t *step) {
    const char *type = type_of(step);
    if (strcmp(type, "ByteLevel") == 0) return PS__OK;
    if (strcmp(type, "TemplateProcessing") == 0) return take_template(r, step);
    if (strcmp(type, "RobertaProcessing") != 0 && strcmp(type, "BertProcessing") != 0)
        return unknown_step(r, "post_processor", step);
    r->p->first = mark_of(json_array_get(json_object_get(step, "cls"), 1));
    r->p->last = mark_of(json_array_get(json_object_get(step, "sep"), 1));
    return r->p->first < 0 || r->p->last < 0 ? no_marks(r) : PS__OK;
}

static int take_added(reading *r) {
    int status = PS__OK;
    for (size_t i = 0; i < json_array_size(r->added) && !status; i++) {
        const json_t *token = json_array_get(r->added, i), *id = json_object_get(token, "id");
        const char *text = json_string_value(json_object_get(token, "content"));
        if (!text || !json_is_integer(id))
            return ps__fail(r->s.err, PS__MODEL, "%s: added_tokens hold one without id or text", r->s.path);
        if (ps__pieces_find(r->p, text, strlen(text)) >= 0) continue;
        status = ps__pieces_add(r->p, text, strlen(text), json_integer_value(id), 0, r->s.path, r->s.err);
    }
    return status;
}

/* ---- The file ---- */

static int read_part(reading *r) {
    static const char *const steps[] = {"normalizer", "pre_tokenizer", "post_processor"};
    const char *key = r->s.text.bytes;
    json_t **tree = strcmp(key, "added_tokens") == 0 ? &r->added : NULL;
    if (strcmp(key, "model") == 0) return read_model(r);
    for (size_t i = 0; i < 3; i++)
        if (strcmp(key, steps[i]) == 0) tree = &r->steps[i];
    if (tree) {
        json_decref(*tree);
        *tree = ps__json_tree(&r->s);
    } else {
        ps__json_skip(&r->s);
    }
    return r->s.failed;
}

static int read_file(reading *r) {
    int status = PS__OK;
    if (ps__json_next(&r->s) != PS__JSON_OBJECT) return ps__json_fail(&r->s, "is not a JSON object");
    while (!status && ps__json_key(&r->s)) status = read_part(r);
    if (!status) status = r->s.failed;
    if (!status && !r->p->model) status = ps__json_fail(&r->s, "has no model");
    if (!status) status = take_added(r);
    if (!status) status = each_step(r, r->steps[0], "normalizers", take_normalizer);
    if (!status) status = each_step(r, r->steps[1], "pretokenizers", take_pre_tokenizer);
    if (!status) status = each_step(r, r->steps[2], "processors", take_post_processor);
    if (!status && r->p->unknown < 0) r->p->unknown = ps__pieces_find(r->p, r->unknown_text, strlen(r->unknown_text));
    return status;
}

int ps__read_tokenizer_json(ps__pieces *out, const char *path, ps__error *err) {
    const uint8_t *bytes;
    size_t size;
    int status = ps__map_file(&bytes, &size, path, err);
    if (status) return status;
    reading r = {.p = out};
    ps__json_start(&r.s, (const char *)bytes, size, path, err);
    status = read_file(&r);
    ps__json_clear(&r.s);
    for (size_t i = 0; i < 3; i++) json_decref(r.steps[i]);
    json_decref(r.added);
    ps__unmap_file(bytes, size);
    return status;
}
