"""Rebinding: what no protocol sees is reached by running a copy of the user's function.

Protocols hand ``np.sin(x)`` over, but nobody asks a traced array when ``np.array([x[0], x[1]])``,
``z = np.zeros(n); z[i] = x[i]``, ``float(x)``, ``math.sin(x)`` or ``A.dot(x)`` meets it. So a
function that is differentiated runs as a copy of its code in which such names are looked up through
`twins`: read live from the user's own module, and replaced by a function that takes traced values.
The copy shares globals, closure cells and attributes with the original; nothing is patched, and
functions that the code calls from the user's own modules are reached in the same way.
"""

from anygrad.tracing.rebinding.entry import rebind
from anygrad.tracing.rebinding.explaining import Explanation, Replaced, explain

__all__ = ["Explanation", "Replaced", "explain", "rebind"]
