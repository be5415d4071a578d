"""Two libraries, or two devices, in one call: refused by name, but for trees over several devices.

Which arguments a routine has is seen by calling it once; then every one but the first is put into
another place, and so is one leaf of its trees.
"""

import numpy as np
import pytest

import anygrad as ag
from anygrad.errors import MixedBackendError
from tests.parity.comparing import leaves, on_numpy, relative_difference
from tests.parity.routines import ROUTINES, loss
from tests.parity.table import Inputs, make_inputs
from tests.support import open_namespace, to_host, tolerance

# What no routine of the table shows: (inputs, the same inputs in the other place).
CALLS = {
    "grad with a constant": lambda a, b: ag.grad(lambda x: loss(x * b.v))(a.x),
    "grad of two arguments": lambda a, b: ag.grad(lambda x, y: loss(x * y), (0, 1))(a.x, b.x),
    "jvp of two": lambda a, b: ag.jvp(lambda x, y: x * y, (a.x, b.x), (a.v, b.v)),
    "vjp of two": lambda a, b: ag.vjp(lambda x, y: x * y, a.x, b.x)[1](a.v),
    "vmap of two": lambda a, b: ag.vmap(lambda x, y: x * y)(a.x, b.v),
    "vmap with a constant": lambda a, b: ag.vmap(lambda x: x * b.v)(a.x),
    "jacobian of two": lambda a, b: ag.jacobian(lambda x, y: x * y, (0, 1))(a.x, b.x),
    "hvp of a tree": lambda a, b: ag.hvp(lambda t: loss(t[0] * t[1]), [a.x, b.x], [a.v, b.v]),
    "linearize, pushed": lambda a, b: ag.linearize(lambda x: x * x, a.x)[1](b.v),
    "differences.gradient of a tree": lambda a, b: ag.differences.gradient(
        lambda t: loss(t[0]) + loss(t[1]), [a.x, b.x]
    ),
    "check_gradients": lambda a, b: ag.check_gradients(lambda x: loss(x * b.v), a.x),
    "optimizers.adam.step with another's state": lambda a, b: ag.optimizers.adam(0.1).step(
        a.tree, a.grads, ag.optimizers.adam(0.1).init(b.tree)
    ),
    "optimizers.sgd.step in place": lambda a, b: ag.optimizers.sgd(0.1).step(
        a.tree, b.grads, ag.optimizers.sgd(0.1).init(a.tree), donate=True
    ),
}


class Watched:
    """Inputs that remember which of them were asked for."""

    def __init__(self, inputs):
        self.inputs, self.asked = inputs, []

    def __getattr__(self, name):
        self.asked.append(name)
        return getattr(self.inputs, name)


def arguments_of(routine):
    watched = Watched(make_inputs(np.array, "float64"))
    routine.call(np, watched)
    return sorted(set(watched.asked), key=Inputs._fields.index)


USED = {routine: arguments_of(routine) for routine in ROUTINES}
ARGUMENTS = [(routine, name) for routine, used in USED.items() for name in used[1:]]
TREES = [routine for routine, used in USED.items() if {"tree", "grads"} & set(used)]
NAMES = {"ids": lambda part: str(part).replace(" ", "_").replace("/", "-")}


def spread(here, there):
    """Inputs whose trees have one leaf in each place."""
    return Inputs(
        here.x,
        here.v,
        {"w": here.tree["w"], "b": there.tree["b"]},
        {"w": here.grads["w"], "b": there.grads["b"]},
    )


@pytest.fixture
def in_two_libraries(xp):
    other = open_namespace("strict" if xp.backend == "numpy" else "numpy")
    inputs = [make_inputs(n.asarray, "float64") for n in (xp, other)]
    return inputs, (xp.backend, other.backend)


@pytest.fixture
def on_two_devices(xp):
    second = second_device(xp)
    inputs = [
        make_inputs(xp.asarray, "float64"),
        make_inputs(lambda a: xp.asarray(a, device=second), "float64"),
    ]
    return inputs, tuple(str(a.x.device) for a in inputs)


