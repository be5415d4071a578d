// The words of CUDA C++ that generated kernels use, for an ordinary C++ compiler.
// One thread runs at a time; runtime.cpp says which. What it cannot show is listed in emulator.py.
#pragma once
#include <float.h>
#include <limits.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <type_traits>
#include <utility>

#define __CUDACC__ 1
#define __CUDACC_RTC__ 1
#define __CUDA_ARCH__ 900
#define __global__
#define __device__
#define __host__
#define __shared__ static  // one copy is enough: blocks run one after the other
#define __constant__ static
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __restrict__ __restrict
#define __align__(n) __attribute__((aligned(n)))
#define __launch_bounds__(...)

struct uint3 { unsigned int x, y, z; };
struct dim3 {
    unsigned int x, y, z;
    constexpr dim3(unsigned int x = 1, unsigned int y = 1, unsigned int z = 1) : x(x), y(y), z(z) {}
};
#define EMULATED_VECTORS(T, name, n)                                                     \
    struct __align__(n == 1 ? sizeof(T) : 2 * sizeof(T)) name##2 { T x, y; };            \
    struct __align__(sizeof(T) == 8 ? 16 : 4 * sizeof(T)) name##4 { T x, y, z, w; };     \
    static inline name##2 make_##name##2(T x, T y) { return {x, y}; }                    \
    static inline name##4 make_##name##4(T x, T y, T z, T w) { return {x, y, z, w}; }
EMULATED_VECTORS(float, float, 2)
EMULATED_VECTORS(double, double, 2)
EMULATED_VECTORS(int, int, 2)
EMULATED_VECTORS(unsigned int, uint, 2)
EMULATED_VECTORS(short, short, 2)
EMULATED_VECTORS(unsigned short, ushort, 2)
EMULATED_VECTORS(long long, longlong, 2)
EMULATED_VECTORS(unsigned long long, ulonglong, 2)

namespace emulated {

// ---- the thread that runs now; filled by runtime.cpp, which knows this layout
struct State {
    uint3 thread, block;
    dim3 block_dim, grid_dim;
    void (*barrier)(int line);
};
// not zero at the start: it must not lie among the shared memory, which is filled before each block
static State state = {{0, 0, 0}, {0, 0, 0}, {1, 1, 1}, {1, 1, 1}, nullptr};

// ---- what a kernel takes, as it must be handed over
struct Parameter { char kind; char pointee; int size, align, pointee_size; };
struct Kernel { void (*run)(void** arguments); int count; const Parameter* parameters; };

template <class T> struct is_complex : std::false_type {};

template <class T> constexpr char kind_of() {
    if (std::is_pointer<T>::value) return 'p';
    if (std::is_same<T, bool>::value) return 'b';
    if (std::is_floating_point<T>::value) return 'f';
    if (std::is_unsigned<T>::value) return 'u';
    if (std::is_integral<T>::value) return 'i';
    return is_complex<T>::value ? 'c' : 'V';
}

template <class T> constexpr int size_of() {
    if constexpr (std::is_void<T>::value) return 0;
    else return sizeof(T);
}

template <class T> constexpr Parameter describe() {
    using Pointee = std::remove_cv_t<std::remove_pointer_t<T>>;
    if (!std::is_pointer<T>::value) return {kind_of<T>(), 0, sizeof(T), alignof(T), 0};
    return {'p', kind_of<Pointee>(), sizeof(T), alignof(T), size_of<Pointee>()};
}

template <auto F> struct Launcher;
template <class... P, void (*F)(P...)> struct Launcher<F> {
    static constexpr Parameter parameters[sizeof...(P) + 1] = {describe<std::remove_cv_t<P>>()...};
    template <size_t... I> static void spread(void** a, std::index_sequence<I...>) {
        F(*static_cast<P*>(a[I])...);
    }
    static void run(void** a) { spread(a, std::index_sequence_for<P...>()); }
    static constexpr Kernel kernel() { return {run, sizeof...(P), parameters}; }
};

struct Module { State* state; char *shared, *shared_end; };
}  // namespace emulated

