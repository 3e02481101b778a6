/*
** Decoding photos in a helper process, photosearch-decoder, that can neither open a file nor reach the network: a damaged or
** malicious photo that crashes, hangs or takes over a decoder costs that one photo. Bytes go in and pixels come out through
** shared memory.
**
** A sandbox is one helper process and belongs to one thread at a time; any number may be used at once. A helper that crashed,
** hung, was killed or lied is replaced at the next request. It ends with the sandbox, with the program, and with the thread that
** started it: so a sandbox is best made by the thread that will use it (on another one it works, and starts another helper).
**
** The host program needs to do nothing for it: no signal is touched, SIGCHLD may be ignored, children may be reaped by others,
** and no file of the program is handed on.
*/
#ifndef PS_SANDBOX_H
#define PS_SANDBOX_H

#include <stddef.h>
#include <stdint.h>

#include "base/log.h"
#include "base/status.h"
#include "encoder/pixels/pixels.h"
#include "encoder/pixels/preview.h"

typedef struct ps__sandbox ps__sandbox;

typedef struct ps__sandbox_options {
    const char *program;        /* path of photosearch-decoder; NULL: looked for, see program.h */
    double seconds;             /* wall time that one request may take; 0: 30 */
    uint64_t max_bytes;         /* memory that the helper may use to decode one photo; 0: PS__MAX_DECODE_BYTES and some room */
    const ps__log *log;         /* may be NULL; outlives the sandbox */
    int (*stop)(void *payload); /* asked ten times a second during a request, on its thread; not 0: PS__CANCELLED. May be NULL */
    void *payload;              /* handed to stop */
} ps__sandbox_options;

/* Starts the process and waits until it is ready. options may be NULL. PS__NOTFOUND, PS__ACCESS, PS__IO, PS__ERROR: it cannot be
** started, with a sentence that names it. PS__NOMEM, PS__CANCELLED. Where the kernel cannot filter system calls, there is one
** warning in the log, and the limits of the process must do. */
int ps__sandbox_new(ps__sandbox **out, const ps__sandbox_options *options, ps__error *err);

/* Ends and reaps the process. NULL is fine. */
void ps__sandbox_free(ps__sandbox *s);

/* Memory of at least `size` bytes to read a file into, at most PS__MAX_FILE_BYTES; belongs to the sandbox and holds its contents
** until the next call, which keeps its first bytes and may move it. After a large file the next small one gives memory back.
** NULL: memory ran out. */
uint8_t *ps__sandbox_buffer(ps__sandbox *s, size_t size);

/* Gives back what the buffer holds beyond a few megabytes, with its contents: for a sandbox that will rest. */
void ps__sandbox_release(ps__sandbox *s);

/* As ps__pixels_decode over the first `size` bytes of the buffer, with the same pixels, notes and failures. A size must be
** wanted, of at most 64 MiB of pixels: PS__INVALID otherwise. Besides: PS__TOOBIG when the helper's memory did not do; PS__ERROR
** when it crashed, took too long or gave an answer that makes no sense; PS__CANCELLED. When the system refused something
** (ps__sandbox_is_down), that is not the photo's doing. */
int ps__sandbox_decode(ps__pixels *out, ps__sandbox *s, size_t size, const char *name, const ps__pixels_options *options,
                       ps__error *err);

/* As ps__preview_find over the first head_size bytes of the buffer; fails besides like ps__sandbox_decode. */
int ps__sandbox_find_preview(ps__preview_place *out, ps__sandbox *s, size_t head_size, uint64_t file_size, const char *name,
                             ps__error *err);

/* As ps__preview_decode over the first `size` bytes of the buffer; fails besides like ps__sandbox_decode. */
int ps__sandbox_preview(ps__pixels *out, ps__sandbox *s, const ps__preview_place *place, size_t size, const char *name,
                        const ps__pixels_options *options, ps__error *err);

/* 1 when the last request failed because the system refused something (a process could not be started, memory of the program ran
** out): that says nothing about the photo. */
int ps__sandbox_is_down(const ps__sandbox *s);

/* CPU time that its processes used so far, nanoseconds, by the kernel's account. Start-up is in it. */
int64_t ps__sandbox_cpu_ns(ps__sandbox *s);

#endif
