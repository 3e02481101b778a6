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

/* A session belongs to one worker thread, which makes all calls on it. */
typedef struct ps__indexer_decoder {
    int (*session_new)(void **session, void *payload, ps__error *err);
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
    int64_t (*cpu_ns)(const void *session); /* CPU time used outside of this process; NULL: none */
    void *payload;                          /* handed to session_new */
} ps__indexer_decoder;

/* As ps__pixels_decode. */
typedef int ps__decode_fn(ps__pixels *out, const uint8_t *bytes, size_t size, const char *name, const ps__pixels_options *options,
                          ps__error *err);

/* In this process. `decode` stands in for ps__pixels_decode where it is not NULL (then there are no previews). */
void ps__indexer_decoder_here(ps__indexer_decoder *out, ps__decode_fn *const *decode);

#endif
