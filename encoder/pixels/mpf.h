/*
** The multi-picture format (CIPA DC-007): an index in an APP2 segment of further JPEG pictures that lie behind the photo in the same
** file. Cameras keep larger previews there; but also the frames of panoramas and stereo pairs, depth maps, and the gain maps of HDR
** photos, which show something else.
*/
#ifndef PS_PIXELS_MPF_H
#define PS_PIXELS_MPF_H

#include <stddef.h>
#include <stdint.h>

#include "encoder/pixels/segments.h"

typedef struct ps__mpf_picture {
    uint64_t offset, length; /* of the JPEG stream, from the start of the file; 0, 0: there is none */
} ps__mpf_picture;

typedef struct ps__mpf {
    ps__mpf_picture vga;     /* large thumbnail, class 1: about 640 x 480 */
    ps__mpf_picture full_hd; /* large thumbnail, class 2: about 1920 x 1080 */
} ps__mpf;

int ps__segment_is_mpf(const ps__segment *segment);

/* The large thumbnails, the first of each class. `at` is where the segment's data lie in the file of file_size bytes. Pictures that are
** not wholly inside the file, longer than `most` bytes, or of any other kind are left out. Any thread. */
void ps__mpf_read(ps__mpf *out, const ps__segment *segment, uint64_t at, uint64_t file_size, uint64_t most);

#endif
