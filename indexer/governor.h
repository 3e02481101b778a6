/*
** The governor: what the indexer's workers ask before and after each photo. It reads the device's state every few seconds, lets
** the policy decide, and keeps workers waiting or sleeping accordingly.
**
** A worker asks with its number, 0..n-1; the ones with low numbers work when not all may. It asks before it takes a job out of a
** queue, or the job waits with it. Nobody waits for longer than 200 ms without a look at `cancel`.
*/
#ifndef PS_INDEXER_GOVERNOR_H
#define PS_INDEXER_GOVERNOR_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/log.h"
#include "base/power.h"
#include "base/status.h"
#include "indexer/policy.h"

#define PS__GOVERNOR_READ_NS INT64_C(5000000000) /* a reading is used for so long */
#define PS__GOVERNOR_LOOK_NS INT64_C(200000000)  /* and `cancel` is looked at so often */

typedef struct ps__governor ps__governor;

/* power: NULL reads nothing, so that only the policy's own limits and a pause on request hold; else copied, its payload must
** outlive the governor, as must cancel (may be NULL) and log (may be NULL). Takes the first reading at once. A change of pace or
** reason is one line for the log (info). PS__NOMEM. */
int ps__governor_new(ps__governor **out, const ps__policy *policy, const ps__power *power, int processors,
                     const atomic_int *cancel, const ps__log *log, ps__error *err);

/* NULL is fine. No worker may be inside. */
void ps__governor_free(ps__governor *governor);

/* Before a photo: returns PS__OK when this worker may work, at once or after a wait; PS__CANCELLED once cancel is set. Any
** thread. */
int ps__governor_enter(ps__governor *governor, int worker);

/* After a photo, which took wall_ns and used cpu_ns of processor time (helper processes included; negative counts as 0): sleeps
** as the duty of each worker and max_cpu of all together demand. PS__OK, or PS__CANCELLED at once when cancel is set. Any
** thread. */
int ps__governor_leave(ps__governor *governor, int worker, int64_t wall_ns, int64_t cpu_ns);

/* On request: 1 pauses before the next photo, 0 goes on as the device allows. Any thread, not from the log's function. */
void ps__governor_pause(ps__governor *governor, int paused);

/* 1: the workers are to go home: whoever waits, or asks from now on, gets PS__CANCELLED, until 0 is said. Any thread. */
void ps__governor_close(ps__governor *governor, int closed);

/* Something changed, as cancel: all who wait look again now. Any thread, not a signal handler. */
void ps__governor_wake(ps__governor *governor);

/* What holds right now, for status; takes a reading when it is time. Any thread. */
void ps__governor_permit(ps__permit *out, ps__governor *governor);

#endif
