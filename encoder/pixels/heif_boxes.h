/*
** A look at the boxes at the start of a HEIF or AVIF file (ISO/IEC 14496-12 and 23008-12), to know whether it is worth reading whole
** for its thumbnail.
*/
#ifndef PS_PIXELS_HEIF_BOXES_H
#define PS_PIXELS_HEIF_BOXES_H

#include <stddef.h>
#include <stdint.h>

/* 1: a thumbnail of the primary picture is declared that is turned and mirrored by the container just as the photo is, or that cannot be
** told from these bytes. 0: there is none. Any thread. */
int ps__heif_may_hold_thumbnail(const uint8_t *head, size_t size);

#endif
