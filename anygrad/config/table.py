"""The settings as a table for the documentation, made from the fields and nothing else."""

from __future__ import annotations

import json

from anygrad.config.fields import FIELDS, expected_of
from anygrad.config.sources import PREFIX

__all__ = ["settings_table"]

HEAD = "| setting | values | default | what it decides | environment | file |"
RULE = "|---|---|---|---|---|---|"


def settings_table() -> str:
    """Write every setting as a row of a Markdown table.

    Returns
    -------
    str
        Name, values, default, meaning, environment variable and line of the settings file.

    Examples
    --------
    >>> from anygrad.config.table import settings_table
    >>> settings_table().splitlines()[0]
    '| setting | values | default | what it decides | environment | file |'
    """
    return "\n".join([HEAD, RULE, *(_row(name) for name in FIELDS)])


def _row(name: str) -> str:
    field = FIELDS[name]
    kinds = field.metadata["kinds"] or (str,)
    in_file = f"`{name} = {json.dumps(field.default)}`" if field.default is not None else ""
    cells = [
        f"`{name}`",
        expected_of(name).removeprefix("one of ").replace("'", "`"),
        f"`{field.default!r}`".replace("'", '"'),
        field.metadata["doc"],
        f"`{PREFIX}{name.upper()}`",
        in_file or (f"`{name} = 1`" if str not in kinds else f'`{name} = "..."`'),
    ]
    return "| " + " | ".join(cells) + " |"
