"""The page of functions that differentiate: what its cells say is so, and a fault would show."""

import sys
from pathlib import Path

import numpy as np
import pytest

import anygrad as ag

EXTENSIONS = str(Path(__file__).parents[1] / "docs" / "_ext")
sys.path.insert(0, EXTENSIONS)
try:
    import arguments
    import covered
    import trying
finally:
    sys.path.remove(EXTENSIONS)


@pytest.fixture(scope="module")
def numpy_rows():
    section = covered.numpy_section(np)
    wanted = ("sin", "argmax", "maximum", "unique", "copyto", "digitize", "where", "bitwise_and")
    functions = {name: section.functions[name] for name in wanted}
    return covered.rows_of(section._replace(functions=functions))


ALL = ["yes"] * 5


@pytest.mark.parametrize(
    ("name", "cells"),
    {
        "sin": [*ALL, "differentiable"],
        "where": [*ALL, "differentiable"],
        "maximum": [*ALL, "differentiable"],
        "copyto": [*ALL, "differentiable"],
        "unique": ["yes", "yes", "yes", "refused", "refused", "differentiable"],
        "argmax": ["–", "–", "–", "yes", "–", "constant"],
        "digitize": ["–", "–", "–", "yes", "–", "constant"],
        "bitwise_and": ["–", "–", "–", "–", "–", "of whole numbers: no derivative"],
    }.items(),
)
def test_known_functions_of_numpy_have_known_cells(numpy_rows, name, cells):
    assert numpy_rows[name].cells == cells


def tried(module, name):
    section = module if isinstance(module, covered.Section) else covered.numpy_section(module)
    functions = {name: section.functions[name]}
    return covered.rows_of(section._replace(functions=functions))[name]


def test_solving_differentiates_in_every_way():
    assert tried(np.linalg, "solve").cells == [*ALL, "differentiable"]


def test_special_functions_name_the_operand_without_a_derivative():
    special = pytest.importorskip("scipy.special", reason="SciPy is not installed")
    section = covered.scipy_section("scipy.special", special)
    assert tried(section, "erf").reverse == "yes"
    assert tried(section, "jv").kind == "differentiable, not by argument 1"
    assert "mathieu_a" in section.missing


def test_numbers_of_math_differentiate():
    (section,) = (s for s in covered.sections() if s.title == "math")
    assert tried(section, "sin").cells[:3] == ["yes"] * 3
    assert tried(section, "floor").kind == "constant"


def test_names_without_a_rule_have_none():
    missing = covered.numpy_section(np).missing
    assert "histogram2d" in missing
    assert not {"sin", "zeros", "allclose"} & set(missing)
    with pytest.raises(ag.errors.MissingRuleError, match="histogram2d"):
        ag.grad(lambda x: np.sum(np.histogram2d(x, x)[0]))(np.array([0.1, 0.2]))


def test_methods_of_ufuncs_are_found():
    row = covered.try_method(np.add, "at")
    assert covered.in_a_word(row) == "yes"
    assert covered.in_a_word(covered.try_method(np.power, "reduce")) == "refused"
    assert covered.in_a_word(covered.try_method(np.greater, "outer")) == "constant"


def test_every_name_of_the_standard_is_there():
    pytest.importorskip("array_api_strict", reason="array-api-strict is not installed")
    names = covered.standard_names()
    assert {"sin", "linalg.solve", "fft.fft"} <= set(names)
    assert not covered.has_rule("finfo")
    assert covered.has_rule("linalg.solve")


def test_names_of_cupy_are_told_apart():
    cupy = pytest.importorskip("cupy", reason="CuPy is not installed")
    if "Look" in type(cupy).__name__ or not hasattr(cupy, "ufunc"):
        pytest.skip("the look-alike of CuPy has no kernels")
    ways = covered.cupy_names(cupy)
    assert "sin" in ways[covered.KERNELS]
    assert {"einsum", "linalg.solve"} <= set(ways[covered.REBINDING])
    assert "histogram2d" in ways[covered.LEFT]


# A table that cannot say no says nothing.


def planted(factor):
    @ag.custom_vjp
    def f(x):
        return np.sin(x)

    f.defvjp(lambda x: (np.sin(x), x), lambda x, g: (factor * g * np.cos(x),))
    return f


def test_a_wrong_derivative_is_called_wrong():
    assert trying.try_function(planted(1.0), arguments.general(), "planted").reverse == "yes"
    row = trying.try_function(planted(1.001), arguments.general(), "planted")
    assert row.reverse == "wrong"
    assert row.trouble


def test_arguments_of_everyone_stay_as_they_are():
    before = arguments.A.copy()
    trying.try_function(np.fill_diagonal, iter([(arguments.A, 0.5)]), "fill_diagonal")
    assert np.array_equal(arguments.A, before)


def test_a_function_without_arguments_is_not_tried():
    def never(x):
        raise ValueError

    assert "not tried" in trying.try_function(never, arguments.general(), "never").kind


# The whole page; seconds.


@pytest.mark.slow
def test_no_cell_of_the_page_is_wrong_and_nothing_is_left_untried():
    trouble = {}
    for section in covered.sections():
        for name, row in covered.rows_of(section).items():
            if row.trouble or "not tried" in row.kind:
                trouble[f"{section.title}.{name}"] = row
    assert trouble == {}


@pytest.mark.slow
def test_no_method_of_a_ufunc_is_wrong():
    found = covered.ufunc_methods()
    wrong = [
        f"{name}.{method}"
        for name, methods in found.items()
        for method, row in methods.items()
        if row.trouble
    ]
    assert wrong == []


def test_accumulated_truth_is_truth():
    assert covered.try_method(np.logical_and, "accumulate").trouble == ""
