/*
** What the tests' decoder and reader do when they are told to: crash, hang, or try what they must not be able to do.
*/
#ifndef PS_TESTS_ATTEMPTS_H
#define PS_TESTS_ATTEMPTS_H

void attempt_crash(void);
void attempt_hang(void);

/* Takes all the memory there is; returns how many megabytes that was. */
int attempt_eating(void);

/* One system call, by a short name such as "open". scratch: 4 KiB at least, written to. As syscall(2). */
long attempt_call(const char *name, void *scratch);

#endif
