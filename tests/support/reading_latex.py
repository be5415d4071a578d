"""Compute with the LaTeX of docs/optimizer-formulas.md: what a reader of the page would compute.

Every rule gives a function of the values of names, so that a branch not taken is not computed.
"""

import math
import re

import numpy as np

COMMAND = re.compile(
    r"\\(?:text|operatorname|mathsf|begin|end)\{((?:\\.|[^{}])*)\}"
    r"|\\(?:left|right)(?:\\[a-zA-Z]+|\\[{}]|[^a-zA-Z\s])|\\[a-zA-Z]+|\\.|\d+(?:\.\d+)?|\S"
)
SPACES = {r"\,", r"\;", " "}
RELATIONS = {
    "=": lambda a, b: a == b,
    r"\neq": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    r"\leq": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    r"\geq": lambda a, b: a >= b,
    r"\in": lambda a, b: a in b,
}
STATES = {
    " is kept": lambda x: x is not None,
    " is not kept": lambda x: x is None,
    " is given": lambda x: x is not None,
    " is not given": lambda x: x is None,
}
CONSTANTS = {"none": None, "true": True, "false": False}
REDUCTIONS = {r"\max": np.max, r"\min": np.min, "sum": np.sum, "mean": np.mean}
FUNCTIONS = {
    r"\max": np.maximum,
    r"\min": np.minimum,
    r"\exp": np.exp,
    r"\log": np.log,
    "sign": np.sign,
    "shape": np.shape,
    "prod": math.prod,
    "reshape": np.reshape,
}
UPDATE = r"\text{the update of the formula for } g"


class NotRead(Exception):
    """LaTeX that this reader does not understand."""


