/*
** Depthwise convolution over vectors of channels, written once and compiled for each width of vector. A file defines, and
** includes this for each width:
**
**   DW(name)        a name with the width's suffix
**   DW_VEC          a vector of DW_BYTES bytes
**   DW_OUTPUTS      neighbouring pixels summed at once, as many as the registers hold
**   DW_FEWER_OUTPUTS   the same for rows that this number divides better
**   DW_LOAD(p), DW_STORE(p, v)                   whole vectors, aligned
**   DW_LOAD_SOME(p, n), DW_STORE_SOME(p, v, n)   the first n bytes, anywhere
**   DW_FILL(b)                                   one byte in all lanes
**   DW_UNPACK(low|high, bits, a, b)              interleaved in each 128 bits
**   DW_DOT4(sum, x, w)                           sum + four-way products of u8 x and s8 w
**   DW_LEVELS(sum, scale, bias, e)               int32 sums to levels as int32
**   DW_PACK_16(a, b), DW_PACK_8(a, b, e)         two vectors of levels to 16 bits, two of those to u8
**
** Taps are laid out first: four lines of a column of inputs side by side, for each channel, so that one four-way product takes
** them all. As k is no multiple of 4, the groups of a column serve several output rows, which differ only in how far the weights
** are shifted down; there is a copy of the weights for each, made when a block of channels begins.
*/

#ifndef PS_KERNELS_DEPTHWISE_H
#define PS_KERNELS_DEPTHWISE_H

/* Output columns whose inputs are laid out at once, so that they stay in the first-level cache. */
enum { DW_STRIP = 24 };

/* A block's weights for an output row whose taps begin `shift` lines below the first of the group: every channel's column of
** taps, 4 or 8 bytes, moved up by so many bytes. */
static void shifted_weights(int8_t *to, const int8_t *from, int k, int groups, int shift) {
    const uint32_t *w = (const uint32_t *)(const void *)from;
    uint32_t *out = (uint32_t *)(void *)to;
    int left = 8 * shift;
    for (int kx = 0; kx < k; kx++, w += groups * 64, out += groups * 64) {
        for (int i = 0; i < 64; i++) out[i] = w[i] << left;
        if (groups == 2)
            for (int i = 0; i < 64; i++) out[64 + i] = left ? w[64 + i] << left | w[i] >> (32 - left) : w[64 + i];
    }
}

#endif

/* Four lines of one column, each DW_BYTES channels, to 4 x DW_BYTES bytes: each channel's four side by side. */
INLINE void DW(interleave_group)(uint8_t *to, DW_VEC a, DW_VEC b, DW_VEC c, DW_VEC d) {
    DW_VEC low_ab = DW_UNPACK(lo, 8, a, b), high_ab = DW_UNPACK(hi, 8, a, b);
    DW_VEC low_cd = DW_UNPACK(lo, 8, c, d), high_cd = DW_UNPACK(hi, 8, c, d);
    DW_STORE(to, DW_UNPACK(lo, 16, low_ab, low_cd));
    DW_STORE(to + DW_BYTES, DW_UNPACK(hi, 16, low_ab, low_cd));
    DW_STORE(to + 2 * DW_BYTES, DW_UNPACK(lo, 16, high_ab, high_cd));
    DW_STORE(to + 3 * DW_BYTES, DW_UNPACK(hi, 16, high_ab, high_cd));
}

/* The groups of columns [first, first + columns), padding columns too: groups x 4 x DW_BYTES bytes each. lines: at the first
** channel of those wanted, of which there are count. */
INLINE void DW(interleave)(uint8_t *to, const uint8_t *const *lines, const ps__picture *in, size_t channels, int first,
                           int columns, const int groups, int count) {
    const DW_VEC padding = DW_FILL((char)in->zero);
    const int stop = first + columns, begin = first > 0 ? first : 0, end = stop < in->width ? stop : in->width;
    size_t at = (size_t)begin * channels;
    for (int i = groups * first; i < groups * begin; i++, to += 4 * DW_BYTES)
        DW(interleave_group)(to, padding, padding, padding, padding);
    for (int x = begin; x < end; x++, at += channels)
        UNROLLED for (int g = 0; g < groups; g++, to += 4 * DW_BYTES) {
            const uint8_t *const *four = lines + 4 * g;
            DW(interleave_group)(to, DW_LOAD_SOME(four[0] + at, count), DW_LOAD_SOME(four[1] + at, count),
                                 DW_LOAD_SOME(four[2] + at, count), DW_LOAD_SOME(four[3] + at, count));
        }
    for (int i = groups * end; i < groups * stop; i++, to += 4 * DW_BYTES)
        DW(interleave_group)(to, padding, padding, padding, padding);
}

