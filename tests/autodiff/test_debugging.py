"""debug_nans: the first value that is not finite raises, with the operation and the user's line."""

import asyncio
import re
import threading
import warnings

import numpy as np
import pytest

import anygrad as ag
from anygrad.errors import ArgumentError, MissingRuleError, NonFiniteError
from anygrad.tracing import Recorded, Tape
from tests.support import assert_close

pytestmark = pytest.mark.filterwarnings("ignore:.*encountered in:RuntimeWarning")
X = np.array([1.0, 0.0, 4.0])


def roots(x):
    xp = ag.namespace(x)
    y = xp.sqrt(x)  # the line
    return xp.sum(y * 2.0)


def logarithms(x):
    xp = ag.namespace(x)
    return xp.sum(xp.log(x) * 2.0)  # the line


def caught(call, *args, **kw):
    with pytest.raises(NonFiniteError) as info, ag.debug_nans(**kw):
        call(*args)
    return info.value


def pulled(f, x):
    value, pullback = ag.vjp(f, x)
    return pullback(np.ones_like(value))


FORWARD = {
    "grad": lambda x: ag.grad(logarithms)(x),
    "value_and_grad": lambda x: ag.value_and_grad(logarithms)(x),
    "vjp": lambda x: ag.vjp(logarithms, x),
    "jvp": lambda x: ag.jvp(logarithms, (x,), (x,)),
    "vmap": lambda x: ag.vmap(logarithms)(x[None]),
    "jacobian": lambda x: ag.jacobian(logarithms)(x),
    "hessian": lambda x: ag.hessian(logarithms)(x),
    "hvp": lambda x: ag.hvp(logarithms, x, x),
    "linearize": lambda x: ag.linearize(logarithms, x),
    "grad of grad": lambda x: ag.grad(lambda x: np.sum(ag.grad(logarithms)(x)))(x),
    "vmap of grad": lambda x: ag.vmap(ag.grad(logarithms))(x[None]),
    "grad of vmap": lambda x: ag.grad(lambda x: np.sum(ag.vmap(logarithms)(x)))(x[None]),
}
BACKWARD = {
    "grad": lambda x: ag.grad(roots)(x),
    "pullback": lambda x: pulled(roots, x),
    "vmap of grad": lambda x: ag.vmap(ag.grad(roots))(x[None]),
    "grad of vmap": lambda x: ag.grad(lambda x: np.sum(ag.vmap(roots)(x)))(x[None]),
    "jacobian": lambda x: ag.jacobian(roots, mode="reverse")(x),
    "checkpoint": lambda x: ag.grad(ag.checkpoint(roots))(x),
    "grad of grad": lambda x: ag.grad(lambda x: np.sum(ag.grad(roots)(x)))(x),
}
TANGENT = {
    "jvp": lambda x: ag.jvp(roots, (x,), (np.ones(3),)),
    "jacobian": lambda x: ag.jacobian(roots, mode="forward")(x),
    "jvp of vmap": lambda x: ag.jvp(ag.vmap(roots), (x[None],), (np.ones((1, 3)),)),
    "vmap of jvp": lambda x: ag.vmap(lambda x: ag.jvp(roots, (x,), (np.ones(3),)))(x[None]),
}


@pytest.mark.parametrize("call", FORWARD.values(), ids=FORWARD)
def test_a_forward_value_is_caught_at_its_line(call):
    error = caught(call, X)
    assert error.line.source == "return xp.sum(xp.log(x) * 2.0)  # the line"
    assert error.line.file == __file__
    assert error.line.function == "logarithms"
    text = str(error)
    assert re.match(r"log \(forward\): got -inf at index \((0, )?1,?\)", text)
    assert "where operand 0 is 0.0" in text
    assert f'File "{__file__}", line {error.line.number}, in logarithms' in text


