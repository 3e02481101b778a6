/*
** A server for tests; see server.h. Routes, bodies and the log lie in memory shared by the test and the server's process.
*/
#include "tests/pull/server.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRAILER "\r\n0\r\nX-After: all\r\nETag: \"other\"\r\n\r\n"

enum { ROUTES = 16, STORE = 8 << 20, LOG = 1 << 16, REQUEST = 8192 };

static struct shared {
    server_route routes[ROUTES];
    int route_count;
    size_t used;
    char log[LOG];
    char store[STORE];
} * shared;

static pid_t server;

static server_route *find(const char *path) {
    for (int i = 0; i < shared->route_count; i++)
        if (strcmp(shared->routes[i].path, path) == 0) return &shared->routes[i];
    return NULL;
}

/* 0 when the other end is gone. */
static int send_all(int fd, const char *bytes, size_t size) {
    while (size > 0) {
        ssize_t n = send(fd, bytes, size, MSG_NOSIGNAL);
        if (n <= 0) return 0;
        bytes += n;
        size -= (size_t)n;
    }
    return 1;
}

/* The value of a header of the request, "" when it is not there. */
static void header(char *out, size_t size, const char *request, const char *name) {
    out[0] = 0;
    for (const char *line = strchr(request, '\n'); line; line = strchr(line + 1, '\n')) {
        size_t n = strlen(name);
        if (strncasecmp(line + 1, name, n) != 0 || line[1 + n] != ':') continue;
        const char *value = line + 2 + n;
        while (*value == ' ') value++;
        snprintf(out, size, "%.*s", (int)strcspn(value, "\r\n"), value);
        return;
    }
}

static void remember(const char *path, const char *range, const char *if_range) {
    size_t n = strlen(shared->log);
    snprintf(shared->log + n, LOG - n, "%s %s %s\n", path, range[0] ? range : "-", if_range[0] ? if_range : "-");
}

static void answer_page(int fd, const server_step *step, const server_route *route) {
    char text[1024], linked[160] = "", location[200] = "";
    int status = step->trick == STATUS ? step->number : 302;
    if (step->trick == LINKED) snprintf(linked, sizeof linked, "X-Linked-ETag: \"%s\"\r\n", route->linked);
    if (step->trick != STATUS) snprintf(location, sizeof location, "Location: %s\r\n", step->text);
    snprintf(text, sizeof text, "HTTP/1.1 %d Oh\r\n%s%sContent-Length: 5\r\nConnection: close\r\n\r\npage\n", status, linked,
             location);
    send_all(fd, text, strlen(text));
}

/* For as long as the other end takes it. */
static void answer_endless(int fd, int status) {
    char block[65536] = "", head[100];
    snprintf(head, sizeof head, "HTTP/1.1 %d Oh\r\nConnection: close\r\n\r\n", status);
    memset(block, 'x', sizeof block);
    for (int fine = send_all(fd, head, strlen(head)); fine;) fine = send_all(fd, block, sizeof block);
}

static void answer_file(int fd, const server_route *r, const server_step *step, const char *range, const char *if_range) {
    char head[1024], etag[80] = "", length[80], place[120] = "";
    const char *body = shared->store + r->offset;
    size_t first = 0, size = r->length, sent;
    int same = !if_range[0] || strcmp(if_range, r->etag) == 0 || step->trick == IGNORE_IF_RANGE;
    int partial = strncmp(range, "bytes=", 6) == 0 && same && step->trick != WHOLE;
    if (partial) first = (size_t)atol(range + 6);
    if (partial && first >= size) {
        server_step gone = {STATUS, 416, ""};
        answer_page(fd, &gone, r);
        return;
    }
    if (step->trick == WRONG_PLACE && first >= 7) first -= 7;
    sent = size - first;
    if (r->etag[0]) snprintf(etag, sizeof etag, "ETag: %s\r\n", r->etag);
    if (partial) snprintf(place, sizeof place, "Content-Range: bytes %zu-%zu/%zu\r\n", first, size - 1, size);
    snprintf(length, sizeof length, "Content-Length: %zu\r\n", step->trick == LIE ? (size_t)step->number : sent);
    if (step->trick == NO_LENGTH) length[0] = 0;
    if (step->trick == CHUNKED) snprintf(length, sizeof length, "Transfer-Encoding: chunked\r\n");
    snprintf(head, sizeof head, "HTTP/1.1 %s\r\n%s%s%sConnection: close\r\n\r\n", partial ? "206 Partial Content" : "200 OK",
             length, etag, place);
    if ((step->trick == CUT || step->trick == STALL) && (size_t)step->number < sent) sent = (size_t)step->number;
    if (step->trick == CHUNKED) snprintf(head + strlen(head), 20, "%zx\r\n", sent);
    if (send_all(fd, head, strlen(head))) send_all(fd, body + first, sent);
    if (step->trick == CHUNKED) send_all(fd, TRAILER, sizeof TRAILER - 1);
    if (step->trick == STALL) sleep(600);
}

