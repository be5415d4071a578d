"""The tools compared, each behind one interface: value, error bar, points and calls of f."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np


class Answer(NamedTuple):
    """What a tool said.

    Attributes
    ----------
    value : array
    bar : array or None
        What the tool thinks of its error; None where it does not say.
    points : float
        At how many points f was evaluated, for each element.
    calls : int
        How often f was called.
    flags : dict of arrays
        By name, for each element; empty where a tool has none.
    """

    value: np.ndarray
    bar: np.ndarray | None
    points: float
    calls: int
    flags: dict[str, np.ndarray]


class Tool(NamedTuple):
    """A way to differentiate; each callable returns value, error bar or None, and flags.

    Attributes
    ----------
    name : str
    derivative : callable
        ``derivative(f, x)``, for f that works element by element.
    bounded : callable, optional
        ``bounded(f, x, low, high)``, which stays inside.
    gradient : callable, optional
        ``gradient(f, x)``, for f that takes columns.
    loops : bool
        Whether it calls ``f`` once for each variable, and so is left out for many.
    """

    name: str
    derivative: Callable[..., tuple] | None
    bounded: Callable[..., tuple] | None = None
    gradient: Callable[..., tuple] | None = None
    loops: bool = False


class Counter:
    """``f``, with its points and calls counted, since tools count in different ways."""

    def __init__(self, f: Callable[[Any], Any], columns: bool = False):
        self.f, self.columns, self.points, self.calls = f, columns, 0, 0

    def __call__(self, x: Any) -> Any:
        points = np.shape(x)[1:] if self.columns else np.shape(x)
        self.points += int(np.prod(points, dtype=int))
        self.calls += 1
        return self.f(x)


@contextmanager
def quiet() -> Iterator[None]:
    """Tools warn where they divide by zero and overflow; here that is part of the figures."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


def ask(method: Callable[..., tuple], f: Any, x: np.ndarray, *rest: Any, **options: Any) -> Answer:
    """Call a tool, its warnings suppressed, and count what it asks of f."""
    counter = Counter(f, **options)
    with quiet():
        value, bar, *flags = method(counter, x, *rest)
    bar = None if bar is None else np.broadcast_to(np.abs(bar), x.shape)
    points = counter.points / x.size
    return Answer(np.reshape(value, x.shape), bar, points, counter.calls, *(flags or [{}]))


# Ours

FLAGS = ("kink", "singular", "one_sided", "noisy")


def unpack(record: Any) -> tuple:
    flags = {name: np.asarray(getattr(record.flags, name)) for name in FLAGS}
    return np.asarray(record.value), np.asarray(record.error), flags


def ours(f: Any, x: np.ndarray) -> tuple:
    from anygrad import differences

    return unpack(differences.derivative(f, x, full_output=True))


def ours_bounded(f: Any, x: np.ndarray, low: float, high: float) -> tuple:
    from anygrad import differences

    return unpack(differences.derivative(f, x, bounds=(low, high), full_output=True))


def ours_gradient(f: Any, x: np.ndarray) -> tuple:
    from anygrad import differences

    return unpack(differences.gradient(f, x, full_output=True))


def ours_central(f: Any, x: np.ndarray) -> tuple:
    from anygrad import differences

    return differences.derivative(f, x, method="central"), None


def ours_central_gradient(f: Any, x: np.ndarray) -> tuple:
    from anygrad import differences

    return differences.gradient(f, x, method="central", evaluate="stacked"), None


# Peers


def scipy_derivative(f: Any, x: np.ndarray, **options: Any) -> tuple:
    from scipy.differentiate import derivative

    found = derivative(f, x, **options)
    return found.df, found.error


def scipy_scaled(f: Any, x: np.ndarray) -> tuple:
    return scipy_derivative(f, x, initial_step=np.where(x == 0, 0.25, np.abs(x) / 4))


def scipy_bounded(f: Any, x: np.ndarray, low: float, high: float) -> tuple:
    """As its manual advises: small steps, one-sided where a bound is near."""
    room_below, room_above = x - low, high - x
    room = np.minimum(room_below, room_above)
    reach = 0.25 * (high - low)
    direction = np.where(room >= reach, 0, np.where(room_above > room_below, 1, -1))
    step = np.where(direction == 0, reach, 0.5 * np.maximum(room_below, room_above))
    return scipy_derivative(f, x, initial_step=step, step_direction=direction)


def scipy_gradient(f: Any, x: np.ndarray) -> tuple:
    from scipy.differentiate import jacobian

    found = jacobian(f, x)
    return found.df, found.error


def three_points(f: Any, x: np.ndarray) -> tuple:
    """The step of approx_derivative, element by element: it takes no vectorised functions."""
    h = np.finfo(np.float64).eps ** (1 / 3) * np.maximum(np.abs(x), 1.0)
    above, below = x + h, x - h
    return (f(above) - f(below)) / (above - below), None


def approx_bounded(f: Any, x: np.ndarray, low: float, high: float) -> tuple:
    from scipy.optimize._numdiff import approx_derivative

    def differ(point: float) -> float:
        return approx_derivative(f, point, method="3-point", bounds=(low, high)).item()

    return np.array([differ(point) for point in x]), None


def approx_gradient(f: Any, x: np.ndarray) -> tuple:
    from scipy.optimize._numdiff import approx_derivative

    return approx_derivative(f, x, method="3-point"), None


def numdifftools_derivative(f: Any, x: np.ndarray) -> tuple:
    from numdifftools import Derivative

    found = Derivative(f, full_output=True)(x)
    return found.estimate, found.error_estimate


def numdifftools_gradient(f: Any, x: np.ndarray) -> tuple:
    from numdifftools import Gradient

    found = Gradient(f, full_output=True)(x)
    return found.estimate, np.ravel(found.error_estimate)


def jacobi_derivative(f: Any, x: np.ndarray) -> tuple:
    from jacobi import jacobi

    return jacobi(f, x, diagonal=True)


def jacobi_gradient(f: Any, x: np.ndarray) -> tuple:
    from jacobi import jacobi

    return jacobi(f, x)


TOOLS = {
    tool.name: tool
    for tool in (
        Tool("ours", ours, ours_bounded, ours_gradient),
        Tool("ours-central", ours_central, None, ours_central_gradient),
        Tool("scipy", scipy_derivative, scipy_bounded, scipy_gradient),
        Tool("scipy-scaled", scipy_scaled),
        Tool("scipy-3-point", three_points, approx_bounded, approx_gradient),
        Tool("numdifftools", numdifftools_derivative, None, numdifftools_gradient, loops=True),
        Tool("jacobi", jacobi_derivative, None, jacobi_gradient, loops=True),
    )
}
