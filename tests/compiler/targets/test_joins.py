"""Joins as they are printed: pieces are written where they belong, by kernels and by NumPy."""

import re
import threading

import numpy as np
import pytest

import anygrad as ag
from anygrad.compiler.targets.llvmlite import reason_against
from anygrad.compiler.targets.plain import print_plain
from anygrad.compiler.targets.views import Views
from tests.compiler.native.running import quietly
from tests.compiler.stencils import (
    DERIVATIVES,
    STENCILS,
    gradient,
    inputs,
    kept_ends,
    random_function,
    second,
)
from tests.compiler.targets.bits import assert_same_bits

pytestmark = pytest.mark.skipif(bool(reason_against()), reason=reason_against() or "usable")


def assert_kernels_agree(f, *args, others=(), **options):
    """Replayed by kernels, a function gives the bits of the reference target; returns its text."""
    with np.errstate(all="ignore"), ag.use_settings(kernels="always"):
        compiled = ag.compile(f, **options)
        program = ag.compile(f).ir(*args)
        for given in (args, args, *others, args):
            wanted = print_plain(program)(*[x.copy() for x in given])
            found = quietly(compiled, *[x.copy() for x in given])
            assert_same_bits(ag.trees.leaves(found), list(wanted))
        return compiled.source(*args)


@pytest.mark.parametrize("derivative", DERIVATIVES)
@pytest.mark.parametrize("f", STENCILS)
def test_the_same_bits(f, derivative):
    x, *others = inputs((40,))
    assert_kernels_agree(derivative(f), x, others=[(y,) for y in others])


@pytest.mark.parametrize("f", STENCILS)
def test_the_same_bits_in_rows_and_lengths(f):
    for shape, dtype in (((3,), float), ((5,), float), ((200,), np.float32), ((20, 3), float)):
        if f.__name__ in ("wide", "nested") and shape == (3,):
            continue
        x, *others = inputs(shape, dtype)
        assert_kernels_agree(gradient(f), x, others=[(y,) for y in others])


def test_a_step_is_one_kernel_and_a_few_lines():
    text = assert_kernels_agree(gradient(kept_ends), inputs(1000)[0])
    assert text.count("if kernel_") == 6  # three steps, and three back
    assert not re.search(r"scatter|call_|\[\.\.\.\]|copy", text)
    assert text.count("fresh") == 1  # the result; all others share two buffers
    assert len(re.findall(r"\bb\d+\b", text.split("= w\n")[0].splitlines()[-1])) == 2


def test_pieces_that_are_read_again_and_joins_that_are_returned():
    def twice(u):
        inner = u[1:-1] + 0.2 * second(u)
        v = np.concatenate([u[:1], inner, u[-1:]])
        w = np.concatenate([inner[:1] * 2.0, inner, u[-1:] * u[:1]])
        return v, w, v[1:-1] * w[1:-1], inner

    def read(u):
        inner = u[1:-1] + 0.2 * second(u)
        v = np.concatenate([u[:1], inner, u[-1:]])
        return np.sum(inner * inner), v[::-1] * v, np.max(v)

    def views(u):
        inner = (u[1:-1] + 0.2 * second(u)) * np.sin(u[0])
        v = np.concatenate([u[:1], inner, u[-1:]])
        return v, inner[3:7], v[2:4]

    x, *others = inputs(50)
    for f in (twice, read, views):
        assert_kernels_agree(f, x, others=[(y,) for y in others])


def test_results_have_memory_of_their_own():
    def f(u):
        inner = u[1:-1] * 2.0 + u[2:]
        v = np.concatenate([u[:1], inner, u[-1:]])
        return v, inner, v[1:-1]

    with ag.use_settings(kernels="always"):
        compiled, x = ag.compile(f), inputs(50)[0]
        for _ in range(3):
            found = compiled(x)
            for k, y in enumerate(found):
                assert not np.shares_memory(x, y)
                assert not any(np.shares_memory(y, z) for z in found[:k])
        later = compiled(x + 1)
        assert not any(np.shares_memory(y, z) for y, z in zip(found, later, strict=True))


def test_the_old_value_is_read_until_it_is_over():
    def f(u, w):
        for _ in range(4):
            v = u.copy()
            v[1:-1] = u[1:-1] + w[1:-1] * second(u)
            v[0] = v[-2]
            w = w + u  # u is read after v was made
            u = v
        return u, w, np.sum(u * w)

    x, *others = inputs(60)
    assert_kernels_agree(f, x, x[::-1] * 0.1, others=[(y, y * 0.1) for y in others])


