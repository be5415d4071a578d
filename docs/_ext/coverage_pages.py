"""Directives of docs/coverage.md: tables of what differentiates, tried while the page is built."""

from __future__ import annotations

import functools
from collections import Counter
from typing import Any

import covered
from docutils import nodes
from measured import table
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from anygrad import __version__


@functools.cache
def tried() -> list[tuple[covered.Section, dict[str, Any]]]:
    """Every section with its rows; once a build."""
    return [(section, covered.rows_of(section)) for section in covered.sections()]


class Counts(SphinxDirective):
    """How many functions of each module do what."""

    def run(self) -> list[nodes.Node]:
        """One row a module, and a line of sums."""
        heads = ["module", "differentiable", "constant", "other", "without a rule"]
        rows = [[section.title, *counted(section, found)] for section, found in tried()]
        sums = [str(sum(int(row[k]) for row in rows)) for k in range(1, 5)]
        line = f"anygrad {__version__} differentiates {sums[0]} functions of these modules."
        return [nodes.paragraph(text=line), table(heads, [*rows, ["together", *sums]])]


def counted(section: covered.Section, found: dict[str, Any]) -> list[str]:
    kinds = Counter(row.kind.partition(",")[0] for row in found.values())
    whole = [kinds.pop("differentiable", 0), kinds.pop("constant", 0), sum(kinds.values())]
    return [str(n) for n in (*whole, len(section.missing))]


class Tables(SphinxDirective):
    """Every function, and the names without a rule."""

    def run(self) -> list[nodes.Node]:
        """A section a module."""
        made: list[nodes.Node] = []
        for section, found in tried():
            part = nodes.section(ids=[nodes.make_id(f"coverage-{section.title}")])
            part += nodes.title(text=section.title)
            rows = [[name, *row.cells] for name, row in found.items()]
            part += table(covered.HEADS, rows, len(covered.HEADS))
            if section.missing:
                part += listing("Without a rule", section.missing)
            made.append(part)
        return made


def listing(title: str, names: list[str]) -> nodes.paragraph:
    """Names in one paragraph, in the type of code."""
    made = nodes.paragraph()
    made += nodes.strong(text=f"{title} ({len(names)}): ")
    for k, name in enumerate(names):
        made += nodes.Text(", " if k else "")
        made += nodes.literal(text=name)
    return made


class Methods(SphinxDirective):
    """The methods of ufuncs."""

    def run(self) -> list[nodes.Node]:
        """One row a ufunc of two operands."""
        found = covered.ufunc_methods()
        heads = list(next(iter(found.values())))
        words = [[n, *(covered.in_a_word(row[m]) for m in heads)] for n, row in found.items()]
        return [table(["ufunc", *heads], words, len(heads) + 1)]


class Others(SphinxDirective):
    """Names that no table above can try: creation, questions, the standard, CuPy's."""

    def run(self) -> list[nodes.Node]:
        """One paragraph each."""
        made: list[nodes.Node] = [
            listing("Functions that make arrays", covered.creation()),
            listing("Questions that the value answers", sorted(covered.answered())),
        ]
        names = covered.standard_names()
        if names:
            ruled = [name for name in names if covered.has_rule(name)]
            rest = [name for name in names if name not in ruled]
            made.append(listing("Array API standard, by rules", ruled))
            made.append(listing("Array API standard, creation and questions of dtypes", rest))
        return made


class CuPy(SphinxDirective):
    """CuPy's names by the way they are reached, where CuPy is installed."""

    def run(self) -> list[nodes.Node]:
        """One paragraph a way."""
        cupy = covered.imported("cupy")
        if cupy is None:
            line = "CuPy is not installed where this page was built, so its names are not listed."
            return [nodes.paragraph(text=line)]
        ways = covered.cupy_names(cupy)
        return [
            listing("By kernels", ways[covered.KERNELS]),
            listing("By rebinding", ways[covered.REBINDING]),
            listing("Not reached; they raise", ways[covered.LEFT]),
        ]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directives."""
    for name, directive in {
        "coverage-counts": Counts,
        "coverage-tables": Tables,
        "coverage-methods": Methods,
        "coverage-others": Others,
        "coverage-cupy": CuPy,
    }.items():
        app.add_directive(name, directive)
    return {"parallel_read_safe": False}
