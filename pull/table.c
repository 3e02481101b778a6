/*
** Reading tables; see table.h, and published.table for the grammar.
*/
#include "pull/table.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/os.h"
#include "base/utf8.h"
#include "pull/url.h"

enum { LINE_MOST = 4000, BLOCKS_MOST = 4096, TEXT_MOST = 1 << 20 };

typedef struct reader {
    pull_table *t;
    const char *origin;
    int line;
    char text[LINE_MOST + 1]; /* the line, without its end */
    pull_model *model;        /* the block it is in; one of the two at most */
    pull_licence *licence;
    ps__error *err;
} reader;

__attribute__((format(printf, 2, 3))) static int refuse(reader *r, const char *format, ...) {
    char reason[600];
    va_list args;
    va_start(args, format);
    vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    return ps__fail(r->err, PS__FORMAT, "%.300s:%d: %s", r->origin, r->line, reason);
}

int pull_name_is_safe(const char *name) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t n = strlen(name);
    return n > 0 && n <= PULL_NAME_MOST && strspn(name, letters) == n && name[0] != '.' && name[0] != '-';
}

static int ends_in(const char *name, const char *end) {
    size_t n = strlen(name), e = strlen(end);
    return n >= e && strcmp(name + n - e, end) == 0;
}

/* Sets a field that may be given once. */
static int set(reader *r, char **field, const char *key, const char *value) {
    if (*field) return refuse(r, "a second %s", key);
    if (!value[0]) return refuse(r, "%s without a value", key);
    *field = ps__strdup(value);
    return *field ? PS__OK : ps__fail_nomem(r->err);
}

static int set_url(reader *r, char **field, const char *key, const char *value) {
    ps__error reason;
    if (pull_url_check(value, PULL_HTTP_ALL, &reason) != PS__OK) return refuse(r, "%.500s", reason.text);
    return set(r, field, key, value);
}

static int add(void ***list, size_t *count, void *item) {
    void **more = *count < BLOCKS_MOST ? ps__realloc(*list, (*count + 1) * sizeof *more) : NULL;
    if (!more) return 0;
    *list = more;
    more[(*count)++] = item;
    return 1;
}

static int end_block(reader *r) {
    if (r->model) {
        if (!r->model->licence) return refuse(r, "model %s has no licence", r->model->name);
        if (!r->model->file_count) return refuse(r, "model %s has no files", r->model->name);
        for (size_t i = 0; i < r->model->file_count; i++)
            if (!r->model->files[i].url) return refuse(r, "file %s has no url", r->model->files[i].name);
    }
    if (r->licence) {
        if (!r->licence->title) return refuse(r, "licence %s has no title", r->licence->name);
        if (!r->licence->text.length && !r->licence->fetch)
            return refuse(r, "licence %s has neither text nor fetch", r->licence->name);
    }
    r->model = NULL;
    r->licence = NULL;
    return PS__OK;
}

static int start_model(reader *r, const char *name) {
    pull_table *t = r->t;
    int status = end_block(r);
    if (status != PS__OK) return status;
    if (!pull_name_is_safe(name)) return refuse(r, "not a name for a model: %.120s", name);
    for (size_t i = 0; i < t->model_count; i++)
        if (t->models[i]->table == t->origin_count - 1 && strcmp(t->models[i]->name, name) == 0)
            return refuse(r, "a second model %s", name);
    pull_model *model = ps__calloc(1, sizeof *model);
    if (!model || !add((void ***)&t->models, &t->model_count, model)) {
        ps__free(model);
        return ps__fail_nomem(r->err);
    }
    model->table = t->origin_count - 1;
    model->line = r->line;
    r->model = model;
    return set(r, &model->name, "model", name);
}

static int start_licence(reader *r, const char *name) {
    pull_table *t = r->t;
    int status = end_block(r);
    if (status != PS__OK) return status;
    if (!pull_name_is_safe(name)) return refuse(r, "not a name for a licence: %.120s", name);
    for (size_t i = 0; i < t->licence_count; i++)
        if (t->licences[i]->table == t->origin_count - 1 && strcmp(t->licences[i]->name, name) == 0)
            return refuse(r, "a second licence-block %s", name);
    pull_licence *licence = ps__calloc(1, sizeof *licence);
    if (!licence || !add((void ***)&t->licences, &t->licence_count, licence)) {
        ps__free(licence);
        return ps__fail_nomem(r->err);
    }
    licence->text = (ps__buf)PS__BUF_INIT;
    licence->table = t->origin_count - 1;
    r->licence = licence;
    return set(r, &licence->name, "licence-block", name);
}

