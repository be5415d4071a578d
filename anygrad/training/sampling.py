"""Shuffled mini-batches from a tree of arrays, the same ones on every backend."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from anygrad import trees
from anygrad.backends import backend_of, device_of, namespace_of
from anygrad.backends.types import Array, Tree
from anygrad.errors import ArgumentError, ShapeError, describe
from anygrad.ranges import check_count
from anygrad.trees.placing import on_device_of


def batches(
    arrays: Tree,
    size: int,
    *,
    epochs: int | None = 1,
    rng: int | np.random.Generator | None = None,
    shuffle: bool = True,
    drop_last: bool = False,
    first_step: int = 0,
) -> "Batches":
    """Cut a tree of arrays with a common first axis into mini-batches.

    Each epoch visits every example once, in a new order. The order is drawn on the host by NumPy
    and moved once an epoch, so equal seeds give equal batches on every backend and device.

    Parameters
    ----------
    arrays : tree of arrays
        Each of shape (n, ...), with the same n; any dtypes; they stay where they are.
    size : int
        Examples in a batch, >= 1. The last batch of an epoch has what is left.
    epochs : int or None
        Passes over the data, >= 1; None goes on for ever.
    rng : int, numpy Generator, or None
        Seed of the order. A Generator gives one number to seed it; None draws a seed from the
        operating system. Either way, iterating again repeats the same batches.
    shuffle : bool
        False keeps the order of the arrays; the batches may then be views of them.
    drop_last : bool
        True leaves out a last batch smaller than ``size``.
    first_step : int
        Batches to leave out at the beginning, >= 0: those that an earlier run has seen. The others
        are the same as without, given the same seed; ``epochs`` counts the left out ones, too.

    Returns
    -------
    Batches
        Iterable, any number of times, over trees like ``arrays``.

    Raises
    ------
    ArgumentError
        If a number is out of range, or there is nothing to draw from.
    ShapeError
        If the first axes differ, or an array has none; the message gives the paths.

    Examples
    --------
    >>> data = {"x": np.arange(10.0), "y": np.arange(10)}
    >>> [len(batch["x"]) for batch in ag.training.batches(data, 4, rng=0)]
    [4, 4, 2]
    """
    size = check_count("batches(size)", size, low=1)
    if epochs is not None:
        epochs = check_count("batches(epochs)", epochs, low=1)
    examples = count_examples(arrays)
    if drop_last and size > examples:
        message = (
            f"batches(size): got {size} for {examples} examples; with drop_last=True that leaves "
            "no batch. Choose a smaller size or drop_last=False."
        )
        raise ArgumentError(message)
    first_step = check_count("batches(first_step)", first_step)
    made = Batches(arrays, examples, size, epochs, draw_seed(rng), shuffle, drop_last, first_step)
    if epochs is not None and not len(made):
        message = (
            f"batches(first_step): got {first_step}; expected an integer < "
            f"{epochs * made.per_epoch}, the number of batches in all {epochs} epochs. Give epochs "
            "the number of the whole training, or None."
        )
        raise ArgumentError(message)
    return made


class Batches:
    """The iterable made by ``batches``.

    Attributes
    ----------
    examples, size, per_epoch : int
        Examples in the data, in a batch, and batches in an epoch.
    first_step : int
        Batches that are left out at the beginning.
    seed : int
        Repeats this order when passed as ``rng``.
    """

    def __init__(
        self,
        arrays: Tree,
        examples: int,
        size: int,
        epochs: int | None,
        seed: int,
        shuffle: bool,
        drop_last: bool,
        first_step: int,
    ) -> None:
        self.arrays = arrays
        self.examples = examples
        self.size = size
        self.epochs = epochs
        self.seed = seed
        self.shuffle = shuffle
        self.first_step = first_step
        self.per_epoch = examples // size if drop_last else -(-examples // size)

    def __len__(self) -> int:
        """Count the batches of all epochs, less those left out."""
        if self.epochs is None:
            message = "len(batches): these go on for ever (epochs=None)."
            raise TypeError(message)
        return max(self.epochs * self.per_epoch - self.first_step, 0)

    def __iter__(self) -> Iterator[Tree]:
        epoch, skipped = divmod(self.first_step, self.per_epoch)
        while self.epochs is None or epoch < self.epochs:
            yield from self._epoch(epoch, skipped)
            epoch, skipped = epoch + 1, 0

    def __repr__(self) -> str:
        return (
            f"Batches({self.examples} examples, size {self.size}, {self.per_epoch} an epoch, "
            f"{'endless' if self.epochs is None else self.epochs} epochs, seed {self.seed}"
            f"{f', from step {self.first_step}' if self.first_step else ''})"
        )

    def _epoch(self, epoch: int, skipped: int) -> Iterator[Tree]:
        # The standard leaves slices that end behind the last example undefined.
        starts = range(skipped * self.size, self.per_epoch * self.size, self.size)
        parts = [slice(start, min(start + self.size, self.examples)) for start in starts]
        if not self.shuffle:
            for part in parts:
                yield trees.map(lambda x, part=part: x[part, ...], self.arrays)
            return
        order = np.random.default_rng([self.seed, epoch]).permutation(self.examples)
        orders = trees.map(mover(order), self.arrays)
        for part in parts:
            yield trees.map(
                lambda x, where, part=part: take(x, where[part]),
                self.arrays,
                orders,
            )


def take(x: Array, rows: Array) -> Array:
    """Rows of an array, taken where it lies."""
    with on_device_of(x):
        return namespace_of(x).take(x, rows, axis=0)


def mover(order: np.ndarray) -> Any:
    """Make a function that gives ``order`` beside an array, moved once for each device."""
    moved: dict[Any, Array] = {}

    def beside(x: Array) -> Array:
        backend, device = backend_of(x), device_of(x)
        if backend is None:  # count_examples let only arrays through
            raise AssertionError
        key = (backend.name, str(device))
        if key not in moved:
            moved[key] = backend.from_host(order, device)
        return moved[key]

    return beside


def count_examples(arrays: Tree) -> int:
    """Length of the common first axis."""
    leaves, paths = trees.leaves(arrays), trees.paths(arrays)
    if not leaves:
        message = "batches(arrays): got a tree without arrays; expected at least one."
        raise ArgumentError(message)
    for leaf, path in zip(leaves, paths, strict=True):
        if backend_of(leaf) is None or not leaf.ndim:
            message = (
                f"batches({trees.show_path('arrays', path)}): got {describe(leaf)}; expected an "
                "array with a first axis that counts the examples."
            )
            raise ShapeError(message)
    counts = [leaf.shape[0] for leaf in leaves]
    for count, path in zip(counts, paths, strict=True):
        if count != counts[0]:
            message = (
                f"batches(arrays): got {counts[0]} examples in "
                f"{trees.show_path('arrays', paths[0])} and {count} in "
                f"{trees.show_path('arrays', path)}; expected equal first axes."
            )
            raise ShapeError(message)
    if counts[0] == 0:
        message = "batches(arrays): got 0 examples; expected at least one."
        raise ArgumentError(message)
    return counts[0]


def draw_seed(rng: Any) -> int:
    """One integer that fixes all epochs' orders."""
    if isinstance(rng, np.random.Generator):
        return int(rng.integers(2**63))
    if rng is None:
        return int(np.random.SeedSequence().generate_state(1, np.uint64)[0])
    return check_count("batches(rng)", rng, advice="A numpy Generator or None will do, too.")