@pytest.mark.parametrize("call", BACKWARD.values(), ids=BACKWARD)
def test_a_cotangent_is_caught_at_the_line_of_its_operation(call):
    error = caught(call, X)
    assert error.line.source == "y = xp.sqrt(x)  # the line"
    text = str(error)
    assert re.match(r"sqrt \(backward\): got inf at index \((0, )?1,?\)", text)
    assert "of the cotangent of operand 0" in text
    assert "operand 0 is 0.0 and the cotangent of the result is 2.0" in text


@pytest.mark.parametrize("call", TANGENT.values(), ids=TANGENT)
def test_a_tangent_is_caught_at_its_line(call):
    error = caught(call, X)
    assert error.line.source == "y = xp.sqrt(x)  # the line"
    assert re.match(r"sqrt \(forward, tangent\): got (inf|nan) at index \((0, )?1,?\)", str(error))
    assert re.search(r"where operand 0 is 0.0 and the tangent of operand 0 is [01].0", str(error))


def test_every_library_is_checked(xp):
    for f, where in ((logarithms, "log (forward): got -inf"), (roots, "sqrt (backward): got inf")):
        error = caught(ag.grad(f), xp.asarray(X.tolist(), dtype=xp.float64))
        assert str(error).startswith(f"{where} at index (1,)")
        assert error.line.source.endswith("# the line")


def test_second_derivatives_are_caught_where_the_first_are_finite():
    def f(x):
        return np.sum(x**1.5)  # the line

    for call in (ag.hessian(f), lambda x: ag.hvp(f, x, x + 1.0)):
        error = caught(call, X)
        assert re.match(r"pow \(backward, tangent\): got (inf|nan) at index \(1,\)", str(error))
        assert error.line.source == "return np.sum(x**1.5)  # the line"
    error = caught(ag.grad(lambda x: ag.grad(f)(x)), 0.0)
    assert "in the backward pass of pow" in str(error)
    assert error.line.source == "return np.sum(x**1.5)  # the line"


def test_examples_of_a_batch_are_told():
    error = caught(ag.vmap(logarithms), np.array([[1.0, 2.0], [3.0, 0.0]]))
    assert "at index (1,) of example 1 of the result" in str(error)
    inner = caught(ag.vmap(ag.vmap(np.log)), np.array([[[1.0], [2.0]], [[0.0], [1.0]]]))
    assert "at index (0,) of example 1, 0 of the result" in str(inner)


def test_rules_of_ones_own_are_checked():
    @ag.custom_vjp
    def halved(x):
        return x * 0.5

    halved.defvjp(lambda x: (x * 0.5, x), lambda kept, g: (g / kept,))

    def f(x):
        return np.sum(halved(x))  # the line

    error = caught(ag.grad(f), X)
    assert str(error).startswith("custom_vjp(test_rules_of_ones_own_are_checked.<locals>.halved)")
    assert "(backward): got inf at index (1,)" in str(error)
    assert error.line.source == "return np.sum(halved(x))  # the line"

    @ag.custom_jvp
    def whole(x):
        return np.log(x)

    whole.defjvp(lambda primals, tangents: (whole(*primals), tangents[0] / primals[0]))  # the rule
    error = caught(lambda x: ag.jvp(whole, (x,), (x,)), X)
    assert ".whole) (forward): got -inf at index (1,)" in str(error)
    error = caught(ag.grad(lambda x: np.sum(whole(x))), X)
    assert "divide (forward): got nan at index (1,)" in str(error)
    assert error.line.source.endswith("# the rule")


def test_a_checkpoint_is_checked_as_a_whole_on_the_way_forward():
    error = caught(ag.grad(ag.checkpoint(logarithms)), X)
    assert str(error).startswith("checkpoint(logarithms) (forward): got -inf at index ()")


def test_compositions_are_named_with_the_part_that_failed():
    error = caught(ag.grad(lambda x: np.var(x)), np.array([1e200, -1e200]))
    assert str(error).startswith("multiply in var (forward): got inf")
    assert error.line.inside == "var"


