/*
** What kind of picture it is, by signs that cameras and phones leave in their files. Each function returns PS__PICTURE_* bits.
** Pure.
*/
#ifndef PS_PIXELS_KINDS_H
#define PS_PIXELS_KINDS_H

#include "encoder/pixels/pixels.h"

/* A comment on the picture (EXIF, XMP, PNG): iOS, macOS and some Android phones write "Screenshot" there and nothing else. */
int ps__kinds_of_comment(const char *text);

/* The program that made the file. */
int ps__kinds_of_software(const char *name);

/* The name of the lens: phones say which camera it was. */
int ps__kinds_of_lens(const char *lens);

/* Pixels of the upright photo: 0 x 0 is no kind. */
int ps__kinds_of_size(const ps__camera_notes *notes, int width, int height);

#endif
