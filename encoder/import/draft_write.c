/*
** Writing a draft: places are given first, as every shape is known, then each tensor is made piece by piece and written to its place.
** Scales of INT8 layers lie before the weights that they come from, so the checksum is taken of the file when all is there.
*/
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/alloc.h"
#include "base/os.h"
#include "encoder/encoder.h"
#include "encoder/import/draft_inside.h"
#include "encoder/import/quantise.h"
#include "encoder/package/package.h"

#define FORMAT "2" /* docs/model-package.md */
#define NO_CHECKSUM "0000000000000000"

typedef struct job { /* one call of ps__draft_write */
    ps__draft *draft;
    int precision;
    const char *path;      /* for messages */
    int fd;                /* the temp file */
    int64_t data;          /* where its data section starts */
    int64_t bytes;         /* of the data section */
    int64_t entries, done; /* of all tensors with a fill */
    float *piece;          /* float [piece_room] */
    int8_t *levels;        /* the same number, and as many of fine layers' rests behind them */
    float *scales;         /* float [scale_room] */
    size_t piece_room, scale_room;
    ps__draft_progress_fn *progress;
    void *payload;
    ps__error *err;
} job;

static int is_int8(const job *j, const ps__item *i) {
    return i->is_layer && !i->keeps_float && j->precision == PS__PRECISION_INT8;
}

static int is_fine(const job *j, const ps__item *i) { return is_int8(j, i) && i->keeps_fine; }

/* ---- Places and the header ---- */

static int64_t columns_of(const ps__item *i) { return i->count / i->shape[0]; }

/* Rows of an item that are made at once. */
static int64_t rows_at_once(const ps__item *i) {
    int64_t rows = i->count <= PS__DRAFT_PIECE ? i->shape[0] : PS__DRAFT_PIECE / columns_of(i);
    return rows ? rows : 1;
}

/* Four-byte tensors first, so that all are aligned. */
static void place_items(job *j) {
    for (int pass = 0; pass < 2; pass++)
        for (size_t n = 0; n < j->draft->count; n++) {
            ps__item *i = &j->draft->items[n];
            int narrow = i->type == PS__U8 || is_int8(j, i);
            if (pass == 0 && is_int8(j, i)) {
                i->scale_place = j->bytes;
                j->bytes += i->shape[0] * i->groups * 4;
            }
            if (narrow != pass) continue;
            i->place = j->bytes;
            j->bytes += i->count * (narrow ? 1 : 4);
            if (is_fine(j, i)) {
                i->fine_place = j->bytes;
                j->bytes += i->count;
            }
            if (i->fill) j->entries += i->count;
        }
}

static int add_entry(json_t *header, const char *name, const char *type, int rank, const int64_t *shape, int64_t from,
                     int64_t bytes) {
    json_t *dims = json_array();
    for (int i = 0; i < rank; i++) json_array_append_new(dims, json_integer(shape[i]));
    json_t *entry = json_pack("{s:s,s:o,s:[I,I]}", "dtype", type, "shape", dims, "data_offsets", (json_int_t)from,
                              (json_int_t)(from + bytes));
    return entry && json_object_set_new(header, name, entry) == 0 ? 0 : -1;
}

static int add_item(json_t *header, const job *j, const ps__item *i) {
    char name[160];
    int stem = (int)(strlen(i->name) - strlen(".weight"));
    int narrow = is_int8(j, i);
    const char *type = narrow ? "I8" : i->type == PS__U8 ? "U8" : i->type == PS__I32 ? "I32" : "F32";
    if (add_entry(header, i->name, type, i->rank, i->shape, i->place, i->count * (narrow || i->type == PS__U8 ? 1 : 4)))
        return -1;
    if (!narrow) return 0;
    snprintf(name, sizeof name, "%.*s.fine", stem, i->name);
    if (is_fine(j, i) && add_entry(header, name, "I8", i->rank, i->shape, i->fine_place, i->count)) return -1;
    snprintf(name, sizeof name, "%.*s.scale", stem, i->name);
    const int64_t scales[2] = {i->shape[0], i->groups};
    return add_entry(header, name, "F32", i->groups > 1 ? 2 : 1, scales, i->scale_place, i->shape[0] * i->groups * 4);
}

