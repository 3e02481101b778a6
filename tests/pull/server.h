/*
** A small HTTP server for tests, in a process of its own on 127.0.0.1. It serves honestly or plays one of the tricks that
** servers, networks and strangers play, a different one for each request if need be.
*/
#ifndef PS_TESTS_PULL_SERVER_H
#define PS_TESTS_PULL_SERVER_H

#include <stddef.h>

enum server_trick {
    SERVE,           /* as it should: ranges, If-Range */
    CUT,             /* promises all, closes after `number` bytes */
    WHOLE,           /* knows no ranges: 200 and everything */
    IGNORE_IF_RANGE, /* goes on with 206 although the file is another one */
    WRONG_PLACE,     /* 206, but from 7 bytes before what was asked for */
    LIE,             /* Content-Length is `number` */
    NO_LENGTH,       /* no Content-Length, the connection's end is the end */
    CHUNKED,         /* in one chunk, with a trailer */
    ENDLESS,         /* the status `number` and a page that does not end */
    REDIRECT,        /* 302 to `text` */
    LINKED,          /* the same, with X-Linked-ETag: `linked` of the route */
    STATUS,          /* the status `number` and a page */
    STALL            /* promises all, sends `number` bytes, and then nothing more */
};

typedef struct server_step {
    enum server_trick trick;
    int number;
    char text[160];
} server_step;

typedef struct server_route {
    char path[120];
    size_t offset, length; /* of the body in the server's store */
    char etag[40];         /* with quotes; "" none */
    char linked[80];       /* X-Linked-ETag; "" none */
    server_step steps[6];  /* for the first, second... request; the last one for all others */
    int step_count, asked; /* asked: requests so far */
} server_route;

/* Starts it; its port. Ended by server_stop, or with the process that started it. */
int server_start(void);
void server_stop(void);

/* The route of that path, a new one when there is none, with a body (copied) that is served as it should be. */
server_route *server_file(const char *path, const void *body, size_t length, const char *etag);
/* Adds what is done at one more request. */
void server_then(server_route *route, enum server_trick trick, int number, const char *text);

/* What was asked for: "PATH RANGE IF-RANGE\n" a request, - for a header that was not there. */
const char *server_log(void);
void server_forget(void); /* empties it, and counts requests anew */

#endif
