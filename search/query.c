/*
** Reads a sentence; see query.h. Its bytes are made tidy, cut into tokens (parse/lexer.c), looked up (lexicon.c), matched from
** the end to the beginning (match.c), cut into content, filters and operators (select.c), and put together (logic.c).
*/
#include "search/query.h"

#include <string.h>

#include "base/alloc.h"
#include "base/utf8.h"
#include "search/parse/build.h"

#define MAX_LENGTH ((size_t)1 << 30) /* of a sentence, bytes */
#define MAX_QUESTIONS 96             /* to the gallery, for one sentence */

/* White space and controls of Unicode 15 that people paste along with words, and the byte order mark. */
static int is_blank(uint32_t c) {
    return c <= 0x20 || (c >= 0x7F && c <= 0xA0) || c == 0x1680 || (c >= 0x2000 && c <= 0x200B) || (c >= 0x2028 && c <= 0x202F) ||
           c == 0x205F || c == 0x2060 || c == 0x3000 || c == 0xFEFF;
}

static int tidy(char **out, const char *s, size_t length, ps__error *err) {
    ps__buf text = PS__BUF_INIT;
    int gap = 0;
    for (size_t i = 0; i < length;) {
        uint32_t c;
        i += ps__utf8_decode(&c, s + i, length - i);
        if (is_blank(c)) {
            gap = 1;
            continue;
        }
        if (gap && text.length) ps__buf_putc(&text, ' ');
        gap = 0;
        ps__utf8_append(&text, c);
    }
    *out = ps__buf_detach(&text);
    return *out ? PS__OK : ps__fail_nomem(err);
}

/* One clause with all of the text as its content. */
static int take_whole(ps__query *out, const char *text, ps__error *err) {
    ps__clause *clause = out->clauses;
    if (!clause && !(clause = out->clauses = ps__calloc(1, sizeof *clause))) return ps__fail_nomem(err);
    out->clause_count = 1;
    clause->contents = ps__calloc(1, sizeof *clause->contents);
    if (!clause->contents) return ps__fail_nomem(err);
    clause->content_count = 1;
    clause->contents[0].weight = 1;
    clause->contents[0].text = ps__strdup(text);
    return clause->contents[0].text ? PS__OK : ps__fail_nomem(err);
}

static int prepare(ps__parse *p, ps__error *err) {
    if (!ps__lex(&p->lexer, p->text, p->length)) return ps__fail_nomem(err);
    size_t n = p->lexer.count;
    p->first = ps__array(n + 1, sizeof *p->first);
    p->last = ps__array(n + 1, sizeof *p->last);
    p->per_token = ps__calloc(n + 1, sizeof *p->per_token);
    p->asked = ps__calloc(n + 1, 1);
    p->begins = ps__calloc(n + 1, 1);
    if (!p->first || !p->last || !p->per_token || !p->asked || !p->begins) return ps__fail_nomem(err);
    memset(p->first, 0xFF, (n + 1) * sizeof *p->first);
    memset(p->last, 0xFF, (n + 1) * sizeof *p->last);
    ps__lexicon_apply(p);
    return PS__OK;
}

static void release(ps__parse *p) {
    ps__lexer_free(&p->lexer);
    ps__free(p->items);
    ps__free(p->first);
    ps__free(p->last);
    ps__free(p->per_token);
    ps__free(p->asked);
    ps__free(p->begins);
}

/* What lies behind the last token that is parsed is content of the last clause. */
static int add_rest(ps__query *out, const ps__parse *p, ps__error *err) {
    ps__clause *clause = &out->clauses[out->clause_count - 1];
    ps__content *last = NULL;
    const char *rest = p->text + p->lexer.end;
    while (*rest == ' ') rest++;
    if (!*rest) return PS__OK;
    for (size_t i = 0; i < clause->content_count; i++)
        if (clause->contents[i].weight == 1) last = &clause->contents[i];
    if (!last) {
        ps__content *grown = ps__realloc(clause->contents, (clause->content_count + 1) * sizeof *grown);
        char *text = ps__strdup(rest);
        if (grown) clause->contents = grown;
        if (!grown || !text) {
            ps__free(text);
            return ps__fail_nomem(err);
        }
        grown[clause->content_count++] = (ps__content){text, 1, 0};
        return PS__OK;
    }
    ps__buf joined = PS__BUF_INIT;
    ps__buf_printf(&joined, "%s %s", last->text, rest);
    char *text = ps__buf_detach(&joined);
    if (!text) return ps__fail_nomem(err);
    ps__free(last->text);
    last->text = text;
    return PS__OK;
}

