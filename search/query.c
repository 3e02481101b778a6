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

int ps__query_parse(ps__query *out, const char *sentence, size_t length, unsigned flags, ps__error *err) {
    memset(out, 0, sizeof *out);
    (void)flags; /* every word is content, literal or not */
    int status = tidy(&out->text, sentence, length, err);
    if (status != PS__OK) return status;
    if (out->text[0]) return PS__OK;
    ps__query_clear(out);
    return ps__fail(err, PS__INVALID, "the query is empty");
}

static void free_list(char **list, size_t count) {
    for (size_t i = 0; i < count; i++) ps__free(list[i]);
    ps__free(list);
}

void ps__query_clear(ps__query *query) {
    ps__free(query->text);
    ps__free(query->from);
    ps__free(query->to);
    free_list(query->places, query->place_count);
    free_list(query->nots, query->not_count);
    memset(query, 0, sizeof *query);
}
