/*
** The walls around a process that works for the library. Part of the programs photosearch-decoder and photosearch-reader, not of the
** library.
*/
#ifndef PS_SANDBOX_CAGE_H
#define PS_SANDBOX_CAGE_H

#include <stdint.h>
#include <sys/types.h>

/* Sanitizers take terabytes of address space, and have system calls of their own. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define PS__SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define PS__SANITIZED 1
#endif
#endif
#ifndef PS__SANITIZED
#define PS__SANITIZED 0
#endif

/* Ties this process to its parent, which must still be `parent`: -1 when it is not. Gives up what rights root would have. Nobody
** may look into this process from here on, and no program it could start would have more rights. */
int ps__cage_bind(pid_t parent);

/* Limits on memory (max_bytes more than now, and `shared` of them for input and output), files, and core dumps. 0, or -1 with
** errno. */
int ps__cage_limit(uint64_t max_bytes, uint64_t shared);

/* From here on only the system calls that such work needs. 1; 0: the kernel cannot filter them. Not to be undone. */
int ps__cage_close(void);

#endif