static void answer(int fd) {
    char request[REQUEST] = "", path[200] = "", range[100], if_range[100];
    size_t used = 0;
    ssize_t n;
    while (!strstr(request, "\r\n\r\n") && used < REQUEST - 1 && (n = recv(fd, request + used, REQUEST - 1 - used, 0)) > 0) {
        used += (size_t)n;
        request[used] = 0;
    }
    if (sscanf(request, "GET %199s", path) != 1) return;
    header(range, sizeof range, request, "Range");
    header(if_range, sizeof if_range, request, "If-Range");
    remember(path, range, if_range);
    server_route *r = find(path);
    server_step step = {STATUS, 404, ""};
    if (r) step = r->step_count ? r->steps[r->asked < r->step_count ? r->asked : r->step_count - 1] : (server_step){SERVE, 0, ""};
    if (r) r->asked++;
    if (step.trick == STATUS || step.trick == REDIRECT || step.trick == LINKED)
        answer_page(fd, &step, r);
    else if (step.trick == ENDLESS)
        answer_endless(fd, step.number);
    else
        answer_file(fd, r, &step, range, if_range);
}

static void serve(int listening) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGCHLD, SIG_IGN);
    for (;;) {
        int fd = accept(listening, NULL, NULL);
        if (fd < 0) continue;
        pid_t child = fork(); /* one may stall */
        if (child == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            close(listening);
            answer(fd);
            shutdown(fd, SHUT_WR);
            _exit(0);
        }
        close(fd);
    }
}

int server_start(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(shared, MAP_FAILED);
    ck_assert_int_ge(listening, 0);
    ck_assert_int_eq(bind(listening, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(listening, 16), 0);
    ck_assert_int_eq(getsockname(listening, (struct sockaddr *)&address, &length), 0);
    server = fork();
    ck_assert_int_ge(server, 0);
    if (server == 0) serve(listening);
    close(listening);
    return ntohs(address.sin_port);
}

void server_stop(void) {
    if (server > 0) {
        kill(server, SIGKILL);
        waitpid(server, NULL, 0);
    }
    munmap(shared, sizeof *shared);
    server = 0;
}

server_route *server_file(const char *path, const void *body, size_t length, const char *etag) {
    server_route *r = find(path);
    if (!r) {
        ck_assert_int_lt(shared->route_count, ROUTES);
        r = &shared->routes[shared->route_count++];
    }
    ck_assert_uint_le(shared->used + length, STORE);
    memset(r, 0, sizeof *r);
    memcpy(shared->store + shared->used, body, length);
    snprintf(r->path, sizeof r->path, "%s", path);
    snprintf(r->etag, sizeof r->etag, "%s", etag);
    r->offset = shared->used;
    r->length = length;
    shared->used += length;
    return r;
}

void server_then(server_route *r, enum server_trick trick, int number, const char *text) {
    ck_assert_int_lt(r->step_count, (int)(sizeof r->steps / sizeof *r->steps));
    server_step *step = &r->steps[r->step_count++];
    step->trick = trick;
    step->number = number;
    snprintf(step->text, sizeof step->text, "%s", text);
}

const char *server_log(void) { return shared->log; }

void server_forget(void) {
    shared->log[0] = 0;
    for (int i = 0; i < shared->route_count; i++) shared->routes[i].asked = 0;
}
