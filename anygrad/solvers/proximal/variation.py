"""Total variation as a proximal operator: along one axis, and of images."""

from __future__ import annotations

import math
from typing import Any

from anygrad.backends.dtypes import float_limits, has_kind
from anygrad.backends.types import Array, Namespace, Tree
from anygrad.errors import DTypeError, ShapeError, describe
from anygrad.ranges import NOT_NEGATIVE, check_count, check_number
from anygrad.solvers.proximal.chain import denoise_chain
from anygrad.solvers.proximal.image import Differences, denoise_image
from anygrad.solvers.proximal.leaves import add_up, beside, list_leaves, map_leaves
from anygrad.solvers.proximal.operator import Proximal

__all__ = ["total_variation", "total_variation_2d"]


def total_variation(strength: float, *, axis: int = -1) -> Proximal:
    """Penalise jumps along an axis, strength * sum |x_(i+1) - x_i|: piecewise constant signals.

    The map is exact, to rounding: no iteration towards a tolerance. It takes about log n rounds of
    log n passes over the array, all slices together, and each round reads one number from the
    device.

    Parameters
    ----------
    strength : float
        >= 0.
    axis : int
        Of every leaf; other axes are independent signals.

    Returns
    -------
    Proximal
        For real arrays. Derivatives do not pass through its map.

    Raises
    ------
    ArgumentError
        If ``strength`` is negative.
    DTypeError
        If, when it is applied, a leaf is complex.

    References
    ----------
    Chambolle, Darbon (2009), On total variation minimization and surface evolution using parametric
    maximum flows; Johnson (2013), A dynamic programming algorithm for the fused lasso and
    L0-segmentation.

    Examples
    --------
    >>> import numpy as np
    >>> from anygrad.solvers import proximal
    >>> proximal.total_variation(1.0).prox(np.asarray([0.0, 1.0, 0.0, 5.0, 5.0]), 1.0)
    array([0.66666667, 0.66666667, 0.66666667, 4.5       , 4.5       ])
    """
    check_number("total_variation(strength)", strength, NOT_NEGATIVE)

    def value(x: Tree) -> Any:
        def of_leaf(xp: Namespace, leaf: Array) -> Array:
            moved = _last(xp, leaf, axis)
            return strength * xp.sum(xp.abs(moved[..., 1:] - moved[..., :-1]))

        return add_up(x, list_leaves("total_variation(x)", of_leaf, x))

    def prox(x: Tree, step: Any) -> Tree:
        def of_leaf(xp: Namespace, leaf: Array) -> Array:
            _check_real("total_variation", xp, leaf)
            moved = _last(xp, leaf, axis)
            weight = beside(xp, leaf, step) * strength
            return _last(xp, denoise_chain(xp, moved, weight), axis, back=True)

        return map_leaves("total_variation(x)", of_leaf, x)

    return Proximal("total_variation", value, prox)


def total_variation_2d(
    strength: float, *, isotropic: bool = True, max_steps: int = 500, tolerance: float = 1e-5
) -> Proximal:
    """Penalise the jumps of an image, the last two axes of every leaf: edges stay, noise goes.

    Isotropic: strength * sum of sqrt(down^2 + right^2) with the differences to the neighbours
    below and to the right, 0 at the border. Anisotropic: sum of |down| + |right|. The map solves
    the dual problem by accelerated projected gradient with restarts, until the gap between both
    problems proves that the result is near enough.

    Parameters
    ----------
    strength : float
        >= 0.
    isotropic : bool
        Which of the two.
    max_steps : int
        The most iterations, >= 1.
    tolerance : float
        The largest distance from the exact result, relative to the norm of ``x``, both over all
        images of a leaf; at least the root of ten units of rounding is allowed. The gap is read
        from the device every ten iterations; 0 does ``max_steps`` iterations and reads nothing.

    Returns
    -------
    Proximal
        For real arrays of two dimensions or more.

    Raises
    ------
    ArgumentError
        If a number is outside its range.
    DTypeError, ShapeError
        If, when it is applied, a leaf is complex or has fewer than two dimensions.

    References
    ----------
    Beck, Teboulle (2009), Fast gradient-based algorithms for constrained total variation image
    denoising and deblurring problems, eq. 1.3, 1.4 and algorithm FGP. Restarts: O'Donoghue, Candès
    (2015), Adaptive restart for accelerated gradient schemes, eq. 13.

    Examples
    --------
    >>> import numpy as np
    >>> from anygrad.solvers import proximal
    >>> image = np.asarray([[0.0, 0.0, 9.0], [0.0, 1.0, 9.0]])
    >>> proximal.total_variation_2d(0.5).prox(image, 1.0).round(2)
    array([[0.35, 0.35, 8.5 ],
           [0.35, 0.96, 8.5 ]])
    """
    check_number("total_variation_2d(strength)", strength, NOT_NEGATIVE)
    check_count("total_variation_2d(max_steps)", max_steps, 1)
    check_number("total_variation_2d(tolerance)", tolerance, NOT_NEGATIVE)
    differences = Differences(isotropic)

    def value(x: Tree) -> Any:
        def of_leaf(xp: Namespace, leaf: Array) -> Array:
            _check_image(leaf)
            return strength * differences.variation(xp, *differences.of(xp, leaf))

        return add_up(x, list_leaves("total_variation_2d(x)", of_leaf, x))

    def prox(x: Tree, step: Any) -> Tree:
        def of_leaf(xp: Namespace, leaf: Array) -> Array:
            _check_real("total_variation_2d", xp, leaf)
            _check_image(leaf)
            weight = beside(xp, leaf, step) * strength
            floor = math.sqrt(10.0 * float(float_limits(xp, leaf.dtype).eps))
            enough = max(tolerance, floor) if tolerance else 0.0
            return denoise_image(xp, leaf, weight, differences, max_steps, enough)

        return map_leaves("total_variation_2d(x)", of_leaf, x)

    return Proximal("total_variation_2d", value, prox)


def _last(xp: Namespace, x: Array, axis: int, back: bool = False) -> Array:
    """Move an axis to the end, or back from there."""
    order = [i for i in range(len(x.shape)) if i != axis % len(x.shape)]
    order.append(axis % len(x.shape))
    if back:
        order = [order.index(i) for i in range(len(order))]
    return x if order == sorted(order) else xp.permute_dims(x, tuple(order))


def _check_real(where: str, xp: Namespace, x: Array) -> None:
    if not has_kind(xp, x.dtype, "real floating"):
        message = f"{where}(x): got {describe(x)}; expected a real floating array."
        raise DTypeError(message)


def _check_image(x: Array) -> None:
    if len(x.shape) < 2:
        message = f"total_variation_2d(x): got {describe(x)}; expected two dimensions or more."
        raise ShapeError(message)
