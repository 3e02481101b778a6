/*
** Times a whole command from outside: measure RUNS COMMAND [ARGUMENTS...]. Prints the median and the best time in milliseconds and the
** largest peak of resident memory in megabytes. One warm-up run is dropped; the command's output goes nowhere.
*/
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Runs the command once; its time in ms, or a negative number when it could not be run or failed (status above 1: grep's rule). */
static double run(char **command, long *peak_kb) {
    double start = now_ms();
    struct rusage usage;
    int status;
    pid_t child = fork();
    if (child == 0) {
        int nowhere = open("/dev/null", O_WRONLY);
        dup2(nowhere, 1);
        execvp(command[0], command);
        _exit(127);
    }
    if (child < 0 || wait4(child, &status, 0, &usage) != child) return -1;
    if (!WIFEXITED(status) || WEXITSTATUS(status) > 1) return -1;
    if (usage.ru_maxrss > *peak_kb) *peak_kb = usage.ru_maxrss;
    return now_ms() - start;
}

int main(int argc, char **argv) {
    int runs = argc > 2 ? atoi(argv[1]) : 0;
    long peak_kb = 0;
    double *ms;
    if (runs < 1) {
        fputs("usage: measure RUNS COMMAND [ARGUMENTS...]\n", stderr);
        return 2;
    }
    ms = calloc((size_t)runs, sizeof *ms);
    if (!ms) return 3;
    for (int i = -1; i < runs; i++) {
        double t = run(argv + 2, &peak_kb);
        if (t < 0) {
            fprintf(stderr, "measure: %s failed\n", argv[2]);
            free(ms);
            return 3;
        }
        if (i >= 0) ms[i] = t;
    }
    qsort(ms, (size_t)runs, sizeof *ms, by_value);
    printf("%.1f %.1f %.0f\n", ms[runs / 2], ms[0], (double)peak_kb / 1024);
    free(ms);
    return 0;
}