/* Names that a pull uses itself, and two files that would be one. */
static int start_file(reader *r, const char *name) {
    pull_model *m = r->model;
    if (!pull_name_is_safe(name)) return refuse(r, "not a name for a file in the model's folder: %.120s", name);
    if (strcmp(name, "LICENSE") == 0 || ends_in(name, ".part") || ends_in(name, ".state"))
        return refuse(r, "a file must not be called %s", name);
    for (size_t i = 0; i < m->file_count; i++)
        if (strcmp(m->files[i].name, name) == 0) return refuse(r, "a second file %s", name);
    if (m->file_count == PULL_FILES_MOST) return refuse(r, "more than %d files", PULL_FILES_MOST);
    m->files[m->file_count] = (pull_file){.size = -1};
    return set(r, &m->files[m->file_count++].name, "file", name);
}

static int set_size(reader *r, pull_file *f, const char *value) {
    if (strcmp(value, "-") == 0) return PS__OK;
    size_t digits = strspn(value, "0123456789");
    if (digits == 0 || digits > 15 || value[digits]) return refuse(r, "not a size: %.40s", value);
    f->size = strtoll(value, NULL, 10);
    return f->size ? PS__OK : refuse(r, "a file of no bytes");
}

static int set_sha256(reader *r, pull_file *f, const char *value) {
    if (strcmp(value, "-") == 0 || pull_sha256_parse(f->sha256, value)) return PS__OK;
    return refuse(r, "not a SHA-256 of 64 hexadecimal digits: %.80s", value);
}

static int model_line(reader *r, const char *key, const char *value) {
    pull_model *m = r->model;
    pull_file *f = m->file_count ? &m->files[m->file_count - 1] : NULL;
    if (strcmp(key, "note") == 0) return set(r, &m->note, key, value);
    if (strcmp(key, "licence") == 0) return set(r, &m->licence, key, value);
    if (strcmp(key, "import") == 0 && strcmp(value, "by-hand") == 0) {
        m->by_hand = 1;
        return PS__OK;
    }
    if (strcmp(key, "file") == 0) return start_file(r, value);
    if (f && strcmp(key, "url") == 0) return set_url(r, &f->url, key, value);
    if (f && strcmp(key, "size") == 0) return set_size(r, f, value);
    if (f && strcmp(key, "sha256") == 0) return set_sha256(r, f, value);
    if (f && strcmp(key, "seen") == 0) return PS__OK; /* of a receipt: what the server said */
    return refuse(r, "%.40s is not understood here", key);
}

static int licence_line(reader *r, const char *key, const char *value) {
    pull_licence *l = r->licence;
    if (strcmp(key, "title") == 0) return set(r, &l->title, key, value);
    if (strcmp(key, "page") == 0) return set_url(r, &l->page, key, value);
    if (strcmp(key, "fetch") == 0) return set_url(r, &l->fetch, key, value);
    int research = strcmp(value, "research-only") == 0;
    if (strcmp(key, "terms") == 0 && (research || strcmp(value, "non-commercial") == 0)) {
        l->limits = research ? PULL_RESEARCH_ONLY : PULL_NON_COMMERCIAL;
        return PS__OK;
    }
    return refuse(r, "%.40s %.40s is not understood here", key, value);
}

static int text_line(reader *r, const char *text) {
    ps__buf *to = r->licence ? &r->licence->text : NULL;
    if (!to) return refuse(r, "text outside of a licence");
    if (to->length > TEXT_MOST) return refuse(r, "a text of more than %d bytes", TEXT_MOST);
    ps__buf_puts(to, text[0] == ' ' ? text + 1 : text);
    ps__buf_putc(to, '\n');
    return to->failed ? ps__fail_nomem(r->err) : PS__OK;
}

