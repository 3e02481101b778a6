/*
** What a worker does with one file. The stages are open, read, hash, look up, decode, encode; between them the clock is looked at, the
** cancel flag and, after reading, whether the file is still what it was. For a preview only the head of the file is read, and the
** place that the head points to.
*/
#include "indexer/pipeline.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/half.h"
#include "base/os.h"
#include "indexer/notes.h"

#define DEFAULT_MEMORY ((size_t)32 << 20)
#define DEFAULT_SECONDS 30.0

/* ---- The ration of memory ------------------------------------------------------------------------------------------------- */

/* Waits until `size` bytes are free, in the order of asking; a file larger than all of the ration gets it when nobody has any. */
static void take_budget(ps__pipeline *p, size_t size) {
    size_t limit = p->run->options->memory_bytes ? p->run->options->memory_bytes : DEFAULT_MEMORY;
    pthread_mutex_lock(&p->lock);
    uint64_t mine = p->next_turn++;
    while (p->turn != mine || (p->budget_used && (size > limit || p->budget_used > limit - size)))
        pthread_cond_wait(&p->budget, &p->lock);
    p->turn++;
    p->budget_used += size;
    pthread_cond_broadcast(&p->budget);
    pthread_mutex_unlock(&p->lock);
}

static void give_budget(ps__pipeline *p, size_t size) {
    pthread_mutex_lock(&p->lock);
    p->budget_used -= size;
    pthread_cond_broadcast(&p->budget);
    pthread_mutex_unlock(&p->lock);
}

/* ---- Reading ------------------------------------------------------------------------------------------------------------ */

/* Was the file read so soon after its last change that a further one might carry the same time? The kernel's clock for files ticks
** every 1 to 10 ms; FAT's every 2 seconds. Times in the future are somebody's invention and prove nothing either way. */
static int is_racy(const ps__file_stat *st, const struct timespec *read_at) {
    int64_t age = (int64_t)read_at->tv_sec * 1000000000 + read_at->tv_nsec - st->mtime_ns;
    int64_t grain = ps__fine_mtime(st->mtime_ns) ? 30000000 : 2100000000;
    return age < grain && age > -grain;
}

static void fail(ps__outcome *o, const ps__error *why) {
    o->kind = PS__OUTCOME_FAILED;
    o->code = why->code;
    o->reason = ps__strdup(why->text);
}

/* A file being read. */
typedef struct source {
    int fd;
    struct stat st; /* when it was opened */
    uint8_t *bytes; /* in the decoder's buffer */
    size_t size;    /* of what was read there */
} source;

/* 1 with an open file, or 0 with the outcome decided. */
static int open_source(source *s, ps__pipeline *p, ps__outcome *o) {
    const ps__indexer_options *options = p->run->options;
    size_t most = options->max_file_bytes ? options->max_file_bytes : PS__MAX_FILE_BYTES;
    struct timespec read_at;
    ps__error why;
    clock_gettime(CLOCK_REALTIME, &read_at);
    if (ps__os.stat(o->job.path, &s->st) == 0) ps__stat_of(&o->stat, &s->st); /* also of what cannot be opened */
    errno = 0;
    int status = ps__open_file(&s->fd, &s->st, o->job.path, &why);
    int without_descriptors = status != PS__OK && (errno == EMFILE || errno == ENFILE);
    if (without_descriptors) ps__pipeline_stop(p, status, &why); /* no file's fault, and the next ones would fail as well */
    if (status == PS__NOTFOUND)
        o->kind = p->run->options->flags & PS__INDEX_REENCODE ? PS__OUTCOME_AWAY : PS__OUTCOME_GONE;
    if (status == PS__NOTFOUND || without_descriptors) return 0;
    if (status == PS__OK) {
        ps__stat_of(&o->stat, &s->st);
        o->racy = is_racy(&o->stat, &read_at);
        if ((uint64_t)s->st.st_size <= most) return 1;
        ps__os.close(s->fd);
        ps__fail(&why, PS__TOOBIG, "%s: %lld bytes, more than the limit of %zu", o->job.path, (long long)s->st.st_size, most);
    }
    fail(o, &why);
    return 0;
}

