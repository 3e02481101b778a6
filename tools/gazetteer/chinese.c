/*
** Traditional Chinese characters to simplified ones, by those rules of CLDR's Simplified-Traditional transform that turn one character
** into one (lines such as "纽↔紐;" and "里←裡;"). Enough for names of places.
*/
#include "tools/gazetteer/gazetteer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"

static uint32_t *simple; /* [0x10000] by traditional character; 0: stays as it is */

/* One Han character of the basic plane at *at, which moves on; 0 when something else stands there. */
static uint32_t han(const char **at) {
    uint32_t code;
    size_t length = strlen(*at);
    if (!length) return 0;
    size_t used = ps__utf8_decode(&code, *at, length);
    if (code < 0x3400 || code > 0x9FFF) return 0;
    *at += used;
    return code;
}

/* Characters that names have in both scripts, whatever they turn into in other words: 大阪, 乾县, 显著. */
static int is_common(uint32_t code) { return code == 0x962A || code == 0x4E7E || code == 0x8457; }

void read_simplification(const char *folder) {
    char path[4096];
    snprintf(path, sizeof path, "%s/transforms/Simplified-Traditional.xml", folder);
    char *at = read_text(path), *line;
    size_t count = 0;
    simple = need(calloc(0x10000, sizeof *simple));
    while ((line = next_line(&at)) != NULL) {
        const char *rule = line;
        uint32_t from, to = han(&rule);
        if (!to || (strncmp(rule, "↔", 3) != 0 && strncmp(rule, "←", 3) != 0)) continue;
        rule += 3;
        from = han(&rule);
        if (!from || *rule != ';' || from == to || is_common(from)) continue;
        simple[from] = to;
        count++;
    }
    if (count < 1000) die("%s: has only %zu rules", path, count);
}

const char *simplify(const char *text) {
    ps__buf out = PS__BUF_INIT;
    int changed = 0;
    for (size_t i = 0, length = strlen(text); i < length;) {
        uint32_t code;
        i += ps__utf8_decode(&code, text + i, length - i);
        if (code < 0x10000 && simple[code]) {
            code = simple[code];
            changed = 1;
        }
        ps__utf8_append(&out, code);
    }
    if (changed) return need(ps__buf_detach(&out));
    ps__buf_free(&out);
    return text;
}
