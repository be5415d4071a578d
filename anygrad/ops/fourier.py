"""Discrete Fourier transforms: of complex arrays, and of real ones with half the spectrum.

Operands have the dtype and the length that the transform needs; padding, cutting and casting are
done by the functions that users call.
"""

from __future__ import annotations

from typing import Any

from anygrad.ops.batching import batch_by_axes
from anygrad.ops.row import LINEAR, Case, Family, Row, Rule, add_row

SCALED_OTHERWISE = {"backward": "forward", "forward": "backward", "ortho": "ortho"}
"""The norm of the transform back that is not the inverse, but the adjoint."""

# As linear rows; only, a real operand may have a complex result, which the quick ways do not know.
TRANSFORM = Family("transform", LINEAR.pullback, LINEAR.pushforward, keeps="shapes")


def _transform(name: str, adjoint: Rule, run: Any, cases: list[Case]) -> None:
    add_row(Row(name, TRANSFORM, (adjoint,), run, cases=tuple(cases), batch=batch_by_axes))


def _several(name: str) -> Any:
    def run(xp: Any) -> Any:
        def transform(x: Any, *, axis: tuple[int, ...], norm: str) -> Any:
            if len(axis) == 1:  # half the time for short arrays
                return getattr(xp.fft, name[:-1])(x, axis=axis[0], norm=norm)
            return getattr(xp.fft, name)(x, axes=axis, norm=norm)

        return transform

    return run


_SEVERAL = [
    Case(((5,),), {"axis": (0,), "norm": "backward"}, complex=True),
    Case(((3, 4),), {"axis": (1, 0), "norm": "ortho"}, complex=True),
    Case(((2, 1, 3),), {"axis": (0, 2), "norm": "forward"}, complex=True),
]
# The matrix of the transform is symmetric, so its adjoint has the conjugate entries: the inverse,
# but for the scale.
for _name, _other in (("fftn", "ifftn"), ("ifftn", "fftn")):
    _transform(
        _name,
        lambda xp, g, _shape, *, axis, norm, _other=_other: getattr(xp, _other)(
            g, axis=axis, norm=SCALED_OTHERWISE[norm]
        ),
        _several(_name),
        _SEVERAL,
    )


def _ends_apart(xp: Any, y: Any, n: int, axis: int, ends: float, between: float) -> Any:
    """Multiply the terms of a half spectrum that stand for themselves, and those that count twice.

    Terms 0 and n / 2 have no other half.
    """
    axis %= len(y.shape)
    before = (slice(None),) * axis
    last = n // 2 if n % 2 == 0 else n // 2 + 1
    parts = [
        factor * xp.getitem(y, key=(*before, slice(start, stop), ...))
        for factor, start, stop in (
            (ends, 0, 1),
            (between, 1, last),
            (ends, max(last, 1), n // 2 + 1),
        )
        if start < stop
    ]
    return parts[0] if len(parts) == 1 else xp.concat(*parts, axis=axis)


def _rfft(xp: Any) -> Any:
    def rfft(x: Any, *, axis: int, norm: str) -> Any:
        return xp.fft.rfft(x, axis=axis, norm=norm)

    return rfft


def _adjoint_of_rfft(xp: Any, g: Any, shape: Any, *, axis: int, norm: str) -> Any:
    """Only half the terms enter, where the inverse would count most of them twice."""
    n = shape[axis]
    halves = _ends_apart(xp, g, n, axis, 1.0, 0.5)
    return xp.irfft(halves, n=n, axis=axis, norm=SCALED_OTHERWISE[norm])


def _irfft(xp: Any) -> Any:
    def irfft(y: Any, *, n: int, axis: int, norm: str) -> Any:
        return xp.fft.irfft(y, n=n, axis=axis, norm=norm)

    return irfft


def _adjoint_of_irfft(xp: Any, g: Any, _shape: Any, *, n: int, axis: int, norm: str) -> Any:
    """Each term that has another half counts twice; the imaginary parts at the ends do not count.

    The transform of a real array has none there either.
    """
    spectrum = xp.rfft(g, axis=axis, norm=SCALED_OTHERWISE[norm])
    return _ends_apart(xp, spectrum, n, axis, 1.0, 2.0)


_transform(
    "rfft",
    _adjoint_of_rfft,
    _rfft,
    [
        Case(((6,),), {"axis": 0, "norm": "backward"}),
        Case(((5, 2),), {"axis": 0, "norm": "ortho"}),
        Case(((2, 1),), {"axis": 1, "norm": "forward"}),
        Case(((3, 2),), {"axis": -1, "norm": "forward"}),
    ],
)
_transform(
    "irfft",
    _adjoint_of_irfft,
    _irfft,
    [
        Case(((4,),), {"n": 6, "axis": 0, "norm": "backward"}, complex=True),
        Case(((3, 2),), {"n": 5, "axis": 0, "norm": "ortho"}, complex=True),
        Case(((2, 1),), {"n": 1, "axis": 1, "norm": "forward"}, complex=True),
        Case(((3, 2),), {"n": 2, "axis": -1, "norm": "forward"}, complex=True),
    ],
)
