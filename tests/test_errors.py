"""Every error is ours and a builtin; messages never read the values of an array."""

import inspect

import numpy as np
import pytest

from anygrad import errors
from anygrad.errors import describe, suggest

BUILTIN_OF = {
    "ArgumentError": ValueError,
    "ShapeError": ValueError,
    "DTypeError": TypeError,
    "SettingsError": ValueError,
    "BackendError": RuntimeError,
    "MissingPackageError": ImportError,
    "MixedBackendError": TypeError,
    "HostTransferError": TypeError,
    "TraceError": TypeError,
    "MissingRuleError": NotImplementedError,
    "NonFiniteError": ArithmeticError,
    "GradientError": AssertionError,
    "EvaluationError": RuntimeError,
}


def exceptions():
    classes = [kind for _, kind in inspect.getmembers(errors, inspect.isclass)]
    return [
        kind
        for kind in classes
        if issubclass(kind, Exception) and kind.__module__ == "anygrad.errors"
    ]


@pytest.mark.parametrize(("name", "builtin"), BUILTIN_OF.items())
def test_an_error_is_ours_and_a_builtin(name, builtin):
    with pytest.raises(builtin, match="words"):
        raise getattr(errors, name)("words")
    assert issubclass(getattr(errors, name), errors.AnygradError)


def test_every_exception_is_public_and_drawn_in_the_tree():
    for kind in exceptions():
        assert kind.__name__ in errors.__all__
        assert kind.__name__ in errors.__doc__


def test_no_exception_is_left_out_of_this_test():
    left = {kind.__name__ for kind in exceptions()} - set(BUILTIN_OF)
    warnings = {"RetraceWarning", "UnconvergedWarning", "UnusedInputWarning"}
    assert left == {"AnygradError", *warnings}
    assert all(issubclass(getattr(errors, name), UserWarning) for name in warnings)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("cuppy", "Did you mean 'cupy'?"), ("CuPy", "Did you mean 'cupy'?"), ("zzz", ""), (3, "")],
)
def test_suggest_offers_the_nearest_name_only(name, sentence):
    assert suggest(name, ["cupy", "numpy", "strict"]) == sentence


def test_describe_tells_shape_dtype_and_device(xp):
    text = describe(xp.asarray([[1.0, 2.0]]))
    assert "shape (1, 2)" in text
    assert "float64" in text
    assert (str(xp.device) in text) == (str(xp.device) != "cpu")


def test_describe_reads_no_value_of_an_array_in_a_container(xp):
    # reading one would raise on the strict device
    x = xp.asarray(1.0)
    assert describe([x, x]) == "a list of length 2"
    assert describe({"w": x}) == "a dict of length 1"
    assert describe({"w": [1.0]}) == "a dict of length 1"


def test_describe_shortens_what_is_long():
    assert describe([1, 2, 3]) == "[1, 2, 3]"
    assert describe(list(range(11))) == "a list of length 11"
    assert len(describe("x" * 1000)) == 80


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.5, "1.5"),
        (None, "None"),
        (dict, "the class dict"),
        (np.float32(2), "numpy scalar array of shape () and dtype float32"),
        ((), "()"),
        (object(), "a object"),
    ],
)
def test_describe_other_values(value, text):
    assert describe(value) == text