def test_a_piece_outlives_the_join_that_it_lies_in():
    def f(u):
        inner = u[1:-1] * np.exp(u[2:])
        v = np.concatenate([u[:1], inner, u[-1:]])
        first = np.sum(v)
        w = np.concatenate(
            [u[-2:] * 2.0, u[:-2] * np.exp(u[1:-1] / (1 + first**2))]
        )  # may lie where v lay
        second = np.sum(w)
        return np.sum(inner * w[1:-1]) + first * second

    x = inputs(60)[0]
    with ag.use_settings(kernels="always"):
        compiled = ag.compile(f)
        for k in range(4):
            np.testing.assert_allclose(compiled(x + k), f(x + k), rtol=1e-12)


def test_what_a_piece_is_a_view_of_is_kept_until_it_is_copied():
    def f(u):
        w = np.zeros_like(u)
        w[1:-1] = u[2:] * 3.0 - u[:-2]
        v = np.concatenate([w[:-20], np.concatenate([u[:3], u[5:22]]) * 2.0])
        return np.sum(v[1:] * v[:-1])

    x, *others = inputs(60)
    assert_kernels_agree(f, x, others=[(y,) for y in others])


def test_parts_of_parts_of_buffers():
    cuts = []
    views = Views(cuts)
    first = views.part("b1", slice(1, -1))
    second = views.part(first, slice(2, None))
    third = views.part(second, slice(0, 3))
    assert views.part(second, slice(0, 3)) == third == "k2"
    assert [views.holds(name) for name in ("b0", "k2", "k3", "v1")] == [True, True, False, False]
    arrays = (np.zeros(3), np.arange(10.0))
    np.testing.assert_array_equal([cut(arrays)[0] for cut in cuts], [1.0, 3.0, 3.0])
    np.testing.assert_array_equal(cuts[2](arrays), [3.0, 4.0, 5.0])
    assert np.shares_memory(cuts[2](arrays), arrays[1])


@pytest.mark.parametrize("donate", [0, 1, (0, 1)])
def test_donated_arguments(donate):
    def f(u, w):
        v = np.concatenate([u[:1], u[1:-1] + 0.2 * second(w), w[-1:]])
        return v, np.concatenate([w[-1:], v[:-1] * 2.0])

    def step(u, w):
        return u - 0.1 * gradient(kept_ends)(u), w * u

    x, *others = inputs(60)
    for g in (f, step):
        others_too = [(y, x) for y in others]
        assert_kernels_agree(g, x, x[::-1] * 2.0, others=others_too, donate=donate)


def test_kernels_that_cannot_compute_leave_it_to_numpy():
    def f(u):
        v = u.copy()
        v[1:-1] = np.sin(u[1:-1]) + second(u)
        return v * 2.0

    x = inputs(40)[0]
    far = x.copy()
    far[7] = 1e300  # beyond what the kernel's sine is made for
    with ag.use_settings(kernels="always"):
        compiled = ag.compile(f)
        for y in (x, x, far, x):
            # sines of kernels differ from NumPy's in the last digits
            np.testing.assert_allclose(compiled(y), f(y), rtol=1e-12, atol=1e-13)


def test_threads_have_joins_of_their_own():
    with ag.use_settings(kernels="always"):
        compiled = ag.compile(gradient(kept_ends))
        xs = [inputs(3000, seed=k)[0] for k in range(6)]
        compiled(xs[0]), compiled(xs[0])
        wanted = [compiled(x) for x in xs]
        found = [[] for _ in xs]

        def run(k):
            found[k] += [compiled(xs[k]) for _ in range(20)]

        threads = [threading.Thread(target=run, args=(k,)) for k in range(len(xs))]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    for ys, y in zip(found, wanted, strict=True):
        assert len(ys) == 20
        assert_same_bits(ys, [y] * 20)


def check_random(seed):
    n = (3, 19, 40, 130)[seed % 4]
    f = random_function(seed, n, 12)

    def derivative(u, w):
        weights = np.linspace(-1.0, 1.0, n)
        return ag.grad(lambda u: sum(np.sum(y * weights) for y in (*f(u, w), u)))(u)

    u, *others = inputs(n, np.float32 if seed % 3 == 0 else np.float64, seed)
    w, given = u[::-1] * 1.0, [(y, u * 1.0) for y in others]
    assert_kernels_agree(f, u, w, others=given)
    assert_kernels_agree(derivative, u, w, others=given)
    assert_kernels_agree(f, u, w, others=given, donate=(0, 1))


@pytest.mark.parametrize("seed", range(4))
def test_random_programs(seed):
    check_random(seed)


@pytest.mark.slow
def test_many_random_programs():
    for seed in range(100, 200):
        check_random(seed)
