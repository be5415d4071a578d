"""How PyTorch hands a function of a traced tensor over to its row: ``torch.sin(x)`` and the like.

PyTorch asks ``__torch_function__`` of every argument, with the function that was called; its name
is looked up here. Nothing of PyTorch is imported. Names that mean something else than in the
standard (``torch.sort`` gives values and indices) stand in a table of their own or have no rule.
"""

from __future__ import annotations

from typing import Any

from anygrad.errors import MissingRuleError, TraceError
from anygrad.ops import ROWS
from anygrad.ops.shaping import kind_of
from anygrad.tracing.functions import LINALG, SPECIAL
from anygrad.tracing.level import LIFTED, Traced, plain_namespace, read_value, strip
from anygrad.tracing.namespace import STANDARD, missing_rule
from anygrad.tracing.operations import TRACED
from anygrad.tracing.protocols import ALIASES

KEYWORDS = {"dim": "axis", "dims": "axis", "keepdim": "keepdims", "shifts": "shift"}
"""PyTorch's keywords in the words of the rows."""

OPERANDS = ("input", "self", "tensors", "tensor", "condition", "other", "exponent", "mat2", "vec")
"""Keywords of operands, in the order in which they stand by position."""

ANSWERED = frozenset(("numel", "is_floating_point", "is_complex", "allclose", "equal"))
"""Questions that the value answers; nothing is lost."""


def _scaled(operation: Any) -> Any:
    def combine(x: Any, y: Any, *, alpha: Any = 1) -> Any:
        return operation(x, y if alpha == 1 else alpha * y)

    return combine


def _reflected(operation: Any) -> Any:
    return lambda x, y, **kw: operation(y, x, **kw)


def _divide(x: Any, y: Any, *, rounding_mode: str | None = None) -> Any:
    quotient = TRACED.divide(x, y)
    if rounding_mode is None:
        return quotient
    return TRACED.floor(quotient) if rounding_mode == "floor" else TRACED.trunc(quotient)


def _reduced(name: str) -> Any:
    """A reduction, whose third argument is whether axes are kept."""
    reduce = STANDARD[name]

    def reduced(x: Any, axis: Any = None, keepdims: bool = False, **kw: Any) -> Any:
        return reduce(x, axis=axis or None if axis == () else axis, keepdims=keepdims, **kw)

    return reduced


def _spread(name: str) -> Any:
    """``std`` and ``var``: divided by n - 1 unless told otherwise."""
    reduce = STANDARD[name]

    def spread(x: Any, axis: Any = None, unbiased: Any = None, keepdims: bool = False, **kw) -> Any:
        if isinstance(axis, bool):
            axis, unbiased = None, axis
        given = kw.pop("correction", None)
        correction = given if given is not None else 0 if unbiased is False else 1
        return reduce(x, axis=axis, correction=correction, keepdims=keepdims, **kw)

    return spread


def _extreme(name: str) -> Any:
    """``max`` and ``min`` of everything, or of two tensors."""

    def extreme(x: Any, *args: Any, **kw: Any) -> Any:
        if not args and not kw:
            return STANDARD[name](x)
        if len(args) == 1 and not kw and hasattr(args[0], "shape"):
            return getattr(TRACED, f"{name}imum")(x, args[0])
        message = (
            f"torch.{name}(traced array, dim): no rule gives values and indices. Use "
            f"torch.a{name}(x, dim) for the values."
        )
        raise MissingRuleError(message)

    return extreme


def _squeeze(x: Any, axis: Any = None) -> Any:
    """PyTorch leaves axes as they are whose length is not 1."""
    axes = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    gone = tuple(a for a in axes if x.ndim and x.shape[a] == 1)
    return STANDARD["squeeze"](x, axis=gone) if gone else x


