"""A report as text for a terminal and as HTML for a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from anygrad.checking.elements import LeafCheck

__all__ = ["as_html", "as_text"]

HEADS = ("leaf", "checked", "wrong", "unclear", "largest slope", "worst difference")
SHOWN = 20
"""Leaves in a table; of the others their number is told."""


def as_text(leaves: Sequence[LeafCheck]) -> str:
    """A table of leaves with aligned columns."""
    shown, left = _choose(leaves)
    rows = [HEADS, *map(_cells, shown)]
    widths = [max(len(row[k]) for row in rows) for k in range(len(HEADS))]
    lines = [
        "  ".join(
            cell.ljust(width) if k == 0 else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    lines.insert(1, "-" * max(map(len, lines)))
    return "\n".join([*lines, left] if left else lines)


def as_html(sentences: str, verdict: str, leaves: Sequence[LeafCheck]) -> str:
    """The sentences, and a table of leaves below; everything is escaped."""
    shown, left = _choose(leaves)
    head = "".join(f"<th>{escape(cell)}</th>" for cell in HEADS)
    body = "".join(
        f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in _cells(leaf))}</tr>" for leaf in shown
    )
    colour = {"agrees": "#009e73", "wrong": "#c8372d"}.get(verdict, "#b8860b")
    return (
        f'<div><b style="color: {colour}">{escape(verdict)}</b>'
        f'<pre style="white-space: pre-wrap">{escape(sentences)}</pre>'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{left}</div>"
    )


def _choose(leaves: Sequence[LeafCheck]) -> tuple[list[LeafCheck], str]:
    """The leaves that are shown, in order, the worst among them; how many are not."""
    if len(leaves) <= SHOWN:
        return list(leaves), ""
    ranks = {"wrong": 0, "inconclusive": 1, "agrees": 2}
    first = sorted(range(len(leaves)), key=lambda i: (ranks[leaves[i].verdict], i))[:SHOWN]
    return [leaves[i] for i in sorted(first)], f"and {len(leaves) - SHOWN} more leaves"


def _cells(leaf: LeafCheck) -> tuple[str, ...]:
    worst = leaf.worst
    return (
        leaf.path,
        str(leaf.checked),
        str(leaf.wrong),
        str(leaf.inconclusive),
        f"{leaf.largest:.3g}",
        f"{worst.difference:.1e} = {worst.ratio:.2g} bars",
    )
