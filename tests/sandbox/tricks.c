/*
** What the tests' decoder does when an input begins with "TEST ": it crashes, hangs, lies, or tries what a decoder must not be
** able to do and reports what the system said. The decoder that is installed has none of this.
*/
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "encoder/sandbox/decoder.h"
#include "tests/sandbox/attempts.h"

extern char **environ;

/* A sentence as the answer. */
static int say(ps__decoder_answer *answer, const char *text) {
    answer->status = PS__ERROR;
    snprintf(answer->text, sizeof answer->text, "%s", text);
    return 1;
}

/* "allowed", or the name of the error. */
static int say_result(ps__decoder_answer *answer, long result) {
    return say(answer, result >= 0 ? "allowed" : strerrorname_np(errno));
}

/* ---- Misfortunes ---------------------------------------------------------------------------------------------------------- */

static int eat(ps__decoder_answer *answer) {
    attempt_eating();
    answer->status = PS__NOMEM;
    snprintf(answer->text, sizeof answer->text, "out of memory");
    return 1;
}

static void *nothing(void *p) { return p; }

static int thread(ps__decoder_answer *answer) {
    pthread_t other;
    int failed = pthread_create(&other, NULL, nothing, NULL);
    if (!failed) pthread_join(other, NULL);
    return say(answer, failed ? strerrorname_np(failed) : "allowed");
}

/* ---- What must not be possible --------------------------------------------------------------------------------------------- */

/* The open files, as "0 1 2"; needs a decoder without its cage. */
static int files(ps__decoder_answer *answer) {
    char text[512] = "";
    for (int fd = 0; fd < 20000; fd++) {
        size_t length = strlen(text);
        if (fcntl(fd, F_GETFD) >= 0 && length < 500) snprintf(text + length, sizeof text - length, "%s%d", length ? " " : "", fd);
    }
    return say(answer, text);
}

/* "none", or that it has some; needs a decoder without its cage. */
static int capabilities(ps__decoder_answer *answer) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct held[_LINUX_CAPABILITY_U32S_3];
    if (syscall(SYS_capget, &header, held) != 0) return say(answer, strerrorname_np(errno));
    return say(answer, held[0].permitted || held[1].permitted || held[0].effective || held[1].effective ? "some" : "none");
}

static int settings(ps__decoder_answer *answer) {
    char text[512] = "settings:";
    for (char **p = environ; *p; p++) {
        size_t length = strlen(text);
        snprintf(text + length, sizeof text - length, " %.100s", *p);
    }
    return say(answer, text);
}

/* ---- Lies ------------------------------------------------------------------------------------------------------------------ */

static void tell_the_truth(ps__decoder_answer *a, const ps__decoder_request *request, uint8_t *rgb) {
    a->width = request->options.width;
    a->height = request->options.height;
    a->original_width = 64;
    a->original_height = 48;
    memcpy(a->format, "jpeg", 5);
    a->notes.orientation = 1;
    memset(rgb, 7, (size_t)a->width * (size_t)a->height * 3);
}

static int lie(ps__decoder_answer *a, const ps__decoder_request *request, const char *what, uint8_t *rgb) {
    tell_the_truth(a, request, rgb);
    if (!strcmp(what, "size")) a->width = 1 << 30;
    if (!strcmp(what, "status")) a->status = 12345;
    if (!strcmp(what, "number")) a->number++;
    if (!strcmp(what, "text")) memset(a->notes.make, 'x', sizeof a->notes.make);
    if (!strcmp(what, "place")) a->notes.has_gps = 1, a->notes.latitude = NAN;
    if (!strcmp(what, "sentence")) {
        a->status = PS__CORRUPT;
        memset(a->text, 'x', sizeof a->text);
    }
    if (!strcmp(what, "control")) {
        a->status = PS__CORRUPT;
        snprintf(a->text, sizeof a->text, "one\ntwo\x1b[2J\xff end");
    }
    if (!strcmp(what, "early")) {
        uint32_t none = 0;
        if (write(PS__CHILD_ANSWERS, &none, sizeof none) < 0) _exit(9);
    }
    return 1;
}

int ps__decoder_trick(ps__decoder_answer *answer, const ps__decoder_request *request, const uint8_t *bytes, uint8_t *rgb) {
    char text[64] = "";
    size_t size = request->size < sizeof text - 1 ? (size_t)request->size : sizeof text - 1;
    memcpy(text, bytes, size);
    if (strncmp(text, "TEST ", 5) != 0) return 0;
    const char *command = text + 5;
    if (!strcmp(command, "crash")) attempt_crash();
    if (!strcmp(command, "hang")) attempt_hang();
    if (!strcmp(command, "abort")) abort();
    if (!strcmp(command, "exit")) _exit(7);
    if (!strcmp(command, "eat")) return eat(answer);
    if (!strcmp(command, "thread")) return thread(answer);
    if (!strcmp(command, "files")) return files(answer);
    if (!strcmp(command, "capabilities")) return capabilities(answer);
    if (!strcmp(command, "settings")) return settings(answer);
    if (!strncmp(command, "call ", 5)) return say_result(answer, attempt_call(command + 5, rgb));
    if (!strncmp(command, "lie ", 4)) return lie(answer, request, command + 4, rgb);
    return say(answer, "no such trick");
}

int ps__decoder_trick_open(const char *program) { return strstr(program, "without-seccomp") != NULL; }
