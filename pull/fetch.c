/*
** Fetching; see fetch.h. Redirects are followed here and not by libcurl, as each address must be one that may be asked (url.h).
*/
#include "pull/fetch.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "api/photosearch.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/os.h"
#include "pull/progress.h"
#include "pull/say.h"
#include "pull/url.h"

#define TEXT_OF(x) #x
#define NUMBER_TEXT(x) TEXT_OF(x)
#define AGENT "photosearch-pull/" NUMBER_TEXT(PS_VERSION_MAJOR) "." NUMBER_TEXT(PS_VERSION_MINOR)

enum {
    HOPS_MOST = 10,
    PAGE_MOST = 1 << 20,
    WAIT_MOST_S = 60,
    PROGRESS_BYTES = 1 << 20 /* that much is progress: the count of tries begins anew */
};

/* How one request ended. */
enum { END_DONE, END_AGAIN, END_FAILED };

typedef struct answer { /* headers of the response that is being read */
    long status;
    int64_t length, first, total; /* Content-Length and Content-Range; -1 not there */
    int64_t linked_size;          /* X-Linked-Size; -1 not there */
    int64_t retry_after;          /* seconds; -1 not there */
    int begun;                    /* 1: the headers are complete; more may come as trailers, which say nothing */
    int64_t page;                 /* bytes of a page for people */
    int framed;                   /* 1: its end can be told from a connection that breaks */
    pull_seen seen;
} answer;

typedef struct transfer {
    const pull_wish *wish;
    const pull_network *network;
    pull_part part;
    answer answer;
    char linked[PULL_TAG]; /* of the first hop, which is the one that knows it */
    int64_t asked_from;    /* first byte asked for */
    int64_t total;         /* of the file, as far as known; -1 */
    int64_t resumed, came; /* bytes of an earlier run that count; bytes that this try brought */
    int had_old;           /* 1: bytes of another response are in the part */
    int restart;           /* 1: the rest would not fit what is there; begin anew */
    pull_progress progress;
    const char *url; /* being asked */
    ps__error *err;
    int failed; /* a status that ends everything; its sentence is in err */
} transfer;

/* ---- headers ---- */

/* Printable ASCII only; whatever else there is leaves the field empty. */
static void keep(char to[PULL_TAG], const char *value, size_t length) {
    to[0] = 0;
    if (length >= PULL_TAG) return;
    for (size_t i = 0; i < length; i++)
        if (value[i] < 0x20 || value[i] > 0x7E) return;
    memcpy(to, value, length);
    to[length] = 0;
}

/* A whole number of at most 18 digits; -1 for anything else. */
static int64_t whole(const char *text) {
    size_t digits = strspn(text, "0123456789");
    return digits == 0 || digits > 18 || text[digits] ? -1 : strtoll(text, NULL, 10);
}

/* "bytes 5-9/10", "bytes 5-9/" followed by a star where the total is not known. */
static void read_range(answer *a, char *value) {
    char *dash = strchr(value, '-'), *slash = strchr(value, '/');
    if (strncmp(value, "bytes ", 6) != 0 || !dash || !slash || dash > slash) return;
    *dash = 0;
    a->first = whole(value + 6);
    a->total = whole(slash + 1);
}

static void read_header(transfer *t, const char *name, char *value) {
    answer *a = &t->answer;
    size_t length = strlen(value);
    if (strcasecmp(name, "content-length") == 0) a->length = whole(value), a->framed = 1;
    if (strcasecmp(name, "transfer-encoding") == 0) a->framed = 1;
    if (strcasecmp(name, "content-range") == 0) read_range(a, value);
    if (strcasecmp(name, "etag") == 0) keep(a->seen.etag, value, length);
    if (strcasecmp(name, "last-modified") == 0) keep(a->seen.modified, value, length);
    if (strcasecmp(name, "x-linked-size") == 0) a->linked_size = whole(value);
    if (strcasecmp(name, "retry-after") == 0) a->retry_after = whole(value);
    if (strcasecmp(name, "x-linked-etag") == 0) {
        if (length >= 2 && value[0] == '"' && value[length - 1] == '"') value++, length -= 2;
        keep(t->linked, value, length);
    }
}

static int fail(transfer *t, int status) {
    t->failed = status;
    return 0;
}

