/*
** What the library and its decoder process say to each other. Requests go down one pipe, and a number comes back up another when
** the answer is ready. The bytes of the photo and the answer lie in two blocks of shared memory. Both ends are of one build,
** which the hello proves, so structs travel as they are.
**
** The library trusts the decoder until it has shown it a file; after that, every field of an answer is checked (answer.h).
*/
#ifndef PS_SANDBOX_PROTOCOL_H
#define PS_SANDBOX_PROTOCOL_H

#include <stdint.h>

#include "base/status.h"
#include "encoder/pixels/pixels.h"
#include "encoder/pixels/preview.h"
#include "encoder/sandbox/child.h"

#define PS__DECODER_MAGIC 0x50534433u /* changes with the meaning of any struct here */
/* In the output: a ps__decoder_answer, and pixels from here on. */
#define PS__DECODER_RGB_AT 8192
#define PS__DECODER_MAX_RGB ((uint64_t)64 << 20) /* bytes of pixels that one request may ask for */
#define PS__DECODER_NAME "photo"                 /* what the decoder calls every file: it is not told the path */

enum { PS__DECODER_DECODE = 1, PS__DECODER_FIND = 2, PS__DECODER_PREVIEW = 3 };

typedef struct ps__decoder_request {
    uint32_t number;            /* the answer repeats it */
    uint32_t kind;              /* PS__DECODER_DECODE... */
    uint64_t size;              /* bytes of input */
    uint64_t file_size;         /* FIND: of the whole file */
    uint64_t room;              /* bytes for pixels in the output */
    ps__pixels_options options; /* DECODE, PREVIEW */
    ps__preview_place place;    /* PREVIEW */
} ps__decoder_request;

typedef struct ps__decoder_answer {
    uint32_t number;
    int32_t status;                      /* PS__*; the fields below hold something only when it is PS__OK, but for text */
    int32_t named;                       /* 1: the sentence begins with the file's name, which text leaves out */
    char text[PS__ERROR_TEXT];           /* the sentence of a failure */
    int width, height;                   /* DECODE, PREVIEW: as in ps__pixels */
    int original_width, original_height; /* as in ps__pixels */
    char format[9];                      /* as in ps__pixels */
    ps__camera_notes notes;              /* as in ps__pixels */
    ps__camera_texts texts;              /* DECODE: as in ps__pixels */
    ps__preview_place place;             /* FIND */
} ps__decoder_answer;

_Static_assert(sizeof(ps__decoder_answer) <= PS__DECODER_RGB_AT, "an answer reaches into the pixels");
_Static_assert(sizeof(ps__decoder_request) <= 4096, "a request may not fit a pipe at once");

#endif
