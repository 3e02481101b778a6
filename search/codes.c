/*
** Coding vectors and scanning the codes; see codes.h.
**
** Products of 8 and 16 bits are summed in 32: the query's scale is chosen so that no sum can leave them.
*/
#include "search/codes.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "base/alloc.h"
#include "base/cpu.h"

#define SLACK 2e-6 /* more than what rounding in double, and of an exact cosine to float, can come to */

/* How a vector of the codes is to be read. */
typedef struct info {
    float scale; /* x is about scale * code */
    float error; /* length of the rest, rounded up */
    float length; /* of scale * code, rounded up */
} info;

struct ps__codes {
    size_t dim, count, room;
    int64_t *photos; /* [room] ascending */
    info *infos;     /* [room] */
    int8_t *codes;   /* [room][dim] */
    int owns;        /* 1: the three arrays */
};

typedef int32_t dot_fn(const int8_t *code, const int16_t *query, size_t dim);

/* One probe in 16 bits. */
typedef struct rounded {
    int16_t *numbers; /* [dim] */
    double scale;     /* the vector is about scale * numbers */
    double error;     /* length of the rest */
    double length;    /* of the vector */
} rounded;

struct ps__code_query {
    size_t dim, count;
    ps__probe *probes; /* [count] their vectors are in `floats` */
    float *floats;     /* [count][dim] */
    int16_t *numbers;  /* [count][dim] */
    rounded *rounded;  /* [count] */
    double slack;      /* of a score */
    dot_fn *dot;
};

/* ---- Scores ---- */

double ps__probes_score(const ps__probe *probes, const double *cosines, size_t count) {
    double score = 0;
    for (size_t i = 0; i < count;) {
        double best = cosines[i];
        size_t next = i + 1;
        for (; next < count && probes[next].group == probes[i].group; next++)
            if (cosines[next] > best) best = cosines[next];
        score += probes[i].weight * best;
        i = next;
    }
    return score;
}

/* What the score is at most when each cosine lies within `off` of `cosines`. */
static double most_of(const ps__code_query *q, const double *cosines, const double *off) {
    double most = 0;
    for (size_t i = 0; i < q->count;) {
        double low = cosines[i] - off[i], high = cosines[i] + off[i];
        size_t next = i + 1;
        for (; next < q->count && q->probes[next].group == q->probes[i].group; next++) {
            if (cosines[next] - off[next] > low) low = cosines[next] - off[next];
            if (cosines[next] + off[next] > high) high = cosines[next] + off[next];
        }
        most += q->probes[i].weight * (q->probes[i].weight < 0 ? low : high);
        i = next;
    }
    return most + q->slack;
}

/* ---- Products ---- */

static int32_t dot_portable(const int8_t *code, const int16_t *query, size_t dim) {
    int32_t sum = 0;
    for (size_t i = 0; i < dim; i++) sum += code[i] * query[i];
    return sum;
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static int32_t dot_avx2(const int8_t *code, const int16_t *query, size_t dim) {
    __m256i a = _mm256_setzero_si256(), b = a;
    size_t i = 0;
    for (; i + 32 <= dim; i += 32) {
        __m256i low = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(code + i)));
        __m256i high = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(code + i + 16)));
        a = _mm256_add_epi32(a, _mm256_madd_epi16(low, _mm256_loadu_si256((const __m256i *)(query + i))));
        b = _mm256_add_epi32(b, _mm256_madd_epi16(high, _mm256_loadu_si256((const __m256i *)(query + i + 16))));
    }
    a = _mm256_add_epi32(a, b);
    __m128i s = _mm_add_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1));
    return _mm_cvtsi128_si32(s) + dot_portable(code + i, query + i, dim - i);
}
#endif

static dot_fn *choose_dot(void) {
#if defined(__x86_64__)
    if (ps__cpu_features() & PS__CPU_AVX2) return dot_avx2;
#endif
    return dot_portable;
}

static double length_of(const float *x, size_t dim) {
    double sum = 0;
    for (size_t i = 0; i < dim; i++) sum += (double)x[i] * (double)x[i];
    return sqrt(sum);
}

/* ---- The query ---- */

/* Numbers of up to 32767, and so few that 127 times their sum stays below 2^31. */
static void round_probe(rounded *r, const float *vector, size_t dim) {
    double greatest = 0, sum = 0, rest = 0;
    for (size_t i = 0; i < dim; i++) {
        double size = fabs((double)vector[i]);
        sum += size;
        if (size > greatest) greatest = size;
    }
    double most = (2147483647.0 / 127 - (double)dim) / (sum > 0 ? sum : 1), steps = greatest > 0 ? 32767 / greatest : 1;
    if (steps > most) steps = most;
    r->scale = 1 / steps;
    for (size_t i = 0; i < dim; i++) {
        r->numbers[i] = (int16_t)lrint((double)vector[i] * steps);
        double left = (double)vector[i] - r->scale * r->numbers[i];
        rest += left * left;
    }
    r->error = sqrt(rest) * (1 + 1e-9);
    r->length = length_of(vector, dim) * (1 + 1e-9);
}

