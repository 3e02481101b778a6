/*
** How the pipeline gets pixels out of a file's bytes: a table, so that decoding can happen in this process, in a sandboxed one, or
** be made up by a test.
*/
#ifndef PS_INDEXER_DECODER_H
#define PS_INDEXER_DECODER_H

#include <stdatomic.h>

#include "base/log.h"
#include "encoder/pixels/pixels.h"
#include "encoder/pixels/preview.h"
#include "encoder/sandbox/sandbox.h"

/* Asked while a decoder works: anything but 0 ends that early, with PS__CANCELLED. */
typedef struct ps__indexer_stop {
    int (*stop)(void *payload);
    void *payload;
} ps__indexer_stop;

/* A session belongs to one worker thread, which makes all calls on it. */
typedef struct ps__indexer_decoder {
    /* stop outlives the session; it may be left unasked. */
    int (*session_new)(void **session, void *payload, const ps__indexer_stop *stop, ps__error *err);
    void (*session_free)(void *session);
    /* Memory for at least `size` bytes of a file, valid until the next call of this. NULL: memory ran out. */
    uint8_t *(*buffer)(void *session, size_t size);
    /* As ps__pixels_decode, of the buffer's first `size` bytes. */
    int (*decode)(ps__pixels *out, void *session, size_t size, const char *name, const ps__pixels_options *options,
                  ps__error *err);
    /* As ps__preview_find and ps__preview_decode. Both NULL: there are no previews. */
    int (*find_preview)(ps__preview_place *out, void *session, size_t head, uint64_t file_size, const char *name, ps__error *err);
    int (*preview)(ps__pixels *out, void *session, const ps__preview_place *place, size_t size, const char *name,
                   const ps__pixels_options *options, ps__error *err);
    int64_t (*cpu_ns)(void *session);      /* CPU time used outside of this process so far; NULL: none */
    int (*is_down)(const void *session);   /* 1: the last call failed for a reason that is not the file's; NULL: never */
    void *payload;                          /* handed to session_new */
} ps__indexer_decoder;

/* As ps__pixels_decode. */
typedef int ps__decode_fn(ps__pixels *out, const uint8_t *bytes, size_t size, const char *name, const ps__pixels_options *options,
                          ps__error *err);

/* In this process. `decode` stands in for ps__pixels_decode where it is not NULL (then there are no previews). */
void ps__indexer_decoder_here(ps__indexer_decoder *out, ps__decode_fn *const *decode);

/* In sandboxed processes, one a session; see encoder/sandbox/sandbox.h. options must outlive the table's sessions; its `stop` and
** `payload` are not used. */
void ps__indexer_decoder_sandboxed(ps__indexer_decoder *out, const ps__sandbox_options *options);

#endif
