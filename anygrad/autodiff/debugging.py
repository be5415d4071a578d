"""``debug_nans``: the first operation that makes a nan or infinity raises, with its line."""

from __future__ import annotations

from anygrad.config import use_settings
from anygrad.errors import ArgumentError, describe


class debug_nans(use_settings):
    """Raise at the first operation, forward or backward, that makes a value that is not finite.

    For a with-block or a decorated function. It holds for the transformations called inside
    (`grad`, `vjp` and its pullback, `jvp`, `vmap`, `jacobian`, ..., nested and with rules of one's
    own), in the same thread and asyncio task; a block opened inside a function that is being
    differentiated already comes too late. The error names the operation, the pass, the element, the
    operands there, and the file and line of the user's code: in the backward pass, the line of the
    operation that is pulled back. ``ag.configure(debug_nans="all")`` and the environment variable
    ``ANYGRAD_DEBUG_NANS=all`` (or ``nan``) do the same for a whole process.

    Every operation takes the slow way, keeps its operands, and asks the device whether its result
    is finite, which waits for a GPU. Outside the block nothing is slower.

    Parameters
    ----------
    infinities : bool
        Look for infinities, too. An infinity that was passed in may go through operations (a mask
        of -inf); a nan may not.

    Raises
    ------
    NonFiniteError
        From the operation; its ``line`` holds file, number, function and source of the line.
    ArgumentError
        If ``infinities`` is not True or False.

    Examples
    --------
    >>> import numpy as np
    >>> import anygrad as ag
    >>> with ag.debug_nans():
    ...     ag.grad(lambda x: np.sqrt(x * 0.0))(4.0)
    Traceback (most recent call last):
        ...
    anygrad.errors.NonFiniteError: sqrt (backward): got inf at index () of the cotangent of ...
    """

    def __init__(self, *, infinities: bool = True) -> None:
        if not isinstance(infinities, bool):
            message = f"debug_nans(infinities): got {describe(infinities)}; expected True or False."
            raise ArgumentError(message)
        super().__init__(debug_nans="all" if infinities else "nan")
