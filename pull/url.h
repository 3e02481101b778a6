/*
** Addresses: which ones are asked, and what becomes of them when a mirror is named. Addresses come from tables and from servers,
** so only a plain form is taken: a scheme, a host, perhaps a port, and printable ASCII. Where our reading and libcurl's could
** differ (a user's name before the host, a backslash, a space), the address is refused.
*/
#ifndef PS_PULL_URL_H
#define PS_PULL_URL_H

#include "base/status.h"

/* Which plain http is allowed; https always is. */
enum {
    PULL_HTTP_LOOPBACK = 1 << 0, /* to 127.0.0.1, localhost and [::1]: a mirror on this machine that the user named */
    PULL_HTTP_ALL = 1 << 1       /* --insecure-http */
};

/* PS__INVALID with a sentence that names the address when it is not of the form, or not allowed. */
int pull_url_check(const char *url, unsigned allow, ps__error *err);

/* 1 for http to this machine, of an address that was checked. */
int pull_url_is_loopback(const char *url);

/* May an answer at `from` lead on to `to`? https leads only to https; http on this machine also to itself; with PULL_HTTP_ALL,
** anywhere. */
int pull_url_redirect(const char *from, const char *to, unsigned allow, ps__error *err);

/* The address in a mirror: scheme, host and port of `url` are replaced by `from`, whose slash at the end does not count, and
** everything from the first slash of the path on stays: https://hub.example/a/b.bin with http://127.0.0.1:8000/m is
** http://127.0.0.1:8000/m/a/b.bin. from NULL: the address as it is. Both were checked. *out is freed by ps__free. */
int pull_url_mirror(char **out, const char *url, const char *from, ps__error *err);

#endif
