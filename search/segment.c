/*
** Segments by FAISS's C API: inverted lists with 8-bit scalar quantisation ("IVFn,SQ8", inner product). See segment.h.
**
** Queries are sentences and the vectors are photos; the two lie apart in the space, so that the lists nearest to a query hold
** fewer of its best photos than text books promise. Hence many short lists, of which a large part is probed.
*/
#include "search/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <faiss/c_api/Index_c.h>
#include <faiss/c_api/IndexIVF_c.h>
#include <faiss/c_api/index_factory_c.h>
#include <faiss/c_api/index_io_c.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/alloc.h"
#include "base/os.h"
#include "search/faiss_error.h"

/* FAISS 1.7.3's faiss/index_io.h: IO_FLAG_SKIP_IVF_DATA | "od": leave the lists in the file. The C header still has an older
** value. */
#define READ_MAPPED (8 | 0x646f0000)

#define SCANNED_LEAST                                                                                                            \
    ((size_t)16384)                  /* vectors: segments up to this size are one list, and a query looks at all of it (1.5 ms) */
#define SCANNED_PERCENT ((size_t)30) /* of a larger segment at least; see docs/benchmarks.md for what that gives */
#define PHOTOS_A_LIST ((size_t)128)
#define SAMPLE_A_LIST ((size_t)40) /* training vectors; FAISS grumbles on stderr below 39 */

#define TRAILER_VERSION 2
#define ALIGNMENT ((uint64_t)64) /* of the codes in the file */
static const char trailer_magic[8] = {'P', 'S', 'F', 'A', 'I', 'S', 'S', '\n'};

typedef struct trailer {
    char magic[8];
    uint32_t version; /* TRAILER_VERSION; also tells a file from a machine of the other byte order */
    uint32_t dim;     /* length of the vectors */
    uint64_t count;   /* vectors in the segment */
    uint64_t bytes;   /* of the serialised index and the zeros behind it, a multiple of ALIGNMENT */
    uint64_t body;    /* XXH3 of those bytes */
    uint64_t code_bytes; /* of the codes, which follow; 0: there are none */
    uint64_t code_body;  /* XXH3 of those bytes */
    uint64_t own;     /* XXH3 of this trailer up to here: names the contents */
} trailer;

enum { CODES_UNSEEN = 0, CODES_GOOD = 1, CODES_BAD = 2 };

struct ps__segment {
    FaissIndex *index;     /* owned */
    FaissIndexIVF *ivf;    /* the same object */
    FaissIndex *quantizer; /* centroids of the lists; belongs to index */
    size_t count;          /* vectors added */
    size_t expected;       /* vectors that the lists were laid out for */
    size_t lists;          /* inverted lists */
    size_t probes;         /* lists looked at for a query */
    int dim;               /* length of the vectors */
    ps__codes *codes;      /* owned; NULL: none */
    const uint8_t *file;   /* [file_bytes] mapped, where the codes are; NULL: the codes are in memory */
    size_t file_bytes;
    size_t code_start, code_bytes; /* in file */
    uint64_t code_body;    /* what their checksum must be */
    atomic_int code_state; /* CODES_* */
};

static size_t lists_for(size_t expected) { return expected <= SCANNED_LEAST ? 1 : expected / PHOTOS_A_LIST; }

static size_t probes_for(size_t lists, size_t photos) {
    size_t least = (lists * SCANNED_PERCENT + 99) / 100;
    size_t probes = photos ? (lists * SCANNED_LEAST + photos - 1) / photos : lists;
    if (probes < least) probes = least;
    return probes < lists ? probes : lists;
}

/* Takes over segment->index and fills in what is derived from it. */
static int adopt(ps__segment *segment, ps__error *err) {
    segment->ivf = faiss_IndexIVF_cast(segment->index);
    if (!segment->ivf) return ps__fail(err, PS__CORRUPT, "an index of an unexpected kind was found");
    segment->quantizer = faiss_IndexIVF_quantizer(segment->ivf);
    segment->lists = faiss_IndexIVF_nlist(segment->ivf);
    segment->probes = probes_for(segment->lists, segment->expected);
    faiss_IndexIVF_set_nprobe(segment->ivf, segment->probes);
    return PS__OK;
}

