/*
** The vocabulary's checks, the search for pieces and the lattice (Kudo 2018, "Subword Regularization", section 3.1; the best path by
** Viterbi's recurrence over byte positions).
*/
#include "encoder/tokens/unigram.h"

#include <string.h>

#include "base/alloc.h"
#include "base/utf8.h"
#include "encoder/tokens/words.h"

enum { FIRST, PAD, LAST, UNKNOWN, MARKS }; /* ids of <s>, <pad>, </s>, <unk>; how many there are */

#define NOT_COVERED (-1) /* in place of a piece: what becomes the mark for the unknown */
#define UNKNOWN_PENALTY 10.0 /* below the lowest score of a piece, as in SentencePiece */

typedef struct unigram {
    ps__tokenizer base;
    ps__unigram_vocab vocab;
    int lowercase;
    int32_t unknown;      /* as a place where it is a piece, else its id */
    double unknown_score; /* of a character that no piece covers */
    uint32_t first[257];  /* pieces that begin with byte b have ids first[b] up to first[b + 1] */
} unigram;

typedef struct range { /* ids low up to high */
    uint32_t low, high;
} range;

typedef struct node { /* the best way to cut the word up to here */
    double score;     /* of it */
    int32_t from, to; /* where its last piece begins, -1: nothing ends here; where the next piece of the best path ends */
    int32_t id;       /* its last piece */
} node;

typedef struct walk { /* one call of encode */
    const unigram *t;
    int32_t *ids;                   /* out */
    int count, max;                 /* ids written; room less one for </s> */
    ps__words words;                /* where the text is, and the word being cut */
    node nodes[PS__WORD_BYTES + 1]; /* by byte of the word */
} walk;

static int refuse(ps__error *err, const char *name, const char *what, size_t piece) {
    return ps__fail(err, PS__MODEL, "%s: the vocabulary's %s (piece %zu)", name, what, piece);
}

static size_t length_of(const ps__unigram_vocab *v, size_t id) { return (size_t)(v->start[id + 1] - v->start[id]) - 1; }

/* Pieces that are marks, at the front. */
static size_t marks_in(const ps__unigram_vocab *v) { return v->id ? 0 : MARKS; }

/* Every piece lies inside the text and ends in the newline before the next one. */
static int check_places(const ps__unigram_vocab *v, const char *name, ps__error *err) {
    if (v->pieces <= marks_in(v) || v->bytes > INT32_MAX || v->start[0] != 0 || v->start[v->pieces] != (int32_t)v->bytes)
        return ps__fail(err, PS__MODEL, "%s: the vocabulary has no pieces, or text.vocab.start does not span text.vocab", name);
    for (size_t i = 0; i < v->pieces; i++) {
        int64_t begin = v->start[i], end = v->start[i + 1];
        if (end - begin < 2 || end > (int64_t)v->bytes) return refuse(err, name, "offsets do not rise inside it", i);
        if (end - begin > PS__PIECE_BYTES + 1) return refuse(err, name, "piece is longer than the 128 bytes allowed", i);
        if (v->text[end - 1] != '\n') return refuse(err, name, "piece does not end in a newline", i);
    }
    return PS__OK;
}

static int check_ids(size_t *size, const ps__unigram_vocab *v, const char *name, ps__error *err) {
    *size = v->pieces;
    if (!v->id) return PS__OK;
    *size = (size_t)(v->last > v->unknown ? v->last : v->unknown) + 1;
    for (size_t i = 0; i < v->pieces; i++) {
        if (v->id[i] < 0 || v->id[i] >= 1 << 28) return refuse(err, name, "ids are not 0 or more", i);
        if ((size_t)v->id[i] >= *size) *size = (size_t)v->id[i] + 1;
    }
    return PS__OK;
}

static int check_marks(const ps__unigram_vocab *v, const char *name, ps__error *err) {
    static const char *const marks[MARKS] = {"<s>\n", "<pad>\n", "</s>\n", "<unk>\n"};
    for (size_t i = 0; i < marks_in(v); i++)
        if (length_of(v, i) + 1 != strlen(marks[i]) || memcmp(v->text + v->start[i], marks[i], strlen(marks[i])) != 0)
            return refuse(err, name, "first pieces are not <s>, <pad>, </s> and <unk>", i);
    return PS__OK;
}

/* UTF-8 without control characters: so a newline stands only behind pieces, and sorts before all that a piece may hold. */
static int is_spelling(const char *s, size_t length) {
    for (size_t i = 0, used; i < length; i += used) {
        uint32_t c = (uint8_t)s[i];
        used = c < 0x80 ? 1 : ps__utf8_decode(&c, s + i, length - i);
        if (c < ' ' || (used == 1 && c >= 0x80)) return 0;
    }
    return 1;
}