/* The header with its length before it and padding behind it, so that the data start at a multiple of 64; *size bytes. NULL: no memory. */
static char *make_header(size_t *size, const job *j, const char *checksum) {
    json_t *header = json_object(), *meta = json_copy(j->draft->meta);
    int failed = !header || !meta || json_object_set_new(meta, "photosearch.format", json_string(FORMAT)) ||
                 json_object_set_new(meta, "checksum", json_string(checksum)) || json_object_set(header, "__metadata__", meta);
    for (size_t n = 0; n < j->draft->count && !failed; n++) failed = add_item(header, j, &j->draft->items[n]);
    char *text = failed ? NULL : json_dumps(header, JSON_COMPACT | JSON_PRESERVE_ORDER), *out = NULL;
    if (text) {
        size_t length = strlen(text), padded = (8 + length + 63) / 64 * 64;
        uint64_t told = padded - 8;
        out = ps__malloc(padded);
        if (out) {
            memset(out, ' ', padded);
            memcpy(out, &told, 8);
            memcpy(out + 8, text, length);
            *size = padded;
        }
    }
    free(text);
    json_decref(meta);
    json_decref(header);
    return out;
}

/* ---- Values ---- */

static int write_at(job *j, const void *bytes, int64_t size, int64_t place) {
    const uint8_t *from = bytes;
    while (size > 0) {
        ssize_t n = ps__os.pwrite(j->fd, from, (size_t)size, (off_t)place);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return ps__fail_errno(j->err, errno, "%s: could not be written", j->path);
        from += n;
        size -= n;
        place += n;
    }
    return PS__OK;
}

/* Room for a piece of the item. */
static int make_room(job *j, const ps__item *i) {
    size_t rows = (size_t)rows_at_once(i), entries = rows * (size_t)columns_of(i), scales = rows * (size_t)i->groups;
    if (entries > j->piece_room) {
        ps__free(j->piece);
        ps__free(j->levels);
        j->piece = ps__array(entries, sizeof *j->piece);
        j->levels = ps__malloc(2 * entries);
        j->piece_room = entries;
    }
    if (scales > j->scale_room) {
        ps__free(j->scales);
        j->scales = ps__array(scales, sizeof *j->scales);
        j->scale_room = scales;
    }
    return j->piece && j->levels && j->scales ? PS__OK : ps__fail_nomem(j->err);
}

/* What smoothing does to the values. */
static void adjust(float *piece, const ps__item *i, int64_t first, int64_t rows) {
    int64_t columns = columns_of(i);
    for (int64_t r = 0; r < rows && i->columns; r++)
        for (int64_t c = 0; c < columns; c++) piece[r * columns + c] *= i->columns[c];
    for (int64_t n = 0; n < rows * columns && i->divisor; n++)
        piece[n] /= i->divisor[(first * columns + n) % i->shape[i->rank - 1]];
}

static int check_finite(job *j, const ps__item *i, int64_t count) {
    for (int64_t n = 0; n < count; n++)
        if (!isfinite(j->piece[n]))
            return ps__fail(j->err, PS__MODEL, "%s: tensor %s would hold a value that is not a finite number", j->path, i->name);
    return PS__OK;
}

/* Parts of rows, which lie one behind another. */
static void quantise(job *j, int8_t *fine, int64_t parts, int64_t width) {
    for (int64_t p = 0; p < parts; p++) {
        int8_t *levels = j->levels + p * width;
        const float *part = j->piece + p * width;
        j->scales[p] =
            fine ? ps__quantise_row_fine(levels, fine + p * width, part, width) : ps__quantise_row(levels, part, width);
    }
}