def _flatten(x: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    first, last = (start_dim % x.ndim, end_dim % x.ndim) if x.ndim else (0, 0)
    return STANDARD["reshape"](x, (*x.shape[:first], -1, *x.shape[last + 1 :]))


def _logsumexp(x: Any, axis: Any, keepdims: bool = False) -> Any:
    value = strip(x)
    if kind_of(value.dtype) == "complex":
        value = TRACED.real(value)
    if 0 in x.shape:
        return STANDARD["log"](STANDARD["sum"](TRACED.exp(x), axis=axis, keepdims=keepdims))
    peak = TRACED.max(value, axis=axis, keepdims=True)
    peak = TRACED.where(TRACED.isfinite(peak), peak, 0.0)  # any shift gives the same
    total = TRACED.log(STANDARD["sum"](TRACED.exp(x - peak), axis=axis, keepdims=True)) + peak
    return total if keepdims else STANDARD["squeeze"](total, axis=axis)


def _log_softmax(x: Any, axis: Any, *rest: Any, dtype: Any = None, _stacklevel: int = 3) -> Any:
    for argument in rest:  # a stack level, as a number, or the dtype
        dtype = dtype if isinstance(argument, int) else argument
    if dtype is not None:
        x = STANDARD["astype"](x, dtype)
    return x - _logsumexp(x, axis, keepdims=True)


def _sigmoid(x: Any) -> Any:
    return 0.5 * (TRACED.tanh(0.5 * x) + 1.0)


def _relu(x: Any, inplace: bool = False) -> Any:
    return TRACED.where(strip(x) > 0, x, 0.0)


def _softplus(x: Any, beta: float = 1.0, threshold: float = 20.0) -> Any:
    scaled = beta * x
    smooth = TRACED.logaddexp(scaled, STANDARD["zeros_like"](x)) / beta
    return TRACED.where(strip(scaled) > threshold, x, smooth)


def _cat(tensors: Any, axis: Any = 0) -> Any:
    """PyTorch leaves out operands of shape (0,)."""
    kept = [x for x in tensors if tuple(x.shape) != (0,)]
    return STANDARD["concat"](kept or tensors, axis)


def _einsum(equation: Any, *operands: Any) -> Any:
    """Operands one by one, or as a list; sublists as NumPy's."""
    listed = len(operands) == 1 and isinstance(operands[0], list | tuple)
    return STANDARD["einsum"](equation, *(operands[0] if listed else operands))


def _at_least(name: str) -> Any:
    def grown(*tensors: Any) -> Any:
        one = len(tensors) == 1 and isinstance(tensors[0], tuple | list)
        return STANDARD[name](*(tensors[0] if one else tensors))

    return grown


def _integers(index: Any) -> Any:
    """An index as 64-bit integers: PyTorch reads those of 8 bits as a mask."""
    xp = plain_namespace(index)
    return xp.astype(index, xp.int64)


def _norm(x: Any, p: Any = "fro", axis: Any = None, keepdims: bool = False) -> Any:
    if isinstance(p, str) and p != "fro":
        raise missing_rule(f"torch.norm(p={p!r})")
    order = 2 if p in ("fro", None) else p
    return LINALG["vector_norm"](x, axis=axis, keepdims=keepdims, ord=order)


def _vector_norm(x: Any, ord: Any = 2, axis: Any = None, keepdims: bool = False) -> Any:
    return LINALG["vector_norm"](x, axis=axis, keepdims=keepdims, ord=ord)


_SAME = {
    name: getattr(TRACED, name)
    for name, row in ROWS.items()
    if (row.family.name == "elementwise" and not row.special)
    or name in ("matmul", "floor", "ceil", "trunc", "isfinite")
}
_SAME |= {alias: STANDARD[name] for alias, name in ALIASES.items() if name in _SAME}
_SAME |= {
    name: STANDARD[name]
    for name in (
        *("broadcast_to", "concat", "diff", "full_like", "inner", "matrix_transpose", "moveaxis"),
        *("ones_like", "outer", "reshape", "roll", "sign", "stack", "swapaxes", "take_along_axis"),
        *("tile", "trace", "unstack", "where", "zeros_like", "empty_like", "isinf", "isnan"),
        *("equal", "greater", "greater_equal", "less", "less_equal", "not_equal", "round"),
        *("hstack", "vstack"),
    )
}
# torch.special calls itself special_erf; some are in the main namespace, too
_SPECIAL = {
    name: SPECIAL[name]
    for name in (
        *("digamma", "entr", "erf", "erfc", "erfcx", "erfinv", "gammainc", "gammaincc", "gammaln"),
        *("i0", "i0e", "i1", "i1e", "log_ndtr", "ndtr", "ndtri", "psi", "xlog1py", "xlogy", "zeta"),
    )
}
_BESSEL = {
    **{f"bessel_{name}": SPECIAL[name] for name in ("j0", "j1", "y0", "y1")},
    **{f"modified_bessel_{name}": SPECIAL[name] for name in ("i0", "i1", "k0", "k1")},
    **{f"scaled_modified_bessel_{name}": SPECIAL[f"{name}e"] for name in ("k0", "k1")},
}
FUNCTIONS: dict[str, Any] = {
    **_SAME,
    **{f"special_{name}": function for name, function in (_SPECIAL | _BESSEL).items()},
    **{name: SPECIAL[name] for name in ("digamma", "erf", "erfc", "erfinv", "i0", "xlogy")},
    "igamma": SPECIAL["gammainc"],
    "igammac": SPECIAL["gammaincc"],
    "lgamma": SPECIAL["gammaln"],
    **{name: _reduced(name) for name in ("sum", "mean", "prod", "all", "any", "argmax", "argmin")},
    "add": _scaled(TRACED.add),
    "amax": _reduced("max"),
    "amin": _reduced("min"),
    "bmm": TRACED.matmul,
    "einsum": _einsum,
    "atleast_1d": _at_least("atleast_1d"),
    "atleast_2d": _at_least("atleast_2d"),
    "cat": _cat,
    "clamp": lambda x, min=None, max=None: STANDARD["clip"](x, min, max),
    "clamp_max": lambda x, max: TRACED.minimum(x, max),
    "clamp_min": lambda x, min: TRACED.maximum(x, min),
    "clip": lambda x, min=None, max=None: STANDARD["clip"](x, min, max),
    "clone": lambda x, **_: TRACED.positive(x),
    "cumprod": lambda x, axis, **kw: STANDARD["cumulative_prod"](x, axis=axis, **kw),
    "cumsum": lambda x, axis, **kw: STANDARD["cumulative_sum"](x, axis=axis, **kw),
    "div": _divide,
    "divide": _divide,
    "dot": TRACED.matmul,
    "eq": TRACED.equal,
    "exp2": lambda x: TRACED.exp(x * 0.6931471805599453),
    "flatten": _flatten,
    "flip": lambda x, axis: STANDARD["flip"](x, axis=tuple(axis)),
    "gather": lambda x, axis, index: STANDARD["take_along_axis"](x, _integers(index), axis),
    "ge": TRACED.greater_equal,
    "ger": STANDARD["outer"],
    "gt": TRACED.greater,
    "index_select": lambda x, axis, index: STANDARD["take"](x, _integers(index), axis),
    "le": TRACED.less_equal,
    "linalg_norm": LINALG["norm"],
    "linalg_vector_norm": _vector_norm,
    "log_softmax": _log_softmax,
    "logsumexp": _logsumexp,
    "lt": TRACED.less,
    "max": _extreme("max"),
    "min": _extreme("min"),
    "mm": TRACED.matmul,
    "movedim": STANDARD["moveaxis"],
    "mul": TRACED.multiply,
    "mv": TRACED.matmul,
    "ne": TRACED.not_equal,
    "neg": TRACED.negative,
    "norm": _norm,
    "permute": lambda x, axis: STANDARD["permute_dims"](x, axis),
    "ravel": lambda x: STANDARD["reshape"](x, (-1,)),
    "relu": _relu,
    "repeat_interleave": lambda x, repeats, axis=None: STANDARD["repeat"](x, repeats, axis),
    "rsqrt": lambda x: 1.0 / TRACED.sqrt(x),
    "rsub": _reflected(_scaled(TRACED.subtract)),
    "sigmoid": _sigmoid,
    "softmax": lambda *args, **kw: TRACED.exp(_log_softmax(*args, **kw)),
    "softplus": _softplus,
    "special_expit": _sigmoid,
    "special_logsumexp": _logsumexp,
    "squeeze": _squeeze,
    "std": _spread("std"),
    "sub": _scaled(TRACED.subtract),
    "subtract": _scaled(TRACED.subtract),
    "swapdims": STANDARD["swapaxes"],
    "t": lambda x: STANDARD["matrix_transpose"](x) if x.ndim == 2 else x,
    "tensordot": lambda a, b, axis=2: STANDARD["tensordot"](a, b, axes=axis),
    "transpose": lambda x, dim0, dim1: STANDARD["swapaxes"](x, dim0, dim1),
    "unbind": lambda x, axis=0: STANDARD["unstack"](x, axis=axis),
    "unsqueeze": lambda x, axis: STANDARD["expand_dims"](x, axis),
    "var": _spread("var"),
    "__add__": TRACED.add,
    "__floordiv__": TRACED.floor_divide,
    "__matmul__": TRACED.matmul,
    "__mod__": TRACED.remainder,
    "__mul__": TRACED.multiply,
    "__pow__": TRACED.pow,
    "__rfloordiv__": _reflected(TRACED.floor_divide),
    "__rmatmul__": _reflected(TRACED.matmul),
    "__rpow__": _reflected(TRACED.pow),
    "__rsub__": _reflected(TRACED.subtract),
    "__sub__": TRACED.subtract,
    "__truediv__": TRACED.divide,
}
"""The rows and functions by PyTorch's names."""


def _torch_function(
    cls: Any, function: Any, types: Any, args: tuple = (), kwargs: dict[str, Any] | None = None
) -> Any:
    name, kw = getattr(function, "__name__", str(function)), dict(kwargs or {})
    if name in ANSWERED:
        return function(*(read_value(a) if type(a) in LIFTED else a for a in args), **kw)
    writes = name == "__setitem__" or (name.endswith("_") and not name.endswith("__"))
    if kw.pop("out", None) is not None or writes:
        message = (
            f"torch {name}: got a traced value to write into a plain tensor, where its gradient "
            "would be lost. Write y = y + x instead of y += x, or make y with torch.zeros_like(x)."
        )
        raise TraceError(message)
    if kw.get("dtype", 0) is None:
        del kw["dtype"]
    operation = FUNCTIONS.get(name)
    if operation is None:
        raise missing_rule(f"torch.{name}")
    named = {operand: kw.pop(operand) for operand in OPERANDS if operand in kw}
    front = [value for operand, value in named.items() if operand in OPERANDS[:5]]
    back = [value for operand, value in named.items() if operand not in OPERANDS[:5]]
    return operation(*front, *args, *back, **{KEYWORDS.get(k, k): v for k, v in kw.items()})


Traced.__torch_function__ = classmethod(_torch_function)  # type: ignore[attr-defined]
