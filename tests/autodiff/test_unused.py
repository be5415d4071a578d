"""An input without influence: zeros, and one warning at the user's line."""

import warnings

import numpy as np
import pytest

import anygrad as ag
from anygrad.errors import UnusedInputWarning

X = np.array([1.0, 2.0])


def pairs():
    """Functions made anew for each case, as each is warned of once."""
    return {
        "grad": lambda: ag.grad(lambda x, y: np.sum(x), argnums=(0, 1)),
        "value_and_grad": lambda: ag.value_and_grad(lambda x, y: np.sum(x), argnums=1),
        "constant": lambda: ag.grad(lambda x, y: 3.0, argnums=1),
        "jacobian": lambda: ag.jacobian(lambda x, y: x * 2.0, argnums=(0, 1), mode="reverse"),
        "wide": lambda: ag.jacobian(lambda x, y: np.sum(x), argnums=(0, 1)),
        "forward": lambda: ag.jacobian(lambda x, y: x * 2.0, argnums=1, mode="forward"),
        "tall": lambda: ag.jacobian(lambda x, y: np.concat([x, x]), argnums=1),
        "hessian": lambda: ag.hessian(lambda x, y: np.sum(x**2), argnums=(0, 1)),
        "hvp": lambda: lambda x, y: ag.hvp(lambda p: np.sum(p[0] ** 2), (x, y), (x, y)),
        "vmap": lambda: ag.vmap(ag.grad(lambda x, y: x, argnums=1)),
    }


@pytest.mark.parametrize("make", pairs().values(), ids=pairs())
def test_it_warns_once_at_the_users_line(make):
    f = make()
    with pytest.warns(UnusedInputWarning, match="does not depend on .*1.*warn_unused") as found:
        f(X, X)
    assert [w.filename for w in found] == [__file__]
    f(X, X)  # warnings are errors: no second one


@pytest.mark.parametrize("make", pairs().values(), ids=pairs())
def test_the_switch_silences_it(make):
    with ag.use_settings(warn_unused=False):
        make()(X, X)


def test_no_warning_where_everything_matters():
    a = np.array([2.0, 3.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ag.grad(lambda x: np.sum(0.0 * x))(X)
        for mode in ("forward", "reverse", "auto"):
            ag.jacobian(lambda x: x * a, mode=mode)(X)
        ag.hessian(lambda x: np.sum(x * a))(X)  # a constant gradient is no mistake
        ag.vjp(lambda x, y: x, X, X)[1](X)
        ag.jvp(lambda x, y: x, (X, X), (X, X))


def test_zeros_come_back_all_the_same():
    with ag.use_settings(warn_unused=False):
        assert not ag.jacobian(lambda x, y: x, argnums=1)(X, X).any()
        assert not ag.grad(lambda x: 1.0)(X).any()
