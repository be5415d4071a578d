"""Watch the gradients: name the leaf that vanishes, explodes or is not finite, in a sentence."""

import math
from dataclasses import dataclass, field

from anygrad import trees
from anygrad.backends import backend_of, namespace_of
from anygrad.backends.types import Array, Tree
from anygrad.errors import ArgumentError, describe
from anygrad.ranges import Range, check_number
from anygrad.trees.placing import check_libraries, on_device_of

ADVICE = {
    "vanishing": "Steps of one size cannot train both; look for saturated activations (sigmoid, "
    "tanh) or a small initialisation on the way to this leaf.",
    "zero": "The loss does not depend on it, every unit behind it is dead, or it underflowed.",
    "exploding": "Clip (ag.clipping.clip_by_global_norm), lower the learning rate or start from "
    "smaller weights.",
    "non-finite": "Look for log(0), 0/0, sqrt at 0 or an overflow in the loss.",
}


@dataclass(frozen=True)
class Monitor:
    """The limits that tell a healthy gradient from a vanishing or exploding one.

    A leaf is measured by its norm and by its root mean square, norm / sqrt(size), so that a bias
    and a large matrix compare fairly.

    Attributes
    ----------
    vanishing : float
        A leaf vanishes when its root mean square is below this part of the largest one. Default
        1e-6: one learning rate then moves the two leaves at speeds a million apart, more than
        any number of steps makes up for; healthy networks spread over 1e2 to 1e4.
    floor : float
        ... or below this, whatever the others do. Default 1e-12: parameters of order one then
        need some 1e12 steps to move. A finished optimisation reaches it too; the sentence says so.
    exploding : float
        A leaf explodes when its norm is above ``exploding * max(1, norm of all params)``. Default
        1e3: a step with the common learning rate 1e-3 is then longer than the parameters
        themselves.
    """

    vanishing: float = 1e-6
    floor: float = 1e-12
    exploding: float = 1e3

    def __post_init__(self) -> None:
        """Refuse limits that can't work."""
        for name in ("vanishing", "floor", "exploding"):
            check_number(f"Monitor({name})", getattr(self, name), Range(low=0))


@dataclass(frozen=True)
class Finding:
    """One thing wrong with the gradient of one leaf."""

    kind: str  # a key of ADVICE
    path: str
    text: str

    def __str__(self) -> str:
        return f"{self.text} {ADVICE[self.kind]}"


@dataclass(frozen=True)
class GradientHealth:
    """What ``gradient_report`` found; ``str`` gives the sentences, empty when all is well.

    Attributes
    ----------
    norms : dict of str to float
        2-norm of each leaf by path ("decoder/w").
    norm : float
        Joint 2-norm.
    findings : tuple of Finding
        Worst kind first: non-finite, exploding, zero, vanishing.
    """

    norms: dict[str, float]
    norm: float
    findings: tuple[Finding, ...] = field(default=())

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    def __str__(self) -> str:
        return "\n".join(str(finding) for finding in self.findings)


