/*
** What photosearch-pull says: complaints and notes on standard error, in which nothing that came from a table or a server can
** play tricks on a terminal, and JSON. One thread.
*/
#ifndef PS_PULL_SAY_H
#define PS_PULL_SAY_H

#include <stdio.h>

#include "base/buf.h"

/* Exit status, like photosearch's. */
enum { PULL_EXIT_DONE = 0, PULL_EXIT_USAGE = 2, PULL_EXIT_FAILED = 3 };

/* "photosearch: ..." and a newline, on standard error. The first returns PULL_EXIT_FAILED, the second PULL_EXIT_USAGE. */
int pull_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
int pull_complain_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same for what is no failure; nothing when quiet. */
void pull_note(int quiet, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Text with \xNN in place of bytes that are not UTF-8, of control characters and of characters that turn the direction of text.
** Newlines and tabs stay when keep_lines. */
void pull_print(FILE *to, const char *text, int keep_lines);

/* Appends a JSON string, quotes included; U+FFFD for bytes that are not UTF-8; null for NULL. */
void pull_json(ps__buf *out, const char *text);

#endif
