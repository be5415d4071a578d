"""Whether rewritten code does what it should on this Python: tried once, where it is a new one.

Bytecode differs between versions of Python. Those of `TESTED` run the whole test suite; on any
other a sample with every kind of load is rewritten and run before the first function of a user's.
"""

from __future__ import annotations

import functools
import math
import sys
import types
import warnings
from typing import Any

from anygrad.tracing.rebinding.rewriting import rewrite

TESTED = ((3, 11), (3, 12), (3, 13))


@functools.cache
def is_trusted() -> bool:
    """Whether rebinding can be used; where not, a warning says so once."""
    if sys.version_info[:2] in TESTED:
        return True
    try:
        right = _passes()
    except Exception:
        right = False
    if not right:
        version = ".".join(map(str, sys.version_info[:2]))
        message = (
            f"rebinding does not work on Python {version} yet: np.array([x[0], x[1]]), float(x) "
            f"and the like raise. Use Python 3.{TESTED[0][1]} to 3.{TESTED[-1][1]}, or set "
            "rebind=False (ag.configure)."
        )
        warnings.warn(message, RuntimeWarning, stacklevel=2)
    return right


def _helper(a: float, *, b: float = 1.0) -> float:
    return a + b


class _Thing:
    value = 2.0

    def method(self, a: float) -> float:
        return self.value * a

    def __call__(self, a: float, b: float) -> float:
        return self.method(a) - b


def _sample(thing: Any, a: float) -> float:
    from math import sqrt

    total = float(a) + _helper(a, b=2.0) + math.floor(a) + thing.method(a) + thing(a, 1.0)
    for k in range(3):
        try:
            total += [a, a][k] + (lambda t: float(t))(a)
        except IndexError:
            total += float("1.5")
    values = [float(t) for t in (a, a)]
    return total + sqrt(4.0) + sum(values) + (thing.value if isinstance(a, float) else 0.0)


def _passes() -> bool:
    code = rewrite(_sample.__code__)
    if code is _sample.__code__:
        return False
    copy = types.FunctionType(code, _sample.__globals__)
    return copy(_Thing(), 0.75) == _sample(_Thing(), 0.75)