int ps__code_query_new(ps__code_query **out, const ps__probe *probes, size_t count, int dim, ps__error *err) {
    size_t row = (size_t)dim;
    ps__code_query *q = ps__calloc(1, sizeof *q);
    *out = NULL;
    if (!q) return ps__fail_nomem(err);
    q->dim = row;
    q->count = count;
    q->dot = choose_dot();
    q->probes = ps__array(count, sizeof *q->probes);
    q->floats = ps__array(count, row * sizeof *q->floats);
    q->numbers = ps__array(count, row * sizeof *q->numbers);
    q->rounded = ps__array(count, sizeof *q->rounded);
    if (!q->probes || !q->floats || !q->numbers || !q->rounded) {
        ps__code_query_free(q);
        return ps__fail_nomem(err);
    }
    for (size_t i = 0; i < count; i++) {
        float *vector = q->floats + i * row;
        memcpy(vector, probes[i].vector, row * sizeof *vector);
        q->probes[i] = (ps__probe){vector, probes[i].weight, probes[i].group};
        q->rounded[i].numbers = q->numbers + i * row;
        round_probe(&q->rounded[i], vector, row);
        q->slack += SLACK * (1 + fabs(probes[i].weight));
    }
    *out = q;
    return PS__OK;
}

void ps__code_query_free(ps__code_query *query) {
    if (!query) return;
    ps__free(query->probes);
    ps__free(query->floats);
    ps__free(query->numbers);
    ps__free(query->rounded);
    ps__free(query);
}

static double cosine(const float *a, const float *b, size_t dim) {
    double sums[4] = {0};
    size_t i = 0;
    for (; i + 4 <= dim; i += 4)
        for (size_t lane = 0; lane < 4; lane++) sums[lane] += (double)a[i + lane] * (double)b[i + lane];
    for (; i < dim; i++) sums[0] += (double)a[i] * (double)b[i];
    return sums[0] + sums[1] + sums[2] + sums[3];
}

double ps__code_query_bound(const ps__code_query *query, const float *vector) {
    const ps__probe *p = query->probes;
    double most = query->slack;
    for (size_t i = 0; i < query->count;) {
        double best = cosine(p[i].vector, vector, query->dim);
        size_t next = i + 1;
        for (; next < query->count && p[next].group == p[i].group; next++) best = fmax(best, cosine(p[next].vector, vector, query->dim));
        most += p[i].weight * best;
        i = next;
    }
    return most;
}

/* ---- Bounds ---- */

int ps__bounds_add(ps__bounds *bounds, int64_t photo, double most, ps__error *err) {
    if (bounds->count == bounds->room) {
        size_t room = bounds->room ? bounds->room * 2 : 1024;
        ps__bound *more = ps__realloc(bounds->list, room * sizeof *more);
        if (!more) return ps__fail_nomem(err);
        bounds->list = more;
        bounds->room = room;
    }
    bounds->list[bounds->count++] = (ps__bound){most, photo};
    return PS__OK;
}

static void sift(ps__bounds *b, size_t at) {
    ps__bound moved = b->list[at];
    for (size_t child; (child = 2 * at + 1) < b->count; at = child) {
        if (child + 1 < b->count && b->list[child + 1].most > b->list[child].most) child++;
        if (b->list[child].most <= moved.most) break;
        b->list[at] = b->list[child];
    }
    b->list[at] = moved;
}

void ps__bounds_heap(ps__bounds *bounds) {
    for (size_t i = bounds->count / 2; i-- > 0;) sift(bounds, i);
}

ps__bound ps__bounds_pop(ps__bounds *bounds) {
    ps__bound top = bounds->list[0];
    bounds->list[0] = bounds->list[--bounds->count];
    if (bounds->count) sift(bounds, 0);
    return top;
}

/* ---- Codes ---- */

int ps__codes_new(ps__codes **out, int dim, size_t room, ps__error *err) {
    ps__codes *codes = ps__calloc(1, sizeof *codes);
    *out = NULL;
    if (!codes) return ps__fail_nomem(err);
    codes->dim = (size_t)dim;
    codes->room = room;
    codes->owns = 1;
    codes->photos = ps__array(room, sizeof *codes->photos);
    codes->infos = ps__array(room, sizeof *codes->infos);
    codes->codes = ps__array(room, codes->dim);
    if (!codes->photos || !codes->infos || !codes->codes) {
        ps__codes_free(codes);
        return ps__fail_nomem(err);
    }
    *out = codes;
    return PS__OK;
}

void ps__codes_free(ps__codes *codes) {
    if (!codes) return;
    if (codes->owns) {
        ps__free(codes->photos);
        ps__free(codes->infos);
        ps__free(codes->codes);
    }
    ps__free(codes);
}

