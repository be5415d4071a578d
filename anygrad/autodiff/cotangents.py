"""What goes into a pullback and what a result may share with the tape."""

from __future__ import annotations

from typing import Any

from anygrad import trees
from anygrad.autodiff.inputs import beside_level, check_place, is_on_host
from anygrad.backends import place_of
from anygrad.errors import DTypeError, ShapeError, describe
from anygrad.ops.shaping import kind_of
from anygrad.tracing import LIFTED, lowest, names_for


def flatten_cotangents(treedef: Any, cotangent: Any) -> list[Any]:
    """List the cotangents in the order of the outputs."""
    try:
        return trees.flatten_up_to(treedef, cotangent)
    except ValueError as error:
        message = "pullback(cotangent): got another structure than that of the value."
        raise ShapeError(message) from error


class Expected:
    """What a cotangent has to look like; holds no value of the output but a 0-d zero."""

    __slots__ = ("dtype", "level", "place", "shape", "zero")

    def __init__(self, y: Any) -> None:
        self.shape = getattr(y, "shape", ())
        self.dtype = getattr(y, "dtype", None)
        bottom = lowest(y)
        self.zero = (
            names_for(bottom).zeros_like(bottom) if hasattr(y, "shape") and not y.shape else 0.0
        )
        self.level = y.t if type(y) in LIFTED else None
        self.place = None if is_on_host(bottom) else place_of(bottom)

    def match(self, g: Any) -> Any:
        """A cotangent in the dtype of the output; Python numbers are allowed for 0-d outputs."""
        if not hasattr(g, "shape"):
            if self.shape != () or not isinstance(g, int | float | complex):
                message = (
                    f"pullback(cotangent): got {describe(g)}; expected an array of shape "
                    f"{self.shape}."
                )
                raise ShapeError(message)
            g = self.zero + g
        if g.shape != self.shape:
            message = (
                f"pullback(cotangent): got {describe(g)}; expected shape {self.shape}, that of the "
                "value."
            )
            raise ShapeError(message)
        check_place("pullback(cotangent)", self.place, g)
        if g.dtype != self.dtype:
            if kind_of(g.dtype) == "complex":
                message = (
                    f"pullback(cotangent): got {describe(g)}; expected dtype {self.dtype}, that of "
                    "the value."
                )
                raise DTypeError(message)
            g = names_for(g).astype(g, dtype=self.dtype)
        return beside_level(self.level, g)
