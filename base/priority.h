/*
** The manners of a thread that works in the background: whatever else wants the processor or the disk goes first.
**
** To Linux all of this belongs to a thread, not to a process: the host program's other threads keep theirs. Threads and
** processes that the calling thread starts from then on inherit it. There is no way back without privileges, so only threads of
** our own ask for it.
*/
#ifndef PS_BASE_PRIORITY_H
#define PS_BASE_PRIORITY_H

#include <stdint.h>

enum {                             /* bits */
       PS__PRIORITY_CPU_IDLE = 1, /* runs only when a processor has nothing else to do (SCHED_IDLE) */
       PS__PRIORITY_NICE = 2,     /* that was refused: nice 19, about 1.5 % of a processor that others want */
       PS__PRIORITY_IO_IDLE = 4   /* its reads and writes wait until the disk has been idle (where its scheduler knows classes) */
};

/* Puts the calling thread to the lowest priorities it can get and returns the bits of what worked; 0: nothing did. Never fails.
** */
int ps__priority_background(void);

/* Processor time of the calling thread in nanoseconds. */
int64_t ps__thread_cpu_ns(void);

#endif
