"""What a replayed step asks of a GPU: launches of kernels, and calls of CuPy.

``python -m tests.optimizers.devices.counted`` prints a table of all optimizers and clips, of which
the look-alike of CuPy counts the operations; nothing is timed, and no GPU is needed.
"""

import warnings

import numpy as np

import anygrad as ag
from anygrad import optimizers as opt
from anygrad.optimizers import OPTIMIZERS, chain
from anygrad.optimizers.replaying import RECORDED_AT
from tests.optimizers.compiling.test_steps import CHAINS
from tests.optimizers.table import FIRST_ROWS
from tests.support import forbid_host_copies

LEAVES = 100
CALLS = ("ufunc", "reduction", "function", "method", "index", "copy", "upload")
"""What CuPy itself is asked to do, by the look-alike's names."""


def clips(inner):
    """The clips, each before an optimizer."""
    return {
        "clip_by_global_norm": lambda: chain(opt.clip_by_global_norm(1.0), inner()),
        "clip_by_norm": lambda: chain(opt.clip_by_norm(1.0), inner()),
        "clip_by_value": lambda: chain(opt.clip_by_value(1.0), inner()),
        "clip_by_block_rms": lambda: chain(opt.clip_by_block_rms(1.0), inner()),
    }


STEPS = {
    **{row.name: lambda row=row: OPTIMIZERS[row.name](**row.keywords) for row in FIRST_ROWS},
    **{f"{name} + adam": make for name, make in clips(lambda: opt.adam(1e-3)).items()},
    **{f"{name} + sgd": make for name, make in clips(lambda: opt.sgd(0.1)).items()},
    **{f"{name} (as tested)": make for name, make in CHAINS.items()},
}


def leaves_of(count, dtype="float64"):
    """Parameters of several shapes."""
    rng = np.random.default_rng(0)
    shapes = ((3, 4), (7,), (2, 5), (1,))
    return {f"w{k}": rng.normal(size=shapes[k % 4]).astype(dtype) for k in range(count)}


def on_gpu(tree, device=0):
    import cupy

    with cupy.cuda.Device(device):
        return ag.trees.map(cupy.asarray, tree)


def count_step(make, leaves=LEAVES, dtype="float64", **extra):
    """The operations of one replayed step, by kind; what is read on the host raises."""
    from tests.support.lookalike_cupy import counting

    with ag.use_settings(kernels="always"):
        optimizer, params = make(), on_gpu(leaves_of(leaves, dtype))
        state = optimizer.init(params)
        grads = ag.trees.map(lambda p: 0.3 * p - 0.1, params)
        # `accumulate`, `lookahead` and others have several ways, each recorded when it is met
        for _ in range(RECORDED_AT + 9):
            params, state = optimizer.step(params, grads, state, donate=True, **extra)
        with forbid_host_copies(), counting.counting() as found:
            optimizer.step(params, grads, state, donate=True, **extra)
    return found


def main():
    """Print the table."""
    from tests.support import lookalike_cupy

    lookalike_cupy.install()
    print(f"| a step of {LEAVES} leaves | launches of kernels | calls of CuPy |")
    print("|---|---|---|")
    for name, make in STEPS.items():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found = count_step(make, value=_loss()) if _wants(name) else count_step(make)
            calls = ", ".join(f"{found[kind]} {kind}" for kind in CALLS if found[kind])
            print(f"| {name} | {found['launch']} | {calls or 0} |", flush=True)
        except Exception as error:
            print(f"| {name} | {type(error).__name__}: {str(error)[:90]} | |", flush=True)


def _wants(name):
    return name in OPTIMIZERS and OPTIMIZERS[name](**_row(name).keywords).rule.needs_value


def _row(name):
    return next(row for row in FIRST_ROWS if row.name == name)


def _loss():
    return 0.5


if __name__ == "__main__":
    main()
