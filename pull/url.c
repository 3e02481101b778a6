/*
** Addresses; see url.h.
*/
#include "pull/url.h"

#include <string.h>

#include "base/buf.h"

#define HTTPS "https://"
#define HTTP "http://"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

enum { LONGEST = 2000 };

/* What follows the scheme; NULL for another scheme. */
static const char *authority(const char *url) {
    if (strncmp(url, HTTPS, sizeof HTTPS - 1) == 0) return url + sizeof HTTPS - 1;
    if (strncmp(url, HTTP, sizeof HTTP - 1) == 0) return url + sizeof HTTP - 1;
    return NULL;
}

/* Length of the host with its port; 0 when it is of no plain form. */
static size_t host_length(const char *host) {
    size_t n = host[0] == '[' ? strspn(host + 1, "0123456789abcdefABCDEF:.") + 1 : strspn(host, LETTERS DIGITS ".-");
    if (host[0] == '[' && host[n++] != ']') return 0;
    if (n == 0 || (host[0] == '[' && n == 2)) return 0;
    if (host[n] == ':') {
        size_t digits = strspn(host + n + 1, DIGITS);
        if (digits == 0 || digits > 5) return 0;
        n += 1 + digits;
    }
    return host[n] == '/' || host[n] == 0 ? n : 0;
}

/* The address without its port is one of this machine. */
static int is_here(const char *host) {
    static const char *const names[] = {"127.0.0.1", "localhost", "[::1]"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t n = strlen(names[i]);
        if (strncmp(host, names[i], n) == 0 && (host[n] == 0 || host[n] == '/' || host[n] == ':')) return 1;
    }
    return 0;
}

int pull_url_is_loopback(const char *url) { return strncmp(url, HTTP, sizeof HTTP - 1) == 0 && is_here(url + sizeof HTTP - 1); }

int pull_url_check(const char *url, unsigned allow, ps__error *err) {
    const char *host = authority(url);
    if (!host) return ps__fail(err, PS__INVALID, "%.300s: an address begins with https://", url);
    if (strlen(url) > LONGEST) return ps__fail(err, PS__INVALID, "%.60s...: longer than %d bytes", url, LONGEST);
    if (!host_length(host)) return ps__fail(err, PS__INVALID, "%.300s: not the address of a host", url);
    for (const char *c = host; *c; c++)
        if (*c <= 0x20 || *c >= 0x7F || strchr("\\\"<>^`{|}#", *c))
            return ps__fail(err, PS__INVALID, "%.300s: an address with a character that must not be in one", url);
    if (host == url + sizeof HTTPS - 1 || (allow & PULL_HTTP_ALL)) return PS__OK;
    if ((allow & PULL_HTTP_LOOPBACK) && is_here(host)) return PS__OK;
    return ps__fail(err, PS__INVALID,
                    "%.300s: plain http is not used, as anybody on the way could change what comes (--insecure-http)", url);
}

int pull_url_redirect(const char *from, const char *to, unsigned allow, ps__error *err) {
    unsigned loopback = pull_url_is_loopback(from) ? allow & PULL_HTTP_LOOPBACK : 0;
    ps__error reason;
    if (pull_url_check(to, (allow & PULL_HTTP_ALL) | loopback, &reason) == PS__OK) return PS__OK;
    return ps__fail(err, reason.code, "%.300s leads to another address: %.500s", from, reason.text);
}

int pull_url_mirror(char **out, const char *url, const char *from, ps__error *err) {
    ps__buf text = PS__BUF_INIT;
    const char *host = authority(url);
    if (from) {
        size_t length = strlen(from);
        while (length > 0 && from[length - 1] == '/') length--;
        ps__buf_append(&text, from, length);
        url = host + host_length(host);
    }
    ps__buf_puts(&text, url);
    *out = ps__buf_detach(&text);
    return *out ? PS__OK : ps__fail_nomem(err);
}
