"""Which settings of an optimizer a quick run tries on which library."""

import pytest

from tests.optimizers.table import FIRST_ROWS

# array-api-strict is the strictest, and NumPy what the others are compared with
TRY_ALL = ("numpy", "strict", "cupy", "cupy-lookalike")


def pytest_collection_modifyitems(config, items):
    if config.getoption("--slow"):
        return
    reason = "settings after an optimizer's first run on NumPy and strict; on all with --slow"
    skip = pytest.mark.skip(reason=reason)
    for item in items:
        given = getattr(getattr(item, "callspec", None), "params", {})
        row = given.get("row")
        if not hasattr(row, "by_hand") or row in FIRST_ROWS:
            continue
        if given.get("xp", "numpy") not in TRY_ALL:
            item.add_marker(skip)
