/*
** What the library and the program photosearch-reader say to each other, in the same way as with the decoder
** (encoder/sandbox/protocol.h): the input block holds a grey picture, the output block the answer.
*/
#ifndef PS_READING_READER_PROTOCOL_H
#define PS_READING_READER_PROTOCOL_H

#include <stdint.h>

#include "encoder/reading/detector.h"
#include "encoder/sandbox/child.h"

#define PS__READER_MAGIC 0x50535233u                  /* changes with the meaning of any struct here */
#define PS__READER_MAX_PIXELS ((uint64_t)16 << 20)    /* of one picture */
#define PS__READER_ROOM (32 << 10)                    /* bytes of words; far more than is kept */

typedef struct ps__reader_request {
    uint32_t number;                      /* the answer repeats it */
    int32_t width, height;                /* of the picture in the input, u8 [height][width] */
    int32_t milliseconds;                 /* after which the reader should end with what it has */
    int32_t area_count;                   /* of areas */
    ps__text_area areas[PS__TEXT_AREAS];  /* where to look */
} ps__reader_request;

typedef struct ps__reader_answer {
    uint32_t number;
    uint32_t size;               /* bytes of words */
    char words[PS__READER_ROOM]; /* as ps__engine_read gives them */
} ps__reader_answer;

_Static_assert(sizeof(ps__reader_request) <= 4096, "a request may not fit a pipe at once");

#endif
