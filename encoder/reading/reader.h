/*
** Reading the text in photos, in a process of its own, photosearch-reader, which is not in every build: libtesseract does the work there.
** That process is shut in like the decoder (encoder/sandbox): a picture that makes it crash or hang costs that picture.
**
** A reader is one process and belongs to one thread at a time. It takes some 50 MB and up, so it is freed when there is nothing to read.
*/
#ifndef PS_READING_READER_H
#define PS_READING_READER_H

#include <stdint.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/status.h"
#include "encoder/reading/detector.h"

#define PS__READING_VERSION 1 /* of what is found and kept: photos of an older one are read again */
#define PS__READING_SIDE 2000 /* pixels of the longer side that a picture should have, at most: more costs time and finds little */
#define PS__READING_MOST 4000 /* bytes of text that are kept of one photo */

typedef struct ps__reader ps__reader;

typedef struct ps__reader_options {
    const char *program;        /* path of photosearch-reader; NULL: looked for, see encoder/sandbox/program.h */
    const char *languages;      /* as tesseract calls them, "eng+deu"; NULL: English and, where it is installed, simplified Chinese */
    double seconds;             /* wall time that one picture may take; 0: 30. At three quarters of it reading ends with what it has */
    uint64_t max_bytes;         /* memory that one picture may take; 0: 512 MiB */
    const ps__log *log;         /* may be NULL; outlives the reader */
    int (*stop)(void *payload); /* asked ten times a second while reading; not 0: PS__CANCELLED. May be NULL */
    void *payload;              /* handed to stop */
} ps__reader_options;

/* Starts the process and waits until its data are loaded (0.1 s for English). options may be NULL. PS__NOTFOUND: this build has no such
** program, or no data of the languages are installed; the sentence says which. PS__INVALID: languages are no such list. Else as
** ps__sandbox_new. */
int ps__reader_new(ps__reader **out, const ps__reader_options *options, ps__error *err);
void ps__reader_free(ps__reader *r); /* NULL is fine */

/* Room for a grey picture, u8 [height][width], of at most 16 million pixels: the next ps__reader_read reads it. Belongs to the reader.
** NULL: memory ran out, or it is too large. */
uint8_t *ps__reader_picture(ps__reader *r, int width, int height);

/* Reads the picture that was put there, in `count` areas (of ps__text_find). Puts the words worth keeping into *text, by ps__words_keep.
** name: of the photo, for sentences. PS__ERROR: it crashed, hung or gave an answer that makes no sense; PS__CANCELLED; PS__NOMEM. */
int ps__reader_read(ps__buf *text, ps__reader *r, const ps__text_area *areas, int count, const char *name, ps__error *err);

/* 1 when the last reading failed for a reason that lies with the system, not with the picture. */
int ps__reader_is_down(const ps__reader *r);

/* CPU time that its processes used so far, nanoseconds. */
int64_t ps__reader_cpu_ns(ps__reader *r);

#endif
