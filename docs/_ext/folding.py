"""Simplify the code of a formula before it is written in LaTeX, without changing what it computes.

Values that are known (switches at their defaults, a weight of 0) go where their names stood, and
branches that are then never taken go away. Small helper functions go in place of their calls. What
there is for the sake of libraries and rounding (devices, dtypes, ``0.0 * n`` for a shape) goes
away. Formulas are simplified for real arrays.
"""

from __future__ import annotations

import ast
import copy
import operator
from collections.abc import Callable, Collection, Mapping
from typing import Any

from codes import (
    Untranslatable,
    arguments,
    assigned,
    bind,
    constant,
    ends,
    find_helper,
    instead,
    is_minus_one,
    is_number,
    loads,
    name,
    read,
    reads,
    same,
    stored,
    switches,
)

PASSED_THROUGH = ("move", "float", "xp.asarray", "xp.astype")
"""Functions that give their first argument, as far as a formula is concerned."""

KEPT_AS_CALLS = ("abs2", "adjoint", "factors", "norm", "rms", "trust_ratio")
"""Helpers with a notation of their own, or too long to stand in place of a call."""

ARITHMETIC: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
COMPARISONS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: lambda a, b: a in b,
}


class Replace(ast.NodeTransformer):
    """Put expressions in the place of names."""

    def __init__(self, by: Mapping[str, ast.expr]):
        self.by = by

    def visit_Name(self, node: ast.Name) -> ast.AST:
        found = self.by.get(node.id)
        return node if found is None or not reads(node) else copy.deepcopy(found)


