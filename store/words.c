/*
** Folding text for the full-text tables, and the words of photos' files; see words.h.
**
** SQLite's tokenizer takes a run of Han for one word, as nothing stands between them; so the blanks are put in here. Rows of
** `words` that others have begun (text seen in the photo, tags) are kept.
*/
#include "store/words.h"

#include <string.h>
#include <utf8proc.h>

#include "base/alloc.h"
#include "base/utf8.h"
#include "store/inside.h"

/* ---- Folding ---- */

static int is_between(uint32_t code, uint32_t first, uint32_t last) { return code >= first && code <= last; }

/* Scripts whose words nothing separates, and of which a character is mostly a word or a syllable. */
static int stands_alone(uint32_t code) {
    if (code < 0x2E80) return 0;
    return is_between(code, 0x2E80, 0x2FDF) || code == 0x3005 || code == 0x3007 || is_between(code, 0x3021, 0x3029) ||
           is_between(code, 0x3038, 0x303B) || is_between(code, 0x3041, 0x3096) || is_between(code, 0x309D, 0x309F) ||
           is_between(code, 0x30A1, 0x30FA) || is_between(code, 0x30FC, 0x30FF) || is_between(code, 0x31F0, 0x31FF) ||
           is_between(code, 0x3400, 0x4DBF) || is_between(code, 0x4E00, 0x9FFF) || is_between(code, 0xF900, 0xFAFF) ||
           is_between(code, 0xFF66, 0xFF9D) || is_between(code, 0x20000, 0x323AF);
}

static int is_control(uint32_t code) { return code < 0x20 || is_between(code, 0x7F, 0x9F); }

static void set_apart(ps__buf *out, const char *text, size_t length) {
    for (size_t i = 0; i < length;) {
        uint32_t code;
        size_t used = ps__utf8_decode(&code, text + i, length - i);
        int alone = stands_alone(code);
        if (alone && out->length && out->bytes[out->length - 1] != ' ') ps__buf_putc(out, ' ');
        if (is_control(code))
            ps__buf_putc(out, ' ');
        else
            ps__buf_append(out, text + i, used);
        if (alone) ps__buf_putc(out, ' ');
        i += used;
    }
}

/* What is not UTF-8 becomes a blank: utf8proc refuses the whole text otherwise. */
static void make_valid(ps__buf *out, const char *text, size_t length) {
    for (size_t i = 0; i < length;) {
        uint32_t code;
        size_t used = ps__utf8_decode(&code, text + i, length - i);
        if ((used == 1 && code == 0xFFFD) || code == 0)
            ps__buf_putc(out, ' ');
        else
            ps__buf_append(out, text + i, used);
        i += used;
    }
}

static void fold_valid(ps__buf *out, const ps__buf *text) {
    const utf8proc_option_t options = UTF8PROC_STABLE | UTF8PROC_COMPAT | UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE;
    const utf8proc_uint8_t *from = (const utf8proc_uint8_t *)text->bytes;
    utf8proc_ssize_t room = utf8proc_decompose(from, (utf8proc_ssize_t)text->length, NULL, 0, options);
    if (room < 0) return;
    utf8proc_int32_t *codes = ps__array((size_t)room + 1, sizeof *codes); /* the reencoded text ends in a 0 */
    if (!codes) {
        out->failed = 1;
        return;
    }
    utf8proc_decompose(from, (utf8proc_ssize_t)text->length, codes, room, options);
    utf8proc_ssize_t length = utf8proc_reencode(codes, room, options);
    if (length > 0) set_apart(out, (const char *)codes, (size_t)length);
    ps__free(codes);
}

void ps__words_fold(ps__buf *out, const char *text, size_t length) {
    ps__buf valid = PS__BUF_INIT;
    make_valid(&valid, text, length);
    if (valid.failed)
        out->failed = 1;
    else if (valid.length)
        fold_valid(out, &valid);
    ps__buf_free(&valid);
}

/* ---- Texts of photos ---- */

int ps__store_texts(ps__photo_texts *out, ps__store *store, int64_t photo, ps__error *err) {
    sqlite3_stmt *stmt;
    memset(out, 0, sizeof *out);
    int status = ps__sql_take(&stmt, store, err, "SELECT title, caption, keywords FROM texts WHERE photo = ?", "i", photo);
    if (status != PS__OK) return status;
    int rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) {
        ps__sql_text(out->title, sizeof out->title, stmt, 0);
        ps__sql_text(out->caption, sizeof out->caption, stmt, 1);
        ps__sql_text(out->keywords, sizeof out->keywords, stmt, 2);
    } else if (rc != SQLITE_DONE) {
        status = ps__sql_fail(store, rc, err);
    }
    ps__sql_done(stmt);
    return status;
}

static const char *or_null(const char *text) { return text[0] ? text : NULL; }

/* A photo without words has no row, unless somebody else began one. */
static int put_plain(ps__store *store, int64_t photo, const ps__photo_texts *t, ps__error *err) {
    if (!t->title[0] && !t->caption[0] && !t->keywords[0])
        return ps__sql_run(store, err, "UPDATE texts SET title = NULL, caption = NULL, keywords = NULL WHERE photo = ?", "i",
                           photo);
    return ps__sql_run(
        store, err,
        "INSERT INTO texts(photo, title, caption, keywords) VALUES(?1, ?2, ?3, ?4) ON CONFLICT(photo) DO UPDATE SET"
        " title = excluded.title, caption = excluded.caption, keywords = excluded.keywords",
        "ittt", photo, or_null(t->title), or_null(t->caption), or_null(t->keywords));
}

static int put_folded(ps__store *store, int64_t photo, const ps__photo_texts *t, ps__error *err) {
    const char *const texts[3] = {t->title, t->caption, t->keywords};
    ps__buf folded[3] = {PS__BUF_INIT, PS__BUF_INIT, PS__BUF_INIT};
    int64_t there;
    int empty = 1, status = ps__sql_int(&there, store, err, "SELECT count(*) FROM words WHERE rowid = ?", "i", photo);
    for (int i = 0; i < 3 && status == PS__OK; i++) {
        ps__words_fold(&folded[i], texts[i], strlen(texts[i]));
        if (folded[i].failed) status = ps__fail_nomem(err);
        empty &= folded[i].length == 0;
    }
    if (status == PS__OK && there)
        status = ps__sql_run(store, err, "UPDATE words SET title = ?2, caption = ?3, keywords = ?4 WHERE rowid = ?1", "ittt",
                             photo, folded[0].bytes, folded[1].bytes, folded[2].bytes);
    else if (status == PS__OK && !empty)
        status = ps__sql_run(store, err, "INSERT INTO words(rowid, title, caption, keywords) VALUES(?1, ?2, ?3, ?4)", "ittt",
                             photo, folded[0].bytes, folded[1].bytes, folded[2].bytes);
    for (int i = 0; i < 3; i++) ps__buf_free(&folded[i]);
    return status;
}

int ps__store_put_texts(ps__store *store, int64_t photo, const ps__photo_texts *texts, ps__error *err) {
    int status = put_plain(store, photo, texts, err);
    return status == PS__OK ? put_folded(store, photo, texts, err) : status;
}
