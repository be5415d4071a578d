"""docs/optimizer-formulas.md says what the code computes: its LaTeX is read, and computed with."""

import ast
import dataclasses
import functools
import inspect
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from anygrad.errors import ArgumentError
from anygrad.optimizers import OPTIMIZERS
from anygrad.optimizers.rules.allowed import Count, Maybe
from anygrad.optimizers.rules.factories import declaration_of
from anygrad.optimizers.rules.rule import read_signature
from anygrad.optimizers.slots import Number, Shared, When
from tests.support import reading_latex

pytest.importorskip("sphinx", reason="Sphinx is not installed")
EXTENSIONS = str(Path(__file__).parents[1] / "docs" / "_ext")
sys.path.insert(0, EXTENSIONS)
try:
    import codes
    import folding
    import formulas
    import latex
    from letters import Letters
    from mathml import mathml
finally:
    sys.path.remove(EXTENSIONS)

SHAPES = [(3,), (4, 6)]
TRIES = 12  # of the switches of one formula
INSTEAD = {"min_dim_size_to_factor": 2}  # so small an array is factored, too
WHOLE = [*OPTIMIZERS]
DEFAULTS = [
    (one, peer) for one in OPTIMIZERS for peer in (None, *OPTIMIZERS[one].declaration.peers)
]


# the page computes what the code computes


def draw(declaration, rng, k):
    """Values for all hyperparameters; the first time the defaults, then switches at random."""
    made = {}
    for one, value in {**declaration.fixed, **declaration.defaults}.items():
        allowed = declaration.allowed.get(one)
        words = isinstance(allowed, tuple) and all(isinstance(w, str) for w in allowed)
        if one in INSTEAD:
            value = INSTEAD[one]
        elif k and isinstance(value, bool):
            value = bool(rng.integers(2))
        elif k and words:
            value = allowed[rng.integers(len(allowed))]
        elif k and value is None and isinstance(allowed, Maybe):
            value = (None, 0.5)[rng.integers(2)]
        elif k and value == 0.0 and not isinstance(allowed, Count):
            value = float(rng.choice([0.0, 0.25]))
        made[one] = 0.1 if value is None and one == "learning_rate" else value
    return made


def slots_for(declaration, p, values, rng):
    """Every slot with positive elements, or None where it is not kept."""
    made = {}
    for slot, start in declaration.slots.items():
        if slot in values:  # only kept, and not looked at by the formula
            continue
        if isinstance(start, When):
            start = start.start if values[start.hyperparameter] else None
        if start is None:
            made[slot] = None
        elif isinstance(start, Number):
            made[slot] = float(rng.uniform(0.1, 0.9))
        elif isinstance(start, Shared):
            made[slot] = np.asarray(rng.uniform(0.1, 0.9))
        else:
            begun = start(np, p, **values)
            made[slot] = None if begun is None else begun + rng.uniform(0.1, 1, begun.shape)
    return made


@functools.cache
def shown(one, peer=...):
    """What the page shows of an optimizer, with all switches or with the defaults."""
    declaration = declaration_of(OPTIMIZERS[one])
    whole = peer is ...
    box = formulas.whole_box(declaration) if whole else formulas.default_box(declaration, peer)
    return readable(declaration, box)


def readable(declaration, box):
    """A box, names by their LaTeX, and functions as the page defines them."""
    letters = formulas.letters_of(declaration)
    by_latex = {text: name for name, text in letters.by_name.items()}
    helpers = {}
    for name, lines in formulas.helper_lines([box], letters).items():
        if isinstance(lines, str):  # what is told in words is taken from the code
            homes = [
                sys.modules[f.__module__] for f in (declaration.formula, *box.helpers.values())
            ]
            helpers[name] = next(getattr(home, name) for home in homes if hasattr(home, name))
        else:
            helpers[name] = reading_latex.helper(lines, by_latex, helpers)
    return box, by_latex, helpers


