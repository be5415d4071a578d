"""What the tests of numerical derivatives share."""

import pytest


@pytest.fixture
def quick_xp(xp, request):
    """Without JAX, which compiles some hundred operations for every new shape, except in slow runs."""
    if xp.name == "jax" and not request.config.getoption("--slow"):
        pytest.skip("JAX compiles every operation for every shape; runs with --slow")
    return xp
