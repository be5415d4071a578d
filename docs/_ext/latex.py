r"""Write the code of formulas in LaTeX, statement by statement.

`write_formula` makes the lines of an algorithm box, `write_helper` those of a function that a
formula calls. Each `Line` has a depth, a word such as "if", and LaTeX. What has no notation here
raises `Untranslatable` with file and line. tests/test_formula_pages.py reads the LaTeX back, and
compares what it computes with the Python function.

Operators bind in the order of `LOOSE < SUM < PRODUCT < ATOM`: an operand that binds less than its
place asks for gets parentheses. Products stand side by side, a matrix product has an ``@``.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from codes import (
    Untranslatable,
    arguments,
    bind,
    find_helper,
    is_number,
    loads,
    read,
    same,
    stored,
    switches,
)
from letters import Letters, escape

LOOSE, SUM, PRODUCT, ATOM = range(4)


FUNCTIONS = {
    "exp": r"\exp",
    "log": r"\log",
    "maximum": r"\max",
    "minimum": r"\min",
    "max": r"\max",
    "min": r"\min",
    "sign": r"\operatorname{sign}",
    "sum": r"\operatorname{sum}",
    "mean": r"\operatorname{mean}",
    "prod": r"\operatorname{prod}",
    "reshape": r"\operatorname{reshape}",
}
"""Functions of the namespace, of ``math`` and of Python that are written with parentheses."""

RELATIONS = {
    ast.Eq: "=",
    ast.NotEq: r"\neq",
    ast.Lt: "<",
    ast.LtE: r"\leq",
    ast.Gt: ">",
    ast.GtE: r"\geq",
}

IN_WORDS = ("axes_to_factor", "matrix_shape", "polynomials")
"""Helpers that only look at shapes and words; shown by what they do."""


NOTATIONS = ("abs2", "adjoint", "norm", "is_complex")
"""Helpers that have a notation of their own."""


class Line(NamedTuple):
    """One line of an algorithm box."""

    depth: int
    word: str
    math: str = ""


class Written(NamedTuple):
    """LaTeX, and how loosely it binds."""

    text: str
    binds: int = ATOM


def parens(text: str) -> str:
    return rf"\left( {text} \right)"


def is_number_text(text: str) -> bool:
    return re.fullmatch(r"[\d.]+", text) is not None


def number(value: Any) -> str:
    if isinstance(value, int):
        return str(value)
    shown = f"{value:.15g}"
    mantissa, e, exponent = shown.partition("e")
    if not e:
        return shown
    power = f"10^{{{int(exponent)}}}"
    return power if mantissa == "1" else rf"{mantissa} \cdot {power}"


class Writer:
    """Writes the expressions and statements of one function."""

    def __init__(self, tree: ast.FunctionDef, letters: Letters, slots: Iterable[str] = ()):
        self.letters = letters
        self.slots = set(slots)
        self.truths = switches(tree)
        self.given = {a.arg for a in arguments(tree)}
        self.helpers: dict[str, Callable[..., Any]] = {}

    # expressions

    def expression(self, node: ast.AST, least: int = LOOSE) -> str:
        """LaTeX that binds at least so tightly."""
        text, binds = self.write(node)
        return text if binds >= least else parens(text)

    def write(self, node: ast.AST) -> Written:
        match node:
            case ast.Name(id=named):
                if named not in self.letters:
                    raise Untranslatable(node, f"the name {named} is unknown")
                return Written(self.letters[named])
            case ast.Constant():
                return self.constant(node)
            case ast.BinOp(op=ast.Add() | ast.Sub()):
                return self.sum(node)
            case ast.BinOp(op=ast.Mult() | ast.Div()) | ast.UnaryOp(op=ast.USub()):
                negative, text = self.signed(node)
                return Written(f"-{text}", SUM) if negative else Written(text, PRODUCT)
            case ast.BinOp(op=ast.MatMult(), left=left, right=right):
                both = self.expression(left, PRODUCT), self.expression(right, ATOM)
                return Written(r" \;@\; ".join(both), PRODUCT)
            case ast.BinOp(op=ast.Pow()):
                return self.power(node)
            case ast.IfExp():
                return self.cases(node)
            case ast.Compare() | ast.BoolOp() | ast.UnaryOp(op=ast.Not()):
                return Written(rf"\left[ {self.test(node)} \right]")
            case ast.Tuple(elts=parts):
                return Written(parens(", ".join(map(self.expression, parts))))
            case ast.Subscript(value=ast.Name() as whole, slice=ast.Constant(value=int(k))):
                return Written(rf"{self.expression(whole)}_{{[{k}]}}")
            case ast.Subscript(slice=ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=k))):
                return Written(rf"{self.expression(node.value)}_{{[-{k}]}}")
            case ast.Attribute(attr="shape", value=whole):
                return Written(rf"\operatorname{{shape}}\left( {self.expression(whole)} \right)")
            case ast.Attribute(attr="smallest_normal"):
                return Written(r"\mathrm{tiny}")
            case ast.Attribute(attr="eps", value=ast.Call(func=ast.Name(id="float_limits"))):
                return Written(r"\mathrm{epsilon}")
            case ast.Call():
                return self.call(node)
        raise Untranslatable(node, type(node).__name__)

    def constant(self, node: ast.Constant) -> Written:
        value = node.value
        if value is None or isinstance(value, (bool, str)):
            word = escape(value) if isinstance(value, str) else str(value).lower()
            return Written(rf"\text{{{word}}}")
        if isinstance(value, (int, float)) and value >= 0:
            text = number(value)
            return Written(text, PRODUCT if r"\cdot" in text else ATOM)
        raise Untranslatable(node, "a constant of this kind")

    def sum(self, node: ast.BinOp) -> Written:
        adds = isinstance(node.op, ast.Add)
        left = self.expression(node.left, SUM)
        if is_product(node.right):
            negative, right = self.signed(node.right)
            return Written(f"{left} {'+' if adds != negative else '-'} {right}", SUM)
        right = self.expression(node.right, SUM if adds else PRODUCT)
        if adds and right.startswith("-"):
            return Written(f"{left} - {right[1:]}", SUM)
        right = parens(right) if right.startswith("-") else right
        return Written(f"{left} {'+' if adds else '-'} {right}", SUM)

    def signed(self, node: ast.AST) -> tuple[bool, str]:
        """A product or quotient without its sign, and whether that is a minus."""
        negative, above, below = factors(node)
        above = above or [ast.Constant(1)]
        if below:
            return negative, rf"\frac{{{self.product(above)}}}{{{self.product(below)}}}"
        return negative, self.product(above, PRODUCT)

    def product(self, parts: list[ast.AST], alone: int = LOOSE) -> str:
        """Factors side by side; two equal ones are a square."""
        if len(parts) == 1:
            return self.expression(parts[0], alone)
        text = ""
        k = 0
        while k < len(parts):
            one = self.expression(parts[k], ATOM)
            if isinstance(parts[k], ast.Name) and k + 1 < len(parts) and same(*parts[k : k + 2]):
                one, k = f"{{{one}}}^{{2}}", k + 1
            text += one if not text else between(text, one) + one
            k += 1
        return text

    def power(self, node: ast.BinOp) -> Written:
        if isinstance(node.right, ast.Constant) and node.right.value == 0.5:
            return Written(rf"\sqrt{{{self.expression(node.left)}}}")
        base = self.expression(node.left, ATOM)
        simple = isinstance(node.left, ast.Name) or is_number_text(base)
        base = base if simple or base.startswith(r"\left(") else parens(base)
        return Written(rf"{{{base}}}^{{{self.expression(node.right)}}}")

    def cases(self, node: ast.IfExp) -> Written:
        rows = []
        rest: ast.expr = node
        while isinstance(rest, ast.IfExp):
            rows.append(rf"{self.expression(rest.body)} & \text{{if }} {self.test(rest.test)}")
            rest = rest.orelse
        rows.append(rf"{self.expression(rest)} & \text{{otherwise}}")
        return Written(r"\begin{cases} " + r" \\ ".join(rows) + r" \end{cases}", LOOSE)

    def call(self, node: ast.Call) -> Written:
        called = ast.unparse(node.func)
        owner, _, method = called.rpartition(".")
        if owner in ("xp", "xp.linalg", "math") or called in (
            "max",
            "min",
            "trees.norm",
            "trees.dot",
        ):
            return self.known_call(node, owner, method)
        helper = find_helper(node.func)
        if helper is None:
            raise Untranslatable(node, "a function without a notation")
        if called == "abs2":
            size = self.expression(node.args[1])
            return Written(rf"{{\left\lvert {size} \right\rvert}}^{{2}}")
        if called == "norm":
            return Written(rf"\left\lVert {self.expression(node.args[1])} \right\rVert")
        if called == "adjoint":
            return Written(rf"{{{self.expression(node.args[1], ATOM)}}}^{{\mathsf{{H}}}}")
        tree = read(helper)
        self.helpers[called] = helper
        bound = bind(node, tree)
        parts = ", ".join(self.expression(value) for value in bound.values())
        return Written(rf"\operatorname{{{escape(called)}}}\left( {parts} \right)")

    def known_call(self, node: ast.Call, owner: str, method: str) -> Written:
        """A function of the namespace, of ``math``, of trees, or of Python."""
        args = node.args
        words = {keyword.arg: keyword.value for keyword in node.keywords}
        match owner, method, len(args):
            case _, "sqrt", 1:
                return Written(rf"\sqrt{{{self.expression(args[0])}}}")
            case _, "abs", 1:
                return Written(rf"\left\lvert {self.expression(args[0])} \right\rvert")
            case "xp", "where", 3:
                return self.cases(chosen(node))
            case "xp", "zeros_like", _:
                return Written("0")
            case "xp", "ones_like", _:
                return Written("1")
            case "xp", "full_like", 2:
                return self.write(args[1])
            case "xp", "logical_or" | "logical_and" | "logical_not", _:
                return Written(rf"\left[ {self.test(node)} \right]")
            case "xp", "matrix_transpose", 1:
                return Written(rf"{{{self.expression(args[0], ATOM)}}}^{{\mathsf{{T}}}}")
            case "xp", "expand_dims", 1:
                axis = self.axes(words.get("axis"))
                return Written(
                    rf"\operatorname{{expand}}{axis}\left( {self.expression(args[0])} \right)"
                )
            case "xp.linalg", "matrix_norm", 1 if is_number(words["ord"], 2):
                return Written(rf"\sigma_{{\max}}\left( {self.expression(args[0])} \right)")
            case "trees", "norm", 1 if isinstance(args[0], ast.List):
                # the norm of several numbers that are not negative, or norms themselves
                squares = [self.squared(e) for e in args[0].elts]
                return Written(rf"\sqrt{{{' + '.join(squares)}}}")
            case "trees", "norm", 1:
                return Written(rf"\left\lVert {self.expression(args[0])} \right\rVert")
            case "trees", "dot", 2:
                both = ", ".join(map(self.expression, args))
                return Written(rf"\left\langle {both} \right\rangle")
            case _, "max" | "min" | "sum" | "mean", 1 if owner == "xp":
                axes = self.axes(words.get("axis"), keeps="keepdims" in words)
                text = rf"{FUNCTIONS[method]}{axes}\left( {self.expression(args[0])} \right)"
                return Written(text)
        extra = words.keys() - {"keepdims"}
        if method not in FUNCTIONS or extra:
            raise Untranslatable(node, "a function without a notation")
        parts = ", ".join(map(self.expression, args))
        return Written(rf"{FUNCTIONS[method]}\left( {parts} \right)")

    def squared(self, node: ast.expr) -> str:
        match node:
            case ast.BinOp(op=ast.Pow(), left=base, right=ast.Constant(value=0.5)):
                return self.expression(base, SUM)
        return rf"{{{self.expression(node, ATOM)}}}^{{2}}"

    def axes(self, node: ast.expr | None, keeps: bool = False) -> str:
        """The axes of a sum, as an index; with a word if they stay, of length 1."""
        if node is None:
            return ""
        kept = r"\text{, kept}" if keeps else ""
        if isinstance(node, ast.Name):
            return rf"_{{{self.expression(node)}{kept}}}"
        listed = [ast.unparse(n) for n in (node.elts if isinstance(node, ast.Tuple) else [node])]
        return rf"_{{\text{{axes {', '.join(listed)}}}{kept}}}"

    # conditions

    def test(self, node: ast.AST, inside: bool = False) -> str:
        """LaTeX of a condition, in parentheses inside another one."""
        match node:
            case ast.Name(id=named) if named in self.truths:
                return self.expression(node)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return rf"\text{{not }} {self.test(operand, True)}"
            case ast.BoolOp(op=op, values=values):
                word = "and" if isinstance(op, ast.And) else "or"
                text = rf" \text{{ {word} }} ".join(self.test(v, True) for v in values)
                return parens(text) if inside else text
            case ast.Call(func=ast.Attribute(attr="logical_or" | "logical_and" as attr, value=_)):
                op = ast.Or() if attr == "logical_or" else ast.And()
                return self.test(ast.BoolOp(op, node.args), inside)
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return self.relation(node, left, op, right)
            case ast.Name():
                return rf"{self.expression(node)} \neq 0"
        raise Untranslatable(node, "a condition of this kind")

    def relation(self, node: ast.AST, left: ast.expr, op: ast.cmpop, right: ast.expr) -> str:
        if isinstance(right, ast.Constant) and right.value is None:
            if not isinstance(left, ast.Name):
                raise Untranslatable(node, "None and no name")
            kept = "kept" if left.id in self.slots else "given"
            none = isinstance(op, (ast.Is, ast.Eq))
            if left.id not in self.given:
                sign = "=" if none else RELATIONS[ast.NotEq]
                return rf"{self.expression(left)} {sign} \text{{none}}"
            return rf"{self.expression(left)} \text{{ is {'not ' * none}{kept}}}"
        if isinstance(op, ast.In) and isinstance(right, ast.Constant):
            either = [rf"\text{{{escape(word)}}}" for word in right.value]
            return rf"{self.expression(left, SUM)} \in \left\{{ {', '.join(either)} \right\}}"
        sign = RELATIONS.get(type(op))
        if sign is None:
            raise Untranslatable(node, "a comparison of this kind")
        return f"{self.expression(left, SUM)} {sign} {self.expression(right, SUM)}"

    # statements

    def block(
        self, body: Sequence[ast.stmt], finish: Callable[[ast.Return], list[Line]], depth: int = 0
    ) -> list[Line]:
        """The lines of some statements."""
        lines: list[Line] = []
        for statement in body:
            match statement:
                case ast.Assign(targets=targets, value=value):
                    lines.append(Line(depth, "", self.assignment(targets, value)))
                case ast.If():
                    lines += self.choice(statement, finish, depth)
                case ast.For(target=target, iter=iterated, body=inner):
                    each = rf"{self.target(target)} \text{{ in }} {self.iterated(iterated)}"
                    lines.append(Line(depth, "for", each))
                    lines += self.block(inner, finish, depth + 1)
                case ast.Return():
                    lines += [line._replace(depth=depth) for line in finish(statement)]
                case _:
                    raise Untranslatable(statement, type(statement).__name__)
        return lines

    def choice(self, statement: ast.If, finish: Any, depth: int) -> list[Line]:
        lines = []
        word = "if"
        rest: list[ast.stmt] = [statement]
        while len(rest) == 1 and isinstance(rest[0], ast.If):
            lines.append(Line(depth, word, self.test(rest[0].test)))
            lines += self.block(rest[0].body, finish, depth + 1)
            word, rest = "else if", rest[0].orelse
        if rest:
            lines.append(Line(depth, "else"))
            lines += self.block(rest, finish, depth + 1)
        return lines

    def assignment(self, targets: Sequence[ast.expr], value: ast.expr) -> str:
        if isinstance(value, (ast.Compare, ast.BoolOp)) or is_logical(value):
            self.truths |= stored(list(targets))
        parts = [*map(self.target, targets), self.expression(value)]
        return r" \leftarrow ".join(parts)

    def target(self, node: ast.expr) -> str:
        if isinstance(node, ast.Tuple):
            return parens(", ".join(map(self.target, node.elts)))
        if not isinstance(node, ast.Name):
            raise Untranslatable(node, "a target that is no name")
        return self.expression(node)

    def iterated(self, node: ast.expr) -> str:
        """What a loop goes over."""
        match node:
            case ast.BoolOp(op=ast.Or(), values=[first, second]):
                return rf"{self.expression(first)} \text{{ or }} {self.iterated(second)}"
            case ast.BinOp(op=ast.Mult(), left=ast.Tuple(elts=[one]), right=times):
                return rf"{self.expression(one)} \text{{ repeated }} {self.expression(times)}"
            case ast.Call(func=ast.Name(id="range"), args=[times]):
                return rf"1, \ldots, {self.expression(times)}"
        return self.expression(node)


def factors(node: ast.AST) -> tuple[bool, list[ast.AST], list[ast.AST]]:
    """Whether a product is negative, what it multiplies, and what it divides by."""
    match node:
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            negative, above, below = factors(operand)
            return not negative, above, below
        case ast.BinOp(op=ast.Mult() | ast.Div() as op, left=left, right=right):
            negative, above, below = factors(left)
            minus, up, down = factors(right)
            up, down = (up, down) if isinstance(op, ast.Mult) else (down, up)
            both = [*above, *up], [*below, *down]
            return negative != minus, *([p for p in ps if not is_number(p, 1)] for ps in both)
    return False, [node], []


def between(left: str, right: str) -> str:
    """What keeps two factors apart."""
    if right.lstrip("{")[0].isdigit():
        return r" \cdot "
    words = right.startswith((r"\mathrm", r"\operatorname")) or re.search(
        r"\\mathrm\{[^{}]*\}$", left
    )
    return r" \, " if words else " "


def is_product(node: ast.AST) -> bool:
    """Whether a minus in front of it can be taken out."""
    match node:
        case ast.UnaryOp(op=ast.USub()) | ast.BinOp(op=ast.Mult() | ast.Div()):
            return True
    return False


def is_logical(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func).startswith("xp.logical_")


def chosen(node: ast.Call) -> ast.IfExp:
    """``where(c, a, b)`` as ``a if c else b``, also in the last argument."""
    test, body, orelse = node.args
    inner = isinstance(orelse, ast.Call) and ast.unparse(orelse.func) == "xp.where"
    return ast.IfExp(test, body, chosen(orelse) if inner else orelse)


def letters_for(functions: Iterable[Callable[..., Any]], more: Iterable[str] = ()) -> Letters:
    """Letters for all names in some functions and their helpers."""
    whole = list(functions)
    for function in whole:
        whole += [f for f in helpers_within(function).values() if f not in whole]
    trees = [read(function) for function in whole]
    parameters = [a for tree in trees for a in arguments(tree)]
    words = {
        a.arg
        for a in parameters
        if a.annotation and re.match(r"bool|str|tuple", ast.unparse(a.annotation))
    }
    return Letters({a.arg for a in parameters} | stored(trees) | {"p", "g", *more}, words)


def helpers_within(function: Callable[..., Any]) -> dict[str, Callable[..., Any]]:
    """The functions of the optimizers that one calls, but for those with a notation."""
    tree = read(function)
    own = {a.arg for a in arguments(tree)} | stored([tree])
    names = [n for n in ast.walk(tree) if isinstance(n, ast.Name) and n.id not in own]
    found = {n.id: find_helper(n) for n in names if n.id not in NOTATIONS}
    return {n: f for n, f in found.items() if f is not None and n not in IN_WORDS}


def write_helper(
    name: str, tree: ast.FunctionDef, body: Sequence[ast.stmt], writer: Writer
) -> list[Line]:
    """A function that formulas call: its head, then its lines, which end in "return"."""
    parts = ", ".join(writer.letters[a.arg] for a in arguments(tree))
    head = rf"\operatorname{{{escape(name)}}}\left( {parts} \right)"

    def finish(node: ast.Return) -> list[Line]:
        assert node.value is not None
        return [Line(0, "return", writer.expression(node.value))]

    lines = writer.block(body, finish)
    if len(lines) == 1:
        return [Line(0, "", f"{head} = {lines[0].math}")]
    return [Line(0, "define", head), *(line._replace(depth=line.depth + 1) for line in lines)]


def write_formula(
    body: Sequence[ast.stmt], writer: Writer, returned: Sequence[str], *, steps: bool = True
) -> list[Line]:
    """The lines of a formula; it returns the update of ``p`` if it ``steps``, then ``returned``."""

    def finish(node: ast.Return) -> list[Line]:
        value = node.value
        assert value is not None
        parts = list(value.elts) if isinstance(value, ast.Tuple) else [value]
        names = ["p", *returned] if steps else list(returned)
        called = len(parts) == 1 < len(names) and isinstance(parts[0], ast.Call)
        if isinstance(parts[0], ast.Starred) or called:
            return several(writer, parts, names, steps)
        if len(parts) != len(names):
            raise Untranslatable(node, f"expected {len(names)} results")
        pairs = dict(zip(names, parts, strict=True))
        update = pairs.pop("p") if steps else None
        changed = {n: v for n, v in pairs.items() if not keeps(n, v)}
        return in_order(writer, update, changed)

    return writer.block(body, finish)


def keeps(slot: str, value: ast.expr) -> bool:
    """Whether a formula returns a slot as it is, or none where it is not kept."""
    if isinstance(value, ast.Constant):
        return value.value is None
    return isinstance(value, ast.Name) and value.id == slot


def in_order(writer: Writer, update: ast.expr | None, changed: dict[str, ast.expr]) -> list[Line]:
    """Assignments of new slots and of ``p``: one by one if an order of them does no harm."""
    sides = {writer.letters[n]: (writer.expression(v), set(loads([v]))) for n, v in changed.items()}
    names = dict(zip(sides, changed, strict=True))
    if update is not None:
        sides = {
            writer.letters["p"]: (stepped(writer, update), set(loads([update])) | {"p"}),
            **sides,
        }
        names = {writer.letters["p"]: "p", **names}
    orders = [list(sides), [*list(sides)[1:], *list(sides)[:1]]]
    for order in orders:
        harmless = all(
            names[before] not in sides[after][1]
            for k, after in enumerate(order)
            for before in order[:k]
        )
        if harmless:
            return [Line(0, "", rf"{left} \leftarrow {sides[left][0]}") for left in order]
    left, right = (parens(", ".join(side)) for side in (sides, [s[0] for s in sides.values()]))
    return [Line(0, "", rf"{left} \leftarrow {right}")]


def stepped(writer: Writer, update: ast.expr) -> str:
    """``p`` and its update."""
    return writer.sum(ast.BinOp(ast.Name("p", ast.Load()), ast.Add(), update)).text


def several(
    writer: Writer, parts: Sequence[ast.expr], names: Sequence[str], steps: bool
) -> list[Line]:
    """A result that a helper gives as a whole: the update is named first."""
    first = parts[0].value if isinstance(parts[0], ast.Starred) else parts[0]
    count = len(names) - len(parts) + 1
    left = [r"\Delta" if n == "p" else writer.letters[n] for n in names[:count]]
    lines = [Line(0, "", rf"{parens(', '.join(left))} \leftarrow {writer.expression(first)}")]
    rest = dict(zip(names[count:], parts[1:], strict=True))
    p = writer.letters["p"]
    lines += [Line(0, "", rf"{p} \leftarrow {p} + \Delta")] if steps else []
    return lines + in_order(writer, None, {n: v for n, v in rest.items() if not keeps(n, v)})
