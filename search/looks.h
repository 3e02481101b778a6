/*
** An index of looks (perceptual hashes of 64 bits): which of those that were put in differ from a given one in few bits.
**
** Multi-index hashing (Norouzi, Punjani, Fleet 2012): a look is cut into four bands of 16 bits, each with a table of its own. Two
** looks that differ in up to PS__LOOKS_RADIUS = 10 bits differ in at most 2 in one of three bands, or in at most 1 in the fourth,
** so that it is enough to look at 3 * 137 + 17 places, however many looks there are.
**
** A value belongs to one thread.
*/
#ifndef PS_SEARCH_LOOKS_H
#define PS_SEARCH_LOOKS_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#define PS__LOOKS_RADIUS 10 /* bits */

typedef struct ps__looks ps__looks;

/* For up to `most` looks. Free with ps__looks_free (NULL is fine). */
int ps__looks_new(ps__looks **out, size_t most, ps__error *err);
void ps__looks_free(ps__looks *looks);

/* Puts one in; it gets the next number, from 0 on. No more than `most`. */
void ps__looks_add(ps__looks *looks, uint64_t look);

typedef struct ps__near {
    uint32_t number; /* of a look that was put in */
    int bits;        /* in which it differs, 0..PS__LOOKS_RADIUS */
} ps__near;

/* The looks near to this one, the nearest first, then by number; returns how many, at most `room`. When very many are near,
** only the first few thousand that are met are told from each other. */
size_t ps__looks_find(ps__near *out, size_t room, ps__looks *looks, uint64_t look);

#endif
