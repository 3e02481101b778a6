/*
** The licence beside a published model; see licence.h.
*/
#include "encoder/import/licence.h"

#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/os.h"
#include "base/utf8.h"

#define NAME_MOST 200                /* bytes of a licence's name */
#define MAX_TEXT ((size_t)256 << 10) /* bytes of a licence or README that are looked at; a longer file is left alone */

/* At most NAME_MOST bytes of it as UTF-8: what is none, as in a licence in Latin-1, becomes U+FFFD. NULL: no memory. */
static char *as_utf8(const char *text, size_t length, size_t most) {
    ps__buf out = PS__BUF_INIT;
    uint32_t code;
    for (size_t at = 0; at < length && out.length + 4 <= most;) {
        at += ps__utf8_decode(&code, text + at, length - at);
        ps__utf8_append(&out, code);
    }
    return ps__buf_detach(&out);
}

/* The file of that name in the folder as a string; NULL: there is none, or none that can be kept. */
static char *read_text(const ps__source *s, const char *name) {
    ps__buf path = PS__BUF_INIT;
    char *text = NULL;
    uint8_t *bytes;
    size_t size;
    ps__error ignored;
    ps__buf_printf(&path, "%s/%s", s->folder, name);
    if (!path.failed && ps__read_file(&bytes, &size, NULL, path.bytes, MAX_TEXT, &ignored) == PS__OK) {
        if (size && !memchr(bytes, 0, size)) text = as_utf8((const char *)bytes, size, 3 * MAX_TEXT);
        ps__free(bytes);
    }
    ps__buf_free(&path);
    return text;
}

static char *trimmed(const char *from, size_t length) {
    while (length && strchr(" \t\r\"'#", from[0])) from++, length--;
    while (length && strchr(" \t\r\"'", from[length - 1])) length--;
    return length ? as_utf8(from, length, NAME_MOST) : NULL;
}

/* The value of "license:" (or "license_name:", which says more) between the two "---" that begin a model card. */
static char *from_card(const char *card) {
    char *name = NULL;
    if (strncmp(card, "---", 3) != 0) return NULL;
    for (const char *line = strchr(card, '\n'); line && line[1] && strncmp(line + 1, "---", 3) != 0;
         line = strchr(line + 1, '\n')) {
        const char *text = line + 1, *end = strchrnul(text, '\n'), *colon = memchr(text, ':', (size_t)(end - text));
        size_t key = colon ? (size_t)(colon - text) : 0;
        int is_name = key == 12 && strncmp(text, "license_name", 12) == 0;
        if (!is_name && !(key == 7 && strncmp(text, "license", 7) == 0 && !name)) continue;
        char *found = trimmed(colon + 1, (size_t)(end - colon - 1));
        if (!found) continue;
        ps__free(name);
        name = found;
    }
    return name;
}

static char *first_line(const char *text) {
    for (const char *line = text; *line;) {
        const char *end = strchrnul(line, '\n');
        char *found = trimmed(line, (size_t)(end - line));
        if (found) return found;
        line = *end ? end + 1 : end;
    }
    return NULL;
}

int ps__licence_read(char **out, ps__draft *draft, const ps__source *s, const char *given, ps__error *err) {
    static const char *const files[] = {"LICENSE", "LICENSE.txt", "LICENSE.md", "LICENCE", "LICENSE_weights"};
    char *card = read_text(s, "README.md"), *text = NULL, *name = NULL;
    for (size_t i = 0; i < sizeof files / sizeof *files && !text; i++) text = read_text(s, files[i]);
    if (given)
        name = as_utf8(given, strlen(given), NAME_MOST);
    else if (card && (name = from_card(card)) == NULL && text)
        name = first_line(text);
    else if (!card && text)
        name = first_line(text);
    if (!name) name = ps__strdup("not stated");
    int status = name ? ps__draft_meta(draft, "licence", name, err) : ps__fail_nomem(err);
    if (!status && text) status = ps__draft_meta(draft, "licence.text", text, err);
    ps__free(card);
    ps__free(text);
    if (status)
        ps__free(name);
    else
        *out = name;
    return status;
}
