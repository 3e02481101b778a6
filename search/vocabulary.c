/*
** Reading vocabularies; see vocabulary.h. The text is copied once, and cut into strings in place.
*/
#include "search/vocabulary.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/utf8.h"

/* One file being read. */
typedef struct reader {
    ps__vocabulary *out;
    size_t room, sentence_count, sentence_room; /* of out->labels, out->sentences */
    const char *path;
    size_t line; /* from 1 */
    ps__error *err;
} reader;

static int refuse(const reader *r, const char *what) {
    return ps__fail(r->err, PS__INVALID, "%s, line %zu: %s", r->path, r->line, what);
}

/* The text without blanks at its ends. */
static char *trim(char *text) {
    while (*text == ' ' || *text == '\t') text++;
    size_t length = strlen(text);
    while (length && (text[length - 1] == ' ' || text[length - 1] == '\t' || text[length - 1] == '\r')) text[--length] = 0;
    return text;
}

static int has_controls(const char *text) {
    for (const unsigned char *s = (const unsigned char *)text; *s; s++)
        if (*s < 0x20 || *s == 0x7F) return 1;
    return 0;
}

static int grow(void **list, size_t *room, size_t count, size_t size, ps__error *err) {
    if (count < *room) return PS__OK;
    size_t more = *room ? *room * 2 : 256;
    void *grown = ps__realloc(*list, more * size);
    if (!grown) return ps__fail_nomem(err);
    *list = grown;
    *room = more;
    return PS__OK;
}

static int add_sentence(reader *r, ps__label *label, const char *sentence) {
    int status = grow((void **)&r->out->sentences, &r->sentence_room, r->sentence_count, sizeof *r->out->sentences, r->err);
    if (status != PS__OK) return status;
    r->out->sentences[r->sentence_count++] = sentence;
    label->sentence_count++;
    return PS__OK;
}

static int read_label(reader *r, char *line) {
    ps__label label = {.competes = line[0] == '-'};
    char *next = strchr(line, '|');
    int status = grow((void **)&r->out->labels, &r->room, r->out->count, sizeof *r->out->labels, r->err);
    if (next) *next++ = 0;
    label.name = trim(line + label.competes);
    if (!label.name[0]) return refuse(r, "there is no label");
    if (strlen(label.name) > PS__LABEL_BYTES) return refuse(r, "the label is longer than 60 bytes");
    if (r->out->count == PS__VOCABULARY_MOST) return refuse(r, "there are more than 10000 labels");
    if (status == PS__OK && !next) status = add_sentence(r, &label, label.name);
    while (status == PS__OK && next) {
        char *sentence = next;
        next = strchr(sentence, '|');
        if (next) *next++ = 0;
        sentence = trim(sentence);
        if (!sentence[0]) return refuse(r, "a sentence is empty");
        status = add_sentence(r, &label, sentence);
    }
    if (status == PS__OK) r->out->labels[r->out->count++] = label;
    return status;
}

static int read_line(reader *r, char *line) {
    size_t length = strlen(line);
    char *text = trim(line);
    r->line++;
    if (!text[0] || text[0] == '#') return PS__OK;
    if (!ps__utf8_valid(line, length)) return refuse(r, "is not UTF-8");
    for (char *s = text; *s; s++)
        if (*s == '\t') *s = ' ';
    if (has_controls(text)) return refuse(r, "holds a control character");
    return read_label(r, text);
}

static int by_name(const void *a, const void *b) {
    const ps__label *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

static int check_names(const reader *r) {
    const ps__vocabulary *v = r->out;
    if (v->count == 0) return ps__fail(r->err, PS__INVALID, "%s: holds no label", r->path);
    const ps__label **sorted = ps__array(v->count, sizeof *sorted);
    if (!sorted) return ps__fail_nomem(r->err);
    int status = PS__OK;
    for (size_t i = 0; i < v->count; i++) sorted[i] = &v->labels[i];
    qsort(sorted, v->count, sizeof *sorted, by_name);
    for (size_t i = 1; i < v->count && status == PS__OK; i++)
        if (strcmp(sorted[i - 1]->name, sorted[i]->name) == 0)
            status = ps__fail(r->err, PS__INVALID, "%s: the label \"%s\" is there twice", r->path, sorted[i]->name);
    ps__free(sorted);
    return status;
}

/* The sentences lie in one list that moved while it grew. */
static void point_at_sentences(ps__vocabulary *v) {
    size_t at = 0;
    for (size_t i = 0; i < v->count; i++) {
        v->labels[i].sentences = v->sentences + at;
        at += v->labels[i].sentence_count;
    }
}

int ps__vocabulary_parse(ps__vocabulary *out, const char *text, size_t length, const char *path, ps__error *err) {
    reader r = {.out = out, .path = path, .err = err};
    int status = PS__OK;
    memset(out, 0, sizeof *out);
    if (length > PS__VOCABULARY_BYTES) return ps__fail(err, PS__TOOBIG, "%s: is longer than a megabyte", path);
    if (!(out->text = ps__malloc(length + 1))) return ps__fail_nomem(err);
    memcpy(out->text, length ? text : "", length);
    out->text[length] = 0;
    for (char *line = out->text, *next; status == PS__OK && line < out->text + length; line = next) {
        char *end = memchr(line, '\n', (size_t)(out->text + length - line));
        next = end ? end + 1 : out->text + length;
        if (end) *end = 0;
        if (strlen(line) != (size_t)((end ? end : next) - line)) {
            r.line++;
            status = refuse(&r, "holds a 0 byte");
        } else {
            status = read_line(&r, line);
        }
    }
    if (status == PS__OK) status = check_names(&r);
    if (status == PS__OK)
        point_at_sentences(out);
    else
        ps__vocabulary_clear(out);
    return status;
}

void ps__vocabulary_clear(ps__vocabulary *vocabulary) {
    ps__free(vocabulary->labels);
    ps__free(vocabulary->sentences);
    ps__free(vocabulary->text);
    memset(vocabulary, 0, sizeof *vocabulary);
}