class Fold(ast.NodeTransformer):
    """Simplify the statements of one function."""

    def __init__(
        self,
        tree: ast.FunctionDef,
        known: Mapping[str, Any] | None = None,
        kept: Collection[str] = (),
    ):
        self.tree = tree
        self.local = stored([tree]) | {a.arg for a in arguments(tree)}
        self.known = dict(known or {})
        self.kept = set(kept)
        self.switches = switches(tree)
        self.inner: dict[str, ast.FunctionDef] = {}

    def run(self) -> list[ast.stmt]:
        """The simplified body."""
        return self.shorten(self.block(copy.deepcopy(self.tree.body)))

    def shorten(self, body: list[ast.stmt]) -> list[ast.stmt]:
        """Without second names for the same, and numbers that are used once."""
        own = {a.arg for a in arguments(self.tree)}
        numbers = {a.arg for a in self.tree.args.kwonlyargs} | {"t"}
        for k, statement in enumerate(body):
            match statement:
                case ast.Assign(targets=[ast.Name(id=target)], value=value) if target not in own:
                    rest = body[k + 1 :]
                    used = set(loads([value]))
                    fixed = not ({target, *used} & stored(rest))
                    alias = isinstance(value, ast.Name)
                    once = used <= numbers and loads(rest).count(target) == 1
                    if fixed and (alias or once):
                        new = [Replace({target: value}).visit(later) for later in rest]
                        return self.shorten([*body[:k], *new])
        return body

    def block(self, statements: list[ast.stmt]) -> list[ast.stmt]:
        made: list[ast.stmt] = []
        for k, statement in enumerate(statements):
            rest = statements[k + 1 :]
            match statement:
                case ast.Expr(value=ast.Constant(value=str())):
                    continue
                case ast.FunctionDef():
                    self.inner[statement.name] = statement
                case ast.With():
                    return made + self.block([*statement.body, *rest])
                case ast.Return(value=ast.expr()):
                    value = self.visit(statement.value)
                    return [*made, instead(ast.Return(value), statement)]
                case ast.If():
                    return made + self.branch(statement, rest)
                case ast.For():
                    made += self.loop(statement)
                case ast.AugAssign(target=ast.Name()):
                    left = name(statement.target.id, statement)
                    value = instead(ast.BinOp(left, statement.op, statement.value), statement)
                    made += self.assign([statement.target], value, statement)
                case ast.Assign():
                    made += self.assign(statement.targets, statement.value, statement)
                case _:
                    raise Untranslatable(statement, type(statement).__name__)
        return made

    def branch(self, statement: ast.If, rest: list[ast.stmt]) -> list[ast.stmt]:
        """A choice; after an early return the rest becomes the other branch."""
        test = self.visit(statement.test)
        if isinstance(test, ast.Constant):
            return self.block([*(statement.body if test.value else statement.orelse), *rest])
        body, orelse = statement.body, statement.orelse
        if ends(body):
            orelse, rest = [*orelse, *rest], []
        elif ends(orelse):
            body, rest = [*body, *rest], []
        known, kept = dict(self.known), set(self.kept)
        changed = stored([*body, *orelse])
        facts, ways = [], []
        for holds, block in ((True, body), (False, orelse)):
            self.known, self.kept = dict(known), set(kept)
            self.learn(test, holds)
            facts.append(self.known.keys() - known.keys())
            ways.append((self.block(block), self.known))
        (body, first), (orelse, second) = ways
        agreed = {n: v for n, v in first.items() if n in second and second[n] is v}
        for (block, there), learnt in zip(ways, facts, strict=True):
            # a name that is known in one branch only is not known after both: say it in that one
            for forgotten in sorted(changed & (there.keys() - agreed.keys() - learnt)):
                if not ends(block):
                    block.append(assigned(forgotten, there[forgotten], statement))
        self.known, self.kept = agreed, kept - changed
        if not body and not orelse:
            return self.block(rest)
        if not body:
            test, body, orelse = self.negate(test), orelse, []
        return [instead(ast.If(test, body, orelse), statement), *self.block(rest)]

    def learn(self, test: ast.expr, holds: bool) -> None:
        """What a branch may rely on."""
        match test:
            case ast.Name(id=named) if named in self.switches:
                self.known[named] = holds
            case ast.Compare(
                left=ast.Name(id=named), ops=[op], comparators=[ast.Constant(value=v)]
            ):
                if isinstance(op, ast.Is if holds else ast.IsNot) and v is None:
                    self.known[named] = None
                elif isinstance(op, ast.IsNot if holds else ast.Is) and v is None:
                    self.kept.add(named)

    def negate(self, test: ast.expr) -> ast.expr:
        return self.visit(instead(ast.UnaryOp(ast.Not(), test), test))

    def loop(self, statement: ast.For) -> list[ast.stmt]:
        """A loop; what it changes is not known inside, and said before it and at its end."""
        changed = stored([statement])
        before = self.say(changed, statement)
        self.forget(changed)
        iterated = self.visit(statement.iter)
        body = self.block(statement.body)
        if statement.orelse or ends(body):
            raise Untranslatable(statement, "a loop that returns")
        body += self.say(changed, statement)
        self.forget(changed)
        return [*before, instead(ast.For(statement.target, iterated, body, []), statement)]

    def forget(self, names: Collection[str]) -> None:
        for changed in names:
            self.known.pop(changed, None)
            self.kept.discard(changed)

    def say(self, names: Collection[str], old: ast.stmt) -> list[ast.stmt]:
        """Assignments of what is known, and was left out so far."""
        return [assigned(n, self.known[n], old) for n in sorted(names) if n in self.known]

    def assign(
        self, targets: list[ast.expr], value: ast.expr, statement: ast.stmt
    ) -> list[ast.stmt]:
        value = self.visit(value)
        if len(targets) == 1 and isinstance(targets[0], ast.Tuple):
            apart = self.take_apart(targets[0], value, statement)
            if apart is not None:
                return apart
        names = stored(targets)
        self.forget(names)
        simple = all(isinstance(target, ast.Name) for target in targets)
        if isinstance(value, ast.Constant) and simple:
            self.known |= dict.fromkeys(names, value.value)
            return []
        if isinstance(value, ast.Name) and names == {value.id}:
            return []
        return [instead(ast.Assign(targets, value), statement)]

    def take_apart(
        self, target: ast.Tuple, value: ast.expr, statement: ast.stmt
    ) -> list[ast.stmt] | None:
        """Several assignments of one each, where their order does not matter."""
        if isinstance(value, ast.Constant) and isinstance(value.value, tuple):
            parts: list[ast.expr] = [constant(v, value) for v in value.value]
            value = instead(ast.Tuple(parts, ast.Load()), value)
        if not isinstance(value, ast.Tuple) or len(value.elts) != len(target.elts):
            return None
        pairs = list(zip(target.elts, value.elts, strict=True))
        for k, (_, part) in enumerate(pairs):
            if set(loads([part])) & stored([earlier for earlier, _ in pairs[:k]]):
                return None
        made = []
        for one, part in pairs:
            made += self.assign([one], part, statement)
        return made

    # expressions

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if reads(node) and node.id in self.known:
            return constant(self.known[node.id], node)
        there = node.home.scope.get(node.id)  # type: ignore[attr-defined]
        if reads(node) and node.id not in self.local and isinstance(there, (int, float)):
            return constant(there, node)
        return node

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        self.generic_visit(node)
        match node:
            case ast.UnaryOp(op=ast.Not(), operand=ast.Constant(value=value)):
                return constant(not value, node)
            case ast.UnaryOp(op=ast.USub(), operand=operand) if is_number(operand, 0):
                return operand
            case ast.UnaryOp(op=ast.Not(), operand=ast.Compare(ops=[op]) as compare):
                opposite = {ast.Eq: ast.NotEq, ast.Is: ast.IsNot, ast.IsNot: ast.Is}.get(type(op))
                if opposite:
                    compare.ops = [opposite()]
                    return compare
            case ast.UnaryOp(op=ast.Invert(), operand=ast.Compare(ops=[ast.Lt()]) as compare):
                compare.ops = [ast.GtE()]  # nan, of which it is true as well, aside
                return compare
        return node

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        self.generic_visit(node)
        decisive = isinstance(node.op, ast.Or)
        left = []
        for value in node.values:
            if not isinstance(value, ast.Constant):
                left.append(value)
            elif bool(value.value) is decisive:
                left.append(value)
                break
        if not left:
            return node.values[-1]
        if len(left) == 1 or (isinstance(left[0], ast.Constant)):
            return left[0]
        node.values = left
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        if len(node.ops) != 1:
            return node
        op, left, right = node.ops[0], node.left, node.comparators[0]
        none = isinstance(right, ast.Constant) and right.value is None
        if none and isinstance(left, ast.Name) and left.id in self.kept:
            return constant(isinstance(op, ast.IsNot), node)
        if isinstance(right, ast.Tuple) and all(isinstance(e, ast.Constant) for e in right.elts):
            right = constant(tuple(e.value for e in right.elts), right)  # type: ignore[attr-defined]
            node.comparators = [right]
        compare = COMPARISONS.get(type(op))
        if compare and isinstance(left, ast.Constant) and isinstance(right, ast.Constant):
            return constant(compare(left.value, right.value), node)
        return node

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        test = self.visit(node.test)
        if isinstance(test, ast.Constant):
            return self.visit(node.body if test.value else node.orelse)
        kept, known = set(self.kept), dict(self.known)
        self.learn(test, True)
        body = self.visit(node.body)
        self.kept, self.known = set(kept), dict(known)
        self.learn(test, False)
        orelse = self.visit(node.orelse)
        self.kept, self.known = kept, known
        if isinstance(test, ast.Name) and test.id not in self.switches:
            without = Replace({test.id: constant(0, test)}).visit(copy.deepcopy(body))
            if same(self.visit(without), orelse):
                return body  # a term that is left out where it is 0
        if same(body, orelse):
            return body
        return instead(ast.IfExp(test, body, orelse), node)

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        left, right = node.left, node.right
        numbers = [
            isinstance(x, ast.Constant)
            and isinstance(x.value, (int, float))
            and not isinstance(x.value, bool)
            for x in (left, right)
        ]
        compute = ARITHMETIC.get(type(node.op))
        if all(numbers) and compute and any(is_number(x, v) for x in (left, right) for v in (0, 1)):
            found = compute(left.value, right.value)  # type: ignore[attr-defined]
            return constant(found, node)
        match node.op:
            case ast.Add() if is_number(left, 0):
                return right
            case ast.Add() | ast.Sub() if is_number(right, 0):
                return left
            case ast.Mult() if is_number(left, 0) or is_number(right, 0):
                return constant(0, node)
            case ast.Mult() if is_number(left, 1):
                return right
            case ast.Mult() if is_minus_one(left):
                return instead(ast.UnaryOp(ast.USub(), right), node)
            case ast.Mult() | ast.Div() | ast.Pow() if is_number(right, 1):
                return left
            case ast.Div() if is_number(left, 0):
                return constant(0, node)
        return node

    def visit_Tuple(self, node: ast.Tuple) -> ast.AST:
        self.generic_visit(node)
        listed: list[ast.expr] = []
        for part in node.elts:
            inner = part.value if isinstance(part, ast.Starred) else None
            listed += inner.elts if isinstance(inner, ast.Tuple) else [part]
        node.elts = listed
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        called = ast.unparse(node.func)
        if called == "namespace_of":
            return name("xp", node)
        if called == "is_complex":
            return constant(False, node)
        if called in PASSED_THROUGH and node.args:
            return node.args[0]
        if called in ("hosted", "hosted_once", "look", "trees.map"):
            applied = instead(ast.Call(node.args[0], node.args[1:], []), node)
            return self.visit_Call(applied)
        if called in KEPT_AS_CALLS:
            return node
        if called in self.inner:
            tree = self.inner[called]
            return self.inline(node, tree, always=True)
        helper = find_helper(node.func)
        if helper is None:
            return node
        try:
            return self.inline(node, read(helper))
        except Untranslatable:  # then it has to be described in words
            return node

    def inline(self, call: ast.Call, tree: ast.FunctionDef, *, always: bool = False) -> ast.AST:
        """The value of a helper in place of its call, if that is a short expression."""
        bound = bind(call, tree)
        known = {n: v.value for n, v in bound.items() if isinstance(v, ast.Constant)}
        fold = Fold(tree, known)
        fold.inner |= self.inner if always else {}
        *before, last = fold.run()
        if not isinstance(last, ast.Return) or last.value is None:
            return call
        used = loads([*before, last])
        if always:
            inside = [n for n in used if n not in bound]
            bound |= {n: name(n, call) for n in inside}
        by = {n: v for n, v in bound.items() if n not in known}
        if not always:
            for n, value in by.items():
                if used.count(n) > 1 and not isinstance(value, (ast.Name, ast.Constant)):
                    return call
        for statement in before:
            match statement:
                case ast.Assign(targets=[ast.Name(id=target)]) if used.count(target) == 1:
                    by[target] = Replace(by).visit(statement.value)
                case _:
                    return call
        return self.visit(Replace(by).visit(last.value))

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> ast.AST:
        """One expression for each of several that are listed."""
        self.generic_visit(node)
        match node.generators:
            case [ast.comprehension(target=ast.Name(id=each), iter=ast.Tuple(elts=listed), ifs=[])]:
                parts = [Replace({each: e}).visit(copy.deepcopy(node.elt)) for e in listed]
                made = instead(ast.Tuple([self.visit(p) for p in parts], ast.Load()), node)
                return made
        return node
