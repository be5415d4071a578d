// complex<T> with the members, operators and functions of CuPy's header. Division scales by
// |re| + |im| of the divisor and pow is exp(log(z) * w), as there; the functions are those of C.
#pragma once

namespace thrust {
template <class T> struct __align__(2 * sizeof(T)) complex {
    typedef T value_type;
    complex() = default;
    complex(const complex&) = default;
    complex(const T& re) : parts{re, T()} {}
    complex(const T& re, const T& im) : parts{re, im} {}
    template <class X> complex(const complex<X>& z) : parts{T(z.real()), T(z.imag())} {}
    complex& operator=(const complex&) = default;
    T real() const { return parts[0]; }
    T imag() const { return parts[1]; }
    void real(T re) { parts[0] = re; }
    void imag(T im) { parts[1] = im; }
    complex& operator+=(const complex z) { return *this = *this + z; }
    complex& operator-=(const complex z) { return *this = *this - z; }
    complex& operator*=(const complex z) { return *this = *this * z; }
    complex& operator/=(const complex z) { return *this = *this / z; }

  private:
    T parts[2];
};

template <class T> inline complex<T> operator+(const complex<T>& a, const complex<T>& b) {
    return complex<T>(a.real() + b.real(), a.imag() + b.imag());
}
template <class T> inline complex<T> operator+(const complex<T>& a, const T& b) {
    return complex<T>(a.real() + b, a.imag());
}
template <class T> inline complex<T> operator+(const T& a, const complex<T>& b) { return b + a; }
template <class T> inline complex<T> operator-(const complex<T>& a, const complex<T>& b) {
    return complex<T>(a.real() - b.real(), a.imag() - b.imag());
}
template <class T> inline complex<T> operator-(const complex<T>& a, const T& b) {
    return complex<T>(a.real() - b, a.imag());
}
template <class T> inline complex<T> operator-(const T& a, const complex<T>& b) {
    return complex<T>(a - b.real(), -b.imag());
}
template <class T> inline complex<T> operator*(const complex<T>& a, const complex<T>& b) {
    return complex<T>(a.real() * b.real() - a.imag() * b.imag(),
                      a.real() * b.imag() + a.imag() * b.real());
}
template <class T> inline complex<T> operator*(const complex<T>& a, const T& b) {
    return complex<T>(a.real() * b, a.imag() * b);
}
template <class T> inline complex<T> operator*(const T& a, const complex<T>& b) { return b * a; }
template <class T> inline complex<T> operator/(const complex<T>& a, const complex<T>& b) {
    const T scale = T(1) / (T(fabs(b.real())) + T(fabs(b.imag())));
    const complex<T> top = a * scale, below = b * scale;
    const T inverse = T(1) / (below.real() * below.real() + below.imag() * below.imag());
    return complex<T>((top.real() * below.real() + top.imag() * below.imag()) * inverse,
                      (top.imag() * below.real() - top.real() * below.imag()) * inverse);
}
template <class T> inline complex<T> operator/(const complex<T>& a, const T& b) {
    return complex<T>(a.real() / b, a.imag() / b);
}
template <class T> inline complex<T> operator/(const T& a, const complex<T>& b) {
    return complex<T>(a) / b;
}
template <class T> inline complex<T> operator+(const complex<T>& z) { return z; }
template <class T> inline complex<T> operator-(const complex<T>& z) { return z * -T(1); }

template <class T> inline bool operator==(const complex<T>& a, const complex<T>& b) {
    return a.real() == b.real() && a.imag() == b.imag();
}
template <class T> inline bool operator==(const complex<T>& a, const T& b) {
    return a.real() == b && a.imag() == T(0);
}
template <class T> inline bool operator==(const T& a, const complex<T>& b) { return b == a; }
template <class T> inline bool operator!=(const complex<T>& a, const complex<T>& b) {
    return !(a == b);
}
template <class T> inline bool operator!=(const complex<T>& a, const T& b) { return !(a == b); }
template <class T> inline bool operator!=(const T& a, const complex<T>& b) { return !(a == b); }
// NumPy's order: by the real parts, then by the imaginary ones
template <class T> inline bool operator<(const complex<T>& a, const complex<T>& b) {
    return a.real() < b.real() || (a.real() == b.real() && a.imag() < b.imag());
}
template <class T> inline bool operator>(const complex<T>& a, const complex<T>& b) { return b < a; }
template <class T> inline bool operator<=(const complex<T>& a, const complex<T>& b) {
    return a == b || a < b;
}
template <class T> inline bool operator>=(const complex<T>& a, const complex<T>& b) {
    return b <= a;
}

inline float abs(const complex<float>& z) { return hypotf(z.real(), z.imag()); }
inline double abs(const complex<double>& z) { return ::hypot(z.real(), z.imag()); }
inline float arg(const complex<float>& z) { return atan2f(z.imag(), z.real()); }
inline double arg(const complex<double>& z) { return ::atan2(z.imag(), z.real()); }
template <class T> inline T norm(const complex<T>& z) {
    return z.real() * z.real() + z.imag() * z.imag();
}
template <class T> inline T real(const complex<T>& z) { return z.real(); }
template <class T> inline T imag(const complex<T>& z) { return z.imag(); }
template <class T> inline complex<T> conj(const complex<T>& z) {
    return complex<T>(z.real(), -z.imag());
}

template <class C, class T> inline C emulated_complex(const complex<T>& z) {
    C found;
    __real__ found = z.real();
    __imag__ found = z.imag();
    return found;
}
#define EMULATED_FUNCTION(name)                                                        \
    inline complex<float> name(const complex<float>& z) {                              \
        const auto y = __builtin_c##name##f(emulated_complex<_Complex float>(z));      \
        return complex<float>(__real__ y, __imag__ y);                                 \
    }                                                                                  \
    inline complex<double> name(const complex<double>& z) {                            \
        const auto y = __builtin_c##name(emulated_complex<_Complex double>(z));        \
        return complex<double>(__real__ y, __imag__ y);                                \
    }
EMULATED_FUNCTION(exp)
EMULATED_FUNCTION(log)
EMULATED_FUNCTION(sqrt)
EMULATED_FUNCTION(sin)
EMULATED_FUNCTION(cos)
EMULATED_FUNCTION(tan)
EMULATED_FUNCTION(sinh)
EMULATED_FUNCTION(cosh)
EMULATED_FUNCTION(tanh)
EMULATED_FUNCTION(asin)
EMULATED_FUNCTION(acos)
EMULATED_FUNCTION(atan)
EMULATED_FUNCTION(asinh)
EMULATED_FUNCTION(acosh)
EMULATED_FUNCTION(atanh)
#undef EMULATED_FUNCTION

template <class T> inline complex<T> log10(const complex<T>& z) {
    return log(z) / T(2.30258509299404568402);
}
template <class T> inline complex<T> pow(const complex<T>& z, const complex<T>& w) {
    return exp(log(z) * w);
}
template <class T> inline complex<T> pow(const complex<T>& z, const T& w) {
    return exp(log(z) * w);
}
template <class T> inline complex<T> pow(const T& z, const complex<T>& w) {
    return exp(::log(z) * w);
}
template <class T> inline complex<T> polar(const T& m, const T& theta) {
    return complex<T>(m * ::cos(theta), m * ::sin(theta));
}
}  // namespace thrust

