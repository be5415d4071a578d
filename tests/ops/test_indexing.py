"""Adding at repeated indices: by matching positions, in a fixed order where that is asked for."""

import numpy as np
import pytest

import anygrad as ag
from anygrad.ops import indexing
from tests.support import allow_host_copies, assert_close, forbid_host_copies

X = np.linspace(0.5, 2.0, 7)
INDICES = np.array([3, 0, 3, 6, 3, 0])


def gathered(x, indices):
    xp = ag.namespace(x)
    return xp.sum(x[indices] ** 3) + xp.sum(xp.take(x, indices, axis=0) ** 2)


def expected():
    counts = np.bincount(INDICES, minlength=7)
    return counts * (3 * X**2 + 2 * X)


@pytest.mark.parametrize("part", [1, 13, 1 << 24])
def test_matching_adds_every_time_in_parts_of_any_size(part, monkeypatch):
    monkeypatch.setattr(indexing, "LARGEST_MATCH", part)
    rng = np.random.default_rng(0)
    for shape, key in (
        ((7,), INDICES),
        ((3, 4), ([0, 2, 0], slice(None))),
        ((3, 4), (slice(0, 2), np.array([[1, 1], [3, 0]]))),
        ((2, 0), ([0, 0],)),
    ):
        out = rng.normal(size=shape)
        g = rng.normal(size=out[key].shape)
        added = out.copy()
        np.add.at(added, key, g)
        assert_close(indexing._add_by_matching(np, out, key, g), added)


def test_a_fixed_order_does_not_use_atomic_operations(cupy, monkeypatch):
    import dataclasses

    from anygrad.backends import BACKENDS, backend_of

    def atomic(*_):
        raise AssertionError("atomic operations")

    x, indices = cupy.asarray(X), cupy.asarray(INDICES)
    gradient = ag.grad(lambda x: gathered(x, indices))
    watched = dataclasses.replace(BACKENDS["cupy"], add_at=atomic)
    assert watched.atomic
    monkeypatch.setattr(indexing, "backend_of", lambda a: watched if backend_of(a) else None)
    with ag.use_settings(deterministic=True), forbid_host_copies():
        found = gradient(x)
    with allow_host_copies():
        assert_close(cupy.asnumpy(found), expected())
    with pytest.raises(AssertionError, match="atomic operations"):
        gradient(x)


def test_other_libraries_add_in_a_fixed_order_anyhow(xp):
    x = xp.asarray(X)
    indices = xp.asarray(INDICES)
    plain = ag.grad(lambda x: gathered(x, indices))(x)
    with ag.use_settings(deterministic=True):
        assert_close(ag.grad(lambda x: gathered(x, indices))(x), plain)
    assert_close(plain, expected())
