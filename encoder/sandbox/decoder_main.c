/*
** photosearch-decoder: decodes photos for the library in a process that can do nothing else. Started by process.c with its
** parent's process number and the memory it may use; ends when its pipe closes, with its parent, or when it is killed.
**
** It reads requests (protocol.h) one after the other. Nothing here has to be trusted by the library once a photo was read.
*/
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "encoder/pixels/preview.h"
#include "encoder/sandbox/decoder.h"
#include "encoder/sandbox/cage.h"
#include "encoder/sandbox/protocol.h"

#if PS__SANITIZED
/* Looking for leaks takes a tracer. Memory that runs out is the photo's doing. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "detect_leaks=0:allocator_may_return_null=1"; }
#endif

/* ---- Requests ------------------------------------------------------------------------------------------------------------- */

/* The sentence without the name in front, which the library knows better. */
static void put_failure(ps__decoder_answer *answer, int status, const ps__error *err) {
    static const char prefix[] = PS__DECODER_NAME ": ";
    answer->status = status;
    answer->named = !strncmp(err->text, prefix, sizeof prefix - 1);
    snprintf(answer->text, sizeof answer->text, "%s", err->text + (answer->named ? sizeof prefix - 1 : 0));
}

static void put_pixels(ps__decoder_answer *answer, uint8_t *rgb, const ps__pixels *pixels) {
    answer->width = pixels->width;
    answer->height = pixels->height;
    answer->original_width = pixels->original_width;
    answer->original_height = pixels->original_height;
    snprintf(answer->format, sizeof answer->format, "%s", pixels->format);
    answer->notes = pixels->notes;
    answer->texts = pixels->texts;
    memcpy(rgb, pixels->rgb, (size_t)pixels->width * (size_t)pixels->height * 3);
}

static void do_request(ps__decoder_answer *answer, uint8_t *rgb, const ps__decoder_request *request, const uint8_t *bytes) {
    static const char name[] = PS__DECODER_NAME;
    const size_t size = (size_t)request->size;
    ps__pixels pixels = {0};
    ps__error err = {0};
    int status;
    if (request->kind == PS__DECODER_FIND)
        status = ps__preview_find(&answer->place, bytes, size, request->file_size, name, &err);
    else if (request->kind == PS__DECODER_PREVIEW)
        status = ps__preview_decode(&pixels, &request->place, bytes, size, name, &request->options, &err);
    else
        status = ps__pixels_decode(&pixels, bytes, size, name, &request->options, &err);
    if (status)
        put_failure(answer, status, &err);
    else if (request->kind != PS__DECODER_FIND)
        put_pixels(answer, rgb, &pixels);
    ps__pixels_clear(&pixels);
}

/* Maps what the request names, answers, and unmaps it: between two photos nothing is held. */
static void serve(const ps__decoder_request *request) {
    const size_t room = PS__DECODER_RGB_AT + (size_t)request->room, size = (size_t)request->size;
    static ps__decoder_answer answer;
    static const uint8_t nothing[1];
    void *output = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, PS__CHILD_OUTPUT, 0);
    void *input =
        size ? mmap(NULL, size, PROT_READ, MAP_SHARED | MAP_POPULATE, PS__CHILD_INPUT, 0) : (void *)(uintptr_t)nothing;
    if (output == MAP_FAILED) _exit(PS__CHILD_PIPE);
    memset(&answer, 0, sizeof answer);
    answer.number = request->number;
    if (input == MAP_FAILED)
        put_failure(&answer, PS__NOMEM, &(ps__error){PS__NOMEM, "out of memory"});
    else
#ifdef PS_DECODER_TEST
        if (!ps__decoder_trick(&answer, request, input, (uint8_t *)output + PS__DECODER_RGB_AT))
#endif
        do_request(&answer, (uint8_t *)output + PS__DECODER_RGB_AT, request, input);
    memcpy(output, &answer, sizeof answer);
    munmap(output, room);
    if (size && input != MAP_FAILED) munmap(input, size);
}

/* ---- Before the first one ------------------------------------------------------------------------------------------------- */

/* What is loaded or opened at first use must be there before the cage closes: libheif registers its decoders when it first sees a
** file, even one without a picture. */
static void warm_up(void) {
    static const uint8_t heif[] = "\0\0\0\x18"
                                  "ftypheic"
                                  "\0\0\0\0"
                                  "mif1heic";
    ps__pixels pixels;
    ps__pixels_decode(&pixels, heif, sizeof heif - 1, PS__DECODER_NAME, NULL, NULL);
    ps__pixels_clear(&pixels);
}

/* One heap for all threads, and pages of freed blocks go back: an address space that is limited must not be cut up. */
static void set_up_memory(void) {
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_MMAP_THRESHOLD, 4 << 20);
    mallopt(M_TRIM_THRESHOLD, 16 << 20);
}

static int close_cage(const char *program, uint64_t max_bytes) {
    (void)program;
    warm_up();
    if (ps__cage_limit(max_bytes, PS__MAX_FILE_BYTES + PS__DECODER_MAX_RGB) != 0) exit(PS__CHILD_NO_CAGE);
#ifdef PS_DECODER_TEST
    if (ps__decoder_trick_open(program)) return 0;
#endif
    return ps__cage_close();
}

int main(int argc, char **argv) {
    ps__child_hello hello = {PS__DECODER_MAGIC, sizeof(ps__decoder_request), sizeof(ps__decoder_answer), 0, ""};
    static ps__decoder_request request;
    if (argc != PS__CHILD_SETTING) {
        fputs("photosearch-decoder is started by photosearch, to decode photos; it is of no use by itself\n", stderr);
        return PS__CHILD_USAGE;
    }
    /* What ends a service or a session goes to all of its processes: the one that started this one ends it in good order. */
    signal(SIGTERM, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    if (ps__cage_bind((pid_t)strtol(argv[PS__CHILD_PARENT], NULL, 10)) != 0) return PS__CHILD_NO_CAGE;
    set_up_memory();
    hello.caged = close_cage(argv[0], strtoull(argv[PS__CHILD_MEMORY], NULL, 10));
    if (write(PS__CHILD_ANSWERS, &hello, sizeof hello) != sizeof hello) _exit(PS__CHILD_PIPE);
    while (read(PS__CHILD_REQUESTS, &request, sizeof request) == (ssize_t)sizeof request) {
        serve(&request);
        if (write(PS__CHILD_ANSWERS, &request.number, sizeof request.number) != sizeof request.number) _exit(PS__CHILD_PIPE);
    }
    _exit(0); /* the pipe was closed */
}
