/*
** UTF-8, from bytes that nobody has checked.
*/
#ifndef PS_BASE_UTF8_H
#define PS_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Decodes one code point of s[0..length), length >= 1. Returns the bytes used (>= 1); *code is U+FFFD for each byte that is not part
** of a well-formed sequence (surrogates, overlong forms and values above U+10FFFF are not well-formed: Unicode 15, table 3-7). */
size_t ps__utf8_decode(uint32_t *code, const char *s, size_t length);

/* One code point as UTF-8, U+FFFD for what is none; returns the bytes written, 1..4. */
size_t ps__utf8_encode(char out[4], uint32_t code);

/* Appends one code point as UTF-8. */
void ps__utf8_append(ps__buf *out, uint32_t code);

/* 1 if every byte of s belongs to a well-formed sequence. */
int ps__utf8_valid(const char *s, size_t length);

#endif