/* What the hub says of a large file before it comes: a wrong one need not be fetched to be refused. */
static int check_linked(transfer *t) {
    char said[PULL_SHA256_HEX];
    const pull_wish *w = t->wish;
    if (w->sha256[0] && pull_sha256_parse(said, t->linked) && strcmp(said, w->sha256) != 0)
        return fail(t, ps__fail(t->err, PS__CORRUPT, "%s: the server has another file: its SHA-256 is %s, not %s", w->name, said,
                                w->sha256));
    if (w->size >= 0 && t->answer.linked_size >= 0 && t->answer.linked_size != w->size)
        return fail(t, ps__fail(t->err, PS__CORRUPT, "%s: the server has another file: of %lld bytes, not %lld", w->name,
                                (long long)t->answer.linked_size, (long long)w->size));
    return 1;
}

/* The size that a response promises for the whole file, against what is expected. */
static int check_total(transfer *t, int64_t total) {
    const pull_wish *w = t->wish;
    if (total < 0) return 1;
    if (w->size >= 0 && total != w->size)
        return fail(t, ps__fail(t->err, PS__CORRUPT, "%s: the server has another file: of %lld bytes, not %lld", w->name,
                                (long long)total, (long long)w->size));
    if (total > w->most)
        return fail(t, ps__fail(t->err, PS__TOOBIG, "%s: the server wants to send %lld bytes; %lld are allowed", w->name,
                                (long long)total, (long long)w->most));
    t->total = total;
    return 1;
}

/* 206: the bytes asked for, of the file that the others are of? */
static int begin_rest(transfer *t) {
    const answer *a = &t->answer;
    int other = t->part.seen.etag[0] && a->seen.etag[0] && strcmp(t->part.seen.etag, a->seen.etag) != 0;
    if (t->asked_from == 0 || a->first != t->asked_from || other || (t->total >= 0 && a->total >= 0 && a->total != t->total)) {
        t->restart = 1;
        return 0;
    }
    return check_total(t, a->total);
}

/* 200: all of it, from the start. */
static int begin_whole(transfer *t) {
    t->total = t->wish->size;
    if (!check_total(t, t->answer.length)) return 0;
    if (t->part.length == 0) return 1;
    t->resumed = 0;
    t->had_old = 0;
    int status = pull_part_restart(&t->part, t->err);
    return status == PS__OK ? 1 : fail(t, status);
}

/* The headers are complete: may the body come? 0 ends the request. */
static int begin_body(transfer *t) {
    if (!check_linked(t)) return 0;
    if (t->answer.status == 206 && !begin_rest(t)) return 0;
    if (t->answer.status == 200 && !begin_whole(t)) return 0;
    if (t->answer.status != 200 && t->answer.status != 206) return 1;
    if (!t->answer.framed && t->total < 0 && !t->wish->sha256[0])
        return fail(
            t, ps__fail(t->err, PS__IO, "%s: the server does not tell how long it is, and there is no checksum", t->wish->name));
    memcpy(t->answer.seen.linked, t->linked, sizeof t->linked);
    if (t->answer.status == 206 && !t->answer.seen.etag[0]) /* it need not be said again */
        memcpy(t->answer.seen.etag, t->part.seen.etag, sizeof t->part.seen.etag);
    int status = pull_part_remember(&t->part, t->wish->url, &t->answer.seen, "", t->err);
    if (status != PS__OK) return fail(t, status);
    pull_progress_start(&t->progress, !t->network->quiet, t->wish->name, t->part.length);
    return 1;
}

static size_t on_header(char *bytes, size_t one, size_t size, void *payload) {
    transfer *t = payload;
    char line[4096], *value;
    (void)one; /* always 1 */
    size_t length = size < sizeof line ? size : sizeof line - 1;
    memcpy(line, bytes, length);
    while (length > 0 && strchr("\r\n \t", line[length - 1])) length--;
    line[length] = 0;
    if (strncmp(line, "HTTP/", 5) == 0) {
        value = strchr(line, ' ');
        t->answer = (answer){.status = value ? strtol(value, NULL, 10) : 0,
                             .length = -1,
                             .first = -1,
                             .total = -1,
                             .linked_size = -1,
                             .retry_after = -1,
                             .framed = strncmp(line, "HTTP/1", 6) != 0};
        return size;
    }
    if (t->answer.begun) return size;
    t->answer.begun = length == 0 && t->answer.status >= 200;
    if (length == 0) return !t->answer.begun || begin_body(t) ? size : 0;
    if (!(value = strchr(line, ':'))) return size;
    *value++ = 0;
    value += strspn(value, " \t");
    read_header(t, line, value);
    return size;
}

