/*
** Programs that run while a test goes on: started, waited for by what they print or do, ended by a signal. Nothing here sleeps for a
** fixed time: conditions are looked at again and again, with a limit that only a hanging program reaches.
*/
#ifndef PS_TESTS_BACKGROUND_H
#define PS_TESTS_BACKGROUND_H

#include <jansson.h>
#include <stddef.h>
#include <sys/types.h>

/* Starts what follows `exec` in a shell command made by printf, with $PS, $T and $R as in e2e_run. Unlike behind the shell's own &,
** SIGINT is not ignored. At the end of the test it dies with it. */
pid_t background_start(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Sends the signal and waits for the end: the exit status, or 128 + the signal that ended it. */
int background_stop(pid_t pid, int signal_number);
/* Waits for the end. */
int background_wait(pid_t pid);

/* Waits until the shell command succeeds. */
void background_until(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The lines of $T/NAME that are whole, each of them valid JSON: an array, for json_decref. */
json_t *background_lines(const char *name);

/* Waits for a line of $T/NAME, from the at-th on, whose string `key` is `value` and, if `number` is given, whose `number` is at least
** `least`. Returns the index of the first. */
size_t background_find(const char *name, size_t at, const char *key, const char *value, const char *number, long long least);

/* The processes that decode for `parent`, [most]; returns how many. */
size_t background_decoders(pid_t *out, size_t most, pid_t parent);
/* Waits until none of them is a decoder any more. */
void background_no_decoders(const pid_t *pids, size_t count);

#endif
