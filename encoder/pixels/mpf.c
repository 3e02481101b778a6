/*
** Reading the index of the multi-picture format; see mpf.h. Offsets count from the index's own TIFF header, save that of the first
** picture, the photo itself, which is 0 (CIPA DC-007, section 5.2.3.3). Only what its maker declares to be a large thumbnail is taken:
** a gain map is "undefined", and a grey picture of the wrong thing would be found for the wrong words.
*/
#include "encoder/pixels/mpf.h"

#include <string.h>

#include "encoder/pixels/tiff.h"

enum {
    NAME = 4, /* bytes of "MPF\0" */
    ENTRY = 16 /* bytes of one entry: attributes, size, offset, two dependent pictures */,
    MOST_ENTRIES = 64,
    ENTRIES = 0xB002 /* tag */
};

#define KIND_MASK 0x07FFFFFFu /* format of the data, 0 for JPEG, and type of picture; the flags above say who depends on whom */
#define KIND_VGA 0x010001u
#define KIND_FULL_HD 0x010002u

int ps__segment_is_mpf(const ps__segment *segment) {
    return segment->marker == 0xE2 && segment->size >= NAME && !memcmp(segment->data, "MPF", NAME);
}

void ps__mpf_read(ps__mpf *out, const ps__segment *segment, uint64_t at, uint64_t file_size, uint64_t most) {
    ps__tiff tiff;
    size_t size;
    memset(out, 0, sizeof *out);
    if (!ps__tiff_open(&tiff, segment->data + NAME, segment->size - NAME)) return;
    const uint8_t *entry = ps__tiff_bytes(&tiff, tiff.first, ENTRIES, &size);
    if (!entry) return;
    if (size > (size_t)ENTRY * MOST_ENTRIES) size = (size_t)ENTRY * MOST_ENTRIES;
    for (; size >= ENTRY; size -= ENTRY, entry += ENTRY) {
        uint32_t kind = ps__tiff_u32(&tiff, entry) & KIND_MASK;
        uint64_t length = ps__tiff_u32(&tiff, entry + 4), offset = ps__tiff_u32(&tiff, entry + 8);
        ps__mpf_picture *picture = kind == KIND_VGA ? &out->vga : kind == KIND_FULL_HD ? &out->full_hd : NULL;
        if (!picture || picture->length || !offset || !length || length > most) continue;
        offset += at + NAME;
        if (offset > file_size || length > file_size - offset) continue;
        *picture = (ps__mpf_picture){offset, length};
    }
}
