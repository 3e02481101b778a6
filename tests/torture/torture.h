/*
** What the torture's scenarios share: how often to kill, and what to add up for the summary.
*/
#ifndef PS_TESTS_TORTURE_H
#define PS_TESTS_TORTURE_H

#include <check.h>
#include <sys/types.h>

typedef struct torture_tally {
    int kills;          /* children that died by SIGKILL */
    int survivors;      /* children that were done before */
    long checked;       /* committed photos looked for after a kill */
    int lost_work_most; /* photos encoded and not committed, at most in one kill */
    double reopen_most_ms;
    double reopen_sum_ms;
    int temp_files_most; /* temp files beside the library after a kill */
} torture_tally;

extern torture_tally torture_sum;

int torture_number(const char *name, int otherwise); /* an environment variable */

/* Kills the child and waits; 1 when the kill is what ended it, 0 when it had ended by itself with status 0. Anything else fails.
** Given -child, it only waits. */
int torture_kill(pid_t child);
void torture_sleep_us(int us);
/* Keeps books on the time it takes to open the library at `folder`. */
void torture_reopen(const char *folder);

/* Scenarios: `kills` of them, each. */
void torture_rounds(int kills);  /* children of this program, with a make-believe encoder */
void torture_program(int kills); /* the real program, with the shipped model and real photos; 0 done when there is none */

/* Prints what it measures; a library of that many photos is made for it. */
void torture_measure(int photos);

#endif
