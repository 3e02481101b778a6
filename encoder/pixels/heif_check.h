/*
** What a HEIF or AVIF file is asked before libheif gets it.
**
** The sizes that its pictures have by their own coding: the container says one too, which is all that libheif tells before it decodes; a
** file of a kilobyte may say 64 x 48 there and hold a stream of 16384 x 16384, and the decoders would take a gigabyte for it. And
** whether a picture is put together from itself, on which libheif 1.15 recurses until the stack is gone. Nothing else is judged: what
** makes no sense is left to libheif.
*/
#ifndef PS_PIXELS_HEIF_CHECK_H
#define PS_PIXELS_HEIF_CHECK_H

#include "encoder/pixels/job.h"

/* PS__TOOBIG when any picture in the file (of HEVC or AV1, a grid or an overlay) is above the job's caps, or there are too many parts to
** look at; PS__CORRUPT when one is made of itself; PS__NOMEM. */
int ps__heif_check(const ps__job *job, ps__error *err);

#endif
