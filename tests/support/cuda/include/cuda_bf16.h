// bfloat16 as far as generated kernels go: bits to float and back, rounding to the nearest even.
#pragma once

struct __nv_bfloat16 { unsigned short bits; };
static inline unsigned short __bfloat16_as_ushort(__nv_bfloat16 h) { return h.bits; }
static inline __nv_bfloat16 __ushort_as_bfloat16(unsigned short bits) { return {bits}; }

static inline float __bfloat162float(__nv_bfloat16 h) {
    return __uint_as_float((unsigned int)h.bits << 16);
}

static inline __nv_bfloat16 __float2bfloat16_rn(float x) {
    const unsigned int bits = __float_as_uint(x);
    if ((bits & 0x7fffffffu) > 0x7f800000u) return {0x7fff};  // one nan for all, as the device has it
    return {(unsigned short)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16)};
}
static inline __nv_bfloat16 __float2bfloat16(float x) { return __float2bfloat16_rn(x); }
