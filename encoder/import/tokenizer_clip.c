/*
** Tokenizers of plain lists: CLIP's vocabulary and merges, its merges alone, and BERT's words.
*/
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/alloc.h"
#include "base/os.h"
#include "base/utf8.h"
#include "encoder/import/json_stream.h"
#include "encoder/import/tokenizer_readers.h"

#define LIST_MOST ((size_t)32 << 20) /* bytes of a list, unpacked; CLIP's has 3 MB */

int ps__byte_letter(char out[2], int byte) {
    int hidden = 0;
    uint32_t c = (uint32_t)byte;
    for (int b = 0; b <= byte; b++) hidden += b < 33 || b == 127 || (b > 127 && b < 161) || b == 173;
    if (byte < 33 || byte == 127 || (byte > 127 && byte < 161) || byte == 173) c = 256 + (uint32_t)hidden - 1;
    char utf8[4];
    size_t size = ps__utf8_encode(utf8, c);
    memcpy(out, utf8, size < 2 ? 1 : 2);
    return (int)size;
}

/* ---- Lines ---- */

typedef struct lines {
    const char *at, *end;
} lines;

/* The next line without its end; 0 when there is none. */
static int next_line(const char **line, size_t *length, lines *l) {
    if (l->at >= l->end) return 0;
    const char *end = memchr(l->at, '\n', (size_t)(l->end - l->at));
    if (!end) end = l->end;
    *line = l->at;
    *length = (size_t)(end - l->at);
    l->at = end + 1;
    if (*length && (*line)[*length - 1] == '\r') --*length;
    return 1;
}

static int refuse(const char *path, const char *reason, ps__error *err) {
    return ps__fail(err, PS__MODEL, "%s: %s", path, reason);
}

/* ---- vocab.json and merges.txt ---- */

static int read_vocab_json(ps__pieces *p, const char *path, const uint8_t *bytes, size_t size, ps__error *err) {
    ps__json_stream s;
    int64_t id;
    int status = PS__OK;
    ps__json_start(&s, (const char *)bytes, size, path, err);
    if (ps__json_next(&s) != PS__JSON_OBJECT) status = ps__json_fail(&s, "is not a JSON object");
    while (!status && ps__json_key(&s)) {
        ps__buf key = s.text;
        s.text = (ps__buf)PS__BUF_INIT;
        int type = ps__json_next(&s);
        if (type != PS__JSON_NUMBER || !key.length || !ps__json_whole(&id, &s))
            status = ps__json_fail(&s, "gives a piece no whole number");
        else
            status = ps__pieces_add(p, key.bytes, key.length, id, 0, path, err);
        ps__buf_free(&key);
    }
    if (!status) status = s.failed;
    ps__json_clear(&s);
    return status;
}

static int add_merge(ps__pieces *p, const char *line, size_t length, const char *path, ps__error *err) {
    const char *space = memchr(line, ' ', length);
    if (!space) return refuse(path, "has a line that is no pair", err);
    size_t left = (size_t)(space - line);
    return ps__pieces_merge(p, line, left, space + 1, length - left - 1, path, err);
}

static int add_merges(ps__pieces *p, const char *text, size_t size, const char *path, ps__error *err) {
    lines l = {text, text + size};
    const char *line;
    size_t length;
    int status = PS__OK;
    while (!status && next_line(&line, &length, &l))
        if (length && !(p->pair_count == 0 && line[0] == '#' && length > 2 && memchr(line, ':', length)))
            status = add_merge(p, line, length, path, err);
    return status;
}

/* CLIP's marks by their names in transformers' vocabularies and in open_clip's. */
static void find_marks(ps__pieces *p) {
    p->first = ps__pieces_find(p, "<|startoftext|>", 15);
    p->last = ps__pieces_find(p, "<|endoftext|>", 13);
}

int ps__read_vocab_merges(ps__pieces *out, const char *vocab, const char *merges, ps__error *err) {
    uint8_t *bytes;
    size_t size;
    int status = ps__read_file(&bytes, &size, NULL, vocab, LIST_MOST, err);
    if (status) return status;
    status = read_vocab_json(out, vocab, bytes, size, err);
    ps__free(bytes);
    if (!status) status = ps__read_file(&bytes, &size, NULL, merges, LIST_MOST, err);
    if (status) return status;
    status = add_merges(out, (const char *)bytes, size, merges, err);
    ps__free(bytes);
    out->model = PS__MODEL_BPE;
    out->is_clip = 1;
    find_marks(out);
    return status;
}

/* ---- Merges alone ---- */

