/*
** What tokenizers ask of a code point that utf8proc does not answer.
*/
#ifndef PS_CHARACTERS_H
#define PS_CHARACTERS_H

#include <stdint.h>

static inline int ps__is_white_space(uint32_t c) { /* Unicode White_Space */
    return c == ' ' || (c >= 9 && c <= 13) || c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) ||
           c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

#endif
