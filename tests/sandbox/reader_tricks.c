/*
** The engine of the tests' reader: it reads "hello" in every area, unless the picture's first row begins with "TEST ": then it does what
** stands there, and reads what came of it.
*/
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "encoder/reading/reader_engine.h"
#include "tests/sandbox/attempts.h"

int ps__engine_open(const char *languages, char *why, size_t size) {
    if (strcmp(languages, "none") != 0) return 1;
    snprintf(why, size, "no data for reading none is installed");
    return 0;
}

/* One word, of which the reader is as sure as can be. */
static long say(char *out, size_t room, const char *word) {
    int size = snprintf(out, room, "%c%s\n", ' ' + 99, word);
    return size > 0 && (size_t)size < room ? size : 0;
}

static long do_trick(char *out, size_t room, const char *command) {
    static char scratch[8192];
    char text[32];
    if (!strcmp(command, "crash")) attempt_crash();
    if (!strcmp(command, "hang")) attempt_hang();
    if (!strcmp(command, "abort")) abort();
    if (!strcmp(command, "exit")) _exit(7);
    if (!strcmp(command, "lie")) return 1 << 30;
    if (!strcmp(command, "rubbish")) {
        memset(out, 0xFF, room);
        return (long)room;
    }
    if (!strcmp(command, "eat")) {
        snprintf(text, sizeof text, "%d", 100000 + attempt_eating());
        return say(out, room, text);
    }
    if (!strncmp(command, "call ", 5)) return say(out, room, attempt_call(command + 5, scratch) >= 0 ? "allowed" : strerrorname_np(errno));
    return say(out, room, "unknown");
}

long ps__engine_read(char *out, size_t room, const uint8_t *grey, int width, int height, const ps__text_area *areas, int count,
                     int milliseconds) {
    char text[64] = "";
    long size = 0;
    (void)height, (void)areas, (void)milliseconds;
    memcpy(text, grey, (size_t)width < sizeof text ? (size_t)width : sizeof text - 1);
    if (!strncmp(text, "TEST ", 5)) return do_trick(out, room, text + 5);
    for (int i = 0; i < count; i++) size += say(out + size, room - (size_t)size, "hello");
    return size;
}
