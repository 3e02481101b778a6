/*
** IEEE 754 binary16, by integer arithmetic on the bits.
*/
#include "base/half.h"

#include <string.h>

uint16_t ps__half_from_float(float x) {
    uint32_t bits;
    memcpy(&bits, &x, 4);
    uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7FFFFFFF;
    if (magnitude > 0x7F800000) return (uint16_t)(sign | 0x7E00);  /* NaN */
    if (magnitude >= 0x477FF000) return (uint16_t)(sign | 0x7C00); /* rounds to 65536 or more: infinity */
    if (magnitude < 0x33000001) return (uint16_t)sign;             /* half of the least subnormal or less: 0 */
    int exponent = (int)(magnitude >> 23) - 127;
    uint32_t mantissa = (magnitude & 0x7FFFFF) | 0x800000;
    int drop = exponent < -14 ? -1 - exponent : 13; /* mantissa bits that do not fit: 14..24 for subnormals */
    uint32_t kept = mantissa >> drop, rest = mantissa & ((1u << drop) - 1), tie = 1u << (drop - 1);
    uint32_t result = exponent < -14 ? kept : ((uint32_t)(exponent + 14) << 10) + kept;
    if (rest > tie || (rest == tie && (result & 1))) result++;
    return (uint16_t)(sign | result);
}

float ps__half_to_float(uint16_t h) {
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = h >> 10 & 0x1F, mantissa = h & 0x3FF, bits;
    if (exponent == 31) {
        bits = sign | 0x7F800000 | mantissa << 13;
    } else if (exponent) {
        bits = sign | (exponent + 112) << 23 | mantissa << 13;
    } else {
        float value = (float)mantissa * 0x1p-24f;
        return sign ? -value : value;
    }
    float value;
    memcpy(&value, &bits, 4);
    return value;
}

void ps__halves_from_floats(uint16_t *out, const float *x, size_t n) {
    for (size_t i = 0; i < n; i++) out[i] = ps__half_from_float(x[i]);
}

void ps__halves_to_floats(float *out, const uint16_t *h, size_t n) {
    for (size_t i = 0; i < n; i++) out[i] = ps__half_to_float(h[i]);
}