def gradient_report(
    grads: Tree, params: Tree = None, *, monitor: Monitor | None = None, name: str = "params"
) -> GradientHealth:
    """Measure every gradient leaf and name those that vanish, explode or are not finite.

    Parameters
    ----------
    grads : tree of arrays
        Gradients; real or complex floating; read, never changed.
    params : tree of arrays, optional
        The parameters, structured like ``grads``; their norm sets the scale of "exploding".
    monitor : Monitor, optional
        The limits; ``Monitor()`` explains the defaults.
    name : str
        What the sentences call the tree.

    Returns
    -------
    GradientHealth
        On the host: this waits for the device and fetches four numbers a leaf.

    Raises
    ------
    ArgumentError
        If a leaf of ``grads`` is no array.
    MixedBackendError
        If the arrays belong to two libraries.

    Examples
    --------
    >>> report = ag.training.gradient_report({"w": np.asarray([0.3, np.nan])})
    >>> report.ok
    False
    >>> print(report.findings[0].text)
    params['w']: 1 of 2 gradient entries is not finite (1 nan, 0 inf).
    """
    check_libraries("gradient_report(trees)", (grads, params))
    limits = monitor or Monitor()
    paths = trees.paths(grads)
    measures: dict[str, Measure] = {
        path: measure(leaf, path, name)
        for path, leaf in zip(paths, trees.leaves(grads), strict=True)
    }
    finite = {path: m for path, m in measures.items() if math.isfinite(m.norm)}
    scale = 1.0 if params is None else max(1.0, float(trees.to_numpy(trees.norm(params))))
    limit = limits.exploding * scale if math.isfinite(scale) else limits.exploding
    exploding = {path: m for path, m in finite.items() if m.norm > limit}
    calm = {path: m for path, m in finite.items() if path not in exploding and m.size}
    findings = [
        *(
            non_finite(trees.show_path(name, path), path, m)
            for path, m in measures.items()
            if m.bad
        ),
        *(explosion(trees.show_path(name, path), path, m, limit) for path, m in exploding.items()),
        *vanishings(calm, limits, name),
    ]
    norms = {path: m.norm for path, m in measures.items()}
    return GradientHealth(norms, math.hypot(*norms.values()), tuple(findings))


@dataclass(frozen=True)
class Measure:
    """Numbers of one leaf, on the host."""

    norm: float
    nans: int
    infs: int
    size: int

    @property
    def bad(self) -> int:
        """Count the entries that are nan or inf."""
        return self.nans + self.infs

    @property
    def rms(self) -> float:
        """Root mean square of the entries."""
        return self.norm / math.sqrt(self.size)


def measure(leaf: Array, path: str, name: str) -> Measure:
    """Norm and counts of one leaf in a single transfer."""
    if backend_of(leaf) is None:
        message = (
            f"gradient_report({trees.show_path(name, path)}): got {describe(leaf)}; expected an "
            "array."
        )
        raise ArgumentError(message)
    xp = namespace_of(leaf)
    norm = trees.norm(leaf)
    with on_device_of(leaf):
        nans = xp.sum(xp.astype(xp.isnan(leaf), norm.dtype))
        infs = xp.sum(xp.astype(xp.isinf(leaf), norm.dtype))
        numbers = trees.to_numpy(xp.stack([norm, nans, infs])).tolist()
    return Measure(numbers[0], int(numbers[1]), int(numbers[2]), math.prod(leaf.shape))


def non_finite(where: str, path: str, m: Measure) -> Finding:
    """Say how many entries are nan or inf."""
    verb = "is" if m.bad == 1 else "are"
    text = (
        f"{where}: {m.bad} of {m.size} gradient entries {verb} not finite "
        f"({m.nans} nan, {m.infs} inf)."
    )
    return Finding("non-finite", path, text)


def explosion(where: str, path: str, m: Measure, limit: float) -> Finding:
    """Say how far above the limit the norm is."""
    text = f"{where}: gradient norm {m.norm:.2g} explodes (limit {limit:.2g})."
    return Finding("exploding", path, text)


def vanishings(calm: dict[str, Measure], limits: Monitor, name: str) -> list[Finding]:
    """Compare the leaves that neither explode nor hold nan or inf with the largest of them."""
    if not calm:
        return []
    top = max(calm, key=lambda path: calm[path].rms)
    largest = calm[top].rms
    zeros, findings = [], []
    for path, m in calm.items():
        where = trees.show_path(name, path)
        if m.norm == 0:
            zeros.append(Finding("zero", path, f"{where}: the gradient is exactly 0."))
        elif m.rms < limits.vanishing * largest:
            text = (
                f"{where}: gradient norm {m.norm:.2g} vanishes; its root mean square is "
                f"{m.rms / largest:.1g} of the largest, {trees.show_path(name, top)}."
            )
            findings.append(Finding("vanishing", path, text))
        elif m.rms < limits.floor:
            text = f"{where}: gradient norm {m.norm:.2g} vanishes (or the loss is at its minimum)."
            findings.append(Finding("vanishing", path, text))
    return zeros + findings