/* ---- the body ---- */

static size_t on_body(char *bytes, size_t one, size_t size, void *payload) {
    transfer *t = payload;
    int64_t most = t->total >= 0 ? t->total : t->wish->most;
    (void)one;
    if (t->answer.status != 200 && t->answer.status != 206) { /* a page for people */
        t->answer.page += (int64_t)size;
        return t->answer.page <= PAGE_MOST ? size : 0;
    }
    if (t->part.length + (int64_t)size > most) {
        fail(t, ps__fail(t->err, PS__TOOBIG, "%s: more than %lld bytes come", t->wish->name, (long long)most));
        return 0;
    }
    int status = pull_part_add(&t->part, bytes, size, t->err);
    if (status != PS__OK) {
        fail(t, status);
        return 0;
    }
    t->came += (int64_t)size;
    pull_progress_draw(&t->progress, t->part.length, t->total);
    return size;
}

static int on_progress(void *payload, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d) {
    (void)a, (void)b, (void)c, (void)d;
    return *((const transfer *)payload)->network->stopped != 0;
}

/* ---- one request ---- */

static int may_pass(CURLcode code) {
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_PARTIAL_FILE:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_SSL_CONNECT_ERROR: return 1;
    default: return 0;
    }
}

/* A status that is no success and leads nowhere else. */
static int end_by_status(transfer *t) {
    long status = t->answer.status;
    const char *name = t->wish->name;
    if (status == 416) t->restart = 1; /* it is shorter by now than what is there */
    if (status == 416 || status == 408 || status == 429 || status >= 500) {
        ps__fail(t->err, PS__IO, "%s: the server answers %ld", name, status);
        return END_AGAIN;
    }
    if (status == 404 || status == 410)
        fail(t, ps__fail(t->err, PS__NOTFOUND, "%s: not there any more: %.500s (%ld)", name, t->url, status));
    else if (status == 401 || status == 403)
        fail(t, ps__fail(t->err, PS__ACCESS,
                         "%s: the server does not give it out: %.500s (%ld); fetch it by hand and run `photosearch model "
                         "import` on its folder",
                         name, t->url, status));
    else
        fail(t, ps__fail(t->err, PS__IO, "%s: the server answers %ld: %.500s", name, status, t->url));
    return END_FAILED;
}

static int end_of(transfer *t, CURLcode code, const char *reason) {
    if (t->failed) return END_FAILED;
    if (*t->network->stopped) {
        fail(t, ps__fail(t->err, PS__CANCELLED, "%s: stopped; what came is kept, and the next run goes on from there",
                         t->wish->name));
        return END_FAILED;
    }
    if (t->restart) {
        ps__fail(t->err, PS__IO, "%s: the server has another file than before", t->wish->name);
        return END_AGAIN;
    }
    if (code == CURLE_WRITE_ERROR && t->answer.page > PAGE_MOST) return end_by_status(t);
    if (code != CURLE_OK) {
        ps__fail(t->err, PS__IO, "%s: %.500s", t->wish->name, reason[0] ? reason : curl_easy_strerror(code));
        return may_pass(code) ? END_AGAIN : (fail(t, PS__IO), END_FAILED);
    }
    if (t->answer.status != 200 && t->answer.status != 206) return end_by_status(t);
    if (t->total >= 0 && t->part.length < t->total) {
        ps__fail(t->err, PS__IO, "%s: broken off after %lld of %lld bytes", t->wish->name, (long long)t->part.length,
                 (long long)t->total);
        return END_AGAIN;
    }
    return END_DONE;
}

static void set_up(CURL *curl, transfer *t, struct curl_slist *headers, char *reason) {
    const char *protocols = (t->network->allow & PULL_HTTP_ALL) || pull_url_is_loopback(t->url) ? "https,http" : "https";
    curl_easy_setopt(curl, CURLOPT_URL, t->url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, protocols);
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, AGENT);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)t->network->timeout);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)t->network->timeout);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, t);
    if (pull_url_is_loopback(t->url)) curl_easy_setopt(curl, CURLOPT_PROXY, ""); /* a proxy would ask its own machine */
}

