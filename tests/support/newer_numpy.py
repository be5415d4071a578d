"""Tests that compare with what NumPy itself has, or does right, only since some version."""

import numpy as np

SINCE = {
    (2, 2): (
        "test_assembling.py::test_complex_values[insert at a mask",
        "test_assembling.py::test_orders_of_memory[A",
        "test_assembling.py::test_orders_of_memory[C",
        "test_assembling.py::test_orders_of_memory[F",
        "test_assembling.py::test_spellings_of_numpy[insert at a mask",
        "test_assembling.py::test_trimming_keeps_the_derivative_of_the_rest",
        "test_assembling.py::test_zeros_around_are_trimmed[[[0.0",
        "test_contraction.py::test_every_spelling[matvec",
        "test_contraction.py::test_every_spelling[vecmat",
        "test_contraction.py::test_every_spelling_of_complex_arrays[matvec",
        "test_contraction.py::test_every_spelling_of_complex_arrays[vecmat",
        "test_contraction.py::test_what_is_refused[<lambda>-ShapeError-one length1]",
        "test_contraction.py::test_what_is_refused[<lambda>-ShapeError-one length2]",
        "test_fft.py::test_transforms_of_numpy[rfftn (2, 5, 3) (1, 1, 0)",
        "test_quantiles.py::test_a_smallest_element_of_no_weight_is_no_quantile",
    ),
    (2, 4): (
        "test_assembling.py::test_pads_by_name_of_axis_and_of_one_element",
        "test_linalg.py::test_complex_matrices[cond 1]",
        "test_linalg.py::test_complex_matrices[cond fro]",
    ),
}
"""The version, and the beginnings of the names of tests."""

HERE = tuple(int(part) for part in np.__version__.split(".")[:2])


def needed_for(test: str) -> str:
    """The NumPy that a test needs and that is not here, in words; empty if there is none."""
    name = test.rpartition("/")[2]
    missing = [since for since, starts in SINCE.items() if since > HERE and name.startswith(starts)]
    return f"NumPy {missing[0][0]}.{missing[0][1]}" if missing else ""
