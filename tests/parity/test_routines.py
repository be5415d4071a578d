"""Every public routine gives the same on every library, stays there, and reads nothing unsaid."""

import importlib

import pytest

import anygrad as ag
from tests.parity.comparing import compare
from tests.parity.routines import EXEMPT, ROUTINES

CASES = [(routine, dtype) for routine in ROUTINES for dtype in routine.dtypes]
MODULES = (
    *("differences", "clipping", "schedules", "optimizers", "solvers", "solvers.proximal"),
    *("trees", "training"),
)


@pytest.mark.parametrize(
    ("routine", "dtype"), CASES, ids=lambda part: str(part).replace(" ", "_").replace("/", "-")
)
def test_routine_gives_what_numpy_gives(routine, dtype, xp):
    compare(routine, xp, dtype)


def test_every_public_routine_is_in_the_table():
    public = set(ag.__all__)
    for module in MODULES:
        names = importlib.import_module(f"anygrad.{module}").__all__
        public |= {f"{module}.{name}" for name in names}
    called = {name for routine in ROUTINES for name in routine.public}
    assert called - public == set()
    assert public - called == set(EXEMPT)