def test_products_tell_how_large_their_operands_are():
    error = caught(ag.grad(lambda x: x @ x), np.array([1e200, -3e200]))
    assert "operand 0 of shape (2,), up to 3e+200 in magnitude" in str(error)


def test_an_overflow_where_cotangents_meet_is_caught():
    def f(x):
        return x * 1e308 + x * 1.5e308

    error = caught(ag.grad(f), 1e-3)
    assert "a sum of two cotangents" in str(error)


def test_broadcast_operands_are_shown_at_their_own_index():
    def f(x, y):
        return np.sum(x / y)

    error = caught(ag.grad(f, argnums=(0, 1)), np.ones((2, 3)), np.array([1.0, 0.0, 2.0]))
    assert "at index (0, 1) of the result, of shape (2, 3)" in str(error)
    assert "where operand 0 is 1.0 and operand 1 is 0.0" in str(error)


# What was passed in -------------------------------------------------------------------------------


def test_an_input_that_is_nan_is_named_as_such():
    error = caught(ag.grad(lambda x: np.sum(x * 2.0)), np.array([1.0, np.nan]))
    assert "It was nan before: operand 0 (an input of grad(" in str(error)
    error = caught(ag.grad(lambda x: np.sum(x * np.array([1.0, np.nan, 1.0]))), X)
    assert "It was nan before: operand 1 (a constant)" in str(error)


def test_a_nan_that_is_masked_out_passes():
    def f(x):
        return np.sum(np.where(np.isnan(x), 0.0, 1.0) * X)

    with ag.debug_nans(), ag.use_settings(warn_unused=False):
        ag.grad(f)(np.array([1.0, np.nan, 2.0]))


def test_infinities_that_were_passed_in_may_go_through():
    def attention(x):
        masked = np.where(np.array([True, False, True]), x, -np.inf)
        return np.sum(np.exp(masked + np.array([0.0, 1.0, -np.inf])))

    with ag.debug_nans():
        assert_close(ag.grad(attention)(X), np.array([np.e, 0.0, 0.0]))
    error = caught(ag.grad(lambda x: np.sum(x * np.inf)), X)  # 0 inf is nan
    assert "got nan at index (1,)" in str(error)
    assert "operand 0 is 0.0 and operand 1 is inf" in str(error)


def test_a_cotangent_that_is_nan_is_refused():
    with ag.debug_nans():
        _, pullback = ag.vjp(np.sin, X)
        with pytest.raises(NonFiniteError, match=r"pullback\(cotangent\): got nan at index \(0,\)"):
            pullback(np.array([np.nan, 1.0, 1.0]))


def test_infinities_can_be_let_through():
    with ag.debug_nans(infinities=False):
        assert ag.grad(roots)(X)[1] == np.inf
    assert "got nan" in str(caught(ag.grad(lambda x: np.sum(0.0 * np.log(x))), X, infinities=False))
    with pytest.raises(ArgumentError, match=r"debug_nans\(infinities\): got 'no'"):
        ag.debug_nans(infinities="no")


# No alarm where nothing is wrong ------------------------------------------------------------------


CALM = {
    "norm at 0": np.linalg.norm,
    "std of equal values": np.std,
    "sinc at 0": lambda x: np.sum(np.sinc(x)),
    "abs at 0": lambda x: np.sum(np.abs(x)),
    "prod of zeros": np.prod,
    "power 2 at 0": lambda x: np.sum(x**2),
    "logaddexp": lambda x: np.sum(np.logaddexp(x, -np.inf)),
    "writing": lambda x: np.sum(np.stack([x[0], x[1] * 2.0]) ** 2),
    "max": np.max,
    "sort": lambda x: np.sum(np.sort(x) * X),
}


@pytest.mark.parametrize("f", CALM.values(), ids=CALM)
def test_rules_that_avoid_a_nan_raise_no_alarm(f):
    x = np.zeros(3)
    expected, curvature = ag.grad(f)(x), ag.vmap(lambda v: ag.hvp(f, x, v))(np.eye(3))
    with ag.debug_nans():
        assert_close(ag.grad(f)(x), expected)
        assert_close(ag.vmap(lambda v: ag.hvp(f, x, v))(np.eye(3)), curvature)


