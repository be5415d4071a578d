"""Directives of docs/optimizer-formulas.md: what each optimizer computes, written from its code."""

from __future__ import annotations

import ast
import copy
import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

from codes import Untranslatable, instead, name, read
from docutils import nodes
from folding import Fold, Replace
from latex import IN_WORDS, Line, Writer, letters_for, write_formula, write_helper
from letters import Letters
from mathml import register
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from anygrad.optimizers import OPTIMIZERS
from anygrad.optimizers.rules import pieces
from anygrad.optimizers.rules.allowed import Maybe
from anygrad.optimizers.rules.factories import Declaration, declaration_of
from anygrad.optimizers.rules.rule import read_signature
from anygrad.optimizers.slots import Number, Shared, Slot, When

CODE_ALONE: dict[str, str] = {}
"""Optimizers whose formula is shown as code only, each with the reason."""


@dataclass
class Box:
    """The lines of one optimizer, for each array and for all of them together."""

    each: list[Line]
    joint: list[Line] = field(default_factory=list)
    helpers: dict[str, Callable[..., Any]] = field(default_factory=dict)

    @property
    def lines(self) -> list[Line]:
        """What is computed, to compare with."""
        return [*self.joint, *self.each]


# what is written


@functools.cache
def families() -> list[tuple[str, ...]]:
    """The names of optimizers, together where they share a formula and what is around it."""
    shared: dict[Any, list[str]] = {}
    for one, factory in OPTIMIZERS.items():
        made = declaration_of(factory)
        shared.setdefault((made.formula, made.reduction), []).append(one)
    return [tuple(names) for names in shared.values()]


def letters_of(declaration: Declaration) -> Letters:
    parts = [part for part in (declaration.formula, declaration.reduction) if part]
    return letters_for(parts, {*declaration.defaults, *declaration.slots, "weight_decay"})


def whole_box(declaration: Declaration) -> Box:
    """Every switch and every term."""
    return _box(declaration, {}, set())


def default_box(declaration: Declaration, peer: str | None = None) -> Box:
    """What is left with the values of the signature, or those of a peer."""
    values = {**declaration.fixed, **declaration.defaults}
    values |= declaration.peers[peer] if peer else {}
    known = {n: v for n, v in values.items() if is_known(n, v, declaration)}
    kept = {n for n, v in values.items() if v is not None}
    for slot, start in declaration.slots.items():
        if isinstance(start, When) and values[start.hyperparameter]:
            kept.add(slot)
        elif isinstance(start, When):
            known[slot] = None
    return _box(declaration, known, kept, values)


def is_known(one: str, value: Any, declaration: Declaration) -> bool:
    """Whether a value goes into the formula: switches, words, terms that are left out."""
    if one == "learning_rate":
        return False
    if value is None:
        return isinstance(declaration.allowed.get(one), Maybe)
    if isinstance(value, tuple):
        return isinstance(value[0], str)
    return isinstance(value, (bool, str)) or value == 0


def _box(
    declaration: Declaration,
    known: Mapping[str, Any],
    kept: Iterable[str],
    values: Mapping[str, Any] | None = None,
) -> Box:
    letters = letters_of(declaration)
    shared = [slot for slot, start in declaration.slots.items() if isinstance(start, Shared)]
    arrays, _ = read_signature(declaration.formula)
    returned = [a for a in arrays if a in declaration.slots and a not in shared]
    before, after = decays(declaration, values) if values else ([], None)
    box = Box([])
    for part in (declaration.reduction, declaration.formula):
        if part is None:
            continue
        tree = read(part)
        writer = Writer(tree, letters, declaration.slots)
        body, before = [*before, *Fold(tree, known, kept).run()], []
        if part is declaration.reduction:
            box.joint = write_formula(body, writer, shared, steps=False)
        else:
            body = [after.visit(statement) for statement in body] if after else body
            box.each = write_formula(body, writer, returned)
        box.helpers |= writer.helpers
    return box


def is_decayed_around(declaration: Declaration) -> bool:
    """Whether weight decay is around the formula, and not in it."""
    own = inspect.signature(inspect.unwrap(declaration.formula)).parameters
    return "weight_decay" in declaration.defaults and "weight_decay" not in own


