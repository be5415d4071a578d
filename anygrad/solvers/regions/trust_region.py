"""``trust_region``: the factory of the methods of this folder."""

from __future__ import annotations

import math

from anygrad.errors import ArgumentError, suggest
from anygrad.ranges import POSITIVE, Range, check_number
from anygrad.solvers.regions.exact import solve_by_dogleg, solve_exactly
from anygrad.solvers.regions.region import Subproblem, TrustRegion
from anygrad.solvers.regions.spectrum import Dense
from anygrad.solvers.regions.steihaug import Steihaug

__all__ = ["trust_region"]

SUBPROBLEMS: dict[str, Subproblem] = {
    "dogleg": Dense(solve_by_dogleg, "dogleg"),
    "exact": Dense(solve_exactly, "exact"),
    "steihaug": Steihaug(),
}


def trust_region(
    *,
    subproblem: str = "steihaug",
    radius: float | None = None,
    max_radius: float | None = None,
    eta: float = 1e-4,
) -> TrustRegion:
    """Lower a quadratic model within a radius that grows and shrinks with its success.

    Steps go down from saddle points and concave places as well, where Newton's method fails. A
    trial that is not finite shrinks the radius. One evaluation of f and its gradient a trial.

    Parameters
    ----------
    subproblem : {"steihaug", "exact", "dogleg"}
        "steihaug": conjugate gradients with products with the Hessian, for many variables; the
        device is read once a product. "exact": the Hessian as a matrix and its eigenvectors, for
        up to some hundred variables; the device is read twice a step. "dogleg": the same matrix,
        and a path of two pieces in place of the best step.
    radius : float, optional
        Length of the longest first step, > 0; that of ``x0`` if it is not given, 1 where ``x0`` is
        0.
    max_radius : float, optional
        Length of the longest step, > 0; no limit if it is not given.
    eta : float
        A step is taken if it lowers f by more than this share of what the model promises; in
        [0, 0.25).

    Returns
    -------
    TrustRegion
        For ``minimize(method=...)``. Methods "trust-ncg", "trust-exact" and "dogleg" are these
        three with their defaults.

    Raises
    ------
    ArgumentError
        If an option is outside its range.

    References
    ----------
    Nocedal, Wright (2006), Numerical Optimization, alg. 4.1 and 7.2 (Steihaug); Moré, Sorensen
    (1983), Computing a trust region step. After a rejection, the radius is where the parabola
    along the step is lowest. Where the promised gain is below the rounding of f, slopes at both
    ends of the step measure the gain.

    Examples
    --------
    >>> import numpy as np
    >>> import anygrad as ag
    >>> method = ag.solvers.trust_region(subproblem="exact")
    >>> ag.minimize(lambda x: np.sum((x - 3.0) ** 4), np.zeros(2), method=method).x.round(1)
    array([3., 3.])
    """
    where = "trust_region"
    if subproblem not in SUBPROBLEMS:
        known = ", ".join(map(repr, SUBPROBLEMS))
        message = (
            f"{where}(subproblem): got {subproblem!r}; expected one of {known}. "
            f"{suggest(subproblem, SUBPROBLEMS)}"
        )
        raise ArgumentError(message.rstrip())
    if radius is not None:
        radius = check_number(f"{where}(radius)", radius, POSITIVE)
    longest = math.inf
    if max_radius is not None:
        longest = check_number(f"{where}(max_radius)", max_radius, POSITIVE)
    eta = check_number(f"{where}(eta)", eta, Range(0, 0.25, open_high=True))
    return TrustRegion(SUBPROBLEMS[subproblem], radius, longest, eta)
