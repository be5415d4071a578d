"""The functions that differentiate, read from the tables of the library, each tried out.

No name is listed by hand: `SECTIONS` says where the tables are. Nothing here needs Sphinx; the
directives are in `coverage_pages`.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from arguments import FORMS, choices, distributed, scalars
from trying import WRONG, Tried, try_function

from anygrad.ops import ROWS
from anygrad.tracing.functions import FFT, LINALG
from anygrad.tracing.namespace import STANDARD
from anygrad.tracing.protocols import _ANSWERED, ALIASES, FUNCTIONS, UFUNCS
from anygrad.tracing.rebinding import arrays, numbers
from anygrad.tracing.rebinding.libraries import SCIPY_TABLES, cupy_twins
from anygrad.tracing.ufunc_methods import METHODS
from anygrad.tracing.ufuncs import operation_of_scipy

HEADS = ["function", "forward", "reverse", "higher", "batches", "complex", "kind"]
DISPATCHED = (type(np.sum), np.ufunc)


class Section(NamedTuple):
    """One table: its title, the functions by name, and those of the module without a rule.

    ``given(name)`` are the arguments to try; functions that are ``real`` take no complex numbers.
    """

    title: str
    functions: dict[str, Callable[..., Any]]
    missing: list[str]
    given: Callable[[str], Iterator[tuple[Any, ...]]] = choices
    real: bool = False


def rows_of(section: Section) -> dict[str, Tried]:
    """What each function of a section does; an alias is tried once."""
    done: dict[int, Tried] = {}
    rows = {}
    for name, function in section.functions.items():
        if id(function) not in done:
            form = FORMS.get(name, lambda f: f)(function)
            found = try_function(form, section.given(name), name, real=section.real)
            done[id(function)] = with_refusals(found, row_of(name))
        rows[name] = done[id(function)]
    return rows


def with_refusals(tried: Tried, row: Any) -> Tried:
    """The kind, with the operands that no formula gives the derivative by."""
    if row is None or " not by " in tried.kind or tried.kind != "differentiable":
        return tried
    words = "".join(f", not by argument {k + 1}" for k in range(len(row.rules)) if row.refuses(k))
    return tried._replace(kind=tried.kind + words)


def row_of(name: str) -> Any:
    """The row of an elementwise function, which tells where it is smooth."""
    return ROWS.get(ALIASES.get(name, name))


def sections() -> Iterator[Section]:
    """All tables, in the order of the page; of SciPy those parts that can be imported."""
    for module in (np, np.linalg, np.fft):
        yield numpy_section(module)
    for name in SCIPY_TABLES:
        if name.startswith("scipy."):
            module = imported(name)
            if module is not None:
                yield scipy_section(name, module)
    yield from distributions()
    yield Section("math", math_functions(), [], lambda _: scalars())


def imported(name: str) -> Any:
    """The module, where it is installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def public(module: Any) -> list[str]:
    return sorted(name for name in dir(module) if not name.startswith("_"))


def numpy_section(module: Any) -> Section:
    """NumPy's dispatched functions and ufuncs; those that only make arrays are listed apart."""
    made = set(creation())
    found = {name: getattr(module, name) for name in public(module)}
    found = {name: f for name, f in found.items() if isinstance(f, DISPATCHED)}
    known = {name: f for name, f in found.items() if f in FUNCTIONS or f in UFUNCS}
    missing = [name for name in found if name not in known and name not in made | answered()]
    tried = {name: f for name, f in known.items() if name not in EMPTY}
    return Section(module.__name__, tried, missing)


EMPTY = ("empty_like",)  # nothing of its values can be compared


def scipy_section(name: str, module: Any) -> Section:
    """Ufuncs of scipy.special ask by themselves, the other functions are reached by rebinding."""
    originals = {id(original) for original, _ in SCIPY_TABLES[name](module)}
    table = {ufunc for ufunc in UFUNCS if isinstance(ufunc, np.ufunc)}
    found = {n: getattr(module, n) for n in module.__all__}
    found = {n: f for n, f in found.items() if callable(f) and not isinstance(f, type)}
    known = {n: f for n, f in sorted(found.items()) if id(f) in originals or _asks(f, table)}
    missing = sorted(n for n, f in found.items() if n not in known)
    return Section(name, known, missing)


def _asks(f: Any, table: set[Any]) -> bool:
    return isinstance(f, np.ufunc) and (f in table or operation_of_scipy(f) is not None)


def distributions() -> Iterator[Section]:
    """Methods of distributions of scipy.stats, which are looked up where they are called."""
    known = imported("anygrad.tracing.functions.distributions")
    stats = imported("scipy.stats")
    if known is not None and stats is not None:
        pairs = [(kind, name) for kind, name in known.DISTRIBUTIONS if hasattr(stats, kind)]
        methods = {f"{k}.{name}": getattr(getattr(stats, k), name) for k, name in sorted(pairs)}
        yield Section("scipy.stats", methods, [], distributed, real=True)


