"""``curve_fit``: a model, data and a start; parameters and how certain they are."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from numbers import Complex, Real
from typing import Any

from anygrad import trees
from anygrad.backends import backend_of, check_same_device, device_of, namespace_of
from anygrad.backends.types import Array, Tree
from anygrad.config import settings
from anygrad.errors import ArgumentError, ShapeError, describe
from anygrad.solvers.fitting.results import LeastSquaresResult
from anygrad.solvers.fitting.solving import least_squares
from anygrad.solvers.problem.objective import is_numerical
from anygrad.solvers.problem.status import Status

__all__ = ["CurveFit", "curve_fit"]


@dataclass(frozen=True)
class CurveFit:
    """Fitted parameters; unpacks as ``params, covariance``.

    Attributes
    ----------
    params : tree of arrays
        As the start is built; one vector where it is a flat sequence of numbers.
    covariance : array, shape (n, n)
        Over the parameters in their flat order.
    standard_errors : tree of arrays
        Like ``params``.
    result : LeastSquaresResult
        Everything else.
    """

    params: Tree
    covariance: Array
    standard_errors: Tree
    result: LeastSquaresResult = field(repr=False)

    def __iter__(self) -> Iterator[Any]:
        return iter((self.params, self.covariance))


def curve_fit(
    model: Callable[..., Any],
    x_data: Any,
    y_data: Array,
    p0: Tree,
    *,
    sigma: Any = None,
    absolute_sigma: bool = False,
    bounds: Any = None,
    **options: Any,
) -> CurveFit:
    """Fit the parameters of a model to data by least squares.

    Parameters
    ----------
    model : callable
        Where ``p0`` is a list or tuple of numbers, or an array of one dimension, as in SciPy:
        ``model(x_data, a, b, ...)``, each parameter a 0-d array. Where it is any other tree:
        ``model(x_data, params)``. Gives an array of the shape of ``y_data``.
    x_data : object
        Handed to the model as it is.
    y_data : array
        The data, real or complex; integers count as numbers of the default dtype.
    p0 : list or tuple of numbers, array, or tree of arrays
        The start. Numbers become a vector beside ``y_data``.
    sigma : array or number, optional
        Standard deviations, of the shape of ``y_data`` or a number; or the covariance of real data
        of one dimension, shape (m, m). Without it all data count alike.
    absolute_sigma : bool
        Whether ``sigma`` is known absolutely; else its scale is estimated from the residuals.
    bounds : optional
        As for `least_squares`; for a sequence, ``(lower, upper)`` of numbers or sequences.
    **options
        Further keywords of `least_squares` but ``args``. A ``jacobian`` is that of the residuals,
        ``(model - y_data) / sigma``, as a function of all parameters in one array or tree.

    Returns
    -------
    CurveFit
        ``params, covariance = curve_fit(...)``, or its fields.

    Raises
    ------
    ArgumentError, ShapeError, DTypeError
        As for `least_squares`; if ``sigma`` does not fit the data, or the residuals are not finite
        at the start.

    Warns
    -----
    UserWarning
        If the fit did not converge, or the covariance is infinite.

    References
    ----------
    Bates, Watts (1988), Nonlinear regression analysis and its applications, 2.3.

    Examples
    --------
    >>> import numpy as np
    >>> import anygrad as ag
    >>> t = np.linspace(0.0, 4.0, 9)
    >>> y = 3.0 * np.exp(-0.5 * t) + 0.01 * np.cos(7.0 * t)
    >>> fit = ag.solvers.curve_fit(lambda t, a, k: a * np.exp(-k * t), t, y, [1.0, 1.0])
    >>> fit.params.round(3), fit.standard_errors.round(3)
    (array([3.005, 0.501]), array([0.006, 0.002]))
    """
    where = "curve_fit"
    backend = backend_of(y_data)
    if not callable(model) or backend is None:
        what = ("y_data", y_data, "an array") if callable(model) else ("model", model, "a function")
        message = f"{where}({what[0]}): got {describe(what[1])}; expected {what[2]}."
        raise ArgumentError(message)
    if "args" in options:
        message = f"{where}(args): got {describe(options['args'])}; expected none. Use x_data."
        raise ArgumentError(message)
    xp = backend.load()
    if xp.isdtype(y_data.dtype, ("bool", "integral")):
        y_data = xp.astype(y_data, getattr(xp, settings().dtype))
    is_flat, start = _start(xp, p0, y_data)
    arrays = [leaf for leaf in trees.leaves(start) if backend_of(leaf) is not None]
    namespace_of(*arrays, y_data)  # refuses two libraries
    check_same_device(f"{where}(p0, y_data)", *arrays, y_data)
    whiten = _weights(where, xp, sigma, y_data)

    def residuals(params: Any) -> Any:
        if is_flat:
            found = model(x_data, *(params[k] for k in range(start.shape[0])))
        else:
            found = model(x_data, params)
        if tuple(getattr(found, "shape", ())) != tuple(y_data.shape):
            message = (
                f"{where}(model): it returned {describe(found)}; expected an array of the shape of "
                f"y_data, {tuple(y_data.shape)}."
            )
            raise ShapeError(message)
        return whiten(found - y_data)

    result = least_squares(residuals, start, bounds=bounds, **options)
    if result.status is Status.NONFINITE and result.nit == 0:
        message = (
            f"{where}(model): {result.message} Look for nan in the data, zeros in sigma, and where "
            "the model is defined."
        )
        raise ArgumentError(message)
    if not result.success:
        message = f"{where}: the fit did not converge. {result.message}"
        warnings.warn(message, UserWarning, stacklevel=2)
    return CurveFit(
        result.x,
        result.covariance(absolute_sigma=absolute_sigma),
        result.standard_errors(absolute_sigma=absolute_sigma),
        result,
    )


def _start(xp: Any, p0: Any, y_data: Array) -> tuple[bool, Any]:
    """Whether parameters are passed one by one, and the start."""
    if type(p0) in (list, tuple) and p0 and all(_is_number(p) for p in p0):
        real = xp.real(y_data) if xp.isdtype(y_data.dtype, "complex floating") else y_data
        dtype, kind = real.dtype, float
        if not all(isinstance(p, Real) for p in p0):
            dtype, kind = (xp.complex64 if dtype == xp.float32 else xp.complex128), complex
        return True, xp.asarray([kind(p) for p in p0], dtype=dtype, device=device_of(y_data))
    return len(getattr(p0, "shape", ())) == 1, p0


def _is_number(x: Any) -> bool:
    return isinstance(x, Complex) and not isinstance(x, bool)


def _weights(where: str, xp: Any, sigma: Any, y_data: Array) -> Callable[[Any], Any]:
    """What makes the residuals independent and of variance 1."""
    if sigma is None:
        return lambda r: r
    if isinstance(sigma, Real) and not isinstance(sigma, bool):
        return lambda r: r / float(sigma)
    shape = tuple(getattr(sigma, "shape", ("no array",)))
    if shape in (tuple(y_data.shape), ()):
        return lambda r: r / sigma
    if len(y_data.shape) == 1 and shape == (y_data.shape[0],) * 2:
        try:
            factor = xp.linalg.cholesky(sigma)
        except Exception as error:
            if not is_numerical(error):
                raise
            message = (
                f"{where}(sigma): got {describe(sigma)}, which is not positive definite; expected "
                "a covariance matrix. Look for a wrong sign, or for data that depend on others."
            )
            raise ArgumentError(message) from error
        inverse = xp.linalg.solve(
            factor, xp.eye(shape[0], dtype=sigma.dtype, device=device_of(sigma))
        )
        # the traced vector stands on the left, where strict libraries want it
        return lambda r: r @ xp.matrix_transpose(inverse)
    message = (
        f"{where}(sigma): got {describe(sigma)}; expected the shape of y_data, "
        f"{tuple(y_data.shape)}, or a covariance matrix of it."
    )
    raise ShapeError(message)
