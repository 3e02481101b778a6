/*
** The two tables: decoding in this process, with a plain buffer and the decoders themselves, and in a sandboxed one.
*/
#include "indexer/decoder.h"

#include "base/alloc.h"

#define KEPT_BYTES ((size_t)1 << 20) /* a larger buffer is not kept for the next file */

typedef struct here {
    ps__decode_fn *decode;
    uint8_t *bytes; /* owned */
    size_t size;    /* of bytes */
} here;

static int new_here(void **session, void *payload, const ps__indexer_stop *stop, ps__error *err) {
    (void)stop;
    here *h = ps__calloc(1, sizeof *h);
    *session = h;
    if (!h) return ps__fail_nomem(err);
    h->decode = payload ? *(ps__decode_fn *const *)payload : ps__pixels_decode;
    return PS__OK;
}

static void free_here(void *session) {
    here *h = session;
    ps__free(h->bytes);
    ps__free(h);
}

static uint8_t *buffer_here(void *session, size_t size) {
    here *h = session;
    if (h->bytes && size <= h->size && h->size <= KEPT_BYTES) return h->bytes;
    ps__free(h->bytes);
    h->bytes = ps__malloc(size ? size : 1);
    h->size = h->bytes ? size : 0;
    return h->bytes;
}

static int decode_here(ps__pixels *out, void *session, size_t size, const char *name, const ps__pixels_options *options,
                       ps__error *err) {
    here *h = session;
    return h->decode(out, h->bytes, size, name, options, err);
}

static int find_here(ps__preview_place *out, void *session, size_t head, uint64_t file_size, const char *name, ps__error *err) {
    return ps__preview_find(out, ((here *)session)->bytes, head, file_size, name, err);
}

static int preview_here(ps__pixels *out, void *session, const ps__preview_place *place, size_t size, const char *name,
                        const ps__pixels_options *options, ps__error *err) {
    return ps__preview_decode(out, place, ((here *)session)->bytes, size, name, options, err);
}

void ps__indexer_decoder_here(ps__indexer_decoder *out, ps__decode_fn *const *decode) {
    *out = (ps__indexer_decoder){
        .session_new = new_here, .session_free = free_here, .buffer = buffer_here, .decode = decode_here, .payload = NULL};
    if (decode && *decode) {
        out->payload = (void *)(uintptr_t)decode;
    } else {
        out->find_preview = find_here;
        out->preview = preview_here;
    }
}

/* ---- Sandboxed ---- */

static int new_sandboxed(void **session, void *payload, const ps__indexer_stop *stop, ps__error *err) {
    ps__sandbox_options options = *(const ps__sandbox_options *)payload;
    ps__sandbox *s = NULL;
    options.stop = stop->stop;
    options.payload = stop->payload;
    int status = ps__sandbox_new(&s, &options, err);
    *session = s;
    return status;
}

static void free_sandboxed(void *session) { ps__sandbox_free(session); }
static uint8_t *buffer_sandboxed(void *session, size_t size) { return ps__sandbox_buffer(session, size); }
static int64_t cpu_sandboxed(void *session) { return ps__sandbox_cpu_ns(session); }
static int is_sandbox_down(const void *session) { return ps__sandbox_is_down(session); }

static int decode_sandboxed(ps__pixels *out, void *session, size_t size, const char *name, const ps__pixels_options *options,
                            ps__error *err) {
    return ps__sandbox_decode(out, session, size, name, options, err);
}

static int find_sandboxed(ps__preview_place *out, void *session, size_t head, uint64_t file_size, const char *name,
                          ps__error *err) {
    return ps__sandbox_find_preview(out, session, head, file_size, name, err);
}

static int preview_sandboxed(ps__pixels *out, void *session, const ps__preview_place *place, size_t size, const char *name,
                             const ps__pixels_options *options, ps__error *err) {
    return ps__sandbox_preview(out, session, place, size, name, options, err);
}

void ps__indexer_decoder_sandboxed(ps__indexer_decoder *out, const ps__sandbox_options *options) {
    *out = (ps__indexer_decoder){.session_new = new_sandboxed,
                                 .session_free = free_sandboxed,
                                 .buffer = buffer_sandboxed,
                                 .decode = decode_sandboxed,
                                 .find_preview = find_sandboxed,
                                 .preview = preview_sandboxed,
                                 .cpu_ns = cpu_sandboxed,
                                 .is_down = is_sandbox_down,
                                 .payload = (void *)(uintptr_t)options};
}
