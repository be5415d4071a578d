"""With ``--kernels always`` these tests compare kernels with NumPy bit for bit."""

import pytest

import anygrad as ag
from anygrad.compiler.targets.native import bodies, operations

EXACT = (1.0, 2.0, 0.5, -1.0)
"""Exponents for which NumPy multiplies, divides or takes the square root, too."""


@pytest.fixture(autouse=True)
def exact_kernels(request, monkeypatch):
    """Functions such as exp, of which kernels and NumPy round in different ways, are NumPy's.

    How far they may differ, alone and in the middle of programs, is tested in ``native``.
    """
    if request.config.getoption("--kernels") != "always" or "native" in request.path.parts:
        yield
        return
    operations._decide.cache_clear()
    monkeypatch.setattr(operations, "FUNCTIONS", {})
    monkeypatch.setattr(bodies, "FUNCTIONS", {})
    powers = {exponent: operations.POWERS[exponent] for exponent in EXACT}
    monkeypatch.setattr(operations, "POWERS", powers)
    yield
    operations._decide.cache_clear()


@pytest.fixture
def numpy_only():
    """For tests of what is printed for NumPy, its tiles and chunks: kernels would replace it."""
    with ag.use_settings(kernels="off"):
        yield