/* Bytes [offset, offset + size) into the decoder's buffer. 1, or 0 with the outcome decided. */
static int read_part(source *s, ps__pipeline *p, const ps__sessions *sessions, ps__outcome *o, uint64_t offset, size_t size) {
    ps__error why;
    s->bytes = p->decoder.buffer(sessions->decoder, size);
    ssize_t got = s->bytes ? ps__read_at(s->fd, s->bytes, size, offset) : 0;
    if (!s->bytes)
        ps__fail_nomem(&why);
    else if (got < 0)
        ps__fail_errno(&why, errno, "%s", o->job.path);
    s->size = got > 0 ? (size_t)got : 0;
    if (s->bytes && got >= 0) return 1;
    fail(o, &why);
    return 0;
}

/* 1 if the file is still what it was when it was opened, else 0 with the outcome decided. */
static int is_same(const source *s, ps__pipeline *p, ps__outcome *o) {
    struct stat after;
    ps__file_stat now = {0};
    if (ps__os.stat(o->job.path, &after) == 0) ps__stat_of(&now, &after);
    if (memcmp(&now, &o->stat, sizeof now) == 0) {
        pthread_mutex_lock(&p->lock);
        p->run->result->bytes_read += (int64_t)s->size;
        pthread_mutex_unlock(&p->lock);
        return 1;
    }
    o->kind = PS__OUTCOME_LEFT;
    ps__logf(p->run->options->log, PS__LOG_INFO, "%s: changed while it was read; left to the next run", o->job.path);
    return 0;
}

/* 1 with all of the file in the buffer, or 0 with the outcome decided. */
static int read_whole(source *s, ps__pipeline *p, const ps__sessions *sessions, ps__outcome *o) {
    ps__error why;
    if (!read_part(s, p, sessions, o, 0, (size_t)s->st.st_size) || !is_same(s, p, o)) return 0;
    if ((int64_t)s->size != o->stat.size) {
        o->kind = PS__OUTCOME_LEFT;
        return 0;
    }
    if (s->size > 0) return 1;
    ps__fail(&why, PS__CORRUPT, "%s: is empty (0 bytes)", o->job.path);
    fail(o, &why);
    return 0;
}

/* ---- What is known ------------------------------------------------------------------------------------------------------- */

static int ask_store(int *known, ps__pipeline *p, ps__outcome *o) {
    ps__error why;
    pthread_mutex_lock(&p->reader_lock);
    int status = ps__store_known(known, &o->photo.id, p->reader, p->run->space, o->photo.hash, &why);
    pthread_mutex_unlock(&p->reader_lock);
    if (status == PS__OK) return 1;
    o->kind = PS__OUTCOME_LEFT;
    ps__pipeline_stop(p, status, &why);
    return 0;
}

/* 1 when the photo has to be encoded, 0 with the outcome decided. */
static int look_up(ps__pipeline *p, ps__outcome *o, const source *s) {
    int known;
    ps__store_hash(o->photo.hash, s->bytes, s->size);
    o->photo.bytes = (int64_t)s->size;
    o->has_hash = 1;
    ps__error why;
    if (ps__find_broken(p, o->photo.hash, o->job.path, &why) != PS__OK) {
        fail(o, &why);
        return 0;
    }
    if (!ps__claim(p, o->photo.hash)) {
        o->kind = PS__OUTCOME_PUT_OFF;
        return 0;
    }
    o->claimed = 1;
    if (!ask_store(&known, p, o)) return 0;
    if (known) o->kind = PS__OUTCOME_KNOWN;
    if (p->run->options->flags & PS__INDEX_REENCODE && o->photo.id != o->job.photo) {
        o->kind = PS__OUTCOME_CHANGED;
        return 0;
    }
    return !known;
}

/* ---- Encoding ----------------------------------------------------------------------------------------------------------- */