def math_functions() -> dict[str, Callable[..., Any]]:
    """Those of `math` that take traced numbers on."""
    twins = {id(original) for original, _ in numbers.math_twins(math)}
    return {name: getattr(math, name) for name in public(math) if id(getattr(math, name)) in twins}


def creation() -> list[str]:
    """NumPy's functions that make arrays, which take traced values once their twins run."""
    twins = {id(original) for original, _ in arrays.creation_twins(np)}
    return [name for name in public(np) if id(getattr(np, name)) in twins]


def answered() -> set[str]:
    """Questions that the value of a traced array answers."""
    return {name for name in public(np) if _is_in(getattr(np, name), _ANSWERED)}


def _is_in(f: Any, group: set[Any]) -> bool:
    return isinstance(f, DISPATCHED) and f in group


def standard_names() -> list[str]:
    """The names of the Array API standard, where the package that keeps to it is installed."""
    strict = imported("array_api_strict")
    if strict is None:
        return []
    main = [n for n in strict.__all__ if hasattr(np, n) and callable(getattr(strict, n))]
    main = [name for name in main if not hasattr(getattr(strict, name), "_np_dtype")]
    parts = [f"{part}.{n}" for part in ("linalg", "fft") for n in getattr(strict, part).__all__]
    return sorted(main) + sorted(parts)


def has_rule(name: str) -> bool:
    """Whether traced arrays take a name of the standard to a row or a function of rows."""
    part, _, last = name.rpartition(".")
    return last in {"": STANDARD, "linalg": LINALG, "fft": FFT}[part]


# Methods of ufuncs --------------------------------------------------------------------------------


def ufunc_methods() -> dict[str, dict[str, Tried]]:
    """The ufuncs of two numbers: what each of their methods does."""
    found = {f.__name__: f for f in UFUNCS if getattr(np, f.__name__, None) is f}
    binary = {n: f for n, f in found.items() if (f.nin, f.nout, f.signature) == (2, 1, None)}
    numeric = {n: f for n, f in binary.items() if "dd->d" in f.types or "dd->?" in f.types}
    methods = [name for name in METHODS if name != "__call__"]
    return {
        name: {method: try_method(ufunc, method) for method in methods}
        for name, ufunc in sorted(numeric.items())
    }


def try_method(ufunc: Any, method: str) -> Tried:
    """One method, at arguments in its own form."""
    v, w = np.array([0.31, 0.82, 0.47, 0.66]), np.array([0.52, 0.24])
    forms: dict[str, tuple[Any, ...]] = {
        "outer": (v, w),
        "reduceat": (v, [0, 2]),
        "at": (v, [1, 3, 1], np.array([0.52, 0.24, 0.71])),
    }
    function = getattr(ufunc, method)
    return try_function(function, iter([forms.get(method, (v,))]), ufunc.__name__)


def in_a_word(tried: Tried) -> str:
    """A method in one cell: "yes" where nothing is refused."""
    if tried.kind.startswith("not tried"):
        return "–"
    if tried.kind.startswith("refused"):
        return "refused"
    if WRONG in tried.cells:
        return WRONG
    return tried.kind if tried.kind == "constant" else "yes"


# CuPy ---------------------------------------------------------------------------------------------

KERNELS, REBINDING, LEFT = "kernels", "rebinding", "left out"


def cupy_names(cupy: Any) -> dict[str, list[str]]:
    """CuPy's names, by the way that they reach the rows; left out are those that raise.

    Functions that take no arrays of numbers, as NumPy's of the same names tell, are no one's.
    """
    twins = {id(original) for original, _ in cupy_twins(cupy)}
    ways: dict[str, list[str]] = {KERNELS: [], REBINDING: [], LEFT: []}
    for prefix, part, same in (
        ("", cupy, np),
        ("linalg.", cupy.linalg, np.linalg),
        ("fft.", cupy.fft, np.fft),
    ):
        for name in public(part):
            function = getattr(part, name)
            if isinstance(function, type) or not callable(function):
                continue
            if asks(cupy, function):
                ways[KERNELS].append(prefix + name)
            elif id(function) in twins and is_known(prefix, name):
                ways[REBINDING].append(prefix + name)
            elif isinstance(getattr(same, name, None), DISPATCHED):
                ways[LEFT].append(prefix + name)
    return ways


def is_known(prefix: str, name: str) -> bool:
    """Whether a twin of this name goes to a rule, makes an array or is answered."""
    own = not prefix and name in {*creation(), *answered(), "shape", "ndim", "size"}
    return own or has_rule(prefix + ALIASES.get(name, name))


def asks(cupy: Any, function: Any) -> bool:
    """Whether a function is a kernel that asks its operands, and is answered."""
    kernel = isinstance(function, cupy.ufunc)
    return kernel and function.name.removeprefix("cupy_") in {*STANDARD, *ALIASES}
