/*
** Indexing in the background with progress, as a gallery does it: index LIBRARY FOLDER. The work runs on a thread of its own
** while this one goes on searching; pressing Ctrl-C cancels and keeps what is done.
*/
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include <photosearch.h>

static ps_library *library;

struct job {
    const char *folder;
    int status; /* of ps_index */
    ps_index_result result;
    atomic_int done; /* 1: the other two are final */
};

static void on_signal(int number) {
    (void)number;
    ps_cancel(library); /* one of the few things a signal handler may do */
}

static int on_progress(const ps_progress *p, void *payload) {
    (void)payload;
    if (p->phase == PS_PHASE_ENCODE && p->total) printf("%3d %%\n", (int)(100 * p->done / p->total));
    return 0; /* anything else would cancel, too */
}

static void *work(void *payload) {
    struct job *job = payload;
    ps_index_options options = PS_INDEX_OPTIONS_INIT;
    options.progress = on_progress;
    options.threads = 1; /* leave the other processors to the person */
    job->status = ps_index(&job->result, library, &job->folder, 1, &options);
    if (job->status != PS_OK) fprintf(stderr, "%s\n", ps_last_error(library));
    atomic_store(&job->done, 1);
    return NULL;
}

int main(int argc, char **argv) {
    struct job job = {.result = PS_INDEX_RESULT_INIT};
    const struct timespec second = {1, 0};
    pthread_t thread;
    if (argc != 3) return fputs("usage: index LIBRARY FOLDER\n", stderr), 2;
    if (ps_library_open(&library, argv[1], NULL) != PS_OK) return fprintf(stderr, "%s\n", ps_last_error(NULL)), 3;
    signal(SIGINT, on_signal);
    job.folder = argv[2];
    if (pthread_create(&thread, NULL, work, &job) != 0) return 3;
    while (!atomic_load(&job.done)) {
        ps_results *results;
        nanosleep(&second, NULL);
        if (ps_search(&results, library, "people outdoors", NULL) != PS_OK) continue;
        if (ps_results_count(results)) printf("best so far: %s\n", ps_results_path(results, 0));
        ps_results_free(results);
    }
    pthread_join(thread, NULL);
    printf("%llu indexed, %llu failed\n", (unsigned long long)job.result.indexed, (unsigned long long)job.result.failed);
    ps_library_close(library);
    return job.status == PS_OK ? 0 : 3;
}
