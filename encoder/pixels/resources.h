/*
** Photoshop's image resources, a list of numbered blocks that JPEG (APP13) and PSD files carry (Adobe Photoshop File Formats
** Specification, "Image Resources").
*/
#ifndef PS_PIXELS_RESOURCES_H
#define PS_PIXELS_RESOURCES_H

#include <stddef.h>
#include <stdint.h>

enum { PS__RESOURCE_IPTC = 0x0404, PS__RESOURCE_XMP = 0x0424 };

/* The first block of this number; it lies inside bytes. NULL: there is none, or the list is damaged before it. */
const uint8_t *ps__resource_find(size_t *length, const uint8_t *bytes, size_t size, unsigned number);

#endif