static int write_piece(job *j, const ps__item *i, int64_t first, int64_t rows) {
    int64_t columns = columns_of(i);
    int status = i->fill(j->piece, first, rows, i->ctx, j->err);
    if (status) return status;
    adjust(j->piece, i, first, rows);
    if ((status = check_finite(j, i, rows * columns)) != PS__OK) return status;
    if (!is_int8(j, i)) return write_at(j, j->piece, rows * columns * 4, j->data + i->place + first * columns * 4);
    int8_t *fine = is_fine(j, i) ? j->levels + j->piece_room : NULL;
    quantise(j, fine, rows * i->groups, columns / i->groups);
    status = write_at(j, j->scales, rows * i->groups * 4, j->data + i->scale_place + first * i->groups * 4);
    if (!status) status = write_at(j, j->levels, rows * columns, j->data + i->place + first * columns);
    return status || !fine ? status : write_at(j, fine, rows * columns, j->data + i->fine_place + first * columns);
}

static int write_item(job *j, const ps__item *i) {
    if (!i->fill) return write_at(j, i->ctx, i->count * (i->type == PS__U8 ? 1 : 4), j->data + i->place);
    int status = make_room(j, i);
    int64_t step = rows_at_once(i);
    for (int64_t first = 0; first < i->shape[0] && !status; first += step) {
        int64_t rows = i->shape[0] - first < step ? i->shape[0] - first : step;
        status = write_piece(j, i, first, rows);
        j->done += rows * columns_of(i);
        if (!status && j->progress && j->progress((double)j->done / (double)j->entries, j->payload))
            status = ps__fail(j->err, PS__CANCELLED, "%s: writing was stopped", j->path);
    }
    return status;
}

static int take_checksum(char *out, job *j) {
    enum { BLOCK = 1 << 20 };
    XXH3_state_t *state = XXH3_createState();
    uint8_t *block = ps__malloc(BLOCK);
    int status = state && block ? PS__OK : ps__fail_nomem(j->err);
    if (state) XXH3_64bits_reset(state);
    for (int64_t at = 0; at < j->bytes && !status; at += BLOCK) {
        size_t size = j->bytes - at < BLOCK ? (size_t)(j->bytes - at) : BLOCK;
        if (ps__read_at(j->fd, block, size, (uint64_t)(j->data + at)) != (ssize_t)size)
            status = ps__fail_errno(j->err, errno, "%s: could not be read again", j->path);
        else
            XXH3_64bits_update(state, block, size);
    }
    if (!status) snprintf(out, sizeof NO_CHECKSUM, "%016llx", (unsigned long long)XXH3_64bits_digest(state));
    XXH3_freeState(state);
    ps__free(block);
    return status;
}

static int write_all(job *j) {
    char checksum[sizeof NO_CHECKSUM] = NO_CHECKSUM;
    size_t size = 0;
    place_items(j);
    char *header = make_header(&size, j, checksum);
    if (!header) return ps__fail_nomem(j->err);
    ps__free(header);
    j->data = (int64_t)size;
    int status = PS__OK;
    for (size_t n = 0; n < j->draft->count && !status; n++) status = write_item(j, &j->draft->items[n]);
    if (!status) status = take_checksum(checksum, j);
    if (status) return status;
    header = make_header(&size, j, checksum);
    if (!header) return ps__fail_nomem(j->err);
    status = write_at(j, header, (int64_t)size, 0);
    ps__free(header);
    return status;
}

int ps__draft_write(ps__draft *draft, const char *path, int precision, ps__draft_progress_fn *progress, void *payload,
                    ps__error *err) {
    char temp[PATH_MAX];
    job j = {.draft = draft, .precision = precision, .path = path, .progress = progress, .payload = payload, .err = err};
    int status = ps__begin_file(temp, &j.fd, path, err);
    if (status) return status;
    status = write_all(&j);
    ps__free(j.piece);
    ps__free(j.levels);
    ps__free(j.scales);
    if (!status) return ps__commit_file(temp, j.fd, path, err);
    ps__abandon_file(temp, j.fd);
    return status;
}
