/*
** The walls around the decoder process. Part of the program photosearch-decoder, not of the library.
*/
#ifndef PS_SANDBOX_DECODER_CAGE_H
#define PS_SANDBOX_DECODER_CAGE_H

#include <stdint.h>
#include <sys/types.h>

/* Ties this process to its parent, which must still be `parent`: -1 when it is not. Nobody may look into this process from here on, and
** no program it could start would have more rights. */
int ps__cage_bind(pid_t parent);

/* Limits on memory (max_bytes more than now, and room for input and output), files, and core dumps. 0, or -1 with errno. */
int ps__cage_limit(uint64_t max_bytes);

/* From here on only the system calls that decoding needs. 1; 0: the kernel cannot filter them. Not to be undone. */
int ps__cage_close(void);

#endif