def test_results_are_the_same_with_and_without():
    def f(x, w):
        z = np.tanh(w @ x) * x[0]
        z[1] = x[2]
        return np.sum(z**2) + np.mean(np.abs(np.fft.fft(x)) ** 2)

    x, w = np.array([0.5, -1.0, 2.0]), np.linspace(-1.0, 1.0, 9).reshape(3, 3)
    plain = ag.value_and_grad(f, argnums=(0, 1))(x, w)
    hessian = ag.hessian(f)(x, w)
    with ag.debug_nans():
        (value, grads), second = ag.value_and_grad(f, argnums=(0, 1))(x, w), ag.hessian(f)(x, w)
    assert_close(value, plain[0])
    for found, expected in zip((*grads, second), (*plain[1], hessian), strict=True):
        assert_close(found, expected)


# The block ----------------------------------------------------------------------------------------


def test_it_decorates_functions_and_coroutines():
    @ag.debug_nans()
    def run():
        return ag.grad(roots)(X)

    @ag.debug_nans()
    async def later():
        await asyncio.sleep(0)
        return ag.grad(roots)(X)

    with pytest.raises(NonFiniteError):
        run()
    with pytest.raises(NonFiniteError):
        asyncio.run(later())
    assert ag.grad(roots)(X)[1] == np.inf


def test_a_block_holds_in_its_own_thread():
    found = []
    with ag.debug_nans():
        thread = threading.Thread(target=lambda: found.append(ag.grad(roots)(X)))
        thread.start()
        thread.join()
    assert found[0][1] == np.inf


def test_a_pullback_is_checked_if_made_or_called_in_a_block():
    with ag.debug_nans():
        _, made_inside = ag.vjp(roots, X)
    with pytest.raises(NonFiniteError, match="# the line"):
        made_inside(1.0)
    _, made_outside = ag.vjp(roots, X)
    with ag.debug_nans(), pytest.raises(NonFiniteError, match=r"sqrt \(backward\): got inf"):
        made_outside(1.0)
    assert made_outside(1.0)[0][1] == np.inf


def test_quick_entries_are_walked_alike():
    def f(x, y):
        z = x[1:] * y[:-1] - x[0]
        return np.sum(z[0] ** 2 + 3.0 / y[1]) + x @ y

    x, y = np.array([1.0, 2.0, 3.0]), np.array([0.5, 1.5, -1.0])
    _, pullback = ag.vjp(f, x, y)
    plain = pullback(1.0)
    with ag.debug_nans():
        for found, expected in zip(pullback(1.0), plain, strict=True):
            assert_close(found, expected)


def test_the_environment_turns_it_on(monkeypatch):
    monkeypatch.setenv("ANYGRAD_DEBUG_NANS", "all")
    ag.config.reload_settings()
    try:
        with pytest.raises(NonFiniteError):
            ag.grad(roots)(X)
    finally:
        monkeypatch.delenv("ANYGRAD_DEBUG_NANS")
        ag.config.reload_settings()


def test_numpys_warnings_are_silent_where_the_error_says_more():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "log (forward)" in str(caught(ag.grad(logarithms), X))
        assert "sqrt (backward)" in str(caught(ag.grad(roots), X))


def test_outside_the_block_the_quick_ways_are_taken():
    assert type(Tape().variable(X)) is Recorded
    with ag.debug_nans():
        assert type(Tape().variable(X)) is not Recorded


# Missing rules ------------------------------------------------------------------------------------


def test_a_missing_rule_tells_the_users_line():
    def f(x):
        return np.sum(np.packbits(x))  # the line

    with pytest.raises(MissingRuleError) as info:
        ag.grad(f)(X)
    assert str(info.value).endswith("return np.sum(np.packbits(x))  # the line")
    assert f'File "{__file__}", line' in str(info.value)
    assert "register_elementwise" in str(info.value)
