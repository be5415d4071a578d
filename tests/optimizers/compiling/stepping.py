"""Two runs of one optimizer side by side: as it stands, and replayed."""

import numpy as np

import anygrad as ag
from anygrad import trees
from anygrad.optimizers.replaying import RECORDED_AT

STEPS = RECORDED_AT + 8


def make_params(dtype=np.float64):
    return {
        "b": np.asarray([1.0, -2.0, 0.5], dtype=dtype),
        "s": np.asarray(0.7, dtype=dtype),
        "w": np.arange(12.0).reshape(3, 4).astype(dtype) * dtype(0.3) - dtype(1.5),
    }


def make_grads(params, step):
    def wave(p):
        places = np.arange(p.size, dtype=np.float64).reshape(p.shape)
        return np.asarray(np.cos(places + 0.7 * step), dtype=p.dtype)

    return trees.map(wave, params)


def copied(tree):
    return trees.map(lambda x: x.copy(), tree)


def check_same(got, expected, what=""):
    assert trees.flatten(got)[1] == trees.flatten(expected)[1]
    for a, b, path in zip(
        trees.leaves(got), trees.leaves(expected), trees.paths(expected), strict=True
    ):
        told = (what, path, a, b)
        assert type(a) is type(b), told
        assert np.shape(a) == np.shape(b), told
        assert np.asarray(a).dtype == np.asarray(b).dtype, told
        assert np.asarray(a).tobytes() == np.asarray(b).tobytes(), told


def paths_of(optimizer):
    """The programs of the kind of arguments that came last."""
    kinds = optimizer._replays.kinds
    assert not kinds[0].is_eager
    return kinds[0].paths


def run_both(optimizer, params=None, *, donate=False, grads=make_grads, steps=STEPS, **extra):
    """Step both ways, and compare after each step; the parameters at the end."""
    params = make_params() if params is None else params
    plain = replayed = params, optimizer.init(params)
    if donate:
        plain, replayed = copied(plain), copied(replayed)
    for step in range(steps):
        g = grads(plain[0], step)
        with ag.use_settings(fuse=False):
            plain = optimizer.step(plain[0], g, plain[1], donate=donate, **extra)
        replayed = optimizer.step(replayed[0], g, replayed[1], donate=donate, **extra)
        check_same(replayed, plain, step)
    assert paths_of(optimizer)
    return plain
