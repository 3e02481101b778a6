/*
** The sizes that the pictures inside a HEIF or AVIF file have by their own coding. The container says a size too, which is all that
** libheif tells before it decodes; a file of a kilobyte may say 64 x 48 there and hold a stream of 16384 x 16384, and the decoders
** would take a gigabyte for it. So the caps are asked here first. Nothing else is judged: what makes no sense is left to libheif.
*/
#ifndef PS_PIXELS_HEIF_SIZE_H
#define PS_PIXELS_HEIF_SIZE_H

#include "encoder/pixels/job.h"

/* PS__TOOBIG when any picture in the file (of HEVC or AV1, a grid or an overlay) is above the job's caps; PS__NOMEM. */
int ps__heif_check_sizes(const ps__job *job, ps__error *err);

#endif