int ps__segment_new(ps__segment **out, int dim, size_t expected, ps__error *err) {
    char kind[32];
    *out = NULL;
    if (expected < 1 || expected > PS__SEGMENT_MAX || dim < 1)
        return ps__fail(err, PS__INVALID, "a segment of %zu x %d was asked for", expected, dim);
    ps__segment *segment = ps__calloc(1, sizeof *segment);
    if (!segment) return ps__fail_nomem(err);
    segment->dim = dim;
    segment->expected = expected;
    atomic_init(&segment->code_state, CODES_GOOD);
    snprintf(kind, sizeof kind, "IVF%zu,SQ8", lists_for(expected));
    int status = faiss_index_factory(&segment->index, dim, kind, METRIC_INNER_PRODUCT) != 0 ? ps__fail_faiss(err, "make an index")
                                                                                            : adopt(segment, err);
    if (status == PS__OK) status = ps__codes_new(&segment->codes, dim, expected, err);
    if (status != PS__OK) {
        ps__segment_free(segment);
        return status;
    }
    *out = segment;
    return PS__OK;
}

void ps__segment_free(ps__segment *segment) {
    if (!segment) return;
    if (segment->index) faiss_Index_free(segment->index);
    ps__codes_free(segment->codes);
    if (segment->file) ps__unmap_file(segment->file, segment->file_bytes);
    ps__free(segment);
}

size_t ps__segment_sample(const ps__segment *segment) {
    size_t wanted = segment->lists == 1 ? SCANNED_LEAST / 2 : segment->lists * SAMPLE_A_LIST;
    return wanted < segment->expected ? wanted : segment->expected;
}

int ps__segment_train(ps__segment *segment, const float *vectors, size_t n, ps__error *err) {
    size_t row = (size_t)segment->dim, least = segment->lists * SAMPLE_A_LIST;
    if (n >= least)
        return faiss_Index_train(segment->index, (idx_t)n, vectors) != 0 ? ps__fail_faiss(err, "train an index") : PS__OK;
    /* Too few for FAISS's taste: the same ones again and again make the same centroids. */
    float *more = ps__array(least * row, sizeof *more);
    if (!more) return ps__fail_nomem(err);
    for (size_t i = 0; i < least; i++) memcpy(more + i * row, vectors + (i % n) * row, row * sizeof *more);
    int failed = faiss_Index_train(segment->index, (idx_t)least, more);
    ps__free(more);
    return failed ? ps__fail_faiss(err, "train an index") : PS__OK;
}

int ps__segment_add(ps__segment *segment, const int64_t *photos, const float *vectors, size_t n, ps__error *err) {
    if (faiss_Index_add_with_ids(segment->index, (idx_t)n, vectors, photos) != 0) return ps__fail_faiss(err, "add vectors");
    segment->count += n;
    if (segment->codes && ps__codes_add(segment->codes, photos, vectors, n, NULL) != PS__OK) {
        ps__codes_free(segment->codes);
        segment->codes = NULL;
    }
    return PS__OK;
}

size_t ps__segment_count(const ps__segment *segment) { return segment->count; }

void ps__segment_photos(int64_t *photos, const ps__segment *segment) {
    for (size_t list = 0; list < segment->lists; list++) {
        faiss_IndexIVF_invlists_get_ids(segment->ivf, list, photos);
        photos += faiss_IndexIVF_get_list_size(segment->ivf, list);
    }
}

/* ---- Writing ---- */

/* A stdio stream for FAISS whose bytes go to ps__os.write and into a checksum on the way. */
typedef struct sink {
    int fd;              /* the temp file */
    int error;           /* errno of the first failure; 0: none */
    uint64_t bytes;      /* written so far */
    XXH3_state_t *state; /* checksum so far */
} sink;

static ssize_t sink_write(void *cookie, const char *bytes, size_t size) {
    sink *s = cookie;
    size_t done = 0;
    while (done < size && !s->error) {
        ssize_t n = ps__os.write(s->fd, bytes + done, size - done);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0)
            s->error = errno;
        else
            done += (size_t)n;
    }
    if (s->error) return 0;
    XXH3_64bits_update(s->state, bytes, size);
    s->bytes += size;
    return (ssize_t)size;
}

static int write_index(sink *s, const ps__segment *segment, const char *path, ps__error *err) {
    FILE *stream = fopencookie(s, "w", (cookie_io_functions_t){.write = sink_write});
    if (!stream) return ps__fail_nomem(err);
    static const size_t buffer_bytes = 1 << 16;
    setvbuf(stream, NULL, _IOFBF, buffer_bytes);
    int failed = faiss_write_index(segment->index, stream);
    if (fclose(stream) != 0) failed = 1;
    if (s->error) return ps__fail_errno(err, s->error, "%s: could not be written", path);
    return failed ? ps__fail_faiss(err, "write an index") : PS__OK;
}

/* Zeros up to where the codes may begin. */
static void write_zeros(sink *s) {
    static const char zeros[ALIGNMENT];
    size_t over = (size_t)(s->bytes % ALIGNMENT);
    if (over && !s->error) sink_write(s, zeros, ALIGNMENT - over);
}

