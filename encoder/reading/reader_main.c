/*
** photosearch-reader: reads the text in pictures for the library, in a process that can do nothing else. Started by process.c with its
** parent's process number, the memory it may use, and languages; ends when its pipe closes, with its parent, or when it is killed.
**
** What the engine needs of the disk is loaded before the cage closes. Pictures come decoded, as grey pixels: no image format is read here.
*/
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "encoder/reading/reader_engine.h"
#include "encoder/reading/reader_protocol.h"
#include "encoder/sandbox/cage.h"

#if PS__SANITIZED
/* Looking for leaks takes a tracer, and the engine never gives itself back. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "detect_leaks=0:allocator_may_return_null=1"; }
#endif

static void serve(const ps__reader_request *request) {
    const size_t size = (size_t)request->width * (size_t)request->height;
    void *output = mmap(NULL, sizeof(ps__reader_answer), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, PS__CHILD_OUTPUT, 0);
    void *input = mmap(NULL, size, PROT_READ, MAP_SHARED | MAP_POPULATE, PS__CHILD_INPUT, 0);
    if (output == MAP_FAILED || input == MAP_FAILED) _exit(PS__CHILD_PIPE);
    ps__reader_answer *answer = output;
    answer->number = request->number;
    answer->size = (uint32_t)ps__engine_read(answer->words, sizeof answer->words, input, request->width, request->height,
                                             request->areas, request->area_count, request->milliseconds);
    munmap(output, sizeof(ps__reader_answer));
    munmap(input, size);
}

/* The program's name, the parent, the memory, and the languages. */
static int close_cage(ps__child_hello *hello, char **argv) {
    const uint64_t shared = PS__READER_MAX_PIXELS + sizeof(ps__reader_answer);
    if (!ps__engine_open(argv[PS__CHILD_SETTING], hello->trouble, sizeof hello->trouble)) return -1;
    if (ps__cage_limit(strtoull(argv[PS__CHILD_MEMORY], NULL, 10), shared) != 0) exit(PS__CHILD_NO_CAGE);
    return ps__cage_close();
}

int main(int argc, char **argv) {
    ps__child_hello hello = {PS__READER_MAGIC, sizeof(ps__reader_request), sizeof(ps__reader_answer), 0, ""};
    static ps__reader_request request;
    if (argc != PS__CHILD_SETTING + 1) {
        fputs("photosearch-reader is started by photosearch, to read text in photos; it is of no use by itself\n", stderr);
        return PS__CHILD_USAGE;
    }
    /* What ends a service or a session goes to all of its processes: the one that started this one ends it in good order. */
    signal(SIGTERM, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    if (ps__cage_bind((pid_t)strtol(argv[PS__CHILD_PARENT], NULL, 10)) != 0) return PS__CHILD_NO_CAGE;
    hello.caged = close_cage(&hello, argv);
    if (write(PS__CHILD_ANSWERS, &hello, sizeof hello) != sizeof hello || hello.caged < 0) _exit(PS__CHILD_PIPE);
    while (read(PS__CHILD_REQUESTS, &request, sizeof request) == (ssize_t)sizeof request) {
        serve(&request);
        if (write(PS__CHILD_ANSWERS, &request.number, sizeof request.number) != sizeof request.number) _exit(PS__CHILD_PIPE);
    }
    _exit(0); /* the pipe was closed */
}
