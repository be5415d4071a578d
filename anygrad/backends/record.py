"""What anygrad knows about one array library: the `Backend` record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from anygrad.backends.types import Array, Device, Namespace

__all__ = ["Backend"]


@dataclass(frozen=True)
class Backend:
    """One array library: how to recognise its arrays, load it, and move data.

    Everything in which libraries differ is a field here, so that no other file names one.

    Attributes
    ----------
    name : str
        What users write, ``"cupy"``.
    package : str
        The module to import.
    extra : str, callable returning str, or None
        The extra of this distribution that installs the package; None if nothing is to install.
    load : callable
        Returns the Array API namespace. Raises MissingPackageError if the package is absent and
        BackendError if it cannot be imported. Needs no device.
    owns : callable
        Whether a class is an array class of this library; must not import the library.
    devices : callable
        The usable devices in words, one string each. Creates no context on any of them. Raises
        BackendError with the reason when there is none.
    find_device : callable
        Turns what a user calls a device into the library's own; BackendError if there is none such.
    device_of : callable
        The device an array lives on; devices compare with ``==``.
    to_device : callable
        Copies an array to another device of the same library, without passing the host's eyes.
    to_host : callable
        The explicit copy to a NumPy array.
    from_host : callable
        ``from_host(a, device)``: a NumPy array becomes an array on ``device`` (None: the current
        one).
    version : callable
        The library's version, without loading more than its metadata.
    writable : bool
        Whether arrays may be written in place.
    is_scalar : callable
        Whether a class is a host scalar of this library, which may meet any library's arrays.
    on_device : callable or None
        A with-block around computations with arrays of a device: makes it current, for libraries
        that compute on a current device; turns off what the library would record of its own.
    host_dot : callable or None
        ``sum(conj(x) * y)`` as a Python number, for libraries whose values are on the host anyway;
        it returns None for what it does not take (integers, traced arrays).
    operators_defer : bool
        Whether the operators of its arrays leave unknown operands to those operands' own operators,
        as Python asks. Where they raise instead, traced values are put on the left.
    quick : mapping
        Shorter ways to functions of the namespace, by row name, in the rows' own signatures.
    add_at : callable or None
        ``add_at(out, key, x)``: ``out[key] += x`` in place, adding each time where integer arrays
        repeat an index; returns the sum, which is ``out`` itself where arrays are writable. None:
        the standard has nothing for it, a slower general way serves.
    atomic : bool
        Whether `add_at` adds in no fixed order, so that its last digits differ from run to run.
    set_at : callable or None
        ``set_at(x, key, value)``: ``x`` with ``x[key] = value``, as a new array, for libraries
        whose arrays are not writable.
    writes : callable or None
        How often an array was written, for libraries that count that.
    compiles : bool
        Whether each operation is compiled for every new shape, so that long chains of them on small
        arrays are better carried out on the host.
    special : callable or None
        Returns the namespace of the library's special functions (``scipy.special`` for NumPy),
        under SciPy's names. Raises MissingPackageError if it is a package of its own and absent.
    solve_triangular : callable or None
        ``solve_triangular(a, b, lower)``: the system a y = b with one triangle of ``a``, or None
        for what it does not take; then a general solver serves.
    sparse : callable or None
        Returns the module with the class of compressed rows that goes with the arrays, called
        ``csr_array`` or ``csr_matrix``. Raises MissingPackageError if that package is absent.
    plain : callable or None
        The same array without the library's own record of derivatives, for libraries that keep one.
    records : callable or None
        Whether the library itself writes down what is computed from an array, for derivatives or
        for a compiler of its own; a compiled function leaves such arrays to it.
    place_key : callable or None
        What is equal for arrays on one device, and quicker to have than the device itself.
    memory_of : callable or None
        What an array has its memory from, as something to compare: equal for arrays that may share
        an element.
    random_state : callable or None
        The state of the library's random numbers on the host, as something to compare.
    jit : callable or None
        ``jit(f)``: a function of arrays compiled by the library itself, which calls ``f`` once for
        each kind of arguments, with values that are not known.
    """

    name: str
    package: str
    extra: str | Callable[[], str] | None
    load: Callable[[], Namespace]
    owns: Callable[[type], bool]
    devices: Callable[[], list[str]]
    find_device: Callable[[Any], Device]
    device_of: Callable[[Array], Device]
    to_device: Callable[[Array, Device], Array]
    to_host: Callable[[Array], Any]
    from_host: Callable[[Any, Device], Array]
    version: Callable[[], str]
    writable: bool = True
    is_scalar: Callable[[type], bool] = lambda kind: False
    on_device: Callable[[Device], AbstractContextManager] | None = None
    host_dot: Callable[[Any, Any], complex | None] | None = None
    operators_defer: bool = True
    quick: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    add_at: Callable[[Array, Any, Array], Array] | None = None
    atomic: bool = False
    set_at: Callable[[Array, Any, Any], Array] | None = None
    writes: Callable[[Array], int] | None = None
    compiles: bool = False
    special: Callable[[], Namespace] | None = None
    solve_triangular: Callable[[Array, Array, bool], Array | None] | None = None
    sparse: Callable[[], Namespace] | None = None
    plain: Callable[[Array], Array] | None = None
    jit: Callable[[Callable[..., Any]], Callable[..., Any]] | None = None
    records: Callable[[Array], bool] | None = None
    place_key: Callable[[Array], Any] | None = None
    memory_of: Callable[[Array], Any] | None = None
    random_state: Callable[[], Any] | None = None