static int encode_pixels(ps__pipeline *p, const ps__sessions *sessions, ps__outcome *o, const ps__pixels *pixels, ps__error *why) {
    const ps__indexer_encoder *e = p->run->options->encoder;
    size_t dim = (size_t)e->dim;
    float *embedding = ps__array(dim, sizeof *embedding);
    o->halves = ps__array(dim, sizeof *o->halves);
    int status = embedding && o->halves ? e->encode(embedding, sessions->encoder, pixels->rgb, why) : ps__fail_nomem(why);
    for (size_t i = 0; i < dim && status == PS__OK; i++) {
        if (!isfinite(embedding[i]))
            status = ps__fail(why, PS__ERROR, "%s: the encoder gave a number that is not finite", o->job.path);
    }
    if (status == PS__OK) ps__halves_from_floats(o->halves, embedding, dim);
    ps__free(embedding);
    return status;
}

static int check_time(ps__pipeline *p, const ps__outcome *o, int64_t start_ns, ps__error *why) {
    double limit = p->run->options->file_seconds > 0 ? p->run->options->file_seconds : DEFAULT_SECONDS;
    double took = (double)(ps__os.monotonic_ns() - start_ns) / 1e9;
    if (took <= limit) return PS__OK;
    return ps__fail(why, PS__ERROR, "%s: took %.1f seconds to read and decode, more than the limit of %.1f", o->job.path, took,
                    limit);
}

static ps__pixels_options wanted_pixels(const ps__pipeline *p) {
    const ps__indexer_encoder *e = p->run->options->encoder;
    return (ps__pixels_options){
        .width = e->image_size, .height = e->image_size, .fit = e->fit, .filter = e->filter, .shorter = e->shorter};
}

/* What comes after decoding, whose result is `status`: the vector. pixels are cleared. */
static int finish_pixels(ps__pipeline *p, const ps__sessions *sessions, ps__outcome *o, ps__pixels *pixels, int status,
                         int64_t start_ns, ps__error *why) {
    if (status != PS__OK) return status;
    ps__take_notes(&o->photo, &o->texts, pixels, o->job.path, &o->stat, p->run->options->gazetteer);
    status = check_time(p, o, start_ns, why);
    if (status == PS__OK && ps__pipeline_stopping(p)) status = PS__CANCELLED;
    if (status == PS__OK) status = encode_pixels(p, sessions, o, pixels, why);
    ps__pixels_clear(pixels);
    return status;
}

/* 1: it is not the file that failed but the decoder or the model that cannot work: the run ends, and the file stays as it was. */
static int is_down(ps__pipeline *p, const ps__sessions *sessions, int status, const ps__error *why) {
    if (status == PS__OK || status == PS__CANCELLED) return 0;
    if (status != PS__MODEL && (!p->decoder.is_down || !p->decoder.is_down(sessions->decoder))) return 0;
    ps__pipeline_stop(p, status, why);
    return 1;
}

static void broken(ps__pipeline *p, ps__outcome *o, const ps__error *why) {
    fail(o, why);
    if (why->code != PS__NOMEM) ps__note_broken(p, o->photo.hash, why->code, why->text);
}

static void decode_and_encode(ps__pipeline *p, const ps__sessions *sessions, ps__outcome *o, size_t size, int64_t start_ns) {
    ps__pixels_options wanted = wanted_pixels(p);
    ps__pixels pixels = {0};
    ps__error why = {0};
    int status = p->decoder.decode(&pixels, sessions->decoder, size, o->job.path, &wanted, &why);
    if (is_down(p, sessions, status, &why)) return;
    status = finish_pixels(p, sessions, o, &pixels, status, start_ns, &why);
    if (is_down(p, sessions, status, &why)) return;
    if (status == PS__OK)
        o->kind = PS__OUTCOME_NEW;
    else if (status == PS__CANCELLED || ps__pipeline_stopping(p)) /* what ends the run may have ended the decoder, too */
        o->kind = PS__OUTCOME_LEFT;
    else
        broken(p, o, &why);
}

