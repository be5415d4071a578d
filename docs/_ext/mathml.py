"""Mathematics as MathML, which browsers show without a script; docutils makes it from LaTeX."""

from __future__ import annotations

import re
from html import escape
from typing import Any

from docutils import nodes
from docutils.utils.math import latex2mathml
from sphinx.application import Sphinx


def mathml(text: str, *, display: bool = False) -> str:
    """MathML, with the LaTeX as an annotation."""
    made = re.sub(r"\n\s*", "", latex2mathml.tex2mathml(text, as_block=display))
    opening, _, rest = made.partition(">")
    inside = rest.rpartition("</math>")[0].replace(r"\_", "_")
    plain = f'<annotation encoding="application/x-tex">{escape(text)}</annotation>'
    return f"{opening}><semantics><mrow>{inside}</mrow>{plain}</semantics></math>"


def visit_math(self: Any, node: nodes.math) -> None:
    """Write mathematics in a line."""
    self.body.append(mathml(node.astext()))
    raise nodes.SkipNode


def visit_math_block(self: Any, node: nodes.math_block) -> None:
    """Write mathematics that stands alone."""
    self.body.append(f"<div>{mathml(node.astext(), display=True)}</div>")
    raise nodes.SkipNode


def register(app: Sphinx) -> None:
    """Make MathML the way to write mathematics."""
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_math_block, None))  # type: ignore[arg-type]