static info encode(int8_t *code, const float *x, size_t dim) {
    double greatest = 0, rest = 0, length = 0;
    for (size_t i = 0; i < dim; i++)
        if (fabs((double)x[i]) > greatest) greatest = fabs((double)x[i]);
    float scale = (float)(greatest / 127), inverse = scale > 1e-30f ? 1 / scale : 0;
    for (size_t i = 0; i < dim; i++) {
        float level = x[i] * inverse + 12582912.0f - 12582912.0f; /* to the nearest integer: 1.5 * 2^23 has steps of 1 */
        code[i] = (int8_t)(level > 127 ? 127 : level < -127 ? -127 : level);
        double near = (double)scale * code[i], left = (double)x[i] - near;
        rest += left * left;
        length += near * near;
    }
    return (info){scale, (float)(sqrt(rest) * (1 + 1e-6) + 1e-9), (float)(sqrt(length) * (1 + 1e-6) + 1e-9)};
}

int ps__codes_add(ps__codes *codes, const int64_t *photos, const float *vectors, size_t n, ps__error *err) {
    if (n > codes->room - codes->count) return ps__fail(err, PS__INVALID, "more vectors than there is room for");
    for (size_t i = 0; i < n; i++) {
        size_t at = codes->count;
        if (at && photos[i] <= codes->photos[at - 1]) return ps__fail(err, PS__INVALID, "vectors are not in the order of photos");
        codes->photos[at] = photos[i];
        codes->infos[at] = encode(codes->codes + at * codes->dim, vectors + i * codes->dim, codes->dim);
        codes->count++;
    }
    return PS__OK;
}

void ps__codes_pieces(ps__piece out[3], const ps__codes *codes) {
    out[0] = (ps__piece){codes->photos, codes->count * sizeof *codes->photos};
    out[1] = (ps__piece){codes->infos, codes->count * sizeof *codes->infos};
    out[2] = (ps__piece){codes->codes, codes->count * codes->dim};
}

int ps__codes_view(ps__codes **out, const uint8_t *bytes, size_t size, int dim, size_t count, ps__error *err) {
    size_t row = sizeof(int64_t) + sizeof(info) + (size_t)dim;
    *out = NULL;
    if (size % row != 0 || size / row != count) return ps__fail(err, PS__CORRUPT, "codes of a wrong size were found");
    ps__codes *codes = ps__calloc(1, sizeof *codes);
    if (!codes) return ps__fail_nomem(err);
    codes->dim = (size_t)dim;
    codes->count = codes->room = count;
    /* Never written to, as it is not owned. */
    codes->photos = (int64_t *)(uintptr_t)bytes;
    codes->infos = (info *)(uintptr_t)(bytes + count * sizeof(int64_t));
    codes->codes = (int8_t *)(uintptr_t)(bytes + count * (sizeof(int64_t) + sizeof(info)));
    *out = codes;
    return PS__OK;
}

/* ---- Scanning ---- */

/* The first place from `at` on whose photo is not smaller. Near places are found at once. */
static size_t advance(const ps__codes *codes, size_t at, int64_t photo) {
    size_t step = 1, high = at;
    while (high < codes->count && codes->photos[high] < photo) {
        at = high + 1;
        high += step;
        step *= 2;
    }
    if (high > codes->count) high = codes->count;
    while (at < high) {
        size_t middle = at + (high - at) / 2;
        if (codes->photos[middle] < photo)
            at = middle + 1;
        else
            high = middle;
    }
    return at;
}

/* cosines and off: room for the query's probes. */
static double bound_of(const ps__codes *codes, size_t at, const ps__code_query *q, double *cosines, double *off) {
    const info *in = &codes->infos[at];
    for (size_t i = 0; i < q->count; i++) {
        const rounded *r = &q->rounded[i];
        int32_t product = q->dot(codes->codes + at * codes->dim, r->numbers, codes->dim);
        cosines[i] = (double)in->scale * r->scale * product;
        off[i] = r->length * ((double)in->error + 1e-7 * (double)in->length) + r->error * (double)in->length;
    }
    double most = most_of(q, cosines, off);
    return most <= DBL_MAX ? most : INFINITY; /* also what is no number */
}

int ps__codes_scan(ps__bounds *bounds, const ps__codes *codes, const ps__code_query *query, const int64_t *photos, size_t count,
                   ps__error *err) {
    double *cosines = ps__array(query->count, 2 * sizeof *cosines), *off = cosines + query->count;
    int status = cosines ? PS__OK : ps__fail_nomem(err);
    if (!photos)
        for (size_t at = 0; status == PS__OK && at < codes->count; at++)
            status = ps__bounds_add(bounds, codes->photos[at], bound_of(codes, at, query, cosines, off), err);
    for (size_t i = 0, at = 0; photos && status == PS__OK && i < count; i++) {
        at = advance(codes, at, photos[i]);
        if (at == codes->count) break;
        if (codes->photos[at] == photos[i])
            status = ps__bounds_add(bounds, photos[i], bound_of(codes, at, query, cosines, off), err);
    }
    ps__free(cosines);
    return status;
}
