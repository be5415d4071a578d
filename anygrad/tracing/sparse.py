"""Constant sparse matrices of SciPy and CuPy beside traced arrays: ``A @ x``, ``x @ A``, solves.

Nothing of SciPy is imported; a sparse matrix is told by the module of its class. SciPy's operators
ask NumPy to convert a traced operand: there, and only there, the answer is an object that NumPy
cannot take apart, so that SciPy gives up and Python asks the traced array (``__rmatmul__``).
"""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from anygrad.backends import backend_of
from anygrad.errors import MissingRuleError, MixedBackendError, ShapeError, describe
from anygrad.ops import Row
from anygrad.ops.maps import LinearMap
from anygrad.tracing.frames import with_users_line
from anygrad.tracing.functions.creation import astype
from anygrad.tracing.functions.shapes import permute_dims, reshape
from anygrad.tracing.level import LIFTED, SPARSE_RULES, Traced, lowest, sparse_home
from anygrad.tracing.operations import TRACED
from anygrad.tracing.refusals import asking
from anygrad.tracing.tape import Tape

LIBRARY_OF = {"scipy": "numpy", "cupyx": "cupy"}
"""The dense arrays that go with the sparse ones of a package."""

GIVES_UP = frozenset(("_matmul_dispatch", "_divide"))
"""Functions of scipy.sparse that give ``NotImplemented`` for what NumPy cannot convert."""


def sparse_operation(row: Row, args: tuple[Any, ...], kw: dict[str, Any]) -> Any:
    """An operator with a sparse operand: products, or a refusal."""
    if len(args) == 2 and not kw:
        a, b = args
        star = row.name == "multiply" and any(_is_matrix(x) for x in args)
        if row.name == "matmul" or (star and len(getattr(_dense_of(args), "shape", ()))):
            return product(a, b) if sparse_home(a) else product_from_the_left(a, b)
    raise refused(row.name, next(a for a in args if sparse_home(a)))


def product(matrix: Any, x: Any) -> Any:
    """``A @ x`` for a vector or a matrix ``x``."""
    if sparse_home(x):
        raise refused("matmul", x)
    x = _fitting("matmul", matrix, x, matrix.shape[-1])
    return TRACED.linear_map(x, operator=_product_map(_readable(matrix)))


def product_from_the_left(x: Any, matrix: Any) -> Any:
    """``x @ A`` as the transpose of ``A.T @ x.T``."""
    if len(matrix.shape) != 2 or len(x.shape) != 2:
        return product(matrix.T, x)
    return permute_dims(product(matrix.T, permute_dims(x)))


def spsolve(A: Any, b: Any, permc_spec: Any = None, use_umfpack: bool = True) -> Any:
    """Solve ``A x = b`` for a constant sparse ``A``; factorised once for all passes, by SuperLU."""
    x = _fitting("spsolve", A, b, _side("spsolve", A))
    found = TRACED.linear_map(x, operator=_solve_map(A, x.dtype, permc_spec))
    return reshape(found, (-1,)) if len(x.shape) == 2 and x.shape[1] == 1 else found


def spsolve_triangular(
    A: Any,
    b: Any,
    lower: bool = True,
    overwrite_A: bool = False,
    overwrite_b: bool = False,
    unit_diagonal: bool = False,
) -> Any:
    """Solve ``A x = b`` for a constant triangular sparse ``A``."""
    n = _side("spsolve_triangular", A)
    x = _fitting("spsolve_triangular", A, b, n)
    solve = _function_beside(A, "spsolve_triangular")
    adjoint = functools.cache(lambda: _adjoint(A).tocsr())

    def apply(v: Any) -> Any:
        return solve(A, v, lower=lower, unit_diagonal=unit_diagonal)

    def back(g: Any) -> Any:
        return solve(adjoint(), g, lower=not lower, unit_diagonal=unit_diagonal)

    return TRACED.linear_map(x, operator=LinearMap("triangular solve", n, n, apply, back))


def multiply(A: Any, x: Any) -> Any:
    """``A.multiply(x)`` of a sparse *array*; the result is a dense traced array."""
    if _is_matrix(A):
        raise refused("multiply", A)  # what follows would read a matrix in other ways than an array
    _check_library("multiply", A, x)
    return TRACED.multiply(A.toarray(), x)


SPARSE_LINALG: dict[str, Callable[..., Any]] = {
    "spsolve": spsolve,
    "spsolve_triangular": spsolve_triangular,
}
"""Functions of ``scipy.sparse.linalg`` and ``cupyx.scipy.sparse.linalg`` for traced right sides."""

SPARSE_METHODS: dict[str, Callable[..., Any]] = {"multiply": multiply, "dot": product}
"""Methods that do not ask a traced operand by themselves: `dot` only of SciPy's coo formats."""


def _product_map(matrix: Any) -> LinearMap:
    adjoint = functools.cache(lambda: _adjoint(matrix))
    rows, columns = matrix.shape
    name = type(matrix).__name__
    return LinearMap(name, rows, columns, lambda x: matrix @ x, lambda g: adjoint() @ g)


