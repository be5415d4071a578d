"""For tests: assertions on gradients, whose messages say what is wrong and where."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from anygrad.checking import GradientReport, check_gradients

__all__ = ["assert_gradients"]


def assert_gradients(f: Callable[..., Any], *args: Any, **options: Any) -> GradientReport:
    """Assert that the gradient of ``f`` agrees with numerical derivatives.

    Parameters
    ----------
    f : callable
        Called as ``f(*args)``; returns a real number or an array of shape ().
    *args : trees
        The point.
    **options
        ``grad``, ``argnums``, ``modes``, ``order``, ``rtol``, ``samples``, ``directions``,
        ``evaluate`` and ``seed``, as for `anygrad.check_gradients`.

    Returns
    -------
    GradientReport
        The report, where the gradient agrees.

    Raises
    ------
    GradientError
        An AssertionError with the report as its text, if the gradient is wrong or nothing can be
        said.
    ArgumentError, DTypeError, ShapeError
        For bad input.

    Examples
    --------
    >>> def test_energy():
    ...     ag.testing.assert_gradients(lambda x: np.sum(x**3), np.asarray([1.0, 2.0]), order=2)
    >>> test_energy()
    """
    __tracebackhide__ = True  # pytest shows the line of the test
    return check_gradients(f, *args, **options).raise_if_wrong()
