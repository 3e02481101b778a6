/*
** WordPiece with BERT's normalisation, one code point at a time, so that a query of any length takes linear time and little memory.
*/
#include "encoder/tokens/wordpiece.h"

#include <string.h>
#include <utf8proc.h>
#include <xxhash.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/utf8.h"
#include "encoder/tokens/characters.h"

#define MAX_WORD_CHARS 100 /* a longer word is [UNK], as in the reference */

typedef struct token { /* one entry of the vocabulary */
    const char *text;  /* in the vocabulary, not 0-terminated */
    uint32_t length;   /* bytes */
} token;

typedef struct wordpiece {
    ps__tokenizer base;
    token *tokens;                /* by id, base.size of them */
    uint32_t *slots;              /* hash table: id + 1, 0 is empty; linear probing */
    size_t slot_mask;             /* slots - 1 */
    int lowercase;                /* also strips accents, as the reference does then */
    int32_t unknown, first, last; /* ids of [UNK], [CLS], [SEP] */
    size_t longest;               /* bytes of the longest token */
} wordpiece;

typedef struct walk {   /* one call of encode */
    const wordpiece *t; /* vocabulary */
    int32_t *ids;       /* out */
    int count, max;     /* ids written; room less one for [SEP] */
    ps__buf word;       /* normalised characters of the word being read, UTF-8 */
    int word_chars;     /* code points in it, capped at MAX_WORD_CHARS + 1 */
    int failed; /* 1: memory ran out */
} walk;

static int32_t find(const wordpiece *t, const char *text, size_t length) {
    if (length > t->longest) return -1;
    for (size_t slot = XXH3_64bits(text, length) & t->slot_mask; t->slots[slot]; slot = (slot + 1) & t->slot_mask) {
        const token *known = &t->tokens[t->slots[slot] - 1];
        if (known->length == length && memcmp(known->text, text, length) == 0) return (int32_t)(t->slots[slot] - 1);
    }
    return -1;
}

static void insert(wordpiece *t, size_t id) {
    const token *k = &t->tokens[id];
    if (find(t, k->text, k->length) >= 0) return; /* the first of two equal tokens counts */
    size_t slot = XXH3_64bits(k->text, k->length) & t->slot_mask;
    while (t->slots[slot]) slot = (slot + 1) & t->slot_mask;
    t->slots[slot] = (uint32_t)id + 1;
}

static int read_vocab(wordpiece *t, const char *vocab, size_t bytes) {
    size_t lines = 0, slots = 16;
    for (size_t i = 0; i < bytes; i++) lines += vocab[i] == '\n';
    while (slots < lines * 2) slots *= 2;
    t->tokens = ps__array(lines, sizeof *t->tokens);
    t->slots = ps__calloc(slots, sizeof *t->slots);
    t->slot_mask = slots - 1;
    if (!t->tokens || !t->slots) return -1;
    for (const char *p = vocab, *end = vocab + bytes, *line; p < end && (line = memchr(p, '\n', (size_t)(end - p)));
         p = line + 1) {
        size_t length = (size_t)(line - p);
        t->tokens[t->base.size] = (token){p, (uint32_t)length};
        if (length > t->longest) t->longest = length;
        insert(t, t->base.size++);
    }
    return 0;
}

int ps__wordpiece_new(ps__tokenizer **out, const char *vocab, size_t bytes, int lowercase, const char *name, ps__error *err) {
    wordpiece *t = ps__calloc(1, sizeof *t);
    *out = NULL;
    if (t) t->base = (ps__tokenizer){.kind = &ps__tokenizer_wordpiece, .marks = 2};
    if (!t || bytes > UINT32_MAX || read_vocab(t, vocab, bytes)) {
        ps__tokenizer_free((ps__tokenizer *)t);
        return ps__fail_nomem(err);
    }
    t->lowercase = lowercase;
    t->unknown = find(t, "[UNK]", 5);
    t->first = find(t, "[CLS]", 5);
    t->last = find(t, "[SEP]", 5);
    if (t->unknown < 0 || t->first < 0 || t->last < 0 || find(t, "[PAD]", 5) < 0) {
        ps__tokenizer_free(&t->base);
        return ps__fail(err, PS__MODEL, "%s: the vocabulary lacks [PAD], [UNK], [CLS] or [SEP]", name);
    }
    *out = &t->base;
    return PS__OK;
}

static int open_wordpiece(ps__tokenizer **out, const ps__package *package, int lowercase, ps__error *err) {
    static const int64_t any[1] = {-1};
    const ps__tensor *vocab;
    *out = NULL;
    int status = ps__package_need(&vocab, package, PS__U8, 1, any, err, "text.vocab");
    if (status) return status;
    return ps__wordpiece_new(out, vocab->data, (size_t)vocab->count, lowercase, ps__package_path(package), err);
}

