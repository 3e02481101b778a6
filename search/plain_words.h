/*
** Words as the full-text search sees them, for looking at a few texts without it: names of cameras, of folders and of files.
*/
#ifndef PS_SEARCH_PLAIN_WORDS_H
#define PS_SEARCH_PLAIN_WORDS_H

#include <stddef.h>

#include "base/buf.h"

/* Appends " one two " of "Ône-TWO": folded (store/words.h), without diacritics, letters and digits only, single blanks, one at
** either end; " " when there is no word. out->failed says when memory ran out. */
void ps__plain_words(ps__buf *out, const char *text, size_t length);

/* The words of each folder in an absolute path to a file, one after the other: " my pictures  2021 " of "/My
** Pictures/2021/a.jpg", so that a phrase is found within one folder only. */
void ps__plain_folders(ps__buf *out, const char *path);

/* 1 when all of the words, or all of them one after the other, are in `text`; both as ps__plain_words makes them. No words are in
** no text. */
int ps__plain_words_all(const char *text, const char *words);
int ps__plain_words_phrase(const char *text, const char *words);

/* 1 when the name fits a pattern of characters, `*` (any, or none) and `?` (one character of UTF-8). ASCII letters fit in either
** case. */
int ps__name_fits(const char *name, const char *pattern);

#endif
