/*
** Gathering what several sources say about one photo in words.
*/
#ifndef PS_PIXELS_TEXTS_H
#define PS_PIXELS_TEXTS_H

#include "encoder/pixels/pixels.h"

/* Adds a clean keyword behind the others, unless it is among them, empty, or has no room. */
void ps__texts_add_keyword(ps__camera_texts *texts, const char *word);

/* 1 for a caption that somebody may have written: not what cameras put there by themselves, nor data of a program. */
int ps__is_prose(const char *text);

#endif
