"""Trees that several files clip."""

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from anygrad import trees
from tests.support import to_host

elements = st.floats(-1e6, 1e6, allow_subnormal=False)
vectors = arrays(np.float64, st.integers(1, 6), elements=elements)
gradients = st.fixed_dictionaries({"w": vectors, "deep": st.tuples(vectors, vectors)})
limits = st.floats(1e-6, 1e6)
few = settings(max_examples=40)  # an example takes milliseconds


def flat(tree):
    """All elements in one vector on the host."""
    return np.concatenate([np.ravel(to_host(leaf)) for leaf in trees.leaves(tree)])


def waves(*shape, frequency=1.0):
    """The sine of 1, 2, 3, ... times the frequency: numbers that peers were given too."""
    return np.sin(frequency * np.arange(1.0, np.prod(shape, dtype=int) + 1)).reshape(shape)
