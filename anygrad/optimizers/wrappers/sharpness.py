"""Sharpness-aware minimisation: the gradient from the worst point nearby."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from anygrad import trees
from anygrad.backends import namespace_of
from anygrad.backends.types import Array, Tree
from anygrad.clipping import normalize
from anygrad.errors import ArgumentError, describe
from anygrad.optimizers.flow import Flow, State
from anygrad.optimizers.rules.leaves import add, at_least_single
from anygrad.optimizers.transform import Transform, advance, from_rule
from anygrad.optimizers.wrappers.wrapping import check_transform, refuse_examples
from anygrad.ranges import NOT_NEGATIVE, POSITIVE, check_count, check_number
from anygrad.trees.placing import on_device_of

__all__ = ["sam"]


def sam(
    transform: Transform,
    rho: float = 0.05,
    *,
    adaptive: bool = False,
    eta: float | None = None,
    ascents: int = 1,
) -> Transform:
    """Step with the gradient from where the loss is about highest within a small ball.

    ``e = rho g / |g|`` with one norm over all leaves; the gradient at ``p + e`` then goes to
    ``transform``, which steps from ``p``. So each step takes a second gradient, and needs the
    function: ``step(params, grads, state, value_and_grad=f)``, or ``grad=f``.

    Parameters
    ----------
    transform : Transform
        An optimizer, or a chain that ends in one. Clips belong inside, since a clip in front would
        not see the second gradient; so do `freeze` and `masked`, for the function takes all leaves.
    rho : float
        Radius of the ball, > 0.
    adaptive : bool
        Measure the ball relative to the parameters (ASAM): ``e = rho s^2 g / |s g|`` with
        ``s = |p| + eta``; use a ``rho`` about 10 times as large.
    eta : float, optional
        >= 0; only with ``adaptive``, where it is 0.01 unless given.
    ascents : int
        How many such moves are made one after another, each with the gradient at the last point,
        >= 1; each costs a gradient.

    Returns
    -------
    Transform
        State: that of ``transform``.

    Raises
    ------
    ArgumentError
        If ``transform`` is none or takes examples, or a number is out of its range. At a step, if
        neither ``value_and_grad`` nor ``grad`` is passed, what it returns does not fit, or it fails
        where `freeze` or `masked` around has hidden leaves.

    Notes
    -----
    ``value_and_grad=f`` is called as ``f(params)`` and returns ``(value, grads)``, as
    ``ag.value_and_grad`` makes it; the value is not used. ``grad=f`` returns the gradients alone.
    Both should be of the same batch as ``grads``. Where the gradient is zero, so is ``e``.

    The function takes parameters of the dtype of ``params``, so in half precision ``p + e`` is
    rounded: what is below about ``|p| / 2048`` in float16, or ``|p| / 256`` in bfloat16, is lost.
    ``e`` has the norm ``rho`` over all leaves, about ``rho / sqrt(n)`` for each of n elements.
    Choose ``rho`` accordingly, or keep the parameters in float32 and round them in the function.

    References
    ----------
    Foret, Kleiner, Mobahi, Neyshabur (2021), Sharpness-aware minimization for efficiently improving
    generalization, algorithm 1, with p = 2. Kwon, Kim, Park, Choi (2021), ASAM, algorithm 1; there
    ``s`` is ``|p|`` for weights and 1 for biases, here it is the same for all leaves.

    Examples
    --------
    >>> f = ag.value_and_grad(lambda x: x**4)
    >>> optimizer = ag.optimizers.sam(ag.optimizers.sgd(0.25), rho=1.0)
    >>> params = np.asarray(1.0)
    >>> value, grads = f(params)
    >>> state = optimizer.init(params)
    >>> optimizer.step(params, grads, state, value_and_grad=f)[0]  # 1 - 4 (1 + 1)^3 / 4
    array(-7.)
    """
    check_transform("sam", transform)
    refuse_examples("sam", transform)
    rho = check_number("sam(rho)", rho, POSITIVE)
    if eta is not None and not adaptive:
        message = f"sam(eta): got {eta} without adaptive=True, which alone uses it. Pass both."
        raise ArgumentError(message)
    eta = check_number("sam(eta)", 0.01 if eta is None else eta, NOT_NEGATIVE)
    ascents = check_count("sam(ascents)", ascents, low=1)
    return from_rule(SharpnessRule(transform, rho, eta if adaptive else None, ascents), "sam")


class SharpnessRule:
    """Takes a second gradient, uphill.

    Attributes
    ----------
    inner : Transform
        What steps with that gradient.
    rho : float
        Radius.
    eta : float or None
        What is added to the absolute value of parameters; None: they do not count.
    ascents : int
        Moves before that gradient.
    """

    def __init__(self, inner: Transform, rho: float, eta: float | None, ascents: int):
        self.inner = inner
        self.rho = rho
        self.eta = eta
        self.ascents = ascents

    def __repr__(self) -> str:
        kind = "" if self.eta is None else f", adaptive=True, eta={self.eta}"
        return f"sam({self.inner!r}, {self.rho}{kind}, ascents={self.ascents})"

    def init(self, params: Tree) -> State:
        """Make the state of the transform."""
        return self.inner.init(params)

    def advance(
        self, flow: Flow, state: State, params: Tree, donate: bool, extra: Mapping[str, Any]
    ) -> tuple[Flow, State]:
        """Climb, take the gradient there, and step from below."""
        name, gradient = _find_function(extra)
        point, grads = params, flow.settle()
        for _ in range(self.ascents):
            point = trees.map(add, point, self._climb(grads, point))
            grads = _ask(name, gradient, point)
        above = Flow(grads, None, flow.accept)
        return advance(self.inner, above, state, params, donate, extra)

    def _climb(self, grads: Tree, point: Tree) -> Tree:
        grads = trees.map(at_least_single, grads)
        if self.eta is None:
            return trees.map(self._times_rho, normalize(grads)[0])
        sizes = trees.map(self._size, point)
        direction, _ = normalize(trees.map(_product, sizes, grads))
        return trees.map(_product, sizes, trees.map(self._times_rho, direction))

    def _times_rho(self, g: Array) -> Array:
        with on_device_of(g):
            return self.rho * g

    def _size(self, p: Array) -> Array:
        with on_device_of(p):
            return namespace_of(p).abs(at_least_single(p)) + self.eta


def _product(a: Array, b: Array) -> Array:
    xp = namespace_of(a, b)
    with on_device_of(b):
        return xp.asarray(a * b, dtype=b.dtype)


def _ask(name: str, gradient: Callable[[Tree], Tree], point: Tree) -> Tree:
    """Take the gradient there; blame hidden leaves where it fails and there may be some."""
    try:
        grads = gradient(point)
        trees.check_same_structure(f"sam.step({name})", point, grads)
    except Exception as error:
        if not _has_gaps(point):
            raise
        message = (
            f"sam.step({name}): got {type(error).__name__} from it at parameters with None in "
            "them; expected gradients. If freeze or masked hides those leaves, put sam around: "
            "sam(chain(freeze(...), optimizer))."
        )
        raise ArgumentError(message) from error
    return grads


def _has_gaps(tree: Tree) -> bool:
    """Tell whether None stands for a leaf, as where a part does not see one."""
    if tree is None:
        return True
    children = tree.values() if isinstance(tree, Mapping) else tree
    return isinstance(tree, (Mapping, list, tuple)) and any(map(_has_gaps, children))


def _find_function(extra: Mapping[str, Any]) -> tuple[str, Callable[[Tree], Tree]]:
    """Find what takes gradients, and its name."""
    both, alone = extra.get("value_and_grad"), extra.get("grad")
    if callable(both):
        return "value_and_grad", lambda params: _grads_of(both(params))
    if callable(alone):
        return "grad", alone
    got = next((f"{name}={describe(extra[name])}" for name in extra if "grad" in name), "nothing")
    message = (
        f"sam.step(value_and_grad): got {got}; expected the function that takes the gradient. "
        "Pass step(params, grads, state, value_and_grad=f), with f(params) -> value, grads."
    )
    raise ArgumentError(message)


def _grads_of(result: Any) -> Tree:
    if isinstance(result, tuple) and len(result) == 2:
        return result[1]
    message = (
        f"sam.step(value_and_grad): got {describe(result)} from it; expected value and grads. "
        "A function that returns gradients alone is passed as grad=f."
    )
    raise ArgumentError(message)