def decays(
    declaration: Declaration, values: Mapping[str, Any]
) -> tuple[list[ast.stmt], Decay | None]:
    """What `decayed` does before and after, if it does by default or the optimizer fixes how."""
    decoupled = bool(values.get("decoupled_weight_decay"))
    if not is_decayed_around(declaration) or not (values["weight_decay"] or decoupled):
        return [], None
    seen, rate, decayed = surroundings()
    if decoupled:
        rate = instead(ast.Constant(1), rate) if values.get("fixed_decay") else rate.orelse
        return [], Decay(rate, decayed)
    known = {"turns": True, "decays": True, "maximize": False, "decoupled_weight_decay": False}
    (last,) = Fold(seen, known).run()
    target = instead(ast.Name("g", ast.Store()), last)
    return [instead(ast.Assign([target], last.value), last)], None  # type: ignore[attr-defined]


class Decay(ast.NodeTransformer):
    """Puts decoupled decay into the update that a formula returns."""

    def __init__(self, rate: ast.expr, decayed: ast.expr):
        self.rate = rate
        self.decayed = decayed

    def visit_Return(self, node: ast.Return) -> ast.Return:
        parts = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
        if isinstance(parts[0], (ast.Starred, ast.Call)):
            raise Untranslatable(node, "decay of an update that is not written out")
        new = Replace({"u": parts[0], "rate": self.rate}).visit(copy.deepcopy(self.decayed))
        whole = ast.Tuple([new, *parts[1:]], ast.Load()) if len(parts) > 1 else new
        return instead(ast.Return(whole), node)


@functools.cache
def surroundings() -> tuple[ast.FunctionDef, ast.IfExp, ast.expr]:
    """Of `pieces.decayed`: what the formula sees, the rate of decay, and the decayed update."""
    body = copy.deepcopy(read(pieces.decayed)).body
    inner = {n.name: n for n in body if isinstance(n, ast.FunctionDef)}
    around = inner["around"]
    match around.body[-4:]:
        case [
            ast.If(),
            ast.Assign(targets=[ast.Name(id="rate")], value=ast.IfExp() as rate),
            ast.Assign(targets=[ast.Tuple(elts=[ast.Name(id="u"), ast.Starred()])]),
            ast.Return(value=ast.Tuple(elts=[decayed, ast.Starred()])),
        ]:
            rate.orelse = name("learning_rate", rate)
            return inner["see"], rate, decayed
    raise Untranslatable(around, "decay of another form")


def surrounding_lines() -> list[Line]:
    """What `pieces.decayed` puts around a formula."""
    seen, rate, decayed = surroundings()
    names = ["u", "rate", "learning_rate", "weight_decay", "maximize", "fixed_decay"]
    words = ("maximize", "decoupled_weight_decay", "fixed_decay")
    letters = Letters({*names, "g", "p", "decoupled_weight_decay"}, words)
    writer = Writer(seen, letters)
    writer.truths |= {"fixed_decay"}
    body = Fold(seen, {"turns": True, "decays": True}).run()

    def finish(node: ast.Return) -> list[Line]:
        return [Line(0, "", rf"g \leftarrow {writer.expression(node.value)}")]  # type: ignore[arg-type]

    test = rf"{letters['decoupled_weight_decay']} \text{{ and }} \lambda \neq 0"
    whole = Replace({"rate": rate}).visit(copy.deepcopy(decayed))
    return [
        *writer.block(body, finish),
        Line(0, "", r"u \leftarrow \text{the update of the formula for } g"),
        Line(0, "if", test),
        Line(1, "", rf"u \leftarrow {writer.expression(whole)}"),
        Line(0, "", r"p \leftarrow p + u"),
    ]


def helper_lines(boxes: Iterable[Box], letters: Letters) -> dict[str, list[Line] | str]:
    """How each helper is defined, or what it does in words."""
    waiting = {n: h for box in boxes for n, h in box.helpers.items()}
    made: dict[str, list[Line] | str] = {}
    while waiting:
        one = next(iter(waiting))
        helper = waiting.pop(one)
        if one in IN_WORDS:
            made[one] = first_sentence(helper)
            continue
        tree = read(helper)
        writer = Writer(tree, letters)
        made[one] = write_helper(one, tree, Fold(tree).run(), writer)
        waiting |= {n: h for n, h in writer.helpers.items() if n not in made}
    return made


