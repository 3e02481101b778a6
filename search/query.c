/*
** Tidies a sentence; see query.h. The parser of times, places and negatives takes its place here, between the sentence and
** `text`.
*/
#include "search/query.h"

#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/utf8.h"

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

int ps__query_parse(ps__query *out, const char *sentence, size_t length, const ps__query_context *context, ps__error *err) {
    memset(out, 0, sizeof *out);
    (void)context;
    int status = tidy(&out->text, sentence, length, err);
    if (status == PS__OK && !out->text[0]) status = ps__fail(err, PS__INVALID, "the query is empty");
    if (status != PS__OK) ps__query_clear(out);
    return status;
}

static void clear_filter(ps__filter *filter) {
    ps__when_clear(&filter->when);
    ps__free(filter->text);
    ps__free(filter->words);
    ps__free(filter->meaning);
}

static void clear_clause(ps__clause *clause) {
    for (size_t i = 0; i < clause->filter_count; i++) clear_filter(&clause->filters[i]);
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