def second_device(xp):
    """Another device of the library than that of the fixture."""
    if xp.name == "strict":
        return xp.module.Device("device2")
    if xp.name == "jax":
        import jax

        return jax.devices()[0]
    if xp.name == "torch":
        import torch

        # tensors without values: what is refused is refused before any value is asked for
        return torch.device("cuda", 1) if torch.cuda.device_count() > 1 else torch.device("meta")
    if xp.backend == "numpy":
        pytest.skip("NumPy has one device")
    import cupy

    if cupy.cuda.runtime.getDeviceCount() < 2:
        pytest.skip("this machine has one GPU")
    return cupy.cuda.Device(1)


def skip_without_values(names):
    if "meta" in names:
        pytest.skip("PyTorch has one device with values here")


def expect_refusal(call, names):
    with pytest.raises(MixedBackendError) as raised:
        call()
    for name in names:
        assert name in str(raised.value)


@pytest.mark.parametrize(("routine", "name"), ARGUMENTS, **NAMES)
def test_arguments_of_two_libraries_are_refused(routine, name, xp, in_two_libraries):
    (ours, theirs), names = in_two_libraries
    mixed = ours._replace(**{name: getattr(theirs, name)})
    if routine.libraries:
        routine.call(xp.module, mixed)
    else:
        expect_refusal(lambda: routine.call(xp.module, mixed), names)


@pytest.mark.parametrize("routine", TREES, **NAMES)
def test_trees_of_two_libraries_are_refused(routine, xp, in_two_libraries):
    (ours, theirs), names = in_two_libraries
    mixed = spread(ours, theirs)
    if routine.libraries:
        routine.call(xp.module, mixed)
    else:
        expect_refusal(lambda: routine.call(xp.module, mixed), names)


@pytest.mark.parametrize(("routine", "name"), ARGUMENTS, **NAMES)
def test_arguments_on_two_devices_are_refused(routine, name, xp, on_two_devices):
    (here, there), names = on_two_devices
    mixed = here._replace(**{name: getattr(there, name)})
    if routine.devices or routine.reads:
        skip_without_values(names)
    if routine.devices:
        routine.call(xp.module, mixed)
    else:
        expect_refusal(lambda: routine.call(xp.module, mixed), names)


@pytest.mark.parametrize("routine", TREES, **NAMES)
def test_trees_may_span_devices(routine, xp, on_two_devices):
    (here, there), names = on_two_devices
    skip_without_values(names)
    if routine.crosses:
        # the library itself refuses the operation that the user's function asks for
        with pytest.raises((MixedBackendError, ValueError)):
            routine.call(xp.module, spread(here, there))
        return
    result = routine.call(xp.module, spread(here, there))
    paths = [path.split("/") for path in ag.trees.paths(result)]
    for path, leaf, want in zip(paths, leaves(result), on_numpy(routine, "float64"), strict=True):
        difference = relative_difference(to_host(leaf), want)
        assert difference <= tolerance(want.dtype, want.size, routine.condition)
        if routine.device_kept and want.size:
            # joint values, such as a norm, lie where the first leaf of the tree does: "b"; flags
            # lie with the norm they were taken with
            lies = here if path[-1] == "w" else there
            if "finite" in path and leaf.device == there.x.device:
                continue
            assert leaf.device == lies.x.device, path


@pytest.mark.parametrize("name", CALLS)
def test_what_one_operation_joins_is_of_one_library(name, in_two_libraries):
    (ours, theirs), names = in_two_libraries
    expect_refusal(lambda: CALLS[name](ours, theirs), names)


@pytest.mark.parametrize("name", CALLS)
def test_what_one_operation_joins_lies_on_one_device(name, on_two_devices):
    (here, there), names = on_two_devices
    expect_refusal(lambda: CALLS[name](here, there), names)
