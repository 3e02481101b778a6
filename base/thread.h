/*
** The library's own threads. Signals are for the program's threads: ours never take one, except those that a fault raises, as
** blocking these is undefined.
*/
#ifndef PS_BASE_THREAD_H
#define PS_BASE_THREAD_H

#include <pthread.h>

/* As pthread_create without attributes: 0, or an errno value. */
int ps__thread_start(pthread_t *thread, void *(*body)(void *), void *payload);

/* A condition whose waits go by the monotonic clock, as ps__os.wait_until wants it. */
void ps__condition_init(pthread_cond_t *condition);

#endif
