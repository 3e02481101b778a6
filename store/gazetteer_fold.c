/*
** One spelling for all ways to write a name: compatibility forms and case folded, diacritics of Latin letters dropped, Latin letters that
** have none but are written without (o with stroke, ae) replaced, punctuation made blanks. Other scripts keep their marks, which tell
** words apart there. The tool that builds the gazetteer folds with this function too, so names meet in one form.
*/
#include "store/gazetteer.h"

#include <stdlib.h>
#include <utf8proc.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/utf8.h"

typedef struct folding {
    ps__buf out;
    int blank; /* a blank is due before the next character */
    int latin; /* the last base character was Latin, so that marks on it go */
} folding;

/* Latin letters that do not decompose, in lower case. NULL: no such letter. */
static const char *plain(uint32_t code) {
    switch (code) {
    case 0xE6: return "ae";
    case 0xF0:
    case 0x111: return "d";
    case 0xF8: return "o";
    case 0xFE: return "th";
    case 0x127: return "h";
    case 0x131: return "i";
    case 0x142: return "l";
    case 0x153: return "oe";
    case 0x167: return "t";
    case 0x259: return "e";
    default: return NULL;
    }
}

static int is_latin(uint32_t code) {
    return (code >= 'a' && code <= 'z') || (code >= 0xC0 && code <= 0x24F) || (code >= 0x1E00 && code <= 0x1EFF);
}

/* Letters that stand for an apostrophe, as the okina. */
static int is_apostrophe(uint32_t code) { return code >= 0x2B9 && code <= 0x2BF; }

static int is_separator(uint32_t code) {
    utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)code);
    return category >= UTF8PROC_CATEGORY_PC ? category != UTF8PROC_CATEGORY_CO : is_apostrophe(code);
}

static void put(folding *f, uint32_t code) {
    utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)code);
    if (category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_ME) {
        if (f->latin || f->out.length == 0 || f->blank) return;
    } else if (category == UTF8PROC_CATEGORY_CF) {
        return; /* joiners and marks of direction */
    } else if (is_separator(code) || code == 0xFFFD) {
        f->blank = 1;
        f->latin = 0;
        return;
    } else {
        f->latin = is_latin(code);
    }
    if (f->blank && f->out.length) ps__buf_putc(&f->out, ' ');
    f->blank = 0;
    const char *letters = plain(code);
    if (letters)
        ps__buf_puts(&f->out, letters);
    else
        ps__utf8_append(&f->out, code);
}

/* One character of the text: its compatibility decomposition, case folded, at most 18 characters (U+FDFA). */
static void put_character(folding *f, uint32_t code) {
    utf8proc_int32_t parts[32];
    int class = 0;
    utf8proc_ssize_t n = utf8proc_decompose_char((utf8proc_int32_t)code, parts, 32,
                                                 UTF8PROC_COMPAT | UTF8PROC_DECOMPOSE | UTF8PROC_CASEFOLD, &class);
    if (n < 0 || n > 32) n = 0;
    for (utf8proc_ssize_t i = 0; i < n; i++) put(f, (uint32_t)parts[i]);
}

/* Marks and Hangul that stayed are put together again, as they are usually written. */
static int compose(char **out, folding *f, ps__error *err) {
    utf8proc_uint8_t *composed = NULL;
    utf8proc_ssize_t n = utf8proc_map((const utf8proc_uint8_t *)f->out.bytes, (utf8proc_ssize_t)f->out.length, &composed,
                                      UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    if (n >= 0) *out = ps__strndup((const char *)composed, (size_t)n);
    free(composed);
    return *out ? PS__OK : ps__fail_nomem(err);
}

int ps__gazetteer_fold(char **out, const char *name, size_t length, ps__error *err) {
    folding f = {.out = PS__BUF_INIT};
    int ascii = 1, status = PS__OK;
    *out = NULL;
    for (size_t i = 0; i < length;) {
        uint32_t code;
        i += ps__utf8_decode(&code, name + i, length - i);
        put_character(&f, code);
    }
    for (size_t i = 0; i < f.out.length && ascii; i++) ascii = (unsigned char)f.out.bytes[i] < 0x80;
    if (f.out.failed) {
        status = ps__fail_nomem(err);
    } else if (ascii) {
        *out = ps__strndup(f.out.bytes, f.out.length);
        if (!*out) status = ps__fail_nomem(err);
    } else {
        status = compose(out, &f, err);
    }
    ps__buf_free(&f.out);
    return status;
}
