"""Forward mode beside reverse mode, second derivatives, and the operation that is wrong."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import anygrad as ag
from anygrad import check_gradients
from anygrad.checking import curvature, modes, operations, procedure
from anygrad.checking.judging import Tolerance
from anygrad.checking.subjects import Subject
from anygrad.errors import GradientError, MissingRuleError
from anygrad.ops import ROWS
from anygrad.tracing import TRACED, namespace
from anygrad.tracing.operations import closure_of

X = np.asarray([0.5, -1.2, 2.0])


def plant(monkeypatch, name, **changes):
    """Change a row of the table, in the quick way and in the general one."""
    row = replace(ROWS[name], **changes)
    operation = closure_of(row)
    monkeypatch.setitem(ROWS, name, row)
    monkeypatch.setattr(TRACED, name, operation)
    monkeypatch.setitem(namespace.STANDARD, name, operation)


def program(x):
    xp = ag.namespace(x)
    y = xp.sin(x) * 2.0
    z = xp.tanh(y)
    return xp.sum(z * x)


# Modes


def test_modes_that_disagree_fail(monkeypatch):
    right = modes.jvp

    def wrong_jvp(f, primals, tangents):
        value, tangent = right(f, primals, tangents)
        return value, 1.001 * tangent

    monkeypatch.setattr(modes, "jvp", wrong_jvp)
    report = check_gradients(program, X)
    assert report.wrong == 0
    assert not report.ok
    assert (report.verdict, report.forward_is_wrong) == ("wrong", True)
    assert "The gradient agrees" not in str(report)
    with pytest.raises(GradientError, match="Forward and reverse mode disagree"):
        report.raise_if_wrong()
    assert check_gradients(program, X, modes=("reverse",)).ok
    alone = check_gradients(program, X, modes=("forward",))
    assert (alone.verdict, alone.wrong, alone.modes) == ("wrong", 3, None)
    assert check_gradients(program, X, modes=["forward"]).wrong == 3
    along = check_gradients(program, X, modes=("forward",), directions=2)
    assert (along.verdict, along.wrong) == ("wrong", 2)


@pytest.mark.parametrize(
    ("gradient", "value", "agree"),
    [
        ([3.0, 2.0], 0.0, True),
        ([3.0, 2.0 + 4e-9], 0.0, True),  # 1e-9 of 3 + 2
        ([3.0, 2.0 + 6e-9], 0.0, False),
        ([3.0, 2.0 + 5e-7], 1e8, True),  # 64 times the last digit of 1e8
        ([3.0, 2.0 + 5e-6], 1e8, False),
        ([3.0, np.nan], 0.0, False),
    ],
)
def test_modes_may_differ_by_the_rounding_of_a_sum(gradient, value, agree):
    """Along a direction in which both parts cancel."""
    subject = Subject.of("f", lambda x: 3.0 * x[0] + 2.0 * x[1], (np.ones(2),), 0)
    tolerance = Tolerance(1e-9, value, 2.2e-16)
    found = modes.compare_modes(subject, np.asarray([1.0, -1.0]), np.asarray(gradient), tolerance)
    assert found.forward == 1.0
    assert found.agree == agree


def test_a_missing_forward_rule_leaves_the_modes_uncompared(monkeypatch):
    def no_rule(f, primals, tangents):
        raise MissingRuleError("none")

    monkeypatch.setattr(modes, "jvp", no_rule)
    report = check_gradients(program, X)
    assert report.ok
    assert report.modes is None


def test_forward_mode_alone_is_compared():
    assert check_gradients(program, X, modes=("forward",)).ok
    assert check_gradients(program, X, modes=("forward",), directions=2).ok


def test_a_wrong_automatic_gradient_is_found(monkeypatch):
    right = procedure.value_and_grad

    def wrong(f, argnums):
        def run(*args):
            value, slopes = right(f, argnums)(*args)
            return value, 1.001 * slopes

        return run

    monkeypatch.setattr(procedure, "value_and_grad", wrong)
    report = check_gradients(lambda x: np.sum(x**3), np.asarray([1.0, 2.0]))
    assert report.wrong == 2
    assert not report.modes_agree
    assert not report.forward_is_wrong
    assert report.operation is None
    assert "Each of its 2 operations is right by itself" in str(report)


# Operations


def line_of(words):
    lines = Path(__file__).read_text().splitlines()
    return next(n for n, line in enumerate(lines, start=1) if words in line)


def test_a_row_off_by_a_thousandth_is_found_with_its_line(monkeypatch):
    right = ROWS["tanh"].rules[0]
    plant(monkeypatch, "tanh", rules=(lambda xp, t, y, x: 1.001 * right(xp, t, y, x),))
    report = check_gradients(program, X)
    found = report.operation
    assert (report.verdict, found.name, found.number, found.wrong) == ("wrong", "tanh", 2, "both")
    assert (found.line.file, found.line.number) == (__file__, line_of("z = xp.tanh(y)"))
    assert found.line.source == "z = xp.tanh(y)"
    assert found.reverse == pytest.approx(1.001 * found.numerical, rel=1e-6)
    assert found.error < 1e-4 * abs(found.numerical)
    assert "The first operation whose own derivative is wrong is tanh (in both modes" in str(report)
    assert "z = xp.tanh(y)" in str(report)


@pytest.mark.slow  # JAX compiles every operation of the ladder
def test_operations_are_replayed_on_every_backend(monkeypatch, xp):
    right = ROWS["tanh"].rules[0]
    plant(monkeypatch, "tanh", rules=(lambda xp, t, y, x: 1.001 * right(xp, t, y, x),))
    report = check_gradients(program, xp.asarray(X), order=2)
    assert (report.operation.name, report.operation.number) == ("tanh", 2)


def test_the_operand_that_is_wrong_is_told(monkeypatch):
    first = ROWS["atan2"].rules[0]
    plant(monkeypatch, "atan2", rules=(first, lambda xp, t, y, a, b: t * 0.0))

    def f(x):
        xp = ag.namespace(x)
        return xp.sum(xp.atan2(x, x * x))

    report = check_gradients(f, X)
    assert (report.operation.name, report.operation.operand) == ("atan2", 1)
    assert report.operation.reverse == 0.0


@pytest.mark.parametrize("mode", ["reverse", "forward"])
def test_the_mode_in_which_an_operation_is_wrong_is_told(monkeypatch, mode):
    family = ROWS["tanh"].family

    def pull(row, xp, g, y, args, kw, wanted):
        return [1.5 * part for part in family.pullback(row, xp, g, y, args, kw, wanted)]

    def push(row, xp, tangents, y, args, kw):
        return 1.5 * family.pushforward(row, xp, tangents, y, args, kw)

    change = {"pullback": pull} if mode == "reverse" else {"pushforward": push}
    plant(monkeypatch, "tanh", family=family._replace(name="other", **change))
    report = check_gradients(program, X)
    assert (report.verdict, report.operation.name) == ("wrong", "tanh")
    assert report.operation.wrong == mode
    assert f"(in {mode} mode" in str(report)
    assert report.forward_is_wrong == (mode == "forward")
    right = report.operation.forward if mode == "reverse" else report.operation.reverse
    assert right == pytest.approx(report.operation.numerical, rel=1e-9)


def test_a_rule_of_ones_own_without_a_factor_is_found():
    @ag.custom_vjp
    def cube(x):
        return x**3

    cube.defvjp(lambda x: (x**3, x), lambda x, g: (g * x**2,))

    def f(x):
        y = np.exp(x) / 3
        return np.sum(cube(y) * x)

    report = check_gradients(f, X)
    assert report.operation.name.startswith("custom_vjp(")
    assert report.operation.line.number == line_of("return np.sum(cube(y) * x)")
    assert report.operation.numerical == pytest.approx(3 * report.operation.reverse, rel=1e-6)
    tree = {"a": X, "b": 2.0}
    report = check_gradients(lambda t: np.sum(cube(t["a"])) * t["b"], tree, directions=1)
    assert report.operation.name.startswith("custom_vjp(")


def test_a_wrong_forward_rule_of_ones_own_is_found():
    @ag.custom_jvp
    def cube(x):
        return x**3

    cube.defjvp(lambda primals, tangents: (cube(*primals), -(primals[0] ** 2) * tangents[0]))
    report = check_gradients(lambda x: np.sum(cube(x)), X)
    assert (report.operation.wrong, report.operation.number) == ("both", 0)


def test_a_derivative_lost_between_operations_blames_none():
    report = check_gradients(lambda x: np.sum(x * ag.stop_gradient(x)), X)
    assert report.verdict == "wrong"
    assert report.operation is None
    assert "ag.stop_gradient" in report.about_operations


def test_operations_that_jump_are_named_once():
    def f(x):
        y = np.remainder(x, 1.0) + np.remainder(x, 1.0)
        return np.sum(y) + np.sum(x * ag.stop_gradient(x))

    report = check_gradients(f, np.asarray([1.0, 0.5]))
    assert (report.verdict, report.operation) == ("wrong", None)
    assert "5 of its 7 operations are right" in report.about_operations
    assert "nothing can be said of remainder, whose slopes" in report.about_operations


def test_only_the_first_operations_of_a_long_program_are_looked_at(monkeypatch):
    monkeypatch.setattr(operations, "LIMIT", 5)

    def f(x):
        y = x * ag.stop_gradient(x)
        for _ in range(10):
            y = y * 1.5
        return np.sum(y)

    report = check_gradients(f, X)
    assert report.about_operations == "Its first 5 operations are right by themselves."


def test_operations_on_complex_numbers_are_looked_at(monkeypatch):
    z = np.asarray([1.0 + 0.5j, -0.3 + 2.0j])

    def f(z):
        y = ag.namespace(z).exp(z) * (0.5 - 1.0j)
        return np.sum(np.imag(y * ag.stop_gradient(z)))

    report = check_gradients(lambda z: f(z) + np.sum(np.real(z) * ag.stop_gradient(np.imag(z))), z)
    assert report.verdict == "wrong"
    assert "operations is right by itself" in report.about_operations
    right = ROWS["exp"].rules[0]
    plant(monkeypatch, "exp", rules=(lambda xp, t, y, x: right(xp, t, y, x) * (1.0 + 1e-3j),))
    assert check_gradients(f, z).operation.name == "exp"


def test_operations_at_their_kinks_are_not_blamed(monkeypatch):
    right = ROWS["exp"].rules[0]
    plant(monkeypatch, "exp", rules=(lambda xp, t, y, x: 1.01 * right(xp, t, y, x),))
    x = np.asarray([0.0, 1.0])

    def f(x):
        xp = ag.namespace(x)
        return xp.sum(xp.exp(xp.maximum(x, 0.0) + xp.abs(x)))

    report = check_gradients(f, x)
    assert report.operation.name == "exp"


def test_a_program_that_writes_in_place_is_replayed(monkeypatch):
    right = ROWS["cos"].rules[0]
    plant(monkeypatch, "cos", rules=(lambda xp, t, y, x: 0.5 * right(xp, t, y, x),))

    def f(x):
        z = np.zeros(3)
        for i in range(3):
            z[i] = np.sin(x[i]) * (i + 1)
        z[1:] *= 2.0
        z -= np.cos(z)
        return np.sum(z**2)

    assert check_gradients(f, X).operation.name == "cos"


def test_a_gradient_by_hand_blames_no_operation():
    report = check_gradients(program, X, grad=np.zeros(3))
    assert (report.verdict, report.operation, report.about_operations) == ("wrong", None, "")


def test_a_function_that_cannot_be_replayed_says_so(monkeypatch):
    asked = []

    def f(x):
        if asked:
            raise RuntimeError("no more")
        return np.sum(x * ag.stop_gradient(x))

    def ask(subject, rtol):
        asked.append(1)
        return replay(subject, rtol)

    replay = procedure.find_wrong_operation
    monkeypatch.setattr(procedure, "find_wrong_operation", ask)
    report = check_gradients(f, X)
    assert "cannot be replayed: RuntimeError: no more" in str(report)


# Second derivatives


def test_second_derivatives_are_compared():
    report = check_gradients(program, X, order=2)
    assert report.ok, str(report)
    assert len(report.second) == 2 * 3
    assert "Second derivatives agree in 6 elements" in str(report)
    assert check_gradients(program, X).second == ()


def test_second_derivatives_of_trees_and_of_gradients_by_hand():
    tree = {"a": X, "b": np.asarray([[1.0, 2.0]])}

    def f(t):
        return np.sum(t["a"] ** 3) * np.sum(np.exp(t["b"]))

    def slope(t):
        e = np.exp(t["b"])
        return {"a": 3 * t["a"] ** 2 * np.sum(e), "b": e * np.sum(t["a"] ** 3)}

    report = check_gradients(f, tree, grad=slope, order=2, directions=3)
    assert report.ok, str(report)
    assert len(report.second) == 3 * 5


def test_a_wrong_second_derivative_names_the_element_of_the_gradient():
    @ag.custom_jvp
    def twice(x):
        return x**2

    # the slope is right, its own derivative is not
    twice.defjvp(lambda p, t: (twice(*p), (ag.stop_gradient(p[0]) + p[0]) * t[0]))

    def f(x):
        return twice(x[0]) + x[1] ** 2

    assert check_gradients(f, X).ok
    report = check_gradients(f, X, order=2)
    assert report.verdict == "wrong"
    assert (report.worst.order, report.worst.index, report.cause) == (2, (0,), "wrong rule")
    assert "the derivative of the gradient at x[0]" in str(report)
    assert "Second derivatives are wrong in 2 of 6 elements" in str(report)


def test_a_second_derivative_at_a_kink_of_the_gradient_is_unclear():
    report = check_gradients(lambda x: np.sum(np.maximum(x, 0.0) ** 2), np.zeros(1), order=2)
    assert (report.verdict, report.cause, report.wrong) == ("inconclusive", "step", 0)
    assert report.inconclusive == len(report.second) == 2
    assert "Second derivatives are unclear in 2 of 2 elements." in str(report)
    assert "larger than all of them" in report.worst.explanation


def test_the_second_derivative_of_a_noisy_gradient_is_unclear():
    def noisy(x):
        return 2.0 * x + 1e3 * np.sin(1e9 * np.sum(ag.value(x)))

    report = check_gradients(lambda x: np.sum(x**2), np.ones(3), grad=noisy, order=2)
    assert {element.cause for element in report.second} == {"noise"}


def test_second_derivatives_that_are_zero_or_not_finite():
    assert check_gradients(lambda x: 1e8 * np.sum(x), X, order=2).ok
    assert check_gradients(lambda x: x[0] ** 2 + 0.0 * x[1], X, order=2).ok

    @ag.custom_jvp
    def square(x):
        return x**2

    square.defjvp(lambda p, t: (square(*p), (2.0 * ag.value(p[0]) + wild(p[0])) * t[0]))

    @ag.custom_jvp
    def wild(x):
        return 0.0 * x

    wild.defjvp(lambda p, t: (wild(*p), np.nan * t[0]))
    report = check_gradients(lambda x: square(x[0]), X, order=2)
    assert (report.verdict, report.worst.order, report.worst.index) == ("wrong", 2, (0,))
    assert {element.cause for element in report.second if element.index != (0,)} == {"agrees"}


def test_rtol_is_allowed_for_second_derivatives_too():
    @ag.custom_jvp
    def linear(x):
        return 2.0 * x

    linear.defjvp(lambda p, t: (linear(*p), 2.01 * t[0]))  # the slope of the slope, off by 1/200

    def check(rtol):
        return check_gradients(lambda x: np.sum(x**2), X, grad=linear, order=2, rtol=rtol)

    assert check(1e-2).ok
    assert {element.cause for element in check(1e-3).second} == {"wrong rule"}


def test_a_second_derivative_outside_both_sides_of_a_kink_is_wrong():
    @ag.custom_jvp
    def slope(x):
        return 2.0 * np.maximum(x, 0.0)

    slope.defjvp(lambda p, t: (slope(*p), 99.0 * t[0]))
    report = check_gradients(
        lambda x: np.sum(np.maximum(x, 0.0) ** 2), np.zeros(1), grad=slope, order=2
    )
    assert {element.cause for element in report.second} == {"kink"}
    assert report.verdict == "wrong"


def test_of_many_second_derivatives_the_worst_are_kept():
    x = np.linspace(1.0, 2.0, curvature.KEPT + 200)

    def slope(x):
        factor = np.ones(x.shape)
        factor[1100] = 1.0 if x.__class__ is np.ndarray else 1.01  # differs when it is transformed
        return 3.0 * x**2 * factor

    report = check_gradients(lambda x: np.sum(x**3), x, grad=slope, order=2, directions=1)
    assert len(report.second) == curvature.KEPT
    assert (report.worst.order, report.worst.index, report.worst.verdict) == (2, (1100,), "wrong")