def first_sentence(function: Callable[..., Any]) -> str:
    said = (inspect.getdoc(function) or "").partition("\n\n")[0]
    return said.replace("\n", " ").replace("``", "").replace("`", "")


# how it is shown


def boxed(lines: list[Line]) -> nodes.line_block:
    """An algorithm box; depth is indentation."""
    root = nodes.line_block(classes=["formula"])
    stack = [root]
    for line in lines:
        while len(stack) > line.depth + 1:
            stack.pop()
        while len(stack) < line.depth + 1:
            stack.append(nodes.line_block())
            stack[-2] += stack[-1]
        made = nodes.line()
        if line.word:
            made += nodes.emphasis(text=line.word)
            made += nodes.Text(" ")
        if line.math:
            made += math(line.math)
        stack[-1] += made
    return root


def math(text: str) -> nodes.math:
    return nodes.math(text, text)


def details(summary: str, *inside: nodes.Node) -> list[nodes.Node]:
    """What opens when it is clicked."""
    opening = f'<details class="formula"><summary>{escape(summary)}</summary>'
    return [
        nodes.raw("", opening, format="html"),
        *inside,
        nodes.raw("", "</details>", format="html"),
    ]


def table_of(heads: list[str], rows: list[list[Any]], classes: Iterable[str] = ()) -> nodes.table:
    """A table whose cells are text or nodes."""
    made = nodes.table(classes=list(classes))
    group = nodes.tgroup(cols=len(heads))
    made += group
    group += [nodes.colspec(colwidth=1) for _ in heads]
    head, body = nodes.thead(), nodes.tbody()
    group += [head, body]
    for part, lines in ((head, [heads]), (body, rows)):
        for cells in lines:
            row = nodes.row()
            part += row
            for cell in cells:
                entry = nodes.entry()
                entry += nodes.paragraph(
                    "", "", nodes.Text(cell) if isinstance(cell, str) else cell
                )
                row += entry
    return made


def shown(value: Any) -> str:
    if value is None:
        return "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def default_table(names: tuple[str, ...], letters: Letters) -> nodes.table:
    """Our defaults, and where those of peers differ."""
    heads, columns = ["", "argument"], []
    for one in names:
        made = declaration_of(OPTIMIZERS[one])
        heads.append(one if len(names) > 1 else "default")
        columns.append({n: shown(v) for n, v in made.defaults.items()})
        columns[-1] |= {n: f"{shown(v)} (fixed)" for n, v in made.fixed.items()}
        for peer, other in made.peers.items():
            if other:
                heads.append(f"{one} of {peer}" if len(names) > 1 else peer)
                columns.append({n: shown(v) for n, v in other.items()})
    listed = dict.fromkeys(n for column in columns for n in column)
    rows = [
        [
            math(letters[n]) if n in letters and "mathrm" not in letters[n][:7] else "",
            nodes.literal(text=n),
            *(column.get(n, "") for column in columns),
        ]
        for n in listed
    ]
    return table_of(heads, rows)


def peers_in_words(names: tuple[str, ...]) -> str:
    """Which peers have the defaults as they are."""
    alike = [
        f"{peer} has the defaults of {one}"
        for one in names
        for peer, other in declaration_of(OPTIMIZERS[one]).peers.items()
        if not other
    ]
    text = "; ".join(alike)
    return f"{text}." if text else ""


def slot_table(slots: Mapping[str, Slot], letters: Letters) -> nodes.table:
    """What is kept between steps."""
    rows = []
    for slot, start in slots.items():
        if start is None:
            continue
        inner = start.start if isinstance(start, (When, Number, Shared)) else start
        if isinstance(start, Number):
            kind = "a number"
        elif isinstance(start, Shared):
            kind = "one number for all parameters, on the device"
        else:
            kind = "an array for each parameter"
        if isinstance(start, When):
            kind += f", with {start.hyperparameter}"
        begins = first_sentence(inner) if callable(inner) else f"Start at {inner:g}."
        if callable(inner) and inner.__name__ == "<lambda>":
            begins = ""
        rows.append([math(letters[slot]), nodes.literal(text=slot), kind, begins])
    return table_of(["", "slot", "kept", "start"], rows)