def _solve_map(matrix: Any, dtype: Any, permc_spec: Any) -> LinearMap:
    n = matrix.shape[0]
    if sparse_home(matrix) == "cupyx":  # its factors live on the host
        solve = _function_beside(matrix, "spsolve")
        adjoint = functools.cache(lambda: _adjoint(matrix).tocsr())
        return LinearMap("spsolve", n, n, lambda b: solve(matrix, b), lambda g: solve(adjoint(), g))
    splu = _function_beside(matrix, "splu")
    factors = splu(matrix.astype(dtype).tocsc(), permc_spec=permc_spec)
    return LinearMap("spsolve", n, n, factors.solve, lambda g: factors.solve(g, trans="H"))


def _function_beside(matrix: Any, name: str) -> Any:
    package = f"{_package(matrix)}.linalg"
    return getattr(sys.modules[package], name)


def _package(matrix: Any) -> str:
    return {"scipy": "scipy.sparse", "cupyx": "cupyx.scipy.sparse"}[sparse_home(matrix)]


def _adjoint(matrix: Any) -> Any:
    return matrix.conj().T if np.dtype(matrix.dtype).kind == "c" else matrix.T


def _readable(matrix: Any) -> Any:
    """A format with products of its own; the others are converted at each one."""
    return matrix.tocsr() if matrix.format in ("lil", "dok") else matrix


def _side(where: str, matrix: Any) -> int:
    if not sparse_home(matrix):
        message = f"{where}(A): got {describe(matrix)}; expected a sparse matrix. Use xp.linalg."
        raise MissingRuleError(message)
    if len(matrix.shape) != 2 or matrix.shape[0] != matrix.shape[1]:
        message = f"{where}(A): got shape {tuple(matrix.shape)}; expected a square matrix."
        raise ShapeError(message)
    return matrix.shape[0]


def _fitting(where: str, matrix: Any, x: Any, n: int) -> Any:
    """The dense operand in the dtype of the result, after its shape was checked."""
    _check_library(where, matrix, x)
    if len(matrix.shape) != 2 or len(x.shape) not in (1, 2) or x.shape[0] != n:
        message = (
            f"{where}(operands): got shape {tuple(x.shape)} beside a sparse matrix of shape "
            f"{tuple(matrix.shape)}; expected a vector or matrix with {n} rows."
        )
        raise ShapeError(message)
    data = getattr(matrix, "data", None)
    if type(data) is np.ndarray and not data.dtype.hasobject:
        for level in _tapes(x):  # the backward pass reads it again
            level.snapshots.take(data)
    dtype = np.result_type(matrix.dtype, x.dtype)
    return x if dtype == x.dtype else astype(x, dtype)


def _tapes(x: Any) -> list[Tape]:
    found = []
    while type(x) in LIFTED:
        if isinstance(x.t, Tape):
            found.append(x.t)
        x = x.v
    return found


def _check_library(where: str, matrix: Any, x: Any) -> None:
    backend, home = backend_of(lowest(x)), LIBRARY_OF[sparse_home(matrix)]
    if backend is None or backend.name != home:
        message = (
            f"{where}(operands): got {type(matrix).__module__.split('.')[0]}'s "
            f"{type(matrix).__name__} beside {describe(lowest(x))}; expected arrays of {home}."
        )
        raise MixedBackendError(message)


def _is_matrix(x: Any) -> bool:
    """Whether ``*`` is the matrix product: SciPy's older classes."""
    return bool(sparse_home(x)) and type(x).__name__.endswith("_matrix")


def _dense_of(args: tuple[Any, ...]) -> Any:
    return next((a for a in args if not sparse_home(a)), None)


def refused(name: str, matrix: Any = None) -> MissingRuleError:
    """The error for what is no product with a sparse constant."""
    what = "a sparse matrix" if matrix is None else f"a {type(matrix).__name__}"
    message = (
        f"{name}(sparse): got {what} beside a traced array; expected one of A @ x, A.dot(x) (of "
        "coo formats, in code that is rebound), A.T @ x and x @ A, with an A that is constant. Use "
        "A.toarray() for anything else."
    )
    return MissingRuleError(with_users_line(message))


def _asking() -> types.FrameType | None:
    """The function of scipy.sparse that has asked NumPy to convert a traced array, if one has."""
    frame = asking()
    return frame if frame.f_globals.get("__name__", "").startswith("scipy.sparse") else None


def _install() -> None:
    refuse_as_ever = Traced.__array__  # type: ignore[attr-defined]

    def converted(self: Traced, *args: Any, **kw: Any) -> Any:
        frame = _asking()
        if frame is None:
            return refuse_as_ever(self, *args, **kw)
        if frame.f_code.co_name in GIVES_UP:
            return np.array(None, dtype=object)
        name, matrix = frame.f_code.co_name, frame.f_locals.get("self")
        if name == "__init__":
            raise refused(type(matrix).__name__)
        raise refused(name, matrix if sparse_home(matrix) else None)

    Traced.__array__ = converted  # type: ignore[attr-defined]
    SPARSE_RULES.append(sparse_operation)


_install()
