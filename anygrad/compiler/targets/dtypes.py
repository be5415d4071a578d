"""In which types an operation is computed: those that NumPy would take for the same operands."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from anygrad.compiler.program import Ref, Spec

__all__ = ["fits", "kind_of", "name_of", "resolve"]

_NAMES = {"abs": "absolute", "conj": "conjugate", "pow": "power", "divide": "true_divide"}
_NAMES |= {"asin": "arcsin", "acos": "arccos", "atan": "arctan", "atan2": "arctan2"}
_NAMES |= {"asinh": "arcsinh", "acosh": "arccosh", "atanh": "arctanh", "bitwise_invert": "invert"}
_LIKE = {"expit": "exp", "log_expit": "exp", "erf": "exp", "erfc": "exp", "logit": "exp"}
_LIKE |= {"entr": "exp", "exp10": "exp"}
_LIKE |= dict.fromkeys(("xlogy", "xlog1py", "rel_entr", "kl_div"), "logaddexp")
"""Functions of SciPy, with one of NumPy's that treats types alike."""
WHOLE = ("float", "float64", "float32")


def kind_of(x: Any, specs: dict[int, Spec]) -> Any:
    """What decides about the types: a dtype, or the type of a number of Python's.

    None for an operand that no operation on elements takes.
    """
    if type(x) is Ref:
        spec = specs[x]
        if spec.kind == "number":
            return spec.dtype if spec.dtype in (int, float, bool, complex) else None
        return np.dtype(spec.dtype) if spec.kind in ("array", "scalar") else None
    if type(x) in (int, float, bool, complex):
        return type(x)
    return x.dtype if hasattr(x, "dtype") and hasattr(x, "strides") else None


def name_of(dtype: Any) -> str:
    """The name of a dtype, or of a type of Python's."""
    if isinstance(dtype, type) and not issubclass(dtype, np.generic):
        return dtype.__name__
    dtype = np.dtype(dtype)
    return _OF_CODES.get(dtype.char) or dtype.name


_OF_CODES = {code: np.dtype(code).name for code in np.typecodes["All"]}
"""NumPy's names by its letters: asking a dtype for its name takes several microseconds."""


def fits(x: Any, specs: dict[int, Spec], dtype: str) -> bool:
    """Whether a number can be handed over: those of the host come as doubles."""
    floating = dtype.startswith(("float", "bfloat", "complex"))
    if type(x) is Ref:
        spec = specs[x]
        whole = spec.kind != "array" and name_of(spec.dtype) not in WHOLE
        return not whole or (floating and spec.dtype is int)
    if floating or dtype == "bool" or not isinstance(x, int | np.generic):
        return True
    info = np.iinfo(dtype)
    return info.min <= int(x) <= info.max


@functools.lru_cache(4096)
def resolve(name: str, keys: tuple[Any, ...]) -> tuple[str, ...] | None:
    """The types in which NumPy computes, operands first; None if it does not.

    ``keys`` are dtypes as text, and types of Python's numbers.
    """
    function = getattr(np, _LIKE.get(name, _NAMES.get(name, name)), None)
    if not isinstance(function, np.ufunc) or function.nin != len(keys) or function.nout != 1:
        return None
    plain = [np.dtype(key) if isinstance(key, str) or key is bool else key for key in keys]
    try:
        found = function.resolve_dtypes((*plain, None))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return tuple([dtype.name if dtype.isnative else "foreign" for dtype in found])