/* Range and If-Range, when there are bytes to go on from. */
static struct curl_slist *range_headers(transfer *t) {
    char line[PULL_TAG + 32];
    struct curl_slist *list = NULL;
    t->asked_from = t->part.length;
    if (t->asked_from == 0) return NULL;
    snprintf(line, sizeof line, "Range: bytes=%lld-", (long long)t->asked_from);
    list = curl_slist_append(list, line);
    if (!list || !pull_part_has_tag(&t->part)) return list;
    snprintf(line, sizeof line, "If-Range: %s", t->part.seen.etag);
    struct curl_slist *more = curl_slist_append(list, line);
    return more ? more : list;
}

/* Asks one address. *next, to be freed by ps__free, is the address that the answer leads to, or NULL. */
static int ask(transfer *t, char **next) {
    char reason[CURL_ERROR_SIZE] = "";
    char *location = NULL;
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = range_headers(t);
    int end = END_FAILED;
    *next = NULL;
    if (!curl || (t->asked_from > 0 && !headers)) {
        fail(t, ps__fail_nomem(t->err));
    } else {
        set_up(curl, t, headers, reason);
        CURLcode code = curl_easy_perform(curl);
        pull_progress_end(&t->progress);
        if (code == CURLE_OK && !t->failed) curl_easy_getinfo(curl, CURLINFO_REDIRECT_URL, &location);
        if (location && !(*next = ps__strdup(location))) fail(t, ps__fail_nomem(t->err));
        end = location ? END_DONE : end_of(t, code, reason);
    }
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return end;
}

/* Asks, and follows where the answers lead. */
static int follow(transfer *t) {
    char *here = ps__strdup(t->wish->url), *next = NULL;
    int end = here ? END_DONE : (fail(t, ps__fail_nomem(t->err)), END_FAILED);
    t->linked[0] = 0;
    t->came = 0;
    t->restart = 0;
    for (int hop = 0; end == END_DONE; hop++) {
        t->url = here;
        end = ask(t, &next);
        if (end != END_DONE || !next) break;
        int status = hop < HOPS_MOST ? pull_url_redirect(here, next, t->network->allow, t->err)
                                     : ps__fail(t->err, PS__IO, "%s: led from address to address", t->wish->name);
        if (status != PS__OK) fail(t, status), end = END_FAILED;
        ps__free(here);
        here = next;
        next = NULL;
    }
    ps__free(next);
    ps__free(here);
    t->url = NULL;
    return end;
}

/* ---- trying again ---- */

/* 0 when the user does not want to wait any longer. */
static int wait_a_while(const transfer *t, double seconds) {
    int64_t until = ps__os.monotonic_ns() + (int64_t)(seconds * 1e9);
    struct timespec tick = {0, 50000000};
    while (!*t->network->stopped && ps__os.monotonic_ns() < until) nanosleep(&tick, NULL);
    return !*t->network->stopped;
}

/* Bytes of an earlier run count only if the server can tell whether they are still right, or a checksum will. */
static int prepare(transfer *t) {
    const pull_wish *w = t->wish;
    pull_part *p = &t->part;
    int same_place = p->url && strcmp(p->url, w->url) == 0;
    int usable = w->sha256[0] ? 1 : same_place && pull_part_has_tag(p);
    if (!same_place) p->seen = (pull_seen){0};
    if (p->length > 0 && (!usable || p->length > w->most || (w->size >= 0 && p->length > w->size)))
        return pull_part_restart(p, t->err);
    return PS__OK;
}

static double pause_before(const transfer *t, int failures) {
    double seconds = t->network->retry_wait * (double)(1u << (failures < 20 ? failures - 1 : 19));
    if (t->answer.retry_after > 0 && (double)t->answer.retry_after > seconds) seconds = (double)t->answer.retry_after;
    return seconds < WAIT_MOST_S ? seconds : WAIT_MOST_S;
}

/* Until the part is complete. */
static int transfer_all(transfer *t) {
    for (int failures = 0;;) {
        int end, status = prepare(t);
        if (status != PS__OK) return status;
        t->had_old = t->part.length > 0;
        t->answer = (answer){.retry_after = -1};
        if (t->wish->size >= 0 && t->part.length == t->wish->size) return PS__OK;
        end = follow(t);
        if (end == END_DONE) return PS__OK;
        if (end == END_FAILED) return t->failed;
        if (t->restart) {
            t->resumed = 0;
            t->total = t->wish->size;
            t->part.seen = (pull_seen){0};
            if ((status = pull_part_restart(&t->part, t->err)) != PS__OK) return status;
        }
        failures = t->came >= PROGRESS_BYTES ? 1 : failures + 1;
        if (failures >= t->network->tries) return t->err->code;
        double pause = pause_before(t, failures);
        pull_note(t->network->quiet, "%s; trying again in %.3g s", t->err->text, pause);
        if (!wait_a_while(t, pause)) return ps__fail(t->err, PS__CANCELLED, "%s: stopped; what came is kept", t->wish->name);
    }
}

