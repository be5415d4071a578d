"""The committed table is complete: a new routine cannot be forgotten in it."""

import json
import math

from tests.parity.report import COLUMNS, DATA, measure, show
from tests.parity.routines import ROUTINES


def test_the_committed_table_has_every_routine_and_no_failure():
    table = json.loads(DATA.read_text())
    expected = [(str(routine), dtype) for routine in ROUTINES for dtype in routine.dtypes]
    listed = [(row["routine"], row["dtype"]) for row in table["rows"]]
    advice = "put in what `python -m tests.parity --json docs/_data/parity.json` gives"
    assert listed == expected, advice
    assert set(COLUMNS) <= set(table["columns"]), advice
    for row in table["rows"]:
        assert not row["reason"]
        assert set(row["differences"]) == set(table["columns"])


def test_double_precision_agrees_to_a_millionth_of_a_millionth():
    for row in json.loads(DATA.read_text())["rows"]:
        if row["dtype"] in ("float64", "complex128"):
            assert max(row["differences"].values()) <= 1e-12


def test_a_column_is_measured_and_shown():
    column = measure("numpy-readonly")
    assert set(column["cells"].values()) == {0.0}
    table = json.loads(DATA.read_text())
    text = show(table)
    assert text.count("\n") == len(table["rows"]) + 1 + len(table["columns"])
    assert math.isfinite(float(text.splitlines()[1].split()[-1]))
