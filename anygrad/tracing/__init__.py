"""Traced arrays: what stands in for the user's arrays while a function is differentiated."""

from anygrad.tracing import at, methods, operations, protocols, torch_functions
from anygrad.tracing.level import (
    LIFTED,
    TRACED,
    Level,
    Traced,
    bind,
    lifted,
    lowest,
    names_for,
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
    "at",
    "bind",
    "lifted",
    "lowest",
    "methods",
    "names_for",
    "operations",
    "protocols",
    "torch_functions",
    "walk",
]
