"""The page on settings holds the table that the fields make."""

from pathlib import Path

from anygrad.config.fields import FIELDS
from anygrad.config.table import settings_table

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"


def test_the_page_holds_the_present_table():
    assert settings_table() in PAGE.read_text(), (
        "docs/settings.md is out of date: put in what "
        "`python -c 'import anygrad.backends; from anygrad.config.table import *; "
        "print(settings_table())'` prints"
    )


def test_every_setting_has_a_row_with_its_own_words():
    rows = settings_table().splitlines()[2:]
    assert len(rows) == len(FIELDS)
    for row, (name, field) in zip(rows, FIELDS.items(), strict=True):
        assert row.count("|") == 7
        for words in (f"`{name}`", field.metadata["doc"], f"ANYGRAD_{name.upper()}"):
            assert words in row
