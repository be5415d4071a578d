import numpy as np
import pytest

from anygrad.errors import ArgumentError, ShapeError
from anygrad.training import batches
from tests.support import assert_close, to_host


def order_of(made):
    return np.concatenate([to_host(batch) for batch in made])


def test_each_epoch_visits_every_example_once(xp):
    x = xp.asarray(np.arange(10.0))
    made = list(batches(x, 3, epochs=2, rng=0))
    assert [batch.shape for batch in made] == [(3,), (3,), (3,), (1,)] * 2
    for epoch in (made[:4], made[4:]):
        assert sorted(order_of(epoch)) == list(range(10))
    assert order_of(made[:4]).tolist() != order_of(made[4:]).tolist()
    assert order_of(made[:4]).tolist() != list(range(10))


def test_all_leaves_keep_their_examples_together(xp):
    n = np.arange(7.0)
    data = {"image": xp.asarray(np.stack([n, n + 100], axis=1)), "label": (xp.asarray(n * 2),)}
    for batch in batches(data, 2, rng=1):
        image, (label,) = to_host(batch["image"]), batch["label"]
        assert_close(image[:, 1], image[:, 0] + 100)
        assert_close(to_host(label), image[:, 0] * 2)


def test_the_order_is_the_same_on_every_backend(xp):
    # the permutation is NumPy's: default_rng([seed, epoch]).permutation(n)
    expected = [np.random.default_rng([5, epoch]).permutation(9) for epoch in (0, 1)]
    made = batches(xp.asarray(np.arange(9)), 4, epochs=2, rng=5)
    assert order_of(made).tolist() == np.concatenate(expected).tolist()


def test_batches_stay_where_the_arrays_are(xp):
    x = xp.asarray(np.arange(6.0), dtype=xp.float32)
    batch = next(iter(batches(x, 4, rng=0)))
    assert type(batch) is type(x)
    assert batch.dtype == x.dtype
    assert getattr(batch, "device", None) == getattr(x, "device", None)


def test_iterating_again_repeats_the_batches():
    for rng in (3, None, np.random.default_rng(7)):
        made = batches(np.arange(20), 6, epochs=2, rng=rng)
        assert order_of(made).tolist() == order_of(made).tolist()


def test_a_generator_seeds_once():
    first = batches(np.arange(20), 20, rng=np.random.default_rng(1))
    rng = np.random.default_rng(1)
    second, third = batches(np.arange(20), 20, rng=rng), batches(np.arange(20), 20, rng=rng)
    assert order_of(first).tolist() == order_of(second).tolist()
    assert order_of(second).tolist() != order_of(third).tolist()
    assert order_of(batches(np.arange(20), 20, rng=first.seed)).tolist() == order_of(first).tolist()


def test_without_a_seed_the_orders_differ():
    orders = {tuple(order_of(batches(np.arange(30), 30))) for _ in range(3)}
    assert len(orders) == 3


def test_without_shuffling_the_order_is_kept(xp):
    x = xp.asarray(np.arange(5.0))
    made = list(batches(x, 2, shuffle=False, epochs=2))
    assert order_of(made).tolist() == [0, 1, 2, 3, 4] * 2


def test_the_last_batch_may_be_dropped(xp):
    made = batches(xp.asarray(np.arange(10.0)), 4, drop_last=True, rng=0)
    assert len(made) == made.per_epoch == 2
    assert [batch.shape[0] for batch in made] == [4, 4]


def test_a_size_above_the_examples_gives_one_batch():
    made = batches(np.arange(3), 10, rng=0)
    assert [len(batch) for batch in made] == [3]


@pytest.mark.parametrize("first_step", [0, 1, 4, 6, 11])
@pytest.mark.parametrize("keywords", [{}, {"shuffle": False}, {"drop_last": True}])
def test_the_batches_from_a_step_on_are_those_of_the_whole(xp, first_step, keywords):
    x = xp.asarray(np.arange(11.0))
    whole = batches(x, 3, epochs=4, rng=0, **keywords)
    rest = batches(x, 3, epochs=4, rng=0, first_step=first_step, **keywords)
    assert len(rest) == len(whole) - first_step == len(list(rest))
    for batch, expected in zip(list(rest), list(whole)[first_step:], strict=True):
        assert to_host(batch).tolist() == to_host(expected).tolist()


def test_endless_batches_begin_at_any_step():
    endless = batches(np.arange(4), 2, epochs=None, rng=0, first_step=1001)
    expected = np.random.default_rng([0, 500]).permutation(4)[2:]
    assert next(iter(endless)).tolist() == expected.tolist()
    assert "from step 1001" in repr(endless)


def test_endless_batches_go_on():
    made = batches(np.arange(4), 4, epochs=None, rng=0)
    stream = iter(made)
    assert len({tuple(next(stream)) for _ in range(20)}) > 3
    with pytest.raises(TypeError, match="for ever"):
        len(made)


@pytest.mark.parametrize(
    ("arrays", "keywords", "words"),
    [
        ({"x": np.zeros(4), "y": np.zeros(5)}, {}, r"arrays\['x'\] and 5 in arrays\['y'\]"),
        ({"x": np.zeros(4), "y": np.asarray(1.0)}, {}, r"arrays\['y'\]"),
        ([1.0, 2.0], {}, r"arrays\[0\].*first axis"),
        (np.zeros((0, 3)), {}, "0 examples"),
        ({}, {}, "without arrays"),
        (np.zeros(4), {"size": 0}, r"size\).*0.*>= 1"),
        (np.zeros(4), {"size": 2.0}, r"size\).*2.0"),
        (np.zeros(4), {"size": True}, r"size\).*True"),
        (np.zeros(4), {"epochs": 0}, r"epochs\)"),
        (np.zeros(4), {"rng": -1}, r"rng\).*Generator"),
        (np.zeros(4), {"rng": "0"}, r"rng\)"),
        (np.zeros(4), {"size": 5, "drop_last": True}, "no batch"),
        (np.zeros(4), {"first_step": -1}, r"first_step\).*>= 0"),
        (np.zeros(4), {"first_step": 6, "epochs": 3}, r"first_step\): got 6; .*< 6.*3 epochs"),
    ],
)
def test_what_cannot_work_is_refused(arrays, keywords, words):
    with pytest.raises(ArgumentError, match=words):
        batches(arrays, **{"size": 2, **keywords})


def test_unequal_first_axes_are_a_shape_error():
    with pytest.raises(ShapeError):
        batches((np.zeros(2), np.zeros(3)), 1)