/* Size and checksum of the complete part. */
static int check_part(transfer *t, char sha256[PULL_SHA256_HEX]) {
    char said[PULL_SHA256_HEX];
    const pull_wish *w = t->wish;
    int status = pull_sha256_file(sha256, t->part.part, t->err);
    if (status != PS__OK) return status;
    if (w->size >= 0 && t->part.length != w->size)
        return ps__fail(t->err, PS__CORRUPT, "%s: %lld bytes came, not %lld", w->name, (long long)t->part.length,
                        (long long)w->size);
    if (w->sha256[0] && strcmp(sha256, w->sha256) != 0)
        return ps__fail(t->err, PS__CORRUPT, "%s: not the bytes that were expected: their SHA-256 is %s, not %s", w->name, sha256,
                        w->sha256);
    if (!w->sha256[0] && pull_sha256_parse(said, t->part.seen.linked) && strcmp(sha256, said) != 0)
        return ps__fail(t->err, PS__CORRUPT, "%s: not the bytes that the server announced: their SHA-256 is %s, not %s", w->name,
                        sha256, said);
    return PS__OK;
}

/* Fetches the part, and once more from the start when what an earlier run left turns out to be wrong. */
static int bring(transfer *t, pull_got *got) {
    int status = transfer_all(t);
    if (status != PS__OK) return status;
    status = check_part(t, got->sha256);
    if (status == PS__CORRUPT && t->had_old) {
        pull_note(t->network->quiet, "%s: what was there before does not fit; fetching it anew", t->wish->name);
        t->resumed = 0;
        t->part.seen = (pull_seen){0};
        if ((status = pull_part_restart(&t->part, t->err)) == PS__OK) status = transfer_all(t);
        if (status == PS__OK) status = check_part(t, got->sha256);
    }
    if (status == PS__CORRUPT) pull_part_drop(&t->part);
    if (status != PS__OK) return status;
    status = pull_part_remember(&t->part, t->wish->url, &t->part.seen, got->sha256, t->err);
    return status == PS__OK ? pull_part_finish(&t->part, t->err) : status;
}

/* 1 if FILE is there and is what is wanted, by the checksum, or by that of the run that brought it. */
static int is_there(transfer *t, pull_got *got) {
    struct stat st;
    const pull_wish *w = t->wish;
    const char *right = w->sha256[0] ? w->sha256 : t->part.url && strcmp(t->part.url, w->url) == 0 ? t->part.sha256 : "";
    if (!right[0] || ps__os.lstat(w->path, &st) != 0 || !S_ISREG(st.st_mode) || (w->size >= 0 && st.st_size != w->size)) return 0;
    if (pull_sha256_file(got->sha256, w->path, NULL) != PS__OK || strcmp(got->sha256, right) != 0) return 0;
    got->bytes = got->resumed = st.st_size;
    return 1;
}

int pull_fetch(pull_got *got, const pull_wish *wish, const pull_network *network, ps__error *err) {
    transfer t = {.wish = wish, .network = network, .total = wish->size, .err = err};
    *got = (pull_got){0};
    int status = pull_part_open(&t.part, wish->path, err);
    if (status == PS__OK && is_there(&t, got)) {
        ps__os.unlink(t.part.part);
    } else if (status == PS__OK) {
        if ((status = prepare(&t)) == PS__OK) {
            t.resumed = t.part.length;
            status = bring(&t, got);
        }
        got->bytes = t.part.length;
        got->resumed = t.resumed;
    }
    if (status != PS__OK && t.part.fd >= 0 && t.part.length == 0) ps__os.unlink(t.part.part);
    got->seen = t.part.seen;
    pull_part_close(&t.part);
    return status;
}

int pull_fetch_start(ps__error *err) {
    return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? PS__OK : ps__fail(err, PS__ERROR, "libcurl could not be started");
}

void pull_fetch_end(void) { curl_global_cleanup(); }
