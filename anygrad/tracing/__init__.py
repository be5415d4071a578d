"""Traced arrays: what stands in for the user's arrays while a function is differentiated."""

from anygrad.tracing import methods, operations, protocols
from anygrad.tracing.level import (
    LIFTED,
    TRACED,
    Level,
    Traced,
    bind,
    differentiable,
    lifted,
    lowest,
    names_for,
    written_through_view,
)
from anygrad.tracing.tape import Recorded, RecordedComplex, Tape, walk

__all__ = [
    "LIFTED",
    "TRACED",
    "Level",
    "Recorded",
    "RecordedComplex",
    "Tape",
    "Traced",
    "bind",
    "differentiable",
    "lifted",
    "lowest",
    "methods",
    "names_for",
    "operations",
    "protocols",
    "walk",
    "written_through_view",
]
