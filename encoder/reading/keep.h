/*
** Which of the words that were read are kept. A reader finds letters in leaves and in the grain of wood, so what is kept must be sure,
** and look like a word; and what it says was made by a stranger's picture, so each byte of it is checked.
*/
#ifndef PS_READING_KEEP_H
#define PS_READING_KEEP_H

#include <stddef.h>

#include "base/buf.h"

/* Appends the words worth keeping to *text, with blanks between, but none between Han characters: UTF-8 without control characters, at
** most `most` bytes, whole words. records: [size] as of ps__engine_read (reader_engine.h), from whoever: any bytes will do. */
void ps__words_keep(ps__buf *text, const char *records, size_t size, size_t most);

#endif