/* Levels of quarter j of `outputs` neighbouring pixels. The barrier keeps the compiler from loading all quarters' inputs first,
** for which there are no registers. */
INLINE void DW(quarter)(DW_VEC *level, const uint8_t *column, const int8_t *w, const ps__filter *f, size_t place,
                        const epilogue *e, const int j, const int k, const int stride, const int outputs) {
    const int groups = (k + 3) / 4;
    DW_VEC weights[14], sum[DW_OUTPUTS];
    __asm__ volatile("" ::: "memory");
    UNROLLED for (int i = 0; i < k * groups; i++) weights[i] = DW_LOAD(w + i * 256 + j * 64);
    UNROLLED for (int p = 0; p < outputs; p++) sum[p] = DW_LOAD(f->offset + place + 16 * j);
    UNROLLED for (int i = 0; i < (outputs - 1) * stride + k; i++)
        UNROLLED for (int g = 0; g < groups; g++) {
            DW_VEC x = DW_LOAD(column + ((i * groups + g) * 4 + j) * DW_BYTES);
            UNROLLED for (int p = 0; p < outputs; p++)
                if (i >= p * stride && i - p * stride < k) sum[p] = DW_DOT4(sum[p], x, weights[(i - p * stride) * groups + g]);
        }
    UNROLLED for (int p = 0; p < outputs; p++)
        level[p] = DW_LEVELS(sum[p], f->scale + place + 16 * j, f->bias + place + 16 * j, e);
}

/* `outputs` neighbouring pixels of one output row. column: the first one's groups; w, place: the first channel's, of this row. */
INLINE void DW(pixels)(uint8_t *out, const uint8_t *column, const int8_t *w, const ps__filter *f, size_t place, const epilogue *e,
                       int count, const int k, const int stride, const int outputs) {
    DW_VEC half[2][DW_OUTPUTS], level[2][DW_OUTPUTS];
    UNROLLED for (int h = 0; h < 2; h++) {
        DW(quarter)(level[0], column, w, f, place, e, 2 * h, k, stride, outputs);
        DW(quarter)(level[1], column, w, f, place, e, 2 * h + 1, k, stride, outputs);
        UNROLLED for (int p = 0; p < outputs; p++) half[h][p] = DW_PACK_16(level[0][p], level[1][p]);
    }
    UNROLLED for (int p = 0; p < outputs; p++)
        DW_STORE_SOME(out + (size_t)p * (size_t)f->channels, DW_PACK_8(half[0][p], half[1][p], e), count);
}

/* One output row of DW_BYTES channels. The last pixels may be done twice, which is cheaper than one by one. */
INLINE void DW(row)(uint8_t *out, int out_width, const uint8_t *scratch, const int8_t *w, const ps__filter *f, size_t place,
                    const epilogue *e, int count, const int k, const int stride) {
    const int most = DW_OUTPUTS, fewer = DW_FEWER_OUTPUTS, pixel = stride * ((k + 3) / 4) * 4 * DW_BYTES;
    const int waste = (most - out_width % most) % most, fewer_waste = (fewer - out_width % fewer) % fewer;
    const int step = out_width < fewer ? 1 : out_width < most || fewer_waste < waste ? fewer : most;
    for (int next = 0; next < out_width; next += step) {
        int x = next + step <= out_width ? next : out_width - step;
        uint8_t *to = out + (size_t)x * (size_t)f->channels;
        const uint8_t *column = scratch + (size_t)x * (size_t)pixel;
        if (step == most)
            DW(pixels)(to, column, w, f, place, e, count, k, stride, most);
        else if (step == fewer)
            DW(pixels)(to, column, w, f, place, e, count, k, stride, fewer);
        else
            DW(pixels)(to, column, w, f, place, e, count, k, stride, 1);
    }
}

/* Output rows [first, last) of the channels [c, c + DW_BYTES). */
INLINE void DW(channels)(uint8_t *out, int first, int last, const ps__picture *in, const ps__filter *f, const epilogue *e,
                         uint8_t *scratch, int c, const int k, const int stride) {
    const int groups = (k + 3) / 4, most = (4 * groups - k) / stride + 1;
    const int count = f->channels - c < DW_BYTES ? f->channels - c : DW_BYTES;
    const size_t channels = (size_t)f->channels, row = (size_t)in->out_width * channels, copy = (size_t)(k * groups) * 256;
    const size_t lane = (size_t)(c % 64 / 4), place = (size_t)(c / 64 * 64) + lane;
    int8_t *weights = (int8_t *)scratch;
    scratch += 4 * copy;
    for (int r = 0; r < most; r++)
        shifted_weights(weights + (size_t)r * copy, f->weights + (size_t)(c / 64) * copy, k, groups, r * stride);
    for (int y = first; y < last; y += most) {
        const uint8_t *lines[8];
        int rows = last - y < most ? last - y : most;
        ps__picture_lines(lines, in, f->channels, y * stride - in->pad_y, 4 * groups);
        for (int i = 0; i < 4 * groups; i++) lines[i] += c;
        for (int x = 0, width; x < in->out_width; x += width) {
            width = in->out_width - x < DW_STRIP / stride ? in->out_width - x : DW_STRIP / stride;
            uint8_t *to = out + (size_t)y * row + (size_t)x * channels + (size_t)c;
            DW(interleave)(scratch, lines, in, channels, x * stride - in->pad_x, (width - 1) * stride + k, groups, count);
            for (int r = 0; r < rows; r++)
                DW(row)(to + (size_t)r * row, width, scratch, weights + (size_t)r * copy + lane * 4, f, place, e, count, k,
                        stride);
        }
    }
}

#undef DW
#undef DW_VEC
#undef DW_BYTES
#undef DW_OUTPUTS
#undef DW_FEWER_OUTPUTS
#undef DW_LOAD
#undef DW_STORE
#undef DW_LOAD_SOME
#undef DW_STORE_SOME
#undef DW_FILL
#undef DW_UNPACK
#undef DW_DOT4
#undef DW_LEVELS
#undef DW_PACK_16
#undef DW_PACK_8
