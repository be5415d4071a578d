"""The gradient of a loss over many steps: replayed where that gives what the loss itself gives.

Nobody asked for it, so nothing may change. The first step is taken as it stands, and watched for
output; the next is recorded; the one after that is taken both ways and compared. A loss that
writes, counts, draws random numbers or looks at the clock goes on as it is.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from anygrad import trees
from anygrad.autodiff import value_and_grad as differentiate
from anygrad.backends import backend_of
from anygrad.backends.types import Tree
from anygrad.compiler.arguments import Chosen
from anygrad.compiler.compiled import Compiled
from anygrad.config import settings

__all__ = ["Gradient"]

_PAYS = frozenset(("numpy",))  # where results can be compared without waiting for a device


class Gradient:
    """``value_and_grad`` of a loss.

    Attributes
    ----------
    plain : callable
        As it stands.
    replayed : Compiled
        As it is recorded.
    is_plain : bool
        Whether it stays as it is.
    """

    def __init__(self, loss: Callable[[Tree, Tree], Any], has_aux: bool):
        self.plain = differentiate(loss, has_aux=has_aux)
        self.replayed = Silent(self.plain)
        self.is_plain = False
        self._is_watched = self._is_compared = False

    def __call__(self, params: Tree, batch: Tree) -> Any:
        """Value and gradient at ``params`` for one batch."""
        if self.is_plain or not settings().fuse:
            return self.plain(params, batch)
        if not self._is_watched:
            return self._watch(params, batch)
        if not self._is_compared and self.replayed.counts()[1]:
            return self._compare(params, batch)
        try:
            result = self.replayed(params, batch)
        except Exception:
            self.is_plain = True  # as it stands, it raises the error that is meant
            return self.plain(params, batch)
        self.is_plain = self.replayed.refuses
        return result

    def _watch(self, params: Tree, batch: Tree) -> Any:
        self._is_watched = True
        leaves = trees.leaves((params, batch))
        self.is_plain = not leaves or not all(map(_pays, leaves))
        with Output() as output:
            result = self.plain(params, batch)
        self.is_plain = self.is_plain or output.seen
        return result

    def _compare(self, params: Tree, batch: Tree) -> Any:
        self._is_compared = True
        result = self.plain(params, batch)
        try:
            replayed = self.replayed(params, batch)
        except Exception:
            self.is_plain = True
            return result
        self.is_plain = self.replayed.refuses or not _same(result, replayed)
        return result


class Silent(Compiled):
    """A compiled function that warns nobody: who uses it has another one.

    Attributes
    ----------
    refuses : bool
        Whether it would have warned.
    """

    def __init__(self, f: Callable[..., Any]):
        Compiled.__init__(self, f, Chosen("donate", f, ()), Chosen("static", f, ()))
        self.refuses = False

    def warn(self, topic: str, what: str) -> None:
        """Remember that there is something to say."""
        self.refuses = True


class Output:
    """A with-block in which text that is written is noticed.

    Attributes
    ----------
    seen : bool
        Whether anything was written to stdout or stderr.
    """

    def __init__(self) -> None:
        self.seen = False
        self._streams: Any = ()

    def __enter__(self) -> Output:
        self._streams = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = (Noticing(stream, self) for stream in self._streams)
        return self

    def __exit__(self, *exception: object) -> None:
        """Give the streams back, unless somebody else has put others there."""
        if isinstance(sys.stdout, Noticing):
            sys.stdout = self._streams[0]
        if isinstance(sys.stderr, Noticing):
            sys.stderr = self._streams[1]


class Noticing:
    """A stream that tells when it is written to."""

    def __init__(self, stream: Any, output: Output):
        self._stream, self._output = stream, output

    def write(self, text: Any) -> Any:
        """Write, and tell."""
        self._output.seen = True
        return self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _pays(x: Any) -> bool:
    backend = backend_of(x)
    return backend is None or backend.name in _PAYS


def _same(one: Any, other: Any) -> bool:
    """Whether two results are the same to the bit, as far as the host can tell for nothing."""
    (left, structure), (right, same) = trees.flatten(one), trees.flatten(other)
    if structure != same:
        return False
    return all(type(a) is type(b) and _equal(a, b) for a, b in zip(left, right, strict=True))


def _equal(a: Any, b: Any) -> bool:
    if not hasattr(a, "shape"):
        return bool(a == b or (a != a and b != b))
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    found = (a == b) | ((a != a) & (b != b))
    return bool(found.all())
