// float16 as far as generated kernels go: bits to float and back, rounding to the nearest even.
#pragma once

struct __half { unsigned short bits; };
static inline unsigned short __half_as_ushort(__half h) { return h.bits; }
static inline __half __ushort_as_half(unsigned short bits) { return {bits}; }

static inline float __half2float(__half h) {
    const unsigned int sign = (h.bits & 0x8000u) << 16, rest = h.bits & 0x7fffu;
    if (rest >= 0x7c00u) return __uint_as_float(sign | 0x7f800000u | (rest & 0x3ffu) << 13);
    if (rest >= 0x400u) return __uint_as_float(sign | ((rest << 13) + 0x38000000u));
    const float small = (float)rest * 5.9604644775390625e-8f;  // 2**-24: exact
    return __uint_as_float(sign | __float_as_uint(small));
}

static inline __half __float2half_rn(float x) {
    const unsigned int bits = __float_as_uint(x), sign = bits >> 16 & 0x8000u;
    const unsigned int size = bits & 0x7fffffffu;
    if (size > 0x7f800000u) return {0x7fff};  // one nan for all, as the device has it
    if (size >= 0x477ff000u) return {(unsigned short)(sign | 0x7c00u)};
    if (size < 0x38800000u) {  // subnormal: the sum rounds to a multiple of 2**-24
        const unsigned int sum = __float_as_uint(__uint_as_float(size) + 0.5f);
        return {(unsigned short)(sign | (sum - 0x3f000000u))};
    }
    const unsigned int odd = size >> 13 & 1u;
    return {(unsigned short)(sign | (size - 0x38000000u + 0xfffu + odd) >> 13)};
}
static inline __half __float2half(float x) { return __float2half_rn(x); }
