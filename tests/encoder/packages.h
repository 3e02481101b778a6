/*
** Packages made for a test: the tiny one of tests/data/golden, cut down and changed.
*/
#ifndef PS_TESTS_PACKAGES_H
#define PS_TESTS_PACKAGES_H

#include "encoder/package/package.h"

#define PACKAGES_TINY "tests/data/golden/tiny.safetensors"

typedef struct package_recipe {
    int keeps_image;          /* 1: the image tower stays */
    int drops_text;           /* 1: the text tower goes */
    int turned;               /* 1: the text tower gives other vectors than the tiny one's */
    const char *name, *space; /* NULL: as they are */
    const char *languages;    /* of text.config; NULL: not said */
    const char *calibration;  /* JSON; NULL: as it is */
    const char *without;      /* a tensor that is left out; NULL: none */
    const char *foreign;      /* a word of four letters that is not English, as all other words are; NULL: no classifier */
    int bank;                 /* rows of image.background, as packages_bank makes them; negative: so many in INT8; 0: none */
} package_recipe;

/* Writes a package to path; the test fails when it cannot. */
void packages_write(const char *path, const package_recipe *recipe);

/* Entry i of row r of the bank: -127 to 127, to be divided by 400 (F32), or multiplied by (r + 1) / 400 (INT8). */
int packages_bank(int r, int i);

#endif