def source_of(functions: Iterable[Callable[..., Any]]) -> nodes.literal_block:
    text = "\n\n".join(inspect.getsource(inspect.unwrap(function)) for function in functions)
    return nodes.literal_block(text, text, language="python")


def laid_out(box: Box) -> list[nodes.Node]:
    """A box; with what is computed from all arrays first, if there is such a thing."""
    if not box.joint:
        return [boxed(box.each)]
    return [
        nodes.paragraph(text="From all parameters together:"),
        boxed(box.joint),
        nodes.paragraph(text="Then for each of them:"),
        boxed(box.each),
    ]


class Surroundings(SphinxDirective):
    """What is around every formula."""

    def run(self) -> list[nodes.Node]:
        """One box, and its code."""
        note(self, [pieces.decayed])
        source = source_of([pieces.decayed])
        return [boxed(surrounding_lines()), *details("Code", source)]


class Formulas(SphinxDirective):
    """A section for each formula."""

    def run(self) -> list[nodes.Node]:
        """All optimizers, in the order of their names."""
        return [self.section(names) for names in families()]

    def section(self, names: tuple[str, ...]) -> nodes.section:
        """The formula with the defaults of each optimizer, in whole, its slots, defaults, code."""
        made = [declaration_of(OPTIMIZERS[one]) for one in names]
        part = nodes.section(ids=[nodes.make_id(one) for one in names], names=list(names))
        part += nodes.title(text=", ".join(names))
        letters = letters_of(made[0])
        parts = [f for f in (made[0].reduction, made[0].formula) if f]
        note(self, parts)
        said = first_sentence(inspect.unwrap(made[0].formula))
        part += nodes.paragraph(text=said)
        boxes: list[Box] = []
        for declaration in [] if names[0] in CODE_ALONE else made:
            part += self.optimizer(declaration, boxes)
        helpers: dict[str, list[Line] | str] = {}
        if names[0] in CODE_ALONE:
            part += nodes.paragraph(text=f"Shown as code: {CODE_ALONE[names[0]]}.")
        else:
            whole = whole_box(made[0])
            helpers = helper_lines([*boxes, whole], letters)
            inside = [*laid_out(whole)] if whole.lines != boxes[0].lines else []
            for one, lines in helpers.items():
                if isinstance(lines, str):
                    head = [nodes.literal(text=one), nodes.Text(f": {lines}")]
                    inside.append(nodes.paragraph("", "", *head))
                else:
                    inside.append(boxed(lines))
            if inside:
                part += details("With all switches, and the functions named above", *inside)
            parts += [h for box in (*boxes, whole) for h in box.helpers.values()]
        part += details("Code", source_of(dict.fromkeys(parts)))
        slots = {n: s for declaration in made for n, s in declaration.slots.items()}
        if slots:
            part += slot_table(slots, letters)
        part += default_table(names, letters)
        if peers_in_words(names):
            part += nodes.paragraph(text=peers_in_words(names))
        return part

    def optimizer(self, declaration: Declaration, boxes: list[Box]) -> list[nodes.Node]:
        """The box of one optimizer, and of each peer that differs."""
        ours = default_box(declaration)
        boxes.append(ours)
        call = f"{declaration.name}()"
        shown = [nodes.paragraph("", "", nodes.literal(text=call)), *laid_out(ours)]
        for peer in declaration.peers:
            theirs = default_box(declaration, peer)
            if theirs.lines != ours.lines:
                boxes.append(theirs)
                call = f'{declaration.name}(compat="{peer}")'
                shown += [nodes.paragraph("", "", nodes.literal(text=call)), *laid_out(theirs)]
        return shown


def note(directive: SphinxDirective, functions: Iterable[Callable[..., Any]]) -> None:
    """Write the page again when the code has changed."""
    for function in functions:
        directive.env.note_dependency(inspect.getsourcefile(inspect.unwrap(function)) or "")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directives, and MathML."""
    app.add_directive("formula-surroundings", Surroundings)
    app.add_directive("optimizer-formulas", Formulas)
    register(app)
    app.add_css_file("formulas.css")
    return {"parallel_read_safe": False}
