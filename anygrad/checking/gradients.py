"""The public function: compares a gradient with the ladder, by elements or along directions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from anygrad.backends.types import Tree
from anygrad.checking.procedure import WHERE, Check
from anygrad.checking.reports import GradientReport
from anygrad.checking.subjects import Subject
from anygrad.differences.evaluation import check_evaluation
from anygrad.errors import ArgumentError, describe

__all__ = ["check_gradients"]

MODES = ("reverse", "forward")


def check_gradients(
    f: Callable[..., Any],
    *args: Any,
    grad: Callable[..., Tree] | Tree | None = None,
    argnums: int | tuple[int, ...] = 0,
    modes: tuple[str, ...] = MODES,
    order: int = 1,
    rtol: float | None = None,
    samples: int | None = None,
    directions: int | None = None,
    evaluate: str = "auto",
    seed: int = 0,
) -> GradientReport:
    """Compare the gradient of ``f`` with numerical derivatives that have error bars.

    Up to 1,000 elements, each is compared. Of larger inputs derivatives along random directions
    are, and a wrong one is followed down to the element in O(log n) more. A wrong automatic
    gradient is traced to the first operation whose own derivative is wrong. Everything is read on
    the host; ``f`` gets copies of the arrays.

    Parameters
    ----------
    f : callable
        Called as ``f(*args)``; returns a real number or an array of shape ().
    *args : trees
        The point. Those in ``argnums`` are trees of floating arrays or numbers.
    grad : callable or tree, optional
        What to check in place of ``ag.grad``: called as ``grad(*args)``, or the gradient itself.
    argnums : int or tuple of int
        The arguments that are differentiated, as for ``ag.grad``.
    modes : tuple of {"reverse", "forward"}
        The automatic modes: both are compared with each other along one direction; "forward" alone
        is compared with differences.
    order : {1, 2}
        2 compares ``hvp`` as well, along random directions, with the ladder's derivative of the
        gradient.
    rtol : float, optional
        Difference always allowed, relative to the slope, in [0, 1); by default 16 eps^(2/3),
        6e-10 in float64.
    samples : int, optional
        Check about so many single elements, > 0, spread evenly.
    directions : int, optional
        Check along so many random directions, > 0. With ``samples`` or ``directions`` only what
        they say is checked.
    evaluate : {"auto", "stacked", "vmap", "loop"}
        As for ``differences.gradient``, for single elements.
    seed : int
        Of the random directions.

    Returns
    -------
    GradientReport
        With ``verdict``, ``ok``, ``worst``, ``leaves``, ``operation``, ``raise_if_wrong()`` and
        ``plot()``; print it.

    Raises
    ------
    ArgumentError, DTypeError, ShapeError
        For bad input only; a wrong gradient is reported, not raised.

    Examples
    --------
    >>> x = np.asarray([1.0, 2.0])
    >>> ag.check_gradients(lambda x: np.sum(x**3), x).ok
    True
    >>> report = ag.check_gradients(lambda x: np.sum(x**3), x, grad=lambda x: 2 * x**2)
    >>> report.wrong, report.worst.path, report.worst.numerical > 2.9
    (2, 'x', True)
    """
    _check_options(modes, order, rtol, samples, directions)
    check_evaluation(WHERE, evaluate, -1)
    if order == 2 and grad is not None and not callable(grad):
        message = (
            f"{WHERE}(order): got 2 and {describe(grad)} as grad=; expected a function, whose "
            "derivative can be taken."
        )
        raise ArgumentError(message)
    subject = Subject.of(WHERE, f, args, argnums)
    check = Check(subject, args, grad, argnums, tuple(modes), rtol, evaluate, seed)
    return check.run(order, samples, directions)


def _check_options(
    modes: Any, order: int, rtol: float | None, samples: int | None, directions: int | None
) -> None:
    if isinstance(modes, str) or not modes or any(mode not in MODES for mode in modes):
        message = f"{WHERE}(modes): got {modes!r}; expected a tuple of {' and '.join(MODES)}."
        raise ArgumentError(message)
    if order not in (1, 2):
        message = f"{WHERE}(order): got {order!r}; expected 1 or 2."
        raise ArgumentError(message)
    if rtol is not None and not 0.0 <= rtol < 1.0:
        message = f"{WHERE}(rtol): got {rtol!r}; expected a number from 0 to 1, or None."
        raise ArgumentError(message)
    for name, count in (("samples", samples), ("directions", directions)):
        if count is not None and (type(count) is not int or count < 1):
            message = f"{WHERE}({name}): got {count!r}; expected a positive integer, or None."
            raise ArgumentError(message)
