/*
** What published models do to a text before it is cut into tokens, as code points: mending (what the Python package ftfy does
** to the signs of a sentence: straight quotes, ligatures spelled out, no full-width and half-width forms, no control
** characters, NFC), then cleaning by one of the rules below. The text is taken in parts of 1024 characters, so that length
** costs no memory; across parts nothing is composed.
*/
#ifndef PS_CLEAN_H
#define PS_CLEAN_H

#include <stddef.h>
#include <stdint.h>

#define PS__CLEAN_CHARS 1024 /* of the text, in a part */
#define PS__CLEAN_POINTS (4 * PS__CLEAN_CHARS)

/* Nothing; lower case; that, no ASCII punctuation, and ' ' for each white space; the same, but an underscore is a space and the
** text is mended before. */
enum { PS__CLEAN_NONE, PS__CLEAN_LOWER, PS__CLEAN_PUNCTUATION, PS__CLEAN_CANONICAL };

typedef struct ps__cleaner {          /* one text */
    const char *text;                 /* any bytes, borrowed; invalid UTF-8 reads as U+FFFD */
    size_t length, at;                /* bytes in it; bytes read */
    int clean, mends;                 /* PS__CLEAN_*; 1: mended whatever the rule */
    int32_t points[PS__CLEAN_POINTS]; /* out */
    int count;                        /* out */
} ps__cleaner;

/* "canonicalize" and so on, as text.config names them, to PS__CLEAN_*; -1: not known. NULL is PS__CLEAN_NONE. */
int ps__clean_find(const char *name);

void ps__cleaner_start(ps__cleaner *cleaner, const char *text, size_t length, int clean, int mends);

/* Reads the next part that is more than nothing into points; 0 at the text's end. */
int ps__cleaner_next(ps__cleaner *cleaner);

#endif