def check(declaration, page, formula, values, shape, rng):
    """Compare the values that lines give to ``p`` and all slots with those of the code."""
    box, by_latex, helpers = page
    p, g = rng.normal(size=shape), rng.normal(size=shape)
    t = int(rng.integers(1, 20))
    start = {"xp": np, "p": p, "g": g, "t": t, "value": 2.5}
    start |= slots_for(declaration, p, values, rng)
    shared = [slot for slot, kind in declaration.slots.items() if isinstance(kind, Shared)]
    expected = dict(start)
    if declaration.reduction:
        arrays, keywords = read_signature(declaration.reduction)
        see = getattr(formula, "see", lambda g, p, **_: g)
        given = {**expected, "g": see(g, p, **values)}
        result = declaration.reduction(
            *(given[a] for a in arrays), **{n: values[n] for n in keywords}
        )
        expected |= zip(shared, result if isinstance(result, tuple) else (result,), strict=True)
    arrays, keywords = read_signature(formula)
    result = formula(*(expected[a] for a in arrays), **{n: values[n] for n in keywords})
    update, *new = result if isinstance(result, tuple) else (result,)
    returned = [a for a in arrays if a in declaration.slots and a not in shared]
    expected |= zip(returned, new, strict=True)
    expected["p"] = p + update

    env = {**values, **start, **reading_latex.NUMBERS}
    reading_latex.run(box.joint, by_latex, helpers, env)
    reading_latex.run(box.each, by_latex, helpers, env)
    for one in ("p", *shared, *returned):
        if expected[one] is None:
            assert env[one] is None
        else:
            # rounding differs where a product of three factors is taken in another order
            np.testing.assert_allclose(env[one], expected[one], rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("one", WHOLE)
def test_the_whole_formula_is_what_the_code_computes(one, shape):
    declaration = declaration_of(OPTIMIZERS[one])
    formula = inspect.unwrap(declaration.formula)
    done = 0
    for k in range(TRIES):
        rng = np.random.default_rng(k)
        values = draw(declaration, rng, k)
        try:
            if declaration.check:
                declaration.check(one, values)
        except ArgumentError:
            continue
        check(declaration, shown(one), formula, values, shape, rng)
        done += 1
    assert done > 1


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(("one", "peer"), DEFAULTS)
def test_the_formula_with_defaults_is_what_the_code_computes(one, peer, shape):
    declaration = declaration_of(OPTIMIZERS[one])
    rng = np.random.default_rng(1)
    values = draw(declaration, rng, 0)
    values |= {n: v for n, v in (declaration.peers[peer] if peer else {}).items() if v is not None}
    values |= {n: v for n, v in INSTEAD.items() if n in values}
    check(declaration, shown(one, peer), declaration.formula, values, shape, rng)


@pytest.mark.parametrize("kind", [{}, {"decoupled_weight_decay": True}, {"fixed_decay": True}])
@pytest.mark.parametrize("one", ["adam", "adamw", "sgd", "radam", "sign_sgd", "dog"])
def test_decay_that_is_there_by_default_is_in_the_formula(one, kind):
    declaration = declaration_of(OPTIMIZERS[one])
    values = {n: v for n, v in kind.items() if n in declaration.defaults} | {"weight_decay": 0.25}
    declaration = dataclasses.replace(declaration, defaults={**declaration.defaults, **values})
    page = readable(declaration, formulas.default_box(declaration))
    assert any(r"\lambda p" in line.math for line in page[0].lines)
    rng = np.random.default_rng(2)
    values = draw(declaration, rng, 0)
    check(declaration, page, declaration.formula, values, (3,), rng)


@pytest.mark.parametrize("maximize", [False, True])
@pytest.mark.parametrize("decoupled", [False, True])
@pytest.mark.parametrize("fixed", [False, True])
@pytest.mark.parametrize("decay", [0.0, 0.25])
def test_what_is_around_every_formula(maximize, decoupled, fixed, decay):
    from anygrad.optimizers.rules.pieces import decayed

    @decayed
    def halve(xp, g, *, learning_rate):
        return -learning_rate * g / 2

    names = ["u", "rate", "learning_rate", "weight_decay", "g", "p"]
    words = ["maximize", "fixed_decay", "decoupled_weight_decay"]
    letters = Letters([*names, *words], words)
    by_latex = {text: one for one, text in letters.by_name.items()}
    values = {"learning_rate": 0.1, "weight_decay": decay, "maximize": maximize}
    values |= {"decoupled_weight_decay": decoupled, "fixed_decay": fixed}
    g, p = np.array([1.0, -2.0]), np.array([3.0, 5.0])
    update = halve(np, g, p, **values)
    expected = p + (update[0] if isinstance(update, tuple) else update)
    env = {**values, "g": g, "p": p, "update": lambda e: -0.1 * e["g"] / 2}
    reading_latex.run(formulas.surrounding_lines(), by_latex, {}, env)
    np.testing.assert_allclose(env["p"], expected, rtol=1e-14)


# the page is whole


def test_the_page_has_every_optimizer_once():
    listed = [one for names in formulas.families() for one in names]
    assert sorted(listed) == sorted(OPTIMIZERS)
    assert set(formulas.CODE_ALONE) <= set(OPTIMIZERS)


@pytest.mark.parametrize("one", OPTIMIZERS)
def test_every_line_becomes_mathml(one):
    declaration = declaration_of(OPTIMIZERS[one])
    boxes = [formulas.whole_box(declaration), formulas.default_box(declaration)]
    helpers = formulas.helper_lines(boxes, formulas.letters_of(declaration))
    lines = [line for box in boxes for line in box.lines]
    lines += [line for found in helpers.values() if not isinstance(found, str) for line in found]
    for line in lines:
        made = mathml(line.math)
        assert made.startswith("<math")
        assert made.endswith("</math>")
        assert "\\" not in re.sub(r"<annotation.*?</annotation>", "", made, flags=re.DOTALL)


# each construct


def write(text, **scope):
    """LaTeX of an expression in letters of its own."""
    tree = function_of(f"return {text}")
    names = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)} - {"xp", "max", "abs2"}
    return latex.Writer(tree, Letters(names)).expression(tree.body[0].value)


