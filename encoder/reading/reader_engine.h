/*
** What reads, behind the program photosearch-reader: libtesseract, or what a test puts in its place.
*/
#ifndef PS_READING_READER_ENGINE_H
#define PS_READING_READER_ENGINE_H

#include <stddef.h>
#include <stdint.h>

#include "encoder/reading/detector.h"

/* Loads what is needed to read, so that no file has to be opened afterwards. languages: "eng+deu"; "": the usual ones that are installed.
** 1; 0: it cannot, and `why` has a sentence. */
int ps__engine_open(const char *languages, char *why, size_t size);

/* What was read in `count` areas of the picture, word by word: one byte, ' ' + the confidence from 0 to 100; the word's bytes; '\n'. At most
** `room` bytes, whole words; returns how many. grey: u8 [height][width]. After about `milliseconds` it ends with what it has. */
long ps__engine_read(char *out, size_t room, const uint8_t *grey, int width, int height, const ps__text_area *areas, int count,
                     int milliseconds);

#endif
