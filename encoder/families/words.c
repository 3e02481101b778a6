/*
** The table of word vectors, which text families share: INT8, INT8 in two steps, INT4 in pairs, or float32.
*/
#include "encoder/families/families.h"

#define WORDS "text.embed.word"
#define WEIGHT WORDS ".weight"
#define SCALE WORDS ".scale"

/* I8 [vocab][width], U8 [vocab][width / 2] that holds INT4, or F32 [vocab][width]. */
static int find_words(ps__word_table *words, int64_t *vocab, const ps__package *package, int width, ps__error *err) {
    const ps__tensor *weight = ps__package_find(package, WEIGHT);
    int type = weight && (weight->type == PS__U8 || weight->type == PS__F32) ? weight->type : PS__I8;
    const int64_t shape[2] = {-1, type == PS__U8 ? width / 2 : width};
    int status = ps__package_need(&weight, package, type, 2, shape, err, WEIGHT);
    if (!status && type == PS__U8 && width % 2)
        status = ps__fail(err, PS__MODEL, "%s: tensor " WEIGHT " holds INT4 pairs, but a row has an odd number of entries",
                          ps__package_path(package));
    if (status) return status;
    words->weights = weight->data;
    words->is_int4 = type == PS__U8;
    words->is_float = type == PS__F32;
    *vocab = weight->shape[0];
    return PS__OK;
}

/* F32 [vocab], or [vocab][groups]. A negative one is fine: some 4-bit formats turn the sign so that -8 is used. */
static int find_scales(ps__word_table *words, int64_t vocab, const ps__package *package, int width, ps__error *err) {
    const ps__tensor *scale = ps__package_find(package, SCALE);
    int rank = scale && scale->rank == 2 ? 2 : 1;
    const int64_t shape[2] = {vocab, -1}, groups = rank == 2 ? scale->shape[1] : 1;
    int status = ps__package_need(&scale, package, PS__F32, rank, shape, err, SCALE);
    if (!status && groups != 1 && (groups < 1 || groups > width || width % (groups * 16)))
        status =
            ps__fail(err, PS__MODEL, "%s: tensor " SCALE " has %lld groups, which do not cut %d entries into multiples of 16",
                     ps__package_path(package), (long long)groups, width);
    if (status) return status;
    words->scale = scale->data;
    words->groups = (int)groups;
    return PS__OK;
}

int ps__family_words(ps__word_table *out, int64_t *vocab, const ps__package *package, int width, ps__error *err) {
    *out = (ps__word_table){.groups = 1};
    int status = find_words(out, vocab, package, width, err);
    if (status || out->is_float) return status;
    const int64_t shape[2] = {*vocab, width};
    status = find_scales(out, *vocab, package, width, err);
    return status || out->is_int4 ? status : ps__family_fine(&out->fine, package, WORDS, shape, err);
}
