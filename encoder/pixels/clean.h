/*
** Text out of a file as it may be kept and shown: valid UTF-8 that cannot steer a terminal, without outer blanks, cut between
** characters to the room there is. What makes a new line becomes a blank, other control characters and those that turn the
** direction of writing are left out.
*/
#ifndef PS_PIXELS_CLEAN_H
#define PS_PIXELS_CLEAN_H

#include <stddef.h>
#include <stdint.h>

/* 1 for a character that may be in such a text. */
int ps__is_printable(uint32_t code);

/* Character by character: begin, put any number, end. */
typedef struct ps__cleaner {
    char *out;
    size_t room, used;
    int blank; /* a blank waits for what comes after it */
    int full;  /* something had no room: the rest is left out */
} ps__cleaner;

/* room: bytes at out, at least 1, with the 0 at the end. */
void ps__clean_begin(ps__cleaner *c, char *out, size_t room);
void ps__clean_put(ps__cleaner *c, uint32_t code);
size_t ps__clean_end(ps__cleaner *c); /* the length */

/* UTF-8, up to a 0 or `length`; a byte that is none becomes U+FFFD. Returns the length, as do the next two. */
size_t ps__clean_text(char *out, size_t room, const char *text, size_t length);

/* Bytes of which nobody says how they are encoded: UTF-8 if they are that, else Windows-1252, which older programs wrote. */
size_t ps__clean_bytes(char *out, size_t room, const uint8_t *bytes, size_t length);

/* UTF-16, up to a 0 or length / 2 units. big: the most significant byte first, unless a byte order mark says otherwise. */
size_t ps__clean_utf16(char *out, size_t room, const uint8_t *bytes, size_t length, int big);

#endif