static int parse_line(reader *r) {
    char *key = r->text + strspn(r->text, " \t"), *end = key + strlen(key);
    while (end > key && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r')) *--end = 0;
    if (!key[0] || key[0] == '#') return PS__OK;
    for (const char *c = key; *c; c++)
        if (((unsigned char)*c < 0x20 && *c != '\t') || *c == 0x7F) return refuse(r, "a control character");
    if (key[0] == '|') return text_line(r, key + 1);
    char *value = key + strcspn(key, " \t");
    if (*value) *value++ = 0;
    value += strspn(value, " \t");
    if (strcmp(key, "model") == 0) return start_model(r, value);
    if (strcmp(key, "licence-block") == 0) return start_licence(r, value);
    if (r->model) return model_line(r, key, value);
    if (r->licence) return licence_line(r, key, value);
    return refuse(r, "a table begins with model or licence-block, not with %.40s", key);
}

static int parse_lines(reader *r, const char *text, size_t length) {
    for (size_t at = 0; at < length;) {
        const char *end = memchr(text + at, '\n', length - at);
        size_t n = end ? (size_t)(end - text) - at : length - at;
        r->line++;
        if (n > LINE_MOST) return refuse(r, "a line of more than %d bytes", LINE_MOST);
        if (memchr(text + at, 0, n)) return refuse(r, "a zero byte");
        memcpy(r->text, text + at, n);
        r->text[n] = 0;
        if (!ps__utf8_valid(r->text, n)) return refuse(r, "not UTF-8");
        int status = parse_line(r);
        if (status != PS__OK) return status;
        at += n + 1;
    }
    return end_block(r);
}

/* Each model of the newest table has a licence somewhere. */
static int check_licences(const pull_table *t, const char *origin, ps__error *err) {
    for (size_t i = 0; i < t->model_count; i++)
        if (t->models[i]->table == t->origin_count - 1 && !pull_table_licence(t, t->models[i]))
            return ps__fail(err, PS__FORMAT, "%.300s:%d: there is no licence-block %.100s", origin, t->models[i]->line,
                            t->models[i]->licence);
    return PS__OK;
}

int pull_table_add(pull_table *t, const char *text, size_t length, const char *origin, ps__error *err) {
    reader *r = ps__calloc(1, sizeof *r);
    size_t count = (size_t)t->origin_count;
    int status = PS__OK;
    if (!r) return ps__fail_nomem(err);
    *r = (reader){.t = t, .origin = origin, .err = err};
    char *owned = ps__strdup(origin);
    if (!owned || !add((void ***)&t->origins, &count, owned)) {
        ps__free(owned);
        status = ps__fail_nomem(err);
    }
    t->origin_count = (int)count;
    if (status == PS__OK) status = parse_lines(r, text, length);
    if (status == PS__OK) status = check_licences(t, origin, err);
    ps__free(r);
    return status;
}

int pull_table_add_file(pull_table *t, const char *path, ps__error *err) {
    uint8_t *bytes;
    size_t size;
    int status = ps__read_file(&bytes, &size, NULL, path, PULL_TABLE_BYTES, err);
    if (status != PS__OK) return status;
    status = pull_table_add(t, (const char *)bytes, size, path, err);
    ps__free(bytes);
    return status;
}

void pull_table_free(pull_table *t) {
    for (size_t i = 0; i < t->model_count; i++) {
        pull_model *m = t->models[i];
        for (size_t k = 0; k < m->file_count; k++) ps__free(m->files[k].name), ps__free(m->files[k].url);
        ps__free(m->name), ps__free(m->note), ps__free(m->licence), ps__free(m);
    }
    for (size_t i = 0; i < t->licence_count; i++) {
        pull_licence *l = t->licences[i];
        ps__free(l->name), ps__free(l->title), ps__free(l->page), ps__free(l->fetch), ps__buf_free(&l->text), ps__free(l);
    }
    for (int i = 0; i < t->origin_count; i++) ps__free(t->origins[i]);
    ps__free(t->models), ps__free(t->licences), ps__free(t->origins);
    *t = (pull_table){0};
}

const pull_model *pull_table_model(const pull_table *t, const char *name) {
    for (size_t i = 0; i < t->model_count; i++)
        if (strcmp(t->models[i]->name, name) == 0) return t->models[i];
    return NULL;
}

const char *pull_licence_limits(const pull_licence *licence) {
    static const char *const words[] = {
        [PULL_ANY_USE] = "",
        [PULL_NON_COMMERCIAL] = "not for commercial use",
        [PULL_RESEARCH_ONLY] = "for research only, not for commercial use",
    };
    return words[licence->limits];
}

const pull_licence *pull_table_licence(const pull_table *t, const pull_model *model) {
    const pull_licence *found = NULL;
    for (size_t i = 0; i < t->licence_count; i++) {
        const pull_licence *l = t->licences[i];
        if (strcmp(l->name, model->licence) != 0) continue;
        if (l->table == model->table) return l;
        if (!found) found = l;
    }
    return found;
}