static int is_bare(const ps__query *q) {
    return q->clause_count == 1 && !q->clauses[0].filter_count && !q->clauses[0].content_count && q->order == PS__ORDER_RELEVANCE;
}

static int parse(ps__query *out, const char *text, size_t length, const ps__query_context *context, ps__error *err) {
    ps__parse p = {.context = context, .tables = &ps__word_tables, .text = text, .length = length, .asks_left = MAX_QUESTIONS};
    ps__segments segments = {.notes = PS__BUF_INIT};
    int status = prepare(&p, err);
    for (size_t i = p.lexer.count; status == PS__OK && i-- > 0;) {
        ps__match_token(&p, i);
        ps__select_token(&p, i);
        if (p.failed) status = ps__fail_nomem(err);
    }
    if (status == PS__OK && !ps__select(&segments, &p)) status = ps__fail_nomem(err);
    if (status == PS__OK) status = ps__logic_build(out, &p, &segments, err);
    if (status == PS__OK) status = add_rest(out, &p, err);
    if (status == PS__OK && is_bare(out)) status = take_whole(out, text, err);
    out->steps = p.steps + p.lexer.steps;
    ps__segments_free(&segments);
    release(&p);
    return status;
}

/* The text of all that is to be found: alternatives by " or ", what is added up by a blank. */
static int take_text(ps__query *out, ps__error *err) {
    ps__buf text = PS__BUF_INIT;
    for (size_t k = 0; k < out->clause_count; k++) {
        const ps__clause *clause = &out->clauses[k];
        int first = 1, group = 0;
        for (size_t i = 0; i < clause->content_count; i++) {
            const ps__content *c = &clause->contents[i];
            if (c->weight <= 0) continue;
            if (text.length) ps__buf_puts(&text, first || c->group == group ? " or " : " ");
            ps__buf_puts(&text, c->text);
            first = 0;
            group = c->group;
        }
    }
    out->text = ps__buf_detach(&text);
    return out->text ? PS__OK : ps__fail_nomem(err);
}

int ps__query_parse(ps__query *out, const char *sentence, size_t length, const ps__query_context *context, ps__error *err) {
    char *text = NULL;
    memset(out, 0, sizeof *out);
    if (length > MAX_LENGTH) return ps__fail(err, PS__INVALID, "the query has more than %zu bytes", MAX_LENGTH);
    int status = tidy(&text, sentence, length, err);
    if (status == PS__OK && !text[0]) status = ps__fail(err, PS__INVALID, "the query is empty");
    if (status == PS__OK)
        status = !context || context->flags & PS__QUERY_LITERAL ? take_whole(out, text, err)
                                                                : parse(out, text, strlen(text), context, err);
    if (status == PS__OK) status = take_text(out, err);
    ps__free(text);
    if (status != PS__OK) ps__query_clear(out);
    return status;
}

static void clear_clause(ps__clause *clause) {
    for (size_t i = 0; i < clause->filter_count; i++) ps__query_filter_clear(&clause->filters[i]);
    for (size_t i = 0; i < clause->content_count; i++) ps__free(clause->contents[i].text);
    ps__free(clause->filters);
    ps__free(clause->contents);
}

void ps__query_clear(ps__query *query) {
    for (size_t i = 0; i < query->clause_count; i++) clear_clause(&query->clauses[i]);
    for (size_t i = 0; i < query->note_count; i++) ps__free(query->notes[i]);
    ps__free(query->clauses);
    ps__free(query->notes);
    ps__free(query->text);
    memset(query, 0, sizeof *query);
}
