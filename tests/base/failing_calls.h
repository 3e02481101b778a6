/*
** Every entry of ps__os that can fail, behind a counter: the n-th call fails, once, with an errno that suits it.
*/
#ifndef PS_TESTS_FAILING_CALLS_H
#define PS_TESTS_FAILING_CALLS_H

#define FAILING_CALLS_ERRORS 3 /* each kind of call fails in up to so many ways */

/* Puts the counter before whatever ps__os holds now; once a test. failing_calls_remove takes it away again. */
void failing_calls_install(void);
void failing_calls_remove(void);

/* Counts anew, and lets call number `nth` (0 is the first) fail with error number `which` (0..FAILING_CALLS_ERRORS-1, taken modulo
** the errors that the call can give). A negative nth only counts. */
void failing_calls_arm(long nth, int which);

/* Calls since then; the name of the one that failed and its path or "", NULL when none did. Static. */
long failing_calls_count(void);
const char *failing_calls_failed(void);

#endif
