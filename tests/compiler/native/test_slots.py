"""What makes no sense is told before it is trusted."""

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from anygrad.compiler.targets.native.entries import (
    Signature,
    Slot,
    make_entry,
    make_filler,
    make_matcher,
)
from tests.compiler.native.calling import F8


@pytest.mark.parametrize(
    ("slot", "word"),
    [
        (Slot("array", 4, F8), "place"),
        (Slot("array", -1, F8), "place"),
        (Slot("int", 0), "kind"),
        (Slot("array", 0), "dtype"),
        (Slot("array", 0, np.dtype(complex)), "dtype"),
        (Slot("array", 0, np.dtype(">f8")), "dtype"),
        (Slot("array", 0, np.dtype(np.longdouble)), "dtype"),
        (Slot("written", 0, F8, (2,), ()), "strides"),
    ],
)
def test_slots_that_make_no_sense_are_told(way, slot, word):
    signature = Signature((slot,), (0,) * 4, 0, 0, False, ())
    for make in (lambda: make_entry(1, signature), lambda: make_filler(signature)):
        with pytest.raises(ValueError, match=word):
            make()
    if word != "place":
        with pytest.raises(ValueError, match=word):
            make_matcher([slot])
    with pytest.raises(ValueError, match="number"):
        make_matcher([Slot("float", 0)])
    with pytest.raises(ValueError, match="owned"):
        make_matcher([Slot("array", 0, F8)], [])