/* Unpacks a gzip file; one that is none comes back as it is. */
static int unpack(char **out, size_t *out_size, const char *path, const uint8_t *bytes, size_t size, ps__error *err) {
    z_stream z = {.next_in = (Bytef *)(uintptr_t)bytes, .avail_in = (uInt)size};
    char *text = ps__malloc(LIST_MOST);
    if (!text) return ps__fail_nomem(err);
    z.next_out = (Bytef *)text;
    z.avail_out = (uInt)LIST_MOST;
    int result = inflateInit2(&z, 16 + MAX_WBITS);
    if (result == Z_OK) {
        result = inflate(&z, Z_FINISH);
        inflateEnd(&z);
    }
    if (result != Z_STREAM_END) {
        ps__free(text);
        return refuse(path,
                      result == Z_BUF_ERROR && !z.avail_out ? "unpacks to more than 32 MB" : "is damaged: it cannot be unpacked",
                      err);
    }
    *out = text;
    *out_size = LIST_MOST - z.avail_out;
    return PS__OK;
}

/* The bytes' letters, and those that end a word. */
static int add_letters(ps__pieces *p, const char *path, ps__error *err) {
    char text[8];
    int shown[256], count = 0, status = PS__OK;
    for (int hidden = 0; hidden < 2; hidden++) /* printable bytes come first */
        for (int b = 0; b < 256; b++)
            if ((b < 33 || b == 127 || (b > 127 && b < 161) || b == 173) == hidden) shown[count++] = b;
    for (int i = 0; i < 512 && !status; i++) {
        int size = ps__byte_letter(text, shown[i % 256]);
        memcpy(text + size, "</w>", 4);
        status = ps__pieces_add(p, text, (size_t)(i < 256 ? size : size + 4), i, 0, path, err);
    }
    return status;
}

/* A merge makes the piece with the next id. */
static int add_made(ps__pieces *p, const char *line, size_t length, const char *path, ps__error *err) {
    const char *space = memchr(line, ' ', length);
    char both[1024];
    if (!space || length > sizeof both) return refuse(path, "has a line that is no pair", err);
    size_t left = (size_t)(space - line), right = length - left - 1;
    memcpy(both, line, left);
    memcpy(both + left, space + 1, right);
    int status = ps__pieces_add(p, both, left + right, (int64_t)p->count, 0, path, err);
    return status ? status : ps__pieces_merge(p, line, left, space + 1, right, path, err);
}

static int make_vocabulary(ps__pieces *p, const char *text, size_t size, int64_t vocab, const char *path, ps__error *err) {
    lines l = {text, text + size};
    const char *line;
    size_t length;
    int64_t left = vocab - 512 - 2;
    int status = left < 0 ? refuse(path, "is of a larger vocabulary than the model's", err) : add_letters(p, path, err);
    if (!status && !next_line(&line, &length, &l)) status = refuse(path, "is empty", err); /* the first line is no merge */
    for (; left > 0 && !status; left--) {
        if (!next_line(&line, &length, &l) || !length)
            return refuse(path, "has fewer merges than the model's vocabulary needs", err);
        status = add_made(p, line, length, path, err);
    }
    if (!status) status = ps__pieces_add(p, "<|startoftext|>", 15, (int64_t)p->count, 0, path, err);
    if (!status) status = ps__pieces_add(p, "<|endoftext|>", 13, (int64_t)p->count, 0, path, err);
    return status;
}

int ps__read_clip_merges(ps__pieces *out, const char *path, int64_t vocab, ps__error *err) {
    uint8_t *bytes;
    size_t size, text_size = 0;
    char *text = NULL;
    int status = ps__read_file(&bytes, &size, NULL, path, LIST_MOST, err);
    if (status) return status;
    int packed = size > 2 && bytes[0] == 0x1F && bytes[1] == 0x8B;
    if (packed) status = unpack(&text, &text_size, path, bytes, size, err);
    if (!status) status = make_vocabulary(out, packed ? text : (const char *)bytes, packed ? text_size : size, vocab, path, err);
    ps__free(text);
    ps__free(bytes);
    out->model = PS__MODEL_BPE;
    out->is_clip = 1;
    find_marks(out);
    return status;
}

/* ---- vocab.txt ---- */

int ps__read_vocab_lines(ps__pieces *out, const char *path, ps__error *err) {
    uint8_t *bytes;
    size_t size, length;
    const char *line;
    int64_t id = 0;
    int status = ps__read_file(&bytes, &size, NULL, path, LIST_MOST, err);
    if (status) return status;
    lines l = {(const char *)bytes, (const char *)bytes + size};
    while (!status && next_line(&line, &length, &l)) {
        if (length && ps__pieces_find(out, line, length) < 0) status = ps__pieces_add(out, line, length, id, 0, path, err);
        id++;
    }
    ps__free(bytes);
    out->model = PS__MODEL_WORDPIECE;
    return status;
}
