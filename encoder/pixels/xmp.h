/*
** XMP (ISO 16684-1): an RDF document in XML that programs put into photos. Read with expat; document types, and with them all
** entities of a file's own making, end the reading.
*/
#ifndef PS_PIXELS_XMP_H
#define PS_PIXELS_XMP_H

#include "encoder/pixels/pixels.h"

/* Sets rating and adds kinds in notes, takes title and caption into texts where it has none, and adds keywords. texts may be
** NULL. Damage ends the reading; what came before it counts. PS__NOMEM or PS__OK. Any thread. */
int ps__xmp_read(ps__camera_notes *notes, ps__camera_texts *texts, const uint8_t *bytes, size_t size, ps__error *err);

#endif