template <class T> struct emulated::is_complex<thrust::complex<T>> : std::true_type {};

using thrust::complex;
using thrust::abs;
using thrust::acos;
using thrust::acosh;
using thrust::arg;
using thrust::asin;
using thrust::asinh;
using thrust::atan;
using thrust::atanh;
using thrust::conj;
using thrust::cos;
using thrust::cosh;
using thrust::exp;
using thrust::imag;
using thrust::log;
using thrust::log10;
using thrust::real;
using thrust::sin;
using thrust::sinh;
using thrust::tan;
using thrust::tanh;

template <class T> bool isnan(const complex<T>& z) { return isnan(z.real()) || isnan(z.imag()); }
template <class T> bool isinf(const complex<T>& z) { return isinf(z.real()) || isinf(z.imag()); }
template <class T> bool isfinite(const complex<T>& z) {
    return isfinite(z.real()) && isfinite(z.imag());
}
template <class T> complex<T> log1p(complex<T> z) { return log(z + T(1)); }
template <class T> complex<T> log2(complex<T> z) { return log(z) / T(0.69314718055994530942); }
template <class T> complex<T> expm1(complex<T> z) { return exp(z) - T(1); }
template <class T> complex<T> rint(complex<T> z) {
    return complex<T>(rint(z.real()), rint(z.imag()));
}
template <class T> complex<T> min(complex<T> x, complex<T> y) {
    return isnan(x) ? y : isnan(y) ? x : x < y ? x : y;
}
template <class T> complex<T> max(complex<T> x, complex<T> y) {
    return isnan(x) ? y : isnan(y) ? x : x < y ? y : x;
}