class Reader:
    """Reads one expression, condition or assignment; ``letters`` are names by their LaTeX."""

    def __init__(self, text, letters, helpers):
        self.letters = {**letters, r"\Delta": "Delta", r"\mathrm{tiny}": "tiny"}
        self.letters[r"\mathrm{epsilon}"] = "epsilon"
        self.helpers = helpers
        self.tokens = self.split(text)
        self.at = 0

    def split(self, text):
        names = sorted(self.letters, key=len, reverse=True)
        tokens, k = [], 0
        while k < len(text):
            name = next((n for n in names if text.startswith(n, k)), None)
            if text.startswith(UPDATE, k):
                tokens.append(("update", None))
                k += len(UPDATE)
            elif name is not None:
                tokens.append(("name", self.letters[name]))
                k += len(name)
            elif text[k] == " " or text[k : k + 2] in SPACES:
                k += 1 if text[k] == " " else 2
            else:
                found = COMMAND.match(text, k)
                if found is None:
                    raise NotRead(text[k:])
                kind = re.match(r"\\(text|operatorname|mathsf)", found[0])
                words = (found[1] or "").replace("\\_", "_")
                tokens.append((kind[1], words) if kind else ("sign", found[0]))
                k = found.end()
        return tokens

    def peek(self):
        return self.tokens[self.at] if self.at < len(self.tokens) else ("end", "")

    def take(self, *token):
        found = self.peek()
        if token and found != token:
            raise NotRead(f"{found} for {token} at {self.at} of {self.tokens}")
        self.at += 1
        return found

    def sign(self, text):
        return self.take("sign", text)

    def next_is(self, *signs):
        return self.peek() in [("sign", s) for s in signs]

    def group(self, rule):
        self.sign("{")
        made = rule()
        self.sign("}")
        return made

    def whole(self, rule):
        made = rule()
        if self.at != len(self.tokens):
            raise NotRead(f"left over: {self.tokens[self.at :]}")
        return made

    # sums, products, factors

    def sum(self):
        negative = self.next_is("-")
        if negative:
            self.take()
        first = self.product()
        terms = [(lambda e, f=first: -f(e)) if negative else first]
        while self.next_is("+", "-"):
            minus = self.take()[1] == "-"
            term = self.product()
            terms.append((lambda e, f=term: -f(e)) if minus else term)
        if len(terms) == 1:
            return terms[0]

        def add(e):
            total = terms[0](e)
            for term in terms[1:]:
                total = total + term(e)
            return total

        return add

    def starts_factor(self):
        kind, text = self.peek()
        if kind in ("name", "operatorname", "update"):
            return True
        if kind == "text":
            return text in CONSTANTS or not re.match(r" |if |not |otherwise|, ", text)
        return kind == "sign" and (
            text[0].isdigit()
            or text == "{"
            or (text.startswith(r"\left"))
            or text in (r"\frac", r"\sqrt", r"\begin{cases}", r"\max", r"\min", r"\sigma")
            or text in (r"\exp", r"\log")
        )

    def product(self):
        made = self.factor()
        while True:
            of_matrices = self.next_is("@")
            if of_matrices or self.next_is(r"\cdot"):
                self.take()
            elif not self.starts_factor():
                return made
            other = self.factor()
            if of_matrices:
                made = lambda e, a=made, b=other: a(e) @ b(e)
            else:
                made = lambda e, a=made, b=other: a(e) * b(e)

    def factor(self):
        made = self.group(self.sum) if self.next_is("{") else self.primary()
        while self.next_is("^", "_"):
            if self.take()[1] == "_":
                self.sign("{")
                self.sign("[")
                minus = self.next_is("-") and self.take()
                k = int(self.take()[1])
                self.sign("]")
                self.sign("}")
                k = -k if minus else k
                made = lambda e, a=made, k=k: a(e)[k]
                continue
            made = self.raised(made)
        return made

    def raised(self, base):
        self.sign("{")
        if self.peek()[0] == "mathsf":
            adjoint = self.take()[1] == "H"
            self.sign("}")
            return lambda e: np.conj(base(e)).swapaxes(-1, -2) if adjoint else base(e).mT
        exponent = self.sum()
        self.sign("}")
        return lambda e: base(e) ** exponent(e)

    def primary(self):
        kind, text = self.take()
        if kind == "update":
            return lambda e: e["update"](e)
        if kind == "name":
            return lambda e: e[text]
        if kind == "text":
            return lambda e: CONSTANTS.get(text, text)
        if kind == "operatorname":
            return self.call(text)
        if text[0].isdigit():
            value = float(text) if "." in text else int(text)
            return lambda e: value
        if text in (r"\max", r"\min", r"\exp", r"\log"):
            return self.call(text)
        match text:
            case r"\frac":
                above, below = self.group(self.sum), self.group(self.sum)
                return lambda e: above(e) / below(e)
            case r"\sqrt":
                inside = self.group(self.sum)
                return lambda e: np.sqrt(inside(e))
            case r"\begin{cases}":
                return self.cases()
            case r"\left(":
                parts = self.parts(r"\right)")
                return parts[0] if len(parts) == 1 else lambda e: tuple(p(e) for p in parts)
            case r"\left\{":
                parts = self.parts(r"\right\}")
                return lambda e: tuple(p(e) for p in parts)
            case r"\left[":
                condition = self.condition()
                self.sign(r"\right]")
                return condition
            case r"\left\lvert":
                (inside,) = self.parts(r"\right\rvert")
                return lambda e: np.abs(inside(e))
            case r"\left\lVert":
                (inside,) = self.parts(r"\right\rVert")
                return lambda e: np.linalg.norm(np.ravel(inside(e)))
            case r"\left\langle":
                one, other = self.parts(r"\right\rangle")
                return lambda e: np.sum(one(e) * other(e))
            case r"\sigma":
                self.sign("_")
                self.group(self.take)
                (inside,) = self.arguments()
                return lambda e: np.linalg.norm(inside(e), 2, axis=(-2, -1), keepdims=True)
        raise NotRead(text)

    def parts(self, closing):
        listed = [self.sum()]
        while self.next_is(","):
            self.take()
            listed.append(self.sum())
        self.sign(closing)
        return listed

    def arguments(self):
        self.sign(r"\left(")
        return self.parts(r"\right)")

    def call(self, called):
        axes, kept = None, False
        if self.next_is("_"):
            self.take()
            self.sign("{")
            kind, text = self.take()
            words = re.findall(r"-?\d+", text) if kind == "text" else []
            axes = (lambda e: tuple(map(int, words))) if words else (lambda e: e[text])
            kept = self.peek() == ("text", ", kept") and bool(self.take())
            self.sign("}")
        parts = self.arguments()
        if called == "expand":
            return lambda e: np.expand_dims(parts[0](e), axis=axes(e))
        if len(parts) == 1 and called in REDUCTIONS:
            reduce = REDUCTIONS[called]
            return lambda e: reduce(parts[0](e), axis=axes and axes(e), keepdims=kept)
        function = self.helpers.get(called) or FUNCTIONS.get(called)
        if function is None:
            raise NotRead(called)
        return lambda e: function(*(part(e) for part in parts))

    def cases(self):
        rows = []
        while True:
            value = self.sum()
            self.sign("&")
            if self.take()[1] == "otherwise":
                self.sign(r"\end{cases}")
                return lambda e: choose(rows, value, e)
            rows.append((self.condition(), value))
            self.sign("\\\\")

    # conditions

    def condition(self):
        return self.joined(" or ", lambda: self.joined(" and ", self.plain), any)

    def joined(self, word, rule, combine=all):
        parts = [rule()]
        while self.peek() == ("text", word):
            self.take()
            parts.append(rule())
        if len(parts) == 1:
            return parts[0]
        return lambda e: join(combine, parts, e)

    def plain(self):
        if self.peek() == ("text", "not "):
            self.take()
            inside = self.plain()
            return lambda e: np.logical_not(inside(e)) if is_array(inside(e)) else not inside(e)
        start = self.at
        try:
            return self.relation()
        except NotRead:
            self.at = start
        self.sign(r"\left(")
        inside = self.condition()
        self.sign(r"\right)")
        return inside

    def relation(self):
        left = self.sum()
        kind, text = self.peek()
        if kind == "text" and text in STATES:
            self.take()
            return lambda e: STATES[text](left(e))
        if kind == "sign" and text in RELATIONS:
            self.take()
            right = self.sum()
            return lambda e: RELATIONS[text](left(e), right(e))
        return left

    # statements

    def assignment(self):
        targets = []
        while True:
            start = self.at
            try:
                target = self.target()
                self.sign(r"\leftarrow")
            except NotRead:
                self.at = start
                return targets, self.sum()
            targets.append(target)

    def target(self):
        if not self.next_is(r"\left("):
            kind, text = self.take()
            if kind != "name":
                raise NotRead(text)
            return text
        self.take()
        listed = [self.target()]
        while self.next_is(","):
            self.take()
            listed.append(self.target())
        self.sign(r"\right)")
        return tuple(listed)

    def iteration(self):
        target = self.target()
        self.take("text", " in ")
        return target, self.iterated()

    def iterated(self):
        first = self.sum()
        if self.peek() == ("text", " or "):
            self.take()
            other = self.iterated()
            return lambda e: first(e) or other(e)
        if self.peek() == ("text", " repeated "):
            self.take()
            times = self.sum()
            return lambda e: (first(e),) * times(e)
        return first


