/*
** IPTC-IIM, version 4: what agencies and older programs wrote about photos.
*/
#ifndef PS_PIXELS_IPTC_H
#define PS_PIXELS_IPTC_H

#include "encoder/pixels/pixels.h"

/* Takes title (2:05, else the headline, 2:105) and caption (2:120) into texts where it has none, and adds the keywords (2:25).
** bytes: the records, from a 0x1C on. Damage ends the reading; what came before it counts. Pure. */
void ps__iptc_read(ps__camera_texts *texts, const uint8_t *bytes, size_t size);

#endif