def function_of(body, head="xp, a, b, c, flag: bool"):
    text = f"def f({head}):\n" + "\n".join("    " + line for line in body.splitlines())
    (tree,) = ast.parse(text).body
    home = codes.Home("planted.py", sys.modules["anygrad.optimizers.families.moments"].__dict__)
    for node in ast.walk(tree):
        node.home = home
    return tree


EXPRESSIONS = {
    "a + b * c": "a + b c",
    "(a + b) * c": r"\left( a + b \right) c",
    "a * (b * c)": "a b c",
    "a - (b - c)": r"a - \left( b - c \right)",
    "a - b - c": "a - b - c",
    "a + (b - c)": "a + b - c",
    "a - (-b + c)": r"a - \left( -b + c \right)",
    "a + (-b - c)": "a - b - c",
    "a + -b * c": "a - b c",
    "a - -b": "a + b",
    "-a * b": "-a b",
    "-(a + b)": r"-\left( a + b \right)",
    "-(a + b) * c": r"-\left( a + b \right) c",
    "a * -b": "-a b",
    "-a * -b": "a b",
    "a / b * c": r"\frac{a c}{b}",
    "a / (b * c)": r"\frac{a}{b c}",
    "a / b / c": r"\frac{a}{b c}",
    "a / (b / c)": r"\frac{a c}{b}",
    "(a + b) / (a - b)": r"\frac{a + b}{a - b}",
    "-a / b": r"-\frac{a}{b}",
    "1 / a": r"\frac{1}{a}",
    "a * a": "{a}^{2}",
    "a**b": "{a}^{b}",
    "-(a**b)": "-{a}^{b}",
    "(-a) ** b": r"{\left( -a \right)}^{b}",
    "(a * b) ** c": r"{\left( a b \right)}^{c}",
    "(a / b) ** c": r"{\left( \frac{a}{b} \right)}^{c}",
    "a ** (b + 1)": "{a}^{b + 1}",
    "a**b**c": "{a}^{{b}^{c}}",
    "(a**b) ** c": r"{\left( {a}^{b} \right)}^{c}",
    "a**0.5": r"\sqrt{a}",
    "2 * a": "2 a",
    "a * 2": r"a \cdot 2",
    "1e-8 * a": r"10^{-8} a",
    "0.5 * 0.96**a": r"0.5 \cdot {0.96}^{a}",
    "xp.sqrt(a) + b": r"\sqrt{a} + b",
    "xp.abs(a)": r"\left\lvert a \right\rvert",
    "abs2(xp, a)": r"{\left\lvert a \right\rvert}^{2}",
    "xp.maximum(a, b) * c": r"\max\left( a, b \right) c",
    "xp.sign(a - b)": r"\operatorname{sign}\left( a - b \right)",
    "xp.exp(-a)": r"\exp\left( -a \right)",
    "a if b > c else c": r"\begin{cases} a & \text{if } b > c \\ c & \text{otherwise} \end{cases}",
    "a + (b if c else a)": r"a + \left( \begin{cases} b & \text{if } c \neq 0 \\ "
    r"a & \text{otherwise} \end{cases} \right)",
    "a if flag else b": r"\begin{cases} a & \text{if } \mathrm{flag} \\ "
    r"b & \text{otherwise} \end{cases}",
    "xp.where(a > 0, b, xp.where(a < 0, c, a))": r"\begin{cases} b & \text{if } a > 0 \\ "
    r"c & \text{if } a < 0 \\ a & \text{otherwise} \end{cases}",
    "(a > b) * c": r"\left[ a > b \right] c",
    "a if not flag and (b or c) else b": r"\begin{cases} a & \text{if } \text{not } \mathrm{flag} "
    r"\text{ and } \left( b \neq 0 \text{ or } c \neq 0 \right) \\ b & \text{otherwise} "
    r"\end{cases}",
    "a @ b": r"a \;@\; b",
    "a @ (b @ c)": r"a \;@\; \left( b \;@\; c \right)",
    "a * (b @ c)": r"a \left( b \;@\; c \right)",
    "(a + b) @ c": r"\left( a + b \right) \;@\; c",
    "m_hat + v_max + c2 + eps1 + g_last": r"\hat{m} + v_{\max} + c_{2} + \varepsilon_{1} + "
    r"g_{\mathrm{last}}",
    "learning_rate * weight_decay * momentum": r"\eta \lambda \mu",
    "long_name * a": r"\mathrm{long\_name} \, a",
}


