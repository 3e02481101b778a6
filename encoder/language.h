/*
** Languages of text towers: the codes that a package names, and which tower the words themselves ask for. Nothing here knows one
** language from another but English: the question is only whether the English tower should read a text.
*/
#ifndef PS_ENCODER_LANGUAGE_H
#define PS_ENCODER_LANGUAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct ps__package; /* package/package.h */

enum { PS__LANGUAGE_CODE = 9 /* bytes of a code, with the 0 at its end */ };

/* *out: text.config's "languages", ISO 639-1 codes with one space between each two, 200 at most; "en" where the package has a
** text tower and does not say, "" where it has none. The caller frees it. PS__MODEL when it is anything else. */
int ps__languages_read(char **out, const struct ps__package *package, ps__error *err);

/* 1 if the list of codes has this one. */
int ps__languages_have(const char *languages, const char *code);

/* The code of a tag such as "pt", "pt-BR" or "ZH_cn.UTF-8": what stands before the region, in lower case. Returns 0, with code
** "", where there is none. */
int ps__language_code(char code[PS__LANGUAGE_CODE], const char *tag);

/* Tells English from other languages in Latin letters: logistic regression over hashed runs of characters. Points into the
** package. */
typedef struct ps__english {
    const int8_t *weight; /* [buckets]; NULL: the package has none */
    uint32_t mask;        /* buckets - 1, a power of two less one */
    double scale, bias;   /* of the sum, below */
} ps__english;

/* Reads tensor text.english.weight and its two numbers, if the package has them. PS__MODEL when they are wrong. */
int ps__english_read(ps__english *out, const struct ps__package *package, ps__error *err);

/* *score = bias + scale * mean of weight[hash % buckets] over all runs of 1 to 4 characters in "^word$", for each word: 0 or
** more speaks for English. Text without a word scores 0. Words: letters, digits, apostrophes and combining marks, after NFC and
** lower-casing; hash: 32-bit FNV-1a of the UTF-8 bytes. Only the first PS__LANGUAGE_BYTES of the text are looked at. Any bytes
** are fine. PS__NOMEM only. */
int ps__english_score(double *score, const ps__english *english, const char *text, size_t length, ps__error *err);

enum { PS__LANGUAGE_BYTES = 4096 };

/* 1 if a letter of another script than the Latin one is among the first PS__LANGUAGE_BYTES. */
int ps__has_other_script(const char *text, size_t length);

#endif
