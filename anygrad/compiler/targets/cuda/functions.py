"""Functions that CUDA has no names for, as templates of CUDA C++; infinity has none either."""

from __future__ import annotations

__all__ = ["FUNCTIONS"]

FUNCTIONS = {
    "logaddexp": """template <class T> __device__ __forceinline__ T logaddexp(T a, T b) {
    return a == b ? a + T(0.69314718055994530942) : a > b ? a + log1p(exp(b - a))
         : a < b ? b + log1p(exp(a - b)) : a + b;
}
""",
    "expit": """template <class T> __device__ __forceinline__ T expit(T x) {
    return T(1) / (T(1) + exp(-x));
}
""",
    "log_expit": """template <class T> __device__ __forceinline__ T log_expit(T x) {
    return x < T(0) ? x - log1p(exp(x)) : -log1p(exp(-x));
}
""",
    "logit": """template <class T> __device__ __forceinline__ T logit(T x) {
    return log(x / (T(1) - x));
}
""",
    "xlogy": """template <class T> __device__ __forceinline__ T xlogy(T x, T y) {
    return x == T(0) && y == y ? T(0) : x * log(y);
}
""",
    "xlog1py": """template <class T> __device__ __forceinline__ T xlog1py(T x, T y) {
    return x == T(0) && y == y ? T(0) : x * log1p(y);
}
""",
    "entr": """template <class T> __device__ __forceinline__ T entr(T x) {
    return x != x ? x : x > T(0) ? -x * log(x) : x == T(0) ? T(0) : -T(__int_as_float(0x7f800000));
}
""",
    "rel_entr": """template <class T> __device__ __forceinline__ T rel_entr(T x, T y) {
    return x != x || y != y ? x + y : x > T(0) && y > T(0) ? x * log(x / y)
         : x == T(0) && y >= T(0) ? T(0) : T(__int_as_float(0x7f800000));
}
""",
    "kl_div": """template <class T> __device__ __forceinline__ T kl_div(T x, T y) {
    return x != x || y != y ? x + y : x > T(0) && y > T(0) ? x * log(x / y) - x + y
         : x == T(0) && y >= T(0) ? y : T(__int_as_float(0x7f800000));
}
""",
}
"""By the names of the operations."""