#define EMULATED_EXPORT extern "C" __attribute__((visibility("default")))
// stands behind the text of the kernels
#define EMULATED_KERNEL(number, name) \
    EMULATED_EXPORT const emulated::Kernel emulated_##number = emulated::Launcher<&name>::kernel();
#define EMULATED_MODULE                                                          \
    extern "C" __attribute__((visibility("hidden"))) char __bss_start, _end;     \
    EMULATED_EXPORT void emulated_module(emulated::Module* found) {              \
        *found = {&emulated::state, &__bss_start, &_end};                        \
    }

static uint3& threadIdx = emulated::state.thread;
static uint3& blockIdx = emulated::state.block;
static dim3& blockDim = emulated::state.block_dim;
static dim3& gridDim = emulated::state.grid_dim;
static const int warpSize = 32;
#define __syncthreads() emulated::state.barrier(__LINE__)

// ---- mathematics: CUDA's overloads beside those of C++
static inline float rsqrt(float x) { return 1.0f / sqrtf(x); }
static inline double rsqrt(double x) { return 1.0 / ::sqrt(x); }
static inline float rsqrtf(float x) { return rsqrt(x); }
static inline float pow(float x, int n) { return powf(x, (float)n); }
static inline float exp10(float x) { return ::exp10f(x); }
static inline float sinpi(float x) { return sinf(x * 3.14159265f); }
static inline double sinpi(double x) { return ::sin(x * 3.141592653589793); }
static inline float cospi(float x) { return cosf(x * 3.14159265f); }
static inline double cospi(double x) { return ::cos(x * 3.141592653589793); }

// of floats these are fmin and fmax: nan loses
static inline float min(float a, float b) { return fminf(a, b); }
static inline float max(float a, float b) { return fmaxf(a, b); }
static inline double min(double a, double b) { return ::fmin(a, b); }
static inline double max(double a, double b) { return ::fmax(a, b); }
static inline double min(float a, double b) { return ::fmin((double)a, b); }
static inline double max(float a, double b) { return ::fmax((double)a, b); }
static inline double min(double a, float b) { return ::fmin(a, (double)b); }
static inline double max(double a, float b) { return ::fmax(a, (double)b); }
#define EMULATED_EXTREMES(T)                                 \
    static inline T min(T a, T b) { return b < a ? b : a; }  \
    static inline T max(T a, T b) { return a < b ? b : a; }
EMULATED_EXTREMES(int)
EMULATED_EXTREMES(unsigned int)
EMULATED_EXTREMES(long)
EMULATED_EXTREMES(unsigned long)
EMULATED_EXTREMES(long long)
EMULATED_EXTREMES(unsigned long long)

// ---- bits and rounding that is not contracted
template <class To, class From> static inline To emulated_bits(From x) {
    To y;
    memcpy(&y, &x, sizeof(To));
    return y;
}
static inline int __float_as_int(float x) { return emulated_bits<int>(x); }
static inline unsigned int __float_as_uint(float x) { return emulated_bits<unsigned int>(x); }
static inline float __int_as_float(int x) { return emulated_bits<float>(x); }
static inline float __uint_as_float(unsigned int x) { return emulated_bits<float>(x); }
static inline long long __double_as_longlong(double x) { return emulated_bits<long long>(x); }
static inline double __longlong_as_double(long long x) { return emulated_bits<double>(x); }
static inline float __fadd_rn(float a, float b) { return a + b; }
static inline float __fsub_rn(float a, float b) { return a - b; }
static inline float __fmul_rn(float a, float b) { return a * b; }
static inline float __fdiv_rn(float a, float b) { return a / b; }
static inline float __fsqrt_rn(float x) { return sqrtf(x); }
static inline float __fmaf_rn(float a, float b, float c) { return fmaf(a, b, c); }
static inline double __dadd_rn(double a, double b) { return a + b; }
static inline double __dsub_rn(double a, double b) { return a - b; }
static inline double __dmul_rn(double a, double b) { return a * b; }
static inline double __ddiv_rn(double a, double b) { return a / b; }
static inline double __dsqrt_rn(double x) { return ::sqrt(x); }
static inline double __fma_rn(double a, double b, double c) { return ::fma(a, b, c); }
template <class T> static inline T __ldg(const T* p) { return *p; }