def is_array(x):
    return isinstance(x, np.ndarray) and x.ndim > 0


def join(combine, parts, e):
    values = []
    for part in parts:
        values.append(part(e))
        if not is_array(values[-1]) and bool(values[-1]) is (combine is any):
            return values[-1]
    if any(map(is_array, values)):
        return (np.logical_and if combine is all else np.logical_or).reduce(values)
    return combine(values)


def choose(rows, otherwise, e):
    """The first case that holds, for each element."""
    for k, (condition, value) in enumerate(rows):
        holds = condition(e)
        if is_array(holds):
            return np.where(holds, value(e), choose(rows[k + 1 :], otherwise, e))
        if holds:
            return value(e)
    return otherwise(e)


class Returned(Exception):
    """Carries what a helper returns."""


def run(lines, letters, helpers, values):
    """Do what lines say to the values of names."""
    lines = list(lines)
    while lines:
        line = lines.pop(0)
        inside = []
        while lines and lines[0].depth > line.depth:
            inside.append(lines.pop(0))

        def reader(line=line):
            return Reader(line.math, letters, helpers)

        if line.word == "":
            made = reader()
            targets, value = made.whole(made.assignment)
            assign(targets, value(values), values)
        elif line.word == "return":
            made = reader()
            raise Returned(made.whole(made.sum)(values))
        elif line.word == "for":
            made = reader()
            target, listed = made.whole(made.iteration)
            for each in listed(values):
                assign([target], each, values)
                run(inside, letters, helpers, values)
        elif line.word == "if":
            made = reader()
            taken = bool(made.whole(made.condition)(values))
            if taken:
                run(inside, letters, helpers, values)
            while lines and lines[0].depth == line.depth and lines[0].word in ("else if", "else"):
                other = lines.pop(0)
                inside = []
                while lines and lines[0].depth > line.depth:
                    inside.append(lines.pop(0))
                if taken:
                    continue
                made = Reader(other.math, letters, helpers)
                taken = other.word == "else" or bool(made.whole(made.condition)(values))
                if taken:
                    run(inside, letters, helpers, values)
        else:
            raise NotRead(line.word)
    return values


def assign(targets, value, values):
    for target in targets:
        if isinstance(target, tuple):
            parts = tuple(value)
            if len(parts) != len(target):
                raise NotRead(f"{target} for {len(parts)} values")
            for one, part in zip(target, parts, strict=True):
                assign([one], part, values)
        else:
            values[target] = value


def helper(lines, letters, helpers):
    """A function from the lines that define it."""
    head = lines[0]
    left, equals, right = head.math.partition(" = ") if head.word == "" else (head.math, "", "")
    reader = Reader(re.sub(r"^\\operatorname\{[^}]*\}", "", left), letters, helpers)
    parameters = reader.whole(reader.target)
    parameters = parameters if isinstance(parameters, tuple) else (parameters,)

    def call(*args):
        values = {**dict(zip(parameters, args, strict=True)), **NUMBERS}
        if equals:
            reader = Reader(right, letters, helpers)
            return reader.whole(reader.sum)(values)
        try:
            run(lines[1:], letters, helpers, values)
        except Returned as returned:
            return returned.args[0]
        raise NotRead("a helper without a result")

    return call


NUMBERS = {
    "tiny": float(np.finfo(np.float64).smallest_normal),
    "epsilon": float(np.finfo(np.float64).eps),
}