@pytest.mark.parametrize("code", EXPRESSIONS)
def test_an_expression(code):
    assert write(code) == EXPRESSIONS[code]


NUMBERS = {"a": 0.7, "b": 1.3, "c": 2.1, "flag": True}


@pytest.mark.parametrize("code", [code for code in EXPRESSIONS if "_" not in code])
def test_the_latex_of_an_expression_has_its_value(code):
    if "@" in code:
        values = {n: np.arange(4.0).reshape(2, 2) * v for n, v in NUMBERS.items()}
    else:
        values = {**NUMBERS, "b": -1.3} if "-a" in code and "**" not in code else NUMBERS
    if code == "(-a) ** b":
        values = {"a": 0.7, "b": 2}
    scope = {"xp": np, "abs2": lambda xp, x: x * x, **values}
    letters = {Letters([n]).by_name[n]: n for n in values}
    reader = reading_latex.Reader(write(code), letters, {})
    found = reader.whole(reader.sum)(dict(values))
    np.testing.assert_allclose(found, eval(code, scope), rtol=1e-14)


def lines_of(body, returned=("m",), known=None):
    tree = function_of(body, "xp, g, m, *, rate, flag: bool")
    letters = Letters(codes.stored([tree]) | {"p", "g", "m", "rate", "flag"}, ["flag"])
    writer = latex.Writer(tree, letters, ["m"])
    return [
        tuple(l) for l in latex.write_formula(folding.Fold(tree, known).run(), writer, returned)
    ]


def test_statements_become_lines():
    body = "if flag:\n    m = m + g\nelse:\n    m = m - g\nreturn -rate * m, m"
    assert lines_of(body) == [
        (0, "if", r"\mathrm{flag}"),
        (1, "", r"m \leftarrow m + g"),
        (0, "else", ""),
        (1, "", r"m \leftarrow m - g"),
        (0, "", r"p \leftarrow p - \mathrm{rate} \, m"),
    ]
    assert lines_of(body, known={"flag": False}) == [
        (0, "", r"m \leftarrow m - g"),
        (0, "", r"p \leftarrow p - \mathrm{rate} \, m"),
    ]


def test_after_an_early_return_the_rest_is_the_other_branch():
    assert lines_of("if m is None:\n    return g, None\nm = m + g\nreturn m, m") == [
        (0, "if", r"m \text{ is not kept}"),
        (1, "", r"p \leftarrow p + g"),
        (0, "else", ""),
        (1, "", r"m \leftarrow m + g"),
        (1, "", r"p \leftarrow p + m"),
    ]


def test_results_that_depend_on_each_other_are_assigned_in_a_harmless_order():
    assert lines_of("return m, g") == [
        (0, "", r"p \leftarrow p + m"),
        (0, "", r"m \leftarrow g"),
    ]
    swapped = "return m + p, p"
    assert [line[2] for line in lines_of(swapped)] == [
        r"\left( p, m \right) \leftarrow \left( p + m + p, p \right)"
    ]


def test_a_name_known_in_one_branch_is_said_there():
    body = "if flag:\n    c = 1.0\nelse:\n    c = g\nreturn c * m, m"
    assert (1, "", r"c \leftarrow 1") in lines_of(body)


def test_a_loop_says_what_it_starts_from():
    body = "c = None\nfor k in range(3):\n    c = g if c is None else c + m\nreturn c, m"
    lines = lines_of(body)
    assert lines[0] == (0, "", r"c \leftarrow \text{none}")
    assert lines[1] == (0, "for", r"k \text{ in } 1, \ldots, 3")


REFUSED = {
    "return xp.fft(g), m": "a function without a notation",
    "while flag:\n    pass\nreturn g, m": "While",
    "m[0] = g\nreturn g, m": "a target that is no name",
    "return g % m, m": "BinOp",
    "return g": "expected 2 results",
    "return unknown * g, m": "the name unknown is unknown",
    "return g[1:], m": "Subscript",
    "m = yield_ = lambda: 1\nreturn g, m": "Lambda",
}


@pytest.mark.parametrize("body", REFUSED)
def test_what_has_no_notation_fails_with_file_and_line(body):
    with pytest.raises(codes.Untranslatable, match=REFUSED[body]) as caught:
        lines_of(body)
    assert re.match(r"planted\.py:\d+: cannot be written in LaTeX", str(caught.value))


def test_two_names_are_never_written_alike():
    letters = Letters(["mu", "momentum", "eta", "learning_rate", "eps", "b1", "b2", "beta"])
    assert len(set(letters.by_name.values())) == 8
