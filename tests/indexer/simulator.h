/*
** A simulated device: a clock that jumps, and threads that live by it. Hours pass in milliseconds, and nothing depends on how
** fast the machine is.
**
** Threads are real. One that sleeps, or waits through ps__os.wait_until, is put aside; when all are, the clock jumps to the
** earliest moment that one of them waits for. A thread that works sleeps for the time its work takes. Conditions are not seen to
** be signalled: a wait ends at its time only.
*/
#ifndef TESTS_INDEXER_SIMULATOR_H
#define TESTS_INDEXER_SIMULATOR_H

#include <stdint.h>

#define SIM_SECOND INT64_C(1000000000)
#define SIM_START (1000 * SIM_SECOND) /* what the clock shows first */

/* Puts the clock into ps__os; ps__os_reset takes it out. threads: how many live by it; the caller's is one if it sleeps. */
void sim_begin(int threads);
int64_t sim_now(void);                /* nanoseconds */
double sim_seconds(void);             /* since sim_begin */
void sim_sleep(int64_t ns);           /* of a thread that lives by the clock */
void sim_sleep_until(int64_t now_ns); /* the same */
void sim_leave(void);                 /* this thread lives by it no more */
int64_t sim_waits(void);              /* calls of wait_until so far */

#endif
