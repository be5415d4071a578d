"""How NumPy writes the result of a node into memory that is there already, to the same bits."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from anygrad.backends.numpy import NUMPY
from anygrad.backends.numpy_quick import FILLED
from anygrad.compiler.program import Node, Ref, Spec
from anygrad.compiler.targets.printing import Printer
from anygrad.ops import ROWS
from anygrad.ops.indexing import is_basic
from anygrad.tracing.plain import names_of_backend

__all__ = ["ADD", "Writer", "is_view", "releases", "writer_of"]

KEYWORD = (np.maximum, np.minimum)
"""Functions whose ``out`` must be named."""

ADD = np.add.reduce
REDUCING = {
    "sum": ADD,
    "prod": np.multiply.reduce,
    "max": np.maximum.reduce,
    "min": np.minimum.reduce,
}

POWERS = {2: np.square, 0.5: np.sqrt, -1: np.reciprocal, 1: np.positive}
"""What the operator ``**`` does for these exponents of real numbers."""

_RELEASE = frozenset(
    (
        *("argmax", "argmin", "argsort", "concat", "count_nonzero", "cumulative_sum", "matmul"),
        *("nonzero", "scatter", "searchsorted", "setitem", "stack", "take", "tensordot", "vecdot"),
        *("any", "all", "astype", "max", "mean", "min", "prod", "sum", "where", "zeros_like"),
    )
)
_VIEWS = frozenset(("flip", "permute_dims", "reshape", "real", "imag", "getitem"))


class Writer(NamedTuple):
    """One call that puts a result into an array.

    ``aligned`` tells that each element depends on its own place only, so that the array may be one
    of the operands.
    """

    kind: str
    function: Any
    operands: tuple[Any, ...]
    tail: tuple[Any, ...] = ()

    @property
    def aligned(self) -> bool:
        """Whether the result may take the place of an operand."""
        return self.kind in ("ufunc", "cast")

    @property
    def separate(self) -> bool:
        """Whether the result must lie in other memory than all operands."""
        return self.kind in ("choose", "set")

    def lines(self, printer: Printer, texts: list[str], out: str) -> list[str]:
        """The statements, with the operands and the array by these names."""
        if self.kind == "cast":
            return [f"{out}[...] = {texts[0]}"]
        if self.kind == "choose":
            copy = printer.name(np.copyto, "copyto")
            first = [] if texts[2] == out else [f"{out}[...] = {texts[2]}"]
            return [*first, f"{copy}({out}, {texts[1]}, 'same_kind', {texts[0]})"]
        if self.kind == "set":
            key = printer.operand(self.tail[0])
            first = [] if texts[0] == out else [f"{out}[...] = {texts[0]}"]
            return [*first, f"{out}[{key}] = {texts[1]}"]
        name = printer.name(self.function, getattr(self.function, "__name__", "f"))
        if self.kind == "reduce":
            axis, keepdims = self.tail
            return [f"{name}({texts[0]}, {axis!r}, None, {out}, {keepdims!r})"]
        inside = ", ".join(texts)
        given = f"out={out}" if self.function in KEYWORD else out
        return [f"{name}({inside}, {given})"]


def is_view(node: Node) -> bool:
    """Whether a result may lie in the memory of the first operand."""
    if node.name == "getitem":
        return is_basic(node.keywords["key"])
    return node.name in _VIEWS or node.name in ("part", "broadcast_to")


def releases(node: Node) -> bool:
    """Whether nothing but the result, and what `is_view` tells of, outlives a node."""
    if node.name == "guard" or node.name in _RELEASE:
        return True
    if is_view(node) and node.name != "part":
        return True
    return _ufunc_of(node.name) is not None or node.name in ("getitem", "pow")


def writer_of(node: Node, specs: dict[int, Spec]) -> Writer | None:
    """The call for a node; None where NumPy has none, or none that is sure to give equal bits."""
    spec = specs[node.number]
    if spec.kind != "array" or not spec.shape or np.dtype(spec.dtype).kind not in "biufc":
        return None
    if not all(_is_plain(x, specs) for x in node.operands):
        return None
    make = _SPECIAL.get(node.name)
    if make is not None:
        return make(node, specs)
    function = _ufunc_of(node.name)
    if function is None or node.keywords or len(node.operands) != function.nin:
        return None
    operands = tuple([_strong(x, node.operands, specs) for x in node.operands])
    return Writer("ufunc", function, operands)


def _ufunc_of(name: str) -> Any:
    if name not in ROWS or name == "pow":
        return None
    try:
        function = getattr(names_of_backend(NUMPY), name, None)
    except Exception:  # a package that this row needs is absent
        return None
    return function if isinstance(function, np.ufunc) and function.nout == 1 else None


def _is_plain(x: Any, specs: dict[int, Spec]) -> bool:
    """Whether an operand is a number, or an array that is read forwards."""
    if type(x) is not Ref:
        if isinstance(x, np.ndarray):
            return x.dtype.kind in "biufc" and min(x.strides, default=0) >= 0
        return isinstance(x, bool | int | float | complex | np.generic)
    spec = specs[x]
    if spec.kind == "number":
        return True
    return spec.kind in ("array", "scalar") and min(spec.strides or (0,)) >= 0


def _strong(x: Any, operands: tuple[Any, ...], specs: dict[int, Spec]) -> Any:
    """A Python number as an array of the dtype that it takes on beside the other operand.

    NumPy would convert it in every call, which takes longer than a small operation.
    """
    if type(x) not in (int, float) or len(operands) != 2:
        return x
    other = operands[1] if x is operands[0] else operands[0]
    spec = specs[other] if type(other) is Ref else None
    if spec is None or spec.kind != "array" or not spec.shape:
        return x
    if spec.dtype not in (np.float32, np.float64):
        return x
    if x == x and abs(x) not in (0, np.inf) and not abs(x) <= np.finfo(spec.dtype).max:
        return x
    return np.asarray(x, spec.dtype) if abs(x) < 2**53 or type(x) is float else x


def _pow(node: Node, specs: dict[int, Spec]) -> Writer | None:
    a, b = node.operands
    spec = specs[a] if type(a) is Ref else None
    if type(b) in (int, float, bool):
        kind = "" if spec is None or spec.kind != "array" else np.dtype(spec.dtype).kind
        if kind == "f" and type(b) is not bool:
            function = POWERS.get(b)
            return Writer("ufunc", *((function, (a,)) if function else (np.power, (a, b))))
        return None
    if spec is None or spec.kind != "array":
        return None
    other = specs[b] if type(b) is Ref else None
    if other is None or other.kind != "array" or not other.shape:
        return None
    return Writer("ufunc", np.power, (a, b))


def _cast(node: Node, specs: dict[int, Spec]) -> Writer | None:
    source = node.operands[0]
    if type(source) is not Ref or specs[source].kind != "array" or set(node.keywords) != {"dtype"}:
        return None
    if np.dtype(specs[source].dtype).kind == "c" != np.dtype(specs[node.number].dtype).kind:
        return None
    return Writer("cast", None, (source,))


def _spread(node: Node, specs: dict[int, Spec]) -> Writer | None:
    return Writer("cast", None, node.operands) if specs[node.number].size <= FILLED else None


def _choose(node: Node, specs: dict[int, Spec]) -> Writer | None:
    test = node.operands[0]
    if len(node.operands) != 3 or type(test) is not Ref or specs[test].dtype != np.bool_:
        return None
    return Writer("choose", np.copyto, node.operands) if specs[test].kind == "array" else None


def _reduce(node: Node, specs: dict[int, Spec]) -> Writer | None:
    if not set(node.keywords) <= {"axis", "keepdims"} or type(node.operands[0]) is not Ref:
        return None
    tail = (node.keywords.get("axis"), node.keywords.get("keepdims", False))
    return Writer("reduce", REDUCING[node.name], node.operands, tail)


def _matmul(node: Node, specs: dict[int, Spec]) -> Writer | None:
    if not all(type(x) is Ref or isinstance(x, np.ndarray) for x in node.operands):
        return None
    return Writer("product", np.matmul, node.operands)


def _set(node: Node, specs: dict[int, Spec]) -> Writer | None:
    return Writer("set", None, node.operands, (node.keywords["key"],))


_SPECIAL = {
    "pow": _pow,
    "astype": _cast,
    "broadcast_to": _spread,
    "where": _choose,
    "matmul": _matmul,
    "setitem": _set,
    **dict.fromkeys(REDUCING, _reduce),
}
