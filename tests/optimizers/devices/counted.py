"""What a replayed step asks of a GPU: launches of kernels, and calls of CuPy.

``python -m tests.optimizers.devices.counted`` prints a table of all optimizers and clips, of which
the look-alike of CuPy counts the operations; nothing is timed, and no GPU is needed.
"""

import contextlib
from unittest import mock

import numpy as np

import anygrad as ag
from anygrad import optimizers as opt
from anygrad.compiler.targets.cupy import kernel_of
from anygrad.optimizers import OPTIMIZERS, chain
from anygrad.optimizers.replaying import RECORDED_AT
from tests.optimizers.compiling.test_steps import CHAINS
from tests.optimizers.table import FIRST_ROWS
from tests.support import forbid_host_copies

LEAVES = 100
CALLS = ("ufunc", "reduction", "function", "method", "index", "copy", "upload")
"""What CuPy itself is asked to do, by the look-alike's names."""
SHAPES = (3, 4), (7,), (2, 5), (4,)
LOSS = 0.5


def _before(clip):
    return {
        f"{clip.__name__} + adam": lambda: chain(clip(1.0), opt.adam(1e-3)),
        f"{clip.__name__} + sgd": lambda: chain(clip(1.0), opt.sgd(0.1)),
    }


STEPS = {
    **{row.name: lambda row=row: OPTIMIZERS[row.name](**row.keywords) for row in FIRST_ROWS},
    **_before(opt.clip_by_global_norm),
    **_before(opt.clip_by_norm),
    **_before(opt.clip_by_value),
    **_before(opt.clip_by_block_rms),
    "monitored adam": lambda: opt.monitored(opt.adam(1e-3)),
    **{f"{name} in a chain": make for name, make in CHAINS.items()},
}
"""Every optimizer, clip and wrapper, by a name to show."""


def leaves_of(count, dtype="float64"):
    """Parameters of several shapes; the first ones have the names that patterns ask for."""
    rng = np.random.default_rng(0)
    names = ["b", "s", "w", *[f"x{k}" for k in range(3, count)]]
    return {
        name: rng.normal(size=SHAPES[k % len(SHAPES)]).astype(dtype)
        for k, name in enumerate(names[:count])
    }


def loss_for(optimizer):
    """What a step needs beyond gradients."""
    wants = getattr(optimizer.rule, "needs_value", False)
    return {"value": LOSS} if wants else {}


def on_gpu(tree, device=0):
    """Arrays of CuPy on one of its devices."""
    import cupy

    with cupy.cuda.Device(device):
        return ag.trees.map(cupy.asarray, tree)


@contextlib.contextmanager
def not_compiled():
    """Let launches be counted, and not run: no text is compiled, and arrays hold anything."""
    from tests.support import cuda
    from tests.support.lookalike_cupy import kernels

    absent = mock.patch.object(cuda, "reason_no_compiler", return_value="counted only")
    with absent, kernels.running(run=False), np.errstate(all="ignore"):
        kernel_of.cache_clear()
        try:
            yield
        finally:
            kernel_of.cache_clear()  # others run theirs


def count_step(make, leaves=LEAVES, dtype="float64"):
    """The operations of one replayed step, by kind; what is read on the host raises."""
    from tests.support.lookalike_cupy import counting

    with ag.use_settings(kernels="always"), not_compiled():
        optimizer, params = make(), on_gpu(leaves_of(leaves, dtype))
        state, extra = optimizer.init(params), loss_for(optimizer)
        grads = on_gpu({name: 0.3 * p - 0.1 for name, p in leaves_of(leaves, dtype).items()})
        # some go several ways, each of which is recorded when it is met
        for _ in range(RECORDED_AT + 9):
            params, state = optimizer.step(params, grads, state, donate=True, **extra)
        replayed = optimizer._replays.kinds[0].paths
        with forbid_host_copies(), counting.counting() as found:
            optimizer.step(params, grads, state, donate=True, **extra)
    assert optimizer._replays.kinds[0].paths[0] in replayed, "a step was recorded anew"
    return found


def main():
    """Print the table."""
    from tests.support import lookalike_cupy

    lookalike_cupy.install()
    print(f"| a step of {LEAVES} leaves | launches of kernels | calls of CuPy |")
    print("|---|---|---|")
    for name, make in STEPS.items():
        if name.startswith("clip_by_global_norm-raise"):
            continue  # it looks at a flag, to raise
        found = count_step(make)
        calls = ", ".join(f"{found[kind]} {kind}" for kind in CALLS if found[kind])
        print(f"| {name} | {found['launch']} | {calls or 0} |", flush=True)


if __name__ == "__main__":
    main()
