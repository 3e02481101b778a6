/*
** From what a file says, and what its name and place on the disk add, to what the library keeps of its photo.
*/
#ifndef PS_INDEXER_NOTES_H
#define PS_INDEXER_NOTES_H

#include "encoder/pixels/pixels.h"
#include "store/files.h"
#include "store/gazetteer.h"

/* Fills size, format, notes and look of *photo, and *texts. path: of the file; st: when it was read. gazetteer: NULL: the place
** waits for a run that has one. Any thread. */
void ps__take_notes(ps__photo *photo, ps__photo_texts *texts, const ps__pixels *pixels, const char *path, const ps__file_stat *st,
                    const ps__gazetteer *gazetteer);

/* PS__PICTURE_* bits that a path tells: "Screenshot_20210704.png", "PANO_0001.jpg", a folder of screenshots (unless a camera is
** named). */
int ps__kinds_of_path(const char *path, int has_camera);

#endif
