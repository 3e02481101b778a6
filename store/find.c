/*
** Words to photos, by SQLite's full-text tables; see find.h. A phrase in double quotes, with those inside doubled, is all text to FTS5:
** its tokenizer takes it apart, and nothing in it is an operator.
*/
#include "store/find.h"

#include <ctype.h>
#include <string.h>
#include <utf8proc.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "store/inside.h"
#include "store/words.h"

static void put_phrase(ps__buf *out, const char *text, size_t length) {
    ps__buf_putc(out, '"');
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '"') ps__buf_putc(out, '"');
        ps__buf_putc(out, text[i]);
    }
    ps__buf_putc(out, '"');
}

static int make_match(ps__buf *match, const char *columns, const char *words, ps__error *err) {
    ps__buf folded = PS__BUF_INIT;
    ps__words_fold(&folded, words, strlen(words));
    ps__buf_puts(match, columns);
    put_phrase(match, folded.bytes, folded.length);
    int failed = folded.failed || match->failed;
    ps__buf_free(&folded);
    return failed ? ps__fail_nomem(err) : PS__OK;
}

static int walk_photos(ps__store *store, sqlite3_stmt *stmt, ps__find_fn *fn, void *payload, ps__error *err) {
    int rc, status = PS__OK;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
        if ((status = fn(sqlite3_column_int64(stmt, 0), payload)) != 0) break;
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) status = ps__sql_fail(store, rc, err);
    sqlite3_finalize(stmt);
    return status;
}

int ps__store_find_words(ps__store *store, int where, const char *words, ps__find_fn *fn, void *payload, ps__error *err) {
    ps__buf match = PS__BUF_INIT;
    sqlite3_stmt *stmt;
    if (strlen(words) > PS__FIND_BYTES) return PS__OK;
    int status = make_match(&match, where == PS__FIND_TAGS ? "{keywords tags} : " : "{title caption keywords seen} : ", words, err);
    if (status == PS__OK) status = ps__sql_walk(&stmt, store, err, "SELECT rowid FROM words WHERE words MATCH ?", "t", match.bytes);
    if (status == PS__OK) status = walk_photos(store, stmt, fn, payload, err);
    ps__buf_free(&match);
    return status;
}

/* Words that say nothing of a photo. */
static int is_common(const char *word, size_t length) {
    static const char *const common[] = {"the", "and", "with", "for", "from", "that", "this", "are", "his", "her", "its", "their", "into",
                                         "der", "die", "das", "und", "mit", "ein", "eine", "les", "des", "une", "los", "las", "una", "com",
                                         "que", "por", "dan", "yang", "avec", "dans"};
    for (size_t i = 0; i < sizeof common / sizeof *common; i++)
        if (strlen(common[i]) == length && memcmp(common[i], word, length) == 0) return 1;
    return 0;
}

/* 1: there is a letter or digit, without which a phrase would match nothing. */
static int has_word(const char *word, size_t length) {
    for (size_t i = 0; i < length;) {
        uint32_t code;
        i += ps__utf8_decode(&code, word + i, length - i);
        utf8proc_category_t c = utf8proc_category((utf8proc_int32_t)code);
        if ((c >= UTF8PROC_CATEGORY_LU && c <= UTF8PROC_CATEGORY_LO) || (c >= UTF8PROC_CATEGORY_ND && c <= UTF8PROC_CATEGORY_NO)) return 1;
    }
    return 0;
}

/* A Han or kana character, set off by the folding. */
static int is_ideograph(const char *word, size_t length) { return length == 3 && (unsigned char)word[0] >= 0xE3 && (unsigned char)word[0] <= 0xE9; }

/* The words that count, each or each run of ideographs as a phrase, all of which must match. */
static void put_sentence(ps__buf *match, const char *folded) {
    for (const char *at = folded; *at;) {
        size_t length = strcspn(at, " "), run = length;
        if (is_ideograph(at, length))
            while (at[run] == ' ' && is_ideograph(at + run + 1, strcspn(at + run + 1, " "))) run += 1 + strcspn(at + run + 1, " ");
        int counts = run > length || is_ideograph(at, length) || (length > 2 && !is_common(at, length));
        if (counts && has_word(at, run)) {
            ps__buf_puts(match, match->length ? " AND " : "{title caption keywords seen} : (");
            put_phrase(match, at, run);
        }
        at += run;
        while (*at == ' ') at++;
    }
    if (match->length) ps__buf_putc(match, ')');
}

