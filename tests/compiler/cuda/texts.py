"""The texts of all kernels that parts of the library launch, written to a file.

``python -m tests.compiler.cuda.texts PART FILE``: in a process of its own, where the look-alike is
in CuPy's place. Nothing is launched: results are arbitrary, and whoever cannot bear that is left.
"""

import json
import sys
import warnings
from unittest import mock

import numpy as np

REALS = ("float16", "bfloat16", "float32", "float64")
DTYPES = (*REALS, "complex64", "complex128")
SHAPES = {"w": (7, 5), "b": (300,), "v": (16, 16), "s": (9,)}


def main(part, path):
    """Write the texts of a part: a list for each case by name, and what failed."""
    from tests.support import lookalike_cupy

    lookalike_cupy.install()
    import anygrad as ag
    from anygrad.compiler.targets import cupy
    from anygrad.compiler.targets.cuda import warming
    from anygrad.optimizers import replaying

    found = {}
    first = mock.patch.object(replaying, "RECORDED_AT", 1)  # a step is recorded at once
    with first, ag.use_settings(kernels="always"):
        for name, run in PARTS[part]():
            texts = []
            warming._warned.clear()

            def note(text, options, texts=texts):
                texts.append(text)
                return lambda grid, block, args: None

            with mock.patch.object(cupy, "kernel_of", note), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                warnings.filterwarnings("error", message="kernels:")
                with np.errstate(all="ignore"):
                    why = _outcome(run)
            found[name] = {"why": why, "texts": list(dict.fromkeys(texts))}
    with open(path, "w", encoding="utf-8") as file:
        json.dump(found, file)


def _outcome(run):
    try:
        run()
    except RuntimeWarning as error:
        return f"no kernel: {error}"
    except Exception as error:  # of any kind: arbitrary results may lead anywhere
        return f"{type(error).__name__}: {error}"
    return ""


def _device(x):
    import cupy

    return cupy.asarray(x)


def _dtype(name):
    if name == "bfloat16":
        import ml_dtypes

        return np.dtype(ml_dtypes.bfloat16)
    return np.dtype(name)


def tree(dtype, several=True):
    """Arrays of a dtype on the device: four of them, or a single one."""
    rng = np.random.default_rng(0)
    shapes = SHAPES if several else {"w": (7, 5)}
    return {
        k: _device((rng.random(shape) + 0.5).astype(_dtype(dtype))) for k, shape in shapes.items()
    }


def _steps(make, dtype, several, donate, extra=None):
    """One step is recorded, the others are replayed with kernels."""

    def run():
        optimizer, params = make(), tree(dtype, several)
        state = optimizer.init(params)
        for _ in range(3):
            grads = tree(dtype, several)
            params, state = optimizer.step(params, grads, state, donate=donate, **(extra or {}))

    return run


WAYS = {"leaves": (True, False), "donated": (True, True), "leaf": (False, False)}


def of_optimizers():
    """Steps of every optimizer of the table: each dtype, one and several leaves, donated or not."""
    from anygrad.optimizers import OPTIMIZERS
    from tests.optimizers.table import FIRST_ROWS

    for row in FIRST_ROWS:
        make = lambda row=row: OPTIMIZERS[row.name](**row.keywords)
        for dtype in DTYPES:
            for way, (several, donate) in WAYS.items():
                yield f"{row.name} {dtype} {way}", _steps(make, dtype, several, donate, row.extra)


def of_clips():
    """Clips, alone and in a chain, what is monitored and guarded, norms, flags and statistics."""
    import anygrad as ag
    from anygrad import clipping
    from anygrad import optimizers as o

    parts = {
        "clip_by_global_norm": lambda: o.clip_by_global_norm(1.0),
        "clip_by_global_norm inf": lambda: o.clip_by_global_norm(1.0, ord=float("inf")),
        "clip_by_norm": lambda: o.clip_by_norm(1.0),
        "clip_by_value": lambda: o.clip_by_value(0.5),
        "clip_by_block_rms": lambda: o.clip_by_block_rms(1.0),
        "clip_adaptively": lambda: o.clip_adaptively(0.1),
        "normalize": lambda: o.normalize(),
        "normalize_leaves": lambda: o.normalize_leaves(),
        "skipping": lambda: o.clip_by_global_norm(1.0, nonfinite="skip"),
        "zeroing": lambda: o.clip_by_global_norm(1.0, nonfinite="zero"),
    }
    whole = {
        "apply_if_finite": lambda: o.apply_if_finite(o.adam(0.1), 3),
        "monitored": lambda: o.monitored(o.chain(o.clip_by_global_norm(1.0), o.adam(0.1))),
        "accumulate": lambda: o.accumulate(o.adam(0.1), 2),
        "averaged": lambda: o.averaged(o.adam(0.1)),
        "lookahead": lambda: o.lookahead(o.adam(0.1)),
        "dynamic_loss_scale": lambda: o.dynamic_loss_scale(o.adam(0.1)),
    }
    for name, make in parts.items():
        whole[name] = lambda make=make: o.chain(make(), o.adam(0.1))
    for name, make in whole.items():
        for dtype in DTYPES:
            for way, (several, donate) in WAYS.items():
                yield f"{name} {dtype} {way}", _steps(make, dtype, several, donate)
    functions = {
        "global_norm": clipping.global_norm,
        "global_norm inf": lambda g: clipping.global_norm(g, ord=float("inf")),
        "global_norm 1": lambda g: clipping.global_norm(g, ord=1),
        "measure": lambda g: clipping.measure(g, 1.0),
        "measure skip": lambda g: clipping.measure(g, 1.0, nonfinite="skip"),
        "clipped": lambda g: clipping.clip_by_global_norm(g, 1.0),
    }
    for name, function in functions.items():
        for dtype in DTYPES:
            yield f"{name} {dtype}", lambda f=function, d=dtype: _call(ag.compile(f), tree(d))


def _call(compiled, *args):
    for _ in range(3):
        compiled(*args)


def of_corpus():
    """Gradients of the patterns of the corpus, recorded with NumPy's arrays as if CuPy's."""
    import anygrad as ag
    from tests.compiler.cuda.generating import launch_all
    from tests.compiler.cuda.running import recorded
    from tests.compiler.test_corpus_compiled import LONG
    from tests.corpus.loading import patterns

    for name in patterns():
        if name not in LONG:
            entry = patterns()[name]
            run = lambda f=entry.function, p=entry.points[0]: launch_all(recorded(ag.grad(f), p))
            yield name, run


def of_operations():
    """Every row that kernels compute, in every type, with numbers beside; and generated ones."""
    from tests.compiler.cuda.generating import every_row, random_programs

    yield from every_row()
    yield from random_programs()


PARTS = {
    "optimizers": of_optimizers,
    "clips": of_clips,
    "corpus": of_corpus,
    "operations": of_operations,
}

if __name__ == "__main__":
    main(*sys.argv[1:])
