"""NumPy's own namespace has the whole standard 2024.12, but for what is listed here."""

import inspect

import numpy as np
import pytest

strict = pytest.importorskip("array_api_strict")

# Parameters of the standard that NumPy's functions do not take; 2.5 has some that 2.4 lacks.
MISSING = {
    ("", "sort", "descending"),
    ("", "argsort", "descending"),
    ("fft", "fftfreq", "dtype"),
    ("fft", "rfftfreq", "dtype"),
}
NOT_STANDARD = {
    "Device",
    "ArrayAPIStrictFlags",
    "asarray",
}  # asarray: takes everything, checked below
PARTS = {"": (np, strict), "linalg": (np.linalg, strict.linalg), "fft": (np.fft, strict.fft)}


def standard_names(part):
    module = PARTS[part][1]
    return [
        name
        for name in module.__all__
        if not name.endswith("strict_flags") and name not in NOT_STANDARD
    ]


@pytest.mark.parametrize("part", PARTS)
def test_every_name_of_the_standard_is_there(part):
    names = standard_names(part)
    assert len(names) > 10
    missing = [name for name in names if not hasattr(PARTS[part][0], name)]
    assert missing == [] or (np.__version__ < "2.3" and missing == ["__array_namespace_info__"])


@pytest.mark.parametrize("part", PARTS)
def test_every_keyword_of_the_standard_is_there(part):
    missing = set()
    for name in standard_names(part):
        ours, theirs = (getattr(module, name) for module in PARTS[part])
        wanted, taken = parameters(theirs), parameters(ours)
        if wanted and taken:
            keywords = {p.name for p in wanted if p.kind is p.KEYWORD_ONLY}
            missing |= {(part, name, keyword) for keyword in keywords - {p.name for p in taken}}
    assert missing <= {row for row in MISSING if part == row[0]}


def parameters(function):
    """Parameters of a function; none if they cannot be known."""
    try:
        found = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return []
    return [] if any(p.kind is p.VAR_KEYWORD for p in found) else found


def test_asarray_copies_when_asked():
    x = np.ones(2)
    assert np.asarray(x, copy=True, device="cpu") is not x
    assert np.asarray(x, copy=None) is x