static void process_whole(source *s, ps__pipeline *p, const ps__sessions *sessions, ps__outcome *o, int64_t start_ns) {
    if (read_whole(s, p, sessions, o) && !ps__pipeline_stopping(p) && look_up(p, o, s))
        decode_and_encode(p, sessions, o, s->size, start_ns);
}

/* ---- Previews ------------------------------------------------------------------------------------------------------------ */

/* The photo is known by its head and size until it is read in full: copies of one file share their preview. */
static void hash_head(ps__outcome *o, const source *s) {
    uint8_t key[24];
    uint64_t size = (uint64_t)s->st.st_size;
    ps__store_hash(key, s->bytes, s->size);
    for (int i = 0; i < 8; i++) key[16 + i] = (uint8_t)(size >> (8 * i));
    ps__store_hash(o->photo.hash, key, sizeof key);
    o->photo.bytes = (int64_t)size;
}

/* Brings what the preview is decoded from into the buffer. 1, or 0 with the outcome decided. */
static int read_preview(source *s, ps__pipeline *p, const ps__sessions *sessions, ps__outcome *o, const ps__preview_place *place) {
    uint64_t size = (uint64_t)s->st.st_size;
    int known;
    if (place->kind == PS__PREVIEW_WHOLE) {
        if (!read_whole(s, p, sessions, o)) return 0;
        ps__store_hash(o->photo.hash, s->bytes, s->size);
        if (!ask_store(&known, p, o)) return 0;
        o->has_hash = 1;
        if (known) o->kind = PS__OUTCOME_KNOWN;
        return !known;
    }
    if (place->offset > size || place->length > size - place->offset || place->length > PS__PREVIEW_MOST) return 0;
    return read_part(s, p, sessions, o, place->offset, (size_t)place->length) && is_same(s, p, o);
}

/* Without a preview that can be read the file waits for its turn. */
static void process_preview(source *s, ps__pipeline *p, const ps__sessions *sessions, ps__outcome *o, int64_t start_ns) {
    ps__pixels_options wanted = wanted_pixels(p);
    ps__preview_place place;
    ps__pixels pixels = {0};
    ps__error why = {0};
    if (!read_part(s, p, sessions, o, 0, PS__PREVIEW_HEAD)) return;
    hash_head(o, s);
    o->kind = PS__OUTCOME_NONE;
    int status =
        p->decoder.find_preview(&place, sessions->decoder, s->size, (uint64_t)s->st.st_size, o->job.path, &why);
    if (is_down(p, sessions, status, &why) || status != PS__OK || !read_preview(s, p, sessions, o, &place)) return;
    status = p->decoder.preview(&pixels, sessions->decoder, &place, s->size, o->job.path, &wanted, &why);
    if (is_down(p, sessions, status, &why)) return;
    status = finish_pixels(p, sessions, o, &pixels, status, start_ns, &why);
    if (!is_down(p, sessions, status, &why) && status == PS__OK) o->kind = PS__OUTCOME_PREVIEW;
}

void ps__process(ps__pipeline *p, const ps__sessions *sessions, ps__outcome *o) {
    source s = {.fd = -1};
    size_t budget = o->job.size > 0 ? (size_t)o->job.size : 0;
    if (o->job.preview && budget > PS__PREVIEW_HEAD + PS__PREVIEW_MOST) budget = PS__PREVIEW_HEAD + PS__PREVIEW_MOST;
    o->kind = PS__OUTCOME_LEFT;
    o->stat.size = o->job.size;
    if (ps__pipeline_stopping(p)) return;
    take_budget(p, budget);
    int64_t start_ns = ps__os.monotonic_ns();
    if (open_source(&s, p, o)) {
        if (o->job.preview && s.st.st_size > (off_t)PS__PREVIEW_HEAD)
            process_preview(&s, p, sessions, o, start_ns);
        else
            process_whole(&s, p, sessions, o, start_ns);
        ps__os.close(s.fd);
    }
    give_budget(p, budget);
}
