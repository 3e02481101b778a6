/*
** Photos that are the same picture: resized, compressed again, brightened or cut a little; and photos that several files hold.
**
** Two photos are the same picture when their looks (perceptual hashes) differ in few bits and their vectors agree. Where the
** looks are nearly the same, vectors need to agree only broadly, as a small copy's vector has little detail to go by; where they
** differ in some more bits, as after a cut, vectors must be nearly the same too. Two photos of which the camera says that they
** were taken at different seconds, or of different proportions, are not the same picture, however much they look alike: that
** keeps bursts apart. How well it works was measured; see docs/duplicates.md.
**
** Groups are made around their best copy (most pixels, then a camera's date, then most bytes, then oldest): all others of a group are the same picture
** as that one. "The same as" is not carried on from copy to copy, so that a series of slow changes is not drawn into one group.
*/
#ifndef PS_SEARCH_DUPLICATES_H
#define PS_SEARCH_DUPLICATES_H

#include <stddef.h>
#include <stdint.h>

#include "store/store.h"

#define PS__DUPLICATES_LEAST 0.97 /* least cosine unless told */

typedef struct ps__duplicate {
    int64_t photo;
    double similarity; /* cosine to the best copy's vector, 0..1; 1 for itself */
} ps__duplicate;

typedef struct ps__duplicate_group {
    ps__duplicate *list; /* [count >= 1] owned; the best copy first, then by similarity */
    size_t count;        /* 1: one photo, which several files hold */
} ps__duplicate_group;

typedef struct ps__duplicates {
    ps__duplicate_group *groups; /* [count] owned, in the order of their best copies */
    size_t count;
    size_t unknown; /* photos that no version which knows looks has read: they were compared by content only */
} ps__duplicates;

/* least: the least cosine of pictures whose looks are not nearly the same, 0..1. space 0: there are no vectors, and only
** photos with several files are found. The store may have a ps__store_begin open. Free with ps__duplicates_clear. */
int ps__duplicates_find(ps__duplicates *out, ps__store *store, int space, int dim, double least, ps__error *err);
void ps__duplicates_clear(ps__duplicates *duplicates); /* a zeroed one is fine */

#endif
