"""Kernels for CuPy arrays, launched on NumPy arrays: their text runs on the CPU, without CuPy."""

import contextlib
import dataclasses
import types
from unittest import mock

import numpy as np

import anygrad as ag
from anygrad.backends import BACKENDS
from anygrad.backends.cupy import CUPY
from anygrad.compiler.program import Node, Program, Ref, Spec
from anygrad.compiler.targets import cupy
from anygrad.compiler.targets.cuda.choosing import kernels_of
from anygrad.compiler.targets.cuda.launching import launch_of
from anygrad.compiler.targets.cuda.many import Many
from anygrad.compiler.targets.spaces import fresh
from anygrad.compiler.targets.steps import Step, in_order
from anygrad.tracing import TRACED
from tests.support import cuda

OPTIONS = ("--std=c++17", "--fmad=false")


class OnDevice(np.ndarray):
    """An array that tells its address as CuPy's arrays do."""

    @property
    def data(self):
        """Memory as CuPy describes it."""
        return types.SimpleNamespace(ptr=self.ctypes.data)


def on_device(x):
    """An array as a launch takes it; anything else as it is."""
    return x.view(OnDevice) if isinstance(x, np.ndarray) else x


@contextlib.contextmanager
def emulated(**how):
    """Compile kernels for the CPU; ``how`` they run as in `cuda.emulate`."""

    def kernel_of(text, options):
        return lambda grid, block, args: cuda.emulate(text, "kernel", grid, block, args, **how)

    with mock.patch.multiple(
        cupy,
        kernel_of=kernel_of,
        make=lambda layout: on_device(fresh(layout)),
        upload=lambda table: on_device(table.copy()),
        place=lambda: (0, 0),
    ):
        yield


def as_cupy(program):
    """The program as it were of CuPy's arrays: results of shape () are arrays there, too."""
    specs = dict(program.specs)
    made = {int(node.number) for node in program.nodes}
    for number, spec in specs.items():
        if spec.kind == "array" or (spec.kind == "scalar" and number in made):
            strides = () if spec.shape == () else spec.strides
            specs[number] = spec._replace(kind="array", strides=strides, library=CUPY)
    return dataclasses.replace(program, specs=specs)


def recorded(f, *args):
    """What a function does with NumPy arrays, as a program of CuPy's."""
    with np.errstate(all="ignore"), ag.use_settings(kernels="off"):
        return as_cupy(ag.compile(f).ir(*args))


def applied(calls, args):
    """A program of one node for each (name, operands, keywords); operands that are arguments are
    given as such, everything else is a constant. Gives also what the rows give by themselves.
    """
    places = {id(x): Ref(k) for k, x in enumerate(args)}
    specs = {k: _spec(x) for k, x in enumerate(args)}
    nodes, results = [], []
    for name, operands, keywords in calls:
        number = Ref(len(specs))
        result = np.asarray(getattr(TRACED, name)(*operands, **keywords))
        specs[int(number)] = _spec(result)
        taken = tuple([places.get(id(x), x) for x in operands])
        nodes.append(Node(number, name, taken, keywords))
        results.append(result)
    inputs = tuple(places.values())
    numbers = tuple([node.number for node in nodes])
    return Program(inputs, tuple(nodes), numbers, specs), results


def _spec(x):
    if isinstance(x, np.ndarray):
        return Spec("array", x.shape, x.dtype, x.strides, CUPY)
    if isinstance(x, np.generic):
        return Spec("scalar", (), x.dtype, None, BACKENDS["numpy"])
    return Spec("number", (), type(x))


def run(program, args, kernels=None, options=OPTIONS, **how):
    """The outputs of a program: kernels run on the CPU, all other nodes as NumPy runs them."""
    kernels = kernels_of(program) if kernels is None else kernels
    values = {int(ref): x for ref, x in zip(program.inputs, args, strict=True)}
    at_once = [Step(one.nodes, None, None, one) for one in kernels]
    value = lambda x: values[int(x)] if type(x) is Ref else x
    with emulated(**how), np.errstate(all="ignore"):
        for step in in_order(program, at_once):
            if step.kernel is not None:
                launched(step.kernel, program, values, options)
                continue
            (node,) = step.nodes
            if node.name != "guard":
                found = getattr(TRACED, node.name)(*map(value, node.operands), **node.keywords)
                values[int(node.number)] = np.asarray(found)
    return [np.asarray(value(x)) for x in program.outputs]


def launched(kernel, program, values, options=OPTIONS):
    """Launch a kernel on the values of a program, and put what it gives among them."""
    launch = launch_of(kernel, (), options)
    plans = kernel.plans if isinstance(kernel, Many) else (kernel,)
    mine = kernel.own if isinstance(kernel, Many) else [True] * len(kernel.reads)
    given = [_handed(x, values) for x, own in zip(plans[0].reads, mine, strict=True) if not own]
    for one in plans:
        given += [_handed(x, values) for x, own in zip(one.reads, mine, strict=True) if own]
        wanted = one.group.results if len(plans) > 1 else one.results
        for ref in wanted:
            given.append(values.setdefault(int(ref), _empty(program.specs[ref])))
    found = launch.call(*map(on_device, given))
    for column, array in enumerate(found or ()):
        for leaf, one in enumerate(plans):
            values[int(one.reductions[column].node.number)] = array[leaf]
    return launch


def _handed(x, values):
    """What a kernel is given for what it reads; numbers in the type of its parameter."""
    found = values[int(x.what)] if type(x.what) is Ref else x.what
    return np.dtype(x.dtype).type(found) if x.is_number else found


def _empty(spec):
    """An array for a result, in the order of its strides, full of what is no result."""
    order = sorted(range(len(spec.shape)), key=lambda k: (-spec.strides[k], k))
    made = np.empty([spec.shape[k] for k in order], spec.dtype)
    made.view(np.uint8 if made.dtype.itemsize and made.ndim else made.dtype)[...] = 0x5A
    return made.transpose(np.argsort(order))