/* Strictly rising from the marks on, and well spelled. What a piece shares with the one before has been looked at, up to the
** character that the first other byte may belong to: most bytes are looked at once, which is most of what opening costs. */
static int check_pieces(const ps__unigram_vocab *v, const char *name, ps__error *err) {
    const char *before = "\n"; /* below every piece */
    for (size_t i = marks_in(v); i < v->pieces; i++) {
        const char *piece = v->text + v->start[i];
        size_t same = 0;
        while (piece[same] == before[same] && piece[same] != '\n') same++;
        if ((uint8_t)piece[same] <= (uint8_t)before[same]) return refuse(err, name, "pieces are not in rising order", i);
        if (same) same--;
        while (same && ((uint8_t)piece[same] & 0xC0) == 0x80) same--;
        if (!is_spelling(piece + same, length_of(v, i) - same))
            return refuse(err, name, "piece holds a control character or is not UTF-8", i);
        before = piece;
    }
    return PS__OK;
}

static int check_scores(const ps__unigram_vocab *v, const char *name, ps__error *err) {
    for (size_t i = 0; i < v->pieces; i++)
        if (!(v->score[i] <= 0 && v->score[i] > -1e6f)) return refuse(err, name, "score is no log probability", i);
    return PS__OK;
}

static void index_first_bytes(unigram *t) {
    const ps__unigram_vocab *v = &t->vocab;
    size_t id = marks_in(v);
    for (unsigned b = 0; b < 257; b++) {
        while (id < v->pieces && (uint8_t)v->text[v->start[id]] < b) id++;
        t->first[b] = (uint32_t)id;
    }
}

static double lowest_score(const ps__unigram_vocab *v) {
    float lowest = 0;
    for (size_t i = 0; i < v->pieces; i++) lowest = v->score[i] < lowest ? v->score[i] : lowest;
    return (double)lowest;
}

int ps__unigram_new(ps__tokenizer **out, const ps__unigram_vocab *vocab, int lowercase, const char *name, ps__error *err) {
    size_t size;
    *out = NULL;
    int status = check_places(vocab, name, err);
    if (!status) status = check_ids(&size, vocab, name, err);
    if (!status) status = check_marks(vocab, name, err);
    if (!status) status = check_pieces(vocab, name, err);
    if (!status) status = check_scores(vocab, name, err);
    if (status) return status;
    unigram *t = ps__calloc(1, sizeof *t);
    if (!t) return ps__fail_nomem(err);
    t->base = (ps__tokenizer){.kind = &ps__tokenizer_unigram, .size = size, .marks = vocab->id ? 1 : 2};
    t->vocab = *vocab;
    t->lowercase = lowercase;
    t->unknown = vocab->id ? vocab->unknown : UNKNOWN;
    t->unknown_score = lowest_score(vocab) - UNKNOWN_PENALTY;
    index_first_bytes(t);
    *out = &t->base;
    return PS__OK;
}

/* What text.config says where the ids are a tensor of their own. */
static int read_marks(ps__unigram_vocab *v, const ps__package *package, ps__error *err) {
    static const char key[] = "text.config";
    json_t *config;
    int last = 0, unknown = 0, status = ps__package_config(&config, package, key, err);
    if (status) return status;
    status = ps__config_int(&last, package, config, key, "last", 0, (1 << 28) - 1, err);
    if (!status) status = ps__config_int(&unknown, package, config, key, "unknown", 0, (1 << 28) - 1, err);
    v->last = last;
    v->unknown = unknown;
    v->clean = ps__clean_find(json_string_value(json_object_get(config, "clean")));
    v->keeps_joiners = json_is_true(json_object_get(config, "joiners"));
    json_decref(config);
    if (!status && v->clean < 0) status = ps__fail(err, PS__MODEL, "%s: %s: clean is not known", ps__package_path(package), key);
    return status;
}

static int open_unigram(ps__tokenizer **out, const ps__package *package, int lowercase, ps__error *err) {
    int64_t any[1] = {-1}, pieces[1];
    const ps__tensor *text, *start, *score, *id = NULL, *words = ps__package_find(package, "text.embed.word.weight");
    *out = NULL;
    int status = ps__package_need(&text, package, PS__U8, 1, any, err, "text.vocab");
    if (!status) status = ps__package_need(&start, package, PS__I32, 1, any, err, "text.vocab.start");
    if (status) return status;
    pieces[0] = start->count - 1;
    status = ps__package_need(&score, package, PS__F32, 1, pieces, err, "text.vocab.score");
    if (!status && ps__package_find(package, "text.vocab.id"))
        status = ps__package_need(&id, package, PS__I32, 1, pieces, err, "text.vocab.id");
    if (status) return status;
    if (!id && words && words->shape[0] != pieces[0])
        return ps__fail(err, PS__MODEL, "%s: the vocabulary has %lld pieces, tensor text.embed.word.weight %lld rows",
                        ps__package_path(package), (long long)pieces[0], (long long)words->shape[0]);
    ps__unigram_vocab vocab = {
        .text = text->data, .bytes = (size_t)text->count, .start = start->data, .score = score->data, .pieces = (size_t)score->count};
    if (id) {
        vocab.id = id->data;
        if ((status = read_marks(&vocab, package, err)) != PS__OK) return status;
    }
    return ps__unigram_new(out, &vocab, lowercase, ps__package_path(package), err);
}