static void write_codes(trailer *t, sink *s, const ps__segment *segment) {
    ps__piece pieces[3];
    t->bytes = s->bytes;
    t->body = XXH3_64bits_digest(s->state);
    XXH3_64bits_reset(s->state);
    if (segment->codes) {
        ps__codes_pieces(pieces, segment->codes);
        for (int i = 0; i < 3 && !s->error; i++) sink_write(s, pieces[i].bytes, pieces[i].size);
    }
    t->code_bytes = s->bytes - t->bytes;
    t->code_body = XXH3_64bits_digest(s->state);
}

static int write_rest(uint64_t *checksum, sink *s, const ps__segment *segment, const char *path, ps__error *err) {
    trailer t = {.version = TRAILER_VERSION, .dim = (uint32_t)segment->dim, .count = segment->count};
    memcpy(t.magic, trailer_magic, sizeof t.magic);
    write_zeros(s);
    write_codes(&t, s, segment);
    t.own = XXH3_64bits(&t, offsetof(trailer, own));
    *checksum = t.own;
    sink_write(s, (const char *)&t, sizeof t);
    if (!s->error && ps__os.fsync(s->fd) != 0) s->error = errno;
    return s->error ? ps__fail_errno(err, s->error, "%s: could not be written", path) : PS__OK;
}

int ps__segment_save(uint64_t *checksum, const ps__segment *segment, const char *path, ps__error *err) {
    sink s = {.fd = ps__os.open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600)};
    if (s.fd < 0) return ps__fail_errno(err, errno, "%s", path);
    s.state = XXH3_createState();
    int status = PS__OK;
    if (!s.state)
        status = ps__fail_nomem(err);
    else
        XXH3_64bits_reset(s.state);
    if (status == PS__OK) status = write_index(&s, segment, path, err);
    if (status == PS__OK) status = write_rest(checksum, &s, segment, path, err);
    if (ps__os.close(s.fd) != 0 && status == PS__OK) status = ps__fail_errno(err, errno, "%s: could not be written", path);
    if (status != PS__OK) ps__os.unlink(path);
    XXH3_freeState(s.state);
    return status;
}

/* ---- Reading ---- */

static int check_bytes(trailer *t, const uint8_t *bytes, size_t size, uint64_t checksum) {
    if (size < sizeof *t) return 0;
    memcpy(t, bytes + size - sizeof *t, sizeof *t);
    size_t rest = size - sizeof *t;
    return memcmp(t->magic, trailer_magic, sizeof t->magic) == 0 && t->version == TRAILER_VERSION && t->own == checksum &&
           t->own == XXH3_64bits(t, offsetof(trailer, own)) && t->code_bytes <= rest && t->bytes == rest - t->code_bytes &&
           t->bytes % ALIGNMENT == 0 && t->count <= PS__SEGMENT_MAX && t->body == XXH3_64bits(bytes, (size_t)t->bytes);
}

/* Maps and verifies the open file. The descriptor, not the name, is what FAISS reads afterwards: the name may be given to a newer
** file. */
static int map_file(ps__segment *segment, trailer *t, int fd, const char *path, int dim, uint64_t checksum, ps__error *err) {
    struct stat st;
    if (ps__os.fstat(fd, &st) != 0) return ps__fail_errno(err, errno, "%s", path);
    if (!S_ISREG(st.st_mode) || st.st_size < (off_t)sizeof *t) return ps__fail(err, PS__CORRUPT, "%s: is not an index", path);
    size_t size = (size_t)st.st_size;
    void *bytes = ps__os.mmap(size, fd);
    if (bytes == (void *)-1) return ps__fail_errno(err, errno, "%s: could not be mapped", path);
    segment->file = bytes;
    segment->file_bytes = size;
    int right = check_bytes(t, bytes, size, checksum);
    ps__release_file(bytes, size); /* FAISS maps what it needs for itself */
    if (!right) return ps__fail(err, PS__CORRUPT, "%s: wrong checksum", path);
    if (t->dim != (uint32_t)dim) return ps__fail(err, PS__CORRUPT, "%s: vectors of length %u instead of %d", path, t->dim, dim);
    return PS__OK;
}

/* The codes stay unread. Codes that cannot be right are as good as none. */
static int view_codes(ps__segment *segment, const trailer *t, ps__error *err) {
    segment->code_start = (size_t)t->bytes;
    segment->code_bytes = (size_t)t->code_bytes;
    segment->code_body = t->code_body;
    int status = t->code_bytes == 0 ? PS__CORRUPT
                                    : ps__codes_view(&segment->codes, segment->file + segment->code_start, segment->code_bytes,
                                                     segment->dim, segment->count, err);
    return status == PS__CORRUPT ? PS__OK : status;
}

