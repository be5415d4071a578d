"""Names that the examples in docstrings may use without importing them."""

import numpy
import pytest

import anygrad


@pytest.fixture(autouse=True)
def _names_of_examples(doctest_namespace):
    doctest_namespace["np"] = numpy
    doctest_namespace["ag"] = anygrad