int ps__store_find_sentence(ps__store *store, const char *sentence, ps__find_fn *fn, void *payload, ps__error *err) {
    ps__buf folded = PS__BUF_INIT, match = PS__BUF_INIT;
    sqlite3_stmt *stmt;
    int status = PS__OK;
    size_t length = strlen(sentence);
    if (length > PS__FIND_BYTES) {
        length = PS__FIND_BYTES;
        while (length && ((unsigned char)sentence[length] & 0xC0) == 0x80) length--; /* not within a character */
    }
    ps__words_fold(&folded, sentence, length);
    ps__buf_putc(&folded, ' ');
    if (!folded.failed) put_sentence(&match, folded.bytes + strspn(folded.bytes, " "));
    if (folded.failed || match.failed) status = ps__fail_nomem(err);
    if (status == PS__OK && match.length) {
        status = ps__sql_walk(&stmt, store, err, "SELECT rowid FROM words WHERE words MATCH ? ORDER BY rank", "t", match.bytes);
        if (status == PS__OK) status = walk_photos(store, stmt, fn, payload, err);
    }
    ps__buf_free(&folded);
    ps__buf_free(&match);
    return status;
}

#define MATCHING_PATHS                                                                                                           \
    "SELECT f.photo, f.path FROM path_words JOIN files f ON f.id = path_words.rowid"                                              \
    " WHERE path_words MATCH ? AND f.photo IS NOT NULL AND f.state <> 4"

int ps__store_find_paths(ps__store *store, const char *words, ps__find_path_fn *fn, void *payload, ps__error *err) {
    ps__buf match = PS__BUF_INIT;
    sqlite3_stmt *stmt;
    if (strlen(words) > PS__FIND_BYTES) return PS__OK;
    int status = make_match(&match, "", words, err);
    if (status == PS__OK) status = ps__sql_walk(&stmt, store, err, MATCHING_PATHS, "t", match.bytes);
    if (status == PS__OK) status = ps__sql_walk_paths(store, stmt, fn, payload, err);
    ps__buf_free(&match);
    return status;
}

/* ---- Patterns ---- */

static int is_plain(char c) { return isalnum((unsigned char)c) && (unsigned char)c < 128; }

/* Words of ASCII letters and digits that begin at a border: whole ones where they end at one too, beginnings where a wildcard follows. Next
** to other bytes nothing is certain. */
static void put_certain(ps__buf *match, const char *pattern) {
    for (const char *at = pattern; *at;) {
        const char *from = at;
        while (is_plain(*at)) at++;
        int begins = from == pattern || ((unsigned char)from[-1] < 128 && from[-1] != '*' && from[-1] != '?');
        int wild = *at == '*' || *at == '?', ends = (unsigned char)*at < 128;
        if (at > from && begins && ends) {
            ps__buf folded = PS__BUF_INIT;
            ps__words_fold(&folded, from, (size_t)(at - from));
            if (match->length) ps__buf_puts(match, " AND ");
            put_phrase(match, folded.bytes, folded.length);
            if (wild) ps__buf_puts(match, " *");
            if (folded.failed) match->failed = 1;
            ps__buf_free(&folded);
        }
        if (*at) at++;
    }
}

int ps__store_find_names(ps__store *store, const char *pattern, ps__find_path_fn *fn, void *payload, ps__error *err) {
    ps__buf match = PS__BUF_INIT;
    sqlite3_stmt *stmt;
    if (strlen(pattern) > PS__FIND_BYTES) return PS__OK;
    put_certain(&match, pattern);
    int status = match.failed ? ps__fail_nomem(err) : PS__OK;
    if (status == PS__OK && match.length)
        status = ps__sql_walk(&stmt, store, err, MATCHING_PATHS, "t", match.bytes);
    else if (status == PS__OK)
        status = ps__sql_walk(&stmt, store, err, "SELECT photo, path FROM files WHERE photo IS NOT NULL AND state <> 4", "");
    if (status == PS__OK) status = ps__sql_walk_paths(store, stmt, fn, payload, err);
    ps__buf_free(&match);
    return status;
}
