/*
** Between the files of the program photosearch-decoder.
*/
#ifndef PS_SANDBOX_DECODER_H
#define PS_SANDBOX_DECODER_H

#include <stddef.h>
#include <stdint.h>

#include "encoder/sandbox/protocol.h"

#ifdef PS_DECODER_TEST
/* The tests' decoder obeys inputs that begin with "TEST " (tests/sandbox/tricks.c). 1: the answer is made, not as an honest
** decoder would. */
int ps__decoder_trick(ps__decoder_answer *answer, const ps__decoder_request *request, const uint8_t *bytes, uint8_t *rgb);
/* 1 if this decoder should pretend that the kernel has no seccomp. */
int ps__decoder_trick_open(const char *program);
#endif

#endif
