"""Every public routine gives the same on every library, stays there, and reads nothing unsaid."""

import importlib

import numpy as np
import pytest

import anygrad as ag
from anygrad.errors import MixedBackendError
from anygrad.optimizers import OPTIMIZERS
from tests.parity.comparing import compare
from tests.parity.routines import EXEMPT, ROUTINES, loss, make_inputs
from tests.support import assert_close, forbid_host_copies, open_namespace

CASES = [(routine, dtype) for routine in ROUTINES for dtype in routine.dtypes]
MODULES = ("differences", "clipping", "schedules", "optimizers", "trees", "training")


@pytest.mark.parametrize(
    ("routine", "dtype"), CASES, ids=lambda part: str(part).replace(" ", "_").replace("/", "-")
)
def test_routine_gives_what_numpy_gives(routine, dtype, xp):
    compare(routine, xp, dtype)


def test_every_public_routine_is_in_the_table():
    public = set(ag.__all__)
    for module in MODULES:
        names = importlib.import_module(f"anygrad.{module}").__all__
        public |= {f"{module}.{name}" for name in names}
    called = {name for routine in ROUTINES for name in routine.public}
    assert called - public == set()
    assert public - called == set(EXEMPT)


# Two places in one call: (xp, inputs, the same inputs in the other place).
MIXTURES = {
    "grad with a constant": lambda xp, a, b: ag.grad(lambda x: loss(x * b.v))(a.x),
    "vjp with a cotangent": lambda xp, a, b: ag.vjp(lambda x: x * x, a.x)[1](b.v),
    "jvp with a tangent": lambda xp, a, b: ag.jvp(lambda x: x * x, (a.x,), (b.v,)),
    "jvp of two": lambda xp, a, b: ag.jvp(lambda x, y: x * y, (a.x, b.x), (a.v, b.v)),
    "differences.gradient of a tree": lambda xp, a, b: ag.differences.gradient(
        lambda t: loss(t[0]) + loss(t[1]), [a.x, b.x]
    ),
    "check_gradients": lambda xp, a, b: ag.check_gradients(lambda x: loss(x * b.v), a.x),
    "trees.dot": lambda xp, a, b: ag.trees.dot(a.tree, b.grads),
    "optimizers.apply_updates": lambda xp, a, b: ag.optimizers.apply_updates(a.tree, b.grads),
    **{
        f"optimizers.{name}.step": lambda xp, a, b, name=name: step(name, a.tree, b.grads, a.tree)
        for name in OPTIMIZERS
    },
    "optimizers.adam.step with another's state": lambda xp, a, b: step(
        "adam", a.tree, a.grads, b.tree
    ),
}
# What may span devices, but not libraries.
TREES = {
    "trees.norm": lambda xp, a, b: ag.trees.norm([a.x, b.x]),
    "clipping.global_norm": lambda xp, a, b: ag.clipping.global_norm([a.x, b.x]),
    "clipping.clip_by_global_norm": lambda xp, a, b: ag.clipping.clip_by_global_norm(
        [a.x, b.x], 0.5
    ),
}


def step(name, params, grads, like):
    optimizer = OPTIMIZERS[name](learning_rate=0.1)
    return optimizer.step(params, grads, optimizer.init(like))


@pytest.mark.parametrize("name", {**MIXTURES, **TREES})
def test_two_libraries_in_one_call_are_refused_by_name(name, xp):
    other = open_namespace("strict" if xp.backend == "numpy" else "numpy")
    ours, theirs = (make_inputs(n.asarray, "float64") for n in (xp, other))
    with pytest.raises(MixedBackendError) as raised:
        {**MIXTURES, **TREES}[name](xp, ours, theirs)
    assert xp.backend in str(raised.value)
    assert other.backend in str(raised.value)


@pytest.mark.parametrize("name", MIXTURES)
def test_two_devices_in_one_call_are_refused_by_name(name, xp):
    second = second_device(xp)
    ours = make_inputs(xp.asarray, "float64")
    theirs = make_inputs(lambda a: xp.asarray(a, device=second), "float64")
    with pytest.raises(MixedBackendError) as raised:
        MIXTURES[name](xp, ours, theirs)
    assert str(ours.x.device) in str(raised.value)
    assert str(theirs.x.device) in str(raised.value)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_tree_may_span_the_devices_of_one_library(name, xp):
    second = second_device(xp)
    here = make_inputs(xp.asarray, "float64")
    there = make_inputs(lambda a: xp.asarray(a, device=second), "float64")
    clipped = ag.optimizers.chain(
        ag.optimizers.clip_by_global_norm(0.5), OPTIMIZERS[name](learning_rate=0.1)
    )
    params, grads = {"a": here.x, "b": there.x}, {"a": here.v, "b": there.v}
    with forbid_host_copies():
        state = clipped.init(params)
        new, state = clipped.step(params, grads, state)
        new, state = clipped.step(new, grads, state)
        norm = ag.clipping.global_norm(grads)
        owned = {key: xp.asarray(p, device=p.device, copy=True) for key, p in params.items()}
        clipped.step(owned, grads, clipped.init(owned), donate=True)
    assert new["a"].device == here.x.device
    assert new["b"].device == there.x.device
    assert norm.device == here.x.device

    host = make_inputs(np.array, "float64")
    p, g = {"a": host.x, "b": host.x}, {"a": host.v, "b": host.v}
    expected_state = clipped.init(p)
    expected, expected_state = clipped.step(p, g, expected_state)
    expected, expected_state = clipped.step(expected, g, expected_state)
    assert_close(new["a"], expected["a"])
    assert_close(new["b"], expected["b"])


def second_device(xp):
    """Another device of the library than that of the fixture."""
    if xp.name in ("numpy", "numpy-readonly", "torch"):
        pytest.skip(f"{xp.name} has one device here")
    if xp.name == "strict":
        return xp.module.Device("device2")
    if xp.name == "jax":
        import jax

        return jax.devices()[0]
    import cupy

    if cupy.cuda.runtime.getDeviceCount() < 2:
        pytest.skip("this machine has one GPU")
    return cupy.cuda.Device(1)
