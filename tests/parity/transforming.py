"""The calls of batches, matrices and rules of one's own."""

from __future__ import annotations

from typing import Any

import anygrad as ag
from tests.parity.table import REAL, Inputs, Routine


def energy(x: Any) -> Any:
    """A real function of a row, with a product of neighbours."""
    xp = ag.namespace(x)
    return xp.sum(x[1:] * x[:-1]) + xp.sum(x * x * x)


def field(x: Any) -> Any:
    """An array of the shape of a row."""
    xp = ag.namespace(x)
    return x * x + xp.sum(x)


def _linearize(xp: Any, a: Inputs) -> Any:
    value, push = ag.linearize(field, a.x)
    return {"value": value, "tangent": push(a.v)}


def _custom_vjp(xp: Any, a: Inputs) -> Any:
    square = ag.custom_vjp(lambda x: x * x)
    square.defvjp(lambda x: (x * x, x), lambda x, g: (g * (x + x),))
    return ag.grad(lambda x: ag.namespace(x).sum(square(x) * x))(a.x)


def _custom_jvp(xp: Any, a: Inputs) -> Any:
    square = ag.custom_jvp(lambda x: x * x)
    square.defjvp(lambda p, t: (p[0] * p[0], t[0] * (p[0] + p[0])))
    return ag.grad(lambda x: ag.namespace(x).sum(square(x) * x))(a.x)


def _implicit_root(xp: Any, a: Inputs) -> Any:
    # x * x = p, solved by Newton's iteration
    def newton(p: Any) -> Any:
        x = p * 0.0 + 1.0
        for _ in range(40):
            x = (x + p / x) / 2.0
        return x

    def residual(x: Any, p: Any) -> Any:
        return ag.namespace(x, p).subtract(x * x, p)

    root = ag.implicit_root(residual, newton)
    return ag.grad(lambda p: ag.namespace(p).sum(root(p) * 3.0))(a.x[0, ...] ** 2 + 1.0)


def _checkpoint(xp: Any, a: Inputs) -> Any:
    step = ag.checkpoint(lambda x: x * x + x)
    return ag.grad(lambda x: ag.namespace(x).sum(step(step(x))))(a.x)


def _compiled(xp: Any, a: Inputs) -> Any:
    slope = ag.compile(ag.grad(lambda x, v, rate: energy(x[0, ...] * x[1, ...] + v[0, ...]) * rate))
    recorded = slope(a.x, a.v, 0.5)
    replayed = slope(a.v, a.x, 2.0)
    return {"recorded": recorded, "replayed": replayed}


def _scan(xp: Any, a: Inputs) -> Any:
    def step(carry: Any, x: Any) -> Any:
        carry = carry * x + x
        return carry, carry * 2.0

    def last(x: Any) -> Any:
        carry, ys = ag.scan(step, x[0, ...] * 0.0 + 1.0, x)
        return ag.namespace(x).sum(carry) + ag.namespace(x).sum(ys)

    return {"value": last(a.x), "gradient": ag.grad(last)(a.x)}


TRANSFORMED = [
    Routine("compile", _compiled, dtypes=REAL),
    Routine("scan", _scan, dtypes=REAL),
    Routine("vmap", lambda xp, a: ag.vmap(energy)(a.x), dtypes=REAL),
    Routine(
        "vmap of grad", lambda xp, a: ag.vmap(ag.grad(energy))(a.x), dtypes=REAL, covers=("vmap",)
    ),
    Routine("jacobian", lambda xp, a: ag.jacobian(field)(a.x[0, ...]), dtypes=REAL),
    Routine(
        "jacobian, forward",
        lambda xp, a: ag.jacobian(field, mode="forward")(a.x[0, ...]),
        dtypes=REAL,
        covers=("jacobian",),
    ),
    Routine("hessian", lambda xp, a: ag.hessian(energy)(a.x[0, ...]), dtypes=REAL),
    Routine("hvp", lambda xp, a: ag.hvp(energy, a.x[0, ...], a.v[0, ...]), dtypes=REAL),
    Routine("linearize", _linearize, dtypes=REAL),
    Routine("checkpoint", _checkpoint, dtypes=REAL),
    Routine("custom_vjp", _custom_vjp, dtypes=REAL),
    Routine("custom_jvp", _custom_jvp, dtypes=REAL),
    Routine("implicit_root", _implicit_root, dtypes=REAL),
]