static void free_unigram(ps__tokenizer *t) { ps__free(t); }

/* The first id of r whose byte at `depth` is at least `least`. All pieces of r agree in the bytes before, and those that have no more
** show their newline there, which is below any byte asked for. */
static uint32_t bound(const ps__unigram_vocab *v, range r, size_t depth, unsigned least) {
    while (r.low < r.high) {
        uint32_t middle = r.low + (r.high - r.low) / 2;
        if ((uint8_t)v->text[(size_t)v->start[middle] + depth] < least)
            r.low = middle + 1;
        else
            r.high = middle;
    }
    return r.low;
}

/* Those pieces of r that go on with `byte`. */
static range narrow(const unigram *t, range r, size_t depth, uint8_t byte) {
    if (depth == 0) return (range){t->first[byte], t->first[byte + 1]};
    r.low = bound(&t->vocab, r, depth, byte);
    r.high = bound(&t->vocab, r, depth, byte + 1u);
    return r;
}

/* A path to `from` goes on to `to` by one more piece. Of equally good paths the first found counts, as in the reference. */
static void relax(walk *w, size_t from, size_t to, int32_t id, double score) {
    node *n = &w->nodes[to];
    score += w->nodes[from].score;
    if (n->from >= 0 && score <= n->score) return;
    *n = (node){.score = score, .from = (int32_t)from, .id = id};
}

static size_t char_bytes(char first) {
    uint8_t c = (uint8_t)first;
    return c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
}

/* All pieces that begin at `from`, and <unk> where none covers just its first character. */
static void relax_all(walk *w, size_t from) {
    const unigram *t = w->t;
    const char *word = w->words.word;
    size_t char_end = from + char_bytes(word[from]), at = from;
    int covered = 0;
    for (range r = {0, 0}; at < w->words.word_length;) {
        r = narrow(t, r, at - from, (uint8_t)word[at]);
        if (r.low == r.high) break;
        at++;
        if (length_of(&t->vocab, r.low) != at - from) continue; /* the shortest piece of a range comes first */
        relax(w, from, at, (int32_t)r.low, (double)t->vocab.score[r.low]);
        covered |= at == char_end;
    }
    if (!covered) relax(w, from, char_end, NOT_COVERED, t->unknown_score);
}

/* The best path's ids; a run of <unk> is one. */
static void emit_path(walk *w, int after_unknown) {
    const unigram *t = w->t;
    int32_t at = (int32_t)w->words.word_length;
    for (; at > 0; at = w->nodes[at].from) w->nodes[w->nodes[at].from].to = at;
    while (at < (int32_t)w->words.word_length && w->count < w->max) {
        at = w->nodes[at].to;
        int32_t place = w->nodes[at].id;
        int unknown = place == NOT_COVERED;
        if (!unknown || !after_unknown) w->ids[w->count++] = unknown ? t->unknown : t->vocab.id ? t->vocab.id[place] : place;
        after_unknown = unknown;
    }
}

static void cut_word(walk *w) {
    size_t length = w->words.word_length;
    int after_unknown = w->words.continued && w->count && w->ids[w->count - 1] == w->t->unknown;
    w->nodes[0] = (node){.from = 0};
    for (size_t i = 1; i <= length; i++) w->nodes[i].from = -1;
    for (size_t i = 0; i < length; i += char_bytes(w->words.word[i])) relax_all(w, i);
    emit_path(w, after_unknown);
}

static int encode_unigram(int32_t *ids, int *count, const ps__tokenizer *tokenizer, const char *text, size_t length, int max_ids,
                          ps__error *err) {
    walk *w = ps__malloc(sizeof *w); /* 100 kB, of which a short word touches the first pages */
    if (!w) return ps__fail_nomem(err);
    w->t = (const unigram *)tokenizer;
    w->ids = ids;
    w->count = 0;
    w->max = max_ids - 1;
    if (!w->t->vocab.id) ids[w->count++] = FIRST;
    ps__words_start(&w->words, text, length, w->t->lowercase, w->t->vocab.id ? w->t->vocab.clean : PS__CLEAN_NONE,
                    w->t->vocab.id && w->t->vocab.keeps_joiners);
    while (w->count < w->max && ps__words_next(&w->words)) cut_word(w);
    ids[w->count++] = w->t->vocab.id ? w->t->vocab.last : LAST;
    *count = w->count;
    ps__free(w);
    return PS__OK;
}

const ps__tokenizer_kind ps__tokenizer_unigram = {"unigram", open_unigram, encode_unigram, free_unigram};
