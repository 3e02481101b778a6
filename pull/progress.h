/*
** One line of progress on a terminal. One thread.
*/
#ifndef PS_PULL_PROGRESS_H
#define PS_PULL_PROGRESS_H

#include <stdint.h>

typedef struct pull_progress {
    int on;            /* 0: nothing is drawn */
    const char *label; /* name of the file */
    int64_t from;      /* bytes that were there before */
    int64_t start_ns, drawn_ns;
} pull_progress;

void pull_progress_start(pull_progress *p, int on, const char *label, int64_t from);
/* total -1: not known. Draws a few times a second at most. */
void pull_progress_draw(pull_progress *p, int64_t done, int64_t total);
void pull_progress_end(pull_progress *p);

/* "1.5 MB", "340 kB", "17 bytes". */
void pull_format_bytes(char out[32], int64_t bytes);

#endif