static void free_wordpiece(ps__tokenizer *tokenizer) {
    wordpiece *t = (wordpiece *)tokenizer;
    ps__free(t->tokens);
    ps__free(t->slots);
    ps__free(t);
}

static int is_chinese(uint32_t c) { /* CJK ideographs as the reference lists them: no kana, no hangul */
    return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x20000 && c <= 0x2A6DF) ||
           (c >= 0x2A700 && c <= 0x2B73F) || (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) ||
           (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

static int is_dropped(uint32_t c, utf8proc_category_t category) {
    if (c == '\t' || c == '\n' || c == '\r') return 0;
    return c == 0 || c == 0xFFFD || category == UTF8PROC_CATEGORY_CC || category == UTF8PROC_CATEGORY_CF ||
           category == UTF8PROC_CATEGORY_CO || category == UTF8PROC_CATEGORY_CS;
}

static int is_punctuation(uint32_t c, utf8proc_category_t category) {
    if (c < 128) return (c >= 33 && c <= 47) || (c >= 58 && c <= 64) || (c >= 91 && c <= 96) || (c >= 123 && c <= 126);
    return category >= UTF8PROC_CATEGORY_PC && category <= UTF8PROC_CATEGORY_PO;
}

static void emit(walk *w, int32_t id) {
    if (w->count < w->max) w->ids[w->count++] = id;
}

/* The longest known piece at `from`; 0 when there is none. Pieces after the first are spelled with ## in the vocabulary. */
static size_t longest_piece(int32_t *id, const walk *w, size_t from) {
    char key[2 + 4 * MAX_WORD_CHARS];
    size_t prefix = from ? 2 : 0, left = w->word.length - from;
    memcpy(key, "##", 2);
    memcpy(key + prefix, w->word.bytes + from, left);
    if (prefix + left > w->t->longest) left = w->t->longest - prefix;
    for (; left; left--) {
        if (from + left < w->word.length && ((uint8_t)w->word.bytes[from + left] & 0xC0) == 0x80) continue;
        if ((*id = find(w->t, key, prefix + left)) >= 0) return left;
    }
    return 0;
}

/* The word read so far becomes pieces; one part without a piece makes the whole word unknown. */
static void end_word(walk *w) {
    int before = w->count;
    if (!w->word_chars) return;
    if (w->word_chars > MAX_WORD_CHARS)
        emit(w, w->t->unknown);
    else
        for (size_t from = 0; from < w->word.length;) {
            int32_t id;
            size_t used = longest_piece(&id, w, from);
            if (!used) {
                w->count = before;
                emit(w, w->t->unknown);
                break;
            }
            emit(w, id);
            from += used;
        }
    w->failed |= w->word.failed; /* which clearing forgets */
    ps__buf_clear(&w->word);
    w->word_chars = 0;
}

static void add_char(walk *w, uint32_t c) {
    utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)c);
    int alone = is_punctuation(c, category);
    if (ps__is_white_space(c) || alone) end_word(w);
    if (ps__is_white_space(c)) return;
    if (w->word_chars <= MAX_WORD_CHARS) {
        ps__utf8_append(&w->word, c);
        w->word_chars++;
    }
    if (alone) end_word(w);
}

/* One code point of the text through cleaning, accent stripping and lower-casing. */
static void add_normalised(walk *w, uint32_t c) {
    utf8proc_int32_t parts[32];
    utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)c);
    if (is_dropped(c, category)) return;
    int chinese = is_chinese(c), boundary = 0;
    if (chinese) end_word(w);
    if (!w->t->lowercase) {
        add_char(w, c);
    } else {
        utf8proc_ssize_t n = utf8proc_decompose_char((utf8proc_int32_t)c, parts, 32, UTF8PROC_DECOMPOSE, &boundary);
        for (utf8proc_ssize_t i = 0; i < n && i < 32; i++)
            if (utf8proc_category(parts[i]) != UTF8PROC_CATEGORY_MN) add_char(w, (uint32_t)utf8proc_tolower(parts[i]));
    }
    if (chinese) end_word(w);
}

static int encode_wordpiece(int32_t *ids, int *count, const ps__tokenizer *tokenizer, const char *text, size_t length,
                            int max_ids, ps__error *err) {
    const wordpiece *t = (const wordpiece *)tokenizer;
    walk w = {.t = t, .ids = ids, .max = max_ids - 1, .word = PS__BUF_INIT};
    emit(&w, t->first);
    for (size_t i = 0; i < length && w.count < w.max;) {
        uint32_t c;
        i += ps__utf8_decode(&c, text + i, length - i);
        add_normalised(&w, c);
    }
    end_word(&w);
    ids[w.count++] = t->last;
    *count = w.count;
    int failed = w.failed | w.word.failed;
    ps__buf_free(&w.word);
    return failed ? ps__fail_nomem(err) : PS__OK;
}

const ps__tokenizer_kind ps__tokenizer_wordpiece = {"wordpiece", open_wordpiece, encode_wordpiece, free_wordpiece};