static int read_index(ps__segment *segment, const trailer *t, FILE *stream, const char *path, ps__error *err) {
    if (faiss_read_index(stream, READ_MAPPED, &segment->index) != 0) {
        segment->index = NULL;
        return ps__fail_faiss(err, "read an index");
    }
    segment->count = t->count;
    segment->expected = t->count;
    segment->dim = (int)t->dim;
    if (faiss_Index_d(segment->index) != segment->dim || faiss_Index_ntotal(segment->index) != (idx_t)t->count)
        return ps__fail(err, PS__CORRUPT, "%s: its parts disagree", path);
    int status = adopt(segment, err);
    return status == PS__OK ? view_codes(segment, t, err) : status;
}

int ps__segment_load(ps__segment **out, const char *path, int dim, uint64_t checksum, ps__error *err) {
    trailer t;
    FILE *stream = NULL;
    *out = NULL;
    ps__segment *segment = ps__calloc(1, sizeof *segment);
    if (!segment) return ps__fail_nomem(err);
    int fd = ps__os.open(path, O_RDONLY | O_NONBLOCK, 0);
    int status = fd < 0 ? ps__fail_errno(err, errno, "%s", path) : map_file(segment, &t, fd, path, dim, checksum, err);
    if (status != PS__OK) goto out;
    stream = fdopen(fd, "rb");
    status = stream ? read_index(segment, &t, stream, path, err) : ps__fail_nomem(err);
    if (status != PS__OK) goto out;
    *out = segment;
    segment = NULL;
out:
    ps__segment_free(segment);
    if (stream)
        fclose(stream); /* closes fd; the mapping of the lists lives on */
    else if (fd >= 0)
        ps__os.close(fd);
    return status;
}

/* ---- Searching ---- */

/* FAISS's own search would fetch mapped lists ahead with 32 threads a query; choosing the lists here goes around that. */
int ps__segment_search(ps__candidate *out, size_t *count, const ps__segment *segment, const float *query, size_t k,
                       ps__error *err) {
    *count = 0;
    if (k > segment->count) k = segment->count;
    if (k == 0) return PS__OK;
    size_t probes = segment->probes;
    idx_t *ids = ps__array(probes + k, sizeof *ids);
    float *values = ps__array(probes + k, sizeof *values);
    int status = ids && values ? PS__OK : ps__fail_nomem(err);
    if (status == PS__OK &&
        (faiss_Index_search(segment->quantizer, 1, query, (idx_t)probes, values, ids) != 0 ||
         faiss_IndexIVF_search_preassigned(segment->ivf, 1, query, (idx_t)k, ids, values, values + probes, ids + probes, 0) != 0))
        status = ps__fail_faiss(err, "search an index");
    for (size_t i = probes; status == PS__OK && i < probes + k; i++)
        if (ids[i] >= 0) out[(*count)++] = (ps__candidate){ids[i], values[i]};
    ps__free(ids);
    ps__free(values);
    return status;
}

/* ---- Bounds ---- */

/* Whichever thread comes first reads them through; two at once come to the same. */
static int codes_are_good(const ps__segment *segment) {
    atomic_int *state = (atomic_int *)(uintptr_t)&segment->code_state;
    if (!segment->codes) return 0;
    if (atomic_load(state) == CODES_UNSEEN)
        atomic_store(state, XXH3_64bits(segment->file + segment->code_start, segment->code_bytes) == segment->code_body ? CODES_GOOD
                                                                                                                        : CODES_BAD);
    return atomic_load(state) == CODES_GOOD;
}

static int by_number(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

/* Of a segment without codes it is known only which photos it has. */
static int boundless(ps__bounds *bounds, const ps__segment *segment, const int64_t *photos, size_t count, ps__error *err) {
    int64_t *own = ps__array(segment->count, sizeof *own);
    int status = own ? PS__OK : ps__fail_nomem(err);
    if (own) ps__segment_photos(own, segment);
    for (size_t i = 0; status == PS__OK && i < segment->count; i++)
        if (!photos || (count && bsearch(&own[i], photos, count, sizeof *photos, by_number)))
            status = ps__bounds_add(bounds, own[i], INFINITY, err);
    ps__free(own);
    return status;
}

int ps__segment_bounds(ps__bounds *bounds, const ps__segment *segment, const ps__code_query *query, const int64_t *photos,
                       size_t count, ps__error *err) {
    if (!codes_are_good(segment)) return boundless(bounds, segment, photos, count, err);
    return ps__codes_scan(bounds, segment->codes, query, photos, count, err);
}
