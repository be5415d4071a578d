import numpy as np
import pytest

from anygrad.errors import ArgumentError
from anygrad.optimizers import clip_by_zscore
from tests.optimizers.test_quantile_clipping import run
from tests.support import assert_close, to_host

NORMS = [1.0, 3.0, 2.0, 30.0, 2.5, 4.0, 0.5, 12.0]


def by_hand(norms, threshold, decay, warmup, eps):
    """The loop of the paper, with the norms of the warm-up in a list."""
    early, mean, variance, lengths = [], None, None, []
    for norm in norms:
        if mean is None:
            lengths.append(norm)
            early.append(norm)
            if len(early) == warmup:
                mean, variance = np.mean(early), np.var(early)
            continue
        std = np.sqrt(variance)
        z = (norm - mean) / (std + eps)
        if z > threshold:
            norm = mean + threshold * std / (z / threshold)
        lengths.append(norm)
        mean = decay * mean + (1 - decay) * norm
        variance = decay * variance + (1 - decay) * (norm - mean) ** 2
    return lengths, mean, np.sqrt(variance)


@pytest.mark.parametrize("numbers", [(2.5, 0.97, 2, 1e-6), (1.0, 0.5, 3, 0.0), (0.5, 0.0, 3, 1e-3)])
def test_lengths_are_those_of_the_paper(xp, numbers):
    threshold, decay, warmup, eps = numbers
    clip = clip_by_zscore(threshold, decay, warmup=warmup, eps=eps)
    lengths, state = run(xp, clip, NORMS)
    expected, mean, std = by_hand(NORMS, *numbers)
    np.testing.assert_allclose(lengths, expected, rtol=1e-12)
    assert any(got < norm for got, norm in zip(lengths, NORMS, strict=True))
    assert_close((state["mean"], state["std"]), (np.asarray(mean), np.asarray(std)))
    assert_close(state["seen"], np.asarray(8.0))


def test_nothing_is_clipped_before_the_warmup_ends(xp):
    lengths, state = run(xp, clip_by_zscore(warmup=8), NORMS)
    np.testing.assert_allclose(lengths, NORMS)
    assert np.isinf(to_host(state["threshold"]))
    assert_close(state["mean"], np.asarray(np.mean(NORMS)))
    assert_close(state["std"], np.asarray(np.std(NORMS)))


@pytest.mark.parametrize("bad", [np.inf, np.nan])
@pytest.mark.parametrize("place", [1, 6])
def test_norm_that_is_not_finite_changes_nothing(xp, bad, place):
    clip = clip_by_zscore(1.0, 0.5, warmup=3, nonfinite="skip")
    _, expected = run(xp, clip, NORMS)
    _, state = run(xp, clip, [*NORMS[:place], bad, *NORMS[place:]])
    for name in ("mean", "std", "seen"):
        assert_close(state[name], to_host(expected[name]))


def test_norm_beyond_the_dtype_does_not_enter_the_warmup(xp):
    clip = clip_by_zscore(warmup=2)
    params = xp.zeros((2,), dtype=xp.float32)
    state = clip.init(params)
    for values in ([3.0, 4.0], [3e38, 3e38], [6.0, 8.0]):
        _, state = clip.update(xp.asarray(values, dtype=xp.float32), state, params)
    kept = (state["mean"], state["std"], state["seen"])
    assert_close(kept, tuple(np.asarray(x, dtype=np.float32) for x in (7.5, 2.5, 2.0)))


def test_norm_beyond_the_dtype_is_brought_to_the_mean(xp):
    clip = clip_by_zscore(warmup=2)
    params = xp.zeros((2,), dtype=xp.float32)
    state = clip.init(params)
    for values in ([3.0, 4.0], [6.0, 8.0], [3e38, 3e38]):
        updates, state = clip.update(xp.asarray(values, dtype=xp.float32), state, params)
    assert_close(updates, np.full(2, 7.5 / np.sqrt(2.0), dtype=np.float32))


@pytest.mark.parametrize("keywords", [{"decay": 1.0}, {"warmup": 1}, {"eps": -1.0}])
def test_numbers_are_checked(keywords):
    (name,) = keywords
    with pytest.raises(ArgumentError, match=rf"clip_by_zscore\({name}\): got"):
        clip_by_zscore(**keywords)


@pytest.mark.parametrize("size", [1e-25, 1e20, 1e30])
def test_norms_whose_squares_leave_the_dtype(xp, size):
    clip = clip_by_zscore(1.0, 0.5, warmup=3, eps=0.0)
    small, expected = run(xp, clip, NORMS, dtype=xp.float32)
    lengths, state = run(xp, clip, [size * norm for norm in NORMS], dtype=xp.float32)
    np.testing.assert_allclose(np.asarray(lengths) / size, small, rtol=1e-5)  # float32
    for name in ("mean", "std"):
        np.testing.assert_allclose(to_host(state[name]) / size, to_host(expected[name]), rtol=1e-5)


def test_huge_norm_in_the_warmup_is_forgotten(xp):
    clip = clip_by_zscore(2.0, 0.5, warmup=2)
    _, state = run(xp, clip, [1e20, *[1.0, 2.0] * 100], dtype=xp.float32)
    assert 1.0 < float(to_host(state["mean"])) < 2.0
    assert 0.1 < float(to_host(state["std"])) < 1.0
